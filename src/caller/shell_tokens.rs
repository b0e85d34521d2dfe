//! Splits a shell's text into words and operators (POSIX, Shell Command Language 2.3).

/// A piece of a shell's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShellToken<'t> {
    /// A word as typed, with its quotes.
    Word(&'t str),
    /// A word with a substitution such as `$(…)`. Only a shell can evaluate the substitution.
    UnknownWord(&'t str),
    /// An operator between two commands, or at the end of a command.
    Separator,
    /// An operator such as `>`, `2>>` or `<<<`. The next word is a file, or a text for the program.
    Redirection,
}

/// Splits `text` into tokens. Returns `None` if a quote or a substitution is not closed.
pub(super) fn tokens(text: &str) -> Option<Vec<ShellToken<'_>>> {
    let (mut tokens, mut rest) = (Vec::new(), text);
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r']);
        if rest.starts_with('#') {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        }
        if rest.is_empty() {
            return Some(tokens);
        }
        let (token, length) = first(rest)?;
        tokens.push(token);
        rest = &rest[length..];
    }
}

/// Returns the first token and its length in bytes.
fn first(text: &str) -> Option<(ShellToken<'_>, usize)> {
    // The last three operators exist only in bash.
    const REDIRECTIONS: [&str; 12] = ["<<-", "<<", "<&", "<>", "<", ">>", ">&", ">|", ">", "<<<", "&>>", "&>"];
    let (word, is_known) = word_length(text)?;
    let redirection =
        REDIRECTIONS.iter().filter(|operator| text[word..].starts_with(**operator)).map(|o| o.len()).max();
    Some(match redirection {
        Some(length) if word == 0 || is_descriptor(&text[..word]) => (ShellToken::Redirection, word + length),
        _ if word == 0 => (ShellToken::Separator, 1),
        _ if is_known => (ShellToken::Word(&text[..word]), word),
        _ => (ShellToken::UnknownWord(&text[..word]), word),
    })
}

/// Returns the length of the word at the start of `text`, and whether the word has no substitution. An unquoted blank
/// or operator ends the word.
fn word_length(text: &str) -> Option<(usize, bool)> {
    let mut is_known = true;
    let mut closing = Vec::new(); // the expected closing characters (recursion could overflow the stack)
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        match (closing.last(), letter) {
            (Some(end), _) if letter == *end => drop(closing.pop()),
            (Some('\''), _) | (Some('"'), '\'') => {}
            (_, '\\') => drop(letters.next()),
            (None, ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>') => return Some((at, is_known)),
            (_, '\'' | '"') => closing.push(letter),
            (Some(')'), '(') => closing.push(')'),
            (_, '`') => {
                is_known = false;
                closing.push('`');
            }
            (_, '$') if let Some(end) = next.and_then(end_of_substitution) => {
                is_known = false;
                closing.push(end);
                letters.next();
            }
            _ => {}
        }
    }
    closing.is_empty().then_some((text.len(), is_known))
}

/// Returns the character that closes a substitution that begins with `$(` or `${`.
fn end_of_substitution(start: char) -> Option<char> {
    match start {
        '(' => Some(')'),
        '{' => Some('}'),
        _ => None,
    }
}

/// Tells whether the word directly before a redirection is a part of the redirection, as in `2>` or bash's `{log}>`.
fn is_descriptor(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_digit()) || (word.starts_with('{') && word.ends_with('}'))
}

/// Tells whether a word is `NAME=VALUE`. A name has letters, digits and `_` (POSIX 3.216).
pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.starts_with(|c: char| c.is_ascii_digit())
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_as_a_shell_splits_it() {
        for (text, expected) in [
            ("docker push x", "docker push x"),
            ("  a\t b\r", "a b"),
            ("a;b", "a SEPARATOR b"),
            ("a&&b||c|d", "a SEPARATOR SEPARATOR b SEPARATOR SEPARATOR c SEPARATOR d"),
            ("a\nb &", "a SEPARATOR b SEPARATOR"),
            ("(a)", "SEPARATOR a SEPARATOR"),
            ("a>b", "a FILE b"),
            ("a 2>b", "a FILE b"),
            ("a 2>&1 >>b", "a FILE 1 FILE b"),
            ("a1>b", "a1 FILE b"),
            ("a {log}>b <<<c &>>d &>e", "a FILE b FILE c FILE d FILE e"),
            ("a 2 >b", "a 2 FILE b"),
            ("a <(b)", "a FILE SEPARATOR b SEPARATOR"),
            ("a '>;&' \">;&\" \\;b", "a '>;&' \">;&\" \\;b"),
            ("a 'b\" c' \"d' e\"f", "a 'b\" c' \"d' e\"f"),
            ("a:$(b c; d (e)) f", "UNKNOWN:a:$(b c; d (e)) f"),
            ("a \"$(b \")\")\" `c d` ${e:-f g}", "a UNKNOWN:\"$(b \")\")\" UNKNOWN:`c d` UNKNOWN:${e:-f g}"),
            ("'a$(b' \\$\\( \\` $a", "'a$(b' \\$\\( \\` $a"),
            ("a # b; c\nd", "a SEPARATOR d"),
            ("a#b", "a#b"),
            ("é>é", "é FILE é"),
            ("", ""),
        ] {
            let spelled = |token: &ShellToken<'_>| match token {
                ShellToken::Word(word) => (*word).to_owned(),
                ShellToken::UnknownWord(word) => format!("UNKNOWN:{word}"),
                ShellToken::Separator => "SEPARATOR".to_owned(),
                ShellToken::Redirection => "FILE".to_owned(),
            };
            let found = tokens(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(found.iter().map(spelled).collect::<Vec<_>>().join(" "), expected, "{text}");
        }
    }

    #[test]
    fn what_is_left_open_is_no_text() {
        for text in ["'a", "\"a", "a `b", "a $(b", "a ${b", "\"$(a\")", "a '\\'b'"] {
            assert_eq!(tokens(text), None, "{text}");
        }
        assert_eq!(tokens(&"$(".repeat(1_000_000)), None);
    }
}
