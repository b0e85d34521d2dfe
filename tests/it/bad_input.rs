//! Broken files, missing homes, full disks and hostile callers. Each of these faults gives a clear error on the right
//! stream, and nothing is lost.

use snapbox::str;

#[cfg(unix)]
use crate::support::finish;
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, write};

pub const STORE: &str = r#"{"ServerURL":"ghcr.io","Username":"new","Secret":"n3w-s3cret"}"#;

pub fn one_account() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "old-s3cret");
    sandbox
}

#[test]
fn a_byte_order_mark_in_ensigns_own_files_is_skipped() {
    let sandbox = one_account();
    let add_mark = |path: &std::path::Path| {
        let text = std::fs::read(path).unwrap();
        write(path, &["\u{feff}".as_bytes(), &text].concat());
    };
    add_mark(&sandbox.config_path());
    add_mark(&sandbox.secrets_path("ghcr.io"));
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::answer("ghcr.io", "me", "old-s3cret"));
    sandbox.ok(&["restore"], "");
    sandbox.store("ghcr.io", "you", "new-s3cret");
    assert_eq!(sandbox.config()["registries"]["ghcr.io"]["accounts"].as_object().unwrap().len(), 2);
    sandbox.ok(&["switch", "ghcr.io", "me"], "");
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::answer("ghcr.io", "me", "old-s3cret"));
}

#[test]
fn a_broken_config_is_named_with_its_line_and_never_overwritten() {
    let mut transcript = String::new();
    for text in [
        "{\"version\": 3,\n \"registries\": {\"gh",
        "",
        "null",
        "{}",
        "\u{feff}\u{feff}{}",
        "{\"version\": 3, \"registries\": {\"ghcr.io\": {\"accounts\": {\"\": {}}}}}",
    ] {
        let sandbox = one_account();
        write(&sandbox.config_path(), text.as_bytes());
        transcript += &sandbox.run(&["get"], "ghcr.io").transcript();
        transcript += &sandbox.run(&["store"], STORE).transcript();
        transcript += &sandbox.run(&["erase"], "ghcr.io").transcript();
        transcript += &sandbox.run(&["list"], "").transcript();
        transcript += &sandbox.run(&["status"], "").transcript();
        assert_eq!(std::fs::read_to_string(sandbox.config_path()).unwrap(), text);
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
`~/config/config.json` is broken: EOF while parsing a string at line 2 column 19: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: EOF while parsing a string at line 2 column 19: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: EOF while parsing a string at line 2 column 19: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: EOF while parsing a string at line 2 column 19: run `docker-credential-ensign restore`
exit 1
--- stderr
error: `~/config/config.json` is broken: EOF while parsing a string at line 2 column 19
hint: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: EOF while parsing a value at line 1 column 0: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: EOF while parsing a value at line 1 column 0: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: EOF while parsing a value at line 1 column 0: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: EOF while parsing a value at line 1 column 0: run `docker-credential-ensign restore`
exit 1
--- stderr
error: `~/config/config.json` is broken: EOF while parsing a value at line 1 column 0
hint: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: invalid type: null, expected an object with `version` and `registries` at line 1 column 4: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: invalid type: null, expected an object with `version` and `registries` at line 1 column 4: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: invalid type: null, expected an object with `version` and `registries` at line 1 column 4: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: invalid type: null, expected an object with `version` and `registries` at line 1 column 4: run `docker-credential-ensign restore`
exit 1
--- stderr
error: `~/config/config.json` is broken: invalid type: null, expected an object with `version` and `registries` at line 1 column 4
hint: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: there is no `version`: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: there is no `version`: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: there is no `version`: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: there is no `version`: run `docker-credential-ensign restore`
exit 1
--- stderr
error: `~/config/config.json` is broken: there is no `version`
hint: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: expected value at line 1 column 1: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: expected value at line 1 column 1: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: expected value at line 1 column 1: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: expected value at line 1 column 1: run `docker-credential-ensign restore`
exit 1
--- stderr
error: `~/config/config.json` is broken: expected value at line 1 column 1
hint: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: registries.ghcr.io.accounts..username: an account's name is empty: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: registries.ghcr.io.accounts..username: an account's name is empty: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: registries.ghcr.io.accounts..username: an account's name is empty: run `docker-credential-ensign restore`
exit 1
--- stdout
`~/config/config.json` is broken: registries.ghcr.io.accounts..username: an account's name is empty: run `docker-credential-ensign restore`
exit 1
--- stderr
error: `~/config/config.json` is broken: registries.ghcr.io.accounts..username: an account's name is empty
hint: run `docker-credential-ensign restore`

"#]],
    );
}

#[test]
fn restore_puts_the_last_good_copy_back() {
    let sandbox = one_account();
    sandbox.store("ghcr.io", "second", "x");
    write(&sandbox.config_path(), b"{\"version\": 3, \"reg");
    let run = sandbox.run(&["restore"], "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Put back the last good copy of `~/config/config.json`; the damaged one is `~/config/config.json.damaged`
! the copy has no account second on ghcr.io; to log in again:  docker-credential-ensign login ghcr.io --alias second

"#]]);
    assert_eq!(sandbox.who("ghcr.io"), "me");
    assert_eq!(std::fs::read(sandbox.home().join("config/config.json.damaged")).unwrap(), b"{\"version\": 3, \"reg");
    sandbox.run(&["restore"], "").shows(str![[r#"
exit 0
--- stderr
Nothing is damaged.

"#]]);
}

#[test]
fn no_config_beside_a_good_copy_is_damage() {
    let sandbox = one_account();
    sandbox.store("ghcr.io", "second", "x");
    std::fs::remove_file(sandbox.config_path()).unwrap();
    sandbox.run(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
`~/config/config.json` is missing, but there is a good copy of it: run `docker-credential-ensign restore`

"#]]);
    sandbox.run(&["store"], STORE).shows(str![[r#"
exit 1
--- stdout
`~/config/config.json` is missing, but there is a good copy of it: run `docker-credential-ensign restore`

"#]]);
    assert!(!sandbox.config_path().exists());
    let run = sandbox.run(&["restore"], "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Put back the last good copy of `~/config/config.json`, which was gone
! the copy has no account second on ghcr.io; to log in again:  docker-credential-ensign login ghcr.io --alias second

"#]]);
    assert_eq!(sandbox.who("ghcr.io"), "me");
    // A damaged backup copy is ignored, as if there were no copy.
    std::fs::remove_file(sandbox.config_path()).unwrap();
    write(&sandbox.home().join("config/config.json.bak"), b"{\"version\": 3, \"reg");
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::not_found());
}

#[test]
fn what_can_be_read_but_not_written_is_restored_too() {
    let sandbox = one_account();
    let good = std::fs::read_to_string(sandbox.config_path()).unwrap();
    write(&sandbox.config_path().with_extension("json.bak"), good.as_bytes());
    let mut transcript = String::new();
    for field in [r#""x": 1e999"#, r#""x": "\ud800""#, &format!(r#""x": {}{}"#, "[".repeat(200), "]".repeat(200))] {
        write(&sandbox.config_path(), good.replacen('{', &format!("{{{field},"), 1).as_bytes());
        assert_eq!(sandbox.who("ghcr.io"), "me");
        let run = sandbox.run(&["account", "edit", "ghcr.io", "me", "--images", "acme/**"], "");
        transcript += &run.transcript();
        let run = sandbox.run(&["restore"], "");
        transcript += &run.transcript();
        assert_eq!(std::fs::read_to_string(sandbox.config_path()).unwrap(), good);
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: `~/config/config.json` is broken: number out of range at line 1 column 11
hint: run `docker-credential-ensign restore`
exit 0
--- stderr
✓ Put back the last good copy of `~/config/config.json`; the damaged one is `~/config/config.json.damaged`
exit 1
--- stderr
error: `~/config/config.json` is broken: unexpected end of hex escape at line 1 column 14
hint: run `docker-credential-ensign restore`
exit 0
--- stderr
✓ Put back the last good copy of `~/config/config.json`; the damaged one is `~/config/config.json.damaged`
exit 1
--- stderr
error: `~/config/config.json` is broken: recursion limit exceeded at line 1 column 133
hint: run `docker-credential-ensign restore`
exit 0
--- stderr
✓ Put back the last good copy of `~/config/config.json`; the damaged one is `~/config/config.json.damaged`

"#]],
    );
}

#[test]
fn broken_secrets_touch_one_registry_and_are_moved_aside_by_restore() {
    let sandbox = one_account();
    sandbox.store("quay.io", "me", "quay-s3cret");
    let text = "{\"version\":1,\n\"secrets\":{\"me\":\"old-s3c";
    write(&sandbox.secrets_path("ghcr.io"), text.as_bytes());
    sandbox.run(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
the secrets of ghcr.io in `~/data/secrets/ghcr.io.json` are broken at line 2: run `docker-credential-ensign restore`

"#]]);
    sandbox.run(&["store"], STORE).shows(str![[r#"
exit 1
--- stdout
the secrets of ghcr.io in `~/data/secrets/ghcr.io.json` are broken at line 2: run `docker-credential-ensign restore`

"#]]);
    assert_eq!(std::fs::read_to_string(sandbox.secrets_path("ghcr.io")).unwrap(), text);
    assert_eq!(sandbox.who("quay.io"), "me");
    let run = sandbox.run(&["restore"], "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Moved the damaged secrets of ghcr.io to `~/data/secrets/ghcr.io.json.damaged`
! log in again:  docker-credential-ensign login ghcr.io --alias me

"#]]);

    assert_eq!(sandbox.run(&["store"], STORE), Run::success(""));
}

#[test]
fn a_secret_that_is_gone_is_not_called_not_found() {
    let sandbox = one_account();
    std::fs::remove_file(sandbox.secrets_path("ghcr.io")).unwrap();
    sandbox.run(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
the secret of me on ghcr.io is gone: run `docker-credential-ensign login ghcr.io --alias me`

"#]]);
    assert_eq!(sandbox.run(&["get"], "quay.io"), Run::not_found());
}

#[test]
fn a_folder_in_the_place_of_a_file_is_named() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.config_path()).unwrap();
    sandbox.run(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
could not read `[HOME]/config/config.json`: it is not a file: move it away: `mv [HOME]/config/config.json [HOME]/config/config.json.aside`

"#]]);
}

#[cfg(unix)]
#[test]
fn without_a_home_nothing_is_known_and_nothing_can_be_kept() {
    let sandbox = Sandbox::new();
    let homeless = |arguments: &[&str], stdin: &str| {
        let mut command = sandbox.command(arguments);
        // The user database has no home folder for this user id, and HOME is not set.
        command.env_remove("HOME").env_remove("ENSIGN_CONFIG_DIR").env_remove("ENSIGN_DATA_DIR");
        std::os::unix::process::CommandExt::uid(&mut command, 54321);
        command.spawn().map(|child| finish(child, stdin.as_bytes()))
    };
    let Ok(run) = homeless(&["get"], "ghcr.io") else {
        return eprintln!("skipped: only root can become a user without a home");
    };
    assert_eq!(run, Run::not_found());
    assert_eq!(homeless(&["list"], "").unwrap(), Run::success("{}\n"));
    homeless(&["store"], STORE).unwrap().shows(str![[r#"
exit 1
--- stdout
there is no home folder, so accounts cannot be saved: set HOME, or ENSIGN_CONFIG_DIR and ENSIGN_DATA_DIR

"#]]);
}

#[cfg(unix)]
#[test]
fn files_that_may_not_be_read_are_named_with_the_cure() {
    let sandbox = one_account();
    let stranger = || {
        let mut command = sandbox.command(&["get"]);
        std::os::unix::process::CommandExt::uid(&mut command, 54321);
        std::fs::set_permissions(sandbox.home(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let child = command.env("HOME", "/").current_dir("/").spawn().ok()?;
        Some(finish(child, b"ghcr.io"))
    };
    let Some(unseen) = stranger() else {
        return eprintln!("skipped: only root can be another user");
    };
    unseen.shows(str![[r#"
exit 1
--- stdout
could not read `[HOME]/config/config.json`: Permission denied (os error 13): check its permissions: `ls -ld [HOME]/config`

"#]]);
    let config = sandbox.home().join("config");
    std::fs::set_permissions(config, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    stranger().unwrap().shows(str![[r#"
exit 1
--- stdout
`[HOME]/config/config.json` belongs to user root, but Ensign runs as user 54321: run `sudo chown 54321 [HOME]/config/config.json`

"#]]);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_is_not_waited_for() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.home().join("config")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(sandbox.config_path()).status().unwrap().success());
    sandbox.run(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
could not read `[HOME]/config/config.json`: it is not a file: move it away: `mv [HOME]/config/config.json [HOME]/config/config.json.aside`

"#]]);
}
