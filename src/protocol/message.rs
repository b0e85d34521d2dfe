//! What goes over the wire: requests read from stdin, answers and refusals written to stdout.

use std::fmt;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use zeroize::Zeroizing;

use crate::model::choice::Unknown;
use crate::model::{AccountName, Credential, HelperMessage, Operation, Problem, Registry, Secret, ServerUrl};
use crate::system::{inherited, text};

/// Why a call gets no answer. The first three are sentences that clients compare letter by letter
/// (docker/docker-credential-helpers `credentials/error.go`).
#[derive(Debug)]
pub(crate) enum Refusal {
    NotFound,
    NoServerUrl,
    NoUsername,
    NoSuchAccount {
        registry: Registry,
        name: String,
    },
    Several {
        registry: Registry,
        accounts: Vec<AccountName>,
    },
    /// The account's secret is known to be good no longer. To a client that is as if there were none: handed out, it
    /// would break the pulls of public images too.
    Dead(Problem),
    /// The account is not for this caller. That too is as if there were none: an error would end the pull of a public image,
    /// and tell a caller that is not trusted of the account.
    Withheld(Problem),
    /// There are accounts, but each is for the other thing.
    NoneFor {
        registry: Registry,
        operation: Operation,
    },
    /// Nobody reads the answer.
    ClosedStdout,
    Other(anyhow::Error),
}

/// Every byte of stdin is read, so that no writer meets a closed pipe; so many are kept.
const URL_LIMIT: u64 = 64 << 10;
const ENTRY_LIMIT: u64 = 16 << 20;

/// Reads the server address that `get` and `erase` are given.
pub(super) fn server_url(stdin: impl Read) -> Result<ServerUrl, Refusal> {
    let bytes = read_to_end(stdin, URL_LIMIT)?;
    address(&String::from_utf8_lossy(&bytes))
}

fn address(text: &str) -> Result<ServerUrl, Refusal> {
    let url = ServerUrl::parse(text).ok_or(Refusal::NoServerUrl)?;
    if url.is_ambiguous() {
        return Err(anyhow!("the server address is refused: programs disagree about its host").into());
    }
    Ok(url)
}

/// What `store` is given.
pub(super) struct Entry {
    pub(super) server_url: ServerUrl,
    pub(super) username: String,
    pub(super) secret: Secret,
}

impl Entry {
    /// Reads it as Go does.
    pub(super) fn read(stdin: impl Read) -> Result<Self, Refusal> {
        let bytes = read_to_end(stdin, ENTRY_LIMIT)?;
        let fields = HelperMessage::read(&bytes)
            .map_err(|line| anyhow!("could not store the login: stdin holds no JSON object (line {line})"))?;
        let server_url = address(&fields.server_url)?;
        if fields.username.is_empty() {
            return Err(Refusal::NoUsername);
        }
        Ok(Self {
            server_url,
            username: fields.username,
            secret: fields.secret.unwrap_or_else(|| Secret::new(String::new())),
        })
    }
}

/// Writes what `get` answers: three strings under exactly these names, one document, one line end.
#[expect(clippy::disallowed_methods, reason = "this is Docker's answer")]
pub(super) fn write_credential(
    stdout: &mut impl Write,
    server_url: &ServerUrl,
    credential: &Credential,
) -> Result<(), Refusal> {
    let Credential { username, secret } = credential;
    let [url, username, secret] = [server_url.as_str(), username.as_str(), secret.expose()]
        .map(|text| Zeroizing::new(serde_json::Value::from(text).to_string()));
    let answer =
        Zeroizing::new(format!("{{\"ServerURL\":{},\"Username\":{},\"Secret\":{}}}\n", *url, *username, *secret));
    stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush()).map_err(|_| Refusal::ClosedStdout)
}

/// Says on a terminal what was not known in the caller's files, so that these did not choose the account.
pub(super) fn tell_unknown(registry: &Registry, unknown: &[Unknown], stderr: &mut impl Write) {
    let Some(Unknown { file, message, .. }) = unknown.first() else { return };
    let line = format!("the files chose no account for {registry}: {}: {message}", file.display());
    let _ = writeln!(stderr, "ensign: {}", text::one_line(&line, 400));
}

impl Refusal {
    /// One plain line on stdout and exit code 1. stderr speaks only where stdout is not shown and a person is needed.
    pub(crate) fn write(&self, stdout: &mut impl Write, stderr: &mut impl Write, is_watched: bool) -> ExitCode {
        let line = match self {
            Self::ClosedStdout => return ExitCode::FAILURE,
            Self::NotFound | Self::Dead(_) | Self::Withheld(_) | Self::NoneFor { .. } => {
                Credential::NOT_FOUND.to_owned()
            }
            _ => plain(&self.to_string()),
        };
        let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
        let told = match self {
            Self::Dead(why) | Self::Withheld(why) => Some(why.to_string()),
            Self::NoneFor { registry, operation } => Some(none_for(registry, *operation).to_string()),
            _ => None,
        };
        if let Some(why) = told.filter(|_| is_watched) {
            let _ = writeln!(stderr, "ensign: {}", text::one_line(&why, 400));
        }
        if let Self::Several { registry, accounts } = self {
            let names: Vec<_> = accounts.iter().take(20).map(AccountName::as_str).collect();
            let names = text::one_line(&names.join(", "), 200);
            let registry = text::one_line(registry.as_str(), 100);
            let _ = writeln!(
                stderr,
                "ensign: {registry} has several accounts ({names}), none is the default and nothing here says which is meant.\n\
                 Make one the default:  docker-credential-ensign switch {registry}\n\
                 For one command:       ENSIGN_ACCOUNT={registry}=NAME docker …"
            );
        }
        ExitCode::FAILURE
    }
}

/// Says which of our variables did not count.
pub(super) fn name_ignored(stderr: &mut impl Write) {
    for name in inherited::ignored() {
        let _ = writeln!(stderr, "ensign: {name} is ignored: the calling client was not started with it");
    }
}

fn none_for(registry: &Registry, operation: Operation) -> Problem {
    let other = match operation {
        Operation::Pull => Operation::Push,
        Operation::Push => Operation::Pull,
    };
    let what = format!("{registry} has no account for a {operation}: what is there is to {other} only");
    Problem::run(what, format_args!("login {registry} --for {operation}"))
}

/// No brackets and braces, which tools that ignore the exit code would read as JSON; and not the sentence that means
/// "not found" to those that search for it.
fn plain(text: &str) -> String {
    let text = text.replace(['{', '['], "(").replace(['}', ']'], ")").replace(Credential::NOT_FOUND, "not found");
    text::one_line(&text, 300)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound | Self::Dead(_) | Self::Withheld(_) | Self::NoneFor { .. } => {
                f.write_str(Credential::NOT_FOUND)
            }
            Self::NoServerUrl => f.write_str("no credentials server URL"),
            Self::NoUsername => f.write_str("no credentials username"),
            Self::NoSuchAccount { registry, name } => {
                write!(
                    f,
                    "ENSIGN_ACCOUNT names `{name}`, which {registry} does not have: run docker-credential-ensign status {registry}"
                )
            }
            Self::Several { registry, .. } => {
                write!(f, "several accounts for {registry}: run docker-credential-ensign switch {registry}")
            }
            Self::ClosedStdout => f.write_str("stdout is closed"),
            Self::Other(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// `Usage:` as docker-credential-helpers prints it, for whoever calls a protocol verb in another way.
pub(crate) fn usage(program: &str) -> String {
    format!("Usage: {program} <get|store|erase|list|version>")
}

/// What `version` prints: the name of the call, and the number.
pub(crate) fn version_line(program: &str) -> String {
    let known_as = if program == "ensign" { "" } else { " (ensign)" };
    format!("{program}{known_as} {}", env!("CARGO_PKG_VERSION"))
}

fn read_to_end(mut stdin: impl Read, limit: u64) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
    let read = stdin.by_ref().take(limit + 1).read_to_end(&mut bytes);
    let read = read.map_err(|error| anyhow!("could not read stdin: {error}"))?;
    if read as u64 > limit { Err(drain(stdin, limit)) } else { Ok(bytes) }
}

#[cold]
fn drain(mut stdin: impl Read, limit: u64) -> Refusal {
    let _ = io::copy(&mut stdin, &mut io::sink());
    anyhow!("stdin holds more than {limit} bytes").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_secret_is_not_found_and_explained_where_somebody_watches() {
        for is_watched in [false, true] {
            let refusal =
                Refusal::Dead(Problem::run("the secret of me on ghcr.io is not good\nany more", "login ghcr.io"));
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            assert_eq!(refusal.write(&mut stdout, &mut stderr, is_watched), ExitCode::FAILURE);
            assert_eq!(String::from_utf8(stdout).unwrap(), "credentials not found in native keychain\n");
            let line = "ensign: the secret of me on ghcr.io is not good any more: run `docker-credential-ensign login ghcr.io`\n";
            assert_eq!(String::from_utf8(stderr).unwrap(), if is_watched { line } else { "" });
        }
    }

    #[test]
    fn accounts_for_the_other_thing_are_not_found_and_explained_where_somebody_watches() {
        let refusal = Refusal::NoneFor { registry: Registry::from_key("ghcr.io"), operation: Operation::Push };
        for is_watched in [false, true] {
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            assert_eq!(refusal.write(&mut stdout, &mut stderr, is_watched), ExitCode::FAILURE);
            assert_eq!(String::from_utf8(stdout).unwrap(), "credentials not found in native keychain\n");
            let line = "ensign: ghcr.io has no account for a push: what is there is to pull only: run `docker-credential-ensign login ghcr.io --for push`\n";
            assert_eq!(String::from_utf8(stderr).unwrap(), if is_watched { line } else { "" });
        }
    }

    #[test]
    fn refusals_are_one_plain_line() {
        for (refusal, expected) in [
            (Refusal::NotFound, "credentials not found in native keychain\n"),
            (Refusal::NoServerUrl, "no credentials server URL\n"),
            (Refusal::Other(anyhow!("a {{}} [b]\ncredentials not found in native keychain")), "a () (b) not found\n"),
            (Refusal::ClosedStdout, ""),
        ] {
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            assert_eq!(refusal.write(&mut stdout, &mut stderr, true), ExitCode::FAILURE);
            assert_eq!((String::from_utf8(stdout).unwrap().as_str(), stderr.len()), (expected, 0));
        }
    }

    #[test]
    fn several_accounts_are_explained_where_a_person_reads() {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let accounts = ["a", "b"].map(|name| name.parse().unwrap()).to_vec();
        Refusal::Several { registry: Registry::from_key("ghcr.io"), accounts }.write(&mut stdout, &mut stderr, false);
        assert_eq!(
            String::from_utf8(stdout).unwrap(),
            "several accounts for ghcr.io: run docker-credential-ensign switch ghcr.io\n"
        );
        assert!(
            String::from_utf8(stderr)
                .unwrap()
                .starts_with("ensign: ghcr.io has several accounts (a, b), none is the default")
        );
    }
}
