//! Builds the help from clap's tree of commands, from the groups and examples of `guide`, and from the topics.

use std::fmt::Write as _;

use clap::builder::StyledStr;
use clap::{Command, CommandFactory};

use super::CommandLine;
use super::guide::{GROUPS, GuideRow, TOPICS, commands, examples};
use crate::cli::wrap::{WIDTH, wrap};

impl CommandLine {
    /// The tree of commands with the help's texts. In usage and examples, the program's name is `program`.
    pub(in crate::cli) fn tree(program: &str) -> Command {
        let tree = Self::command().bin_name(program.to_owned()).help_template(template(program));
        tree.mut_subcommands(|command| {
            let path = command.get_name().to_owned();
            with_texts(command, &path, program)
        })
    }

    /// The help for a call without a command: the everyday commands, the names of the others, and the first step.
    pub(in crate::cli) fn short_help(program: &str, is_styled: bool) -> String {
        let mut tree = Self::tree(program);
        let [(everyday, rows), others @ ..] = &GROUPS;
        let mut text = format!("{}\n\n{}\n\n", tree.render_usage().ansi(), about(&tree));
        let _ = writeln!(text, "{}\n{}", heading(everyday), described(&tree, rows, 8));
        for (title, rows) in others {
            let names = commands(rows).collect::<Vec<_>>().join(", ");
            let _ = writeln!(text, "{}", wrap(&format!("{} {names}", heading(title)), WIDTH));
        }
        let _ = writeln!(text, "\nFirst step:  {program} login ghcr.io\nMore:        {program} help");
        shown(&text.into(), is_styled)
    }

    /// Returns the help about a command with all its options, or about a topic. If `words` is empty, returns the help
    /// about the whole program. Returns `None` if no command or topic has the name in `words`.
    pub(in crate::cli) fn help_about(program: &str, words: &[String], is_styled: bool) -> Option<String> {
        let mut tree = Self::tree(program);
        tree.build();
        if let [word] = words
            && let Some((_, _, text)) = TOPICS.iter().find(|(name, ..)| name == word)
        {
            return Some(called(text, program));
        }
        let command = words.iter().try_fold(&mut tree, |command, word| command.find_subcommand_mut(word))?;
        Some(shown(&whole(command.clone()).render_help(), is_styled))
    }
}

/// Returns the command, changed so that its short help contains all options and the long texts. The short help is used,
/// because clap renders short help compactly.
pub(super) fn whole(command: Command) -> Command {
    let mut command = command.mut_args(|arg| {
        let help = arg.get_long_help().or(arg.get_help()).cloned();
        let arg = arg.hide_short_help(false);
        if let Some(help) = help { arg.help(help) } else { arg }
    });
    if let Some(long) = command.get_long_about().cloned() {
        command = command.about(long);
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    match after.split_once(ALL_OPTIONS) {
        Some((before, _)) => command.after_help(before.trim_end().to_owned()),
        None => command,
    }
}

const ALL_OPTIONS: &str = "All options:  ";

/// The help of the whole program: one line for each command, in groups.
fn template(program: &str) -> String {
    let tree = CommandLine::command();
    let mut text = "{usage-heading} {usage}\n\n{about}\n\n".to_owned();
    for (title, rows) in GROUPS {
        let _ = writeln!(text, "{}\n{}", heading(title), described(&tree, rows, 16));
    }
    let topics = TOPICS.map(|(name, about, _)| format!("  {name:16}  {about}")).join("\n");
    let _ = writeln!(text, "{}\n{topics}\n\n{}", heading("Topics"), heading("Options of all commands"));
    for arg in tree.get_arguments() {
        let name = format!("--{}", arg.get_long().unwrap_or_default());
        let _ = writeln!(text, "  {name:16}  {}", arg.get_help().map(ToString::to_string).unwrap_or_default());
    }
    let _ = writeln!(text, "\nHelp about a command or a topic:  {program} help login");
    let _ =
        write!(text, "HOST is a registry such as ghcr.io.\nAfter `{program} configure-docker`, Docker asks Ensign.");
    text
}

/// One line for each command of a group, with its description.
fn described(tree: &Command, rows: &[GuideRow], width: usize) -> String {
    let mut text = String::new();
    for command in commands(rows).filter_map(|name| tree.find_subcommand(name)) {
        let _ = writeln!(text, "  {:width$}  {}", command.get_name(), about(command));
    }
    text
}

/// The one-line description of a command.
pub(super) fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// Adds the examples to the text after a command's options. In all texts, the program's name is `program`.
fn with_texts(command: Command, path: &str, program: &str) -> Command {
    let examples: Vec<_> = examples(path).map(|(_, line, meaning)| (called(line, program), meaning)).collect();
    let width = examples.iter().map(|(line, _)| line.chars().count()).max().unwrap_or_default();
    let mut paragraphs = Vec::new();
    if !examples.is_empty() {
        let fits = examples.iter().all(|(_, meaning)| width + meaning.chars().count() + 4 <= WIDTH);
        let lines = examples.iter().map(|(line, meaning)| {
            if fits { format!("\n  {line:width$}  {meaning}") } else { format!("\n  {line}\n      {meaning}") }
        });
        paragraphs.push(heading("Examples") + &lines.collect::<Vec<_>>().concat());
    }
    paragraphs.extend(command.get_after_help().map(|text| called(&text.to_string(), program)));
    if command.get_arguments().any(clap::Arg::is_hide_short_help_set) {
        paragraphs.push(format!("{ALL_OPTIONS}{program} help {path}"));
    }
    let command = command.mut_subcommands(|inner| {
        let path = format!("{path} {}", inner.get_name());
        with_texts(inner, &path, program)
    });
    if paragraphs.is_empty() { command } else { command.after_help(paragraphs.join("\n\n")) }
}

/// The text, with `ensign` replaced by `program` in command lines of Ensign.
fn called(text: &str, program: &str) -> String {
    let mut parts = text.split("ensign ");
    let mut changed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_ours =
            changed.ends_with("docker ") || changed.ends_with(|last: char| last.is_alphanumeric() || last == '-');
        changed += if is_ours { "ensign" } else { program };
        changed += " ";
        changed += part;
    }
    changed
}

/// A heading in the style of clap's own headings.
fn heading(title: &str) -> String {
    format!("\u{1b}[1m\u{1b}[4m{title}:\u{1b}[0m")
}

/// Returns a text of clap, with or without its escape codes.
pub(super) fn shown(text: &StyledStr, is_styled: bool) -> String {
    if is_styled { text.ansi().to_string() } else { text.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the output of `ensign COMMAND --help` on a terminal.
    fn screen(path: &str) -> String {
        let mut tree = CommandLine::tree("ensign").term_width(WIDTH);
        tree.build();
        let command = path.split(' ').fold(&mut tree, |command, word| command.find_subcommand_mut(word).unwrap());
        command.clone().term_width(WIDTH).render_help().to_string()
    }

    #[test]
    fn each_visible_command_is_in_one_group_of_the_guide_with_examples() {
        let tree = CommandLine::tree("ensign");
        let mut names: Vec<_> =
            tree.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name).collect();
        let mut grouped: Vec<_> = GROUPS.iter().flat_map(|(_, rows)| commands(rows)).collect();
        names.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(grouped, names, "each command needs a row in cli/args/guide.rs");
        for name in names {
            let about = about(tree.find_subcommand(name).unwrap());
            assert!(about.chars().count() <= 60, "`{name}`: help has 60 characters for: {about}");
            for line in screen(name).lines() {
                assert!(line.chars().count() <= WIDTH, "`{name}` is wider than a terminal: {line}");
            }
            let screen = screen(name);
            let one_line =
                |(_, line, _): &&GuideRow| [' ', '\n'].iter().any(|end| screen.contains(&format!("\n  {line}{end}")));
            assert_eq!(examples(name).find(|example| !one_line(example)), None, "`{name}`: no example is broken");
        }
    }

    #[test]
    fn what_people_use_most_fits_a_screen() {
        const LINES: usize = 23; // one line remains for the prompt
        let mut screens = vec![("short".to_owned(), CommandLine::short_help("ensign", false))];
        screens.extend(TOPICS.map(|(name, _, text)| (name.to_owned(), text.to_owned())));
        for path in [
            "login",
            "status",
            "which",
            "switch",
            "check",
            "why",
            "logout",
            "configure-docker",
            "import",
            "account",
            "account edit",
            "use",
            "exec",
        ] {
            screens.push((path.to_owned(), screen(path)));
        }
        for (name, text) in screens {
            let lines = text.lines().count();
            assert!(lines <= LINES, "`{name}` has {lines} lines:\n{text}");
            assert_eq!(text.lines().find(|line| line.chars().count() > WIDTH), None, "`{name}` is too wide");
        }
    }

    #[test]
    fn commands_are_shown_with_the_name_that_was_typed() {
        for (text, expected) in [
            ("ensign login", "X login"),
            ("a:\n  ensign login", "a:\n  X login"),
            ("eval \"$(ensign use a=b)\"", "eval \"$(X use a=b)\""),
            ("docker ensign which", "docker ensign which"),
            ("docker-credential-ensign get", "docker-credential-ensign get"),
            ("Docker asks Ensign for it", "Docker asks Ensign for it"),
        ] {
            assert_eq!(called(text, "X"), expected, "{text}");
        }
    }
}
