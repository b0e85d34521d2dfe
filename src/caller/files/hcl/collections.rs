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
        let operators = traversal.operators.as_slice();
        let kind = match &traversal.expr {
            Expression::Variable(kind) if locals.get(kind).is_none() && self.has_blocks(kind) => kind.as_str(),
            root => return self.follow(self.value(root, locals)?, operators, locals),
        };
        let [name, attribute, rest @ ..] = operators else { return Err(EvalError::NotKnown) }; // a whole block
        match (name.value(), attribute.value()) {
            (TraversalOperator::GetAttr(name), TraversalOperator::GetAttr(attribute)) => {
                self.follow(self.block_attribute(kind, name, attribute)?, rest, locals)
            }
            _ => Err(EvalError::NotKnown),
        }
    }

    fn follow(&self, mut value: HclValue, operators: Operators<'_>, locals: &Locals<'_>) -> EvalResult {
        for (at, operator) in operators.iter().enumerate() {
            self.spend(16)?;
            let rest = &operators[at + 1..];
            value = match operator.value() {
                TraversalOperator::GetAttr(name) => attribute(&value, name.as_str())?,
                TraversalOperator::Index(key) => index(&value, &self.value(key, locals)?)?,
                TraversalOperator::LegacyIndex(key) => index(&value, &HclValue::integer(*key.value()))?,
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

    /// Calls `act` for every item of a collection, with local names for the item's key and value.
    pub(super) fn each(
        &self,
        collection: &HclValue,
        key_name: Option<&str>,
        value_name: &str,
        locals: &Locals<'_>,
        mut act: impl FnMut(&Locals<'_>) -> EvalResult<()>,
    ) -> EvalResult<()> {
        let entries: Vec<(HclValue, &HclValue)> = match collection {
            HclValue::Map(_) => {
                collection.as_map()?.iter().map(|(key, value)| (HclValue::Text(key.clone()), value)).collect()
            }
            list => list.as_list()?.iter().enumerate().map(|(at, value)| (HclValue::integer(at), value)).collect(),
        };
        for (key, value) in entries {
            self.spend(16)?;
            let key = key_name.map(|name| (Rc::from(name), key));
            let names: Vec<_> = key.into_iter().chain([(Rc::from(value_name), value.clone())]).collect();
            act(&Locals::within(&names, locals))?;
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
        list => {
            let (items, at) = (list.as_list()?, key.as_integer()?);
            usize::try_from(at).ok().and_then(|at| items.get(at)).cloned().ok_or(EvalError::Refused)
        }
    }
}
