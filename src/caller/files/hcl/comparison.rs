//! Compares two values, and finds their common type or their common parts.
//!
//! Source for the common type: zclconf/go-cty `cty/convert/unify.go`.

use super::value::{EvalError, EvalResult, HclValue, TEXT};
use crate::caller::files::image_side::UNKNOWN;

impl HclValue {
    /// Evaluates `==`. Values of different types are never equal. Two lists with equal items may differ in type, so the
    /// result is unknown. For example, `["a"]` is a tuple, and `split` returns a list. Two empty maps are treated as
    /// equal, because people compare with `{}`.
    pub(super) fn equals(&self, other: &Self) -> EvalResult<bool> {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Err(EvalError::NotKnown),
            (Self::Text(a), Self::Text(b)) if a.contains(UNKNOWN) || b.contains(UNKNOWN) => {
                if may_be_equal(a, b) {
                    Err(EvalError::NotKnown)
                } else {
                    Ok(false)
                }
            }
            (Self::Map(_), Self::Map(_)) if self.as_map()?.is_empty() && other.as_map()?.is_empty() => Ok(true),
            (Self::List(_), Self::List(_)) | (Self::Map(_), Self::Map(_)) => {
                let is_different = self.is_known() && other.is_known() && self != other;
                if is_different { Ok(false) } else { Err(EvalError::NotKnown) }
            }
            _ => Ok(self == other),
        }
    }

    /// Returns a value that is either `self` or `other`. The parts in which the two values differ are unknown.
    pub(super) fn either(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) if a != b => {
                let common = a.char_indices().zip(b.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
                Self::text(format!("{}{UNKNOWN}", &a[..common.unwrap_or(a.len().min(b.len()))]))
            }
            _ if self == other => self.clone(),
            _ => match (self.as_list(), other.as_list()) {
                (Ok(a), Ok(b)) if a.len() == b.len() => Self::list(a.iter().zip(b).map(|(a, b)| a.either(b)).collect()),
                _ => Self::Unknown,
            },
        }
    }

    /// Converts this value to the common type of this value and `other`. A number or boolean becomes a text if `other`
    /// is a text. A list or map that would have to change is unknown.
    pub(super) fn as_type_with(&self, other: &Self) -> EvalResult {
        let kinds = self.kinds() | other.kinds();
        let (is_alike, is_only_text) = (kinds.count_ones() <= 1, self.kinds() & !TEXT == 0);
        match (self, other) {
            (Self::Null, _) | (_, Self::Null) => Ok(self.clone()),
            (Self::List(_), Self::List(_)) | (Self::Map(_), Self::Map(_)) => {
                if is_alike || is_only_text {
                    Ok(self.clone())
                } else {
                    Err(EvalError::NotKnown)
                }
            }
            (Self::Unknown, _) => Err(EvalError::NotKnown),
            (_, Self::Unknown) if is_only_text => Ok(self.clone()),
            (_, Self::Unknown) => Err(EvalError::NotKnown),
            (Self::List(_) | Self::Map(_), _) | (_, Self::List(_) | Self::Map(_)) => Err(EvalError::Refused),
            _ if is_alike => Ok(self.clone()),
            _ if kinds & TEXT != 0 => self.as_text().map(Self::Text),
            _ => Err(EvalError::Refused), // a number and a boolean
        }
    }
}

/// Tells whether two partly unknown texts may be equal. The texts differ if they differ before or after the unknown
/// parts.
fn may_be_equal(a: &str, b: &str) -> bool {
    let ends = |text: &'_ str| match (text.split_once(UNKNOWN), text.rsplit_once(UNKNOWN)) {
        (Some((start, _)), Some((_, end))) => (start.to_owned(), end.to_owned()),
        _ => (text.to_owned(), text.to_owned()),
    };
    let ((a_start, a_end), (b_start, b_end)) = (ends(a), ends(b));
    (a_start.starts_with(&b_start) || b_start.starts_with(&a_start))
        && (a_end.ends_with(&b_end) || b_end.ends_with(&a_end))
}
