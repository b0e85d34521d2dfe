//! Accounts that a machine is given: by a file or by variables, with no home and nothing that can be written.

use std::process::Command;

use crate::support::{Run, Sandbox, finish, write};

const FILE: &str = r#"{"accounts": [
  {"registry": "ghcr.io", "username": "acme-bot", "alias": "work", "secret_file": "ghcr-token", "images": ["ghcr.io/acme/**"]},
  {"registry": "ghcr.io", "username": "me", "secret": "mine", "active": true},
  {"registry": "docker.io", "username": "hubber", "secret": "pat"}]}"#;

/// The two files as a cluster mounts them: no home, no folder of ours.
fn mounted(file: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.home().join("mounted")).unwrap();
    write(&sandbox.home().join("mounted/accounts.json"), file.as_bytes());
    write(&sandbox.home().join("mounted/ghcr-token"), b"s3cret\n");
    let path = sandbox.home().join("mounted/accounts.json").to_str().unwrap().to_owned();
    sandbox.with("ENSIGN_ACCOUNTS_FILE", &path)
}

fn homeless(sandbox: &Sandbox, words: &[&str], stdin: &str) -> Run {
    let mut command: Command = sandbox.command(words);
    for name in ["HOME", "USERPROFILE", "ENSIGN_CONFIG_DIR", "ENSIGN_DATA_DIR"] {
        command.env_remove(name);
    }
    finish(command.spawn().unwrap(), stdin.as_bytes())
}

fn answer(server: &str, user: &str, secret: &str) -> Run {
    Run::success(&format!("{{\"ServerURL\":\"{server}\",\"Username\":\"{user}\",\"Secret\":\"{secret}\"}}\n"))
}

#[test]
fn a_file_of_accounts_answers_without_a_home() {
    let sandbox = mounted(FILE);
    assert_eq!(homeless(&sandbox, &["get"], "ghcr.io"), answer("ghcr.io", "me", "mine"));
    assert_eq!(homeless(&sandbox, &["get"], "ghcr.io/acme/app"), answer("ghcr.io/acme/app", "acme-bot", "s3cret"));
    assert_eq!(
        homeless(&sandbox, &["get"], "https://index.docker.io/v1/"),
        answer("https://index.docker.io/v1/", "hubber", "pat")
    );
    assert_eq!(homeless(&sandbox, &["get"], "quay.io"), Run::not_found());
    assert_eq!(
        homeless(&sandbox, &["list"], ""),
        Run::success("{\"ghcr.io\":\"me\",\"https://index.docker.io/v1/\":\"hubber\"}\n")
    );
    let request = r#"{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"ghcr.io/acme/app"}"#;
    assert!(homeless(&sandbox, &["kubelet"], request).stdout.contains("s3cret"));
    assert!(!sandbox.home().join("config").exists() && !sandbox.home().join("data").exists(), "nothing was written");
}

#[test]
fn a_secret_that_was_not_mounted_is_named() {
    let sandbox = mounted(FILE);
    let token = sandbox.home().join("mounted").join("ghcr-token");
    for (text, what) in [(Some(&b"\n"[..]), "empty"), (None, "not there")] {
        match text {
            Some(text) => write(&token, text),
            None => std::fs::remove_file(&token).unwrap(),
        }
        let run = homeless(&sandbox, &["get"], "ghcr.io/acme/app");
        let says = format!("`{}`, the secret file of work on ghcr.io, is {what}", token.display());
        assert!(run.code == Some(1) && run.stdout.starts_with(&says) && !run.stdout.contains("login"), "{run:?}");
        let status = homeless(&sandbox, &["status"], "");
        assert!(status.stdout.contains(what) && !status.stdout.contains("login ghcr.io"), "{status:?}");
    }
}

#[test]
fn a_variable_gives_one_account() {
    let sandbox = Sandbox::new()
        .with("ENSIGN_LOGIN_WORK", "ghcr.io/acme/** acme-bot s3cret")
        .with("ENSIGN_LOGIN_ME", "ghcr.io me mine");
    assert_eq!(homeless(&sandbox, &["get"], "ghcr.io/acme/app"), answer("ghcr.io/acme/app", "acme-bot", "s3cret"));
    assert_eq!(homeless(&sandbox, &["get"], "ghcr.io"), answer("ghcr.io", "me", "mine"));
    let wrong = Sandbox::new().with("ENSIGN_LOGIN_X", "hunter2");
    let run = homeless(&wrong, &["get"], "ghcr.io");
    assert_eq!(run.code, Some(1));
    assert_eq!(
        run.stdout,
        "ENSIGN_LOGIN_X is no account: it holds one word: write it as `ghcr.io/acme/** USER SECRET`\n"
    );
}

#[test]
fn what_is_given_goes_before_the_config_and_is_not_changed() {
    let sandbox = mounted(FILE);
    sandbox.store("ghcr.io", "other", "pw");
    assert_eq!(sandbox.who("ghcr.io"), "me");
    assert_eq!(sandbox.who("other@ghcr.io"), "other");
    let refused = "error: me on ghcr.io is given by the environment and cannot be changed here\n";
    for words in [
        &["logout", "ghcr.io", "-u", "me"][..],
        &["switch", "ghcr.io", "work"],
        &["account", "edit", "ghcr.io", "me", "--alias", "x"],
    ] {
        let run = sandbox.run(words, "");
        assert!(run.code == Some(1) && run.stderr.starts_with(refused), "{words:?}: {run:?}");
    }
    assert_eq!(sandbox.run(&["erase"], "ghcr.io"), Run::success(""));
    assert_eq!((sandbox.who("ghcr.io"), sandbox.who("other@ghcr.io")), ("me".into(), "other".into()));
    let status = sandbox.ok(&["status"], "");
    assert!(status.contains("in environment") && !status.contains("mine"), "{status}");
}

#[test]
fn a_wrong_file_is_named_and_not_quoted() {
    for (file, why) in [
        ("{\"accounts\": [hunter2]}", "line 1: no JSON"),
        ("{\"accounts\": [{\"hunter2\": 1}]}", "line 1: an account is"),
    ] {
        let run = homeless(&mounted(file), &["get"], "ghcr.io");
        assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
        assert!(
            run.stdout.contains("mounted/accounts.json`, which ENSIGN_ACCOUNTS_FILE names, is wrong in ")
                && run.stdout.contains(why),
            "{run:?}"
        );
        assert!(!run.stdout.contains("hunter2"));
    }
    let missing = Sandbox::new();
    let file = missing.home().join("no-such-file").to_str().unwrap().to_owned();
    let missing = missing.with("ENSIGN_ACCOUNTS_FILE", &file);
    let run = homeless(&missing, &["get"], "ghcr.io");
    assert!(
        run.code == Some(1)
            && run.stdout.contains(&format!("`{file}`, which ENSIGN_ACCOUNTS_FILE names, is not there")),
        "{run:?}"
    );
}

#[cfg(unix)]
#[test]
fn docker_is_configured_without_a_home_where_accounts_are_given() {
    let configure = |sandbox: &Sandbox| {
        let mut command = sandbox.command(&["configure-docker", "ghcr.io"]);
        let nowhere = sandbox.home().join("plain-file/x");
        write(&sandbox.home().join("plain-file"), b"");
        command.env("HOME", &nowhere).env("DOCKER_CONFIG", "docker").env_remove("ENSIGN_DATA_DIR");
        command.env("ENSIGN_CONFIG_DIR", nowhere.join("config"));
        finish(command.spawn().unwrap(), b"")
    };
    let given = Sandbox::new().with("ENSIGN_LOGIN_ME", "ghcr.io me mine").with_program("skopeo", "#!/bin/sh\n");
    let run = configure(&given);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("auth.json") && run.stderr.contains("Skopeo do not ask Ensign"), "{run:?}");
    assert!(run.stderr.contains("✓ Wrote docker/config.json\n  To undo   "), "{run:?}");
    assert_eq!(crate::support::read_json(&given.home().join("docker/config.json"))["credHelpers"]["ghcr.io"], "ensign");
    assert_eq!(configure(&Sandbox::new()).code, Some(1));
}

#[test]
fn no_command_is_advised_that_cannot_change_such_an_account() {
    let sandbox =
        Sandbox::new().with("ENSIGN_LOGIN_A", "ghcr.io/acme/** a pw").with("ENSIGN_LOGIN_B", "ghcr.io/b/** b pw");
    let torn = sandbox.run(&["which", "--as", "docker build -t ghcr.io/acme/x -t ghcr.io/b/y ."], "");
    assert!(
        torn.stderr.contains("ENSIGN_ACCOUNT=ghcr.io=b docker build") && !torn.stderr.contains("account edit"),
        "{torn:?}"
    );
}
