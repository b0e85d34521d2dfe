//! Unusual streams and disks: huge stdin, a closed stdout, a terminal, a full disk, a read-only home.

#[cfg(target_os = "linux")]
use std::process::Stdio;

use serde_json::json;
use snapbox::str;

#[cfg(target_os = "linux")]
use crate::bad_input::STORE;
use crate::bad_input::one_account;
#[cfg(target_os = "linux")]
use crate::support::Sandbox;
use crate::support::snapshots::shows;
use crate::support::{Run, finish};

/// Runs `script` in its own mount namespace, with `$ENSIGN` as the program. Returns `None` where namespaces are not
/// allowed.
#[cfg(target_os = "linux")]
fn in_namespace(sandbox: &Sandbox, script: &str) -> Option<Run> {
    let allowed =
        std::process::Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success());
    if !allowed {
        eprintln!("skipped: no mount namespaces here");
        return None;
    }
    let mut command = sandbox.command_of("unshare".as_ref(), &["-rm", "sh", "-euc", script]);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("ENSIGN", Sandbox::program()).env("STORE", STORE);
    Some(finish(command.spawn().unwrap(), b""))
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_home_answers_and_refuses_to_change() {
    let sandbox = one_account();
    let script = "mount --bind \"$HOME\" \"$HOME\"; mount -o remount,ro,bind \"$HOME\"; cd /
        echo ghcr.io | $ENSIGN get; echo \"$STORE\" | $ENSIGN store || echo \"exit $?\"; echo ghcr.io | $ENSIGN erase || echo \"exit $?\"";
    let Some(run) = in_namespace(&sandbox, script) else { return };
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines[0], r#"{"ServerURL":"ghcr.io","Username":"me","Secret":"old-s3cret"}"#, "{run:?}");
    assert!(lines[1].starts_with("could not open `") && lines[1].contains("Read-only file system"), "{run:?}");
    assert_eq!((lines[2], lines[4], lines.len()), ("exit 1", "exit 1", 5), "{run:?}");
    assert_eq!(run.stderr, "");
    assert_eq!(sandbox.who("ghcr.io"), "me");
}

/// A secret whose account is gone from the config would stay in clear text, and no command would name it.
#[cfg(target_os = "linux")]
#[test]
fn an_account_stays_if_its_secret_cannot_be_removed() {
    let sandbox = Sandbox::new().with_bob_and_alice("ghcr.io");
    let commands = ["logout ghcr.io -u bob", "logout ghcr.io --all --yes", "account edit ghcr.io bob --alias b"];
    let all = commands.map(|command| format!("$ENSIGN {command} >&2 || echo \"exit $?\" >&2")).join("\n");
    let read_only = |folder: &str| format!("mount --bind {folder} {folder}; mount -o remount,ro,bind {folder}\n");
    let before = sandbox.config();
    let Some(run) = in_namespace(&sandbox, &format!("cd \"$HOME\"; {}{all}", read_only("data/secrets"))) else {
        return;
    };
    shows(
        &run.stderr.replace(sandbox.home().to_str().unwrap(), "~"),
        str![[r#"
error: could not write `~/data/secrets/ghcr.io.json`: Read-only file system (os error 30)
hint: `~/data/secrets` is on a read-only file system; if it is Ensign's own, set ENSIGN_CONFIG_DIR and ENSIGN_DATA_DIR to other folders
exit 1
error: could not write `~/data/secrets/ghcr.io.json`: Read-only file system (os error 30)
hint: `~/data/secrets` is on a read-only file system; if it is Ensign's own, set ENSIGN_CONFIG_DIR and ENSIGN_DATA_DIR to other folders
exit 1
error: could not write `~/data/secrets/ghcr.io.json`: Read-only file system (os error 30)
hint: `~/data/secrets` is on a read-only file system; if it is Ensign's own, set ENSIGN_CONFIG_DIR and ENSIGN_DATA_DIR to other folders
exit 1

"#]],
    );
    assert_eq!(sandbox.config(), before, "no account is gone");
    let script = format!("cd \"$HOME\"; {}$ENSIGN logout ghcr.io -u bob", read_only("config"));
    let run = in_namespace(&sandbox, &script).unwrap();
    shows(
        &run.stderr.replace(sandbox.home().to_str().unwrap(), "~"),
        str![[r#"
error: could not open `~/config/config.lock`: Read-only file system (os error 30)
hint: `~/config/config.lock` is on a read-only file system; if it is Ensign's own, set ENSIGN_CONFIG_DIR and ENSIGN_DATA_DIR to other folders

"#]],
    );
    let script = format!("cd \"$HOME\"; {}$ENSIGN logout ghcr.io -u bob --force", read_only("data/secrets"));
    let run = in_namespace(&sandbox, &script).unwrap();
    assert!(run.code == Some(0) && run.stderr.ends_with("! the store still has the secret\n"), "{run:?}");
    assert_eq!(sandbox.run(&["get"], "bob@ghcr.io"), Run::not_found());
    assert_eq!(sandbox.who("ghcr.io"), "alice");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing() {
    let sandbox = one_account();
    let script = "cp -a \"$HOME\" /tmp/full-$$; mount -t tmpfs -o size=64k tmpfs \"$HOME\"; cp -a /tmp/full-$$/. \"$HOME\"; rm -r /tmp/full-$$; cd \"$HOME\"
        head -c 1000000 /dev/zero > filling 2>/dev/null || true
        echo \"$STORE\" | $ENSIGN store || echo \"exit $?\"; echo ghcr.io | $ENSIGN get; rm filling
        echo ghcr.io | $ENSIGN get; find config data/secrets -type f | sort; echo \"$STORE\" | $ENSIGN store; echo ghcr.io | $ENSIGN get";
    let Some(run) = in_namespace(&sandbox, script) else { return };
    let lines: Vec<_> = run.stdout.lines().collect();
    let old = r#"{"ServerURL":"ghcr.io","Username":"me","Secret":"old-s3cret"}"#;
    assert!(lines[0].contains("No space left on device"), "{run:?}");
    assert!(!lines[0].contains("s3cret"));
    assert_eq!(lines[1..4], ["exit 1", old, old], "{run:?}");
    assert_eq!(lines[4..7], ["config/config.json", "config/config.lock", "data/secrets/ghcr.io.json"], "{run:?}");
    assert_eq!(lines[7], r#"{"ServerURL":"ghcr.io","Username":"new","Secret":"n3w-s3cret"}"#, "{run:?}");
}

#[test]
fn huge_and_binary_stdin_is_read_to_its_end_and_refused() {
    let sandbox = one_account();
    let mut binary = vec![0xff, 0xfe, 0x00];
    assert_eq!(finish(sandbox.command(&["get"]).spawn().unwrap(), &binary), Run::not_found());
    binary.resize(1 << 20, b'a');
    let mut transcript = String::new();
    for verb in ["get", "erase"] {
        transcript += &finish(sandbox.command(&[verb]).spawn().unwrap(), &binary).transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
stdin contains more than 65536 bytes
exit 1
--- stdout
stdin contains more than 65536 bytes

"#]],
    );
    let run = finish(sandbox.command(&["store"]).spawn().unwrap(), &binary);
    run.shows(str![[r#"
exit 1
--- stdout
could not store the login: stdin contains no JSON object with strings (line 1)

"#]]);
    let long = json!({"ServerURL": "a".repeat(60_000), "Username": "u", "Secret": "s3cret"}).to_string();
    sandbox.run(&["store"], &long).shows(str![[r#"
exit 1
--- stdout
the server address is too long for a registry

"#]]);
    assert_eq!(sandbox.who("ghcr.io"), "me");
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_stdout_ends_quietly() {
    let sandbox = one_account();
    for arguments in ["get", "list", "status", "--help", "version"] {
        let script = format!("echo ghcr.io | \"$0\" {arguments} >&-; echo \"exit $?\" >&2");
        let command = sandbox.command_of("sh".as_ref(), &["-c", &script, Sandbox::program()]);
        let run = finish({ command }.spawn().unwrap(), b"");
        assert!(!run.stderr.contains("panicked") && run.stderr.contains("exit "), "{arguments}: {run:?}");
    }
    let mut command = sandbox.command(&["get"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = finish(command.stdout(Stdio::from(full)).spawn().unwrap(), b"ghcr.io");
    assert_eq!(run, Run { code: Some(1), stdout: String::new(), stderr: String::new() });
    let mut transcript = String::new();
    for words in [&["help"][..], &["version"], &["--help"], &["login", "--help"], &["status", "--json"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = sandbox.command(words);
        transcript += &finish(command.stdout(Stdio::from(full)).spawn().unwrap(), b"").transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: could not write to stdout: No space left on device (os error 28)
exit 1
--- stderr
error: could not write to stdout: No space left on device (os error 28)
exit 1
--- stderr
error: could not write to stdout: No space left on device (os error 28)
exit 1
--- stderr
error: could not write to stdout: No space left on device (os error 28)
exit 1
--- stderr
error: could not write to stdout: No space left on device (os error 28)

"#]],
    );
}

/// On a terminal, a verb of the protocol prints help and does not wait for input.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_on_stdin_gets_help() {
    let sandbox = one_account();
    let mut transcript = String::new();
    for verb in ["get", "store", "erase"] {
        let line = format!("{} {verb}; echo exit $?", Sandbox::program());
        let mut command = sandbox.command_of("script".as_ref(), &["-qec", &line, "/dev/null"]);
        let Ok(child) = command.stdin(Stdio::null()).spawn() else { return eprintln!("skipped: no `script` here") };
        let run: Run = child.wait_with_output().unwrap().into();
        transcript += &run.transcript();
        assert!(run.stdout.contains("exit 1"), "{run:?}");
    }
    shows(
        &transcript,
        str![[r#"
exit 0
      --- stdout
                Usage: docker-credential-ensign [OPTIONS] <COMMAND>

One Docker credential helper for all your registries and all your accounts

Every day:
  login     Add an account, or renew its password or token
  status    Show the accounts, and whether Docker asks Ensign
  which     Show which account answers for an image, and why
  doctor    Find problems with logins, and how to fix them
  switch    Change the account that answers by default
  check     Check whether a registry accepts an account, and for what
  why       Show how the last calls were answered, and why
  logout    Remove an account and its secret

Set-up: configure-docker, import, account, store, public, route, update,
  completions
For one shell, folder or build: use, exec, trust, grant, prompt, buildx, pin
For scripts: token, api, export
Special: unlock, lock, restore, version, help

First step:  docker-credential-ensign login ghcr.io
More:        docker-credential-ensign help
exit 1
exit 0
      --- stdout
                Usage: docker-credential-ensign [OPTIONS] <COMMAND>

One Docker credential helper for all your registries and all your accounts

Every day:
  login     Add an account, or renew its password or token
  status    Show the accounts, and whether Docker asks Ensign
  which     Show which account answers for an image, and why
  doctor    Find problems with logins, and how to fix them
  switch    Change the account that answers by default
  check     Check whether a registry accepts an account, and for what
  why       Show how the last calls were answered, and why
  logout    Remove an account and its secret

Set-up: configure-docker, import, account, store, public, route, update,
  completions
For one shell, folder or build: use, exec, trust, grant, prompt, buildx, pin
For scripts: token, api, export
Special: unlock, lock, restore, version, help

First step:  docker-credential-ensign login ghcr.io
More:        docker-credential-ensign help
exit 1
exit 0
      --- stdout
                Usage: docker-credential-ensign [OPTIONS] <COMMAND>

One Docker credential helper for all your registries and all your accounts

Every day:
  login     Add an account, or renew its password or token
  status    Show the accounts, and whether Docker asks Ensign
  which     Show which account answers for an image, and why
  doctor    Find problems with logins, and how to fix them
  switch    Change the account that answers by default
  check     Check whether a registry accepts an account, and for what
  why       Show how the last calls were answered, and why
  logout    Remove an account and its secret

Set-up: configure-docker, import, account, store, public, route, update,
  completions
For one shell, folder or build: use, exec, trust, grant, prompt, buildx, pin
For scripts: token, api, export
Special: unlock, lock, restore, version, help

First step:  docker-credential-ensign login ghcr.io
More:        docker-credential-ensign help
exit 1

"#]],
    );
}
