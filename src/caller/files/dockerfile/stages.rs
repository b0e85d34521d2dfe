//! `DockerfileStages`: the stages of a Dockerfile, before variables are substituted.

use super::super::budget::Budget;
use super::lines::{self, Instruction};
use super::shell;
use super::{DockerfileError, refused};

#[derive(Debug)]
pub(super) struct DockerfileStages {
    pub(super) escape: char,
    /// The arguments above the first stage, with their defaults.
    pub(super) arguments: Vec<(String, Option<String>)>,
    pub(super) all: Vec<BuildStage>,
}

/// One `FROM` with the instructions after it.
#[derive(Debug)]
pub(super) struct BuildStage {
    pub(super) base: String,
    pub(super) platform: Option<String>,
    /// The name of the stage, in lower case.
    pub(super) name: Option<String>,
    /// The sources that the stage copies from.
    pub(super) sources: Vec<CopySource>,
    /// The arguments in the stage, with their defaults.
    pub(super) arguments: Vec<(String, Option<String>)>,
    /// The sources of the stage's triggers (`ONBUILD`). The triggers run in stages that are built on this stage.
    pub(super) on_build: Vec<CopySource>,
}

/// A source of files.
#[derive(Clone, Debug)]
pub(super) enum CopySource {
    /// The name or the number after `COPY --from=`.
    Copy(String),
    /// The name after `RUN --mount=from=`.
    Mount(String),
}

const STAGES_AT_MOST: usize = 500;
const SOURCES_AT_MOST: usize = 500;
const VERBS: [&str; 18] = [
    "add",
    "arg",
    "cmd",
    "copy",
    "entrypoint",
    "env",
    "expose",
    "from",
    "healthcheck",
    "label",
    "maintainer",
    "onbuild",
    "run",
    "shell",
    "stopsignal",
    "user",
    "volume",
    "workdir",
];

impl DockerfileStages {
    pub(super) fn read(text: &str, budget: &Budget) -> Result<Self, DockerfileError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let escape = lines::escape(text)?;
        let mut this = Self { escape, arguments: Vec::new(), all: Vec::new() };
        for instruction in lines::instructions(text, escape, budget)? {
            this.add(&instruction)?;
        }
        if this.all.is_empty() { refused("the file has no stage") } else { Ok(this) }
    }

    fn add(&mut self, instruction: &Instruction) -> Result<(), DockerfileError> {
        match (instruction.verb.as_str(), self.all.last_mut()) {
            ("from", _) => {
                if self.all.len() == STAGES_AT_MOST {
                    return refused("the file has too many stages");
                }
                self.all.push(BuildStage::read(instruction)?);
            }
            ("arg", None) => self.arguments.extend(arguments(instruction, self.escape)?),
            ("arg", Some(stage)) => stage.arguments.extend(arguments(instruction, self.escape)?),
            (verb, _) if !VERBS.contains(&verb) => return refused("an instruction is unknown"),
            (_, None) => return refused("an instruction comes before the first stage"),
            ("onbuild", Some(stage)) => {
                let trigger = Instruction::read(&instruction.rest);
                if !VERBS.contains(&&*trigger.verb)
                    || matches!(trigger.verb.as_str(), "onbuild" | "from" | "maintainer")
                {
                    return refused("an instruction is unknown");
                }
                stage.on_build.extend(sources(&trigger)?);
            }
            (_, Some(stage)) => stage.sources.extend(sources(instruction)?),
        }
        let is_too_long = |stage: &BuildStage| stage.sources.len().max(stage.on_build.len()) > SOURCES_AT_MOST;
        if self.all.last().is_some_and(is_too_long) { refused("a stage copies from too many sources") } else { Ok(()) }
    }
}

impl CopySource {
    pub(super) fn text(&self) -> &str {
        let (Self::Copy(from) | Self::Mount(from)) = self;
        from
    }
}

impl BuildStage {
    fn read(instruction: &Instruction) -> Result<Self, DockerfileError> {
        let words: Vec<&str> =
            instruction.rest.split(['\t', '\u{b}', '\u{c}', '\r', ' ']).filter(|word| !word.is_empty()).collect();
        let (base, name) = match *words.as_slice() {
            [base] => (base, None),
            [base, marker, name] if marker.eq_ignore_ascii_case("as") => (base, Some(name.to_ascii_lowercase())),
            _ => return refused("a `FROM` is not well formed"),
        };
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let is_valid = |name: &String| name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_part);
        if !name.as_ref().is_none_or(is_valid) {
            return refused("the name of a stage is not valid");
        }
        let platform = instruction.flag("platform").filter(|platform| !platform.is_empty()).map(str::to_owned);
        let base = base.to_owned();
        Ok(Self { base, platform, name, sources: Vec::new(), arguments: Vec::new(), on_build: Vec::new() })
    }
}

fn arguments(instruction: &Instruction, escape: char) -> Result<Vec<(String, Option<String>)>, DockerfileError> {
    let words = shell::quoted_words(&instruction.rest, escape).into_iter();
    let pairs: Vec<_> = words
        .map(|word| match word.split_once('=') {
            Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
            None => (word, None),
        })
        .collect();
    let is_named = pairs.iter().all(|(name, _)| !name.is_empty());
    if pairs.is_empty() || !is_named { refused("an `ARG` is not well formed") } else { Ok(pairs) }
}

fn sources(instruction: &Instruction) -> Result<Vec<CopySource>, DockerfileError> {
    let mut found: Vec<CopySource> = match instruction.verb.as_str() {
        "copy" => instruction.flag("from").map(|from| CopySource::Copy(from.to_owned())).into_iter().collect(),
        "add" if instruction.flag("from").is_some() => return refused("`ADD` does not accept `--from`"),
        "run" => {
            let from = |mount: &str| {
                let mut pairs = mount.split(',').filter_map(|field| field.split_once('='));
                pairs
                    .rfind(|(key, _)| key.eq_ignore_ascii_case("from"))
                    .map(|(_, from)| CopySource::Mount(from.to_owned()))
            };
            instruction.values("mount").filter_map(from).collect()
        }
        _ => Vec::new(),
    };
    if found.iter().any(|source| source.text().contains(['"', '\'', '\\'])) {
        return refused("a `--from` has quotes");
    }
    found.retain(|source| !source.text().is_empty());
    Ok(found)
}
