//! What may be typed next, found in clap's own tree of commands. It only looks: a command line that is not finished is
//! never carried out.

use clap::{Arg, Command, CommandFactory};

use super::Arguments;

/// What may stand for the last word.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) enum Next {
    /// One of these words, each with what it means.
    Words(Vec<(String, String)>),
    Registry,
    /// An account, of this registry if it has been named.
    Account(Option<String>),
    File,
    /// Nothing we could name.
    Free,
}

impl Arguments {
    /// Says what may stand for the last of `words`, which do not hold the program's name.
    pub(in crate::cli) fn complete(words: &[String]) -> Next {
        let (last, before) = words.split_last().map_or(("", words), |(last, before)| (last.as_str(), before));
        let mut root = Self::command();
        root.build();
        let mut command = &root;
        let mut option = None; // the one whose value comes next
        let mut positionals = Vec::new();
        for word in before {
            if option.take().is_some() {
            } else if word == "--" {
                return Next::File; // a command of somebody else's
            } else if word.starts_with('-') {
                option = named(command, word).filter(|_| !word.contains('='));
            } else if command.has_subcommands() {
                let Some(inner) = command.find_subcommand(word) else { return Next::Free };
                command = inner;
            } else {
                positionals.push(word.clone());
            }
        }
        if let Some(option) = option {
            return values(option, &positionals);
        }
        if last.starts_with('-') {
            return Next::Words(options(command));
        }
        if command.has_subcommands() {
            let visible = command.get_subcommands().filter(|inner| !inner.is_hide_set());
            return Next::Words(visible.map(|inner| (inner.get_name().to_owned(), plain(inner.get_about()))).collect());
        }
        let here = command.get_positionals().nth(positionals.len());
        let repeated =
            || command.get_positionals().last().filter(|last| last.get_num_args().is_some_and(|n| n.max_values() > 1));
        here.or_else(repeated).map_or(Next::Free, |arg| values(arg, &positionals))
    }
}

/// The option that takes a value by this name.
fn named<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    command.get_arguments().filter(|arg| arg.get_action().takes_values()).find(|arg| {
        let long = arg.get_long().is_some_and(|long| word.strip_prefix("--") == Some(long));
        let short = arg.get_short().is_some_and(|short| word.strip_prefix('-') == Some(&short.to_string()));
        long || short
    })
}

fn options(command: &Command) -> Vec<(String, String)> {
    let visible = command.get_arguments().filter(|arg| !arg.is_hide_set());
    visible.filter_map(|arg| Some((format!("--{}", arg.get_long()?), plain(arg.get_help())))).collect()
}

fn values(arg: &Arg, positionals: &[String]) -> Next {
    let possible = arg.get_possible_values();
    if !possible.is_empty() && arg.get_action().takes_values() {
        let words = possible.iter().map(|value| (value.get_name().to_owned(), plain(value.get_help())));
        return Next::Words(words.collect());
    }
    match arg.get_value_names().and_then(|names| names.first()).map(clap::builder::Str::as_str) {
        Some("HOST") => Next::Registry,
        Some("ACCOUNT") => Next::Account(positionals.first().cloned()),
        Some("FILE" | "FOLDER" | "SOURCE") => Next::File,
        _ => Next::Free,
    }
}

/// One line, as what stands beside a word must be.
fn plain(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(line: &str) -> Next {
        Arguments::complete(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    fn words(line: &str) -> Vec<String> {
        match next(line) {
            Next::Words(words) => words.into_iter().map(|(word, _)| word).collect(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_last_word_is_completed_from_what_stands_before_it() {
        for (line, expected) in [
            ("switch ", Next::Registry),
            ("--json switch ", Next::Registry),
            ("switch ghcr.io ", Next::Account(Some("ghcr.io".into()))),
            ("switch ghcr.io me ", Next::Free),
            ("configure-docker ghcr.io ", Next::Registry),
            ("account show ", Next::Registry),
            ("which ", Next::Free),
            ("export --output ", Next::File),
            ("exec --account work -- docker ", Next::File),
        ] {
            assert_eq!(next(line), expected, "{line}");
        }
        for (line, some) in [
            ("", "switch"),
            ("sw", "configure-docker"),
            ("account ", "edit"),
            ("help ", "login"),
            ("completions ", "zsh"),
            ("export --format ", "auth.json"),
            ("configure-docker --", "--undo"),
            ("configure-docker --", "--json"),
        ] {
            assert!(words(line).iter().any(|word| word == some), "{line}");
        }
        assert_eq!(Arguments::complete(&[]), next(""));
    }
}
