//! `Build`: one image to build, from a command line, a Compose file or a bake file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::bake::BakeExtension;
use super::dockerfile::{self, BuildParameters, BuilderKind, PulledImages};
use super::project_reader::ProjectReader;
use super::{ImageSide, FileCommand, ProjectImages, ProjectVariables};
use crate::caller::clients::VerbInvocation;
use crate::caller::command_words::FlagKind;

/// The sources of a build, and the names of the built image.
#[derive(Clone, Debug, Default)]
pub(super) struct Build {
    /// The context, if it is a local folder.
    pub(super) folder: Option<PathBuf>,
    /// The named Dockerfiles. If the list is empty, the Dockerfile in the context is used.
    pub(super) files: Vec<PathBuf>,
    /// The text of an inline Dockerfile, and the file that contains this text.
    pub(super) inline: Option<(String, PathBuf)>,
    pub(super) builder: BuilderKind,
    /// Build arguments by name. An argument without a value gets the value of the variable with the same name.
    pub(super) arguments: BTreeMap<String, Option<String>>,
    pub(super) target: Option<String>,
    /// Named contexts with their sources. Names from the command line of `docker build` are shortened, such as `base`
    /// for `docker.io/library/base:latest`.
    pub(super) contexts: BTreeMap<String, String>,
    /// The settings under `x-bake` in a Compose file.
    pub(super) for_bake: BakeExtension,
    /// The platforms to build for. An empty list means this machine's platform. One text may contain several platforms,
    /// separated by commas.
    pub(super) platforms: Vec<String>,
    /// The image that replaces the base of the first stage.
    pub(super) base: Option<String>,
    pub(super) is_check: bool,
    /// The names of the built image.
    pub(super) tags: ImageSide,
    pub(super) cache_from: ImageSide,
    pub(super) cache_to: ImageSide,
}

/// Returns the images in the files of `docker build` and similar commands. Leaves out tags and caches, because these
/// are on the command line.
pub(super) fn images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, variables } = command;
    let flag = task.flags.value(FlagKind::Folder).map(|folder| folder.strip_prefix("dir://").unwrap_or(folder)); // kaniko
    let context = flag.or(task.positionals.last().copied()).unwrap_or(".");
    let folder = local_folder(current, context);
    let builder = builder(task, variables);
    // With a remote context, the Dockerfile is remote too (docker/buildx `build/opt.go`). Podman and Buildah look for
    // the Dockerfile in the current folder first.
    let is_here = |file: &str| folder.is_some() || builder == BuilderKind::Buildah || Path::new(file).is_absolute();
    let is_read = |file: &str| file != "-" && !file.contains("://") && is_here(file);
    let mut files: Vec<&str> = task.flags.values(FlagKind::File).collect();
    if builder != BuilderKind::Buildah {
        files.drain(..files.len().saturating_sub(1)); // the last `--file` wins
    }
    let mut arguments = BTreeMap::new();
    for file in task.flags.values(FlagKind::EnvFile) {
        let lines = reader.text(&current.join(file)).unwrap_or_default();
        let pairs =
            lines.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(|line| line.split_once('='));
        arguments.extend(pairs.map(|(name, value)| (name.trim().to_owned(), Some(value.to_owned()))));
    }
    arguments.extend(task.flags.variables().map(|(name, value)| (name.to_owned(), value.map(str::to_owned))));
    let mut build = Build {
        builder,
        arguments,
        target: task.flags.value(FlagKind::Stage).map(str::to_owned),
        contexts: task
            .flags
            .values(FlagKind::BuildContext)
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, source)| (dockerfile::familiar(name).to_owned(), source.to_owned()))
            .collect(),
        platforms: platforms(task, variables),
        base: task.flags.value(FlagKind::Base).map(str::to_owned),
        is_check: is_check(task),
        ..Build::default()
    };
    if files.iter().all(|file| is_read(file)) {
        for file in &files {
            let beside = folder.as_ref().map(|folder| folder.join(file));
            let path = current.join(file);
            build.files.extend(if reader.is_file(&path) { Some(path) } else { beside });
        }
        build.folder = folder.filter(|_| files.is_empty());
    }
    ProjectImages::pulled(build.pulled(variables, reader))
}

fn builder(task: &VerbInvocation<'_>, variables: &ProjectVariables) -> BuilderKind {
    match task.client {
        "podman" | "buildah" => BuilderKind::Buildah,
        "kaniko" if !task.flags.is_on("--skip-unused-stages") => BuilderKind::InOrder,
        "docker" if variables.get("DOCKER_BUILDKIT").is_some_and(|value| is_false(&value)) => BuilderKind::InOrder,
        _ => BuilderKind::BuildKit,
    }
}

/// Tells whether a command of `BuildKit` only checks the Dockerfile and builds nothing.
pub(super) fn is_check(task: &VerbInvocation<'_>) -> bool {
    let call = task.flags.value(FlagKind::Call).and_then(|call| call.split(',').next());
    task.flags.is_on("--check") || matches!(call, Some("check" | "lint"))
}

/// Tells whether Go parses `text` as false. Docker refuses a text that Go parses neither as true nor as false.
fn is_false(text: &str) -> bool {
    matches!(text, "0" | "f" | "F" | "false" | "False" | "FALSE")
}

/// Returns the platforms from `--platform`, from Podman's `--os` and `--arch`, or from `DOCKER_DEFAULT_PLATFORM`.
fn platforms(task: &VerbInvocation<'_>, variables: &ProjectVariables) -> Vec<String> {
    let mut platforms: Vec<String> = task.flags.values(FlagKind::Platform).map(str::to_owned).collect();
    if platforms.is_empty() {
        let parts: Vec<&str> = task.flags.values(FlagKind::PlatformPart).collect();
        platforms.extend(dockerfile::joined(&parts));
    }
    if platforms.is_empty() && task.client.starts_with("docker") {
        platforms.extend(variables.get("DOCKER_DEFAULT_PLATFORM").filter(|platform| !platform.is_empty()));
    }
    platforms
}

/// Returns the images of `buildctl build --local dockerfile=DIR --opt filename=NAME`.
pub(super) fn buildctl_images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, variables } = command;
    let option = |name: &str| {
        task.flags
            .values(FlagKind::FrontendOption)
            .filter_map(|pair| pair.split_once('='))
            .filter(|(key, _)| *key == name)
            .last()
    };
    let folder = task
        .flags
        .values(FlagKind::Folder)
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == "dockerfile");
    let folder = folder.map(|(_, folder)| current.join(folder));
    let pairs = |kind: &'static str| {
        let values = task.flags.values(FlagKind::FrontendOption);
        let pairs = values.filter_map(move |pair| pair.strip_prefix(kind)?.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let build = Build {
        files: folder
            .iter()
            .map(|folder| folder.join(option("filename").map_or("Dockerfile", |(_, name)| name)))
            .collect(),
        arguments: pairs("build-arg:").map(|(name, value)| (name, Some(value))).collect(),
        contexts: pairs("context:").collect(),
        target: option("target").map(|(_, target)| target.to_owned()),
        platforms: option("platform").map(|(_, platforms)| platforms.to_owned()).into_iter().collect(),
        ..Build::default()
    };
    ProjectImages::pulled(build.pulled(variables, reader))
}

impl Build {
    /// Returns the images that the build pulls, with their unknown parts.
    pub(super) fn pulled(&self, variables: &ProjectVariables, reader: &mut ProjectReader) -> ImageSide {
        let mut side = self.cache_from.clone();
        let filling = self.filling(variables);
        for (text, file) in self.dockerfiles(reader) {
            let PulledImages { images, refusal } = dockerfile::pulled(&text, &filling, reader.budget());
            for image in images {
                side.add_image(&image, &file);
            }
            if let Some(message) = refusal {
                reader.add_unknown(&file, message);
            }
        }
        side.unknown.extend(reader.take_unknown());
        side
    }

    /// Tells whether this build and `other` have the same sources, and therefore pull the same images.
    pub(super) fn is_from_the_same(&self, other: &Self) -> bool {
        let Self { folder, files, inline, builder, arguments, target, contexts, platforms, base, cache_from, .. } =
            other;
        (&self.folder, &self.files, &self.inline, &self.target) == (folder, files, inline, target)
            && (&self.arguments, &self.contexts, &self.cache_from) == (arguments, contexts, cache_from)
            && (&self.builder, &self.platforms, &self.base) == (builder, platforms, base)
    }

    fn dockerfiles(&self, reader: &mut ProjectReader) -> Vec<(String, PathBuf)> {
        if let Some(inline) = &self.inline {
            return vec![inline.clone()];
        }
        let names: &[&str] = match self.builder {
            BuilderKind::Buildah => &["Containerfile", "Dockerfile"],
            _ => &["Dockerfile", "dockerfile"],
        };
        let in_folder = match &self.folder {
            Some(folder) if self.files.is_empty() => reader.first_of(folder, names),
            None if self.files.is_empty() => {
                reader.add_unknown(
                    Path::new("Dockerfile"),
                    "the file is on standard input, or in a context that is not a folder here",
                );
                None
            }
            _ => None,
        };
        let files = self.files.iter().cloned().chain(in_folder);
        let mut texts: Vec<(String, PathBuf)> = files.filter_map(|file| Some((reader.text(&file)?, file))).collect();
        if self.builder == BuilderKind::Buildah {
            // Buildah joins several Dockerfiles, and runs the C preprocessor on files that end with `.in`.
            for (_, file) in &texts {
                if file.extension().is_some_and(|ending| ending == "in") {
                    reader.add_unknown(file, "the file needs the C preprocessor first");
                }
            }
            let joined = texts.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join("\n");
            texts.truncate(1);
            if let Some((text, _)) = texts.first_mut() {
                *text = joined;
            }
        }
        texts
    }

    fn filling(&self, variables: &ProjectVariables) -> BuildParameters {
        let value = |(name, value): (&String, &Option<String>)| {
            Some((name.clone(), value.clone().or_else(|| variables.get(name))?))
        };
        BuildParameters {
            builder: self.builder,
            arguments: self.arguments.iter().filter_map(value).collect(),
            target: self.target.clone(),
            contexts: self.contexts.clone(),
            platforms: self.platforms.clone(),
            base: self.base.clone(),
            is_check: self.is_check,
        }
    }
}

/// Returns the folder of a build context, or `None` if the context is a URL or standard input.
pub(super) fn local_folder(current: &Path, context: &str) -> Option<PathBuf> {
    let is_elsewhere = context == "-"
        || ["git@", "github.com/"].iter().any(|start| context.starts_with(start))
        || context.contains("://")
        || context.contains('\0');
    (!is_elsewhere).then(|| current.join(context))
}
