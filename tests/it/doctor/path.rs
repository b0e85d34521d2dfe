//! Checks whether clients find the program, and which version they find.

use std::fs;
use std::os::unix::fs::symlink;

use snapbox::str;

use super::*;
use crate::support::snapshots::shows;

#[test]
fn a_program_that_is_not_on_path_is_linked_into_a_folder_that_is() {
    let sandbox = healthy();
    fs::remove_file(sandbox.home().join("bin/docker-credential-ensign")).unwrap();
    let found = assert_found(&sandbox, &[("program-path", "broken")]);
    assert_eq!(found[0]["fixable"], json!(true));
    assert_fixed(&sandbox, "program-path");
}

/// Windows has hard links in place of symbolic links.
#[test]
fn a_hard_link_is_the_same_program() {
    let sandbox = healthy();
    let link = sandbox.home().join("bin/docker-credential-ensign");
    fs::remove_file(&link).unwrap();
    fs::hard_link(Sandbox::program(), link).unwrap();
    assert_healthy(&sandbox);
}

#[test]
fn without_such_a_folder_the_command_is_shown() {
    let sandbox = healthy().with("PATH", "/usr/bin:/bin");
    assert_found(&sandbox, &[("program-path", "broken")]);
    let folder = fs::canonicalize(Sandbox::program()).unwrap();
    let command = format!("export PATH=\"$PATH:{}\"", folder.parent().unwrap().display());
    assert_by_hand(&sandbox, "program-path", &command);
    assert_mended_by_hand(&sandbox, "program-path", &[], as_it_is);
}

#[test]
fn another_copy_on_path_is_named() {
    let sandbox = healthy();
    program(&sandbox, "docker-credential-ensign", &format!("exec {} \"$@\"", Sandbox::program()));
    let found = assert_found(&sandbox, &[("program-copy", "note")]);
    let command = found[0]["command"].as_str().unwrap().to_owned();
    assert_by_hand(&sandbox, "program-copy", &command);
    assert!(command.starts_with("ln -sfn "), "{command}");
    assert_mended_by_hand(&sandbox, "program-copy", &[], as_it_is);
    assert_healthy(&sandbox);
    // If the copy has another version, the text names that version.
    program(&sandbox, "docker-credential-ensign", &version("0.0.1"));
    let found = findings(&sandbox, &[]);
    let (.., copy) = found.iter().find(|(name, ..)| name == "program-copy").unwrap();
    assert!(copy["breaks"].as_str().unwrap().contains("version 0.0.1; this is "), "{copy}");
    // The copy on PATH is reported once only, not as `other-version` too.
    assert!(!run(&sandbox, &[]).stdout.contains("other-version"));
}

/// Returns a script that answers with this version.
fn version(version: &str) -> String {
    format!("case $1 in version) echo 'docker-credential-ensign (ensign) {version}' ;; *) exit 1 ;; esac")
}

#[test]
fn a_plugin_or_link_of_another_version_is_made_to_lead_here() {
    let sandbox = healthy();
    let plugin = sandbox.home().join(".docker/cli-plugins/docker-ensign");
    fs::create_dir_all(plugin.parent().unwrap()).unwrap();
    let lead = |to: &Path| {
        let _ = fs::remove_file(&plugin);
        symlink(to, &plugin).unwrap();
    };
    lead(&sandbox.home().join("bin/docker-credential-ensign"));
    assert_healthy(&sandbox);
    lead(Path::new("/nowhere/docker-credential-ensign"));
    let found = assert_found(&sandbox, &[("other-version", "note")]);
    shows(
        &format!("{}\n{}\n", found[0]["found"], found[0]["breaks"]),
        str![[r#"
"`[HOME]/.docker/cli-plugins/docker-ensign` is a link to a missing file"
"`docker ensign`, and the hints after a failed pull or push"

"#]],
    );
    assert_fixed(&sandbox, "other-version");
    assert_eq!(fs::canonicalize(&plugin).unwrap(), fs::canonicalize(Sandbox::program()).unwrap());

    program(&sandbox, "old", &version("0.0.1"));
    lead(&sandbox.home().join("bin/old"));
    let found = assert_found(&sandbox, &[("other-version", "note")]);
    let what = found[0]["found"].as_str().unwrap();
    assert!(what.contains(" 0.0.1, ") && what.ends_with(env!("CARGO_PKG_VERSION")), "{what}");
    assert_fixed(&sandbox, "other-version");
    // Another file with the same version is no fault.
    program(&sandbox, "same", &version(env!("CARGO_PKG_VERSION")));
    lead(&sandbox.home().join("bin/same"));
    assert_healthy(&sandbox);
    // If the other version is newer, its own `doctor` should be run.
    program(&sandbox, "newer", &version("9.0.0"));
    lead(&sandbox.home().join("bin/newer"));
    assert_by_hand(&sandbox, "other-version", &format!("{} doctor", plugin.display()));
    // Only a person may replace a file that is no link.
    fs::remove_file(&plugin).unwrap();
    fs::copy(sandbox.home().join("bin/old"), &plugin).unwrap();
    assert_by_hand(&sandbox, "other-version", "ln -sfn ");
    assert_mended_by_hand(&sandbox, "other-version", &[], as_it_is);
    assert_healthy(&sandbox);
}

#[test]
fn a_second_copy_on_path_of_another_version_is_named() {
    let sandbox = healthy();
    program(&sandbox, "docker-credential-ensign", &version("0.0.1"));
    let other = sandbox.home().join("other");
    fs::create_dir(&other).unwrap();
    fs::rename(sandbox.home().join("bin/docker-credential-ensign"), other.join("docker-credential-ensign")).unwrap();
    sandbox.link("bin/docker-credential-ensign");
    let path = format!("{}:{}:/usr/bin:/bin", sandbox.home().join("bin").display(), other.display());
    let sandbox = sandbox.with("PATH", &path);
    let found = assert_found(&sandbox, &[("other-version", "note")]);
    assert!(
        found[0]["found"].as_str().unwrap().contains("/other/docker-credential-ensign` is version 0.0.1"),
        "{found:?}"
    );
    assert_mended_by_hand(&sandbox, "other-version", &[], as_it_is);
    assert_healthy(&sandbox);
}

/// `doctor` asks no server, because `update --check` has stored the answer.
#[test]
#[cfg(target_os = "linux")]
fn a_newer_release_that_is_known_is_named_until_it_is_installed() {
    use crate::support::release::program_of;
    use crate::update::Installed;

    let mut installed = Installed::new();
    let path = format!("{}:/usr/bin:/bin", installed.at("bin").display());
    installed.sandbox = installed.sandbox.with("PATH", &path);
    installed.releases.publish("0.9.0", &program_of("0.9.0"));
    let names = |installed: &Installed| {
        let run = installed.run(&["doctor", "--json"]);
        let json: Value = serde_json::from_str(&run.stdout).unwrap();
        json["groups"][0]["findings"].as_array().unwrap().clone()
    };
    assert_eq!(names(&installed), Vec::<Value>::new());
    assert_eq!(installed.run(&["update", "--check"]).code, Some(7));
    let found = names(&installed);
    let expected = json!({"check": "newer-release", "severity": "note", "fixable": false, "command": "ensign update",
        "found": found[0]["found"], "breaks": found[0]["breaks"]});
    assert_eq!(found, [expected]);
    assert!(found[0]["found"].as_str().unwrap().contains(" 0.9.0 "), "{found:?}");
    // If a package manager installed the program, `doctor` shows the package manager's command.
    write(&installed.at("lib/ensign/installed-by"), b"apt install --only-upgrade docker-credential-ensign\n");
    assert_eq!(names(&installed)[0]["command"], "apt install --only-upgrade docker-credential-ensign");
    let note = "! Ensign 0.9.0 is available; to update:  apt install --only-upgrade docker-credential-ensign\n";
    installed.sandbox.store("ghcr.io", "alice", "pw");
    assert!(installed.run(&["status"]).stderr.contains(note));
    fs::remove_file(installed.at("lib/ensign/installed-by")).unwrap();
    let typed = installed.sandbox.command_of("sh".as_ref(), &["-c", found[0]["command"].as_str().unwrap()]).output();
    assert!(typed.unwrap().status.success());
    assert_eq!(names(&installed), Vec::<Value>::new());
}

#[test]
fn another_program_of_the_short_name_is_not_started() {
    let sandbox = healthy();
    program(&sandbox, "ensign", "touch \"$HOME/ran\"");
    assert_healthy(&sandbox);
    assert!(!sandbox.home().join("ran").exists());
}

/// systemd reads `environment.d` at the start of a session. The fake `systemctl` reads `environment.d` at each call.
#[test]
fn a_session_with_another_path_is_given_the_folder() {
    let sandbox = healthy();
    let script = "case $* in '--user show-environment') ;; *) exit 1 ;; esac\nPATH=/usr/bin\n\
                  conf=$HOME/.config/environment.d/60-ensign.conf\n[ ! -e \"$conf\" ] || . \"$conf\"\necho \"PATH=$PATH\"";
    program(&sandbox, "systemctl", script);
    assert_found(&sandbox, &[("session-path", "note")]);
    assert_fixed(&sandbox, "session-path");
    // A `systemctl` that does not answer gives no finding.
    program(&sandbox, "systemctl", "sleep 60");
    assert_healthy(&sandbox);
}

#[test]
fn who_must_type_sudo_is_told_what_that_changes() {
    let sandbox = healthy();
    let socket = sandbox.home().join("docker.sock");
    write(&socket, b"");
    let sandbox = sandbox.with("DOCKER_HOST", &format!("unix://{}", socket.display()));
    assert_healthy(&sandbox);
    fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    let Some(run) = as_stranger(&sandbox, &[]) else { return };
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("! sudo-home: "), "{run:?}");
    assert!(run.stdout.contains("sudo docker-credential-ensign login HOST"), "{run:?}");
    if std::path::Path::new("/etc/sudoers").exists() {
        assert!(run.stdout.contains("! sudo-path: "), "{run:?}");
        assert!(run.stdout.contains("fix:    sudo ln -s "), "{run:?}");
    }
    let fix = as_stranger(&sandbox, &["--fix", "sudo-path"]).unwrap();
    assert_eq!(fix.code, Some(0), "{fix:?}");
    as_root_types(&sandbox, &run, "sudo-path");
    as_root_types(&sandbox, &run, "sudo-home");
    fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
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

/// Runs the command that `--fix` shows, then Ensign by `sudo`, as `sudo docker` would. A mount namespace has an empty
/// `/usr/local/bin`, and a fake `sudo` sets another home and asks nothing.
fn as_root_types(sandbox: &Sandbox, seen: &Run, check: &str) {
    let lines: Vec<_> =
        seen.stdout.lines().skip_while(|line| !line.contains(&format!("! {check}: "))).take(3).collect();
    let Some(command) = lines.iter().find_map(|line| line.strip_prefix("      fix:    ")) else { return };
    let home = sandbox.home().join("root");
    let _ = fs::create_dir_all(home.join("local"));
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let of_root =
        format!("exec env -u ENSIGN_CONFIG_DIR -u ENSIGN_DATA_DIR HOME={} PATH={path} \"$@\"", home.display());
    program(sandbox, "sudo", &of_root);
    let command = command.replace("login HOST", "login ghcr.io -u root-of-me --password-stdin --no-verify");
    let stdin = if check == "sudo-home" { "printf s3cret | " } else { "" };
    let script = format!(
        "mount --bind {local} /usr/local/bin && ln -sf {program} /usr/local/bin/ && {stdin}{command} && \
         printf ghcr.io | sudo docker-credential-ensign get",
        local = home.join("local").display(),
        program = Sandbox::program(),
    );
    let script = if check == "sudo-path" {
        script.replacen(&format!("ln -sf {} /usr/local/bin/ && ", Sandbox::program()), "", 1)
    } else {
        script
    };
    let typed = sandbox.command_of(Path::new("/usr/bin/unshare"), &["-m", "sh", "-c", &script]).spawn();
    let typed = finish(typed.unwrap(), b"");
    if typed.stderr.contains("unshare failed") || typed.stderr.contains("mount:") {
        return eprintln!("skipped: no namespace of its own for mounts");
    }
    let answer = if check == "sudo-path" { "credentials not found" } else { "root-of-me" };
    assert!(typed.stdout.contains(answer), "{check}: {script}: {typed:?}");
}

#[test]
fn sudo_is_noticed() {
    let sandbox = healthy().with("SUDO_UID", "1000");
    assert_found(&sandbox, &[("sudo-home", "note")]);
    assert_by_hand(&sandbox, "sudo-home", "docker-credential-ensign doctor");
    assert_mended_by_hand(&sandbox, "sudo-home", &[], |command| format!("unset SUDO_UID; {command}"));
}

#[test]
fn docker_as_a_snap_is_named() {
    let sandbox = healthy();
    write(&sandbox.home().join("usr/bin/snap"), b"");
    program(&sandbox, "snap", "exit 0");
    fs::rename(sandbox.home().join("bin/snap"), sandbox.home().join("usr/bin/snap")).unwrap();
    let docker = sandbox.home().join("bin/docker");
    symlink(sandbox.home().join("usr/bin/snap"), &docker).unwrap();
    assert_found(&sandbox, &[("docker-snap", "broken")]);
    assert_by_hand(&sandbox, "docker-snap", "docker-credential-ensign export --all --format auth.json");
    assert_mended_by_hand(&sandbox, "docker-snap", &[], |command| {
        format!("mkdir -p \"$HOME/snap/docker/current/.docker\" && {command} --yes")
    });
    // The exported file does not contain a login that is made later.
    sandbox.store("quay.io", "carol", "carol-s3cret");
    sandbox.ok(&["configure-docker"], "");
    assert_found(&sandbox, &[("docker-snap", "broken")]);
    fs::remove_file(docker).unwrap();
    assert_healthy(&sandbox);
}
