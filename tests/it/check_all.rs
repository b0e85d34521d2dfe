//! `check` without an image: it checks all accounts, and prints a line for each.

use std::io::{BufRead, BufReader};
use std::time::Instant;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::registry::FakeRegistry;
use crate::support::{Run, Sandbox, finish};

/// Replaces the two hosts by names and sorts the lines, because the order depends on the hosts' ports.
fn sorted(run: &Run, good: &FakeRegistry, other: &FakeRegistry) -> Run {
    let named = |text: &str| text.replace(&good.host, "good.example").replace(&other.host, "other.example");
    let mut lines: Vec<_> = named(&run.stdout).lines().map(|line| format!("{line}\n")).collect();
    lines.sort_unstable();
    Run { code: run.code, stdout: lines.concat(), stderr: named(&run.stderr) }
}

#[test]
fn every_account_is_told_of_on_a_line() {
    let [good, other] = [FakeRegistry::with_tokens(), FakeRegistry::start()];
    let sandbox = Sandbox::new();
    sandbox.store(&good.host, "alice", "alice-pw");
    sandbox.store(&good.host, "bob", "bob-pw");
    sandbox.store(&other.host, "carol", "carol-pw");
    let run = sandbox.run(&["check"], "");
    sorted(&run, &good, &other).shows(str![[r#"
exit 0
--- stdout
✓ good.example accepts the account alice
✓ good.example accepts the account bob
✓ other.example accepts the account carol

"#]]);

    sandbox.store(&other.host, "dave", "outdated");
    let run = sandbox.run(&["check"], "");
    sorted(&run, &good, &other).shows(str![[r#"
exit 3
--- stdout
✓ good.example accepts the account alice
✓ good.example accepts the account bob
✓ other.example accepts the account carol
✗ other.example rejects the login of dave
--- stderr
hint: run `docker-credential-ensign login other.example --alias dave`

"#]]);
    assert_eq!(sandbox.run(&["get"], &other.host), Run::not_found(), "the verdict is kept");
}

#[test]
fn json_has_all_of_them_in_the_order_of_the_config() {
    let [first, second] = [FakeRegistry::start(), FakeRegistry::open()];
    let sandbox = Sandbox::new();
    sandbox.store(&first.host, "alice", "alice-pw");
    sandbox.store("localhost:1", "erin", "pw");
    sandbox.store(&second.host, "frank", "pw");
    let run = sandbox.run(&["check", "--json"], "");
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let told: Vec<_> = json["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["account"].clone(), one["verdict"].clone()))
        .collect();
    let expected = [("alice", "accepted"), ("erin", "unverified"), ("frank", "anonymous")]
        .map(|(name, verdict)| (json!(name), json!(verdict)));
    assert_eq!((told.as_slice(), run.code, &json["status"]), (&expected[..], Some(1), &json!("failure")));
}

#[test]
fn a_dead_registry_holds_no_other_up() {
    // A server that accepts connections but never answers.
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead_host = format!("localhost:{}", dead.local_addr().unwrap().port());
    let good = FakeRegistry::start();
    let sandbox = Sandbox::new();
    sandbox.store(&dead_host, "gone", "pw");
    sandbox.store(&good.host, "alice", "alice-pw");
    let mut child = sandbox.command(&["check"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let started = Instant::now();
    assert_eq!(lines.next().unwrap().unwrap(), format!("✓ {} accepts the account alice", good.host));
    let for_first = started.elapsed();
    let started = Instant::now();
    let run = finish(child, b"");
    let for_second = started.elapsed();
    assert_eq!((run.code, lines.count()), (Some(1), 1), "{run:?}");
    assert!(for_first < for_second, "{for_first:?}, {for_second:?}");
    drop(dead);
}

#[test]
fn what_cannot_be_asked_is_said() {
    let sandbox = Sandbox::new();
    let nobody = sandbox.run(&["check"], "");
    nobody.shows(str![[r#"
exit 3
--- stderr
error: there are no accounts
hint: run `docker-credential-ensign login HOST`

"#]]);
    sandbox.ok(&["login", "*.azurecr.io", "-u", "me", "--password-stdin"], "pw");
    let run = sandbox.run(&["check"], "");
    run.shows(str![[r#"
exit 0
--- stdout
– *.azurecr.io matches many registries: `check HOST` asks one of them about me

"#]]);
    std::fs::remove_file(sandbox.secrets_path("*.azurecr.io").with_file_name("%2a.azurecr.io.json")).unwrap();

    let registry = FakeRegistry::start();
    sandbox.store(&registry.host, "alice", "alice-pw");
    std::fs::remove_file(sandbox.secrets_path(&registry.host)).unwrap();
    let run = sandbox.run(&["check"], "");
    assert_eq!(run.code, Some(3), "{run:?}");
    run.shows(str![[r#"
exit 3
--- stdout
– *.azurecr.io matches many registries: `check HOST` asks one of them about me
✗ [HOST] was not asked about alice: the secret of alice is gone: run `docker-credential-ensign login [HOST] --alias alice`

"#]]);
    let json: Value = serde_json::from_str(&sandbox.run(&["check", "--json"], "").stdout).unwrap();
    for account in json["accounts"].as_array().unwrap() {
        assert_eq!(
            (account.get("image"), account.get("action")),
            (Some(&Value::Null), Some(&Value::Null)),
            "{account}"
        );
    }
    assert_eq!(sandbox.run(&["check", "--push"], "").code, Some(2));
}
