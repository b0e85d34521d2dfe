//! What must change in `credHelpers` and `credsStore` so that the readers of a file ask Ensign, or no longer do.

use anyhow::Result;
use serde_json::Value;

use super::plan::Backup;
use super::{Change, ConfigJson, HELPER, Plan, Reader, json_edit, leftovers};
use crate::model::Registry;

/// Plans that the readers of a file send the registries to Ensign. Another helper keeps its registry unless `force` is given.
pub(crate) fn plan(file: &ConfigJson, reader: Reader, registries: &[Registry], force: bool) -> Result<Plan> {
    let is_for_hub = reader == Reader::Docker && registries.iter().any(Registry::is_docker_hub);
    if !is_for_hub {
        return write(file, entries(file, reader, registries, force));
    }
    let takes_store = hub_way(file, registries, force) == HubWay::Store;
    let mut changes = entries(file, reader, registries, force);
    changes.extend(address(file, takes_store, force));
    if takes_store {
        changes.push(store(file));
    }
    write(file, changes)
}

/// Plans that Docker asks Ensign for every registry: those entries, which last when another program takes `credsStore`
/// back, and `credsStore` itself.
pub(crate) fn plan_all(file: &ConfigJson, registries: &[Registry], force: bool) -> Result<Plan> {
    let mut changes = entries(file, Reader::Docker, registries, force);
    let is_for_hub = registries.iter().any(Registry::is_docker_hub) || file.helper(ADDRESS) == Some(HELPER);
    changes.extend(is_for_hub.then(|| address(file, true, force)).flatten());
    changes.push(store(file));
    write(file, changes)
}

/// How Docker's CLI comes to ask for Docker Hub. It looks for the old address, with its scheme; `podman --remote` refuses
/// every file with a scheme in a key of `credHelpers` (containers/image `pkg/docker/config/config.go`, `validateKey`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HubWay {
    /// By `credsStore`, which is asked for every registry.
    Store,
    /// By that key: with `credsStore` Docker would not see the plain-text logins of other registries any more.
    Address,
}

const ADDRESS: &str = Registry::HUB_SERVER_URL;

/// Chooses the way that loses no login.
pub(crate) fn hub_way(file: &ConfigJson, registries: &[Registry], force: bool) -> HubWay {
    let is_taken = file.helper(ADDRESS).is_some_and(|helper| helper != HELPER) && !force;
    let would_be_hidden = || {
        let (logins, _) = leftovers::find(file);
        let is_seen = |registry: &Registry| !registries.contains(registry) && file.helper(registry.as_str()).is_none();
        logins.iter().any(|login| is_seen(&login.registry()))
    };
    if is_taken || (file.store().is_none() && would_be_hidden()) { HubWay::Address } else { HubWay::Store }
}

/// What becomes of the entry under Docker Hub's old address.
fn address(file: &ConfigJson, takes_store: bool, force: bool) -> Option<Change> {
    let key = || ADDRESS.to_owned();
    match file.helper(ADDRESS) {
        None if takes_store => None,
        None => Some(Change::Add { key: key() }),
        Some(HELPER) if takes_store => Some(Change::Remove { key: key() }),
        Some(HELPER) => Some(Change::Ours { key: key() }),
        Some(helper) if force => Some(Change::Discard { key: key(), helper: helper.into() }),
        Some(helper) => Some(Change::Conflict { key: key(), helper: helper.into() }),
    }
}

fn store(file: &ConfigJson) -> Change {
    match file.store() {
        Some(HELPER) => Change::StoreOurs,
        before => Change::Store { before: before.map(str::to_owned) },
    }
}

fn entries(file: &ConfigJson, reader: Reader, registries: &[Registry], force: bool) -> Vec<Change> {
    let is_for_hub = reader == Reader::Docker && registries.iter().any(Registry::is_docker_hub);
    let mut wanted: Vec<&str> = Vec::new();
    for key in registries.iter().map(Registry::as_str) {
        if !wanted.contains(&key) {
            wanted.push(key);
        }
    }
    let mut changes: Vec<Change> = file
        .helpers()
        .filter(|(key, helper)| !wanted.contains(key) && *helper != HELPER && (!is_for_hub || *key != ADDRESS))
        .map(|(key, helper)| Change::Kept { key: key.into(), helper: helper.into() })
        .collect();
    changes.extend(wanted.into_iter().map(|key| match file.helper(key) {
        None => Change::Add { key: key.into() },
        Some(HELPER) => Change::Ours { key: key.into() },
        Some(helper) if force => Change::Replace { key: key.into(), helper: helper.into() },
        Some(helper) => Change::Conflict { key: key.into(), helper: helper.into() },
    }));
    changes
}

fn write(file: &ConfigJson, changes: Vec<Change>) -> Result<Plan> {
    let us = Value::from(HELPER).to_string();
    let plan = Plan::of(file, changes, |text, change| match change {
        Change::Add { key } | Change::Replace { key, .. } => {
            json_edit::set(text, &[file.spelling("credHelpers"), key], &us)
        }
        Change::Remove { key } | Change::Discard { key, .. } => {
            json_edit::remove(text, &[file.spelling("credHelpers"), key])
        }
        Change::Store { .. } => json_edit::set(text, &[file.spelling("credsStore")], &us),
        _ => Some(text.to_owned()),
    })?;
    let ours = file.helpers().any(|(_, helper)| helper == HELPER) || file.store() == Some(HELPER);
    Ok(plan.with_backup(if ours { Backup::IfNone } else { Backup::Fresh }))
}

/// Plans that exactly our entries go; `credHelpers` goes with its last one. What stood in `credsStore` before us comes
/// back. The file we made stays, as `{}`.
pub(crate) fn undo(file: &ConfigJson, store_before: Option<&str>) -> Result<Plan> {
    let ours = file.helpers().filter(|(_, helper)| *helper == HELPER);
    let mut changes: Vec<_> = ours.map(|(key, _)| Change::Remove { key: key.into() }).collect();
    let section = file.spelling("credHelpers");
    let all = changes.len() == file.helpers().count();
    if file.store() == Some(HELPER) {
        changes.push(Change::StoreBack { to: store_before.map(str::to_owned) });
    }
    let store = file.spelling("credsStore");
    Plan::of(file, changes, |text, change| match change {
        Change::Remove { .. } if all => json_edit::remove(text, &[section]),
        Change::Remove { key } => json_edit::remove(text, &[section, key]),
        Change::StoreBack { to: Some(before) } => {
            json_edit::set(text, &[store], &Value::from(before.as_str()).to_string())
        }
        Change::StoreBack { to: None } => json_edit::remove(text, &[store]),
        _ => Some(text.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn file(text: &str) -> ConfigJson {
        ConfigJson::parse(Path::new("config.json"), Some(text.into())).unwrap()
    }

    fn registries(names: &[&str]) -> Vec<Registry> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn registries_are_added_and_other_helpers_kept() {
        for (before, names, force, after) in [
            ("{}", &["ghcr.io"][..], false, Some("{\n\t\"credHelpers\": {\n\t\t\"ghcr.io\": \"ensign\"\n\t}\n}")),
            (
                r#"{"z":[1, 2],"a":1e3}"#,
                &["docker.io", "docker.io"],
                false,
                Some(r#"{"z":[1, 2],"a":1e3,"credHelpers":{"docker.io":"ensign"},"credsStore":"ensign"}"#),
            ),
            (r#"{"credHelpers": {"ghcr.io": "gh"}}"#, &["ghcr.io"], false, None),
            (
                r#"{"credHelpers": {"ghcr.io": "gh"}}"#,
                &["ghcr.io"],
                true,
                Some(r#"{"credHelpers": {"ghcr.io": "ensign"}}"#),
            ),
            (r#"{"credhelpers": {}}"#, &["ghcr.io"], false, Some(r#"{"credhelpers": {"ghcr.io": "ensign"}}"#)),
            (r#"{"credHelpers": {"ghcr.io": "ensign"}}"#, &["ghcr.io"], true, None),
            (r#"{"credHelpers": {"a": "b"}}"#, &[], true, None),
        ] {
            let plan = plan(&file(before), Reader::Docker, &registries(names), force).unwrap();
            assert_eq!(plan.after(), after, "{before}");
        }
        let hub = plan(&file("{}"), Reader::Containers, &registries(&["docker.io"]), false).unwrap();
        assert_eq!(hub.changes(), [Change::Add { key: "docker.io".into() }]);
    }

    #[test]
    fn docker_hub_is_asked_for_without_a_key_that_podman_refuses() {
        const URL: &str = "https://index.docker.io/v1/";
        for (before, force, after) in [
            (r#"{"a":1}"#.to_owned(), false, r#"{"a":1,"credHelpers":{"docker.io":"ensign"},"credsStore":"ensign"}"#.to_owned()),
            (
                format!(r#"{{"credHelpers": {{"{URL}": "ensign", "docker.io": "ensign"}}}}"#),
                false,
                r#"{"credHelpers": {"docker.io": "ensign"}, "credsStore": "ensign"}"#.into(),
            ),
            (
                r#"{"credsStore": "desktop"}"#.into(),
                false,
                r#"{"credsStore": "ensign", "credHelpers": {"docker.io": "ensign"}}"#.into(),
            ),
            // Another helper's entry stays until it is forced out.
            (
                format!(r#"{{"credHelpers": {{"{URL}": "pass"}}}}"#),
                false,
                format!(r#"{{"credHelpers": {{"{URL}": "pass", "docker.io": "ensign"}}}}"#),
            ),
            (
                format!(r#"{{"credHelpers": {{"{URL}": "pass"}}}}"#),
                true,
                r#"{"credHelpers": {"docker.io": "ensign"}, "credsStore": "ensign"}"#.into(),
            ),
            // A plain-text login of another registry stays one that Docker sees.
            (
                r#"{"auths": {"quay.io": {"auth": "YTpi"}}}"#.into(),
                false,
                format!(
                    r#"{{"auths": {{"quay.io": {{"auth": "YTpi"}}}}, "credHelpers": {{"docker.io": "ensign", "{URL}": "ensign"}}}}"#
                ),
            ),
            (
                r#"{"auths": {"docker.io": {"auth": "YTpi"}, "quay.io": {}}}"#.into(),
                false,
                r#"{"auths": {"docker.io": {"auth": "YTpi"}, "quay.io": {}}, "credHelpers": {"docker.io": "ensign"}, "credsStore": "ensign"}"#.into(),
            ),
        ] {
            let plan = plan(&file(&before), Reader::Docker, &registries(&["docker.io"]), force).unwrap();
            assert_eq!(plan.after(), Some(after.as_str()), "{before}");
        }
        let all = plan_all(&file(&format!(r#"{{"credHelpers":{{"{URL}":"ensign"}}}}"#)), &[], false).unwrap();
        assert_eq!(all.after(), Some(r#"{"credHelpers":{},"credsStore":"ensign"}"#));
    }

    #[test]
    fn the_store_is_taken_and_given_back() {
        for (before, after) in [
            ("{}", "{\n\t\"credsStore\": \"ensign\"\n}"),
            (r#"{"credsStore": "desktop", "auths": {}}"#, r#"{"credsStore": "ensign", "auths": {}}"#),
            (r#"{"a": 1, "credsstore": ""}"#, r#"{"a": 1, "credsstore": "ensign"}"#),
        ] {
            let text = file(before);
            let there = plan_all(&text, &[], false).unwrap();
            assert_eq!(there.after(), Some(after));
            let again = plan_all(&file(after), &[], false).unwrap();
            assert!(again.is_empty() && again.changes() == [Change::StoreOurs]);
            let back = undo(&file(after), text.written_store()).unwrap();
            assert_eq!(back.after(), Some(before));
        }
        let theirs = r#"{"credsStore": "desktop"}"#;
        assert!(undo(&file(theirs), Some("pass")).unwrap().is_empty());
    }

    #[test]
    fn undo_gives_back_the_text_that_had_no_helpers() {
        for before in [
            "{}",
            r#"{"auths":{"ghcr.io":{}}}"#,
            "{\n\t\"auths\": {},\n\t\"x\": [1,  2.50]\n}",
            "{\r\n    \"psFormat\": \"\\u003c\"\r\n}\r\n",
            "{ \"a\": 1 }\n",
        ] {
            let there = plan(&file(before), Reader::Docker, &registries(&["ghcr.io", "docker.io"]), false).unwrap();
            let back = undo(&file(there.after().unwrap()), None).unwrap();
            assert_eq!(back.after(), Some(before));
            assert!(undo(&file(before), None).unwrap().is_empty());
        }
        let mixed = r#"{"credHelpers": {"a": "x", "ghcr.io": "ensign", "b": "ensign-work"}}"#;
        let after = undo(&file(mixed), None).unwrap();
        assert_eq!(after.after().unwrap(), r#"{"credHelpers": {"a": "x", "b": "ensign-work"}}"#);
    }
}
