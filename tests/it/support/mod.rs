//! `Sandbox`: runs the real program with its own home and a clean environment.

#[cfg(all(unix, not(target_vendor = "apple")))]
pub mod keyring;
pub mod registry;
#[cfg(target_os = "linux")]
pub mod release;
pub mod scripted;
pub mod server;
pub mod snapshots;
#[cfg(target_os = "linux")]
pub mod tls;

use std::ffi::OsStr;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// The answer that clients compare letter by letter.
pub const NOT_FOUND: &str = "credentials not found in native keychain\n";

/// A temporary home folder, and the variables of the program. Nothing of the real environment is passed on.
pub struct Sandbox {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// The exit code and the output of a run.
#[derive(PartialEq, Eq)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    /// Sets a variable for all later runs.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    #[cfg(target_os = "linux")]
    pub fn variables(&self) -> Vec<(String, String)> {
        self.environment.clone()
    }

    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    pub fn config_path(&self) -> PathBuf {
        self.home().join("config").join("config.json")
    }

    /// Returns the path of Docker's `config.json`.
    pub fn docker_config_path(&self) -> PathBuf {
        self.home().join(".docker/config.json")
    }

    pub fn secrets_path(&self, registry: &str) -> PathBuf {
        self.home()
            .join("data/secrets")
            .join(format!("{}.json", registry.replace(':', "%3a").replace('[', "%5b").replace(']', "%5d")))
    }

    pub fn program() -> &'static str {
        env!("CARGO_BIN_EXE_docker-credential-ensign")
    }

    pub fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        self.command_of(Path::new(Self::program()), arguments)
    }

    pub fn command_of(&self, program: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().current_dir(self.home());
        for name in ["SystemRoot", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("HOME", self.home()).env("USERPROFILE", self.home());
        command.env("ENSIGN_CONFIG_DIR", self.home().join("config")).env("ENSIGN_DATA_DIR", self.home().join("data"));
        if cfg!(not(target_os = "linux")) {
            command.env("ENSIGN_STORE", "file"); // other systems need no variable to reach a keyring
        }
        command.envs(self.environment.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Adds a script to PATH, before the machine's programs.
    #[cfg(unix)]
    pub fn with_program(self, name: &str, script: &str) -> Self {
        let (folder, text) = (self.home().join("bin"), self.home().join(format!("{name}.text")));
        std::fs::create_dir_all(&folder).unwrap();
        write(&text, script.as_bytes());
        // Another process writes the script, for the reason in `link`.
        let made = Command::new("install").args(["-m", "755"]).args([&text, &folder.join(name)]).status().unwrap();
        assert!(made.success());
        let path = format!("{}:/usr/bin:/bin", folder.display());
        self.with("PATH", &path)
    }

    #[cfg(not(unix))]
    pub fn with_program(self, _: &str, _: &str) -> Self {
        self // the vectors that need a script accept an error here
    }

    /// Makes the program available under another name, and returns its path.
    pub fn link(&self, name: &str) -> PathBuf {
        let path = self.home().join(name).with_extension(std::env::consts::EXE_EXTENSION);
        let _ = std::fs::remove_file(&path);
        // A link, because a copy could not be run while a fork of another test still has it open for writing.
        #[cfg(unix)]
        std::os::unix::fs::symlink(Self::program(), &path).unwrap();
        #[cfg(not(unix))]
        std::fs::copy(Self::program(), &path).unwrap();
        path
    }

    pub fn run(&self, arguments: &[&str], stdin: &str) -> Run {
        finish(self.command(arguments).spawn().unwrap(), stdin.as_bytes())
    }

    /// Runs a command that must succeed. Returns its stdout.
    pub fn ok(&self, arguments: &[&str], stdin: &str) -> String {
        let run = self.run(arguments, stdin);
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
        run.stdout
    }

    /// Stores an account as a client does.
    pub fn store(&self, server: &str, username: &str, secret: &str) {
        let entry = json!({"ServerURL": server, "Username": username, "Secret": secret});
        assert_eq!(self.run(&["store"], &entry.to_string()), Run::success(""));
    }

    /// Returns the user name that `get` answers with, or the error.
    pub fn who(&self, server: &str) -> String {
        let run = self.run(&["get"], server);
        match serde_json::from_str::<Value>(&run.stdout) {
            Ok(answer) => answer["Username"].as_str().unwrap().to_owned(),
            Err(_) => run.stdout.trim().to_owned(),
        }
    }

    /// Replaces an account's entry in the file store. The entry may be an object with more than the secret.
    pub fn put_secret(&self, registry: &str, account: &str, kept: &Value) {
        let path = self.secrets_path(registry);
        let mut file = read_json(&path);
        file["secrets"][account] = kept.clone();
        write(&path, file.to_string().as_bytes());
    }

    /// Returns the lines that a helper of the tests has written to the file `calls`.
    #[cfg(unix)]
    pub fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.home().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Stores the accounts `bob` and `alice`. Alice's account is the default account.
    pub fn with_bob_and_alice(self, host: &str) -> Self {
        self.store(host, "bob", "bob-s3cret");
        self.store(host, "alice", "alice-s3cret");
        self
    }

    pub fn config(&self) -> Value {
        read_json(&self.config_path())
    }

    /// Writes a config and its secrets from the form of the vectors: registry → (active, user names with secrets).
    pub fn write_state(&self, servers: &Map<String, Value>) {
        let mut registries = Map::new();
        for (key, server) in servers {
            let (registry, path) = split_key(key);
            let names = server["accounts"].as_object().unwrap();
            let entry = registries.entry(registry.clone()).or_insert_with(|| json!({"accounts": {}}));
            let mut secrets = read_json(&self.secrets_path(&registry));
            for (name, secret) in names {
                let images = path.as_ref().map(|path| vec![format!("{registry}/{path}/**")]).unwrap_or_default();
                entry["accounts"][name] = json!({"username": name, "store": "file", "images": images});
                secrets["version"] = json!(1);
                secrets["secrets"][name] = secret.clone();
            }
            if path.is_none() {
                entry["active"] = server["active"].clone();
            }
            write(&self.secrets_path(&registry), secrets.to_string().as_bytes());
        }
        write(&self.config_path(), json!({"version": 3, "registries": registries}).to_string().as_bytes());
    }

    /// Reads the config and its secrets into the form of [`Self::write_state`].
    pub fn read_state(&self) -> Map<String, Value> {
        let mut servers = Map::new();
        for (registry, entry) in self.config()["registries"].as_object().cloned().unwrap_or_default() {
            let secrets = read_json(&self.secrets_path(&registry));
            for (name, account) in entry["accounts"].as_object().unwrap() {
                let key = if registry == "docker.io" { "https://index.docker.io/v1/" } else { &registry };
                let bound =
                    account["images"].get(0).and_then(Value::as_str).and_then(|pattern| pattern.strip_suffix("/**"));
                let server = servers.entry(bound.unwrap_or(key)).or_insert_with(|| json!({"accounts": {}}));
                server["active"] = if bound.is_some() { json!(name) } else { entry["active"].clone() };
                server["accounts"][account["username"].as_str().unwrap()] = secrets["secrets"][name].clone();
            }
        }
        servers
    }
}

impl Run {
    pub fn success(stdout: &str) -> Self {
        Self { code: Some(0), stdout: stdout.to_owned(), stderr: String::new() }
    }

    /// Returns the output of a `get` that was answered.
    pub fn answer(server: &str, username: &str, secret: &str) -> Self {
        Self::success(&format!("{{\"ServerURL\":\"{server}\",\"Username\":\"{username}\",\"Secret\":\"{secret}\"}}\n"))
    }

    pub fn not_found() -> Self {
        Self { code: Some(1), stdout: NOT_FOUND.to_owned(), stderr: String::new() }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Much longer than any deadline of Ensign, so that a busy machine fails no test.
const HANGS_AFTER: Duration = Duration::from_mins(3);

/// Writes stdin, closes it, and waits for the end, as [`wait`] does.
pub fn finish(mut child: Child, stdin: &[u8]) -> Run {
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    let writer = thread::spawn(move || {
        let _ = pipe.write_all(&stdin); // a program may end without reading its stdin
    });
    let run = wait(child);
    writer.join().unwrap();
    run
}

/// Waits for the end of a program. A program that hangs, or uses too much CPU time, fails the test.
pub fn wait(child: Child) -> Run {
    limit_cpu_time(&child);
    let id = child.id();
    let (has_ended, end) = mpsc::channel::<()>();
    let guard = thread::spawn(move || {
        let hangs = end.recv_timeout(HANGS_AFTER) == Err(mpsc::RecvTimeoutError::Timeout);
        if hangs {
            let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
        }
        hangs
    });
    let output = child.wait_with_output().unwrap();
    drop(has_ended);
    assert!(!guard.join().unwrap(), "the program did not end: {:?}", Run::from(output));
    output.into()
}

/// Makes the kernel kill a program that uses more CPU time than any program of the tests needs.
#[cfg(target_os = "linux")]
fn limit_cpu_time(child: &Child) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let seconds = Some(10);
    // This fails if the program runs as another user, or has ended.
    let _ = prlimit(Some(Pid::from_child(child)), Resource::Cpu, Rlimit { current: seconds, maximum: seconds });
}

#[cfg(not(target_os = "linux"))]
fn limit_cpu_time(_: &Child) {}

/// Tells whether strace can be used here. If it cannot, prints that the test is skipped.
#[cfg(target_os = "linux")]
pub fn can_trace() -> bool {
    let probe = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    let can_trace = probe.is_ok_and(|probe| probe.status.success());
    if !can_trace {
        eprintln!("skipped: strace is not installed, or may trace nothing here");
    }
    can_trace
}

/// Writes a file, and creates the folders above it.
pub fn write(path: &Path, contents: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, contents).unwrap();
}

/// Returns the time that is `seconds` from now, in seconds since 1970.
pub fn seconds_from_now(seconds: i64) -> i64 {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    i64::try_from(now).unwrap() + seconds
}

/// Reads a file of JSON. Returns an empty object if there is no file.
pub fn read_json(path: &Path) -> Value {
    std::fs::read(path).map_or_else(|_| json!({}), |bytes| serde_json::from_slice(&bytes).unwrap())
}

fn split_key(key: &str) -> (String, Option<String>) {
    match key.split_once('/') {
        _ if key == "https://index.docker.io/v1/" => ("docker.io".into(), None),
        Some((registry, path)) => (registry.into(), Some(path.into())),
        None => (key.into(), None),
    }
}
