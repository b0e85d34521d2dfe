//! `Grammar`: the table for one client's command lines, and the functions that read command lines with this table.

use super::parsed_command::{ParsedCommand, names_registry};
use super::verb::{Positionals, Verb};
use super::verb_effect::VerbEffect;
use super::verb_invocation::{ComposeAction, InputFiles, VerbInvocation};
use crate::caller::Program;
use crate::caller::command_flags::CommandFlags;
use crate::caller::command_words::{CommandWord, CommandWords, FlagKind, FlagTable};
use crate::caller::containers::RegistriesSettings;
use crate::model::Registry;
use crate::model::choice::CommandImages;

/// The table for one client's command lines.
pub(in crate::caller) struct Grammar {
    /// The client's canonical name, followed by other names of its program.
    pub(super) names: &'static [&'static str],
    /// The flags that have a value, and that may precede or follow the verb.
    pub(super) globals: FlagTable,
    pub(super) verbs: &'static [Verb],
    /// Other clients that are subcommands of this client, as in `docker compose`.
    pub(super) plugins: &'static [(&'static str, &'static Grammar)],
}

/// A command line, split after its verb.
pub(super) struct CommandHead<'a> {
    pub(super) client: &'static str,
    pub(super) verb: &'static Verb,
    /// The verb as typed, such as `image push`.
    pub(super) path: &'static str,
    /// The words after the verb.
    pub(super) words: CommandWords<'a>,
    /// The flags before the verb.
    flags: CommandFlags<'a>,
}

impl<'a> CommandHead<'a> {
    /// Reads the words after the verb. With `ends_at_first`, stops after the first word that is not a flag, because
    /// another program's command line follows.
    fn read(self, ends_at_first: bool) -> (Vec<&'a str>, CommandFlags<'a>) {
        let (mut positionals, mut flags) = (Vec::new(), self.flags);
        for word in self.words {
            positionals.extend(flags.add(word));
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
    pub(super) fn command(
        &self,
        program: &Program,
        registry: &Registry,
        settings: Option<&RegistriesSettings>,
    ) -> Option<CommandImages> {
        let head = self.verb(&program.args)?;
        let verb = head.verb;
        let (positionals, mut flags) = head.read(verb.positionals == Positionals::BeforeCommand);
        let effect = verb.effect(&flags);
        let are_remote = verb.are_remote(&flags);
        if effect == VerbEffect::Read {
            flags.values.retain(|(kind, _)| *kind != FlagKind::Destination);
        }
        let mut named = verb.positionals.images(&positionals, are_remote, verb.syntax);
        let last = named.last().copied().filter(|_| positionals.len() > 1 && are_remote[1]);
        let place = effect.destination(program, &flags);
        named.extend(place.iter().map(|(text, syntax)| (text.as_str(), *syntax)));
        // If a variable sets a repository for signatures, the client pushes to this repository and only pulls the
        // images.
        let beside = verb.repository_beside(program);
        let beside = beside.as_deref().map(|text| (text, verb.syntax));
        named.extend(beside);
        let line = ParsedCommand {
            effect: if beside.is_some() && effect == VerbEffect::Push { VerbEffect::Copy } else { effect },
            syntax: verb.syntax,
            settings,
            flags: &flags,
            named: &named,
            destination: beside.or(last),
        };
        // The sources of a copy may be in a file. Then the destination belongs with the images in this file.
        let has_list = verb.files == InputFiles::SyncList && flags.value(FlagKind::SourcePlace) == Some("yaml");
        let (images, role) = if has_list { Default::default() } else { line.images(registry) };
        Some(CommandImages { images, role, operation: line.operation(registry) })
    }

    /// Returns the destination of a push, if the destination is not an image among the arguments.
    pub(in crate::caller) fn place(&self, program: &Program) -> Option<String> {
        let head = self.verb(&program.args)?;
        let verb = head.verb;
        let (_, flags) = head.read(false);
        let place = verb.effect(&flags).destination(program, &flags).map(|(place, _)| place);
        place.or_else(|| verb.repository_beside(program))
    }

    /// Returns the verb with its words and the kind of files that it works on. Returns `None` for an unlisted verb, or
    /// if the verb works on no files.
    pub(in crate::caller) fn task<'a>(&self, arguments: &'a [String]) -> Option<VerbInvocation<'a>> {
        let head = self.verb(arguments)?;
        let CommandHead { client, verb, .. } = head;
        let (mut positionals, flags) = head.read(verb.files == InputFiles::Compose(ComposeAction::Run));
        match (verb.files, verb.positionals) {
            (InputFiles::Compose(_), Positionals::None) => {
                for service in &mut positionals {
                    *service = service.split_once('=').map_or(*service, |(name, _count)| name); // `scale web=3`
                }
            }
            (InputFiles::Compose(_), _) => positionals.clear(), // `publish IMAGE` works on all services
            _ => {}
        }
        (verb.files != InputFiles::None).then_some(VerbInvocation { client, files: verb.files, positionals, flags })
    }

    /// Tells whether the command is a bake that reads its definition from standard input.
    pub(in crate::caller) fn bakes_stdin(&self, arguments: &[String]) -> bool {
        let bake = self.verb(arguments).filter(|head| head.verb.files == InputFiles::Bake);
        bake.is_some_and(|head| head.read(false).1.values(FlagKind::File).any(|file| file == "-"))
    }

    /// Returns the user name with which the command logs in to `registry`.
    pub(in crate::caller) fn login_username(&self, arguments: &[String], registry: &Registry) -> Option<String> {
        let head = self.verb(arguments)?;
        let verb = head.verb;
        let (positionals, flags) = head.read(false);
        let means_registry = match (verb.positionals, positionals.first()) {
            (Positionals::Login | Positionals::LoginAnywhere, Some(address)) => names_registry(address, registry),
            (Positionals::Login, None) => registry.is_docker_hub(),
            (positionals, _) => positionals == Positionals::LoginAnywhere,
        };
        flags.value(FlagKind::Username).filter(|_| means_registry).map(str::to_owned)
    }

    /// Reads a command line up to the end of its verb. Returns `None` for an unlisted verb.
    pub(super) fn verb<'a>(&self, arguments: &'a [String]) -> Option<CommandHead<'a>> {
        let mut grammar = self;
        let mut words = CommandWords::new(arguments, self.globals);
        let (mut path, mut flags) = (String::new(), CommandFlags::default());
        loop {
            let spelled = |verb: &'static Verb| Some((verb, verb.paths().find(|known| *known == path)?));
            if let Some((verb, path)) = grammar.verbs.iter().find_map(spelled) {
                words.learn(verb.flags);
                return Some(CommandHead { client: grammar.names[0], verb, path, words, flags });
            }
            if !path.is_empty() && !grammar.leads_on(&path) {
                return None;
            }
            let Some(word) = flags.add(words.next()?) else { continue };
            match grammar.plugin(word) {
                _ if word.is_empty() => return None,
                Some(plugin) if path.is_empty() => {
                    grammar = plugin;
                    words.learn(grammar.globals);
                }
                _ if path.is_empty() => word.clone_into(&mut path),
                _ => path = format!("{path} {word}"),
            }
        }
    }

    /// Returns the first word that is not a flag. Returns `None` if this word is a plugin or starts a listed verb.
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
