//! Functions that encode or decode a value.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Function;
use crate::caller::files::hcl::json;
use crate::caller::files::hcl::value::{EvalError, HclValue};

/// The characters that Go's `url.QueryEscape` escapes.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(super) fn find(name: &str) -> Option<Function> {
    Some(match name {
        "base64encode" => |a| Ok(HclValue::text(BASE64_STANDARD.encode(&*a.text(0)?))),
        "base64decode" => |a| {
            let bytes = BASE64_STANDARD.decode(&*a.text(0)?).map_err(|_| EvalError::NotKnown)?; // Go accepts more texts
            String::from_utf8(bytes).map(HclValue::text).map_err(|_| EvalError::Refused)
        },
        "urlencode" => {
            |a| Ok(HclValue::text(utf8_percent_encode(&a.text(0)?, ESCAPED).to_string().replace("%20", "+")))
        }
        "jsondecode" => |a| json::value(&a.text(0)?).ok_or(EvalError::Refused),
        "jsonencode" => |a| json::encode(a.get(0)?).map(HclValue::text),
        _ => return None,
    })
}
