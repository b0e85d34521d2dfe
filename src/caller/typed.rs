//! A command as a person types it into a shell.

use crate::system::{folders, text};

/// Splits `text` as a POSIX shell would, without expanding anything but `~/`, and takes off what stands before the program:
/// `VAR=x`, which it returns first, `sudo`, `env`. `None` if a quote is left open.
pub(super) fn words(text: &str) -> Option<(Variables, Vec<String>)> {
    let mut variables = Vec::new();
    let mut words = text::words(text)?.into_iter().peekable();
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
    Some((variables, words.map(|word| folders::at_home(&word)).collect()))
}

/// Names with their values.
type Variables = Vec<(String, String)>;

/// The options with a value of a program that runs the one behind it.
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
            ("docker push ghcr.io/acme/app", Some("docker|push|ghcr.io/acme/app")),
            ("docker run -e 'A=b c' \"x y\" a\\ b", Some("docker|run|-e|A=b c|x y|a b")),
            ("A=1 B='2 3' sudo -E -u bob env C=4 docker push x", Some("docker|push|x")),
            ("env -u HOME -- /usr/bin/podman push x", Some("/usr/bin/podman|push|x")),
            ("time docker push x", Some("docker|push|x")),
            ("timeout -k 5 60 nice -n 5 docker push x", Some("docker|push|x")),
            ("xargs -n 1 docker pull", Some("docker|pull")),
            ("docker push $IMG", Some("docker|push|$IMG")),
            ("docker push 'x", None),
            ("A=1", Some("")),
            ("", Some("")),
        ] {
            let found = words(text).map(|(_, words)| words.join("|"));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
