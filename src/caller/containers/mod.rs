//! What Podman, Buildah and Skopeo request in place of an image's name.

mod registries_settings;

use super::Program;
use super::clients::{self, Grammar};
use super::registries::{REGISTRIES_AT_MOST, among};
use crate::model::choice::{CommandImages, ImageRole};
use crate::model::{ImageReference, Operation, Registry};
pub(super) use registries_settings::RegistriesSettings;

const TOOLS: [&str; 3] = ["podman", "buildah", "skopeo"];

/// The images of `registry` that the command requests, according to the settings.
pub(super) fn command(client: &Grammar, program: &Program, registry: &Registry) -> CommandImages {
    let mut command = clients::command(client, program, registry);
    if !is_tool(program) {
        return command;
    }
    let settings = RegistriesSettings::load();
    let is_short = |image: &ImageReference| image.registry().is_docker_hub() && !names_hub(program);
    if registry.is_docker_hub() && settings.leaves_out_hub() {
        command.images.retain(|image| !is_short(image) || settings.leads_to_hub(image));
    }
    if !command.images.is_empty() {
        return command;
    }
    let mut sources = among(program.args.iter().map(String::as_str)); // with Docker Hub
    sources.retain(|source| source != registry && settings.may_lead_away_from(source));
    for source in sources.iter().take(REGISTRIES_AT_MOST) {
        let from = clients::command(client, program, source);
        // A push keeps the name as it is, and the result of a build stays here.
        let is_literal = from.operation == Some(Operation::Push) || from.role == ImageRole::Result;
        for image in &from.images {
            let named = if is_short(image) { settings.full_names(image) } else { vec![image.clone()] };
            let asked =
                named.iter().flat_map(|image| if is_literal { vec![image.clone()] } else { settings.asked_for(image) });
            for image in asked.filter(|image| image.registry() == registry) {
                if !command.images.contains(&image) {
                    command.images.push(image);
                }
            }
        }
        if !command.images.is_empty() {
            command.role = from.role;
            command.operation = command.operation.or(from.operation);
            break;
        }
    }
    command
}

/// The registries that a command of these tools may request according to the settings.
pub(super) fn registries(program: &Program) -> Vec<Registry> {
    if !is_tool(program) {
        return vec![];
    }
    RegistriesSettings::load().destinations().collect()
}

pub(super) fn is_tool(program: &Program) -> bool {
    TOOLS.contains(&program.name.as_str())
}

/// Tells whether a word has a short name. A parsed image no longer shows that. skopeo has no short names.
fn names_hub(program: &Program) -> bool {
    let is_hub = |word: &String| word.contains("docker.io/") || word.contains("docker://");
    program.name == "skopeo" || program.args.iter().any(is_hub)
}

/// The settings for names in files, if the client with this name follows any.
pub(super) fn settings_of(client: &str) -> Option<RegistriesSettings> {
    TOOLS.contains(&client).then(RegistriesSettings::load)
}
