//! Chooses the front end from the program's name and its arguments.
//!
//! The front end is chosen before the parser of people's commands runs, because clients do not understand the errors of
//! this parser. On an error, this parser leaves stdout empty and exits with 2.

mod plugin;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::model::AccountName;
use crate::protocol::Action;

/// One call of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// The name under which the program was called, without the folder and `.exe`.
    pub(crate) program: String,
    /// The account of a pinned helper, read from the program's name `docker-credential-ensign-<alias>`.
    pub(crate) pinned: Option<AccountName>,
    pub(crate) front: FrontEnd,
    /// The folder of Docker's config, from the option `docker --config`.
    pub(crate) docker_config: Option<PathBuf>,
}

/// The front end that answers the call, with the arguments of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FrontEnd {
    Protocol(Action),
    /// A call in the kubelet's own protocol.
    Kubelet,
    /// `kubelet` with arguments. Ensign answers with the usage.
    KubeletUsage,
    Version,
    /// A protocol verb with arguments. Ensign answers with the usage.
    ProtocolUsage,
    PluginMetadata,
    /// Docker's call of the hook after a command, with JSON about the command.
    PluginHook(OsString),
    /// A shell's call to complete the last of these words.
    Completion(Vec<OsString>),
    /// A person's command, as words without the program's name.
    User(Vec<OsString>),
}

/// The name of the credential helper. The name of a pinned helper is this name followed by `-<alias>`.
const HELPER: &str = "docker-credential-ensign";
const PLUGIN: &str = "docker-ensign";

impl Invocation {
    /// Reads the words of a call. The first word is the program's name. Words that no other front end recognises are a
    /// person's command.
    pub(crate) fn parse(mut words: impl Iterator<Item = OsString>) -> Self {
        let program = words.next().as_deref().and_then(name).unwrap_or_else(|| HELPER.to_owned());
        let alias = program.strip_prefix(HELPER).and_then(|rest| rest.strip_prefix('-'));
        let pinned = alias.and_then(|alias| alias.parse().ok());
        let is_no_helper = alias.is_some() && pinned.is_none();
        let words = words.collect();
        let (front, docker_config) =
            if program == PLUGIN { plugin::parse(words) } else { (FrontEnd::parse(words), None) };
        let mut called = Self { program, pinned, front, docker_config };
        // Clients call only programs named `docker-credential-…`. Under another name, `store` is a person's command.
        if called.front == FrontEnd::Protocol(Action::Store) && !called.is_helper() {
            called.front = FrontEnd::User(vec![Action::Store.verb().into()]);
        }
        if matches!(called.front, FrontEnd::Protocol(_)) && is_no_helper {
            called.front = FrontEnd::ProtocolUsage; // no account has this alias, and the default account was not meant
        }
        called
    }

    /// Tells whether the program was called under the name of a credential helper. Clients call the program under such
    /// a name, and read only stdout.
    pub(crate) fn is_helper(&self) -> bool {
        self.program.starts_with("docker-credential-")
    }
}

impl FrontEnd {
    fn parse(words: Vec<OsString>) -> Self {
        let first = words.first().and_then(|word| word.to_str()).unwrap_or_default();
        if matches!(first, "version" | "--version" | "-v" | "-V") && words.len() == 1 {
            return Self::Version;
        }
        if first == "kubelet" {
            return if words.len() == 1 { Self::Kubelet } else { Self::KubeletUsage };
        }
        if first == "__complete" {
            return Self::Completion(words[1..].to_vec());
        }
        match Action::ALL.into_iter().find(|action| action.verb() == first) {
            Some(action) if words.len() == 1 => Self::Protocol(action),
            // No client adds arguments to a verb, so `store` with arguments is a person's command.
            Some(Action::Get | Action::Erase | Action::List) => Self::ProtocolUsage,
            Some(Action::Store) | None => Self::User(words),
        }
    }
}

fn name(program: &OsStr) -> Option<String> {
    let path = Path::new(program);
    let is_exe = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("exe"));
    let name = if is_exe { path.file_stem() } else { path.file_name() };
    Some(name?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_and_the_words_choose_the_front() {
        let user = |words: &[&str]| FrontEnd::User(words.iter().map(OsString::from).collect());
        for (words, pinned, front) in [
            (vec!["docker-credential-ensign", "get"], None, FrontEnd::Protocol(Action::Get)),
            (vec!["/usr/bin/docker-credential-atcr", "list"], None, FrontEnd::Protocol(Action::List)),
            (vec![r"docker-credential-ensign.EXE", "erase"], None, FrontEnd::Protocol(Action::Erase)),
            (vec!["docker-credential-ensign-work", "get"], Some("work"), FrontEnd::Protocol(Action::Get)),
            (vec!["docker-credential-ensign-", "get"], None, FrontEnd::ProtocolUsage),
            (vec!["docker-credential-ensign-a\nb", "store"], None, FrontEnd::ProtocolUsage),
            (vec!["docker-credential-ensign", "store"], None, FrontEnd::Protocol(Action::Store)),
            (vec!["ensign", "store"], None, user(&["store"])),
            (vec!["docker-credential-ensign", "kubelet"], None, FrontEnd::Kubelet),
            (vec!["ensign", "kubelet", "--help"], None, FrontEnd::KubeletUsage),
            (vec!["ensign", "get", "x"], None, FrontEnd::ProtocolUsage),
            (vec!["ensign", "get", "--help"], None, FrontEnd::ProtocolUsage),
            (vec!["docker-credential-ensign", "store", "sealed"], None, user(&["store", "sealed"])),
            (vec!["ensign", "version"], None, FrontEnd::Version),
            (vec!["ensign", "version", "--json"], None, user(&["version", "--json"])),
            (vec!["ensign", "__complete", "switch", ""], None, FrontEnd::Completion(vec!["switch".into(), "".into()])),
            (vec!["ensign"], None, user(&[])),
            (vec!["ensign", "login", "ghcr.io"], None, user(&["login", "ghcr.io"])),
            (vec!["docker-ensign", "docker-cli-plugin-metadata"], None, FrontEnd::PluginMetadata),
            (vec!["docker-ensign", "--context", "x", "ensign", "switch"], None, user(&["switch"])),
            (vec![], None, user(&[])),
        ] {
            let parsed = Invocation::parse(words.iter().map(OsString::from));
            assert_eq!((parsed.pinned.as_ref().map(AccountName::as_str), parsed.front), (pinned, front), "{words:?}");
        }
    }
}
