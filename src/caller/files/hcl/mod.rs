//! Evaluates the language of bake files on demand and within a budget. The crate `hcl-edit` parses this language.
//!
//! Ensign has its own evaluator, because no evaluator in Rust supports unknown values, functions defined in files, or a
//! limit on its work. Sources: hashicorp/hcl `hclsyntax/spec.md`, `json/spec.md`; docker/buildx `bake/hclparser/`.

mod collections;
mod comparison;
mod eval_context;
mod evaluation;
mod functions;
mod json;
mod operators;
mod template;
#[cfg(test)]
mod tests;
mod types;
mod value;

use std::sync::Arc;

use hcl_edit::structure::{Body, Structure};

use super::budget::Budget;
use crate::system::threads;
pub(super) use eval_context::{EvalContext, Locals, TargetBlock};
pub(super) use value::HclValue;

/// The largest accepted number of assignments in a file. More assignments would take too long, because hcl-edit compares each
/// key of an object with all others. A real bake file has a few hundred assignments.
const ASSIGNMENTS_AT_MOST: usize = 6000;
/// The parser refuses more than 64 levels of nesting, and needs 10 KB of stack for each level.
const PARSER_STACK: usize = 8 << 20;
/// The number of steps that parsing one byte costs.
const STEPS_A_BYTE: u64 = 32;

/// The unevaluated value of an attribute.
pub(super) type Expression = hcl_edit::expr::Expression;

/// A parsed file. Its expressions are in `Arc`, because a separate thread parses the file.
#[derive(Debug, Default)]
pub(super) struct HclDocument {
    /// The attributes outside all blocks.
    pub(super) attributes: Vec<(String, Arc<Expression>)>,
    pub(super) blocks: Vec<HclBlock>,
}

/// A block of the form `KIND "LABEL" { NAME = EXPRESSION … }`.
#[derive(Clone, Debug)]
pub(super) struct HclBlock {
    pub(super) kind: String,
    pub(super) label: String,
    pub(super) attributes: Vec<(String, Arc<Expression>)>,
}

impl HclBlock {
    /// Returns the unevaluated value of an attribute.
    pub(super) fn get(&self, name: &str) -> Option<&Expression> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }
}

/// Parses HCL. Returns `None` if the text is broken or too large.
pub(super) fn parse(text: &str, budget: &Budget) -> Option<HclDocument> {
    may_be_read(text, budget).then_some(())?;
    let body = threads::with_stack(PARSER_STACK, || hcl_edit::parser::parse_body(text).ok()).ok()??;
    Some(document(body))
}

/// Tells whether the text is small enough for the parser.
fn may_be_read(text: &str, budget: &Budget) -> bool {
    let assignments = text.bytes().filter(|byte| matches!(byte, b'=' | b':')).count();
    assignments <= ASSIGNMENTS_AT_MOST && budget.spend(text.len() as u64 * STEPS_A_BYTE)
}

/// Parses the JSON form of HCL. Returns `None` if the text is broken or too large.
pub(super) fn parse_json(text: &str, budget: &Budget) -> Option<HclDocument> {
    budget.spend(text.len() as u64 * STEPS_A_BYTE).then_some(())?;
    threads::with_stack(PARSER_STACK, || json::document(text)).ok()?
}

fn document(body: Body) -> HclDocument {
    let mut document = HclDocument::default();
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                document.attributes.push((attribute.key.to_string(), Arc::new(attribute.value)));
            }
            Structure::Block(block) => {
                let [label] = block.labels.as_slice() else { continue }; // bake's blocks have one label
                let (kind, label) = (block.ident.to_string(), label.as_str().to_owned());
                let attributes = block.body.into_attributes();
                let attributes = attributes.map(|attribute| (attribute.key.to_string(), Arc::new(attribute.value)));
                document.blocks.push(HclBlock { kind, label, attributes: attributes.collect() });
            }
        }
    }
    document
}
