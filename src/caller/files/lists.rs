//! Files that list images: Kubernetes' manifests, skopeo's sync list, helm's chart.

use std::path::{Path, PathBuf};

use super::reader::Reader;
use super::yaml::Node;
use super::{Found, Named};
use crate::caller::clients::Task;
use crate::caller::words::Meaning;

/// Aliases can make a file's tree larger than the file.
const STEPS_AT_MOST: usize = 100_000;

/// The containers' images in manifests: `podman kube play FILE`, `kubectl apply -f FILE`, or a folder's files.
pub(super) fn manifest_images(task: &Task<'_>, current: &Path, reader: &mut Reader) -> Named {
    let mut first = Vec::new();
    for name in task.values(Meaning::File).flat_map(|names| names.split(',')).chain(task.positionals.iter().copied()) {
        let path = current.join(name);
        if name == "-" || name.contains("://") {
            continue;
        }
        let mut steps_left = STEPS_AT_MOST;
        let in_folder = reader.files_in(&path, &["json", "yaml", "yml"]);
        for path in std::iter::once(path).chain(in_folder) {
            for document in reader.documents(&path) {
                containers(&document, &path, &mut first, &mut steps_left);
            }
        }
        if steps_left == 0 {
            return Named::default();
        }
    }
    Named::pulled(first)
}

/// Wherever a pod's template stands: in a `Deployment`, a `CronJob`, a resource of one's own.
fn containers(node: &Node, path: &Path, found: &mut Vec<Found>, steps_left: &mut usize) {
    const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
    for child in node.list() {
        let Some(left) = steps_left.checked_sub(1) else { return };
        *steps_left = left;
        containers(child, path, found, steps_left);
    }
    for (key, child) in node.map() {
        let Some(left) = steps_left.checked_sub(1) else { return };
        *steps_left = left;
        if LISTS.contains(&key.as_str()) {
            let images = child.list().iter().filter_map(|container| container.get("image")?.text());
            let images: Vec<&str> = images.take(*steps_left).collect();
            *steps_left -= images.len();
            found.extend(images.into_iter().filter_map(|image| Found::image(image, path)));
        } else {
            containers(child, path, found, steps_left);
        }
    }
}

/// skopeo `docs/skopeo-sync.1.md`: registries with their repositories.
pub(super) fn sync_images(task: &Task<'_>, current: &Path, reader: &mut Reader) -> Named {
    let list = task.positionals.first().filter(|_| task.value(Meaning::SyncSource) == Some("yaml"));
    let Some(path) = list.map(|name| current.join(name)) else { return Named::default() };
    let mut first = Vec::new();
    for (registry, lists) in reader.document(&path).iter().flat_map(|document| document.map()) {
        let repositories = ["images", "images-by-tag-regex", "images-by-semver"]
            .into_iter()
            .filter_map(|kind| lists.get(kind))
            .flat_map(|list| list.map());
        let image = |(repository, _): &(String, _)| Found::image(&format!("{registry}/{repository}"), &path);
        first.extend(repositories.filter_map(image));
    }
    Named::pulled(first)
}

/// Charts that a chart depends on: `repository: oci://HOST/PATH` and its name.
pub(super) fn chart_images(task: &Task<'_>, current: &Path, reader: &mut Reader) -> Named {
    let mut first = Vec::new();
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
                first.extend(Found::image(&format!("{}/{name}", repository.trim_end_matches('/')), &path));
            }
        }
    }
    Named::pulled(first)
}
