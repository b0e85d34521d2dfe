//! `Releases`: a server with signed releases of this program, over TLS.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

use super::tls::Authority;
use super::write;

/// A release server and the key that signs its releases.
pub struct Releases {
    folder: TempDir,
    authority: Authority,
    server: Child,
    port: String,
    pub key: SigningKey,
}

/// A key of minisign, which signs like `minisign -S`.
pub struct SigningKey {
    id: [u8; 8],
    pair: Ed25519KeyPair,
}

/// The target of this machine's release.
pub const TARGET: &str =
    if cfg!(target_arch = "aarch64") { "aarch64-unknown-linux-musl" } else { "x86_64-unknown-linux-musl" };

pub const PROGRAM: &str = "docker-credential-ensign";

/// A name of the server that only the proxy resolves.
pub const BEHIND_PROXY: &str = "releases.example";

/// A proxy that leads to the server, whatever host a client asks for.
pub struct Proxy {
    /// The address for `HTTPS_PROXY`, with a login.
    pub address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Releases {
    pub fn new() -> Self {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("releases"));
        let pair = authority.sign_all(&["localhost", BEHIND_PROXY]);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/release_server.py");
        let mut command = Command::new("python3");
        command.arg(script).args([&pair.certificate, &pair.key]).arg(folder.path());
        let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("python3 is there");
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.next().expect("the server starts");
        std::thread::spawn(move || lines.for_each(drop)); // reads on, because a full pipe would stop the server
        Self { folder, authority, server, port, key: SigningKey::new() }
    }

    pub fn address(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Returns the authority's certificate, for `SSL_CERT_FILE` and similar variables.
    pub fn authority(&self) -> PathBuf {
        self.authority.certificate()
    }

    /// Returns a config that names this server and its key.
    pub fn config(&self) -> String {
        let (address, key) = (self.address(), self.key.public());
        format!(
            "{{\"version\": 3, \"releases\": {{\"address\": \"{address}\", \"key\": \"{key}\"}}, \"registries\": {{}}}}\n"
        )
    }

    /// Starts a proxy in front of the server.
    pub fn proxy(&self) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://me:s3cret@localhost:{}", listener.local_addr().unwrap().port());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, server) = (Arc::clone(&asked), format!("127.0.0.1:{}", self.port));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (log, server) = (Arc::clone(&log), server.clone());
                std::thread::spawn(move || tunnel(&client, &server, &log));
            }
        });
        Proxy { address, asked }
    }

    /// Publishes a release with this program as the newest one.
    pub fn publish(&self, version: &str, program: &Path) {
        let folder = self.folder(version);
        let name = format!("ensign-{version}-{TARGET}");
        let stage = tempfile::tempdir().unwrap();
        fs::create_dir_all(stage.path().join(&name)).unwrap();
        let copied = Command::new("install")
            .args(["-m", "755"])
            .arg(program)
            .arg(stage.path().join(&name).join(PROGRAM))
            .status();
        assert!(copied.unwrap().success());
        write(&stage.path().join(&name).join("README.md"), b"read me");
        fs::create_dir_all(&folder).unwrap();
        self.pack(version, stage.path(), &[&name]);
        self.sign(version, &format!("ensign {version}"), &self.key);
        self.make_newest(version);
    }

    /// Packs the archive with these arguments of `tar`.
    pub fn pack(&self, version: &str, stage: &Path, words: &[&str]) {
        let archive = self.archive(version);
        let mut tar = Command::new("tar");
        tar.args(["--format=ustar", "-P", "-I", "gzip -1", "-C"]).arg(stage).arg("-cf").arg(&archive).args(words);
        assert!(tar.status().unwrap().success());
        self.sum(version);
    }

    pub fn sum(&self, version: &str) {
        let name = self.archive(version).file_name().unwrap().to_owned();
        let sums = Command::new("sha256sum").arg(name).current_dir(self.folder(version)).output().unwrap();
        write(&self.folder(version).join("SHA256SUMS"), &sums.stdout);
    }

    pub fn sign(&self, version: &str, comment: &str, key: &SigningKey) {
        let folder = self.folder(version);
        write(&folder.join("SHA256SUMS.minisig"), key.sign(&folder.join("SHA256SUMS"), comment).as_bytes());
    }

    pub fn make_newest(&self, version: &str) {
        let latest = self.folder.path().join("latest/download");
        fs::create_dir_all(&latest).unwrap();
        for file in ["SHA256SUMS", "SHA256SUMS.minisig"] {
            let _ = fs::copy(self.folder(version).join(file), latest.join(file));
        }
    }

    /// Sets how the server answers. `release_server.py` describes the rules.
    pub fn behave(&self, rules: &Value) {
        write(&self.folder.path().join("behave.json"), rules.to_string().as_bytes());
    }

    pub fn folder(&self, version: &str) -> PathBuf {
        self.folder.path().join(format!("download/v{version}"))
    }

    pub fn archive(&self, version: &str) -> PathBuf {
        self.folder(version).join(format!("ensign-{version}-{TARGET}.tar.gz"))
    }

    pub fn stop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Proxy {
    /// Returns the first lines of the requests so far and forgets them. Repeated lines are returned once.
    pub fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.dedup();
        asked
    }
}

/// Answers a CONNECT, then copies bytes in both directions until one side closes.
fn tunnel(client: &TcpStream, server: &str, log: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|length| *length > 0)?;
    }
    log.lock().unwrap().push(head.lines().next()?.to_owned());
    let mut from = client;
    from.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
    let mut server = TcpStream::connect(server).ok()?;
    let (mut back, mut to) = (server.try_clone().ok()?, client.try_clone().ok()?);
    std::thread::spawn(move || {
        let _ = io::copy(&mut back, &mut to);
        to.shutdown(std::net::Shutdown::Both)
    });
    io::copy(&mut reader, &mut server).ok()?;
    server.shutdown(std::net::Shutdown::Write).ok()
}

impl Drop for Releases {
    fn drop(&mut self) {
        self.stop();
    }
}

impl SigningKey {
    pub fn new() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        Self { id: pair.public_key().as_ref()[..8].try_into().unwrap(), pair }
    }

    /// Returns another key with the same key number.
    pub fn forged(&self) -> Self {
        Self { id: self.id, ..Self::new() }
    }

    pub fn public(&self) -> String {
        BASE64_STANDARD.encode([b"Ed", &self.id[..], self.pair.public_key().as_ref()].concat())
    }

    fn sign(&self, file: &Path, comment: &str) -> String {
        let hash = Command::new("openssl").args(["dgst", "-blake2b512", "-binary"]).arg(file).output().unwrap().stdout;
        let signature = self.pair.sign(&hash);
        let global = self.pair.sign(&[signature.as_ref(), comment.as_bytes()].concat());
        let head = BASE64_STANDARD.encode([b"ED", &self.id[..], signature.as_ref()].concat());
        let end = BASE64_STANDARD.encode(global);
        format!("untrusted comment: a signature\n{head}\ntrusted comment: {comment}\n{end}\n")
    }
}

/// Returns the program under test with another version number.
pub fn program_of(version: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("versions");
        fs::create_dir_all(&folder).unwrap();
        let bare = folder.join("bare");
        let stripped =
            Command::new("strip").arg("-o").arg(&bare).arg(env!("CARGO_BIN_EXE_docker-credential-ensign")).status();
        assert!(stripped.is_ok_and(|status| status.success()));
        folder
    });
    let ours = env!("CARGO_PKG_VERSION");
    assert_eq!(version.len(), ours.len(), "the new version replaces the old one byte by byte");
    let mut bytes = fs::read(folder.join("bare")).unwrap();
    let places: Vec<_> =
        bytes.windows(ours.len()).enumerate().filter(|(_, part)| *part == ours.as_bytes()).map(|(at, _)| at).collect();
    for at in places {
        bytes[at..at + ours.len()].copy_from_slice(version.as_bytes());
    }
    let path = folder.join(version);
    let mut file = tempfile::NamedTempFile::new_in(folder).unwrap();
    file.write_all(&bytes).unwrap();
    file.persist(&path).unwrap();
    path
}
