//! Finds the images that the build of a Dockerfile or Containerfile pulls.
//!
//! Sources: moby/buildkit `frontend/dockerfile/dockerfile2llb/convert.go`, `frontend/dockerui/namedcontext.go`;
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
pub(super) use graph::familiar;
use platform::Platform;
pub(super) use platform::joined;
use stages::DockerfileStages;

/// The build settings that decide which images a Dockerfile pulls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BuildParameters {
    pub(super) builder: BuilderKind,
    pub(super) arguments: BTreeMap<String, String>,
    /// The stage to build in place of the last stage.
    pub(super) target: Option<String>,
    /// Named contexts by their short names. The source of a context may be another image, as in `docker-image://IMAGE`.
    pub(super) contexts: BTreeMap<String, String>,
    /// The platforms to build for. An empty list means this machine's platform.
    pub(super) platforms: Vec<String>,
    /// The image that replaces the base of the first stage.
    pub(super) base: Option<String>,
    /// Whether `BuildKit` only checks the Dockerfile. A check without a target includes all stages.
    pub(super) is_check: bool,
    /// Whether Buildah builds all stages up to the target, including unneeded stages.
    pub(super) keeps_unused_stages: bool,
}

/// The builder that reads a Dockerfile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum BuilderKind {
    #[default]
    BuildKit,
    /// Podman and Buildah.
    Buildah,
    /// Kaniko, and Docker without `BuildKit`. These builders build all stages up to the target, including unneeded
    /// stages.
    InOrder,
}

/// The images that a build pulls.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PulledImages {
    pub(super) images: Vec<String>,
    /// The reason why `images` may be incomplete, or `None` if `images` is complete.
    pub(super) refusal: Option<&'static str>,
}

/// The reason why some images of a Dockerfile are unknown.
#[derive(Debug)]
struct DockerfileError(&'static str);

fn refused<T>(message: &'static str) -> Result<T, DockerfileError> {
    Err(DockerfileError(message))
}

const PLATFORMS_AT_MOST: usize = 32;

/// Returns the images to pull for the target. The frontend's image comes first. The images of the needed stages for
/// every platform follow.
pub(super) fn pulled(text: &str, parameters: &BuildParameters, budget: &Budget) -> PulledImages {
    let mut images = Vec::new();
    if parameters.builder == BuilderKind::BuildKit {
        let frontend = parameters.arguments.get("BUILDKIT_SYNTAX").filter(|image| !image.is_empty()).cloned();
        images.extend(frontend.or_else(|| lines::syntax(text)));
    }
    let refusal = add_images(text, parameters, budget, &mut images).err().map(|DockerfileError(message)| message);
    PulledImages { images, refusal }
}

fn add_images(
    text: &str,
    parameters: &BuildParameters,
    budget: &Budget,
    images: &mut Vec<String>,
) -> Result<(), DockerfileError> {
    let stages = DockerfileStages::read(text, budget)?;
    let mut platforms: Vec<&str> = parameters.platforms.iter().flat_map(|list| list.split(',')).collect();
    if platforms.is_empty() {
        platforms.push("local");
    }
    if platforms.len() > PLATFORMS_AT_MOST {
        return refused("the build is for too many platforms");
    }
    for platform in platforms {
        let Some(platform) = Platform::parse(platform) else { return refused("a platform is unknown") };
        for image in graph::images(&stages, &platform, parameters, budget)? {
            if !images.contains(&image) {
                images.push(image);
            }
        }
    }
    Ok(())
}
