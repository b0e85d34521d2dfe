//! Breaks lines that are too long for a terminal. Commands, paths and addresses are not broken, so that a person can
//! copy them.

use std::fmt::Write;

use dialoguer::console::{Alignment, Term, measure_text_width, pad_str};

/// The minimum width for broken lines. A narrower terminal breaks the lines itself.
const NARROWEST: usize = 40;

/// The usual width of a terminal, for texts that are always broken.
pub(super) const WIDTH: usize = 80;

/// The maximum indentation of the second part of a broken line. If there is room, the second part begins below the
/// second column.
const WIDEST_INDENT: usize = 16;

/// Breaks text into lines that fit this terminal. Text for a file or another program stays unchanged.
pub(super) fn for_terminal(text: &str, terminal: &Term) -> String {
    match terminal.size_checked() {
        Some((_, columns)) if terminal.is_term() => wrap(text, usize::from(columns).max(NARROWEST)),
        _ => text.to_owned(),
    }
}

/// Adds spaces up to a width in columns of the terminal. A wide character has two columns.
pub(super) fn pad(text: &str, width: usize) -> String {
    pad_str(text, width, Alignment::Left, None).into_owned()
}

pub(super) fn width(text: &str) -> usize {
    measure_text_width(text)
}

pub(super) fn wrap(text: &str, width: usize) -> String {
    let fits = |line: &str| measure_text_width(line) <= width;
    let lines = text.split('\n').map(|line| if fits(line) { line.to_owned() } else { wrap_line(line, width) });
    lines.collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str, width: usize) -> String {
    let (start, columns) = columns(line);
    let indent = match columns[..] {
        [(_, label), (gap, _), ..] if start + measure_text_width(label) + gap <= WIDEST_INDENT => {
            start + measure_text_width(label) + gap // the rest of the line begins below the second column
        }
        _ => start + 2,
    };
    let mut wrapped = String::new();
    let mut at = 0;
    for (gap, piece, is_long) in pieces(&columns, width.saturating_sub(indent)) {
        let length = measure_text_width(piece);
        if at > indent && (is_long || at + gap + length > width) {
            let _ = write!(wrapped, "\n{:indent$}{piece}", "");
            at = indent + length;
        } else {
            let gap = if at == 0 { start } else { gap };
            let _ = write!(wrapped, "{:gap$}{piece}", "");
            at += gap + length;
        }
    }
    wrapped
}

/// Returns the indentation of a line, and its columns with the number of spaces before each column. Two or more spaces
/// separate columns.
fn columns(line: &str) -> (usize, Vec<(usize, &str)>) {
    let mut rest = line.trim_start_matches(' ');
    let start = line.len() - rest.len();
    let (mut columns, mut gap) = (Vec::new(), 0);
    while !rest.is_empty() {
        let (column, after) = rest.split_at(rest.find("  ").unwrap_or(rest.len()));
        columns.push((gap, column));
        rest = after.trim_start_matches(' ');
        gap = after.len() - rest.len();
    }
    (start, columns)
}

/// Splits a line into pieces that must not be broken. A piece is a column that fits on one line, a command after a
/// colon and spaces, or a word. A broken column begins on a new line.
fn pieces<'l>(columns: &[(usize, &'l str)], room: usize) -> Vec<(usize, &'l str, bool)> {
    let mut pieces = Vec::new();
    let mut is_command = false;
    for (gap, column) in columns {
        if is_command || measure_text_width(column) <= room {
            pieces.push((*gap, *column, false));
        } else {
            let words = words(column).into_iter().enumerate();
            pieces.extend(words.map(|(place, word)| (if place == 0 { *gap } else { 1 }, word, place == 0)));
        }
        is_command = column.ends_with(':');
    }
    pieces
}

/// Returns the words of a text. A text between backticks is one word, together with the characters joined to the text.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut start, mut is_quoted) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        is_quoted ^= letter == '`';
        if letter == ' ' && !is_quoted {
            words.push(&text[start..at]);
            start = at + 1;
        }
    }
    words.push(&text[start..]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indentation_may_be_wider_than_the_terminal() {
        assert_eq!(wrap(&format!("{:50}a b", ""), NARROWEST), format!("{:50}a b", ""));
    }

    #[test]
    fn long_lines_are_broken_where_a_person_would() {
        for (text, expected) in [
            ("short\n\n  short", "short\n\n  short"),
            ("error: the registry has no account `nobody`", "error: the registry has no account\n  `nobody`"),
            ("hint: name it: `ensign switch ghcr.io work`", "hint: name it:\n  `ensign switch ghcr.io work`"),
            (
                "Docker asks nobody here:  ensign configure-docker",
                "Docker asks nobody here:\n  ensign configure-docker",
            ),
            (
                "  a very long command:  ensign logout a.long.host.example name",
                "  a very long command:\n    ensign logout a.long.host.example name",
            ),
            (
                "✓ path      version 0.1.0 in a folder of mine",
                "✓ path      version 0.1.0 in a\n            folder of mine",
            ),
            ("  ● somebody@a.example   default   in clear text", "  ● somebody@a.example   default\n    in clear text"),
            (
                "could not read `/a/very/long/path/of/a/folder/and/more` at all",
                "could not read\n  `/a/very/long/path/of/a/folder/and/more`\n  at all",
            ),
            (
                "\u{1b}[1ma-registry.example.com\u{1b}[0m   (signed out: no default)",
                "\u{1b}[1ma-registry.example.com\u{1b}[0m\n  (signed out: no default)",
            ),
            ("an `open quote of so many words and no end to it", "an `open quote of so many words and no end to it"),
        ] {
            assert_eq!(wrap(text, 34), expected, "{text}");
        }
    }
}
