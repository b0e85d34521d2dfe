//! `EvalContext`: the variables, attributes, functions and blocks that an expression may use.
//!
//! Each name is evaluated on its first use. Source: docker/buildx `bake/hclparser/hclparser.go`.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::value::{EvalError, EvalResult, HclValue};
use super::{Expression, HclBlock, HclDocument, types};
use crate::caller::files::budget::Budget;

/// The largest depth of nested expressions, names and function calls.
const DEPTH_AT_MOST: usize = 160;

/// A function that returns the value of a variable from `--var` or the environment.
pub(super) type VariableLookup = Box<dyn Fn(&str) -> Option<String>>;

pub(in crate::caller::files) struct EvalContext {
    pub(super) budget: Budget,
    look_up: VariableLookup,
    /// The values that every file may use, such as `BAKE_CMD_CONTEXT`.
    built_ins: BTreeMap<String, HclValue>,
    attributes: BTreeMap<String, Arc<Expression>>,
    variables: BTreeMap<String, HclBlock>,
    pub(super) functions: BTreeMap<String, HclBlock>,
    /// The target and group blocks, once their names are known.
    members: OnceCell<Vec<TargetBlock>>,
    /// The cached values of names, with `None` while a name is being evaluated.
    known: RefCell<BTreeMap<String, Option<EvalResult>>>,
    pub(super) depth: Cell<usize>,
    /// The functions whose bodies are being evaluated.
    pub(super) calls: RefCell<Vec<String>>,
}

/// A block, or one of the targets of a block with a matrix.
#[derive(Clone, Debug)]
pub(in crate::caller::files) struct TargetBlock {
    pub(in crate::caller::files) block: Rc<HclBlock>,
    pub(in crate::caller::files) name: Rc<str>,
    /// The names that the block's matrix sets, with their values.
    pub(in crate::caller::files) locals: Vec<(Rc<str>, HclValue)>,
}

/// The local names of a `for`, a function or a matrix.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::caller::files) struct Locals<'a> {
    names: &'a [(Rc<str>, HclValue)],
    outer: Option<&'a Locals<'a>>,
}

impl<'a> Locals<'a> {
    pub(in crate::caller::files) fn new(names: &'a [(Rc<str>, HclValue)]) -> Self {
        Self { names, outer: None }
    }

    pub(super) fn within(names: &'a [(Rc<str>, HclValue)], outer: &'a Locals<'a>) -> Self {
        Self { names, outer: Some(outer) }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a HclValue> {
        let own = self.names.iter().rev().find(|(known, _)| &**known == name).map(|(_, value)| value);
        own.or_else(|| self.outer?.get(name))
    }
}

impl EvalContext {
    /// Collects the names of all documents. If several documents define a name, the last document wins.
    pub(in crate::caller::files) fn new(
        documents: &[HclDocument],
        built_ins: BTreeMap<String, HclValue>,
        look_up: VariableLookup,
        budget: Budget,
    ) -> Self {
        let (mut attributes, mut variables, mut functions) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for document in documents {
            attributes.extend(document.attributes.iter().cloned());
            for block in &document.blocks {
                let blocks = match block.kind.as_str() {
                    "variable" => &mut variables,
                    "function" => &mut functions,
                    _ => continue,
                };
                blocks.insert(block.label.clone(), block.clone());
            }
        }
        Self {
            budget,
            look_up,
            built_ins,
            attributes,
            variables,
            functions,
            members: OnceCell::new(),
            known: RefCell::default(),
            depth: Cell::new(0),
            calls: RefCell::default(),
        }
    }

    /// Sets the blocks for `target.NAME` and `group.NAME`.
    pub(in crate::caller::files) fn set_members(&self, members: Vec<TargetBlock>) {
        let _ = self.members.set(members);
    }

    /// Evaluates an expression within the budget. An unknown value is returned as [`HclValue::Unknown`].
    pub(in crate::caller::files) fn value(&self, expression: &Expression, locals: &Locals<'_>) -> EvalResult {
        self.depth.set(self.depth.get() + 1);
        let may_go_on = self.depth.get() <= DEPTH_AT_MOST && self.budget.spend(16);
        let value = if may_go_on { self.evaluate(expression, locals) } else { Err(EvalError::NotKnown) };
        self.depth.set(self.depth.get() - 1);
        match value {
            Err(EvalError::NotKnown) => Ok(HclValue::Unknown),
            value => value,
        }
    }

    /// Takes steps from the budget. If the budget is used up, the value is unknown.
    pub(super) fn spend(&self, steps: u64) -> EvalResult<()> {
        if self.budget.spend(steps) { Ok(()) } else { Err(EvalError::NotKnown) }
    }

    /// Returns the value of a name that is not local.
    pub(super) fn global(&self, name: &str) -> EvalResult {
        if let Some(value) = self.built_ins.get(name) {
            return Ok(value.clone());
        }
        if self.attributes.contains_key(name) || self.variables.contains_key(name) {
            return self.once(name, || self.work_out(name));
        }
        Err(EvalError::Refused)
    }

    /// Returns the value of `target.NAME.ATTRIBUTE`, from the last block of that name.
    pub(super) fn block_attribute(&self, kind: &str, name: &str, attribute: &str) -> EvalResult {
        let members = self.members.get().ok_or(EvalError::Refused)?;
        let same: Vec<_> = members.iter().filter(|m| m.block.kind == kind && &*m.name == name).collect();
        let last = *same.last().ok_or(EvalError::Refused)?;
        let expression = match last.block.get(attribute) {
            Some(expression) => expression,
            // If only an earlier block has the attribute, the attribute's value is unknown, because the order in which
            // buildx evaluates blocks is not predictable.
            None if same.iter().any(|member| member.block.get(attribute).is_some()) => return Err(EvalError::NotKnown),
            None => return Ok(HclValue::Null),
        };
        self.once(&format!("{kind}.{name}.{attribute}"), || self.value(expression, &Locals::new(&last.locals)))
    }

    pub(super) fn has_blocks(&self, kind: &str) -> bool {
        self.members.get().is_some_and(|members| members.iter().any(|member| member.block.kind == kind))
    }

    /// Evaluates a value only once. As in buildx, a value that depends on itself is refused.
    fn once(&self, key: &str, work: impl FnOnce() -> EvalResult) -> EvalResult {
        match self.known.borrow().get(key) {
            Some(Some(known)) => return known.clone(),
            Some(None) => return Err(EvalError::Refused),
            None => {}
        }
        self.known.borrow_mut().insert(key.to_owned(), None);
        let value = work();
        self.known.borrow_mut().insert(key.to_owned(), Some(value.clone()));
        value
    }

    fn work_out(&self, name: &str) -> EvalResult {
        let variable = self.variables.get(name);
        let declared = variable.and_then(|variable| variable.get("type")).map(types::parse);
        let default = self.attributes.get(name).map(Arc::as_ref).or_else(|| variable?.get("default"));
        let value = match default {
            Some(default) => self.value(default, &Locals::default())?,
            None if declared.is_some() => HclValue::Null,
            None => HclValue::text(""),
        };
        if variable.is_some() {
            let json = format!("{name}_JSON");
            let is_free = !self.variables.contains_key(&json) && !self.built_ins.contains_key(&json);
            let json = if is_free { (self.look_up)(&json) } else { None };
            if let Some(value) = types::overridden(declared.as_ref(), &value, (self.look_up)(name), json) {
                return value;
            }
        }
        Ok(declared.map_or(value.clone(), |declared| declared.convert(value)))
    }
}
