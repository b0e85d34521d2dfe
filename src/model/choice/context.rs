//! What is known of a call: the account it asks for, and the facts about its caller.

use std::path::PathBuf;

use super::project_accounts::{ProjectAccounts, TrustedFile};
use crate::model::{AccountName, CallerFacts, CallerRule, ImageReference, Operation, Registry};

/// The account that a call asks for.
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
    /// The value names accounts for other registries only.
    OtherRegistry,
    /// `alias`: the account of that name, on any registry that has one.
    AnyRegistry(String),
    /// `host=alias`: the account for this registry. No other account may replace that account.
    ThisRegistry(String),
}

/// The facts about the caller. The default methods find none. Facts are slow to find, so each rule asks only for those
/// that it needs.
pub(crate) trait CallerContext {
    /// The images on the caller's command line.
    fn command(&self) -> CommandImages;

    /// The facts about the calling processes that `rule` needs.
    fn facts(&self, rule: &CallerRule) -> CallerFacts;

    /// The operation of a build, if its files decide between pull and push.
    fn operation_in_files(&self) -> Option<Operation> {
        None
    }

    /// The images of the asked registry in the files that the caller works on.
    fn mentions(&self) -> FileImages {
        FileImages::default()
    }

    /// The accounts of the caller's project file, if `trusted` contains that file.
    fn project(&self, _trusted: &[TrustedFile]) -> Option<ProjectAccounts> {
        None
    }

    /// The caller's working directory, under each of its paths: links can give it several.
    fn folder(&self) -> Vec<PathBuf> {
        vec![]
    }
}

/// The images of the asked registry on the caller's command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CommandImages {
    pub(crate) images: Vec<ImageReference>,
    pub(crate) role: ImageRole,
    /// Push if the command pushes anything to the registry; `None` if unknown.
    pub(crate) operation: Option<Operation>,
}

/// What a command does with its images. For roles other than `Needed` the caller's files are read first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ImageRole {
    /// The command pulls or pushes them.
    #[default]
    Needed,
    /// The command uses them as a build cache, if it can read them.
    Cache,
    /// The command builds an image of that name without pushing it, so it does not access the registry.
    Result,
}

/// The images of the asked registry in the caller's files, and the parts that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileImages {
    pub(crate) images: Vec<ImageMention>,
    pub(crate) unknown: Vec<UnknownImages>,
}

/// A part of a file in which the images are unknown. If there is such a part, the rule for files chooses no account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownImages {
    pub(crate) file: PathBuf,
    pub(crate) reach: RegistryRange,
    /// What is unknown and why; printed after the file's name. The message contains no value of a variable.
    pub(crate) message: String,
}

/// The registries to which the unknown images may belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RegistryRange {
    Any,
    Only(Registry),
    /// All except this one. The client asks this registry first, and learns the other images from the answer.
    AllBut(Registry),
}

/// An image, and the file that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageMention {
    pub(crate) image: ImageReference,
    pub(crate) file: PathBuf,
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
    /// Reads `ENSIGN_ACCOUNT`: `alias`, or `host=alias,host=alias`. An alias among such pairs is for all other
    /// registries.
    pub(crate) fn parse(value: &str, registry: &Registry) -> Self {
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
            assert_eq!(ExplicitAccount::parse(value, &ghcr), expected, "{value}");
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
