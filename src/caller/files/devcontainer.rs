//! Finds the image, the features and the build of a development container in its devcontainer.json.
//!
//! Sources: devcontainers/cli `src/spec-configuration/`, containers.dev `implementors/json_reference`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::build::Build;
use super::image_side::UNKNOWN;
use super::project_reader::ProjectReader;
use super::{ImageSide, FileCommand, ProjectImages, ProjectVariables};
use crate::caller::clients::InputFiles;
use crate::caller::command_words::FlagKind;

/// Returns the images that `devcontainer up` and `build` pull, and the features that other verbs look up. Skips Compose
/// files, because the CLI starts `docker compose` for these files. `docker compose` is then the caller.
pub(super) fn images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, variables } = command;
    let folder = current.join(task.flags.value(FlagKind::Folder).unwrap_or("."));
    let flag = task.flags.value(FlagKind::File).map(|file| current.join(file));
    let Some(path) = flag.or_else(|| find(&folder, reader)) else { return ProjectImages::default() };
    let Some(text) = reader.text(&path) else { return ProjectImages::default() };
    let Ok(config) = serde_json::from_str::<Map<String, Value>>(&plain_json(&text)) else {
        reader.add_unknown(&path, "could not be read as JSON with comments");
        return ProjectImages::default();
    };
    let mut side = ImageSide::default();
    let filled = |text: &str| fill(text, variables);
    for feature in config.get("features").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
        // A feature with a folder or a URL as its name does not come from a registry.
        if feature.contains('/') && !feature.starts_with('.') && !feature.contains("://") {
            side.add_image(&filled(feature), &path);
        }
    }
    if task.files == InputFiles::DevContainerFeatures && !task.flags.is_on("--include-merged-configuration") {
        return ProjectImages::pulled(side);
    }
    if let Some(image) = config.get("image").and_then(Value::as_str) {
        side.add_image(&filled(image), &path);
    }
    let beside = path.parent().unwrap_or(current).to_owned();
    if let Some(build) = build(&config, &beside, &path, filled) {
        side.extend(build.pulled(variables, reader));
    }
    ProjectImages::pulled(side)
}

/// Returns the first devcontainer.json in the places where the CLI looks. A devcontainer.json elsewhere must be passed
/// with a flag.
fn find(folder: &Path, reader: &mut ProjectReader) -> Option<PathBuf> {
    reader.first_of(folder, &[".devcontainer/devcontainer.json", ".devcontainer.json"])
}

fn build(config: &Map<String, Value>, folder: &Path, path: &Path, filled: impl Fn(&str) -> String) -> Option<Build> {
    let in_section = |name: &str| config.get("build").and_then(|section| section.get(name));
    let file = in_section("dockerfile").or_else(|| config.get("dockerFile"))?.as_str()?;
    let entries = in_section("args").and_then(Value::as_object).into_iter().flatten();
    let arguments =
        entries.map(|(name, value)| (name.clone(), value.as_str().map(&filled))).collect::<BTreeMap<_, _>>();
    let caches: Vec<String> = match in_section("cacheFrom") {
        Some(Value::String(cache)) => vec![filled(cache)],
        Some(Value::Array(caches)) => caches.iter().filter_map(Value::as_str).map(&filled).collect(),
        _ => vec![],
    };
    Some(Build {
        files: vec![folder.join(filled(file))],
        arguments,
        target: in_section("target").and_then(Value::as_str).map(&filled),
        cache_from: ImageSide::from_texts(FlagKind::Cache, &caches, path),
        ..Build::default()
    })
}

/// Substitutes `${localEnv:NAME}` and `${localEnv:NAME:DEFAULT}`. Other variables are unknown, because only the CLI has
/// their values.
fn fill(text: &str, variables: &ProjectVariables) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        let Some((name, behind)) = after.split_once('}') else { return filled + &UNKNOWN.to_string() };
        let value = name.strip_prefix("localEnv:").or_else(|| name.strip_prefix("env:")).and_then(|name| {
            let (name, default) = name.split_once(':').map_or((name, None), |(name, default)| (name, Some(default)));
            variables.get(name).filter(|value| !value.is_empty()).or(default.map(str::to_owned))
        });
        match value {
            Some(value) => filled.push_str(&value),
            None => filled.push(UNKNOWN),
        }
        rest = behind;
    }
    filled + rest
}

/// Removes the comments and trailing commas that devcontainer.json may have.
fn plain_json(text: &str) -> String {
    let (mut plain, mut letters, mut quoted) = (String::with_capacity(text.len()), text.chars().peekable(), false);
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\\', Some(next)) => {
                plain.extend([letter, *next]);
                letters.next();
            }
            ('"', _) => {
                quoted = !quoted;
                plain.push(letter);
            }
            ('/', Some('/')) if !quoted => {
                for skipped in letters.by_ref() {
                    if skipped == '\n' {
                        plain.push('\n');
                        break;
                    }
                }
            }
            ('/', Some('*')) if !quoted => {
                letters.next();
                let mut before = ' ';
                for skipped in letters.by_ref() {
                    if (before, skipped) == ('*', '/') {
                        break;
                    }
                    before = skipped;
                }
                plain.push(' ');
            }
            ('}' | ']', _) if !quoted => {
                let end = plain.trim_end().len();
                if plain[..end].ends_with(',') {
                    plain.truncate(end - 1);
                }
                plain.push(letter);
            }
            _ => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_left_out_and_texts_are_not() {
        for (text, plain) in [
            ("{ // x\n\"a\": 1}", "{ \n\"a\": 1}"),
            ("{/* \" */\"a\": \"// b\"}", "{ \"a\": \"// b\"}"),
            (r#"{"a": "\" // b"}"#, r#"{"a": "\" // b"}"#),
            ("{\"a\": [1, 2, /* x */ ],\n}", "{\"a\": [1, 2]}"),
            (r#"{"a": ",]"}"#, r#"{"a": ",]"}"#),
            (r#"{"a": "/* b */"}"#, r#"{"a": "/* b */"}"#),
            ("/*", " "),
            ("//", ""),
        ] {
            assert_eq!(plain_json(text), plain, "{text}");
        }
    }
}
