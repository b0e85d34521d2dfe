//! `Ui`: all output for people and all input from people. The implementation uses the crates `dialoguer`, `indicatif`
//! and `open`.
//!
//! Data goes to stdout, and messages go to stderr. Every message can be understood without colour. Ensign asks
//! questions only on a terminal.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use dialoguer::console::Term;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::prompt::{self, Echo};
use super::{menu, wrap};
use crate::model::Secret;
use crate::system::{env, exec, text, threads};

/// The schema version of the `--json` output of all commands except `which` and `why`. The version increases when a
/// field is removed or changes its meaning.
const JSON_SCHEMA: u64 = 1;

const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

/// The output of this run, as text for a person or as JSON for a program.
pub(super) struct Ui {
    json: bool,
    /// The name of the program as the user typed it.
    program: String,
}

impl Ui {
    pub(super) fn new(json: bool, program: &str) -> Self {
        Self { json, program: program.to_owned() }
    }

    /// Returns a hint with the name by which the user called the program. Lower layers write the program's full name
    /// into hints.
    pub(super) fn as_typed(&self, hint: &str) -> String {
        hint.replace("`docker-credential-ensign ", &format!("`{} ", self.program))
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Tells whether Ensign can ask a person questions. In a window of Git Bash, a Windows program can read no keys.
    pub(super) fn can_ask(&self) -> bool {
        let reads_keys = !Term::stderr().features().is_msys_tty();
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal() && reads_keys
    }

    /// Tells whether a person reads the data as text on a terminal.
    pub(super) fn shows_data_to_a_person(&self) -> bool {
        !self.json && io::stdout().is_terminal()
    }

    /// Prints `lines` for a person, wrapped to the terminal's width, or `value` as JSON for a program.
    pub(super) fn data(&self, value: Value, lines: impl Display) -> Result<()> {
        let lines = fit_for_terminal(&lines.to_string());
        self.exact_data(value, wrap::for_terminal(&lines, &Term::stdout()))
    }

    /// Prints data without breaking lines, because a person copies the lines or another program wrote the lines.
    pub(super) fn exact_data(&self, value: Value, lines: impl Display) -> Result<()> {
        self.print(&if self.json {
            text::sanitize_json(&with_schema(value).to_string())
        } else {
            fit_for_terminal(&lines.to_string())
        })
    }

    /// Prints Ensign's own text, and adds a line end if the text has none.
    pub(super) fn print(&self, text: &str) -> Result<()> {
        let ended = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        write_out(format!("{text}{ended}").as_bytes()).map(drop)
    }

    /// Writes bytes to stdout, without control characters if stdout is a terminal. Returns `false` if the reader closed
    /// the pipe.
    pub(super) fn raw(&self, bytes: &[u8]) -> Result<bool> {
        if self.is_terminal() {
            write_out(fit_for_terminal(&String::from_utf8_lossy(bytes)).as_bytes())
        } else {
            write_out(bytes)
        }
    }

    /// Tells whether stdout is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Prints a message without control characters to stderr. With `--json`, prints nothing.
    pub(super) fn say(&self, line: impl Display) {
        if !self.json {
            let line = text::sanitize(&line.to_string());
            let _ = writeln!(io::stderr(), "{}", wrap::for_terminal(&line, &Term::stderr()));
        }
    }

    /// Prints a message as one line, so that a person can copy the command in it.
    pub(super) fn say_unbroken(&self, line: &str) {
        if !self.json {
            let _ = writeln!(io::stderr(), "{}", text::sanitize(line));
        }
    }

    /// Prints the result of a command, as a sentence for a person or as `value` for a program.
    pub(super) fn done(&self, value: Value, line: impl Display) -> Result<()> {
        self.say(format_args!("✓ {line}"));
        self.json(value)
    }

    /// Prints a message about something that a person should know or do.
    pub(super) fn note(&self, line: impl Display) {
        self.say(format_args!("! {line}"));
    }

    pub(super) fn ask(&self, question: &str) -> Result<String> {
        Ok(prompt::ask(question, Echo::Letters)?.trim().to_owned())
    }

    pub(super) fn ask_secret(&self, question: &str) -> Result<Secret> {
        Ok(Secret::new(prompt::ask(question, Echo::Nothing)?))
    }

    /// Asks for a new secret, which a person types twice.
    pub(super) fn ask_new_secret(&self, question: &str) -> Result<Secret> {
        loop {
            let secret = self.ask_secret(question)?;
            if self.ask_secret("Again")? == secret {
                return Ok(secret);
            }
            self.say("They do not match");
        }
    }

    pub(super) fn confirm(&self, question: &str) -> Result<bool> {
        Ok(prompt::confirm(question)?)
    }

    /// Shows a menu, and returns the index of the chosen item.
    pub(super) fn choose(&self, question: &str, items: &[String], default: usize) -> Result<usize> {
        Ok(menu::choose(question, items, default)?)
    }

    /// Shows progress until `wait` returns.
    pub(super) fn while_waiting<T>(&self, what: &str, wait: impl FnOnce() -> T) -> T {
        let _line = self.live_line(what);
        wait()
    }

    /// Shows a line until the returned value is dropped. The text of the line can be changed. Without a terminal, shows
    /// nothing.
    pub(super) fn live_line(&self, words: impl Display) -> LiveLine {
        if self.json || !io::stderr().is_terminal() {
            return LiveLine(None);
        }
        let spinner = ProgressBar::new_spinner().with_message(text::sanitize(&words.to_string()));
        if let Ok(style) = ProgressStyle::with_template("{msg} {spinner}") {
            spinner.set_style(style);
        }
        let ticking = spinner.downgrade();
        // A thread of Ensign moves the spinner, because `indicatif` panics if its own thread cannot start.
        let _ = threads::start(move || {
            while let Some(spinner) = ticking.upgrade().filter(|spinner| !spinner.is_finished()) {
                spinner.tick();
                drop(spinner);
                thread::sleep(Duration::from_millis(100));
            }
        });
        // On an unknown terminal, the spinner is hidden, because such a terminal cannot replace a line.
        LiveLine((!spinner.is_hidden()).then_some(spinner))
    }

    /// Prints `value` for a program, but nothing for a person.
    pub(super) fn json(&self, value: Value) -> Result<()> {
        if self.json { self.data(value, "") } else { Ok(()) }
    }

    pub(super) fn open_browser(&self, link: &str) -> bool {
        // On Windows, `that_detached` does not search the current folder for programs.
        if cfg!(windows) { open::that_detached(link).is_ok() } else { exec::start_first(open::commands(link)) }
    }

    /// Makes a word bold if the terminal can show bold words.
    pub(super) fn bold(&self, word: &str) -> String {
        if self.json || !is_styled() { word.to_owned() } else { format!("{BOLD}{word}{PLAIN}") }
    }
}

/// Tells whether stdout can show bold words. Windows and the terminal `dumb` are excluded, because they may print the
/// escape codes as text.
pub(super) fn is_styled() -> bool {
    let is_dumb = env::variable("TERM").is_some_and(|terminal| terminal == "dumb");
    !cfg!(windows) && !is_dumb && io::stdout().is_terminal() && env::variable("NO_COLOR").is_none()
}

/// The line that [`Ui::live_line`] shows, if there is a terminal.
pub(super) struct LiveLine(Option<ProgressBar>);

impl LiveLine {
    pub(super) fn set(&self, words: impl Display) {
        if let Some(spinner) = &self.0 {
            spinner.set_message(text::sanitize(&words.to_string()));
        }
    }

    pub(super) fn is_seen(&self) -> bool {
        self.0.is_some()
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        if let Some(spinner) = &self.0 {
            spinner.finish_and_clear();
        }
    }
}

/// Removes control characters from a text for a terminal, because a name in the text may come from another program.
/// Keeps only Ensign's own two escape sequences for bold text.
fn fit_for_terminal(text: &str) -> String {
    let lines = |text: &str| text.split('\n').map(text::sanitize).collect::<Vec<_>>().join("\n");
    let plain = |text: &str| text.split(PLAIN).map(lines).collect::<Vec<_>>().join(PLAIN);
    text.split(BOLD).map(plain).collect::<Vec<_>>().join(BOLD)
}

fn with_schema(value: Value) -> Value {
    let mut json = json!({"schema": JSON_SCHEMA});
    if let (Value::Object(json), Value::Object(fields)) = (&mut json, value) {
        json.extend(fields);
    }
    json
}

/// Writes to stdout. Returns `false` if the reader closed the pipe, as in `ensign status | head`.
fn write_out(bytes: &[u8]) -> Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        result => result.map(|()| true).context("could not write to stdout"),
    }
}
