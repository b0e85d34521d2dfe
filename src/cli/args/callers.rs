//! The arguments that limit which callers get an account.

use clap::{Args, ValueEnum};

#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Who may ask")]
pub(in crate::cli) struct CallerArguments {
    /// Allow only this program: a client such as docker, or an absolute path; '+PROGRAM' adds; may be repeated
    #[arg(long, value_name = "PROGRAM", hide_short_help = true, alias = "programs")]
    pub(in crate::cli) program: Vec<String>,
    /// Allow every program
    #[arg(long, conflicts_with = "program", hide_short_help = true)]
    pub(in crate::cli) no_programs: bool,
    /// Require a caller with a terminal
    #[arg(long, value_name = "NEED", hide_short_help = true)]
    pub(in crate::cli) terminal: Option<Requirement>,
    /// Allow or refuse coding agents
    #[arg(long, value_name = "MAY", hide_short_help = true)]
    pub(in crate::cli) agents: Option<AgentRule>,
    /// Require a grant (see `grant`)
    #[arg(long, value_name = "NEED", hide_short_help = true)]
    pub(in crate::cli) grant: Option<Requirement>,
}

impl CallerArguments {
    /// Each chosen option and its value, spelled as on the command line.
    pub(in crate::cli) fn choices(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let need = |need| if need == Requirement::Required { "required" } else { "optional" };
        let agents = |agents| if agents == AgentRule::Refused { "refused" } else { "allowed" };
        let typed = [
            ("--terminal", self.terminal.map(need)),
            ("--agents", self.agents.map(agents)),
            ("--grant", self.grant.map(need)),
        ];
        typed.into_iter().filter_map(|(flag, value)| Some((flag, value?)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Requirement {
    Required,
    Optional,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum AgentRule {
    Allowed,
    Refused,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct GrantArguments {
    /// The registry, or an alias that only one registry has
    #[arg(value_name = "HOST")]
    pub(in crate::cli) host: String,
    /// The account, by alias or user name [default: the registry's only one]
    #[arg(value_name = "ACCOUNT")]
    pub(in crate::cli) account: Option<String>,
    /// How long, such as 90s, 15m or 2h; 12h at most
    #[arg(long = "for", value_name = "TIME", default_value = "15m")]
    pub(in crate::cli) span: String,
    /// End the grant
    #[arg(long, conflicts_with = "span")]
    pub(in crate::cli) end: bool,
}
