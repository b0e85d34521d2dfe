//! Finds the images that `cosign dockerfile verify` verifies in a Dockerfile.
//!
//! Cosign reads single lines, expands the variables of the environment, and ignores `ARG` (`dockerfile/verify.go`).

use super::budget::Budget;
use super::project_reader::ProjectReader;
use super::{FileCommand, ImageSide, ProjectImages, ProjectVariables};
use crate::caller::command_words::FlagKind;

/// The length in bytes from which Go's `bufio.Scanner` refuses a line.
const LINE_LIMIT: usize = 64 * 1024;

pub(super) fn images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, variables } = command;
    let mut side = ImageSide::default();
    for path in task.positionals.iter().map(|name| current.join(name)) {
        let text = reader.text(&path).unwrap_or_default();
        let Some(mut images) = images_in(&text, variables, reader.budget()) else {
            reader.add_unknown(&path, "could not be read: the file or a line is too long");
            continue;
        };
        if task.flags.is_on("--base-image-only") {
            images.drain(..images.len().saturating_sub(1));
        }
        side.extend(ImageSide::from_texts(FlagKind::Image, images, &path));
    }
    ProjectImages::pulled(side)
}

/// Returns the images of all lines, or `None` if a line is too long or the budget is used up.
fn images_in(text: &str, variables: &ProjectVariables, budget: &Budget) -> Option<Vec<String>> {
    let mut images = Vec::new();
    for line in text.lines() {
        if line.len() >= LINE_LIMIT || !budget.spend(line.len() as u64) {
            return None;
        }
        let expanded = expand(image_part(line.trim()), variables)?;
        if !budget.spend(expanded.len() as u64) {
            return None;
        }
        images.extend(image(&expanded).filter(|image| *image != "scratch").map(str::to_owned));
    }
    Some(images)
}

/// Returns the part of a line that contains the image. The part is empty for a line without an image.
fn image_part(line: &str) -> &str {
    let starts_with = |word: &str| line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if starts_with("FROM") {
        return line.strip_prefix("FROM").unwrap_or(line);
    }
    // If a `COPY` line has only one `=`, cosign takes the text after it, unless this text contains a space.
    match line.split_once('=') {
        Some((_, image)) if starts_with("COPY") && !image.contains([' ', '=']) => image,
        _ => "",
    }
}

/// Returns the last word before `AS`.
fn image(part: &str) -> Option<&str> {
    let words: Vec<&str> = part.split_whitespace().collect();
    let alias = words.iter().skip(1).rposition(|word| word.eq_ignore_ascii_case("AS"));
    alias.map_or(words.as_slice(), |at| &words[..=at]).last().copied()
}

/// Replaces variables as Go's `os.ExpandEnv` does. A variable that is not set is empty. Returns `None` if the result is
/// longer than a line may be.
fn expand(text: &str, variables: &ProjectVariables) -> Option<String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        let (name, behind) = variable_name(after);
        expanded += before;
        expanded += &name.map_or_else(|| Some("$".to_owned()), |name| variables.get(name)).unwrap_or_default();
        if expanded.len() >= LINE_LIMIT {
            return None;
        }
        rest = behind;
    }
    Some(expanded + rest)
}

/// Splits the text after a `$` into the variable's name and the rest. For a faulty `${`, the name is empty, so that the
/// `${` is dropped. If the `$` stands for itself, the name is `None`.
fn variable_name(text: &str) -> (Option<&str>, &str) {
    let is_special = |c: char| c.is_ascii_digit() || "*#$@!?-".contains(c);
    if let Some(inner) = text.strip_prefix('{') {
        let (name, rest) = inner.split_once('}').unwrap_or(("", inner));
        return (Some(name), rest);
    }
    let end = match text.chars().next() {
        Some(c) if is_special(c) => 1,
        _ => text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len()),
    };
    (Some(&text[..end]).filter(|name| !name.is_empty()), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, variables: &[(&str, &str)]) -> Option<String> {
        images_in(text, &ProjectVariables::of_test(variables), &Budget::new()).map(|images| images.join(" "))
    }

    #[test]
    fn a_line_is_read_as_cosign_reads_it() {
        for (line, expected) in [
            ("FROM c.io/a", "c.io/a"),
            ("  FROM c.io/a AS build  ", "c.io/a"),
            ("FROM --platform=linux/amd64 c.io/a as build", "c.io/a"),
            ("from c.io/a", "c.io/a"),
            ("FROM $BASE:${TAG}", "c.io/base:1"),
            ("FROM ${BASE}-$TAG-x AS b", "c.io/base-1-x"),
            ("FROM c.io/a:${UNSET}", "c.io/a:"),
            ("FROM c.io/a$$TAG", "c.io/aTAG"),
            ("FROM c.io/a${TAG", "c.io/aTAG"),
            ("FROM c.io/a$/b$", "c.io/a$/b$"),
            ("FROM $UNSET", ""),
            ("FROM scratch", ""),
            ("FROM", ""),
            ("COPY --from=c.io/a /x /y", ""),
            ("COPY --from=$BASE", "c.io/base"),
            ("COPY /x /y=c.io/a", "c.io/a"),
            ("COPY --from=c.io/a /x=y", ""),
            ("ARG BASE=c.io/other", ""),
            ("é", ""),
        ] {
            assert_eq!(found(line, &[("BASE", "c.io/base"), ("TAG", "1")]).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_cosign_would_not_read_is_not_known() {
        let long = format!("FROM {}", "a".repeat(LINE_LIMIT));
        let bomb = format!("FROM {}", "$A".repeat(1000));
        assert_eq!(found(&long, &[]), None);
        assert_eq!(found(&bomb, &[("A", &"x".repeat(1000))]), None);
        assert_eq!(images_in("FROM a", &ProjectVariables::default(), &Budget::used_up()), None);
    }
}
