//! `public`: changes the list of images that need no account, so that an expired login cannot break pulls of these
//! images.

use std::process::ExitCode;

use serde_json::json;

use super::failure::Failure;
use super::{CommandContext, args, which};
use crate::model::{ImagePattern, Registry};
use crate::system::text::{hide_userinfo, one_line};

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::PublicArguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        None | Some(args::PublicCommand::List) => list(context),
        Some(args::PublicCommand::Add { images }) => add(context, &patterns(images)?),
        Some(args::PublicCommand::Remove { images }) => remove(context, &patterns(images)?),
    }
}

fn list(context: &CommandContext<'_>) -> Result<ExitCode, Failure> {
    let all = context.accounts.all()?;
    let patterns: Vec<_> = all.iter().flat_map(|entry| &entry.public).map(ToString::to_string).collect();
    let text = if patterns.is_empty() {
        format!("No image is listed as public. To add one:  {} public add IMAGE", context.program)
    } else {
        patterns.join("\n")
    };
    context.ui.data(json!({"public": patterns}), text)?;
    Ok(ExitCode::SUCCESS)
}

fn add(context: &CommandContext<'_>, added: &[ImagePattern]) -> Result<ExitCode, Failure> {
    context.accounts.set_public(added, true)?;
    let names: Vec<_> = added.iter().map(ToString::to_string).collect();
    let json = json!({"status": "success", "public": names});
    context.ui.done(json, format_args!("Pulled without an account: {}", names.join(", ")))?;
    Ok(ExitCode::SUCCESS)
}

fn remove(context: &CommandContext<'_>, removed: &[ImagePattern]) -> Result<ExitCode, Failure> {
    let all = context.accounts.all()?;
    let is_public = |pattern: &&ImagePattern| all.iter().any(|entry| entry.public.contains(pattern));
    if let Some(unknown) = removed.iter().find(|pattern| !is_public(pattern)) {
        let what = format!("{} is not in the list of public images", one_line(&unknown.to_string(), 100));
        return Err(Failure::usage(what, format!("run `{} public list` to see the list", context.program)));
    }
    context.accounts.set_public(removed, false)?;
    let names: Vec<_> = removed.iter().map(ToString::to_string).collect();
    let json = json!({"status": "success", "removed": names});
    context.ui.done(json, format_args!("No longer public: {}", names.join(", ")))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads patterns and image references, including short names of Docker Hub. The name of a registry is a pattern for
/// all images in the registry.
fn patterns(texts: &[String]) -> Result<Vec<ImagePattern>, Failure> {
    let mut patterns: Vec<ImagePattern> = texts.iter().map(|text| pattern(text)).collect::<Result<_, _>>()?;
    patterns.sort_unstable_by_key(ToString::to_string);
    patterns.dedup();
    Ok(patterns)
}

fn pattern(text: &str) -> Result<ImagePattern, Failure> {
    let full = if text.contains('*') {
        let first = text.split('/').next().unwrap_or_default();
        let has_host = first.contains(['.', ':']) || first == "localhost";
        if has_host { text.to_owned() } else { format!("{}/{text}", Registry::docker_hub()) }
    } else {
        if text.trim().is_empty() {
            return Err(Failure::usage("an image's name is empty", "name the image as in `ghcr.io/acme/app`"));
        }
        // The text `alpine:3` is an image with the tag `3`, and not a registry on port 3.
        let name = text.split(':').next().unwrap_or_default();
        let is_short = !text.contains('/') && !name.contains('.') && name != "localhost";
        let image = if is_short { format!("{}/{text}", Registry::docker_hub()) } else { text.to_owned() };
        match which::registry_or_image(&image)? {
            (registry, None) => registry.to_string(),
            (registry, Some(image)) => format!("{registry}/{}", image.repository()),
        }
    };
    full.parse().map_err(|error| {
        let what = format!("`{}` is not a pattern: {error}", one_line(&hide_userinfo(text), 100));
        Failure::usage(what, "write a pattern as in 'ghcr.io/acme/public/**'")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_as_it_is_pulled() {
        for (text, expected) in [
            ("alpine", "docker.io/library/alpine"),
            ("alpine:3", "docker.io/library/alpine"),
            ("alpine:3.20", "docker.io/library/alpine"),
            ("docker.io/alpine", "docker.io/library/alpine"),
            ("library/**", "docker.io/library/**"),
            ("docker.io/library/**", "docker.io/library/**"),
            ("index.docker.io/library/*", "docker.io/library/*"),
            ("ghcr.io/acme/app:1", "ghcr.io/acme/app"),
            ("GHCR.io/acme/**", "ghcr.io/acme/**"),
            ("quay.io", "quay.io/**"),
            ("localhost:5000", "localhost:5000/**"),
            ("localhost:5000/base", "localhost:5000/base"),
        ] {
            assert_eq!(pattern(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "ghcr.io/Acme/**", "ghcr.io//a", "a b"] {
            assert!(pattern(text).is_err(), "{text}");
        }
    }
}
