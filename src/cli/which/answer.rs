//! `WhichAnswer`: shows each rule of a decision, any login or helper that a client uses before Ensign, and advice.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::question::Question;
use crate::accounts::{Explanation, RemedyOptions, helper_answers_for, helpers};
use crate::cli::failure::Failure;
use crate::cli::folder_project::FolderProject;
use crate::cli::{CommandContext, callers, precedence};
use crate::docker::first_login::{FirstLogin, LoginLookup};
use crate::docker::{ClientFamily, containers};
use crate::model::choice::{Decision, DecisionStep, Detail, RegistryAccounts, Rule, RuleOutcome, Verdict};
use crate::model::{HelperName, Operation, Source};
use crate::system::text::quote;

/// The answer of `which` for one registry.
pub(super) struct WhichAnswer {
    decision: Decision,
    pub(super) json: Value,
    /// The lines to print. The first line is the account or helper that answers, and the other lines are the reasons.
    lines: Vec<String>,
    advice: Vec<RemedyOptions>,
    /// Whether the client of the typed command uses another login or helper, and does not ask Ensign.
    is_beaten: bool,
}

impl WhichAnswer {
    pub(super) fn to(context: &CommandContext<'_>, question: &Question) -> Result<Self, Failure> {
        let candidates = context.accounts.registry_accounts(&question.registry)?;
        let route = context.accounts.route(&question.registry)?;
        let request = question.request(context);
        let is_unknown = candidates.accounts.is_empty() && candidates.public.is_empty();
        let detail = if is_unknown { Detail::Needed } else { Detail::Full };
        let decision = context.accounts.decide(&candidates, route.as_ref(), &request, question, detail)?;
        let seen = FolderProject::current(&candidates.trusted).filter(|_| !decision.steps.is_empty());
        let explanation = context.accounts.explanation(&decision);
        let lines = lines(context, &candidates, explanation, &decision, seen.as_ref());
        let advice = advice(context, &candidates, explanation, &decision, seen.as_ref(), &question.typed);
        let json = json(&candidates, &decision, question, seen.as_ref());
        Ok(Self { decision, json, lines, advice, is_beaten: false }.behind(context, question))
    }

    /// Adds the login or helper that the client of the typed command uses before Ensign. If no command was typed, adds
    /// such a login or helper for each client.
    fn behind(mut self, context: &CommandContext<'_>, question: &Question) -> Self {
        let (registry, name) = (&question.registry, question.name.as_str());
        let image = question.command.images.first();
        let readers = match question.reader {
            Some(reader) => vec![(reader, "these clients")],
            None if containers::are_found(context.env) => {
                vec![(ClientFamily::Docker, "Docker"), (ClientFamily::Containers, precedence::TOOLS)]
            }
            None => vec![(ClientFamily::Docker, "Docker")],
        };
        for (reader, who) in readers {
            let Ok(lookup) = LoginLookup::new(reader, context.env) else { continue };
            let first = |name: &str, image| lookup.first(registry, name, image);
            if first(registry.as_str(), None) == FirstLogin::Ensign && first(name, None) == FirstLogin::Nobody {
                let ([_, _, do_, look], program) = (precedence::verbs(who), context.program);
                self.advice.push(RemedyOptions::from(format!(
                    "{who} {look} for exactly `{name}` and {do_} not ask Ensign for it; to change that:  {program} configure-docker {}",
                    quote(name)
                )));
            }
            let before = first(name, image);
            if before == FirstLogin::Nobody
                && question.reader.is_some()
                && self.decision.verdict == Verdict::Account
                && first(registry.as_str(), None) == FirstLogin::Nobody
            {
                let program = context.program;
                let advice = format!("{who} do not ask Ensign for {name}; to change that:  {program} configure-docker");
                self.advice.push(advice.into());
            }
            let Some(sentence) = precedence::sentence(context, who, name, &before) else { continue };
            self.advice.push(sentence.into());
            if question.reader.is_some() {
                let who = context.ui.bold(&precedence::name_of(&before));
                let would_be = &self.lines[0];
                self.lines[0] = format!("{who}   (found before Ensign is asked; Ensign would answer: {would_be})");
                self.json["first"] = json!(before);
                self.json["would_be"] = self.json["account"].take();
                self.is_beaten = true;
            }
        }
        self
    }

    pub(super) fn has_nobody(&self) -> bool {
        self.decision.verdict == Verdict::NoAccount && !self.is_beaten
    }

    pub(super) fn is_answered(&self) -> bool {
        self.is_beaten || matches!(self.decision.verdict, Verdict::Account | Verdict::Helper | Verdict::Public)
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        if self.is_answered() { ExitCode::SUCCESS } else { ExitCode::from(3) }
    }

    pub(super) fn text(&self) -> String {
        self.lines.join("\n")
    }

    pub(super) fn text_with_registry(&self) -> String {
        format!("{}: {}", self.decision.registry, self.text())
    }

    pub(super) fn advise(&self, context: &CommandContext<'_>) {
        self.advice.iter().for_each(|advice| context.show_options(advice));
    }

    /// If no account answers, prints how to log in.
    pub(super) fn advise_login(&self, context: &CommandContext<'_>) {
        if let Some(problem) = context.accounts.explanation(&self.decision).problem() {
            context.show_options(&problem.to_string().into());
        }
    }
}

fn json(
    candidates: &RegistryAccounts,
    decision: &Decision,
    question: &Question,
    seen: Option<&FolderProject>,
) -> Value {
    let mut json = json!(decision);
    json["images"] = question.command.images.iter().map(ToString::to_string).collect();
    json["project"] = json!(seen.map(|seen| seen.json(&question.registry)));
    if let Some(account) = candidates.chosen(decision) {
        json["username"] = json!(account.username.as_str());
        json["source"] = json!(account.source.to_string());
        json["callers"] = callers::json(&account.callers);
    }
    json
}

fn lines(
    context: &CommandContext<'_>,
    candidates: &RegistryAccounts,
    explanation: Explanation<'_>,
    decision: &Decision,
    seen: Option<&FolderProject>,
) -> Vec<String> {
    let account = candidates.chosen(decision);
    let behind = match (account.map(|account| &account.source), decision.verdict) {
        (None | Some(Source::Static), Verdict::Helper) => {
            format!("   ({})", helper_answers_for(decision.route.as_deref()))
        }
        (None, Verdict::NoAccount) if decision.steps.is_empty() => "   (the registry has none)".to_owned(),
        (None | Some(Source::Static), _) => String::new(),
        (Some(source), _) => format!("   (secret from {source})"),
    };
    let mut lines = vec![format!("{}{behind}", context.ui.bold(&explanation.headline()))];
    for step in &decision.steps {
        // The mark is at the start of the line, because a long line is never broken there.
        let mark = if step.decides { "●" } else { " " };
        let sentence = seen.filter(|_| is_open_project(step)).and_then(|seen| seen.sentence(context));
        let sentence = sentence.unwrap_or_else(|| explanation.step(step));
        lines.push(format!("{mark}{:>3} {:22} {sentence}", step.rule as usize + 1, step.rule.to_string()));
    }
    if let Some(callers) = account.and_then(|account| context.callers(account)) {
        lines.push(format!("  May ask: {callers}"));
    }
    if candidates.is_alias() {
        lines.push(format!("  {} uses the accounts of {}", candidates.host, candidates.registry));
    }
    if let Some(passed_over) = explanation.passed_over() {
        let taken = match decision.operation {
            Some(operation) => format!("It is a {operation}"),
            None => format!("Assumed to be a {}", Operation::Pull),
        };
        lines.push(format!("  {taken}: {passed_over}"));
    }
    lines
}

fn advice(
    context: &CommandContext<'_>,
    candidates: &RegistryAccounts,
    explanation: Explanation<'_>,
    decision: &Decision,
    seen: Option<&FolderProject>,
    typed: &str,
) -> Vec<RemedyOptions> {
    let helper = decision.helper.as_ref().and_then(|helper| helper.parse::<HelperName>().ok());
    let missing = helper
        .filter(|helper| helpers::missing(helper).is_some())
        .map(|helper| format!("`{}` is not installed, so clients get no login there", helper.program()));
    // If a registry has no account, the command `which` reports an error and needs no advice.
    let problem = explanation.problem().filter(|_| !matches!(decision.verdict, Verdict::NoAccount | Verdict::Public));
    let options = explanation.options(&candidates.accounts, typed);
    let problem = problem.filter(|_| decision.verdict != Verdict::Several).map(|problem| problem.to_string());
    let about_file = seen.and_then(|seen| seen.advice(context, candidates));
    let sentences = [missing, problem, about_file].into_iter().flatten().map(RemedyOptions::from);
    options.into_iter().chain(sentences).collect()
}

/// Tells whether the project file had no effect. The [`FolderProject`] contains the reason, but the decision does not.
fn is_open_project(step: &DecisionStep) -> bool {
    step.rule == Rule::Project && matches!(step.outcome, RuleOutcome::Nothing { .. })
}
