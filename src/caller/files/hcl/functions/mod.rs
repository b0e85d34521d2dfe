//! Evaluates the functions that a file defines, and those buildx functions that real files use. The results of other
//! functions are unknown.
//!
//! The results of `timestamp`, `uuidv4` and `bcrypt` cannot be known. The result of `homedir` is never a part of an
//! image reference. `cidr…`, `csvdecode`, `formatdate`, `log`, `timeadd`, `uuidv5` and `rsadecrypt` could be computed,
//! but no repository in a real file needs these functions. An unknown tag does not matter for the choice.
//!
//! Sources: docker/buildx `bake/hclparser/stdlib.go`, zclconf/go-cty `cty/function/stdlib/`.

mod format;
mod list;
mod number;
mod pattern;
mod set;
mod text;

use std::rc::Rc;

use hcl_edit::expr::{BinaryOperator, Expression, FuncCall};

use super::HclBlock;
use super::eval_context::{EvalContext, Locals};
use super::operators::{decided, operate};
use super::types::{self, HclType};
use super::value::{EvalError, EvalResult, HclValue};
use crate::caller::files::budget::Budget;

type Function = fn(&FunctionArguments<'_>) -> EvalResult;

/// The arguments of a call.
struct FunctionArguments<'a> {
    values: &'a [HclValue],
    budget: &'a Budget,
}

impl EvalContext {
    #[inline(never)]
    pub(super) fn call(&self, call: &FuncCall, locals: &Locals<'_>) -> EvalResult {
        if call.name.is_namespaced() {
            return Err(EvalError::Refused);
        }
        let name = call.name.name.as_str();
        match name {
            "try" => return self.try_each(call, locals),
            "can" => return self.can(call, locals),
            "convert" => return self.convert(call, locals),
            _ => {}
        }
        let mut values =
            call.args.iter().map(|argument| self.value(argument, locals)).collect::<EvalResult<Vec<_>>>()?;
        if call.args.expand_final()
            && let Some(last) = values.pop()
        {
            values.extend_from_slice(last.as_list()?);
        }
        let weight = values.iter().map(HclValue::weight).fold(1, u64::saturating_add);
        self.spend(weight)?;
        match (find(name), self.functions.get(name)) {
            (Some(function), _) => function(&FunctionArguments { values: &values, budget: &self.budget }),
            (None, Some(own)) => self.call_own(name, own, values),
            (None, None) => Err(EvalError::NotKnown),
        }
    }

    /// Evaluates `try`, which returns the first argument that causes no error. An unknown argument ends the search,
    /// because its evaluation may fail in buildx.
    fn try_each(&self, call: &FuncCall, locals: &Locals<'_>) -> EvalResult {
        for argument in &call.args {
            match self.value(argument, locals) {
                Err(EvalError::Refused) => {}
                value => return value,
            }
        }
        Err(EvalError::Refused)
    }

    fn can(&self, call: &FuncCall, locals: &Locals<'_>) -> EvalResult {
        let only = call.args.get(0).ok_or(EvalError::Refused)?;
        match self.value(only, locals) {
            Ok(HclValue::Unknown) | Err(EvalError::NotKnown) => Err(EvalError::NotKnown),
            value => Ok(HclValue::Bool(value.is_ok())),
        }
    }

    /// Evaluates a call such as `convert(["a"], set(string))`.
    fn convert(&self, call: &FuncCall, locals: &Locals<'_>) -> EvalResult {
        let value = self.value(call.args.get(0).ok_or(EvalError::Refused)?, locals)?;
        match types::parse(call.args.get(1).ok_or(EvalError::Refused)?) {
            HclType::Other => Err(EvalError::NotKnown),
            kind => Ok(kind.convert(value)),
        }
    }

    /// Calls a function that the file defines. The body may use the function's parameters and the names outside all
    /// blocks. A function that calls itself is refused.
    fn call_own(&self, name: &str, function: &HclBlock, mut values: Vec<HclValue>) -> EvalResult {
        let body = function.get("result").ok_or(EvalError::Refused)?;
        let parameters = function.get("params").ok_or(EvalError::Refused)?;
        let parameters = parameters.as_array().ok_or(EvalError::Refused)?;
        let mut names = parameters.iter().map(parameter).collect::<EvalResult<Vec<_>>>()?;
        let is_enough = values.len() >= names.len();
        if let Some(variadic) = function.get("variadic_params").filter(|_| is_enough) {
            let rest = values.split_off(names.len());
            names.push(parameter(variadic)?);
            values.push(HclValue::list(rest));
        }
        let is_cycle = self.calls.borrow().iter().any(|called| called == name);
        if values.len() != names.len() || is_cycle {
            return Err(EvalError::Refused);
        }
        let locals: Vec<_> = names.into_iter().zip(values).collect();
        self.calls.borrow_mut().push(name.to_owned());
        let value = self.value(body, &Locals::new(&locals));
        self.calls.borrow_mut().pop();
        value
    }
}

fn parameter(expression: &Expression) -> EvalResult<Rc<str>> {
    match expression {
        Expression::Variable(name) => Ok(name.as_str().into()),
        Expression::String(name) => Ok(name.as_str().into()), // in JSON
        _ => Err(EvalError::Refused),
    }
}

fn find(name: &str) -> Option<Function> {
    Some(match name {
        "equal" => |a| a.operate(BinaryOperator::Eq),
        "notequal" => |a| a.operate(BinaryOperator::NotEq),
        "lessthan" => |a| a.operate(BinaryOperator::Less),
        "lessthanorequalto" => |a| a.operate(BinaryOperator::LessEq),
        "greaterthan" => |a| a.operate(BinaryOperator::Greater),
        "greaterthanorequalto" => |a| a.operate(BinaryOperator::GreaterEq),
        "add" => |a| a.operate(BinaryOperator::Plus),
        "subtract" => |a| a.operate(BinaryOperator::Minus),
        "multiply" => |a| a.operate(BinaryOperator::Mul),
        "divide" => |a| a.operate(BinaryOperator::Div),
        "modulo" => |a| a.operate(BinaryOperator::Mod),
        "not" => |a| a.get(0)?.as_bool().map(|value| HclValue::Bool(!value)),
        "and" => |a| decided(a.get(0)?.as_bool(), a.get(1)?.as_bool(), false),
        "or" => |a| decided(a.get(0)?.as_bool(), a.get(1)?.as_bool(), true),
        _ => {
            let groups = [text::find, list::find, set::find, number::find, pattern::find, format::find];
            return groups.into_iter().find_map(|find| find(name));
        }
    })
}

impl FunctionArguments<'_> {
    fn get(&self, at: usize) -> EvalResult<&HclValue> {
        self.values.get(at).ok_or(EvalError::Refused)
    }

    fn text(&self, at: usize) -> EvalResult<Rc<str>> {
        self.get(at)?.as_known_text()
    }

    /// Returns an argument that is ASCII text. Any other text is unknown, because Go counts its characters in another
    /// way.
    fn plain_text(&self, at: usize) -> EvalResult<Rc<str>> {
        let text = self.text(at)?;
        if text.is_ascii() { Ok(text) } else { Err(EvalError::NotKnown) }
    }

    fn number(&self, at: usize) -> EvalResult<f64> {
        self.get(at)?.as_number()
    }

    fn integer(&self, at: usize) -> EvalResult<i64> {
        self.get(at)?.as_integer()
    }

    fn list(&self, at: usize) -> EvalResult<&[HclValue]> {
        self.get(at)?.as_list()
    }

    fn numbers(&self) -> EvalResult<Vec<f64>> {
        self.values.iter().map(HclValue::as_number).collect()
    }

    /// Takes steps from the budget. If the budget is used up, the result of the function is unknown.
    fn spend(&self, steps: u64) -> EvalResult<()> {
        if self.budget.spend(steps) { Ok(()) } else { Err(EvalError::NotKnown) }
    }

    fn operate(&self, operator: BinaryOperator) -> EvalResult {
        operate(operator, self.get(0)?, self.get(1)?)
    }
}
