//! `Caller`: the process that asks Ensign for credentials, the images it works on, and the user that it logs in.
//!
//! A client asks only for a host. Ensign finds the images on the client's command line, or in the files that the
//! command works on.

mod agents;
mod ancestry;
mod clients;
mod command_flags;
mod command_words;
mod containers;
mod environment;
mod facts;
mod files;
#[cfg(test)]
mod fixtures;
mod images;
mod program;
mod program_role;
pub(crate) mod project;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod registries;
mod shell_command;
mod shell_tokens;
#[cfg(test)]
mod tests;
mod unknown_program;
mod wrappers;

use std::borrow::Borrow;
use std::cell::Cell;
use std::path::PathBuf;

use crate::model::choice::{CallerContext, CommandImages, FileImages, ImageRole, ProjectAccounts, TrustedFile};
use crate::model::{CallerFacts, CallerRule, ImageReference, Operation, Registry};
use crate::system::{env, folders};
use ancestry::Ancestry;
use clients::Grammar;
use files::FileCommand;
use program_role::ProgramRole;

pub(crate) use environment::changed_by_client;
pub(crate) use facts::{agent, client_name, facts};
pub(crate) use program::Program;
pub(crate) use registries::{REGISTRIES_AT_MOST, registries_of, unknown_in_files};
pub(crate) use shell_command::UnreadableCommand;

/// The largest number of wrappers, such as scripts and `sudo`, between Ensign and the client.
const WRAPPERS_AT_MOST: usize = 6;
/// The largest number of programs to read above Ensign. A client with a plugin and a re-execution needs only three
/// programs. The limit protects against an endless chain of processes.
const PROGRAMS_AT_MOST: usize = 16;

/// The process that asks for `registry`. The ancestors of this process are read only as far up as the rules need.
pub(crate) struct Caller<'r> {
    registry: &'r Registry,
    ancestry: Ancestry,
}

impl<'r> Caller<'r> {
    pub(crate) fn new(registry: &'r Registry) -> Self {
        Self { registry, ancestry: Ancestry::ours() }
    }

    /// Returns the client and its verb, such as `docker push`, if a rule has looked up the client.
    pub(crate) fn client(&self) -> Option<String> {
        nearest(self.ancestry.programs_read(), |_, program| facts::described_call(program), |_| None)
    }
}

impl CallerContext for Caller<'_> {
    /// Reads only as many command lines above Ensign as needed, because each process costs a few system calls.
    fn command(&self) -> CommandImages {
        command_of(self.ancestry.programs(), self.registry)
    }

    fn operation_in_files(&self) -> Option<Operation> {
        operation_in_files_of(self.ancestry.programs(), self.registry)
    }

    fn mentions(&self) -> FileImages {
        images_in_files_of(self.ancestry.programs(), self.registry)
    }

    fn project(&self, trusted: &[TrustedFile]) -> Option<ProjectAccounts> {
        project::trusted_in(&env::current_dir()?, trusted)
    }

    fn folder(&self) -> Vec<PathBuf> {
        folders::of_caller()
    }

    fn facts(&self, rule: &CallerRule) -> CallerFacts {
        let _ = nearest(self.ancestry.programs(), |_, _| Some(()), |_| None); // the journal must name the client
        facts(rule)
    }
}

/// Finds the nearest command line with images of `registry`, and returns these images without duplicates. The operation
/// comes from the nearest command line that shows an operation. `programs` begins with Ensign's parent, the nearest
/// program.
pub(crate) fn command_of<P: Borrow<Program>>(
    programs: impl IntoIterator<Item = P>,
    registry: &Registry,
) -> CommandImages {
    let nearer = Cell::new(None);
    let some = |images: Vec<ImageReference>, role| (!images.is_empty()).then_some((images, role));
    let named = nearest(
        programs,
        |client, program| {
            let CommandImages { images, role, operation } = containers::command(client, program, registry);
            nearer.set(nearer.get().or(operation));
            some(images, role)
        },
        |arguments| some(unknown_program::images(arguments, registry), ImageRole::Needed),
    );
    let (images, role) = named.unwrap_or_default();
    CommandImages { images, role, operation: nearer.get() }
}

/// Finds the nearest program with images of `registry` in its files, and returns these images.
pub(crate) fn images_in_files_of<P: Borrow<Program>>(
    programs: impl IntoIterator<Item = P>,
    registry: &Registry,
) -> FileImages {
    let images = |_: &Grammar, program: &Program| {
        Some(FileCommand::new(program)?.images(registry)).filter(|images| !images.is_empty())
    };
    nearest(programs, images, |_| None).unwrap_or_default()
}

/// Returns the images of `registry` that a build in the current folder pulls or pushes, and the parts of the files in
/// which images are unknown.
pub(crate) fn images_in_project(registry: &Registry) -> FileImages {
    let mut all = FileImages::default();
    for command in ["docker build .", "docker buildx bake '*'", "docker compose build"] {
        let Ok(program) = command_line(command) else { continue };
        let Some(command) = FileCommand::new(&program) else { continue };
        let FileImages { images, unknown } = command.all_images(registry);
        all.images.extend(images);
        all.unknown.extend(unknown);
    }
    all
}

/// Finds the nearest program whose files show an operation at `registry`, and returns this operation.
pub(crate) fn operation_in_files_of<P: Borrow<Program>>(
    programs: impl IntoIterator<Item = P>,
    registry: &Registry,
) -> Option<Operation> {
    nearest(programs, |_, program| FileCommand::new(program)?.operation(registry), |_| None)
}

/// Returns the user name of the running `login` to `registry`.
pub(crate) fn login_user(registry: &Registry) -> Option<String> {
    login_username(Ancestry::ours().programs(), registry)
}

/// Returns the user name of the nearest login to `registry`. With an identity token, `docker login` itself sends only
/// the user name `<token>`.
pub(crate) fn login_username<P: Borrow<Program>>(
    programs: impl IntoIterator<Item = P>,
    registry: &Registry,
) -> Option<String> {
    nearest(programs, |client, program| client.login_username(&program.args, registry), |_| None)
}

/// Tells whether the caller is Podman, Buildah or Skopeo.
pub(crate) fn is_containers_tool() -> bool {
    let is_tool = |_: &Grammar, program: &Program| Some(containers::is_tool(program));
    nearest(Ancestry::ours().programs(), is_tool, |_| None).unwrap_or(false)
}

/// Parses the text after `ensign which --as`. The text is one shell command, and may have wrappers.
pub(crate) fn command_line(text: &str) -> Result<Program, UnreadableCommand> {
    let (variables, words) = shell_command::words(text)?;
    Ok(Program::typed(words, variables))
}

/// Asks one program after the other until a program answers, beginning with Ensign's parent. Above a client, only other
/// clients are asked, such as docker above its plugin, or the first process of rootless podman. The search ends at a
/// script above a client, because a script may contain any image name. An unknown program is asked only if it is
/// Ensign's parent. A bake that Compose starts is not asked, because only Compose's own command shows what is built.
fn nearest<T, P: Borrow<Program>>(
    programs: impl IntoIterator<Item = P>,
    ask_client: impl Fn(&Grammar, &Program) -> Option<T>,
    ask_unknown: impl Fn(&[String]) -> Option<T>,
) -> Option<T> {
    let mut met_client = false;
    let mut programs = programs.into_iter().take(PROGRAMS_AT_MOST).enumerate().peekable();
    while let Some((distance, program)) = programs.next() {
        let program = program.borrow();
        let mut is_of_compose = || programs.peek().is_some_and(|(_, parent)| parent.borrow().name == "docker-compose");
        match program.role() {
            ProgramRole::Client(client) if client.bakes_stdin(&program.args) && is_of_compose() => {
                met_client = true;
            }
            ProgramRole::Client(client) => {
                met_client = true;
                let answer = ask_client(client, program);
                if answer.is_some() {
                    return answer;
                }
            }
            ProgramRole::Wrapper if !met_client && distance < WRAPPERS_AT_MOST => {}
            ProgramRole::Unknown if distance == 0 => return ask_unknown(&program.args),
            ProgramRole::Wrapper | ProgramRole::Unknown | ProgramRole::LongLived => return None,
        }
    }
    None
}
