//! Finds, downloads and verifies Ensign's own releases.
//!
//! The signature is verified first, then the version in the signature, then the checksum of the archive (RELEASE.md).
//! Nothing else from the server is trusted.

mod archive;
mod facts;
mod installation;
mod latest_release;
mod owner;
mod signature;
mod version;

use anyhow::Result;
use serde_json::Value;

use crate::model::Problem;
use crate::system::digest::sha256;
use crate::system::http::{Download, DownloadError, HttpClient, Limits, Url};
use crate::system::text::one_line;
use facts::fact;
pub(crate) use facts::{install_command, repository};
pub(crate) use installation::Installation;
pub(crate) use latest_release::{newer, note};
pub(crate) use owner::Owner;
use signature::{PublicKey, SignatureFault};
pub(crate) use version::Version;

/// The server that publishes Ensign's releases, with the public key that verifies their signatures.
pub(crate) struct ReleaseServer {
    address: String,
    key: PublicKey,
    client: HttpClient,
}

/// A release with a valid signature.
pub(crate) struct Release {
    pub(crate) version: Version,
    /// The signed checksums of the release's files.
    sums: String,
}

/// The program's file name, in an archive and in an installation.
pub(crate) const PROGRAM: &str =
    if cfg!(windows) { "docker-credential-ensign.exe" } else { "docker-credential-ensign" };

const SUMS: &str = "SHA256SUMS";
const SIGNATURE: &str = "SHA256SUMS.minisig";
const TEXT_LIMIT: u64 = 64 << 10;
const ARCHIVE_LIMIT: u64 = 64 << 20;

impl ReleaseServer {
    /// Returns the server in `setting`, the config's field `releases`. Without this field the project's own server is
    /// returned.
    pub(crate) fn new(setting: Option<&Value>) -> Result<Self, Problem> {
        let (address, key) = match setting {
            None => (fact("RELEASES"), fact("PUBLIC_KEY")),
            Some(setting) => {
                let field = |name: &str| setting.get(name).and_then(Value::as_str);
                field("address")
                    .zip(field("key"))
                    .ok_or_else(|| wrong_setting("`address` and `key`, the public key of the releases, are needed"))?
            }
        };
        if key.is_empty() {
            let clone = format!("run `git clone {}`, then its install.sh", repository());
            return Err(Problem::new("there is no signed release of Ensign yet", clone));
        }
        let key = PublicKey::parse(key).ok_or_else(|| wrong_setting("`key` is not a public key of minisign"))?;
        let address = address.trim_end_matches('/').to_owned();
        if !Url::parse(&address).is_some_and(|url| url.is_https()) {
            return Err(wrong_setting("`address` does not begin with https://"));
        }
        Ok(Self { address, key, client: HttpClient::new(Limits::default()) })
    }

    /// Finds the newest release, or the release of the given version. A pre-release is found only by its version.
    pub(crate) fn find(&self, wanted: Option<&Version>) -> Result<Release, Problem> {
        let folder = wanted.map_or_else(|| "latest/download".to_owned(), folder_of);
        let quiet = |_, _| ();
        let text = |file: &str| {
            let bytes =
                self.fetch(&folder, file, TEXT_LIMIT, &quiet).map_err(|error| self.explain(&error, file, wanted))?;
            String::from_utf8(bytes).map_err(|_| tampered(&format!("{file} of the release is not text")))
        };
        let (signature, sums) = (text(SIGNATURE)?, text(SUMS)?);
        let comment = verify(&self.key, &signature, &sums)?;
        let named = comment.strip_prefix("ensign ").and_then(|version| version.parse::<Version>().ok());
        let shown = one_line(&comment, 60);
        let version =
            named.ok_or_else(|| tampered(&format!("the signature is for `{shown}`, which is not a version")))?;
        match wanted {
            Some(wanted) if *wanted != version => {
                Err(tampered(&format!("the signature is for version {version}, but {wanted} was requested")))
            }
            None if version.is_pre_release() => Err(Problem::run(
                format!("the newest release, {version}, is a pre-release; nothing was changed"),
                format!("update --version {version}"),
            )),
            _ => Ok(Release { version, sums }),
        }
    }

    /// Downloads the program of a release for this machine, and verifies its checksum.
    pub(crate) fn program(&self, release: &Release, progress: &dyn Fn(u64, Option<u64>)) -> Result<Vec<u8>, Problem> {
        let version = &release.version;
        let target = target();
        let name = format!("ensign-{version}-{target}");
        let file = format!("{name}.tar.gz");
        let sum = release.sum_of(&file).ok_or_else(|| {
            let clone = format!("run `git clone {}`, then its install.sh", repository());
            Problem::new(format!("release {version} has no program for {target}"), clone)
        })?;
        let archive = self
            .fetch(&folder_of(version), &file, ARCHIVE_LIMIT, progress)
            .map_err(|error| self.explain(&error, &file, Some(version)))?;
        if sha256(&archive) != format!("sha256:{sum}") {
            return Err(tampered(&format!("{file} is not the signed file: its checksum differs")));
        }
        archive::program(&archive, &name, PROGRAM).map_err(|fault| tampered(&format!("{file} {fault}")))
    }

    fn fetch(
        &self,
        folder: &str,
        file: &str,
        limit: u64,
        progress: &dyn Fn(u64, Option<u64>),
    ) -> Result<Vec<u8>, DownloadError> {
        let url = Url::parse(&format!("{}/{folder}/{file}", self.address)).ok_or(DownloadError::Redirect)?;
        self.client.download(&Download { url, limit, progress })
    }

    fn explain(&self, error: &DownloadError, file: &str, version: Option<&Version>) -> Problem {
        let host = Url::parse(&self.address).map(|url| url.authority().to_owned()).unwrap_or_default();
        let again = "try again later";
        match (error, version) {
            (DownloadError::Status(404 | 410, _), Some(version)) if file != SUMS && file != SIGNATURE => {
                Problem::new(format!("release {version} has no {file} at `{}`", self.address), again)
            }
            (DownloadError::Status(404 | 410, _), Some(version)) => {
                Problem::run(format!("there is no release {version} at `{}`", self.address), "update --check")
            }
            (DownloadError::Status(404 | 410, _), None) => Problem::new(
                format!("there is no release at `{}`", self.address),
                "check `releases` in `config.json`, if it is set there",
            ),
            (DownloadError::Status(status, host), _) => {
                Problem::new(format!("`{host}` answered with {status} when asked for {file}"), again)
            }
            (DownloadError::Redirect, _) => Problem::new(
                format!("`{host}` redirects {file} to an address without https"),
                "report it to the server's operator",
            ),
            (DownloadError::TooManyRedirects, _) => {
                Problem::new(format!("`{host}` redirects {file} too often"), "report it to the server's operator")
            }
            (DownloadError::TooLarge, _) => tampered(&format!("{file} is too large for a release")),
            (DownloadError::Broken(bytes), _) => Problem::new(
                format!("the download of {file} was interrupted several times, the last time after {bytes} bytes"),
                again,
            ),
            (DownloadError::TooSlow, _) => Problem::new(format!("the download of {file} took too long"), again),
            (DownloadError::Unreachable(failure, host), _) => Problem::new(
                format!("could not reach `{host}`: {}", failure.0),
                "check the network, and the proxy if there is one",
            ),
        }
    }
}

impl Release {
    /// Returns the checksum of a file, if the list contains the file exactly once.
    fn sum_of(&self, file: &str) -> Option<&str> {
        let mut sums = self.sums.lines().filter_map(|line| line.split_once("  ").filter(|(_, name)| *name == file));
        sums.next().map(|(sum, _)| sum).filter(|_| sums.next().is_none())
    }
}

/// Verifies a signature, and returns the comment that is signed with it.
fn verify(key: &PublicKey, signature: &str, sums: &str) -> Result<String, Problem> {
    let comment = key.verify(signature, sums.as_bytes()).map_err(|fault| match fault {
        SignatureFault::NoSignature => tampered(&format!("{SIGNATURE} is not a signature of minisign")),
        SignatureFault::OtherKey => tampered("the release is signed with another key than the one trusted here"),
        SignatureFault::Changed => tampered(&format!("{SUMS} or its signature was changed after signing")),
    })?;
    Ok(comment.to_owned())
}

fn tampered(what: &str) -> Problem {
    Problem::new(
        format!("{what}; nothing was changed"),
        "try again; if it happens twice, report it as SECURITY.md says",
    )
}

fn wrong_setting(why: &str) -> Problem {
    Problem::new(
        format!("`releases` in `config.json` is wrong: {why}"),
        "correct the setting; docs/install.md has an example",
    )
}

fn folder_of(version: &Version) -> String {
    format!("download/v{version}")
}

/// Returns this machine's platform, as in the file names of a release.
fn target() -> String {
    let machine = std::env::consts::ARCH;
    match std::env::consts::OS {
        "linux" => format!("{machine}-unknown-linux-musl"),
        "macos" => format!("{machine}-apple-darwin"),
        "windows" => format!("{machine}-pc-windows-gnu"),
        system => format!("{machine}-{system}"),
    }
}
