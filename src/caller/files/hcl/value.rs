//! `HclValue`: the value of an expression in a bake file. A value may be unknown, and so may a part of a text or list.
//!
//! Values share their parts in memory, because a few lines of a bake file can repeat one value up to gigabytes.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::caller::files::image_side::UNKNOWN;

/// The largest length of a text in bytes. A text beyond this limit is unknown. Only inline Dockerfiles come near this
/// limit.
const LENGTH_AT_MOST: usize = 1 << 16;
/// The largest depth of a value. A value beyond this depth is unknown, because the functions that walk through values
/// are recursive.
const DEPTH_AT_MOST: u8 = 24;
/// The largest number of values and characters in one value. A shared part is counted each time that it occurs.
const WEIGHT_AT_MOST: u64 = 1 << 18;

#[derive(Clone, Debug, PartialEq)]
pub(in crate::caller::files) enum HclValue {
    Unknown,
    Null,
    Bool(bool),
    Number(f64),
    /// A text in which [`UNKNOWN`] replaces each unknown part.
    Text(Rc<str>),
    List(Rc<HclList>),
    Map(Rc<HclMap>),
}

#[derive(Debug, PartialEq)]
pub(in crate::caller::files) struct HclList {
    items: Vec<HclValue>,
    whole: ValueSummary,
}

/// An object or map, sorted by key.
#[derive(Debug, PartialEq)]
pub(in crate::caller::files) struct HclMap {
    entries: BTreeMap<Rc<str>, HclValue>,
    whole: ValueSummary,
}

/// A summary of a value and all its parts, so that the parts need not be visited again.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ValueSummary {
    depth: u8,
    weight: u64,
    is_known: bool,
}

/// The reason why an expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::caller::files) enum EvalError {
    /// The expression is invalid. Outside of `try` and `can`, buildx refuses such an expression and builds nothing.
    Refused,
    /// The value is unknown.
    NotKnown,
}

pub(super) type EvalResult<T = HclValue> = Result<T, EvalError>;

impl HclValue {
    pub(in crate::caller::files) fn text(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if text.len() > LENGTH_AT_MOST { Self::Unknown } else { Self::Text(text.into()) }
    }

    pub(super) fn list(items: Vec<Self>) -> Self {
        match ValueSummary::from_parts(items.iter()) {
            Some(whole) => Self::List(Rc::new(HclList { items, whole })),
            None => Self::Unknown,
        }
    }

    pub(super) fn map(entries: BTreeMap<Rc<str>, Self>) -> Self {
        match ValueSummary::from_parts(entries.values()) {
            Some(whole) => Self::Map(Rc::new(HclMap { entries, whole })),
            None => Self::Unknown,
        }
    }

    /// Returns a result of arithmetic. If Go may print the number differently from Ensign, the result is unknown.
    pub(super) fn number(number: f64) -> Self {
        if number.fract() == 0.0 { Self::decimal(number) } else { Self::Unknown }
    }

    /// Returns a number that a file contains. If Go may print the number differently from Ensign, the result is
    /// unknown.
    pub(super) fn decimal(number: f64) -> Self {
        let is_written_alike = number.abs() < 9e15 && !(number == 0.0 && number.is_sign_negative()); // Go writes -0
        if is_written_alike { Self::Number(number) } else { Self::Unknown }
    }

    pub(super) fn texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::list(texts.into_iter().map(Self::text).collect())
    }

    fn whole(&self) -> ValueSummary {
        let leaf = |weight: usize, is_known| ValueSummary { depth: 0, weight: weight as u64 + 1, is_known };
        match self {
            Self::Unknown => leaf(0, false),
            Self::Null | Self::Bool(_) | Self::Number(_) => leaf(0, true),
            Self::Text(text) => leaf(text.len(), !text.contains(UNKNOWN)),
            Self::List(list) => list.whole,
            Self::Map(map) => map.whole,
        }
    }

    /// Tells whether all parts of the value are known.
    pub(super) fn is_known(&self) -> bool {
        self.whole().is_known
    }

    /// Returns the number of values within the value, plus the length of their texts.
    pub(super) fn weight(&self) -> u64 {
        self.whole().weight
    }

    /// Returns the text of the value. The text may have unknown parts.
    pub(in crate::caller::files) fn as_text(&self) -> EvalResult<Rc<str>> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Bool(true) => Ok("true".into()),
            Self::Bool(false) => Ok("false".into()),
            Self::Number(number) => Ok(number.to_string().into()),
            Self::Unknown => Err(EvalError::NotKnown),
            Self::Null | Self::List(_) | Self::Map(_) => Err(EvalError::Refused),
        }
    }

    /// Returns the text of the value, if all of the text is known.
    pub(super) fn as_known_text(&self) -> EvalResult<Rc<str>> {
        let text = self.as_text()?;
        if text.contains(UNKNOWN) { Err(EvalError::NotKnown) } else { Ok(text) }
    }

    pub(super) fn as_bool(&self) -> EvalResult<bool> {
        match self {
            Self::Bool(value) => Ok(*value),
            Self::Text(text) => match &**text {
                "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                text if text.contains(UNKNOWN) => Err(EvalError::NotKnown),
                _ => Err(EvalError::Refused),
            },
            Self::Unknown => Err(EvalError::NotKnown),
            _ => Err(EvalError::Refused),
        }
    }

    pub(super) fn as_number(&self) -> EvalResult<f64> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(_) => {
                let text = self.as_known_text()?;
                let is_number = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
                text.parse().ok().filter(|_| is_number).ok_or(EvalError::Refused)
            }
            Self::Unknown => Err(EvalError::NotKnown),
            _ => Err(EvalError::Refused),
        }
    }

    pub(in crate::caller::files) fn as_list(&self) -> EvalResult<&[Self]> {
        match self {
            Self::List(list) => Ok(&list.items),
            Self::Unknown => Err(EvalError::NotKnown),
            _ => Err(EvalError::Refused),
        }
    }

    pub(in crate::caller::files) fn as_map(&self) -> EvalResult<&BTreeMap<Rc<str>, Self>> {
        match self {
            Self::Map(map) => Ok(&map.entries),
            Self::Unknown => Err(EvalError::NotKnown),
            _ => Err(EvalError::Refused),
        }
    }

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
            (Self::Map(a), Self::Map(b)) if a.entries.is_empty() && b.entries.is_empty() => Ok(true),
            (Self::List(_), Self::List(_)) | (Self::Map(_), Self::Map(_)) => {
                let is_same = self.is_known() && other.is_known() && self != other;
                if is_same { Ok(false) } else { Err(EvalError::NotKnown) }
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
            (Self::List(a), Self::List(b)) if a.items.len() == b.items.len() => {
                Self::list(a.items.iter().zip(&b.items).map(|(a, b)| a.either(b)).collect())
            }
            _ if self == other => self.clone(),
            _ => Self::Unknown,
        }
    }
}

impl ValueSummary {
    /// Summarises a value from its parts. Returns `None` if the value is too large.
    fn from_parts<'v>(parts: impl Iterator<Item = &'v HclValue>) -> Option<Self> {
        let mut whole = Self { depth: 1, weight: 1, is_known: true };
        for part in parts.map(HclValue::whole) {
            whole.depth = whole.depth.max(part.depth + 1);
            whole.weight += part.weight;
            whole.is_known &= part.is_known;
        }
        (whole.depth <= DEPTH_AT_MOST && whole.weight <= WEIGHT_AT_MOST).then_some(whole)
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
