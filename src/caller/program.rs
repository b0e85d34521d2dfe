//! `Program`: one process above us, under the name of the client that it is.

use std::path::Path;

use super::clients::{self, Grammar};

/// A client's name and the words after it. Without `Debug`, for there may be passwords among the words.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
}

/// What a program can tell about images.
pub(super) enum Role {
    /// A container client, whose grammar we know.
    Client(&'static Grammar),
    /// Runs another program and names nothing itself.
    Wrapper,
    /// Started for something else long ago: its command line proves nothing.
    LongLived,
    Unknown,
}

const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "fish", "ash", "ksh", "mksh", "busybox", "pwsh", "cmd", "nu"];

const WRAPPERS: &[&str] = &[
    "sudo",
    "sudo-rs",
    "doas",
    "su",
    "runuser",
    "pkexec",
    "env",
    "nice",
    "ionice",
    "chrt",
    "nohup",
    "setsid",
    "stdbuf",
    "time",
    "timeout",
    "make",
    "gmake",
    "ninja",
    "just",
    "task",
    "xargs",
    "parallel",
    "find",
    "watch",
    "script",
    "strace",
    "ltrace",
    "unshare",
    "nsenter",
    "setpriv",
    "chroot",
    "rootlesskit",
    "catatonit",
    "tini",
    "dumb-init",
    "direnv",
    "dotenv",
    "aws-vault",
    "op",
    "doppler",
    "flock",
    "chronic",
    "systemd-run",
    "npm",
    "yarn",
    "pnpm",
    "ensign",
];

/// CI agents, service managers, container daemons, build daemons, editors and terminals.
const LONG_LIVED: &[&str] = &[
    "systemd",
    "init",
    "launchd",
    "cron",
    "crond",
    "sshd",
    "tmux",
    "screen",
    "dockerd",
    "containerd",
    "buildkitd",
    "kubelet",
    "crio",
    "com.docker.backend",
    "com.docker.build",
    "runner.worker",
    "runner.listener",
    "gitlab-runner",
    "jenkins",
    "buildkite-agent",
    "circleci-agent",
    "drone-runner-docker",
    "act_runner",
    "concourse",
    "java",
    "javaw",
    "gradle",
    "gradlew",
    "mvn",
    "mvnd",
    "bazel",
    "code",
    "code-insiders",
    "code-server",
    "codium",
    "cursor",
    "windsurf",
    "zed",
    "zed-editor",
    "idea",
    "idea64",
    "goland",
    "goland64",
    "pycharm",
    "pycharm64",
    "webstorm",
    "webstorm64",
    "rider",
    "rider64",
    "clion",
    "clion64",
    "rustrover",
    "phpstorm",
    "fleet",
    "eclipse",
    "devenv",
    "electron",
];

impl Program {
    /// Reads a process: `exe` is right about renamed links, `argv[0]` where `exe` is unreadable or `/` (rootless
    /// re-execution), and behind an interpreter stands the script.
    pub(crate) fn new(exe: Option<&Path>, argv: Vec<String>) -> Self {
        let names: Vec<String> = exe
            .and_then(|exe| Some(file_name(exe.file_name()?.to_str()?)))
            .into_iter()
            .chain(argv.first().map(|word| file_name(word)))
            .filter(|name| !name.is_empty())
            .collect();
        let client = names.iter().find_map(|name| clients::canonical_name(name));
        let script = client.is_none().then(|| script(names.iter(), &argv)).flatten();
        let (name, words_before) = match (client, script, names.into_iter().next()) {
            (Some(client), _, _) => (client.to_owned(), 1),
            (None, Some((name, at)), _) => (name, at + 1),
            (None, None, name) => (name.unwrap_or_default(), 1),
        };
        let mut args: Vec<String> = argv.into_iter().skip(words_before).collect();
        if name.strip_prefix("docker-").is_some_and(|plugin| args.first().is_some_and(|word| word == plugin)) {
            args.remove(0); // docker starts its plugin as `docker-buildx buildx …`
        }
        Self { name, args }
    }

    pub(super) fn role(&self) -> Role {
        let is_one_of = |names: &[&str]| names.contains(&self.name.as_str());
        if let Some(client) = clients::find(&self.name) {
            Role::Client(client)
        } else if self.name.starts_with("docker-credential-") || is_one_of(SHELLS) || is_one_of(WRAPPERS) {
            Role::Wrapper
        } else if is_one_of(LONG_LIVED) || self.name.starts_with("jetbrains") {
            Role::LongLived
        } else {
            Role::Unknown
        }
    }
}

/// The script that an interpreter runs, if its name tells us something, and where in `argv` it stands. A shell
/// script named like a client is its wrapper, with words of its own.
fn script<'a>(mut names: impl Iterator<Item = &'a String>, argv: &[String]) -> Option<(String, usize)> {
    const INTERPRETERS: [&str; 4] = ["python", "ruby", "node", "perl"];
    let shell = names.any(|name| {
        let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        INTERPRETERS.contains(&bare) || SHELLS.contains(&bare)
    });
    if !shell {
        return None;
    }
    let (at, script) = argv.iter().enumerate().skip(1).find(|(_, word)| !word.starts_with('-') || is_program(word))?;
    let name = file_name(script);
    let is_shell = argv.first().is_some_and(|word| SHELLS.contains(&file_name(word).as_str()));
    if name.starts_with("docker-credential-") {
        Some((name, at))
    } else if is_program(script) || is_shell {
        None
    } else {
        Some((clients::canonical_name(&name)?.to_owned(), at))
    }
}

/// `-c TEXT` and `-m MODULE` take the place of a script.
fn is_program(word: &str) -> bool {
    matches!(word, "-c" | "-m" | "-e")
}

/// The last part of a path of any system, in lower case, without what systems and packages add to it: `.exe`, Linux'
/// ` (deleted)`, Nix' `.docker-wrapped`. A login shell's argv[0] begins with `-`.
fn file_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.strip_suffix(" (deleted)").unwrap_or(name).to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let wrapped = name.strip_prefix('.').and_then(|rest| rest.strip_suffix("-wrapped"));
    wrapped.unwrap_or(name).trim_start_matches('-').to_owned()
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
            ("skaffold", "unknown"),
        ] {
            let role = match Program::new(None, vec![name.to_owned()]).role() {
                Role::Client(_) => "client",
                Role::Wrapper => "wrapper",
                Role::LongLived => "long-lived",
                Role::Unknown => "unknown",
            };
            assert_eq!(role, expected, "{name}");
        }
    }
}
