//! Completion for Docker, which asks its plugin what may be typed next.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use super::args::{Arguments, Next};
use crate::accounts::Accounts;
use crate::model::Registry;
use crate::system::env::Env;
use crate::system::text;

/// Prints the words that may stand for the last one, then what the shell is to do besides, as cobra's scripts read it
/// (spf13/cobra `completions.go`).
pub(crate) fn complete(words: &[OsString], env: &Env) -> ExitCode {
    const AND_FILES: u8 = 0;
    const NO_FILES: u8 = 4;
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let last = words.last().map_or("", String::as_str);
    let (candidates, directive) = match Arguments::complete(&words) {
        Next::Words(words) => (words, NO_FILES),
        Next::Registry => (registries(env), NO_FILES),
        Next::Account(registry) => (accounts(env, registry.as_deref()), NO_FILES),
        Next::File => (vec![], AND_FILES),
        Next::Free => (vec![], NO_FILES),
    };
    let mut answer = String::new();
    for (word, meaning) in candidates.iter().filter(|(word, _)| word.starts_with(last)) {
        let (word, meaning) = (text::one_line(word, 200), text::one_line(meaning, 200));
        let _ = if meaning.is_empty() { writeln!(answer, "{word}") } else { writeln!(answer, "{word}\t{meaning}") };
    }
    let printed = writeln!(io::stdout(), "{answer}:{directive}");
    printed.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

fn registries(env: &Env) -> Vec<(String, String)> {
    let all = Accounts::new(env).all().unwrap_or_default();
    let meaning = |count: usize| if count == 1 { "1 account".to_owned() } else { format!("{count} accounts") };
    all.into_iter().map(|one| (one.registry.to_string(), meaning(one.accounts.len()))).collect()
}

fn accounts(env: &Env, registry: Option<&str>) -> Vec<(String, String)> {
    let registry = registry.map(Registry::from_key);
    let all = Accounts::new(env).all().unwrap_or_default();
    let wanted = all.iter().filter(|one| registry.as_ref().is_none_or(|registry| one.registry.covers(registry)));
    let mut names: Vec<_> = wanted
        .flat_map(|one| &one.accounts)
        .map(|account| (account.name.to_string(), format!("{} on {}", account.username, account.registry)))
        .collect();
    names.sort_unstable();
    names.dedup_by(|next, one| next.0 == one.0);
    names
}
