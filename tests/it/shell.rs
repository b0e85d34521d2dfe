//! `use`, `exec` and `prompt`: the account of one shell or of one command.
#![cfg(unix)]

use std::process::Command;

use snapbox::str;

use crate::support::{Run, Sandbox, finish};

/// A home with `me`, the default, and `work` on two registries. The program is on PATH as `ensign`.
fn installed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.link("ensign");
    let path = format!("{}:/usr/bin:/bin", sandbox.home().display());
    let sandbox = sandbox.with("PATH", &path);
    for host in ["ghcr.io", "quay.io"] {
        sandbox.store(host, "work", "work-pw");
        sandbox.store(host, "me", "me-pw");
    }
    sandbox
}

/// Returns the output of `script` in `shell`, or `None` if that shell is not installed.
fn shell(sandbox: &Sandbox, shell: &str, script: &str) -> Option<String> {
    let path = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join(shell))
        .find(|path| path.is_file())?;
    let run = finish(sandbox.command_of(&path, &["-c", script]).spawn().unwrap(), b"");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    Some(run.stdout)
}

const WHO: &str = r#"printf ghcr.io | ensign get | sed 's/.*"Username":"\([^"]*\)".*/\1/'"#;

#[test]
fn a_shell_that_evaluates_the_line_uses_the_account_and_no_other_shell_does() {
    let sandbox = installed();
    let script = format!(
        "eval \"$(ensign use ghcr.io=work)\"\n{WHO}\nprintf quay.io | ensign get | grep -o me-pw\neval \"$(ensign use --none)\"\n{WHO}\n"
    );
    for name in ["sh", "bash", "zsh", "dash"] {
        if let Some(output) = shell(&sandbox, name, &script) {
            assert_eq!(output, "work\nme-pw\nme\n", "{name}");
        }
    }
    let fish = format!(
        "ensign use --shell fish ghcr.io=work | source\n{WHO}\nensign use --shell fish --none | source\n{WHO}\n"
    );
    if let Some(output) = shell(&sandbox, "fish", &fish) {
        assert_eq!(output, "work\nme\n");
    }
    assert_eq!(sandbox.who("ghcr.io"), "me");
}

#[test]
fn the_line_is_for_the_shell_that_asks_for_it_whatever_the_login_shell_is() {
    let script = format!("eval \"$(ensign use ghcr.io=work)\"\n{WHO}\neval \"$(ensign use --none)\"\n{WHO}\n");
    for (login, name) in
        [("/usr/bin/fish", "sh"), ("/usr/bin/fish", "bash"), ("/usr/bin/pwsh", "zsh"), ("/bin/bash", "fish")]
    {
        if let Some(output) = shell(&installed().with("SHELL", login), name, &script) {
            assert_eq!(output, "work\nme\n", "{name} below {login}");
        }
    }
    let by_login = installed().with("SHELL", "/usr/bin/fish");
    by_login.run(&["use", "work"], "").shows(str![[r#"
exit 0
--- stdout
set -gx ENSIGN_ACCOUNT 'work'

"#]]);
}

#[test]
fn what_the_shell_says_of_other_registries_stays() {
    let sandbox = installed().with("ENSIGN_ACCOUNT", "quay.io=work");
    sandbox.run(&["use", "ghcr.io=me"], "").shows(str![[r#"
exit 0
--- stdout
export ENSIGN_ACCOUNT='ghcr.io=me,quay.io=work'

"#]]);
    sandbox.run(&["use", "work"], "").shows(str![[r#"
exit 0
--- stdout
export ENSIGN_ACCOUNT='work'

"#]]);
    for (before, after) in [("work", "ghcr.io=me,work"), ("GHCR.io=work, quay.io:443=me", "ghcr.io=me,quay.io=me")] {
        let sandbox = installed().with("ENSIGN_ACCOUNT", before);
        assert_eq!(sandbox.ok(&["use", "ghcr.io=me"], ""), format!("export ENSIGN_ACCOUNT='{after}'\n"));
    }
}

#[test]
fn an_account_that_is_not_there_is_no_line_to_evaluate() {
    let sandbox = installed();
    for words in [
        &["use", "ghcr.io=nobody"][..],
        &["use", "nobody"],
        &["use", "ghcr.io=me", "work"],
        &["use"],
        &["use", "ghcr.io=me", "--none"],
    ] {
        let run = sandbox.run(words, "");
        assert!(run.code == Some(2) && run.stdout.is_empty() && !run.stderr.is_empty(), "{words:?}: {run:?}");
    }
    sandbox.ok(&["account", "edit", "ghcr.io", "me", "--alias", "me,too"], "");
    for words in ["me,too", "ghcr.io=me,too"] {
        sandbox.run(&["use", words], "").shows(str![[r#"
exit 2
--- stderr
error: `me,too` contains a comma, which ENSIGN_ACCOUNT cannot contain
hint: run `docker-credential-ensign account edit ghcr.io me,too --alias NAME`

"#]]);
    }
    let status = "hint: run `docker-credential-ensign status` to see the accounts\n";
    assert!(sandbox.run(&["use", "nobody"], "").stderr.ends_with(status));
    assert_eq!(sandbox.run(&["use", "ghcr.example=me"], "").code, Some(3));
}

#[test]
fn exec_runs_a_command_as_the_account_and_gives_its_exit_code() {
    let sandbox = installed();
    let script = format!("{WHO}; exit 7");
    let run = sandbox.run(&["exec", "--account", "work", "--", "sh", "-c", &script], "");
    assert_eq!(run, Run { code: Some(7), stdout: "work\n".into(), stderr: String::new() });
    let nobody = sandbox.run(&["exec", "-a", "ghcr.io=nobody", "--", "true"], "");
    assert_eq!(nobody.code, Some(2));
    let folder = sandbox.run(&["exec", "-a", "work", "--", "/"], "");
    assert_eq!(folder.code, Some(126), "{folder:?}");
    let missing = sandbox.run(&["exec", "-a", "work", "--", "no-such-program"], "");
    missing.shows(str![[r#"
exit 127
--- stderr
error: could not run `no-such-program`: there is no such program in an absolute folder of PATH

"#]]);
}

#[test]
fn the_prompt_shows_what_is_special_here_and_never_fails() {
    let sandbox = installed();
    assert_eq!(sandbox.run(&["prompt"], ""), Run::success(""));
    std::fs::create_dir_all(sandbox.home().join("work/api")).unwrap();
    sandbox.ok(&["account", "edit", "ghcr.io", "work", "--folder", "~/work"], "");
    let mut command: Command = sandbox.command(&["prompt"]);
    command.current_dir(sandbox.home().join("work/api"));
    assert_eq!(finish(command.spawn().unwrap(), b""), Run::success("ghcr.io=work\n"));
    let sandbox = sandbox.with("ENSIGN_ACCOUNT", "ghcr.io=me");
    assert_eq!(sandbox.run(&["prompt"], ""), Run::success("ghcr.io=me\n"));
    std::fs::write(sandbox.config_path(), "{").unwrap();
    assert_eq!(sandbox.run(&["prompt"], "").code, Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn the_command_that_a_person_is_shown_instead_of_the_line_can_be_pasted() {
    let sandbox = Sandbox::new();
    sandbox.store("harbor.example", "robot$ci", "pw");
    for (shell, how) in [
        ("sh", "eval \"$(docker-credential-ensign use 'harbor.example=robot$ci')\""),
        ("fish", "'harbor.example=robot$ci' | source"),
    ] {
        let words = format!("use 'harbor.example=robot$ci' --shell {shell}");
        let Some(shown) = crate::seed::on_a_terminal(&sandbox, &words, &[]) else { return };
        assert!(shown.contains(how), "{shown}");
    }
}
