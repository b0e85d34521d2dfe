//! What a Dockerfile or Containerfile builds on: the images of its stages.
//!
//! moby/buildkit `frontend/dockerfile/dockerfile2llb/convert.go`, `frontend/dockerui/namedcontext.go`;
//! containers/buildah `imagebuildah/`; kaniko `pkg/dockerfile/`.

mod expansion;
#[cfg(test)]
mod fixtures;
mod graph;
mod lines;
mod pattern;
mod platform;
mod shell;
mod stages;

use std::collections::BTreeMap;

use super::budget::Budget;
use platform::Platform;
pub(super) use platform::joined;
use stages::DockerfileStages;

/// How a build fills in what its Dockerfile leaves open.
#[derive(Clone, Debug, Default)]
pub(super) struct BuildParameters {
    pub(super) builder: BuilderKind,
    /// Build arguments.
    pub(super) arguments: BTreeMap<String, String>,
    /// The stage to build, instead of the last.
    pub(super) target: Option<String>,
    /// Names that stand for other sources than images, or for other images: `docker-image://IMAGE`.
    pub(super) contexts: BTreeMap<String, String>,
    /// Instead of the one of this machine.
    pub(super) platforms: Vec<String>,
    /// An image that stands in for that of the first stage.
    pub(super) base: Option<String>,
}

/// Who reads a Dockerfile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum BuilderKind {
    #[default]
    BuildKit,
    /// podman and buildah.
    Buildah,
    /// Builds stage by stage up to the target, whether that needs them or not: kaniko, and Docker without `BuildKit`.
    InOrder,
}

/// What a build pulls.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PulledImages {
    pub(super) images: Vec<String>,
    /// Why there may be more.
    pub(super) refusal: Option<&'static str>,
}

/// Why a Dockerfile is not known.
#[derive(Debug)]
struct DockerfileError(&'static str);

fn refused<T>(message: &'static str) -> Result<T, DockerfileError> {
    Err(DockerfileError(message))
}

const PLATFORMS_AT_MOST: usize = 32;

/// Returns the images that are pulled to build the target: those of the stages it needs for every platform, and the one
/// of the program that reads the file.
pub(super) fn pulled(text: &str, filling: &BuildParameters, budget: &Budget) -> PulledImages {
    let mut images = Vec::new();
    if filling.builder == BuilderKind::BuildKit {
        let given = filling.arguments.get("BUILDKIT_SYNTAX").filter(|image| !image.is_empty()).cloned();
        images.extend(given.or_else(|| lines::syntax(text)));
    }
    let refusal = add_images(text, filling, budget, &mut images).err().map(|DockerfileError(message)| message);
    PulledImages { images, refusal }
}

fn add_images(
    text: &str,
    filling: &BuildParameters,
    budget: &Budget,
    images: &mut Vec<String>,
) -> Result<(), DockerfileError> {
    let stages = DockerfileStages::read(text, budget)?;
    let mut platforms: Vec<&str> = filling.platforms.iter().flat_map(|list| list.split(',')).collect();
    if platforms.is_empty() {
        platforms.push("local");
    }
    if platforms.len() > PLATFORMS_AT_MOST {
        return refused("it is for too many platforms");
    }
    for platform in platforms {
        let Some(platform) = Platform::parse(platform) else { return refused("a platform is not known") };
        for image in graph::images(&stages, &platform, filling, budget)? {
            if !images.contains(&image) {
                images.push(image);
            }
        }
    }
    Ok(())
}
