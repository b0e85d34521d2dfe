//! The arguments of `which`, `why`, `doctor`, `check`, `token` and `api`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::cli::doctor::Check;
use crate::oci::api::Method;

#[derive(Args, Debug)]
#[command(after_help = "The rule marked ● decides.")]
pub(in crate::cli) struct WhichArguments {
    /// An image or a registry; optional with `--as`
    #[arg(value_name = "IMAGE", required_unless_present = "command")]
    pub(in crate::cli) image: Option<String>,
    /// Answer as if this command asked, such as 'docker push ghcr.io/acme/app'
    #[arg(long = "as", value_name = "COMMAND", conflicts_with_all = ["push", "pull"])]
    pub(in crate::cli) command: Option<String>,
    /// Answer for a pull
    #[arg(long, conflicts_with = "push")]
    pub(in crate::cli) pull: bool,
    /// Answer for a push
    #[arg(long)]
    pub(in crate::cli) push: bool,
}

const WHY_HELP: &str = "Only you can read the journal. It contains neither secrets nor command lines.\nENSIGN_JOURNAL=off turns the journal off for a shell.\n\nExit codes: 0 entries found; 2 usage error; 3 no entries";

#[derive(Args, Debug)]
#[command(after_help = WHY_HELP)]
pub(in crate::cli) struct WhyArguments {
    /// Show only answers for this registry, or about this image
    #[arg(value_name = "IMAGE", conflicts_with_all = ["clear", "on", "off"])]
    pub(in crate::cli) image: Option<String>,
    /// Show this many answers, newest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub(in crate::cli) number: u16,
    /// Clear the journal
    #[arg(long, conflicts_with_all = ["on", "off"])]
    pub(in crate::cli) clear: bool,
    /// Turn the journal off for all shells
    #[arg(long, conflicts_with = "on")]
    pub(in crate::cli) off: bool,
    /// Turn the journal on again
    #[arg(long)]
    pub(in crate::cli) on: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 nothing is broken; 1 something is. Notes do not count. docs/troubleshooting.md says what each check means."
)]
pub(in crate::cli) struct DoctorArguments {
    /// Fix what this check found, or show the command that does
    #[arg(long, value_name = "CHECK", value_parser = PossibleValuesParser::new(Check::ALL.iter().map(|check| check.name())), hide_possible_values = true)]
    pub(in crate::cli) fix: Option<String>,
    /// Print a report for an issue: versions, checks and config, without secrets
    #[arg(long, conflicts_with = "fix")]
    pub(in crate::cli) report: bool,
    /// Leave user names out of the report
    #[arg(long, requires = "report")]
    pub(in crate::cli) anonymous: bool,
    /// Also ask each registry, without a login, and try accounts whose secret needs the network or another program
    #[arg(long)]
    pub(in crate::cli) online: bool,
}

const CHECK_HELP: &str = "Exit codes: 0 allowed, or all accounts are good; 1 unknown; 2 usage error; 3 no account, or \
    rejected; 4 not allowed; 5 the registry did not check the password. Without IMAGE: 3 if any account is \
    rejected, otherwise 1 if any is unknown, otherwise 5 if any password was not checked";

const EXIT_CODES: &str = "Exit codes: 0 allowed; 1 unknown; 2 usage error; 3 no account, or rejected; 4 not allowed; \
    5 the registry did not check the password";

#[derive(Args, Debug)]
#[command(after_help = CHECK_HELP)]
pub(in crate::cli) struct CheckArguments {
    /// An image, or a registry [default: all accounts]
    #[arg(value_name = "IMAGE")]
    pub(in crate::cli) image: Option<String>,
    /// Check pull access (default)
    #[arg(long, conflicts_with = "push", requires = "image")]
    pub(in crate::cli) pull: bool,
    /// Check push access; nothing is uploaded
    #[arg(long, requires = "image")]
    pub(in crate::cli) push: bool,
    /// Allow any certificate and plain http, as insecure-registries does in Docker
    #[arg(long)]
    pub(in crate::cli) plain_http: bool,
}

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct TokenArguments {
    /// An image
    #[arg(value_name = "IMAGE")]
    pub(in crate::cli) image: String,
    /// Ask for a token that can push too
    #[arg(long)]
    pub(in crate::cli) push: bool,
    /// Allow any certificate and plain http, as insecure-registries does in Docker
    #[arg(long)]
    pub(in crate::cli) plain_http: bool,
}

const API_HELP: &str = "PATH is a path of the registry's API, with or without a leading /v2/:
  _catalog  acme/app/tags/list  acme/app/manifests/1.0  acme/app/blobs/sha256:…
  acme/app/blobs/ with -X POST --input FILE uploads a blob.

Exit codes: 0 done; 1 failed, or not found; 2 usage error; 3 no login, or rejected; 4 not allowed";

#[derive(Args, Debug)]
#[command(after_help = API_HELP)]
pub(in crate::cli) struct ApiArguments {
    /// The registry
    #[arg(value_name = "HOST")]
    pub(in crate::cli) host: String,
    /// The path in the API, such as acme/app/tags/list
    #[arg(value_name = "PATH")]
    pub(in crate::cli) path: String,
    /// GET, HEAD, POST, PUT, PATCH or DELETE [default: GET; with --input, PUT or POST]
    #[arg(short = 'X', long, value_name = "METHOD", value_parser = method)]
    pub(in crate::cli) method: Option<Method>,
    /// Send this file; `-` is stdin
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) input: Option<PathBuf>,
    /// Add a header, as 'Name: value'; may be repeated
    #[arg(short = 'H', long, value_name = "HEADER")]
    pub(in crate::cli) header: Vec<String>,
    /// Fetch all pages of a list and print them as one
    #[arg(long)]
    pub(in crate::cli) paginate: bool,
    /// Print the status and the headers too
    #[arg(short = 'i', long)]
    pub(in crate::cli) include: bool,
    /// Write the response to this file, once its digest is verified
    #[arg(long, value_name = "FILE", conflicts_with = "paginate")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Allow any certificate and plain http, as insecure-registries does in Docker
    #[arg(long)]
    pub(in crate::cli) plain_http: bool,
}

fn method(text: &str) -> Result<Method, &'static str> {
    Ok(match text.to_ascii_uppercase().as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return Err("expected GET, HEAD, POST, PUT, PATCH or DELETE"),
    })
}
