//! `CommandWords`: reads a command line by the rules of Go's library pflag, which most container clients use.

use std::collections::BTreeMap;
use std::slice;

/// The meaning of a flag's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlagKind {
    /// A value that Ensign ignores.
    Other,
    /// An image.
    Image,
    /// The name of a build's result, which may be pushed.
    Tag,
    /// An image that the command pushes.
    Destination,
    /// An output of buildx or buildctl, such as `type=image,name=REF`.
    Output,
    /// A cache of buildx or buildctl, such as `type=registry,ref=REF` or `REF`.
    Cache,
    /// A cache to push, with the same syntax as `Cache`.
    CacheTo,
    /// A named context, such as `NAME=docker-image://REF`.
    BuildContext,
    /// An override of bake, such as `TARGET.tags=REF`.
    BakeOverride,
    /// An option of buildctl's frontend, such as `build-arg:KEY=REF`.
    FrontendOption,
    /// An option of a buildx driver, such as `image=REF`.
    DriverOption,
    /// The place of the source, such as `docker`, `dir` or `yaml` (skopeo), or a folder (oras).
    SourcePlace,
    DestinationPlace,
    /// The file to which the result is written in place of a push, as in `crane mutate -o FILE`.
    ResultFile,
    /// The host of devcontainer's destination. `Namespace` is the rest of the destination.
    Registry,
    Namespace,
    /// The user name of a login.
    Username,
    /// A file to work on, such as a Compose file, a bake file, a Dockerfile or a manifest.
    File,
    /// A file of variables.
    EnvFile,
    /// The folder to work in instead of the current folder.
    Folder,
    /// The folder within the folder to work in, as in kaniko's `--context-sub-path`.
    SubPath,
    /// Compose's `--profile`.
    Profile,
    /// Compose's `--project-name`.
    ProjectName,
    /// The pull policy in Compose's `--pull` or `--policy`.
    PullPolicy,
    /// `NAME=VALUE` for a build argument or a bake variable.
    Variable,
    /// The stage of a Dockerfile to build.
    Stage,
    /// The image that replaces the base of the Dockerfile's first stage.
    Base,
    /// The image with which Buildah scans the result of a build.
    ScannerImage,
    /// An attestation of buildx, such as `type=sbom,generator=REF` or only `generator=REF`.
    Attestation,
    /// A file of rules that replace the images of a build.
    SourcePolicy,
    /// The platform of a build.
    Platform,
    /// A part of the platform, in podman's `--os` or `--arch`.
    PlatformPart,
    /// The action of `BuildKit`'s `--call`, such as `check` in place of a build.
    Call,
    /// A shell command as one text, as in `flock FILE -c 'docker push x'`.
    Script,
}

/// The flags that have a value, with the kind of the value. Each text lists flags, separated by spaces. Later entries
/// override earlier entries.
pub(super) type FlagTable = &'static [(&'static str, FlagKind)];

/// A word or a flag. Short flags without a value are skipped. `CommandWord` has no `Debug`, because a word may be a
/// password.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(super) enum CommandWord<'a> {
    Positional(&'a str),
    Value(FlagKind, &'a str),
    Switch(Switch<'a>),
}

/// A long flag without a separate value, such as `--push` or `--push=false`.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(super) struct Switch<'a> {
    pub(super) name: &'a str,
    pub(super) is_on: bool,
}

/// Reads words one by one, in one pass.
pub(super) struct CommandWords<'a> {
    rest: slice::Iter<'a, String>,
    /// The tables that are not in `flags` yet. Tables are added only at the first flag, because many command lines,
    /// such as `docker push IMAGE`, have no flag.
    unread: Vec<FlagTable>,
    /// The kind of each flag, without the first hyphen, such as `t` and `-tag`.
    flags: BTreeMap<&'static str, FlagKind>,
    flags_ended: bool,
}

impl<'a> CommandWords<'a> {
    pub(super) fn new(words: &'a [String], flags: FlagTable) -> Self {
        Self { rest: words.iter(), unread: vec![flags], flags: BTreeMap::new(), flags_ended: false }
    }

    /// Adds a table of flags for the following words (cobra's persistent flags).
    pub(super) fn learn(&mut self, flags: FlagTable) {
        self.unread.push(flags);
    }

    /// Returns the words that are not read yet.
    pub(super) fn rest(&self) -> &'a [String] {
        self.rest.as_slice()
    }

    fn meaning(&mut self, flag: &str) -> Option<FlagKind> {
        for (list, meaning) in self.unread.drain(..).flatten() {
            let flags = list.split_ascii_whitespace().filter_map(|flag| flag.strip_prefix('-'));
            self.flags.extend(flags.map(|flag| (flag, *meaning)));
        }
        self.flags.get(flag).copied()
    }

    /// Reads `--name=value` or `--name value`. The first hyphen is not a part of `flag`.
    fn long(&mut self, flag: &'a str) -> Option<CommandWord<'a>> {
        let (name, value) = name_and_value(flag);
        let Some(meaning) = self.meaning(name) else {
            return Some(CommandWord::Switch(Switch { name: &name[1..], is_on: value.is_none_or(is_true) }));
        };
        Some(CommandWord::Value(meaning, value.or_else(|| self.rest.next().map(String::as_str))?))
    }

    /// Reads `-t value`, `-tvalue` or `-t=value`. Letters of flags without a value may precede the `t`, as in `-qt
    /// value`.
    fn short(&mut self, mut cluster: &'a str) -> Option<CommandWord<'a>> {
        while let Some(letter) = cluster.chars().next() {
            let (letter, rest) = cluster.split_at(letter.len_utf8());
            cluster = rest;
            if let Some(meaning) = self.meaning(letter) {
                let value = if rest.is_empty() { self.rest.next()? } else { rest.strip_prefix('=').unwrap_or(rest) };
                return Some(CommandWord::Value(meaning, value));
            }
            if rest.starts_with('=') {
                return None;
            }
        }
        None
    }
}

impl<'a> Iterator for CommandWords<'a> {
    type Item = CommandWord<'a>;

    fn next(&mut self) -> Option<CommandWord<'a>> {
        loop {
            let word = self.rest.next()?.as_str();
            let found = match word.strip_prefix('-') {
                Some("-") if !self.flags_ended => {
                    self.flags_ended = true;
                    None
                }
                Some(flag) if !self.flags_ended && flag.starts_with('-') => self.long(flag),
                Some(cluster) if !self.flags_ended && !cluster.is_empty() => self.short(cluster),
                _ => Some(CommandWord::Positional(word)),
            };
            if found.is_some() {
                return found;
            }
        }
    }
}

/// Splits `NAME=VALUE`. A text without `=` is only a name.
pub(super) fn name_and_value(text: &str) -> (&str, Option<&str>) {
    text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)))
}

/// Reads a boolean as Go's `strconv.ParseBool` does.
pub(super) fn parse_bool(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Tells whether Go reads `value` as true.
pub(super) fn is_true(value: &str) -> bool {
    parse_bool(value) == Some(true)
}

/// Tells whether Go reads `value` as false.
pub(super) fn is_false(value: &str) -> bool {
    parse_bool(value) == Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_set_as_go_reads_it() {
        for (value, expected) in [("1", true), ("t", true), ("True", true), ("0", false), ("false", false), ("", false)]
        {
            assert_eq!(is_true(value), expected, "{value}");
            assert_eq!(is_false(value), !expected && !value.is_empty(), "{value}");
        }
    }

    const FLAGS: FlagTable = &[("-t --tag", FlagKind::Image), ("-f --file", FlagKind::Other)];

    #[test]
    fn every_spelling_of_a_flag_is_read() {
        for (words, images, positionals) in [
            ("-t a", "a", ""),
            ("-t=a", "a", ""),
            ("-ta", "a", ""),
            ("-qta", "a", ""),
            ("-qt a .", "a", "."),
            ("-q=true -t a", "a", ""),
            ("--tag a", "a", ""),
            ("--tag=a=b", "a=b", ""),
            ("-t a . --tag b", "a b", "."),
            ("-f -t a", "", "a"),
            ("-ft a", "", "a"),
            ("--no-cache . -- -t a", "", ". -t a"),
            ("- -t", "", "-"),
            ("--tag", "", ""),
            ("--unknown a", "", "a"),
        ] {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            let (mut found_images, mut found_positionals) = (Vec::new(), Vec::new());
            for word in CommandWords::new(&words, FLAGS) {
                match word {
                    CommandWord::Positional(word) => found_positionals.push(word),
                    CommandWord::Value(FlagKind::Image, value) => found_images.push(value),
                    CommandWord::Value(..) | CommandWord::Switch(_) => {}
                }
            }
            assert_eq!(
                (found_images.join(" "), found_positionals.join(" ")),
                (images.into(), positionals.into()),
                "{words:?}"
            );
        }
    }

    #[test]
    fn a_verb_brings_its_own_flags() {
        let words: Vec<String> = ["-t", "a", "-f", "b", "-t", "c", "d"].map(str::to_owned).into();
        let mut reader = CommandWords::new(&words, FLAGS);
        assert_eq!(reader.next(), Some(CommandWord::Value(FlagKind::Image, "a")));
        reader.learn(&[("-t", FlagKind::Other)]);
        assert_eq!(reader.next(), Some(CommandWord::Value(FlagKind::Other, "b")));
        assert_eq!(reader.next(), Some(CommandWord::Value(FlagKind::Other, "c")));
        assert_eq!(reader.next(), Some(CommandWord::Positional("d")));
    }
}
