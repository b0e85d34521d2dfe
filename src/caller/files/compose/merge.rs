//! `ServiceParts`: the uninterpreted values of a service, merged from several files.
//!
//! Sources: compose-go `override/merge.go`; compose-spec `13-merge.md`.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use super::super::budget::Budget;
use super::super::build::is_remote;
use super::super::yaml::YamlNode;
use super::LoadError;

/// The keys of a service that decide which images a command needs.
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

const TOO_LARGE: LoadError = LoadError::Refused("the project is too large");

/// The fields of a service by key.
#[derive(Clone, Debug, Default)]
pub(super) struct ServiceParts(BTreeMap<&'static str, ServiceField>);

#[derive(Clone, Debug)]
struct ServiceField {
    node: Rc<YamlNode>,
    /// The last file that sets the value.
    file: Rc<Path>,
}

impl ServiceParts {
    pub(super) fn new(node: &YamlNode, file: &Path) -> Self {
        let file: Rc<Path> = file.into();
        let part = |key| {
            let entry = node.entry(key)?;
            // `!reset` removes the values of earlier files. A value that a merge key (`<<`) adds in the same service
            // remains.
            let is_merged = |(name, node): &&(String, Rc<YamlNode>)| name == key && **node != YamlNode::Reset;
            let node = match node.map().iter().rev().find(is_merged) {
                Some((_, merged)) if **entry == YamlNode::Reset && **merged != YamlNode::Nothing => {
                    Rc::new(YamlNode::Override(merged.clone()))
                }
                _ => entry.clone(),
            };
            Some((key, ServiceField { node, file: file.clone() }))
        };
        Self(KEYS.into_iter().filter_map(part).collect())
    }

    /// Adds the steps for reading all fields to the budget. The fields can be much larger than the file, because
    /// aliases and `extends` repeat them.
    pub(super) fn spend(&self, budget: &Budget) -> Result<(), LoadError> {
        if self.0.values().all(|field| field.node.spend(budget)) { Ok(()) } else { Err(TOO_LARGE) }
    }

    /// Returns the value of `key`, or `Nothing`.
    pub(super) fn value(&self, key: &str) -> &YamlNode {
        self.get(key).0
    }

    /// Returns the value of `key`, or `Nothing`, and the last file that sets this value.
    pub(super) fn get(&self, key: &str) -> (&YamlNode, &Path) {
        match self.0.get(key) {
            Some(ServiceField { node, file }) if **node != YamlNode::Reset => (node, file),
            _ => (&YamlNode::Nothing, Path::new("")),
        }
    }

    /// Merges the fields of `later` into these fields.
    pub(super) fn apply(&mut self, later: &Self, budget: &Budget) -> Result<(), LoadError> {
        for (key, ServiceField { node, file }) in &later.0 {
            let node = match self.0.get(key) {
                // `!reset` and `!override` discard the values of earlier files and of an extended service.
                Some(earlier) if !matches!(**node, YamlNode::Reset | YamlNode::Override(_)) => {
                    merge(key, &earlier.node, node, budget)?
                }
                _ => node.clone(),
            };
            self.0.insert(key, ServiceField { node, file: file.clone() });
        }
        Ok(())
    }

    /// Makes a relative build context absolute, with `folder` as its base. Other paths in the build stay relative,
    /// because they contain no image reference.
    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(part) = self.0.get_mut("build") {
            part.node = with_absolute_context(&part.node, folder);
        }
    }

    /// Adds the context `.` to a build without a context.
    pub(super) fn add_default_context(&mut self) {
        let Some(part) = self.0.get_mut("build") else { return };
        if let YamlNode::Map(entries) = part.node.plain()
            && part.node.entry("context").is_none()
        {
            let context = ("context".to_owned(), Rc::new(YamlNode::Text(".".to_owned())));
            part.node = Rc::new(YamlNode::Map(entries.iter().cloned().chain([context]).collect()));
        }
    }

    pub(super) fn is_same(&self, other: &Self, budget: &Budget) -> bool {
        self.0.keys().eq(other.0.keys())
            && self.0.values().zip(other.0.values()).all(|(field, other)| is_same(&field.node, &other.node, budget))
    }
}

fn merge(key: &str, base: &Rc<YamlNode>, later: &Rc<YamlNode>, budget: &Budget) -> Result<Rc<YamlNode>, LoadError> {
    match key {
        "build" => merge_any(&build_map(base), &build_map(later), budget),
        "depends_on" => merge_any(&named_map(base), &named_map(later), budget),
        "args" | "additional_contexts" => merge_any(&pair_list(&without_reset(base, later)), &pair_list(later), budget),
        _ => merge_any(base, later, budget),
    }
}

fn merge_any(base: &Rc<YamlNode>, later: &Rc<YamlNode>, budget: &Budget) -> Result<Rc<YamlNode>, LoadError> {
    let merged = match (base.plain(), later.plain()) {
        (YamlNode::Map(entries), YamlNode::Map(more)) => {
            spend(entries.len() + more.len() * (8 + (entries.len() + more.len()) / 8), budget)?; // each key is searched
            let mut entries = entries.clone();
            for (key, later) in more {
                merge_entry(&mut entries, key, later, budget)?;
            }
            YamlNode::Map(entries)
        }
        (YamlNode::List(items), YamlNode::List(more)) => {
            spend(items.len() + more.len(), budget)?;
            YamlNode::List(items.iter().chain(more).cloned().collect())
        }
        (_, YamlNode::Nothing) => return Ok(base.clone()),
        (YamlNode::Map(_) | YamlNode::List(_), _) => {
            return Err(LoadError::Refused("a file replaces a value with a value of another type"));
        }
        _ => return Ok(later.clone()),
    };
    Ok(Rc::new(merged))
}

fn merge_entry(
    entries: &mut Vec<(String, Rc<YamlNode>)>,
    key: &str,
    later: &Rc<YamlNode>,
    budget: &Budget,
) -> Result<(), LoadError> {
    let place =
        entries.iter().rposition(|(name, node)| name == key && !matches!(**node, YamlNode::Nothing | YamlNode::Reset));
    match (place, &**later) {
        (Some(place), YamlNode::Reset) => drop(entries.remove(place)),
        (Some(place), YamlNode::Override(_)) => entries[place].1 = later.clone(),
        (Some(place), _) => entries[place].1 = merge(key, &entries[place].1, later, budget)?,
        (None, _) => entries.push((key.to_owned(), later.clone())),
    }
    Ok(())
}

/// Tells whether two values are the same. The budget limits the comparison, because aliases make small files large.
fn is_same(one: &Rc<YamlNode>, other: &Rc<YamlNode>, budget: &Budget) -> bool {
    if Rc::ptr_eq(one, other) {
        return true;
    }
    if !budget.spend(1) {
        return false;
    }
    let is_pair_same = |(one, other): (&Rc<YamlNode>, &Rc<YamlNode>)| is_same(one, other, budget);
    match (&**one, &**other) {
        (YamlNode::List(items), YamlNode::List(others)) => {
            items.len() == others.len() && items.iter().zip(others).all(is_pair_same)
        }
        (YamlNode::Map(entries), YamlNode::Map(others)) => {
            entries.iter().map(|(key, _)| key).eq(others.iter().map(|(key, _)| key))
                && entries.iter().zip(others).all(|((_, one), (_, other))| is_pair_same((one, other)))
        }
        (YamlNode::Override(one), YamlNode::Override(other)) => is_same(one, other, budget),
        (one, other) => one == other,
    }
}

pub(super) fn spend(entries: usize, budget: &Budget) -> Result<(), LoadError> {
    if budget.spend(entries as u64) { Ok(()) } else { Err(TOO_LARGE) }
}

/// Converts `build: folder` to `build: {context: folder}`.
fn build_map(node: &Rc<YamlNode>) -> Rc<YamlNode> {
    match node.plain() {
        YamlNode::Text(_) => Rc::new(YamlNode::Map(vec![("context".to_owned(), node.clone())])),
        _ => node.clone(),
    }
}

/// Converts `[name]` to `{name: {}}`.
fn named_map(node: &Rc<YamlNode>) -> Rc<YamlNode> {
    match node.plain() {
        YamlNode::List(names) => {
            let entry = |name: &Rc<YamlNode>| Some((name.text()?.to_owned(), Rc::new(YamlNode::Map(Vec::new()))));
            Rc::new(YamlNode::Map(names.iter().filter_map(entry).collect()))
        }
        _ => node.clone(),
    }
}

/// Returns the entries of a map without the entries that `later` resets.
fn without_reset(base: &Rc<YamlNode>, later: &YamlNode) -> Rc<YamlNode> {
    match base.plain() {
        YamlNode::Map(entries) => {
            let later: BTreeMap<_, _> = later.map().iter().map(|(name, node)| (name, node)).collect();
            let is_left = |name: &String| later.get(name).is_none_or(|node| ***node != YamlNode::Reset);
            Rc::new(YamlNode::Map(entries.iter().filter(|(name, _)| is_left(name)).cloned().collect()))
        }
        _ => base.clone(),
    }
}

/// Converts `{name: value}` to `[name=value]`.
fn pair_list(node: &Rc<YamlNode>) -> Rc<YamlNode> {
    match node.plain() {
        YamlNode::Map(entries) => {
            let pair = |(name, value): &(String, Rc<YamlNode>)| {
                Rc::new(YamlNode::Text(value.text().map_or_else(|| name.clone(), |value| format!("{name}={value}"))))
            };
            let entries = entries.iter().filter(|(_, value)| **value != YamlNode::Reset);
            Rc::new(YamlNode::List(entries.map(pair).collect()))
        }
        _ => node.clone(),
    }
}

fn with_absolute_context(build: &Rc<YamlNode>, folder: &Path) -> Rc<YamlNode> {
    let absolute = |node: &Rc<YamlNode>| match node.text() {
        Some(text) => Rc::new(YamlNode::Text(absolute(text, folder))),
        None => node.clone(),
    };
    let YamlNode::Map(entries) = build.plain() else { return absolute(build) };
    let entries = entries.iter().map(|(key, node)| (key, if key == "context" { absolute(node) } else { node.clone() }));
    Rc::new(YamlNode::Map(entries.map(|(key, node)| (key.clone(), node)).collect()))
}

/// Joins a relative context to `folder`. A remote or empty context stays unchanged (compose-go `paths/context.go`).
fn absolute(context: &str, folder: &Path) -> String {
    if context.is_empty() || is_remote(context) || context.starts_with('~') {
        return context.to_owned();
    }
    folder.join(context).to_string_lossy().into_owned()
}
