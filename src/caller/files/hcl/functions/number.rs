//! Functions of numbers.

use std::num::IntErrorKind;

use super::{Function, FunctionArguments};
use crate::caller::files::hcl::value::{EvalError, EvalResult, HclValue};

pub(super) fn find(name: &str) -> Option<Function> {
    Some(match name {
        "absolute" => |a| Ok(HclValue::decimal(a.number(0)?.abs())),
        "negate" => |a| Ok(HclValue::decimal(-a.number(0)?)),
        "ceil" => |a| Ok(HclValue::number(a.number(0)?.ceil())),
        "floor" => |a| Ok(HclValue::number(a.number(0)?.floor())),
        "int" => |a| Ok(HclValue::number(a.number(0)?.trunc())),
        "signum" => |a| Ok(HclValue::integer(a.integer(0)?.signum())),
        "pow" => |a| Ok(HclValue::number(a.number(0)?.powf(a.number(1)?))),
        "max" => |a| most(a, f64::max),
        "min" => |a| most(a, f64::min),
        "parseint" => |a| {
            let base =
                u32::try_from(a.integer(1)?).ok().filter(|base| (2..=36).contains(base)).ok_or(EvalError::Refused)?;
            let number = i64::from_str_radix(&a.text(0)?, base).map_err(|error| match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => EvalError::NotKnown,
                _ => EvalError::Refused,
            })?;
            Ok(HclValue::integer(number))
        },
        _ => return None,
    })
}

fn most(arguments: &FunctionArguments<'_>, choose: fn(f64, f64) -> f64) -> EvalResult {
    arguments.numbers()?.into_iter().reduce(choose).map(HclValue::decimal).ok_or(EvalError::Refused)
}
