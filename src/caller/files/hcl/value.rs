//! `HclValue`: the value of an expression in a bake file. A value may be unknown, and so may a part of a text or list.
//!
//! Values share their parts in memory, because a few lines of a bake file can repeat one value so often that its copies
//! would need gigabytes.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::caller::files::image_side::UNKNOWN;

/// The largest length of a text in bytes. A text beyond this limit is unknown. Only inline Dockerfiles come near this
/// limit.
pub(super) const LENGTH_AT_MOST: usize = 1 << 16;
/// The largest depth of a value. A deeper value is unknown. The limit protects the stack of the functions that walk
/// through a value recursively.
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
    List(Rc<HclParts<Vec<Self>>>),
    /// An object or map, sorted by key.
    Map(Rc<HclParts<BTreeMap<Rc<str>, Self>>>),
}

/// The parts of a list or map.
#[derive(Debug, PartialEq)]
pub(in crate::caller::files) struct HclParts<T> {
    parts: T,
    whole: ValueSummary,
}

/// A summary of a value and all its parts, so that the parts need not be visited again.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ValueSummary {
    depth: u8,
    weight: u64,
    is_known: bool,
    /// The kinds of simple values, such as [`TEXT`].
    kinds: u8,
}

pub(super) const TEXT: u8 = 1;
const NUMBER: u8 = 2;
const BOOL: u8 = 4;

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
            Some(whole) => Self::List(Rc::new(HclParts { parts: items, whole })),
            None => Self::Unknown,
        }
    }

    pub(super) fn map(entries: BTreeMap<Rc<str>, Self>) -> Self {
        match ValueSummary::from_parts(entries.values()) {
            Some(whole) => Self::Map(Rc::new(HclParts { parts: entries, whole })),
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

    /// Returns a count, or a whole number that a function computes.
    #[expect(clippy::cast_precision_loss, reason = "a number that f64 cannot represent exactly is unknown")]
    pub(super) fn integer(number: impl TryInto<i64>) -> Self {
        number.try_into().map_or(Self::Unknown, |number| Self::number(number as f64))
    }

    pub(super) fn texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::list(texts.into_iter().map(Self::text).collect())
    }

    fn whole(&self) -> ValueSummary {
        let leaf = |kinds, is_known| ValueSummary { depth: 0, weight: 1, is_known, kinds };
        match self {
            Self::Unknown => leaf(0, false),
            Self::Null => leaf(0, true),
            Self::Bool(_) => leaf(BOOL, true),
            Self::Number(_) => leaf(NUMBER, true),
            Self::Text(text) => ValueSummary { weight: text.len() as u64 + 1, ..leaf(TEXT, !text.contains(UNKNOWN)) },
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

    /// Returns the kinds of simple values within the value, as a set of bits.
    pub(super) fn kinds(&self) -> u8 {
        self.whole().kinds
    }

    /// Returns the reason why this value is not of an expected kind.
    pub(super) fn mismatch(&self) -> EvalError {
        if *self == Self::Unknown { EvalError::NotKnown } else { EvalError::Refused }
    }

    /// Returns the text of the value. The text may have unknown parts.
    pub(in crate::caller::files) fn as_text(&self) -> EvalResult<Rc<str>> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Bool(true) => Ok("true".into()),
            Self::Bool(false) => Ok("false".into()),
            Self::Number(number) => Ok(number.to_string().into()),
            Self::Unknown | Self::Null | Self::List(_) | Self::Map(_) => Err(self.mismatch()),
        }
    }

    /// Returns the text of the value, or [`UNKNOWN`] for an unknown value.
    pub(super) fn as_marked_text(&self) -> EvalResult<Rc<str>> {
        match self {
            Self::Unknown => Ok(UNKNOWN.to_string().into()),
            known => known.as_text(),
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
            other => Err(other.mismatch()),
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
            other => Err(other.mismatch()),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "numbers of 9e15 or more are unknown")]
    pub(super) fn as_integer(&self) -> EvalResult<i64> {
        let number = self.as_number()?;
        if number.fract() == 0.0 { Ok(number as i64) } else { Err(EvalError::Refused) }
    }

    pub(in crate::caller::files) fn as_list(&self) -> EvalResult<&[Self]> {
        match self {
            Self::List(list) => Ok(&list.parts),
            other => Err(other.mismatch()),
        }
    }

    pub(in crate::caller::files) fn as_map(&self) -> EvalResult<&BTreeMap<Rc<str>, Self>> {
        match self {
            Self::Map(map) => Ok(&map.parts),
            other => Err(other.mismatch()),
        }
    }
}

impl ValueSummary {
    /// Summarises a value from its parts. Returns `None` if the value is too large.
    fn from_parts<'v>(parts: impl Iterator<Item = &'v HclValue>) -> Option<Self> {
        let mut whole = Self { depth: 1, weight: 1, is_known: true, kinds: 0 };
        for part in parts.map(HclValue::whole) {
            whole.depth = whole.depth.max(part.depth + 1);
            whole.weight += part.weight;
            whole.is_known &= part.is_known;
            whole.kinds |= part.kinds;
        }
        (whole.depth <= DEPTH_AT_MOST && whole.weight <= WEIGHT_AT_MOST).then_some(whole)
    }
}
