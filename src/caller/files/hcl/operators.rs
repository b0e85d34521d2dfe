//! Operators, and their functions: `equal(a, b)` is `a == b`.

use hcl_edit::expr::{BinaryOp, BinaryOperator, UnaryOp, UnaryOperator};

use super::value::{Outcome, Stop, Value};
use super::world::{Locals, World};

impl World {
    #[inline(never)]
    pub(super) fn unary(&self, operation: &UnaryOp, locals: &Locals<'_>) -> Outcome {
        let value = self.value(&operation.expr, locals)?;
        match operation.operator.value() {
            UnaryOperator::Neg => value.as_number().map(|number| Value::decimal(-number)),
            UnaryOperator::Not => value.as_bool().map(|value| Value::Bool(!value)),
        }
    }

    #[inline(never)]
    pub(super) fn binary(&self, operation: &BinaryOp, locals: &Locals<'_>) -> Outcome {
        let operator = *operation.operator.value();
        let left = self.value(&operation.lhs_expr, locals)?;
        if let BinaryOperator::And | BinaryOperator::Or = operator {
            return self.logic(operator, &left, operation, locals);
        }
        let right = self.value(&operation.rhs_expr, locals)?;
        self.budget.spend(left.weight().min(right.weight()));
        operate(operator, &left, &right)
    }

    /// One side can decide alone, though the other is not known.
    fn logic(&self, operator: BinaryOperator, left: &Value, operation: &BinaryOp, locals: &Locals<'_>) -> Outcome {
        let decisive = operator == BinaryOperator::Or;
        let left = left.as_bool();
        match left {
            Ok(value) if value == decisive => return Ok(Value::Bool(decisive)),
            Err(Stop::Refused) => return Err(Stop::Refused),
            _ => {}
        }
        let right = self.value(&operation.rhs_expr, locals)?.as_bool()?;
        if right == decisive { Ok(Value::Bool(decisive)) } else { left.map(|_| Value::Bool(right)) }
    }
}

/// All but `&&` and `||`.
pub(super) fn operate(operator: BinaryOperator, left: &Value, right: &Value) -> Outcome {
    match operator {
        BinaryOperator::Eq => return left.equals(right).map(Value::Bool),
        BinaryOperator::NotEq => return left.equals(right).map(|equal| Value::Bool(!equal)),
        _ => {}
    }
    let (left, right) = (left.as_number()?, right.as_number()?);
    Ok(match operator {
        BinaryOperator::Less => Value::Bool(left < right),
        BinaryOperator::LessEq => Value::Bool(left <= right),
        BinaryOperator::Greater => Value::Bool(left > right),
        BinaryOperator::GreaterEq => Value::Bool(left >= right),
        BinaryOperator::Plus => Value::number(left + right),
        BinaryOperator::Minus => Value::number(left - right),
        BinaryOperator::Mul => Value::number(left * right),
        BinaryOperator::Div if right == 0.0 => return Err(Stop::NotKnown), // infinity
        BinaryOperator::Mod if right == 0.0 => Value::decimal(left),
        BinaryOperator::Div => Value::number(left / right),
        BinaryOperator::Mod => Value::number(left % right),
        BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Eq | BinaryOperator::NotEq => Value::Unknown,
    })
}
