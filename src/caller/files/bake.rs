//! Bake: which targets a command builds, and their images, from HCL, JSON and Compose files.
//!
//! docker/buildx `bake/bake.go`, `docs/bake-reference.md`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::budget::Budget;
use super::build::{Build, local_folder};
use super::hcl::{self, Block, Expression};
use super::interpolate::UNKNOWN;
use super::matrix::{self, Values};
use super::reader::Reader;
use super::{Named, Side, Variables, compose};
use crate::caller::clients::Task;
use crate::caller::images::is_pushing;
use crate::caller::words::Meaning;
use crate::model::map;

/// All that are there are taken.
const NAMES: [&str; 8] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
];

const DEPTH_AT_MOST: usize = 8;
const TARGETS_AT_MOST: usize = 500;
/// Each counted as often as it is met.
const LAYERS_AT_MOST: usize = 100;
const LENGTH_AT_MOST: usize = 4096;
const TEXTS_AT_MOST: usize = 500;

/// Returns the images of the targets that `docker buildx bake` builds.
pub(super) fn images(task: &Task<'_>, current: &Path, variables: &Variables, reader: &mut Reader) -> Named {
    if task.positionals.iter().any(|word| word.contains("://") || word.starts_with("git@")) {
        return Named::default(); // the definition lies elsewhere
    }
    let named: Vec<&str> = task.values(Meaning::File).map(|name| name.strip_prefix("cwd://").unwrap_or(name)).collect();
    let paths: Vec<PathBuf> = if named.is_empty() {
        NAMES.iter().map(|name| current.join(name)).filter(|path| reader.is_file(path)).collect()
    } else {
        named.iter().filter(|name| **name != "-" && !name.contains("://")).map(|name| current.join(name)).collect()
    };
    let mut given = BTreeMap::new();
    given.extend(task.variables().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))));
    let mut definition = Definition::new(given, variables, reader.budget().clone());
    for path in &paths {
        definition.read(path, current, reader);
    }
    let (mut pulled, mut pushed, mut kept) = (Side::default(), Side::default(), Side::default());
    let all_go_out =
        task.has("--push") || task.values(Meaning::BakeOverride).any(|value| is_pushing(Meaning::BakeOverride, value));
    for name in definition.chosen(&task.positionals, reader) {
        if !reader.in_time() {
            break;
        }
        let mut builds = definition.members(&name, current);
        if builds.is_empty() {
            let (build, outputs) = definition.build(&name, current);
            builds.push((name, build, outputs));
        }
        let mut read: Vec<Build> = Vec::new();
        for (name, mut build, outputs) in builds {
            build.set(&name, task);
            // Most members of a matrix are built from the same.
            if reader.in_time() && !read.iter().any(|other| other.is_from_the_same(&build)) {
                pulled.extend(build.pulled(variables, reader));
                read.push(build.clone());
            }
            let goes_out = all_go_out || outputs.found.iter().any(|output| is_pushing(Meaning::Output, &output.text));
            let side = if goes_out { &mut pushed } else { &mut kept };
            side.extend(build.pushed());
            side.extend(outputs);
        }
    }
    if pushed.is_empty() {
        return Named { pulled, pushed: kept, goes_out: false };
    }
    pushed.found.extend(kept.found.into_iter().filter(|found| found.meaning == Meaning::CacheTo));
    Named { pulled, pushed, goes_out: true }
}

/// All files together.
struct Definition {
    budget: Budget,
    /// By `--var`.
    given: BTreeMap<String, String>,
    variables: Variables,
    defaults: BTreeMap<String, Expression>,
    groups: BTreeMap<String, Expression>,
    targets: BTreeMap<String, Attributes>,
    /// The services of Compose files that are built.
    services: BTreeMap<String, Build>,
    /// Variables that were worked out; an empty list while they are.
    known: RefCell<BTreeMap<String, Vec<String>>>,
    /// The variables of the matrix whose member is looked at.
    member: RefCell<Values>,
}

/// Each with the file that sets it.
type Attributes = BTreeMap<String, (Expression, PathBuf)>;

impl Definition {
    fn new(given: BTreeMap<String, String>, variables: &Variables, budget: Budget) -> Self {
        Self {
            budget,
            given,
            variables: variables.clone(),
            defaults: BTreeMap::new(),
            groups: BTreeMap::new(),
            targets: BTreeMap::new(),
            services: BTreeMap::new(),
            known: RefCell::default(),
            member: RefCell::default(),
        }
    }

    fn read(&mut self, path: &Path, current: &Path, reader: &mut Reader) {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if matches!(ending, "yaml" | "yml") {
            let services = compose::services(&[path.to_owned()], current, &self.variables, reader);
            for (name, service) in services {
                if let Some(mut build) = service.build {
                    build.tags.extend(service.image);
                    self.services.insert(name, build);
                }
            }
            return;
        }
        let Some(text) = reader.text(path) else { return };
        let blocks =
            if ending == "json" { json_blocks(&text) } else { hcl::blocks(&text).or_else(|| json_blocks(&text)) };
        for Block { kind, label, attributes } in blocks.unwrap_or_default() {
            let mut attributes = attributes.into_iter();
            match kind.as_str() {
                "variable" => {
                    let default = attributes.find(|(name, _)| name == "default").map(|(_, value)| value);
                    self.defaults.insert(label, default.unwrap_or(Expression::Text(String::new())));
                }
                "group" => {
                    self.groups.extend(attributes.find(|(name, _)| name == "targets").map(|(_, list)| (label, list)));
                }
                "target" => {
                    let file = |(name, value)| (name, (value, path.to_owned()));
                    merge(self.targets.entry(label).or_default(), map(attributes.map(file)));
                }
                _ => {}
            }
        }
    }

    /// The targets that are built, those of groups and those that others are built from included.
    fn chosen(&self, words: &[&str], reader: &Reader) -> BTreeSet<String> {
        let mut waiting: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        if waiting.is_empty() {
            waiting.push("default".to_owned());
            if !self.groups.contains_key("default") && !self.targets.contains_key("default") {
                waiting.extend(self.services.keys().cloned());
            }
        }
        let (mut chosen, mut groups) = (BTreeSet::new(), BTreeSet::new());
        while let Some(name) = waiting.pop().filter(|_| reader.in_time()) {
            if let Some(targets) = self.groups.get(&name).filter(|_| groups.insert(name.clone())) {
                waiting.extend(self.texts(targets, 0));
            }
            let name = if self.targets.contains_key(&name) { name } else { self.matrix(&name).unwrap_or(name) };
            if (self.targets.contains_key(&name) || self.services.contains_key(&name))
                && chosen.len() < TARGETS_AT_MOST
                && chosen.insert(name.clone())
            {
                let sources = self.map(&self.layers(&name), "contexts").into_values();
                waiting.extend(sources.filter_map(|source| source.strip_prefix("target:").map(str::to_owned)));
            }
        }
        chosen
    }

    /// The target that has one of this name in its matrix, as far as the pattern of its names tells.
    fn matrix(&self, name: &str) -> Option<String> {
        let fits = |(_, target): &(&String, &Attributes)| {
            let Some((pattern, _)) = target.get("name").filter(|_| target.contains_key("matrix")) else { return false };
            let pattern = self.text(pattern, 0);
            let ends = pattern.split_once(UNKNOWN).zip(pattern.rsplit_once(UNKNOWN));
            ends.is_some_and(|((start, _), (_, end))| name.starts_with(start) && name.ends_with(end))
        };
        self.targets.iter().find(fits).map(|(label, _)| label.clone())
    }

    /// The members of a target with a matrix, each with its name as a build.
    fn members(&self, name: &str, current: &Path) -> Vec<(String, Build, Side)> {
        let layers = self.layers(name);
        let value = |key: &str| layers.iter().rev().find_map(|layer| layer.get(key));
        let members = value("matrix").map(|(matrix, _)| matrix::members(matrix, |value| self.texts(value, 0)));
        let build = |values| {
            self.member.replace(values);
            let own_name = value("name").map_or(UNKNOWN.to_string(), |(own_name, _)| self.text(own_name, 0));
            let (build, outputs) = self.build(name, current);
            (own_name, build, outputs)
        };
        let builds = members.into_iter().flatten().take_while(|_| self.budget.is_left()).map(build).collect();
        self.member.take();
        builds
    }

    /// A target as a build, and where its result goes.
    fn build(&self, name: &str, current: &Path) -> (Build, Side) {
        let layers = self.layers(name);
        let value = |key: &str| layers.iter().rev().find_map(|layer| layer.get(key));
        let text = |key: &str| value(key).map(|(value, _)| self.text(value, 0));
        let texts = |key: &str| value(key).map(|(value, file)| (self.texts(value, 0), file));
        let mut build = self.services.get(name).cloned().unwrap_or_default();
        if !self.services.contains_key(name) || value("context").is_some() {
            let context = text("context").unwrap_or_else(|| ".".to_owned());
            build.folder = local_folder(current, context.strip_prefix("cwd://").unwrap_or(&context));
        }
        if let Some(dockerfile) = text("dockerfile") {
            build.files = build.folder.iter().map(|folder| folder.join(&dockerfile)).collect();
        }
        if let Some((inline, file)) = value("dockerfile-inline") {
            build.inline = Some((self.whole_text(inline, 0), file.clone()));
        }
        build.target = text("target").or(build.target);
        build.arguments.extend(self.map(&layers, "args").into_iter().map(|(name, value)| (name, Some(value))));
        build.contexts.extend(self.map(&layers, "contexts"));
        if let Some((tags, file)) = texts("tags") {
            build.tags = Side::of(Meaning::Image, &tags, file);
        }
        for (key, meaning, found) in
            [("cache-from", Meaning::Cache, &mut build.cache_from), ("cache-to", Meaning::CacheTo, &mut build.cache_to)]
        {
            if let Some((caches, file)) = texts(key) {
                *found = Side::of(meaning, &caches, file);
            }
        }
        let outputs = texts("output").map(|(texts, file)| Side::of(Meaning::Output, &texts, file));
        (build, outputs.unwrap_or_default())
    }

    /// What a target inherits, with what it says itself last.
    fn layers(&self, name: &str) -> Vec<&Attributes> {
        let mut layers = Vec::new();
        self.inherit(name, &mut layers, 0);
        layers
    }

    fn inherit<'d>(&'d self, name: &str, layers: &mut Vec<&'d Attributes>, depth: usize) {
        let Some(own) = self.targets.get(name).filter(|_| depth < DEPTH_AT_MOST) else { return };
        for parent in own.get("inherits").map(|(parents, _)| self.texts(parents, 0)).unwrap_or_default() {
            if layers.len() < LAYERS_AT_MOST {
                self.inherit(&parent, layers, depth + 1);
            }
        }
        layers.push(own);
    }

    /// Maps are not replaced by those of later layers, but grow.
    fn map(&self, layers: &[&Attributes], key: &str) -> BTreeMap<String, String> {
        let maps = layers.iter().filter_map(|layer| match layer.get(key) {
            Some((Expression::Map(entries), _)) => Some(&entries[..entries.len().min(TEXTS_AT_MOST)]),
            _ => None,
        });
        // The last that says something is worked out, not all that it replaces.
        let last = map(maps.flatten().map(|(name, value)| (name, value)));
        let said = last.into_iter().filter(|(_, value)| !self.is_null(value));
        map(said.map(|(name, value)| (name.clone(), self.text(value, 0))))
    }

    fn is_null(&self, value: &Expression) -> bool {
        match value {
            Expression::Null => true,
            Expression::Variable(name) => {
                self.defaults.get(name) == Some(&Expression::Null)
                    && !self.given.contains_key(name)
                    && self.variables.get(name).is_none()
            }
            _ => false,
        }
    }

    /// The one text that an expression stands for, or [`UNKNOWN`].
    fn text(&self, expression: &Expression, depth: usize) -> String {
        let mut texts = self.texts(expression, depth);
        if texts.len() == 1 { texts.remove(0) } else { UNKNOWN.to_string() }
    }

    /// All texts that an expression may stand for.
    fn texts(&self, expression: &Expression, depth: usize) -> Vec<String> {
        let mut texts = match expression {
            // A few lines can ask for gigabytes; what is late is not looked at any more.
            _ if !self.budget.spend(16) => vec![UNKNOWN.to_string()],
            Expression::Text(_) | Expression::Template(_) => {
                let text = self.whole_text(expression, depth);
                vec![if text.len() <= LENGTH_AT_MOST { text } else { UNKNOWN.to_string() }]
            }
            Expression::Variable(name) => self.variable(name, depth),
            Expression::List(items) => {
                items.iter().take(TEXTS_AT_MOST).flat_map(|item| self.texts(item, depth)).take(TEXTS_AT_MOST).collect()
            }
            Expression::Either(both) => both.iter().flat_map(|one| self.texts(one, depth)).collect(),
            Expression::Map(entries) => {
                let fields = entries.iter().take(TEXTS_AT_MOST);
                let fields = fields.map(|(key, value)| format!("{key}={}", self.text(value, depth)));
                vec![fields.collect::<Vec<_>>().join(",")] // a cache or an output as an object
            }
            Expression::Null => vec![String::new()],
            Expression::Unknown => vec![UNKNOWN.to_string()],
        };
        texts.truncate(TEXTS_AT_MOST);
        texts
    }

    fn whole_text(&self, expression: &Expression, depth: usize) -> String {
        match expression {
            Expression::Text(text) => text.clone(),
            Expression::Template(parts) => {
                let mut whole = String::new();
                for part in parts {
                    whole.push_str(&self.text(part, depth));
                    if whole.len() > 1 << 16 {
                        return UNKNOWN.to_string();
                    }
                }
                whole
            }
            other => self.text(other, depth),
        }
    }

    /// A variable's value: as given, from the environment, or its default.
    fn variable(&self, name: &str, depth: usize) -> Vec<String> {
        let unknown = || vec![UNKNOWN.to_string()];
        if let Some(value) = self.member.borrow().get(name) {
            return vec![value.clone()];
        }
        let Some(default) = self.defaults.get(name).filter(|_| depth < DEPTH_AT_MOST) else { return unknown() };
        if let Some(value) = self.given.get(name).cloned().or_else(|| self.variables.get(name)) {
            return vec![value];
        }
        if let Some(known) = self.known.borrow().get(name) {
            return known.clone();
        }
        self.known.borrow_mut().insert(name.to_owned(), unknown()); // for one that names itself
        let member = self.member.take(); // which variables do not see
        let value = self.texts(default, depth + 1);
        self.member.replace(member);
        self.known.borrow_mut().insert(name.to_owned(), value.clone());
        value
    }
}

/// A target may stand in several files: later attributes replace earlier ones, maps grow.
fn merge(attributes: &mut Attributes, later: Attributes) {
    for (name, (value, file)) in later {
        let value = match (attributes.remove(&name), value) {
            (Some((Expression::Map(mut entries), _)), Expression::Map(more)) => {
                entries.extend(more);
                Expression::Map(entries)
            }
            (_, value) => value,
        };
        attributes.insert(name, (value, file));
    }
}

/// Bake's JSON has HCL's blocks as objects, and templates in its texts.
fn json_blocks(text: &str) -> Option<Vec<Block>> {
    let document: Value = serde_json::from_str(text).ok()?;
    let kinds = document.as_object()?.iter().filter_map(|(kind, blocks)| Some((kind, blocks.as_object()?)));
    let blocks = kinds.flat_map(|(kind, blocks)| {
        blocks.iter().map(|(label, attributes)| {
            let attributes = attributes.as_object().into_iter().flatten();
            let attributes = attributes.map(|(name, value)| (name.clone(), expression(value))).collect();
            Block { kind: kind.clone(), label: label.clone(), attributes }
        })
    });
    Some(blocks.collect())
}

fn expression(value: &Value) -> Expression {
    match value {
        Value::Null => Expression::Null,
        Value::String(text) => hcl::template(text).unwrap_or(Expression::Unknown),
        Value::Array(items) => Expression::List(items.iter().map(expression).collect()),
        Value::Object(entries) => {
            Expression::Map(entries.iter().map(|(name, value)| (name.clone(), expression(value))).collect())
        }
        other => Expression::Text(other.to_string()),
    }
}
