//! The language of bake files. hcl-edit parses it. This module evaluates it, on demand and within a budget.
//!
//! No evaluator in Rust supports unknown values, functions of the file, or a limit of its work. Sources: hashicorp/hcl
//! `hclsyntax/spec.md`, `json/spec.md`; docker/buildx `bake/hclparser/`.

mod collections;
mod eval_context;
mod evaluation;
mod functions;
mod json;
mod kinds;
mod operators;
mod template;
#[cfg(test)]
mod tests;
mod types;
mod value;

use std::rc::Rc;

use hcl_edit::structure::{Body, Structure};

use super::budget::Budget;
use crate::system::threads;
pub(super) use eval_context::{EvalContext, Locals, TargetBlock};
pub(super) use value::HclValue;

/// The most keys of an object. hcl-edit compares each key with all others, and real bake files have a few hundred.
const ASSIGNMENTS_AT_MOST: usize = 6000;
/// The parser refuses more than 64 levels of nesting, and needs 10 KB of stack for each.
const PARSER_STACK: usize = 8 << 20;
/// The steps that parsing a byte costs.
const STEPS_A_BYTE: u64 = 32;

/// The value of an attribute.
pub(super) type Expression = hcl_edit::expr::Expression;

/// A whole file.
#[derive(Debug, Default)]
pub(super) struct HclDocument {
    /// The attributes outside all blocks.
    pub(super) attributes: Vec<(String, Rc<Expression>)>,
    pub(super) blocks: Vec<HclBlock>,
}

/// `kind "label" { name = expression … }`
#[derive(Clone, Debug)]
pub(super) struct HclBlock {
    pub(super) kind: String,
    pub(super) label: String,
    pub(super) attributes: Vec<(String, Rc<Expression>)>,
}

impl HclBlock {
    /// The value of an attribute.
    pub(super) fn get(&self, name: &str) -> Option<&Rc<Expression>> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// Reads HCL; `None` if it is broken or too large.
pub(super) fn parse(text: &str, budget: &Budget) -> Option<HclDocument> {
    let assignments = text.bytes().filter(|byte| matches!(byte, b'=' | b':')).count();
    let may_be_read = assignments <= ASSIGNMENTS_AT_MOST && budget.spend(text.len() as u64 * STEPS_A_BYTE);
    may_be_read.then_some(())?;
    let body = threads::with_stack(PARSER_STACK, || hcl_edit::parser::parse_body(text).ok()).ok()??;
    Some(document(body))
}

/// Reads the JSON form of HCL; `None` if it is broken or too large.
pub(super) fn parse_json(text: &str, budget: &Budget) -> Option<HclDocument> {
    budget.spend(text.len() as u64 * STEPS_A_BYTE).then_some(())?;
    threads::with_stack(PARSER_STACK, || json::document(text)).ok()?.map(json::JsonDocument::into_document)
}

fn document(body: Body) -> HclDocument {
    let mut document = HclDocument::default();
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                document.attributes.push((attribute.key.to_string(), Rc::new(attribute.value)));
            }
            Structure::Block(block) => {
                let [label] = block.labels.as_slice() else { continue }; // bake has no other blocks
                let label = label.as_str().to_owned();
                let attributes = block.body.into_attributes();
                let attributes = attributes.map(|attribute| (attribute.key.to_string(), Rc::new(attribute.value)));
                document.blocks.push(HclBlock {
                    kind: block.ident.to_string(),
                    label,
                    attributes: attributes.collect(),
                });
            }
        }
    }
    document
}
