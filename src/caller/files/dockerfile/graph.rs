//! `StageGraph`: the stages that a build needs, and the images that these stages are built on.

use std::collections::{BTreeMap, BTreeSet};

use super::super::budget::Budget;
use super::super::image_side::UNKNOWN;
use super::platform::Platform;
use super::shell::ShellSyntax;
use super::stages::{CopySource, DockerfileStages};
use super::{BuildParameters, BuilderKind, DockerfileError, refused};
use crate::model::ImageReference;

/// A stage, or an image to copy from.
struct StageNode {
    base: StageBase,
    needs: Vec<usize>,
    has_triggers_of_base: bool,
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
    filling: &BuildParameters,
    budget: &Budget,
) -> Result<Vec<String>, DockerfileError> {
    let (contexts, builder) = (&filling.contexts, filling.builder);
    let mut graph = StageGraph { file: stages, contexts, builder, nodes: Vec::new(), by_name: BTreeMap::new() };
    graph.add_stages(&arguments(stages, platform, filling, budget)?, filling, budget)?;
    let target = graph.target(filling)?;
    graph.add_sources(budget)?;
    let is_whole = filling.builder == BuilderKind::InOrder || filling.is_check && filling.target.is_none();
    let wanted = if is_whole { (0..=target).rev().collect() } else { vec![target] };
    let needed = graph.needed(wanted, filling.builder, budget)?;
    Ok(needed.into_iter().filter_map(|number| graph.image(number)).collect())
}

/// Returns the arguments for `FROM`, from the platform and from each `ARG` above the first stage.
fn arguments(
    stages: &DockerfileStages,
    platform: &Platform,
    filling: &BuildParameters,
    budget: &Budget,
) -> Result<BTreeMap<String, String>, DockerfileError> {
    let last_name = stages.all.last().and_then(|stage| stage.name.as_deref());
    let target = filling.target.as_deref().or(last_name).unwrap_or("default");
    let mut arguments: BTreeMap<String, String> =
        platform.arguments().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    arguments.insert("TARGETSTAGE".to_owned(), target.to_owned());
    for (name, value) in &mut arguments {
        if let Some(argument) = filling.arguments.get(name) {
            value.clone_from(argument);
        }
    }
    for (name, default) in &stages.arguments {
        let look_up = |name: &str| arguments.get(name).cloned();
        let shell = ShellSyntax::new(stages.escape, &look_up, budget);
        let value = match (filling.arguments.get(name), default) {
            (Some(argument), _) => Some(argument.clone()),
            (None, Some(default)) => Some(shell.expand(default)?),
            (None, None) => None,
        };
        arguments.extend(value.map(|value| (name.clone(), value)));
    }
    Ok(arguments)
}

struct StageGraph<'a> {
    file: &'a DockerfileStages,
    contexts: &'a BTreeMap<String, String>,
    builder: BuilderKind,
    nodes: Vec<StageNode>,
    by_name: BTreeMap<&'a str, usize>,
}

impl StageGraph<'_> {
    fn add_stages(
        &mut self,
        arguments: &BTreeMap<String, String>,
        filling: &BuildParameters,
        budget: &Budget,
    ) -> Result<(), DockerfileError> {
        let mut first = filling.base.as_deref();
        let look_up = |name: &str| arguments.get(name).cloned();
        let shell = ShellSyntax::new(self.file.escape, &look_up, budget);
        for (number, stage) in self.file.all.iter().enumerate() {
            let base = first.take().map_or_else(|| shell.expand(&stage.base), |first| Ok(first.to_owned()))?;
            let platform = stage.platform.as_ref().map(|platform| shell.expand(platform)).transpose()?;
            let is_known = |text: &String| text.contains(UNKNOWN) || Platform::parse(text).is_some();
            if base.is_empty() || !platform.as_ref().is_none_or(is_known) {
                return refused("a `FROM` names nothing");
            }
            let context = stage.name.as_deref().and_then(|name| self.contexts.get(familiar(name)));
            // Docker's old builder ignores the case of a stage's name.
            let lower = base.to_ascii_lowercase();
            let is_old = filling.builder == BuilderKind::InOrder;
            let base = if is_old && self.by_name.contains_key(&*lower) { lower } else { base };
            let base = match (self.by_name.get(base.as_str()), self.named(base)?) {
                (_, _) if let Some(source) = context => StageBase::Replaced(source.clone()),
                (Some(earlier), _) => StageBase::Stage(*earlier),
                (None, image) => image,
            };
            self.nodes.push(StageNode { base, needs: Vec::new(), has_triggers_of_base: false });
            self.by_name.extend(stage.name.as_deref().map(|name| (name, number)));
        }
        Ok(())
    }

    fn target(&self, filling: &BuildParameters) -> Result<usize, DockerfileError> {
        let Some(target) = &filling.target else { return Ok(self.nodes.len() - 1) };
        let by_number = || {
            let number = target.parse::<usize>().ok().filter(|number| *number < self.nodes.len())?;
            let has_no_name = self.file.all[number].name.is_none();
            (filling.builder == BuilderKind::Buildah && has_no_name).then_some(number)
        };
        match self.by_name.get(&*target.to_ascii_lowercase()).copied().or_else(by_number) {
            Some(number) => Ok(number),
            None => refused("the stage to build is missing"),
        }
    }

    fn add_sources(&mut self, budget: &Budget) -> Result<(), DockerfileError> {
        for (number, stage) in self.file.all.iter().enumerate() {
            self.add_needs(number, &stage.sources, budget)?;
        }
        if self.has_circle() { refused("stages need one another in a circle") } else { Ok(()) }
    }

    fn add_needs(&mut self, number: usize, sources: &[CopySource], budget: &Budget) -> Result<(), DockerfileError> {
        for source in sources {
            if !budget.spend(1) {
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
        let (CopySource::Copy(from) | CopySource::Mount(from)) = source;
        if let (CopySource::Copy(_), Ok(number)) = (source, from.parse::<i64>()) {
            let number = usize::try_from(number).ok().filter(|number| *number < self.nodes.len());
            return number.map_or_else(|| refused("no stage has the number in a `--from`"), Ok);
        }
        if let Some(number) = self.by_name.get(&*from.to_ascii_lowercase()) {
            return Ok(*number);
        }
        self.nodes.push(StageNode { base: self.named(from.clone())?, needs: Vec::new(), has_triggers_of_base: false });
        Ok(self.nodes.len() - 1)
    }

    /// Tells whether nodes need each other in a circle. If the repeated removal of nodes without needs leaves some
    /// nodes, a circle exists.
    fn has_circle(&self) -> bool {
        let mut open: Vec<usize> = self.nodes.iter().map(|node| node.needs.len()).collect();
        let mut needed_by = vec![Vec::new(); self.nodes.len()];
        for (number, node) in self.nodes.iter().enumerate() {
            node.needs.iter().for_each(|need| needed_by[*need].push(number));
        }
        let mut done: Vec<usize> = (0..open.len()).filter(|number| open[*number] == 0).collect();
        let mut count = 0;
        while let Some(number) = done.pop() {
            count += 1;
            for other in &needed_by[number] {
                open[*other] -= 1;
                done.extend((open[*other] == 0).then_some(*other));
            }
        }
        count < open.len()
    }

    /// Returns the nodes in `waiting`, and all nodes that they need. Triggers in base stages may add needs.
    fn needed(
        &mut self,
        mut waiting: Vec<usize>,
        builder: BuilderKind,
        budget: &Budget,
    ) -> Result<Vec<usize>, DockerfileError> {
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
                let has_triggers = std::mem::replace(&mut self.nodes[number].has_triggers_of_base, true);
                if !has_triggers && builder != BuilderKind::Buildah {
                    self.add_needs(number, &file.all[base].on_build, budget)?;
                }
            }
            let stages = file.all.len();
            let is_later = |need: &&usize| {
                (number..stages).contains(*need) && !matches!(self.nodes[**need].base, StageBase::Replaced(_))
            };
            if self.nodes[number].needs.iter().any(|need| is_later(&need)) {
                return refused("a stage needs a later stage");
            }
            waiting.extend(self.nodes[number].needs.iter().rev());
        }
        Ok(needed)
    }

    /// Returns the image with this name. Buildah accepts a transport such as `docker://` before the name.
    fn named(&self, name: String) -> Result<StageBase, DockerfileError> {
        let bare = name.strip_prefix("docker://").filter(|_| self.builder == BuilderKind::Buildah).unwrap_or(&name);
        let is_valid = name.contains(UNKNOWN) || bare.parse::<ImageReference>().is_ok();
        if is_valid { Ok(StageBase::Image(name)) } else { refused("an image's name is not valid") }
    }

    /// Returns the image to pull for one node, without the images of other nodes.
    fn image(&self, number: usize) -> Option<String> {
        let (image, source) = match &self.nodes[number].base {
            StageBase::Stage(_) => return None,
            StageBase::Replaced(source) => (None, Some(source.as_str())),
            StageBase::Image(image) if image == "scratch" => return None,
            StageBase::Image(image) => (Some(image), self.contexts.get(familiar(image)).map(String::as_str)),
        };
        match source {
            Some(source) => {
                source.strip_prefix("docker-image://").filter(|image| *image != "scratch").map(str::to_owned)
            }
            None => image.cloned(),
        }
    }
}

/// Returns an image's name without default parts, such as `:latest`.
pub(in super::super) fn familiar(name: &str) -> &str {
    let name = name.strip_suffix(":latest").unwrap_or(name);
    let on_hub = ["docker.io/", "index.docker.io/"].iter().find_map(|host| name.strip_prefix(host)).unwrap_or(name);
    on_hub.strip_prefix("library/").unwrap_or(on_hub)
}
