//! What must change in `credHelpers` so that the readers of a file ask Ensign, or no longer do.

use anyhow::Result;
use serde_json::Value;

use super::plan::Backup;
use super::{Change, ConfigJson, HELPER, Plan, Reader, json_edit};
use crate::model::Registry;

/// Plans that `credHelpers` sends the registries to Ensign. Another helper keeps its registry unless `force` is given.
pub(crate) fn plan(file: &ConfigJson, reader: Reader, registries: &[Registry], force: bool) -> Result<Plan> {
    let mut wanted: Vec<&str> = Vec::new();
    for key in registries.iter().flat_map(|registry| reader.keys(registry)) {
        if !wanted.contains(&key) {
            wanted.push(key);
        }
    }
    let mut changes: Vec<Change> = file
        .helpers()
        .filter(|(key, helper)| !wanted.contains(key) && *helper != HELPER)
        .map(|(key, helper)| Change::Kept { key: key.into(), helper: helper.into() })
        .collect();
    changes.extend(wanted.into_iter().map(|key| match file.helper(key) {
        None => Change::Add { key: key.into() },
        Some(HELPER) => Change::Ours { key: key.into() },
        Some(helper) if force => Change::Replace { key: key.into(), helper: helper.into() },
        Some(helper) => Change::Conflict { key: key.into(), helper: helper.into() },
    }));
    let plan = Plan::of(file, changes, |text, change| match change {
        Change::Add { key } | Change::Replace { key, .. } => {
            json_edit::set(text, &[file.spelling("credHelpers"), key], &Value::from(HELPER).to_string())
        }
        _ => Some(text.to_owned()),
    })?;
    let ours = file.helpers().any(|(_, helper)| helper == HELPER);
    Ok(plan.with_backup(if ours { Backup::IfNone } else { Backup::Fresh }))
}

/// Plans that exactly our entries go; `credHelpers` goes with its last one. The file we made stays, as `{}`.
pub(crate) fn undo(file: &ConfigJson) -> Result<Plan> {
    let ours = file.helpers().filter(|(_, helper)| *helper == HELPER);
    let changes: Vec<_> = ours.map(|(key, _)| Change::Remove { key: key.into() }).collect();
    let section = file.spelling("credHelpers");
    let all = changes.len() == file.helpers().count();
    Plan::of(file, changes, |text, change| match change {
        Change::Remove { .. } if all => json_edit::remove(text, &[section]),
        Change::Remove { key } => json_edit::remove(text, &[section, key]),
        _ => Some(text.to_owned()),
    })
}

impl Reader {
    /// The keys under which these programs look a registry up. For Docker Hub, Docker's CLI takes its old address and
    /// others, such as the Python SDK, the name; the address makes `podman --remote` fail.
    pub(crate) fn keys(self, registry: &Registry) -> Vec<&str> {
        match self {
            Self::Docker if registry.is_docker_hub() => vec![Registry::HUB_SERVER_URL, registry.as_str()],
            Self::Docker | Self::Containers => vec![registry.as_str()],
        }
    }
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
                Some(
                    r#"{"z":[1, 2],"a":1e3,"credHelpers":{"https://index.docker.io/v1/":"ensign","docker.io":"ensign"}}"#,
                ),
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
    fn undo_gives_back_the_text_that_had_no_helpers() {
        for before in [
            "{}",
            r#"{"auths":{"ghcr.io":{}}}"#,
            "{\n\t\"auths\": {},\n\t\"x\": [1,  2.50]\n}",
            "{\r\n    \"psFormat\": \"\\u003c\"\r\n}\r\n",
            "{ \"a\": 1 }\n",
        ] {
            let there = plan(&file(before), Reader::Docker, &registries(&["ghcr.io", "docker.io"]), false).unwrap();
            let back = undo(&file(there.after().unwrap())).unwrap();
            assert_eq!(back.after(), Some(before));
            assert!(undo(&file(before)).unwrap().is_empty());
        }
        let mixed = r#"{"credHelpers": {"a": "x", "ghcr.io": "ensign", "b": "ensign-work"}}"#;
        let after = undo(&file(mixed)).unwrap();
        assert_eq!(after.after().unwrap(), r#"{"credHelpers": {"a": "x", "b": "ensign-work"}}"#);
    }
}
