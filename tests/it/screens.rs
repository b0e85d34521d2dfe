//! The output of each everyday command fits a terminal of 80 columns and 24 lines, even with long names.

use serde_json::json;

use crate::seed::line_on_a_terminal;
use crate::support::snapshots::screen;
use crate::support::{Sandbox, finish};

const COLUMNS: usize = 80;

/// The terminal has one more line, which shows the next prompt.
const LINES: usize = 23;

/// HOST, NAME and OTHER stand for the names of each test's home.
const COMMANDS: &[&str] = &[
    "",
    "status",
    "status HOST",
    "which HOST/acme/app",
    "which docker push HOST/acme/app",
    "which --as 'docker push HOST/acme/app'",
    "why",
    "switch HOST OTHER",
    "switch HOST -",
    "switch HOST nobody-of-that-name",
    "check HOST",
    "check HOST/acme/app",
    "check",
    "check --all",
    "doctor",
    "doctor --fix no-account",
    "configure-docker --dry-run",
    "configure-docker",
    "status",
    "doctor",
    "configure-docker --undo",
    "update",
    "update --check",
    "account show",
    "account show HOST NAME",
    "account edit HOST",
    "account edit HOST NAME --images 'HOST/acme/**'",
    "account show HOST --name NAME",
    "login HOST",
    "login HOST -u NAME",
    "login HOST -u NAME -p secret",
    "logout HOST",
    "logout --all",
    "logout HOST -u nobody-of-that-name",
    "logout HOST -u NAME",
    "status",
    "doctor",
];

/// A home with accounts on a registry that cannot be reached.
struct Home {
    sandbox: Sandbox,
    host: &'static str,
    names: [&'static str; 2],
}

impl Home {
    fn new(host: &'static str, names: [&'static str; 2]) -> Self {
        let sandbox = Sandbox::new();
        sandbox.link("ensign");
        sandbox.link("docker-credential-ensign");
        let path = format!("{}:/usr/bin:/bin", sandbox.home().display());
        Self { sandbox: sandbox.with("PATH", &path), host, names }
    }

    fn empty() -> Self {
        Self::new("gh.test", ["me", "me-acme"])
    }

    fn with_three_accounts() -> Self {
        let home = Self::new("gh.test", ["me", "me-acme"]);
        for (host, name) in [("gh.test", "me"), ("gh.test", "me-acme"), ("qu.test", "me")] {
            home.sandbox.store(host, name, "secret");
        }
        home
    }

    /// A home folder whose path has 60 characters, and a registry whose name has 50.
    fn with_long_names() -> Self {
        let mut home = Self::new(
            "registry.of-a-department.with-a-long-name.invalid1",
            ["a.rather.long.name@department.example.com", "second.person.with-a-long-name"],
        );
        let folder = format!("{:x<60}", home.sandbox.home().join("home").display());
        std::fs::create_dir(&folder).unwrap();
        home.sandbox = home.sandbox.with("HOME", &folder);
        for name in home.names.into_iter().chain(["third"]) {
            home.sandbox.store(home.host, name, "secret");
        }
        home
    }

    fn words(&self, command: &str) -> String {
        let [name, other] = self.names;
        command.replace("HOST", self.host).replace("NAME", name).replace("OTHER", other)
    }

    /// Returns each command with its output on a terminal of this width, or `None` if there is no `script`.
    fn screens(&self) -> Option<Vec<(String, String)>> {
        let commands = COMMANDS.iter().map(|command| {
            let words = self.words(command);
            format!(
                "printf '=== ensign %s\\n' {}; ensign {words} </dev/null",
                json!(words).to_string().replace('\'', "")
            )
        });
        let line = format!("stty cols {COLUMNS} rows 24; {}", commands.collect::<Vec<_>>().join("; "));
        let shown = screen(&line_on_a_terminal(&self.sandbox, &line, &[])?);
        let screens = shown.split("=== ensign").skip(1).map(|screen| screen.split_once('\n').unwrap_or((screen, "")));
        Some(screens.map(|(words, text)| (words.to_owned(), text.to_owned())).collect())
    }
}

/// Tells whether a line is a path, an address or a command, with or without a label before it. Such a line may be too
/// wide, because people copy it as a whole.
fn is_whole(line: &str) -> bool {
    let line = line.strip_prefix("hint: run ").unwrap_or(line);
    let last = line.rsplit("  ").next().unwrap_or_default().trim_start_matches(['(', '`']);
    !last.contains(' ') || ["ensign ", "curl "].iter().any(|program| last.starts_with(program))
}

fn faults(screens: &[(String, String)]) -> Vec<String> {
    let mut faults = Vec::new();
    for (words, text) in screens {
        let wide = text.lines().filter(|line| line.chars().count() > COLUMNS && !is_whole(line));
        faults.extend(wide.map(|line| format!("`{words}` is too wide: {line}")));
        let lines = text.lines().count();
        if lines > LINES {
            faults.push(format!("`{words}` has {lines} lines:\n{text}"));
        }
    }
    faults
}

#[test]
fn every_everyday_screen_fits_a_terminal() {
    let mut all = Vec::new();
    for home in [Home::empty(), Home::with_three_accounts(), Home::with_long_names()] {
        let Some(screens) = home.screens() else { return };
        assert_eq!(screens.len(), COMMANDS.len());
        all.extend(faults(&screens));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// In a pipe no line is broken, because a pipe has no width. With common names the output still fits.
#[test]
fn common_names_fit_without_a_terminal_too() {
    let mut all = Vec::new();
    for home in [Home::empty(), Home::with_three_accounts()] {
        let screens = COMMANDS.iter().map(|command| {
            let words = home.words(command);
            let split: Vec<_> = words.split(' ').filter(|word| !word.is_empty() && !word.contains('\'')).collect();
            let ran =
                finish(home.sandbox.command_of(&home.sandbox.home().join("ensign"), &split).spawn().unwrap(), b"");
            (words, ran.stdout + &ran.stderr)
        });
        all.extend(faults(&screens.collect::<Vec<_>>()));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}
