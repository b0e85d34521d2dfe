//! Finds images in Kubernetes manifests, Skopeo's sync lists and Helm charts.

use std::path::{Path, PathBuf};

use super::budget::Budget;
use super::build::{Build, local_path};
use super::dockerfile::{BuildParameters, BuilderKind};
use super::project_reader::ProjectReader;
use super::yaml::YamlNode;
use super::{FileCommand, ImageSide, ProjectImages};
use crate::caller::command_words::FlagKind;

/// Returns the images in the manifests of `podman kube play FILE` or `kubectl apply -f FILE`. If `FILE` is a folder,
/// all manifests in the folder are read.
pub(super) fn manifest_images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, .. } = command;
    let mut side = ImageSide::default();
    for name in
        task.flags.values(FlagKind::File).flat_map(|names| names.split(',')).chain(task.positionals.iter().copied())
    {
        let Some(path) = local_path(current, name) else {
            reader.add_unknown(Path::new(name), "the manifests are on standard input or at a remote address");
            continue;
        };
        let in_folder = reader.files_in(&path, &["json", "yaml", "yml"]);
        let paths = if in_folder.is_empty() { vec![path] } else { in_folder };
        for path in paths {
            for document in reader.documents(&path) {
                if task.client == "podman" {
                    for pod in pods(&document) {
                        side.extend(pod_images(pod, &path, command, reader));
                    }
                } else {
                    containers(&document, &path, &mut side, reader.budget());
                }
            }
        }
    }
    side.unknown.extend(reader.take_unknown());
    ProjectImages::pulled(side)
}

/// Returns the pods that Podman starts. Podman skips all other kinds of objects (podman
/// `pkg/domain/infra/abi/play.go`).
fn pods(document: &YamlNode) -> Vec<&YamlNode> {
    let spec = document.get("spec");
    match document.get("kind").text() {
        Some("Pod") => vec![spec],
        Some("Deployment" | "DaemonSet" | "Job") => vec![spec.get("template").get("spec")],
        Some("List") => document.get("items").list().iter().flat_map(|item| pods(item)).collect(),
        _ => Vec::new(),
    }
}

/// Returns the images of a pod's containers and volumes. Podman builds an image if a folder with the image's name has a
/// Containerfile, and pulls only the images of this build.
fn pod_images(pod: &YamlNode, path: &Path, command: &FileCommand<'_>, reader: &mut ProjectReader) -> ImageSide {
    let FileCommand { task, folder: current, .. } = command;
    let folder = task.flags.value(FlagKind::Folder).map_or_else(|| current.clone(), |folder| current.join(folder));
    let containers = ["initContainers", "containers"].into_iter().flat_map(|key| pod.get(key).list());
    let containers = containers.map(|container| (container.get("image"), container.get("imagePullPolicy")));
    let volumes = pod.get("volumes").list().iter().map(|volume| volume.get("image"));
    let volumes = volumes.map(|image| (image.get("reference"), image.get("pullPolicy")));
    let mut side = ImageSide::default();
    for (image, policy) in volumes.chain(containers) {
        let Some(image) = image.text().filter(|_| reader.budget().spend(1)) else { continue };
        let build_file = if task.flags.is_off("--build") {
            None
        } else {
            reader.first_of(&folder.join(short_name(image)), &["Containerfile", "Dockerfile"])
        };
        if let Some(file) = build_file {
            let parameters = BuildParameters { builder: BuilderKind::Buildah, ..BuildParameters::default() };
            side.extend(Build { files: vec![file], parameters, ..Build::default() }.pulled(reader));
        } else if !policy.text().is_some_and(|policy| policy.eq_ignore_ascii_case("never")) {
            side.add_image(image, path);
        }
    }
    side
}

/// Returns the last part of an image's name, as Podman's `imageNamePrefix` does.
fn short_name(image: &str) -> &str {
    let name = image.split(':').next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    name.split('@').next().unwrap_or_default()
}

/// Finds containers at any depth, because a `Deployment`, a `CronJob` or a custom resource may nest them.
fn containers(node: &YamlNode, path: &Path, side: &mut ImageSide, budget: &Budget) {
    node.list().iter().for_each(|child| containers(child, path, side, budget));
    for (key, child) in node.map() {
        if matches!(key.as_str(), "containers" | "initContainers" | "ephemeralContainers") {
            let images = child.list().iter().filter_map(|container| container.get("image").text());
            let images = images.take_while(|_| budget.spend(1));
            side.extend(ImageSide::from_texts(FlagKind::Image, images, path));
        } else {
            containers(child, path, side, budget);
        }
    }
}

/// Returns the images of a Skopeo sync list, and their copies. The list contains repositories, grouped by registry
/// (skopeo `docs/skopeo-sync.1.md`).
pub(super) fn sync_images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, .. } = command;
    let list = task.positionals.first().filter(|_| task.flags.value(FlagKind::SourcePlace) == Some("yaml"));
    let Some(path) = list.map(|name| current.join(name)) else { return ProjectImages::default() };
    let destination = task
        .positionals
        .get(1)
        .filter(|_| task.flags.value(FlagKind::DestinationPlace) == Some("docker") && !task.flags.is_on("--dry-run"));
    let mut named = ProjectImages { goes_out: destination.is_some(), ..ProjectImages::default() };
    for (registry, lists) in reader.document(&path).iter().flat_map(|document| document.map()) {
        let repositories =
            ["images", "images-by-tag-regex", "images-by-semver"].into_iter().flat_map(|kind| lists.get(kind).map());
        let images = repositories.map(|(repository, _)| format!("{registry}/{repository}"));
        for image in images.take_while(|image| reader.budget().spend(image.len() as u64)) {
            named.pulled.add_image(&image, &path);
            let name = image.rsplit('/').next().filter(|_| !task.flags.is_on("--scoped")).unwrap_or(&image);
            if let Some(destination) = destination {
                named.pushed.add_image(&format!("{}/{name}", destination.trim_end_matches('/')), &path);
            }
        }
    }
    named
}

/// Returns the charts that a Helm chart depends on. A chart's reference is the address in `repository:
/// oci://HOST/PATH`, followed by the chart's name.
pub(super) fn chart_images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, .. } = command;
    let mut side = ImageSide::default();
    let folders: Vec<PathBuf> = match task.positionals.as_slice() {
        [] => vec![current.to_owned()],
        names => names.iter().map(|name| current.join(name)).collect(),
    };
    // Helm 3 still reads the dependencies of version 1 in their own file (helm `pkg/chart/loader/load.go`).
    for path in folders.iter().flat_map(|folder| ["Chart.yaml", "requirements.yaml"].map(|name| folder.join(name))) {
        let Some(chart) = reader.document(&path) else { continue };
        for dependency in chart.get("dependencies").list() {
            let repository = dependency.get("repository").text().and_then(|text| text.strip_prefix("oci://"));
            if let (Some(repository), Some(name)) = (repository, dependency.get("name").text()) {
                side.add_image(&format!("{}/{name}", repository.trim_end_matches('/')), &path);
            }
        }
    }
    ProjectImages::pulled(side)
}
