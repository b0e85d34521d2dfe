//! `help`: prints help. A call without a command also prints help.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context as _;

use super::CommandContext;
use super::args::CommandLine;
use super::failure::Failure;
use super::ui::{Ui, is_styled};
use crate::system::text;

/// Prints the short help, for a first look at the program.
pub(super) fn short(program: &str) -> ExitCode {
    print(&Ui::new(false, program), &CommandLine::short_help(program, is_styled()))
}

/// Prints a text of help, or says why it could not be printed.
pub(super) fn print(ui: &Ui, text: &str) -> ExitCode {
    match ui.print(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => Failure::from(error).report(ui),
    }
}

/// Prints the help about a command or a topic.
pub(super) fn about(program: &str, words: &[String]) -> ExitCode {
    let ui = Ui::new(false, program);
    let Some(help) = CommandLine::help_about(program, words, is_styled()) else {
        let what = format!("there is no command or topic `{}`", text::one_line(&words.join(" "), 60));
        return Failure::usage(what, format!("run `{program} help` to see the commands and topics")).report(&ui);
    };
    print(&ui, &help)
}

/// Prints the manual page `page`. If `page` is `None`, prints the names of all pages. The builds of packages run this
/// command.
pub(super) fn manual(context: &CommandContext<'_>, page: Option<&str>) -> Result<ExitCode, Failure> {
    let pages = CommandLine::manual().context("could not write the manual")?;
    let text = match page {
        None => pages.iter().fold(String::new(), |names, (name, _)| names + name + "\n"),
        Some(page) => match pages.into_iter().find(|(name, _)| name == page) {
            Some((_, text)) => text,
            None => {
                return Err(Failure::usage(
                    format!("there is no page `{page}`"),
                    "run `docker-credential-ensign man` to list the pages",
                ));
            }
        },
    };
    context.ui.print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the short help to stderr, because a person typed a client's call, such as `get`. The call itself would only
/// wait for input.
pub(crate) fn refuse_terminal(program: &str) -> ExitCode {
    let _ = write!(io::stderr(), "{}", CommandLine::short_help(program, false));
    ExitCode::FAILURE
}
