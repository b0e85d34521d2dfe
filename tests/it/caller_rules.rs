//! Rules for callers: accounts that answer only some callers.
#![cfg(target_os = "linux")]

use serde_json::{Value, json};
use snapbox::str;
use std::fmt::Write as _;

use crate::callers::{called_by, running, who};
use crate::support::snapshots::shows;
use crate::support::{NOT_FOUND, Run, Sandbox, read_json, seconds_from_now, write};
use crate::why::{HOST, entries, sandbox};

/// A home with one account whose rule is set by these arguments of `account edit`.
fn guarded(words: &[&str]) -> Sandbox {
    let sandbox = sandbox();
    sandbox.store(HOST, "work", "s3cret");
    edit(&sandbox, words);
    sandbox
}

fn edit(sandbox: &Sandbox, words: &[&str]) {
    sandbox.ok(&[&["account", "edit", HOST, "work"], words].concat(), "");
}

fn asked_by(sandbox: &Sandbox, client: &str) -> Run {
    called_by(sandbox, &[client, "pull", "ghcr.io/work/app"], "get", HOST)
}

fn last_refusal(sandbox: &Sandbox) -> String {
    let entry = entries(sandbox).pop().unwrap();
    assert_eq!((&entry["outcome"], &entry["account"]), (&json!("withheld"), &json!("work")));
    entry["refusal"].as_str().unwrap().to_owned()
}

/// Tells whether a coding agent runs these tests. The agent is then an ancestor of every process here.
fn agent_is_above() -> bool {
    let sandbox = guarded(&["--agents", "refused"]);
    let is_above = who(&asked_by(&sandbox, "docker")) != "work";
    if is_above {
        eprintln!("skipped in part: {}", last_refusal(&sandbox));
    }
    is_above
}

#[test]
fn an_account_may_be_for_named_programs() {
    let sandbox = guarded(&["--program", "docker", "--program", "docker compose"]);
    let mut refusals = String::new();
    for (client, answered) in
        [("docker", true), ("docker-compose", true), ("podman", false), ("mytool", false), ("docker-buildx", false)]
    {
        let run = asked_by(&sandbox, client);
        assert_eq!(who(&run), if answered { "work" } else { NOT_FOUND }, "{client}: {run:?}");
        assert_eq!(run.stderr, "", "{client}");
        if !answered {
            let _ = writeln!(refusals, "{client}: {}", last_refusal(&sandbox));
        }
    }
    shows(
        &refusals,
        str![[r#"
podman: the account is not for podman
mytool: the account is not for the program that asks
docker-buildx: the account is not for docker buildx

"#]],
    );
    assert_eq!(sandbox.run(&["get"], HOST), Run::not_found(), "asked by no client");
    edit(&sandbox, &["--program", "+podman"]);
    assert_eq!([who(&asked_by(&sandbox, "docker")), who(&asked_by(&sandbox, "podman"))], ["work", "work"]);
    // The clients in these tests are links to a shell.
    for (path, expected) in [("/usr/bin/env", NOT_FOUND), ("/bin/sh", "work")] {
        edit(&sandbox, &["--program", path]);
        assert_eq!(who(&asked_by(&sandbox, "docker")), expected, "{path}");
    }
    edit(&sandbox, &["--no-programs"]);
    assert_eq!(sandbox.who(HOST), "work");
    for wrong in ["bash", "./docker", "", "dockr"] {
        let run = sandbox.run(&["account", "edit", HOST, "work", "--program", wrong], "");
        assert_eq!(run.code, Some(2), "{wrong}: {run:?}");
    }
}

#[test]
fn an_account_may_be_kept_from_coding_agents() {
    let sandbox = guarded(&["--agents", "refused"]);
    if !agent_is_above() {
        assert_eq!(who(&asked_by(&sandbox, "docker")), "work");
        assert_eq!(sandbox.who(HOST), "work");
    }
    for (variable, agent) in [
        ("CLAUDECODE", "Claude Code"),
        ("CURSOR_AGENT", "Cursor"),
        ("CODEX_SANDBOX", "Codex"),
        ("GEMINI_CLI", "Gemini CLI"),
        ("AIDER_MODEL", "aider"),
    ] {
        let sandbox = guarded(&["--agents", "refused"]).with(variable, "1");
        assert_eq!(asked_by(&sandbox, "docker"), Run::not_found(), "{variable}");
        let refusal = last_refusal(&sandbox);
        assert!(refusal.contains(variable) && refusal.contains(agent), "{refusal}");
    }
    // Ensign recognises an agent that is a distant ancestor of the client: by its name, or by its variable, even if a
    // process in between has removed the variable.
    let ask = "printf ghcr.io | \"$ENSIGN\" get\n";
    write(&sandbox.home().join("pull"), ask.as_bytes());
    std::os::unix::fs::symlink("/bin/sh", sandbox.home().join("docker2")).unwrap();
    let run = running(&sandbox, &["claude", "task"], "sh -c 'cd .; ./docker2 pull ghcr.io/work/app; true'\n", "");
    assert_eq!(run, Run { code: Some(0), ..Run::not_found() });
    shows(
        &last_refusal(&sandbox),
        str!["the account is not for coding agents, and `claude` (Claude Code) started this command"],
    );
    let script = "CLAUDECODE=1 sh -c 'env -u CLAUDECODE ./docker2 pull ghcr.io/work/app; true'\n";
    let run = running(&sandbox, &["make", "task"], script, "");
    assert_eq!(run.stdout, NOT_FOUND);
    assert!(last_refusal(&sandbox).contains("CLAUDECODE"));

    let why = sandbox.ok(&["why", "-n", "1"], "");
    shows(
        &why,
        str![[r#"
[NOW]    docker pull   ghcr.io   not handed out: work; the account is not for coding agents, and CLAUDECODE shows that Claude Code is running
    default account → work
    run `docker-credential-ensign account show ghcr.io work`

"#]],
    );
}

#[test]
fn an_agent_neither_takes_the_rule_away_nor_grants() {
    let sandbox = guarded(&["--agents", "refused", "--grant", "required"]).with("CLAUDECODE", "1");
    let mut transcript = String::new();
    for words in [
        &["account", "edit", HOST, "work", "--agents", "allowed"][..],
        &["account", "edit", HOST, "work", "--grant", "optional"],
        &["grant", HOST, "work"],
        &["login", HOST, "-u", "work", "--password-stdin", "--no-verify", "--agents", "allowed"],
    ] {
        let run = sandbox.run(words, "s3cret");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 4
--- stderr
error: a person must run this, but CLAUDECODE shows that Claude Code is running
hint: run the command in a terminal of your own
exit 4
--- stderr
error: a person must run this, but CLAUDECODE shows that Claude Code is running
hint: run the command in a terminal of your own
exit 4
--- stderr
error: a person must run this, but CLAUDECODE shows that Claude Code is running
hint: run the command in a terminal of your own
exit 4
--- stderr
error: a person must run this, but CLAUDECODE shows that Claude Code is running
hint: run the command in a terminal of your own

"#]],
    );
    assert_eq!(asked_by(&sandbox, "docker"), Run::not_found());
    sandbox.ok(&["account", "edit", HOST, "work", "--for", "pull"], "");
    for (rule, weaker) in [
        (["--grant", "required"], &["--grant", "optional"][..]),
        (["--terminal", "required"], &["--terminal", "optional"]),
        (["--program", "podman"], &["--no-programs"]),
        (["--program", "podman"], &["--program", "+docker"]),
    ] {
        let sandbox = guarded(&rule).with("CLAUDECODE", "1");
        let words = [&["account", "edit", HOST, "work"], weaker].concat();
        assert_eq!(sandbox.run(&words, "").code, Some(4), "{rule:?} {weaker:?}");
    }
}

#[test]
fn an_account_may_be_for_terminals_only() {
    let sandbox = guarded(&["--terminal", "required"]);
    let client = sandbox.home().join("docker2");
    std::os::unix::fs::symlink("/bin/sh", &client).unwrap();
    write(&sandbox.home().join("pull"), format!("printf {HOST} | {} get >out\n", Sandbox::program()).as_bytes());
    let out = || std::fs::read_to_string(sandbox.home().join("out")).unwrap();
    let in_terminal = |line: &str| {
        let script = sandbox.command_of("script".as_ref(), &["-qec", line, "/dev/null"]).spawn();
        Some(crate::support::finish(script.ok()?, b"").stdout)
    };
    let pull = "./docker2 pull ghcr.io/work/app";
    let Some(shown) = in_terminal(pull) else { return eprintln!("skipped: no `script` here") };
    assert!(out().contains("\"Username\":\"work\"") && shown.is_empty(), "{shown}");
    // If a person types the command without a client, the shell's terminal satisfies the rule.
    in_terminal(&format!("printf {HOST} | {} get >out", Sandbox::program())).unwrap();
    assert!(out().contains("\"Username\":\"work\""));
    // The client has its own session, but the program's stderr is still the terminal, so the person is told the reason.
    let shown = in_terminal(&format!("setsid -w {pull}")).unwrap();
    assert_eq!(out(), NOT_FOUND);
    shows(
        &shown,
        str![[r#"
ensign: work on ghcr.io may not be used by this caller: the account is for terminals only, and the caller has no terminal: run `docker-credential-ensign account edit ghcr.io work --terminal optional`

"#]],
    );
    edit(&sandbox, &["--terminal", "optional"]);
    in_terminal(&format!("setsid -w {pull}")).unwrap();
    assert!(out().contains("\"Username\":\"work\""));
}

#[test]
fn an_account_may_need_a_grant_that_ends() {
    let sandbox = guarded(&["--grant", "required"]);
    let status = |sandbox: &Sandbox| sandbox.ok(&["status"], "");
    assert_eq!(asked_by(&sandbox, "docker"), Run::not_found());
    shows(&last_refusal(&sandbox), str!["the account needs a grant, but no grant is active"]);
    shows(
        &status(&sandbox),
        str![[r#"
ghcr.io
  ● work  default   work/**   in clear text
          may ask: with a grant only (not granted now)

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker

"#]],
    );

    let run = sandbox.run(&["grant", "work", "--for", "15m"], "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Granted work on ghcr.io for 15 minutes

"#]]);
    assert_eq!(who(&asked_by(&sandbox, "docker")), "work");
    assert!(status(&sandbox).contains("15 minutes"), "{}", status(&sandbox));
    let json: Value = serde_json::from_str(&sandbox.ok(&["status", "--json"], "")).unwrap();
    let account = &json["accounts"][0];
    assert_eq!(account["callers"]["grant_required"], true);
    assert!(account["granted_until"].as_str().unwrap().ends_with('Z'), "{account}");

    sandbox.ok(&["grant", HOST, "work", "--end"], "");
    assert_eq!(asked_by(&sandbox, "docker"), Run::not_found());
    let grants = |until: i64| json!({"version": 1, "grants": {HOST: {"work": until}}}).to_string();
    let path = sandbox.home().join("data/grants.json");
    for (text, answered) in [
        (grants(seconds_from_now(60)), true),
        (grants(seconds_from_now(-1)), false),
        (grants(seconds_from_now(13 * 3600)), false), // only possible if the clock was set back
        ("{ broken".to_owned(), false),
        (json!({"version": 2, "grants": {HOST: {"work": seconds_from_now(60)}}}).to_string(), false),
    ] {
        write(&path, text.as_bytes());
        assert_eq!(sandbox.run(&["get"], HOST).code, Some(i32::from(!answered)), "{text}");
    }
    sandbox.ok(&["grant", HOST, "work", "--for", "1s"], "");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(sandbox.run(&["get"], HOST), Run::not_found());
    for wrong in [&["--for", "13h"][..], &["--for", "0s"], &["--for", "soon"], &["--for", "1m", "--end"]] {
        assert_eq!(sandbox.run(&[&["grant", HOST, "work"], wrong].concat(), "").code, Some(2), "{wrong:?}");
    }
    edit(&sandbox, &["--grant", "optional"]);
    let run = sandbox.run(&["grant", "work"], "");
    run.shows(str![[r#"
exit 2
--- stderr
error: work on ghcr.io needs no grant
hint: run `docker-credential-ensign account edit ghcr.io work --grant required` first

"#]]);
}

/// A coding agent may rename accounts, but must not give a grant to another account in this way.
#[test]
fn a_grant_does_not_pass_to_another_account_of_the_same_name() {
    let sandbox = guarded(&["--grant", "required"]);
    sandbox.store(HOST, "me", "s3cret");
    sandbox.ok(&["account", "edit", HOST, "me", "--grant", "required"], "");
    sandbox.ok(&["grant", HOST, "work"], "");
    assert_eq!(who(&asked_by(&sandbox, "docker")), "work");
    sandbox.ok(&["account", "edit", HOST, "work", "--alias", "old"], "");
    sandbox.ok(&["account", "edit", HOST, "me", "--alias", "work"], "");
    sandbox.ok(&["switch", HOST, "work"], "");
    assert_eq!(asked_by(&sandbox, "docker"), Run::not_found());
    assert_eq!(read_json(&sandbox.home().join("data/grants.json"))["grants"], json!({}));
}

#[test]
fn what_is_not_known_of_the_caller_lets_nobody_in() {
    let sandbox = guarded(&["--program", "docker"]);
    let ask = |sandbox: &Sandbox| {
        let script = format!("exec unshare -rm sh -c 'mount -t tmpfs none /proc && exec {} get'\n", Sandbox::program());
        running(sandbox, &["docker", "pull", "ghcr.io/work/app"], &script, HOST)
    };
    edit(&sandbox, &["--no-programs"]);
    if who(&ask(&sandbox)) != "work" {
        return eprintln!("skipped: no namespaces here");
    }
    let mut refusals = Vec::new();
    for rule in [["--program", "docker"], ["--terminal", "required"], ["--agents", "refused"]] {
        let sandbox = guarded(&rule);
        assert_eq!(ask(&sandbox), Run::not_found(), "{rule:?}");
        refusals.push(last_refusal(&sandbox));
    }
    refusals.dedup();
    shows(&refusals.join("\n"), str!["the calling processes could not be read"]);
    // A rule that only a newer Ensign knows refuses every caller.
    let mut config = sandbox.config();
    config["registries"][HOST]["accounts"]["work"]["callers"] = json!({"weekdays": [1, 2]});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    assert_eq!(asked_by(&sandbox, "docker"), Run::not_found());
    assert_eq!(sandbox.run(&["account", "edit", HOST, "work", "--agents", "refused"], "").code, Some(1));
    sandbox.ok(&["account", "edit", HOST, "work", "--for", "pull"], "");
    assert_eq!(sandbox.config()["registries"][HOST]["accounts"]["work"]["callers"], json!({"weekdays": [1, 2]}));
}
