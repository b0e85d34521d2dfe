//! Evaluates operators, and functions that equal an operator, such as `equal(a, b)` for `a == b`.

use hcl_edit::expr::{BinaryOp, BinaryOperator, UnaryOp, UnaryOperator};

use super::eval_context::{EvalContext, Locals};
use super::value::{EvalError, EvalResult, HclValue};

impl EvalContext {
    #[inline(never)]
    pub(super) fn unary(&self, operation: &UnaryOp, locals: &Locals<'_>) -> EvalResult {
        let value = self.value(&operation.expr, locals)?;
        match operation.operator.value() {
            UnaryOperator::Neg => value.as_number().map(|number| HclValue::decimal(-number)),
            UnaryOperator::Not => value.as_bool().map(|value| HclValue::Bool(!value)),
        }
    }

    #[inline(never)]
    pub(super) fn binary(&self, operation: &BinaryOp, locals: &Locals<'_>) -> EvalResult {
        let operator = *operation.operator.value();
        let left = self.value(&operation.lhs_expr, locals)?;
        if let BinaryOperator::And | BinaryOperator::Or = operator {
            return self.logic(operator, &left, operation, locals);
        }
        let right = self.value(&operation.rhs_expr, locals)?;
        self.budget.spend(left.weight().min(right.weight()));
        operate(operator, &left, &right)
    }

    /// Evaluates `&&` or `||`. One operand may decide the result even if the other operand is unknown.
    fn logic(
        &self,
        operator: BinaryOperator,
        left: &HclValue,
        operation: &BinaryOp,
        locals: &Locals<'_>,
    ) -> EvalResult {
        let decisive = operator == BinaryOperator::Or;
        let left = left.as_bool();
        match left {
            Ok(value) if value == decisive => return Ok(HclValue::Bool(decisive)),
            Err(EvalError::Refused) => return Err(EvalError::Refused),
            _ => {}
        }
        let right = self.value(&operation.rhs_expr, locals)?.as_bool()?;
        if right == decisive { Ok(HclValue::Bool(decisive)) } else { left.map(|_| HclValue::Bool(right)) }
    }
}

/// Applies every operator except `&&` and `||`.
pub(super) fn operate(operator: BinaryOperator, left: &HclValue, right: &HclValue) -> EvalResult {
    match operator {
        BinaryOperator::Eq => return left.equals(right).map(HclValue::Bool),
        BinaryOperator::NotEq => return left.equals(right).map(|equal| HclValue::Bool(!equal)),
        _ => {}
    }
    let (left, right) = (left.as_number()?, right.as_number()?);
    Ok(match operator {
        BinaryOperator::Less => HclValue::Bool(left < right),
        BinaryOperator::LessEq => HclValue::Bool(left <= right),
        BinaryOperator::Greater => HclValue::Bool(left > right),
        BinaryOperator::GreaterEq => HclValue::Bool(left >= right),
        BinaryOperator::Plus => HclValue::number(left + right),
        BinaryOperator::Minus => HclValue::number(left - right),
        BinaryOperator::Mul => HclValue::number(left * right),
        BinaryOperator::Mod if right == 0.0 => HclValue::decimal(left),
        BinaryOperator::Div => HclValue::number(left / right), // infinity becomes unknown
        BinaryOperator::Mod => HclValue::number(left % right),
        BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Eq | BinaryOperator::NotEq => HclValue::Unknown,
    })
}
