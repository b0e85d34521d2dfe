//! Defines the scopes of a token, as a set of permissions and as text (distribution `docs/content/spec/auth/scope.md`).

use std::collections::BTreeSet;
use std::fmt;

/// A set of permissions, together with the original text of the scope. Some token servers accept a scope only in the
/// same spelling as in the challenge. Equality ignores the original text.
#[derive(Clone, Debug)]
pub(super) struct Scopes {
    text: String,
    /// The permissions, or `None` for an unlimited scope.
    granted: Option<BTreeSet<Permission>>,
}

/// A permission for one operation on one object, such as a pull from a repository. Permissions are sorted as in the
/// canonical text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Permission {
    /// The type `repository` or `registry`. A word without the form `type:name:operation` is stored here as a whole.
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) operation: String,
}

/// The text of an unlimited scope, as in Codeberg's challenge.
const UNLIMITED: &str = "*";

impl Scopes {
    pub(super) fn none() -> Self {
        Self::parse("")
    }

    /// Returns the scopes of a repository, as in `repository:NAME:pull,push`.
    pub(super) fn repository(name: &str, actions: &[&str]) -> Self {
        Self::parse(&format!("repository:{name}:{}", actions.join(",")))
    }

    /// Parses words of the form `type:name:operation,…`. A name may contain colons (`host:5000/app`). Any other word
    /// becomes one permission.
    pub(super) fn parse(text: &str) -> Self {
        let is_unlimited = text.split_whitespace().any(|word| word == UNLIMITED);
        let granted = (!is_unlimited).then(|| text.split_whitespace().flat_map(permissions).collect());
        Self { text: text.to_owned(), granted }
    }

    /// Returns the permissions in order. For an unlimited scope, the iterator is empty.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Permission> {
        self.granted.iter().flatten()
    }

    /// Returns the number of permissions, or `None` for an unlimited scope.
    pub(super) fn len(&self) -> Option<usize> {
        self.granted.as_ref().map(BTreeSet::len)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    pub(super) fn is_unlimited(&self) -> bool {
        self.granted.is_none()
    }

    pub(super) fn holds(&self, permission: &Permission) -> bool {
        self.granted.as_ref().is_none_or(|granted| granted.contains(permission))
    }

    pub(super) fn contains(&self, other: &Self) -> bool {
        self.is_unlimited() || (!other.is_unlimited() && other.iter().all(|permission| self.holds(permission)))
    }

    /// Returns the union of both sets. If `other` adds no permission, the result keeps the text of `self`.
    pub(super) fn union(&self, other: &Self) -> Self {
        if self.contains(other) {
            return self.clone();
        }
        if other.is_unlimited() {
            return Self::parse(UNLIMITED);
        }
        self.iter().chain(other.iter()).cloned().collect()
    }
}

/// Collects permissions and makes their canonical text, which is sorted and has no duplicates.
impl FromIterator<Permission> for Scopes {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        let all = permissions.into_iter().collect();
        Self { text: canonical(&all), granted: Some(all) }
    }
}

/// Prints the original text.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Scopes {
    fn eq(&self, other: &Self) -> bool {
        self.granted == other.granted
    }
}

/// Splits a word into permissions. The type ends at the first colon, and the name ends at the last colon.
fn permissions(word: &str) -> Vec<Permission> {
    let parts = word.split_once(':').and_then(|(kind, rest)| Some((kind, rest.rsplit_once(':')?)));
    let permission = |kind: &str, name: &str, operation: &str| Permission {
        kind: kind.to_owned(),
        name: name.to_owned(),
        operation: operation.to_owned(),
    };
    match parts {
        Some((kind, (name, actions)))
            if !kind.is_empty() && !name.is_empty() && actions.split(',').all(|operation| !operation.is_empty()) =>
        {
            actions.split(',').map(|operation| permission(kind, name, operation)).collect()
        }
        _ => vec![permission(word, "", "")],
    }
}

fn canonical(permissions: &BTreeSet<Permission>) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut before = None;
    for Permission { kind, name, operation } in permissions {
        match words.last_mut() {
            Some(word) if before == Some((kind, name)) => *word = format!("{word},{operation}"),
            _ if name.is_empty() => words.push(kind.clone()),
            _ => words.push(format!("{kind}:{name}:{operation}")),
        }
        before = Some((kind, name));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIXED: &str = "otherScope registry:catalog:* repository:bar/baz:pull repository:foo:delete yetAnotherScope";

    fn canonical_of(text: &str) -> String {
        Scopes::parse(text).iter().cloned().collect::<Scopes>().to_string()
    }

    fn permission(kind: &str, name: &str, operation: &str) -> Permission {
        Permission { kind: kind.to_owned(), name: name.to_owned(), operation: operation.to_owned() }
    }

    #[test]
    fn a_scope_is_spelled_in_the_registrys_own_words() {
        let both = Scopes::repository("foo/bar", &["pull", "push"]);
        assert_eq!(both.to_string(), "repository:foo/bar:pull,push");
        assert!(
            both.iter().eq(&[permission("repository", "foo/bar", "pull"), permission("repository", "foo/bar", "push")])
        );
        let catalog: Scopes = [permission("registry", "catalog", "*")].into_iter().collect();
        assert_eq!((catalog.to_string().as_str(), catalog.is_unlimited()), ("registry:catalog:*", false));
    }

    #[test]
    fn a_text_is_given_back_as_it_was_written() {
        for text in ["repository:foo/bar/baz:push,pull", "otherScope  registry:catalog:* otherScope", " b a", "*", ""] {
            assert_eq!(Scopes::parse(text).to_string(), text);
        }
    }

    #[test]
    fn texts_are_kept_and_have_a_canonical_form() {
        for (text, expected) in [
            ("", ""),
            ("repository:foo/bar/baz:pull", "repository:foo/bar/baz:pull"),
            ("repository:foo/bar/baz:push,pull", "repository:foo/bar/baz:pull,push"),
            (
                "repository:foo/bar/baz:push,pull repository:other:pull",
                "repository:foo/bar/baz:pull,push repository:other:pull",
            ),
            (
                "repository:foo/bar/baz:push,pull registry:catalog:* repository:other:pull",
                "registry:catalog:* repository:foo/bar/baz:pull,push repository:other:pull",
            ),
            ("otherScope", "otherScope"),
            ("repository:foo/bar/baz:delete,push,pull", "repository:foo/bar/baz:delete,pull,push"),
            (
                "repository:foo/bar/baz:delete,pull,push repository:other:pull otherScope",
                "otherScope repository:foo/bar/baz:delete,pull,push repository:other:pull",
            ),
            (
                "repository:foo/bar/baz:delete,pull,push otherScope repository:foo/bar/baz:pull,push repository:other:pull otherScope",
                "otherScope repository:foo/bar/baz:delete,pull,push repository:other:pull",
            ),
            ("repository:host:5000/samalba/my-app:push,pull", "repository:host:5000/samalba/my-app:pull,push"),
            ("repository(plugin):a/b:pull", "repository(plugin):a/b:pull"),
            ("  b \t a ", "a b"),
            ("a:b a::c :b:c a:b: a:b:c,,d", ":b:c a::c a:b a:b: a:b:c,,d"),
        ] {
            assert_eq!(Scopes::parse(text).to_string(), text, "o39");
            assert_eq!(canonical_of(text), expected, "o40 {text}");
            assert_eq!(Scopes::parse(text), Scopes::parse(expected), "equality ignores the text");
        }
    }

    #[test]
    fn a_word_of_no_form_is_a_permission_by_itself() {
        assert_eq!(Scopes::parse("otherScope").iter().collect::<Vec<_>>(), [&permission("otherScope", "", "")]);
        assert_eq!(Scopes::parse("a:b").iter().collect::<Vec<_>>(), [&permission("a:b", "", "")]);
        let with_port = permission("repository", "host:5000/app", "pull");
        assert_eq!(Scopes::parse("repository:host:5000/app:pull").iter().collect::<Vec<_>>(), [&with_port]);
    }

    #[test]
    fn permissions_come_in_the_order_of_type_name_and_action() {
        let scopes = Scopes::parse("b:a:c b:a:b a:z:z b a:b:z");
        let sorted = [
            permission("a", "b", "z"),
            permission("a", "z", "z"),
            permission("b", "", ""),
            permission("b", "a", "b"),
            permission("b", "a", "c"),
        ];
        assert!(scopes.iter().eq(&sorted) && sorted.is_sorted());
        assert_eq!(Scopes::parse("*").iter().count(), 0);
    }

    #[test]
    fn a_union_has_both_and_keeps_the_text_it_adds_nothing_to() {
        for (left, right, expected) in [
            ("", "", ""),
            ("", "repository:foo:pull", "repository:foo:pull"),
            ("repository:foo:pull", "", "repository:foo:pull"),
            ("repository:bar/baz:something,pull arble", "arble", "repository:bar/baz:something,pull arble"),
            ("repository:foo:push,pull", "repository:foo:pull,push", "repository:foo:push,pull"),
            ("repository:foo:push", "repository:foo:pull", "repository:foo:pull,push"),
            ("*", "repository:foo:pull", "*"),
            ("repository:foo:pull", "*", "*"),
            ("*", "*", "*"),
            (
                "anotherScope:bad otherScope repository:arble:pull repository:foo:pull,push",
                "otherScope registry:catalog:* repository:foo:delete repository:bar/baz:pull yetAnotherScope",
                "anotherScope:bad otherScope registry:catalog:* repository:arble:pull repository:bar/baz:pull repository:foo:delete,pull,push yetAnotherScope",
            ),
        ] {
            let (left, right) = (Scopes::parse(left), Scopes::parse(right));
            assert_eq!(left.union(&right).to_string(), expected, "{left} ∪ {right}");
            assert_eq!(left.union(&right), right.union(&left));
        }
    }

    #[test]
    fn a_set_contains_what_it_holds_all_of() {
        let mixed = "otherScope registry:catalog:* repository:bar/baz:push,pull repository:foo:delete yetAnotherScope";
        for (set, part, contained) in [
            ("", "", true),
            ("foo", "", true),
            ("*", "foo", true),
            ("foo", "*", false),
            ("*", "*", true),
            (mixed, "otherScope registry:catalog:* repository:bar/baz:pull", true),
            ("repository:bar/baz:push", "repository:bar/baz:pull", false),
            (
                "otherScope registry:catalog:* repository:bar/baz:push",
                "otherScope registry:catalog:* repository:bar/baz:pull",
                false,
            ),
            (mixed, "repository:other:pull", false),
            (mixed, "arble zaphod", false),
            (mixed, "arble", false),
        ] {
            assert_eq!(Scopes::parse(set).contains(&Scopes::parse(part)), contained, "{set} ⊇ {part}");
        }
    }

    #[test]
    fn a_set_holds_single_permissions() {
        let without_catalog = MIXED.replace("registry:catalog:* ", "");
        for (set, permission, held) in [
            (MIXED, permission("repository", "bar/baz", "pull"), true),
            (MIXED, permission("repository", "bar/baz", "push"), false),
            (MIXED, permission("registry", "catalog", "*"), true),
            (&without_catalog, permission("registry", "catalog", "*"), false),
            (MIXED, permission("otherScope", "", ""), true),
            (MIXED, permission("notThere", "", ""), false),
            ("", permission("repository", "foo", "pull"), false),
            ("*", permission("anything", "at", "all"), true),
        ] {
            assert_eq!(Scopes::parse(set).holds(&permission), held, "{permission:?}");
        }
    }

    #[test]
    fn permissions_are_counted_unless_there_is_no_limit() {
        let union = Scopes::parse("repository:foo:pull,push repository:bar:pull,delete other")
            .union(&Scopes::parse("repository:bar:pull repository:bar:push repository:baz:pull more"));
        assert_eq!(union.len(), Some(8));
        for (text, count) in [
            ("repository:foo:pull,push repository:bar:pull,delete other registry:catalog:*", Some(6)),
            ("", Some(0)),
            ("registry:catalog:*", Some(1)),
            ("*", None),
            ("a *", None),
        ] {
            let scopes = Scopes::parse(text);
            assert_eq!((scopes.len(), scopes.is_unlimited()), (count, count.is_none()), "{text}");
            assert_eq!(scopes.is_empty(), count == Some(0), "{text}");
        }
        assert!(Scopes::none().is_empty());
        assert_eq!(Scopes::repository("a/b", &["pull", "push"]).to_string(), "repository:a/b:pull,push");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_the_same(text in "([a-c:,* ]|\\PC){0,24}") {
            let scopes = Scopes::parse(&text);
            prop_assert_eq!(&Scopes::parse(&scopes.to_string()), &scopes);
            if !scopes.is_unlimited() {
                let printed = canonical_of(&text);
                prop_assert_eq!(&Scopes::parse(&printed), &scopes);
                prop_assert_eq!(canonical_of(&printed), printed);
            }
        }
    }
}
