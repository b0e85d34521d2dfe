//! Gets secrets from external sources, such as `aws`, `gcloud`, `gh`, a credential helper or any command.
//!
//! `commands` defines the command of each program, and `answer` parses the command's output. This file runs the
//! command, and explains a failure.

mod answer;
mod cache_policy;
mod commands;
mod ecr;
mod stderr;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::model::{Audience, Credential, ExternalProgram, ExternalSource, Problem, Registry, Secret, Username};
use crate::system::env::{self, Env};
use crate::system::programs::{self, ProgramCall, ProgramOutput, Stdin};
use answer::AnswerFormat;
use commands::ProgramRequest;
pub(crate) use commands::{github_of, program_for};
pub(crate) use ecr::is_public;

/// A program's answer.
#[derive(Debug)]
pub(crate) struct ExternalCredential {
    pub(crate) username: Option<Username>,
    pub(crate) secret: Secret,
    /// The time until which the answer may be cached; `None` if the answer must not be cached.
    pub(crate) expires_at: Option<SystemTime>,
}

/// The reason why a program returned no secret.
#[derive(Debug)]
pub(crate) enum ExternalError {
    /// The program has no login for this registry.
    Nothing,
    Failed(Problem),
}

/// Runs the program for at most `patience`, and returns its answer. If a person waits, the program may prompt on the
/// terminal, and an error quotes the end of the program's messages.
pub(crate) fn ask(
    source: &ExternalSource,
    registry: &Registry,
    patience: Duration,
    audience: Audience,
) -> Result<ExternalCredential, ExternalError> {
    let request = commands::request(source, registry).map_err(ExternalError::Failed)?;
    let program = locate(&request).map_err(ExternalError::Failed)?;
    let output = run(&request, &program, patience, audience).map_err(|error| {
        let what = format!("could not get the secret for {registry}: {error:#}");
        ExternalError::Failed(Problem::new(what, request.by_hand()))
    })?;
    let now = SystemTime::now();
    if !output.success {
        return Err(error_from(&request, registry, &program, &output, audience));
    }
    let answer = answer::parse(&request.form, &output.stdout).map_err(|reason| {
        let what = format!("could not get a secret for {registry} from `{}`: {reason}", program.display());
        ExternalError::Failed(Problem::new(with_last_words(what, &request.form, &output, audience), request.by_hand()))
    })?;
    let until = cache_policy::until(now, &request.cache_policy, answer.ends, source.cache);
    Ok(ExternalCredential { username: answer.username, secret: answer.secret, expires_at: until })
}

/// Returns the key under which an answer is cached. The key is stored on disk. If the text of the key changes, the
/// cached answer is not found, and the program is asked again.
pub(crate) fn cache_key(source: &ExternalSource, registry: &Registry) -> String {
    format!("{registry} {source:?}")
}

/// Returns the path of the program to run, or the reason why the program cannot run.
pub(crate) fn program(source: &ExternalSource, registry: &Registry) -> Result<PathBuf, Problem> {
    let host = host_of(registry);
    let request = commands::request(source, &host)
        .map_err(|problem| Problem { message: problem.message.replace(host.as_str(), registry.as_str()), ..problem })?;
    locate(&request)
}

/// Returns the hint to log in to the service of the program, with the program's own command if Ensign knows it.
pub(crate) fn login_hint(source: &ExternalSource, registry: &Registry) -> String {
    let request = commands::request(source, &host_of(registry)).ok();
    match request.as_ref().map(|request| (&request.login, &request.program)) {
        Some((Some(login), _)) => format!("run `{login}`, then try again"),
        Some((None, program)) => format!("log in with `{program}`, then try again"),
        None => format!("log in with `{}`, then try again", source.program.word()),
    }
}

/// Returns the user name for the program's secrets, if the name is the same at every registry.
pub(crate) fn user_everywhere(preset: &ExternalProgram) -> Option<&'static str> {
    match preset {
        ExternalProgram::Aws { .. } => Some("AWS"),
        ExternalProgram::Gcloud { .. } => Some("oauth2accesstoken"),
        ExternalProgram::Az { .. } => Some("00000000-0000-0000-0000-000000000000"),
        _ => None,
    }
}

/// Returns the registry, or a host that matches the registry if it is a pattern.
fn host_of(registry: &Registry) -> Registry {
    if registry.is_pattern() { sample_host(registry) } else { registry.clone() }
}

/// Returns a host that the pattern matches. The first label is long enough for the account number in a host name of
/// Amazon.
fn sample_host(pattern: &Registry) -> Registry {
    let (first, rest) = pattern.as_str().split_once('.').unwrap_or((pattern.as_str(), ""));
    let first = first.replacen('*', &"0".repeat(13_usize.saturating_sub(first.len()).max(1)), 1);
    Registry::from_key(&format!("{first}.{rest}").replace('*', "x"))
}

fn run(
    request: &ProgramRequest,
    program: &Path,
    deadline: Duration,
    audience: Audience,
) -> anyhow::Result<ProgramOutput> {
    // A path in the config may begin with `~/`, so that the config is valid on other machines too.
    let expand = |value: &String| match value.strip_prefix("~/") {
        Some(_) => Env::default().expand_home(value).to_string_lossy().into_owned(),
        None => value.clone(),
    };
    let env = request.env.iter().map(|(name, value)| (name.clone(), expand(value))).collect::<BTreeMap<_, _>>();
    let mut env_remove: Vec<_> = env::ours().chain(request.env_remove.iter().map(ToString::to_string)).collect();
    let stdin = match &request.stdin {
        Some(text) => Stdin::Bytes(text.as_bytes()),
        None if audience == Audience::Person && io::stdin().is_terminal() => Stdin::Terminal,
        None => Stdin::Closed,
    };
    if audience == Audience::Client {
        env_remove.push("GPG_TTY".to_owned()); // gpg must not prompt on a client's terminal
    }
    let arguments: Vec<_> = request.arguments.iter().map(String::as_str).collect();
    let usual = ProgramCall::new(program, &arguments, deadline);
    programs::call(&ProgramCall { env: &env, env_remove: &env_remove, stdin, ..usual })
}

/// Returns the program's path. A relative path is an error, because it would refer to a different file in every working
/// directory.
fn locate(request: &ProgramRequest) -> Result<PathBuf, Problem> {
    let name = &request.program;
    let path = Path::new(name);
    let found = if path.is_absolute() {
        Some(path.to_owned()).filter(|path| programs::is_program(path))
    } else if path.components().count() == 1 && !name.contains(['/', '\\']) {
        programs::find(name)
    } else {
        return Err(Problem::new(
            format!("`{name}` is a relative path"),
            "give only the program's name, or its full path",
        ));
    };
    match found {
        None => Err(Problem::new(format!("there is no program `{name}` on PATH"), format!("install `{name}`"))),
        Some(found) if is_ours(&found) => Err(Problem::new(
            format!("`{name}` is Ensign itself, and Ensign cannot ask itself"),
            "name another program",
        )),
        Some(found) => Ok(found),
    }
}

/// Tells whether a program is Ensign, by its name or its file.
fn is_ours(program: &Path) -> bool {
    programs::is_our_name(program) || programs::is_this_program(program)
}

/// Returns the error for a program that has failed.
fn error_from(
    request: &ProgramRequest,
    registry: &Registry,
    program: &Path,
    output: &ProgramOutput,
    audience: Audience,
) -> ExternalError {
    let stdout = String::from_utf8_lossy(&output.stdout);
    if request.form == AnswerFormat::Helper && stdout.trim() == Credential::NOT_FOUND {
        return match request.not_found_may_mean {
            // A helper with `not_found_may_mean` reports every error as "not found".
            Some((what, cure)) => ExternalError::Failed(Problem::new(
                format!("`{}` has no login for {registry}, {what}", program.display()),
                cure,
            )),
            None => ExternalError::Nothing,
        };
    }
    let how = output.code.map_or_else(
        || "a signal ended the program".to_owned(),
        |code| format!("the program ended with status {code}"),
    );
    let what = format!("could not get a secret for {registry} from `{}`: {how}", program.display());
    let cure = stderr::hint(&output.stderr, request).unwrap_or_else(|| request.by_hand());
    ExternalError::Failed(Problem::new(with_last_words(what, &request.form, output, audience), cure))
}

/// Appends the end of the program's messages to an error for a person. An error for a client does not quote the
/// program, because the client's log must not contain a secret.
fn with_last_words(what: String, form: &AnswerFormat, output: &ProgramOutput, audience: Audience) -> String {
    let last_words = stderr::last_words(form, output);
    match audience {
        Audience::Person if !last_words.is_empty() => format!("{what}: «{last_words}»"),
        Audience::Person | Audience::Client => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_answers_of_earlier_versions_are_found_again() {
        let source = ExternalSource {
            program: ExternalProgram::Aws { profile: Some("work".to_owned()) },
            env: BTreeMap::from([("A".to_owned(), "b".to_owned())]),
            cache: Some(Duration::from_mins(10)),
        };
        assert_eq!(
            cache_key(&source, &Registry::from_key("ghcr.io")),
            r#"ghcr.io ExternalSource { program: Aws { profile: Some("work") }, env: {"A": "b"}, cache: Some(600s) }"#
        );
    }

    #[test]
    fn a_pattern_is_for_a_program_if_its_hosts_are() {
        for (pattern, host, preset) in [
            ("*.dkr.ecr.*.amazonaws.com", "000000000000.dkr.ecr.x.amazonaws.com", Some("aws")),
            ("1234*.dkr.ecr.eu-*.amazonaws.com", "123400000000.dkr.ecr.eu-x.amazonaws.com", Some("aws")),
            ("*.azurecr.io", "000000000000.azurecr.io", Some("az")),
            ("*-docker.pkg.dev", "00000-docker.pkg.dev", Some("gcloud")),
            ("*.corp.example", "000000000000.corp.example", None),
        ] {
            let host_of_pattern = sample_host(&Registry::from_key(pattern));
            assert_eq!(host_of_pattern.as_str(), host);
            assert!(Registry::from_key(pattern).covers(&host_of_pattern));
            assert_eq!(program_for(&host_of_pattern).map(|preset| preset.word()).as_deref(), preset);
        }
    }

    #[test]
    fn ensign_is_known_by_its_names() {
        for (program, ours) in [
            ("/usr/bin/docker-credential-ensign", true),
            ("/usr/bin/docker-credential-ensign-work", true),
            ("/usr/bin/ensign", true),
            ("/usr/lib/docker/cli-plugins/docker-ensign", true),
            ("/usr/bin/docker-credential-atcr", true),
            ("/usr/bin/docker-credential-gcloud", false),
            ("/usr/bin/ensigns", false),
            ("/usr/bin/docker-credential-ensigns", false),
        ] {
            assert_eq!(is_ours(Path::new(program)), ours, "{program}");
        }
        assert!(is_ours(&std::env::current_exe().unwrap()));
    }
}
