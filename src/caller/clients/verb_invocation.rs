//! `VerbInvocation`: a verb with its words, and the files that it works on.

use crate::caller::command_words::{FlagKind, is_true};

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
    pub(super) arguments: &'a [String],
}

impl InputFiles {
    pub(super) fn ends_at_first_word(self) -> bool {
        self == Self::Compose(ComposeAction::Run)
    }
}

/// Tells whether a flag without a value is among `arguments`.
pub(super) fn has(arguments: &[String], flag: &str) -> bool {
    let is_set = |word: &String| {
        let value = word.strip_prefix(flag);
        value.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('=').is_some_and(is_true))
    };
    !flag.is_empty() && arguments.iter().any(is_set)
}

impl<'a> VerbInvocation<'a> {
    pub(in crate::caller) fn values(&self, meaning: FlagKind) -> impl Iterator<Item = &'a str> {
        self.values.iter().filter(move |(found, _)| *found == meaning).map(|(_, value)| *value)
    }

    /// The last value, which wins.
    pub(in crate::caller) fn value(&self, meaning: FlagKind) -> Option<&'a str> {
        self.values(meaning).last()
    }

    /// Tells whether a flag without a value is set.
    pub(in crate::caller) fn has(&self, flag: &str) -> bool {
        has(self.arguments, flag)
    }

    /// `NAME=VALUE`, or `NAME` for the environment's value.
    pub(in crate::caller) fn variables(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.values(FlagKind::Variable)
            .map(|pair| pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value))))
    }
}
