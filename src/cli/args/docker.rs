//! The arguments of commands that read and write the files of Docker and its family.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Args, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that people type")]
pub(in crate::cli) struct ConfigureDockerArguments {
    /// The registries [default: those with accounts]
    #[arg(value_name = "HOST")]
    pub(in crate::cli) hosts: Vec<String>,
    /// Be asked for every registry; the helper before answers the rest
    #[arg(long, conflicts_with_all = ["hosts", "undo"])]
    pub(in crate::cli) all: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Take Ensign out again
    #[arg(long, conflicts_with = "hosts")]
    pub(in crate::cli) undo: bool,
    /// Take over registries that another helper serves
    #[arg(long, conflicts_with = "undo")]
    pub(in crate::cli) force: bool,
    /// Let Docker show the next step after a refused push or pull
    #[arg(long, conflicts_with = "undo")]
    pub(in crate::cli) hooks: bool,
    /// Turn plain-text logins into accounts
    #[arg(long, conflicts_with = "undo")]
    pub(in crate::cli) import: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct PinArguments {
    /// The account's alias [left out: shows what is pinned]
    #[arg(value_name = "ALIAS")]
    pub(in crate::cli) alias: Option<String>,
    /// Remove the program again
    #[arg(long, requires = "alias")]
    pub(in crate::cli) remove: bool,
    /// The folder of the program [default: where docker-credential-ensign is on PATH]
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) folder: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BuildxCommand {
    /// Write buildx's own config folder for each repository whose account is known, and mend those written before
    ///
    /// buildx asks for a registry once in a build. Where it finds a folder for a repository, it asks once more, and what
    /// the folder names is a pinned program (see `pin`). Repositories are those of patterns without `*`, those in the
    /// Dockerfile, bake and Compose files of this folder, and those you name.
    Sync(BuildxSync),
}

#[derive(Args, Debug)]
pub(in crate::cli) struct BuildxSync {
    /// Images of builds, beside those in the files here
    #[arg(value_name = "IMAGE")]
    pub(in crate::cli) images: Vec<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Remove every folder that was written so
    #[arg(long, conflicts_with = "images")]
    pub(in crate::cli) remove: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct RouteArguments {
    /// A registry, or a pattern such as '*.azurecr.io' [left out: shows who answers for what]
    #[arg(value_name = "HOST")]
    pub(in crate::cli) host: Option<String>,
    /// The helper that answers there: NAME of docker-credential-NAME
    #[arg(value_name = "HELPER", conflicts_with = "remove")]
    pub(in crate::cli) helper: Option<String>,
    /// The helper that answers for all other registries
    #[arg(long, value_name = "HELPER", conflicts_with_all = ["host", "remove"])]
    pub(in crate::cli) fallback: Option<String>,
    /// No helper answers there any more
    #[arg(long, requires = "host")]
    pub(in crate::cli) remove: bool,
    /// No helper answers for all others any more
    #[arg(long, conflicts_with_all = ["host", "fallback"])]
    pub(in crate::cli) no_fallback: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ImportArguments {
    /// Where to look: env, docker, containers, finch, helm, atcr, keyring, helper:NAME, or a file [default: wherever there
    /// is one, in the order in which Docker would]
    #[arg(value_name = "SOURCE")]
    pub(in crate::cli) sources: Vec<String>,
    /// Only the logins of this registry; may be repeated
    #[arg(long = "host", value_name = "HOST")]
    pub(in crate::cli) hosts: Vec<String>,
    /// Show what would be imported, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Remove what was imported from where it was found
    #[arg(long)]
    pub(in crate::cli) remove: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ExportArguments {
    /// Images, each for the account that answers for it, or registries, for their default accounts
    #[arg(value_name = "IMAGE")]
    pub(in crate::cli) subjects: Vec<String>,
    /// dockerconfigjson or a whole Secret for Kubernetes, auth.json for Podman and its family, env for a shell
    #[arg(long, value_enum)]
    pub(in crate::cli) format: ExportFormat,
    /// All accounts: of the registries that are named, or of every one
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
    /// Do not ask: show secrets on a terminal, write over a file
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
