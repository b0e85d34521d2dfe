//! Matches names as Go's `path.Match` does, because bake uses this function for patterns of targets.

/// Tells whether `pattern` matches all of `text`. A pattern may contain `*`, `?`, `[a-z]`, `[^a]` and `\`. A malformed
/// pattern matches nothing.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut next) = (0, 0);
    let mut last_star = None;
    while next < text.len() {
        match first_part(&pattern[at..], text[next]) {
            Some(_) if pattern[at..].starts_with(&['*']) => {
                last_star = Some((at, next));
                at += 1;
            }
            Some(length) => {
                at += length;
                next += 1;
            }
            None => match &mut last_star {
                Some((star, from)) => {
                    *from += 1;
                    (at, next) = (*star + 1, *from);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// Tells whether a text contains a special character, and so is a pattern.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', ']'])
}

/// Returns the length of the pattern's first part, if that part matches `c`.
fn first_part(pattern: &[char], c: char) -> Option<usize> {
    match *pattern.first()? {
        '*' | '?' => Some(1),
        '\\' => (*pattern.get(1)? == c).then_some(2),
        '[' => class(pattern, c),
        literal => (literal == c).then_some(1),
    }
}

fn class(pattern: &[char], c: char) -> Option<usize> {
    let is_negated = pattern.get(1) == Some(&'^');
    let mut at = if is_negated { 2 } else { 1 };
    let mut is_in = false;
    let start = at;
    while pattern.get(at) != Some(&']') || at == start {
        let (low, length) = character(&pattern[at..])?;
        at += length;
        let mut high = low;
        if pattern.get(at) == Some(&'-') {
            let (end, length) = character(&pattern[at + 1..])?;
            (high, at) = (end, at + 1 + length);
        }
        is_in |= (low..=high).contains(&c);
    }
    (is_in != is_negated).then_some(at + 1)
}

fn character(pattern: &[char]) -> Option<(char, usize)> {
    match pattern.first()? {
        '\\' => Some((*pattern.get(1)?, 2)),
        '-' | ']' => None,
        c => Some((*c, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_fit_as_in_go() {
        for (pattern, text, expected) in [
            ("app", "app", true),
            ("app", "apps", false),
            ("my-*", "my-app", true),
            ("*-app", "my-app", true),
            ("m*a*p", "my-app", true),
            ("m*x*p", "my-app", false),
            ("*", "", true),
            ("", "", true),
            ("?", "a", true),
            ("?", "", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("[abc]", "c", true),
            ("[a", "a", false),
            ("[]a]", "a", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        assert!(!fits(&"*a".repeat(2000), &"b".repeat(2000)));
    }

    proptest! {
        #[test]
        fn every_text_fits_itself_and_nothing_panics(pattern in "[\\]\\[a^*?\\\\-]{0,12}", text in "[a-c^*-]{0,8}") {
            fits(&pattern, &text);
            let escaped: String = text.chars().flat_map(|c| ['\\', c]).collect();
            prop_assert!(fits(&escaped, &text));
        }
    }
}
