//! Finds the images that Podman, Buildah and Skopeo request for short names and for mirrored images.

mod registries_settings;

use std::collections::BTreeSet;

use super::Program;
use super::clients::{self, Grammar};
use super::images::ImageCollector;
use super::registries::{REGISTRIES_AT_MOST, among};
use crate::model::choice::{CommandImages, ImageRole};
use crate::model::{ImageReference, Operation, Registry};
pub(super) use registries_settings::RegistriesSettings;

const TOOLS: [&str; 3] = ["podman", "buildah", "skopeo"];

/// Returns the images of `registry` that the command requests according to the settings of Podman, Buildah and Skopeo.
pub(super) fn command(client: &Grammar, program: &Program, registry: &Registry) -> CommandImages {
    let command = clients::command(client, program, registry);
    match settings_of(&program.name) {
        Some(settings) => redirected(command, &settings, client, program, registry),
        None => command,
    }
}

fn redirected(
    mut command: CommandImages,
    settings: &RegistriesSettings,
    client: &Grammar,
    program: &Program,
    registry: &Registry,
) -> CommandImages {
    let hub_names = full_hub_names(program);
    let full_names = |image: &ImageReference| {
        if is_short(image, program, &hub_names) { settings.full_names(image) } else { vec![image.clone()] }
    };
    let mut images = ImageCollector::new(registry);
    let named = std::mem::take(&mut command.images);
    images.add_all(named.iter().flat_map(full_names));
    if !images.found().is_empty() {
        return CommandImages { images: images.into_vec(), ..command };
    }
    let mut sources = among(program.args.iter().map(String::as_str)); // with Docker Hub
    sources.retain(|source| settings.may_lead_away_from(source));
    for source in sources.iter().take(REGISTRIES_AT_MOST) {
        let from = clients::command(client, program, source);
        // A push is never redirected, and the result of a build is not requested.
        let is_literal = from.operation == Some(Operation::Push) || from.role == ImageRole::Result;
        let named = from.images.iter().flat_map(full_names);
        let asked = named.flat_map(|image| if is_literal { vec![image] } else { settings.asked_for(&image) });
        images.add_all(asked);
        if !images.found().is_empty() {
            return CommandImages { images: images.into_vec(), ..from };
        }
    }
    command
}

/// Returns the registries that a command may request according to the settings of Podman, Buildah and Skopeo.
pub(super) fn registries(program: &Program) -> Vec<Registry> {
    settings_of(&program.name).iter().flat_map(RegistriesSettings::destinations).collect()
}

pub(super) fn is_tool(program: &Program) -> bool {
    TOOLS.contains(&program.name.as_str())
}

/// Returns the names that follow the host of Docker Hub, or `docker://`, anywhere in the arguments.
fn full_hub_names(program: &Program) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let behind = |start| program.args.iter().flat_map(move |word| word.split(start).skip(1));
    let names = behind("docker.io/").chain(behind("docker://"));
    names.map(|rest| &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())]).collect()
}

/// Tells whether the command line contains the image only by its short name. A parsed image does not show whether its
/// name was short. Skopeo has no short names.
fn is_short(image: &ImageReference, program: &Program, hub_names: &BTreeSet<&str>) -> bool {
    let path = image.repository().as_str();
    let short = path.strip_prefix("library/").unwrap_or(path);
    let is_full = hub_names.contains(path) || hub_names.contains(short);
    image.registry().is_docker_hub() && program.name != "skopeo" && !is_full
}

/// Returns the settings by which a client redirects images, or `None` if the client has no such settings.
pub(super) fn settings_of(client: &str) -> Option<RegistriesSettings> {
    TOOLS.contains(&client).then(RegistriesSettings::load)
}

#[cfg(test)]
mod tests {
    use super::super::{command_line, program_role::ProgramRole};
    use super::*;

    const SETTINGS: &str = r#"
        unqualified-search-registries = ["quay.io"]
        [[registry]]
        prefix = "corp.example"
        location = "mirror.example/corp"
        [aliases]
        "tool" = "docker.io/acme/tool"
    "#;

    #[test]
    fn names_are_requested_where_the_settings_lead() {
        let mut settings = RegistriesSettings::default();
        settings.add(SETTINGS);
        for (text, registry, expected) in [
            ("podman pull alpine", "docker.io", "pull"),
            ("podman pull alpine", "quay.io", "quay.io/alpine pull"),
            ("podman pull alpine", "ghcr.io", "pull"),
            ("podman pull docker.io/alpine", "docker.io", "docker.io/library/alpine pull"),
            ("podman pull docker.io/alpine", "quay.io", "pull"),
            ("podman pull tool", "docker.io", "docker.io/acme/tool pull"),
            ("podman pull tool", "quay.io", "pull"),
            ("podman pull alpine alpine tool quay.io/a", "quay.io", "quay.io/a pull"),
            ("podman pull alpine alpine:1 tool", "quay.io", "quay.io/alpine quay.io/alpine:1 pull"),
            ("podman pull alpine:3 tool:1", "quay.io", "quay.io/alpine:3 pull"),
            ("podman pull tool:1 docker.io/acme/tool:1", "docker.io", "docker.io/acme/tool:1 pull"),
            ("podman run -e A=docker.io/x/y alpine", "quay.io", "quay.io/alpine pull"),
            ("podman run -e A=docker.io/alpine-x alpine", "quay.io", "quay.io/alpine pull"),
            ("podman pull docker://alpine:3", "quay.io", "pull"),
            ("podman pull docker.io/library/alpine:3", "quay.io", "pull"),
            ("podman push alpine", "quay.io", "quay.io/alpine push"),
            ("podman pull corp.example/app", "corp.example", "corp.example/app pull"),
            ("podman pull corp.example/app", "mirror.example", "mirror.example/corp/app pull"),
            ("podman push corp.example/app", "mirror.example", "pull"),
            ("podman build -t corp.example/app .", "mirror.example", "pull"),
            ("skopeo inspect docker://alpine", "docker.io", "docker.io/library/alpine pull"),
            ("skopeo inspect docker://corp.example/app", "mirror.example", "mirror.example/corp/app pull"),
        ] {
            let (program, registry) = (command_line(text).unwrap(), registry.parse().unwrap());
            let ProgramRole::Client(client) = program.role() else { panic!("{text} is not a client") };
            let command = clients::command(client, &program, &registry);
            let command = redirected(command, &settings, client, &program, &registry);
            let mut found: Vec<_> = command.images.iter().map(ToString::to_string).collect();
            found.extend(command.operation.map(|operation| operation.to_string()));
            assert_eq!(found.join(" "), expected, "{text} at {registry}");
        }
    }
}
