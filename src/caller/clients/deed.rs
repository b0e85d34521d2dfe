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
    /// Pushes with this flag.
    PushIf(&'static str),
    /// ko: pushes into the namespace that this variable says, or with `--bare` to the repository.
    PushTo(&'static str),
}

/// A command line without its verb.
pub(super) struct Line<'a> {
    pub(super) program: &'a Program,
    pub(super) form: Form,
    pub(super) values: &'a [(Meaning, &'a str)],
    /// The words that are images.
    pub(super) named: &'a [(&'a str, Form)],
    /// The second word.
    pub(super) destination: Option<(&'a str, Form)>,
}

impl Deed {
    /// Where it pushes to, if the words that are images do not say that.
    pub(super) fn place(self, program: &Program, values: &[(Meaning, &str)]) -> Option<(String, Form)> {
        let value = |wanted| values.iter().rev().find(|(meaning, _)| *meaning == wanted).map(|(_, value)| *value);
        match self {
            Self::PushTo(variable) => {
                let form = if has(&program.args, "--bare") { Form::Short } else { Form::Namespace };
                Some((program.variable(variable)?, form))
            }
            // devcontainer: two flags, of which one has a default.
            Self::Push => {
                let host = value(Meaning::Registry).unwrap_or("ghcr.io");
                Some((format!("{host}/{}", value(Meaning::Namespace)?), Form::Namespace))
            }
            _ => None,
        }
    }

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
            Self::Push | Self::PushTo(_) if line.named.is_empty() && !has_destination => return Some(Operation::Push),
            Self::Push | Self::PushTo(_) if !has_destination => line.add_named(&mut pushed),
            Self::PushIf(flag) if has(&line.program.args, flag) => line.add_named(&mut pushed),
            Self::Copy => line.destination.iter().for_each(|(image, form)| pushed.add(image, *form)),
            _ => {}
        }
        let is_host = |(text, form): &(&str, Form)| *form == Form::Namespace && lies_at(text, registry);
        if matches!(self, Self::Push | Self::PushTo(_) | Self::Copy) && line.named.iter().any(is_host) {
            return Some(Operation::Push);
        }
        match (self, pushed.found().is_empty()) {
            (_, false) => Some(Operation::Push),
            (Self::Project, true) => None,
            (_, true) => Some(Operation::Pull),
        }
    }

    /// Tells whether what is built stays here, as far as the command line says. Files that say more are asked first.
    pub(super) fn keeps_result(self, line: &Line<'_>) -> bool {
        !self.builds_to_push(line)
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

/// Tells whether the namespace is one of the registry, or the registry itself.
fn lies_at(namespace: &str, registry: &Registry) -> bool {
    means(namespace.strip_prefix("oci://").unwrap_or(namespace), registry)
}

impl Line<'_> {
    fn add_named(&self, images: &mut Images<'_>) {
        self.named.iter().for_each(|(image, form)| images.add(image, *form));
    }

    fn has_pushing_output(&self) -> bool {
        self.values.iter().any(|(meaning, value)| is_pushing(*meaning, value))
    }
}
