//! The JSON form of bake's language: blocks are objects or lists of objects, and texts are templates.
//!
//! hashicorp/hcl `json/spec.md`. What is read becomes the syntax tree of HCL, so that one evaluator serves both.

use std::fmt;
use std::rc::Rc;

use hcl_edit::expr::{Array, Expression, Object, ObjectKey, ObjectValue};
use hcl_edit::template::Template;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::value::{Outcome, Stop, Value};
use super::{Block, Document};

/// As in HCL: keys of one object are compared with each other.
const KEYS_AT_MOST: usize = 1000;
const BLOCK_KINDS: [&str; 4] = ["variable", "function", "group", "target"];
/// Names a comment.
const COMMENT: &str = "//";

/// A document with its parts not shared yet, so that it can leave the thread that reads it.
#[derive(Default)]
pub(super) struct Parsed {
    attributes: Attributes,
    /// Each with its kind and its label.
    blocks: Vec<(String, String, Attributes)>,
}

type Attributes = Vec<(String, Expression)>;

/// Returns the document; `None` if it is broken.
pub(super) fn document(text: &str) -> Option<Parsed> {
    let json: Json = serde_json::from_str(text).ok()?;
    let mut parsed = Parsed::default();
    for (name, value) in properties(json)? {
        if !BLOCK_KINDS.contains(&name.as_str()) {
            parsed.attributes.push((name, expression(value)?));
            continue;
        }
        for (label, bodies) in properties(value)? {
            let bodies = match bodies {
                Json::List(bodies) => bodies,
                body => vec![body],
            };
            for body in bodies {
                let attributes = properties(body)?.into_iter().map(|(name, value)| Some((name, expression(value)?)));
                parsed.blocks.push((name.clone(), label.clone(), attributes.collect::<Option<_>>()?));
            }
        }
    }
    Some(parsed)
}

impl Parsed {
    pub(super) fn into_document(self) -> Document {
        let shared = |attributes: Attributes| {
            attributes.into_iter().map(|(name, value)| (name, Rc::new(value))).collect::<Vec<_>>()
        };
        let block = |(kind, label, attributes)| Block { kind, label, attributes: shared(attributes) };
        Document { attributes: shared(self.attributes), blocks: self.blocks.into_iter().map(block).collect() }
    }
}

/// The value of a JSON text, in which nothing is a template; `None` if it is broken.
pub(super) fn value(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().map(plain)
}

/// Writes a value as Go does.
pub(super) fn encode(value: &Value) -> Outcome<String> {
    let text = |text: &str| {
        let is_plain = !text.contains(['<', '>', '&', '\u{7f}', '\u{2028}', '\u{2029}', '\u{8}', '\u{c}']);
        serde_json::to_string(text).ok().filter(|_| is_plain).ok_or(Stop::NotKnown)
    };
    if !value.is_known() {
        return Err(Stop::NotKnown);
    }
    match value {
        Value::Null | Value::Unknown => Ok("null".to_owned()),
        Value::Bool(_) | Value::Number(_) => Ok(value.as_text()?.to_string()),
        Value::Text(known) => text(known),
        Value::List(_) => {
            let items = value.as_list()?.iter().map(encode).collect::<Outcome<Vec<_>>>()?;
            Ok(format!("[{}]", items.join(",")))
        }
        Value::Map(_) => {
            let entries = value.as_map()?.iter().map(|(name, value)| Ok(format!("{}:{}", text(name)?, encode(value)?)));
            Ok(format!("{{{}}}", entries.collect::<Outcome<Vec<_>>>()?.join(",")))
        }
    }
}

fn plain(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => Value::decimal(number),
        Json::Text(text) => Value::text(text),
        Json::List(items) => Value::list(items.into_iter().map(plain).collect()),
        Json::Map(properties) => {
            Value::map(properties.into_iter().map(|(name, value)| (Rc::from(name), plain(value))).collect())
        }
    }
}

/// Those of an object, or of a list of objects that are one.
fn properties(json: Json) -> Option<Vec<(String, Json)>> {
    let all = match json {
        Json::Map(properties) => properties,
        Json::List(parts) => parts.into_iter().map(properties).collect::<Option<Vec<_>>>()?.concat(),
        _ => return None,
    };
    Some(all.into_iter().filter(|(name, _)| name != COMMENT).collect())
}

fn expression(json: Json) -> Option<Expression> {
    Some(match json {
        Json::Null => Expression::null(),
        Json::Bool(value) => Expression::from(value),
        Json::Number(number) => Expression::from(hcl_edit::Number::from_f64(number)?),
        Json::Text(text) => template(&text)?,
        Json::List(items) => {
            Expression::from(items.into_iter().map(expression).collect::<Option<Vec<_>>>().map(Array::from)?)
        }
        Json::Map(properties) => {
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

/// A document in which a name may stand twice.
#[derive(Clone)]
enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "what is not exact is not known later on")]
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "what is not exact is not known later on")]
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Json::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut properties: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(property) = properties.next_entry()? {
            all.push(property);
        }
        Ok(Json::Map(all))
    }
}
