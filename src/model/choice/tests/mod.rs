//! The rules as a table of cases.

mod rules;

use super::*;
use crate::model::{Account, CallerFacts, CallerRule, ImageReference, Operation, Registry};
use std::path::PathBuf;
use std::rc::Rc;

/// What is found out about the caller; `None` where nobody may ask.
#[derive(Default)]
struct Found {
    images: Vec<ImageReference>,
    role: ImageRole,
    operation: Option<Operation>,
    in_files: Option<Operation>,
    mentions: Option<Vec<Mention>>,
    unknown: Vec<Unknown>,
    project: Option<Project>,
    folder: Option<PathBuf>,
}

impl Evidence for Found {
    fn command(&self) -> Command {
        Command { images: self.images.clone(), role: self.role, operation: self.operation }
    }

    fn operation_in_files(&self) -> Option<Operation> {
        self.in_files
    }

    fn mentions(&self) -> FileImages {
        let images = self.mentions.clone().expect("nobody may look into files");
        FileImages { images, unknown: self.unknown.clone() }
    }

    fn project(&self, _: &[Trusted]) -> Option<Project> {
        Some(self.project.clone().expect("nobody may look for a project"))
    }

    fn folder(&self) -> Vec<PathBuf> {
        vec![self.folder.clone().expect("nobody may look for the folder")]
    }

    fn facts(&self, _: &CallerRule) -> CallerFacts {
        unreachable!()
    }
}

/// Nobody may look at the caller.
struct Unseen;

impl Evidence for Unseen {
    fn command(&self) -> Command {
        unreachable!()
    }

    fn operation_in_files(&self) -> Option<Operation> {
        unreachable!()
    }

    fn mentions(&self) -> FileImages {
        unreachable!()
    }

    fn project(&self, _: &[Trusted]) -> Option<Project> {
        unreachable!()
    }

    fn folder(&self) -> Vec<PathBuf> {
        unreachable!()
    }

    fn facts(&self, _: &CallerRule) -> CallerFacts {
        unreachable!()
    }
}

fn account(name: &str, images: &[&str], folders: &[&str]) -> Account {
    Account {
        name: name.parse().unwrap(),
        images: images.iter().map(|text| text.parse().unwrap()).collect(),
        folders: folders.iter().map(PathBuf::from).collect(),
        ..Account::new(Registry::from_key("ghcr.io"), name.trim_start_matches("my-").parse().unwrap())
    }
}

fn candidates(active: &str) -> Candidates {
    Candidates {
        host: Registry::from_key("ghcr.io"),
        registry: Registry::from_key("ghcr.io"),
        spellings: vec![],
        active: match active {
            "" => Active::Unset,
            "null" => Active::SignedOut,
            name => Active::Account(name.parse().unwrap()),
        },
        previous: None,
        public: vec![],
        trusted: Rc::default(),
        helper: None,
        accounts: vec![
            account("me", &[], &["/home/me"]),
            account("work", &["ghcr.io/acme/**"], &["/home/me/src"]),
            account("ci", &["ghcr.io/acme/tools/*"], &[]),
        ],
    }
}

fn answer(candidates: &Candidates, wish: &Wish, images: &[&str], folder: &str) -> String {
    answer_with(candidates, wish, images, &[], folder)
}

fn answer_with(candidates: &Candidates, wish: &Wish, images: &[&str], mentioned: &[&str], folder: &str) -> String {
    let mention = |text: &&str| Mention { image: text.parse().unwrap(), file: "compose.yaml".into() };
    let found = Found {
        images: images.iter().map(|text| text.parse().unwrap()).collect(),
        mentions: Some(mentioned.iter().map(mention).collect()),
        folder: Some(folder.into()),
        ..Found::default()
    };
    said(candidates, wish, &found)
}

fn decide(candidates: &Candidates, wish: &Wish, evidence: &impl Evidence) -> Decision {
    Precedence::new(candidates, wish, evidence).decide(Detail::Needed)
}

fn said(candidates: &Candidates, wish: &Wish, found: &Found) -> String {
    let decision = decide(candidates, wish, found);
    let rule = decision.deciding().map(|step| step.rule.to_string()).unwrap_or_default();
    match (decision.verdict, decision.deciding().map(|step| &step.outcome)) {
        (Verdict::Account, _) => format!("{} by {rule}", candidates.chosen(&decision).unwrap().name),
        (Verdict::NoAccount | Verdict::SignedOut, None) => "not found".into(),
        (_, Some(RuleOutcome::Public { pattern, .. })) => format!("{pattern} is public"),
        (Verdict::NoneForOperation, None) => format!("none for {}", decision.operation.unwrap()),
        (Verdict::Several, None) => "several".into(),
        (_, Some(RuleOutcome::NoSuchAccount { name })) => format!("no {} by {rule}", name.as_deref().unwrap_or("user")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_rule_that_knows_wins() {
    let named = |environment| Wish { environment, ..Wish::default() };
    let everything = Wish {
        environment: Named::Here("ci".into()),
        pinned: Some("work".parse().unwrap()),
        user: Some("me".into()),
        image: Some("ghcr.io/me/x".parse().unwrap()),
    };
    let no_wish = Wish::default;
    for (active, wish, images, folder, expected) in [
        ("me", everything.clone(), vec!["ghcr.io/me/app"], "/", "ci by ENSIGN_ACCOUNT"),
        ("me", Wish { environment: Named::Nobody, ..everything.clone() }, vec![], "/", "work by name of the program"),
        ("work", named(Named::Anywhere("ci".into())), vec![], "/", "ci by ENSIGN_ACCOUNT"),
        ("work", named(Named::Anywhere("elsewhere".into())), vec![], "/", "work by default account"),
        ("work", named(Named::Here("typo".into())), vec![], "/", "no typo by ENSIGN_ACCOUNT"),
        ("work", Wish { user: Some("me".into()), ..no_wish() }, vec![], "/", "me by user in the address"),
        ("work", Wish { user: Some("you".into()), ..no_wish() }, vec![], "/", "no user by user in the address"),
        (
            "work",
            Wish { image: Some("ghcr.io/me/x".parse().unwrap()), ..no_wish() },
            vec!["ghcr.io/acme/x"],
            "/",
            "me by image in the address",
        ),
        ("me", no_wish(), vec!["ghcr.io/acme/app"], "/", "work by command line"),
        ("me", no_wish(), vec!["ghcr.io/acme/tools/lint"], "/", "ci by command line"),
        ("me", no_wish(), vec!["ghcr.io/public/base", "ghcr.io/acme/app"], "/", "work by command line"),
        ("me", no_wish(), vec!["ghcr.io/acme/app", "ghcr.io/me/app"], "/home/me/src/x", "work by folder"),
        ("me", no_wish(), vec!["ghcr.io/acme/app", "ghcr.io/me/app"], "/srv", "me by default account"),
        ("work", no_wish(), vec![], "/home/me/play", "me by folder"),
        ("work", no_wish(), vec!["ghcr.io/public/base"], "/srv", "work by default account"),
        ("gone", no_wish(), vec![], "/srv", "several"),
        ("", no_wish(), vec![], "/srv", "several"),
        ("null", no_wish(), vec![], "/srv", "not found"),
        ("null", no_wish(), vec!["ghcr.io/acme/app"], "/srv", "work by command line"),
    ] {
        assert_eq!(
            answer(&candidates(active), &wish, &images, folder),
            expected,
            "{active:?} {wish:?} {images:?} {folder}"
        );
    }
}

#[test]
fn one_account_never_asks_who_is_calling() {
    let one = Candidates { accounts: vec![account("me", &[], &["/home"])], ..candidates("me") };
    assert_eq!(decide(&one, &Wish::default(), &Unseen).deciding().unwrap().rule, Rule::Default);
    let unset = Candidates { active: Active::Unset, ..one };
    assert_eq!(answer(&unset, &Wish::default(), &[], "/"), "me by only account");
    let none = Candidates { accounts: vec![], ..unset };
    assert_eq!(decide(&none, &Wish::default(), &Unseen).verdict, Verdict::NoAccount);
}

#[test]
fn without_folders_nobody_asks_where_the_caller_is() {
    let mut homeless = candidates("me");
    homeless.accounts.iter_mut().for_each(|account| account.folders.clear());
    let found = Found { mentions: Some(vec![]), ..Found::default() };
    assert_eq!(decide(&homeless, &Wish::default(), &found).deciding().unwrap().rule, Rule::Default);
}

#[test]
fn files_count_where_the_command_line_names_no_image() {
    for (images, mentioned, folder, expected) in [
        (vec![], vec!["ghcr.io/acme/app"], "/home/me", "work by files"),
        (vec![], vec!["ghcr.io/public/base", "ghcr.io/acme/app"], "/", "work by files"),
        (vec![], vec!["ghcr.io/public/base"], "/", "me by default account"),
        (vec![], vec!["ghcr.io/acme/app", "ghcr.io/me/app"], "/home/me/src", "work by folder"),
        (vec!["ghcr.io/me/app"], vec!["ghcr.io/acme/app"], "/", "me by command line"),
        (vec!["ghcr.io/public/base"], vec!["ghcr.io/acme/app"], "/", "me by default account"),
        (vec!["ghcr.io/me/x", "ghcr.io/acme/x"], vec!["ghcr.io/acme/app"], "/", "me by default account"),
    ] {
        let found = answer_with(&candidates("me"), &Wish::default(), &images, &mentioned, folder);
        assert_eq!(found, expected, "{images:?} {mentioned:?} {folder}");
    }
}

#[test]
fn a_name_for_what_is_built_counts_where_its_files_decide_nothing() {
    for (named, mentioned, expected) in [
        ("ghcr.io/me/app", vec!["ghcr.io/acme/base"], "work by files"),
        ("ghcr.io/acme/app", vec![], "work by command line"),
        ("ghcr.io/acme/app", vec!["ghcr.io/public/base"], "work by command line"),
        ("ghcr.io/acme/app", vec!["ghcr.io/me/x", "ghcr.io/acme/x"], "me by default account"),
        ("ghcr.io/nobody/app", vec!["ghcr.io/acme/base"], "work by files"),
        ("ghcr.io/nobody/app", vec![], "me by default account"),
    ] {
        let mention = |text: &&str| Mention { image: text.parse().unwrap(), file: "Dockerfile".into() };
        let found = Found {
            images: vec![named.parse().unwrap()],
            role: ImageRole::Result,
            mentions: Some(mentioned.iter().map(mention).collect()),
            folder: Some("/".into()),
            ..Found::default()
        };
        assert_eq!(said(&candidates("me"), &Wish::default(), &found), expected, "{named} {mentioned:?}");
    }
}

#[test]
fn what_is_not_known_in_files_decides_nothing() {
    let unknown = Unknown { file: "docker-bake.hcl".into(), reach: Reach::Any, message: "a tag is not known".into() };
    for (mentioned, names_results, folder, expected) in [
        (vec![], false, "/", "me by default account"),
        (vec!["ghcr.io/acme/app"], false, "/", "me by default account"),
        (vec!["ghcr.io/acme/app"], false, "/home/me/src", "work by folder"),
        (vec![], true, "/", "me by default account"),
    ] {
        let mention = |text: &&str| Mention { image: text.parse().unwrap(), file: "Dockerfile".into() };
        let found = Found {
            images: if names_results { vec!["ghcr.io/acme/app".parse().unwrap()] } else { vec![] },
            role: if names_results { ImageRole::Result } else { ImageRole::Needed },
            mentions: Some(mentioned.iter().map(mention).collect()),
            unknown: vec![unknown.clone()],
            folder: Some(folder.into()),
            ..Found::default()
        };
        assert_eq!(said(&candidates("me"), &Wish::default(), &found), expected, "{mentioned:?} {folder}");
        let step = decide(&candidates("me"), &Wish::default(), &found).steps.remove(0);
        let files = vec![UnknownFile { file: "docker-bake.hcl".into(), message: "a tag is not known".into() }];
        assert_eq!((step.rule, step.outcome), (Rule::Files, RuleOutcome::Unknown { files }), "{mentioned:?} {folder}");
    }
}

#[test]
fn a_decision_shows_every_rule_or_what_was_needed() {
    let found = Found {
        images: ["ghcr.io/acme/a", "ghcr.io/me/b"].map(|image| image.parse().unwrap()).to_vec(),
        mentions: Some(vec![]),
        folder: Some("/".into()),
        ..Found::default()
    };
    let several = candidates("me");
    let told = |detail| {
        let decision = Precedence::new(&several, &Wish::default(), &found).decide(detail);
        let step = |step: &Step| {
            let outcome = serde_json::to_value(&step.outcome).unwrap()["outcome"].as_str().unwrap().to_owned();
            format!("{} {outcome}{}", step.rule, if step.decides { "!" } else { "" })
        };
        decision.steps.iter().map(step).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(told(Detail::Needed), "command line ambiguous, default account account!");
    assert_eq!(
        told(Detail::Full),
        "ENSIGN_ACCOUNT nothing, name of the program nothing, user in the address nothing, image in the address nothing, \
         command line ambiguous, files nothing, .ensign.toml nothing, folder nothing, default account account!, \
         only account nothing"
    );
}

#[test]
fn files_are_not_opened_if_the_command_line_names_an_image() {
    for image in ["ghcr.io/acme/app", "ghcr.io/public/base"] {
        let found = Found { images: vec![image.parse().unwrap()], folder: Some("/".into()), ..Found::default() };
        assert_eq!(decide(&candidates("me"), &Wish::default(), &found).verdict, Verdict::Account);
    }
}

#[test]
fn a_trusted_file_of_the_folder_names_the_account() {
    let project = |registry: &str, name: &str| Project {
        file: "/home/me/src/.ensign.toml".into(),
        accounts: vec![(Registry::from_key(registry), name.parse().unwrap())],
        unknown: vec![],
    };
    let mut trusting = candidates("me");
    trusting.trusted = [Trusted { file: "/x".into(), digest: "sha256:00".into() }].into();
    trusting.accounts[2].purpose = Some(Operation::Pull);
    let (ghcr, push) = ("ghcr.io", Some(Operation::Push));
    let ci = Wish { environment: Named::Here("ci".into()), ..Wish::default() };
    let address = Wish { image: Some("ghcr.io/me/x".parse().unwrap()), ..Wish::default() };
    let pinned = Wish { pinned: Some("work".parse().unwrap()), ..Wish::default() };
    for (wish, images, project, operation, expected) in [
        (Wish::default(), vec![], project(ghcr, "ci"), None, "ci by .ensign.toml"),
        (Wish::default(), vec![], project(ghcr, "ci"), push, "work by folder"),
        (Wish::default(), vec!["ghcr.io/acme/app"], project(ghcr, "me"), None, "work by command line"),
        (Wish::default(), vec!["ghcr.io/nobody/app"], project(ghcr, "me"), None, "me by .ensign.toml"),
        (Wish::default(), vec!["ghcr.io/acme/app", "ghcr.io/me/b"], project(ghcr, "me"), None, "me by .ensign.toml"),
        (Wish::default(), vec![], project("quay.io", "ci"), None, "work by folder"),
        (Wish::default(), vec![], project(ghcr, "gone"), None, "no gone by .ensign.toml"),
        (ci, vec![], project(ghcr, "gone"), None, "ci by ENSIGN_ACCOUNT"),
        (address, vec![], project(ghcr, "gone"), None, "me by image in the address"),
        (pinned, vec![], project(ghcr, "me"), None, "work by name of the program"),
    ] {
        let found = Found {
            images: images.iter().map(|text| text.parse().unwrap()).collect(),
            operation,
            mentions: Some(vec![]),
            project: Some(project),
            folder: Some("/home/me/src".into()),
            ..Found::default()
        };
        assert_eq!(said(&trusting, &wish, &found), expected, "{wish:?} {images:?} {operation:?}");
    }
    trusting.accounts.truncate(1);
    assert_eq!(decide(&trusting, &Wish::default(), &Unseen).account.as_deref(), Some("me"));
    let nothing = Found { mentions: Some(vec![]), folder: Some("/".into()), ..Found::default() };
    assert_eq!(said(&candidates("me"), &Wish::default(), &nothing), "me by default account");
}

#[test]
fn two_accounts_with_one_folder_are_not_told_apart() {
    let mut twins = candidates("me");
    twins.accounts.push(account("my-work", &[], &["/home/me/src"]));
    assert_eq!(answer(&twins, &Wish::default(), &[], "/home/me/src/x"), "me by default account");
    twins.accounts[3] = account("my-work", &[], &["/home/me/src/x", "/home/me/src/x"]);
    assert_eq!(answer(&twins, &Wish::default(), &[], "/home/me/src/x"), "my-work by folder");
}

#[test]
fn two_accounts_of_one_user_are_told_apart_by_alias_or_by_who_is_active() {
    let mut twins = candidates("my-work");
    twins.accounts[1].name = "acme".parse().unwrap();
    twins.accounts.push(account("my-work", &[], &[]));
    let environment = |name: &str| Wish { environment: Named::Here(name.into()), ..Wish::default() };
    let address = Wish { user: Some("work".into()), ..Wish::default() };
    for (active, wish, expected) in [
        ("me", environment("acme"), "acme by ENSIGN_ACCOUNT"),
        ("me", environment("my-work"), "my-work by ENSIGN_ACCOUNT"),
        ("me", environment("work"), "no work by ENSIGN_ACCOUNT"),
        ("me", address.clone(), "acme by user in the address"),
        ("my-work", address, "my-work by user in the address"),
    ] {
        twins.active = Active::Account(active.parse().unwrap());
        assert_eq!(answer(&twins, &wish, &[], "/"), expected, "{active} {wish:?}");
    }
}

#[test]
fn two_accounts_with_one_pattern_are_not_told_apart() {
    let mut twins = candidates("me");
    twins.accounts.push(account("my-work", &["ghcr.io/acme/**"], &[]));
    assert_eq!(answer(&twins, &Wish::default(), &["ghcr.io/acme/app"], "/srv"), "me by default account");
    assert_eq!(
        answer(&twins, &Wish { user: Some("work".into()), ..Wish::default() }, &[], "/"),
        "work by user in the address"
    );
}
