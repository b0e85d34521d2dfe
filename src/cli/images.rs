//! `--images`: reads patterns, and warns if another account has an equally specific pattern for the same images.

use super::CommandContext;
use super::failure::Failure;
use super::list_edit::ListEdit;
use crate::model::choice::RegistryAccounts;
use crate::model::{Account, ImagePattern, Registry};
use crate::system::text::hide_userinfo;

/// Reads the typed patterns. If a tag or digest was typed, prints a note that the pattern does not contain the tag or
/// digest.
pub(super) fn read(
    context: &CommandContext<'_>,
    registry: &Registry,
    texts: &[String],
) -> Result<ListEdit<ImagePattern>, Failure> {
    ListEdit::read(texts, |text| {
        let (pattern, left_out) = pattern(registry, text)?;
        if let Some(tag) = left_out {
            context.ui.note(format_args!("a pattern covers all tags of an image, so `{tag}` is left out of {pattern}"));
        }
        Ok(pattern)
    })
}

/// Warns if another account has an equally specific pattern for the same images, because an image cannot decide between
/// the two accounts.
pub(super) fn warn_about_rivals(context: &CommandContext<'_>, candidates: &RegistryAccounts, account: &Account) {
    let others = candidates.accounts.iter().filter(|other| other.name != account.name);
    for rival in others.filter(|other| other.purpose == account.purpose) {
        let own = account.patterns();
        let shared = rival.patterns().into_iter().find(|theirs| own.iter().any(|pattern| pattern.ties_with(theirs)));
        if let Some(pattern) = shared {
            context.ui.note(format_args!(
                "{} is for the same images ({pattern}), so an image cannot decide between the two accounts",
                rival.name
            ));
        }
    }
}

/// Reads a typed pattern, with or without the registry. Returns a tag or digest separately, because patterns contain
/// neither tags nor digests.
///
/// A single word is a namespace, such as `acme`. A person may also type an image reference, such as
/// `ghcr.io/acme/app:1.0`.
fn pattern<'t>(registry: &Registry, text: &'t str) -> Result<(ImagePattern, Option<&'t str>), Failure> {
    let shown = hide_userinfo(text);
    let example = || format!("write a pattern as in '{registry}/acme/**'");
    let first = text.split('/').next().unwrap_or_default();
    let looks_like_host = first.contains('.') || (first.contains(':') && text.contains('/')) || first == "localhost";
    let has_host = (looks_like_host || first.parse().as_ref() == Ok(registry)) && !first.starts_with("did:");
    let path = if has_host { text.split_once('/').map_or("**", |(_, path)| path) } else { text };
    let (path, left_out) = split_reference(path.trim_end_matches('/'));
    let is_namespace = !path.is_empty() && !path.contains(['/', '*']);
    let rest = if is_namespace { "/**" } else { "" };
    let host = if has_host { first } else { registry.as_str() };
    let pattern: ImagePattern = format!("{host}/{path}{rest}")
        .parse()
        .map_err(|error| Failure::usage(format!("`{shown}` is not a pattern: {error}"), example()))?;
    if pattern.registry() == registry {
        Ok((pattern, left_out))
    } else {
        Err(Failure::usage(format!("`{shown}` is on another registry, not on {registry}"), example()))
    }
}

/// Splits the tag or digest off a path. The colons in a decentralized identifier, such as `did:plc:abc`, do not begin a
/// tag.
fn split_reference(path: &str) -> (&str, Option<&str>) {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    let end = if path[name..].starts_with("did:") { None } else { path[name..].find([':', '@']) };
    end.map_or((path, None), |at| (&path[..name + at], Some(&path[name + at..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_people_write() {
        let digest = "ghcr.io/acme/app@sha256:0123456789abcdef0123456789abcdef";
        for (registry, text, expected, left_out) in [
            ("ghcr.io", "acme/**", "ghcr.io/acme/**", None),
            ("ghcr.io", "acme", "ghcr.io/acme/**", None),
            ("ghcr.io", "acme/", "ghcr.io/acme/**", None),
            ("ghcr.io", "ghcr.io/acme", "ghcr.io/acme/**", None),
            ("ghcr.io", "GHCR.io:443/acme", "ghcr.io/acme/**", None),
            ("ghcr.io", "ghcr.io", "ghcr.io/**", None),
            ("ghcr.io", "acme*", "ghcr.io/acme*", None),
            ("ghcr.io", "**/app", "ghcr.io/**/app", None),
            ("ghcr.io", "acme/app", "ghcr.io/acme/app", None),
            ("ghcr.io", "acme/app:1.0", "ghcr.io/acme/app", Some(":1.0")),
            ("ghcr.io", "ghcr.io/acme/app:1.0", "ghcr.io/acme/app", Some(":1.0")),
            ("ghcr.io", digest, "ghcr.io/acme/app", Some("@sha256:0123456789abcdef0123456789abcdef")),
            ("ghcr.io", "acme:1", "ghcr.io/acme/**", Some(":1")),
            ("localhost:5000", "localhost:5000/acme", "localhost:5000/acme/**", None),
            ("localhost:5000", "localhost:5000", "localhost:5000/**", None),
            ("localhost", "localhost/acme", "localhost/acme/**", None),
            ("myhost", "myhost/acme", "myhost/acme/**", None),
            ("docker.io", "alice", "docker.io/alice/**", None),
            ("docker.io", "docker.io/alice/app:2", "docker.io/alice/app", Some(":2")),
            ("atcr.io", "did:plc:abc", "atcr.io/did:plc:abc/**", None),
            ("atcr.io", "did:plc:abc/app:1", "atcr.io/did:plc:abc/app", Some(":1")),
            ("*.azurecr.io", "*.azurecr.io/team", "*.azurecr.io/team/**", None),
            ("*.azurecr.io", "team", "*.azurecr.io/team/**", None),
        ] {
            let registry = Registry::from_key(registry);
            let (pattern, tag) = pattern(&registry, text).unwrap_or_else(|_| panic!("{text}"));
            assert_eq!((pattern.to_string().as_str(), tag), (expected, left_out), "{text}");
        }
        for text in ["quay.io/x/**", "quay.io", "Acme/**", "", "acme//x", "https://ghcr.io/acme"] {
            assert!(pattern(&Registry::from_key("ghcr.io"), text).is_err(), "{text}");
        }
    }
}
