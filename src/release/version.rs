//! `Version`: the version of a release, in the order of Semantic Versioning 2.0.0.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// `1.2.3` or `1.2.3-rc.1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    numbers: [u64; 3],
    /// The pre-release part, which is empty for a final release.
    pre: Vec<String>,
}

/// The longest accepted version, in bytes.
const LONGEST: usize = 40;

impl Version {
    /// Returns the version of this program.
    pub(crate) fn ours() -> Self {
        env!("CARGO_PKG_VERSION").parse().expect("cargo has checked the version")
    }

    pub(super) fn is_pre_release(&self) -> bool {
        !self.pre.is_empty()
    }

    /// Returns the parts that are compared, in their order. A final release comes after its pre-releases. In a
    /// pre-release part, numbers (`Ok`) come before words (`Err`).
    fn precedence(&self) -> ([u64; 3], bool, Vec<Result<u64, &str>>) {
        let pre = self.pre.iter().map(|word| word.parse().map_err(|_| word.as_str())).collect();
        (self.numbers, !self.is_pre_release(), pre)
    }
}

impl FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
        let number = |text: &str| {
            let is_number = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
            text.parse().ok().filter(|_| is_number)
        };
        let numbers: Option<Vec<u64>> = core.split('.').map(number).collect();
        let numbers: [u64; 3] = numbers.ok_or(())?.try_into().map_err(|_| ())?;
        let pre: Vec<String> = pre.into_iter().flat_map(|pre| pre.split('.')).map(str::to_owned).collect();
        let is_word = |word: &String| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (text.len() <= LONGEST && pre.iter().all(is_word)).then_some(Self { numbers, pre }).ok_or(())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if self.pre.is_empty() { Ok(()) } else { write!(f, "-{}", self.pre.join(".")) }
    }
}

impl Ord for Version {
    fn cmp(&self, right: &Self) -> Ordering {
        self.precedence().cmp(&right.precedence())
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, right: &Self) -> Option<Ordering> {
        Some(self.cmp(right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_the_order_of_semver() {
        let rising = [
            "0.1.0",
            "0.1.1-alpha",
            "0.1.1-alpha.1",
            "0.1.1-alpha.beta",
            "0.1.1-beta",
            "0.1.1-beta.2",
            "0.1.1-beta.11",
            "0.1.1-rc.1",
            "0.1.1",
            "0.1.2",
            "0.2.0",
            "0.10.0",
            "1.0.0",
            "10.0.0",
        ];
        for (place, left) in rising.iter().enumerate() {
            for (other_place, right) in rising.iter().enumerate() {
                let [left, right]: [Version; 2] = [left, right].map(|text| text.parse().unwrap());
                assert_eq!(left.cmp(&right), place.cmp(&other_place), "{left} {right}");
            }
            assert_eq!(left.parse::<Version>().unwrap().to_string(), *left);
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        let long = format!("1.0.0-{}", "a".repeat(40));
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "v1.2.3",
            "1.2.03",
            "1.2.+3",
            "1.2.3-",
            "1.2.3-a..b",
            "1.2.3-a b",
            "1.2.3/../x",
            &long,
        ] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
