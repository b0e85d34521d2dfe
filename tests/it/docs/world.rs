//! `World`: a temporary home for a page's commands, with fake clients and a fake registry for every host.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::support::tls::{Authority, TlsServer};
use crate::support::{Run, Sandbox, finish, write};

/// The registries and servers in the pages. One server behind a proxy answers for all of them.
const HOSTS: [&str; 15] = [
    "ghcr.io",
    "api.github.com",
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "quay.io",
    "atcr.io",
    "registry.gitlab.com",
    "registry.example.com",
    "public.ecr.aws",
    "shop.azurecr.io",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "210987654321.dkr.ecr.eu-west-1.amazonaws.com",
    "europe-docker.pkg.dev",
    "auth.example",
];

/// Programs that pages call. `tests/fixtures/docs/client.sh` stands in for all of them.
const CLIENTS: [&str; 13] =
    ["docker", "podman", "buildah", "skopeo", "crane", "helm", "kubectl", "aws", "gh", "glab", "pass", "make", "git"];

static REGISTRY: LazyLock<(Authority, TlsServer)> = LazyLock::new(|| {
    let authority = Authority::new("authority");
    let server = TlsServer::start(&authority.sign_all(&HOSTS), &[]);
    (authority, server)
});

pub struct World {
    folder: TempDir,
}

impl World {
    pub fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        let programs = world.path("programs");
        for folder in [programs.clone(), world.path("home/project"), world.path("run")] {
            std::fs::create_dir_all(folder).unwrap();
        }
        private(&world.path("run"));
        for name in ["ensign", "docker-credential-ensign"] {
            std::os::unix::fs::symlink(Sandbox::program(), programs.join(name)).unwrap();
        }
        let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/docs/client.sh");
        for name in CLIENTS {
            std::os::unix::fs::symlink(&client, programs.join(name)).unwrap();
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, below the home or the project's folder.
    pub fn write(&self, file: &str, text: &str) {
        let path = match file.strip_prefix("~/") {
            Some(rest) => self.path("home").join(rest),
            None => self.path("home/project").join(file),
        };
        write(&path, text.as_bytes());
    }

    /// Runs a script as a person's shell does.
    pub fn run(&self, script: &str) -> Run {
        let mut run = finish(self.shell("bash", &["-euo", "pipefail", "-c", script]).spawn().unwrap(), b"");
        let home = self.path("home");
        for text in [&mut run.stdout, &mut run.stderr] {
            *text = text.replace(&*home.to_string_lossy(), "/home/me");
        }
        run
    }

    /// Runs a command and returns stdout and stderr together, in the order of a terminal.
    pub fn show(&self, command: &str) -> Run {
        self.run(&format!("{{ {command}\n}} 2>&1"))
    }

    /// Runs a script on a terminal and types the answers to its questions.
    pub fn run_with_answers(&self, script: &str, answers: &[(String, String)]) -> Option<Run> {
        let line = format!("stty cols 100; bash -euc {}", quoted(script));
        let answers: Vec<_> = answers.iter().map(|(question, answer)| (question.as_str(), answer.as_str())).collect();
        let mut command = self.shell("script", &["-qec", &line, "/dev/null"]);
        command.env("TERM", "xterm").stderr(Stdio::null());
        let (stdout, code) = crate::seed::typing(command, &answers)?;
        Some(Run { code, stdout, stderr: String::new() })
    }

    /// Runs Ensign with these words and `--help`, which fails if Ensign does not know a word.
    pub fn program(&self, words: &[String]) -> Run {
        let mut words: Vec<_> = words.iter().map(String::as_str).collect();
        words.push("--help");
        finish(self.shell(Sandbox::program(), &words).spawn().unwrap(), b"")
    }

    fn shell(&self, program: &str, words: &[&str]) -> Command {
        let (authority, server) = &*REGISTRY;
        let mut command = Command::new("timeout");
        command.args(["20", program]).args(words).env_clear().current_dir(self.path("home/project"));
        command.env("HOME", self.path("home")).env("XDG_RUNTIME_DIR", self.path("run")).env("LANG", "C.UTF-8");
        command.env("PATH", format!("{}:/usr/bin:/bin", self.path("programs").display()));
        command.env("HTTPS_PROXY", &server.proxy).env("SSL_CERT_FILE", authority.certificate());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn private(folder: &Path) {
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
