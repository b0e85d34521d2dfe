//! Properties that are true of every name of an image, a server or a registry. The fuzzer and the replay of the
//! fuzzer's corpus check these properties.

use super::{ImagePattern, ImageReference, Registry, ServerUrl, Target};

/// Checks up to four lines of `text`. If a line can be parsed, the value must not change when the value is printed and
/// parsed again.
pub(crate) fn reference(text: &str) {
    let lines: Vec<&str> = text.split('\n').take(4).collect();
    lines.iter().copied().for_each(registry);
    lines.iter().copied().for_each(address);
    let images: Vec<ImageReference> = lines.iter().filter_map(|line| line.parse().ok()).collect();
    let patterns: Vec<ImagePattern> = lines.iter().filter_map(|line| line.parse().ok()).collect();
    images.iter().for_each(image);
    for pattern in &patterns {
        let printed = pattern.to_string();
        assert_eq!(printed.parse().as_ref(), Ok(pattern), "{printed:?}");
        if pattern.registry().is_pattern() {
            assert_eq!(Registry::pattern(pattern.registry().as_str()).as_ref(), Ok(pattern.registry()));
        } else {
            is_canonical(pattern.registry());
        }
        let _ = pattern.specificity();
        for image in &images {
            let path: Vec<&str> = image.repository().segments().collect();
            let expected = pattern.registry().covers(image.registry())
                && matches_slowly(&pattern.path().split('/').collect::<Vec<_>>(), &path);
            assert_eq!(pattern.matches(image), expected, "{pattern} {image}");
        }
    }
}

fn registry(text: &str) {
    if let Ok(registry) = text.parse::<Registry>() {
        is_canonical(&registry);
        assert!(!registry.host().is_empty());
    }
    let registry = Registry::from_key(text);
    assert!(registry.is_key(text), "{text:?}");
    assert_eq!(Registry::from_key(registry.as_str()), registry);
    let _ = registry.is_loopback();
}

fn is_canonical(registry: &Registry) {
    let text = registry.as_str();
    assert_eq!(text.parse().as_ref(), Ok(registry), "{text:?}");
    assert_eq!(&Registry::from_key(text), registry, "{text:?}");
    assert!(!text.contains(|c: char| c.is_whitespace() || c.is_control()), "{text:?}");
}

fn address(text: &str) {
    let Some(url) = ServerUrl::parse(text) else { return };
    assert_eq!(ServerUrl::parse(url.as_str()).as_ref(), Some(&url));
    assert!(!url.as_str().contains('\n'));
    let Target::Registry { registry, user, repository } = url.target() else { return };
    assert!(user.as_deref().is_none_or(|user| !user.contains(':')), "a password was kept");
    assert!(repository.as_ref().is_none_or(|repository| !repository.as_str().is_empty()));
    let own = ServerUrl::parse(registry.docker_key()).expect("a registry has a name");
    let again = Target::Registry { registry: registry.clone(), user: None, repository: None };
    assert_eq!(own.target(), &again, "the address that Docker sends for a registry refers to that registry");
}

fn image(image: &ImageReference) {
    let printed = image.to_string();
    assert_eq!(printed.parse().as_ref(), Ok(image), "{printed:?}");
    is_canonical(image.registry());
    let path = image.repository().as_str();
    assert!(path.len() <= 255 && image.repository().segments().all(|segment| !segment.is_empty()));
    assert!(printed.starts_with(image.registry().as_str()));
    let rest = &printed[image.registry().as_str().len()..];
    assert!(rest.bytes().all(|b| b.is_ascii_graphic()) && !image.reference().contains('/'), "{printed:?}");
    let own: ImagePattern = format!("{}/{path}", image.registry()).parse().expect("a repository is a pattern");
    assert!(own.matches(image), "{printed}");
}

/// Matches a path slowly, by the definition of a pattern, so that the fast match can be compared with the result.
fn matches_slowly(pattern: &[&str], path: &[&str]) -> bool {
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for part in pattern {
        let before = std::mem::replace(&mut reached, vec![false; path.len() + 1]);
        for at in 0..=path.len() {
            reached[at] = if *part == "**" {
                before[..=at].contains(&true)
            } else {
                at > 0 && before[at - 1] && segment_matches(part.as_bytes(), path[at - 1].as_bytes())
            };
        }
    }
    reached[path.len()]
}

fn segment_matches(pattern: &[u8], text: &[u8]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for letter in pattern {
        let before = std::mem::replace(&mut reached, vec![false; text.len() + 1]);
        for at in 0..=text.len() {
            reached[at] = if *letter == b'*' {
                before[..=at].contains(&true)
            } else {
                at > 0 && before[at - 1] && *letter == text[at - 1]
            };
        }
    }
    reached[text.len()]
}
