//! The matrix of a bake target: its members, each as the values of the matrix's variables.
//!
//! docker/buildx `bake/hclparser/hclparser.go`, `docs/bake-reference.md` (`target.matrix`).

use std::collections::BTreeMap;

use super::hcl::Expression;
use crate::model::map;

/// More than people build at once. Of a part of them nothing follows.
const MEMBERS_AT_MOST: usize = 200;
const AXES_AT_MOST: usize = 8;
const FIELDS_AT_MOST: usize = 40;
/// Of all members together: they repeat what a small file says once.
const BYTES_AT_MOST: usize = 1 << 20;

/// What a member's variables are set to: `v`, or `item.name` where the values are objects.
pub(super) type Values = BTreeMap<String, String>;

/// Returns the members, or none if there are too many; `texts` works out what an expression stands for.
pub(super) fn members(matrix: &Expression, texts: impl Fn(&Expression) -> Vec<String>) -> Vec<Values> {
    let Expression::Map(axes) = matrix else { return Vec::new() };
    if axes.len() > AXES_AT_MOST {
        return Vec::new();
    }
    let mut members = vec![Values::new()];
    for (name, values) in axes {
        let values = axis(name, values, &texts);
        let bytes = bytes(&members) * values.len() + bytes(&values) * members.len();
        if members.len() * values.len() > MEMBERS_AT_MOST || bytes > BYTES_AT_MOST {
            return Vec::new();
        }
        let joined = |member: &Values, more: Values| map(member.clone().into_iter().chain(more));
        members = members.iter().flat_map(|member| values.iter().map(|more| joined(member, more.clone()))).collect();
    }
    members
}

fn bytes(all: &[Values]) -> usize {
    all.iter().flatten().map(|(name, value)| name.len() + value.len()).sum()
}

fn axis(name: &str, values: &Expression, texts: &impl Fn(&Expression) -> Vec<String>) -> Vec<Values> {
    let Expression::List(items) = values else {
        return texts(values).into_iter().map(|text| map([(name.to_owned(), text)])).collect();
    };
    let of_item = |item: &Expression| match item {
        Expression::Map(fields) => {
            let mut member = Values::new();
            for (field, value) in fields.iter().take(FIELDS_AT_MOST) {
                member.extend(texts(value).pop().map(|text| (format!("{name}.{field}"), text)));
            }
            vec![member]
        }
        item => texts(item).into_iter().map(|text| map([(name.to_owned(), text)])).collect(),
    };
    items.iter().take(MEMBERS_AT_MOST + 1).flat_map(of_item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(matrix: &str) -> Vec<String> {
        let block = super::super::hcl::blocks(&format!("target \"x\" {{\n matrix = {matrix}\n}}")).unwrap().remove(0);
        let texts = |expression: &Expression| match expression {
            Expression::Text(text) => vec![text.clone()],
            _ => vec!["?".to_owned()],
        };
        let told = |member: &Values| member.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        members(&block.attributes[0].1, texts).iter().map(|member| told(member).join(" ")).collect()
    }

    #[test]
    fn every_combination_is_a_member() {
        for (matrix, expected) in [
            ("{ v = [\"1\", \"2\"] }", vec!["v=1", "v=2"]),
            ("{ a = [\"1\", \"2\"], b = [\"x\", \"y\"] }", vec!["a=1 b=x", "a=1 b=y", "a=2 b=x", "a=2 b=y"]),
            ("{ i = [{ n = \"1\", o = \"x\" }, { n = \"2\", o = \"y\" }] }", vec!["i.n=1 i.o=x", "i.n=2 i.o=y"]),
            ("{ v = ALL }", vec!["v=?"]),
            ("{ v = [] }", vec![]),
            ("ALL", vec![]),
        ] {
            assert_eq!(told(matrix), expected, "{matrix}");
        }
        let twenty = format!("[{}]", "\"1\",".repeat(20));
        assert_eq!(told(&format!("{{ a = {twenty}, b = {twenty}, c = {twenty} }}")).len(), 0, "too many");
        let axes = (0..1000).map(|n| format!("a{n} = [\"1\"], ")).collect::<Vec<_>>().concat();
        assert_eq!(told(&format!("{{ {axes} }}")).len(), 0, "too many");
        let fields = (0..40).map(|n| format!("f{n} = \"{}\", ", "x".repeat(1000))).collect::<Vec<_>>().concat();
        let axes = (0..7).map(|n| format!("a{n} = [{{ {fields} }}], ")).collect::<Vec<_>>().concat();
        assert_eq!(told(&format!("{{ {axes} v = {twenty} }}")).len(), 0, "too much");
    }
}
