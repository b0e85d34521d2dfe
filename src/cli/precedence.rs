//! Describes the login or helper that a client uses instead of asking Ensign.

use serde_json::{Value, json};

use super::CommandContext;
use crate::docker::first_login::{FirstLogin, LoginLookup};
use crate::docker::{ClientFamily, containers};
use crate::model::choice::RegistryAccounts;
use crate::system::text::{one_line, quote_path};

pub(super) const TOOLS: &str = "Podman, Buildah and Skopeo";

/// The places from which the container tools get their logins for some registries.
#[derive(Default)]
pub(super) struct ContainersLogins {
    /// One JSON value for each name of a registry.
    pub(super) json: Vec<Value>,
    /// Sentences about logins and helpers that the container tools use instead of Ensign.
    others: Vec<String>,
    /// The registry names for which the container tools find neither a login nor a helper.
    unasked: Vec<String>,
}

impl ContainersLogins {
    pub(super) fn print(&self, context: &CommandContext<'_>) {
        self.others.iter().for_each(|sentence| context.ui.note(sentence));
        if !self.unasked.is_empty() {
            context.ui.note(format_args!("{TOOLS} do not ask Ensign for {}", self.unasked.join(", ")));
            context.ui.say(format_args!("  To change that:  {} configure-docker", context.program));
        }
    }
}

pub(super) fn containers_tools(context: &CommandContext<'_>, registries: &[&RegistryAccounts]) -> ContainersLogins {
    let mut found = ContainersLogins::default();
    if registries.is_empty() || !containers::are_found(context.env) {
        return found;
    }
    let lookup = match LoginLookup::new(ClientFamily::Containers, context.env) {
        Ok(lookup) => lookup,
        Err(error) => {
            found.others.push(one_line(&format!("{error:#}"), 300));
            return found;
        }
    };
    let mut other_names = context.accounts.other_names().unwrap_or_default();
    for entry in registries.iter().filter(|entry| !entry.registry.is_pattern()) {
        let registry = &entry.registry;
        let others = other_names.remove(registry).unwrap_or_default();
        for name in std::iter::once(registry.to_string()).chain(others) {
            let first = lookup.first(registry, &name, None);
            match sentence(context, TOOLS, &name, &first) {
                Some(sentence) => found.others.push(sentence),
                None if first == FirstLogin::Nobody => found.unasked.push(name.clone()),
                None => {}
            }
            found.json.push(json!({"registry": name, "first": first}));
        }
    }
    found
}

/// Returns a sentence about the login or helper that a client uses before Ensign. Returns `None` if the client asks
/// Ensign or finds nothing.
pub(super) fn sentence(context: &CommandContext<'_>, who: &str, name: &str, first: &FirstLogin) -> Option<String> {
    let [asks, uses, does, _] = verbs(who);
    Some(match first {
        FirstLogin::Ensign | FirstLogin::Nobody => return None,
        FirstLogin::Variable => {
            format!("{who} {uses} the login for {name} in DOCKER_AUTH_CONFIG, and {does} not ask Ensign")
        }
        FirstLogin::Helper { helper, file } => {
            let file = context.env.shorten_home(file);
            format!(
                "{who} {asks} docker-credential-{} for {name}, because {file} names this helper",
                one_line(helper, 60)
            )
        }
        FirstLogin::Login { user, file } => {
            let shown = context.env.shorten_home(file);
            format!(
                "{who} {uses} the login of {} for {name} in {shown}, and {does} not ask Ensign; to import that login:  {} import {} --remove",
                one_line(user, 60),
                context.program,
                quote_path(file)
            )
        }
    })
}

/// Returns the verbs of a sentence about a client or several clients.
pub(super) fn verbs(who: &str) -> [&'static str; 4] {
    if who == "Docker" { ["asks", "uses", "does", "looks"] } else { ["ask", "use", "do", "look"] }
}

/// Returns a short name for the source of the login.
pub(super) fn name_of(first: &FirstLogin) -> String {
    match first {
        FirstLogin::Ensign => "ensign".to_owned(),
        FirstLogin::Helper { helper, .. } => format!("docker-credential-{}", one_line(helper, 60)),
        FirstLogin::Login { user, .. } => one_line(user, 60),
        FirstLogin::Variable => "DOCKER_AUTH_CONFIG".to_owned(),
        FirstLogin::Nobody => "nobody".to_owned(),
    }
}
