//! Messages that state exactly what is so, and hints whose command helps at once.
#![cfg(unix)]

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Sandbox, write};

fn transcript(sandbox: &Sandbox, calls: &[&[&str]]) -> String {
    calls.iter().map(|words| sandbox.run(words, "").transcript()).collect()
}

fn with_docker_config(config: &Value) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "pw");
    write(&sandbox.docker_config_path(), config.to_string().as_bytes());
    sandbox
}

#[test]
fn a_grant_is_told_with_the_time_that_was_typed() {
    let sandbox = crate::why::sandbox();
    sandbox.store("ghcr.io", "me", "pw");
    sandbox.ok(&["account", "edit", "ghcr.io", "me", "--grant", "required"], "");
    let shown: Vec<_> = ["1s", "90s", "5400s", "1h"]
        .map(|time| sandbox.run(&["grant", "ghcr.io", "me", "--for", time], "").stderr)
        .into_iter()
        .collect();
    shows(
        &shown.concat(),
        str![[r#"
✓ Granted me on ghcr.io for 1 second
✓ Granted me on ghcr.io for 90 seconds
✓ Granted me on ghcr.io for 90 minutes
✓ Granted me on ghcr.io for 1 hour

"#]],
    );
}

#[test]
fn another_helper_for_a_registry_is_replaced_by_the_command_that_is_named() {
    let sandbox = with_docker_config(&json!({"credHelpers": {"ghcr.io": "pass", "quay.io": "pass"}}));
    let calls: [&[&str]; 3] = [&["status"], &["configure-docker"], &["configure-docker", "--force", "ghcr.io"]];
    shows(
        &transcript(&sandbox, &calls),
        str![[r#"
exit 0
--- stdout
ghcr.io
  ● me  default   me/**   in clear text

Docker does not ask Ensign for ghcr.io (asks pass); to change that:
  docker-credential-ensign configure-docker --force ghcr.io
exit 0
--- stdout
~/.docker/config.json
  credHelpers
    "quay.io": "pass"             kept
!   "ghcr.io": "pass"             kept; --force replaces it
--- stderr
Nothing to change.
! another helper answers for some of these registries; to take them over:  docker-credential-ensign configure-docker --force ghcr.io
! `docker-credential-ensign` is not on PATH, so Docker will not find it
exit 0
--- stdout
~/.docker/config.json
  credHelpers
    "quay.io": "pass"             kept
+   "ghcr.io": "ensign"           instead of "pass"
--- stderr
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]],
    );
    let status = sandbox.run(&["status"], "").stdout;
    assert!(status.contains("Docker asks Ensign for all of these registries."), "{status}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_login_offers_to_replace_another_helper() {
    for (answer, asks) in [("y\r", true), ("\r", false)] {
        let sandbox = with_docker_config(&json!({"credHelpers": {"ghcr.io": "pass"}}));
        let answers = [(" of me", "pw\r"), ("[y/N]", answer)];
        let words = "login ghcr.io -u me --no-verify";
        let Some(shown) = crate::seed::on_a_terminal(&sandbox, words, &answers) else { return };
        let (_, shown) = shown.split_once("Docker asks").unwrap_or_else(|| panic!("{shown}"));
        assert_eq!(
            crate::support::read_json(&sandbox.docker_config_path())["credHelpers"]["ghcr.io"] == "ensign",
            asks
        );
        if !asks {
            shows(
                shown,
                str![[r#"
 docker-credential-pass for ghcr.io, as its config says.
Replace it by Ensign in ~/.docker/config.json? [y/N]
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker --force ghcr.io
exit 0

"#]],
            );
        }
    }
}

#[test]
fn a_store_without_its_program_is_refused_before_a_secret_is_typed_or_moved() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "pw");
    let login = ["login", "quay.io", "-u", "me", "--store", "helper:absent"];
    let calls: [&[&str]; 3] = [&["store", "helper:absent"], &["store", "move", "--to", "helper:absent"], &login];
    shows(
        &transcript(&sandbox, &calls),
        str![[r#"
exit 1
--- stderr
error: `docker-credential-absent` is not installed
hint: install `docker-credential-absent`, or use another store, such as `file`
exit 1
--- stderr
error: `docker-credential-absent` is not installed
hint: install `docker-credential-absent`, or use another store, such as `file`
exit 1
--- stderr
error: `docker-credential-absent` is not installed
hint: install `docker-credential-absent`, or use another store, such as `file`

"#]],
    );
}

#[test]
fn a_command_of_another_user_is_noted() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "pw");
    for (command, is_noted) in [
        ("sudo docker push ghcr.io/me/app", true),
        ("A=b doas podman push ghcr.io/me/app", true),
        ("docker push ghcr.io/me/sudo", false),
    ] {
        let shown = sandbox.run(&["which", "--as", command], "").stderr;
        assert_eq!(shown.contains("may run this command as another user"), is_noted, "{command}: {shown}");
    }
}

#[test]
fn a_client_that_does_not_ask_is_noted() {
    let sandbox = with_docker_config(&json!({}));
    shows(
        &transcript(&sandbox, &[&["which", "--as", "docker push ghcr.io/me/app"]]),
        str![[r#"
exit 0
--- stdout
me
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           not checked: there is only one account
   6 files                  not checked: there is only one account
   7 .ensign.toml           not checked: there is only one account
   8 folder                 not checked: there is only one account
●  9 default account        → me
  10 only account           → me
--- stderr
! these clients do not ask Ensign for ghcr.io; to change that:  docker-credential-ensign configure-docker

"#]],
    );
    sandbox.ok(&["configure-docker"], "");
    let shown = sandbox.run(&["which", "--as", "docker push ghcr.io/me/app"], "").stderr;
    assert!(!shown.contains("ask Ensign"), "{shown}");
}

#[test]
fn a_group_with_faults_has_no_other_summary_in_json() {
    let sandbox = with_docker_config(&json!({"credHelpers": {"ghcr.io": "pass"}}));
    std::fs::remove_file(sandbox.secrets_path("ghcr.io")).unwrap();
    let doctor: Value = serde_json::from_str(&sandbox.run(&["doctor", "--json"], "").stdout).unwrap();
    let summaries = doctor["groups"].as_array().unwrap().iter().filter_map(|group| {
        let name = group["group"].as_str().unwrap();
        ["order", "stores", "accounts"].contains(&name).then(|| (name, group["summary"].as_str().unwrap()))
    });
    let expected = [("order", "1 broken"), ("stores", "no stored secret"), ("accounts", "1 broken")];
    assert_eq!(summaries.collect::<Vec<_>>(), expected);
}

#[test]
fn a_fault_that_several_names_share_is_fixed_once() {
    let login = json!({"auth": "bWU6cHc="});
    let sandbox = with_docker_config(&json!({"auths": {"ghcr.io": login, "quay.io": login, "a.example": login}}));
    sandbox.store("quay.io", "me", "pw");
    shows(
        &transcript(&sandbox, &[&["doctor", "--fix", "plain-login"]]),
        str![[r#"
exit 0
--- stdout
  ghcr.io    me  ~/.docker/config.json  already there
  quay.io    me  ~/.docker/config.json  already there
  a.example  me  ~/.docker/config.json  new
--- stderr
✓ Imported me on a.example
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
✓ Removed 3 logins from their old places
  Programs that read ~/.docker/config.json now ask Ensign for them
✓ plain-login: fixed

"#]],
    );
}

#[test]
fn a_page_that_is_not_there_and_an_alias_in_the_place_of_a_registry_are_told_with_a_command() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "work", "pw");
    shows(
        &transcript(&sandbox, &[&["man", "absent"], &["configure-docker", "work"], &["switch", "work"]]),
        str![[r#"
exit 2
--- stderr
error: there is no page `absent`
hint: run `docker-credential-ensign man` to list the pages
exit 2
--- stderr
error: `work` is not a registry but an account of ghcr.io
hint: name the registry: `ghcr.io`
exit 0
--- stderr
✓ The default of ghcr.io is already work

"#]],
    );
}

#[test]
fn a_report_has_no_empty_part_and_does_not_advertise_itself() {
    let report = Sandbox::new().run(&["doctor", "--report"], "").stdout;
    assert!(!report.contains("doctor --report") && report.trim_end() == report.trim_end_matches('\n'), "{report}");
}
