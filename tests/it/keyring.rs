//! The operating system's keyring: Docker's logins in it, and a keyring that does not answer.
#![cfg(all(unix, not(target_vendor = "apple")))]

use std::fmt::Write as _;
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};

use serde_json::json;
use snapbox::str;

use crate::import::{answer, docker};
use crate::support::keyring::{Item, Items, Mood, start};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox};

/// A home whose session has a keyring with these logins, stored as Docker's helper does.
fn with_logins(logins: &[(&str, &str, &str)], mood: Mood) -> (Sandbox, Items) {
    let items = logins.iter().map(|(server, user, secret)| Item::of_docker(server, user, secret)).collect();
    let items: Items = Arc::new(Mutex::new(items));
    let sandbox = Sandbox::new();
    let address = start(sandbox.home(), &items, mood);
    (sandbox.with("DBUS_SESSION_BUS_ADDRESS", &address), items)
}

fn servers(items: &Items) -> Vec<String> {
    let items = items.lock().unwrap();
    items.iter().map(|item| item.attribute("server").to_owned()).filter(|server| !server.is_empty()).collect()
}

/// Returns the server, the kind of place, the effect and the reason of each entry that `import` reports.
fn told(run: &Run) -> Vec<[String; 4]> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    let logins = report["logins"].as_array().unwrap();
    let row = |one: &serde_json::Value| {
        [text(&one["server"]), text(&one["from"]["kind"]), text(&one["effect"]), text(&one["reason"])]
    };
    logins.iter().map(row).collect()
}

const LOGINS: [(&str, &str, &str); 4] = [
    ("https://index.docker.io/v1/", "alice", "hub-s3cret"),
    ("ghcr.io", "alice", "p\u{e4}ss \"w\u{f6}rd\""),
    ("localhost:5000", "bob", "l0cal"),
    ("https://ghcr.io/ensign/work", "work", "ours"),
];

#[test]
fn logins_of_docker_helpers_are_imported_with_the_helper_gone() {
    let (sandbox, items) = with_logins(&LOGINS, Mood::Open);
    let row = |server: &str| [server, "keyring", "new", ""].map(str::to_owned);
    let everything = [row("ghcr.io"), row("https://index.docker.io/v1/"), row("localhost:5000")];
    // All these arguments find the logins: none, the keyring's name, Docker's config, or the name of the missing
    // helper.
    docker(&sandbox, &json!({"credsStore": "secretservice", "auths": {"ghcr.io": {}}}));
    for words in [&[][..], &["keyring"], &["docker"], &["helper:secretservice"]] {
        let run = sandbox.run(&[&["import", "--json", "--dry-run"], words].concat(), "");
        assert_eq!((run.code, told(&run)), (Some(0), everything.to_vec()), "{words:?}");
    }
    docker(&sandbox, &json!({"credHelpers": {"localhost:5000": "secretservice", "quay.io": "secretservice"}}));
    let run = sandbox.run(&["import", "docker", "--json", "--dry-run"], "");
    let mut rows = told(&run);
    let [server, source, effect, missing] = rows.pop().unwrap();
    assert_eq!([server, source, effect], ["quay.io", "helper", "failed"]);
    assert!(missing.contains("docker-credential-secretservice"), "{missing}");
    assert_eq!((run.code, rows), (Some(1), vec![row("localhost:5000")]));
    let run = sandbox.run(&["import", "--host", "ghcr.io", "keyring", "--json"], "");
    assert_eq!(told(&run), [row("ghcr.io")]);
    assert_eq!(answer(&sandbox, "ghcr.io"), ("alice".to_owned(), "p\u{e4}ss \"w\u{f6}rd\"".to_owned()));
    assert_eq!(servers(&items).len(), 4, "nothing was removed");
}

#[test]
fn what_is_removed_from_the_keyring_is_asked_of_us_by_its_readers() {
    let (sandbox, items) = with_logins(&LOGINS, Mood::Open);
    docker(&sandbox, &json!({"credHelpers": {"ghcr.io": "secretservice", "localhost:5000": "pass"}}));
    let run =
        sandbox.run(&["import", "keyring", "--remove", "--yes", "--host", "ghcr.io", "--host", "localhost:5000"], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
  ghcr.io         alice  the keyring  new
  localhost:5000  bob    the keyring  new
--- stderr
✓ Imported alice on ghcr.io
✓ Imported bob on localhost:5000
  Saved in  ~/data/sealed; the key is in the system's keyring
✓ Removed 2 logins from their old places
  Programs that read ~/.docker/config.json now ask Ensign for them
! Docker does not ask Ensign for localhost:5000 yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert_eq!(servers(&items), ["https://index.docker.io/v1/", "https://ghcr.io/ensign/work"]);
    let config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(sandbox.docker_config_path()).unwrap()).unwrap();
    // A client that asks `pass` for a registry does not read the keyring, so this entry stays.
    assert_eq!(config["credHelpers"], json!({"ghcr.io": "ensign", "localhost:5000": "pass"}));
    assert_eq!(answer(&sandbox, "ghcr.io").0, "alice");
    // A login that cannot be imported stays in the keyring.
    let (sandbox, items) = with_logins(&[("no server at all", "alice", "x"), ("quay.io", "", "x")], Mood::Open);
    assert_eq!(sandbox.run(&["import", "keyring", "--remove", "--yes"], "").code, Some(0));
    assert_eq!(servers(&items).len(), 2);
}

#[test]
fn a_keyring_that_cannot_be_opened_costs_only_its_own_entries() {
    let silent = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(silent.path().join("bus")).unwrap();
    let nobody = format!("unix:path={}", silent.path().join("none").display());
    let mute = format!("unix:path={}", silent.path().join("bus").display());
    let mut reasons = String::new();
    for (case, address, mood, is_named, is_slow) in [
        ("locked", None, Mood::Locked, true, false),
        ("silent", None, Mood::Silent, true, true),
        ("a silent bus", Some(mute.as_str()), Mood::Open, true, true),
        ("no bus there", Some(&nobody), Mood::Open, false, false),
        ("a bus by TCP", Some("tcp:host=localhost,port=1"), Mood::Open, false, false),
        ("no bus", Some(""), Mood::Open, false, false),
    ] {
        let (mut sandbox, _) = with_logins(&LOGINS, mood);
        if let Some(address) = address {
            sandbox = sandbox.with("DBUS_SESSION_BUS_ADDRESS", address);
        }
        docker(&sandbox, &json!({"auths": {"quay.io": {"auth": "dTpw"}}}));
        let run = sandbox.run(&["import", "--json"], "");
        let mut rows = told(&run);
        assert_eq!(rows.remove(0), ["quay.io", "file", "new", ""].map(str::to_owned), "{case}");
        assert_eq!(rows.len(), usize::from(is_named), "{case}: {rows:?}");
        assert_eq!(answer(&sandbox, "quay.io"), ("u".to_owned(), "p".to_owned()));
        if !is_slow {
            // `import keyring` reports the reason and exits with an error.
            let run = sandbox.run(&["import", "keyring", "--json"], "");
            assert_eq!((run.code, told(&run).len()), (Some(1), 1), "{case}: {run:?}");
            rows.extend(told(&run));
        }
        for [server, source, effect, reason] in rows {
            assert_eq!((server.as_str(), source.as_str()), ("", "keyring"), "{case}");
            let _ = writeln!(reasons, "{case}: {effect}: {reason}");
        }
    }
    drop(listener);
    shows(
        &reasons,
        str![[r#"
locked: skipped: the keyring is locked: unlock it and import again
locked: failed: the keyring is locked: unlock it and import again
silent: skipped: the keyring did not answer in time
a silent bus: skipped: the keyring did not answer in time
no bus there: failed: there is no keyring: there is no session bus
a bus by TCP: failed: there is no keyring: there is no session bus
no bus: failed: there is no keyring: there is no session bus

"#]],
    );
}
