//! Reads a shell command as a person types it.

use super::program_role::is_shell;
use crate::system::{folders, text};

/// Why a text is not a readable command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnreadableCommand {
    OpenQuote,
    /// It contains several commands.
    Several,
}

/// Splits `text` as a POSIX shell does, but expands only `~/`. Removes the words in front of the program: `VAR=x`
/// (returned first), `sudo`, `env`, `sh -c`, our own `exec`.
pub(super) fn words(text: &str) -> Result<(VariableAssignments, Vec<String>), UnreadableCommand> {
    let mut variables = Vec::new();
    let mut words = one_command(text)?;
    loop {
        words = without_prefixes(words, &mut variables);
        if let Some(command) = behind_our_exec(&words, &mut variables) {
            words = command;
        } else if let Some(script) = script_of_shell(&words) {
            words = one_command(script)?;
        } else {
            return Ok((variables, words.iter().map(|word| folders::at_home(word)).collect()));
        }
    }
}

fn one_command(text: &str) -> Result<Vec<String>, UnreadableCommand> {
    const BETWEEN: [&str; 4] = ["&&", "||", "|", "&"];
    let words = text::split_words(text).ok_or(UnreadableCommand::OpenQuote)?;
    // A word with blanks was quoted.
    let ends = |word: &str| word.ends_with(';') && !word.contains(char::is_whitespace);
    let is_one = !words.iter().any(|word| BETWEEN.contains(&word.as_str()) || ends(word));
    is_one.then_some(words).ok_or(UnreadableCommand::Several)
}

/// `ensign exec --account WORK -- COMMAND`, also as `docker ensign exec`. Its effect becomes a variable.
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

/// The script after `-c`, which may be one letter of several: `bash -eo pipefail -lc 'docker push x'`.
fn script_of_shell(words: &[String]) -> Option<&str> {
    let mut options = words.first().filter(|word| is_shell(word)).map(|_| words[1..].iter())?;
    while let Some(letters) = options.next()?.strip_prefix('-').filter(|letters| !letters.starts_with('-')) {
        if letters.contains('c') {
            return options.next().map(String::as_str);
        }
        if letters.ends_with('o') {
            options.next();
        }
    }
    None
}

fn without_prefixes(words: Vec<String>, variables: &mut VariableAssignments) -> Vec<String> {
    let mut words = words.into_iter().peekable();
    while let Some(options) = words.next_if(|word| is_assignment(word) || prefix(word).is_some()) {
        if let Some((name, value)) = options.split_once('=') {
            variables.push((name.to_owned(), folders::at_home(value)));
        }
        let takes_time = options == "timeout";
        let with_value = prefix(&options).unwrap_or_default();
        while let Some(option) = words.next_if(|word| word.starts_with('-')) {
            if with_value.contains(&option.as_str()) {
                words.next();
            }
        }
        words.next_if(|_| takes_time);
    }
    words.collect()
}

/// Names with their values.
type VariableAssignments = Vec<(String, String)>;

/// The options with a value of a program that runs another one.
fn prefix(word: &str) -> Option<&'static [&'static str]> {
    match word {
        "sudo" => {
            Some(&["-u", "--user", "-g", "--group", "-h", "--host", "-p", "--prompt", "-C", "-D", "-R", "-T", "-U"])
        }
        "env" => Some(&["-u", "--unset", "-C", "--chdir"]),
        "doas" => Some(&["-u", "-C"]),
        "exec" => Some(&["-a"]),
        "timeout" => Some(&["-s", "--signal", "-k", "--kill-after"]),
        "nice" => Some(&["-n", "--adjustment"]),
        "ionice" => Some(&["-c", "--class", "-n", "--classdata"]),
        "stdbuf" => Some(&["-i", "--input", "-o", "--output", "-e", "--error"]),
        "xargs" => Some(&["-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s"]),
        "time" | "command" | "nohup" | "setsid" | "chronic" => Some(&[]),
        _ => None,
    }
}

/// A variable's name is letters, digits and `_` (POSIX 3.216).
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.starts_with(|c: char| c.is_ascii_digit())
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
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
            ("sh -c 'docker push x && docker push y'", Err(UnreadableCommand::Several)),
            ("A=1", Ok("")),
            ("", Ok("")),
        ] {
            let found = words(text).map(|(_, words)| words.join("|"));
            assert_eq!(found, expected.map(str::to_owned), "{text}");
        }
    }
}
