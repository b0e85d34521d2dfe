//! Shows a menu, from which a person chooses an item with single keys.

use std::io;

use dialoguer::console::{Key, Term, truncate_str};

use super::prompt::{cancelled, read_key};
use crate::system::terminal::KeyMode;
use crate::system::text;

const KEYS: &str = "  Arrow keys and Enter choose; Esc, q or Ctrl-D cancels";

/// Shows a menu of items. At first, the item at `place` is marked. Returns the index of the chosen item.
pub(super) fn choose(question: &str, items: &[String], mut place: usize) -> io::Result<usize> {
    let term = Term::stderr();
    let mode = KeyMode::begin()?;
    let mut first = 0;
    loop {
        let (height, width) = term.size();
        // Three rows show the question, the keys and the cursor.
        let rows = usize::from(height).saturating_sub(3).clamp(1, items.len());
        first = scrolled(first, place, rows);
        let line = |line: &str| term.write_line(&truncate_str(&text::sanitize(line), usize::from(width) - 1, ""));
        line(&format!("? {question}:"))?;
        for (at, item) in items.iter().enumerate().skip(first).take(rows) {
            line(&format!("{} {item}", if at == place { '>' } else { ' ' }))?;
        }
        line(KEYS)?;
        let step = step(&read_key(&mode, &term)?, place, items.len());
        term.clear_last_lines(rows + 2)?;
        match step {
            KeyAction::To(next) => place = next,
            KeyAction::Choose => {
                line(&format!("? {question}: {}", items[place]))?;
                return Ok(place);
            }
            KeyAction::Leave => return Err(cancelled()),
        }
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
    fn a_long_menu_is_scrolled_with_the_mark() {
        for (first, place, rows, expected) in [(0, 2, 3, 0), (0, 3, 3, 1), (5, 4, 3, 4), (5, 7, 3, 5), (0, 9, 1, 9)] {
            assert_eq!(scrolled(first, place, rows), expected, "{first} {place} {rows}");
        }
    }
}
