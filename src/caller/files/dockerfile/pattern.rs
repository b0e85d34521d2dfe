//! Removes or replaces parts of a variable's value, as in `${NAME#PATTERN}`. A pattern may contain `*` and `?`.

use super::super::budget::Budget;
use super::{DockerfileError, refused};

/// The part of a value that a pattern removes or replaces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PatternPosition {
    Start,
    End,
    First,
    All,
}

#[derive(Clone, Copy)]
enum PatternToken {
    Char(char),
    Any,
    Many,
}

/// Replaces matches of `pattern` in `value` with `new`. A match is as long as possible if `is_longest` is set, and
/// otherwise as short as possible.
pub(super) fn replace(
    value: &str,
    pattern: &str,
    new: &str,
    which: PatternPosition,
    is_longest: bool,
    budget: &Budget,
) -> Result<String, DockerfileError> {
    let mut parts = parts(pattern)?;
    let mut chars: Vec<char> = value.chars().collect();
    let from_end = which == PatternPosition::End;
    if from_end {
        parts.reverse();
        chars.reverse();
    }
    let (mut text, mut at) = (String::new(), 0);
    loop {
        let Some(length) = fit(&parts, &chars[at..], is_longest, budget)? else {
            if at == chars.len() || matches!(which, PatternPosition::Start | PatternPosition::End) {
                break;
            }
            text.push(chars[at]);
            at += 1;
            continue;
        };
        text.push_str(new);
        at += length;
        if which != PatternPosition::All || at == chars.len() {
            break;
        }
        if length == 0 {
            text.push(chars[at]);
            at += 1;
        }
    }
    if from_end {
        return Ok(chars[at..].iter().rev().collect());
    }
    text.extend(&chars[at..]);
    Ok(text)
}

fn parts(pattern: &str) -> Result<Vec<PatternToken>, DockerfileError> {
    let (mut parts, mut chars) = (Vec::new(), pattern.chars().peekable());
    while let Some(c) = chars.next() {
        parts.push(match c {
            '*' => PatternToken::Many,
            '?' => PatternToken::Any,
            '\\' if matches!(chars.peek(), Some('}' | '/')) => continue,
            '\\' => match chars.next() {
                Some(escaped @ ('*' | '?' | '\\')) => PatternToken::Char(escaped),
                _ => return refused("a pattern is not well formed"),
            },
            _ => PatternToken::Char(c),
        });
    }
    Ok(parts)
}

/// Returns the length of the longest or shortest match at the start of `chars`.
fn fit(
    parts: &[PatternToken],
    chars: &[char],
    is_longest: bool,
    budget: &Budget,
) -> Result<Option<usize>, DockerfileError> {
    // `fits[n]` tells whether the first `n` characters match the tokens read so far.
    let mut fits = vec![false; chars.len() + 1];
    fits[0] = true;
    for part in parts {
        if !budget.spend(fits.len() as u64) {
            return refused("the file takes too long to read");
        }
        match part {
            PatternToken::Many => {
                let mut before = false;
                for fit in &mut fits {
                    before |= *fit;
                    *fit = before;
                }
            }
            PatternToken::Any | PatternToken::Char(_) => {
                for length in (1..fits.len()).rev() {
                    let is_same = !matches!(part, PatternToken::Char(wanted) if *wanted != chars[length - 1]);
                    fits[length] = fits[length - 1] && is_same;
                }
                fits[0] = false;
            }
        }
    }
    Ok(if is_longest { fits.iter().rposition(|fit| *fit) } else { fits.iter().position(|fit| *fit) })
}
