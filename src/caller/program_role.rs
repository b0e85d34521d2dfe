//! `ProgramRole`: the kind of a program. The kind decides how Ensign reads the program's command line.

use std::ffi::OsStr;
use std::path::Path;

use super::Program;
use super::clients::{self, Grammar};
use super::program::{file_name, is_one_of};
use super::wrappers::{SHELLS, is_wrapper};
use crate::system::ancestors::Process;

pub(super) enum ProgramRole {
    /// A container client with a known grammar.
    Client(&'static Grammar),
    /// A program that runs another program and names no image itself. Docker's plugins are wrappers, because docker's
    /// own command line contains the plugin's words.
    Wrapper,
    /// A long-lived program, whose command line has nothing to do with this request.
    LongLived,
    Unknown,
}

/// The name prefix of credential helpers, and of scripts that call Ensign.
const HELPER: &str = "docker-credential-";

/// The name prefix of Docker's plugins, and of other credential helpers.
const PLUGIN: &str = "docker-";

const INTERPRETERS: &str = "node perl python ruby";

/// Long-lived programs, such as service managers, container daemons, CI agents, build daemons, editors and terminals.
const LONG_LIVED: &str = "\
    cron crond init launchd screen sshd systemd tmux \
    buildkitd com.docker.backend com.docker.build containerd crio dockerd kubelet \
    act_runner buildkite-agent circleci-agent concourse drone-runner-docker gitlab-runner jenkins runner.listener \
    runner.worker bazel gradle gradlew java javaw mvn mvnd \
    clion clion64 code code-insiders code-server codium cursor devenv eclipse electron fleet goland goland64 \
    idea idea64 phpstorm pycharm pycharm64 rider rider64 rustrover webstorm webstorm64 windsurf zed zed-editor";

impl Program {
    /// Reads a process. For the program's name, `exe` is tried before `argv[0]`, because a link may have another name
    /// than its program. `argv[0]` is needed, because `exe` may be unreadable, or `/` after a rootless re-execution.
    /// For an interpreter, the name may be the name of the script.
    pub(crate) fn new(exe: Option<&Path>, argv: Vec<String>) -> Self {
        let names = own_names(exe, &argv);
        let client = names.iter().find_map(|name| clients::canonical_name(name)).map(|name| (name.to_owned(), 0));
        let (name, at) = client
            .or_else(|| script(&names, &argv))
            .or_else(|| names.into_iter().find(|name| !name.is_empty()).map(|name| (name, 0)))
            .unwrap_or_default();
        let mut words = argv.into_iter().skip(at + 1).peekable();
        if let Some(plugin) = name.strip_prefix("docker-") {
            words.next_if(|word| word == plugin); // docker starts its plugin as `docker-buildx buildx …`
        }
        Self { name, args: words.collect(), process: None, variables: Vec::new() }
    }

    /// Reads a typed command, with the variables before the command.
    pub(super) fn typed(words: Vec<String>, variables: Vec<(String, String)>) -> Self {
        Self { variables, ..Self::new(None, words) }
    }

    pub(super) fn role(&self) -> ProgramRole {
        if let Some(client) = clients::find(&self.name) {
            ProgramRole::Client(client)
        } else if self.name.starts_with(PLUGIN) || is_wrapper(&self.name) {
            ProgramRole::Wrapper
        } else if is_one_of(LONG_LIVED, &self.name) || self.name.starts_with("jetbrains") {
            ProgramRole::LongLived
        } else {
            ProgramRole::Unknown
        }
    }
}

impl From<Process> for Program {
    fn from(process: Process) -> Self {
        Self { process: Some(process.id), ..Self::new(process.exe.as_deref(), process.words) }
    }
}

/// Returns the name and the position of an interpreter's script in `argv`, if the script is a client or a helper. A
/// shell script with a client's name is only a wrapper, because the script may start the client with other arguments.
fn script(names: &[String], argv: &[String]) -> Option<(String, usize)> {
    let interpreter = shell_or_interpreter(names)?;
    let (at, path) = script_path(argv)?;
    let name = file_name(path);
    if name.starts_with(HELPER) {
        Some((name, at))
    } else if is_one_of(INTERPRETERS, &interpreter) {
        Some((clients::canonical_name(&name)?.to_owned(), at))
    } else {
        None
    }
}

/// Returns the names that come from `exe` and from `argv[0]`.
fn own_names(exe: Option<&Path>, argv: &[String]) -> Vec<String> {
    let exe = exe.and_then(Path::file_name).and_then(OsStr::to_str);
    exe.into_iter().chain(argv.first().map(String::as_str)).map(file_name).collect()
}

fn shell_or_interpreter(names: &[String]) -> Option<String> {
    let bare = |name: &'_ String| name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned();
    names.iter().map(bare).find(|name| is_one_of(SHELLS, name) || is_one_of(INTERPRETERS, name))
}

/// Returns the script among an interpreter's words, and the script's position.
fn script_path(argv: &[String]) -> Option<(usize, &String)> {
    let is_no_text = |word: &str| !matches!(word, "-c" | "-m" | "-e"); // no script follows these options
    argv.iter().enumerate().skip(1).take_while(|(_, word)| is_no_text(word)).find(|(_, word)| !word.starts_with('-'))
}

/// Returns the possible names of a process. The names come from `exe`, from `argv[0]` and from the path of the script.
pub(super) fn names(process: &Process) -> impl Iterator<Item = String> {
    let own = own_names(process.exe.as_deref(), &process.words);
    let script = shell_or_interpreter(&own).filter(|name| is_one_of(INTERPRETERS, name) || name == "bun");
    let path = script.and_then(|_| script_path(&process.words)).map(|(_, path)| path.as_str()).unwrap_or_default();
    let parts: Vec<String> = path.split(['/', '\\']).map(|part| file_name(part.trim_end_matches(".js"))).collect();
    own.into_iter().chain(parts)
}

/// Tells whether the process is a shell that runs a script with a client's name.
pub(super) fn is_script_of_client(process: &Process) -> bool {
    let names = own_names(process.exe.as_deref(), &process.words);
    shell_or_interpreter(&names).is_some_and(|name| is_one_of(SHELLS, &name))
        && script_path(&process.words).is_some_and(|(_, path)| clients::canonical_name(&file_name(path)).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_known_under_every_name() {
        for (exe, argv, name, args) in [
            ("/usr/bin/docker", "docker push x", "docker", "push x"),
            ("/usr/bin/docker", "/home/u/d push x", "docker", "push x"),
            ("/usr/bin/podman", "docker push x", "podman", "push x"),
            ("", "podman push x", "podman", "push x"),
            ("/", "buildah-in-a-user-namespace pull x", "buildah", "pull x"),
            ("/opt/docker29", "/opt/docker29 push x", "docker", "push x"),
            ("/opt/docker-29.1 (deleted)", "d push", "docker", "push"),
            ("/opt/regctl-linux-amd64", "regctl-linux-amd64 tag ls x", "regctl", "tag ls x"),
            ("C:\\Program Files\\Docker\\Docker.exe", "docker push", "docker", "push"),
            ("/nix/store/x/bin/.skopeo-wrapped", "skopeo copy", "skopeo", "copy"),
            ("/usr/bin/podman-remote", "podman-remote push", "podman", "push"),
            ("/usr/bin/podmanstatic", "podmanstatic push", "podmanstatic", "push"),
            ("/kaniko/executor", "/kaniko/executor -d x", "kaniko", "-d x"),
            ("/l/docker-buildx", "/l/docker-buildx buildx build .", "docker-buildx", "build ."),
            ("/l/docker-buildx", "docker-buildx build .", "docker-buildx", "build ."),
            ("/usr/bin/python3.11", "/usr/bin/python3 /usr/bin/docker-compose push", "docker-compose", "push"),
            ("/usr/bin/python3.11", "python -u /usr/bin/docker-compose push", "docker-compose", "push"),
            ("/usr/bin/python3.11", "python -c docker push", "python3.11", "-c docker push"),
            ("/bin/dash", "/bin/sh /usr/local/bin/docker-credential-x get", "docker-credential-x", "get"),
            ("/bin/dash", "sh /usr/local/bin/docker push x", "dash", "/usr/local/bin/docker push x"),
            ("/usr/bin/dockerd", "dockerd -H x", "dockerd", "-H x"),
            ("", "", "", ""),
        ] {
            let argv = argv.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            let program = Program::new(Some(Path::new(exe)).filter(|exe| exe.to_str() != Some("")), argv);
            assert_eq!((program.name.as_str(), program.args.join(" ").as_str()), (name, args), "{exe}");
        }
    }

    #[test]
    fn who_only_runs_others_names_nothing() {
        for (name, expected) in [
            ("docker", "client"),
            ("bash", "wrapper"),
            ("docker-credential-pass", "wrapper"),
            ("java", "long-lived"),
            ("Runner.Worker", "long-lived"),
            ("docker-scout", "wrapper"),
            ("dockerize", "unknown"),
            ("skaffold", "unknown"),
        ] {
            let role = match Program::new(None, vec![name.to_owned()]).role() {
                ProgramRole::Client(_) => "client",
                ProgramRole::Wrapper => "wrapper",
                ProgramRole::LongLived => "long-lived",
                ProgramRole::Unknown => "unknown",
            };
            assert_eq!(role, expected, "{name}");
        }
    }
}
