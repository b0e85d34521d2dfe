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
    /// Dockerfiles among the words, without a build.
    Dockerfile,
    /// buildctl's own way of naming files.
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
    /// helm's chart with its dependencies.
    Chart,
}

/// What a command does with a Compose project's images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::caller) enum ComposeAction {
    Pull,
    Push,
    Build,
    /// Pulls or builds missing images, dependencies included.
    Up,
    /// The same for one service, whose name a command follows.
    Run,
}

/// A verb with its words. It has no `Debug`, because they may be passwords.
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

    /// The last value, which wins.
    pub(in crate::caller) fn value(&self, meaning: FlagKind) -> Option<&'a str> {
        self.values(meaning).last()
    }

    pub(in crate::caller) fn is_on(&self, switch: &str) -> bool {
        is_on(&self.switches, switch)
    }

    /// `NAME=VALUE`, or `NAME` for the environment's value.
    pub(in crate::caller) fn variables(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.values(FlagKind::Variable)
            .map(|pair| pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value))))
    }
}
