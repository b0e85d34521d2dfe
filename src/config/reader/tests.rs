//! Valid and invalid texts of `config.json`.

use super::*;

const FILE: &str = r#"{"note": 1, "registries": {
    "quay.io": {"active": null, "accounts": {"carol": {"username": "carol", "store": "file"}}},
    "GHCR.io": {"active": "work", "accounts": {
        "work": {"username": "acme-bot", "store": "helper:pass", "images": ["ghcr.io/acme/**"], "folders": ["~/w"], "new": []},
        "me": {}}}
    }, "trusted": {"/w/.ensign.toml": "sha256:00", "/x": {"later": 1}}, "version": 3}"#;

fn expand(text: &str) -> PathBuf {
    PathBuf::from(text.replace('~', "/home/me"))
}

#[test]
fn one_registry_is_read_and_the_others_are_skipped() {
    let reading = read(FILE.as_bytes(), Some(&Registry::from_key("ghcr.io")), expand).unwrap();
    let [ghcr] = reading.registries.as_slice() else { panic!("{reading:?}") };
    assert_eq!((reading.version, ghcr.accounts.len()), (3, 2));
    assert_eq!(ghcr.active, DefaultAccount::Account("work".parse().unwrap()));
    assert_eq!(ghcr.accounts[0].username.as_str(), "acme-bot");
    assert_eq!(*reading.trusted, [TrustedFile { file: "/w/.ensign.toml".into(), digest: "sha256:00".into() }]);
    assert_eq!(ghcr.accounts[0].folders, [PathBuf::from("/home/me/w")]);
    assert_eq!((ghcr.accounts[1].username.as_str(), &ghcr.accounts[1].store), ("me", &StoreKind::File));
}

#[test]
fn all_registries_are_read_in_order() {
    let all = read(FILE.as_bytes(), None, expand).unwrap().registries;
    assert_eq!(all.iter().map(|entry| entry.registry.as_str()).collect::<Vec<_>>(), ["quay.io", "ghcr.io"]);
    assert_eq!(all[0].active, DefaultAccount::SignedOut);
}

#[test]
fn settings_of_the_whole_file_are_read_with_their_defaults() {
    for (settings, store, fallback, journal) in [
        ("", None, None, true),
        (r#", "store": "sealed", "fallback": "pass", "journal": false"#, Some("sealed"), Some("pass"), false),
        (r#", "store": null, "fallback": "A/b", "journal": null"#, None, None, true),
    ] {
        let LoadedConfig { store: kind, fallback: helper, journal: is_on, .. } =
            read(format!(r#"{{"version": 3{settings}}}"#).as_bytes(), None, expand).unwrap();
        let found = (kind.map(|kind| kind.to_string()), helper.map(|name| name.to_string()), is_on);
        assert_eq!(found, (store.map(str::to_owned), fallback.map(str::to_owned), journal), "{settings}");
    }
}

#[test]
fn a_wrong_file_is_refused_with_its_place() {
    for (text, expected) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("[]", "invalid type: sequence, expected an object with `version` and `registries` at line 1 column 0"),
        ("{}", "there is no `version`"),
        (r#"{"version": 2, "registries": {}}"#, "version 2 is not a version of Ensign's config"),
        (
            "{\"version\": 3,\n \"registries\": {\"a\": 1}}",
            "invalid type: integer `1`, expected an object with `active` and `accounts` at line 2 column 22",
        ),
        (
            r#"{"version": 3, "registries": []}"#,
            "invalid type: sequence, expected an object of registries at line 1 column 29",
        ),
        (
            r#"{"version": 3, "registries": {"a": {"accounts": []}}}"#,
            "invalid type: sequence, expected an object at line 1 column 48",
        ),
        (r#"{"version": 3} x"#, "trailing characters at line 1 column 16"),
        (r#"{"version": 3, "registries": {}, "registries": {}}"#, "registries appears twice at line 1 column 45"),
        (r#"{"version": 3, "registries": {"a": {}, "A": {}}}"#, "registries.a appears twice at line 1 column 42"),
        (
            r#"{"version": 3, "registries": {"a": {"accounts": {"x": {}, "x": {}}}}}"#,
            "registries.a.accounts.x appears twice",
        ),
        (
            r#"{"version": 3, "registries": {"a": {"accounts": {"x": {"images": ["A/b c"]}}}}}"#,
            "registries.a.accounts.x.images: a pattern is `registry/path` in lower case, with `*` and `**` as wildcards",
        ),
    ] {
        assert_eq!(read(text.as_bytes(), None, expand).unwrap_err().to_string(), expected, "{text}");
    }
}
