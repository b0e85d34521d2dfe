//! Tests of accounts for one operation, of public images, and of the rules that a decision shows.

use super::*;

#[test]
fn an_account_for_one_thing_answers_that_alone() {
    let mut reader = candidates("reader");
    reader.accounts =
        vec![account("reader", &["ghcr.io/acme/**"], &["/home"]), account("writer", &["ghcr.io/acme/**"], &["/home"])];
    reader.accounts[0].purpose = Some(Operation::Pull);
    reader.accounts[1].purpose = Some(Operation::Push);
    let (pull, push) = (Some(Operation::Pull), Some(Operation::Push));
    for (operation, image, folder, expected) in [
        (pull, "ghcr.io/acme/app", "/", "reader by command line"),
        (push, "ghcr.io/acme/app", "/", "writer by command line"),
        (None, "ghcr.io/acme/app", "/", "reader by command line"),
        (push, "ghcr.io/other/app", "/home", "writer by folder"),
        (push, "ghcr.io/other/app", "/", "writer by only account"),
        (pull, "ghcr.io/other/app", "/", "reader by default account"),
        (None, "ghcr.io/other/app", "/", "reader by default account"),
    ] {
        let found = CallerStub {
            images: vec![image.parse().unwrap()],
            operation,
            mentions: Some(vec![]),
            folder: Some(folder.into()),
            ..CallerStub::default()
        };
        assert_eq!(
            decision_text(&reader, &AccountRequest::default(), &found),
            expected,
            "{operation:?} {image} {folder}"
        );
        let named = AccountRequest { pinned: Some("reader".parse().unwrap()), ..AccountRequest::default() };
        assert_eq!(decision_text(&reader, &named, &found), "reader by name of the program");
    }
    reader.accounts.truncate(1);
    let found =
        |operation| CallerStub { operation, mentions: Some(vec![]), folder: Some("/".into()), ..CallerStub::default() };
    assert_eq!(decision_text(&reader, &AccountRequest::default(), &found(push)), "none for push");
    assert_eq!(decision_text(&reader, &AccountRequest::default(), &found(pull)), "reader by default account");
}

#[test]
fn an_account_for_this_alone_goes_before_one_for_everything() {
    let mut mixed = candidates("me");
    mixed.accounts = vec![account("me", &[], &["/home"]), account("bot", &[], &[]), account("reader", &[], &["/home"])];
    mixed.accounts[0].images = vec!["ghcr.io/acme/**".parse().unwrap()];
    mixed.accounts[2].images = vec!["ghcr.io/acme/**".parse().unwrap()];
    mixed.accounts[2].purpose = Some(Operation::Pull);
    let (pull, push) = (Some(Operation::Pull), Some(Operation::Push));
    for (active, operation, image, folder, expected) in [
        ("me", pull, "ghcr.io/acme/app", "/", "reader by command line"),
        ("me", push, "ghcr.io/acme/app", "/", "me by command line"),
        ("me", pull, "ghcr.io/other/app", "/home", "reader by folder"),
        ("me", pull, "ghcr.io/other/app", "/", "me by default account"),
        ("", pull, "ghcr.io/other/app", "/", "reader by only account"),
        ("reader", push, "ghcr.io/other/app", "/", "several"),
        ("null", pull, "ghcr.io/other/app", "/", "not found"),
    ] {
        mixed.active = candidates(active).active;
        let found = CallerStub {
            images: vec![image.parse().unwrap()],
            operation,
            folder: Some(folder.into()),
            ..CallerStub::default()
        };
        assert_eq!(
            decision_text(&mixed, &AccountRequest::default(), &found),
            expected,
            "{active:?} {operation:?} {image} {folder}"
        );
    }
}

#[test]
fn files_say_what_a_build_does_where_the_command_line_leaves_it_open() {
    let mut reader = candidates("reader");
    reader.accounts = vec![account("reader", &[], &[]), account("writer", &[], &[])];
    reader.accounts[0].purpose = Some(Operation::Pull);
    let found =
        |operation, in_files| CallerStub { operation, in_files, mentions: Some(vec![]), ..CallerStub::default() };
    let (pull, push) = (Some(Operation::Pull), Some(Operation::Push));
    for (operation, in_files, expected) in [
        (None, push, "writer by only account"),
        (None, None, "reader by default account"),
        (pull, push, "reader by default account"),
    ] {
        assert_eq!(decision_text(&reader, &AccountRequest::default(), &found(operation, in_files)), expected);
    }
}

#[test]
fn a_public_image_needs_no_account_unless_it_is_pushed() {
    let mut open = candidates("me");
    open.public = vec!["ghcr.io/acme/public/**".parse().unwrap(), "ghcr.io/library/**".parse().unwrap()];
    for (images, mentioned, operation, expected) in [
        (vec!["ghcr.io/library/alpine"], vec![], None, "ghcr.io/library/** is public"),
        (vec!["ghcr.io/acme/public/a"], vec![], None, "ghcr.io/acme/public/** is public"),
        (vec!["ghcr.io/acme/public/a"], vec![], Some(Operation::Push), "work by command line"),
        (vec!["ghcr.io/acme/private"], vec![], None, "work by command line"),
        (vec!["ghcr.io/acme/public/a", "ghcr.io/me/b"], vec![], None, "me by command line"),
        (vec!["ghcr.io/acme/public/a", "ghcr.io/nobody/b"], vec![], None, "me by default account"),
        (vec![], vec!["ghcr.io/library/alpine"], None, "ghcr.io/library/** is public"),
        (vec![], vec![], None, "me by default account"),
        (vec!["ghcr.io/acme/a"], vec![], None, "work by command line"),
    ] {
        let mention = |text: &&str| ImageMention { image: text.parse().unwrap(), file: "compose.yaml".into() };
        let found = CallerStub {
            images: images.iter().map(|text| text.parse().unwrap()).collect(),
            operation,
            mentions: Some(mentioned.iter().map(mention).collect()),
            folder: Some("/".into()),
            ..CallerStub::default()
        };
        assert_eq!(
            decision_text(&open, &AccountRequest::default(), &found),
            expected,
            "{images:?} {mentioned:?} {operation:?}"
        );
    }
    // A public pattern ties with an account's pattern, and with another public pattern.
    open.public.push("ghcr.io/acme/**".parse().unwrap());
    assert_eq!(answer(&open, &AccountRequest::default(), &["ghcr.io/acme/a"], "/"), "ghcr.io/acme/** is public");
    assert_eq!(answer(&open, &AccountRequest::default(), &["ghcr.io/acme/tools/a"], "/"), "ci by command line");
    for pair in [["ghcr.io/a*c/x", "ghcr.io/ab*/x"], ["ghcr.io/ab*/x", "ghcr.io/a*c/x"]] {
        open.public = pair.map(|pattern| pattern.parse().unwrap()).to_vec();
        let first = format!("{} is public", pair[0]);
        assert_eq!(answer(&open, &AccountRequest::default(), &["ghcr.io/abc/x"], "/"), first);
    }
    open.public = vec!["ghcr.io/library/**".parse().unwrap()];
    let address =
        AccountRequest { image: Some("ghcr.io/library/alpine".parse().unwrap()), ..AccountRequest::default() };
    assert_eq!(decision_text(&open, &address, &CallerStub::default()), "ghcr.io/library/** is public");
    open.accounts.truncate(1);
    assert_eq!(
        answer(&open, &AccountRequest::default(), &["ghcr.io/library/alpine"], "/"),
        "ghcr.io/library/** is public"
    );
}

/// `docker build -t IMAGE .` pulls the base images, but not IMAGE.
#[test]
fn a_public_name_for_what_is_built_takes_no_account_away() {
    let mut open = candidates("me");
    open.public = vec!["ghcr.io/library/**".parse().unwrap()];
    for (mentioned, expected) in [
        (vec![], "me by default account"),
        (vec!["ghcr.io/nobody/base"], "me by default account"),
        (vec!["ghcr.io/library/base"], "ghcr.io/library/** is public"),
    ] {
        let mention = |text: &&str| ImageMention { image: text.parse().unwrap(), file: "Dockerfile".into() };
        let found = CallerStub {
            images: vec!["ghcr.io/library/app".parse().unwrap()],
            role: ImageRole::Result,
            mentions: Some(mentioned.iter().map(mention).collect()),
            folder: Some("/".into()),
            ..CallerStub::default()
        };
        assert_eq!(decision_text(&open, &AccountRequest::default(), &found), expected, "{mentioned:?}");
    }
}

#[test]
fn a_decision_shows_every_rule_or_what_was_needed() {
    let found = CallerStub {
        images: ["ghcr.io/acme/a", "ghcr.io/me/b"].map(|image| image.parse().unwrap()).to_vec(),
        mentions: Some(vec![]),
        folder: Some("/".into()),
        ..CallerStub::default()
    };
    let several = candidates("me");
    let summary = |detail| {
        let decision = Precedence::new(&several, &AccountRequest::default(), &found).decide(detail);
        let step = |step: &DecisionStep| {
            let outcome = serde_json::to_value(&step.outcome).unwrap()["outcome"].as_str().unwrap().to_owned();
            format!("{} {outcome}{}", step.rule, if step.decides { "!" } else { "" })
        };
        decision.steps.iter().map(step).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(summary(Detail::Needed), "command line ambiguous, default account account!");
    assert_eq!(
        summary(Detail::Full),
        "ENSIGN_ACCOUNT nothing, name of the program nothing, user in the address nothing, image in the address nothing, \
         command line ambiguous, files nothing, .ensign.toml nothing, folder nothing, default account account!, \
         only account nothing"
    );
}

#[test]
fn a_decision_names_its_registry_its_images_and_where_they_are() {
    let mention = |text: &str, file: &str| ImageMention { image: text.parse().unwrap(), file: file.into() };
    let files = CallerStub {
        mentions: Some(vec![mention("ghcr.io/nobody/base", "Dockerfile"), mention("ghcr.io/acme/app", "compose.yaml")]),
        folder: Some("/".into()),
        ..CallerStub::default()
    };
    let mut owned = candidates("me");
    let decision = decide(&owned, &AccountRequest::default(), &files);
    assert_eq!((decision.registry.as_str(), decision.entry()), ("ghcr.io", "ghcr.io"));
    assert_eq!(decision.images().collect::<Vec<_>>(), ["ghcr.io/acme/app"]);
    let (image, pattern) = ("ghcr.io/acme/app".to_owned(), "ghcr.io/acme/**".to_owned());
    let reason = MatchReason::Image { image, pattern, file: Some("compose.yaml".into()) };
    assert_eq!(decision.deciding().unwrap().outcome, RuleOutcome::Account { account: "work".into(), reason });

    let caller_of = |images: &[&str]| CallerStub {
        images: images.iter().map(|image| image.parse().unwrap()).collect(),
        mentions: Some(vec![]),
        folder: Some("/".into()),
        ..CallerStub::default()
    };
    let request = AccountRequest::default();
    let both = ["ghcr.io/acme/a", "ghcr.io/me/b"];
    assert_eq!(decide(&owned, &request, &caller_of(&both)).images().collect::<Vec<_>>(), both);
    owned.public = vec!["ghcr.io/library/**".parse().unwrap()];
    let public = ["ghcr.io/library/a"];
    assert_eq!(decide(&owned, &request, &caller_of(&public)).images().collect::<Vec<_>>(), public);
    owned.registry = Registry::from_key("*.io");
    assert_eq!(decide(&owned, &request, &caller_of(&public)).entry(), "*.io");
}

#[test]
fn a_whole_decision_has_its_operation_and_who_was_passed_over() {
    let mut owned = candidates("me");
    owned.accounts[2].purpose = Some(Operation::Pull);
    let found = CallerStub {
        images: vec!["ghcr.io/me/app".parse().unwrap()],
        operation: Some(Operation::Push),
        mentions: Some(vec![]),
        folder: Some("/".into()),
        ..CallerStub::default()
    };
    let whole = Precedence::new(&owned, &AccountRequest::default(), &found).decide(Detail::Full);
    assert_eq!((whole.operation, whole.passed_over), (Some(Operation::Push), vec!["ci".to_owned()]));
    let several = candidates("");
    let found = CallerStub { images: vec![], ..found };
    let decision = decide(&several, &AccountRequest::default(), &found);
    assert_eq!((decision.verdict, decision.accounts.join(" ").as_str()), (Verdict::Several, "me work ci"));
}

/// A registry without an account may have public images. For these images its helper is not asked.
#[test]
fn a_public_image_is_known_without_an_account() {
    let mut open = candidates("");
    open.accounts.clear();
    let found = CallerStub {
        images: vec!["ghcr.io/library/alpine".parse().unwrap()],
        mentions: Some(vec![]),
        folder: Some("/".into()),
        ..CallerStub::default()
    };
    let request = AccountRequest::default();
    assert_eq!(Precedence::new(&open, &request, &ForbiddenContext).public(), None);
    open.public = vec!["ghcr.io/library/**".parse().unwrap()];
    let decision = Precedence::new(&open, &request, &found).public().unwrap();
    assert_eq!((decision.verdict, decision.steps.len()), (Verdict::Public, 1));
    let other = CallerStub { images: vec!["ghcr.io/acme/app".parse().unwrap()], ..found };
    assert_eq!(Precedence::new(&open, &request, &other).public(), None);
}

#[test]
fn images_of_no_account_are_not_the_same_as_no_images() {
    let owned = candidates("me");
    for (images, nothing) in [(&[][..], NoMatch::NoImage), (&["ghcr.io/nobody/app"][..], NoMatch::ImageOfNoAccount)] {
        let found = CallerStub {
            images: images.iter().map(|image| image.parse().unwrap()).collect(),
            mentions: Some(vec![]),
            folder: Some("/".into()),
            ..CallerStub::default()
        };
        let whole = Precedence::new(&owned, &AccountRequest::default(), &found).decide(Detail::Full);
        let step = whole.steps.into_iter().find(|step| step.rule == Rule::CommandLine).unwrap();
        assert_eq!(step.outcome, nothing.into(), "{images:?}");
    }
    let mut reading = candidates("me");
    reading.accounts[1].purpose = Some(Operation::Pull);
    let found = CallerStub {
        images: vec!["ghcr.io/acme/app".parse().unwrap()],
        operation: Some(Operation::Push),
        mentions: Some(vec![]),
        folder: Some("/".into()),
        ..CallerStub::default()
    };
    let whole = Precedence::new(&reading, &AccountRequest::default(), &found).decide(Detail::Full);
    assert_eq!(whole.steps[4].outcome, NoMatch::OtherOperation.into());
}
