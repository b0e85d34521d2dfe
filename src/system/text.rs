//! Makes text from outside safe for one line on a terminal or on the protocol's stdout.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

/// Replaces characters that could move the cursor, end the line or hide text. A text of more than `limit` characters is
/// shortened in the middle, because its end may contain a hint.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    let plain: Vec<char> = sanitize(text.trim()).chars().collect();
    if plain.len() <= limit {
        return plain.into_iter().collect();
    }
    let half = limit.saturating_sub(1) / 2;
    let (head, tail) = (&plain[..limit - 1 - half], &plain[plain.len() - half..]);
    head.iter().chain(&['…']).chain(tail).collect()
}

/// Replaces the user name and the password in an address by `…`, because a message must not show a password. The user
/// name of a URL may be a token. Without a scheme and a password, the text may be an alias such as `me@example.com`.
/// The digest of an image also follows `@`.
pub(crate) fn hide_userinfo(address: &str) -> Cow<'_, str> {
    let is_scheme = |scheme: &str| scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let begin =
        address.split_once("://").filter(|(scheme, _)| is_scheme(scheme)).map_or(0, |(scheme, _)| scheme.len() + 3);
    let is_digest = |text: &str| text.starts_with("sha256:") || text.starts_with("sha512:");
    let mut ends = address.rmatch_indices('@').map(|(at, _)| at).filter(|at| !is_digest(&address[at + 1..]));
    match ends.next() {
        Some(end) if end > begin && address[..end].contains(':') => {
            Cow::Owned(format!("{}…{}", &address[..begin], &address[end..]))
        }
        _ => Cow::Borrowed(address),
    }
}

/// Quotes a word for a shell, in commands that Ensign suggests. For example, Harbor has users called `robot$ci`.
/// `shell_words::quote` is not used, because it also quotes `ghcr.io=work`. A quoted word is harder to read and to
/// type.
pub(crate) fn quote(text: &str) -> Cow<'_, str> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_=./:@+,%".contains(&b);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(single_quote(text))
}

/// Writes an option and its value for a POSIX shell. A value that begins with `-` is joined to the option, because it
/// would otherwise be read as another option.
pub(crate) fn option(name: &str, value: &str) -> String {
    let joint = if value.starts_with('-') { '=' } else { ' ' };
    format!("{name}{joint}{}", quote(value))
}

/// Writes a command of Ensign with its operands and then its options, for a POSIX shell. An operand that begins with
/// `-` comes last, after `--`, because it would otherwise be read as an option.
pub(crate) fn command(verb: &str, operands: &[&str], options: &str) -> String {
    let quoted = operands.iter().map(|operand| quote(operand)).collect::<Vec<_>>().join(" ");
    let is_option = operands.iter().any(|operand| operand.starts_with('-'));
    let parts = if is_option { [verb, options, "--", &quoted] } else { [verb, &quoted, options, ""] };
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Quotes a path, as [`quote`] does.
pub(crate) fn quote_path(path: &Path) -> String {
    quote(&path.to_string_lossy()).into_owned()
}

/// Quotes a text for a POSIX shell.
pub(crate) fn single_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Splits a command into words as a POSIX shell does, without expansions; `None` if a quote is not closed.
pub(crate) fn split_words(command: &str) -> Option<Vec<String>> {
    shell_words::split(command).ok()
}

/// Returns the texts between backquotes, which are the commands of a hint. A backquote inside a shell's quotes, as in a
/// quoted path, does not end a command.
pub(crate) fn backquoted(text: &str) -> Vec<&str> {
    let (mut found, mut start, mut is_quoted, mut is_escaped) = (vec![], None, false, false);
    for (at, letter) in text.char_indices() {
        match (letter, start) {
            ('`', None) => start = Some(at + 1),
            ('`', Some(from)) if !is_quoted => {
                found.push(&text[from..at]);
                start = None;
            }
            ('\'', Some(_)) if !is_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        is_escaped = letter == '\\' && !is_quoted && !is_escaped;
    }
    found
}

/// Replaces characters that could move the cursor, end the line or hide text.
pub(crate) fn sanitize(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { ' ' } else { c }).collect()
}

/// Writes a JSON document on one line, with escapes for the characters that [`sanitize`] replaces. In JSON, characters
/// from U+007F on need no escapes (RFC 8259 section 7), but some of these characters control a terminal.
pub(crate) fn sanitize_json(document: &str) -> String {
    let mut plain = String::with_capacity(document.len());
    for c in document.chars() {
        match u16::try_from(u32::from(c)) {
            Ok(unit) if is_harmful(c) => drop(write!(plain, "\\u{unit:04x}")),
            _ => plain.push(c),
        }
    }
    plain
}

/// Tells whether a character is a control character, a line separator, or a mark that changes the writing direction.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmful_text_becomes_one_plain_line() {
        for (text, limit, expected) in [
            ("plain", 10, "plain"),
            ("two\nlines\x1b[31m", 20, "two lines [31m"),
            ("a\u{202e}b\u{61c}c\u{2028}d", 20, "a b c d"),
            ("0123456789", 5, "01…89"),
            ("", 5, ""),
        ] {
            assert_eq!(one_line(text, limit), expected);
        }
    }

    #[test]
    fn an_address_is_shown_without_its_user_and_password() {
        for (address, expected) in [
            ("https://u:pw@ghcr.io/x", "https://…@ghcr.io/x"),
            ("https://u:p@w/x@ghcr.io", "https://…@ghcr.io"),
            ("u:pw://x@ghcr.io", "…@ghcr.io"),
            ("https://token@ghcr.io", "https://…@ghcr.io"),
            ("me@ghcr.io", "me@ghcr.io"),
            ("u:pw@ghcr.io/x@sha256:no", "…@ghcr.io/x@sha256:no"),
            ("alpine:3@sha256:no", "alpine:3@sha256:no"),
            ("https://ghcr.io/v2/", "https://ghcr.io/v2/"),
            ("@ghcr.io", "@ghcr.io"),
        ] {
            assert_eq!(hide_userinfo(address), expected);
        }
    }

    #[test]
    fn a_shell_reads_a_word_as_it_was() {
        for (text, expected) in [
            ("--alias=me", "--alias=me"),
            ("robot$ci", "'robot$ci'"),
            ("*.azurecr.io", "'*.azurecr.io'"),
            ("it's", r"'it'\''s'"),
            ("~/work", "'~/work'"),
            ("", "''"),
        ] {
            assert_eq!(quote(text), expected);
            assert_eq!(split_words(expected).unwrap(), [text]);
        }
    }

    #[test]
    fn a_value_that_looks_like_an_option_is_joined_to_its_option() {
        for (value, expected) in [("me", "-u me"), ("a b", "-u 'a b'"), ("-x", "-u=-x"), ("-x y", "-u='-x y'")] {
            assert_eq!(option("-u", value), expected);
        }
        for (operands, options, expected) in [
            (&["ghcr.io", "me"][..], "", "edit ghcr.io me"),
            (&["ghcr.io", "a b"], "--for any", "edit ghcr.io 'a b' --for any"),
            (&["ghcr.io", "-x"], "--for any", "edit --for any -- ghcr.io -x"),
            (&["-x"], "", "edit -- -x"),
        ] {
            assert_eq!(command("edit", operands, options), expected);
        }
    }

    #[test]
    fn harmful_text_in_json_is_escaped_and_stays_the_same() {
        let value = serde_json::json!({"a\u{9b}31m": "\u{7f}b\u{202e}c\n\u{1b}[0mä\u{1f600}"});
        let json = sanitize_json(&value.to_string());
        assert_eq!(json, r#"{"a\u009b31m":"\u007fb\u202ec\n\u001b[0mä😀"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }
}
