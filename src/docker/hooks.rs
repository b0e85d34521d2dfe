//! Adds or removes entries in Docker's `config.json`. The entries make Docker's CLI call Ensign's plugin after a
//! command.
//!
//! Docker's CLI reads `plugins.ensign.hooks` only if `features.hooks` is on (docker/cli
//! `cli-plugins/manager/hooks.go`). Another program may also need `features.hooks`. Therefore Ensign saves the old
//! value of `features.hooks` in `plugins.ensign`, which Docker preserves.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{ConfigJson, FilePlan, HELPER, PlannedChange};
use crate::system::env;

/// The section of the plugins' settings, which contains an object for each plugin.
pub(super) const PLUGINS: &str = "plugins";
const FEATURES: &str = "features";
const HOOKS: &str = "hooks";
/// The key under which the old value of `features.hooks` is saved. An empty text means that there was no old value.
const BEFORE: &str = "features.hooks";

/// Adds changes to the plan, so that Docker calls Ensign's plugin after `commands`.
pub(crate) fn plan(file: &ConfigJson, plan: FilePlan, commands: &str) -> Result<FilePlan> {
    let set = |section, key, value: &str| PlannedChange::Set { section, key, value: value.to_owned() };
    let mut changes = vec![set(PLUGINS, HOOKS, commands)];
    let switch = switch(file);
    if !switch.is_some_and(is_on) {
        changes.push(set(PLUGINS, BEFORE, switch.unwrap_or_default()));
        changes.push(set(FEATURES, HOOKS, "true"));
    }
    changes.retain(
        |change| !matches!(change, PlannedChange::Set { section: PLUGINS, key, value } if note(file, key) == Some(value)),
    );
    plan.and(file, changes)
}

/// Adds changes to the plan, so that Docker no longer calls Ensign's plugin.
pub(crate) fn undo(file: &ConfigJson, plan: FilePlan) -> Result<FilePlan> {
    let unset = |section, key, value: &str| PlannedChange::Unset { section, key, value: value.to_owned() };
    let mut changes = Vec::new();
    changes.extend(note(file, HOOKS).map(|commands| unset(PLUGINS, HOOKS, commands)));
    if let Some(before) = note(file, BEFORE) {
        changes.push(unset(PLUGINS, BEFORE, before));
        // If somebody has switched `features.hooks` off since then, `features.hooks` stays off.
        changes.extend(switch(file).filter(|value| is_on(value)).map(|_| match before {
            "" => unset(FEATURES, HOOKS, "true"),
            _ => PlannedChange::Set { section: FEATURES, key: HOOKS, value: before.to_owned() },
        }));
    }
    plan.and(file, changes)
}

/// Tells whether Docker would find Ensign's plugin.
pub(crate) fn docker_finds_plugin(config_folder: &Path) -> bool {
    let name = format!("docker-{HELPER}{}", std::env::consts::EXE_SUFFIX);
    plugin_folders(config_folder).iter().any(|folder| folder.join(&name).is_file())
}

/// Returns the folders where Docker looks for plugins (docker/cli `cli-plugins/manager/manager.go`, `manager_unix.go`
/// and `manager_windows.go`).
pub(crate) fn plugin_folders(config_folder: &Path) -> Vec<PathBuf> {
    const SYSTEM: [&str; 4] = [
        "/usr/local/lib/docker/cli-plugins",
        "/usr/local/libexec/docker/cli-plugins",
        "/usr/lib/docker/cli-plugins",
        "/usr/libexec/docker/cli-plugins",
    ];
    let mut folders =
        ConfigJson::load(&config_folder.join("config.json")).map_or_else(|_| vec![], |file| file.plugin_folders());
    folders.push(config_folder.join("cli-plugins"));
    if cfg!(windows) {
        let programs = ["ProgramData", "ProgramFiles"].into_iter().filter_map(env::path);
        folders.extend(programs.map(|folder| folder.join("Docker").join("cli-plugins")));
    } else {
        folders.extend(SYSTEM.map(PathBuf::from));
    }
    folders
}

fn note<'a>(file: &'a ConfigJson, key: &str) -> Option<&'a str> {
    let (_, ours) = file.section(PLUGINS).find(|(name, _)| *name == HELPER)?;
    ours.get(key)?.as_str()
}

fn switch(file: &ConfigJson) -> Option<&str> {
    file.section(FEATURES).find(|(key, _)| *key == HOOKS)?.1.as_str()
}

/// Tells whether Go's `strconv.ParseBool` reads the value as true.
fn is_on(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::{ClientFamily, setup};

    fn file(text: &str) -> ConfigJson {
        ConfigJson::parse(Path::new("config.json"), Some(text.into())).unwrap()
    }

    fn with_hooks(text: &str) -> FilePlan {
        let file = file(text);
        plan(&file, setup::plan(&file, ClientFamily::Docker, &[], false).unwrap(), "pull,push").unwrap()
    }

    fn undone(text: &str) -> FilePlan {
        let file = file(text);
        undo(&file, setup::undo(&file, None).unwrap()).unwrap()
    }

    #[test]
    fn hooks_are_set_and_undo_gives_back_the_text() {
        for (before, after) in [
            (
                r#"{"a": 1}"#,
                r#"{"a": 1, "plugins": {"ensign": {"hooks": "pull,push", "features.hooks": ""}}, "features": {"hooks": "true"}}"#,
            ),
            (
                r#"{"features": {"hooks": "false"}}"#,
                r#"{"features": {"hooks": "true"}, "plugins": {"ensign": {"hooks": "pull,push", "features.hooks": "false"}}}"#,
            ),
            (
                r#"{"Features": {"hooks": "1"}, "plugins": {"scout": {"hooks": "pull"}}}"#,
                r#"{"Features": {"hooks": "1"}, "plugins": {"scout": {"hooks": "pull"}, "ensign": {"hooks": "pull,push"}}}"#,
            ),
        ] {
            let plan = with_hooks(before);
            assert_eq!(plan.after(), Some(after));
            assert!(with_hooks(after).is_empty() && with_hooks(after).changes().is_empty());
            assert_eq!(undone(after).after(), Some(before));
            assert!(undone(before).changes().is_empty());
        }
    }

    #[test]
    fn what_others_changed_meanwhile_stays() {
        let off = r#"{"plugins": {"ensign": {"hooks": "x", "features.hooks": "", "own": "1"}}, "features": {"hooks": "false"}}"#;
        let left = r#"{"plugins": {"ensign": {"own": "1"}}, "features": {"hooks": "false"}}"#;
        assert_eq!(undone(off).after(), Some(left));
        let odd = file(r#"{"plugins": []}"#);
        assert!(plan(&odd, setup::undo(&odd, None).unwrap(), "push").is_err());
    }

    #[test]
    fn the_preview_shows_where_each_stands() {
        assert_eq!(
            with_hooks("{}").to_string(),
            "  plugins.ensign\n+   \"hooks\": \"pull,push\"\n+   \"features.hooks\": \"\"\n  features\n+   \"hooks\": \"true\"\n"
        );
    }
}
