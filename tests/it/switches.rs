//! A switch never changes what a client that is running already goes out as.
#![cfg(unix)]

use crate::callers::running;
use crate::support::Sandbox;

fn three_accounts() -> Sandbox {
    let sandbox = Sandbox::new();
    for user in ["carol", "bob", "alice"] {
        sandbox.store("ghcr.io", user, "pw");
    }
    sandbox
}

/// A script that asks and switches, run by a client, and the users that were answered with. `ask` is a line of its own.
fn answers(sandbox: &Sandbox, client: &str, script: &str) -> String {
    let script = format!(
        "PATH=/usr/bin:/bin\n\
         ask() {{ printf ghcr.io | \"$ENSIGN\" get | sed 's/.*Username\":\"//; s/\".*//'; }}\n\
         switch() {{ \"$ENSIGN\" switch ghcr.io \"$1\" 2>/dev/null; }}\n\
         {script}"
    );
    let run = running(sandbox, &[client, "pull", "ghcr.io/public/base"], &script, "");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    run.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The clock of processes ticks a hundred times in a second.
const A_MOMENT_LATER: &str = "sleep 0.1\n";

#[test]
fn a_running_client_keeps_the_account_it_began_with() {
    let sandbox = three_accounts();
    let script = format!("{A_MOMENT_LATER}ask; switch bob; ask; switch carol; ask; switch alice; switch bob; ask");
    assert_eq!(answers(&sandbox, "docker", &script), "alice alice alice alice");
    assert_eq!(answers(&sandbox, "docker", "ask"), "bob", "what is started after the switch takes it at once");
    assert_eq!(answers(&sandbox, "podman", &format!("{A_MOMENT_LATER}switch alice; ask")), "bob");
    assert_eq!(answers(&sandbox, "mytool", &format!("{A_MOMENT_LATER}switch carol; ask")), "carol", "no client");
    assert_eq!(sandbox.who("ghcr.io"), "carol");
}

#[test]
fn what_names_an_account_goes_before_what_was_the_default() {
    let sandbox = three_accounts().with("ENSIGN_ACCOUNT", "carol");
    assert_eq!(answers(&sandbox, "docker", &format!("{A_MOMENT_LATER}switch bob; ask")), "carol");
}

#[test]
fn an_account_from_before_that_is_gone_or_renamed() {
    let sandbox = three_accounts();
    let script = format!(
        "{A_MOMENT_LATER}switch bob; \"$ENSIGN\" account set alice --alias old 2>/dev/null; ask\n\
         \"$ENSIGN\" logout ghcr.io -u old 2>/dev/null; ask"
    );
    assert_eq!(answers(&sandbox, "docker", &script), "alice bob");
}

#[test]
fn a_login_in_another_terminal_is_a_switch_too() {
    let sandbox = three_accounts();
    let login = r#"printf '{"ServerURL":"ghcr.io","Username":"dave","Secret":"pw"}' | "$ENSIGN" store"#;
    assert_eq!(answers(&sandbox, "docker", &format!("{A_MOMENT_LATER}{login}; ask")), "alice");
    assert_eq!(sandbox.who("ghcr.io"), "dave");
}

#[test]
fn few_switches_are_kept() {
    let sandbox = three_accounts();
    for _ in 0..6 {
        sandbox.ok(&["switch", "ghcr.io", "bob"], "");
        sandbox.ok(&["switch", "ghcr.io", "alice"], "");
    }
    assert_eq!(sandbox.config()["registries"]["ghcr.io"]["switched"].as_array().unwrap().len(), 8);
}
