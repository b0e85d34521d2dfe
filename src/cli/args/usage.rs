//! `UsageError`: clap's error about a command line, reported in Ensign's form with `error:` and `hint:`.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::CommandLine;
use super::help::shown;
use crate::system::text::hide_userinfo;

/// Clap's error, and the help command to which its hint refers.
pub(in crate::cli) struct UsageError {
    error: clap::Error,
    /// The help command, such as `ensign help account edit`.
    help: String,
}

impl UsageError {
    pub(super) fn new(error: clap::Error, program: &str, words: &[OsString]) -> Self {
        let (tree, mut help) = (CommandLine::tree(program), format!("{program} help"));
        let mut command = &tree;
        for word in words.iter().filter_map(|word| word.to_str()).filter(|word| !word.starts_with('-')) {
            let Some(inner) = command.find_subcommand(word) else { break };
            help = format!("{help} {}", inner.get_name());
            command = inner;
        }
        Self { error, help }
    }

    pub(in crate::cli) fn is_unknown_command(&self) -> bool {
        self.error.kind() == ErrorKind::InvalidSubcommand
    }

    /// The message and the hint. `None` if help must be printed: the user asked for it, or left out the subcommand.
    pub(in crate::cli) fn parts(&self) -> Option<(String, String)> {
        use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand};
        if matches!(self.error.kind(), DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand) {
            return None;
        }
        let text = self.error.to_string();
        let first = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        let message = first.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = message.replace("unrecognized subcommand", "there is no command");
        let hint = match self.suggestion() {
            Some(meant) => format!("did you mean `{meant}`? if not, run `{}`", self.help),
            None => format!("run `{}`", self.help),
        };
        Some((without_passwords(&with_backticks(&message)), hint))
    }

    /// The option, value or command that is most similar to the wrong word.
    fn suggestion(&self) -> Option<&str> {
        let kinds = [ContextKind::SuggestedArg, ContextKind::SuggestedValue, ContextKind::SuggestedSubcommand];
        kinds.into_iter().find_map(|kind| match self.error.get(kind)? {
            ContextValue::String(word) => Some(word.as_str()),
            ContextValue::Strings(words) => words.last().map(String::as_str), // the most similar
            _ => None,
        })
    }

    /// Returns the help, if the user asked for it.
    pub(in crate::cli) fn wanted_help(&self, is_styled: bool) -> Option<String> {
        (self.error.kind() == ErrorKind::DisplayHelp).then(|| shown(&self.error.render(), is_styled))
    }

    /// Prints the help to stderr, because the user left out the subcommand. Returns the exit code.
    pub(in crate::cli) fn print_help(&self) -> u8 {
        let _ = self.error.print();
        u8::try_from(self.error.exit_code()).unwrap_or(2)
    }
}

/// Hides the password of an address in backquotes.
fn without_passwords(message: &str) -> String {
    let parts = message.split('`').enumerate();
    let parts = parts.map(|(place, text)| if place % 2 == 1 { hide_userinfo(text) } else { text.into() });
    parts.collect::<Vec<_>>().join("`")
}

/// Replaces clap's quotes, which are apostrophes, by backquotes. An apostrophe inside a word stays.
fn with_backticks(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let is_edge = |letter: Option<&char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
    let place = |(at, letter): (usize, &char)| {
        let is_quote = *letter == '\'' && (at == 0 || letters[at - 1] == ' ' || is_edge(letters.get(at + 1)));
        if is_quote { '`' } else { *letter }
    };
    letters.iter().enumerate().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> UsageError {
        let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
        CommandLine::parse_from_words("e", &words).unwrap_err()
    }

    #[test]
    fn an_error_of_clap_is_said_as_ours_are() {
        for (line, message, hint) in [
            ("chekc", "there is no command `chekc`", "did you mean `check`? if not, run `e help`"),
            ("logn", "there is no command `logn`", "did you mean `login`? if not, run `e help`"),
            ("check a --pul", "unexpected argument `--pul` found", "did you mean `--pull`? if not, run `e help check`"),
            ("account edit a -x", "unexpected argument `-x` found", "run `e help account edit`"),
            ("--json account set a -x", "unexpected argument `-x` found", "run `e help account edit`"),
            ("logout", "the following required arguments were not provided: <HOST>", "run `e help logout`"),
            ("check --pull --push a", "the argument `--pull` cannot be used with `--push`", "run `e help check`"),
            (
                "login --for x",
                "invalid value `x` for `--for <OPERATION>`: is neither `pull` nor `push`",
                "run `e help login`",
            ),
            (
                "status --expiring",
                "a value is required for `--expiring <TIME>` but none was supplied",
                "run `e help status`",
            ),
            ("frob'n", "there is no command `frob'n`", "run `e help`"),
            ("check a https://u:pw@b", "unexpected argument `https://…@b` found", "run `e help check`"),
        ] {
            assert_eq!(parsed(line).parts(), Some((message.to_owned(), hint.to_owned())), "{line}");
        }
        for line in ["login --help", "account"] {
            assert_eq!(parsed(line).parts(), None, "{line}");
        }
    }
}
