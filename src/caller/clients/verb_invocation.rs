//! `VerbInvocation`: what a command line does with files, before any is opened.

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
    /// The words name Dockerfiles, of which nothing is built.
    Dockerfile,
    /// buildctl names its files in its own way.
    Buildctl,
    Bake,
    /// Kubernetes' manifests.
    Manifests,
    /// skopeo's list of what to copy.
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

/// What becomes of a Compose project's images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::caller) enum ComposeAction {
    Pull,
    Push,
    Build,
    /// What is missing is pulled or built, dependencies included.
    Up,
    /// The same for one service; what follows its name is a command.
    Run,
}

/// A verb with its words. They may hold passwords: no `Debug`.
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

    /// The last value, which is the one that counts.
    pub(in crate::caller) fn value(&self, meaning: FlagKind) -> Option<&'a str> {
        self.values(meaning).last()
    }

    /// Tells whether a flag without a value is set.
    pub(in crate::caller) fn has(&self, flag: &str) -> bool {
        has(self.arguments, flag)
    }

    /// `NAME=VALUE`, and `NAME` alone, whose value is the variable's.
    pub(in crate::caller) fn variables(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.values(FlagKind::Variable)
            .map(|pair| pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value))))
    }
}
