//! `Explanation`: describes a decision in words, for `get`, `which`, `why`, `check` and the kubelet.

use std::path::Path;

use super::Accounts;
use crate::model::choice::{
    Decision, DecisionStep, MatchReason, NoMatch, OwnedImage, Rule, RuleOutcome, UnknownFile, Verdict,
};
use crate::model::{Account, Operation, Problem};
use crate::system::env::{self, Env};
use crate::system::text::{command, one_line, option, quote};

/// The words that a hint shows in place of the user's command, if no command is known.
pub(crate) const ANY_COMMAND: &str = "docker …";

/// The decision that is explained, and the environment, which is needed to shorten paths.
#[derive(Clone, Copy)]
pub(crate) struct Explanation<'a> {
    env: &'a Env,
    decision: &'a Decision,
}

/// A sentence about a problem, and the commands that solve the problem.
#[derive(Debug)]
pub(crate) struct RemedyOptions {
    pub(crate) message: String,
    pub(crate) ways: Vec<String>,
}

impl From<String> for RemedyOptions {
    fn from(message: String) -> Self {
        Self { message, ways: Vec::new() }
    }
}

impl<'a> Explanation<'a> {
    pub(crate) fn new(env: &'a Env, decision: &'a Decision) -> Self {
        Self { env, decision }
    }

    /// Names the account or helper that answers, or says that no account answers.
    pub(crate) fn headline(&self) -> String {
        let Decision { account, helper, verdict, .. } = self.decision;
        let helper = helper.as_ref().map(|helper| format!("docker-credential-{helper}"));
        let other = if *verdict == Verdict::Public { "no account needed" } else { "no account" };
        account.clone().or(helper).map_or_else(|| other.to_owned(), |name| one_line(&name, 200))
    }

    /// Returns a rule's name and the rule's result.
    pub(crate) fn line(&self, step: &DecisionStep) -> String {
        format!("{} {}", step.rule, self.step(step))
    }

    /// Describes a rule's result.
    pub(crate) fn step(&self, step: &DecisionStep) -> String {
        let Decision { registry, .. } = self.decision;
        match &step.outcome {
            RuleOutcome::Account { account, reason } => match self.reason(reason) {
                None => format!("→ {account}"),
                Some(reason) => format!("→ {account}   ({reason})"),
            },
            RuleOutcome::NoSuchAccount { name: Some(name) } => {
                format!("names `{}`, but {registry} has no such account", one_line(name, 60))
            }
            RuleOutcome::NoSuchAccount { name: None } => {
                format!("names a user who has no account on {registry}, or several")
            }
            RuleOutcome::Public { image, pattern } => format!("{image} needs no account: {pattern} is public"),
            RuleOutcome::Ambiguous { images } => {
                let owners = images.iter().map(|OwnedImage { image, account }| format!("{image} is {account}'s"));
                format!("undecided: {}", one_line(&owners.collect::<Vec<_>>().join(", "), 200))
            }
            RuleOutcome::Unknown { files } => {
                let file = |UnknownFile { file, message }: &UnknownFile| format!("{}: {message}", self.file(file));
                format!("undecided: {}", one_line(&files.iter().take(4).map(file).collect::<Vec<_>>().join("; "), 300))
            }
            RuleOutcome::Nothing { reason } => match reason {
                NoMatch::None => "none",
                NoMatch::NotSet => "not set",
                NoMatch::NotPinned => "the program is not pinned",
                NoMatch::OtherRegistry => "names no account of this registry",
                NoMatch::OneAccount => "not checked: there is only one account",
                NoMatch::NoImage => "no image of this registry is named",
                NoMatch::ImageOfNoAccount => "no image belongs to an account",
                NoMatch::OtherOperation => "no account is for this operation",
                NoMatch::OnlyBuilt => "the images are built, but not pushed",
                NoMatch::ImageOnCommandLine => "not read: the command line names an image",
                NoMatch::NoFolder => "no account is for this folder",
                NoMatch::Several => "there are several",
                NoMatch::SignedOut => "the registry is signed out",
            }
            .to_owned(),
        }
    }

    fn reason(&self, reason: &MatchReason) -> Option<String> {
        Some(match reason {
            MatchReason::Named | MatchReason::Default => return None,
            MatchReason::Image { image, pattern, file: None } => format!("{image} is in {pattern}"),
            MatchReason::Image { image, pattern, file: Some(file) } => {
                format!("{}: {image} is in {pattern}", self.file(file))
            }
            MatchReason::ProjectFile(place) | MatchReason::Folder(place) => {
                format!("in {}", self.env.shorten_home(Path::new(place)))
            }
        })
    }

    /// Returns a line for each rule that is undecided because files could not be read completely.
    pub(crate) fn unknown_files(&self) -> impl Iterator<Item = String> + use<'a> {
        let Self { decision, .. } = *self;
        let unknown = decision.steps.iter().filter(|step| matches!(step.outcome, RuleOutcome::Unknown { .. }));
        let this = *self;
        unknown.map(move |step| format!("{}: {}", decision.registry, this.line(step)))
    }

    /// Returns the reason why no account answers, with the command that helps. Returns `None` if an account answers, or
    /// if another helper answers.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let Decision { registry, verdict, accounts, operation, passed_over, .. } = self.decision;
        let (host, entry) = (quote(registry), quote(self.decision.entry()));
        Some(match verdict {
            Verdict::Account | Verdict::Helper => return None,
            Verdict::NoAccount => Problem::run(format!("{registry} has no account"), format_args!("login {host}")),
            Verdict::SignedOut => {
                Problem::run(format!("{registry} has no default account"), format_args!("switch {entry}"))
            }
            Verdict::Several => Problem::run(
                format!("{registry} has several accounts and no default: {}", one_line(&accounts.join(", "), 200)),
                format_args!("switch {entry}"),
            ),
            Verdict::NoneForOperation => {
                let operation = operation.unwrap_or(Operation::Pull);
                let name = if let [name] = &passed_over[..] { name } else { "NAME" };
                Problem::run(
                    format!("{registry} has no account for a {operation}: {}", self.passed_over()?),
                    command("account edit", &[self.decision.entry(), name], "--for any"),
                )
            }
            Verdict::Public => Problem::new(
                self.step(self.decision.deciding()?),
                format!("set ENSIGN_ACCOUNT={host}=NAME to use an account anyway"),
            ),
            Verdict::NoSuchAccount => {
                let step = self.decision.deciding()?;
                let what = self.line(step);
                match &step.outcome {
                    RuleOutcome::NoSuchAccount { name: Some(name) } if step.rule == Rule::Project => {
                        Problem::run(what, format_args!("login {host} --alias {}", quote(name)))
                    }
                    _ if step.rule == Rule::Environment => Problem::new(what, "run `unset ENSIGN_ACCOUNT`"),
                    _ => Problem::run(what, format_args!("status {entry}")),
                }
            }
        })
    }

    /// Lists the accounts that are only for the other operation, as in `reader, writer are for pull only`.
    pub(crate) fn passed_over(&self) -> Option<String> {
        let Decision { operation, passed_over, .. } = self.decision;
        let other = if *operation == Some(Operation::Push) { Operation::Pull } else { Operation::Push };
        let verb = if let [_] = &passed_over[..] { "is" } else { "are" };
        let names = one_line(&passed_over.join(", "), 200);
        (!passed_over.is_empty()).then(|| format!("{names} {verb} for {other} only"))
    }

    /// If a rule is undecided, or if the registry has several accounts and no default, returns the commands with which
    /// the user can choose an account. `typed` is the command that the user typed.
    pub(crate) fn options(&self, accounts: &[Account], typed: &str) -> Option<RemedyOptions> {
        let Decision { registry, verdict, steps, .. } = self.decision;
        let ambiguous = steps.iter().find_map(|step| match &step.outcome {
            RuleOutcome::Ambiguous { images } => Some(images),
            _ => None,
        });
        let is_unknown = steps.iter().any(|step| matches!(step.outcome, RuleOutcome::Unknown { .. }));
        let this = |name: &str| format!("this command  ENSIGN_ACCOUNT={}={} {typed}", quote(registry), quote(name));
        let (message, ways) = match (ambiguous, verdict) {
            (Some(images), _) => (
                "These images need different accounts, but Docker asks for only one".to_owned(),
                self.ways_between(images, accounts, typed, this),
            ),
            (None, _) if is_unknown => {
                ("These files could not be read completely, so they choose no account".to_owned(), vec![this("NAME")])
            }
            (None, Verdict::Several) => {
                let every = format!("every command docker-credential-ensign switch {}", quote(self.decision.entry()));
                (self.problem()?.message, vec![every, this("NAME")])
            }
            _ => return None,
        };
        Some(RemedyOptions { message: format!("{message}. Options:"), ways })
    }

    /// Returns commands that set a separate account for each image, or one account for all images.
    fn ways_between(
        &self,
        images: &[OwnedImage],
        accounts: &[Account],
        typed: &str,
        this: impl Fn(&str) -> String,
    ) -> Vec<String> {
        let Decision { account, .. } = self.decision;
        let other = images.iter().find(|owned| Some(&owned.account) != account.as_ref()).or(images.first());
        let Some(OwnedImage { account: name, .. }) = other else { return vec![] };
        // Only buildx asks for each repository separately. All other clients ask for the whole registry.
        let may_build = typed == ANY_COMMAND || ["build", "bake", "compose"].iter().any(|verb| typed.contains(verb));
        let mut repositories: Vec<_> = images.iter().map(|owned| quote(&owned.image)).collect();
        repositories.dedup(); // an image with two accounts is in `images` twice
        repositories.truncate(4);
        let sync = format!("every build   docker-credential-ensign buildx sync {}", repositories.join(" "));
        let pin = format!(
            "one tool      docker-credential-ensign {}   (and name the helper `ensign-{name}` in the tool's config)",
            command("pin", &[name], "")
        );
        let account = accounts.iter().find(|account| account.name.as_str() == name);
        let edit = account.and_then(|account| edit_here(self.env, self.decision.entry(), account));
        let folder = edit.map(|edit| format!("this folder   {edit}"));
        [Some(this(name)), may_build.then_some(sync), Some(pin), folder].into_iter().flatten().collect()
    }

    fn file(&self, file: &str) -> String {
        shown(self.env, Path::new(file))
    }
}

impl Accounts<'_> {
    pub(crate) fn explanation<'a>(&'a self, decision: &'a Decision) -> Explanation<'a> {
        Explanation::new(self.env, decision)
    }
}

/// Describes the registries for which another helper answers.
pub(crate) fn helper_answers_for(route: Option<&str>) -> String {
    format!("answers for {}", route.unwrap_or("all registries without an account"))
}

/// Returns the command that adds the current folder to an account's folders. Returns `None` for an account of the
/// environment.
fn edit_here(env: &Env, registry: &str, account: &Account) -> Option<String> {
    if account.store.is_from_environment() {
        return None;
    }
    let folders = account.folders.iter().map(|folder| env.shorten_home(folder)).chain([".".into()]);
    let options: Vec<_> = folders.map(|folder| option("--folder", &folder)).collect();
    let edit = command("account edit", &[registry, account.name.as_str()], &options.join(" "));
    Some(format!("docker-credential-ensign {edit}"))
}

/// Returns the path as people read it: relative to the current folder, or with `~` for the home folder.
pub(crate) fn shown(env: &Env, file: &Path) -> String {
    let relative = env::current_dir().and_then(|current| file.strip_prefix(current).map(Path::to_owned).ok());
    let relative = relative.filter(|path| path.parent().is_some()); // the current folder itself has a name, too
    one_line(&relative.map_or_else(|| env.shorten_home(file), |path| path.display().to_string()), 100)
}

#[cfg(test)]
mod tests;
