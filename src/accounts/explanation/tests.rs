//! Checks the text of each outcome of a decision.

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
        (RuleOutcome::NoSuchAccount { name: None }, "names a user who has no account on ghcr.io, or several"),
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
        (Decision { helper: Some("pass".into()), ..decision(Verdict::Helper, vec![]) }, "docker-credential-pass", ""),
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
            "ghcr.io/o/x needs no account: ghcr.io/o/** is public | set ENSIGN_ACCOUNT=ghcr.io=NAME to use an account anyway",
        ),
        (
            decision(Verdict::NoSuchAccount, vec![step(Rule::Project, nobody())]),
            "no account",
            "names `x y`, but ghcr.io has no such account | login ghcr.io --alias 'x y'",
        ),
        (
            decision(Verdict::NoSuchAccount, vec![step(Rule::Environment, nobody())]),
            "no account",
            "names `x y`, but ghcr.io has no such account | run unset ENSIGN_ACCOUNT",
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
    let env_accounts = [account("b", StoreKind::Environment)];
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
        (chosen("a"), &env_accounts, "docker pull", "b", "this pin"),
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
