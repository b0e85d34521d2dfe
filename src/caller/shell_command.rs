//! Reads one command as a person types it in a shell.

use super::shell_tokens::{self, ShellToken, is_assignment};
use super::wrappers::{self, WrappedCommand};
use crate::system::{folders, text};

/// The reason why a text cannot be read as one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnreadableCommand {
    OpenQuote,
    /// The text contains several commands.
    Several,
}

/// Splits `text` into words as a POSIX shell does, but expands only `~/`. Removes redirections, and wrappers such as
/// `sudo`, `env`, `sh -c` and `ensign exec`. Returns the variables that are set before the program, and the words of
/// the program.
pub(super) fn words(text: &str) -> Result<(VariableAssignments, Vec<String>), UnreadableCommand> {
    let mut variables = Vec::new();
    let mut words = one_command(text)?;
    loop {
        let assignments = words.iter().take_while(|word| is_assignment(word)).count();
        variables.extend(words.drain(..assignments).filter_map(|word| assignment(&word)));
        if let Some(command) = behind_our_exec(&words, &mut variables) {
            words = command;
            continue;
        }
        words = match wrappers::wrapped(&words) {
            Some(WrappedCommand::Words(assignments, command)) => {
                variables.extend(assignments.iter().filter_map(|word| assignment(word)));
                command
            }
            Some(WrappedCommand::Text(text)) => one_command(&text)?,
            None => return Ok((variables, words.iter().map(|word| folders::at_home(word)).collect())),
        }
    }
}

/// Returns the words of the only command in `text`, without redirections.
fn one_command(text: &str) -> Result<Vec<String>, UnreadableCommand> {
    let (mut words, mut has_ended, mut is_target) = (Vec::new(), false, false);
    for token in shell_tokens::tokens(text).ok_or(UnreadableCommand::OpenQuote)? {
        match token {
            ShellToken::Separator => has_ended = !words.is_empty(),
            _ if has_ended => return Err(UnreadableCommand::Several),
            ShellToken::Redirection => is_target = true,
            ShellToken::Word(_) | ShellToken::UnknownWord(_) if is_target => is_target = false,
            ShellToken::Word(word) => words.extend(text::split_words(word).ok_or(UnreadableCommand::OpenQuote)?),
            ShellToken::UnknownWord(word) => words.push(word.to_owned()),
        }
    }
    Ok(words)
}

/// Returns `COMMAND` of `ensign exec --account WORK -- COMMAND` or `docker ensign exec …`. Adds `ENSIGN_ACCOUNT=WORK`
/// to the variables.
fn behind_our_exec(words: &[String], variables: &mut VariableAssignments) -> Option<Vec<String>> {
    let words = if words.first()? == "docker" { &words[1..] } else { words };
    let is_ours = |word: &String| matches!(word.as_str(), "ensign" | "docker-credential-ensign");
    let (options, command) = words.split_at(words.iter().position(|word| word == "--")?);
    if !options.first().is_some_and(is_ours) || !options.iter().any(|word| word == "exec") {
        return None;
    }
    let mut accounts: Vec<&str> = Vec::new();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        if matches!(option.as_str(), "-a" | "--account") {
            accounts.extend(options.next().map(String::as_str));
        } else if let Some(account) = option.strip_prefix("--account=").or_else(|| option.strip_prefix("-a")) {
            accounts.push(account);
        }
    }
    variables.push(("ENSIGN_ACCOUNT".to_owned(), accounts.join(",")));
    Some(command[1..].to_vec())
}

type VariableAssignments = Vec<(String, String)>;

fn assignment(word: &str) -> Option<(String, String)> {
    word.split_once('=').map(|(name, value)| (name.to_owned(), folders::at_home(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_the_program_is_passed_over() {
        for (text, expected) in [
            ("docker push ghcr.io/acme/app", Ok("docker|push|ghcr.io/acme/app")),
            ("docker run -e 'A=b c' \"x y\" a\\ b", Ok("docker|run|-e|A=b c|x y|a b")),
            ("A=1 B='2 3' sudo -E -u bob env C=4 docker push x", Ok("docker|push|x")),
            ("env -u HOME -- /usr/bin/podman push x", Ok("/usr/bin/podman|push|x")),
            ("time docker push x", Ok("docker|push|x")),
            ("timeout -k 5 60 nice -n 5 docker push x", Ok("docker|push|x")),
            ("xargs -n 1 docker pull", Ok("docker|pull")),
            ("doas -u bob ionice -c 3 stdbuf -o L docker pull x", Ok("docker|pull|x")),
            ("1A=x docker pull", Ok("1A=x|docker|pull")),
            ("A-B=x docker pull", Ok("A-B=x|docker|pull")),
            ("=x docker pull", Ok("=x|docker|pull")),
            ("docker push $IMG", Ok("docker|push|$IMG")),
            ("sh -c 'docker push x'", Ok("docker|push|x")),
            ("sudo -u bob /bin/bash -eo pipefail -lc \"exec docker push 'x y'\" name", Ok("docker|push|x y")),
            ("sh -c \"bash -c 'docker push x'\"", Ok("docker|push|x")),
            ("bash --norc script.sh -c x", Ok("bash|--norc|script.sh|-c|x")),
            ("sh -c", Ok("sh|-c")),
            ("ensign --verbose exec -a work -a quay.io=me -- sudo docker push x", Ok("docker|push|x")),
            ("docker ensign exec --account=work -- docker push x", Ok("docker|push|x")),
            ("ensign exec docker push x", Ok("ensign|exec|docker|push|x")),
            ("ensign which -- docker push x", Ok("ensign|which|--|docker|push|x")),
            ("kubectl exec pod -- docker push x", Ok("kubectl|exec|pod|--|docker|push|x")),
            ("docker run x -- ensign exec", Ok("docker|run|x|--|ensign|exec")),
            ("docker push 'x", Err(UnreadableCommand::OpenQuote)),
            ("sh -c 'docker push \"x'", Err(UnreadableCommand::OpenQuote)),
            ("docker push x; docker push y", Err(UnreadableCommand::Several)),
            ("docker pull x;docker push y", Err(UnreadableCommand::Several)),
            ("docker pull x&&docker push y", Err(UnreadableCommand::Several)),
            ("docker build .|tee log", Err(UnreadableCommand::Several)),
            ("docker build . # push; next", Ok("docker|build|.")),
            ("docker pull x\ndocker push y", Err(UnreadableCommand::Several)),
            ("docker push x;", Ok("docker|push|x")),
            ("(docker push x) &", Ok("docker|push|x")),
            ("docker push 'x;y'", Ok("docker|push|x;y")),
            ("docker push x\\;y", Ok("docker|push|x;y")),
            (">y docker pull x > ~/z 2>&1 <<<w", Ok("docker|pull|x")),
            ("docker pull x <(docker pull y)", Err(UnreadableCommand::Several)),
            ("docker push x:$(git describe --tags)", Ok("docker|push|x:$(git describe --tags)")),
            ("docker push x:$(git describe", Err(UnreadableCommand::OpenQuote)),
            ("sudo -nu bob docker push x", Ok("docker|push|x")),
            ("sudo --user=bob A=1 docker push x", Ok("docker|push|x")),
            ("time -f %e docker push x", Ok("docker|push|x")),
            ("! /usr/bin/strace -f -o out docker push x", Ok("docker|push|x")),
            ("env - A=1 docker push x", Ok("docker|push|x")),
            ("flock -w 5 file docker push x", Ok("docker|push|x")),
            ("flock file -c 'docker push x'", Ok("docker|push|x")),
            ("unshare -r --map-user 0 docker push x", Ok("docker|push|x")),
            ("watch -n 5 docker pull x", Ok("docker|pull|x")),
            ("watch 'docker pull x && docker pull y'", Err(UnreadableCommand::Several)),
            ("busybox sh -c 'docker push x'", Ok("docker|push|x")),
            ("cmd /c 'docker push x'", Ok("docker|push|x")),
            ("cmd.exe /d /s /C docker push x", Ok("docker|push|x")),
            ("cmd /k", Ok("cmd|/k")),
            ("cmd /c 'docker push x & docker push y'", Err(UnreadableCommand::Several)),
            ("pwsh -NoProfile -Command 'docker push x'", Ok("docker|push|x")),
            ("powershell.exe -c docker push x", Ok("docker|push|x")),
            (
                "powershell -ExecutionPolicy Bypass -comm 'docker push x; docker push y'",
                Err(UnreadableCommand::Several),
            ),
            ("pwsh -File deploy.ps1", Ok("pwsh|-File|deploy.ps1")),
            ("su - bob -c 'docker push x'", Ok("docker|push|x")),
            ("su bob", Ok("su|bob")),
            ("runuser bob -c 'docker push x'", Ok("docker|push|x")),
            ("runuser - bob -c 'docker push x'", Ok("docker|push|x")),
            ("runuser -l bob -s /bin/sh -c 'docker push x'", Ok("docker|push|x")),
            ("runuser -u bob -- sh -c 'docker push x'", Ok("docker|push|x")),
            ("runuser -u bob docker push x", Ok("docker|push|x")),
            ("script -qc 'docker push x' out", Ok("docker|push|x")),
            ("script out", Ok("script|out")),
            ("chrt -r 5 ionice -c 3 docker push x", Ok("docker|push|x")),
            ("timeout 5", Ok("timeout|5")),
            ("make push", Ok("make|push")),
            ("sh -c 'docker push x && docker push y'", Err(UnreadableCommand::Several)),
            ("A=1", Ok("")),
            ("", Ok("")),
        ] {
            let found = words(text).map(|(_, words)| words.join("|"));
            assert_eq!(found, expected.map(str::to_owned), "{text}");
        }
    }
}
