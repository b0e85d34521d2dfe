//! What is done with lists and maps: attributes, indexes, splats, and `for`.

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::Decorated;
use hcl_edit::expr::{Expression, ForExpr, Traversal, TraversalOperator};

use super::value::{Outcome, Stop, Value};
use super::world::{Locals, World};

type Operators<'e> = &'e [Decorated<TraversalOperator>];

impl World {
    #[inline(never)]
    pub(super) fn traversal(&self, traversal: &Traversal, locals: &Locals<'_>) -> Outcome {
        let mut operators = traversal.operators.as_slice();
        let value = match (&traversal.expr, operators) {
            (Expression::Variable(kind), [name, attribute, rest @ ..])
                if locals.get(kind.as_str()).is_none() && self.has_blocks(kind.as_str()) =>
            {
                operators = rest;
                let (TraversalOperator::GetAttr(name), TraversalOperator::GetAttr(attribute)) =
                    (name.value(), attribute.value())
                else {
                    return Err(Stop::NotKnown);
                };
                self.block_attribute(kind.as_str(), name.as_str(), attribute.as_str())?
            }
            (Expression::Variable(kind), _)
                if locals.get(kind.as_str()).is_none() && self.has_blocks(kind.as_str()) =>
            {
                return Err(Stop::NotKnown); // a whole block
            }
            (root, _) => self.value(root, locals)?,
        };
        self.follow(value, operators, locals)
    }

    fn follow(&self, mut value: Value, operators: Operators<'_>, locals: &Locals<'_>) -> Outcome {
        for (at, operator) in operators.iter().enumerate() {
            self.budget.spend(16).then_some(()).ok_or(Stop::NotKnown)?;
            let rest = &operators[at + 1..];
            value = match operator.value() {
                TraversalOperator::GetAttr(name) => attribute(&value, name.as_str())?,
                TraversalOperator::Index(key) => index(&value, &self.value(key, locals)?)?,
                #[expect(clippy::cast_precision_loss, reason = "no list is so long")]
                TraversalOperator::LegacyIndex(key) => index(&value, &Value::Number(*key.value() as f64))?,
                TraversalOperator::FullSplat(_) => return self.splat(&value, rest, &[], locals),
                TraversalOperator::AttrSplat(_) => {
                    // Only the attributes that follow belong to it.
                    let is_other = |operator: &Decorated<TraversalOperator>| {
                        !matches!(operator.value(), TraversalOperator::GetAttr(_))
                    };
                    let end = rest.iter().position(is_other).unwrap_or(rest.len());
                    return self.splat(&value, &rest[..end], &rest[end..], locals);
                }
            };
        }
        Ok(value)
    }

    /// `each` for every item, then `rest` for all together. One value that is no list is a list of one, and null of none.
    #[inline(never)]
    fn splat(&self, value: &Value, each: Operators<'_>, rest: Operators<'_>, locals: &Locals<'_>) -> Outcome {
        let items = match value {
            Value::Unknown => return Err(Stop::NotKnown),
            Value::Null => &[],
            Value::List(_) => value.as_list()?,
            other => std::slice::from_ref(other),
        };
        let followed = items.iter().map(|item| self.follow(item.clone(), each, locals));
        self.follow(followed.collect::<Outcome<_>>().map(Value::list)?, rest, locals)
    }

    #[inline(never)]
    pub(super) fn iteration(&self, iteration: &ForExpr, locals: &Locals<'_>) -> Outcome {
        let intro = &iteration.intro;
        let collection = self.value(&intro.collection_expr, locals)?;
        let key = intro.key_var.as_ref().map(|name| name.as_str());
        let (mut items, mut entries) = (Vec::new(), BTreeMap::<Rc<str>, Vec<Value>>::new());
        self.each(&collection, key, intro.value_var.as_str(), locals, |locals| {
            if let Some(condition) = &iteration.cond
                && !self.value(&condition.expr, locals)?.as_bool()?
            {
                return Ok(());
            }
            let value = self.value(&iteration.value_expr, locals)?;
            match &iteration.key_expr {
                Some(key) => entries.entry(self.value(key, locals)?.as_known_text()?).or_default().push(value),
                None => items.push(value),
            }
            Ok(())
        })?;
        if iteration.key_expr.is_none() {
            return Ok(Value::list(items));
        }
        let entries = entries.into_iter().map(|(key, mut values)| match (iteration.grouping, values.len()) {
            (true, _) => Ok((key, Value::list(values))),
            (false, 1) => Ok((key, values.remove(0))),
            (false, _) => Err(Stop::Refused),
        });
        entries.collect::<Outcome<_>>().map(Value::map)
    }

    /// Does something with every item, under its names.
    pub(super) fn each(
        &self,
        collection: &Value,
        key_name: Option<&str>,
        value_name: &str,
        locals: &Locals<'_>,
        mut act: impl FnMut(&Locals<'_>) -> Outcome<()>,
    ) -> Outcome<()> {
        let with = |key: Value, value: &Value| {
            let key = key_name.map(|name| (Rc::from(name), key));
            key.into_iter().chain([(Rc::from(value_name), value.clone())]).collect::<Vec<_>>()
        };
        match collection {
            Value::List(_) => {
                for (at, value) in (0_u32..).zip(collection.as_list()?) {
                    self.budget.spend(16).then_some(()).ok_or(Stop::NotKnown)?;
                    act(&Locals::within(&with(Value::Number(at.into()), value), locals))?;
                }
            }
            Value::Map(_) => {
                for (key, value) in collection.as_map()? {
                    self.budget.spend(16).then_some(()).ok_or(Stop::NotKnown)?;
                    act(&Locals::within(&with(Value::Text(key.clone()), value), locals))?;
                }
            }
            Value::Unknown => return Err(Stop::NotKnown),
            _ => return Err(Stop::Refused),
        }
        Ok(())
    }
}

pub(super) fn attribute(value: &Value, name: &str) -> Outcome {
    value.as_map()?.get(name).cloned().ok_or(Stop::Refused)
}

pub(super) fn index(value: &Value, key: &Value) -> Outcome {
    match value {
        Value::Map(_) => attribute(value, &key.as_known_text()?),
        Value::List(_) => {
            let at = key.as_number()?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held to be in range")]
            let item = if at >= 0.0 && at.fract() == 0.0 { value.as_list()?.get(at as usize) } else { None };
            item.cloned().ok_or(Stop::Refused)
        }
        Value::Unknown => Err(Stop::NotKnown),
        _ => Err(Stop::Refused),
    }
}
