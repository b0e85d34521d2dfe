//! `shows`: compares the program's whole output with a snapshot. `SNAPSHOTS=overwrite cargo test --test it` rewrites
//! the snapshots.

use std::fmt::Write;
use std::path::Path;
use std::sync::LazyLock;

use regex_lite::{Captures, Regex};
use snapbox::assert::DEFAULT_ACTION_ENV;
use snapbox::data::DataFormat;
use snapbox::{Assert, Data, IntoData};

use super::{Run, Sandbox};

/// Text that differs between runs, and the word for it in a snapshot. A second host is `[HOST-2]`.
static CHANGING: LazyLock<[(&str, Regex); 9]> = LazyLock::new(|| {
    let temporary = regex_lite::escape(std::env::temp_dir().display().to_string().trim_end_matches(['/', '\\']));
    let pattern = |text: &str| Regex::new(text).unwrap();
    [
        ("HOME", pattern(&format!(r"{temporary}[/\\]\.tmp[A-Za-z0-9]{{6}}"))),
        ("HOST", pattern(r"\b[a-z0-9.-]+:[3-6]\d{4}\b")),
        ("PID", pattern(r"\bprocess \d+\b")),
        ("NOW", pattern(r"\bjust now {4}|\b\d{1,2} seconds? ago")),
        ("TIME", pattern(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ|\w{3}, \d\d \w{3} 20\d\d \d\d:\d\d:\d\d GMT")),
        ("SECONDS", pattern(r"\b1[789]\d{8}\b")),
        ("SERVER", pattern(r"BaseHTTP/[0-9.]+ Python/[0-9.]+")),
        ("KEY", pattern(r"\b[0-9a-f]{16}\b")),
        ("MS", pattern(r"\b\d+ ms\b")),
    ]
});

impl Run {
    /// Compares exit status, stdout and stderr with a snapshot.
    #[track_caller]
    pub fn shows(&self, expected: impl IntoData) {
        shows(&self.transcript(), expected);
    }

    /// Returns exit status, stdout and stderr as one text. A loop can join the texts of its rows into one snapshot.
    pub fn transcript(&self) -> String {
        let mut text = self.code.map_or("killed\n".to_owned(), |code| format!("exit {code}\n"));
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.is_empty() {
                let end = if stream.ends_with('\n') { "" } else { "[no newline]\n" };
                let _ = write!(text, "--- {name}\n{stream}{end}");
            }
        }
        text
    }
}

/// Compares any text with a snapshot.
#[track_caller]
pub fn shows(text: &str, expected: impl IntoData) {
    let assert = Assert::new().action_env(DEFAULT_ACTION_ENV).normalize_paths(false);
    if let Err(error) = assert.try_eq(Some(&"the program"), redacted(text).into_data(), expected.into_data()) {
        panic!("{error}");
    }
}

/// Compares any text with a file of the project.
#[track_caller]
pub fn shows_file(text: &str, path: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    shows(text, Data::read_from(&path, Some(DataFormat::Text)));
}

/// Text to remove: messages of other programs, and a remark that depends on whether `sudo` is installed.
static OTHERS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"dbus-daemon\[\d+\]: [^\n]*\n|discover_other_daemon: \d|; `sudo` does not find it").unwrap()
});

/// Replaces text that differs between runs.
pub fn redacted(text: &str) -> String {
    let folder = Path::new(Sandbox::program()).parent().unwrap().display().to_string();
    let mut text = OTHERS
        .replace_all(&screen(text), "")
        .replace(&folder, "[BIN]")
        .replace(env!("CARGO_MANIFEST_DIR"), "[CHECKOUT]")
        .replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
    for (name, pattern) in CHANGING.iter() {
        let mut found: Vec<String> = Vec::new();
        let number = |hit: &Captures| {
            let place = found.iter().position(|one| *one == hit[0]).unwrap_or_else(|| {
                found.push(hit[0].to_owned());
                found.len() - 1
            });
            if place == 0 { format!("[{name}]") } else { format!("[{name}-{}]", place + 1) }
        };
        text = pattern.replace_all(&text, number).into_owned();
    }
    text
}

/// Returns the final screen of a terminal, on which spinners and questions are overwritten.
pub fn screen(text: &str) -> String {
    static CONTROL: LazyLock<Regex> = LazyLock::new(|| Regex::new("\r|\n|\u{1b}\\[[0-9;?]*[A-Za-z]").unwrap());
    if !text.contains(['\r', '\u{1b}']) {
        return text.to_owned();
    }
    let (mut lines, mut row, mut column, mut end) = (vec![Vec::<char>::new()], 0, 0, 0);
    let put = |lines: &mut Vec<Vec<char>>, row: usize, column: &mut usize, words: &str| {
        for letter in words.chars() {
            let line = &mut lines[row];
            line.resize(line.len().max(*column + 1), ' ');
            line[*column] = letter;
            *column += 1;
        }
    };
    for control in CONTROL.find_iter(text) {
        put(&mut lines, row, &mut column, &text[end..control.start()]);
        end = control.end();
        let count = control.as_str().trim_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap_or(1);
        match control.as_str().chars().last() {
            Some('\r') => column = 0,
            Some('\n') => row += 1,
            Some('A') => row = row.saturating_sub(count),
            Some('B') => row += count,
            Some('K') => lines[row].clear(),
            _ => {}
        }
        lines.resize(lines.len().max(row + 1), Vec::new());
    }
    put(&mut lines, row, &mut column, &text[end..]);
    let lines = lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}
