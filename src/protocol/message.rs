//! Reads the helper protocol's requests from stdin, and writes answers and errors to stdout.

use std::fmt;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use zeroize::Zeroizing;

use crate::accounts::RemedyOptions;
use crate::model::{Credential, HelperMessage, Problem, Secret, ServerUrl};
use crate::system::{client_env, text};

/// Why a call fails. Clients compare the messages of `NotFound`, `NoServerUrl` and `NoUsername` exactly
/// (docker/docker-credential-helpers `credentials/error.go`).
#[derive(Debug)]
pub(crate) enum ProtocolError {
    /// No credentials were found. If stderr is a terminal, the problem is shown there. An expired secret, or an account
    /// that the caller may not use, is also reported as not found. Any other error would stop pulls of public images,
    /// and would reveal the account to the caller.
    NotFound(Option<Problem>),
    NoServerUrl,
    NoUsername,
    Several {
        registry: String,
        options: Option<RemedyOptions>,
    },
    /// The client no longer reads stdout.
    ClosedStdout,
    Other(anyhow::Error),
}

/// The maximum number of bytes that are accepted on stdin. Longer input is read to its end and refused, so that the
/// client does not write to a closed pipe.
const URL_LIMIT: u64 = 64 << 10;
const ENTRY_LIMIT: u64 = 16 << 20;

/// Reads the server address of `get` and `erase`.
pub(super) fn server_url(stdin: impl Read) -> Result<ServerUrl, ProtocolError> {
    let bytes = read_to_end(stdin, URL_LIMIT)?;
    address(&String::from_utf8_lossy(&bytes))
}

fn address(text: &str) -> Result<ServerUrl, ProtocolError> {
    let url = ServerUrl::parse(text).ok_or(ProtocolError::NoServerUrl)?;
    if url.is_ambiguous() {
        return Err(anyhow!("the server address is refused: programs disagree about its host").into());
    }
    Ok(url)
}

/// The credentials that `store` receives.
pub(super) struct StoreRequest {
    pub(super) server_url: ServerUrl,
    pub(super) username: String,
    pub(super) secret: Secret,
}

impl StoreRequest {
    /// Reads the JSON request of `store`, as Go's `encoding/json` does.
    pub(super) fn read(stdin: impl Read) -> Result<Self, ProtocolError> {
        let bytes = read_to_end(stdin, ENTRY_LIMIT)?;
        let fields = HelperMessage::read(&bytes).map_err(|line| {
            anyhow!("could not store the login: stdin contains no JSON object with strings (line {line})")
        })?;
        let server_url = address(&fields.server_url)?;
        if fields.username.is_empty() {
            return Err(ProtocolError::NoUsername);
        }
        Ok(Self {
            server_url,
            username: fields.username,
            secret: fields.secret.unwrap_or_else(|| Secret::new(String::new())),
        })
    }
}

/// Writes the answer of `get`, which is one line of JSON with the strings `ServerURL`, `Username` and `Secret`.
#[expect(clippy::disallowed_methods, reason = "Docker's answer contains the secret")]
pub(super) fn write_credential(
    stdout: &mut impl Write,
    server_url: &ServerUrl,
    credential: &Credential,
) -> Result<(), ProtocolError> {
    let answer = HelperMessage::json_line(server_url.as_str(), &credential.username, &credential.secret);
    // Stdout passes on a whole line, so that its buffer keeps no copy of the secret.
    let written = stdout.write_all(answer.expose().as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|_| ProtocolError::ClosedStdout)
}

/// Writes one line for a person.
pub(super) fn warn(line: &str, stderr: &mut impl Write) {
    let _ = writeln!(stderr, "ensign: {}", text::one_line(line, 400));
}

impl ProtocolError {
    /// Writes one plain line to stdout, and returns exit code 1. A problem is written to stderr if stderr is a terminal
    /// (`is_watched`). The options of `Several` are always written to stderr.
    pub(crate) fn write(&self, stdout: &mut impl Write, stderr: &mut impl Write, is_watched: bool) -> ExitCode {
        let line = match self {
            Self::ClosedStdout => return ExitCode::FAILURE,
            Self::NotFound(_) => Credential::NOT_FOUND.to_owned(),
            _ => plain(&self.to_string()),
        };
        let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
        match self {
            Self::NotFound(Some(problem)) if is_watched => warn(&problem.to_string(), stderr),
            Self::Several { options: Some(RemedyOptions { message, ways }), .. } => {
                warn(message, stderr);
                for way in ways {
                    let _ = writeln!(stderr, "  {}", text::one_line(way, 200));
                }
            }
            _ => {}
        }
        ExitCode::FAILURE
    }
}

/// Writes the names of Ensign's environment variables that were ignored.
pub(super) fn name_ignored(stderr: &mut impl Write) {
    for name in client_env::ignored() {
        let _ = writeln!(stderr, "ensign: {name} is ignored, because the calling client was not started with it");
    }
}

/// Replaces brackets and braces with parentheses, because tools that ignore the exit code would parse a text with
/// brackets as JSON. Also replaces the sentence that clients read as "not found".
fn plain(text: &str) -> String {
    let text = text.replace(['{', '['], "(").replace(['}', ']'], ")").replace(Credential::NOT_FOUND, "not found");
    text::one_line(&text, 300)
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(_) => f.write_str(Credential::NOT_FOUND),
            Self::NoServerUrl => f.write_str("no credentials server URL"),
            Self::NoUsername => f.write_str("no credentials username"),
            Self::Several { registry, .. } => {
                write!(f, "several accounts for {registry}: run docker-credential-ensign switch {registry}")
            }
            Self::ClosedStdout => f.write_str("stdout is closed"),
            Self::Other(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<anyhow::Error> for ProtocolError {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// Returns the `Usage:` line for a wrong call of a protocol verb, as docker-credential-helpers prints it.
pub(crate) fn usage(program: &str) -> String {
    format!("Usage: {program} <get|store|erase|list|version>")
}

/// Returns the output of `version`, which is the program's name and version.
pub(crate) fn version_line(program: &str) -> String {
    let known_as = if program == "ensign" { "" } else { " (ensign)" };
    format!("{program}{known_as} {}", env!("CARGO_PKG_VERSION"))
}

/// Reads all of stdin. A client writes its whole request before it reads an answer, so the text beyond the limit is
/// read too.
pub(super) fn read_to_end(mut stdin: impl Read, limit: u64) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
    let read = stdin.by_ref().take(limit + 1).read_to_end(&mut bytes);
    let read = read.map_err(|error| anyhow!("could not read stdin: {error}"))?;
    if read as u64 > limit {
        let _ = io::copy(&mut stdin, &mut io::sink());
        return Err(anyhow!("stdin contains more than {limit} bytes"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_found_is_explained_where_somebody_watches() {
        for is_watched in [false, true] {
            let problem = Problem::run("the credentials of me on ghcr.io are no\nlonger valid", "login ghcr.io");
            let refusal = ProtocolError::NotFound(Some(problem));
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            assert_eq!(refusal.write(&mut stdout, &mut stderr, is_watched), ExitCode::FAILURE);
            assert_eq!(String::from_utf8(stdout).unwrap(), "credentials not found in native keychain\n");
            let line = "ensign: the credentials of me on ghcr.io are no longer valid: run `docker-credential-ensign login ghcr.io`\n";
            assert_eq!(String::from_utf8(stderr).unwrap(), if is_watched { line } else { "" });
        }
    }

    #[test]
    fn refusals_are_one_plain_line() {
        for (refusal, expected) in [
            (ProtocolError::NotFound(None), "credentials not found in native keychain\n"),
            (ProtocolError::NoServerUrl, "no credentials server URL\n"),
            (
                ProtocolError::Other(anyhow!("a {{}} [b]\ncredentials not found in native keychain")),
                "a () (b) not found\n",
            ),
            (ProtocolError::NoUsername, "no credentials username\n"),
            (
                ProtocolError::Several { registry: "ghcr.io".into(), options: None },
                "several accounts for ghcr.io: run docker-credential-ensign switch ghcr.io\n",
            ),
            (ProtocolError::ClosedStdout, ""),
        ] {
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            assert_eq!(refusal.write(&mut stdout, &mut stderr, true), ExitCode::FAILURE);
            assert_eq!((String::from_utf8(stdout).unwrap().as_str(), stderr.len()), (expected, 0));
        }
    }

    #[test]
    fn the_ways_out_of_several_accounts_go_to_stderr() {
        let options = RemedyOptions { message: "several. Options:".into(), ways: vec!["a\nb".into(), "c".into()] };
        let refusal = ProtocolError::Several { registry: "ghcr.io".into(), options: Some(options) };
        let mut stderr = vec![];
        refusal.write(&mut vec![], &mut stderr, false);
        assert_eq!(String::from_utf8(stderr).unwrap(), "ensign: several. Options:\n  a b\n  c\n");
    }

    #[test]
    fn stdin_is_read_to_its_end_and_kept_up_to_its_limit() {
        for (length, is_kept) in [(0, true), (2, true), (3, true), (4, false), (9, false)] {
            let stdin = vec![b'x'; length];
            let mut rest = stdin.as_slice();
            match read_to_end(&mut rest, 3) {
                Ok(bytes) => assert!(is_kept && *bytes == stdin, "{length}"),
                Err(error) => assert!(!is_kept && error.to_string() == "stdin contains more than 3 bytes", "{error}"),
            }
            assert!(rest.is_empty(), "{length}");
        }
        assert!(
            StoreRequest::read(format!("{{\"ServerURL\":\"a\",\"Username\":\"{}\"}}", "u".repeat(1 << 20)).as_bytes())
                .is_ok()
        );
        assert!(server_url("x".repeat(1 << 20).as_bytes()).is_err());
    }

    #[test]
    fn a_program_names_itself_and_ensign() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(version_line("ensign"), format!("ensign {version}"));
        assert_eq!(version_line("docker-ensign"), format!("docker-ensign (ensign) {version}"));
        assert_eq!(usage("x"), "Usage: x <get|store|erase|list|version>");
    }
}
