//! `YamlNode`: YAML as a tree. Aliases share the node of their anchor, so that a file with many aliases needs little
//! memory. Only this module uses the crate `granit-parser`.

#[cfg(test)]
mod go_yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use granit_parser::{Event, Options, Parser, ScalarStyle, Tag};

use super::budget::Budget;

/// The largest number of nodes in a file. Real Compose files have a few hundred nodes.
const NODES_AT_MOST: usize = 50_000;
const DEPTH_AT_MOST: usize = 64;
/// The number of steps that a reader of a tree needs for each node.
const STEPS_A_NODE: u64 = 32;

/// A YAML value. Numbers and booleans are stored as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum YamlNode {
    Nothing,
    Text(String),
    List(Vec<Rc<Self>>),
    Map(Vec<(String, Rc<Self>)>),
    /// Compose's tag `!reset`, which removes the value of an earlier file.
    Reset,
    /// Compose's tag `!override`, which replaces an earlier value instead of merging both values.
    Override(Rc<Self>),
}

impl YamlNode {
    /// Returns the value of `key` in a map, or `Nothing` if there is no value.
    pub(super) fn get(&self, key: &str) -> &Self {
        let is_value = |(name, node): &&(String, Rc<Self>)| name == key && **node != Self::Reset;
        self.map().iter().rev().find(is_value).map_or(&Self::Nothing, |(_, node)| node)
    }

    /// Returns the value of `key`, even if the value is null or `!reset`.
    pub(super) fn entry(&self, key: &str) -> Option<&Rc<Self>> {
        self.map().iter().rev().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self.plain() {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> &[Rc<Self>] {
        match self.plain() {
            Self::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn map(&self) -> &[(String, Rc<Self>)] {
        match self.plain() {
            Self::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns a single text, or all texts of a list.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.text().map_or_else(|| self.list().iter().filter_map(|item| item.text()).collect(), |text| vec![text])
    }

    /// Adds the steps for reading the whole tree to the budget. A node with many aliases counts once for each alias.
    /// Returns false once the budget is used up.
    pub(super) fn spend(&self, budget: &Budget) -> bool {
        let spend = |text: &str| budget.spend(STEPS_A_NODE + text.len() as u64);
        match self {
            Self::Nothing | Self::Reset => spend(""),
            Self::Text(text) => spend(text),
            Self::List(items) => spend("") && items.iter().all(|item| item.spend(budget)),
            Self::Map(entries) => spend("") && entries.iter().all(|(key, node)| spend(key) && node.spend(budget)),
            Self::Override(node) => node.spend(budget),
        }
    }

    /// Returns the value without its tag `!override`.
    pub(super) fn plain(&self) -> &Self {
        match self {
            Self::Override(node) => node,
            node => node,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct YamlFile {
    pub(super) documents: Vec<Rc<YamlNode>>,
    /// Compose refuses a file in which a key occurs twice. Other clients use the last value of a repeated key.
    pub(super) has_same_key_twice: bool,
}

/// Parses all documents of a file. Returns `None` if a document is broken or exceeds a limit.
pub(super) fn read(text: &str, budget: &Budget) -> Option<YamlFile> {
    let yaml = YamlFile { documents: Vec::new(), has_same_key_twice: false };
    let mut tree = YamlBuilder { yaml, open: Vec::new(), anchors: BTreeMap::new(), nodes_left: NODES_AT_MOST };
    // Each character is counted when it is read, because the parser may read the whole text for one event.
    let text = text.chars().map_while(|c| budget.spend(1).then_some(c)).fuse();
    let mut options = Options::default();
    options.bom_inside_document_as_content = true; // as libyaml does
    for event in Parser::new_from_iter_with_options(text, options) {
        tree.take(event.ok()?.0)?;
    }
    budget.is_left().then_some(tree.yaml)
}

/// Builds the tree from the parser's events.
struct YamlBuilder {
    yaml: YamlFile,
    open: Vec<OpenCollection>,
    /// The node of each anchor, with the depth of its tree. An alias adds this depth to the document's depth, which is
    /// limited.
    anchors: BTreeMap<usize, (Rc<YamlNode>, usize)>,
    nodes_left: usize,
}

/// A list or map whose end is not read yet.
struct OpenCollection {
    node: YamlNode,
    anchor: usize,
    tag: Option<MergeTag>,
    /// In a map, the key whose value is not read yet.
    key: Option<String>,
    /// The keys of the map itself, without the keys from `<<`.
    keys: BTreeSet<String>,
    levels: usize,
}

impl YamlBuilder {
    fn take(&mut self, event: Event<'_>) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain =
                    style == ScalarStyle::Plain && tag.as_deref().is_none_or(|tag| tag.is_yaml_core_schema_tag("null"));
                let is_nothing = is_plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let node = if is_nothing { YamlNode::Nothing } else { YamlNode::Text(text.into_owned()) };
                self.finish(tagged(node, local(tag.as_deref())), anchor, 0)
            }
            Event::SequenceStart(_, anchor, tag) => self.begin(YamlNode::List(Vec::new()), anchor, tag.as_deref()),
            Event::MappingStart(_, anchor, tag) => self.begin(YamlNode::Map(Vec::new()), anchor, tag.as_deref()),
            Event::SequenceEnd | Event::MappingEnd => {
                let OpenCollection { node, anchor, tag, levels, .. } = self.open.pop()?;
                self.finish(tagged(node, tag), anchor, levels)
            }
            Event::Alias(anchor) => {
                let (node, levels) = self.anchors.get(&anchor)?.clone(); // an alias within its own anchor fails
                self.add(node, levels)
            }
            _ => Some(()), // the start or end of the stream or a document
        }
    }

    fn begin(&mut self, node: YamlNode, anchor: usize, tag: Option<&Tag>) -> Option<()> {
        (self.open.len() < DEPTH_AT_MOST).then_some(())?;
        self.open.push(OpenCollection { node, anchor, tag: local(tag), key: None, keys: BTreeSet::new(), levels: 0 });
        Some(())
    }

    fn finish(&mut self, node: YamlNode, anchor: usize, levels: usize) -> Option<()> {
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), levels));
        }
        self.add(node, levels)
    }

    fn add(&mut self, node: Rc<YamlNode>, levels: usize) -> Option<()> {
        (levels < DEPTH_AT_MOST).then_some(())?;
        self.spend(1)?;
        let Some(mut open) = self.open.pop() else {
            self.yaml.documents.push(node);
            return Some(());
        };
        open.levels = open.levels.max(levels + 1);
        match (&mut open.node, open.key.take()) {
            (YamlNode::List(items), _) => items.push(node),
            (YamlNode::Map(_), None) => {
                let key = node.text().unwrap_or_default().to_owned();
                self.yaml.has_same_key_twice |= !open.keys.insert(key.clone());
                open.key = Some(key);
            }
            (YamlNode::Map(entries), Some(key)) if key == "<<" => {
                // The last entry with a key wins, so merged keys are inserted before explicit keys.
                let sources = if node.list().is_empty() { vec![node] } else { node.list().to_vec() };
                let added: usize = sources.iter().map(|source| source.map().len()).sum();
                self.spend(added + entries.len())?; // before the entries are copied
                let merged: Vec<_> = sources.iter().rev().flat_map(|source| source.map().iter().cloned()).collect();
                entries.splice(0..0, merged);
            }
            (YamlNode::Map(entries), Some(key)) => entries.push((key, node)),
            _ => return None,
        }
        self.open.push(open);
        Some(())
    }

    fn spend(&mut self, nodes: usize) -> Option<()> {
        self.nodes_left = self.nodes_left.checked_sub(nodes)?;
        Some(())
    }
}

/// Compose's own tags.
#[derive(Clone, Copy)]
enum MergeTag {
    Reset,
    Override,
}

fn local(tag: Option<&Tag>) -> Option<MergeTag> {
    match tag.map(|tag| (tag.handle(), tag.suffix())) {
        Some(("!", "reset")) => Some(MergeTag::Reset),
        Some(("!", "override")) => Some(MergeTag::Override),
        _ => None,
    }
}

fn tagged(node: YamlNode, mark: Option<MergeTag>) -> YamlNode {
    match mark {
        Some(MergeTag::Reset) => YamlNode::Reset,
        Some(MergeTag::Override) => YamlNode::Override(Rc::new(node)),
        None => node,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::system::thread_time;
    use proptest::prelude::*;

    fn documents(text: &str) -> Option<Vec<Rc<YamlNode>>> {
        Some(read(text, &Budget::new())?.documents)
    }

    fn at(text: &str, path: &str) -> String {
        let mut node = documents(text).unwrap()[0].clone();
        for key in path.split('.') {
            node = match key.parse::<usize>() {
                Ok(place) => node.list()[place].clone(),
                Err(_) => Rc::new(node.get(key).clone()),
            };
        }
        node.texts().join(",")
    }

    #[test]
    fn values_are_found_under_their_keys() {
        for (text, path, expected) in [
            ("a: b", "a", "b"),
            ("a: {b: [c, 'd', \"e\"]}", "a.b", "c,d,e"),
            ("a:\n  - b: c\n", "a.0.b", "c"),
            ("a: null\nb: ~\nc:\n", "a", ""),
            ("a: 'null'", "a", "null"),
            ("a: !!str null", "a", "null"),
            ("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}", "y.a", "1"),
            ("x: &x {a: 1, b: 2}\ny: {b: 3, <<: *x}", "y.b", "3"),
            ("x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz: {<<: [*x, *y]}", "z.a", "1"),
            ("x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz: {<<: [*x, *y]}", "z.b", "2"),
            ("a: &a b\nc: *a", "c", "b"),
            ("a: !override [b]", "a", "b"),
            ("a: !reset [b]", "a", ""),
            ("{\"a\": \"b\"}", "a", "b"),
        ] {
            assert_eq!(at(text, path), expected, "{text}");
        }
        assert_eq!(documents("a: b\n---\nc: d\n").unwrap().len(), 2);
        assert_eq!(documents("").unwrap().len(), 0);
    }

    #[test]
    fn files_are_taken_that_go_yaml_takes() {
        use go_yaml::{REFUSED, REFUSED_BY_US, TAKEN, TAKEN_BY_US};
        for (texts, is_taken) in [(TAKEN, true), (TAKEN_BY_US, true), (REFUSED, false), (REFUSED_BY_US, false)] {
            for text in texts {
                assert_eq!(documents(text).is_some(), is_taken, "{text:?}");
            }
        }
        for text in ["a: b\na: c", "{a: b, a: c}", "x: {y: [{a: b, a: c}]}"] {
            assert!(read(text, &Budget::new()).unwrap().has_same_key_twice, "{text}");
        }
        for text in ["x: &x {a: b}\ny: {<<: *x, a: c}", "x: &x {a: b}\ny: {a: c, <<: [*x, *x]}"] {
            assert!(!read(text, &Budget::new()).unwrap().has_same_key_twice, "{text}");
        }
    }

    #[test]
    fn what_is_broken_or_too_much_is_nothing() {
        let mut bomb = "l0: &l0 {k: v}\n".to_owned();
        let mut merges = "m0: &m0 {k: v}\n".to_owned();
        for (n, before) in (1..40).zip(0..) {
            bomb = format!("{bomb}l{n}: &l{n} [*l{before}, *l{before}, *l{before}]\n");
            merges = format!("{merges}m{n}: &m{n} {{k{n}: v, <<: [*m{before}, *m{before}, *m{before}]}}\n");
        }
        let keys: Vec<_> = (0..6000).map(|n| format!("k{n}: ")).collect();
        let wide = format!("x: &a {{{}}}\ny: {{<<: [{}]}}\n", keys.join(","), vec!["*a"; 30_000].join(","));
        for text in [
            &wide, // 180 million entries, if the limit did not count them before they are built
            "a: [b",
            "a: *b",
            "a: &a [*a]",
            &"[".repeat(1 << 20),
            &"{a: ".repeat(1 << 18),
            &"- ".repeat(1 << 19),
            &"? ".repeat(1 << 19),
            &"a: &a b\n".repeat(60_000),
            &format!("a: &a [b]\n{}", "a: &a [*a]\n".repeat(20_000)),
            &merges,
        ] {
            let start = thread_time();
            assert!(documents(text).is_none(), "{}", &text[..20.min(text.len())]);
            assert!(thread_time() < start + Duration::from_secs(5), "{}", &text[..4]);
        }
        assert_eq!(documents(&bomb).unwrap().len(), 1, "a bomb of aliases is small while it is not expanded");
        assert!(read(&"a: b\n".repeat(2000), &Budget::used_up()).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(text in "(\\PC|[\\[\\]{}:,&*!|>'\"#%@?\\n\\t -]|<<|: ){0,60}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            documents(&text);
            documents(&String::from_utf8_lossy(&bytes));
        }
    }
}
