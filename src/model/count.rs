//! `count`: a number with its noun, in the singular or the plural.

use std::fmt::Display;

/// Returns `1 account`, `2 accounts` or `2 registries`.
pub(crate) fn count<N: Copy + Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    match noun.strip_suffix('y') {
        _ if number == 1.into() => format!("{number} {noun}"),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{number} {stem}ies"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_is_plural_unless_there_is_one() {
        for (number, noun, expected) in [
            (0_u64, "account", "0 accounts"),
            (1, "registry", "1 registry"),
            (2, "registry", "2 registries"),
            (3, "day", "3 days"),
        ] {
            assert_eq!(count(number, noun), expected);
        }
    }
}
