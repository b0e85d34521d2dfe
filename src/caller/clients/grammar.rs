//! `Grammar`: the table for one client's command lines, and the functions that read command lines by this table.

use super::verb::{Positionals, Verb};
use super::verb_effect::{ParsedCommand, VerbEffect, names_registry};
use super::verb_invocation::{InputFiles, VerbInvocation};
use crate::caller::Program;
use crate::caller::command_words::{CommandWord, CommandWords, FlagKind, FlagTable, Switch, is_on};
use crate::caller::images::{ImageCollector, role};
use crate::model::Registry;
use crate::model::choice::{CommandImages, ImageRole};

/// The table for one client's command lines.
pub(in crate::caller) struct Grammar {
    /// The client's canonical name, followed by other names of its program.
    pub(super) names: &'static [&'static str],
    /// The flags with a value that may stand before and after the verb.
    pub(super) globals: FlagTable,
    pub(super) verbs: &'static [Verb],
    /// Other clients that are subcommands of this client, as in `docker compose`.
    pub(super) plugins: &'static [(&'static str, &'static Grammar)],
}

/// A command line read up to its verb.
pub(super) struct CommandHead<'a> {
    pub(super) client: &'static str,
    pub(super) verb: &'static Verb,
    /// The path of the verb, as typed.
    pub(super) path: &'static str,
    /// The words after the verb.
    pub(super) words: CommandWords<'a>,
    /// The flags before the verb.
    flags: Flags<'a>,
}

/// The flags of a command line.
#[derive(Default)]
struct Flags<'a> {
    values: Vec<(FlagKind, &'a str)>,
    switches: Vec<Switch<'a>>,
}

impl<'a> CommandHead<'a> {
    /// Reads the words after the verb. With `ends_at_first`, stops after the first word that is not a flag, because
    /// another program's command line follows.
    fn read(self, ends_at_first: bool) -> (Vec<&'a str>, Flags<'a>) {
        let (mut positionals, mut flags) = (Vec::new(), self.flags);
        for word in self.words {
            match word {
                CommandWord::Positional(word) => positionals.push(word),
                CommandWord::Value(meaning, value) => flags.values.push((meaning, value)),
                CommandWord::Switch(switch) => flags.switches.push(switch),
            }
            if ends_at_first && !positionals.is_empty() {
                break;
            }
        }
        (positionals, flags)
    }
}

impl Grammar {
    /// Returns the canonical name of the client, and the verb as typed. The returned client may be a plugin, as in
    /// `docker compose`.
    pub(in crate::caller) fn client_and_verb(&self, arguments: &[String]) -> (&'static str, &'static str) {
        self.verb(arguments).map_or((self.names[0], ""), |CommandHead { client, path, .. }| (client, path))
    }

    /// Returns the images of `registry` on the command line and the operation on them, or `None` for an unlisted verb.
    pub(super) fn command(&self, program: &Program, registry: &Registry) -> Option<CommandImages> {
        let head = self.verb(&program.args)?;
        let verb = head.verb;
        let (positionals, flags) = head.read(verb.positionals == Positionals::BeforeCommand);
        let Flags { mut values, switches } = flags;
        let effect = verb.effect(&values, &switches);
        if effect == VerbEffect::Read {
            values.retain(|(kind, _)| *kind != FlagKind::Destination);
        }
        let value = |kind| values.iter().rev().find(|(found, _)| *found == kind).map(|(_, value)| *value);
        let is_remote = |kind, switch| value(kind).is_none_or(|place| place == "docker") && !is_on(&switches, switch);
        let are_remote = [
            is_remote(FlagKind::SourcePlace, verb.local_if[0]),
            is_remote(FlagKind::DestinationPlace, verb.local_if[1])
                && (verb.effect, effect) != (VerbEffect::Copy, VerbEffect::Read),
        ];
        let mut named = verb.positionals.images(&positionals, are_remote, verb.syntax);
        let destination = named.last().copied().filter(|_| positionals.len() > 1 && are_remote[1]);
        let place = effect.destination(program, &values, &switches);
        named.extend(place.iter().map(|(text, form)| (text.as_str(), *form)));
        // If a variable names a repository for signatures, the client pushes to this repository, and only pulls the
        // images.
        let beside = verb.repository_beside(program);
        let destination = beside.as_deref().map(|text| (text, verb.syntax)).or(destination);
        named.extend(destination.filter(|_| beside.is_some()));
        let deed = if beside.is_some() && effect == VerbEffect::Push { VerbEffect::Copy } else { effect };
        let line =
            ParsedCommand { form: verb.syntax, values: &values, switches: &switches, named: &named, destination };
        let keeps_result = deed.keeps_result(&line);
        let role_of = |meaning| match role(meaning) {
            ImageRole::Result if !keeps_result => ImageRole::Needed,
            role => role,
        };
        let found = [ImageRole::Needed, ImageRole::Cache, ImageRole::Result].into_iter().map(|role| {
            let mut images = ImageCollector::new(registry);
            for (meaning, value) in values.iter().filter(|(meaning, _)| role_of(*meaning) == role) {
                images.add_value(*meaning, value, verb.syntax);
            }
            for (word, form) in named.iter().filter(|_| role == ImageRole::Needed) {
                images.add(word, *form);
            }
            (images.into_vec(), role)
        });
        let (images, role) = found.into_iter().find(|(images, _)| !images.is_empty()).unwrap_or_default();
        Some(CommandImages { images, role, operation: deed.operation(&line, registry) })
    }

    /// Returns the destination of a push, if the destination is not an image among the arguments.
    pub(in crate::caller) fn place(&self, program: &Program) -> Option<String> {
        let head = self.verb(&program.args)?;
        let verb = head.verb;
        let (_, Flags { values, switches }) = head.read(false);
        verb.effect(&values, &switches)
            .destination(program, &values, &switches)
            .map(|(place, _)| place)
            .or_else(|| verb.repository_beside(program))
    }

    /// Returns the files that the command works on.
    pub(in crate::caller) fn task<'a>(&self, arguments: &'a [String]) -> Option<VerbInvocation<'a>> {
        let head = self.verb(arguments)?;
        let CommandHead { client, verb, .. } = head;
        let (mut positionals, Flags { values, switches }) = head.read(verb.files.ends_at_first_word());
        match (verb.files, verb.positionals) {
            (InputFiles::Compose(_), Positionals::None) => {
                for service in &mut positionals {
                    *service = service.split_once('=').map_or(*service, |(name, _count)| name); // `scale web=3`
                }
            }
            (InputFiles::Compose(_), _) => positionals.clear(), // `publish IMAGE` works on all services
            _ => {}
        }
        (verb.files != InputFiles::None).then_some(VerbInvocation {
            client,
            files: verb.files,
            positionals,
            values,
            switches,
        })
    }

    /// Returns the user name with which the command logs in to `registry`.
    pub(in crate::caller) fn login_username(&self, arguments: &[String], registry: &Registry) -> Option<String> {
        let head = self.verb(arguments)?;
        let verb = head.verb;
        let (positionals, Flags { values, .. }) = head.read(false);
        let username = values.iter().rev().find(|(kind, _)| *kind == FlagKind::Username).map(|(_, value)| *value);
        let means_registry = match (verb.positionals, positionals.first()) {
            (Positionals::Login | Positionals::LoginAnywhere, Some(address)) => names_registry(address, registry),
            (Positionals::Login, None) => registry.is_docker_hub(),
            (positionals, _) => positionals == Positionals::LoginAnywhere,
        };
        username.filter(|_| means_registry).map(str::to_owned)
    }

    /// Reads a command line up to its verb. Returns `None` for an unlisted verb.
    pub(super) fn verb<'a>(&self, arguments: &'a [String]) -> Option<CommandHead<'a>> {
        let mut grammar = self;
        let mut words = CommandWords::new(arguments, self.globals);
        let (mut path, mut flags) = (String::new(), Flags::default());
        loop {
            let spelled = |verb: &'static Verb| Some((verb, verb.paths().find(|known| *known == path)?));
            if let Some((verb, path)) = grammar.verbs.iter().find_map(spelled) {
                words.learn(verb.flags);
                return Some(CommandHead { client: grammar.names[0], verb, path, words, flags });
            }
            if !path.is_empty() && !grammar.leads_on(&path) {
                return None;
            }
            match words.next()? {
                CommandWord::Value(meaning, value) => flags.values.push((meaning, value)),
                CommandWord::Switch(switch) => flags.switches.push(switch),
                CommandWord::Positional("") => return None,
                CommandWord::Positional(word) if path.is_empty() && grammar.plugin(word).is_some() => {
                    grammar = grammar.plugin(word)?;
                    words.learn(grammar.globals);
                }
                CommandWord::Positional(word) => {
                    path = if path.is_empty() { word.to_owned() } else { format!("{path} {word}") };
                }
            }
        }
    }

    /// Returns the first word that is not a flag, unless it is a plugin or the start of a listed verb.
    pub(super) fn unlisted_word<'a>(&self, arguments: &'a [String]) -> Option<&'a str> {
        let word = CommandWords::new(arguments, self.globals).find_map(|word| match word {
            CommandWord::Positional(word) => Some(word),
            CommandWord::Value(..) | CommandWord::Switch(_) => None,
        });
        word.filter(|word| !word.is_empty() && self.plugin(word).is_none() && !self.leads_on(word))
    }

    fn plugin(&self, word: &str) -> Option<&'static Grammar> {
        self.plugins.iter().find(|(name, _)| *name == word).map(|(_, grammar)| *grammar)
    }

    /// Tells whether `path` is a verb or the first word of a verb.
    fn leads_on(&self, path: &str) -> bool {
        let is_start =
            |known: &str| known.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        self.verbs.iter().flat_map(Verb::paths).any(is_start)
    }
}
