//! The arguments of `doctor`.

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::cli::doctor::Check;

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
