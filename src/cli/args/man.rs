//! Makes the manual pages from the texts of the help. Only this file uses the crate `clap_mangen`.

use std::fmt::Write as _;
use std::io;

use clap::Command;
use clap_mangen::Man;

use super::CommandLine;
use super::guide::{GROUPS, TOPICS, commands};
use super::help::{about, whole};

/// The program's name in the pages.
const PROGRAM: &str = "ensign";

impl CommandLine {
    /// All pages, each as file name and text.
    pub(in crate::cli) fn manual() -> io::Result<Vec<(String, String)>> {
        let mut tree = Self::tree(PROGRAM);
        tree.build();
        let mut pages = vec![(format!("{PROGRAM}.1"), main_page(&tree)?)];
        for command in tree.get_subcommands() {
            add_pages(command, PROGRAM, &mut pages)?;
        }
        for (name, about, text) in TOPICS {
            let name = format!("{PROGRAM}-{name}");
            let text = text.split_once("\n\n").map_or(text, |(_, text)| text);
            let page = format!("{}.SH DESCRIPTION\n{}{}", title(&name, 7, about), prose(text), see_also(&[]));
            pages.push((format!("{name}.7"), page));
        }
        for (_, page) in &mut pages {
            *page = tidy(page);
        }
        Ok(pages)
    }
}

/// The date of these texts. It is constant, so that the same program always makes the same pages.
const DATE: &str = "2026-11-28";

/// Adds the page of a command and the pages of its subcommands.
fn add_pages(command: &Command, above: &str, pages: &mut Vec<(String, String)>) -> io::Result<()> {
    if command.is_hide_set() {
        return Ok(());
    }
    let name = format!("{above}-{}", command.get_name());
    let inner: Vec<_> = command.get_subcommands().filter(|inner| !inner.is_hide_set()).collect();
    let names: Vec<_> = inner.iter().map(|inner| format!("{name}-{}", inner.get_name())).collect();
    let page = title(&name, 1, &about(command)) + &from_clap(whole(command.clone()))? + &see_also(&names);
    pages.push((format!("{name}.1"), page));
    inner.into_iter().try_for_each(|inner| add_pages(inner, &name, pages))
}

fn main_page(tree: &Command) -> io::Result<String> {
    let mut page = title(PROGRAM, 1, &about(tree));
    page += &from_clap(whole(tree.clone()).after_help(""))?;
    page += ".SH COMMANDS\n";
    for (group, rows) in GROUPS {
        let _ = writeln!(page, ".SS {}", escaped(group));
        for command in commands(rows).filter_map(|name| tree.find_subcommand(name)) {
            let name = escaped(&format!("{PROGRAM}-{}", command.get_name()));
            let _ = writeln!(page, ".TP\n.BR {name} (1)\n{}", escaped(&about(command)));
        }
    }
    page += &see_also(&TOPICS.map(|(name, ..)| format!("{PROGRAM}-{name}")));
    Ok(page)
}

/// The sections of a page that come from clap: the synopsis, the options, and the text after the options.
fn from_clap(mut command: Command) -> io::Result<String> {
    let usage = command.render_usage().to_string();
    let usage: Vec<_> = usage.trim_start_matches("Usage:").lines().map(|line| escaped(line.trim())).collect();
    let about = about(&command);
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let man = Man::new(command);
    let mut options = Vec::new();
    man.render_options_section(&mut options)?;
    let options = String::from_utf8_lossy(&options);
    let begin = options.find(".SH ").unwrap_or_default(); // the text before defines quotation marks
    let (usage, about) = (usage.join("\n.br\n"), escaped(about.trim_end_matches('.')));
    let mut page = format!(".SH SYNOPSIS\n{usage}\n.SH DESCRIPTION\n{about}.\n");
    page += &options[begin..];
    let (mut notes, mut sections) = (String::new(), String::new());
    for paragraph in after.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        match paragraph.split_once(':') {
            Some(("Examples", lines)) => {
                sections.extend([".SH EXAMPLES\n", &prose(lines.trim_start_matches('\n'))]);
            }
            Some(("Exit codes", codes)) => sections.extend([".SH \"EXIT STATUS\"\n", &prose(codes.trim())]),
            _ => notes.extend([".PP\n", &prose(paragraph)]),
        }
    }
    if !notes.is_empty() {
        page += ".SH NOTES\n";
    }
    Ok(page + &notes + &sections)
}

fn title(name: &str, section: u8, about: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let upper = name.to_uppercase();
    format!(
        ".TH \"{}\" \"{section}\" \"{DATE}\" \"Ensign {version}\" \"Ensign\"\n.SH NAME\n{} \\- {}\n",
        escaped(&upper),
        escaped(name),
        escaped(about)
    )
}

/// The section `SEE ALSO`, which lists other pages. If `names` is empty, the section lists the main page.
fn see_also(names: &[String]) -> String {
    let main_page = [PROGRAM.to_owned()];
    let names = if names.is_empty() { &main_page } else { names };
    let section = |name: &String| TOPICS.iter().any(|(topic, ..)| name.ends_with(&format!("-{topic}")));
    let lines: Vec<_> =
        names.iter().map(|name| format!(".BR {} ({})", escaped(name), if section(name) { 7 } else { 1 })).collect();
    format!(".SH \"SEE ALSO\"\n{}\n", lines.join(" ,\n"))
}

/// A help text in roff. Indented lines keep their line breaks; other lines are joined and wrapped.
fn prose(text: &str) -> String {
    let (mut page, mut is_literal) = (String::new(), false);
    for line in text.lines() {
        let literal = line.starts_with("  ");
        if literal != is_literal && !line.is_empty() {
            page += if literal { ".PP\n.nf\n" } else { ".fi\n.PP\n" };
            is_literal = literal;
        }
        if line.is_empty() {
            page += if is_literal { "\n" } else { ".PP\n" };
        } else {
            let _ = writeln!(page, "{}", escaped(line));
        }
    }
    if is_literal {
        page += ".fi\n";
    }
    page
}

/// The page without empty paragraphs, trailing blanks and long lines. `mandoc -T lint` warns about these.
fn tidy(page: &str) -> String {
    const WIDTH: usize = 78;
    let mut lines: Vec<String> = Vec::new();
    let mut is_literal = false;
    for line in page.lines().map(str::trim_end) {
        let last = lines.last().map_or("", String::as_str);
        let begins = [".SH", ".SS"].iter().any(|section| last.starts_with(section));
        match line {
            ".nf" => is_literal = true,
            ".fi" => is_literal = false,
            _ => {}
        }
        if (line == ".PP" && (begins || last == ".PP")) || (line == ".br" && matches!(last, ".sp" | ".br")) {
            continue;
        }
        if (line.starts_with(".SH") && last == ".PP") || (line == ".sp" && last == ".br") {
            lines.pop();
        }
        let mut rest = line.replace("\\*(Aq", "\\(aq");
        while !is_literal && !rest.starts_with('.') && rest.len() > WIDTH {
            let fits = |at: &usize| *at <= WIDTH && !rest[*at + 1..].starts_with(['.', '\'']);
            let Some(at) = rest.rmatch_indices(' ').map(|(at, _)| at).find(fits) else { break };
            lines.push(rest[..at].to_owned());
            rest.drain(..=at);
        }
        if !rest.is_empty() || is_literal {
            lines.push(rest);
        }
    }
    while lines.last().is_some_and(|line| line == ".PP") {
        lines.pop();
    }
    lines.join("\n") + "\n"
}

/// The line with escapes, so that roff reads no part of it as a command.
fn escaped(line: &str) -> String {
    let text = line.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_and_topic_has_a_page_of_the_texts_of_help() {
        let pages = CommandLine::manual().unwrap();
        let page = |name: &str| &pages.iter().find(|page| page.0 == name).unwrap_or_else(|| panic!("no {name}")).1;
        for name in ["ensign.1", "ensign-login.1", "ensign-account-edit.1", "ensign-buildx-sync.1", "ensign-patterns.7"]
        {
            assert!(page(name).starts_with(".TH \"ENSIGN"), "{name}");
        }
        for part in
            [".SH NAME\nensign\\-login \\- Add an account", "\\-\\-client\\-id", ".SH EXAMPLES", "ensign login ghcr.io"]
        {
            assert!(page("ensign-login.1").contains(part), "{part}: {}", page("ensign-login.1"));
        }
        assert!(page("ensign-check.1").contains(".SH \"EXIT STATUS\"\n0 allowed"));
        assert!(
            !page("ensign-login.1").contains("All options") && !page("ensign-login.1").contains("\\-\\-password <")
        );
        assert!(pages.iter().all(|(name, _)| !name.contains("ensign-man.")));
    }
}
