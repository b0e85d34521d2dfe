//! Evaluates attributes, indexes, splats and `for` on lists and maps.

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::Decorated;
use hcl_edit::expr::{Expression, ForExpr, Traversal, TraversalOperator};

use super::eval_context::{EvalContext, Locals};
use super::value::{EvalError, EvalResult, HclValue};

type Operators<'e> = &'e [Decorated<TraversalOperator>];

impl EvalContext {
    #[inline(never)]
    pub(super) fn traversal(&self, traversal: &Traversal, locals: &Locals<'_>) -> EvalResult {
        let mut operators = traversal.operators.as_slice();
        let value = match (&traversal.expr, operators) {
            (Expression::Variable(kind), [name, attribute, rest @ ..])
                if locals.get(kind.as_str()).is_none() && self.has_blocks(kind.as_str()) =>
            {
                operators = rest;
                let (TraversalOperator::GetAttr(name), TraversalOperator::GetAttr(attribute)) =
                    (name.value(), attribute.value())
                else {
                    return Err(EvalError::NotKnown);
                };
                self.block_attribute(kind.as_str(), name.as_str(), attribute.as_str())?
            }
            (Expression::Variable(kind), _)
                if locals.get(kind.as_str()).is_none() && self.has_blocks(kind.as_str()) =>
            {
                return Err(EvalError::NotKnown); // a whole block
            }
            (root, _) => self.value(root, locals)?,
        };
        self.follow(value, operators, locals)
    }

    fn follow(&self, mut value: HclValue, operators: Operators<'_>, locals: &Locals<'_>) -> EvalResult {
        for (at, operator) in operators.iter().enumerate() {
            self.budget.spend(16).then_some(()).ok_or(EvalError::NotKnown)?;
            let rest = &operators[at + 1..];
            value = match operator.value() {
                TraversalOperator::GetAttr(name) => attribute(&value, name.as_str())?,
                TraversalOperator::Index(key) => index(&value, &self.value(key, locals)?)?,
                #[expect(clippy::cast_precision_loss, reason = "lists are far shorter than 2^53")]
                TraversalOperator::LegacyIndex(key) => index(&value, &HclValue::Number(*key.value() as f64))?,
                TraversalOperator::FullSplat(_) => return self.splat(&value, rest, &[], locals),
                TraversalOperator::AttrSplat(_) => {
                    // After the splat `.*`, only the attributes that follow directly are applied to each item.
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

    /// Applies the operators `each` to every item, then the operators `rest` to the list of the results. A value that
    /// is not a list is treated as a list of one item, and null as an empty list.
    #[inline(never)]
    fn splat(&self, value: &HclValue, each: Operators<'_>, rest: Operators<'_>, locals: &Locals<'_>) -> EvalResult {
        let items = match value {
            HclValue::Unknown => return Err(EvalError::NotKnown),
            HclValue::Null => &[],
            HclValue::List(_) => value.as_list()?,
            other => std::slice::from_ref(other),
        };
        let followed = items.iter().map(|item| self.follow(item.clone(), each, locals));
        self.follow(followed.collect::<EvalResult<_>>().map(HclValue::list)?, rest, locals)
    }

    #[inline(never)]
    pub(super) fn iteration(&self, iteration: &ForExpr, locals: &Locals<'_>) -> EvalResult {
        let intro = &iteration.intro;
        let collection = self.value(&intro.collection_expr, locals)?;
        let key = intro.key_var.as_ref().map(|name| name.as_str());
        let (mut items, mut entries) = (Vec::new(), BTreeMap::<Rc<str>, Vec<HclValue>>::new());
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
            return Ok(HclValue::list(items));
        }
        let entries = entries.into_iter().map(|(key, mut values)| match (iteration.grouping, values.len()) {
            (true, _) => Ok((key, HclValue::list(values))),
            (false, 1) => Ok((key, values.remove(0))),
            (false, _) => Err(EvalError::Refused),
        });
        entries.collect::<EvalResult<_>>().map(HclValue::map)
    }

    /// Calls `act` for every item of a collection, with the item's key and value as local names.
    pub(super) fn each(
        &self,
        collection: &HclValue,
        key_name: Option<&str>,
        value_name: &str,
        locals: &Locals<'_>,
        mut act: impl FnMut(&Locals<'_>) -> EvalResult<()>,
    ) -> EvalResult<()> {
        let with = |key: HclValue, value: &HclValue| {
            let key = key_name.map(|name| (Rc::from(name), key));
            key.into_iter().chain([(Rc::from(value_name), value.clone())]).collect::<Vec<_>>()
        };
        match collection {
            HclValue::List(_) => {
                for (at, value) in (0_u32..).zip(collection.as_list()?) {
                    self.budget.spend(16).then_some(()).ok_or(EvalError::NotKnown)?;
                    act(&Locals::within(&with(HclValue::Number(at.into()), value), locals))?;
                }
            }
            HclValue::Map(_) => {
                for (key, value) in collection.as_map()? {
                    self.budget.spend(16).then_some(()).ok_or(EvalError::NotKnown)?;
                    act(&Locals::within(&with(HclValue::Text(key.clone()), value), locals))?;
                }
            }
            HclValue::Unknown => return Err(EvalError::NotKnown),
            _ => return Err(EvalError::Refused),
        }
        Ok(())
    }
}

pub(super) fn attribute(value: &HclValue, name: &str) -> EvalResult {
    value.as_map()?.get(name).cloned().ok_or(EvalError::Refused)
}

pub(super) fn index(value: &HclValue, key: &HclValue) -> EvalResult {
    match value {
        HclValue::Map(_) => attribute(value, &key.as_known_text()?),
        HclValue::List(_) => {
            let at = key.as_number()?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked by the condition and by `get`"
            )]
            let item = if at >= 0.0 && at.fract() == 0.0 { value.as_list()?.get(at as usize) } else { None };
            item.cloned().ok_or(EvalError::Refused)
        }
        HclValue::Unknown => Err(EvalError::NotKnown),
        _ => Err(EvalError::Refused),
    }
}
