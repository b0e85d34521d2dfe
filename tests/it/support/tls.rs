//! `Authority` and `TlsServer`: certificates made by `openssl`, and a Python server that uses them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

/// A certificate authority, and the folder for the certificates that it signs.
pub struct Authority {
    folder: TempDir,
}

/// The files of a certificate and its key.
#[derive(Clone)]
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// A proxy that answers for every host. The proxy stops when the value is dropped.
pub struct TlsServer {
    child: Child,
    /// The address for `HTTPS_PROXY`.
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

    /// Returns the authority's own certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Signs a server's certificate for `name`.
    pub fn sign(&self, name: &str) -> Pair {
        self.sign_with(name, &format!("subjectAltName=DNS:{name},DNS:auth.example"))
    }

    /// Signs a server's certificate for many names.
    pub fn sign_all(&self, names: &[&str]) -> Pair {
        self.sign_with("all", &format!("subjectAltName=DNS:{}", names.join(",DNS:")))
    }

    /// Signs a certificate of version 1, which `openssl` makes by default and which has no names except its subject.
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

    /// Makes a self-signed server certificate, as in Docker's guide to running a registry.
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
    /// Starts a server with this certificate. The options are those of `tls_server.py`.
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
