//! Parses `.ensign.toml`, which has an alias for each registry. Unknown keys are allowed, because a newer version of
//! Ensign may use these keys.

use std::path::Path;

use toml_edit::{Document, Item};

use super::ProjectFileError;
use crate::model::choice::ProjectAccounts;
use crate::model::{AccountName, Registry};
use crate::system::text::hide_userinfo;

const ACCOUNTS: &str = "accounts";

pub(super) fn parse(path: &Path, text: &str) -> Result<ProjectAccounts, ProjectFileError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let broken = |span: Option<std::ops::Range<usize>>, why: &str| {
        ProjectFileError::at(text.as_bytes(), span.map_or(0, |span| span.start), why)
    };
    let document = Document::parse(text).map_err(|error| broken(error.span(), error.message()))?;
    let mut project = ProjectAccounts { file: path.to_owned(), accounts: vec![], unknown: vec![] };
    for (key, item) in document.iter() {
        let Some(accounts) = Some(item).filter(|_| key == ACCOUNTS) else {
            project.unknown.push(key.to_owned());
            continue;
        };
        let accounts = accounts.as_table_like().ok_or_else(|| broken(item.span(), "`accounts` is not a table"))?;
        for (host, item) in accounts.iter() {
            let error_at =
                |why: String| broken(accounts.key(host).and_then(toml_edit::Key::span).or(item.span()), &why);
            let Some(name) = item.as_str() else {
                if is_dotted(item) {
                    return Err(error_at(format!("a registry is written in quotes: \"{host}.…\"")));
                }
                project.unknown.push(format!("{ACCOUNTS}.{host}"));
                continue;
            };
            let registry: Registry = host
                .parse()
                .map_err(|error| error_at(format!("`{}` is not a registry: {error}", hide_userinfo(host))))?;
            let name: AccountName =
                name.parse().map_err(|error| error_at(format!("the account of {registry}: {error}")))?;
            if project.account(&registry).is_some() {
                return Err(error_at(format!("{registry} appears twice")));
            }
            project.accounts.push((registry, name));
        }
    }
    Ok(project)
}

/// Tells whether a registry is written without quotes. TOML reads `ghcr.io = "work"` as the key `io` in a table `ghcr`.
fn is_dotted(item: &Item) -> bool {
    item.as_table().is_some_and(toml_edit::Table::is_dotted)
        || item.as_inline_table().is_some_and(toml_edit::InlineTable::is_dotted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(String, String), (usize, String)> {
        let accounts = |project: &ProjectAccounts| -> Vec<_> {
            project.accounts.iter().map(|(registry, name)| format!("{registry}={name}")).collect()
        };
        match parse(Path::new("/w/.ensign.toml"), text) {
            Ok(project) => Ok((accounts(&project).join(","), project.unknown.join(","))),
            Err(ProjectFileError { line, why }) => Err((line, why)),
        }
    }

    #[test]
    fn a_file_names_an_alias_for_each_registry() {
        for (text, accounts, unknown) in [
            ("", "", ""),
            (
                "[accounts]\n\"GHCR.io\" = \"work\" # ours\n'index.docker.io' = 'acme ci'\n",
                "ghcr.io=work,docker.io=acme ci",
                "",
            ),
            ("\u{feff}accounts = { 'localhost:5000' = 'me' }", "localhost:5000=me", ""),
            ("accounts.'https://ghcr.io/' = 'me'\r\n", "ghcr.io=me", ""),
            (
                "password = 'hunter2'\n[accounts]\n'ghcr.io' = {push = 'a'}\n[later]\nx = 1",
                "",
                "password,accounts.ghcr.io,later",
            ),
            ("[accounts.'ghcr.io']\npush = 'work'", "", "accounts.ghcr.io"),
        ] {
            assert_eq!(parsed(text), Ok((accounts.into(), unknown.into())), "{text}");
        }
    }

    #[test]
    fn a_broken_file_is_named_by_its_line_and_no_value_of_it() {
        for (text, line, why) in [
            ("a = 1\npassword: hunter2", 2, "key with no value, expected `=`"),
            ("a = hunter2", 1, "string values must be quoted, expected literal string"),
            ("\n\naccounts = 'hunter2'", 3, "`accounts` is not a table"),
            ("[accounts]\nghcr.io = 'hunter2'", 2, "a registry is written in quotes: \"ghcr.…\""),
            ("accounts = {ghcr.io = 'hunter2'}", 1, "a registry is written in quotes: \"ghcr.…\""),
            (
                "[accounts]\n'a b' = 'me'",
                2,
                "`a b` is not a registry: a registry is `host` or `host:port`, such as `ghcr.io` or `localhost:5000`",
            ),
            (
                "[accounts]\n'ghcr.io/acme' = 'me'",
                2,
                "`ghcr.io/acme` is not a registry: a registry is only a host, without a repository",
            ),
            ("[accounts]\n'ghcr.io' = ''", 2, "the account of ghcr.io: an account's name is empty"),
            (
                "[accounts]\n'ghcr.io' = \"hunter2\\n\"",
                2,
                "the account of ghcr.io: an account's name contains a control character",
            ),
            ("[accounts]\n'docker.io' = 'a'\n'index.docker.io' = 'b'", 3, "docker.io appears twice"),
            ("x = 1\nx = 2", 2, "duplicate key"),
        ] {
            assert_eq!(parsed(text), Err((line, why.to_owned())), "{text}");
        }
        assert!(parsed(&"[".repeat(60_000)).is_err() && parsed(&format!("a = {}", "[".repeat(60_000))).is_err());
    }
}
