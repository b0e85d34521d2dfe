//! `Precedence`: tries the rules in order, and finds the facts that each rule needs.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::context::{AccountRequest, CallerContext, CommandImages, ExplicitAccount, ImageRole};
use super::decision::{Decision, DecisionStep, Detail, MatchReason, NoMatch, Rule, RuleOutcome, Verdict};
use super::owner::{owner_in_files, owner_of, used_in};
use super::registry_accounts::{DefaultAccount, RegistryAccounts, only};
use crate::model::{Account, ImagePattern, ImageReference, Operation};

/// Tries the rules for one call. A fact is looked up when a rule first needs it, and is then kept for the other rules.
/// `'a` is the lifetime of the accounts, and `'c` is the lifetime of the call.
pub(crate) struct Precedence<'a, 'c, E> {
    pub(crate) candidates: &'a RegistryAccounts,
    request: &'c AccountRequest,
    context: &'c E,
    command: OnceCell<CommandImages>,
    in_files: OnceCell<RuleOutcome>,
    operation: OnceCell<Option<Operation>>,
    serving: OnceCell<Vec<&'a Account>>,
}

impl<'a, 'c, E: CallerContext> Precedence<'a, 'c, E> {
    pub(crate) fn new(candidates: &'a RegistryAccounts, request: &'c AccountRequest, context: &'c E) -> Self {
        let (command, in_files) = (OnceCell::new(), OnceCell::new());
        let (operation, serving) = (OnceCell::new(), OnceCell::new());
        Self { candidates, request, context, command, in_files, operation, serving }
    }

    pub(crate) fn decide(&self, detail: Detail) -> Decision {
        if detail == Detail::Full {
            let operation = self.operation();
            let steps = Rule::ALL.into_iter().map(|rule| self.step(rule)).collect();
            return Decision { operation, passed_over: self.passed_over(), ..self.decision(steps) };
        }
        // Without accounts only the first rule is tried, so that the caller is not examined.
        let rules = if self.candidates.accounts.is_empty() { &Rule::ALL[..1] } else { &Rule::ALL };
        let mut steps = Vec::new();
        for step in rules.iter().map(|rule| self.step(*rule)).filter(|step| !step.outcome.is_nothing()) {
            let decides = step.decides;
            steps.push(step);
            if decides {
                break;
            }
        }
        self.decision(steps)
    }

    /// Returns a decision if the images are public; `None` otherwise. No other helper is asked for a public image.
    pub(crate) fn public(&self) -> Option<Decision> {
        let rules = Rule::ALL.into_iter().filter(|_| !self.candidates.public.is_empty());
        let step = rules.map(|rule| self.step(rule)).find(|step| matches!(step.outcome, RuleOutcome::Public { .. }));
        step.map(|step| self.decision(vec![step]))
    }

    fn step(&self, rule: Rule) -> DecisionStep {
        let outcome = self.outcome(rule);
        DecisionStep { rule, decides: outcome.verdict().is_some(), outcome }
    }

    /// Builds the decision. If several steps can decide, the first of these steps decides.
    fn decision(&self, mut steps: Vec<DecisionStep>) -> Decision {
        steps.iter_mut().filter(|step| step.decides).skip(1).for_each(|step| step.decides = false);
        let deciding = steps.iter().find(|step| step.decides).map(|step| &step.outcome);
        let verdict = deciding.and_then(RuleOutcome::verdict).unwrap_or_else(|| self.verdict_without_rule());
        let account = match deciding {
            Some(RuleOutcome::Account { account, .. }) => Some(account.clone()),
            _ => None,
        };
        let RegistryAccounts { registry, host, .. } = self.candidates;
        let answered_as = (registry != host).then(|| registry.to_string());
        let mut decision = Decision { answered_as, account, steps, ..Decision::without_steps(host, verdict) };
        match verdict {
            Verdict::Several => decision.accounts = names(self.serving().iter().copied()),
            Verdict::NoneForOperation => {
                decision.operation = Some(self.operation().unwrap_or(Operation::Pull));
                decision.passed_over = self.passed_over();
            }
            _ => {}
        }
        decision
    }

    /// Returns the verdict for the case that no rule decides.
    fn verdict_without_rule(&self) -> Verdict {
        match self.serving() {
            _ if self.candidates.accounts.is_empty() => Verdict::NoAccount,
            _ if self.candidates.active == DefaultAccount::SignedOut => Verdict::SignedOut,
            [] => Verdict::NoneForOperation,
            _ => Verdict::Several,
        }
    }

    /// Returns the outcome of one rule.
    fn outcome(&self, rule: Rule) -> RuleOutcome {
        let Self { candidates, request, context, .. } = *self;
        match rule {
            Rule::Environment => named_in_environment(candidates, &request.environment),
            Rule::ProgramName => {
                request.pinned.as_ref().map_or(NoMatch::NotPinned.into(), |name| named(candidates, name.as_str()))
            }
            Rule::AddressUser => request.user.as_ref().map_or(NoMatch::None.into(), |user| {
                let account = candidates.account_of(user).or_else(|| {
                    let of_user = self.serving().iter().filter(|account| account.username.as_str() == user.as_str());
                    only(&of_user.copied().collect::<Vec<_>>())
                });
                account.map_or(RuleOutcome::NoSuchAccount { name: None }, |account| {
                    // the address's user is not reported, because this user may be a token
                    RuleOutcome::account(account, MatchReason::Named)
                })
            }),
            Rule::AddressImage => {
                request.image.as_ref().map_or(NoMatch::None.into(), |image| self.owner_of(std::slice::from_ref(image)))
            }
            // If the registry has one account that answers every call, the caller need not be examined.
            Rule::CommandLine | Rule::Files | Rule::Project | Rule::Folder if candidates.sole_answer() => {
                NoMatch::OneAccount.into()
            }
            Rule::CommandLine if self.command().role != ImageRole::Needed && !self.in_files().is_nothing() => {
                NoMatch::OnlyBuilt.into()
            }
            Rule::CommandLine => match self.owner_of(&self.command().images) {
                RuleOutcome::Public { .. } if self.command().role == ImageRole::Result => NoMatch::OnlyBuilt.into(),
                outcome => outcome,
            },
            // Images that the command pulls or pushes are preferred to images in files.
            Rule::Files if !self.command().images.is_empty() && self.command().role == ImageRole::Needed => {
                NoMatch::ImageOnCommandLine.into()
            }
            Rule::Files => self.in_files().clone(),
            Rule::Project if candidates.trusted.is_empty() => NoMatch::None.into(),
            Rule::Project => self.project(),
            Rule::Folder if self.serving().iter().all(|account| account.folders.is_empty()) => NoMatch::NoFolder.into(),
            Rule::Folder => used_in(self.serving().iter().copied(), &context.folder()),
            Rule::Default => self.default(),
            Rule::Only if candidates.active == DefaultAccount::SignedOut => NoMatch::SignedOut.into(),
            Rule::Only => match (only(self.serving()), self.serving()) {
                (Some(only), _) => RuleOutcome::account(only, MatchReason::Default),
                (None, []) => NoMatch::None.into(),
                (None, _) => NoMatch::Several.into(),
            },
        }
    }

    fn in_files(&self) -> &RuleOutcome {
        let owner = || {
            let mut found = self.context.mentions();
            for mention in &mut found.images {
                self.candidates.move_home(&mut mention.image);
            }
            self.unless_passed_over(owner_in_files(self.serving(), self.public_patterns(), found))
        };
        self.in_files.get_or_init(owner)
    }

    fn owner_of(&self, images: &[ImageReference]) -> RuleOutcome {
        let mut images = Cow::Borrowed(images);
        if self.candidates.is_alias() {
            images.to_mut().iter_mut().for_each(|image| self.candidates.move_home(image));
        }
        self.unless_passed_over(owner_of(self.serving(), self.public_patterns(), &images))
    }

    /// Replaces `ImageOfNoAccount` by `OtherOperation` if the registry has accounts for the other operation, because
    /// the image may belong to one of them.
    fn unless_passed_over(&self, outcome: RuleOutcome) -> RuleOutcome {
        match outcome {
            RuleOutcome::Nothing { reason: NoMatch::ImageOfNoAccount }
                if self.serving().len() < self.candidates.accounts.len() =>
            {
                NoMatch::OtherOperation.into()
            }
            outcome => outcome,
        }
    }

    fn project(&self) -> RuleOutcome {
        let Some(project) = self.context.project(&self.candidates.trusted) else { return NoMatch::None.into() };
        let Some(name) = project
            .account(&self.candidates.host)
            .or_else(|| project.account(&self.candidates.registry).filter(|_| self.candidates.is_alias()))
        else {
            return NoMatch::OtherRegistry.into();
        };
        match self.candidates.account(name.as_str()) {
            None => RuleOutcome::NoSuchAccount { name: Some(name.to_string()) },
            Some(account) if self.serves(account) => {
                RuleOutcome::account(account, MatchReason::ProjectFile(project.file.to_string_lossy().into_owned()))
            }
            Some(_) => NoMatch::OtherOperation.into(),
        }
    }

    fn default(&self) -> RuleOutcome {
        let active = self.candidates.active_account().filter(|account| self.serves(account));
        active.map_or(NoMatch::None.into(), |active| RuleOutcome::account(active, MatchReason::Default))
    }

    fn serves(&self, account: &Account) -> bool {
        self.serving().iter().any(|serving| serving.name == account.name)
    }

    /// Returns the accounts that the rules may choose for the call's operation.
    fn serving(&self) -> &[&'a Account] {
        self.serving.get_or_init(|| {
            let accounts = self.candidates.accounts.iter();
            if self.candidates.accounts.iter().all(|account| account.purpose.is_none()) {
                return accounts.collect();
            }
            let operation = self.operation();
            accounts.filter(|account| account.serves(operation)).collect()
        })
    }

    fn passed_over(&self) -> Vec<String> {
        names(self.candidates.accounts.iter().filter(|account| !self.serves(account)))
    }

    /// Returns the patterns of public images. For a push the result is empty, because every push needs an account.
    fn public_patterns(&self) -> &'a [ImagePattern] {
        let public = &self.candidates.public;
        let is_push = || self.operation() == Some(Operation::Push);
        if public.is_empty() || is_push() { &[] } else { public }
    }

    /// Returns the operation that the caller's command line or files show; `None` if the operation is unknown.
    fn operation(&self) -> Option<Operation> {
        let in_files = || self.context.operation_in_files();
        *self.operation.get_or_init(|| self.command().operation.or_else(in_files))
    }

    fn command(&self) -> &CommandImages {
        self.command.get_or_init(|| self.context.command())
    }
}

fn names<'a>(accounts: impl Iterator<Item = &'a Account>) -> Vec<String> {
    accounts.map(|account| account.name.to_string()).collect()
}

fn named_in_environment(candidates: &RegistryAccounts, wanted: &ExplicitAccount) -> RuleOutcome {
    match wanted {
        ExplicitAccount::Unset => NoMatch::NotSet.into(),
        ExplicitAccount::OtherRegistry => NoMatch::OtherRegistry.into(),
        ExplicitAccount::ThisRegistry(name) => named(candidates, name),
        ExplicitAccount::AnyRegistry(name) => match named(candidates, name) {
            RuleOutcome::NoSuchAccount { .. } => NoMatch::OtherRegistry.into(),
            outcome => outcome,
        },
    }
}

fn named(candidates: &RegistryAccounts, name: &str) -> RuleOutcome {
    candidates.account(name).map_or_else(
        || RuleOutcome::NoSuchAccount { name: Some(name.to_owned()) },
        |account| RuleOutcome::account(account, MatchReason::Named),
    )
}
