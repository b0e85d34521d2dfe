//! Evaluates expressions of every kind.

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::expr::{Conditional, Expression, Object, ObjectKey};

use super::eval_context::{EvalContext, Locals};
use super::value::{EvalError, EvalResult, HclValue};

impl EvalContext {
    /// Evaluates one expression. Each arm of the `match` calls a function, so that deeply nested expressions need
    /// little stack.
    pub(super) fn evaluate(&self, expression: &Expression, locals: &Locals<'_>) -> EvalResult {
        match expression {
            Expression::Null(_) => Ok(HclValue::Null),
            Expression::Bool(value) => Ok(HclValue::Bool(*value.value())),
            Expression::Number(number) => Ok(number.value().as_f64().map_or(HclValue::Unknown, HclValue::decimal)),
            Expression::String(text) => {
                self.budget.spend(text.len() as u64);
                Ok(HclValue::text(text.as_str()))
            }
            Expression::Array(items) => self.list(items.iter(), locals),
            Expression::Object(object) => self.object(object, locals),
            Expression::StringTemplate(template) => self.template(template, locals),
            Expression::HeredocTemplate(heredoc) => self.template(&heredoc.template, locals),
            Expression::Parenthesis(inner) => self.value(inner.inner(), locals),
            Expression::Variable(name) => self.named(name.as_str(), locals),
            Expression::Conditional(conditional) => self.conditional(conditional, locals),
            Expression::FuncCall(call) => self.call(call, locals),
            Expression::Traversal(traversal) => self.traversal(traversal, locals),
            Expression::UnaryOp(operation) => self.unary(operation, locals),
            Expression::BinaryOp(operation) => self.binary(operation, locals),
            Expression::ForExpr(iteration) => self.iteration(iteration, locals),
        }
    }

    pub(super) fn named(&self, name: &str, locals: &Locals<'_>) -> EvalResult {
        locals.get(name).cloned().map_or_else(|| self.global(name), Ok)
    }

    #[inline(never)]
    fn list<'e>(&self, items: impl Iterator<Item = &'e Expression>, locals: &Locals<'_>) -> EvalResult {
        items.map(|item| self.value(item, locals)).collect::<EvalResult<_>>().map(HclValue::list)
    }

    #[inline(never)]
    fn object(&self, object: &Object, locals: &Locals<'_>) -> EvalResult {
        let mut entries = BTreeMap::new();
        for (key, value) in object {
            // A bare name is the key itself, and a name in parentheses is a variable.
            let key: Rc<str> = match key {
                ObjectKey::Ident(name) | ObjectKey::Expression(Expression::Variable(name)) => name.as_str().into(),
                ObjectKey::Expression(expression) => self.value(expression, locals)?.as_known_text()?,
            };
            entries.insert(key, self.value(value.expr(), locals)?);
        }
        Ok(HclValue::map(entries))
    }

    /// Evaluates both results of a conditional, because they must have the same type. For example, a number becomes a
    /// text if the other result is a text.
    #[inline(never)]
    fn conditional(&self, conditional: &Conditional, locals: &Locals<'_>) -> EvalResult {
        let decided = self.value(&conditional.cond_expr, locals)?.as_bool();
        if decided == Err(EvalError::Refused) {
            return Err(EvalError::Refused);
        }
        let yes = self.value(&conditional.true_expr, locals);
        let no = self.value(&conditional.false_expr, locals);
        let (chosen, other) = if decided == Ok(false) { (no, yes) } else { (yes, no) };
        match (decided, chosen, other) {
            (Ok(_), chosen, Err(_)) => chosen,
            (Ok(_), chosen, Ok(other)) => {
                let chosen = chosen?;
                self.budget.spend(chosen.weight() + other.weight());
                chosen.as_type_with(&other)
            }
            (Err(_), Ok(item), Ok(other)) => {
                self.budget.spend(item.weight() + other.weight());
                Ok(item.either(&other))
            }
            _ => Err(EvalError::NotKnown),
        }
    }
}
