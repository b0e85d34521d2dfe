//! Checks of accounts that cannot answer, and of a trial call as Docker makes it.

use std::fs;

use snapbox::str;

use super::*;

fn edit_account(sandbox: &Sandbox, field: &str, value: Value) {
    let mut config = sandbox.config();
    config["registries"][HOST]["accounts"]["bob"][field] = value;
    write(&sandbox.config_path(), config.to_string().as_bytes());
}

#[test]
fn a_home_without_accounts_is_told_where_to_begin() {
    let sandbox = installed();
    assert_found(&sandbox, &[("no-account", "note")]);
    assert_by_hand(&sandbox, "no-account", "docker-credential-ensign login ghcr.io");
    assert_mended_by_hand(&sandbox, "no-account", &[], with_password);
}

#[test]
fn a_secret_that_is_gone_needs_a_login() {
    let sandbox = healthy();
    fs::remove_file(sandbox.secrets_path(HOST)).unwrap();
    assert_found(&sandbox, &[("secret-missing", "broken"), ("secret-missing", "broken")]);
    assert_by_hand(&sandbox, "secret-missing", "docker-credential-ensign login ghcr.io --alias bob");
    sandbox.store(HOST, "alice", "x");
    assert_mended_by_hand(&sandbox, "secret-missing", &[], with_password);
    assert_healthy(&sandbox);
}

#[test]
fn a_store_of_a_newer_ensign_is_not_read() {
    let sandbox = healthy();
    edit_account(&sandbox, "store", json!("tpm9"));
    let found = findings(&sandbox, &[]);
    assert!(names(&found).contains(&("secret-unreadable", "broken")), "{found:?}");
    assert_by_hand(&sandbox, "secret-unreadable", "docker-credential-ensign login ghcr.io --alias bob --store file");
    assert_mended_by_hand(&sandbox, "secret-unreadable", &[], with_password);
    assert_healthy(&sandbox);
}

#[test]
fn a_secret_that_was_refused_is_told() {
    let sandbox = healthy();
    let mut secrets = crate::support::read_json(&sandbox.secrets_path(HOST));
    secrets["secrets"]["bob"] = json!({"secret": "bob-s3cret", "refused": true});
    write(&sandbox.secrets_path(HOST), secrets.to_string().as_bytes());
    let found = assert_found(&sandbox, &[("account-refused", "broken")]);
    assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");
    assert_by_hand(&sandbox, "account-refused", "docker-credential-ensign login ghcr.io --alias bob");
    assert_mended_by_hand(&sandbox, "account-refused", &[], with_password);
    assert_healthy(&sandbox);
}

#[test]
fn a_secret_that_ends_soon_is_a_note() {
    let sandbox = healthy();
    let set_end = |end: u64| {
        let mut secrets = crate::support::read_json(&sandbox.secrets_path(HOST));
        secrets["secrets"]["bob"] = json!({"secret": "bob-s3cret", "until": end});
        write(&sandbox.secrets_path(HOST), secrets.to_string().as_bytes());
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    set_end(now + 2 * 86_400);
    let found = assert_found(&sandbox, &[("account-expiring", "note")]);
    assert!(found[0]["found"].as_str().unwrap().ends_with(" 2 days"), "{found:?}");
    assert_by_hand(&sandbox, "account-expiring", "docker-credential-ensign login ghcr.io --alias bob");
    set_end(now + 30 * 86_400);
    assert_healthy(&sandbox);
    set_end(now + 2 * 86_400);
    assert_mended_by_hand(&sandbox, "account-expiring", &[], with_password);
    set_end(now - 60);
    assert_found(&sandbox, &[("account-refused", "broken")]);
}

#[test]
fn a_program_that_has_the_secret_and_is_not_there_is_named() {
    let sandbox = healthy();
    let borrow = json!({"borrow": "helper:gone"});
    edit_account(&sandbox, "source", borrow.clone());
    let found = findings(&sandbox, &[]);
    assert!(names(&found).contains(&("source-missing", "broken")), "{found:?}");
    let command = "docker-credential-ensign login ghcr.io --alias bob   (or install `docker-credential-gone`)";
    assert_by_hand(&sandbox, "source-missing", command);
    // A person can store a new secret, or install the program.
    assert_mended_by_hand(&sandbox, "source-missing", &[], with_password);
    assert_eq!(sandbox.who("bob@ghcr.io"), "bob");
    edit_account(&sandbox, "source", borrow);
    assert!(names(&findings(&sandbox, &[])).contains(&("source-missing", "broken")));
    program(&sandbox, "docker-credential-gone", "echo '{\"Username\": \"bob\", \"Secret\": \"x\"}'");
    let found = findings(&sandbox, &["--online"]);
    assert!(!names(&found).contains(&("source-missing", "broken")), "{found:?}");
}

#[test]
fn a_variable_that_names_no_account_stops_everything() {
    let sandbox = healthy().with("ENSIGN_ACCOUNT", "nobody");
    let found = findings(&sandbox, &[]);
    assert!(names(&found).contains(&("account-variable", "broken")), "{found:?}");
    assert_by_hand(&sandbox, "account-variable", "unset ENSIGN_ACCOUNT");
    assert_mended_by_hand(&sandbox, "account-variable", &[], as_it_is);
    assert_healthy(&sandbox.with("ENSIGN_ACCOUNT", "bob"));
}

#[test]
fn the_main_job_is_tried_as_docker_does_it() {
    let sandbox = healthy();
    // `doctor` calls the program on PATH by its absolute path, and sends only the host. The image is on the command
    // line of the parent process.
    program(
        &sandbox,
        "docker-credential-ensign",
        &format!(
            "[ \"$1\" = get ] || exit 1; tr '\\0' ' ' </proc/$PPID/cmdline >>\"$HOME/above\"; cat >>\"$HOME/asked\"; \
             echo '{{\"ServerURL\": \"x\", \"Username\": \"mallory\", \"Secret\": \"my-s3cret\"}}'\nexit 0 # {}",
            Sandbox::program()
        ),
    );
    let found = findings(&sandbox, &[]);
    let expected = [("program-copy", "note"), ("wrong-answer", "broken"), ("wrong-answer", "broken")];
    assert_eq!(names(&found), expected, "{found:?}");
    let what = found[1].2["found"].as_str().unwrap();
    assert!(what.contains("mallory") && what.ends_with(" bob"), "{what}");
    assert!(!format!("{found:?}").contains("my-s3cret"), "{found:?}");
    assert_eq!(fs::read_to_string(sandbox.home().join("asked")).unwrap(), "ghcr.ioghcr.io");
    if cfg!(target_os = "linux") {
        let above = fs::read_to_string(sandbox.home().join("above")).unwrap();
        assert!(above.starts_with("docker -c ") && above.contains(" pull ghcr.io/bob/app"), "{above}");
    }
    for file in ["above", "asked"] {
        fs::remove_file(sandbox.home().join(file)).unwrap();
    }
    let copy = sandbox.home().join("bin/docker-credential-ensign");
    let fix = run(&sandbox, &["--fix", "wrong-answer"]);
    let command = format!("fix:    ln -sfn {} {}", Sandbox::program(), copy.display());
    assert!(fix.stdout.contains(&command), "{fix:?}");
    fix.shows(str![[r#"
exit 1
--- stdout
  ✗ wrong-answer: `docker pull ghcr.io/bob/app` would get the login of the user
    mallory, not the account bob
      breaks: pulls and pushes of images like this one
      fix:    ln -sfn [BIN]/docker-credential-ensign [HOME]/bin/docker-credential-ensign
  ✗ wrong-answer: `docker pull ghcr.io/alice/app` would get the login of the
    user mallory, not the account alice
      breaks: pulls and pushes of images like this one
      fix:    ln -sfn [BIN]/docker-credential-ensign [HOME]/bin/docker-credential-ensign
--- stderr
! wrong-answer needs you to fix it

"#]]);
    for file in ["above", "asked"] {
        fs::remove_file(sandbox.home().join(file)).unwrap();
    }
    assert_mended_by_hand(&sandbox, "wrong-answer", &[], as_it_is);
    assert_healthy(&sandbox);
}

#[test]
fn accounts_that_would_ask_another_are_tried_online_only() {
    let sandbox = healthy();
    edit_account(&sandbox, "source", json!({"borrow": "helper:lender"}));
    program(
        &sandbox,
        "docker-credential-lender",
        "echo \"$1\" >>\"$HOME/lent\"; echo '{\"Username\": \"b\", \"Secret\": \"x\"}'",
    );
    let run = run(&sandbox, &[]);
    run.shows(str![[r#"
exit 0
--- stdout
✓ path      Ensign [VERSION] in ~/bin
✓ helpers   no other helper is configured
✓ order     Docker and Podman ask Ensign for ghcr.io
✓ files     4 files, readable by you only, nothing left over
✓ stores    2 secrets in files, in clear text
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  2 accounts with their secrets
✓ answers   ghcr.io/alice/app → alice; 1 account not tried (--online)

No problems found. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check

"#]]);
    assert!(!sandbox.home().join("lent").exists());
    findings(&sandbox, &["--online"]);
    assert_eq!(fs::read_to_string(sandbox.home().join("lent")).unwrap(), "get\n");
}

#[test]
fn an_account_for_some_callers_only_is_not_tried() {
    let sandbox = healthy();
    edit_account(&sandbox, "callers", json!({"terminal": "required"}));
    let run = run(&sandbox, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
✓ path      Ensign [VERSION] in ~/bin
✓ helpers   no other helper is configured
✓ order     Docker and Podman ask Ensign for ghcr.io
✓ files     4 files, readable by you only, nothing left over
✓ stores    2 secrets in files, in clear text
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  2 accounts with their secrets
✓ answers   ghcr.io/alice/app → alice; 1 account for some callers only

No problems found. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check

"#]]);
    // Such an account needs the journal.
    sandbox.ok(&["why", "--off"], "");
    assert_found(&sandbox, &[("no-journal", "note")]);
    assert_by_hand(&sandbox, "no-journal", "docker-credential-ensign why --on");
    assert_mended_by_hand(&sandbox, "no-journal", &[], as_it_is);
    let sandbox = sandbox.with("XDG_RUNTIME_DIR", "/nowhere");
    assert_found(&sandbox, &[("no-journal", "note")]);
    assert_mended_by_hand(&sandbox, "no-journal", &[], as_it_is);
    let edit = sandbox.run(&["account", "edit", HOST, "alice", "--grant", "required"], "");
    let grant = sandbox.run(&["grant", HOST, "alice"], "");
    shows(
        &(edit.transcript() + &grant.transcript()),
        str![[r#"
exit 0
--- stderr
✓ Changed alice on ghcr.io
  Used for  ghcr.io/alice/**
  May ask   with a grant only (not granted now)
! here, no caller gets the secret of alice: the journal needs XDG_RUNTIME_DIR, which names no usable folder here
exit 0
--- stderr
✓ Granted alice on ghcr.io for 15 minutes
! here, no caller gets the secret of alice: the journal needs XDG_RUNTIME_DIR, which names no usable folder here

"#]],
    );
}
