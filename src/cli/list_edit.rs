//! `ListEdit`: changes a list of an account. Typed values replace the list. Values that begin with a `+` are added to
//! the list.

use super::failure::Failure;
use super::unique;

/// The values that the user typed for a list in one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListEdit<T> {
    pub(super) values: Vec<T>,
    pub(super) replaces: bool,
}

impl<T: Clone + PartialEq> ListEdit<T> {
    pub(super) fn read(texts: &[String], value: impl Fn(&str) -> Result<T, Failure>) -> Result<Self, Failure> {
        let values = texts.iter().map(|text| value(text.strip_prefix('+').unwrap_or(text)));
        let values = values.collect::<Result<_, _>>()?;
        Ok(Self { values, replaces: texts.iter().any(|text| !text.starts_with('+')) })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// If `clears` is set, returns an edit that removes all values. If `clears` is not set, returns this edit, or
    /// `None` if this edit changes nothing.
    pub(super) fn or_cleared(self, clears: bool) -> Option<Self> {
        if clears {
            return Some(Self { values: vec![], replaces: true });
        }
        Some(self).filter(|edit| !edit.is_empty())
    }

    /// Returns the changed list, which contains each value only once.
    pub(super) fn applied_to(&self, before: Vec<T>) -> Vec<T> {
        let kept = if self.replaces { vec![] } else { before };
        unique(kept.into_iter().chain(self.values.iter().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_replaces_and_one_behind_a_plus_is_added() {
        for (texts, replaces, after) in [
            (&["a"][..], true, &["a"][..]),
            (&["+a", "+me", "+a"], false, &["me", "a"]),
            (&["+a", "b"], true, &["a", "b"]),
            (&[], false, &["me"]),
        ] {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            let edit = ListEdit::read(&texts, |text| Ok(text.to_owned())).unwrap();
            assert_eq!(
                (edit.replaces, edit.applied_to(vec!["me".to_owned()])),
                (replaces, after.iter().map(|text| (*text).to_owned()).collect())
            );
        }
    }
}
