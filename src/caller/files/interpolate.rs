//! What stands for a part of a text that was not worked out.

/// No image holds it.
pub(super) const UNKNOWN: char = '\u{fffd}';
