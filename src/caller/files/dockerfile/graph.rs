//! `StageGraph`: the stages that a build needs, and the images that these stages are built on.

use std::collections::{BTreeMap, BTreeSet};

use super::super::budget::Budget;
use super::super::circle::has_circle;
use super::super::image_side::UNKNOWN;
use super::platform::Platform;
use super::shell::ShellSyntax;
use super::stages::{BuildStage, CopySource, DockerfileStages};
use super::{BuildParameters, BuilderKind, DockerfileError, refused};
use crate::model::ImageReference;

/// A stage, or an image to copy from.
struct StageNode {
    base: StageBase,
    needs: Vec<usize>,
}

enum StageBase {
    /// The source of the named context that replaces the stage with the same name.
    Replaced(String),
    Stage(usize),
    Image(String),
}

/// Returns the images to pull for the target on one platform.
pub(super) fn images(
    stages: &DockerfileStages,
    platform: &Platform,
    parameters: &BuildParameters,
    budget: &Budget,
) -> Result<Vec<String>, DockerfileError> {
    let mut graph = StageGraph { file: stages, parameters, budget, nodes: Vec::new(), by_name: BTreeMap::new() };
    let arguments = graph.arguments(platform)?;
    graph.add_stages(&arguments)?;
    let target = graph.target()?;
    graph.add_sources(&arguments)?;
    let is_whole = parameters.builder == BuilderKind::InOrder
        || parameters.keeps_unused_stages
        || parameters.is_check && parameters.target.is_none();
    let needed = graph.needed(if is_whole { (0..=target).rev().collect() } else { vec![target] })?;
    Ok(needed.into_iter().filter_map(|number| graph.image(number)).collect())
}

struct StageGraph<'a> {
    file: &'a DockerfileStages,
    parameters: &'a BuildParameters,
    budget: &'a Budget,
    nodes: Vec<StageNode>,
    by_name: BTreeMap<&'a str, usize>,
}

impl StageGraph<'_> {
    /// Returns the arguments for `FROM`, from the platform and from each `ARG` above the first stage.
    fn arguments(&self, platform: &Platform) -> Result<BTreeMap<String, String>, DockerfileError> {
        let build_arguments = &self.parameters.arguments;
        let last_name = self.file.all.last().and_then(|stage| stage.name.as_deref());
        let target = self.parameters.target.as_deref().or(last_name).unwrap_or("default");
        let mut arguments: BTreeMap<String, String> =
            platform.arguments().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        arguments.insert("TARGETSTAGE".to_owned(), target.to_owned());
        for (name, value) in &mut arguments {
            if let Some(argument) = build_arguments.get(name) {
                value.clone_from(argument);
            }
        }
        self.declare(&self.file.arguments, &BTreeMap::new(), &mut arguments)?;
        Ok(arguments)
    }

    /// Adds declared arguments. An argument without a value gets its value from `outer`.
    fn declare(
        &self,
        declared: &[(String, Option<String>)],
        outer: &BTreeMap<String, String>,
        arguments: &mut BTreeMap<String, String>,
    ) -> Result<(), DockerfileError> {
        for (name, default) in declared {
            let value = match (self.parameters.arguments.get(name), default) {
                (Some(argument), _) => Some(argument.clone()),
                (None, Some(default)) => Some(self.expand(default, arguments)?),
                (None, None) => outer.get(name).cloned(),
            };
            arguments.extend(value.map(|value| (name.clone(), value)));
        }
        Ok(())
    }

    fn expand(&self, text: &str, arguments: &BTreeMap<String, String>) -> Result<String, DockerfileError> {
        ShellSyntax::new(self.file.escape, &|name| arguments.get(name).cloned(), self.budget).expand(text)
    }

    fn add_stages(&mut self, arguments: &BTreeMap<String, String>) -> Result<(), DockerfileError> {
        let mut first = self.parameters.base.clone();
        for (number, stage) in self.file.all.iter().enumerate() {
            let base = first.take().map_or_else(|| self.expand(&stage.base, arguments), Ok)?;
            let platform = stage.platform.as_ref().map(|platform| self.expand(platform, arguments)).transpose()?;
            let is_known = |text: &String| text.contains(UNKNOWN) || Platform::parse(text).is_some();
            if base.is_empty() || !platform.as_ref().is_none_or(is_known) {
                return refused("a `FROM` has no image or an invalid platform");
            }
            let context = stage.name.as_deref().and_then(|name| self.parameters.contexts.get(familiar(name)));
            // Docker's old builder ignores the case of a stage's name.
            let lower = base.to_ascii_lowercase();
            let is_old = self.parameters.builder == BuilderKind::InOrder;
            let base = if is_old && self.by_name.contains_key(&*lower) { lower } else { base };
            let base = match (self.by_name.get(base.as_str()), self.named(base)?) {
                (_, _) if let Some(source) = context => StageBase::Replaced(source.clone()),
                (Some(earlier), _) => StageBase::Stage(*earlier),
                (None, image) => image,
            };
            self.nodes.push(StageNode { base, needs: Vec::new() });
            self.by_name.extend(stage.name.as_deref().map(|name| (name, number)));
        }
        Ok(())
    }

    fn target(&self) -> Result<usize, DockerfileError> {
        let Some(target) = &self.parameters.target else { return Ok(self.nodes.len() - 1) };
        let by_number = || {
            let number = target.parse::<usize>().ok()?;
            (self.parameters.builder == BuilderKind::Buildah && number < self.nodes.len()).then_some(number)
        };
        match self.by_name.get(&*target.to_ascii_lowercase()).copied().or_else(by_number) {
            Some(number) => Ok(number),
            None => refused("the stage to build is missing"),
        }
    }

    fn add_sources(&mut self, arguments: &BTreeMap<String, String>) -> Result<(), DockerfileError> {
        for (number, stage) in self.file.all.iter().enumerate() {
            let sources = self.sources(stage, arguments)?;
            self.add_needs(number, &sources)?;
        }
        let needs = self.nodes.iter().map(|node| node.needs.clone()).enumerate().collect();
        if has_circle(&needs) { refused("stages need one another in a circle") } else { Ok(()) }
    }

    /// Returns the sources that a stage copies from. Only Buildah substitutes variables in `COPY --from`, and only
    /// variables that the stage declares (containers/buildah `imagebuildah/stage_executor.go`).
    fn sources(
        &self,
        stage: &BuildStage,
        outer: &BTreeMap<String, String>,
    ) -> Result<Vec<CopySource>, DockerfileError> {
        let is_open = |source: &CopySource| matches!(source, CopySource::Copy(from) if from.contains('$'));
        if self.parameters.builder == BuilderKind::Buildah && stage.sources.iter().any(is_open) {
            let mut arguments = BTreeMap::new();
            self.declare(&stage.arguments, outer, &mut arguments)?;
            let expanded = |source: &CopySource| match source {
                CopySource::Copy(from) => Ok(CopySource::Copy(self.expand(from, &arguments)?)),
                CopySource::Mount(_) => Ok(source.clone()),
            };
            return stage.sources.iter().map(expanded).collect();
        }
        Ok(stage.sources.clone())
    }

    fn add_needs(&mut self, number: usize, sources: &[CopySource]) -> Result<(), DockerfileError> {
        for source in sources {
            if !self.budget.spend(1) {
                return refused("the file takes too long to read");
            }
            let need = self.need(source)?;
            self.nodes[number].needs.push(need);
        }
        Ok(())
    }

    /// Returns the number of the source's stage. Without such a stage, adds a node for an image and returns the node's
    /// number.
    fn need(&mut self, source: &CopySource) -> Result<usize, DockerfileError> {
        let from = source.text();
        if from.contains('$') {
            return refused("a `--from` has a variable");
        }
        if let (CopySource::Copy(_), Ok(number)) = (source, from.parse::<i64>()) {
            let number = usize::try_from(number).ok().filter(|number| *number < self.nodes.len());
            return number.map_or_else(|| refused("no stage has the number in a `--from`"), Ok);
        }
        if let Some(number) = self.by_name.get(&*from.to_ascii_lowercase()) {
            return Ok(*number);
        }
        self.nodes.push(StageNode { base: self.named(from.to_owned())?, needs: Vec::new() });
        Ok(self.nodes.len() - 1)
    }

    /// Returns the nodes in `waiting`, and all nodes that they need. Triggers in base stages may add needs.
    fn needed(&mut self, mut waiting: Vec<usize>) -> Result<Vec<usize>, DockerfileError> {
        let file = self.file;
        let (mut needed, mut seen) = (Vec::new(), BTreeSet::new());
        while let Some(number) = waiting.pop() {
            if !seen.insert(number) {
                continue;
            }
            needed.push(number);
            if let StageBase::Stage(base) = self.nodes[number].base {
                waiting.push(base);
                // Images built by Buildah have no triggers.
                if self.parameters.builder != BuilderKind::Buildah {
                    self.add_needs(number, &file.all[base].on_build)?;
                }
            }
            let stages = file.all.len();
            let is_later = |need: &usize| {
                (number..stages).contains(need) && !matches!(self.nodes[*need].base, StageBase::Replaced(_))
            };
            if self.nodes[number].needs.iter().any(is_later) {
                return refused("a stage needs a later stage");
            }
            waiting.extend(self.nodes[number].needs.iter().rev());
        }
        Ok(needed)
    }

    /// Returns the image with this name. Buildah accepts a transport such as `docker://` before the name.
    fn named(&self, name: String) -> Result<StageBase, DockerfileError> {
        let bare =
            name.strip_prefix("docker://").filter(|_| self.parameters.builder == BuilderKind::Buildah).unwrap_or(&name);
        let is_valid = name.contains(UNKNOWN) || bare.parse::<ImageReference>().is_ok();
        if is_valid { Ok(StageBase::Image(name)) } else { refused("an image's name is not valid") }
    }

    /// Returns the image to pull for one node, without the images of other nodes.
    fn image(&self, number: usize) -> Option<String> {
        let image = match &self.nodes[number].base {
            StageBase::Stage(_) => return None,
            StageBase::Replaced(source) => source_image(source)?,
            StageBase::Image(image) => match self.parameters.contexts.get(familiar(image)) {
                Some(source) if image != "scratch" => source_image(source)?,
                _ => image.as_str(),
            },
        };
        (image != "scratch").then(|| image.to_owned())
    }
}

/// Returns the image that is the source of a named context. Only Buildah accepts the last two transports
/// (containers/buildah `pkg/parse/parse.go`). `BuildKit` refuses them.
fn source_image(source: &str) -> Option<&str> {
    ["docker-image://", "container-image://", "docker://"].iter().find_map(|transport| source.strip_prefix(transport))
}

/// Returns an image's name without default parts, such as `:latest`.
pub(in super::super) fn familiar(name: &str) -> &str {
    let name = name.strip_suffix(":latest").unwrap_or(name);
    let on_hub = ["docker.io/", "index.docker.io/"].iter().find_map(|host| name.strip_prefix(host)).unwrap_or(name);
    on_hub.strip_prefix("library/").unwrap_or(on_hub)
}
