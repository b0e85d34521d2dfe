//! Completion in real shells: a test types text, presses Tab, and then Enter.
#![cfg(target_os = "linux")]

use crate::seed::line_on_a_terminal;
use crate::support::{Run, Sandbox};

/// For each shell: its name, the command that starts it without user settings, and the command that loads the
/// completions.
const SHELLS: [(&str, &str, &str); 3] = [
    ("bash", "bash --norc --noprofile -i", "source <(ensign completions bash)"),
    ("zsh", "zsh -f -i", "autoload -U compinit; compinit -u -D; source <(ensign completions zsh)"),
    ("fish", "fish --no-config -i", "ensign completions fish | source"),
];

/// A home with two accounts on one registry, of which bob is the default, and one account on a registry with a port.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let path = format!("{}:/usr/bin:/bin", sandbox.home().display());
    let sandbox = sandbox.with("PATH", &path).with("PS1", "ready> ").with("TERM", "xterm").with("LANG", "C.UTF-8");
    sandbox.link("ensign");
    sandbox.link("docker-credential-ensign");
    sandbox.store("ghcr.io", "alice", "s");
    sandbox.store("ghcr.io", "bob", "s");
    sandbox.store("localhost:5000", "carol", "s");
    sandbox.store("localhost:5000", "dave", "s");
    sandbox
}

#[test]
fn the_shells_complete_registries_accounts_and_stores() {
    for (name, start, load) in SHELLS {
        if !std::path::Path::new("/usr/bin").join(name).exists() {
            eprintln!("skipped: no {name} here");
            continue;
        }
        for (keys, registry, account) in [
            (&["ensign swi\t", "gh\t", "al\t"][..], "ghcr.io", "alice"),
            (&["ensign switch localhost:5\t", "c\t"], "localhost:5000", "carol"),
            (&["docker-credential-ensign switch gh\t", "a\t"], "ghcr.io", "alice"),
        ] {
            let sandbox = sandbox();
            let Some(shown) = type_in(&sandbox, start, load, keys) else { return };
            assert_eq!(sandbox.who(registry), account, "{name}: {keys:?}: {shown}");
        }
    }
}

#[test]
fn a_value_behind_an_equals_sign_is_completed_by_the_shells() {
    for (name, start, load) in SHELLS {
        if !std::path::Path::new("/usr/bin").join(name).exists() {
            continue;
        }
        let sandbox = sandbox();
        let keys = ["ensign exec --account ghcr.io=al\t", "-- env"];
        let Some(shown) = type_in(&sandbox, start, load, &keys) else { return };
        assert!(shown.contains("ENSIGN_ACCOUNT=ghcr.io=alice"), "{name}: {shown}");
    }
}

/// Starts the shell on a terminal, loads the completions, types the keys, and exits. Returns the output.
fn type_in(sandbox: &Sandbox, start: &str, load: &str, keys: &[&str]) -> Option<String> {
    let load = format!("{load}; echo lo''aded\r");
    let mut answers = vec![("", load.as_str()), ("loaded", "")];
    answers.extend(keys.iter().map(|keys| ("", *keys))); // a slow shell reads these keys later
    answers.extend([("", "\r"), ("", "exit\r")]);
    line_on_a_terminal(sandbox, &format!("stty cols 200 rows 24; exec {start}"), &answers)
}

#[test]
fn each_shell_has_a_script_that_asks_the_program() {
    for shell in ["bash", "zsh", "fish", "powershell", "pwsh", "nushell", "nu", "elvish"] {
        let run: Run = Sandbox::new().run(&["completions", shell], "");
        assert!(run.code == Some(0) && run.stdout.contains("__complete"), "{shell}: {run:?}");
    }
}
