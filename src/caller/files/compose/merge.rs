//! `ServiceParts`: a service as it is written, file over file.
//!
//! compose-go `override/merge.go`; compose-spec `13-merge.md`.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use super::super::budget::Budget;
use super::super::yaml::Node;
use super::error::LoadError;

/// What says where a service's images come from. The rest is not kept.
const KEYS: [&str; 19] = [
    "build",
    "cgroup",
    "depends_on",
    "image",
    "ipc",
    "links",
    "network_mode",
    "pid",
    "platform",
    "post_start",
    "post_stop",
    "pre_start",
    "pre_stop",
    "profiles",
    "provider",
    "pull_policy",
    "uts",
    "volumes",
    "volumes_from",
];

/// By key.
#[derive(Clone, Debug, Default)]
pub(super) struct ServiceParts(BTreeMap<&'static str, Part>);

#[derive(Clone, Debug)]
struct Part {
    node: Rc<Node>,
    /// The last file that says something about it.
    file: Rc<Path>,
}

impl ServiceParts {
    pub(super) fn new(node: &Node, file: &Path) -> Self {
        let file: Rc<Path> = file.into();
        let part = |key| {
            let said = node.entry(key)?;
            // What it resets it may still have by a merge key.
            let merged =
                node.get(key).filter(|_| **said == Node::Reset).map(|node| Rc::new(Node::Override(node.clone())));
            Some((key, Part { node: merged.unwrap_or_else(|| said.clone()), file: file.clone() }))
        };
        Self(KEYS.into_iter().filter_map(part).collect())
    }

    /// What is said under `key`, and where.
    pub(super) fn get(&self, key: &str) -> Option<(&Rc<Node>, &Path)> {
        let Part { node, file } = self.0.get(key)?;
        (!matches!(**node, Node::Nothing | Node::Reset)).then_some((node, file))
    }

    /// Puts `later` over it.
    pub(super) fn apply(&mut self, later: &Self, budget: &Budget) -> Result<(), LoadError> {
        for (key, part) in &later.0 {
            let part = match (self.get(key), &*part.node) {
                // It goes on: what it extends does not have it either, nor do the files before.
                (None, _) | (_, Node::Reset | Node::Override(_)) => part.clone(),
                (Some((node, _)), _) => Part { node: merge(key, node, &part.node, budget)?, file: part.file.clone() },
            };
            self.0.insert(key, part);
        }
        Ok(())
    }

    /// Makes the folders that a build names absolute: they are relative to `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(part) = self.0.get_mut("build") {
            part.node = with_absolute_folders(&part.node, folder);
        }
    }

    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let nodes = |parts: &Self| parts.0.iter().map(|(key, part)| (*key, part.node.clone())).collect::<Vec<_>>();
        nodes(self) == nodes(other)
    }
}

fn merge(key: &str, base: &Rc<Node>, later: &Rc<Node>, budget: &Budget) -> Result<Rc<Node>, LoadError> {
    match key {
        "build" => merge_any(&build_map(base), &build_map(later), budget),
        "depends_on" => merge_any(&named_map(base), &named_map(later), budget),
        "args" | "additional_contexts" => merge_any(&pair_list(base), &pair_list(later), budget),
        _ => merge_any(base, later, budget),
    }
}

fn merge_any(base: &Rc<Node>, later: &Rc<Node>, budget: &Budget) -> Result<Rc<Node>, LoadError> {
    let merged = match (base.plain(), later.plain()) {
        (Node::Map(entries), Node::Map(more)) => {
            spend(entries.len() + more.len() * 8, budget)?;
            let mut entries = entries.clone();
            for (key, later) in more {
                merge_entry(&mut entries, key, later, budget)?;
            }
            Node::Map(entries)
        }
        (Node::List(items), Node::List(more)) => {
            spend(items.len() + more.len(), budget)?;
            Node::List(items.iter().chain(more).cloned().collect())
        }
        (Node::Map(_) | Node::List(_), _) => return Err(LoadError::refused("a value replaces one of another kind")),
        _ => return Ok(later.clone()),
    };
    Ok(Rc::new(merged))
}

fn merge_entry(
    entries: &mut Vec<(String, Rc<Node>)>,
    key: &str,
    later: &Rc<Node>,
    budget: &Budget,
) -> Result<(), LoadError> {
    let place = entries.iter().rposition(|(name, node)| name == key && !matches!(**node, Node::Nothing | Node::Reset));
    match (place, &**later) {
        (Some(place), Node::Reset) => drop(entries.remove(place)),
        (Some(place), Node::Override(_)) => entries[place].1 = later.clone(),
        (Some(place), _) => entries[place].1 = merge(key, &entries[place].1, later, budget)?,
        (None, _) => entries.push((key.to_owned(), later.clone())),
    }
    Ok(())
}

fn spend(entries: usize, budget: &Budget) -> Result<(), LoadError> {
    if budget.spend(entries as u64) { Ok(()) } else { Err(LoadError::refused("it is too large")) }
}

/// `build: FOLDER` is `build: {context: FOLDER}`.
fn build_map(node: &Rc<Node>) -> Rc<Node> {
    match node.plain() {
        Node::Text(_) => Rc::new(Node::Map(vec![("context".to_owned(), node.clone())])),
        _ => node.clone(),
    }
}

/// `[NAME]` is `{NAME: {}}`.
fn named_map(node: &Rc<Node>) -> Rc<Node> {
    match node.plain() {
        Node::List(names) => {
            let entry = |name: &Rc<Node>| Some((name.text()?.to_owned(), Rc::new(Node::Map(Vec::new()))));
            Rc::new(Node::Map(names.iter().filter_map(entry).collect()))
        }
        _ => node.clone(),
    }
}

/// `{NAME: VALUE}` is `[NAME=VALUE]`.
fn pair_list(node: &Rc<Node>) -> Rc<Node> {
    match node.plain() {
        Node::Map(entries) => {
            let pair = |(name, value): &(String, Rc<Node>)| {
                Rc::new(Node::Text(value.text().map_or_else(|| name.clone(), |value| format!("{name}={value}"))))
            };
            let said = entries.iter().filter(|(_, value)| **value != Node::Reset);
            Rc::new(Node::List(said.map(pair).collect()))
        }
        _ => node.clone(),
    }
}

fn with_absolute_folders(build: &Rc<Node>, folder: &Path) -> Rc<Node> {
    let absolute = |node: &Rc<Node>| match node.text() {
        Some(text) => Rc::new(Node::Text(absolute(text, folder))),
        None => node.clone(),
    };
    let Node::Map(entries) = build.plain() else { return absolute(build) };
    let entries = entries.iter().map(|(key, node)| {
        let node = match key.as_str() {
            "context" => absolute(node),
            "additional_contexts" => {
                let pairs = pair_list(node);
                let pair = |pair: &Rc<Node>| match pair.text().and_then(|pair| pair.split_once('=')) {
                    Some((name, source)) => Rc::new(Node::Text(format!("{name}={}", self::absolute(source, folder)))),
                    None => pair.clone(),
                };
                Rc::new(Node::List(pairs.list().iter().map(pair).collect()))
            }
            _ => node.clone(),
        };
        (key.clone(), node)
    });
    Rc::new(Node::Map(entries.collect()))
}

/// A context that is elsewhere stays as it is (compose-go `paths/context.go`).
fn absolute(context: &str, folder: &Path) -> String {
    let elsewhere = ["service:", "github.com/", "git@", "~"];
    if context.contains("://") || elsewhere.iter().any(|start| context.starts_with(start)) {
        return context.to_owned();
    }
    folder.join(context).to_string_lossy().into_owned()
}
