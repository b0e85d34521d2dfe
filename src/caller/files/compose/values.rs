//! Substitutes variables in a YAML document before the document is interpreted.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::ProjectVariables;
use super::super::budget::Budget;
use super::super::template::substitute;
use super::super::yaml::YamlNode;
use super::LoadError;
use super::merge::spend;

/// Returns the document with variables substituted. A node that several aliases share is not copied.
pub(super) fn substitute_all(
    document: &Rc<YamlNode>,
    variables: &ProjectVariables,
    budget: &Budget,
) -> Result<Rc<YamlNode>, LoadError> {
    VariableSubstitution { variables, budget, shared: BTreeMap::new() }.node(document)
}

struct VariableSubstitution<'a> {
    variables: &'a ProjectVariables,
    budget: &'a Budget,
    /// The results for shared nodes, by the node's address in memory. A node with many aliases is substituted only
    /// once.
    shared: BTreeMap<*const YamlNode, Rc<YamlNode>>,
}

impl VariableSubstitution<'_> {
    fn node(&mut self, node: &Rc<YamlNode>) -> Result<Rc<YamlNode>, LoadError> {
        spend(1, self.budget)?;
        let is_leaf = matches!(**node, YamlNode::Nothing | YamlNode::Reset | YamlNode::Text(_));
        if !is_leaf && let Some(known) = self.shared.get(&Rc::as_ptr(node)) {
            return Ok(known.clone());
        }
        let changed = match &**node {
            YamlNode::Nothing | YamlNode::Reset => None,
            YamlNode::Text(text) if !text.contains('$') => None,
            YamlNode::Text(text) => Some(YamlNode::Text(self.text(text)?)),
            YamlNode::List(items) => {
                let found = items.iter().map(|item| self.node(item)).collect::<Result<Vec<_>, _>>()?;
                let is_same = found.iter().zip(items).all(|(found, item)| Rc::ptr_eq(found, item));
                (!is_same).then_some(YamlNode::List(found))
            }
            YamlNode::Map(entries) => {
                let entry = |(key, node): &(String, Rc<YamlNode>)| Ok((key.clone(), self.node(node)?));
                let found = entries.iter().map(entry).collect::<Result<Vec<_>, LoadError>>()?;
                let is_same = found.iter().zip(entries).all(|(found, entry)| Rc::ptr_eq(&found.1, &entry.1));
                (!is_same).then_some(YamlNode::Map(found))
            }
            YamlNode::Override(inner) => Some(YamlNode::Override(self.node(inner)?)),
        };
        let found = changed.map_or_else(|| node.clone(), Rc::new);
        if !is_leaf && Rc::strong_count(node) > 1 {
            self.shared.insert(Rc::as_ptr(node), found.clone());
        }
        Ok(found)
    }

    fn text(&self, text: &str) -> Result<String, LoadError> {
        let found = substitute(text, &|name| self.variables.get(name))?;
        self.budget.spend(found.len() as u64);
        Ok(found)
    }
}
