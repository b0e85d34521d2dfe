//! `Deed`: what a verb does with its images, pull them or push them, as far as a command line says.

use super::means;
use super::task::has;
use crate::caller::Program;
use crate::caller::images::{Form, Images, is_pushing};
use crate::caller::words::Meaning;
use crate::model::{Operation, Registry};

/// What a verb does. What a flag names as a destination is pushed whatever the verb.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Neither: a login.
    Unknown,
    Pull,
    /// Pushes, signs or deletes: what flags name as destination, else what words name, else all.
    Push,
    /// From the first word to the second.
    Copy,
    /// Pushes what it builds with this flag, or if an output says so.
    BuildIf(&'static str),
    /// Pushes what it builds but for this flag.
    BuildUnless(&'static str),
    /// As `BuildIf("--push")`, and the files it works on say the rest.
    Project,
    /// Pushes to where this variable says.
    PushTo(&'static str),
}

/// A command line without its verb.
pub(super) struct Line<'a> {
    pub(super) program: &'a Program,
    pub(super) form: Form,
    pub(super) values: &'a [(Meaning, &'a str)],
    /// The words that are images.
    pub(super) named: &'a [&'a str],
    /// The second word.
    pub(super) destination: Option<&'a str>,
}

impl Deed {
    /// What is done at `registry`: a push if anything is pushed there, which may need more than it.
    pub(super) fn operation(self, line: &Line<'_>, registry: &Registry) -> Option<Operation> {
        let mut pushed = Images::of(registry);
        let is_built_to_push = self.builds_to_push(line);
        for (meaning, value) in line.values {
            pushed.add_pushed(*meaning, value, line.form, is_built_to_push);
        }
        let has_destination = line.values.iter().any(|(meaning, _)| *meaning == Meaning::Destination);
        match self {
            Self::Unknown => return None,
            Self::Push if line.named.is_empty() && !has_destination => return Some(Operation::Push),
            Self::Push if !has_destination => line.named.iter().for_each(|word| pushed.add(word, line.form)),
            Self::Copy => {
                let destination = line.destination.unwrap_or_default();
                if line.form == Form::WithHost && means(destination, registry) {
                    return Some(Operation::Push); // skopeo `sync … HOST`
                }
                let (image, _more_tags) = destination.split_once(',').unwrap_or((destination, "")); // oras
                pushed.add(image, line.form);
            }
            Self::PushTo(variable) => match line.program.variable(variable) {
                Some(place) => pushed.add(&place, line.form),
                None => return Some(Operation::Push),
            },
            _ => {}
        }
        match (self, pushed.found().is_empty()) {
            (_, false) => Some(Operation::Push),
            (Self::Project, true) => None,
            (_, true) => Some(Operation::Pull),
        }
    }

    /// Tells whether what is built stays here, as far as the command line decides that.
    pub(super) fn keeps_result(self, line: &Line<'_>) -> bool {
        let is_known = self != Self::Project || has(&line.program.args, "--load"); // else the files say it
        is_known && !self.builds_to_push(line)
    }

    fn builds_to_push(self, line: &Line<'_>) -> bool {
        match self {
            Self::BuildIf(flag) => has(&line.program.args, flag) || line.has_pushing_output(),
            Self::Project => has(&line.program.args, "--push") || line.has_pushing_output(),
            Self::BuildUnless(flag) => !has(&line.program.args, flag),
            _ => false,
        }
    }
}

impl Line<'_> {
    fn has_pushing_output(&self) -> bool {
        self.values.iter().any(|(meaning, value)| is_pushing(*meaning, value))
    }
}
