//! Finds the images that regsync copies, and the images in regbot's scripts.

use std::path::PathBuf;

use super::image_side::UNKNOWN;
use super::project_reader::ProjectReader;
use super::variables::ProjectVariables;
use super::{FileCommand, ImageSide, ProjectImages};
use crate::caller::command_words::FlagKind;

/// Returns the images of regsync's steps. A step copies a source to a target, and may copy the old target to a backup
/// (regclient `cmd/regsync/root/config.go`).
pub(super) fn sync_images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let mut named = ProjectImages { goes_out: true, ..ProjectImages::default() };
    let Some(path) = config(command, reader) else { return named };
    let Some(document) = reader.document(&path) else { return named };
    let budget = reader.budget();
    let filled = |text| Some(filled_in(text, &command.variables)).filter(|text| budget.spend(text.len() as u64));
    let default_backup = document.get("defaults").get("backup").text();
    for step in document.get("sync").list().iter().take_while(|_| budget.is_left()) {
        let is_whole_registry = step.get("type").text() == Some("registry");
        let text = |key: &str| filled(step.get(key).text()?);
        let add = |side: &mut ImageSide, text: Option<String>| match text {
            Some(host) if is_whole_registry => side.add_image(&format!("{host}/{UNKNOWN}"), &path),
            Some(image) if !image.contains("://") => side.add_image(&image, &path), // `ocidir://FOLDER`
            _ => {}
        };
        add(&mut named.pulled, text("source"));
        add(&mut named.pushed, text("target"));
        let backup = step.get("backup").text().or(default_backup);
        // A backup without `:` or `/` is only a tag.
        if let Some(image) = backup.filter(|backup| backup.contains([':', '/'])).and_then(filled) {
            named.pushed.add_image(&image, &path);
        }
    }
    named
}

/// Returns the image names with a host in regbot's Lua scripts. Every image counts as pulled.
pub(super) fn script_images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let mut side = ImageSide::default();
    if let Some(path) = config(command, reader)
        && let Some(document) = reader.document(&path)
    {
        for script in document.get("scripts").list().iter().filter_map(|script| script.get("script").text()) {
            side.extend(ImageSide::from_texts(FlagKind::Image, literals(script), &path));
        }
    }
    ProjectImages::pulled(side)
}

fn config(command: &FileCommand<'_>, reader: &mut ProjectReader) -> Option<PathBuf> {
    let FileCommand { task, folder: current, .. } = command;
    let name = task.flags.value(FlagKind::File)?;
    if name == "-" {
        reader.add_unknown(current, "a configuration on standard input is not read");
        return None;
    }
    Some(current.join(name))
}

/// Replaces `{{ env "NAME" }}` in a Go template by the variable's value. The result of any other action is unknown.
fn filled_in(text: &str, variables: &ProjectVariables) -> String {
    let mut pieces = text.split("{{");
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (action, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        let name =
            action.trim_matches(['-', ' ']).strip_prefix("env ").map(|name| name.trim().trim_matches(['"', '`']));
        match name.map(|name| variables.get(name).unwrap_or_default()) {
            Some(value) => filled.push_str(&value),
            None => filled.push(UNKNOWN),
        }
        filled.push_str(rest);
    }
    filled
}

/// Returns the quoted texts that begin with a host. [`UNKNOWN`] replaces any text that Lua's operator `..` adds.
fn literals(script: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = script;
    while let Some(start) = rest.find(['"', '\'']) {
        let (quote, inside) = rest[start..].split_at(1);
        let Some((literal, after)) = inside.split_once(quote) else { break };
        let is_added_to_host = rest[..start].trim_end().ends_with("..") && literal.starts_with('/');
        let host = literal.split_once('/').map_or("", |(host, _)| host);
        if is_added_to_host {
            found.push(format!("{UNKNOWN}{literal}"));
        } else if host.contains(['.', ':']) || host == "localhost" {
            let is_whole = !after.trim_start().starts_with("..");
            found.push(if is_whole { literal.to_owned() } else { format!("{literal}{UNKNOWN}") });
        }
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_of_a_template_is_known_and_nothing_else() {
        let variables = ProjectVariables::of_test(&[("REG", "ghcr.io")]);
        for (text, expected) in [
            ("ghcr.io/acme/app", "ghcr.io/acme/app"),
            ("{{env \"REG\"}}/acme/app", "ghcr.io/acme/app"),
            ("{{- env `REG` -}}/acme", "ghcr.io/acme"),
            ("ghcr.io/acme/app:{{.Ref.Tag}}", "ghcr.io/acme/app:\u{fffd}"),
            ("{{ file \"/name\" }}/x", "\u{fffd}/x"),
            ("{{ env", "\u{fffd}"),
        ] {
            assert_eq!(filled_in(text, &variables), expected, "{text}");
        }
    }

    #[test]
    fn a_script_names_what_it_writes_out() {
        for (script, expected) in [
            ("image.copy(\"ghcr.io/acme/app:1\", 'localhost:5000/app')", "ghcr.io/acme/app:1 localhost:5000/app"),
            ("for k, t in ipairs(tag.ls(\"ghcr.io/acme/\" .. name)) do", "ghcr.io/acme/\u{fffd}"),
            ("r = host .. \"/acme/app\"", "\u{fffd}/acme/app"),
            ("log \"copying\" -- it's open", ""),
            ("log(\"and/or\")", ""),
            ("r = \"/acme/app\" .. tag", ""),
            ("r = host .. \":1\"", ""),
        ] {
            assert_eq!(literals(script).join(" "), expected, "{script}");
        }
    }
}
