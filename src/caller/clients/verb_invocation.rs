//! `VerbInvocation`: a verb with its words, and the files that it works on.

use crate::caller::command_words::{FlagKind, Switch, is_on};

/// The kinds of files that verbs work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::caller) enum InputFiles {
    None,
    Compose(ComposeAction),
    /// `docker stack deploy`.
    Stack,
    /// A Dockerfile or Containerfile.
    Build,
    /// The Dockerfiles that the arguments of `cosign dockerfile verify` name.
    Dockerfile,
    /// A Dockerfile that buildctl's flags name.
    Buildctl,
    Bake,
    /// Kubernetes' manifests.
    Manifests,
    /// skopeo's list of images to copy.
    SyncList,
    /// regsync's list of sources and targets.
    RegSync,
    /// regbot's scripts.
    RegBot,
    /// devcontainer.json.
    DevContainer,
    /// Only the features in devcontainer.json.
    DevContainerFeatures,
    /// helm's chart with its dependencies.
    Chart,
}

/// What a command does with a Compose project's images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::caller) enum ComposeAction {
    Pull,
    /// Requests the digests of all images: `config --resolve-image-digests`.
    Resolve,
    Push,
    Build,
    /// Pulls or builds missing images, dependencies included.
    Up,
    /// As `Up`, for one service. The words after its name are a command for the container.
    Run,
}

/// A verb with its words. It has no `Debug`, because its words may be passwords.
pub(in crate::caller) struct VerbInvocation<'a> {
    /// The client's canonical name.
    pub(in crate::caller) client: &'static str,
    pub(in crate::caller) files: InputFiles,
    pub(in crate::caller) positionals: Vec<&'a str>,
    pub(super) values: Vec<(FlagKind, &'a str)>,
    pub(super) switches: Vec<Switch<'a>>,
}

impl InputFiles {
    pub(super) fn ends_at_first_word(self) -> bool {
        self == Self::Compose(ComposeAction::Run)
    }
}

impl<'a> VerbInvocation<'a> {
    pub(in crate::caller) fn values(&self, meaning: FlagKind) -> impl Iterator<Item = &'a str> {
        self.values.iter().filter(move |(found, _)| *found == meaning).map(|(_, value)| *value)
    }

    /// Returns the last value, which overrides earlier ones.
    pub(in crate::caller) fn value(&self, meaning: FlagKind) -> Option<&'a str> {
        self.values(meaning).last()
    }

    pub(in crate::caller) fn is_on(&self, switch: &str) -> bool {
        is_on(&self.switches, switch)
    }

    /// Returns variables with their values. A variable without a value has the value of the environment.
    pub(in crate::caller) fn variables(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.values(FlagKind::Variable)
            .map(|pair| pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value))))
    }
}
