//! Plans changes of `credHelpers` and `credsStore` so that clients ask Ensign, and plans to undo such changes.

use anyhow::Result;

use super::configured_helper::ConfiguredHelper;
use super::containers::has_scheme;
use super::file_plan::BackupRule;
use super::logins::{FoundLogin, distinct};
use super::{ClientFamily, ConfigJson, FilePlan, HELPER, PlannedChange, plaintext_auths};
use crate::model::Registry;

/// A registry for which clients should ask Ensign. `names` lists other names by which clients look up the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WantedRegistry {
    pub(crate) registry: Registry,
    pub(crate) names: Vec<String>,
}

/// Plans an entry for each registry. An entry with another helper is replaced only if `force` is set.
pub(crate) fn plan(
    file: &ConfigJson,
    reader: ClientFamily,
    wanted: &[WantedRegistry],
    force: bool,
) -> Result<FilePlan> {
    let takes_store = reader == ClientFamily::Docker && has_hub(wanted) && may_take_store(file, wanted, force);
    plan_with_store(file, reader, wanted, force, takes_store)
}

/// Plans to set `credsStore` to Ensign, so that Docker asks Ensign for every registry. The wanted registries also get
/// entries, which have effect even if another program changes `credsStore` later.
pub(crate) fn plan_all(file: &ConfigJson, wanted: &[WantedRegistry], force: bool) -> Result<FilePlan> {
    plan_with_store(file, ClientFamily::Docker, wanted, force, true)
}

/// Docker Hub's old address, which has a scheme. Docker's CLI looks up Docker Hub by this address. However, `podman
/// --remote` rejects every file that has a key with a scheme in `credHelpers` (containers/image
/// `pkg/docker/config/config.go`, `validateKey`).
const ADDRESS: &str = Registry::HUB_SERVER_URL;

/// Tells whether Docker's CLI may find Ensign for Docker Hub in `credsStore`, instead of in an entry for Docker Hub's
/// old address. A new `credsStore` would hide the plain-text logins of other registries, which Docker must still find.
fn may_take_store(file: &ConfigJson, wanted: &[WantedRegistry], force: bool) -> bool {
    let is_taken = file.helper(ADDRESS).is_some_and(|helper| helper != HELPER) && !force;
    let would_be_hidden = || {
        let (logins, unusable) = plaintext_auths::find(file);
        // Docker also uses a registry token, which no helper can return.
        let unusable = unusable.iter().filter_map(|entry| Registry::spelled(&entry.key)).map(|(registry, _)| registry);
        let is_wanted = |registry: &Registry| wanted.iter().any(|entry| entry.registry == *registry);
        let is_seen = |registry: &Registry| !is_wanted(registry) && file.helper(registry.as_str()).is_none();
        logins.iter().map(FoundLogin::registry).chain(unusable).any(|registry| is_seen(&registry))
    };
    !is_taken && (file.store().is_some() || !would_be_hidden())
}

fn has_hub(wanted: &[WantedRegistry]) -> bool {
    wanted.iter().any(|entry| entry.registry.is_docker_hub())
}

impl WantedRegistry {
    /// Returns the keys that the registry needs in this file. Clients compare keys letter by letter, so each spelling
    /// is a separate key.
    fn keys(&self, file: &ConfigJson, asks_for_all: bool) -> Vec<String> {
        let names = self.names.iter().cloned().chain(spellings_in(file, &self.registry));
        let hosts = self.registry.serves().filter(|_| !asks_for_all).map(|host| host.to_string());
        std::iter::once(self.registry.to_string()).chain(names).chain(hosts).collect()
    }
}

impl From<Registry> for WantedRegistry {
    fn from(registry: Registry) -> Self {
        Self { registry, names: vec![] }
    }
}

/// Returns the spellings of a registry's name in a file, without Ensign's own spelling.
pub(crate) fn spellings_in(file: &ConfigJson, registry: &Registry) -> Vec<String> {
    let keys = file.helpers().map(|(key, _)| key).chain(file.logins().map(|(key, _)| key));
    let spelled = keys.filter_map(Registry::spelled).filter(|(named, _)| named == registry);
    distinct(spelled.filter_map(|(_, spelling)| spelling))
}

/// Plans the entries, and `credsStore` if `takes_store` is set.
fn plan_with_store(
    file: &ConfigJson,
    reader: ClientFamily,
    wanted: &[WantedRegistry],
    force: bool,
    takes_store: bool,
) -> Result<FilePlan> {
    let has_our_address = takes_store && file.helper(ADDRESS) == Some(HELPER);
    let is_for_hub = reader == ClientFamily::Docker && (has_hub(wanted) || has_our_address);
    let urls = own_urls(file);
    let renamed = urls.iter().map(|key| Registry::from_key(key).to_string());
    let keys = distinct(wanted.iter().flat_map(|entry| entry.keys(file, takes_store)).chain(renamed));
    let is_kept = |key: &str, helper: &str| {
        helper != HELPER && !(is_for_hub && key == ADDRESS) && !keys.iter().any(|wanted| wanted == key)
    };
    let kept = file.helpers().filter(|(key, helper)| is_kept(key, helper));
    let mut changes: Vec<_> =
        kept.map(|(key, helper)| PlannedChange::Kept { key: key.into(), helper: helper.into() }).collect();
    changes.extend(keys.into_iter().map(|key| entry(file, key, force)));
    changes.extend(urls.into_iter().map(|key| PlannedChange::Remove { key, helper: HELPER.into() }));
    if is_for_hub {
        changes.extend(address(file, takes_store, force));
    }
    if takes_store {
        changes.push(match file.store() {
            Some(HELPER) => PlannedChange::StoreOurs,
            before => PlannedChange::Store { before: before.map(str::to_owned) },
        });
    }
    let ours = file.helpers().any(|(_, helper)| helper == HELPER) || file.store() == Some(HELPER);
    Ok(FilePlan::new(file, changes)?.with_backup(if ours { BackupRule::IfNone } else { BackupRule::Fresh }))
}

/// Returns Ensign's keys that are URLs, except Docker Hub's old address. No client looks up such a key, but `podman
/// --remote` fails on it.
pub(crate) fn own_urls(file: &ConfigJson) -> Vec<String> {
    let urls = file.helpers().filter(|(key, helper)| *helper == HELPER && *key != ADDRESS && has_scheme(key));
    urls.map(|(key, _)| key.to_owned()).collect()
}

/// Returns the change of a wanted key's entry.
fn entry(file: &ConfigJson, key: String, force: bool) -> PlannedChange {
    match file.helper(&key) {
        None => PlannedChange::Add { key },
        Some(HELPER) => PlannedChange::Ours { key },
        Some(helper) if force => PlannedChange::Replace { key, helper: helper.into() },
        Some(helper) => PlannedChange::Conflict { key, helper: helper.into() },
    }
}

/// Returns the change of the entry for Docker Hub's old address. If Docker asks `credsStore`, the entry is not needed.
fn address(file: &ConfigJson, takes_store: bool, force: bool) -> Option<PlannedChange> {
    let key = ADDRESS.to_owned();
    match file.helper(ADDRESS) {
        None if takes_store => None,
        Some(HELPER) if takes_store => Some(PlannedChange::Remove { key, helper: HELPER.into() }),
        Some(helper) if force && takes_store => Some(PlannedChange::Discard { key, helper: helper.into() }),
        _ => Some(entry(file, key, force)),
    }
}

/// Plans to remove a broken helper from `credHelpers` and from `credsStore`.
pub(crate) fn drop_helper(file: &ConfigJson, helper: &str) -> Result<FilePlan> {
    let of_helper = file.helpers().filter(|(_, name)| *name == helper);
    let mut changes: Vec<_> =
        of_helper.map(|(key, _)| PlannedChange::Discard { key: key.into(), helper: helper.into() }).collect();
    if file.store() == Some(helper) {
        changes.push(PlannedChange::StoreBack { from: helper.into(), to: None });
    }
    Ok(FilePlan::new(file, changes)?.with_backup(BackupRule::IfNone))
}

/// Plans to remove the entries of Ensign and of its pinned helpers, and the whole `credHelpers` if no entry remains.
/// Restores the old value of `credsStore`. A file that Ensign created is not removed, and then contains `{}`.
pub(crate) fn undo(file: &ConfigJson, store_before: Option<&str>) -> Result<FilePlan> {
    let is_ours = |helper: &str| ConfiguredHelper::named(helper).is_ensign();
    let ours = file.helpers().filter(|(_, helper)| is_ours(helper));
    let mut changes: Vec<_> =
        ours.map(|(key, helper)| PlannedChange::Remove { key: key.into(), helper: helper.into() }).collect();
    if let Some(store) = file.store().filter(|store| is_ours(store)) {
        changes.push(PlannedChange::StoreBack { from: store.into(), to: store_before.map(str::to_owned) });
    }
    FilePlan::new(file, changes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn file(text: &str) -> ConfigJson {
        ConfigJson::parse(Path::new("config.json"), Some(text.into())).unwrap()
    }

    fn registries(names: &[&str]) -> Vec<WantedRegistry> {
        names.iter().map(|name| name.parse::<Registry>().unwrap().into()).collect()
    }

    #[test]
    fn a_helper_that_is_gone_leaves_no_name_behind() {
        for (before, after) in [
            (r#"{"credsStore": "x", "z": 1}"#, Some(r#"{"z": 1}"#)),
            (r#"{"credHelpers": {"a.io": "x", "b.io": "y"}}"#, Some(r#"{"credHelpers": {"b.io": "y"}}"#)),
            (r#"{"credsStore": "xy", "credHelpers": {"a.io": "ensign"}}"#, None),
        ] {
            assert_eq!(drop_helper(&file(before), "x").unwrap().after(), after, "{before}");
        }
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
            let plan = plan(&file(before), ClientFamily::Docker, &registries(names), force).unwrap();
            assert_eq!(plan.after(), after, "{before}");
        }
        let hub = plan(&file("{}"), ClientFamily::Containers, &registries(&["docker.io"]), false).unwrap();
        let hosts = ["docker.io", "dhi.io", "registry.scout.docker.com"];
        assert_eq!(hub.changes(), hosts.map(|key| PlannedChange::Add { key: key.into() }));
    }

    #[test]
    fn every_spelling_of_a_file_and_of_a_person_has_a_key() {
        let text =
            file(r#"{"auths": {"GHCR.io": {}, "https://ghcr.io:443/v2/": {}, "quay.io:443": {}, "ghcr.io": {}}}"#);
        let wanted = [WantedRegistry {
            registry: Registry::from_key("ghcr.io"),
            names: vec!["mirror.example".into(), "GHCR.io".into()],
        }];
        let plan = plan(&text, ClientFamily::Docker, &wanted, false).unwrap();
        let keys = ["ghcr.io", "mirror.example", "GHCR.io", "ghcr.io:443"];
        assert_eq!(plan.changes(), keys.map(|key| PlannedChange::Add { key: key.into() }));
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
            // Another helper's entry stays unless `force` is set.
            (
                format!(r#"{{"credHelpers": {{"{URL}": "pass"}}}}"#),
                false,
                format!(r#"{{"credHelpers": {{"{URL}": "pass", "docker.io": "ensign", "dhi.io": "ensign", "registry.scout.docker.com": "ensign"}}}}"#),
            ),
            (
                format!(r#"{{"credHelpers": {{"{URL}": "pass"}}}}"#),
                true,
                r#"{"credHelpers": {"docker.io": "ensign"}, "credsStore": "ensign"}"#.into(),
            ),
            (
                format!(r#"{{"auths": {{"quay.io": {{"auth": "YTpi"}}}}, "credHelpers": {{"{URL}": "pass"}}}}"#),
                true,
                format!(r#"{{"auths": {{"quay.io": {{"auth": "YTpi"}}}}, "credHelpers": {{"{URL}": "ensign", "docker.io": "ensign", "dhi.io": "ensign", "registry.scout.docker.com": "ensign"}}}}"#),
            ),
            // Docker still sees the plain-text login of another registry.
            (
                r#"{"auths": {"quay.io": {"auth": "YTpi"}}}"#.into(),
                false,
                format!(
                    r#"{{"auths": {{"quay.io": {{"auth": "YTpi"}}}}, "credHelpers": {{"docker.io": "ensign", "dhi.io": "ensign", "registry.scout.docker.com": "ensign", "{URL}": "ensign"}}}}"#
                ),
            ),
            (
                r#"{"auths": {"quay.io": {"registrytoken": "t"}}}"#.into(),
                false,
                format!(
                    r#"{{"auths": {{"quay.io": {{"registrytoken": "t"}}}}, "credHelpers": {{"docker.io": "ensign", "dhi.io": "ensign", "registry.scout.docker.com": "ensign", "{URL}": "ensign"}}}}"#
                ),
            ),
            (
                r#"{"auths": {"docker.io": {"auth": "YTpi"}, "quay.io": {}}}"#.into(),
                false,
                r#"{"auths": {"docker.io": {"auth": "YTpi"}, "quay.io": {}}, "credHelpers": {"docker.io": "ensign"}, "credsStore": "ensign"}"#.into(),
            ),
        ] {
            let plan = plan(&file(&before), ClientFamily::Docker, &registries(&["docker.io"]), force).unwrap();
            assert_eq!(plan.after(), Some(after.as_str()), "{before}");
        }
        let all = plan_all(&file(&format!(r#"{{"credHelpers":{{"{URL}":"ensign"}}}}"#)), &[], false).unwrap();
        assert_eq!(all.after(), Some(r#"{"credsStore":"ensign"}"#));
    }

    #[test]
    fn the_store_is_taken_and_given_back() {
        for (before, after) in [
            ("{}", "{\n\t\"credsStore\": \"ensign\"\n}"),
            (r#"{"credsStore": "desktop", "auths": {}}"#, r#"{"credsStore": "ensign", "auths": {}}"#),
            (r#"{"a": 1, "credsstore": ""}"#, r#"{"a": 1, "credsstore": "ensign"}"#),
        ] {
            let text = file(before);
            let plan = plan_all(&text, &[], false).unwrap();
            assert_eq!(plan.after(), Some(after));
            let again = plan_all(&file(after), &[], false).unwrap();
            assert!(again.is_empty() && again.changes() == [PlannedChange::StoreOurs]);
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
            let plan =
                plan(&file(before), ClientFamily::Docker, &registries(&["ghcr.io", "docker.io"]), false).unwrap();
            let back = undo(&file(plan.after().unwrap()), None).unwrap();
            assert_eq!(back.after(), Some(before));
            assert!(undo(&file(before), None).unwrap().is_empty());
        }
        let mixed = r#"{"credHelpers": {"a": "x", "ghcr.io": "ensign", "b": "ensigns"}}"#;
        let after = undo(&file(mixed), None).unwrap();
        assert_eq!(after.after().unwrap(), r#"{"credHelpers": {"a": "x", "b": "ensigns"}}"#);
        let pinned = r#"{"a": 1, "credHelpers": {"ghcr.io": "ensign-work"}, "credsStore": "ensign-me"}"#;
        assert_eq!(undo(&file(pinned), None).unwrap().after(), Some(r#"{"a": 1}"#));
    }
}
