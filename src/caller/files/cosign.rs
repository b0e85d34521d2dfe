//! Finds the images that `cosign dockerfile verify` verifies in a Dockerfile.
//!
//! Cosign reads single lines, expands environment variables, and ignores `ARG` (`dockerfile/verify.go`).

use std::path::Path;

use super::project_reader::ProjectReader;
use super::{ImageSide, ProjectImages, ProjectVariables};
use crate::caller::clients::VerbInvocation;

pub(super) fn images(
    task: &VerbInvocation<'_>,
    current: &Path,
    variables: &ProjectVariables,
    reader: &mut ProjectReader,
) -> ProjectImages {
    let mut side = ImageSide::default();
    for path in task.positionals.iter().map(|name| current.join(name)) {
        let text = reader.text(&path).unwrap_or_default();
        let mut images: Vec<String> = text.lines().filter_map(|line| image(line, variables)).collect();
        if task.flags.is_on("--base-image-only") {
            images.drain(..images.len().saturating_sub(1));
        }
        for image in &images {
            side.add_image(image, &path);
        }
    }
    ProjectImages::pulled(side)
}

/// Returns the image of a `FROM` line. `COPY` lines are skipped, because cosign accepts no image before a path.
fn image(line: &str, variables: &ProjectVariables) -> Option<String> {
    let line = line.trim();
    line.get(..4).filter(|start| start.eq_ignore_ascii_case("FROM"))?;
    let line = expand(line.strip_prefix("FROM").unwrap_or(line), variables);
    let words: Vec<&str> = line.split_whitespace().collect();
    let alias = words.iter().skip(1).rposition(|word| word.eq_ignore_ascii_case("AS"));
    let words = alias.map_or(words.as_slice(), |at| &words[..=at]);
    words.last().filter(|image| **image != "scratch").map(|image| (*image).to_owned())
}

/// Replaces `$NAME` and `${NAME}` as Go's `os.ExpandEnv` does. A variable that is not set is empty.
fn expand(text: &str, variables: &ProjectVariables) -> String {
    let mut parts = text.split('$');
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, rest) = match part.strip_prefix('{').and_then(|part| part.split_once('}')) {
            Some(parts) => parts,
            None => part.split_at(part.find(|c| !is_name(c)).unwrap_or(part.len())),
        };
        expanded += &variables.get(name).unwrap_or_default();
        expanded += rest;
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_cosign_reads_it() {
        let variables = ProjectVariables::of_test(&[("BASE", "c.io/base"), ("TAG", "1")]);
        for (line, expected) in [
            ("FROM c.io/a", Some("c.io/a")),
            ("  FROM c.io/a AS build  ", Some("c.io/a")),
            ("FROM --platform=linux/amd64 c.io/a as build", Some("c.io/a")),
            ("from c.io/a", Some("c.io/a")),
            ("FROM $BASE:${TAG}", Some("c.io/base:1")),
            ("FROM ${BASE}-$TAG-x AS b", Some("c.io/base-1-x")),
            ("FROM c.io/a:${UNSET}", Some("c.io/a:")),
            ("FROM $UNSET", None),
            ("FROM scratch", None),
            ("FROM", None),
            ("COPY --from=c.io/a /x /y", None),
            ("ARG BASE=c.io/other", None),
            ("é", None),
        ] {
            assert_eq!(image(line, &variables).as_deref(), expected, "{line}");
        }
    }
}
