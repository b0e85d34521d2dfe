//! Finds plain-text logins in `auths`, and removes logins that have been imported.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::config_json::field;
use super::file_plan::{FilePlan, quoted};
use super::logins::{FoundLogin, server_of};
use super::{ConfigJson, PlannedChange, json_edit, until_unchanged};
use crate::model::{Secret, Username};

/// Returns the plain-text logins of a file, and the unusable entries of `auths`. Skips empty entries, which are markers
/// for logins in a helper.
pub(crate) fn find(file: &ConfigJson) -> (Vec<FoundLogin>, Vec<UnusableEntry>) {
    let (mut logins, mut unusable) = (Vec::new(), Vec::new());
    for (key, entry) in file.logins() {
        match read(key, entry) {
            Ok(Some(login)) => logins.push(login),
            Ok(None) => {}
            Err(reason) => unusable.push(UnusableEntry { key: key.to_owned(), reason }),
        }
    }
    (logins, unusable)
}

/// Removes imported logins from a file and from the file's backup. Backups of earlier versions of Ensign have logins.
pub(crate) fn remove(path: &Path, imported: &[&FoundLogin]) -> Result<()> {
    for path in [path.to_owned(), FilePlan::backup_path(path)] {
        until_unchanged(|| take_out(&ConfigJson::load(&path)?, imported)?.apply())?;
    }
    Ok(())
}

/// Returns the text of a client's file without its logins. A text that is not JSON has no logins.
pub(super) fn without_logins(path: &Path, text: &str) -> Option<String> {
    let file = ConfigJson::parse(path, Some(text.into())).ok()?;
    let (logins, _) = find(&file);
    logins.iter().try_fold(text.to_owned(), |text, login| without_secrets(&file, &text, &login.key))
}

/// Plans to remove logins that have been imported. The entry remains as a marker, together with its other fields,
/// because some programs look up only registries that are in `auths` (testcontainers-go `docker_auth.go`). An entry
/// that has changed since the import is not touched.
pub(crate) fn take_out(file: &ConfigJson, imported: &[&FoundLogin]) -> Result<FilePlan> {
    let (present, _) = find(file);
    let known = |login: &&FoundLogin| imported.iter().any(|other| other.is_same(login));
    let changes = present.iter().filter(known).map(|login| PlannedChange::TakeOut { key: login.key.clone() }).collect();
    FilePlan::new(file, changes)
}

/// Removes the login under `key` from `text`.
pub(super) fn without_secrets(file: &ConfigJson, text: &str, key: &str) -> Option<String> {
    let auths = file.spelling("auths");
    let entry = file.logins().find(|(name, _)| *name == key)?.1.as_object()?;
    let mut secret_fields = entry.keys().filter(|name| FIELDS.iter().any(|field| field.eq_ignore_ascii_case(name)));
    secret_fields.try_fold(text.to_owned(), |text, name| json_edit::remove(&text, &[auths, key, name]))
}

/// An entry of `auths` without a usable login. An empty entry is a marker, and does not count as unusable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnusableEntry {
    pub(crate) key: String,
    pub(crate) reason: UnusableReason,
}

/// The reason why an entry cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnusableReason {
    /// The key is not a registry's address.
    NoServer,
    /// The entry is not an object, or one of its fields is not a string.
    NotAnEntry,
    /// `auth` is not base64.
    NotBase64,
    /// `auth` does not decode to `user:secret`.
    NotALogin,
    /// A user name or a secret is missing.
    Incomplete,
    /// The secret is a `registrytoken`, which is meant for a single task. A helper cannot return a `registrytoken`.
    RegistryToken,
}

const FIELDS: [&str; 5] = ["auth", "identitytoken", "username", "password", "secret"];

fn read(key: &str, entry: &Value) -> Result<Option<FoundLogin>, UnusableReason> {
    let entry = entry.as_object().ok_or(UnusableReason::NotAnEntry)?;
    let (auth, token) = (text(entry, "auth")?, text(entry, "identitytoken")?);
    let name = text(entry, "username")?;
    let secret = text(entry, "password")?.map_or_else(|| text(entry, "secret"), |secret| Ok(Some(secret)))?;
    let (name, secret) = match auth {
        Some(auth) => {
            let (name, secret) = decode(&auth.replace('-', "+").replace('_', "/"))?; // some programs use the URL-safe alphabet
            (Some(name), Some(secret))
        }
        None => (name.map(str::to_owned), secret.map(|secret| Secret::new(secret.to_owned()))),
    };
    let name = name.filter(|name| !name.is_empty()).map(|name| name.parse::<Username>());
    let name = name.transpose().map_err(|_| UnusableReason::NotALogin)?;
    let (username, token_of, secret) = match (token, name, secret.filter(|secret| !secret.is_empty())) {
        (Some(token), name, _) => (identity_token(), name, Secret::new(token.to_owned())),
        (None, Some(name), Some(secret)) => (name, None, secret),
        (None, None, None) if field(entry, "registrytoken").is_some() => return Err(UnusableReason::RegistryToken),
        (None, None, None) if auth.is_none() => return Ok(None),
        (None, ..) => return Err(UnusableReason::Incomplete),
    };
    let server = server_of(key).ok_or(UnusableReason::NoServer)?;
    Ok(Some(FoundLogin { key: key.to_owned(), server, username, token_of, secret, did: None }))
}

fn text<'a>(entry: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, UnusableReason> {
    match field(entry, name) {
        None | Some((_, Value::Null)) => Ok(None),
        Some((_, Value::String(text))) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(UnusableReason::NotAnEntry),
    }
}

/// Decodes `auth`, which is the base64 of `user:secret`. The secret may contain colons. Old clients padded the secret
/// with zero bytes (docker/cli `cli/config/configfile/file.go`, `decodeAuth`).
#[expect(clippy::disallowed_methods, reason = "cuts the secret out of the decoded text")]
pub(super) fn decode(auth: &str) -> Result<(String, Secret), UnusableReason> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let auth = Zeroizing::new(auth.trim().replace(['\r', '\n'], "")); // the command `base64` writes line ends, which Go skips
    let bytes = GeneralPurpose::new(&STANDARD, lenient).decode(&*auth).map_err(|_| UnusableReason::NotBase64)?;
    let whole = Secret::new(String::from_utf8(bytes).map_err(|_| UnusableReason::NotALogin)?);
    let (name, secret) = whole.expose().split_once(':').ok_or(UnusableReason::NotALogin)?;
    Ok((name.to_owned(), Secret::new(secret.trim_matches('\0').to_owned())))
}

fn identity_token() -> Username {
    Username::IDENTITY_TOKEN.parse().expect("the constant is a valid user name")
}

/// Returns a login's line in the preview of an import.
pub(crate) fn line(login: &FoundLogin) -> String {
    format!("!   {:<29} plain-text login", quoted(&login.key))
}

/// Prints the entry's line in the preview of an import.
impl fmt::Display for UnusableEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", quoted(&self.key), self.reason)
    }
}

impl fmt::Display for UnusableReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoServer => "the login's key is not the address of a registry",
            Self::NotAnEntry => "Docker cannot read this entry",
            Self::NotBase64 => "`auth` is not base64",
            Self::NotALogin => "`auth` is not a user name and a secret",
            Self::Incomplete => "the login is incomplete",
            Self::RegistryToken => "the login is a registry token, which no helper can return",
        })
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests read their own secrets")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::docker::{ClientFamily, setup};
    use crate::model::Registry;
    use crate::system::files::{self, Access};

    fn file(text: &str) -> ConfigJson {
        ConfigJson::parse(Path::new("config.json"), Some(text.into())).unwrap()
    }

    #[test]
    fn logins_are_read_as_docker_writes_them() {
        for (entry, expected) in [
            (json!({"auth": "ZGF2ZTpwdzoxMjM="}), Ok(Some(("dave", "pw:123")))),
            (json!({"auth": "ZGF2\nZTpw\r\ndzoxMjM=\n"}), Ok(Some(("dave", "pw:123")))),
            (json!({"auth": "ZGF2ZTpwdzoxMjM"}), Ok(Some(("dave", "pw:123")))),
            (json!({"auth": "ZGF2ZTo_Pz8-"}), Ok(Some(("dave", "???>")))),
            (json!({"auth": "ZGF2ZTo/Pz8+"}), Ok(Some(("dave", "???>")))),
            (json!({"Auth": "ZGF2ZTpwdwAA", "email": 1}), Ok(Some(("dave", "pw")))),
            (json!({"auth": "ZGF2ZTo=", "identitytoken": "tok"}), Ok(Some(("<token>", "tok")))),
            (json!({"identitytoken": "tok"}), Ok(Some(("<token>", "tok")))),
            (json!({"username": "u2", "password": "p2"}), Ok(Some(("u2", "p2")))),
            (json!({"Username": "u2", "Secret": "p2"}), Ok(Some(("u2", "p2")))),
            (json!({}), Ok(None)),
            (json!({"auth": "", "email": "a@b"}), Ok(None)),
            (json!({"auth": "%%%"}), Err(UnusableReason::NotBase64)),
            (json!({"auth": "ZGF2ZQ=="}), Err(UnusableReason::NotALogin)),
            (json!({"auth": "//8="}), Err(UnusableReason::NotALogin)),
            (json!({"auth": "ZGF2ZTo="}), Err(UnusableReason::Incomplete)),
            (json!({"auth": "Og=="}), Err(UnusableReason::Incomplete)),
            (json!({"username": "dave"}), Err(UnusableReason::Incomplete)),
            (json!({"auth": 1}), Err(UnusableReason::NotAnEntry)),
            (json!("text"), Err(UnusableReason::NotAnEntry)),
            (json!({"registrytoken": "t"}), Err(UnusableReason::RegistryToken)),
        ] {
            let read = read("ghcr.io", &entry);
            let seen = read.as_ref().map(|login| login.as_ref().map(|l| (l.username.as_str(), l.secret.expose())));
            assert_eq!(seen, expected.as_ref().map(|login| *login), "{entry}");
        }
    }

    const FULL: &str = "{\n\t\"auths\": {\n\t\t\"ghcr.io\": {\n\t\t\t\"auth\": \"ZGF2ZTpwdw==\"\n\t\t},\n\
                        \t\t\"a.io\": {\"auth\": \"%\"},\n\t\t\"b.io\": {},\n\
                        \t\t\"c.io\": {\"email\": \"x\", \"auth\": \"ZGF2ZTpwdw==\", \"username\": \"dave\"}\n\t}\n}";

    #[test]
    fn imported_logins_leave_their_markers() {
        let (found, unusable) = find(&file(FULL));
        assert_eq!(found.iter().map(|login| login.key.as_str()).collect::<Vec<_>>(), ["ghcr.io", "c.io"]);
        assert_eq!(unusable, [UnusableEntry { key: "a.io".into(), reason: UnusableReason::NotBase64 }]);
        let plan = take_out(&file(FULL), &found.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(
            plan.after().unwrap(),
            "{\n\t\"auths\": {\n\t\t\"ghcr.io\": {},\n\t\t\"a.io\": {\"auth\": \"%\"},\n\t\t\"b.io\": {},\n\
             \t\t\"c.io\": {\"email\": \"x\"}\n\t}\n}"
        );
        let renewed = FULL.replace("ZGF2ZTpwdw==", "ZGF2ZTpuZXc=");
        assert!(take_out(&file(&renewed), &found.iter().collect::<Vec<_>>()).unwrap().is_empty());
    }

    #[test]
    fn an_imported_login_leaves_the_copy_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let load = |path: &Path| ConfigJson::load(path).unwrap();
        files::replace(&path, FULL.as_bytes(), Access::Private).unwrap();
        setup::plan(&load(&path), ClientFamily::Docker, &[Registry::from_key("ghcr.io").into()], false)
            .unwrap()
            .apply()
            .unwrap();
        let copy = FilePlan::backup_path(&path);
        assert!(find(&load(&copy)).0.is_empty(), "a copy gets no login");
        files::replace(&copy, FULL.as_bytes(), Access::Private).unwrap(); // as an earlier version made it
        let (found, _) = find(&load(&copy));
        remove(&path, &found.iter().collect::<Vec<_>>()).unwrap();
        for path in [&path, &copy] {
            assert!(find(&load(path)).0.is_empty(), "{path:?}");
        }
        assert_eq!(load(&path).helper("ghcr.io"), Some("ensign"));
    }

    #[test]
    fn no_secret_is_shown() {
        let (found, unusable) = find(&file(&FULL.replace("\"%\"", "\"aHVudGVyMg==\"")));
        let plan = take_out(&file(FULL), &found.iter().collect::<Vec<_>>()).unwrap();
        let shown = format!("{found:?} {} {plan:?} {plan} {} {unusable:?}", line(&found[0]), unusable[0]);
        assert!(!["pw", "ZGF2", "hunter2", "aHVud"].iter().any(|secret| shown.contains(secret)), "{shown}");
        assert_eq!(line(&found[0]), "!   \"ghcr.io\"                     plain-text login");
    }
}
