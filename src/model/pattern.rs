//! `ImagePattern`: which images an account is for.

use std::fmt;
use std::str::FromStr;

use super::{ImageReference, InvalidName, Registry};

/// A pattern `registry/path`. In the path, `*` matches any text within a segment, and a segment `**` matches any number
/// of segments.
///
/// A pattern ignores the image's tag and digest.
///
/// ```
/// # use ensign::model::{ImagePattern, ImageReference};
/// let pattern: ImagePattern = "ghcr.io/acme/**".parse().unwrap();
/// assert!(pattern.matches(&"ghcr.io/acme/team/app:1".parse().unwrap()));
/// assert!(!pattern.matches(&"ghcr.io/acme2/app".parse().unwrap()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePattern {
    registry: Registry,
    path: String,
}

/// How specific a pattern is. If two patterns match an image, the pattern with the greater specificity is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Specificity {
    literal_segments: usize,
    literal_characters: usize,
    has_no_rest: bool,
}

impl ImagePattern {
    /// Returns the pattern that covers all images in `namespace` of `registry`.
    pub(super) fn namespace(registry: &Registry, namespace: &str) -> Self {
        Self { registry: registry.clone(), path: format!("{namespace}/**") }
    }

    /// Returns the pattern that covers the repository or namespace `path`, and everything below `path`.
    pub fn under(registry: &Registry, path: &str) -> Result<Self, InvalidName> {
        Self::new(registry.clone(), &format!("{path}/**"))
    }

    fn new(registry: Registry, path: &str) -> Result<Self, InvalidName> {
        let segment_ok = |segment: &str| {
            !segment.is_empty()
                && segment.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-*:".contains(c))
        };
        if path.split('/').all(segment_ok) {
            Ok(Self { registry, path: path.to_owned() })
        } else {
            Err(InvalidName("a pattern is `registry/path` in lower case, with `*` and `**` as wildcards"))
        }
    }

    /// Returns the same pattern for another registry.
    pub(super) fn on(&self, host: &Registry) -> Self {
        Self { registry: host.clone(), path: self.path.clone() }
    }

    /// Returns the pattern without its registry.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Tells whether the pattern covers `image`.
    pub fn matches(&self, image: &ImageReference) -> bool {
        let (pattern, segments): (Vec<_>, Vec<_>) =
            (self.path.split('/').collect(), image.repository().segments().collect());
        self.registry.covers(image.registry()) && segments_match(&pattern, &segments)
    }

    /// Tells whether both patterns are equally specific and some image matches both.
    pub(crate) fn ties_with(&self, other: &Self) -> bool {
        let segments = |path: &'_ Self| path.path.split('/').map(|part| part.as_bytes().to_vec()).collect::<Vec<_>>();
        let letters_meet = |first: &Vec<u8>, other: &Vec<u8>| meet(first, other, |b| *b == b'*', u8::eq);
        (self.registry.covers(&other.registry) || other.registry.covers(&self.registry))
            && self.specificity() == other.specificity()
            && meet(&segments(self), &segments(other), |part| part == b"**", letters_meet)
    }

    /// Returns the repository that the pattern covers; `None` if the pattern contains a wildcard.
    pub(crate) fn exact(&self) -> Option<ImageReference> {
        let repository = self.path.parse().ok().filter(|_| !self.path.contains('*'))?;
        Some(ImageReference::new(self.registry.clone(), repository))
    }

    pub fn specificity(&self) -> Specificity {
        let literal = self.path.split('/').take_while(|segment| !segment.contains('*'));
        Specificity {
            literal_segments: literal.count(),
            literal_characters: self.path.chars().filter(|c| *c != '*').count(),
            has_no_rest: !self.path.split('/').any(|segment| segment == "**"),
        }
    }
}

impl FromStr for ImagePattern {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (authority, path) = text.split_once('/').unwrap_or((text, "**"));
        let registry = Registry::from_authority(authority).or_else(|error| Registry::pattern(authority).or(Err(error)));
        Self::new(registry?, path)
    }
}

impl fmt::Display for ImagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.path)
    }
}

fn segments_match(pattern: &[&str], path: &[&str]) -> bool {
    let segment_matches =
        |pattern: &&str, segment: &&str| glob(pattern.as_bytes(), segment.as_bytes(), |b| *b == b'*', u8::eq);
    glob(pattern, path, |part| *part == "**", segment_matches)
}

/// Tells whether `text` matches `pattern`. A wildcard matches any number of elements. Only the last wildcard is tried
/// again after a mismatch, so the time is at most quadratic.
pub(super) fn glob<T>(
    pattern: &[T],
    text: &[T],
    is_wild: impl Fn(&T) -> bool,
    is_one: impl Fn(&T, &T) -> bool,
) -> bool {
    let (mut p, mut t, mut wild) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(part) if is_wild(part) => {
                wild = Some((p, t));
                p += 1;
            }
            Some(part) if is_one(part, &text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match wild {
                Some((at, consumed)) => {
                    wild = Some((at, consumed + 1));
                    p = at + 1;
                    t = consumed + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(is_wild)
}

/// Tells whether some text matches both patterns. The code fills a table that says which remainders of the two patterns
/// have a common match.
fn meet<T>(first: &[T], other: &[T], is_wild: impl Fn(&T) -> bool, meets: impl Fn(&T, &T) -> bool) -> bool {
    let mut below = vec![false; other.len() + 1];
    for at in (0..=first.len()).rev() {
        let mut row = vec![false; other.len() + 1];
        for to in (0..=other.len()).rev() {
            let (left, right) = (first.get(at), other.get(to));
            row[to] = match (left, right) {
                (None, None) => true,
                (Some(left), _) if is_wild(left) => below[to] || (right.is_some() && row[to + 1]),
                (_, Some(right)) if is_wild(right) => row[to + 1] || (left.is_some() && below[to]),
                (Some(left), Some(right)) => below[to + 1] && meets(left, right),
                _ => false,
            };
        }
        below = row;
    }
    below[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_segments() {
        for (pattern, image, matches) in [
            ("ghcr.io/acme/**", "ghcr.io/acme/app:1", true),
            ("ghcr.io/acme/**", "ghcr.io/acme/team/app", true),
            ("ghcr.io/acme/**", "ghcr.io/acme", true),
            ("ghcr.io/acme/**", "ghcr.io/acme2/app", false),
            ("ghcr.io/acme/**", "quay.io/acme/app", false),
            ("ghcr.io/acme/*", "ghcr.io/acme/app", true),
            ("ghcr.io/acme/*", "ghcr.io/acme/team/app", false),
            ("ghcr.io/acme/app", "ghcr.io/acme/app@sha256:0123456789abcdef0123456789abcdef", true),
            ("ghcr.io/team-*/app-*-x", "ghcr.io/team-a/app-1-2-x", true),
            ("ghcr.io/**/base", "ghcr.io/a/b/base", true),
            ("ghcr.io/**/base", "ghcr.io/base", true),
            ("ghcr.io/**/base", "ghcr.io/a/bases", false),
            ("ghcr.io", "ghcr.io/anything/at/all", true),
            ("docker.io/library/*", "alpine:3", true),
            ("localhost:5000/bob/**", "localhost:5001/bob/app", false),
        ] {
            let parsed: ImagePattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(&image.parse().unwrap()), matches, "{pattern} {image}");
        }
    }

    #[test]
    fn many_wildcards_take_no_time() {
        let path = |parts: &[&str], times: usize, end: &str| format!("ghcr.io/{}{end}", parts.concat().repeat(times));
        let pattern: ImagePattern = path(&["**/", "a/"], 20, "b").parse().unwrap();
        assert!(!pattern.matches(&path(&["a/"], 120, "c").parse().unwrap()));
        assert!(pattern.matches(&path(&["a/"], 120, "b").parse().unwrap()));
    }

    #[test]
    fn the_closer_description_is_the_greater() {
        let order = [
            "ghcr.io/**",
            "ghcr.io/*",
            "ghcr.io/acme/**",
            "ghcr.io/acme/*",
            "ghcr.io/acme/team-*",
            "ghcr.io/acme/team/**",
            "ghcr.io/acme/team/app",
        ];
        let ranks: Vec<_> = order.iter().map(|text| text.parse::<ImagePattern>().unwrap().specificity()).collect();
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
    }

    #[test]
    fn two_patterns_tie_if_an_image_is_in_both_and_neither_is_closer() {
        for (part, other, ties) in [
            ("g.io/acme/**", "g.io/acme/**", true),
            ("g.io/acme/**", "g.io/acme/app", false),
            ("g.io/acme/**", "g.io/acm2/**", false),
            ("g.io/acme/a-*", "g.io/acme/*-b", true),
            ("g.io/acme/a*c", "g.io/acme/b*c", false),
            ("g.io/acme/a*b", "g.io/acme/*ac", false),
            ("g.io/*/app", "g.io/**/app", false),
            ("g.io/**/app", "g.io/app/**", false),
            ("g.io/a*/x", "g.io/*b/x", true),
            ("g.io/**/a/**", "g.io/**/b/**", true),
            ("g.io/acme/**", "q.io/acme/**", false),
            ("g.io/ab/x*", "g.io/cd/x*", false),
            ("*.azurecr.io/acme/**", "shop.azurecr.io/acme/**", true),
        ] {
            let [pattern, other] = [part, other].map(|text| text.parse::<ImagePattern>().unwrap());
            assert_eq!((pattern.ties_with(&other), other.ties_with(&pattern)), (ties, ties), "{pattern} {other}");
        }
    }

    #[test]
    fn a_pattern_without_wildcards_is_one_repository() {
        for (text, path, exact) in [
            ("ghcr.io/acme/app", "acme/app", Some("ghcr.io/acme/app")),
            ("ghcr.io/acme/*", "acme/*", None),
            ("ghcr.io", "**", None),
        ] {
            let pattern: ImagePattern = text.parse().unwrap();
            assert_eq!(pattern.path(), path);
            assert_eq!(pattern.exact().map(|image| image.to_string()).as_deref(), exact);
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "not a host/x", "ghcr.io/", "ghcr.io/Acme/*", "ghcr.io/acme//x", "ghcr.io/a b"] {
            assert!(text.parse::<ImagePattern>().is_err(), "{text}");
        }
    }
}
