//! Completes a command line from clap's tree of commands. The unfinished command line is never run.

use clap::{Arg, ArgAction, Command};

use super::CommandLine;
use super::guide::TOPICS;
use crate::accounts::STORES;

/// The possible values of the last word.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) enum Completion {
    /// One of these words. Each has a description.
    Words(Vec<(String, String)>),
    /// A registry with accounts.
    Registry,
    /// A registry to log in to.
    NewRegistry,
    /// An account of this registry. `None` means an account of any registry.
    Account(Option<String>),
    /// `HOST=ACCOUNT`, or an account.
    Choice,
    /// A store for secrets.
    Store,
    /// A program for `--borrow`.
    ExternalProgram,
    /// The name of a credential helper, without `docker-credential-`.
    Helper,
    File,
    /// Free text without suggestions.
    Free,
}

impl CommandLine {
    /// Returns the possible values of the last word. The program's name is not in `words`.
    pub(in crate::cli) fn complete(words: &[String]) -> Completion {
        let (last, before) = words.split_last().map_or(("", words), |(last, before)| (last.as_str(), before));
        let mut root = Self::tree("ensign");
        root.build();
        let mut command = &root;
        let mut option = None; // the option whose value comes next
        let mut positionals = Vec::new();
        for word in before {
            if option.take().is_some() {
            } else if word == "--" {
                return Completion::File; // another program's command
            } else if word.starts_with('-') && word != "-" {
                option = named(command, word).filter(|_| !word.contains('='));
            } else if command.has_subcommands() {
                let Some(inner) = command.find_subcommand(word) else { return Completion::Free };
                command = inner;
            } else {
                positionals.push(word.clone());
            }
        }
        if let Some(option) = option {
            return values(command, option, &positionals);
        }
        if last.starts_with('-') {
            return Completion::Words(options(command, before));
        }
        if command.has_subcommands() {
            let mut words = commands(command);
            if command.get_name() == "store" {
                words.extend(STORES.iter().map(|row| (row.word.to_owned(), row.meaning.to_owned())));
            }
            return Completion::Words(words);
        }
        if command.get_name() == "help" {
            return subjects(&root, &positionals);
        }
        let next = command.get_positionals().nth(positionals.len());
        let repeated =
            || command.get_positionals().last().filter(|last| last.get_num_args().is_some_and(|n| n.max_values() > 1));
        next.or_else(repeated).map_or(Completion::Free, |arg| values(command, arg, &positionals))
    }
}

/// The option with this name, if it takes a value.
fn named<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    command.get_arguments().filter(|arg| arg.get_action().takes_values()).find(|arg| {
        let long = arg.get_long().is_some_and(|long| word.strip_prefix("--") == Some(long));
        let short = arg.get_short().is_some_and(|short| word.strip_prefix('-') == Some(&short.to_string()));
        long || short
    })
}

/// The options that can be added: those that may be repeated, and those not typed yet.
fn options(command: &Command, before: &[String]) -> Vec<(String, String)> {
    let visible = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let all = visible.filter_map(|arg| Some((arg, format!("--{}", arg.get_long()?))));
    let open = all.filter(|(arg, name)| matches!(arg.get_action(), ArgAction::Append) || !before.contains(name));
    open.map(|(arg, name)| (name, plain(arg.get_help()))).collect()
}

fn commands(command: &Command) -> Vec<(String, String)> {
    let visible = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    visible.map(|inner| (inner.get_name().to_owned(), plain(inner.get_about()))).collect()
}

/// The commands and topics that `help` can explain.
fn subjects(root: &Command, path: &[String]) -> Completion {
    let command = path.iter().try_fold(root, |command, word| command.find_subcommand(word));
    let mut words = command.map(commands).unwrap_or_default();
    if path.is_empty() {
        words.extend(TOPICS.map(|(name, about, _)| (name.to_owned(), about.to_owned())));
    }
    Completion::Words(words)
}

fn values(command: &Command, arg: &Arg, positionals: &[String]) -> Completion {
    let possible = arg.get_possible_values();
    if !possible.is_empty() && arg.get_action().takes_values() {
        let words = possible.iter().map(|value| (value.get_name().to_owned(), plain(value.get_help())));
        return Completion::Words(words.collect());
    }
    let words =
        |words: &[&str]| Completion::Words(words.iter().map(|word| ((*word).to_owned(), String::new())).collect());
    let account = || Completion::Account(positionals.first().cloned());
    let is_new = matches!(command.get_name(), "login" | "add") && arg.is_positional();
    match arg.get_value_names().and_then(|names| names.first()).map(clap::builder::Str::as_str) {
        Some("HOST") if is_new => Completion::NewRegistry,
        Some("HOST" | "IMAGE") => Completion::Registry,
        Some("ACCOUNT") if matches!(command.get_name(), "exec" | "move") => Completion::Choice,
        Some("HOST=ACCOUNT") => Completion::Choice,
        Some("ACCOUNT") => account(),
        Some("NAME") if arg.get_long() == Some("username") => account(),
        Some("ALIAS") if arg.is_positional() => Completion::Account(None),
        Some("STORE") => Completion::Store,
        Some("HELPER") => Completion::Helper,
        Some("PROGRAM") if arg.get_long() == Some("borrow") => Completion::ExternalProgram,
        Some("HOLDER") => words(&["keyring", "passphrase", "systemd", "file:"]),
        Some("OPERATION") => words(&["pull", "push"]),
        Some("METHOD") => words(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
        Some("PATH") if command.get_name() == "api" => Completion::Free,
        Some("FILE" | "FOLDER" | "PATH" | "SOURCE") => Completion::File,
        _ => Completion::Free,
    }
}

/// Returns the first line of a text, because a shell shows a word's description on one line.
fn plain(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(line: &str) -> Completion {
        CommandLine::complete(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    fn words(line: &str) -> Vec<String> {
        match next(line) {
            Completion::Words(words) => words.into_iter().map(|(word, _)| word).collect(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_last_word_is_completed_from_what_stands_before_it() {
        for (line, expected) in [
            ("switch ", Completion::Registry),
            ("--json switch ", Completion::Registry),
            ("switch ghcr.io ", Completion::Account(Some("ghcr.io".into()))),
            ("switch ghcr.io me ", Completion::Free),
            ("configure-docker ghcr.io ", Completion::Registry),
            ("account show ", Completion::Registry),
            ("which ", Completion::Registry),
            ("login ", Completion::NewRegistry),
            ("account add ", Completion::NewRegistry),
            ("login ghcr.io --username ", Completion::Account(Some("ghcr.io".into()))),
            ("login ghcr.io --alias ", Completion::Free),
            ("login ghcr.io --store ", Completion::Store),
            ("login ghcr.io --borrow ", Completion::ExternalProgram),
            ("logout ghcr.io -u ", Completion::Account(Some("ghcr.io".into()))),
            ("pin ", Completion::Account(None)),
            ("route ghcr.io ", Completion::Helper),
            ("route --fallback ", Completion::Helper),
            ("use ", Completion::Choice),
            ("exec -a ", Completion::Choice),
            ("api ghcr.io ", Completion::Free),
            ("trust ", Completion::File),
            ("export --output ", Completion::File),
            ("exec --account work -- docker ", Completion::File),
        ] {
            assert_eq!(next(line), expected, "{line}");
        }
        for (line, some) in [
            ("", "switch"),
            ("sw", "configure-docker"),
            ("account ", "edit"),
            ("help ", "login"),
            ("help ", "exit-codes"),
            ("help account ", "edit"),
            ("login ghcr.io --for ", "push"),
            ("store ", "sealed"),
            ("store ", "move"),
            ("completions ", "zsh"),
            ("export --format ", "auth.json"),
            ("configure-docker --", "--undo"),
            ("configure-docker --", "--json"),
        ] {
            assert!(words(line).iter().any(|word| word == some), "{line}");
        }
        assert_eq!(CommandLine::complete(&[]), next(""));
        for (line, none) in [("login --device --", "--device"), ("login --", "--password"), ("", "man")] {
            assert!(words(line).iter().all(|word| word != none), "{line}");
        }
    }
}
