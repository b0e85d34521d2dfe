//! The input to the choice of an account: what the call asks for, and the facts about its caller.

use std::path::PathBuf;

use crate::model::{AccountName, CallerFacts, CallerRule, ImageReference, Operation, Registry};

/// The accounts and the image in a call's environment, program name and server address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountRequest {
    pub(crate) environment: ExplicitAccount,
    /// The alias in the program's name, `docker-credential-ensign-<alias>`.
    pub(crate) pinned: Option<AccountName>,
    /// The user in the server address, `user@host`.
    pub(crate) user: Option<String>,
    /// The image in the server address, `host/repository`.
    pub(crate) image: Option<ImageReference>,
}

/// The meaning of `ENSIGN_ACCOUNT` for one registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ExplicitAccount {
    #[default]
    Unset,
    /// The value contains accounts for other registries only.
    OtherRegistry,
    /// The value is `alias`. On each registry the value selects the account with this alias, if there is one.
    AnyRegistry(String),
    /// The value is `host=alias`. Only the account with this alias may answer for this registry.
    ThisRegistry(String),
}

/// Finds the facts about the caller. The default methods return no facts. Finding a fact is slow, so each rule asks
/// only for the facts that it needs.
pub(crate) trait CallerContext {
    /// Returns the images on the caller's command line.
    fn command(&self) -> CommandImages;

    /// Returns the facts about the calling processes that `rule` needs.
    fn facts(&self, rule: &CallerRule) -> CallerFacts;

    /// Returns the operation of a build, if the build's files decide between pull and push; `None` otherwise.
    fn operation_in_files(&self) -> Option<Operation> {
        None
    }

    /// Returns the requested registry's images in the files that the caller works on.
    fn mentions(&self) -> FileImages {
        FileImages::default()
    }

    /// Returns the accounts in the caller's project file, if `trusted` contains this file.
    fn project(&self, _trusted: &[TrustedFile]) -> Option<ProjectAccounts> {
        None
    }

    /// Returns all paths of the caller's working directory, because links can give a directory several paths.
    fn folder(&self) -> Vec<PathBuf> {
        vec![]
    }
}

/// The requested registry's images on the caller's command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CommandImages {
    pub(crate) images: Vec<ImageReference>,
    pub(crate) role: ImageRole,
    /// The operation; `None` if unknown. The operation is push if the command pushes anything to the registry.
    pub(crate) operation: Option<Operation>,
}

/// What a command does with its images. Images with the role `Needed` have priority over the images in the caller's
/// files. Images with any other role are tried after the images in the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ImageRole {
    /// The command pulls or pushes the images.
    #[default]
    Needed,
    /// The command uses the images as a build cache, if it can read the images.
    Cache,
    /// The command builds the image without pushing it, so the command does not access the image's registry.
    Result,
}

/// The requested registry's images in the caller's files, and the parts of the files in which images are unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileImages {
    pub(crate) images: Vec<ImageMention>,
    pub(crate) unknown: Vec<UnknownImages>,
}

/// A part of a file in which the images are unknown. If a file has a part with unknown images, the rule for files
/// chooses no account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UnknownImages {
    pub(crate) file: PathBuf,
    pub(crate) reach: RegistryRange,
    /// The text that is printed after the file's name and says what is unknown and why. The message contains no value
    /// of a variable.
    pub(crate) message: String,
}

/// The registries from which the unknown images may come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RegistryRange {
    Any,
    Only(Registry),
    /// All registries except the named registry. The client asks the named registry first, and the registry's answer
    /// lists the other images.
    AllBut(Registry),
}

/// An image, and the file that mentions the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageMention {
    pub(crate) image: ImageReference,
    pub(crate) file: PathBuf,
}

/// The content of a `.ensign.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProjectAccounts {
    pub(crate) file: PathBuf,
    pub(crate) accounts: Vec<(Registry, AccountName)>,
    /// The keys that are unknown to this version of Ensign.
    pub(crate) unknown: Vec<String>,
}

/// A project file that the user trusts, as long as its content has this digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrustedFile {
    pub(crate) file: PathBuf,
    pub(crate) digest: String,
}

impl ProjectAccounts {
    pub(crate) const FILE: &str = ".ensign.toml";

    /// Returns the account for `registry` in the file.
    pub(crate) fn account(&self, registry: &Registry) -> Option<&AccountName> {
        self.accounts.iter().find(|(other, _)| other == registry).map(|(_, name)| name)
    }
}

impl RegistryRange {
    pub(crate) fn includes(&self, registry: &Registry) -> bool {
        match self {
            Self::Any => true,
            Self::Only(known) => known == registry,
            Self::AllBut(known) => known != registry,
        }
    }
}

impl FileImages {
    pub(crate) fn is_empty(&self) -> bool {
        self.images.is_empty() && self.unknown.is_empty()
    }
}

impl ExplicitAccount {
    /// Returns the registries that have their own entry in the value of `ENSIGN_ACCOUNT`.
    pub(crate) fn registries(value: &str) -> impl Iterator<Item = Registry> {
        let hosts = value.split(',').filter_map(|pair| pair.split_once('='));
        hosts.map(|(host, _)| Registry::from_key(host.trim()))
    }

    /// Reads the value of `ENSIGN_ACCOUNT`, which is `alias` or `host=alias,host=alias`. An alias without a host
    /// applies to all registries that occur in no pair.
    pub(crate) fn parse(value: Option<&str>, registry: &Registry) -> Self {
        let Some(value) = value else { return Self::Unset };
        let pairs = value.split(',').filter_map(|pair| pair.split_once('='));
        let named = |registry: &Registry| pairs.clone().find(|(host, _)| registry.is_key(host.trim()));
        let pair = named(registry).or_else(|| named(&registry.served_by()?));
        let alone = || value.split(',').map(str::trim).find(|part| !part.is_empty() && !part.contains('='));
        match pair {
            Some((_, name)) => Self::ThisRegistry(name.trim().to_owned()),
            None => alone().map_or(Self::OtherRegistry, |name| Self::AnyRegistry(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_an_account_for_any_registry_or_for_one() {
        let ghcr = Registry::from_key("ghcr.io");
        for (value, expected) in [
            ("work", ExplicitAccount::AnyRegistry("work".into())),
            ("ghcr.io=work", ExplicitAccount::ThisRegistry("work".into())),
            ("quay.io=me, GHCR.io = work", ExplicitAccount::ThisRegistry("work".into())),
            ("quay.io=me", ExplicitAccount::OtherRegistry),
            ("quay.io=me,work,", ExplicitAccount::AnyRegistry("work".into())),
            ("work,ghcr.io=me", ExplicitAccount::ThisRegistry("me".into())),
        ] {
            assert_eq!(ExplicitAccount::parse(Some(value), &ghcr), expected, "{value}");
        }
    }

    #[test]
    fn what_is_unknown_may_concern_some_registries_only() {
        let [ghcr, quay] = ["ghcr.io", "quay.io"].map(Registry::from_key);
        for (range, expected) in [
            (RegistryRange::Any, [true, true]),
            (RegistryRange::Only(ghcr.clone()), [true, false]),
            (RegistryRange::AllBut(ghcr.clone()), [false, true]),
        ] {
            assert_eq!([&ghcr, &quay].map(|registry| range.includes(registry)), expected, "{range:?}");
        }
    }

    #[test]
    fn files_without_images_may_still_have_unknown_ones() {
        let file = std::path::PathBuf::from("compose.yaml");
        let images = vec![ImageMention { image: "ghcr.io/acme/app".parse().unwrap(), file: file.clone() }];
        let unknown = vec![UnknownImages { file, reach: RegistryRange::Any, message: String::new() }];
        assert!(FileImages::default().is_empty());
        assert!(!FileImages { images, unknown: vec![] }.is_empty());
        assert!(!FileImages { images: vec![], unknown }.is_empty());
    }
}
