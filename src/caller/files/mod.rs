//! Finds the images in the files that the caller works on. Anyone may have written these files, so their images are
//! only evidence. If a file is broken, too large, too deeply nested or too slow to read, its images are unknown.
//! Unknown images never decide which account answers.
//!
//! `ProjectReader` limits how much of a project is read.

mod bake;
mod budget;
mod build;
mod circle;
mod compose;
mod cosign;
mod devcontainer;
mod dockerfile;
mod dotenv;
#[cfg(test)]
mod fixtures;
mod hcl;
mod image_side;
mod manifests;
mod project_reader;
mod regclient;
mod template;
#[cfg(test)]
mod tests;
mod variables;
mod yaml;

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Program;
use super::clients::{ComposeAction, InputFiles, VerbInvocation};
use super::command_words::FlagKind;
use super::containers;
use super::program_role::ProgramRole;
use crate::model::choice::{FileImages, RegistryRange, UnknownImages};
use crate::model::{Operation, Registry};
use dockerfile::BuilderKind;
use image_side::ImageSide;
use project_reader::ProjectReader;
use variables::ProjectVariables;

/// The images in the files that a command works on.
#[derive(Debug, Default)]
struct ProjectImages {
    pulled: ImageSide,
    /// The names of built images, and other images that the command pushes or could push.
    pushed: ImageSide,
    /// Whether the command pushes the images in `pushed`.
    goes_out: bool,
}

/// A command that works on files, with the folder and the variables with which the command runs.
pub(super) struct FileCommand<'a> {
    task: VerbInvocation<'a>,
    pub(super) folder: PathBuf,
    variables: ProjectVariables,
}

impl<'a> FileCommand<'a> {
    /// Returns `None` if the program works on no files.
    pub(super) fn new(program: &'a Program) -> Option<Self> {
        let ProgramRole::Client(client) = program.role() else { return None };
        let task = client.task(&program.args)?;
        Some(Self { task, folder: program.folder()?, variables: ProjectVariables::new(program) })
    }

    /// Returns the images of `registry` in the command's files. For a command that pushes, pulled images are returned
    /// only if no image is pushed. For any other command, images to push are returned only if no image is pulled. A
    /// copy needs its sources and its destinations.
    pub(super) fn images(&self, registry: &Registry) -> FileImages {
        if matches!(self.task.files, InputFiles::SyncList | InputFiles::RegSync) {
            return self.all_images(registry);
        }
        let ProjectImages { pulled, pushed, goes_out } = self.project_images();
        let (first, then) = if goes_out { (pushed, pulled) } else { (pulled, pushed) };
        let images = first.of_registry(registry);
        if images.is_empty() { then.of_registry(registry) } else { images }
    }

    /// Returns the operation at `registry` if the command's files decide between pull and push. Returns `None` if the
    /// operation is unknown.
    pub(super) fn operation(&self, registry: &Registry) -> Option<Operation> {
        let Self { task, .. } = self;
        if !matches!(task.files, InputFiles::Bake | InputFiles::Compose(ComposeAction::Build) | InputFiles::RegSync) {
            return None;
        }
        let ProjectImages { pulled, mut pushed, goes_out } = self.project_images();
        let is_told = task.flags.is_on("--push").then_some(Operation::Push);
        if pulled.is_empty() && pushed.is_empty() {
            return is_told;
        }
        pushed.found.retain(|found| goes_out || found.meaning == FlagKind::CacheTo);
        let of_pulled: BTreeSet<_> = pulled.unknown.iter().collect();
        pushed.unknown.retain(|part| goes_out || of_pulled.contains(part)); // parts that may concern both sides
        let FileImages { images, unknown } = pushed.of_registry(registry);
        if images.is_empty() && !unknown.is_empty() {
            return is_told;
        }
        Some(if images.is_empty() { Operation::Pull } else { Operation::Push })
    }

    /// Returns the pulled and the pushed images of `registry`.
    pub(super) fn all_images(&self, registry: &Registry) -> FileImages {
        self.both_sides().of_registry(registry)
    }

    /// Returns the registries of all pulled and pushed images. `among` returns the registries that a text may name.
    pub(super) fn registries(&self, among: impl Fn(&str) -> Vec<Registry>) -> impl Iterator<Item = Registry> {
        let ImageSide { found, unknown } = self.both_sides();
        let not_whole = unknown.into_iter().filter_map(|unknown| match unknown.reach {
            RegistryRange::Only(registry) => Some(registry),
            RegistryRange::Any | RegistryRange::AllBut(_) => None,
        });
        let whole = found.into_iter().flat_map(move |found| {
            let mut registries = among(&found.text);
            let side = ImageSide { found: vec![found], unknown: Vec::new() };
            registries.retain(|registry| !side.of_registry(registry).is_empty());
            registries
        });
        whole.chain(not_whole)
    }

    /// Returns the first part with unknown images in the command's files.
    pub(super) fn first_unknown(&self) -> Option<UnknownImages> {
        self.both_sides().unknown.into_iter().next()
    }

    fn both_sides(&self) -> ImageSide {
        let ProjectImages { mut pulled, pushed, .. } = self.project_images();
        pulled.extend(pushed);
        pulled
    }

    /// Returns the file of rules by which a builder replaces the images of a build (buildx `build/opt.go`).
    fn source_policy(&self) -> Option<PathBuf> {
        let Self { task, folder, variables } = self;
        let is_build = match task.files {
            InputFiles::Build | InputFiles::Buildctl | InputFiles::Bake => true,
            InputFiles::Compose(action) => {
                matches!(action, ComposeAction::Build | ComposeAction::Up | ComposeAction::Run)
            }
            _ => false,
        };
        let flag = task.flags.value(FlagKind::SourcePolicy).map(str::to_owned);
        let is_buildkit = task.client != "kaniko" && matches!(build::builder(task, variables), BuilderKind::BuildKit);
        let variable = || variables.get("EXPERIMENTAL_BUILDKIT_SOURCE_POLICY").filter(|_| is_buildkit);
        let policy = flag.or_else(variable);
        policy.filter(|name| is_build && !name.is_empty()).map(|name| folder.join(name))
    }

    fn project_images(&self) -> ProjectImages {
        let reader = &mut ProjectReader::new();
        let mut named = match self.task.files {
            InputFiles::None => ProjectImages::default(),
            InputFiles::Compose(action) => compose::images(self, action, reader),
            InputFiles::Stack => compose::stack_images(self, reader),
            InputFiles::Build => build::images(self, reader),
            InputFiles::Dockerfile => cosign::images(self, reader),
            InputFiles::Buildctl => build::buildctl_images(self, reader),
            InputFiles::Bake => bake::images(self, reader),
            InputFiles::Manifests => manifests::manifest_images(self, reader),
            InputFiles::SyncList => manifests::sync_images(self, reader),
            InputFiles::RegSync => regclient::sync_images(self, reader),
            InputFiles::RegBot => regclient::script_images(self, reader),
            InputFiles::DevContainer | InputFiles::DevContainerFeatures => devcontainer::images(self, reader),
            InputFiles::Chart => manifests::chart_images(self, reader),
        };
        if let Some(message) = reader.gave_up() {
            reader.add_unknown(&self.folder, message);
        }
        if let Some(file) = self.source_policy().filter(|_| !named.pulled.is_empty()) {
            let message = "a source policy may replace the images of the build".to_owned();
            named.pulled.unknown.push(UnknownImages { file, reach: RegistryRange::Any, message });
        }
        // The remaining unknown parts may concern both the pulled and the pushed images.
        let unknown = reader.take_unknown();
        named.pulled.unknown.extend(unknown.iter().cloned());
        if let Some(settings) = containers::settings_of(self.task.client).filter(|_| !named.pulled.is_empty()) {
            named.pulled.follow(&settings);
        }
        named.pushed.unknown.extend(unknown);
        named
    }
}

impl ProjectImages {
    fn pulled(pulled: ImageSide) -> Self {
        Self { pulled, ..Self::default() }
    }
}
