//! Prints the possible next words, such as this machine's accounts, for the completion scripts of shells and for
//! Docker.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use super::args::{CommandLine, Completion};
use crate::accounts::{Accounts, STORES};
use crate::docker::ConfigJson;
use crate::model::{HelperName, Registry, count};
use crate::oauth::ProviderTable;
use crate::system::env::Env;
use crate::system::{list_programs, text};

/// A possible word, with its description.
type Candidate = (String, String);

const HELPER: &str = "docker-credential-";
/// The programs that `login --borrow` accepts in addition to helpers.
const EXTERNAL_PROGRAMS: [&str; 9] = ["aws", "az", "command", "gcloud", "gh", "glab", "op", "pass", "vault"];

/// Prints the candidates for the last word, then a directive. Cobra's shell scripts define the format of the output
/// (spf13/cobra `completions.go`).
pub(crate) fn complete(words: &[OsString], env: &Env) -> ExitCode {
    const AND_FILES: u8 = 0;
    const NO_FILES: u8 = 4;
    let mut words: Vec<_> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut begin = String::new(); // `--option=`, if the last word has the form `--option=value`
    if let Some((option, value)) =
        words.last().filter(|last| last.starts_with("--")).and_then(|last| last.split_once('='))
    {
        let both = [option.to_owned(), value.to_owned()];
        begin = format!("{option}=");
        words.pop();
        words.extend(both);
    }
    let last = words.last().map_or("", String::as_str);
    let next = CommandLine::complete(&words);
    let directive = if next == Completion::File { AND_FILES } else { NO_FILES };
    let mut answer = String::new();
    for (word, meaning) in candidates(env, next).iter().filter(|(word, _)| word.starts_with(last)) {
        let (word, meaning) = (text::one_line(word, 200), text::one_line(meaning, 200));
        let _ = write!(answer, "{begin}{word}");
        let _ = if meaning.is_empty() { writeln!(answer) } else { writeln!(answer, "\t{meaning}") };
    }
    let printed = writeln!(io::stdout(), "{answer}:{directive}");
    printed.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

fn candidates(env: &Env, next: Completion) -> Vec<Candidate> {
    match next {
        Completion::Words(words) => words,
        Completion::Registry => registries(env),
        Completion::NewRegistry => new_registries(env),
        Completion::Account(registry) => accounts(env, registry.as_deref()),
        Completion::Choice => accounts(env, None).into_iter().chain(pairs(env)).collect(),
        Completion::Store => {
            let own = STORES.iter().map(|row| (row.word.to_owned(), row.meaning.to_owned()));
            own.chain(prefixed_helpers()).collect()
        }
        Completion::ExternalProgram => {
            let programs = EXTERNAL_PROGRAMS.iter().map(|name| ((*name).to_owned(), String::new()));
            programs.chain(prefixed_helpers()).collect()
        }
        Completion::Helper => helpers(),
        Completion::File | Completion::Free => vec![],
    }
}

fn registries(env: &Env) -> Vec<Candidate> {
    let all = Accounts::new(env).all().unwrap_or_default();
    all.into_iter().map(|entry| (entry.registry.to_string(), count(entry.accounts.len(), "account"))).collect()
}

/// Returns the registries with accounts, the registries in Docker's config, and the registries in the table of
/// providers.
fn new_registries(env: &Env) -> Vec<Candidate> {
    let mut all = registries(env);
    let file = env.docker_config_file().and_then(|path| ConfigJson::load(&path).ok());
    let mut more = |host: &str, meaning: &str| {
        let registry = Registry::from_key(host);
        let host = registry.as_str();
        if !host.contains('*') && all.iter().all(|(known, _)| known != host) {
            all.push((host.to_owned(), meaning.to_owned()));
        }
    };
    for (host, helper) in file.iter().flat_map(ConfigJson::helpers) {
        more(host, &format!("Docker asks {helper}"));
    }
    let users = Accounts::new(env).providers().ok().flatten();
    for (title, host) in ProviderTable::read(users.as_ref()).iter().flat_map(ProviderTable::hosts) {
        more(host, title);
    }
    all
}

fn accounts(env: &Env, registry: Option<&str>) -> Vec<Candidate> {
    let registry = registry.map(Registry::from_key);
    let all = Accounts::new(env).all().unwrap_or_default();
    let wanted = all.iter().filter(|entry| registry.as_ref().is_none_or(|registry| entry.registry.covers(registry)));
    let mut names: Vec<_> = wanted
        .flat_map(|entry| &entry.accounts)
        .map(|account| (account.name.to_string(), format!("{} on {}", account.username, account.registry)))
        .collect();
    names.sort_unstable();
    names.dedup_by(|next, previous| next.0 == previous.0);
    names
}

/// Returns `HOST=ACCOUNT` for each account, as an argument for `use` and `exec`.
fn pairs(env: &Env) -> Vec<Candidate> {
    let all = Accounts::new(env).all().unwrap_or_default();
    let accounts = all.iter().flat_map(|entry| &entry.accounts);
    accounts.map(|account| (format!("{}={}", account.registry, account.name), account.username.to_string())).collect()
}

/// Returns the helpers on PATH, without Ensign's own names.
fn helpers() -> Vec<Candidate> {
    let names = list_programs(HELPER).into_iter().filter_map(|name| name.strip_prefix(HELPER).map(str::to_owned));
    let others = names.filter(|name| !HelperName::is_reserved(name));
    others.map(|name| (name.clone(), format!("{HELPER}{name}"))).collect()
}

/// Returns the helpers on PATH in the form `helper:NAME`.
fn prefixed_helpers() -> impl Iterator<Item = Candidate> {
    helpers().into_iter().map(|(name, meaning)| (format!("helper:{name}"), meaning))
}
