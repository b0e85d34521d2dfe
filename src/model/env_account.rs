//! `EnvAccount`: an account from an environment variable or an accounts file. Ensign never changes such an account.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Account, AccountName, ImagePattern, Registry, Secret, StoreKind, Username};

/// An account with its secret, or with the path of the secret's file.
#[derive(Debug)]
pub(crate) struct EnvAccount {
    pub(crate) account: Account,
    pub(crate) active: bool,
    pub(crate) secret: EnvSecret,
}

/// The secret, or the path of the secret's file. The file is read when the secret is needed.
#[derive(Debug)]
pub(crate) enum EnvSecret {
    Inline(Secret),
    File(PathBuf),
}

/// Reads an accounts file of the form `{"accounts":[{"registry","username","secret" or
/// "secret_file","alias","images","for","active"}]}`. Relative paths are resolved in `folder`. From the file, an error
/// message quotes at most a registry, because the file contains secrets.
pub(crate) fn read_file(bytes: &[u8], folder: &Path) -> Result<Vec<EnvAccount>, String> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes); // some editors write a byte order mark
    let file: RawEnvFile = serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            format!("line {}: an account needs registry, username, and secret or secret_file", error.line())
        }
        _ => format!("line {}: not valid JSON", error.line()),
    })?;
    file.accounts
        .into_iter()
        .enumerate()
        .map(|(place, raw)| raw.mounted(folder).map_err(|why| format!("account {}: {why}", place + 1)))
        .collect()
}

/// Reads a variable that contains a place, a user name and a secret, separated by blanks. The place is a registry or a
/// pattern of images. The alias is made from `name`, which is the variable's name without the prefix.
pub(crate) fn read_variable(name: &str, value: &str) -> Result<EnvAccount, Box<dyn Error>> {
    let (place, rest) = value.trim().split_once(char::is_whitespace).ok_or("the variable contains only one word")?;
    let (username, secret) =
        rest.trim_start().split_once(char::is_whitespace).ok_or("the variable contains only two words")?;
    let host = place.split('/').next().unwrap_or_default();
    RawEnvAccount {
        registry: host.to_owned(),
        username: username.to_owned(),
        secret: Some(secret.trim_start().to_owned()),
        alias: Some(name.to_lowercase().replace('_', "-")),
        images: if place.contains('/') { vec![place.to_owned()] } else { vec![] },
        ..RawEnvAccount::default()
    }
    .mounted(Path::new(""))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnvFile {
    accounts: Vec<RawEnvAccount>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnvAccount {
    registry: String,
    username: String,
    secret: Option<String>,
    secret_file: Option<PathBuf>,
    alias: Option<String>,
    #[serde(default)]
    images: Vec<String>,
    #[serde(rename = "for")]
    purpose: Option<String>,
    #[serde(default)]
    active: bool,
}

impl RawEnvAccount {
    fn mounted(self, folder: &Path) -> Result<EnvAccount, Box<dyn Error>> {
        let registry: Registry = self.registry.parse()?;
        let username: Username = self.username.parse()?;
        let name: Option<AccountName> = self.alias.map(|alias| alias.parse()).transpose()?;
        let images = self.images.iter().map(|text| text.parse()).collect::<Result<Vec<ImagePattern>, _>>()?;
        if images.iter().any(|pattern| *pattern.registry() != registry) {
            return Err(format!("the images are not on {registry}").into());
        }
        let purpose = self.purpose.map(|text| text.parse()).transpose();
        let purpose = purpose.map_err(|error| format!("its `for` {error}"))?;
        let secret = match (self.secret, self.secret_file) {
            (Some(secret), None) if !secret.is_empty() => EnvSecret::Inline(Secret::new(secret)),
            (None, Some(file)) => EnvSecret::File(folder.join(file)),
            _ => return Err("exactly one of `secret` and `secret_file` is needed".into()),
        };
        let account = Account {
            name: name.unwrap_or_else(|| AccountName::from(&username)),
            store: StoreKind::Environment,
            images,
            purpose,
            ..Account::new(registry, username)
        };
        Ok(EnvAccount { account, active: self.active, secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(mounted: &EnvAccount) -> String {
        let Account { registry, name, username, images, purpose, .. } = &mounted.account;
        let images: Vec<_> = images.iter().map(ToString::to_string).collect();
        let purpose = purpose.map(|purpose| format!(" for {purpose}")).unwrap_or_default();
        format!("{registry} {name} {username} {}{purpose}", images.join(","))
    }

    #[test]
    fn a_variable_is_a_place_a_user_and_a_secret() {
        for (name, value, expected) in [
            ("WORK", "ghcr.io acme-bot s3cret", Ok("ghcr.io work acme-bot ")),
            ("A_B", "  ghcr.io/acme/**  bot  s3 cret \n", Ok("ghcr.io a-b bot ghcr.io/acme/**")),
            ("HUB", "docker.io me pat", Ok("docker.io hub me ")),
            ("X", "ghcr.io", Err("the variable contains only one word")),
            ("X", "ghcr.io me", Err("the variable contains only two words")),
            ("X", "", Err("the variable contains only one word")),
            ("X", "ghcr.io me  ", Err("the variable contains only two words")),
        ] {
            let read = read_variable(name, value);
            let read = read.as_ref().map(shown).map_err(ToString::to_string);
            assert_eq!(read, expected.map(str::to_owned).map_err(str::to_owned), "{value}");
        }
    }

    #[test]
    fn a_file_names_what_is_wrong_and_quotes_nothing() {
        let good = br#"{"accounts": [{"registry": "ghcr.io", "username": "a", "secret_file": "t", "images": ["ghcr.io/x/**"], "active": true},
            {"registry": "quay.io", "username": "b", "secret": "s", "alias": "c", "for": "push"}]}"#;
        let read = read_file(good, Path::new("/m")).unwrap();
        assert_eq!(read.iter().map(shown).collect::<Vec<_>>(), ["ghcr.io a a ghcr.io/x/**", "quay.io c b  for push"]);
        assert!(matches!(&read[0].secret, EnvSecret::File(path) if path == Path::new("/m/t")));
        for (text, expected) in [
            ("", "line 1: not valid JSON"),
            ("{", "line 1: not valid JSON"),
            (r#"{"accounts": [{"registry": "h", "secret": "hunter2"}]}"#, "line 1: an account needs registry"),
            (r#"{"accounts": [{"registry": "h", "username": "u", "hunter2": 1}]}"#, "line 1: an account needs"),
            (
                r#"{"accounts": [{"registry": "h.io", "username": "u", "secret": ""}]}"#,
                "account 1: exactly one of `secret` and `secret_file` is needed",
            ),
            (
                r#"{"accounts": [{"registry": "h.io", "username": "u"}]}"#,
                "account 1: exactly one of `secret` and `secret_file` is needed",
            ),
            (
                r#"{"accounts": [{"registry": "h.io", "username": "u", "secret": "hunter2", "images": ["i.io/x"]}]}"#,
                "account 1: the images are not on h.io",
            ),
            (
                r#"{"accounts": [{"registry": "h.io", "username": "u", "secret": "hunter2", "for": "hunter2"}]}"#,
                "account 1: its `for` is neither `pull` nor `push`",
            ),
        ] {
            let error = read_file(text.as_bytes(), Path::new("")).unwrap_err();
            assert!(error.starts_with(expected) && !error.contains("hunter2"), "{error}");
        }
    }
}
