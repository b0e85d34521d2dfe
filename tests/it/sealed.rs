//! Sealed secrets: which keys open them, and errors that must not overwrite them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, read_json, write};

/// A home in which new secrets are sealed, with the key in a file.
pub fn with_key_file() -> Sandbox {
    let sandbox = Sandbox::new().with("ENSIGN_STORE", ""); // so that the setting of `store key` counts on all systems
    let holder = format!("file:{}", sandbox.home().join("mounted/key").display());
    let run = sandbox.run(&["store", "key", "--holder", &holder], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    sandbox
}

fn sealed_path(sandbox: &Sandbox, registry: &str) -> PathBuf {
    sandbox.home().join("data/sealed").join(format!("{registry}.json"))
}

/// Returns the files of the home that contain a text.
fn files_with(sandbox: &Sandbox, text: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (vec![], vec![sandbox.home().to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(text) {
                found.push(path);
            }
        }
    }
    found
}

pub fn entry(username: &str, secret: &str) -> String {
    json!({"ServerURL": "ghcr.io", "Username": username, "Secret": secret}).to_string()
}

/// Asserts that `get`, `store` and `status` fail, and that the sealed file stays unchanged. Returns the error, which is
/// the same for all three commands.
fn refused(sandbox: &Sandbox) -> String {
    let path = sealed_path(sandbox, "ghcr.io");
    let before = fs::read(&path).unwrap();
    let get = sandbox.run(&["get"], "ghcr.io");
    assert!(get.code == Some(1) && get.stderr.is_empty(), "{get:?}");
    let store = sandbox.run(&["store"], &entry("me", "another"));
    assert_eq!((store.code, &store.stdout), (Some(1), &get.stdout), "{store:?}");
    let status = sandbox.run(&["status"], "");
    assert!(status.code == Some(3) && status.stdout.contains(get.stdout.trim()), "{get:?}: {status:?}");
    assert_eq!(fs::read(&path).unwrap(), before, "{get:?}");
    get.stdout
}

#[test]
fn a_secret_lies_nowhere_in_clear_and_is_answered() {
    let sandbox = with_key_file();
    sandbox.store("ghcr.io", "me", "s3cret-of-me");
    let login = ["login", "ghcr.io", "-u", "work", "--password-stdin", "--no-verify"];
    let run = sandbox.run(&login, "s3cret-of-work");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Saved login for ghcr.io as work (not verified)
  Used for  ghcr.io/work/**
  Saved in  ~/data/sealed; the key is in `[HOME]/mounted/key`
  ghcr.io now has 2 accounts. The default stays me.
  To use it for an organisation's images too:  docker-credential-ensign account edit ghcr.io work --images '+ORGANISATION/**'
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    for user in ["me", "work"] {
        let server = format!("{user}@ghcr.io");
        assert_eq!(sandbox.run(&["get"], &server), Run::answer(&server, user, &format!("s3cret-of-{user}")));
    }
    assert!(files_with(&sandbox, "s3cret-of").is_empty());
    assert_eq!(sandbox.config()["registries"]["ghcr.io"]["accounts"]["me"]["store"], "sealed");
    sandbox.store("ghcr.io", "me", "r3newed");
    assert!(sandbox.run(&["get"], "me@ghcr.io").stdout.contains("r3newed"));
    sandbox.ok(&["account", "edit", "ghcr.io", "work", "--alias", "job"], "");
    assert_eq!(sandbox.who("work@ghcr.io"), "work");
    assert_eq!(read_json(&sealed_path(&sandbox, "ghcr.io"))["accounts"], json!(["job", "me"]));
    sandbox.ok(&["logout", "ghcr.io", "--all"], "");
    assert!(!sealed_path(&sandbox, "ghcr.io").exists());
}

#[test]
fn docker_hubs_tokens_are_sealed_beside_their_account() {
    let sandbox = with_key_file();
    let store = |server: &str, secret: &str| {
        let entry = json!({"ServerURL": server, "Username": "me", "Secret": secret}).to_string();
        assert_eq!(sandbox.run(&["store"], &entry), Run::success(""));
    };
    let keys = ["", "access-token", "refresh-token"].map(|end| format!("https://index.docker.io/v1/{end}"));
    for key in &keys {
        store(key, "s3cret");
    }
    assert!(files_with(&sandbox, "s3cret").is_empty());
    let answered = || keys.iter().all(|key| sandbox.run(&["get"], key).stdout.contains("s3cret"));
    assert!(answered());
    sandbox.ok(&["store", "move", "--to", "file"], "");
    assert!(answered());
    assert!(!sealed_path(&sandbox, "docker.io").exists());
    sandbox.ok(&["store", "move", "docker.io=me", "--to", "sealed"], "");
    assert!(answered() && files_with(&sandbox, "s3cret").is_empty());
    sandbox.ok(&["logout", "docker.io"], "");
    assert!(!sealed_path(&sandbox, "docker.io").exists());
}

#[test]
fn a_wrong_key_is_named_and_overwrites_nothing() {
    let sandbox = with_key_file();
    sandbox.store("ghcr.io", "me", "s3cret");
    let (key, description) = (sandbox.home().join("mounted/key"), sandbox.home().join("data/key.json"));
    let (own_key, own_description) = (fs::read(&key).unwrap(), fs::read(&description).unwrap());
    let mut told = String::new();
    // The key file contains another key.
    write(&key, b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    told += &refused(&sandbox);
    write(&key, b"no key");
    told += &refused(&sandbox);
    write(&key, &[b'x'; 1000]);
    told += &refused(&sandbox);
    fs::remove_file(&key).unwrap();
    told += &refused(&sandbox);
    // `key.json` describes another key.
    write(&key, &own_key);
    let mut other: Value = serde_json::from_slice(&own_description).unwrap();
    other["key"] = json!("0123456789abcdef");
    write(&description, other.to_string().as_bytes());
    told += &refused(&sandbox);
    write(&description, b"{\"version\": 2}");
    told += &refused(&sandbox);
    write(&description, b"{");
    told += &refused(&sandbox);
    fs::remove_file(&description).unwrap();
    told += &sandbox.run(&["get"], "ghcr.io").stdout;
    shows(
        &told,
        str![[r#"
`[HOME]/mounted/key` has another key, not the one that sealed the secrets: put the key `[KEY]` back there
`[HOME]/mounted/key` contains no key: a key is 32 bytes, raw, in Base64 or in hexadecimal digits: put the key `[KEY]` back there
`[HOME]/mounted/key` contains no key: a key is 32 bytes, raw, in Base64 or in hexadecimal digits: put the key `[KEY]` back there
`[HOME]/mounted/key`, which holds the key of the sealed secrets, is missing: mount the file, or put it back
`~/data/sealed/ghcr.io.json` was sealed with another key: it needs [KEY], and this machine has [KEY-2]: put that key's `key.json` back, or remove the file and log in again
`~/data/key.json` was written by a newer Ensign: install that version here too
`~/data/key.json`, which describes the key of the sealed secrets, is broken: EOF while parsing an object at line 1 column 1: put the file back from a backup; or remove it, then name the holder that has this key: run `docker-credential-ensign store key --holder HOLDER`
`~/data/key.json` is missing, so Ensign cannot find the key `[KEY]`, which the sealed secrets need: put the file back from a backup, or name the holder that has this key: run `docker-credential-ensign store key --holder HOLDER`

"#]],
    );
    write(&description, &own_description);
    assert_eq!(sandbox.who("ghcr.io"), "me");
    write(&key, &["\u{feff}".as_bytes(), &own_key].concat());
    assert_eq!(sandbox.who("ghcr.io"), "me");
}

#[test]
fn a_changed_byte_is_seen_wherever_it_is() {
    let sandbox = with_key_file();
    sandbox.store("ghcr.io", "me", "s3cret");
    let path = sealed_path(&sandbox, "ghcr.io");
    let own = fs::read_to_string(&path).unwrap();
    let file: Value = serde_json::from_str(&own).unwrap();
    let flipped = |text: &Value| {
        let mut text = text.as_str().unwrap().to_owned();
        let other = if text.starts_with('A') { "B" } else { "A" };
        text.replace_range(..1, other);
        json!(text)
    };
    let mut told = BTreeSet::new();
    for (field, value) in [
        ("generation", json!(9)),
        ("accounts", json!(["me", "evil"])),
        ("salt", flipped(&file["salt"])),
        ("sealed", flipped(&file["sealed"])),
        ("sealed", json!("")),
        ("salt", json!("AA==")),
        ("salt", json!("?")),
    ] {
        let mut changed = file.clone();
        changed[field] = value;
        write(&path, changed.to_string().as_bytes());
        told.insert(refused(&sandbox));
    }
    assert_eq!(told.len(), 1, "each change is named alike: {told:?}");
    for text in [&own.replace("\"version\": 1", "\"version\": 2"), &own[..own.len() / 2], ""] {
        write(&path, text.as_bytes());
        told.insert(refused(&sandbox));
    }
    shows(
        &Vec::from_iter(told).concat(),
        str![[r#"
`~/data/sealed/ghcr.io.json` was changed or damaged after Ensign wrote it, so it cannot be opened: run `docker-credential-ensign restore`
`~/data/sealed/ghcr.io.json` was written by a newer Ensign: install that version here too
the sealed secrets in `~/data/sealed/ghcr.io.json` are broken at line 10: run `docker-credential-ensign restore`
the sealed secrets in `~/data/sealed/ghcr.io.json` are broken at line 1: run `docker-credential-ensign restore`

"#]],
    );
    write(&path, own.replace(file["sealed"].as_str().unwrap(), flipped(&file["sealed"]).as_str().unwrap()).as_bytes());
    sandbox.run(&["restore"], "");
    assert!(!path.exists() && path.with_extension("json.damaged").exists());
}

#[test]
fn a_file_in_anothers_place_is_not_taken_for_it() {
    let sandbox = with_key_file();
    sandbox.store("ghcr.io", "me", "s3cret");
    sandbox.store("quay.io", "me", "0ther");
    fs::copy(sealed_path(&sandbox, "quay.io"), sealed_path(&sandbox, "ghcr.io")).unwrap();
    let mut told = refused(&sandbox);
    let path = sealed_path(&sandbox, "ghcr.io");
    let renamed = fs::read_to_string(&path).unwrap().replace("quay.io", "ghcr.io");
    write(&path, renamed.as_bytes());
    told += &refused(&sandbox);
    shows(
        &told,
        str![[r#"
`~/data/sealed/ghcr.io.json` contains the secrets of quay.io, not those of ghcr.io: put the right file back from a backup, or remove this file and log in again
`~/data/sealed/ghcr.io.json` was changed or damaged after Ensign wrote it, so it cannot be opened: run `docker-credential-ensign restore`

"#]],
    );
}

#[test]
fn an_old_copy_is_not_taken_for_the_last_one() {
    let sandbox = with_key_file();
    sandbox.store("ghcr.io", "me", "0ld");
    let path = sealed_path(&sandbox, "ghcr.io");
    let old = fs::read(&path).unwrap();
    sandbox.store("ghcr.io", "work", "n3w");
    let last = fs::read(&path).unwrap();
    write(&path, &old);
    shows(
        &refused(&sandbox),
        str![[r#"
`~/data/sealed/ghcr.io.json` is an old copy: generation 1, but the newest is 2 or later: put the newest copy back, or remove this copy and log in again

"#]],
    );
    write(&path, &last);
    assert_eq!(sandbox.who("me@ghcr.io"), "me");
    // Another machine with the same config has its own key, so its generations start at 1.
    let others = with_key_file();
    write(&others.config_path(), &fs::read(sandbox.config_path()).unwrap());
    let run = others.run(&["login", "ghcr.io", "-u", "me", "--password-stdin", "--no-verify"], "there");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(others.run(&["get"], "me@ghcr.io").stdout.contains("there"));
    let keys = others.config()["registries"]["ghcr.io"]["sealed"].as_object().unwrap().len();
    assert_eq!(keys, 2);
    // If a sealed file is lost, the new file gets the next generation.
    fs::remove_file(&path).unwrap();
    sandbox.store("ghcr.io", "me", "again");
    assert_eq!(read_json(&path)["generation"], 3);
}

#[test]
fn the_documented_examples_open() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sealed");
    let sandbox = Sandbox::new();
    let key = sandbox.home().join("key");
    fs::copy(fixtures.join("key"), &key).unwrap();
    let holder = format!("file:{}", key.display());
    sandbox.ok(&["store", "key", "--holder", &holder], "");
    assert_eq!(read_json(&sandbox.home().join("data/key.json"))["key"], "c8161cf45ceed923");
    write(&sealed_path(&sandbox, "ghcr.io"), &fs::read(fixtures.join("ghcr.io.json")).unwrap());
    let accounts = json!({"me": {"store": "sealed"}, "work": {"store": "sealed"}});
    let config = json!({"version": 3, "registries": {"ghcr.io": {"active": "me", "accounts": accounts}}});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    let secret = |user: &str| {
        let answer = sandbox.run(&["get"], &format!("{user}@ghcr.io")).stdout;
        serde_json::from_str::<Value>(&answer).unwrap()["Secret"].as_str().unwrap().to_owned()
    };
    let text = read_json(&fixtures.join("text.json"));
    assert_eq!(secret("me"), text["secrets"]["me"].as_str().unwrap());
    assert_eq!(secret("work"), text["secrets"]["work"]["secret"].as_str().unwrap());
}

/// Runs tests/sealed/sealed.py. Returns `None` if Python lacks the package `cryptography`.
fn python(words: &[&str], stdin: &str) -> Option<Run> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sealed/sealed.py");
    let probe = Command::new("python3").args(["-c", "import cryptography.hazmat.primitives.kdf.argon2"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        eprintln!("skipped: python3 has no package `cryptography`");
        return None;
    }
    let mut command = Command::new("python3");
    command.arg("-B").arg(script).args(words);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    Some(finish(command.spawn().unwrap(), stdin.as_bytes()))
}

#[test]
fn another_program_that_follows_the_document_opens_and_seals() {
    let sandbox = with_key_file();
    sandbox.store("ghcr.io", "me", "s3cret \"1\" ü");
    let (path, key) = (sealed_path(&sandbox, "ghcr.io"), sandbox.home().join("mounted/key"));
    let [path, key] = [&path, &key].map(|path| path.to_str().unwrap());
    let Some(opened) = python(&["open", path, key], "") else { return };
    let text: Value = serde_json::from_str(&opened.stdout).unwrap_or_else(|_| panic!("{opened:?}"));
    assert_eq!(text, json!({"version": 1, "secrets": {"me": "s3cret \"1\" ü"}}));
    let text = json!({"version": 1, "secrets": {"me": "from Python"}}).to_string();
    let sealed = python(&["seal", "ghcr.io", key, "5"], &text).unwrap();
    write(Path::new(path), sealed.stdout.as_bytes());
    sandbox.run(&["get"], "ghcr.io").shows(str![[r#"
exit 0
--- stdout
{"ServerURL":"ghcr.io","Username":"me","Secret":"from Python"}

"#]]);
}

#[test]
fn new_secrets_go_where_the_setting_says() {
    let sandbox = with_key_file();
    let docker = json!({"auths": {"quay.io": {"auth": "bWU6czNjcmV0"}}});
    write(&sandbox.docker_config_path(), docker.to_string().as_bytes());
    sandbox.ok(&["import", "docker", "--yes"], "");
    let store_of = |host: &str| sandbox.config()["registries"][host]["accounts"]["me"]["store"].clone();
    assert_eq!(store_of("quay.io"), "sealed");
    sandbox.ok(&["store", "file"], "");
    sandbox.store("ghcr.io", "me", "s3cret");
    assert_eq!(store_of("ghcr.io"), "file");
    // A renewed login stays in its account's store.
    sandbox.store("quay.io", "me", "r3newed");
    assert_eq!(store_of("quay.io"), "sealed");
    let shown = sandbox.run(&["store", "--json"], "");
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!((&shown["store"], shown["accounts"].as_array().unwrap().len()), (&json!("file"), 2));
    let named = sandbox.with("ENSIGN_STORE", "sealed");
    named.store("harbor.example", "me", "s3cret");
    assert_eq!(named.config()["registries"]["harbor.example"]["accounts"]["me"]["store"], "sealed");
    assert!(named.run(&["store"], "").stderr.is_empty(), "`store` alone, on a pipe, is the protocol's verb");
    let sandbox = named.with("ENSIGN_STORE", "");
    sandbox.ok(&["store", "--unset"], "");
    assert_eq!(sandbox.config().get("store"), None);
    let run = sandbox.run(&["store", "nowhere"], "");
    run.shows(str![[r#"
exit 2
--- stderr
error: `nowhere` is not a store
hint: use sealed, file (in clear text), or helper:NAME for docker-credential-NAME

"#]]);
}
