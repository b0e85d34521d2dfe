//! What a Dockerfile or Containerfile builds on: the images of its stages.
//!
//! moby/buildkit `frontend/dockerfile/parser/`, `instructions/`; `docs/reference.md`.

use std::collections::{BTreeMap, BTreeSet};

use super::interpolate::interpolate;

/// How a build fills in what its Dockerfile leaves open.
#[derive(Clone, Debug, Default)]
pub(super) struct Filling {
    /// Build arguments.
    pub(super) arguments: BTreeMap<String, String>,
    /// The stage to build, instead of the last.
    pub(super) target: Option<String>,
    /// Names that stand for other sources than images.
    pub(super) contexts: BTreeSet<String>,
}

/// One `FROM` with what follows it.
#[derive(Debug, Default)]
struct Stage {
    name: Option<String>,
    /// Images or other stages: its own, then those it copies from.
    sources: Vec<String>,
}

const STAGES_AT_MOST: usize = 500;
const SOURCES_AT_MOST: usize = 500;
/// Far above any that people wrote.
const INSTRUCTIONS_AT_MOST: usize = 5000;

/// Returns the images that are pulled to build the target: those of the stages it needs, and of the syntax.
pub(super) fn images(text: &str, filling: &Filling) -> Vec<String> {
    let mut images: Vec<String> = directive(text, "syntax").map(str::to_owned).into_iter().collect();
    let stages = stages(text, filling);
    let is_target = |stage: &Stage| match (&filling.target, &stage.name) {
        (Some(target), Some(name)) => name.eq_ignore_ascii_case(target),
        _ => false,
    };
    let numbered = filling.target.as_ref().and_then(|target| target.parse::<usize>().ok());
    let target = stages.iter().rposition(is_target).or(numbered.filter(|number| *number < stages.len()));
    let mut needed: Vec<usize> = target.or(stages.len().checked_sub(1)).into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(number) = needed.pop() {
        if !seen.insert(number) {
            continue;
        }
        for source in &stages[number].sources {
            match earlier(&stages[..number], source) {
                Some(stage) => needed.push(stage),
                None if source.eq_ignore_ascii_case("scratch") || filling.contexts.contains(source) => {}
                None => images.push(source.clone()),
            }
        }
    }
    images
}

/// The stage that a source means by name or number.
fn earlier(stages: &[Stage], source: &str) -> Option<usize> {
    let is_named = |stage: &Stage| stage.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(source));
    let number = || source.parse().ok().filter(|number: &usize| *number < stages.len());
    stages.iter().rposition(is_named).or_else(number)
}

fn stages(text: &str, filling: &Filling) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut defaults: BTreeMap<String, String> = BTreeMap::new();
    for line in instructions(text) {
        let (instruction, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        let rest = rest.trim_start();
        match instruction.to_ascii_uppercase().as_str() {
            "ARG" if stages.is_empty() => {
                for argument in words(rest) {
                    let (name, default) = argument.split_once('=').unwrap_or((&argument, ""));
                    let value = filling.arguments.get(name).cloned();
                    let value = value.or_else(|| interpolate(default, &|name| defaults.get(name).cloned()));
                    defaults.extend(value.map(|value| (name.to_owned(), value)));
                }
            }
            "FROM" if stages.len() < STAGES_AT_MOST => {
                let look_up = |name: &str| defaults.get(name).cloned().or_else(|| platform(name));
                let words: Vec<String> = words(rest).into_iter().filter(|word| !word.starts_with("--")).collect();
                let source = words.first().and_then(|source| interpolate(source, &look_up));
                let name = (words.get(1).is_some_and(|word| word.eq_ignore_ascii_case("as"))).then(|| words.get(2));
                stages.push(Stage { name: name.flatten().cloned(), sources: source.into_iter().collect() });
            }
            "COPY" | "ADD" => {
                let source = flags(rest).find_map(|flag| flag.strip_prefix("--from="));
                add(&mut stages, source);
            }
            "RUN" => {
                for mount in flags(rest).filter_map(|flag| flag.strip_prefix("--mount=")) {
                    add(&mut stages, mount.split(',').find_map(|field| field.strip_prefix("from=")));
                }
            }
            _ => {}
        }
    }
    stages
}

fn add(stages: &mut [Stage], source: Option<&str>) {
    if let (Some(stage), Some(source)) = (stages.last_mut(), source)
        && stage.sources.len() < SOURCES_AT_MOST
    {
        stage.sources.push(unquoted(source));
    }
}

/// What the builder knows by itself; a platform is only known once one is chosen.
fn platform(name: &str) -> Option<String> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    match name {
        "TARGETARCH" | "BUILDARCH" => Some(arch.to_owned()),
        "TARGETOS" | "BUILDOS" => Some("linux".to_owned()),
        _ => None,
    }
}

fn flags(rest: &str) -> impl Iterator<Item = &str> {
    rest.split_whitespace().take_while(|word| word.starts_with("--"))
}

/// Words of `ARG` and `FROM`, without their quotes.
fn words(rest: &str) -> Vec<String> {
    rest.split_whitespace().map(unquoted).collect()
}

fn unquoted(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '"' | '\'')).collect()
}

/// The value of a parser directive: comments `# name=value` above everything else.
fn directive<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let comments = text.lines().map_while(|line| line.trim_start().strip_prefix('#'));
    let mut pairs = comments.map_while(|comment| comment.split_once('='));
    pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The instructions, each on one line: comments dropped, continued lines joined, here-documents passed over. None if there
/// are too many.
fn instructions(text: &str) -> Vec<String> {
    let escape = if directive(text, "escape") == Some("`") { '`' } else { '\\' };
    let mut found = Vec::new();
    let mut joined = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let line = line.trim_end();
        if let Some(begun) = line.strip_suffix(escape) {
            joined.push_str(begun);
            continue;
        }
        joined.push_str(line);
        for (end, may_be_indented) in here_documents(&joined) {
            let ends = |line: &&str| end == if may_be_indented { line.trim_start_matches('\t') } else { line };
            lines.by_ref().find(ends);
        }
        if found.len() == INSTRUCTIONS_AT_MOST {
            return Vec::new();
        }
        found.push(std::mem::take(&mut joined).trim_start().to_owned());
    }
    found.push(joined.trim_start().to_owned());
    found
}

/// The words that end the here-documents begun on a line, and whether tabs may stand before them.
fn here_documents(line: &str) -> Vec<(String, bool)> {
    let takes_them = ["RUN", "COPY", "ADD"]
        .iter()
        .any(|name| line.trim_start().get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)));
    let starts = line.split("<<").skip(1).filter(|_| takes_them);
    let ends = starts.filter_map(|rest| {
        let (rest, may_be_indented) = rest.strip_prefix('-').map_or((rest, false), |rest| (rest, true));
        let rest = rest.trim_start_matches(['"', '\'']);
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end: String = rest.chars().take_while(|c| is_word(*c)).collect();
        (!end.is_empty()).then_some((end, may_be_indented))
    });
    ends.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filling(target: &str, arguments: &[(&str, &str)]) -> Filling {
        Filling {
            arguments: arguments.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            target: Some(target.to_owned()).filter(|target| !target.is_empty()),
            contexts: BTreeSet::from(["local".to_owned()]),
        }
    }

    #[test]
    fn only_images_of_needed_stages_are_pulled() {
        for (text, target, expected) in [
            ("FROM a", "", "a"),
            ("from --platform=$BUILDPLATFORM a as b\nFROM b", "", "a"),
            ("FROM a AS one\nFROM b\nCOPY --from=one / /", "", "b a"),
            ("FROM a AS one\nFROM b\nCOPY --link --from=0 / /", "", "b a"),
            ("FROM a\nFROM b", "", "b"),
            ("FROM a AS one\nFROM b", "ONE", "a"),
            ("FROM a\nCOPY --from=b / /\nRUN --mount=type=bind,from=c,target=/x cmd --from=d", "", "a b c"),
            ("FROM scratch\nCOPY --from=local / /", "", ""),
            ("# syntax=s\n# escape=`\nFROM `\n  a", "", "s a"),
            ("# note\n# syntax=s\nFROM a", "", "a"),
            ("FROM \\\n# comment\n\n  a \\\n AS b", "", "a"),
            ("FROM a\nRUN <<EOF\nFROM b\nEOF\nCOPY --from=c / /", "", "a c"),
            ("FROM a\nRUN <<-\"EOF\" cat\n\tFROM b\n\tEOF\nCOPY <<A <<B /\nFROM x\nA\nFROM y\nB\n", "", "a"),
            ("FROM a\nONBUILD COPY --from=b / /\nLABEL x=\"FROM c\"", "", "a"),
            ("FROM one AS one\nFROM one", "", "one"),
            ("RUN x\nCOPY --from=b / /", "", ""),
            ("FROM", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(images(text, &filling(target, &[])).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn arguments_fill_in_what_stands_before_the_first_stage() {
        let text = "ARG BASE=ghcr.io/acme/base TAG=\"1\"\nARG FULL=${BASE}:${TAG:-2}\nFROM $FULL\nARG TAG=9\nFROM ${BASE}\n\
                    COPY --from=0 / /";
        for (arguments, expected) in [
            (&[][..], "ghcr.io/acme/base ghcr.io/acme/base:1"),
            (&[("BASE", "x")], "x x:1"),
            (&[("TAG", "")], "ghcr.io/acme/base ghcr.io/acme/base:2"),
            (&[("FULL", "y"), ("OTHER", "z")], "ghcr.io/acme/base y"),
        ] {
            assert_eq!(images(text, &filling("", arguments)).join(" "), expected, "{arguments:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "((FROM|ARG|COPY|RUN|# escape=`|--from=|--mount=|<<-?EOF|\\$\\{|as|\\PC{0,3})[ \\n\\\\]?){0,30}") {
            images(&text, &filling("a", &[]));
        }
    }
}
