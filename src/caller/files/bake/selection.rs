//! Selects the targets of a bake command by name, group and pattern. Adds inherited settings, and the targets that a
//! selected target is built from.
//!
//! Source: docker/buildx `bake/bake.go` (`ReadTargets`, `ResolveGroup`, `ResolveTarget`, `loadLinks`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::definition::BakeDefinition;
use super::glob;
use super::overrides::BakeOverrides;
use super::target::BakeTarget;
use crate::caller::files::image_side::UNKNOWN;
use crate::caller::files::project_reader::ProjectReader;

const TARGETS_AT_MOST: usize = 1000;
/// The largest number of levels of inheritance, and of groups within groups.
const DEPTH_AT_MOST: usize = 64;

impl BakeDefinition {
    /// Returns the selected targets by name. Records a missing target as unknown.
    pub(super) fn chosen(
        &self,
        words: &[String],
        overrides: &BakeOverrides,
        reader: &mut ProjectReader,
    ) -> BTreeMap<String, BakeTarget> {
        let mut names: Vec<String> = Vec::new();
        for word in words {
            if !glob::is_pattern(word) {
                names.push(word.clone());
                continue;
            }
            let all = self.groups.keys().chain(self.layers.keys());
            let fitting: Vec<_> = all.filter(|name| self.budget.spend(16) && glob::fits(word, name)).cloned().collect();
            if fitting.is_empty() || self.layers.keys().any(|name| name.contains('\0')) {
                reader.add_unknown(&self.place, &format!("the targets that `{word}` selects are unknown"));
            }
            names.extend(fitting);
        }
        let mut targets = BTreeMap::new();
        let mut seen = BTreeMap::new();
        let names: BTreeSet<String> = names.iter().flat_map(|name| self.targets(name, &mut seen, 0)).collect();
        let names = names.into_iter().take(TARGETS_AT_MOST + 2);
        let mut waiting: VecDeque<(String, bool)> = names.map(|name| (name, false)).collect();
        while let Some((name, is_linked)) = waiting.pop_front() {
            if targets.contains_key(&name) || targets.len() > TARGETS_AT_MOST {
                continue;
            }
            if let Some(target) = self.target(&name, overrides, reader) {
                waiting.extend(links(&target).map(|link| (link.to_owned(), true)));
                targets.insert(name, BakeTarget { is_linked, ..target });
            }
        }
        if targets.len() > TARGETS_AT_MOST {
            reader.add_unknown(&self.place, "the command selects more targets than Ensign reads");
        }
        targets
    }

    /// Returns the names of a group's targets, or `name` itself if no group has this name. An empty group, or a group
    /// that contains itself, is replaced by the target with the group's name.
    fn targets(&self, name: &str, seen: &mut BTreeMap<String, BTreeSet<String>>, depth: usize) -> BTreeSet<String> {
        if let Some(targets) = seen.get(name) {
            self.budget.spend(targets.len() as u64 * 16);
            return targets.clone();
        }
        let is_left = self.budget.spend(16) && depth < DEPTH_AT_MOST;
        let Some(members) = self.groups.get(name).filter(|_| is_left) else { return BTreeSet::from([name.to_owned()]) };
        seen.insert(name.to_owned(), BTreeSet::new());
        let mut targets = BTreeSet::new();
        for member in members {
            let inner = self.targets(member, seen, depth + 1);
            if inner.is_empty() {
                targets.insert(member.clone());
            }
            targets.extend(inner);
        }
        seen.insert(name.to_owned(), targets.clone());
        targets
    }

    /// Returns a target with the settings that it inherits. Records a missing target as unknown.
    fn target(&self, name: &str, overrides: &BakeOverrides, reader: &mut ProjectReader) -> Option<BakeTarget> {
        let target = self.resolve(name, overrides, &mut BTreeMap::new(), 0);
        if target.is_none() {
            let shown = name.split('\0').next().unwrap_or_default().replace(UNKNOWN, "…");
            reader.add_unknown(&self.place, &format!("the target `{shown}` is unknown"));
        }
        target
    }

    fn resolve(
        &self,
        name: &str,
        overrides: &BakeOverrides,
        seen: &mut BTreeMap<String, Option<BakeTarget>>,
        depth: usize,
    ) -> Option<BakeTarget> {
        let mut own = self.own(name).filter(|_| depth < DEPTH_AT_MOST)?;
        seen.insert(name.to_owned(), None);
        let (mut layers, mut is_open) = (Vec::new(), false);
        for parent in std::mem::take(&mut own.inherits) {
            let inherited = match seen.get(&parent) {
                Some(None) => continue, // the target inherits from itself
                Some(known) => known.clone(),
                None => self.resolve(&parent, overrides, seen, depth + 1),
            };
            is_open |= inherited.as_ref().is_none_or(|inherited| !self.budget.spend(inherited.weight()));
            layers.extend(inherited);
        }
        layers.push(own);
        let mut target = layers.into_iter().reduce(BakeTarget::merged)?;
        if is_open {
            target.leave_all_open(&format!("what the target `{name}` inherits is unknown"));
        }
        overrides.apply(name, &mut target, |name| self.layers.contains_key(name));
        seen.insert(name.to_owned(), Some(target.clone()));
        Some(target)
    }
}

/// Returns the names of the targets that `target` is built from.
fn links(target: &BakeTarget) -> impl Iterator<Item = &str> {
    target.contexts.values().filter_map(|source| source.strip_prefix("target:"))
}
