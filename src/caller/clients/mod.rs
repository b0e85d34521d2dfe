//! The container clients' command lines, as tables, and the one reader of them.
//!
//! A new client is a new table, and a file of cases in `tests/fixtures/callers/`. Flags that take a value matter most:
//! unlisted, their values would pass for images. A flag that does not must not be listed: it would swallow one.

mod build;
mod compose;
mod docker;
#[cfg(test)]
mod help_record;
mod podman;
mod regclient;
mod registry;
mod scan;
mod skopeo;
mod verb;
mod verb_effect;
mod verb_invocation;

use super::command_words::{CommandWord, CommandWords, FlagKind, FlagTable};
use super::images::{ImageCollector, role};
use super::{Program, unknown_program};
use crate::model::choice::{CommandImages, ImageRole};
use crate::model::{Registry, ServerUrl, Target};
use verb::{Positionals, Verb};
use verb_effect::{ParsedCommand, VerbEffect};
pub(super) use verb_invocation::{ComposeAction, InputFiles, VerbInvocation, is_true};

/// How one client reads its command line.
pub(super) struct Grammar {
    /// Its canonical name, then other names of the same program.
    names: &'static [&'static str],
    /// Flags that take a value, before and after the verb.
    globals: FlagTable,
    verbs: &'static [Verb],
    /// Other clients that run under a word of this one: `docker compose`.
    plugins: &'static [(&'static str, &'static Grammar)],
}

/// A command line read up to its verb.
struct CommandHead<'a> {
    client: &'static str,
    verb: &'static Verb,
    /// As it was spelled.
    path: &'static str,
    /// What follows.
    words: CommandWords<'a>,
    /// The flags before it.
    values: Vec<(FlagKind, &'a str)>,
}

const GRAMMARS: [&Grammar; 24] = [
    &docker::DOCKER,
    &compose::COMPOSE,
    &docker::NERDCTL,
    &docker::FINCH,
    &build::BUILDX,
    &build::BUILDCTL,
    &build::KANIKO,
    &podman::PODMAN,
    &compose::PODMAN_COMPOSE,
    &podman::BUILDAH,
    &skopeo::SKOPEO,
    &registry::CRANE,
    &registry::GCRANE,
    &regclient::REGCTL,
    &regclient::REGSYNC,
    &regclient::REGBOT,
    &registry::ORAS,
    &registry::HELM,
    &registry::COSIGN,
    &registry::DEVCONTAINER,
    &registry::KO,
    &scan::SYFT,
    &scan::GRYPE,
    &registry::KUBECTL,
];

/// What a renamed client's name may end with behind its own: `docker29`, `regctl-linux-amd64`.
const SUFFIXES: [&str; 10] =
    ["linux", "darwin", "windows", "amd64", "arm64", "x86_64", "remote", "static", "latest", "in-a-user-namespace"];

/// Returns the client with this canonical name.
pub(super) fn find(name: &str) -> Option<&'static Grammar> {
    GRAMMARS.into_iter().find(|grammar| grammar.names[0] == name)
}

/// Returns the canonical name of the client whose program is called `name`.
pub(super) fn canonical_name(name: &str) -> Option<&'static str> {
    let is_version = |rest: &str| {
        let suffix = rest.trim_start_matches(['-', '_', '.']);
        let version = suffix.strip_prefix('v').unwrap_or(suffix);
        version.starts_with(|c: char| c.is_ascii_digit())
            || (suffix.len() < rest.len() && SUFFIXES.iter().any(|known| suffix.starts_with(known)))
    };
    let is = |known: &str| name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || is_version(rest));
    GRAMMARS.into_iter().find(|grammar| grammar.names.iter().any(|known| is(known))).map(|grammar| grammar.names[0])
}

impl Grammar {
    /// The client whose verb the words begin with, which may be a plugin of this one, and the verb as it was spelled.
    pub(super) fn client_and_verb(&self, arguments: &[String]) -> (&'static str, &'static str) {
        self.verb(arguments).map_or((self.names[0], ""), |CommandHead { client, path, .. }| (client, path))
    }

    /// Returns the images of `registry` that the words behind the client's name name, and what is done there.
    pub(super) fn command(&self, program: &Program, registry: &Registry) -> CommandImages {
        let Some(CommandHead { verb, words, mut values, .. }) = self.verb(&program.args) else {
            let images =
                if self.runs_unknown(program) { unknown_program::images(&program.args, registry) } else { Vec::new() };
            return CommandImages { images, ..CommandImages::default() };
        };
        let mut positionals = Vec::new();
        let mut sync = [true, true];
        for word in words {
            match word {
                CommandWord::Positional(word) => positionals.push(word),
                CommandWord::Value(FlagKind::SyncSource, kind) => sync[0] = kind == "docker",
                CommandWord::Value(FlagKind::SyncDestination, kind) => sync[1] = kind == "docker",
                CommandWord::Value(meaning, value) => values.push((meaning, value)),
            }
            if verb.positionals == Positionals::BeforeCommand && !positionals.is_empty() {
                break;
            }
        }
        let mut named = verb.positionals.images(&positionals, sync, verb.form);
        let destination = named.last().copied().filter(|_| positionals.len() > 1 && sync[1]);
        let place = verb.deed.place(program, &values);
        named.extend(place.iter().map(|(text, form)| (text.as_str(), *form)));
        // What is written goes there, and the images are only read.
        let beside = verb.repository_beside(program);
        let destination = beside.as_deref().map(|text| (text, verb.form)).or(destination);
        named.extend(destination.filter(|_| beside.is_some()));
        let deed = if beside.is_some() && verb.deed == VerbEffect::Push { VerbEffect::Copy } else { verb.deed };
        let line = ParsedCommand { program, form: verb.form, values: &values, named: &named, destination };
        let keeps_result = deed.keeps_result(&line);
        let role_of = |meaning| match role(meaning) {
            ImageRole::Result if !keeps_result => ImageRole::Needed,
            role => role,
        };
        let found = [ImageRole::Needed, ImageRole::Cache, ImageRole::Result].into_iter().map(|role| {
            let mut images = ImageCollector::new(registry);
            for (meaning, value) in values.iter().filter(|(meaning, _)| role_of(*meaning) == role) {
                images.add_value(*meaning, value, verb.form);
            }
            for (word, form) in named.iter().filter(|_| role == ImageRole::Needed) {
                images.add(word, *form);
            }
            (images.into_vec(), role)
        });
        let (images, role) = found.into_iter().find(|(images, _)| !images.is_empty()).unwrap_or_default();
        CommandImages { images, role, operation: deed.operation(&line, registry) }
    }

    /// Where it pushes to, if no word says that as an image.
    pub(super) fn place(&self, program: &Program) -> Option<String> {
        let CommandHead { verb, words, mut values, .. } = self.verb(&program.args)?;
        values.extend(words.filter_map(|word| match word {
            CommandWord::Value(meaning, value) => Some((meaning, value)),
            CommandWord::Positional(_) => None,
        }));
        verb.deed.place(program, &values).map(|(place, _)| place).or_else(|| verb.repository_beside(program))
    }

    /// Returns what the words do with files.
    pub(super) fn task<'a>(&self, arguments: &'a [String]) -> Option<VerbInvocation<'a>> {
        let CommandHead { client, verb, path: _, words, mut values } = self.verb(arguments)?;
        let mut positionals = Vec::new();
        for word in words {
            match word {
                CommandWord::Positional(word) => positionals.push(word),
                CommandWord::Value(meaning, value) => values.push((meaning, value)),
            }
            if verb.work.ends_at_first_word() && !positionals.is_empty() {
                break;
            }
        }
        match (verb.work, verb.positionals) {
            (InputFiles::Compose(_), Positionals::None) => {
                for service in &mut positionals {
                    *service = service.split_once('=').map_or(*service, |(name, _count)| name); // `scale web=3`
                }
            }
            (InputFiles::Compose(_), _) => positionals.clear(), // `publish IMAGE`, with all services
            _ => {}
        }
        (verb.work != InputFiles::None).then_some(VerbInvocation {
            client,
            work: verb.work,
            positionals,
            values,
            arguments,
        })
    }

    /// Returns the user whom the words log in to `registry`.
    pub(super) fn login_username(&self, arguments: &[String], registry: &Registry) -> Option<String> {
        let CommandHead { verb, words, .. } = self.verb(arguments)?;
        let (mut username, mut address) = (None, None);
        for word in words {
            match word {
                CommandWord::Positional(word) => address = address.or(Some(word)),
                CommandWord::Value(FlagKind::Username, value) => username = Some(value),
                CommandWord::Value(..) => {}
            }
        }
        let means_registry = match (verb.positionals, address) {
            (Positionals::Login | Positionals::LoginAnywhere, Some(address)) => names_registry(address, registry),
            (Positionals::Login, None) => registry.is_docker_hub(),
            (positionals, _) => positionals == Positionals::LoginAnywhere,
        };
        username.filter(|_| means_registry).map(str::to_owned)
    }

    /// Reads up to the verb; `None` if it is one that we do not list.
    fn verb<'a>(&self, arguments: &'a [String]) -> Option<CommandHead<'a>> {
        let mut grammar = self;
        let mut words = CommandWords::new(arguments, self.globals);
        let (mut path, mut values) = (String::new(), Vec::new());
        loop {
            let spelled = |verb: &'static Verb| Some((verb, verb.paths().find(|known| *known == path)?));
            if let Some((verb, path)) = grammar.verbs.iter().find_map(spelled) {
                words.learn(verb.flags);
                return Some(CommandHead { client: grammar.names[0], verb, path, words, values });
            }
            if !path.is_empty() && !grammar.leads_on(&path) {
                return None;
            }
            match words.next()? {
                CommandWord::Value(meaning, value) => values.push((meaning, value)),
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

    /// Tells whether docker hands these words to a plugin that we do not know.
    fn runs_unknown(&self, program: &Program) -> bool {
        let verb = CommandWords::new(&program.args, self.globals).find_map(|word| match word {
            CommandWord::Positional(word) => Some(word),
            CommandWord::Value(..) => None,
        });
        let is_unknown = |word: &str| {
            !word.is_empty() && self.plugin(word).is_none() && !self.leads_on(word) && !docker::is_local(word)
        };
        self.names == docker::DOCKER.names && verb.is_some_and(is_unknown)
    }

    fn plugin(&self, word: &str) -> Option<&'static Grammar> {
        self.plugins.iter().find(|(name, _)| *name == word).map(|(_, grammar)| *grammar)
    }

    /// Tells whether `path` is a verb or the first word of one.
    fn leads_on(&self, path: &str) -> bool {
        let is_start =
            |known: &str| known.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        self.verbs.iter().flat_map(Verb::paths).any(is_start)
    }
}

/// `docker login https://HOST/` and `HOST/namespace` log in to the host.
fn names_registry(address: &str, registry: &Registry) -> bool {
    ServerUrl::parse(address).is_some_and(|url| match url.target() {
        Target::Registry { registry: named, user: _, repository: _ } => named == registry,
        Target::HubToken(_) => false,
    })
}

#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    GRAMMARS.into_iter().flat_map(|grammar| grammar.names.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_is_never_the_beginning_of_another() {
        for grammar in GRAMMARS {
            let paths: Vec<&str> = grammar.verbs.iter().flat_map(Verb::paths).collect();
            for path in &paths {
                let longer = paths.iter().filter(|other| other.starts_with(&format!("{path} "))).count();
                let same = paths.iter().filter(|other| other == &path).count();
                assert_eq!((longer, same), (0, 1), "{} {path}", grammar.names[0]);
            }
        }
    }

    #[test]
    fn flags_are_written_as_flags() {
        for grammar in GRAMMARS {
            for (list, _) in grammar.verbs.iter().flat_map(|verb| verb.flags).chain(grammar.globals) {
                for flag in list.split_ascii_whitespace() {
                    let short = flag.len() == 2 && flag.starts_with('-') && flag != "--";
                    assert!(short || (flag.starts_with("--") && flag.len() > 3), "{} {flag}", grammar.names[0]);
                }
            }
        }
    }
}
