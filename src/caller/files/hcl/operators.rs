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
            let (left, decisive) = (left.as_bool(), operator == BinaryOperator::Or);
            if left == Ok(decisive) || left == Err(EvalError::Refused) {
                return left.map(HclValue::Bool); // the right operand is not evaluated
            }
            return decided(left, self.value(&operation.rhs_expr, locals)?.as_bool(), decisive);
        }
        let right = self.value(&operation.rhs_expr, locals)?;
        self.budget.spend(left.weight().min(right.weight()));
        operate(operator, &left, &right)
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

/// Applies `&&` or `||`. One operand may decide the result even if the other operand is unknown.
pub(super) fn decided(left: EvalResult<bool>, right: EvalResult<bool>, decisive: bool) -> EvalResult {
    let is_decided = left == Ok(decisive) || right == Ok(decisive);
    match (left, right) {
        (Err(EvalError::Refused), _) | (_, Err(EvalError::Refused)) => Err(EvalError::Refused),
        _ if is_decided => Ok(HclValue::Bool(decisive)),
        (left, right) => left.and(right).map(HclValue::Bool),
    }
}
