//! `CallerRule`: which callers get an account's secret. The rule restrains honest programs, but a malicious program can
//! bypass it.

use std::fmt;
use std::time::SystemTime;

/// The rule that limits which callers get an account's secret. By default every program of the user gets the secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerRule {
    /// The allowed callers. A client is listed by the name that `ensign why` shows, and any other program by its
    /// absolute path. An empty list allows every program.
    pub programs: Vec<String>,
    /// Refuses callers without a terminal.
    pub terminal_only: bool,
    /// Refuses coding agents and the programs that they start.
    pub refuses_agents: bool,
    /// Refuses every caller except during a grant.
    pub needs_grant: bool,
    /// The JSON text of a rule that a newer Ensign wrote.
    pub unknown: Option<String>,
}

/// A change of a `CallerRule`. A field that is `None` leaves that part of the rule unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallerEdit {
    pub(crate) programs: Option<Vec<String>>,
    /// Adds `programs` to the rule's programs instead of replacing them.
    pub(crate) adds_programs: bool,
    pub(crate) terminal_only: Option<bool>,
    pub(crate) refuses_agents: Option<bool>,
    pub(crate) needs_grant: Option<bool>,
}

/// The facts about the calling processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallerFacts {
    /// Whether all ancestor processes of Ensign could be read.
    pub(crate) is_whole: bool,
    /// The names and paths of the calling program and of the clients that started it.
    pub(crate) programs: Vec<String>,
    pub(crate) has_terminal: Option<bool>,
    /// The coding agent among Ensign's ancestor processes, and how the agent was recognized.
    pub(crate) agent: Option<String>,
}

/// Why a caller does not get an account's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallerRefusal {
    UnknownRule,
    Unreadable,
    Agent(String),
    NoTerminal,
    OtherProgram(Option<String>),
    NoGrant,
    NoJournal,
}

impl CallerRule {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Tells whether the rule depends on Ensign's ancestor processes.
    pub(crate) fn looks_at_processes(&self) -> bool {
        self.terminal_only || self.refuses_agents || !self.programs.is_empty()
    }

    /// Applies the rule. A caller is refused if a fact that the rule needs is unknown.
    pub(crate) fn decide(
        &self,
        facts: &CallerFacts,
        granted_until: Option<SystemTime>,
        now: SystemTime,
    ) -> Result<(), CallerRefusal> {
        if self.unknown.is_some() {
            return Err(CallerRefusal::UnknownRule);
        }
        if let Some(agent) = facts.agent.as_ref().filter(|_| self.refuses_agents) {
            return Err(CallerRefusal::Agent(agent.clone()));
        }
        if self.looks_at_processes() && !facts.is_whole {
            return Err(CallerRefusal::Unreadable);
        }
        if self.terminal_only && facts.has_terminal != Some(true) {
            return Err(CallerRefusal::NoTerminal);
        }
        if !self.programs.is_empty() && !self.programs.iter().any(|program| facts.programs.contains(program)) {
            let client = facts.programs.iter().find(|name| !name.contains(['/', '\\']));
            return Err(CallerRefusal::OtherProgram(client.cloned()));
        }
        if self.needs_grant && granted_until.is_none_or(|until| until <= now) {
            return Err(CallerRefusal::NoGrant);
        }
        Ok(())
    }

    /// Returns a summary of the rule for `ensign status`, such as `docker only; no coding agents`; `None` for an empty
    /// rule.
    pub(crate) fn words(&self) -> Option<String> {
        let programs = format!("{} only", self.programs.join(", "));
        let parts = [
            (!self.programs.is_empty(), programs.as_str()),
            (self.terminal_only, "terminals only"),
            (self.refuses_agents, "no coding agents"),
            (self.needs_grant, "with a grant only"),
            (self.unknown.is_some(), "by a rule of a newer Ensign"),
        ];
        let words: Vec<_> = parts.into_iter().filter(|(applies, _)| *applies).map(|(_, words)| words).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

impl CallerEdit {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn applied_to(&self, rule: &CallerRule) -> CallerRule {
        let mut after = rule.clone();
        if let Some(programs) = &self.programs {
            if !self.adds_programs {
                after.programs.clear();
            }
            for program in programs {
                if !after.programs.contains(program) {
                    after.programs.push(program.clone());
                }
            }
        }
        after.terminal_only = self.terminal_only.unwrap_or(rule.terminal_only);
        after.refuses_agents = self.refuses_agents.unwrap_or(rule.refuses_agents);
        after.needs_grant = self.needs_grant.unwrap_or(rule.needs_grant);
        after
    }
}

impl fmt::Display for CallerRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownRule => f.write_str("a newer Ensign wrote the account's rule"),
            Self::Unreadable => f.write_str("the calling processes could not be read"),
            Self::Agent(agent) => write!(f, "the account is not for coding agents, and {agent}"),
            Self::NoTerminal => f.write_str("the account is for terminals only, and the caller has no terminal"),
            Self::OtherProgram(Some(program)) => write!(f, "the account is not for {program}"),
            Self::OtherProgram(None) => f.write_str("the account is not for the program that asks"),
            Self::NoGrant => f.write_str("the account needs a grant, but no grant is active"),
            Self::NoJournal => f.write_str("this call could not be written to the journal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn rule(words: &str) -> CallerRule {
        let has = |word: &str| words.split(' ').any(|known| known == word);
        CallerRule {
            programs: words.split(' ').filter_map(|word| word.strip_prefix("for:")).map(str::to_owned).collect(),
            terminal_only: has("terminal"),
            refuses_agents: has("no-agents"),
            needs_grant: has("grant"),
            unknown: has("newer").then(String::new),
        }
    }

    fn facts(words: &str) -> CallerFacts {
        let has = |word: &str| words.split(' ').any(|known| known == word);
        CallerFacts {
            is_whole: !has("hidden"),
            programs: words.split(' ').filter_map(|word| word.strip_prefix("by:")).map(str::to_owned).collect(),
            has_terminal: if has("tty") {
                Some(true)
            } else if has("no-tty") {
                Some(false)
            } else {
                None
            },
            agent: has("agent").then(|| "X is set".to_owned()),
        }
    }

    #[test]
    fn only_a_caller_that_is_known_to_fit_is_let_in() {
        use CallerRefusal::*;
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let agent = || Err(Agent("X is set".into()));
        let other = |name: Option<&str>| Err(OtherProgram(name.map(str::to_owned)));
        for (rules, asks, grant, expected) in [
            ("", "hidden agent", None, Ok(())),
            ("no-agents", "by:docker", None, Ok(())),
            ("no-agents", "agent", None, agent()),
            ("no-agents", "agent hidden", None, agent()),
            ("no-agents", "hidden", None, Err(Unreadable)),
            ("terminal", "tty", None, Ok(())),
            ("terminal", "tty agent", None, Ok(())),
            ("terminal", "no-tty", None, Err(NoTerminal)),
            ("terminal", "by:docker", None, Err(NoTerminal)),
            ("terminal", "tty hidden", None, Err(Unreadable)),
            ("for:docker", "by:docker-buildx by:docker", None, Ok(())),
            ("for:docker for:podman", "by:podman", None, Ok(())),
            ("for:docker", "by:podman", None, other(Some("podman"))),
            ("for:docker", "by:/usr/bin/x", None, other(None)),
            ("for:docker", "", None, other(None)),
            ("for:/opt/docker", "by:docker by:/opt/docker", None, Ok(())),
            ("for:/opt/docker", "by:docker by:/usr/bin/docker", None, other(Some("docker"))),
            ("for:docker", "by:docker hidden", None, Err(Unreadable)),
            ("grant", "hidden", Some(1001), Ok(())),
            ("grant", "", Some(1000), Err(NoGrant)),
            ("grant", "", Some(1), Err(NoGrant)),
            ("grant", "", None, Err(NoGrant)),
            ("grant no-agents", "agent", Some(2000), agent()),
            ("grant terminal for:docker no-agents", "tty by:docker", Some(2000), Ok(())),
            ("newer", "tty by:docker", Some(2000), Err(UnknownRule)),
        ] {
            let grant = grant.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(rule(rules).decide(&facts(asks), grant, now), expected, "{rules}: {asks}");
        }
    }

    #[test]
    fn a_rule_is_told_in_words() {
        for (rules, words) in [
            ("", None),
            ("for:docker for:/opt/x", Some("docker, /opt/x only")),
            ("terminal no-agents grant", Some("terminals only; no coding agents; with a grant only")),
            ("newer", Some("by a rule of a newer Ensign")),
        ] {
            assert_eq!(rule(rules).words().as_deref(), words);
        }
    }

    #[test]
    fn an_edit_changes_what_it_names() {
        let edit = |programs: Option<&[&str]>, adds_programs| CallerEdit {
            programs: programs.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            adds_programs,
            refuses_agents: Some(true),
            ..CallerEdit::default()
        };
        for (edit, expected) in [
            (edit(None, false), "for:docker grant no-agents"),
            (edit(Some(&["podman"]), false), "for:podman grant no-agents"),
            (edit(Some(&["podman", "docker"]), true), "for:docker for:podman grant no-agents"),
            (edit(Some(&[]), false), "grant no-agents"),
        ] {
            assert_eq!(edit.applied_to(&rule("for:docker grant")), rule(expected), "{expected}");
        }
        assert!(CallerEdit::default().is_empty() && !edit(None, false).is_empty());
    }
}
