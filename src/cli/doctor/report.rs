//! `doctor --report`: writes a report without secrets, to paste into an issue. With `--anonymous`, the report contains
//! no user names either.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Section, Survey, display};
use crate::cli::CommandContext;
use crate::cli::wrap::{WIDTH, wrap};
use crate::docker::pins::Pins;
use crate::docker::{ConfigJson, HELPER, logins, plaintext_auths};
use crate::model::{Account, Source, count};
use crate::system::env;
use crate::system::text::one_line;

/// The environment variables that change Ensign's behaviour. The report contains only the names of the variables that
/// are set, because most values are private.
const VARIABLES: [&str; 14] = [
    "DOCKER_CONFIG",
    "DOCKER_AUTH_CONFIG",
    "DOCKER_HOST",
    "REGISTRY_AUTH_FILE",
    "ENSIGN_ACCOUNT",
    "ENSIGN_ACCOUNTS_FILE",
    "ENSIGN_CONFIG_DIR",
    "ENSIGN_DATA_DIR",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "XDG_RUNTIME_DIR",
];

pub(super) fn text(context: &CommandContext<'_>, survey: &Survey, sections: &[Section], anonymous: bool) -> String {
    let mut text = format!(
        "docker-credential-ensign {} on {} {}\n\n{}\n\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        display::unbroken_text(sections, context.program, usize::MAX)
    );
    text += "Accounts\n";
    for account in survey.accounts() {
        let _ = writeln!(text, "  {}", line(account));
    }
    for route in &survey.routes {
        let by = route.by.as_ref().map_or("all others".to_owned(), ToString::to_string);
        let _ = writeln!(text, "  {by}: {}", route.helper.program());
    }
    text += "Docker's config\n";
    if let Some(file) = &survey.docker {
        let _ = writeln!(text, "  credsStore: {}", one_line(file.store().unwrap_or("none"), 60));
        for (registry, helper) in file.helpers() {
            let _ = writeln!(text, "  {}: {}", logins::shown(registry), one_line(helper, 60));
        }
    }
    for (place, name) in VARIABLES.into_iter().filter(|name| env::present(name).is_some()).enumerate() {
        let heading = if place == 0 { "Variables that are set\n" } else { "" };
        let _ = writeln!(text, "{heading}  {name}");
    }
    let text = without_home(context, &text);
    // Names are replaced before lines are wrapped, because a line break inside a name would hide the name.
    wrap(&if anonymous { without_names(&text, &names(context, survey)) } else { text }, WIDTH)
}

/// Describes an account in one line. The line contains the numbers of the account's patterns and folders, but no
/// pattern and no folder.
fn line(account: &Account) -> String {
    format!(
        "{} {}: user {}, in {}, from {}, {}, {}",
        account.registry,
        account.name,
        one_line(account.username.as_str(), 60),
        account.store,
        source(&account.source),
        count(account.images.len(), "pattern"),
        count(account.folders.len(), "folder")
    )
}

/// Describes the source of a secret. For an external source, the report contains only the program and the names of the
/// variables, because other details may be private.
fn source(source: &Source) -> String {
    match source {
        Source::Static => "a login".to_owned(),
        Source::External(external) => {
            let variables = external.env.keys().map(|name| format!(", {}", one_line(name, 60)));
            external.program.word() + &variables.collect::<String>()
        }
        source => source.to_string(),
    }
}

fn without_home(context: &CommandContext<'_>, text: &str) -> String {
    match context.env.home().and_then(|home| home.to_str()).filter(|home| home.len() > 1) {
        Some(home) => text.replace(home, "~"),
        None => text.to_owned(),
    }
}

/// Returns all names of users that a report can contain. An anonymous report replaces these names. Some names belong to
/// no account, such as the names in plaintext logins, left-over secrets and pinned helpers.
fn names(context: &CommandContext<'_>, survey: &Survey) -> BTreeSet<String> {
    let of_accounts = survey.accounts().flat_map(|account| [account.name.to_string(), account.username.to_string()]);
    let files = survey.client_files.iter().filter_map(|path| ConfigJson::load(path).ok());
    let logins = files.flat_map(|file| plaintext_auths::find(&file).0).map(|login| login.user().to_string());
    let leftovers = context.accounts.leftovers().unwrap_or_default().secrets.into_iter().map(|(_, _, name)| name);
    let pins = Pins::find(None, context.env).map(|pins| pins.all()).unwrap_or_default();
    let pins = pins.iter().map(ToString::to_string);
    let user = context.env.home().and_then(|home| home.file_name()).map(|name| name.to_string_lossy().into_owned());
    let unknown = context.unknown_variable().map(|unknown| unknown.name);
    let names = of_accounts.chain(logins).chain(leftovers).chain(pins).chain(user).chain(unknown);
    // The report may contain a name in full, or shortened to 60 characters.
    let with_shortened = names.flat_map(|name| [one_line(&name, 60), name]);
    with_shortened.filter(|name| !name.is_empty() && name != HELPER).collect()
}

/// Replaces names by `user1`, `user2` …, but not inside a longer word.
fn without_names(text: &str, names: &BTreeSet<String>) -> String {
    let mut longest_first: Vec<&str> = names.iter().map(String::as_str).collect();
    longest_first.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let (mut hidden, mut rest, mut seen) = (String::new(), text, Vec::new());
    while let Some(first) = rest.chars().next() {
        let is_inside = hidden.chars().next_back().is_some_and(char::is_alphanumeric);
        let ends = |name: &str| !rest[name.len()..].chars().next().is_some_and(char::is_alphanumeric);
        let is_next = |name: &&&str| !is_inside && rest.starts_with(**name) && ends(name);
        if let Some(&name) = longest_first.iter().find(is_next) {
            if !seen.contains(&name) {
                seen.push(name);
            }
            let number = seen.iter().position(|other| *other == name).unwrap_or_default() + 1;
            let _ = write!(hidden, "user{number}");
            rest = &rest[name.len()..];
        } else {
            hidden.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hidden_as_whole_words() {
        let names = ["me", "me-acme", "bob@example.com"].map(str::to_owned).into_iter().collect();
        for (text, expected) in [
            ("ghcr.io/me/app → me", "ghcr.io/user1/app → user1"),
            ("me-acme, me, name, meme, me-acme", "user1, user2, name, meme, user1"),
            ("bob@example.com of a.io", "user1 of a.io"),
            ("", ""),
        ] {
            assert_eq!(without_names(text, &names), expected);
        }
    }
}
