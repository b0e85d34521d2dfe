//! `VerbInvocation`: a verb with its words, and the files that the verb works on.

use crate::caller::command_flags::CommandFlags;

/// The kinds of files that verbs work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::caller) enum InputFiles {
    None,
    Compose(ComposeAction),
    /// The Compose files of `docker stack deploy`.
    Stack,
    /// A Dockerfile or Containerfile.
    Build,
    /// The Dockerfiles among the arguments of `cosign dockerfile verify`.
    Dockerfile,
    /// The Dockerfile that is set by buildctl's flags.
    Buildctl,
    Bake,
    /// Kubernetes manifests.
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
    /// A Helm chart with its dependencies.
    Chart,
}

/// What a command does with a Compose project's images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::caller) enum ComposeAction {
    Pull,
    /// Requests the digests of all images, as in `config --resolve-image-digests`.
    Resolve,
    Push,
    Build,
    /// Pulls or builds missing images, including the images of dependencies.
    Up,
    /// Does the same as `Up` for one service. The words after the service's name are a command for the container.
    Run,
}

/// A verb with its words. `VerbInvocation` has no `Debug`, because a word may be a password.
pub(in crate::caller) struct VerbInvocation<'a> {
    /// The client's canonical name.
    pub(in crate::caller) client: &'static str,
    pub(in crate::caller) files: InputFiles,
    pub(in crate::caller) positionals: Vec<&'a str>,
    pub(in crate::caller) flags: CommandFlags<'a>,
}
