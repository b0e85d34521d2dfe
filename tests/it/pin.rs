//! Pinned programs: `docker-credential-ensign-ALIAS` answers only as that account.
#![cfg(unix)]

use std::path::PathBuf;

use serde_json::json;
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, write};

/// A home with `me`, the default, and `work` on one registry, and with the program in a folder on PATH.
fn installed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.link("docker-credential-ensign");
    let path = format!("{}:/usr/bin:/bin", sandbox.home().display());
    let sandbox = sandbox.with("PATH", &path);
    sandbox.store("ghcr.io", "work", "work-pw");
    sandbox.store("ghcr.io", "me", "me-pw");
    sandbox
}

fn program(sandbox: &Sandbox, alias: &str) -> PathBuf {
    sandbox.home().join(format!("docker-credential-ensign-{alias}"))
}

#[test]
fn a_pinned_program_answers_as_its_account_whoever_is_active() {
    let sandbox = installed();
    sandbox.run(&["pin", "work"], "").shows(str![[r#"
exit 0
--- stderr
✓ Made ~/docker-credential-ensign-work
  It answers as work on ghcr.io, whatever the default account is.
  In a config.json:  "credHelpers": {"ghcr.io": "ensign-work"}

"#]]);
    let run = finish(sandbox.command_of(&program(&sandbox, "work"), &["get"]).spawn().unwrap(), b"ghcr.io");
    assert_eq!(run, Run::answer("ghcr.io", "work", "work-pw"));
    assert_eq!(sandbox.who("ghcr.io"), "me");
    assert_eq!(sandbox.run(&["pin"], ""), Run::success("docker-credential-ensign-work\n"));
    sandbox.run(&["pin", "work"], "").shows(str![[r#"
exit 0
--- stderr
✓ There is already ~/docker-credential-ensign-work
  It answers as work on ghcr.io, whatever the default account is.
  In a config.json:  "credHelpers": {"ghcr.io": "ensign-work"}

"#]]);
    write(&sandbox.docker_config_path(), br#"{"credHelpers": {"ghcr.io": "ensign-work"}}"#);
    sandbox.run(&["pin", "work", "--remove"], "").shows(str![[r#"
exit 0
--- stderr
✓ Removed docker-credential-ensign-work
! Docker's config.json still names this program; to correct that:  docker-credential-ensign configure-docker --force

"#]]);
    assert!(!program(&sandbox, "work").is_symlink());
    std::os::unix::fs::symlink(
        program(&sandbox, "work").with_file_name("docker-credential-ensign"),
        program(&sandbox, "work"),
    )
    .unwrap();
    assert!(sandbox.ok(&["pin", "work", "--json"], "").contains("\"success\""), "a link by hand does too");
    std::fs::remove_file(program(&sandbox, "work")).unwrap();
    sandbox.run(&["pin"], "").shows(str![[r#"
exit 0
--- stdout
No account is pinned. To pin one:  docker-credential-ensign pin ALIAS

"#]]);
}

/// The accounts that were removed before the failure leave nothing behind.
#[test]
fn a_logout_that_fails_at_one_account_has_removed_the_pins_of_the_others() {
    let sandbox = installed();
    sandbox.ok(&["pin", "work"], "");
    let mut config = sandbox.config();
    config["registries"]["ghcr.io"]["accounts"]["zed"] = json!({"username": "zed", "store": "helper:absent"});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    sandbox.run(&["logout", "ghcr.io", "--all", "--yes"], "").shows(str![[r#"
exit 1
--- stderr
✓ Removed work from ghcr.io
! a token stays valid until you delete it at https://github.com/settings/tokens
✓ Removed me from ghcr.io
! a token stays valid until you delete it at https://github.com/settings/tokens
! removed the program docker-credential-ensign-work too
! ghcr.io has no default account now; to set one:  docker-credential-ensign switch ghcr.io zed
error: the secret of zed on ghcr.io is out of reach: could not run `docker-credential-absent`: no absolute folder of PATH has it
hint: run `docker-credential-ensign logout ghcr.io -u zed --force` to remove the account anyway

"#]]);
    assert!(!program(&sandbox, "work").is_symlink());
}

/// A pin needs another folder if a package owns the program's folder.
#[test]
fn a_pin_in_another_folder_finds_the_program() {
    let sandbox = installed();
    let folder = sandbox.home().join("own");
    std::fs::create_dir(&folder).unwrap();
    let run = sandbox.run(&["pin", "work", "--folder", "~/own"], "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Made ~/own/docker-credential-ensign-work
  It answers as work on ghcr.io, whatever the default account is.
  In a config.json:  "credHelpers": {"ghcr.io": "ensign-work"}

"#]]);
    let pinned = folder.join("docker-credential-ensign-work");
    let run = finish(sandbox.command_of(&pinned, &["get"]).spawn().unwrap(), b"ghcr.io");
    assert_eq!(run, Run::answer("ghcr.io", "work", "work-pw"));
    sandbox.run(&["pin", "work", "--folder", "~/own"], "").shows(str![[r#"
exit 0
--- stderr
✓ There is already ~/own/docker-credential-ensign-work
  It answers as work on ghcr.io, whatever the default account is.
  In a config.json:  "credHelpers": {"ghcr.io": "ensign-work"}

"#]]);
    assert_eq!(sandbox.run(&["pin", "--folder", "~/own"], ""), Run::success("docker-credential-ensign-work\n"));
    sandbox.ok(&["pin", "work", "--remove", "--folder", "~/own"], "");
    assert!(!pinned.is_symlink());
}

#[test]
fn a_pin_goes_with_the_last_account_of_its_alias() {
    let sandbox = installed();
    sandbox.store("quay.io", "work", "pw");
    sandbox.store("https://index.docker.io/v1/", "work", "pw");
    let made = sandbox.run(&["pin", "work"], "").stderr;
    shows(
        &made,
        str![[r#"
✓ Made ~/docker-credential-ensign-work
  It answers as work on ghcr.io, quay.io, docker.io, whatever the default account is.
  In a config.json:  "credHelpers": {"ghcr.io": "ensign-work"}

"#]],
    );
    sandbox.ok(&["logout", "docker.io"], "");
    sandbox.ok(&["logout", "ghcr.io", "work"], "");
    assert!(program(&sandbox, "work").is_symlink(), "quay.io still has one");
    let stderr = sandbox.run(&["logout", "quay.io"], "").stderr;
    shows(
        &stderr,
        str![[r#"
✓ Removed work from quay.io
! a token stays valid until you delete it at https://quay.io/user/?tab=settings
! removed the program docker-credential-ensign-work too

"#]],
    );
    assert!(!program(&sandbox, "work").is_symlink());
}

#[test]
fn a_logout_takes_no_other_accounts_pin_along() {
    let sandbox = installed();
    let of_another_config = sandbox.link("docker-credential-ensign-theirs");
    std::fs::remove_file(&of_another_config).unwrap();
    std::os::unix::fs::symlink("docker-credential-ensign", &of_another_config).unwrap();
    sandbox.ok(&["pin", "work"], "");
    sandbox.ok(&["pin", "me"], "");
    sandbox.ok(&["account", "edit", "ghcr.io", "me", "--alias", "other"], "");
    sandbox.ok(&["logout", "ghcr.io", "work"], "");
    assert_eq!(sandbox.run(&["pin"], ""), Run::success("docker-credential-ensign-theirs\n"));
}

#[test]
fn what_cannot_be_pinned_is_said_and_what_another_made_stays() {
    let sandbox = installed();
    let unknown = sandbox.run(&["pin", "nobody"], "");
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    sandbox.ok(&["account", "edit", "ghcr.io", "work", "--alias", "at/work"], "");
    let odd = sandbox.run(&["pin", "at/work"], "");
    odd.shows(str![[r#"
exit 1
--- stderr
error: `at/work` cannot be part of a program's name
hint: run `docker-credential-ensign account edit HOST at/work --alias NAME`

"#]]);
    write(&program(&sandbox, "me"), b"another's");
    assert_eq!(sandbox.run(&["pin", "me"], "").code, Some(1));
    sandbox.ok(&["pin", "me", "--remove"], "");
    assert_eq!(std::fs::read(program(&sandbox, "me")).unwrap(), b"another's");
    let nowhere = Sandbox::new().with("PATH", "/usr/bin");
    nowhere.store("ghcr.io", "me", "pw");
    let run = nowhere.run(&["pin", "me"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: `docker-credential-ensign` is not on PATH
hint: put the program's folder on PATH, or name a folder with `--folder`

"#]]);
}
