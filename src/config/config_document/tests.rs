//! Edits of `config.json`, and what they leave unchanged.

use super::super::reader::read;
use super::*;
use proptest::prelude::*;

fn account(registry: &str, name: &str, images: &[String]) -> Account {
    Account {
        name: name.parse().unwrap(),
        images: images.iter().map(|text| text.parse().unwrap()).collect(),
        folders: vec!["/w".into()],
        did: Some("did:plc:x".into()),
        ..Account::new(Registry::from_key(registry), format!("{name}-user").parse().unwrap())
    }
}

#[test]
fn an_account_stands_on_one_line() {
    let mut document = ConfigDocument::empty();
    document.put(&account("ghcr.io", "me", &["ghcr.io/acme/**".into()]));
    document.set_folders(&Registry::from_key("ghcr.io"), &"me".parse().unwrap(), &["~/w".into()]);
    document.set_active(&Registry::from_key("ghcr.io"), &DefaultAccount::Account("me".parse().unwrap()));
    let expected = r#"{
  "version": 3,
  "registries": {
    "ghcr.io": {
      "active": "me",
      "accounts": {
        "me": {"username": "me-user", "store": "file", "images": ["ghcr.io/acme/**"], "did": "did:plc:x", "folders": ["~/w"]}
      }
    }
  }
}
"#;
    assert_eq!(document.to_text(), expected);
}

#[test]
fn edits_keep_what_they_do_not_mean() {
    let text = r#"{"future": {"a": 1}, "version": 3, "registries": {"quay.io": {"x": [1], "accounts": {}}, "GHCR.io":
            {"color": "red", "active": "a", "accounts": {"a": {"later": true, "username": "u"}, "b": {}}}}}"#;
    let mut document = ConfigDocument::parse(text.as_bytes()).unwrap();
    let ghcr = Registry::from_key("ghcr.io");
    document.put(&account("ghcr.io", "a", &[]));
    document.rename(&ghcr, &"a".parse().unwrap(), &"c".parse().unwrap());
    document.remove(&ghcr, &"b".parse().unwrap());
    let expected = json!({"future": {"a": 1}, "version": 3, "registries": {"quay.io": {"x": [1], "accounts": {}}, "GHCR.io":
        {"color": "red", "active": "c", "accounts": {"c": {"later": true, "username": "a-user", "store": "file", "did": "did:plc:x"}}}}});
    assert_eq!(Value::Object(document.0.clone()), expected);
    document.remove(&ghcr, &"c".parse().unwrap());
    assert!(!document.to_text().contains("GHCR.io"));
}

#[test]
fn a_number_that_is_not_ours_stays_the_same_number() {
    let text = r#"{"version": 3, "later": 6.934698245112694e276}"#;
    let written = ConfigDocument::parse(text.as_bytes()).unwrap().to_text();
    assert_eq!(ConfigDocument::parse(written.as_bytes()).unwrap(), ConfigDocument::parse(text.as_bytes()).unwrap());
}

#[test]
fn a_renamed_account_keeps_the_user_name_that_its_label_said() {
    let mut document =
        ConfigDocument::parse(br#"{"version": 3, "registries": {"a": {"accounts": {"me": {}}}}}"#).unwrap();
    document.rename(&Registry::from_key("a"), &"me".parse().unwrap(), &"home".parse().unwrap());
    assert_eq!(document.0["registries"]["a"]["accounts"], json!({"home": {"username": "me"}}));
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        entries in proptest::collection::btree_map("[a-z]{1,6}(\\.io)?(:[1-9][0-9]{2})?", proptest::collection::btree_map("[^\\p{C}]{1,12}", 0..3usize, 1..4), 0..4),
    ) {
        let mut document = ConfigDocument::empty();
        let mut expected = Vec::new();
        for (registry, names) in &entries {
            for (name, images) in names {
                let images: Vec<_> = (0..*images).map(|n| format!("{registry}/team-{n}/**")).collect();
                let account = account(registry, name, &images);
                document.put(&account);
                document.set_folders(&account.registry, &account.name, &["/w".into()]);
                expected.push(account);
            }
        }
        let text = document.to_text();
        let read = read(text.as_bytes(), None, |folder| folder.into()).unwrap();
        let accounts: Vec<_> = read.registries.into_iter().flat_map(|entry| entry.accounts).collect();
        prop_assert_eq!(accounts, expected);
        prop_assert_eq!(ConfigDocument::parse(text.as_bytes()).unwrap(), document);
    }
}

/// The text before an edit, the edit, and the text after it.
type Edit = (&'static str, fn(&mut ConfigDocument), &'static str);

fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

fn hosts(texts: &[&str]) -> Vec<Registry> {
    texts.iter().map(|text| Registry::from_key(text)).collect()
}

fn a() -> Registry {
    Registry::from_key("a")
}

const EMPTY: &str = r#"{"version":3,"registries":{}}"#;
const ONE: &str = r#"{"registries":{"A":{"accounts":{"me":{}}}}}"#;
const TWO: &str =
    r#"{"registries":{"a":{"active":"me","previous":"you","accounts":{"me":{},"you":{"username":"u"}}}}}"#;
const ALSO: &str = r#"{"also":{"m":{"registry":"A","accounts":["me","you"]},"n":{"registry":"b","accounts":["me"]}},"registries":{"a":{"accounts":{"me":{}}}}}"#;

const EDITS: &[Edit] = &[
    // Settings of the whole file. A new setting is inserted where people expect it.
    (EMPTY, |all| all.set_fallback("pass".parse().ok().as_ref()), r#"{"version":3,"fallback":"pass","registries":{}}"#),
    (r#"{"fallback":"pass","x":1}"#, |all| all.set_fallback(None), r#"{"x":1}"#),
    (EMPTY, |all| all.set_store(Some(&StoreKind::Sealed)), r#"{"version":3,"store":"sealed","registries":{}}"#),
    (r#"{"store":"file","x":1}"#, |all| all.set_store(None), r#"{"x":1}"#),
    (EMPTY, |all| all.set_journal(false), r#"{"version":3,"registries":{},"journal":false}"#),
    (r#"{"journal":false,"x":1}"#, |all| all.set_journal(true), r#"{"x":1}"#),
    (r#"{"x":1}"#, |all| all.set_trusted("/f", Some("d")), r#"{"x":1,"trusted":{"/f":"d"}}"#),
    (r#"{"trusted":{"/f":"d","/g":"e"}}"#, |all| all.set_trusted("/f", None), r#"{"trusted":{"/g":"e"}}"#),
    (r#"{"trusted":{"/f":"d"}}"#, |all| all.set_trusted("/f", None), "{}"),
    ("{}", |all| all.set_replaced_store("/f", Some("pass")), r#"{"replacedStores":{"/f":"pass"}}"#),
    (
        r#"{"replacedStores":{"/f":"pass","/g":"x"}}"#,
        |all| all.set_replaced_store("/f", None),
        r#"{"replacedStores":{"/g":"x"}}"#,
    ),
    (r#"{"replacedStores":{"/f":"pass"}}"#, |all| all.set_replaced_store("/f", None), "{}"),
    // Fields of a registry. The spelling of the registry's key does not change.
    (
        ONE,
        |all| all.set_active(&a(), &DefaultAccount::Account(name("me"))),
        r#"{"registries":{"A":{"active":"me","accounts":{"me":{}}}}}"#,
    ),
    (
        TWO,
        |all| all.set_active(&a(), &DefaultAccount::SignedOut),
        r#"{"registries":{"a":{"active":null,"previous":"you","accounts":{"me":{},"you":{"username":"u"}}}}}"#,
    ),
    (
        TWO,
        |all| all.set_active(&a(), &DefaultAccount::Unset),
        r#"{"registries":{"a":{"previous":"you","accounts":{"me":{},"you":{"username":"u"}}}}}"#,
    ),
    (
        r#"{"registries":{"a":{"active":"me","accounts":{"me":{}}}}}"#,
        |all| all.set_previous(&a(), Some(&name("x"))),
        r#"{"registries":{"a":{"active":"me","previous":"x","accounts":{"me":{}}}}}"#,
    ),
    (
        TWO,
        |all| all.set_previous(&a(), None),
        r#"{"registries":{"a":{"active":"me","accounts":{"me":{},"you":{"username":"u"}}}}}"#,
    ),
    (
        ONE,
        |all| all.set_public(&a(), &["a/b".parse().unwrap()]),
        r#"{"registries":{"A":{"accounts":{"me":{}},"public":["a/b"]}}}"#,
    ),
    (ONE, |all| all.set_public(&a(), &[]), ONE),
    (r#"{"registries":{"a":{"public":["a/b"]}}}"#, |all| all.set_public(&a(), &[]), r#"{"registries":{}}"#),
    (
        r#"{"registries":{"a":{"public":["a/b"],"helper":"pass"}}}"#,
        |all| all.set_public(&a(), &[]),
        r#"{"registries":{"a":{"helper":"pass","accounts":{}}}}"#,
    ),
    (
        r#"{"registries":{}}"#,
        |all| all.set_helper(&a(), "pass".parse().ok().as_ref()),
        r#"{"registries":{"a":{"accounts":{},"helper":"pass"}}}"#,
    ),
    (r#"{"registries":{"a":{"helper":"pass"}}}"#, |all| all.set_helper(&a(), None), r#"{"registries":{}}"#),
    (
        r#"{"registries":{"a":{"helper":"pass","public":["a/b"]}}}"#,
        |all| all.set_helper(&a(), None),
        r#"{"registries":{"a":{"public":["a/b"],"accounts":{}}}}"#,
    ),
    (
        ONE,
        |all| all.add_spelling(&a(), "A:443"),
        r#"{"registries":{"A":{"accounts":{"me":{}},"spellings":["A:443"]}}}"#,
    ),
    (
        r#"{"registries":{"a":{"accounts":{},"spellings":["x"]}}}"#,
        |all| ["x", "y"].iter().for_each(|text| all.add_spelling(&a(), text)),
        r#"{"registries":{"a":{"accounts":{},"spellings":["x","y"]}}}"#,
    ),
    (
        ONE,
        |all| all.set_floor(&MinimumGeneration { registry: a(), key: "k".into(), generation: 7 }),
        r#"{"registries":{"A":{"accounts":{"me":{}},"sealed":{"k":7}}}}"#,
    ),
    (
        ONE,
        |all| all.set_floor(&MinimumGeneration { registry: Registry::from_key("b"), key: "k".into(), generation: 7 }),
        ONE,
    ),
    // Accounts, and the fields that refer to them.
    (
        TWO,
        |all| all.rename(&a(), &name("me"), &name("us")),
        r#"{"registries":{"a":{"active":"us","previous":"you","accounts":{"us":{"username":"me"},"you":{"username":"u"}}}}}"#,
    ),
    (
        TWO,
        |all| all.rename(&a(), &name("you"), &name("us")),
        r#"{"registries":{"a":{"active":"me","previous":"us","accounts":{"me":{},"us":{"username":"u"}}}}}"#,
    ),
    (
        TWO,
        |all| all.remove(&a(), &name("you")),
        r#"{"registries":{"a":{"active":"me","previous":"you","accounts":{"me":{}}}}}"#,
    ),
    (
        r#"{"registries":{"a":{"active":"me","previous":"x","helper":"pass","accounts":{"me":{}}},"b":{}}}"#,
        |all| all.remove(&a(), &name("me")),
        r#"{"registries":{"a":{"helper":"pass","accounts":{}},"b":{}}}"#,
    ),
    (
        r#"{"registries":{"a":{"active":"me","helper":"A/b","accounts":{"me":{}}},"b":{}}}"#, // not a helper's name
        |all| all.remove(&a(), &name("me")),
        r#"{"registries":{"b":{}}}"#,
    ),
    // Other hosts for which an account answers.
    (
        ONE,
        |all| all.set_also(&a(), &name("me"), &hosts(&["m", "n"])),
        r#"{"registries":{"A":{"accounts":{"me":{}}}},"also":{"m":{"registry":"a","accounts":["me"]},"n":{"registry":"a","accounts":["me"]}}}"#,
    ),
    (ONE, |all| all.set_also(&a(), &name("me"), &[]), ONE),
    (
        r#"{"also":{"m":{"registry":"a","accounts":["me"]}}}"#,
        |all| all.set_also(&a(), &name("you"), &hosts(&["M"])),
        r#"{"also":{"m":{"registry":"a","accounts":["me","you"]}}}"#,
    ),
    (
        r#"{"also":{"m":{"registry":"a","accounts":["me","you"]},"l":{"registry":"a","accounts":["me"]},"n":{"registry":"b","accounts":["me"]}}}"#,
        |all| all.set_also(&a(), &name("me"), &[]),
        r#"{"also":{"m":{"registry":"a","accounts":["you"]},"n":{"registry":"b","accounts":["me"]}}}"#,
    ),
    (r#"{"also":{"m":{"registry":"a","accounts":["me"]}}}"#, |all| all.set_also(&a(), &name("me"), &[]), "{}"),
    (
        ALSO,
        |all| all.rename(&a(), &name("me"), &name("us")),
        r#"{"also":{"m":{"registry":"A","accounts":["us","you"]},"n":{"registry":"b","accounts":["me"]}},"registries":{"a":{"accounts":{"us":{"username":"me"}}}}}"#,
    ),
    (
        ALSO,
        |all| all.remove(&a(), &name("me")),
        r#"{"also":{"m":{"registry":"A","accounts":["you"]},"n":{"registry":"b","accounts":["me"]}},"registries":{}}"#,
    ),
];

#[test]
fn an_edit_changes_what_it_names_and_nothing_else() {
    for (place, (before, edit, after)) in EDITS.iter().enumerate() {
        let mut document = ConfigDocument::parse(before.as_bytes()).unwrap();
        edit(&mut document);
        assert_eq!(serde_json::to_string(&document.0).unwrap(), *after, "edit {place} of {before}");
        edit(&mut document);
        assert_eq!(serde_json::to_string(&document.0).unwrap(), *after, "edit {place} of {before}, twice");
    }
}
