//! `Authority` and `TlsServer`: certificates that `openssl` makes, and a server of Python's that shows them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

/// An authority of its own, with the folder for what it signs.
pub struct Authority {
    folder: TempDir,
}

/// A certificate and its key, as files.
#[derive(Clone)]
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Every host behind a proxy; it ends with the test.
pub struct TlsServer {
    child: Child,
    /// As `HTTPS_PROXY` names it.
    pub proxy: String,
    seen: Arc<Mutex<Vec<String>>>,
}

const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

impl Authority {
    pub fn new(name: &str) -> Self {
        let authority = Self { folder: tempfile::tempdir().unwrap() };
        authority.self_signed("authority", name, 2);
        authority
    }

    /// Its own certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// A certificate for `name`, which a server shows.
    pub fn sign(&self, name: &str) -> Pair {
        self.sign_with(name, &format!("subjectAltName=DNS:{name},DNS:auth.example"))
    }

    /// A certificate for many names.
    pub fn sign_all(&self, names: &[&str]) -> Pair {
        self.sign_with("all", &format!("subjectAltName=DNS:{}", names.join(",DNS:")))
    }

    /// A certificate of version 1, as `openssl` makes it where nobody asks for more: it names nobody but its subject.
    pub fn sign_client(&self, name: &str) -> Pair {
        self.sign_with(name, "")
    }

    fn sign_with(&self, name: &str, extensions: &str) -> Pair {
        let at = |extension: &str| self.folder.path().join(name).with_added_extension(extension);
        openssl(&["req", "-subj", &format!("/CN={name}")], &[("-keyout", &at("key")), ("-out", &at("csr"))], &KEY);
        std::fs::write(at("extensions"), extensions).unwrap();
        let (authority, key) = (self.certificate(), self.folder.path().join("authority.key"));
        let mut files = vec![("-in", at("csr")), ("-CA", authority), ("-CAkey", key), ("-out", at("pem"))];
        if !extensions.is_empty() {
            files.push(("-extfile", at("extensions")));
        }
        let files: Vec<_> = files.iter().map(|(option, file)| (*option, file.as_path())).collect();
        openssl(&["x509", "-req", "-CAcreateserial", "-days", "2"], &files, &[]);
        Pair { certificate: at("pem"), key: at("key") }
    }

    /// What Docker's guide to a registry of one's own makes: a server's certificate that is its own authority.
    pub fn self_signed(&self, file: &str, name: &str, days: i32) -> Pair {
        let at = |extension: &str| self.folder.path().join(format!("{file}.{extension}"));
        std::fs::write(at("names"), format!("subjectAltName=DNS:{name}\nbasicConstraints=critical,CA:TRUE")).unwrap();
        openssl(&["req", "-subj", &format!("/CN={name}")], &[("-keyout", &at("key")), ("-out", &at("csr"))], &KEY);
        openssl(
            &["x509", "-req", "-days", &days.to_string()],
            &[("-in", &at("csr")), ("-signkey", &at("key")), ("-extfile", &at("names")), ("-out", &at("pem"))],
            &[],
        );
        Pair { certificate: at("pem"), key: at("key") }
    }
}

impl TlsServer {
    /// Shows `pair`; the options are those of `tls_server.py`.
    pub fn start(pair: &Pair, options: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls_server.py");
        let mut command = Command::new("python3");
        command.arg(script).args([&pair.certificate, &pair.key]).args(options);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("python3 is there");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.next().expect("the server starts");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || lines.for_each(|line| log.lock().unwrap().push(line)));
        Self { child, proxy: format!("http://localhost:{port}"), seen }
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn openssl(words: &[&str], files: &[(&str, &Path)], more: &[&str]) {
    let mut command = Command::new("openssl");
    command.args(words).args(more);
    for (option, file) in files {
        command.arg(option).arg(file);
    }
    let output = command.output().expect("openssl is there");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}
