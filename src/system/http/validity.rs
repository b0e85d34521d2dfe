//! Reads the expiry of a certificate, which the TLS libraries check but do not return.

use std::time::SystemTime;

use crate::model::timestamp;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Returns the end of a certificate's validity (RFC 5280 section 4.1); `None` if the certificate cannot be read.
pub(super) fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    let (outer, _) = value(certificate, SEQUENCE)?;
    let (signed, _) = value(outer, SEQUENCE)?;
    let mut rest = signed;
    if let Some((_, after)) = value(rest, VERSION) {
        rest = after;
    }
    for _ in ["serial number", "signature", "issuer"] {
        rest = any(rest)?.2;
    }
    let (validity, _) = value(rest, SEQUENCE)?;
    let (_, _, end) = any(validity)?;
    let (tag, text, _) = any(end)?;
    moment(tag, std::str::from_utf8(text).ok()?)
}

/// Parses `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`. A two-digit year from 50 to 99 is in the twentieth century.
fn moment(tag: u8, text: &str) -> Option<SystemTime> {
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            (format!("{}{year}", if year < "50" { "20" } else { "19" }), rest)
        }
        GENERALIZED_TIME => text.split_at_checked(4).map(|(year, rest)| (year.to_owned(), rest))?,
        _ => return None,
    };
    let part = |from: usize| rest.get(from..from + 2);
    let (month, day, hour, minute, second) = (part(0)?, part(2)?, part(4)?, part(6)?, part(8)?);
    timestamp::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

/// Returns the value of the first DER element and the bytes after the element; `None` if the element has another tag.
fn value(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    any(bytes).filter(|(found, ..)| *found == tag).map(|(_, value, rest)| (value, rest))
}

/// Returns the tag and the value of the first DER element, and the bytes after the element.
fn any(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], mut rest) = bytes.split_first_chunk::<2>()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        rest = after;
    }
    let (value, rest) = rest.split_at_checked(length)?;
    Some((tag, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_tells_its_end() {
        let time = |tag: u8, text: &str| [&[tag, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let sequence = |tag: u8, value: &[u8]| {
            let length = u16::try_from(value.len()).unwrap().to_be_bytes();
            [&[tag, 0x82], &length[..], value].concat()
        };
        let certificate = |version: &[u8], end: &[u8]| {
            let validity = sequence(SEQUENCE, &[&time(UTC_TIME, "200101000000Z"), end].concat());
            let parts = [version, &[2, 1, 7], &sequence(SEQUENCE, &[]), &sequence(SEQUENCE, &[]), &validity].concat();
            sequence(SEQUENCE, &sequence(SEQUENCE, &parts))
        };
        let version = [VERSION, 3, 2, 1, 2];
        for (version, end, moment) in [
            (&version[..], time(UTC_TIME, "300102030405Z"), Some("2030-01-02T03:04:05Z")),
            (&[], time(UTC_TIME, "991231235959Z"), Some("1999-12-31T23:59:59Z")),
            (&version, time(GENERALIZED_TIME, "20510102030405Z"), Some("2051-01-02T03:04:05Z")),
            (&version, time(GENERALIZED_TIME, "2051"), None),
            (&version, time(12, "20510102030405Z"), None),
        ] {
            assert_eq!(not_after(&certificate(version, &end)), moment.and_then(timestamp::parse));
        }
        let whole = certificate(&version, &time(UTC_TIME, "300102030405Z"));
        assert!((0..whole.len()).all(|end| not_after(&whole[..end]).is_none()));
    }
}
