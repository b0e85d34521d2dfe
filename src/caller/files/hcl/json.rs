//! Parses bake files in JSON. Blocks are objects or lists of objects, and texts are templates.
//!
//! JSON is converted to the syntax tree of HCL, so that one evaluator serves both forms. Source: hashicorp/hcl
//! `json/spec.md`.

use std::rc::Rc;
use std::sync::Arc;
use std::{fmt, iter};

use hcl_edit::expr::{Array, Expression, Object, ObjectKey, ObjectValue};
use hcl_edit::template::Template;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::value::{EvalError, EvalResult, HclValue};
use super::{HclBlock, HclDocument};

/// The largest number of keys in an object. More keys would take too long, because hcl-edit compares each key with all
/// others.
const KEYS_AT_MOST: usize = 1000;
const BLOCK_KINDS: [&str; 4] = ["variable", "function", "group", "target"];
/// The key whose value is a comment.
const COMMENT: &str = "//";

/// Parses a document. Returns `None` if the document is broken.
pub(super) fn document(text: &str) -> Option<HclDocument> {
    let json: JsonNode = serde_json::from_str(text).ok()?;
    let mut parsed = HclDocument::default();
    for (name, value) in properties(json)? {
        if !BLOCK_KINDS.contains(&name.as_str()) {
            parsed.attributes.push((name, Arc::new(expression(value)?)));
            continue;
        }
        for (label, bodies) in properties(value)? {
            let bodies = match bodies {
                JsonNode::List(bodies) => bodies,
                body => vec![body],
            };
            for body in bodies {
                let attribute = |(name, value)| Some((name, Arc::new(expression(value)?)));
                let attributes = properties(body)?.into_iter().map(attribute).collect::<Option<_>>()?;
                parsed.blocks.push(HclBlock { kind: name.clone(), label: label.clone(), attributes });
            }
        }
    }
    Some(parsed)
}

/// Parses JSON as a value, without evaluating templates. Returns `None` if the text is broken.
pub(super) fn value(text: &str) -> Option<HclValue> {
    serde_json::from_str(text).ok().map(plain)
}

/// Encodes a value as JSON in the same way as Go does.
pub(super) fn encode(value: &HclValue) -> EvalResult<String> {
    let text = |text: &str| {
        let is_plain = !text.contains(['<', '>', '&', '\u{7f}', '\u{2028}', '\u{2029}', '\u{8}', '\u{c}']);
        serde_json::to_string(text).ok().filter(|_| is_plain).ok_or(EvalError::NotKnown)
    };
    if !value.is_known() {
        return Err(EvalError::NotKnown);
    }
    match value {
        HclValue::Null | HclValue::Unknown => Ok("null".to_owned()),
        HclValue::Bool(_) | HclValue::Number(_) => Ok(value.as_text()?.to_string()),
        HclValue::Text(known) => text(known),
        HclValue::List(_) => {
            let items = value.as_list()?.iter().map(encode).collect::<EvalResult<Vec<_>>>()?;
            Ok(format!("[{}]", items.join(",")))
        }
        HclValue::Map(_) => {
            let entries = value.as_map()?.iter().map(|(name, value)| Ok(format!("{}:{}", text(name)?, encode(value)?)));
            Ok(format!("{{{}}}", entries.collect::<EvalResult<Vec<_>>>()?.join(",")))
        }
    }
}

fn plain(json: JsonNode) -> HclValue {
    match json {
        JsonNode::Null => HclValue::Null,
        JsonNode::Bool(value) => HclValue::Bool(value),
        JsonNode::Number(number) => HclValue::decimal(number),
        JsonNode::Text(text) => HclValue::text(text),
        JsonNode::List(items) => HclValue::list(items.into_iter().map(plain).collect()),
        JsonNode::Map(properties) => {
            HclValue::map(properties.into_iter().map(|(name, value)| (Rc::from(name), plain(value))).collect())
        }
    }
}

/// Returns the members of an object, or of all objects in a list.
fn properties(json: JsonNode) -> Option<Vec<(String, JsonNode)>> {
    let all = match json {
        JsonNode::Map(properties) => properties,
        JsonNode::List(parts) => parts.into_iter().map(properties).collect::<Option<Vec<_>>>()?.concat(),
        _ => return None,
    };
    Some(all.into_iter().filter(|(name, _)| name != COMMENT).collect())
}

fn expression(json: JsonNode) -> Option<Expression> {
    Some(match json {
        JsonNode::Null => Expression::null(),
        JsonNode::Bool(value) => Expression::from(value),
        JsonNode::Number(number) => Expression::from(hcl_edit::Number::from_f64(number)?),
        JsonNode::Text(text) => template(&text)?,
        JsonNode::List(items) => {
            Expression::from(items.into_iter().map(expression).collect::<Option<Vec<_>>>().map(Array::from)?)
        }
        JsonNode::Map(properties) => {
            (properties.len() <= KEYS_AT_MOST).then_some(())?;
            let mut object = Object::new();
            for (key, value) in properties {
                object.insert(ObjectKey::from(template(&key)?), ObjectValue::new(expression(value)?));
            }
            Expression::from(object)
        }
    })
}

fn template(text: &str) -> Option<Expression> {
    if !text.contains("${") && !text.contains("%{") {
        return Some(Expression::from(text));
    }
    Some(Expression::StringTemplate(text.parse::<Template>().ok()?.into()))
}

/// JSON in which a key may occur twice.
#[derive(Clone)]
enum JsonNode {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl<'de> Deserialize<'de> for JsonNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

#[expect(
    clippy::cast_precision_loss,
    reason = "a number that f64 cannot represent exactly is later treated as unknown"
)]
impl<'de> Visitor<'de> for JsonVisitor {
    type Value = JsonNode;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<JsonNode, E> {
        Ok(JsonNode::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<JsonNode, E> {
        Ok(JsonNode::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<JsonNode, E> {
        Ok(JsonNode::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<JsonNode, E> {
        Ok(JsonNode::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<JsonNode, E> {
        Ok(JsonNode::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<JsonNode, E> {
        Ok(JsonNode::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<JsonNode, A::Error> {
        iter::from_fn(|| items.next_element().transpose()).collect::<Result<_, _>>().map(JsonNode::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut properties: A) -> Result<JsonNode, A::Error> {
        iter::from_fn(|| properties.next_entry().transpose()).collect::<Result<_, _>>().map(JsonNode::Map)
    }
}
