//! `ComposeProject`: the services of a project, merged from its files and from all included or extended files.
//!
//! Sources: compose-go `loader/loader.go`, `include.go`, `extends.go`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::ProjectVariables;
use super::super::project_reader::ProjectReader;
use super::super::yaml::YamlNode;
use super::load_error::LoadError;
use super::merge::ServiceParts;
use super::service::ComposeService;
use super::values::substitute_all;

/// The largest depth of included projects, and of extended services.
const DEPTH_AT_MOST: usize = 64;
const SERVICES_AT_MOST: usize = 5000;

/// A project's services, and the artifacts in registries that contain parts of the project.
#[derive(Debug, Default)]
pub(super) struct ComposeProject {
    pub(super) services: BTreeMap<String, ComposeService>,
    pub(super) artifacts: Vec<(String, PathBuf)>,
}

/// Reads the project in the Compose files `files`. Paths in the files are relative to `folder`. The command runs in the
/// folder `current`.
pub(super) fn load(
    files: &[PathBuf],
    folder: &Path,
    current: &Path,
    variables: &ProjectVariables,
    reader: &mut ProjectReader,
) -> Result<ComposeProject, LoadError> {
    let mut loader = ProjectLoader { reader, artifacts: Vec::new() };
    let place = ProjectFiles { files, folder, variables };
    let model = loader.load(&place, &mut Vec::new());
    let artifacts = loader.artifacts;
    let model = match model {
        Ok(model) => model,
        Err(_) if !artifacts.is_empty() => ServicesByName::new(), // the client requests artifacts first
        Err(error) => return Err(error),
    };
    let service = |parts: &ServiceParts| ComposeService::new(parts, folder, current, variables);
    let services = model.into_iter().map(|(name, parts)| (name, service(&parts))).collect();
    Ok(ComposeProject { services, artifacts })
}

type ServicesByName = BTreeMap<String, ServiceParts>;

/// The files of the command's project, or of an included project.
struct ProjectFiles<'a> {
    files: &'a [PathBuf],
    /// The base folder of the project's relative paths.
    folder: &'a Path,
    variables: &'a ProjectVariables,
}

/// The file that defines a service, with the folder and the variables of the service's project.
#[derive(Clone, Copy)]
struct ServiceOrigin<'a> {
    file: &'a Path,
    folder: &'a Path,
    variables: &'a ProjectVariables,
}

struct ProjectLoader<'r> {
    reader: &'r mut ProjectReader,
    artifacts: Vec<(String, PathBuf)>,
}

impl ProjectLoader<'_> {
    /// Reads the services of a project. `above` has the files that include this project.
    fn load(&mut self, place: &ProjectFiles<'_>, above: &mut Vec<PathBuf>) -> Result<ServicesByName, LoadError> {
        let mut model = ServicesByName::new();
        let mut is_empty = true;
        for file in place.files {
            let origin = ServiceOrigin { file, folder: place.folder, variables: place.variables };
            for document in self.documents(file, place.variables)? {
                is_empty = false;
                let mut own = self.services(&document, origin, &mut model)?;
                above.push(file.clone());
                for included in document.get("include").map(|include| include.list()).unwrap_or_default() {
                    for (name, parts) in self.include(included, origin, above)? {
                        if own.get(&name).is_some_and(|service| !service.says_the_same(&parts)) {
                            return Err(LoadError::refused("an included file has a service with the same name"));
                        }
                        own.insert(name, parts);
                    }
                }
                above.pop();
                for (name, parts) in own {
                    let service = model.entry(name).or_default();
                    service.apply(&parts, self.reader.budget())?;
                }
                if model.len() > SERVICES_AT_MOST {
                    return Err(LoadError::refused("the project has too many services"));
                }
            }
        }
        if is_empty { Err(LoadError::refused("the project is empty")) } else { Ok(model) }
    }

    /// Returns the documents of a file, with variables substituted.
    fn documents(
        &mut self,
        file: &Path,
        variables: &ProjectVariables,
    ) -> Result<Vec<std::rc::Rc<YamlNode>>, LoadError> {
        let yaml = self.reader.yaml(file).ok_or(LoadError::Unread)?;
        if yaml.has_same_key_twice {
            return Err(LoadError::refused("a key appears twice"));
        }
        let mut documents = Vec::new();
        for document in &yaml.documents {
            let document = substitute_all(document, variables, self.reader.budget())?;
            let YamlNode::Map(_) = document.plain() else {
                return Err(LoadError::refused("the file is not a mapping"));
            };
            documents.push(document);
        }
        Ok(documents)
    }

    /// Returns the services of a document, merged with the services that they extend. Removes from `earlier` the
    /// services that the document resets or replaces.
    fn services(
        &mut self,
        document: &YamlNode,
        origin: ServiceOrigin<'_>,
        earlier: &mut ServicesByName,
    ) -> Result<ServicesByName, LoadError> {
        let mut own = ServicesByName::new();
        let Some(services) = document.entry("services") else { return Ok(own) };
        if matches!(**services, YamlNode::Reset | YamlNode::Override(_)) {
            earlier.clear();
        }
        for (name, node) in services.map() {
            if matches!(**node, YamlNode::Reset | YamlNode::Override(_)) {
                earlier.remove(name);
            }
            let parts = match **node {
                YamlNode::Reset => continue,
                YamlNode::Nothing => ServiceParts::default(),
                _ => self.extended(name, services, origin, &mut Vec::new())?,
            };
            own.insert(name.clone(), parts);
        }
        Ok(own)
    }

    /// Returns the service `name`, merged with the service that it extends.
    fn extended(
        &mut self,
        name: &str,
        services: &YamlNode,
        origin: ServiceOrigin<'_>,
        above: &mut Vec<(PathBuf, String)>,
    ) -> Result<ServiceParts, LoadError> {
        let node = services.get(name).ok_or(LoadError::refused("a service extends a missing service"))?;
        let YamlNode::Map(_) = node.plain() else { return Err(LoadError::refused("a service is not a mapping")) };
        let parts = ServiceParts::new(node.plain(), origin.file);
        let Some(extends) = node.get("extends") else { return Ok(parts) };
        let text_of = |key: &str| extends.get(key).and_then(|node| node.text());
        let base =
            extends.text().or_else(|| text_of("service")).ok_or(LoadError::refused("`extends` names no service"))?;
        let step = (origin.file.to_owned(), name.to_owned());
        if above.contains(&step) || above.len() >= DEPTH_AT_MOST || !self.reader.budget().spend(100) {
            return Err(LoadError::refused("services extend each other in a circle"));
        }
        above.push(step);
        let mut whole = match text_of("file") {
            Some(file) => self.extended_from(file, base, origin, above)?,
            None => self.extended(base, services, origin, above)?,
        };
        above.pop();
        whole.apply(&parts, self.reader.budget())?;
        Ok(whole)
    }

    /// Returns a service of another file. The paths in that file are relative to the folder of the file.
    fn extended_from(
        &mut self,
        file: &str,
        base: &str,
        origin: ServiceOrigin<'_>,
        above: &mut Vec<(PathBuf, String)>,
    ) -> Result<ServiceParts, LoadError> {
        let file = self.local(file, origin.file, origin.folder)?;
        let folder = file.parent().unwrap_or(origin.folder).to_owned();
        let documents = self.documents(&file, origin.variables)?;
        let mut services = documents.iter().filter_map(|document| document.get("services"));
        let services = services.rfind(|services| services.get(base).is_some());
        let services = services.ok_or(LoadError::refused("a service extends a missing service"))?;
        let origin = ServiceOrigin { file: &file, folder: &folder, ..origin };
        let mut parts = self.extended(base, services, origin, above)?;
        parts.resolve(&folder);
        Ok(parts)
    }

    /// Returns the services of an included project. The paths of an included project are relative to its own folder.
    /// The variables of the including project override the included project's `.env`.
    fn include(
        &mut self,
        node: &YamlNode,
        origin: ServiceOrigin<'_>,
        above: &mut Vec<PathBuf>,
    ) -> Result<ServicesByName, LoadError> {
        let names = node.text().map_or_else(|| node.get("path").map(|path| path.texts()), |name| Some(vec![name]));
        let mut files = Vec::new();
        for name in names.unwrap_or_default() {
            files.push(self.local(name, origin.file, origin.folder)?);
        }
        let first = files.first().ok_or(LoadError::refused("`include` names no file"))?;
        if above.contains(first) || above.len() >= DEPTH_AT_MOST {
            return Err(LoadError::refused("projects include each other in a circle"));
        }
        let folder = match node.get("project_directory").and_then(|folder| folder.text()) {
            Some(folder) => origin.folder.join(folder),
            None => first.parent().unwrap_or(origin.folder).to_owned(),
        };
        let env_files = node.get("env_file").map(|files| files.texts()).unwrap_or_default();
        let mut variables = origin.variables.clone();
        let paths: Vec<PathBuf> = match env_files.as_slice() {
            [] => [folder.join(".env")].into_iter().filter(|path| self.reader.is_file(path)).collect(),
            names => names.iter().map(|name| origin.folder.join(name)).collect(),
        };
        super::add_env_files(&paths, &mut variables, self.reader)?;
        let mut model = self.load(&ProjectFiles { files: &files, folder: &folder, variables: &variables }, above)?;
        for parts in model.values_mut() {
            parts.add_default_context();
            parts.resolve(&folder);
        }
        Ok(model)
    }

    /// Returns the path of a local file. Adds an artifact in a registry to the images to pull. Refuses a file in a git
    /// repository.
    fn local(&mut self, name: &str, asking: &Path, folder: &Path) -> Result<PathBuf, LoadError> {
        if let Some(artifact) = name.strip_prefix("oci://") {
            self.artifacts.push((artifact.to_owned(), asking.to_owned()));
            return Err(LoadError::Unread);
        }
        if is_git(name) {
            return Err(LoadError::refused("a part of the project is in a git repository"));
        }
        if name.contains('\0') { Err(LoadError::Unread) } else { Ok(folder.join(name)) }
    }
}

/// Tells whether a file is in a git repository (moby/buildkit `util/gitutil`).
pub(super) fn is_git(name: &str) -> bool {
    ["git@", "git://", "ssh://", "http://", "https://", "github.com/"].iter().any(|start| name.starts_with(start))
}
