//! `ComposeProject`: the services of a project, merged from its files and from all included or extended files.
//!
//! Sources: compose-go `loader/loader.go`, `include.go`, `extends.go`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::ProjectVariables;
use super::super::build::is_remote;
use super::super::project_reader::ProjectReader;
use super::super::yaml::YamlNode;
use super::LoadError;
use super::merge::{ServiceParts, spend};
use super::service::ComposeService;
use super::settings::{add_default_env_file, add_env_files};
use super::values::substitute_all;

/// The largest depth of included projects, and of extended services.
const DEPTH_AT_MOST: usize = 64;
const SERVICES_AT_MOST: usize = 5000;

/// A project's services, and the registry artifacts that contain parts of the project.
#[derive(Debug, Default)]
pub(super) struct ComposeProject {
    pub(super) services: BTreeMap<String, ComposeService>,
    pub(super) artifacts: Vec<(String, PathBuf)>,
}

/// Reads the project in the Compose files `files`. Paths in the files are relative to `folder`. The command runs in the
/// folder `current`. At most `documents_at_most` documents of each file are read.
pub(super) fn load(
    files: &[PathBuf],
    folder: &Path,
    current: &Path,
    variables: &ProjectVariables,
    documents_at_most: usize,
    reader: &mut ProjectReader,
) -> Result<ComposeProject, LoadError> {
    let mut loader = ProjectLoader { reader, documents_at_most, artifacts: Vec::new() };
    let model = loader.load(files, folder, variables, &mut Vec::new());
    let ProjectLoader { reader, artifacts, .. } = loader;
    let model = match model {
        Ok(model) => model,
        Err(_) if !artifacts.is_empty() => ServicesByName::new(), // the client requests artifacts first
        Err(error) => return Err(error),
    };
    let service = |(name, parts): (String, ServiceParts)| {
        parts.spend(reader.budget())?;
        Ok((name, ComposeService::new(&parts, folder, current, variables)))
    };
    let services = model.into_iter().map(service).collect::<Result<_, LoadError>>()?;
    Ok(ComposeProject { services, artifacts })
}

type ServicesByName = BTreeMap<String, ServiceParts>;

/// The file that defines a service, with the folder and the variables of the service's project.
#[derive(Clone, Copy)]
struct ServiceOrigin<'a> {
    file: &'a Path,
    folder: &'a Path,
    variables: &'a ProjectVariables,
}

struct ProjectLoader<'r> {
    reader: &'r mut ProjectReader,
    documents_at_most: usize,
    artifacts: Vec<(String, PathBuf)>,
}

impl ProjectLoader<'_> {
    /// Reads the services of a project. `above` has the files that include this project.
    fn load(
        &mut self,
        files: &[PathBuf],
        folder: &Path,
        variables: &ProjectVariables,
        above: &mut Vec<PathBuf>,
    ) -> Result<ServicesByName, LoadError> {
        let mut model = ServicesByName::new();
        let mut is_empty = true;
        for file in files {
            let origin = ServiceOrigin { file, folder, variables };
            for document in self.documents(file, variables)? {
                is_empty = false;
                let mut own = self.services(&document, origin, &mut model)?;
                above.push(file.clone());
                for included in document.get("include").list() {
                    for (name, parts) in self.include(included, origin, above)? {
                        if own.get(&name).is_some_and(|service| !service.is_same(&parts, self.reader.budget())) {
                            return Err(LoadError::Refused("an included file has a service with the same name"));
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
                    return Err(LoadError::Refused("the project has too many services"));
                }
            }
        }
        if is_empty { Err(LoadError::Refused("the project is empty")) } else { Ok(model) }
    }

    /// Returns the documents of a file, with variables substituted.
    fn documents(
        &mut self,
        file: &Path,
        variables: &ProjectVariables,
    ) -> Result<Vec<std::rc::Rc<YamlNode>>, LoadError> {
        let yaml = self.reader.yaml(file).ok_or(LoadError::Unread)?;
        if yaml.has_same_key_twice {
            return Err(LoadError::Refused("a key appears twice"));
        }
        let mut documents = Vec::new();
        for document in yaml.documents.iter().take(self.documents_at_most) {
            let document = substitute_all(document, variables, self.reader.budget())?;
            let YamlNode::Map(_) = document.plain() else {
                return Err(LoadError::Refused("the file is not a mapping"));
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
        let node = match services.get(name).plain() {
            node @ YamlNode::Map(_) => node,
            YamlNode::Nothing => return Err(LoadError::Refused("a service extends a missing service")),
            _ => return Err(LoadError::Refused("a service is not a mapping")),
        };
        spend(services.map().len() + node.map().len(), self.reader.budget())?;
        let parts = ServiceParts::new(node, origin.file);
        let extends = node.get("extends");
        if *extends == YamlNode::Nothing {
            return Ok(parts);
        }
        let base = extends.text().or(extends.get("service").text());
        let base = base.ok_or(LoadError::Refused("`extends` names no service"))?;
        let step = (origin.file.to_owned(), name.to_owned());
        if above.contains(&step) || above.len() >= DEPTH_AT_MOST || !self.reader.budget().spend(100) {
            return Err(LoadError::Refused("services extend each other in a circle"));
        }
        above.push(step);
        let mut whole = match extends.get("file").text() {
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
        let mut services = documents.iter().map(|document| document.get("services"));
        let services = services.rfind(|services| *services.get(base) != YamlNode::Nothing);
        let services = services.ok_or(LoadError::Refused("a service extends a missing service"))?;
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
        let names = node.text().map_or_else(|| node.get("path").texts(), |name| vec![name]);
        let files = names.into_iter().map(|name| self.local(name, origin.file, origin.folder));
        let files: Vec<PathBuf> = files.collect::<Result<_, _>>()?;
        let first = files.first().ok_or(LoadError::Refused("`include` names no file"))?;
        if above.contains(first) || above.len() >= DEPTH_AT_MOST {
            return Err(LoadError::Refused("projects include each other in a circle"));
        }
        let folder = match node.get("project_directory").text() {
            Some(folder) => origin.folder.join(folder),
            None => first.parent().unwrap_or(origin.folder).to_owned(),
        };
        let mut variables = origin.variables.clone();
        let env_files: Vec<PathBuf> =
            node.get("env_file").texts().into_iter().map(|name| origin.folder.join(name)).collect();
        if env_files.is_empty() {
            add_default_env_file(&folder, &mut variables, self.reader)?;
        }
        add_env_files(&env_files, &mut variables, self.reader)?;
        let mut model = self.load(&files, &folder, &variables, above)?;
        for parts in model.values_mut() {
            parts.add_default_context();
            parts.resolve(&folder);
        }
        Ok(model)
    }

    /// Returns the path of a local file. Records an artifact in a registry, and returns [`LoadError::Unread`] for it.
    /// Refuses a file in a git repository.
    fn local(&mut self, name: &str, asking: &Path, folder: &Path) -> Result<PathBuf, LoadError> {
        if let Some(artifact) = name.strip_prefix("oci://") {
            self.artifacts.push((artifact.to_owned(), asking.to_owned()));
            return Err(LoadError::Unread);
        }
        if is_remote(name) {
            return Err(LoadError::Refused("a part of the project is in a git repository"));
        }
        Ok(folder.join(name))
    }
}
