//! `Explanation`: a decision in words, for `get`, `which`, `why`, `check` and the kubelet's front.

use std::path::Path;

use super::Accounts;
use crate::model::choice::{
    Decision, DecisionStep, MatchReason, NoMatch, OwnedImage, Rule, RuleOutcome, UnknownFile, Verdict,
};
use crate::model::{Account, Operation, Problem};
use crate::system::env::{self, Env};
use crate::system::text::{one_line, quote};

/// The command in a hint where no command was typed.
pub(crate) const ANY_COMMAND: &str = "docker …";

/// A decision, and where its files are named from.
#[derive(Clone, Copy)]
pub(crate) struct Explanation<'a> {
    env: &'a Env,
    decision: &'a Decision,
}

/// A sentence that says what to do, and the ways to do it.
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

    /// What answers, in a word or two.
    pub(crate) fn headline(&self) -> String {
        let Decision { account, helper, verdict, .. } = self.decision;
        let helper = helper.as_ref().map(|helper| format!("docker-credential-{helper}"));
        let other = if *verdict == Verdict::Public { "no account needed" } else { "no account" };
        account.clone().or(helper).map_or_else(|| other.to_owned(), |name| one_line(&name, 200))
    }

    /// A rule with what it says.
    pub(crate) fn line(&self, step: &DecisionStep) -> String {
        format!("{} {}", step.rule, self.step(step))
    }

    /// What a rule says.
    pub(crate) fn step(&self, step: &DecisionStep) -> String {
        let Decision { registry, .. } = self.decision;
        match &step.outcome {
            RuleOutcome::Account { account, reason } => match self.reason(reason) {
                None => format!("→ {account}"),
                Some(reason) => format!("→ {account}   ({reason})"),
            },
            RuleOutcome::NoSuchAccount { name } => {
                format!("names `{}`, which {registry} does not have", one_line(name.as_deref().unwrap_or("…"), 60))
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
                NoMatch::NoImage => "no image of this registry",
                NoMatch::ImageOfNoAccount => "no image that belongs to an account",
                NoMatch::OtherOperation => "no account that is for this operation",
                NoMatch::OnlyBuilt => "only images that are built and not pushed",
                NoMatch::ImageOnCommandLine => "not read: the command line names an image",
                NoMatch::NoFolder => "no account's folder",
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

    /// The files that were not read whole and therefore chose no account.
    pub(crate) fn unknown_files(&self) -> impl Iterator<Item = String> + use<'a> {
        let Self { decision, .. } = *self;
        let unknown = decision.steps.iter().filter(|step| matches!(step.outcome, RuleOutcome::Unknown { .. }));
        let this = *self;
        unknown.map(move |step| format!("{}: {}", decision.registry, this.line(step)))
    }

    /// Why no account answers, and the command that changes it. `None` if an account or another helper does.
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
                let name = if let [name] = &passed_over[..] { quote(name) } else { "NAME".into() };
                Problem::run(
                    format!("{registry} has no account for a {operation}: {}", self.passed_over()?),
                    format_args!("account edit {entry} {name} --for any"),
                )
            }
            Verdict::Public => Problem::new(
                self.step(self.decision.deciding()?),
                format!("ENSIGN_ACCOUNT={host}=NAME names one anyway"),
            ),
            Verdict::NoSuchAccount => {
                let step = self.decision.deciding()?;
                let what = self.line(step);
                match &step.outcome {
                    RuleOutcome::NoSuchAccount { name: Some(name) } if step.rule == Rule::Project => {
                        Problem::run(what, format_args!("login {host} --alias {}", quote(name)))
                    }
                    _ => Problem::run(what, format_args!("status {entry}")),
                }
            }
        })
    }

    /// `reader, writer are for pull only`
    pub(crate) fn passed_over(&self) -> Option<String> {
        let Decision { operation, passed_over, .. } = self.decision;
        let other = if *operation == Some(Operation::Push) { Operation::Pull } else { Operation::Push };
        let verb = if let [_] = &passed_over[..] { "is" } else { "are" };
        let names = one_line(&passed_over.join(", "), 200);
        (!passed_over.is_empty()).then(|| format!("{names} {verb} for {other} only"))
    }

    /// The remedies where no rule could choose, for the typed command.
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

    /// The ways to give each image its own account, or the command its one account.
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
        // buildx alone asks for each repository separately.
        let may_build = typed == ANY_COMMAND || ["build", "bake", "compose"].iter().any(|verb| typed.contains(verb));
        let mut repositories: Vec<_> = images.iter().take(4).map(|owned| quote(&owned.image)).collect();
        repositories.dedup(); // an image that two accounts claim is named for each
        let sync = format!("every build   docker-credential-ensign buildx sync {}", repositories.join(" "));
        let pin = format!(
            "one tool      docker-credential-ensign pin {}   (and name the helper `ensign-{name}` in the tool's config)",
            quote(name)
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
    /// The decision in words.
    pub(crate) fn explanation<'a>(&'a self, decision: &'a Decision) -> Explanation<'a> {
        Explanation::new(self.env, decision)
    }
}

/// Names the registries that another helper answers for.
pub(crate) fn helper_answers_for(route: Option<&str>) -> String {
    format!("answers for {}", route.unwrap_or("all registries without an account"))
}

/// The command that makes an account answer in the current folder too. `None` for an account of the environment.
fn edit_here(env: &Env, registry: &str, account: &Account) -> Option<String> {
    if account.store.is_from_environment() {
        return None;
    }
    let edit = format!("docker-credential-ensign account edit {} {}", quote(registry), quote(account.name.as_str()));
    let folders = account.folders.iter().map(|folder| env.shorten_home(folder)).chain([".".into()]);
    Some(folders.fold(edit, |edit, folder| format!("{edit} --folder {}", quote(&folder))))
}

/// A path relative to the current folder or the home folder.
pub(crate) fn shown(env: &Env, file: &Path) -> String {
    let relative = env::current_dir().and_then(|current| file.strip_prefix(current).map(Path::to_owned).ok());
    one_line(&relative.map_or_else(|| env.shorten_home(file), |path| path.display().to_string()), 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Registry, StoreKind};

    fn step(rule: Rule, outcome: RuleOutcome) -> DecisionStep {
        DecisionStep { rule, decides: true, outcome }
    }

    fn decision(verdict: Verdict, steps: Vec<DecisionStep>) -> Decision {
        Decision { steps, ..Decision::without_steps(&Registry::from_key("ghcr.io"), verdict) }
    }

    fn names(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn ambiguous() -> RuleOutcome {
        let owned = |image: &str, account: &str| OwnedImage { image: image.into(), account: account.into() };
        RuleOutcome::Ambiguous {
            images: vec![owned("ghcr.io/a/x", "a"), owned("ghcr.io/b/y", "b"), owned("ghcr.io/b/y", "c")],
        }
    }

    fn unknown() -> RuleOutcome {
        RuleOutcome::Unknown {
            files: vec![UnknownFile { file: "/home/me/Dockerfile".into(), message: "line 1 is odd".into() }],
        }
    }

    #[test]
    fn a_step_says_what_its_rule_found() {
        let account = |reason| RuleOutcome::Account { account: "me".into(), reason };
        let image = |file: Option<&str>| MatchReason::Image {
            image: "ghcr.io/a/x".into(),
            pattern: "ghcr.io/a/**".into(),
            file: file.map(str::to_owned),
        };
        let (env, all) = (Env::at_home("/home/me"), decision(Verdict::NoAccount, vec![]));
        for (outcome, expected) in [
            (account(MatchReason::Named), "→ me"),
            (account(image(None)), "→ me   (ghcr.io/a/x is in ghcr.io/a/**)"),
            (account(image(Some("/home/me/x.yml"))), "→ me   (~/x.yml: ghcr.io/a/x is in ghcr.io/a/**)"),
            (account(MatchReason::Folder("/home/me/w".into())), "→ me   (in ~/w)"),
            (RuleOutcome::NoSuchAccount { name: None }, "names `…`, which ghcr.io does not have"),
            (ambiguous(), "undecided: ghcr.io/a/x is a's, ghcr.io/b/y is b's, ghcr.io/b/y is c's"),
            (unknown(), "undecided: ~/Dockerfile: line 1 is odd"),
            (RuleOutcome::Nothing { reason: NoMatch::NotSet }, "not set"),
        ] {
            assert_eq!(Explanation::new(&env, &all).step(&step(Rule::Files, outcome)), expected);
        }
        let all = decision(Verdict::NoAccount, vec![step(Rule::Files, unknown()), step(Rule::Files, ambiguous())]);
        let files: Vec<_> = Explanation::new(&env, &all).unknown_files().collect();
        assert!(
            matches!(&files[..], [file] if file.starts_with("ghcr.io: ") && file.ends_with("~/Dockerfile: line 1 is odd"))
        );
    }

    #[test]
    fn no_answer_has_its_reason_and_one_command() {
        let env = Env::at_home("/home/me");
        let nobody = || RuleOutcome::NoSuchAccount { name: Some("x y".into()) };
        let for_push = |names_of: &[&str], operation| Decision {
            passed_over: names(names_of),
            operation,
            ..decision(Verdict::NoneForOperation, vec![])
        };
        let public = RuleOutcome::Public { image: "ghcr.io/o/x".into(), pattern: "ghcr.io/o/**".into() };
        for (all, headline, problem) in [
            (decision(Verdict::Account, vec![]), "no account", ""),
            (Decision { account: Some("me".into()), ..decision(Verdict::Account, vec![]) }, "me", ""),
            (
                Decision { helper: Some("pass".into()), ..decision(Verdict::Helper, vec![]) },
                "docker-credential-pass",
                "",
            ),
            (decision(Verdict::NoAccount, vec![]), "no account", "ghcr.io has no account | login ghcr.io"),
            (decision(Verdict::SignedOut, vec![]), "no account", "ghcr.io has no default account | switch ghcr.io"),
            (
                Decision { accounts: names(&["a", "b"]), ..decision(Verdict::Several, vec![]) },
                "no account",
                "ghcr.io has several accounts and no default: a, b | switch ghcr.io",
            ),
            (
                Decision { answered_as: Some("*.io".into()), ..decision(Verdict::SignedOut, vec![]) },
                "no account",
                "ghcr.io has no default account | switch '*.io'",
            ),
            (
                for_push(&["w"], None),
                "no account",
                "ghcr.io has no account for a pull: w is for push only | account edit ghcr.io w --for any",
            ),
            (
                for_push(&["r", "s"], Some(Operation::Push)),
                "no account",
                "ghcr.io has no account for a push: r, s are for pull only | account edit ghcr.io NAME --for any",
            ),
            (for_push(&[], None), "no account", ""),
            (
                decision(Verdict::Public, vec![step(Rule::CommandLine, public)]),
                "no account needed",
                "ghcr.io/o/x needs no account: ghcr.io/o/** is public | ENSIGN_ACCOUNT=ghcr.io=NAME names one anyway",
            ),
            (
                decision(Verdict::NoSuchAccount, vec![step(Rule::Project, nobody())]),
                "no account",
                "names `x y`, which ghcr.io does not have | login ghcr.io --alias 'x y'",
            ),
            (
                decision(Verdict::NoSuchAccount, vec![step(Rule::Environment, nobody())]),
                "no account",
                "names `x y`, which ghcr.io does not have | status ghcr.io",
            ),
        ] {
            let explanation = Explanation::new(&env, &all);
            assert_eq!(explanation.headline(), headline, "{all:?}");
            let found = explanation.problem().map(|problem| {
                let hint = problem.hint.replace("run `docker-credential-ensign ", "").replace('`', "");
                format!("{} | {hint}", problem.message)
            });
            let found = found.unwrap_or_default();
            assert!(found == problem || (!problem.is_empty() && found.ends_with(problem)), "{found}");
        }
    }

    #[test]
    fn the_ways_out_fit_the_command() {
        let env = Env::at_home("/home/me");
        let folders = vec!["/home/me/w".into()];
        let account = |name: &str, store| Account {
            store,
            folders: folders.clone(),
            ..Account::new(Registry::from_key("ghcr.io"), name.parse().unwrap())
        };
        let own = [account("a", StoreKind::File), account("b", StoreKind::File)];
        let given = [account("b", StoreKind::Environment)];
        let torn = || decision(Verdict::Several, vec![step(Rule::CommandLine, ambiguous())]);
        let chosen = |name: &str| Decision { account: Some(name.into()), ..torn() };
        let way = |kind: &str, name: &str, typed: &str| match kind {
            "this" => format!("this command  ENSIGN_ACCOUNT=ghcr.io={name} {typed}"),
            "every" => "every command docker-credential-ensign switch ghcr.io".to_owned(),
            "build" => "every build   docker-credential-ensign buildx sync ghcr.io/a/x ghcr.io/b/y".to_owned(),
            "pin" => format!(
                "one tool      docker-credential-ensign pin {name}   (and name the helper `ensign-{name}` in the tool's config)"
            ),
            _ => {
                format!("this folder   docker-credential-ensign account edit ghcr.io {name} --folder '~/w' --folder .")
            }
        };
        let unread = decision(Verdict::SignedOut, vec![step(Rule::Files, unknown())]);
        for (all, accounts, typed, name, kinds) in [
            (torn(), &own[..], "docker pull", "a", "this pin folder"),
            (torn(), &own, "docker build .", "a", "this build pin folder"),
            (torn(), &own, ANY_COMMAND, "a", "this build pin folder"),
            (chosen("a"), &own, "docker pull", "b", "this pin folder"),
            (chosen("a"), &given, "docker pull", "b", "this pin"),
            (chosen("a"), &[], "docker pull", "b", "this pin"),
            (decision(Verdict::Several, vec![]), &own, "docker pull", "NAME", "every this"),
            (unread, &own, "docker pull", "NAME", "this"),
            (decision(Verdict::SignedOut, vec![]), &own, "docker pull", "", ""),
        ] {
            let options = Explanation::new(&env, &all).options(accounts, typed);
            let found = options.map(|RemedyOptions { message, ways }| (message.ends_with(". Options:"), ways));
            let expected: Vec<_> = kinds.split_whitespace().map(|kind| way(kind, name, typed)).collect();
            assert_eq!(found, Some((true, expected)).filter(|_| !kinds.is_empty()), "{all:?}");
        }
        assert_eq!(helper_answers_for(None), "answers for all registries without an account");
        assert_eq!(helper_answers_for(Some("*.io")), "answers for *.io");
    }
}
