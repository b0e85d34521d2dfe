//! Finds the common type of several values, such as text for a number and a text.
//!
//! A list is unknown if its items would have to change their type. Source: zclconf/go-cty `cty/convert/unify.go`.

use super::value::{EvalError, EvalResult, HclValue};

/// The kinds of simple values that a value contains.
#[derive(Clone, Copy, Debug, Default)]
struct SimpleKinds {
    has_text: bool,
    has_number: bool,
    has_bool: bool,
}

impl HclValue {
    /// Converts this value to the common type of this value and `other`. A number or boolean becomes a text if `other`
    /// is a text. A list or map that would have to change is unknown.
    pub(super) fn as_type_with(&self, other: &Self) -> EvalResult {
        let (mut own, mut all) = (SimpleKinds::default(), SimpleKinds::default());
        self.add_kinds(&mut own);
        self.add_kinds(&mut all);
        other.add_kinds(&mut all);
        match (self, other) {
            (Self::Null, _) | (_, Self::Null) => Ok(self.clone()),
            (Self::List(_), Self::List(_)) | (Self::Map(_), Self::Map(_)) => {
                let is_unchanged = all.count() <= 1 || own.is_only_text();
                if is_unchanged { Ok(self.clone()) } else { Err(EvalError::NotKnown) }
            }
            (Self::Unknown, _) => Err(EvalError::NotKnown),
            (_, Self::Unknown) if own.is_only_text() => Ok(self.clone()),
            (_, Self::Unknown) => Err(EvalError::NotKnown),
            (Self::List(_) | Self::Map(_), _) | (_, Self::List(_) | Self::Map(_)) => Err(EvalError::Refused),
            _ if all.count() <= 1 => Ok(self.clone()),
            _ if all.has_text => self.as_text().map(Self::Text),
            _ => Err(EvalError::Refused), // a number and a boolean
        }
    }

    fn add_kinds(&self, kinds: &mut SimpleKinds) {
        match self {
            Self::Unknown | Self::Null => {}
            Self::Bool(_) => kinds.has_bool = true,
            Self::Number(_) => kinds.has_number = true,
            Self::Text(_) => kinds.has_text = true,
            Self::List(_) => self.as_list().unwrap_or_default().iter().for_each(|item| item.add_kinds(kinds)),
            Self::Map(_) => {
                self.as_map().into_iter().flat_map(|map| map.values()).for_each(|value| value.add_kinds(kinds));
            }
        }
    }
}

impl SimpleKinds {
    fn count(self) -> u8 {
        u8::from(self.has_text) + u8::from(self.has_number) + u8::from(self.has_bool)
    }

    fn is_only_text(self) -> bool {
        !self.has_number && !self.has_bool
    }
}
