//! `Build`: one image that is to be built, as a command line, a Compose file or a bake file says it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::bake::Extension;
use super::dockerfile::{self, Filling};
use super::reader::Reader;
use super::{Named, Side, Variables};
use crate::caller::clients::Task;
use crate::caller::words::Meaning;
use crate::model::map;

/// What to build, from what, and how it is called afterwards.
#[derive(Clone, Debug, Default)]
pub(super) struct Build {
    /// The context, unless it is not a folder here.
    pub(super) folder: Option<PathBuf>,
    /// Dockerfiles, instead of the one in the context.
    pub(super) files: Vec<PathBuf>,
    /// A Dockerfile's text, and the file that it stands in.
    pub(super) inline: Option<(String, PathBuf)>,
    pub(super) prefers_containerfile: bool,
    /// An argument without a value has the variable's.
    pub(super) arguments: BTreeMap<String, Option<String>>,
    pub(super) target: Option<String>,
    /// Named contexts with their sources.
    pub(super) contexts: BTreeMap<String, String>,
    /// What a Compose file says for bake alone.
    pub(super) for_bake: Extension,
    /// What it is called, and the caches it is read from and written to.
    pub(super) tags: Side,
    pub(super) cache_from: Side,
    pub(super) cache_to: Side,
}

/// `docker build` and its kin, whose tags and caches stand on the command line.
pub(super) fn images(task: &Task<'_>, current: &Path, variables: &Variables, reader: &mut Reader) -> Named {
    let given = task.value(Meaning::Folder).map(|folder| folder.strip_prefix("dir://").unwrap_or(folder)); // kaniko
    let context = given.or(task.positionals.last().copied()).unwrap_or(".");
    let folder = local_folder(current, context);
    let prefers_containerfile = matches!(task.client, "podman" | "buildah");
    // In a context that is elsewhere lies the file too (docker/buildx `build/opt.go`); podman and buildah look here first.
    let is_here = |file: &str| folder.is_some() || prefers_containerfile || Path::new(file).is_absolute();
    let is_read = |file: &&str| *file != "-" && !file.contains("://") && is_here(file);
    let files = task.values(Meaning::File).filter(is_read);
    let mut build = Build {
        prefers_containerfile,
        arguments: map(task.variables().map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))),
        target: task.value(Meaning::Stage).map(str::to_owned),
        contexts: map(task
            .values(Meaning::BuildContext)
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, source)| (name.to_owned(), source.to_owned()))),
        ..Build::default()
    };
    for file in files {
        let beside = folder.as_ref().map(|folder| folder.join(file));
        let here = current.join(file);
        build.files.extend(if reader.is_file(&here) { Some(here) } else { beside });
    }
    build.folder = folder.filter(|_| build.files.is_empty() && task.value(Meaning::File).is_none());
    Named::pulled(build.pulled(variables, reader))
}

/// `buildctl build --local dockerfile=DIR --opt filename=NAME`.
pub(super) fn buildctl_images(task: &Task<'_>, current: &Path, variables: &Variables, reader: &mut Reader) -> Named {
    let option = |name: &str| {
        task.values(Meaning::FrontendOption)
            .filter_map(|pair| pair.split_once('='))
            .filter(|(key, _)| *key == name)
            .last()
    };
    let folder =
        task.values(Meaning::Folder).filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == "dockerfile");
    let folder = folder.map(|(_, folder)| current.join(folder));
    let arguments =
        task.values(Meaning::FrontendOption).filter_map(|pair| pair.strip_prefix("build-arg:")?.split_once('='));
    let build = Build {
        files: folder
            .iter()
            .map(|folder| folder.join(option("filename").map_or("Dockerfile", |(_, name)| name)))
            .collect(),
        arguments: map(arguments.map(|(name, value)| (name.to_owned(), Some(value.to_owned())))),
        target: option("target").map(|(_, target)| target.to_owned()),
        ..Build::default()
    };
    Named::pulled(build.pulled(variables, reader))
}

impl Build {
    /// What the build pulls.
    pub(super) fn pulled(&self, variables: &Variables, reader: &mut Reader) -> Side {
        let mut side = self.cache_from.clone();
        for (text, file) in self.dockerfiles(reader) {
            for image in self.contexts.values().filter_map(|source| source.strip_prefix("docker-image://")) {
                side.add_image(image, &file);
            }
            for image in dockerfile::images(&text, &self.filling(variables)) {
                side.add_image(&image, &file);
            }
        }
        side.unknown.extend(reader.take_unknown());
        side
    }

    /// Tells whether it pulls what `other` does.
    pub(super) fn is_from_the_same(&self, other: &Self) -> bool {
        let Self { folder, files, inline, arguments, target, contexts, cache_from, .. } = other;
        (&self.folder, &self.files, &self.inline, &self.target) == (folder, files, inline, target)
            && (&self.arguments, &self.contexts, &self.cache_from) == (arguments, contexts, cache_from)
    }

    /// What is pushed once it is built.
    pub(super) fn pushed(&self) -> Side {
        let mut side = self.tags.clone();
        side.extend(self.cache_to.clone());
        side
    }

    fn dockerfiles(&self, reader: &mut Reader) -> Vec<(String, PathBuf)> {
        if let Some(inline) = &self.inline {
            return vec![inline.clone()];
        }
        let names: &[&str] =
            if self.prefers_containerfile { &["Containerfile", "Dockerfile"] } else { &["Dockerfile", "dockerfile"] };
        let in_folder = self.folder.as_ref().filter(|_| self.files.is_empty());
        let in_folder = in_folder.and_then(|folder| reader.first_of(folder, names));
        let files = self.files.iter().cloned().chain(in_folder);
        files.filter_map(|file| Some((reader.text(&file)?, file))).collect()
    }

    fn filling(&self, variables: &Variables) -> Filling {
        let value = |(name, value): (&String, &Option<String>)| {
            Some((name.clone(), value.clone().or_else(|| variables.get(name))?))
        };
        Filling {
            arguments: map(self.arguments.iter().filter_map(value)),
            target: self.target.clone(),
            contexts: self.contexts.keys().cloned().collect(),
        }
    }
}

/// A context that is a folder of this machine, not an address, an archive or stdin.
pub(super) fn local_folder(current: &Path, context: &str) -> Option<PathBuf> {
    let is_elsewhere = context == "-"
        || ["git@", "github.com/"].iter().any(|start| context.starts_with(start))
        || context.contains("://")
        || context.contains('\0');
    (!is_elsewhere).then(|| current.join(context))
}
