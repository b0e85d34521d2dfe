//! Finds the image, the features and the build of a development container in its devcontainer.json.
//!
//! Sources: devcontainers/cli `src/spec-configuration/`, containers.dev `implementors/json_reference`.

use std::path::Path;

use serde_json::{Map, Value};

use super::build::Build;
use super::dockerfile::BuildParameters;
use super::image_side::UNKNOWN;
use super::project_reader::ProjectReader;
use super::{FileCommand, ImageSide, ProjectImages, ProjectVariables};
use crate::caller::clients::InputFiles;
use crate::caller::command_words::FlagKind;

/// Returns the images that `devcontainer up` and `build` pull, and the features that other verbs look up. Skips Compose
/// files, because the CLI starts `docker compose` for these files. `docker compose` is then the caller.
pub(super) fn images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, variables } = command;
    let folder = current.join(task.flags.value(FlagKind::Folder).unwrap_or("."));
    let flag = task.flags.value(FlagKind::File).map(|file| current.join(file));
    // A devcontainer.json in any other place must be passed with a flag.
    let places = [".devcontainer/devcontainer.json", ".devcontainer.json"];
    let Some(path) = flag.or_else(|| reader.first_of(&folder, &places)) else { return ProjectImages::default() };
    let Some(text) = reader.text(&path) else { return ProjectImages::default() };
    let Some(config) = serde_json::from_str(&plain_json(&text)).ok().filter(Value::is_object) else {
        reader.add_unknown(&path, "could not be read as JSON with comments");
        return ProjectImages::default();
    };
    let mut side = ImageSide::default();
    let filled = |text: &str| fill(text, variables);
    for feature in config["features"].as_object().into_iter().flat_map(Map::keys) {
        // A feature with a folder or a URL as its name does not come from a registry.
        if feature.contains('/') && !feature.starts_with('.') && !feature.contains("://") {
            side.add_image(&filled(feature), &path);
        }
    }
    if task.files == InputFiles::DevContainerFeatures && !task.flags.is_on("--include-merged-configuration") {
        return ProjectImages::pulled(side);
    }
    if let Some(image) = config["image"].as_str() {
        side.add_image(&filled(image), &path);
    }
    if let Some(build) = build(&config, &path, filled) {
        side.extend(build.pulled(reader));
    }
    ProjectImages::pulled(side)
}

fn build(config: &Value, path: &Path, filled: impl Fn(&str) -> String) -> Option<Build> {
    let section = &config["build"];
    let file = section["dockerfile"].as_str().or(config["dockerFile"].as_str())?;
    let arguments = section["args"].as_object().into_iter().flatten();
    let caches = match &section["cacheFrom"] {
        Value::Array(caches) => caches.as_slice(),
        cache => std::slice::from_ref(cache),
    };
    let caches = caches.iter().filter_map(Value::as_str).map(&filled);
    Some(Build {
        files: vec![path.with_file_name(filled(file))],
        beside: ImageSide::from_texts(FlagKind::Cache, caches, path),
        parameters: BuildParameters {
            arguments: arguments.filter_map(|(name, value)| Some((name.clone(), filled(value.as_str()?)))).collect(),
            target: section["target"].as_str().map(&filled),
            ..BuildParameters::default()
        },
        ..Build::default()
    })
}

/// Substitutes `${localEnv:NAME}` and `${localEnv:NAME:DEFAULT}`. A default ends at the next colon, and does not
/// replace an empty value. Other variables are unknown, because only the CLI has their values.
fn fill(text: &str, variables: &ProjectVariables) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        let Some((name, behind)) = after.split_once('}') else { return filled + &UNKNOWN.to_string() };
        let mut parts = name.split(':');
        match (parts.next(), parts.next()) {
            (Some("localEnv" | "env"), Some(name)) => {
                filled += &variables.get(name).unwrap_or_else(|| parts.next().unwrap_or_default().to_owned());
            }
            _ => filled.push(UNKNOWN),
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
