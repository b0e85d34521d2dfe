//! Secrets that another program has: `aws`, `gcloud`, `gh`, a credential helper, any command.
//!
//! What is run and what its answer means are tables of values; this file runs it, and says why there is no secret.

mod answer;
mod ecr;
mod keep;
mod lenders;
mod said;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::model::{Borrow, Credential, Lender, Problem, Registry, Secret, Username};
use crate::system::env::{self, Env};
use crate::system::programs::{self, ProgramCall, ProgramOutput, Stdin};
use answer::Form;
use lenders::Request;

/// What a program gave.
#[derive(Debug)]
pub(crate) struct Lent {
    pub(crate) username: Option<Username>,
    pub(crate) secret: Secret,
    /// Until when it may be kept; `None`: not at all.
    pub(crate) until: Option<SystemTime>,
}

/// Why a program gave nothing.
#[derive(Debug)]
pub(crate) enum Unlent {
    /// It says that it has no login for this registry.
    Nothing,
    Failed(Problem),
}

/// For whom a program is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// It gets no terminal, and what the program says goes nowhere.
    Client,
    /// The program may ask on the terminal, and its last words are shown if it fails.
    Person,
}

/// No secret is longer: it must fit into a header.
const ANSWER_LIMIT: usize = 1 << 20;

/// Asks the program, in `patience` at most.
pub(crate) fn ask(borrow: &Borrow, registry: &Registry, patience: Duration, asker: Asker) -> Result<Lent, Unlent> {
    let request = lenders::request(borrow, registry).map_err(Unlent::Failed)?;
    let program = locate(&request).map_err(Unlent::Failed)?;
    let output = run(&request, &program, patience, asker).map_err(|error| {
        let what = format!("the secret for {registry} is out of reach: {error:#}");
        Unlent::Failed(Problem::new(what, request.by_hand()))
    })?;
    let now = SystemTime::now();
    if !output.success {
        return Err(unlent(&request, registry, &program, &output, asker));
    }
    let answer = answer::parse(&request.form, &output.stdout).map_err(|reason| {
        let what = format!("`{}` gave no secret for {registry}: {reason}", program.display());
        Unlent::Failed(Problem::new(with_last_words(what, &output, asker), request.by_hand()))
    })?;
    let until = keep::until(now, &request.keeping, answer.ends, borrow.cache);
    Ok(Lent { username: answer.username, secret: answer.secret, until })
}

/// What is asked, as a text: an answer is kept for the same question alone.
pub(crate) fn question(borrow: &Borrow, registry: &Registry) -> String {
    format!("{registry} {borrow:?}")
}

/// The program that is asked; or why it cannot be, which shows without running it.
pub(crate) fn program(borrow: &Borrow, registry: &Registry) -> Result<PathBuf, Problem> {
    if !registry.is_pattern() {
        return locate(&lenders::request(borrow, registry)?);
    }
    let none = |problem: Problem| Problem {
        what: problem.what.replace(one_of(registry).as_str(), registry.as_str()),
        ..problem
    };
    locate(&lenders::request(borrow, &one_of(registry)).map_err(none)?)
}

/// The user name that a lender's secret has everywhere, if it has one.
pub(crate) fn user_everywhere(lender: &Lender) -> Option<&'static str> {
    match lender {
        Lender::Aws { .. } => Some("AWS"),
        Lender::Gcloud { .. } => Some("oauth2accesstoken"),
        Lender::Az { .. } => Some("00000000-0000-0000-0000-000000000000"),
        _ => None,
    }
}

/// A host as a pattern means them, with an account of AWS in front if it is Amazon's.
fn one_of(pattern: &Registry) -> Registry {
    let (first, rest) = pattern.as_str().split_once('.').unwrap_or((pattern.as_str(), ""));
    let first = first.replacen('*', &"0".repeat(13_usize.saturating_sub(first.len()).max(1)), 1);
    Registry::from_key(&format!("{first}.{rest}").replace('*', "x"))
}

/// Tells whether anyone may pull from a registry, so that a program that fails must not be in the way.
pub(crate) fn is_public(registry: &Registry) -> bool {
    ecr::is_public(registry)
}

/// The lender that is there for the registry's host, if one is.
pub(crate) fn made_for(registry: &Registry) -> Option<Lender> {
    lenders::made_for(registry)
}

/// The GitHub that has tokens for a registry.
pub(crate) fn github(registry: &Registry) -> String {
    lenders::github_of(registry).unwrap_or("github.com").to_owned()
}

fn run(request: &Request, program: &Path, deadline: Duration, asker: Asker) -> anyhow::Result<ProgramOutput> {
    // A config that is carried from one machine to another names folders by `~`.
    let expand = |value: &String| match value.strip_prefix("~/") {
        Some(_) => Env::default().expand_home(value).to_string_lossy().into_owned(),
        None => value.clone(),
    };
    let env = request.env.iter().map(|(name, value)| (name.clone(), expand(value))).collect::<BTreeMap<_, _>>();
    let mut env_remove: Vec<_> = env::ours().chain(request.env_remove.iter().map(ToString::to_string)).collect();
    let stdin = match &request.stdin {
        Some(text) => Stdin::Bytes(text.as_bytes()),
        None if asker == Asker::Person && io::stdin().is_terminal() => Stdin::Terminal,
        None => Stdin::Closed,
    };
    if asker == Asker::Client {
        env_remove.push("GPG_TTY".to_owned()); // a client's terminal is no place for gpg's questions
    }
    let arguments = &request.arguments;
    programs::call(&ProgramCall {
        program,
        arguments,
        env: &env,
        env_remove: &env_remove,
        stdin,
        limit: ANSWER_LIMIT,
        deadline,
    })
}

/// The program's file. What is neither a name nor an absolute path would mean another one in every folder.
fn locate(request: &Request) -> Result<PathBuf, Problem> {
    let name = &request.program;
    let path = Path::new(name);
    let found = if path.is_absolute() {
        Some(path.to_owned()).filter(|path| programs::is_program(path))
    } else if path.components().count() == 1 && !name.contains(['/', '\\']) {
        programs::find(name)
    } else {
        return Err(Problem::new(
            format!("`{name}` is a relative path"),
            "name the program alone, or by its full path",
        ));
    };
    match found {
        None => Err(Problem::new(format!("there is no program `{name}` on PATH"), format!("install `{name}`"))),
        Some(found) if is_ours(&found) => {
            Err(Problem::new(format!("`{name}` is Ensign itself, which would ask itself"), "name another program"))
        }
        Some(found) => Ok(found),
    }
}

/// Tells whether a program is Ensign, by one of its names or by its file.
fn is_ours(program: &Path) -> bool {
    programs::is_our_name(program) || programs::is_this_program(program)
}

/// What a program means that ends with an error.
fn unlent(request: &Request, registry: &Registry, program: &Path, output: &ProgramOutput, asker: Asker) -> Unlent {
    let stdout = String::from_utf8_lossy(&output.stdout);
    if request.form == Form::Helper && stdout.trim() == Credential::NOT_FOUND {
        return match request.not_found_may_mean {
            // It says so whatever is wrong.
            Some((what, cure)) => Unlent::Failed(Problem::new(
                format!("`{}` has no login for {registry}, {what}", program.display()),
                cure,
            )),
            None => Unlent::Nothing,
        };
    }
    let how = output.code.map_or_else(|| "a signal ended it".to_owned(), |code| format!("it ended with status {code}"));
    let what = format!("`{}` gave no secret for {registry}: {how}", program.display());
    let cure = said::cure(&output.stderr, request).unwrap_or_else(|| request.by_hand());
    Unlent::Failed(Problem::new(with_last_words(what, output, asker), cure))
}

/// For a person, who ran the program: a client's log is no place for what may hold a secret.
fn with_last_words(what: String, output: &ProgramOutput, asker: Asker) -> String {
    let last_words = said::last_words(&output.stderr, &output.stdout);
    match asker {
        Asker::Person if !last_words.is_empty() => format!("{what}: «{last_words}»"),
        Asker::Person | Asker::Client => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_for_a_lender_if_its_hosts_are() {
        for (pattern, host, lender) in [
            ("*.dkr.ecr.*.amazonaws.com", "000000000000.dkr.ecr.x.amazonaws.com", Some("aws")),
            ("1234*.dkr.ecr.eu-*.amazonaws.com", "123400000000.dkr.ecr.eu-x.amazonaws.com", Some("aws")),
            ("*.azurecr.io", "000000000000.azurecr.io", Some("az")),
            ("*-docker.pkg.dev", "00000-docker.pkg.dev", Some("gcloud")),
            ("*.corp.example", "000000000000.corp.example", None),
        ] {
            let host_of_pattern = one_of(&Registry::from_key(pattern));
            assert_eq!(host_of_pattern.as_str(), host);
            assert!(Registry::from_key(pattern).covers(&host_of_pattern));
            assert_eq!(made_for(&host_of_pattern).map(|lender| lender.word()).as_deref(), lender);
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
        ] {
            assert_eq!(is_ours(Path::new(program)), ours, "{program}");
        }
        assert!(is_ours(&std::env::current_exe().unwrap()));
    }
}
