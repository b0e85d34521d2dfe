//! `--set TARGET.KEY=VALUE`, and the flags that stand for one.
//!
//! docker/buildx `bake/bake.go` (`newOverrides`, `AddOverrides`).

use std::path::Path;

use super::glob;
use super::output::{self, Goes, Output, is_true};
use super::target::{Context, Target, side_of};
use crate::caller::clients::Task;
use crate::caller::files::{Named, Side, Variables};
use crate::caller::words::Meaning;
use crate::model::choice::{Reach, Unknown};

#[derive(Debug, Default)]
pub(super) struct Overrides(Vec<Override>);

#[derive(Debug)]
struct Override {
    pattern: String,
    key: String,
    /// Of one argument, or of one named context.
    name: Option<String>,
    /// `+=` adds to a list.
    is_added: bool,
    value: String,
}

impl Overrides {
    pub(super) fn of(task: &Task<'_>, variables: &Variables) -> Self {
        let mut overrides: Vec<Override> =
            task.values(Meaning::BakeOverride).filter_map(|text| parse(text, variables)).collect();
        for (flag, key) in [("--push", "push"), ("--load", "load")] {
            if task.has(flag) {
                overrides.push(Override {
                    pattern: "*".to_owned(),
                    key: key.to_owned(),
                    name: None,
                    is_added: false,
                    value: "true".to_owned(),
                });
            }
        }
        Self(overrides)
    }

    /// What is known of targets whose files are not here: their tags, if the command line sets those of all.
    pub(super) fn elsewhere(&self, current: &Path) -> Named {
        let message = "the bake definition is not in this folder".to_owned();
        let unknown = Unknown { file: current.to_owned(), reach: Reach::Any, message };
        let mut pushed = Side { unknown: vec![unknown.clone()], ..Side::default() };
        let tags: Vec<&Override> = self.0.iter().filter(|one| one.key == "tags").collect();
        if !tags.is_empty() && tags.iter().all(|one| one.pattern == "*" && !one.is_added) {
            let tags: Vec<String> = tags.iter().map(|one| one.value.clone()).collect();
            pushed = side_of(Meaning::Image, &tags, current);
        }
        let of_all = |one: &&Override| one.pattern == "*";
        let goes_out = self.0.iter().filter(of_all).any(|one| match &*one.key {
            "push" => is_true(&one.value),
            "output" => output::goes(&[Output { text: one.value.clone(), file: current.into() }]) == Goes::AsTagged,
            _ => false,
        });
        let pulled = Side { unknown: vec![unknown], ..Side::default() };
        Named { pulled, pushed, goes_out }
    }

    /// Changes the target of this name. A pattern that is the name of one is for that one only.
    pub(super) fn apply(&self, name: &str, target: &mut Target, is_target: impl Fn(&str) -> bool) {
        let fits =
            |one: &&Override| one.pattern == name || (!is_target(&one.pattern) && glob::fits(&one.pattern, name));
        let fitting: Vec<&Override> = self.0.iter().filter(fits).collect();
        let (last, first): (Vec<_>, Vec<_>) = fitting.into_iter().partition(|one| matches!(&*one.key, "push" | "load"));
        let lists = ["tags", "cache-from", "cache-to", "output", "platform"];
        for key in lists {
            let values: Vec<&Override> = first.iter().copied().filter(|one| one.key == key).collect();
            if let Some(one) = values.last() {
                let texts: Vec<String> = values.iter().map(|one| one.value.clone()).collect();
                set_list(target, key, &texts, one.is_added);
            }
        }
        for one in first {
            set(target, one);
        }
        for one in last {
            let is_set = is_true(&one.value);
            let file = target.file.clone();
            let outputs = target.outputs.get_or_insert_default();
            match &*one.key {
                "push" => output::set_push(outputs, is_set, &file),
                // It only matters where nothing else is said: then the result stays here.
                _ if is_set && outputs.is_empty() => outputs.push(Output { text: "type=docker".to_owned(), file }),
                _ => {}
            }
        }
    }
}

/// `TARGET.KEY=VALUE`, `TARGET.KEY+=VALUE`, `TARGET.args.NAME=VALUE`; an argument may be the variable of its name.
fn parse(text: &str, variables: &Variables) -> Option<Override> {
    let (path, value) = text.split_once('=').map_or((text, None), |(path, value)| (path, Some(value)));
    let (path, is_added) = path.strip_suffix('+').map_or((path, false), |path| (path, true));
    let mut keys = path.splitn(3, '.');
    let (pattern, key, name) = (keys.next()?, keys.next()?, keys.next().map(str::to_owned));
    let value = match (value, &name) {
        (Some(value), _) => value.to_owned(),
        (None, Some(name)) if key == "args" => variables.get(name)?,
        (None, _) => return None,
    };
    Some(Override { pattern: pattern.to_owned(), key: key.to_owned(), name, is_added, value })
}

fn set(target: &mut Target, one: &Override) {
    let value = || one.value.clone();
    match (&*one.key, &one.name) {
        ("context", _) => target.context = Some((Context::of(&one.value), target.file.clone())),
        ("dockerfile", _) => target.dockerfile = Some(value()),
        ("target", _) => target.stage = Some(value()),
        ("args", Some(name)) => drop(target.arguments.insert(name.clone(), Some(value()))),
        ("contexts", Some(name)) => drop(target.contexts.insert(name.clone(), value())),
        _ => {}
    }
}

fn set_list(target: &mut Target, key: &str, texts: &[String], is_added: bool) {
    let file = target.file.clone();
    let set_or_add = |side: &mut Option<Side>, meaning| {
        let new = side_of(meaning, texts, &file);
        if is_added { side.get_or_insert_default().extend(new) } else { *side = Some(new) }
    };
    match key {
        "tags" => set_or_add(&mut target.tags, Meaning::Image),
        "cache-to" => set_or_add(&mut target.cache_to, Meaning::CacheTo),
        "cache-from" => {
            let new = side_of(Meaning::Cache, texts, &file);
            if is_added { target.cache_from.extend(new) } else { target.cache_from = new }
        }
        "output" => {
            let outputs = target.outputs.get_or_insert_default();
            if !is_added {
                outputs.clear();
            }
            let texts = texts.iter().filter(|text| !text.is_empty());
            outputs.extend(texts.map(|text| Output { text: text.clone(), file: file.clone() }));
        }
        _ => {
            let platforms = target.platforms.get_or_insert_default();
            if !is_added {
                platforms.clear();
            }
            platforms.extend_from_slice(texts);
        }
    }
}
