//! Asks questions that a person answers with single keys, such as a menu or a yes-or-no question. A person can cancel
//! each question.

use std::io;

use dialoguer::console::{Key, Term};

use super::wrap;
use crate::system::text;

const KEYS: &str = "  Arrow keys and Enter choose; Esc, q or Ctrl-D cancels";

/// Shows a menu of items. At first, the item at `place` is marked. Returns the index of the chosen item, or `None` if
/// the person cancelled.
pub(super) fn choose(question: &str, items: &[String], mut place: usize) -> io::Result<Option<usize>> {
    let term = Term::stderr();
    let mut first = 0;
    loop {
        let (height, width) = term.size();
        // Three rows show the question, the keys and the cursor.
        let rows = usize::from(height).saturating_sub(3).clamp(1, items.len());
        first = scrolled(first, place, rows);
        let line = |line: &str| {
            term.write_line(&text::sanitize(line).chars().take(usize::from(width) - 1).collect::<String>())
        };
        line(&format!("? {question}:"))?;
        for (at, item) in items.iter().enumerate().skip(first).take(rows) {
            line(&format!("{} {item}", if at == place { '>' } else { ' ' }))?;
        }
        line(KEYS)?;
        let step = step(&term.read_key_raw()?, place, items.len());
        term.clear_last_lines(rows + 2)?;
        match step {
            KeyAction::To(next) => place = next,
            KeyAction::Choose => {
                line(&format!("? {question}: {}", items[place]))?;
                return Ok(Some(place));
            }
            KeyAction::Leave => return Ok(None),
        }
    }
}

/// Asks a question that a person answers with one key. The key Enter means no.
pub(super) fn confirm(question: &str) -> io::Result<bool> {
    let term = Term::stderr();
    let question = wrap::for_terminal(&text::sanitize(question), &term);
    term.write_str(&format!("{question} [y/N] "))?;
    let answer = loop {
        let key = term.read_key_raw()?;
        if key == Key::CtrlC {
            term.write_line("")?;
            return Err(io::Error::new(io::ErrorKind::Interrupted, "stopped by Ctrl-C"));
        }
        if let Some(answer) = answer(&key) {
            break answer;
        }
    };
    term.write_line(if answer { "yes" } else { "no" })?;
    Ok(answer)
}

fn answer(key: &Key) -> Option<bool> {
    match key {
        Key::Char('y' | 'Y') => Some(true),
        Key::Enter | Key::Char('n' | 'N') => Some(false),
        key if step(key, 0, 1) == KeyAction::Leave => Some(false),
        _ => None,
    }
}

/// The effect of a key.
#[derive(Debug, PartialEq, Eq)]
enum KeyAction {
    To(usize),
    Choose,
    Leave,
}

fn step(key: &Key, place: usize, count: usize) -> KeyAction {
    const CTRL_D: char = '\u{4}';
    match key {
        Key::ArrowDown | Key::Tab | Key::Char('j') => KeyAction::To((place + 1) % count),
        Key::ArrowUp | Key::BackTab | Key::Char('k') => KeyAction::To((place + count - 1) % count),
        Key::Home => KeyAction::To(0),
        Key::End => KeyAction::To(count - 1),
        Key::Enter | Key::Char(' ') => KeyAction::Choose,
        Key::Escape | Key::CtrlC | Key::Char('q' | CTRL_D) => KeyAction::Leave,
        _ => KeyAction::To(place),
    }
}

/// Returns the index of the first item to show, so that the item at `place` is visible.
fn scrolled(first: usize, place: usize, rows: usize) -> usize {
    first.min(place).max((place + 1).saturating_sub(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_choose_and_leave() {
        for (key, place, expected) in [
            (Key::ArrowDown, 0, KeyAction::To(1)),
            (Key::ArrowDown, 2, KeyAction::To(0)),
            (Key::ArrowUp, 0, KeyAction::To(2)),
            (Key::Char('j'), 1, KeyAction::To(2)),
            (Key::End, 0, KeyAction::To(2)),
            (Key::Home, 2, KeyAction::To(0)),
            (Key::Enter, 1, KeyAction::Choose),
            (Key::Escape, 1, KeyAction::Leave),
            (Key::CtrlC, 1, KeyAction::Leave),
            (Key::Char('q'), 1, KeyAction::Leave),
            (Key::Char('\u{4}'), 1, KeyAction::Leave),
            (Key::Char('x'), 1, KeyAction::To(1)),
        ] {
            assert_eq!(step(&key, place, 3), expected, "{key:?} at {place}");
        }
    }

    #[test]
    fn only_y_is_yes() {
        for (key, expected) in [
            (Key::Char('y'), Some(true)),
            (Key::Char('Y'), Some(true)),
            (Key::Char('n'), Some(false)),
            (Key::Enter, Some(false)),
            (Key::Escape, Some(false)),
            (Key::Char('\u{4}'), Some(false)),
            (Key::Char('x'), None),
            (Key::ArrowUp, None),
        ] {
            assert_eq!(answer(&key), expected, "{key:?}");
        }
    }

    #[test]
    fn a_long_menu_is_scrolled_with_the_mark() {
        for (first, place, rows, expected) in [(0, 2, 3, 0), (0, 3, 3, 1), (5, 4, 3, 4), (5, 7, 3, 5), (0, 9, 1, 9)] {
            assert_eq!(scrolled(first, place, rows), expected, "{first} {place} {rows}");
        }
    }
}
