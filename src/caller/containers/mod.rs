//! Finds the images that Podman, Buildah and Skopeo request for short names and for mirrored images.

mod registries_settings;

use super::Program;
use super::clients::{self, Grammar};
use super::images::ImageCollector;
use super::registries::{REGISTRIES_AT_MOST, among};
use crate::model::choice::{CommandImages, ImageRole};
use crate::model::{Operation, Registry};
pub(super) use registries_settings::RegistriesSettings;

const TOOLS: [&str; 3] = ["podman", "buildah", "skopeo"];

/// Returns the images of `registry` that the command requests. For Podman, Buildah and Skopeo, applies their settings
/// for short names and mirrors.
pub(super) fn command(client: &Grammar, program: &Program, registry: &Registry) -> CommandImages {
    match settings_of(&program.name) {
        Some(settings) => command_with(&settings, client, program, registry),
        None => clients::command(client, program, registry, None),
    }
}

fn command_with(
    settings: &RegistriesSettings,
    client: &Grammar,
    program: &Program,
    registry: &Registry,
) -> CommandImages {
    let command = clients::command(client, program, registry, Some(settings));
    if !command.images.is_empty() {
        return command;
    }
    let (mut images, mut first) = (ImageCollector::new(registry, None), None);
    let mut sources = among(program.args.iter().map(String::as_str)); // includes Docker Hub
    sources.retain(|source| settings.may_lead_away_from(source));
    for source in sources.iter().take(REGISTRIES_AT_MOST) {
        let from = clients::command(client, program, source, Some(settings));
        // A push is never redirected, and the result of a build is not requested.
        let is_literal = from.operation == Some(Operation::Push) || from.role == ImageRole::Result;
        if is_literal {
            continue;
        }
        images.add_all(from.images.iter().flat_map(|image| settings.asked_for(image)));
        if !images.found().is_empty() {
            first.get_or_insert(from);
        }
    }
    first.map_or(command, |from| CommandImages { images: images.into_vec(), ..from })
}

/// Returns the registries in the settings of Podman, Buildah and Skopeo. For any other client, the list is empty.
pub(super) fn registries(program: &Program) -> Vec<Registry> {
    settings_of(&program.name).iter().flat_map(RegistriesSettings::destinations).collect()
}

pub(super) fn is_tool(program: &Program) -> bool {
    TOOLS.contains(&program.name.as_str())
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
        [[registry]]
        prefix = "other.example"
        location = "mirror.example/other"
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
            ("podman pull alpine alpine tool quay.io/a", "quay.io", "quay.io/alpine quay.io/a pull"),
            ("podman pull alpine alpine:1 tool", "quay.io", "quay.io/alpine quay.io/alpine:1 pull"),
            ("podman pull alpine:3 tool:1", "quay.io", "quay.io/alpine:3 pull"),
            ("podman pull tool:1 docker.io/acme/tool:1", "docker.io", "docker.io/acme/tool:1 pull"),
            ("podman run -e A=docker.io/x/y alpine", "quay.io", "quay.io/alpine pull"),
            ("podman run -v /srv/docker.io/a/x:/d a/x", "quay.io", "quay.io/a/x pull"),
            ("podman run -v /srv/docker.io/a/x:/d a/x", "docker.io", "pull"),
            ("podman pull docker.io/a/x a/x", "docker.io", "docker.io/a/x pull"),
            ("podman pull docker.io/a/x a/x", "quay.io", "quay.io/a/x pull"),
            ("podman run -e A=docker.io/alpine-x alpine", "quay.io", "quay.io/alpine pull"),
            ("podman pull docker://alpine:3", "quay.io", "pull"),
            ("podman pull docker.io/library/alpine:3", "quay.io", "pull"),
            ("podman push alpine", "quay.io", "quay.io/alpine push"),
            ("podman pull corp.example/app", "corp.example", "corp.example/app pull"),
            ("podman pull corp.example/app", "mirror.example", "mirror.example/corp/app pull"),
            (
                "podman pull corp.example/a other.example/b",
                "mirror.example",
                "mirror.example/corp/a mirror.example/other/b pull",
            ),
            ("podman push corp.example/app", "mirror.example", "pull"),
            ("podman build -t corp.example/app .", "mirror.example", "pull"),
            ("skopeo inspect docker://alpine", "docker.io", "docker.io/library/alpine pull"),
            ("skopeo inspect docker://corp.example/app", "mirror.example", "mirror.example/corp/app pull"),
        ] {
            let (program, registry) = (command_line(text).unwrap(), registry.parse().unwrap());
            let ProgramRole::Client(client) = program.role() else { panic!("{text} is not a client") };
            let command = command_with(&settings, client, &program, &registry);
            let mut found: Vec<_> = command.images.iter().map(ToString::to_string).collect();
            found.extend(command.operation.map(|operation| operation.to_string()));
            assert_eq!(found.join(" "), expected, "{text} at {registry}");
        }
    }
}
