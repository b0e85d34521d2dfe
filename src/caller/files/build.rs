//! `Build`: one image to build, from a command line, a Compose file or a bake file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::bake::BakeExtension;
use super::dockerfile::{self, BuildParameters, BuilderKind, PulledImages};
use super::project_reader::ProjectReader;
use super::{FileCommand, ImageSide, ProjectImages, ProjectVariables};
use crate::caller::clients::VerbInvocation;
use crate::caller::command_words::{FlagKind, is_false, name_and_value};
use crate::caller::images::image_beside_files;

/// The sources of a build, and the names of the built image.
#[derive(Clone, Debug, Default)]
pub(super) struct Build {
    /// The context, if it is a local folder.
    pub(super) folder: Option<PathBuf>,
    /// The named Dockerfiles. If the list is empty, the Dockerfile in the context is used.
    pub(super) files: Vec<PathBuf>,
    /// The text of an inline Dockerfile, and the file that contains this text.
    pub(super) inline: Option<(String, PathBuf)>,
    pub(super) parameters: BuildParameters,
    /// The settings under `x-bake` in a Compose file.
    pub(super) for_bake: BakeExtension,
    /// The names of the built image.
    pub(super) tags: ImageSide,
    /// The images that are pulled beside the images in the Dockerfile: caches, and generators of SBOMs.
    pub(super) beside: ImageSide,
    pub(super) cache_to: ImageSide,
}

/// Returns the images in the files of `docker build` and similar commands. Leaves out tags and caches, because these
/// are on the command line.
pub(super) fn images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, variables } = command;
    let is_kaniko = task.client == "kaniko";
    let flag = task.flags.value(FlagKind::Folder); // only kaniko has it
    let (context, sub_path) = match flag.and_then(|flag| flag.strip_prefix("dir://")) {
        Some(folder) => (folder, task.flags.value(FlagKind::SubPath).unwrap_or_default().trim_start_matches('/')),
        None => (flag.or(task.positionals.last().copied()).unwrap_or("."), ""),
    };
    let folder = local_path(current, context).map(|folder| folder.join(sub_path));
    let builder = builder(task, variables);
    // With a remote context, the Dockerfile is remote too (docker/buildx `build/opt.go`). Podman, Buildah and kaniko
    // look for a named Dockerfile in the current folder first.
    let starts_here = builder == BuilderKind::Buildah || is_kaniko;
    let is_here = |file: &str| folder.is_some() || starts_here || Path::new(file).is_absolute();
    let is_read = |file: &str| file != "-" && !file.contains("://") && is_here(file);
    let mut files: Vec<&str> = task.flags.values(FlagKind::File).collect();
    if files.is_empty() && is_kaniko {
        files.push("Dockerfile"); // kaniko's default for `--dockerfile` (`cmd/executor/cmd/root.go`)
    }
    if builder != BuilderKind::Buildah {
        files.drain(..files.len().saturating_sub(1)); // the last `--file` wins
    }
    let mut arguments = BTreeMap::new();
    for file in task.flags.values(FlagKind::EnvFile) {
        let lines = reader.text(&current.join(file)).unwrap_or_default();
        for (name, value) in lines.lines().filter(|line| !line.starts_with('#')).map(name_and_value) {
            variables.set_argument(&mut arguments, name, value); // as in Buildah's `pkg/cli/build.go`
        }
    }
    for (name, value) in task.flags.variables() {
        // If neither the command line nor a variable has a value, buildx keeps an earlier value (docker/buildx
        // `commands/build.go`).
        if builder != BuilderKind::BuildKit || variables.argument(name, value).is_some() {
            variables.set_argument(&mut arguments, name, value);
        }
    }
    let contexts = task.flags.values(FlagKind::BuildContext).filter_map(|pair| pair.split_once('='));
    let contexts = contexts.map(|(name, source)| (dockerfile::familiar(name).to_owned(), source.to_owned()));
    let parameters = BuildParameters {
        builder,
        arguments,
        target: task.flags.value(FlagKind::Stage).map(str::to_owned),
        contexts: contexts.collect(),
        platforms: platforms(task, variables),
        base: task.flags.value(FlagKind::Base).map(str::to_owned),
        is_check: is_check(task),
        keeps_unused_stages: builder == BuilderKind::Buildah && task.flags.is_off("--skip-unused-stages"),
    };
    let mut build = Build { parameters, beside: beside_files(task, current), ..Build::default() };
    if files.iter().all(|file| is_read(file)) {
        for file in &files {
            let beside = folder.as_ref().map(|folder| folder.join(file));
            let path = current.join(file);
            build.files.extend(if reader.is_file(&path) { Some(path) } else { beside });
        }
        build.folder = folder.filter(|_| files.is_empty());
    }
    ProjectImages::pulled(build.pulled(reader))
}

/// Returns the builder that a command uses.
pub(super) fn builder(task: &VerbInvocation<'_>, variables: &ProjectVariables) -> BuilderKind {
    match task.client {
        "podman" | "buildah" | "podman-compose" => BuilderKind::Buildah,
        "kaniko" if !task.flags.is_on("--skip-unused-stages") => BuilderKind::InOrder,
        "docker" | "docker-compose" if variables.get("DOCKER_BUILDKIT").is_some_and(|value| is_false(&value)) => {
            BuilderKind::InOrder
        }
        _ => BuilderKind::BuildKit,
    }
}

/// Tells whether a command of `BuildKit` only checks the Dockerfile and builds nothing.
pub(super) fn is_check(task: &VerbInvocation<'_>) -> bool {
    task.flags.is_on("--check") || task.flags.value(FlagKind::Call).is_some_and(is_check_call)
}

/// Tells whether the value of `--call` is a check.
pub(super) fn is_check_call(call: &str) -> bool {
    matches!(call.split(',').next(), Some("check" | "lint"))
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
    let FileCommand { task, folder: current, .. } = command;
    let pairs = |kind| task.flags.values(kind).filter_map(|pair| pair.split_once('='));
    let last = |kind, name: &str| pairs(kind).filter(|(key, _)| *key == name).last().map(|(_, value)| value.to_owned());
    let options = |start: &'static str| {
        let options = pairs(FlagKind::FrontendOption);
        options.filter_map(move |(key, value)| Some((key.strip_prefix(start)?.to_owned(), value.to_owned())))
    };
    let folder = last(FlagKind::Folder, "dockerfile");
    let name = last(FlagKind::FrontendOption, "filename").unwrap_or_else(|| "Dockerfile".to_owned());
    let parameters = BuildParameters {
        arguments: options("build-arg:").collect(),
        contexts: options("context:").collect(),
        target: last(FlagKind::FrontendOption, "target"),
        platforms: last(FlagKind::FrontendOption, "platform").into_iter().collect(),
        ..BuildParameters::default()
    };
    let beside = beside_files(task, current);
    if folder.is_none() && last(FlagKind::FrontendOption, "source").is_some() {
        return ProjectImages::pulled(beside); // a frontend may need no Dockerfile
    }
    let files = folder.map(|folder| current.join(folder).join(name)).into_iter().collect();
    ProjectImages::pulled(Build { files, parameters, beside, ..Build::default() }.pulled(reader))
}

/// Returns the images of flags that a build pulls beside the images in its files. Leaves out the base image, because
/// the Dockerfile decides whether the base image is needed.
pub(super) fn beside_files(task: &VerbInvocation<'_>, current: &Path) -> ImageSide {
    let mut side = ImageSide::default();
    for (kind, value) in task.flags.values.iter().filter(|(kind, _)| *kind != FlagKind::Base) {
        if let Some(image) = image_beside_files(*kind, value) {
            side.add_image(&image, current);
        }
    }
    side
}

impl Build {
    /// Returns the images that the build pulls, and the parts of its files in which images are unknown.
    pub(super) fn pulled(&self, reader: &mut ProjectReader) -> ImageSide {
        let mut side = self.beside.clone();
        for (text, file) in self.dockerfiles(reader) {
            let PulledImages { images, refusal } = dockerfile::pulled(&text, &self.parameters, reader.budget());
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
        (&self.folder, &self.files, &self.inline) == (&other.folder, &other.files, &other.inline)
            && (&self.parameters, &self.beside) == (&other.parameters, &other.beside)
    }

    fn dockerfiles(&self, reader: &mut ProjectReader) -> Vec<(String, PathBuf)> {
        if let Some(inline) = &self.inline {
            return vec![inline.clone()];
        }
        let is_buildah = self.parameters.builder == BuilderKind::Buildah;
        let files = match &self.folder {
            _ if !self.files.is_empty() => self.files.clone(),
            Some(folder) => {
                let names = if is_buildah { ["Containerfile", "Dockerfile"] } else { ["Dockerfile", "dockerfile"] };
                reader.first_of(folder, &names).into_iter().collect()
            }
            None => {
                let message = "the Dockerfile is on standard input or in a remote context";
                reader.add_unknown(Path::new("Dockerfile"), message);
                Vec::new()
            }
        };
        let text = |file: PathBuf| Some((reader.text(&file)?, file));
        let mut texts: Vec<(String, PathBuf)> = files.into_iter().filter_map(text).collect();
        if is_buildah {
            // Buildah joins several Dockerfiles, and runs the C preprocessor on files that end with `.in`.
            for (_, file) in &texts {
                if file.extension().is_some_and(|ending| ending == "in") {
                    reader.add_unknown(file, "the file must first be processed by the C preprocessor");
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
}

/// Returns the path of a local file or folder, or `None` for a URL or standard input.
pub(super) fn local_path(current: &Path, name: &str) -> Option<PathBuf> {
    (name != "-" && !is_remote(name)).then(|| current.join(name))
}

/// Tells whether a client fetches `name` from elsewhere (moby/buildkit `util/gitutil`).
pub(super) fn is_remote(name: &str) -> bool {
    name.contains("://") || ["git@", "github.com/"].iter().any(|start| name.starts_with(start))
}
