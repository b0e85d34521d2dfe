//! `Node`: YAML as a tree whose anchors are shared, never copied, so that no file grows in memory. The home of
//! `saphyr-parser`.

use std::collections::BTreeMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::budget::Budget;

/// Compose files that people wrote have some hundred.
const NODES_AT_MOST: usize = 50_000;
const DEPTH_AT_MOST: usize = 64;

/// One value. Numbers and booleans are text here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Nothing,
    Text(String),
    List(Vec<Rc<Self>>),
    Map(Vec<(String, Rc<Self>)>),
    /// Compose's `!reset`: takes away what an earlier file said.
    Reset,
    /// Compose's `!override`: replaces it instead of adding to it.
    Override(Rc<Self>),
}

impl Node {
    /// The value under `key`, if this is a map that has one.
    pub(super) fn get(&self, key: &str) -> Option<&Rc<Self>> {
        self.map().iter().rev().find(|(name, node)| name == key && **node != Self::Nothing).map(|(_, node)| node)
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

    /// A text, or a list of them.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.text().map_or_else(|| self.list().iter().filter_map(|item| item.text()).collect(), |text| vec![text])
    }

    fn plain(&self) -> &Self {
        match self {
            Self::Override(node) => node,
            node => node,
        }
    }
}

/// Reads all documents; `None` if one is broken, or there is more than files hold that people write.
pub(super) fn documents(text: &str, budget: &Budget) -> Option<Vec<Rc<Node>>> {
    let mut tree =
        Tree { documents: Vec::new(), open: Vec::new(), anchors: BTreeMap::new(), nodes_left: NODES_AT_MOST };
    // One event may take in all of the text, so that it is counted as it is read.
    let text = text.chars().map_while(|c| budget.spend(1).then_some(c)).fuse();
    for event in Parser::new_from_iter(text) {
        tree.take(event.ok()?.0)?;
    }
    budget.is_left().then_some(tree.documents)
}

/// What is built so far.
struct Tree {
    documents: Vec<Rc<Node>>,
    open: Vec<Open>,
    /// With how many levels are below, for aliases can stack them up.
    anchors: BTreeMap<usize, (Rc<Node>, usize)>,
    nodes_left: usize,
}

/// A list or map that has begun.
struct Open {
    node: Node,
    anchor: usize,
    tag: Option<String>,
    /// A map's key that waits for its value.
    key: Option<String>,
    levels: usize,
}

impl Tree {
    fn take(&mut self, event: Event<'_>) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_nothing = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let node = if is_nothing { Node::Nothing } else { Node::Text(text.into_owned()) };
                self.finish(tagged(node, suffix(tag.as_deref()).as_deref()), anchor, 0)
            }
            Event::SequenceStart(anchor, tag) => self.begin(Node::List(Vec::new()), anchor, tag.as_deref()),
            Event::MappingStart(anchor, tag) => self.begin(Node::Map(Vec::new()), anchor, tag.as_deref()),
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { node, anchor, tag, levels, .. } = self.open.pop()?;
                self.finish(tagged(node, tag.as_deref()), anchor, levels)
            }
            Event::Alias(anchor) => {
                let (node, levels) = self.anchors.get(&anchor)?.clone(); // one that contains itself is not there yet
                self.add(node, levels)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Some(())
            }
        }
    }

    fn begin(&mut self, node: Node, anchor: usize, tag: Option<&Tag>) -> Option<()> {
        (self.open.len() < DEPTH_AT_MOST).then_some(())?;
        self.open.push(Open { node, anchor, tag: suffix(tag), key: None, levels: 0 });
        Some(())
    }

    fn finish(&mut self, node: Node, anchor: usize, levels: usize) -> Option<()> {
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), levels));
        }
        self.add(node, levels)
    }

    fn add(&mut self, node: Rc<Node>, levels: usize) -> Option<()> {
        (levels < DEPTH_AT_MOST).then_some(())?;
        self.spend(1)?;
        let Some(mut open) = self.open.pop() else {
            self.documents.push(node);
            return Some(());
        };
        open.levels = open.levels.max(levels + 1);
        match (&mut open.node, open.key.take()) {
            (Node::List(items), _) => items.push(node),
            (Node::Map(_), None) => open.key = Some(node.text().unwrap_or_default().to_owned()),
            (Node::Map(entries), Some(key)) if key == "<<" => {
                // Explicit keys win over merged ones wherever they stand: those are put in front.
                let sources = if node.list().is_empty() { vec![node] } else { node.list().to_vec() };
                let added: usize = sources.iter().map(|source| source.map().len()).sum();
                self.spend(added + entries.len())?; // before anything is copied
                let merged: Vec<_> = sources.iter().rev().flat_map(|source| source.map().iter().cloned()).collect();
                entries.splice(0..0, merged);
            }
            (Node::Map(entries), Some(key)) => entries.push((key, node)),
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

fn suffix(tag: Option<&Tag>) -> Option<String> {
    tag.map(|tag| tag.suffix.clone())
}

fn tagged(node: Node, tag: Option<&str>) -> Node {
    match tag {
        Some("reset") => Node::Reset,
        Some("override") => Node::Override(Rc::new(node)),
        _ => node,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<Vec<Rc<Node>>> {
        documents(text, &Budget::new())
    }

    fn at(text: &str, path: &str) -> String {
        let mut node = read(text).unwrap()[0].clone();
        for key in path.split('.') {
            node = match key.parse::<usize>() {
                Ok(place) => node.list()[place].clone(),
                Err(_) => node.get(key).cloned().unwrap_or(Rc::new(Node::Nothing)),
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
        assert_eq!(read("a: b\n---\nc: d\n").unwrap().len(), 2);
        assert_eq!(read("").unwrap().len(), 0);
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
            &wide, // 180 million entries, had they been built before they were counted
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
            let start = Instant::now();
            assert!(read(text).is_none(), "{}", &text[..20.min(text.len())]);
            assert!(start.elapsed() < Duration::from_secs(5), "{}", &text[..4]);
        }
        assert_eq!(read(&bomb).unwrap().len(), 1, "a bomb of aliases is small as long as nobody unfolds it");
        assert!(documents(&"a: b\n".repeat(2000), &Budget::used_up()).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(text in "(\\PC|[\\[\\]{}:,&*!|>'\"#%@?\\n\\t -]|<<|: ){0,60}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            read(&text);
            read(&String::from_utf8_lossy(&bytes));
        }
    }
}
