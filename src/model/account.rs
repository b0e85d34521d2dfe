//! `Account`: one login of one registry, without its secret.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::{CallerRule, ImagePattern, ImageReference, InvalidName, Operation, Registry, Repository, Source};

/// One login of one registry. The registry and the alias together identify the account in the config and in every
/// secret store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub registry: Registry,
    pub name: AccountName,
    pub username: Username,
    pub store: StoreKind,
    pub source: Source,
    /// The images that the account is for. If the list is empty, the account is for the images in its own namespaces.
    pub images: Vec<ImagePattern>,
    /// The absolute paths of the folders in which the rules choose this account.
    pub folders: Vec<PathBuf>,
    /// The operation that the account is restricted to. `None` allows pull and push.
    pub purpose: Option<Operation>,
    /// The account's decentralized identifier (DID) on ATCR. On ATCR an image's name may contain this DID instead of
    /// the user name (handle).
    pub did: Option<String>,
    /// The rule that decides which callers get the account's secret.
    pub callers: CallerRule,
}

impl Account {
    /// Creates an account without options. The user name becomes the alias.
    pub fn new(registry: Registry, username: Username) -> Self {
        Self {
            registry,
            name: AccountName::from(&username),
            username,
            store: StoreKind::default(),
            source: Source::default(),
            images: vec![],
            folders: vec![],
            purpose: None,
            did: None,
            callers: CallerRule::default(),
        }
    }

    /// Returns the patterns of the account's images. By default, the patterns cover the account's own namespaces.
    pub fn patterns(&self) -> Vec<ImagePattern> {
        if !self.images.is_empty() {
            return self.images.clone();
        }
        let mut namespaces: Vec<String> = self.namespaces().map(str::to_lowercase).collect();
        namespaces.dedup();
        namespaces.retain(|namespace| namespace.parse::<Repository>().is_ok());
        namespaces.iter().map(|namespace| ImagePattern::namespace(&self.registry, namespace)).collect()
    }

    /// Returns the account's most specific pattern that matches `image`. [`Self::patterns`] is not called here, because
    /// it allocates and a registry may have thousands of accounts.
    pub fn claim(&self, image: &ImageReference) -> Option<ImagePattern> {
        if !self.images.is_empty() {
            let matching = self.images.iter().filter(|pattern| pattern.matches(image));
            return matching.max_by_key(|pattern| pattern.specificity()).cloned();
        }
        let path = image.repository().as_str();
        let holds = |namespace: &&str| {
            let head = path.get(..namespace.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(namespace))
                && matches!(path.as_bytes().get(namespace.len()), None | Some(b'/'))
        };
        let namespace = self.namespaces().find(holds).filter(|_| self.registry.covers(image.registry()))?;
        Some(ImagePattern::namespace(&self.registry, &namespace.to_lowercase()))
    }

    /// Tells whether the rules may choose this account for `operation`. An unknown operation is treated as a pull.
    pub fn serves(&self, operation: Option<Operation>) -> bool {
        self.purpose.is_none_or(|purpose| purpose == operation.unwrap_or(Operation::Pull))
    }

    /// Returns the account for one host of the account's pattern. An account with an external source is returned with
    /// `host` as its registry, because external sources have a separate secret for each host.
    pub(crate) fn at(&self, host: &Registry) -> Cow<'_, Self> {
        match self.source {
            Source::External(_) if self.registry.is_pattern() && self.registry != *host => {
                Cow::Owned(Self { registry: host.clone(), ..self.clone() })
            }
            _ => Cow::Borrowed(self),
        }
    }

    /// Moves the account and its images to the registry `host`.
    pub(crate) fn on(self, host: &Registry) -> Self {
        let images = self.images.iter().map(|pattern| pattern.on(host)).collect();
        Self { registry: host.clone(), images, ..self }
    }

    /// Returns the account's own namespaces. A returned namespace may contain capital letters, as GitHub's user names
    /// do, although repository names cannot.
    fn namespaces(&self) -> impl Iterator<Item = &str> {
        let names =
            [self.username.as_str(), self.name.as_str()].map(|name| Some(name).filter(|name| !is_everybody(name)));
        names.into_iter().chain([self.did.as_deref()]).flatten()
    }
}

/// Tells whether a cloud uses this user name for all its tokens. Such a name is not a namespace of the account.
fn is_everybody(name: &str) -> bool {
    matches!(name, "AWS" | "oauth2accesstoken" | "00000000-0000-0000-0000-000000000000")
}

/// An account's alias, which is unique on its registry. The default alias is the user name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName(String);

impl AccountName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Username> for AccountName {
    fn from(username: &Username) -> Self {
        Self(username.0.clone())
    }
}

impl FromStr for AccountName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            Err(InvalidName("an account's name is empty"))
        } else if text.len() > 255 {
            Err(InvalidName("an account's name is longer than 255 bytes"))
        } else if text.chars().any(char::is_control) {
            Err(InvalidName("an account's name contains a control character"))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// The user name of the account at its registry. `<token>` marks the secret as an identity token. User names follow the
/// rules for aliases, because the user name becomes the alias by default.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

impl Username {
    /// The user name that Docker stores with an identity token (docker/cli `cli/config/credentials/native_store.go`).
    pub const IDENTITY_TOKEN: &str = "<token>";

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_identity_token(&self) -> bool {
        self.0 == Self::IDENTITY_TOKEN
    }

    pub(crate) fn is_everybody(&self) -> bool {
        is_everybody(&self.0)
    }
}

impl FromStr for Username {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<AccountName>().map(|name| Self(name.0))
    }
}

/// The store of an account's secret. The store is chosen at login, so `get` need not search several stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreKind {
    /// Ensign's file of clear-text secrets, which only its owner can read.
    #[default]
    File,
    /// Ensign's file of secrets that are encrypted with the data key.
    Sealed,
    /// Another credential helper, `docker-credential-…`.
    Helper(HelperName),
    /// The environment variables or the accounts file of this machine. Ensign never writes to this store.
    Environment,
    /// The name of any other store. The vault looks up the name in its table of stores.
    Other(String),
}

impl StoreKind {
    /// The stores that Ensign keeps in its own files.
    pub(crate) const OF_FILES: [Self; 2] = [Self::File, Self::Sealed];

    /// Reads a store's name from the config or from `--store`. An unknown name becomes [`Self::Other`].
    pub fn parse(text: &str) -> Self {
        match text.split_once(':') {
            None if text == "file" => Self::File,
            None if text == "sealed" => Self::Sealed,
            Some(("helper", name)) => name.parse().map_or_else(|()| Self::Other(text.to_owned()), Self::Helper),
            _ => Self::Other(text.to_owned()),
        }
    }

    pub(crate) fn keeps_its_own_files(&self) -> bool {
        matches!(self, Self::File | Self::Sealed)
    }

    pub(crate) fn is_clear(&self) -> bool {
        matches!(self, Self::File)
    }

    pub(crate) fn is_from_environment(&self) -> bool {
        matches!(self, Self::Environment)
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("file"),
            Self::Sealed => f.write_str("sealed"),
            Self::Helper(name) => write!(f, "helper:{}", name.0),
            Self::Environment => f.write_str("environment"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// The `x` in a credential helper's name `docker-credential-x`. Other users may be able to write the file that contains
/// the name, so parsing accepts only names that are safe to run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HelperName(String);

impl HelperName {
    /// Tells whether `text` contains only characters that are safe in a program's name.
    pub fn fits(text: &str) -> bool {
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
        !text.is_empty() && text.len() <= 64 && text.chars().all(safe)
    }

    /// Tells whether `text` is the name of one of Ensign's own helpers. A pinned helper is called `ensign-ALIAS`.
    pub fn is_reserved(text: &str) -> bool {
        matches!(text, "atcr" | "ensign") || text.starts_with("ensign-")
    }

    pub fn program(&self) -> String {
        format!("docker-credential-{}", self.0)
    }
}

impl FromStr for HelperName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if Self::fits(text) && !Self::is_reserved(text) { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

impl fmt::Display for HelperName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_without_patterns_is_for_its_own_namespaces() {
        let account = Account {
            name: "home".parse().unwrap(),
            did: Some("did:plc:abc".into()),
            ..Account::new(Registry::from_key("atcr.io"), "Alice.Example.com".parse().unwrap())
        };
        let patterns: Vec<_> = account.patterns().iter().map(ToString::to_string).collect();
        assert_eq!(patterns, ["atcr.io/alice.example.com/**", "atcr.io/home/**", "atcr.io/did:plc:abc/**"]);
        for image in [
            "alice.example.com/app",
            "alice.example.com",
            "home/a/b",
            "did:plc:abc/app:1",
            "alice.example.comx/app",
            "homes/a",
            "x/home",
        ] {
            let image: ImageReference = format!("atcr.io/{image}").parse().unwrap();
            let matching = account.patterns().into_iter().find(|pattern| pattern.matches(&image));
            assert_eq!(account.claim(&image), matching, "{image}");
        }
    }

    #[test]
    fn a_name_that_every_token_has_is_no_namespace() {
        let account = |name: &str, username: &str| Account {
            name: name.parse().unwrap(),
            ..Account::new(Registry::from_key("eu.gcr.io"), username.parse().unwrap())
        };
        for (name, username, patterns) in [
            ("prod", "AWS", vec!["eu.gcr.io/prod/**"]),
            ("AWS", "AWS", vec![]),
            ("oauth2accesstoken", "oauth2accesstoken", vec![]),
            ("aws", "aws", vec!["eu.gcr.io/aws/**"]),
        ] {
            let found: Vec<_> = account(name, username).patterns().iter().map(ToString::to_string).collect();
            assert_eq!(found, patterns, "{name}");
        }
    }

    #[test]
    fn the_longest_names_are_read() {
        let is_read = |length: usize| "a".repeat(length).parse::<AccountName>().is_ok();
        assert_eq!((is_read(255), is_read(256)), (true, false));
        let fits = |length: usize| HelperName::fits(&"a".repeat(length));
        assert_eq!((fits(64), fits(65)), (true, false));
    }

    #[test]
    fn an_external_source_has_a_secret_for_each_host_of_its_pattern() {
        let source =
            crate::model::ExternalSource { program: crate::model::ExternalProgram::Glab, env: [].into(), cache: None };
        let sources = [Source::External(source), Source::Static];
        let [external, stored] = sources.map(|source| Account {
            source,
            ..Account::new(Registry::from_key("*.azurecr.io"), "me".parse().unwrap())
        });
        let host = Registry::from_key("acme.azurecr.io");
        for (account, asked, at) in [
            (&external, &host, &host),
            (&external, &external.registry, &external.registry),
            (&stored, &host, &stored.registry),
            (&Account { registry: host.clone(), ..external.clone() }, &Registry::from_key("ghcr.io"), &host),
        ] {
            assert_eq!(account.at(asked).registry, *at, "{asked}");
        }
    }

    #[test]
    fn stores_and_helper_names_read_back() {
        for (text, kind) in [
            ("file", StoreKind::File),
            ("sealed", StoreKind::Sealed),
            ("helper:osxkeychain", StoreKind::Helper(HelperName("osxkeychain".into()))),
            ("helper:../evil", StoreKind::Other("helper:../evil".into())),
            ("helper:", StoreKind::Other("helper:".into())),
            ("helper:ensign-work", StoreKind::Other("helper:ensign-work".into())),
            ("helper:ensigns", StoreKind::Helper(HelperName("ensigns".into()))),
            ("keyring", StoreKind::Other("keyring".into())),
        ] {
            assert_eq!(StoreKind::parse(text), kind);
            assert_eq!(kind.to_string(), text);
        }
    }

    #[test]
    fn names_are_one_printable_line() {
        for (text, valid) in [("alice", true), ("a\"b", true), ("<token>", true), ("", false), ("a\nb", false)] {
            assert_eq!(text.parse::<AccountName>().is_ok(), valid, "{text:?}");
        }
    }
}
