//! Tests of the rules, as tables of cases.

mod entries;
mod rules;

use super::*;
use crate::model::{Account, CallerFacts, CallerRule, ImageReference, Operation, Registry};
use std::path::PathBuf;
use std::rc::Rc;

/// Facts about the caller. A test fails if a rule asks for a fact that is not set.
#[derive(Default)]
struct CallerStub {
    images: Vec<ImageReference>,
    role: ImageRole,
    operation: Option<Operation>,
    in_files: Option<Operation>,
    mentions: Option<Vec<ImageMention>>,
    unknown: Vec<UnknownImages>,
    project: Option<ProjectAccounts>,
    folder: Option<PathBuf>,
}

impl CallerContext for CallerStub {
    fn command(&self) -> CommandImages {
        CommandImages { images: self.images.clone(), role: self.role, operation: self.operation }
    }

    fn operation_in_files(&self) -> Option<Operation> {
        self.in_files
    }

    fn mentions(&self) -> FileImages {
        let images = self.mentions.clone().expect("no rule may look into files");
        FileImages { images, unknown: self.unknown.clone() }
    }

    fn project(&self, _: &[TrustedFile]) -> Option<ProjectAccounts> {
        Some(self.project.clone().expect("no rule may look for a project"))
    }

    fn folder(&self) -> Vec<PathBuf> {
        vec![self.folder.clone().expect("no rule may look for the folder")]
    }

    fn facts(&self, _: &CallerRule) -> CallerFacts {
        unreachable!()
    }
}

/// A caller for tests in which no rule may ask about the caller. Every method panics.
struct ForbiddenContext;

impl CallerContext for ForbiddenContext {
    fn command(&self) -> CommandImages {
        unreachable!()
    }

    fn operation_in_files(&self) -> Option<Operation> {
        unreachable!()
    }

    fn mentions(&self) -> FileImages {
        unreachable!()
    }

    fn project(&self, _: &[TrustedFile]) -> Option<ProjectAccounts> {
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

fn candidates(active: &str) -> RegistryAccounts {
    RegistryAccounts {
        host: Registry::from_key("ghcr.io"),
        registry: Registry::from_key("ghcr.io"),
        spellings: vec![],
        active: match active {
            "" => DefaultAccount::Unset,
            "null" => DefaultAccount::SignedOut,
            name => DefaultAccount::Account(name.parse().unwrap()),
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

fn answer(candidates: &RegistryAccounts, request: &AccountRequest, images: &[&str], folder: &str) -> String {
    answer_with(candidates, request, images, &[], folder)
}

fn answer_with(
    candidates: &RegistryAccounts,
    request: &AccountRequest,
    images: &[&str],
    mentioned: &[&str],
    folder: &str,
) -> String {
    let mention = |text: &&str| ImageMention { image: text.parse().unwrap(), file: "compose.yaml".into() };
    let found = CallerStub {
        images: images.iter().map(|text| text.parse().unwrap()).collect(),
        mentions: Some(mentioned.iter().map(mention).collect()),
        folder: Some(folder.into()),
        ..CallerStub::default()
    };
    decision_text(candidates, request, &found)
}

fn decide(candidates: &RegistryAccounts, request: &AccountRequest, context: &impl CallerContext) -> Decision {
    Precedence::new(candidates, request, context).decide(Detail::Needed)
}

fn decision_text(candidates: &RegistryAccounts, request: &AccountRequest, found: &CallerStub) -> String {
    let decision = decide(candidates, request, found);
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
    let named = |environment| AccountRequest { environment, ..AccountRequest::default() };
    let everything = AccountRequest {
        environment: ExplicitAccount::ThisRegistry("ci".into()),
        pinned: Some("work".parse().unwrap()),
        user: Some("me".into()),
        image: Some("ghcr.io/me/x".parse().unwrap()),
    };
    let no_request = AccountRequest::default;
    for (active, request, images, folder, expected) in [
        ("me", everything.clone(), vec!["ghcr.io/me/app"], "/", "ci by ENSIGN_ACCOUNT"),
        (
            "me",
            AccountRequest { environment: ExplicitAccount::Unset, ..everything.clone() },
            vec![],
            "/",
            "work by name of the program",
        ),
        ("work", named(ExplicitAccount::AnyRegistry("ci".into())), vec![], "/", "ci by ENSIGN_ACCOUNT"),
        ("work", named(ExplicitAccount::AnyRegistry("elsewhere".into())), vec![], "/", "work by default account"),
        ("work", named(ExplicitAccount::ThisRegistry("typo".into())), vec![], "/", "no typo by ENSIGN_ACCOUNT"),
        ("work", AccountRequest { user: Some("me".into()), ..no_request() }, vec![], "/", "me by user in the address"),
        (
            "work",
            AccountRequest { user: Some("you".into()), ..no_request() },
            vec![],
            "/",
            "no user by user in the address",
        ),
        (
            "work",
            AccountRequest { image: Some("ghcr.io/me/x".parse().unwrap()), ..no_request() },
            vec!["ghcr.io/acme/x"],
            "/",
            "me by image in the address",
        ),
        ("me", no_request(), vec!["ghcr.io/acme/app"], "/", "work by command line"),
        ("me", no_request(), vec!["ghcr.io/acme/tools/lint"], "/", "ci by command line"),
        ("me", no_request(), vec!["ghcr.io/public/base", "ghcr.io/acme/app"], "/", "work by command line"),
        ("me", no_request(), vec!["ghcr.io/acme/app", "ghcr.io/me/app"], "/home/me/src/x", "work by folder"),
        ("me", no_request(), vec!["ghcr.io/acme/app", "ghcr.io/me/app"], "/srv", "me by default account"),
        ("work", no_request(), vec![], "/home/me/play", "me by folder"),
        ("work", no_request(), vec!["ghcr.io/public/base"], "/srv", "work by default account"),
        ("gone", no_request(), vec![], "/srv", "several"),
        ("", no_request(), vec![], "/srv", "several"),
        ("null", no_request(), vec![], "/srv", "not found"),
        ("null", no_request(), vec!["ghcr.io/acme/app"], "/srv", "work by command line"),
    ] {
        assert_eq!(
            answer(&candidates(active), &request, &images, folder),
            expected,
            "{active:?} {request:?} {images:?} {folder}"
        );
    }
}

#[test]
fn one_account_never_asks_who_is_calling() {
    let entry = RegistryAccounts { accounts: vec![account("me", &[], &["/home"])], ..candidates("me") };
    assert_eq!(decide(&entry, &AccountRequest::default(), &ForbiddenContext).deciding().unwrap().rule, Rule::Default);
    let unset = RegistryAccounts { active: DefaultAccount::Unset, ..entry };
    assert_eq!(answer(&unset, &AccountRequest::default(), &[], "/"), "me by only account");
    let none = RegistryAccounts { accounts: vec![], ..unset };
    assert_eq!(decide(&none, &AccountRequest::default(), &ForbiddenContext).verdict, Verdict::NoAccount);
}

#[test]
fn without_folders_nobody_asks_where_the_caller_is() {
    let mut homeless = candidates("me");
    homeless.accounts.iter_mut().for_each(|account| account.folders.clear());
    let found = CallerStub { mentions: Some(vec![]), ..CallerStub::default() };
    assert_eq!(decide(&homeless, &AccountRequest::default(), &found).deciding().unwrap().rule, Rule::Default);
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
        let found = answer_with(&candidates("me"), &AccountRequest::default(), &images, &mentioned, folder);
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
        let mention = |text: &&str| ImageMention { image: text.parse().unwrap(), file: "Dockerfile".into() };
        let found = CallerStub {
            images: vec![named.parse().unwrap()],
            role: ImageRole::Result,
            mentions: Some(mentioned.iter().map(mention).collect()),
            folder: Some("/".into()),
            ..CallerStub::default()
        };
        assert_eq!(
            decision_text(&candidates("me"), &AccountRequest::default(), &found),
            expected,
            "{named} {mentioned:?}"
        );
    }
}

#[test]
fn what_is_not_known_in_files_decides_nothing() {
    let unknown = UnknownImages {
        file: "docker-bake.hcl".into(),
        reach: RegistryRange::Any,
        message: "a tag is not known".into(),
    };
    for (mentioned, names_results, folder, expected) in [
        (vec![], false, "/", "me by default account"),
        (vec!["ghcr.io/acme/app"], false, "/", "me by default account"),
        (vec!["ghcr.io/acme/app"], false, "/home/me/src", "work by folder"),
        (vec![], true, "/", "me by default account"),
    ] {
        let mention = |text: &&str| ImageMention { image: text.parse().unwrap(), file: "Dockerfile".into() };
        let found = CallerStub {
            images: if names_results { vec!["ghcr.io/acme/app".parse().unwrap()] } else { vec![] },
            role: if names_results { ImageRole::Result } else { ImageRole::Needed },
            mentions: Some(mentioned.iter().map(mention).collect()),
            unknown: vec![unknown.clone()],
            folder: Some(folder.into()),
            ..CallerStub::default()
        };
        assert_eq!(
            decision_text(&candidates("me"), &AccountRequest::default(), &found),
            expected,
            "{mentioned:?} {folder}"
        );
        let step = decide(&candidates("me"), &AccountRequest::default(), &found).steps.remove(0);
        let files = vec![UnknownFile { file: "docker-bake.hcl".into(), message: "a tag is not known".into() }];
        assert_eq!((step.rule, step.outcome), (Rule::Files, RuleOutcome::Unknown { files }), "{mentioned:?} {folder}");
    }
}

#[test]
fn files_are_not_opened_if_the_command_line_names_an_image() {
    for image in ["ghcr.io/acme/app", "ghcr.io/public/base"] {
        let found =
            CallerStub { images: vec![image.parse().unwrap()], folder: Some("/".into()), ..CallerStub::default() };
        assert_eq!(decide(&candidates("me"), &AccountRequest::default(), &found).verdict, Verdict::Account);
    }
}

#[test]
fn a_trusted_file_of_the_folder_names_the_account() {
    let project = |registry: &str, name: &str| ProjectAccounts {
        file: "/home/me/src/.ensign.toml".into(),
        accounts: vec![(Registry::from_key(registry), name.parse().unwrap())],
        unknown: vec![],
    };
    let mut trusting = candidates("me");
    trusting.trusted = [TrustedFile { file: "/x".into(), digest: "sha256:00".into() }].into();
    trusting.accounts[2].purpose = Some(Operation::Pull);
    let (ghcr, push) = ("ghcr.io", Some(Operation::Push));
    let ci = AccountRequest { environment: ExplicitAccount::ThisRegistry("ci".into()), ..AccountRequest::default() };
    let address = AccountRequest { image: Some("ghcr.io/me/x".parse().unwrap()), ..AccountRequest::default() };
    let pinned = AccountRequest { pinned: Some("work".parse().unwrap()), ..AccountRequest::default() };
    for (request, images, project, operation, expected) in [
        (AccountRequest::default(), vec![], project(ghcr, "ci"), None, "ci by .ensign.toml"),
        (AccountRequest::default(), vec![], project(ghcr, "ci"), push, "work by folder"),
        (AccountRequest::default(), vec!["ghcr.io/acme/app"], project(ghcr, "me"), None, "work by command line"),
        (AccountRequest::default(), vec!["ghcr.io/nobody/app"], project(ghcr, "me"), None, "me by .ensign.toml"),
        (
            AccountRequest::default(),
            vec!["ghcr.io/acme/app", "ghcr.io/me/b"],
            project(ghcr, "me"),
            None,
            "me by .ensign.toml",
        ),
        (AccountRequest::default(), vec![], project("quay.io", "ci"), None, "work by folder"),
        (AccountRequest::default(), vec![], project(ghcr, "gone"), None, "no gone by .ensign.toml"),
        (ci, vec![], project(ghcr, "gone"), None, "ci by ENSIGN_ACCOUNT"),
        (address, vec![], project(ghcr, "gone"), None, "me by image in the address"),
        (pinned, vec![], project(ghcr, "me"), None, "work by name of the program"),
    ] {
        let found = CallerStub {
            images: images.iter().map(|text| text.parse().unwrap()).collect(),
            operation,
            mentions: Some(vec![]),
            project: Some(project),
            folder: Some("/home/me/src".into()),
            ..CallerStub::default()
        };
        assert_eq!(decision_text(&trusting, &request, &found), expected, "{request:?} {images:?} {operation:?}");
    }
    trusting.accounts.truncate(1);
    assert_eq!(decide(&trusting, &AccountRequest::default(), &ForbiddenContext).account.as_deref(), Some("me"));
    let nothing = CallerStub { mentions: Some(vec![]), folder: Some("/".into()), ..CallerStub::default() };
    assert_eq!(decision_text(&candidates("me"), &AccountRequest::default(), &nothing), "me by default account");
}

#[test]
fn two_accounts_with_one_folder_are_not_told_apart() {
    let mut twins = candidates("me");
    twins.accounts.push(account("my-work", &[], &["/home/me/src"]));
    assert_eq!(answer(&twins, &AccountRequest::default(), &[], "/home/me/src/x"), "me by default account");
    twins.accounts[3] = account("my-work", &[], &["/home/me/src/x", "/home/me/src/x"]);
    assert_eq!(answer(&twins, &AccountRequest::default(), &[], "/home/me/src/x"), "my-work by folder");
}

#[test]
fn two_accounts_with_one_pattern_are_not_told_apart() {
    let mut twins = candidates("me");
    twins.accounts.push(account("my-work", &["ghcr.io/acme/**"], &[]));
    assert_eq!(answer(&twins, &AccountRequest::default(), &["ghcr.io/acme/app"], "/srv"), "me by default account");
    assert_eq!(
        answer(&twins, &AccountRequest { user: Some("work".into()), ..AccountRequest::default() }, &[], "/"),
        "work by user in the address"
    );
}
