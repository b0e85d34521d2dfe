//! Reads the command line of Docker's plugin. Docker passes the user's whole command line, but only a part is for
//! Ensign.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::FrontEnd;

/// Reads Docker's call of the plugin. The second result is the folder from `docker --config`. Docker does not pass this
/// folder on in `DOCKER_CONFIG`.
///
/// The form of the calls is from `cmd/docker/docker.go` and `cli-plugins/manager` in docker/cli. `docker -D ensign
/// switch` runs the plugin with the words `-D ensign switch`. For `docker help ensign switch` and the completion of
/// `docker ensign sw`, Docker puts `help` or `__complete` in front of `ensign`. In both cases, Ensign must not run the
/// user's command.
pub(super) fn parse(words: Vec<OsString>) -> (FrontEnd, Option<PathBuf>) {
    let is = |at: usize, text: &str| words.get(at).is_some_and(|word| word == text);
    if is(0, "docker-cli-plugin-metadata") {
        return (FrontEnd::PluginMetadata, None);
    }
    let GlobalOptions { config, help, end } = GlobalOptions::read(&words);
    let front = if is(end, "__complete") || is(end, "__completeNoDesc") {
        FrontEnd::Completion(words[end + 1 + usize::from(is(end + 1, NAME))..].to_vec())
    } else if is(end, "help") && is(end + 1, NAME) {
        help_about(&words[end + 2..])
    } else if help && is(end, NAME) {
        help_about(&words[end + 1..])
    } else if is(end, NAME) && is(end + 1, "docker-cli-plugin-hooks") {
        FrontEnd::PluginHook(words.get(end + 2).cloned().unwrap_or_default())
    } else if is(end, NAME) {
        FrontEnd::parse(words[end + 1..].to_vec())
    } else if help {
        FrontEnd::parse(words) // a person called the plugin without Docker
    } else {
        FrontEnd::parse(own_part(&words, end))
    };
    (front, config)
}

/// The plugin's name in `docker ensign`.
const NAME: &str = "ensign";

fn help_about(words: &[OsString]) -> FrontEnd {
    let command = words.iter().take_while(|word| !word.as_encoded_bytes().starts_with(b"-"));
    FrontEnd::User(std::iter::once("help".into()).chain(command.cloned()).collect())
}

/// Returns the words from `end` on, or the words after the plugin's name if the word at `end` is an unknown option.
fn own_part(words: &[OsString], end: usize) -> Vec<OsString> {
    let is_option = words.get(end).is_some_and(|word| word.as_encoded_bytes().starts_with(b"-"));
    let name = words.iter().position(|word| word == NAME).filter(|_| is_option);
    words[name.map_or(end, |name| name + 1)..].to_vec()
}

/// The options of Docker itself before the first command (docker/cli `cli/flags/options.go`).
#[derive(Default)]
struct GlobalOptions {
    config: Option<PathBuf>,
    help: bool,
    /// The position of the first word after the options.
    end: usize,
}

const WITH_VALUE: [&str; 7] =
    ["--config", "--context", "--host", "--log-level", "--tlscacert", "--tlscert", "--tlskey"];
const WITHOUT_VALUE: [&str; 3] = ["--debug", "--tls", "--tlsverify"];

impl GlobalOptions {
    fn read(words: &[OsString]) -> Self {
        let mut globals = Self::default();
        while let Some(word) = words.get(globals.end).and_then(|word| word.to_str()) {
            let (option, attached) = word.split_once('=').map_or((word, None), |(option, value)| (option, Some(value)));
            let takes_next = if WITH_VALUE.contains(&option) {
                let value = attached.map(OsStr::new).or(words.get(globals.end + 1).map(OsString::as_os_str));
                if option == "--config" {
                    globals.config = value.filter(|value| !value.is_empty()).map(PathBuf::from);
                }
                attached.is_none()
            } else if matches!(word, "--help" | "-h") {
                globals.help = true;
                false
            } else if WITHOUT_VALUE.contains(&option) {
                false
            } else if let Some(takes_next) = short(word) {
                takes_next
            } else {
                break;
            };
            globals.end += 1 + usize::from(takes_next);
        }
        globals.end = globals.end.min(words.len());
        globals
    }
}

/// Reads combined one-letter options such as `-Dc`. Returns whether the next word is the value of the last option, or
/// `None` if `word` has any other form.
fn short(word: &str) -> Option<bool> {
    let letters = word.strip_prefix('-').filter(|letters| !letters.is_empty())?.trim_start_matches('D');
    match letters.strip_prefix(['c', 'H', 'l']) {
        Some(value) => Some(value.is_empty()),
        None => letters.is_empty().then_some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Action;

    fn parse(line: &str) -> (FrontEnd, Option<PathBuf>) {
        super::parse(words(line))
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(|word| word.replace("''", "").into()).collect()
    }

    #[test]
    fn our_part_of_dockers_command_line() {
        let user = |line: &str| FrontEnd::User(words(line));
        let complete = |line: &str| FrontEnd::Completion(words(line));
        for (line, front) in [
            ("docker-cli-plugin-metadata", FrontEnd::PluginMetadata),
            ("ensign", user("")),
            ("ensign switch", user("switch")),
            ("--context x ensign switch", user("switch")),
            ("-D -c x --tls --tlsverify=false -H=tcp://h -l info ensign status", user("status")),
            ("-Dcx --tlscacert a --tlscert=b --tlskey c ensign status", user("status")),
            ("-Dc ensign ensign login ensign", user("login ensign")),
            ("--newer x ensign status", user("status")),
            ("ensign --json status", user("--json status")),
            ("ensign get", FrontEnd::Protocol(Action::Get)),
            ("ensign version", FrontEnd::Version),
            ("help ensign", user("help")),
            ("help ensign logout ghcr.io", user("help logout ghcr.io")),
            ("-D help ensign account edit --alias", user("help account edit")),
            ("--help ensign logout --all", user("help logout")),
            ("-h ensign", user("help")),
            ("__complete ensign logout ghcr.io", complete("logout ghcr.io")),
            ("__completeNoDesc ensign switch ''", complete("switch ''")),
            ("-D __complete ensign ''", complete("''")),
            ("ensign docker-cli-plugin-hooks {}", FrontEnd::PluginHook("{}".into())),
            ("ensign docker-cli-plugin-hooks", FrontEnd::PluginHook("".into())),
            // Calls without Docker.
            ("switch ghcr.io", user("switch ghcr.io")),
            ("--help", user("--help")),
            ("help switch", user("help switch")),
            ("--json status", user("--json status")),
            ("-", user("-")),
            ("--config", user("")),
        ] {
            assert_eq!(parse(line).0, front, "{line}");
        }
    }

    #[test]
    fn the_folder_of_dockers_config_is_taken_from_its_options() {
        for (line, config) in [
            ("ensign status", None),
            ("--config /a ensign status", Some("/a")),
            ("--config=/a ensign status", Some("/a")),
            ("--config /a -D --config b ensign status", Some("b")),
            ("--config= ensign status", None),
            ("ensign --config /a", None),
        ] {
            assert_eq!(parse(line).1, config.map(PathBuf::from), "{line}");
        }
    }
}
