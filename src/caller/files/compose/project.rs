//! The services of a project: its files one over the other, with what they include and extend.
//!
//! compose-spec `14-include.md`, `05-services.md` (`extends`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::super::Variables;
use super::super::reader::Reader;
use super::super::yaml::Node;
use super::service::{Place, Service};

/// Of projects that include projects, and of services that extend services.
const DEPTH_AT_MOST: usize = 8;
const SERVICES_AT_MOST: usize = 2000;

/// Returns the services of the project in `folder` that `files` make together.
pub(in crate::caller::files) fn load(
    files: &[PathBuf],
    folder: &Path,
    variables: &Variables,
    reader: &mut Reader,
) -> BTreeMap<String, Service> {
    let mut loader = Loader { reader, services: BTreeMap::new() };
    loader.load(files, folder, variables, 0);
    let mut services = loader.services;
    for build in services.values_mut().filter_map(|service| service.build.as_mut()) {
        let context = build.folder.clone();
        // Beside a context that is elsewhere, a Dockerfile is there as well.
        build.files = build.files.iter().filter_map(|name| Some(context.as_ref()?.join(name))).collect();
    }
    services
}

struct Loader<'r> {
    reader: &'r mut Reader,
    services: BTreeMap<String, Service>,
}

impl Loader<'_> {
    fn load(&mut self, files: &[PathBuf], folder: &Path, variables: &Variables, depth: usize) {
        if depth > DEPTH_AT_MOST {
            return;
        }
        let documents = files.iter().flat_map(|file| {
            self.reader.documents(file).into_iter().map(move |document| (file, document)) // each over the one before
        });
        for (file, document) in documents.collect::<Vec<_>>() {
            let place = Place { file, folder, variables };
            for included in document.get("include").map(|include| include.list()).unwrap_or_default() {
                if !self.reader.in_time() {
                    return;
                }
                self.include(included, &place, depth);
            }
            for (name, node) in document.get("services").map(|services| services.map()).unwrap_or_default() {
                if !self.reader.in_time() {
                    return;
                }
                if **node == Node::Reset {
                    self.services.remove(name);
                } else if self.services.len() < SERVICES_AT_MOST {
                    let mut service = self.services.remove(name).unwrap_or_default();
                    self.apply(&mut service, node, &document, &place, 0);
                    self.services.insert(name.clone(), service);
                }
            }
        }
    }

    /// A project of its own: its paths are relative to itself, and its `.env` is asked after ours.
    fn include(&mut self, node: &Node, place: &Place<'_>, depth: usize) {
        let short = place.text(node).map(|path| vec![path]);
        let paths = short.unwrap_or_else(|| node.get("path").map(|paths| place.texts(paths)).unwrap_or_default());
        let files: Vec<PathBuf> = paths.iter().map(|path| place.folder.join(path)).collect();
        let project = node.get("project_directory").and_then(|folder| place.text(folder));
        let folder =
            project.map(|folder| place.folder.join(folder)).or_else(|| Some(files.first()?.parent()?.to_owned()));
        let Some(folder) = folder else { return };
        let env_files = node.get("env_file").map(|files| place.texts(files)).unwrap_or_default();
        let env_files: Vec<PathBuf> = match env_files.as_slice() {
            [] => vec![folder.join(".env")],
            names => names.iter().rev().map(|name| place.folder.join(name)).collect(),
        };
        let mut variables = place.variables.clone();
        for file in env_files {
            super::add_env_file(&file, &mut variables, self.reader);
        }
        self.load(&files, &folder, &variables, depth + 1);
    }

    /// What the service extends first, then what it says itself.
    fn apply(&mut self, service: &mut Service, node: &Rc<Node>, document: &Rc<Node>, place: &Place<'_>, depth: usize) {
        if let Some(extends) = node.get("extends")
            && depth < DEPTH_AT_MOST
        {
            let text = |key: &str| extends.get(key).and_then(|node| place.text(node));
            let name = place.text(extends).or_else(|| text("service")).unwrap_or_default();
            let base = |document: &Node| document.get("services")?.get(&name).cloned();
            match text("file") {
                Some(file) => {
                    let file = place.folder.join(file);
                    let folder = file.parent().unwrap_or(place.folder).to_owned();
                    if let Some(document) = self.reader.document(&file)
                        && let Some(base) = base(&document)
                    {
                        let place = Place { file: &file, folder: &folder, ..*place };
                        self.apply(service, &base, &document, &place, depth + 1);
                    }
                }
                None => {
                    if let Some(base) = base(document) {
                        self.apply(service, &base, document, place, depth + 1);
                    }
                }
            }
        }
        service.apply(node, place);
    }
}
