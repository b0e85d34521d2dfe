//! Finds images in Kubernetes manifests, Skopeo's sync lists and Helm charts.

use std::path::{Path, PathBuf};

use super::project_reader::ProjectReader;
use super::yaml::YamlNode;
use super::{ImageSide, FileCommand, ProjectImages};
use crate::caller::command_words::FlagKind;

/// The largest number of nodes to visit for one argument. YAML aliases can make the tree of a file much larger than its
/// text.
const STEPS_AT_MOST: usize = 100_000;

/// Returns the images of containers in the manifests of `podman kube play FILE` or `kubectl apply -f FILE`. If `FILE`
/// is a folder, all manifests in the folder are read.
pub(super) fn manifest_images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, .. } = command;
    let mut side = ImageSide::default();
    for name in
        task.flags.values(FlagKind::File).flat_map(|names| names.split(',')).chain(task.positionals.iter().copied())
    {
        if name == "-" {
            continue;
        }
        let path = current.join(name);
        let mut steps_left = STEPS_AT_MOST;
        let in_folder = reader.files_in(&path, &["json", "yaml", "yml"]);
        let paths = if in_folder.is_empty() { vec![path] } else { in_folder };
        for path in paths {
            for document in reader.documents(&path) {
                containers(&document, &path, &mut side, &mut steps_left);
            }
        }
        if steps_left == 0 {
            reader.add_unknown(&current.join(name), "contains more than Ensign reads");
        }
    }
    ProjectImages::pulled(side)
}

/// Finds containers at any depth, because a `Deployment`, a `CronJob` or a custom resource may nest them.
fn containers(node: &YamlNode, path: &Path, side: &mut ImageSide, steps_left: &mut usize) {
    const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
    for child in node.list() {
        let Some(left) = steps_left.checked_sub(1) else { return };
        *steps_left = left;
        containers(child, path, side, steps_left);
    }
    for (key, child) in node.map() {
        let Some(left) = steps_left.checked_sub(1) else { return };
        *steps_left = left;
        if LISTS.contains(&key.as_str()) {
            let images = child.list().iter().filter_map(|container| container.get("image")?.text());
            let images: Vec<&str> = images.take(*steps_left).collect();
            *steps_left -= images.len();
            for image in images {
                side.add_image(image, path);
            }
        } else {
            containers(child, path, side, steps_left);
        }
    }
}

/// Returns the images of a Skopeo sync list. The list contains repositories, grouped by registry (skopeo
/// `docs/skopeo-sync.1.md`).
pub(super) fn sync_images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, .. } = command;
    let list = task.positionals.first().filter(|_| task.flags.value(FlagKind::SourcePlace) == Some("yaml"));
    let Some(path) = list.map(|name| current.join(name)) else { return ProjectImages::default() };
    let mut side = ImageSide::default();
    for (registry, lists) in reader.document(&path).iter().flat_map(|document| document.map()) {
        let repositories = ["images", "images-by-tag-regex", "images-by-semver"]
            .into_iter()
            .filter_map(|kind| lists.get(kind))
            .flat_map(|list| list.map());
        repositories.for_each(|(repository, _)| side.add_image(&format!("{registry}/{repository}"), &path));
    }
    ProjectImages::pulled(side)
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
    for path in folders.iter().map(|folder| folder.join("Chart.yaml")) {
        let Some(chart) = reader.document(&path) else { continue };
        for dependency in chart.get("dependencies").iter().flat_map(|list| list.list()) {
            let repository =
                dependency.get("repository").and_then(|repository| repository.text()?.strip_prefix("oci://"));
            if let (Some(repository), Some(name)) = (repository, dependency.get("name").and_then(|name| name.text())) {
                side.add_image(&format!("{}/{name}", repository.trim_end_matches('/')), &path);
            }
        }
    }
    ProjectImages::pulled(side)
}
