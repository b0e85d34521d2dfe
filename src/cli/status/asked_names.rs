//! The names under which Docker looks for a registry, and the helper that Docker asks for each name.

use serde_json::{Value, json};

use crate::cli::{CommandContext, configure_docker, unique};
use crate::docker::configured_helper::{self, AuthConfig, ConfiguredHelper};
use crate::docker::{ClientFamily, ConfigJson, setup};
use crate::model::Registry;
use crate::model::choice::RegistryAccounts;
use crate::system::text;

const NOBODY: &str = "nobody";

/// A name of a registry, and the helper that Docker asks for exactly this name.
pub(super) struct AskedName<'c> {
    registry: &'c Registry,
    name: String,
    asks: String,
    /// Whether the config names another helper for exactly this name.
    is_taken: bool,
}

impl AskedName<'_> {
    pub(super) fn json(&self) -> Value {
        json!({"registry": self.name, "asks": self.asks})
    }

    fn asks_ensign(&self) -> bool {
        ConfiguredHelper::named(&self.asks).is_ensign()
    }
}

/// Returns the helper that Docker asks for each name of these registries. Docker compares host names letter by letter,
/// so each spelling is a separate name.
pub(super) fn find<'c>(context: &CommandContext<'_>, registries: &[&'c RegistryAccounts]) -> Vec<AskedName<'c>> {
    let Some(path) = context.env.docker_config_file() else { return vec![] };
    let file = match ConfigJson::load(&path) {
        Ok(file) => file,
        Err(error) => {
            context.ui.note(text::one_line(&format!("{error:#}"), 300));
            return vec![];
        }
    };
    let variable = configured_helper::auth_config_variable();
    let mut other_names = context.accounts.other_names().unwrap_or_default();
    let mut names = vec![];
    for entry in registries {
        let registry = &entry.registry;
        let others = other_names.remove(registry).unwrap_or_default();
        for name in names_of(others, Some(&file), registry) {
            let key = if name == registry.as_str() { registry.docker_key() } else { &name };
            let asks = match (
                configured_helper::auth_config(variable.as_deref(), key),
                configured_helper::asked_as(&file, ClientFamily::Docker, key),
            ) {
                (AuthConfig::Wins, _) => "DOCKER_AUTH_CONFIG".to_owned(),
                (_, ConfiguredHelper::Ensign) => "ensign".to_owned(),
                (_, ConfiguredHelper::Pinned(alias)) => format!("ensign-{alias}"),
                (_, ConfiguredHelper::Helper(helper)) => helper.to_owned(),
                (_, ConfiguredHelper::PlainFile) => NOBODY.to_owned(),
            };
            let is_taken = configured_helper::other(&file, key).is_some();
            names.push(AskedName { registry, name, asks, is_taken });
        }
    }
    names
}

/// Returns the names under which clients look for a registry, without duplicates. The names are the registry's own
/// name, the known spellings, and the spellings in Docker's config.
pub(in crate::cli) fn names_of(others: Vec<String>, file: Option<&ConfigJson>, registry: &Registry) -> Vec<String> {
    let spelled = file.into_iter().flat_map(|file| {
        let spellings = setup::spellings_in(file, registry).into_iter();
        spellings.filter(|name| !registry.is_docker_hub() || file.helper(name).is_some())
    });
    unique(std::iter::once(registry.to_string()).chain(others).chain(spelled))
}

/// Describes whether Docker asks Ensign for all these names.
pub(super) fn describe(context: &CommandContext<'_>, docker: &[AskedName<'_>]) -> String {
    let others: Vec<_> = docker.iter().filter(|name| !name.asks_ensign()).collect();
    let mut sentences = match others.as_slice() {
        [] if docker.is_empty() => String::new(),
        [] => "Docker asks Ensign for all of these registries.\n".to_owned(),
        others => {
            let list: Vec<_> = others
                .iter()
                .map(|AskedName { name, asks, .. }| match asks.as_str() {
                    NOBODY => name.clone(),
                    other => format!("{name} (asks {other})"),
                })
                .collect();
            // Docker's `credHelpers` accepts no patterns.
            let command = if others.iter().any(|name| name.registry.is_pattern()) {
                "configure-docker --all".to_owned()
            } else if others.iter().any(|name| name.is_taken) {
                configure_docker::force_command(others.iter().map(|name| name.name.as_str()))
            } else {
                "configure-docker".to_owned()
            };
            format!(
                "Docker does not ask Ensign for {}; to change that:  {} {command}\n",
                list.join(", "),
                context.program
            )
        }
    };
    if docker.iter().any(AskedName::asks_ensign) && !configured_helper::docker_finds_us() {
        sentences += "✗ Docker will not find `docker-credential-ensign`, because its folder is not on PATH\n";
    }
    sentences
}
