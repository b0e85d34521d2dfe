//! The arguments of the commands that read or write files of Docker, Podman and similar clients.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Args, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each bool is a flag that people type")]
pub(in crate::cli) struct ConfigureDockerArguments {
    /// The registries [default: those with accounts]
    #[arg(value_name = "HOST")]
    pub(in crate::cli) hosts: Vec<String>,
    /// Let Docker ask Ensign for every registry; the previous helper answers for those without accounts
    #[arg(long, conflicts_with_all = ["hosts", "undo"])]
    pub(in crate::cli) all: bool,
    /// Show what would change, but change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Remove Ensign from the files of Docker, Podman and buildx
    #[arg(long, conflicts_with = "hosts")]
    pub(in crate::cli) undo: bool,
    /// Replace other helpers of these registries
    #[arg(long, conflicts_with = "undo")]
    pub(in crate::cli) force: bool,
    /// Let Docker show the next step after a refused push or pull
    #[arg(long, conflicts_with = "undo")]
    pub(in crate::cli) hooks: bool,
    /// Import plain-text logins as accounts
    #[arg(long, conflicts_with = "undo")]
    pub(in crate::cli) import: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct PinArguments {
    /// The account's alias [default: list the pinned helpers]
    #[arg(value_name = "ALIAS")]
    pub(in crate::cli) alias: Option<String>,
    /// Remove the pinned helper
    #[arg(long, requires = "alias")]
    pub(in crate::cli) remove: bool,
    /// The folder for the program [default: that of docker-credential-ensign on PATH]
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) folder: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BuildxCommand {
    /// Write buildx's config folder for each repository whose account is known, and update older folders
    ///
    /// buildx asks only once for a registry in each build. If a repository has its own config folder, buildx asks once
    /// more for this repository. Each folder names a pinned helper (see `pin`). `sync` covers repositories of patterns
    /// without `*`, of the Dockerfile, bake and Compose files here, and of IMAGE.
    Sync(BuildxSync),
}

#[derive(Args, Debug)]
pub(in crate::cli) struct BuildxSync {
    /// More images, besides those in the files here
    #[arg(value_name = "IMAGE")]
    pub(in crate::cli) images: Vec<String>,
    /// Show what would change, but change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Remove every folder that `sync` wrote
    #[arg(long, conflicts_with = "images")]
    pub(in crate::cli) remove: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct RouteArguments {
    /// A registry, or a pattern such as '*.azurecr.io' [default: list the routes]
    #[arg(value_name = "HOST")]
    pub(in crate::cli) host: Option<String>,
    /// The helper that answers for the registry: NAME of docker-credential-NAME
    #[arg(value_name = "HELPER", conflicts_with = "remove")]
    pub(in crate::cli) helper: Option<String>,
    /// Set the helper that answers for all other registries
    #[arg(long, value_name = "HELPER", conflicts_with_all = ["host", "remove"])]
    pub(in crate::cli) fallback: Option<String>,
    /// Remove the helper of this registry
    #[arg(long, requires = "host")]
    pub(in crate::cli) remove: bool,
    /// Remove the helper for all other registries
    #[arg(long, conflicts_with_all = ["host", "fallback"])]
    pub(in crate::cli) no_fallback: bool,
}

#[derive(Args, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each bool is a flag that people type")]
pub(in crate::cli) struct ImportArguments {
    /// Where to look: env, docker, containers, finch, helm, atcr, keyring, helper:NAME, or a file [default: every
    /// place with logins, in Docker's order]
    #[arg(value_name = "SOURCE")]
    pub(in crate::cli) sources: Vec<String>,
    /// Import only the logins of this registry; may be repeated
    #[arg(long = "host", value_name = "HOST")]
    pub(in crate::cli) hosts: Vec<String>,
    /// Show what would be imported, but change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Replace the secrets of existing accounts
    #[arg(long)]
    pub(in crate::cli) replace: bool,
    /// Remove imported logins from their old places
    #[arg(long)]
    pub(in crate::cli) remove: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ExportArguments {
    /// For an image, export the account that answers for it; for a registry, its default account
    #[arg(value_name = "IMAGE")]
    pub(in crate::cli) subjects: Vec<String>,
    /// dockerconfigjson or a whole Secret for Kubernetes, auth.json for Podman, Buildah and Skopeo, env for a shell
    #[arg(long, value_enum)]
    pub(in crate::cli) format: ExportFormat,
    /// Export all accounts of the named registries, or of all registries
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// Write to a file that only you can read, not to stdout
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: Option<String>,
    /// The name of the Secret
    #[arg(long, value_name = "NAME", default_value = "ensign")]
    pub(in crate::cli) name: String,
    /// The namespace of the Secret
    #[arg(long, value_name = "NAMESPACE")]
    pub(in crate::cli) namespace: Option<String>,
    /// Do not ask before showing secrets on a terminal or overwriting a file
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExportFormat {
    Dockerconfigjson,
    Secret,
    #[value(name = "auth.json")]
    AuthJson,
    Env,
}
