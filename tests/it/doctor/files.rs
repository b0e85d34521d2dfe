//! Checks of files: damaged ones, another user's, ones that others may read, and left-overs.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

use snapbox::str;

use super::*;

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_damaged_config_is_put_back() {
    let sandbox = healthy();
    write(&sandbox.config_path(), b"{\"version\": 3, ");
    let found = assert_found(&sandbox, &[("config-damaged", "broken")]);
    assert!(found[0]["found"].as_str().unwrap().contains("is broken"), "{found:?}");
    let run = run(&sandbox, &["--fix", "config-damaged"]);
    assert!(run.code == Some(0) && run.stderr.contains("fixed"), "{run:?}");
    assert!(sandbox.config()["registries"][HOST]["accounts"]["bob"].is_object());
    // `--fix` also restores a missing config, but never replaces one that a newer Ensign wrote.
    fs::remove_file(sandbox.config_path()).unwrap();
    assert_found(&sandbox, &[("config-damaged", "broken")]);
    assert_eq!(self::run(&sandbox, &["--fix", "config-damaged"]).code, Some(0));
    write(&sandbox.config_path(), br#"{"version": 9, "registries": []}"#);
    assert_by_hand(&sandbox, "config-damaged", "install that version here too");
}

#[test]
fn a_config_of_a_newer_ensign_is_noted() {
    let sandbox = healthy();
    let text = fs::read_to_string(sandbox.config_path()).unwrap();
    write(&sandbox.config_path(), text.replace("\"version\": 3", "\"version\": 9").as_bytes());
    assert_found(&sandbox, &[("read-only", "note")]);
    assert_by_hand(&sandbox, "read-only", "install that version here too");
}

#[test]
fn secrets_of_a_newer_ensign_stay_in_place() {
    let sandbox = healthy();
    let text = std::fs::read_to_string(sandbox.secrets_path(HOST)).unwrap();
    write(&sandbox.secrets_path(HOST), text.replace("\"version\": 1", "\"version\": 9").as_bytes());
    assert_found(&sandbox, &[("secrets-damaged", "broken")]);
    assert_by_hand(&sandbox, "secrets-damaged", "install that version here too");
}

#[test]
fn damaged_secrets_are_moved_aside() {
    let sandbox = healthy();
    write(&sandbox.secrets_path(HOST), b"{\"secrets\": my-s3cret");
    let found = assert_found(&sandbox, &[("secrets-damaged", "broken")]);
    assert!(!format!("{found:?}").contains("my-s3cret"));
    let run = run(&sandbox, &["--fix", "secrets-damaged"]);
    assert!(run.code == Some(0) && run.stderr.contains("fixed"), "{run:?}");
    let after = findings(&sandbox, &[]);
    assert_eq!(names(&after), [("left-overs", "note"), ("secret-missing", "broken"), ("secret-missing", "broken")]);
    let damaged = sandbox.secrets_path("ghcr.io").with_extension("json.damaged");
    assert_by_hand(&sandbox, "left-overs", &format!("rm {}", damaged.display()));
    assert_mended_by_hand(&sandbox, "left-overs", &[], as_it_is);
}

#[cfg(unix)]
#[test]
fn a_link_or_a_folder_in_the_place_of_secrets_costs_no_secret() {
    let sandbox = healthy();
    let (path, moved) = (sandbox.secrets_path(HOST), sandbox.home().join("moved.json"));
    fs::rename(&path, &moved).unwrap();
    mode(&moved, 0o644);
    std::os::unix::fs::symlink(&moved, &path).unwrap();
    assert_found(&sandbox, &[("secrets-damaged", "broken")]);
    assert_by_hand(&sandbox, "secrets-damaged", &format!("mv {} {}", moved.display(), path.display()));
    fs::rename(&moved, &path).unwrap();
    assert_fixed(&sandbox, "file-mode");
    fs::rename(&path, &moved).unwrap();
    fs::create_dir(&path).unwrap();
    assert_found(&sandbox, &[("secrets-damaged", "broken")]);
    assert_by_hand(&sandbox, "secrets-damaged", &format!("mv {0} {0}.aside", path.display()));
}

#[test]
fn a_file_of_the_clients_that_cannot_be_read_is_named() {
    let sandbox = with_editor(healthy());
    fs::copy(sandbox.docker_config_path(), sandbox.home().join("good")).unwrap();
    write(&sandbox.docker_config_path(), b"{\n\"auths\": my-s3cret}");
    let found = findings(&sandbox, &[]);
    assert_eq!(names(&found), [("client-file", "broken")], "without this file, nobody knows what Docker asks");
    let (_, severity, one) = found.iter().find(|(name, ..)| name == "client-file").unwrap();
    assert!(severity == "broken" && one["found"].as_str().unwrap().contains("line 2"), "{one}");
    assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");
    assert_by_hand(&sandbox, "client-file", "\"${EDITOR:-vi}\"");
    assert_mended_by_hand(&sandbox, "client-file", &[], as_it_is);
    assert_healthy(&sandbox);
}

#[test]
fn a_file_that_others_may_use_is_closed() {
    let sandbox = healthy();
    let key = sandbox.home().join("key");
    sandbox.ok(&["store", "key", "--holder", &format!("file:{}", key.display())], "");
    let folder = |path: PathBuf| path.parent().unwrap().to_owned();
    for (path, open) in [
        (sandbox.secrets_path(HOST), 0o644),
        (sandbox.config_path(), 0o666),
        (sandbox.docker_config_path(), 0o602),
        (key, 0o644),
        (folder(sandbox.secrets_path(HOST)), 0o777),
        (folder(folder(sandbox.secrets_path(HOST))), 0o777),
        (folder(sandbox.docker_config_path()), 0o777),
    ] {
        mode(&path, open);
        let found = findings(&sandbox, &[]);
        assert!(names(&found).contains(&("file-mode", "broken")), "{found:?}");
        assert_fixed(&sandbox, "file-mode");
    }
    mode(&sandbox.docker_config_path(), 0o644); // everyone may read this file, because it contains no secret
    assert_healthy(&sandbox);
}

#[test]
fn a_file_of_another_user_is_for_root_to_give_back() {
    let sandbox = healthy();
    let path = sandbox.docker_config_path();
    if chown(&path, Some(STRANGER), None).is_err() {
        return eprintln!("skipped: only root can give a file away");
    }
    let found = findings(&sandbox, &[]);
    assert!(names(&found).contains(&("file-owner", "broken")), "{found:?}");
    assert!(!names(&found).iter().any(|(name, _)| *name == "client-file"), "{found:?}");
    assert_by_hand(&sandbox, "file-owner", "");
    program(&sandbox, "sudo", "exec \"$@\"");
    assert_mended_by_hand(&sandbox, "file-owner", &[], as_it_is);
    assert_healthy(&sandbox);
}

#[test]
fn a_folder_that_cannot_be_written_is_a_note() {
    let sandbox = healthy();
    let folder = sandbox.home().join("data");
    mode(&folder, 0o500);
    let Some(run) = as_stranger(&sandbox, &[]) else { return };
    run.shows(str![[r#"
exit 0
--- stdout
✓ path      Ensign [VERSION] in ~/bin
✓ helpers   no other helper is configured
✓ order     Docker and Podman ask Ensign for ghcr.io
! files     1 note
  ! read-only: `[HOME]/data` cannot be written
      breaks: logins work, but cannot be added, renewed or changed
      fix:    chmod u+rwx [HOME]/data
✓ stores    2 secrets in files, in clear text
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  2 accounts with their secrets
✓ answers   ghcr.io/bob/app → bob, ghcr.io/alice/app → alice

Found: 1 note. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check

"#]]);
    let run = as_stranger(&sandbox, &["--fix", "read-only"]).unwrap();
    let command = format!("chmod u+rwx {}", folder.display());
    assert!(run.stdout.contains(&format!("fix:    {command}")), "{run:?}");
    assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    let run = as_stranger(&sandbox, &[]).unwrap();
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
✓ answers   ghcr.io/bob/app → bob, ghcr.io/alice/app → alice

No problems found. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check

"#]]);
}

#[test]
fn each_folder_that_ensign_writes_is_checked() {
    for (name, mode) in [("config", 0o000), ("data/secrets", 0o500), ("data", 0o300)] {
        let sandbox = healthy();
        let folder = sandbox.home().join(name);
        self::mode(&folder, mode);
        let Some(run) = as_stranger(&sandbox, &["--fix", "read-only"]) else { return };
        let command = format!("chmod u+rwx {}", folder.display());
        assert!(run.stdout.contains(&format!("fix:    {command}")), "{name}: {run:?}");
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
        let run = as_stranger(&sandbox, &[]).unwrap();
        assert!(run.code == Some(0) && run.stdout.contains("No problems found."), "{name}: {run:?}");
    }
    // Ensign cannot make its folders below another user's folder.
    let nowhere = installed().with("ENSIGN_CONFIG_DIR", "/nope/config").with("ENSIGN_DATA_DIR", "/nope/data");
    let run = as_stranger(&nowhere, &["--fix", "read-only"]).unwrap();
    run.shows(str![[r#"
exit 0
--- stdout
  ! read-only: `/nope/config` cannot be made
      breaks: logins work, but cannot be added, renewed or changed
      fix:    export ENSIGN_CONFIG_DIR=FOLDER ENSIGN_DATA_DIR=FOLDER
              (FOLDER: a folder that can be written)
--- stderr
! read-only needs you to fix it

"#]]);
}

#[test]
fn what_killed_changes_left_is_swept() {
    let sandbox = healthy();
    let unfinished = sandbox.home().join("data/secrets/ghcr.io.json.new");
    write(&unfinished, b"my-s3cret");
    mode(&unfinished, 0o600);
    assert_found(&sandbox, &[("left-overs", "note")]);
    assert_fixed(&sandbox, "left-overs");
    assert!(!unfinished.exists());
    // `--fix` also deletes a secret whose login was never completed. A secret of a completed login may belong to
    // another config, so a person must decide.
    let mut secrets = crate::support::read_json(&sandbox.secrets_path(HOST));
    secrets["secrets"]["old"] = json!("my-s3cret");
    write(&sandbox.secrets_path(HOST), secrets.to_string().as_bytes());
    assert_found(&sandbox, &[("left-overs", "note")]);
    assert_fixed(&sandbox, "left-overs");
    sandbox.store(HOST, "kept", "my-s3cret");
    sandbox.ok(&["switch", HOST, "bob"], "");
    let mut config = sandbox.config();
    config["registries"][HOST]["accounts"].as_object_mut().unwrap().remove("kept");
    config["registries"][HOST].as_object_mut().unwrap().remove("previous");
    write(&sandbox.config_path(), config.to_string().as_bytes());
    assert_found(&sandbox, &[("left-overs", "note")]);
    assert_by_hand(&sandbox, "left-overs", "docker-credential-ensign logout ghcr.io --left-over kept");
    sandbox.ok(&["logout", HOST, "--left-over", "kept"], "");
    assert_healthy(&sandbox);
}

/// `logout` starts with a sweep of left-overs, which may already remove this secret.
#[test]
fn a_left_over_secret_can_be_logged_out_however_it_came() {
    let sandbox = healthy();
    let mut secrets = crate::support::read_json(&sandbox.secrets_path(HOST));
    secrets["secrets"]["old"] = json!("my-s3cret");
    write(&sandbox.secrets_path(HOST), secrets.to_string().as_bytes());
    sandbox.ok(&["logout", HOST, "--left-over", "old"], "");
    assert_healthy(&sandbox);
}

#[test]
fn folders_of_buildx_follow_the_accounts() {
    let sandbox = healthy();
    sandbox.ok(&["buildx", "sync", "ghcr.io/bob/app"], "");
    assert_healthy(&sandbox);
    let mut config = sandbox.config();
    config["registries"][HOST]["accounts"]["alice"]["images"] = json!(["ghcr.io/bob/app"]);
    write(&sandbox.config_path(), config.to_string().as_bytes());
    assert_found(&sandbox, &[("buildx-folder", "broken")]);
    assert_fixed(&sandbox, "buildx-folder");
    // A folder of buildx is also broken if its pinned program is missing.
    let _ = fs::remove_file(sandbox.home().join("bin/docker-credential-ensign-alice"));
    assert_found(&sandbox, &[("buildx-folder", "broken")]);
    assert_fixed(&sandbox, "buildx-folder");
}

#[test]
fn a_pin_of_no_account_goes() {
    let sandbox = healthy();
    sandbox.ok(&["pin", "bob"], "");
    let mut config = sandbox.config();
    let bob = config["registries"][HOST]["accounts"].as_object_mut().unwrap().remove("bob").unwrap();
    config["registries"][HOST]["accounts"]["robert"] = bob;
    write(&sandbox.config_path(), config.to_string().as_bytes());
    let mut secrets = crate::support::read_json(&sandbox.secrets_path(HOST));
    let secret = secrets["secrets"].as_object_mut().unwrap().remove("bob").unwrap();
    secrets["secrets"]["robert"] = secret;
    write(&sandbox.secrets_path(HOST), secrets.to_string().as_bytes());
    assert_found(&sandbox, &[("stale-pin", "note")]);
    // A link that is no pin of Ensign does not stop the repair.
    let ours = sandbox.home().join("bin/docker-credential-ensign");
    std::os::unix::fs::symlink(ours, sandbox.home().join("bin/docker-credential-ensign-a b")).unwrap();
    assert_fixed(&sandbox, "stale-pin");
    assert!(fs::symlink_metadata(sandbox.home().join("bin/docker-credential-ensign-bob")).is_err());
}
