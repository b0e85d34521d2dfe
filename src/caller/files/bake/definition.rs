//! `BakeDefinition`: the targets and groups in all files of a bake command.
//!
//! Sources: docker/buildx `bake/bake.go` (`ParseFiles`, `GetEvalContexts`, `GetName`), `bake/hclparser/hclparser.go`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::bake_sources::BakeSources;
use super::target::{BakeTarget, texts};
use crate::caller::files::budget::Budget;
use crate::caller::files::hcl::{self, EvalContext, HclBlock, HclDocument, HclValue, Locals, TargetBlock};
use crate::caller::files::image_side::UNKNOWN;
use crate::caller::files::project_reader::ProjectReader;
use crate::caller::files::template::substitute;
use crate::caller::files::{ProjectVariables, compose};

/// The largest number of targets to read. People build fewer targets at once. If a matrix would exceed this number, its
/// targets are unknown.
const MEMBERS_AT_MOST: usize = 1000;

pub(super) struct BakeDefinition {
    /// The file that a message mentions if the unknown part is in no single file.
    pub(super) place: PathBuf,
    pub(super) budget: Budget,
    /// The definitions of each target. A later definition wins.
    pub(super) layers: BTreeMap<String, Vec<TargetLayer>>,
    pub(super) groups: BTreeMap<String, Vec<String>>,
    world: EvalContext,
    /// The results of the function `own`, by the target's name.
    made: RefCell<BTreeMap<String, BakeTarget>>,
}

pub(super) enum TargetLayer {
    /// A Compose service, or a block with an unknown matrix.
    Target(Box<BakeTarget>),
    Block(TargetBlock, Rc<Path>),
}

impl BakeDefinition {
    pub(super) fn read(sources: &BakeSources, current: &Path, reader: &mut ProjectReader) -> Self {
        let (documents, compose_files) = parse(&sources.files, reader);
        let (documents, files): (Vec<HclDocument>, Vec<Rc<Path>>) = documents.into_iter().unzip();
        let budget = reader.budget().clone();
        let own = sources.variables.clone();
        let world = EvalContext::new(&documents, built_ins(), Box::new(move |name| own.get(name)), budget.clone());
        let mut definition = Self {
            place: sources.files.first().map_or(current, |file| file).to_owned(),
            budget,
            layers: BTreeMap::new(),
            groups: BTreeMap::new(),
            world,
            made: RefCell::default(),
        };
        definition.add_services(&compose_files, current, sources.compose_variables.clone(), reader);
        definition.add_blocks(documents, &files);
        definition
    }

    /// Returns a target without the settings that it inherits, or `None` if no file defines the target.
    pub(super) fn own(&self, name: &str) -> Option<BakeTarget> {
        if let Some(made) = self.made.borrow().get(name) {
            return Some(made.clone());
        }
        let layers = self.layers.get(name)?.iter().map(|layer| match layer {
            TargetLayer::Target(target) => (**target).clone(),
            TargetLayer::Block(member, file) => BakeTarget::of_block(member, file, &self.world),
        });
        let made = layers.reduce(BakeTarget::merged)?;
        self.made.borrow_mut().insert(name.to_owned(), made.clone());
        Some(made)
    }

    /// Adds the services of the Compose files. All Compose files together are one project. The services with a build
    /// are bake's default targets.
    fn add_services(
        &mut self,
        files: &[PathBuf],
        current: &Path,
        mut variables: ProjectVariables,
        reader: &mut ProjectReader,
    ) {
        let Some(first) = files.first() else { return };
        let name = project_name(files, &variables, reader);
        variables.set("COMPOSE_PROJECT_NAME", &name);
        let services = compose::services(files, current, &variables, usize::MAX, reader);
        let has_services = !services.is_empty();
        let mut built = Vec::new();
        for (name, service) in services {
            let name = name.replace('.', "_");
            if let Some(target) = BakeTarget::of_service(service, first) {
                self.layers.entry(name.clone()).or_default().push(TargetLayer::Target(Box::new(target)));
                built.push(name);
            }
        }
        if has_services {
            self.groups.insert("default".to_owned(), built);
        }
    }

    fn add_blocks(&mut self, documents: Vec<HclDocument>, files: &[Rc<Path>]) {
        let (mut members, mut groups) = (Vec::new(), Vec::new());
        let mut labels: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (document, file) in documents.into_iter().zip(files) {
            for block in document.blocks {
                let block = Rc::new(block);
                match block.kind.as_str() {
                    "group" => {
                        let member = TargetBlock { name: block.label.as_str().into(), block, locals: Vec::new() };
                        groups.push(member.clone());
                        members.push(member);
                    }
                    "target" => {
                        let label = block.label.clone();
                        let own = self.members(&block).filter(|own| own.len() + members.len() <= MEMBERS_AT_MOST);
                        let Some(own) = own else {
                            let message = format!("the matrix of the target `{label}` is unknown");
                            let target = Box::new(BakeTarget::unknown(file, &message));
                            self.layers.entry(label).or_default().push(TargetLayer::Target(target));
                            continue;
                        };
                        let names: Vec<String> = own.iter().map(|member| member.name.to_string()).collect();
                        for member in own {
                            let layers = self.layers.entry(member.name.to_string()).or_default();
                            layers.push(TargetLayer::Block(member.clone(), file.clone()));
                            members.push(member);
                        }
                        labels.entry(label).or_default().extend(names);
                    }
                    _ => {}
                }
            }
        }
        self.world.set_members(members);
        for group in groups {
            let targets = group.block.get("targets").map(|list| self.world.value(list, &Locals::default()));
            let targets = targets.map(|value| texts(&value.unwrap_or(HclValue::Unknown)));
            self.groups.insert(group.name.to_string(), targets.unwrap_or_default());
        }
        // The label of a block with a matrix becomes the name of a group with the block's targets.
        labels.retain(|label, names| names.iter().any(|name| name != label));
        for (label, names) in labels {
            self.groups.entry(label).or_insert(names);
        }
    }

    /// Returns one target for each combination of values in the block's matrix, or `None` if the matrix is unknown.
    fn members(&self, block: &Rc<HclBlock>) -> Option<Vec<TargetBlock>> {
        let member = |name: &str, locals| TargetBlock { name: name.into(), block: block.clone(), locals };
        let Some(matrix) = block.get("matrix") else { return Some(vec![member(&block.label, Vec::new())]) };
        let matrix = self.world.value(matrix, &Locals::default()).ok()?;
        let mut all: Vec<Vec<(Rc<str>, HclValue)>> = vec![Vec::new()];
        for (axis, values) in matrix.as_map().ok()? {
            let values = values.as_list().ok()?;
            let count = all.len().saturating_mul(values.len());
            (count <= MEMBERS_AT_MOST && self.budget.spend(count as u64 * 16)).then_some(())?;
            let with = |member: &Vec<(Rc<str>, HclValue)>, value: &HclValue| {
                member.iter().cloned().chain([(axis.clone(), value.clone())]).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(|member| values.iter().map(|value| with(member, value))).collect();
        }
        let name = block.get("name");
        let named = |(at, locals): (usize, Vec<(Rc<str>, HclValue)>)| {
            let name = name.and_then(|name| self.world.value(name, &Locals::new(&locals)).ok()?.as_text().ok());
            // A target with an unknown name can only be selected together with all targets of its block.
            let name = name.filter(|name| !name.contains(UNKNOWN));
            let name = name.unwrap_or_else(|| format!("{}\0{at}", block.label).into());
            member(&name, locals)
        };
        Some(all.into_iter().enumerate().map(named).collect())
    }
}

/// Returns the documents of bake's own files, and the paths of Compose files.
fn parse(files: &[PathBuf], reader: &mut ProjectReader) -> (Vec<(HclDocument, Rc<Path>)>, Vec<PathBuf>) {
    let (mut documents, mut compose_files) = (Vec::new(), Vec::new());
    for path in files {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        if matches!(&*ending, "yaml" | "yml") {
            compose_files.push(path.clone());
            continue;
        }
        let Some(text) = reader.text(path) else { continue };
        let budget = reader.budget();
        let has_blocks = |document: &HclDocument| !document.blocks.is_empty();
        let document = match &*ending {
            "json" => hcl::parse_json(&text, budget),
            "hcl" => hcl::parse(&text, budget),
            _ => hcl::parse(&text, budget).or_else(|| hcl::parse_json(&text, budget)).filter(has_blocks),
        };
        match document {
            Some(document) => documents.push((document, Rc::from(path.as_path()))),
            None if matches!(&*ending, "json" | "hcl") => reader.add_unknown(path, "could not be read as a bake file"),
            None => compose_files.push(path.clone()),
        }
    }
    (documents, compose_files)
}

/// Returns bake's built-in variables, which every bake file can use.
fn built_ins() -> BTreeMap<String, HclValue> {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let platform = match std::env::consts::ARCH {
        "x86_64" => HclValue::text(format!("{os}/amd64")),
        "aarch64" => HclValue::text(format!("{os}/arm64")),
        _ => HclValue::Unknown,
    };
    let command = HclValue::text("cwd://");
    BTreeMap::from([("BAKE_CMD_CONTEXT".to_owned(), command), ("BAKE_LOCAL_PLATFORM".to_owned(), platform)])
}

/// Returns the Compose project's name. The last file that sets a name overrides `COMPOSE_PROJECT_NAME`.
fn project_name(files: &[PathBuf], variables: &ProjectVariables, reader: &mut ProjectReader) -> String {
    let text = |path: &PathBuf| {
        let document = reader.yaml(path)?.documents.into_iter().next()?;
        substitute(document.get("name").text()?, &|name| variables.get(name)).ok()
    };
    let name = files.iter().filter_map(text).last();
    let name =
        name.map(|name| name.to_lowercase().replace(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c)), ""));
    let name = name.map(|name| name.trim_start_matches(['_', '-']).to_owned()).filter(|name| !name.is_empty());
    let in_variables = || variables.get("COMPOSE_PROJECT_NAME").filter(|name| !name.is_empty());
    name.or_else(in_variables).unwrap_or_else(|| "bake".to_owned())
}
