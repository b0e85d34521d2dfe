//! Reads the command lines of programs that run another program, such as `sudo`, `timeout` and `bash -c`.

use super::command_words::{CommandWord, CommandWords, FlagKind};
use super::program::{file_name, is_one_of};
use super::shell_tokens::is_assignment;

/// A program whose command line ends with another program's command line.
struct Wrapper {
    names: &'static str,
    flags: [(&'static str, FlagKind); 2],
    /// The number of the wrapper's own words before the command, such as one for `timeout DURATION`.
    own_words: usize,
    command: CommandForm,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CommandForm {
    Words,
    /// The words are joined into one text, which a shell runs.
    JoinedWords,
    /// The command is only in a flag's value.
    InFlag,
}

/// The command that a wrapper runs.
pub(super) enum WrappedCommand {
    /// The variables that the wrapper sets, and the words of the command.
    Words(Vec<String>, Vec<String>),
    /// The text of a shell command.
    Text(String),
}

/// Tells whether a program with this name runs other programs.
pub(super) fn is_wrapper(name: &str) -> bool {
    is_one_of(SHELLS, name) || is_one_of(RUNNERS, name) || WRAPPERS.iter().any(|wrapper| is_one_of(wrapper.names, name))
}

/// Returns the command that a wrapper at the start of `words` runs.
pub(super) fn wrapped(words: &[String]) -> Option<WrappedCommand> {
    let (program, arguments) = words.split_first()?;
    let name = file_name(program);
    let mut wrappers = WRAPPERS.iter().filter(|wrapper| is_one_of(wrapper.names, &name));
    let script = || match name.as_str() {
        "cmd" => joined_script(arguments, |flag| matches!(flag, "/c" | "/k")),
        "powershell" | "pwsh" => joined_script(arguments, |flag| {
            flag.strip_prefix(['-', '/']).is_some_and(|flag| !flag.is_empty() && "command".starts_with(flag))
        }),
        _ => script(arguments).filter(|_| is_one_of(SHELLS, &name)).map(str::to_owned),
    };
    wrappers.find_map(|wrapper| wrapper.command_in(arguments)).or_else(|| script().map(WrappedCommand::Text))
}

impl Wrapper {
    fn command_in(&'static self, arguments: &[String]) -> Option<WrappedCommand> {
        let mut reader = CommandWords::new(arguments, &self.flags);
        let (mut own_words, mut variables) = (0, Vec::new());
        loop {
            match reader.next()? {
                CommandWord::Value(FlagKind::Script, text) => return Some(WrappedCommand::Text(text.to_owned())),
                CommandWord::Value(..) | CommandWord::Switch(_) | CommandWord::Positional("-") => {}
                CommandWord::Positional(word) if is_assignment(word) => variables.push(word.to_owned()),
                CommandWord::Positional(_) if own_words < self.own_words => own_words += 1,
                CommandWord::Positional(_) => break,
            }
        }
        let command = &arguments[arguments.len() - reader.rest().len() - 1..];
        match self.command {
            CommandForm::Words => Some(WrappedCommand::Words(variables, command.to_vec())),
            CommandForm::JoinedWords => Some(WrappedCommand::Text(command.join(" "))),
            CommandForm::InFlag => None,
        }
    }

    const fn own_words(self, own_words: usize) -> Self {
        Self { own_words, ..self }
    }

    const fn joined(self) -> Self {
        Self { command: CommandForm::JoinedWords, ..self }
    }

    const fn text_in(self, flags: &'static str) -> Self {
        Self { flags: [self.flags[0], (flags, FlagKind::Script)], ..self }
    }

    const fn only_in_flag(self) -> Self {
        Self { command: CommandForm::InFlag, ..self }
    }
}

/// Returns the text after a shell's `-c`. Other letters may precede the `c`, as in `bash -eo pipefail -lc 'docker push
/// x'`.
fn script(arguments: &[String]) -> Option<&str> {
    let mut options = arguments.iter();
    while let Some(letters) = options.next()?.strip_prefix('-').filter(|letters| !letters.starts_with('-')) {
        if letters.contains('c') {
            return options.next().map(String::as_str);
        }
        if letters.ends_with('o') {
            options.next();
        }
    }
    None
}

/// Returns all words after a flag of a shell of Windows, which joins them. Upper and lower case are the same.
fn joined_script(arguments: &[String], is_flag: impl Fn(&str) -> bool) -> Option<String> {
    let at = arguments.iter().position(|word| is_flag(&word.to_ascii_lowercase()))?;
    Some(arguments[at + 1..].join(" ")).filter(|text| !text.is_empty())
}

pub(super) const SHELLS: &str = "ash bash busybox cmd dash fish ksh mksh nu powershell pwsh sh zsh";

/// Wrappers whose command lines are not read, because the wrapped programs may be named only in files.
const RUNNERS: &str =
    "aws-vault direnv doppler dotenv ensign find gmake just make ninja npm op parallel pnpm task yarn";

/// Sources: the manual pages of coreutils, findutils, util-linux, procps, sudo, opendoas, strace, ltrace, systemd.
const WRAPPERS: &[Wrapper] = &[
    wrapper("! builtin busybox command nohup setsid", ""),
    wrapper("catatonit chronic", ""),
    wrapper("chroot", "--groups --userspec").own_words(1),
    wrapper("chrt", "-D --sched-deadline -P --sched-period -T --sched-runtime").own_words(1),
    wrapper("doas", "-C -a -u"),
    wrapper("dumb-init", "-r --rewrite"),
    wrapper("env", "-C --chdir -S --split-string -a --argv0 -u --unset"),
    wrapper("exec", "-a"),
    wrapper("flock", "-E --conflict-exit-code -w --timeout --wait").own_words(1).text_in("-c --command"),
    wrapper("ionice", "-P --pgid -c --class -n --classdata -p --pid -u --uid"),
    wrapper("ltrace", "-A -D --debug -F --config -a --align -e -l --library -n --indent -o --output -p -s -u -w -x"),
    wrapper("nice", "-n --adjustment"),
    wrapper("nsenter", "-G --setgid -S --setuid -W --wdns -t --target"),
    wrapper("pkexec", "-u --user"),
    wrapper(
        "rootlesskit",
        "--cgroupns --cidr --copy-up --mtu --net --port-driver -p --publish --slirp4netns-binary --state-dir",
    ),
    wrapper("runuser su", "-G --supp-group -g --group -s --shell -w --whitelist-environment")
        .own_words(1)
        .text_in("-c --command --session-command")
        .only_in_flag(),
    // After `runuser -u`, a command follows, and `-c` is not allowed.
    wrapper("runuser", "-G --supp-group -g --group -s --shell -u --user -w --whitelist-environment"),
    wrapper(
        "script",
        "-B --log-io -E --echo -I --log-in -O --log-out -T --log-timing -m --logging-format -o --output-limit",
    )
    .own_words(1)
    .text_in("-c --command")
    .only_in_flag(),
    wrapper(
        "setpriv",
        "--ambient-caps --apparmor-profile --bounding-set --egid --euid --groups --inh-caps --landlock-access \
         --landlock-rule --pdeathsig --ptracer --regid --reuid --rgid --ruid --seccomp-filter --securebits \
         --selinux-label",
    ),
    wrapper("stdbuf", "-e --error -i --input -o --output"),
    wrapper(
        "strace",
        "-E --env -I --interruptible -O --summary-syscall-overhead -P --trace-path -S --summary-sort-by -U \
         --summary-columns -X --const-print-style -a --columns -b --detach-on -e --trace --signal --status --inject \
         --fault -o --output -p --attach -s --string-limit -u --user",
    ),
    wrapper(
        "sudo sudo-rs",
        "-C --close-from -D --chdir -R --chroot -T --command-timeout -U --other-user -a --auth-type -c --login-class -g \
         --group -h --host -p --prompt -r --role -t --type -u --user",
    ),
    wrapper(
        "systemd-run",
        "-E --setenv -H --host -M --machine --description --gid --nice --on-active --on-boot --on-calendar --on-startup \
         --on-unit-active --on-unit-inactive -p --property --path-property --service-type --slice --socket-property \
         --timer-property --uid -u --unit --working-directory",
    ),
    wrapper("time", "-f --format -o --output"),
    wrapper("timeout", "-k --kill-after -s --signal").own_words(1),
    wrapper("tini", "-e -p"),
    wrapper(
        "unshare",
        "-G --setgid -R --root -S --setuid --boottime --load-interp --map-group --map-groups --map-user --map-users \
         --monotonic --propagation --setgroups -w --wd",
    ),
    wrapper("watch", "-n --interval -q --equexit -s --shotsdir").joined(),
    wrapper(
        "xargs",
        "-E -I -L --max-lines -P --max-procs -a --arg-file -d --delimiter -n --max-args --process-slot-var -s --max-chars",
    ),
];

const fn wrapper(names: &'static str, flags_with_value: &'static str) -> Wrapper {
    let flags = [(flags_with_value, FlagKind::Other), ("", FlagKind::Script)];
    Wrapper { names, flags, own_words: 0, command: CommandForm::Words }
}
