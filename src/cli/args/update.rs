//! The arguments of `update`.

use clap::Args;

use crate::release::Version;

const UPDATE_HELP: &str = "Exit codes: 0 done, or nothing newer; 1 failed, nothing was changed
With --check: 0 this is the newest release; 7 there is a newer release
The signature of a release is verified before it is used. The previous program is kept.";

#[derive(Args, Debug)]
#[command(after_help = UPDATE_HELP)]
pub(in crate::cli) struct UpdateArguments {
    /// Only check for a newer release
    #[arg(long, conflicts_with_all = ["rollback", "version"])]
    pub(in crate::cli) check: bool,
    /// Go back to the program that the last update replaced
    #[arg(long, conflicts_with = "version")]
    pub(in crate::cli) rollback: bool,
    /// Install this release, newer or older
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub(in crate::cli) version: Option<Version>,
}

fn version(text: &str) -> Result<Version, &'static str> {
    text.strip_prefix('v').unwrap_or(text).parse().map_err(|()| "a version is three numbers, as in 0.2.0")
}
