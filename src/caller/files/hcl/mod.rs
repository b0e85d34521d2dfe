//! Bake's HCL, as much of it as says which images a target has; calls and loops are left open.
//!
//! hashicorp/hcl `hclsyntax/spec.md`. hcl-edit reads all of it and costs 250 KB, a twentieth of the program.

mod text;

use text::{is_name, simple};

const DEPTH_AT_MOST: usize = 32;
/// Names and values; bake files that people wrote have some hundred.
const PARTS_AT_MOST: usize = 20_000;

/// What an attribute is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    Null,
    Text(String),
    /// `"…${…}…"`
    Template(Vec<Self>),
    Variable(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
    /// `condition ? one : other`, of which we do not know which.
    Either(Box<[Self; 2]>),
    Unknown,
}

/// `kind "label" { name = expression … }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) kind: String,
    pub(super) label: String,
    pub(super) attributes: Vec<(String, Expression)>,
}

/// Reads a whole file; `None` if it is broken.
pub(super) fn blocks(text: &str) -> Option<Vec<Block>> {
    let mut reader = Reader::new(text);
    let mut blocks = Vec::new();
    reader.body(&mut blocks, None)?;
    reader.rest.is_empty().then_some(blocks)
}

/// Reads the inside of a quoted text, which in bake's JSON is a template too.
pub(super) fn template(text: &str) -> Option<Expression> {
    let mut reader = Reader::new(text);
    let parts = reader.template_until(None)?;
    Some(simple(parts))
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
    parts_left: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self { rest: text, depth: 0, parts_left: PARTS_AT_MOST }
    }

    /// Counts one more name or value; `None` if there are too many.
    fn count(&mut self) -> Option<()> {
        self.parts_left = self.parts_left.checked_sub(1)?;
        Some(())
    }

    /// Blocks and attributes up to the brace that closes them; attributes go to `attributes` if there is a block.
    fn body(&mut self, blocks: &mut Vec<Block>, mut attributes: Option<&mut Vec<(String, Expression)>>) -> Option<()> {
        loop {
            self.skip(true);
            if self.rest.is_empty() || self.rest.starts_with('}') {
                return Some(());
            }
            let name = self.name_or_text()?;
            self.skip(false);
            if self.takes("=") {
                let value = self.expression(false)?;
                if let Some(attributes) = attributes.as_deref_mut() {
                    attributes.push((name, value));
                }
                continue;
            }
            let mut label = String::new();
            while !self.takes("{") {
                label = self.name_or_text()?;
                self.skip(false);
            }
            let mut inner = Block { kind: name, label, attributes: Vec::new() };
            self.nested(|reader| {
                let mut within = Vec::new(); // blocks in blocks (`validation`) say nothing about images
                reader.body(&mut within, Some(&mut inner.attributes))
            })?;
            self.takes("}").then_some(())?;
            blocks.push(inner);
        }
    }

    /// An expression with what may follow it; `in_brackets` a line's end does not end it.
    fn expression(&mut self, in_brackets: bool) -> Option<Expression> {
        const OPERATORS: [&str; 13] = ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "%"];
        self.nested(|reader| {
            reader.skip(in_brackets);
            let mut value = reader.operand()?;
            loop {
                reader.skip(in_brackets);
                if reader.takes("?") {
                    let one = reader.expression(true)?;
                    reader.skip(true);
                    reader.takes(":").then_some(())?;
                    let other = reader.expression(in_brackets)?;
                    return Some(Expression::Either(Box::new([one, other])));
                }
                if !OPERATORS.iter().any(|operator| reader.takes(operator)) {
                    return Some(value);
                }
                reader.skip(true);
                reader.operand()?;
                value = Expression::Unknown;
            }
        })
    }

    fn operand(&mut self) -> Option<Expression> {
        self.count()?;
        while self.takes("!") || self.takes("-") {
            self.skip(false);
        }
        let mut value = match self.rest.chars().next()? {
            '"' => self.quoted()?,
            '[' => self.list()?,
            '{' => self.map()?,
            '(' => {
                self.rest = &self.rest[1..];
                let value = self.expression(true)?;
                self.skip(true);
                self.takes(")").then_some(())?;
                value
            }
            '<' => self.here_document()?,
            c if c.is_ascii_digit() => Expression::Text(self.run(|c| c.is_ascii_alphanumeric() || c == '.')),
            _ => match self.name()?.as_str() {
                "null" => Expression::Null,
                name @ ("true" | "false") => Expression::Text(name.to_owned()),
                name => Expression::Variable(name.to_owned()),
            },
        };
        // A call, an index, an attribute: what comes of it is not followed.
        loop {
            if self.takes("(") {
                self.items(")")?;
            } else if self.takes("[") {
                self.items("]")?;
            } else if self.takes(".") {
                let field = self.run(|c| is_name(c) || c == '*');
                if let Expression::Variable(name) = &mut value
                    && !name.contains('.')
                {
                    *name = format!("{name}.{field}"); // of a matrix's member; of anything else nothing is known
                    continue;
                }
            } else {
                return Some(value);
            }
            value = Expression::Unknown;
        }
    }

    fn list(&mut self) -> Option<Expression> {
        self.takes("[");
        self.skip(true);
        if self.begins_loop() {
            self.pass_over(']')?;
            return Some(Expression::Unknown);
        }
        self.items("]").map(Expression::List)
    }

    fn items(&mut self, end: &str) -> Option<Vec<Expression>> {
        let mut items = Vec::new();
        loop {
            self.skip(true);
            if self.takes(end) {
                return Some(items);
            }
            if !self.takes("*") {
                items.push(self.expression(true)?);
            }
            self.skip(true);
            let _ = self.takes("...");
            self.skip(true);
            if !self.takes(",") {
                self.takes(end).then_some(())?;
                return Some(items);
            }
        }
    }

    fn map(&mut self) -> Option<Expression> {
        self.takes("{");
        self.skip(true);
        if self.begins_loop() {
            self.pass_over('}')?;
            return Some(Expression::Unknown);
        }
        let mut entries = Vec::new();
        loop {
            self.skip(true);
            if self.takes("}") {
                return Some(Expression::Map(entries));
            }
            let key = if self.rest.starts_with('(') {
                self.operand()?;
                String::new()
            } else {
                self.name_or_text()?
            };
            self.skip(false);
            (self.takes("=") || self.takes(":")).then_some(())?;
            entries.push((key, self.expression(false)?));
            self.skip(false);
            let _ = self.takes(",");
        }
    }

    fn begins_loop(&self) -> bool {
        self.rest.strip_prefix("for").is_some_and(|rest| rest.starts_with(char::is_whitespace))
    }

    /// Up to the bracket that closes the one that is open.
    fn pass_over(&mut self, end: char) -> Option<()> {
        self.nested(|reader| {
            loop {
                reader.skip(true);
                let c = reader.rest.chars().next()?;
                match c {
                    '"' => drop(reader.quoted()?),
                    '(' | '[' | '{' => {
                        reader.rest = &reader.rest[1..];
                        reader.pass_over(match c {
                            '(' => ')',
                            '[' => ']',
                            _ => '}',
                        })?;
                    }
                    _ => reader.rest = &reader.rest[c.len_utf8()..],
                }
                if c == end {
                    return Some(());
                }
            }
        })
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        (self.depth < DEPTH_AT_MOST).then_some(())?;
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(expression: &str) -> Option<Expression> {
        let mut blocks = blocks(&format!("target \"x\" {{\n  a = {expression}\n  b = 1\n}}\n"))?;
        (blocks[0].attributes.len() == 2).then(|| blocks.remove(0).attributes.remove(0).1)
    }

    fn text(text: &str) -> Expression {
        Expression::Text(text.into())
    }

    #[test]
    fn expressions_are_read_as_far_as_images_need() {
        let variable = |name: &str| Expression::Variable(name.into());
        let either = |one, other| Expression::Either(Box::new([one, other]));
        for (source, expected) in [
            ("\"b\"", text("b")),
            ("\"b \\\"c\\\" $${d}\"", text("b \"c\" ${d}")),
            ("B", variable("B")),
            ("\"b:${ C }\"", Expression::Template(vec![text("b:"), variable("C")])),
            ("\"${C}\"", variable("C")),
            (
                "\"%{ if true }b%{ endif }\"",
                Expression::Template(vec![Expression::Unknown, text("b"), Expression::Unknown]),
            ),
            ("[\"b\", C, ] # note", Expression::List(vec![text("b"), variable("C")])),
            ("[ // note\n \"b\",\n /* \n */ \"c\"\n]", Expression::List(vec![text("b"), text("c")])),
            ("{ b = \"c\"\n \"d\": E, }", Expression::Map(vec![("b".into(), text("c")), ("d".into(), variable("E"))])),
            ("equal(\"b\", C) ? \"d\" : E", either(text("d"), variable("E"))),
            ("C != \"\" ? [\"d\"] : []", either(Expression::List(vec![text("d")]), Expression::List(vec![]))),
            ("formatdate(\"YYYY\", timestamp())", Expression::Unknown),
            ("target.y.tags[0]", Expression::Unknown),
            ("item.tag", variable("item.tag")),
            (&format!("a{}", ".b".repeat(1 << 17)), Expression::Unknown),
            ("[for t in [\"b\"] : \"c:${t}\"]", Expression::Unknown),
            ("1 + 2", Expression::Unknown),
            ("(true)", text("true")),
            ("null", Expression::Null),
            ("<<EOT\nFROM b\nEOT", text("FROM b\n")),
        ] {
            assert_eq!(read(source), Some(expected), "{source}");
        }
    }

    #[test]
    fn what_is_broken_or_too_deep_is_nothing() {
        for source in [
            "\"b",
            "[\"b\"",
            "{b = c",
            "b c",
            "",
            "${b}",
            "f(",
            "<<EOT\nb",
            "b ? c",
            &"[".repeat(1 << 20),
            &"(".repeat(1 << 20),
            &"\"${".repeat(1 << 19),
            &"f(".repeat(1 << 19),
            &"{a=".repeat(1 << 19),
            &"<<A\n${".repeat(100_000),
            &"[for \"%{ ".repeat(100_000),
            &"!".repeat(1 << 20),
        ] {
            assert_eq!(read(source), None, "{}", &source[..source.len().min(20)]);
        }
        assert_eq!(blocks(&"a {".repeat(100_000)), None);
        assert_eq!(blocks("}"), None);
        assert_eq!(blocks("variable \"A\" {}\ntarget b { a = 1 }").unwrap().len(), 2);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "((a|=|\\{|\\}|\\[|\\]|\\(|\\)|\"|\\$\\{|%\\{|<<A|A|for |\\?|:|,|#|/\\*|\\PC)[ \\n]?){0,40}") {
            blocks(&text);
            template(&text);
        }
    }
}
