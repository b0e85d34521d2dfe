//! `help`, and what a person is shown who gave no command.

use std::io::{self, Write};
use std::process::ExitCode;

use super::args::{Arguments, Look};
use super::failure::Failure;
use super::ui::{Ui, is_styled};
use crate::system::text;

/// The short help, for somebody who wants to know what this is.
pub(super) fn short(program: &str) -> ExitCode {
    let printed = Ui::new(false, program).print(&Arguments::short_help(program, look()));
    if printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `help COMMAND` and `help TOPIC`.
pub(super) fn about(program: &str, words: &[String]) -> ExitCode {
    let ui = Ui::new(false, program);
    let Some(help) = Arguments::help_about(program, words, look()) else {
        let what = format!("there is no command or topic `{}`", text::one_line(&words.join(" "), 60));
        return Failure::usage(what, format!("run `{program} help` to see them")).report(&ui);
    };
    if ui.print(&help).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Shows help on stderr to a person who started what only programs start, and would wait for ever.
pub(crate) fn refuse_terminal(program: &str) -> ExitCode {
    let _ = write!(io::stderr(), "{}", Arguments::short_help(program, Look::Plain));
    ExitCode::FAILURE
}

fn look() -> Look {
    if is_styled() { Look::Styled } else { Look::Plain }
}
