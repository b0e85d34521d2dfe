//! Ensign ignores variables that a client set after its start. Docker Compose 2.20 to 2.37 passed a clone's `.env` to
//! credential helpers.
#![cfg(unix)]

use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;

use serde_json::json;
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, write};

const HOST: &str = "ghcr.io";

/// A home with accounts, and a hostile clone in it, whose config takes a secret from the clone's own command.
fn with_clone() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store(HOST, "me", "s3cret");
    sandbox.store(HOST, "other", "s3cret");
    let script = sandbox.home().join("clone/run");
    write(&script, b"#!/bin/sh\ntouch \"$HOME/ran\"\necho '{\"Username\":\"stranger\",\"Secret\":\"x\"}'\n");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let source = json!({"borrow": "command", "command": [script]});
    let account = json!({"username": "stranger", "store": "file", "source": source});
    let config = json!({"version": 3, "registries": {HOST: {"active": "stranger", "accounts": {"stranger": account}}}});
    for folder in ["x", "x/ensign"] {
        write(&sandbox.home().join("clone").join(folder).join("config.json"), config.to_string().as_bytes());
    }
    sandbox
}

/// Runs `script` in the clone, below shells with these names, each started by the previous one. `$ENSIGN` is the
/// program. The last shell runs the script itself, so variables that the script exports were not set at that shell's
/// start.
fn as_clients(sandbox: &Sandbox, clients: &[&str], script: &str, variables: &[(&str, &str)]) -> Run {
    for client in clients {
        let _ = symlink("/bin/sh", sandbox.home().join(client));
    }
    let (first, rest) = clients.split_first().unwrap();
    let text = rest.iter().rev().fold(format!("{script}; exit $?"), |script, client| {
        write(&sandbox.home().join(format!("{client}.script")), script.as_bytes());
        format!("\"$HOME/{client}\" \"$HOME/{client}.script\" x; exit $?")
    });
    let mut command = sandbox.command_of(&sandbox.home().join(first), &["-c", &text, "compose", "pull"]);
    command.arg0(first).current_dir(sandbox.home().join("clone")).env("ENSIGN", Sandbox::program());
    command.env("PATH", "/usr/bin:/bin").envs(variables.iter().copied());
    finish(command.spawn().unwrap(), HOST.as_bytes())
}

fn who(run: &Run) -> String {
    let answer: Option<serde_json::Value> = serde_json::from_str(&run.stdout).ok();
    answer.map_or_else(|| run.stdout.trim().to_owned(), |answer| answer["Username"].as_str().unwrap().to_owned())
}

const GET: &str = "\"$ENSIGN\" get";

#[test]
fn what_a_client_sets_after_its_start_counts_for_nothing() {
    for set in [
        "ENSIGN_CONFIG_DIR=./x",
        "ENSIGN_CONFIG_DIR=$PWD/x",
        "ENSIGN_CONFIG_DIR=$PWD/x ENSIGN_DATA_DIR=$PWD/x",
        "ENSIGN_DATA_DIR=./x",
        "ENSIGN_ACCOUNT=me",
        "ENSIGN_ACCOUNT=nobody",
        "ENSIGN_ACCOUNTS_FILE=./accounts.json",
        "ENSIGN_LOGIN_X='ghcr.io stranger x'",
        "ENSIGN_JOURNAL=off",
    ] {
        for clients in [&["docker-compose"][..], &["docker", "docker-compose"], &["podman-compose"], &["docker"]] {
            let sandbox = with_clone();
            let run = as_clients(&sandbox, clients, &format!("export {set}; {GET}"), &[]);
            assert_eq!((who(&run).as_str(), run.stderr.as_str()), ("other", ""), "{clients:?} {set}");
            assert!(!sandbox.home().join("ran").exists(), "{clients:?} {set}");
        }
    }
}

#[test]
fn a_variable_that_did_not_count_is_told_by_why() {
    let sandbox = with_clone();
    let run_folder = sandbox.home().join("run");
    std::fs::create_dir_all(&run_folder).unwrap();
    std::fs::set_permissions(&run_folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let sandbox = sandbox.with("XDG_RUNTIME_DIR", run_folder.to_str().unwrap());
    let says = |set: &str, variables: &[(&str, &str)]| {
        sandbox.ok(&["why", "--clear"], "");
        assert_eq!(
            who(&as_clients(&sandbox, &["docker-compose"], &format!("{set}; {GET}"), variables)),
            "other",
            "{set}"
        );
        let json: serde_json::Value = serde_json::from_str(&sandbox.ok(&["why", "--json"], "")).unwrap();
        (sandbox.ok(&["why"], ""), json["decisions"][0]["ignored"].clone())
    };
    let (text, names) = says("export ENSIGN_ACCOUNT=me", &[]);
    shows(
        &text,
        str![[r#"
[NOW]    docker compose   ghcr.io   → other
    default account → other
    ENSIGN_ACCOUNT was ignored, because the client was not started with this value

"#]],
    );
    assert_eq!(names, json!(["ENSIGN_ACCOUNT"]));
    // A changed value does not count either, and the journal does not contain the value.
    let (text, names) = says("export ENSIGN_ACCOUNT=stranger-7", &[("ENSIGN_ACCOUNT", "other")]);
    assert!(text.contains("ENSIGN_ACCOUNT was ignored") && !text.contains("stranger-7"), "{text}");
    assert_eq!(names, json!(["ENSIGN_ACCOUNT"]));
    let (text, names) = says("true", &[]);
    assert!(!text.contains("ignored"), "{text}");
    assert_eq!(names, json!(null));
}

#[test]
fn our_folder_is_not_moved_by_the_variables_of_others() {
    let sandbox = with_clone();
    let script = "unset ENSIGN_CONFIG_DIR ENSIGN_DATA_DIR; export XDG_CONFIG_HOME=$PWD/x XDG_DATA_HOME=$PWD/x";
    let run = as_clients(&sandbox, &["docker-compose"], &format!("{script}; {GET}"), &[]);
    assert_eq!((run, sandbox.home().join("ran").exists()), (Run::not_found(), false));
    let x = sandbox.home().join("clone/x");
    let run = as_clients(
        &sandbox,
        &["docker-compose"],
        &format!("unset ENSIGN_CONFIG_DIR ENSIGN_DATA_DIR; {GET}"),
        &[("XDG_CONFIG_HOME", x.to_str().unwrap())],
    );
    assert_eq!(
        who(&run),
        if cfg!(target_os = "macos") { "credentials not found in native keychain" } else { "stranger" }
    );
}

#[test]
fn a_client_that_was_started_with_a_variable_is_believed() {
    for (variables, script, expected) in [
        (&[("ENSIGN_ACCOUNT", "me")][..], GET.to_owned(), "me"),
        // The client's own change of the variable does not count.
        (&[("ENSIGN_ACCOUNT", "me")], format!("ENSIGN_ACCOUNT=other; {GET}"), "me"),
        // A client sets the variable, and then starts another client.
        (&[], format!("export ENSIGN_ACCOUNT=me; \"$HOME/docker-buildx\" -c '{GET}; exit $?' x"), "other"),
        // A person's script between the client and Ensign may set a variable in front of the call. An exported variable
        // cannot be distinguished from the client's.
        (&[], format!("sh -c 'ENSIGN_ACCOUNT=me {GET}; exit $?'"), "me"),
        (&[], format!("export ENSIGN_ACCOUNT=me; sh -c '{GET}; exit $?'"), "other"),
    ] {
        let sandbox = with_clone();
        symlink("/bin/sh", sandbox.home().join("docker-buildx")).unwrap();
        let run = as_clients(&sandbox, &["docker-compose"], &script, variables);
        assert_eq!(who(&run), expected, "{script}: {run:?}");
    }
    // No client calls Ensign here, so Ensign uses the variable from its own environment.
    assert_eq!(with_clone().with("ENSIGN_ACCOUNT", "me").who(HOST), "me");
}

#[test]
fn every_verb_looks_past_what_a_client_has_set() {
    let sandbox = with_clone();
    let as_compose = |verb: &str| {
        let script = format!("export ENSIGN_CONFIG_DIR=$PWD/x ENSIGN_DATA_DIR=$PWD/x; {verb}");
        as_clients(&sandbox, &["docker-compose"], &script, &[])
    };
    assert_eq!(as_compose("\"$ENSIGN\" list").stdout, "{\"ghcr.io\":\"other\"}\n");
    let entry = r#"{"ServerURL":"ghcr.io","Username":"new","Secret":"x"}"#;
    assert_eq!(as_compose(&format!("echo '{entry}' | \"$ENSIGN\" store")).code, Some(0));
    assert_eq!(sandbox.who(HOST), "new");
    assert_eq!(as_compose("\"$ENSIGN\" erase").code, Some(0));
    assert!(sandbox.config()["registries"][HOST]["accounts"].get("new").is_none());
    let request = r#"{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"ghcr.io/me/app"}"#;
    let run = as_compose(&format!("echo '{request}' | \"$ENSIGN\" kubelet"));
    assert!(run.stdout.contains("\"username\":\"me\""), "{run:?}");
    // An administrator sets the variables of the kubelet's helper in the kubelet's config.
    let script = format!("export ENSIGN_CONFIG_DIR=$PWD/x; echo '{request}' | \"$ENSIGN\" kubelet");
    let run = as_clients(&sandbox, &["kubelet"], &script, &[]);
    assert!(run.stdout.contains("\"username\":\"stranger\""), "{run:?}");
}

#[test]
fn a_program_that_is_asked_for_a_secret_gets_the_clients_own_environment() {
    let sandbox = with_clone();
    let program = sandbox.home().join("helper");
    write(&program, b"#!/bin/sh\necho \"${AWS_CONFIG_FILE-none} ${LD_PRELOAD-none} $KEPT $PATH\" >\"$HOME/seen\"\n");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut config = sandbox.config();
    config["registries"]["lent.example"] = json!({"active": "me", "accounts": {"me": {"username": "me", "store": "file",
        "source": {"borrow": "command", "command": [program]}}}});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    let set = "export AWS_CONFIG_FILE=$PWD/x LD_PRELOAD=/x.so KEPT=changed PATH=.:/usr/bin:/bin";
    as_clients(&sandbox, &["docker-compose"], &format!("{set}; echo lent.example | {GET}"), &[("KEPT", "kept")]);
    let seen = std::fs::read_to_string(sandbox.home().join("seen")).unwrap();
    assert_eq!(seen, "none none kept /usr/bin:/bin\n");
}

#[test]
fn a_relative_folder_is_an_error_for_everybody() {
    let mut transcript = String::new();
    for name in ["ENSIGN_CONFIG_DIR", "ENSIGN_DATA_DIR"] {
        let sandbox = with_clone().with(name, "./clone/x");
        let run = sandbox.run(&["get"], HOST);
        transcript += &run.transcript();
        assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
        let run = sandbox.run(&["status"], "");
        transcript += &run.transcript();
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
        assert!(!sandbox.home().join("ran").exists());
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
ENSIGN_CONFIG_DIR is not an absolute path: `./clone/x`: run `unset ENSIGN_CONFIG_DIR`, or set it to an absolute path
exit 1
--- stderr
error: ENSIGN_CONFIG_DIR is not an absolute path: `./clone/x`
hint: run `unset ENSIGN_CONFIG_DIR`, or set it to an absolute path
exit 1
--- stdout
ENSIGN_DATA_DIR is not an absolute path: `./clone/x`: run `unset ENSIGN_DATA_DIR`, or set it to an absolute path
exit 1
--- stderr
error: ENSIGN_DATA_DIR is not an absolute path: `./clone/x`
hint: run `unset ENSIGN_DATA_DIR`, or set it to an absolute path

"#]],
    );
}

#[test]
fn a_relative_home_is_no_home() {
    let sandbox = with_clone();
    let config = std::fs::read(sandbox.home().join("clone/x/config.json")).unwrap();
    write(&sandbox.home().join("clone/.config/ensign/config.json"), &config);
    let mut transcript = String::new();
    for arguments in [&["get"][..], &["status"], &["configure-docker"]] {
        let mut command = sandbox.command(arguments);
        command.current_dir(sandbox.home().join("clone")).env("HOME", ".");
        command.env_remove("ENSIGN_CONFIG_DIR").env_remove("ENSIGN_DATA_DIR");
        transcript += &finish(command.spawn().unwrap(), HOST.as_bytes()).transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
credentials not found in native keychain
exit 3
--- stdout
No accounts yet.

  docker-credential-ensign login ghcr.io        add an account
  docker-credential-ensign import               take over the logins of Docker and others
  docker-credential-ensign configure-docker     let Docker ask Ensign
exit 3
--- stderr
error: there are no accounts, so there is no registry to configure
hint: run `docker-credential-ensign login HOST` first, or name a registry

"#]],
    );
    assert!(!sandbox.home().join("ran").exists() && !sandbox.home().join("clone/ran").exists());
}

/// Tells whether `get` connects to a server at `PORT` to renew a token. The caller is a client that runs the shell code
/// `set` after its start.
fn renews_at(token_url: &str, set: &str, variables: &[(&str, &str)]) -> bool {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let sandbox = with_clone();
    let mut config = sandbox.config();
    config["registries"][HOST]["accounts"]["other"]["source"] =
        json!({"provider": "test", "client_id": "ensign", "token_url": token_url.replace("PORT", &port)});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    let path = sandbox.secrets_path(HOST);
    let mut secrets = crate::support::read_json(&path);
    secrets["secrets"]["other"] = json!({"secret": "t1", "refresh": "r1", "due": 1, "until": 2});
    write(&path, secrets.to_string().as_bytes());
    let with_port = |text: &str| text.replace("PORT", &port);
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, with_port(value))).collect();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // Accepts each connection and closes it at once.
    let (stop, stopped) = std::sync::mpsc::channel();
    let came = std::thread::spawn(move || {
        let mut came = false;
        while stopped.try_recv().is_err() {
            came |= listener.accept().is_ok();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        came | listener.accept().is_ok()
    });
    as_clients(&sandbox, &["docker-compose"], &with_port(&format!("export {set}; {GET}")), &variables);
    stop.send(()).unwrap();
    came.join().unwrap()
}

#[test]
fn a_session_is_not_renewed_by_way_of_a_clones_proxy_or_authority() {
    let (proxy, authority) = ("HTTPS_PROXY=http://127.0.0.1:PORT", "SSL_CERT_FILE=$PWD/x/ca.pem");
    let (direct, far) = ("https://127.0.0.1:PORT/token", "https://login.invalid/token");
    assert!(renews_at(direct, "A=1", &[]));
    assert!(!renews_at(direct, authority, &[]));
    assert!(!renews_at(far, proxy, &[]));
    assert!(renews_at(far, "A=1", &[("HTTPS_PROXY", "http://127.0.0.1:PORT")]));
}
