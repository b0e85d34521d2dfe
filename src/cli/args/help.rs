//! Builds the help from clap's tree of commands, from the groups and examples of `guide`, and from the topics.

use std::fmt::Write as _;

use clap::builder::StyledStr;
use clap::{Command, CommandFactory};

use super::CommandLine;
use super::guide::{GROUPS, GuideRow, TOPICS, rows};

const WIDTH: usize = 80;

/// Whether a help text is plain, or styled for a terminal that shows bold words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum HelpStyle {
    Plain,
    Styled,
}

impl CommandLine {
    /// The tree of commands with the help's texts. Usage and examples call the program `program`.
    pub(in crate::cli) fn tree(program: &str) -> Command {
        let tree = Self::command().bin_name(program.to_owned()).help_template(template(program));
        tree.mut_subcommands(|command| {
            let examples = rows().find(|(name, _)| *name == command.get_name()).map_or(&[][..], |(_, lines)| *lines);
            let path = command.get_name().to_owned();
            with_texts(command, &path, examples, program)
        })
    }

    /// The help for a call without a command: the everyday commands, the names of the others, and the first step.
    pub(in crate::cli) fn short_help(program: &str, look: HelpStyle) -> String {
        let mut tree = Self::tree(program);
        let about = tree.get_about().map(ToString::to_string).unwrap_or_default();
        let mut text = format!("{}\n\n{}\n\n", tree.render_usage().ansi(), wrapped(&about, 0));
        for (place, (title, rows)) in GROUPS.iter().enumerate() {
            if place == 0 {
                let _ = writeln!(text, "{}\n{}", heading(title), described(&tree, rows, 8));
            } else {
                let names: Vec<_> = rows.iter().map(|(name, _)| *name).collect();
                let names = wrapped(&format!("{title}: {}", names.join(", ")), 2);
                let _ = writeln!(text, "{}", names.replacen(&format!("{title}:"), &heading(title), 1));
            }
        }
        let _ = writeln!(text, "\nFirst step:  {program} login ghcr.io\nMore:        {program} help");
        shown(&text.into(), look)
    }

    /// The help about a command with all its options, or about a topic. Without `words`, it is about the whole program.
    /// `None` if no command or topic has that name.
    pub(in crate::cli) fn help_about(program: &str, words: &[String], look: HelpStyle) -> Option<String> {
        let mut tree = Self::tree(program);
        tree.build();
        if let [word] = words
            && let Some((_, _, text)) = TOPICS.iter().find(|(name, ..)| name == word)
        {
            return Some(called(text, program));
        }
        let command = words.iter().try_fold(&mut tree, |command, word| command.find_subcommand_mut(word))?;
        Some(shown(&whole(command.clone()).render_help(), look))
    }
}

/// Returns the command with all options and the long texts in its short help, because clap renders short help
/// compactly.
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
    for command in rows.iter().filter_map(|(name, _)| tree.find_subcommand(name)) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, "  {:width$}  {}", command.get_name(), wrapped(&about, width + 4));
    }
    text
}

/// Adds the examples to the text after a command's options. All texts call the program `program`.
fn with_texts(command: Command, path: &str, examples: &[(&str, &str)], program: &str) -> Command {
    let mut text = String::new();
    if !examples.is_empty() {
        let lines: Vec<_> = examples.iter().map(|(line, meaning)| (called(line, program), meaning)).collect();
        let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or_default();
        text += &heading("Examples");
        for (line, meaning) in lines {
            let _ = write!(text, "\n  {line:width$}  {meaning}");
        }
    }
    let mut paragraphs: Vec<String> = Some(text).into_iter().filter(|text| !text.is_empty()).collect();
    paragraphs.extend(command.get_after_help().map(|text| called(&text.to_string(), program)));
    if command.get_arguments().any(clap::Arg::is_hide_short_help_set) {
        paragraphs.push(format!("{ALL_OPTIONS}{program} help {path}"));
    }
    let command = command.mut_subcommands(|inner| {
        let path = format!("{path} {}", inner.get_name());
        with_texts(inner, &path, &[], program)
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

/// The text in lines that fit a terminal. All lines after the first are indented by `indent`.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a line");
        if !line.is_empty() && indent + line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else {
            *line += if line.is_empty() { "" } else { " " };
            *line += word;
        }
    }
    lines.join(&format!("\n{:indent$}", ""))
}

fn shown(text: &StyledStr, look: HelpStyle) -> String {
    match look {
        HelpStyle::Plain => text.to_string(),
        HelpStyle::Styled => text.ansi().to_string(),
    }
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
        let mut grouped: Vec<_> = rows().map(|(name, _)| *name).collect();
        names.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(grouped, names, "each command needs a row in cli/args/guide.rs");
        for (name, examples) in rows() {
            let about = tree.find_subcommand(name).unwrap().get_about().unwrap().to_string();
            assert!(about.chars().count() <= 60, "`{name}`: help has 60 characters for: {about}");
            assert!(!examples.is_empty(), "`{name}` has no examples");
            for line in screen(name).lines() {
                assert!(line.chars().count() <= WIDTH, "`{name}` is wider than a terminal: {line}");
            }
            let one_line = |(line, _): &&(&str, &str)| screen(name).contains(&format!("\n  {line} "));
            assert_eq!(examples.iter().find(|example| !one_line(example)), None, "`{name}`: no example is broken");
        }
    }

    #[test]
    fn what_people_use_most_fits_a_screen() {
        const LINES: usize = 23; // one line remains for the prompt
        let mut screens = vec![("short".to_owned(), CommandLine::short_help("ensign", HelpStyle::Plain))];
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
