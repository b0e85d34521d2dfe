//! Asks questions that a person answers with a line: a name, a secret, or yes or no.

use std::io::{self, ErrorKind};

use dialoguer::console::{Key, Term, measure_text_width};

use super::wrap;
use crate::system::terminal::KeyMode;
use crate::system::text;

/// What the line editor shows of a typed line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Echo {
    Letters,
    Nothing,
}

/// Asks until the answer is not empty.
pub(super) fn ask(question: &str, echo: Echo) -> io::Result<String> {
    loop {
        let line = read_line(&format!("{question}:"), echo)?;
        if !line.is_empty() {
            return Ok(line);
        }
    }
}

/// Asks a yes-or-no question. Everything but `y` and `yes` means no.
pub(super) fn confirm(question: &str) -> io::Result<bool> {
    let answer = read_line(&format!("{question} [y/N]"), Echo::Letters)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// The error of a person who cancels a question.
pub(super) fn cancelled() -> io::Error {
    io::Error::new(ErrorKind::Interrupted, "cancelled; nothing was changed")
}

/// Reads a key. A signal that ends the program counts as Ctrl-C.
pub(super) fn read_key(mode: &KeyMode, term: &Term) -> io::Result<Key> {
    loop {
        if mode.has_ended() {
            return Ok(Key::CtrlC);
        }
        // After any signal, `read_key_raw` restores the mode and returns Ctrl-C.
        match term.read_key_raw()? {
            Key::CtrlC if mode.has_continued() => {}
            key => return Ok(key),
        }
    }
}

fn read_line(prompt: &str, echo: Echo) -> io::Result<String> {
    let term = Term::stderr();
    let mode = KeyMode::begin()?;
    term.write_str(&format!("{} ", wrap::for_terminal(&text::sanitize(prompt), &term)))?;
    let mut line = String::with_capacity(4096); // so that a secret is not copied while it grows
    loop {
        let key = read_key(&mode, &term)?;
        let before = measure_text_width(&line);
        let is_complete = edit(&mut line, &key).inspect_err(|_| drop(term.write_line("")))?;
        let removed = before.saturating_sub(measure_text_width(&line));
        match (echo, &key) {
            _ if is_complete => break,
            (Echo::Nothing, _) => {}
            (Echo::Letters, Key::Char(letter)) if !letter.is_control() => term.write_str(&letter.to_string())?,
            (Echo::Letters, _) => term.write_str(&"\u{8} \u{8}".repeat(removed))?,
        }
    }
    term.write_line(if echo == Echo::Nothing { "[hidden]" } else { "" })?;
    Ok(line)
}

/// Changes the line as a terminal would do. Returns `true` if the line is complete.
fn edit(line: &mut String, key: &Key) -> io::Result<bool> {
    const CTRL_D: char = '\u{4}';
    const CTRL_U: char = '\u{15}';
    const CTRL_W: char = '\u{17}';
    match key {
        Key::Enter => return Ok(true),
        Key::Escape | Key::CtrlC | Key::Char(CTRL_D) => return Err(cancelled()),
        // A letter that is lost would make another secret.
        Key::Unknown => return Err(io::Error::new(ErrorKind::InvalidData, "what was typed is not UTF-8")),
        Key::Backspace => drop(line.pop()),
        Key::Char(CTRL_U) => line.clear(),
        Key::Char(CTRL_W) => line.truncate(line.trim_end().rfind(' ').map_or(0, |space| space + 1)),
        Key::Char(letter) if !letter.is_control() => line.push(*letter),
        _ => {}
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_as_on_a_terminal() {
        for (typed, expected) in [
            ("yes\r", Some("yes")),
            ("yex\u{7f}s\r", Some("yes")),
            ("a\u{7f}\u{7f}b\r", Some("b")),
            ("some words \u{17}b\r", Some("some b")),
            ("word\u{17}\r", Some("")),
            ("some words\u{15}漢\r", Some("漢")),
            ("a\u{1a}\tb\r", Some("ab")),
            ("ab\u{4}", None),
            ("ab\u{1b}", None),
        ] {
            let key = |letter| match letter {
                '\r' => Key::Enter,
                '\u{7f}' => Key::Backspace,
                '\u{1b}' => Key::Escape,
                '\t' => Key::Tab,
                letter => Key::Char(letter),
            };
            let mut line = String::new();
            let end =
                typed.chars().map(key).find_map(|key| edit(&mut line, &key).map(|end| end.then_some(())).transpose());
            assert_eq!(end.unwrap().is_ok().then_some(line.as_str()), expected, "{typed:?}");
        }
    }
}
