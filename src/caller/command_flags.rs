//! `CommandFlags`: the flags of a command line, as they were typed.

use super::command_words::{CommandWord, FlagKind, Switch, name_and_value};

/// The flags of a command line. The type has no `Debug`, because a value may be a password.
#[derive(Default)]
pub(super) struct CommandFlags<'a> {
    pub(super) values: Vec<(FlagKind, &'a str)>,
    switches: Vec<Switch<'a>>,
}

impl<'a> CommandFlags<'a> {
    /// Adds the word if it is a flag. Otherwise, returns the word.
    pub(super) fn add(&mut self, word: CommandWord<'a>) -> Option<&'a str> {
        match word {
            CommandWord::Positional(word) => return Some(word),
            CommandWord::Value(kind, value) => self.values.push((kind, value)),
            CommandWord::Switch(switch) => self.switches.push(switch),
        }
        None
    }

    pub(super) fn has(&self, kind: FlagKind) -> bool {
        self.values(kind).next().is_some()
    }

    pub(super) fn values(&self, kind: FlagKind) -> impl Iterator<Item = &'a str> {
        self.values.iter().filter(move |(found, _)| *found == kind).map(|(_, value)| *value)
    }

    /// Returns the last value of this kind. Earlier values have no effect.
    pub(super) fn value(&self, kind: FlagKind) -> Option<&'a str> {
        self.values(kind).last()
    }

    /// Returns the variables that flags set, such as build arguments. `None` means that the variable's value comes from
    /// the environment.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.values(FlagKind::Variable).map(name_and_value)
    }

    pub(super) fn is_on(&self, switch: &str) -> bool {
        self.last(switch) == Some(true)
    }

    /// Tells whether the command line turns the switch off, as `--push=false` does.
    pub(super) fn is_off(&self, switch: &str) -> bool {
        self.last(switch) == Some(false)
    }

    /// Returns whether a switch is on, or `None` if the switch is not on the command line. If the switch is repeated,
    /// the last value wins.
    fn last(&self, switch: &str) -> Option<bool> {
        let name = switch.trim_start_matches('-');
        self.switches.iter().rev().find(|switch| !name.is_empty() && switch.name == name).map(|switch| switch.is_on)
    }
}

#[cfg(test)]
mod tests {
    use super::super::command_words::CommandWords;
    use super::*;

    #[test]
    fn the_last_switch_of_a_name_wins() {
        for (words, expected) in [
            ("--push", true),
            ("--push=1", true),
            ("--push=false", false),
            ("--push --push=false", false),
            ("--push=false --push", true),
            ("--push --load=false", true),
            ("--tag --push", false),
            ("--tag=--push", false),
            ("-- --push", false),
            ("-push", false),
            ("--pushed", false),
            ("", false),
        ] {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            let mut flags = CommandFlags::default();
            for word in CommandWords::new(&words, &[("-t --tag", FlagKind::Image)]) {
                flags.add(word);
            }
            assert_eq!(flags.is_on("--push"), expected, "{words:?}");
        }
    }
}
