//! `Caller`: the asking process, the images that it works on, and the user that it logs in.
//!
//! A client asks only for a host. The images are on its command line, or in the files that the command line names.

mod agents;
mod ancestry;
mod clients;
mod command_words;
mod containers;
mod environment;
mod facts;
mod files;
#[cfg(test)]
mod fixtures;
mod images;
mod program;
pub(crate) mod project;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod registries;
mod shell_command;
mod unknown_program;

use std::borrow::Borrow;
use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::rc::Rc;

use crate::model::choice::{CallerContext, CommandImages, FileImages, ImageRole, ProjectAccounts, TrustedFile};
use crate::model::{CallerFacts, CallerRule, ImageReference, Operation, Registry};
use crate::system::{env, folders};
use ancestry::Ancestry;
use clients::Grammar;
use files::ProjectVariables;
use program::ProgramRole;

pub(crate) use environment::changed_by_client;
pub(crate) use facts::{agent, client_name, facts};
pub(crate) use program::Program;
pub(crate) use registries::{REGISTRIES_AT_MOST, registries_of, unknown_in_files};
pub(crate) use shell_command::UnreadableCommand;

/// How many programs may be between us and the client: wrapper scripts, `sudo`, `env`.
const WRAPPERS_AT_MOST: usize = 6;
/// Plugins and re-executions make chains of three. This only ends an endless one.
const PROGRAMS_AT_MOST: usize = 16;

/// The process that asks for `registry`. It is read only as far as the rules need.
pub(crate) struct Caller<'r> {
    registry: &'r Registry,
    ancestry: Ancestry,
    /// The nearest client, once it was looked up.
    client: OnceCell<Rc<Program>>,
}

impl<'r> Caller<'r> {
    pub(crate) fn new(registry: &'r Registry) -> Self {
        Self { registry, ancestry: Ancestry::ours(), client: OnceCell::new() }
    }

    /// The client and its verb, such as `docker push`, if a rule looked it up.
    pub(crate) fn client(&self) -> Option<String> {
        facts::described_call(self.client.get()?)
    }

    fn set_client(&self, program: &Rc<Program>) {
        if let ProgramRole::Client(_) = program.role() {
            self.client.get_or_init(|| Rc::clone(program));
        }
    }
}

impl CallerContext for Caller<'_> {
    /// Reads our ancestors' command lines, no further up than needed. Each costs a few system calls.
    fn command(&self) -> CommandImages {
        command_of(self.ancestry.programs().inspect(|program| self.set_client(program)), self.registry)
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
        if let Some(client) = nearest_client(self.ancestry.programs()) {
            self.set_client(&client); // the journal must name who gets the secret
        }
        facts(rule)
    }
}

/// Returns the images of `registry` on the nearest command line that names any (parent first), each once. The operation
/// is that of the nearest command line that tells it.
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

/// The calling client, with only wrappers between it and us.
fn nearest_client<P: Borrow<Program>>(programs: impl IntoIterator<Item = P>) -> Option<P> {
    let mut programs = programs.into_iter().take(WRAPPERS_AT_MOST + 1);
    programs
        .find(|program| !matches!(program.borrow().role(), ProgramRole::Wrapper))
        .filter(|program| matches!(program.borrow().role(), ProgramRole::Client(_)))
}

/// Returns the images of `registry` in the files of the nearest program that works on any.
pub(crate) fn images_in_files_of<P: Borrow<Program>>(
    programs: impl IntoIterator<Item = P>,
    registry: &Registry,
) -> FileImages {
    let mentions = |client: &Grammar, program: &Program| {
        let task = client.task(&program.args)?;
        let folder = program.folder()?;
        let mentions = files::images(&task, &folder, &ProjectVariables::new(program), registry);
        (!mentions.is_empty()).then_some(mentions)
    };
    nearest(programs, mentions, |_| None).unwrap_or_default()
}

/// Returns the images of `registry` that a build of the project in our folder pulls or pushes, and the unknown parts.
pub(crate) fn images_in_project(registry: &Registry) -> FileImages {
    let mut all = FileImages::default();
    for command in ["docker build .", "docker buildx bake '*'", "docker compose build"] {
        let Ok(program) = command_line(command) else { continue };
        let ProgramRole::Client(client) = program.role() else { continue };
        let (Some(task), Some(folder)) = (client.task(&program.args), program.folder()) else { continue };
        let FileImages { images, unknown } =
            files::all_images(&task, &folder, &ProjectVariables::new(&program), registry);
        all.images.extend(images);
        all.unknown.extend(unknown);
    }
    all
}

/// Returns the operation at `registry` in the files of the nearest program that builds from any.
pub(crate) fn operation_in_files_of<P: Borrow<Program>>(
    programs: impl IntoIterator<Item = P>,
    registry: &Registry,
) -> Option<Operation> {
    let operation = |client: &Grammar, program: &Program| {
        let task = client.task(&program.args)?;
        files::operation(&task, &program.folder()?, &ProjectVariables::new(program), registry)
    };
    nearest(programs, operation, |_| None)
}

/// Returns the user name of the running `login` to `registry`.
pub(crate) fn login_user(registry: &Registry) -> Option<String> {
    login_username(Ancestry::ours().programs(), registry)
}

/// Returns the user name of the nearest login to `registry`. For an identity token `docker login` sends only `<token>`.
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

/// Reads the text after `which --as`: a whole shell command, with any wrappers.
pub(crate) fn command_line(text: &str) -> Result<Program, UnreadableCommand> {
    let (variables, words) = shell_command::words(text)?;
    Ok(Program::typed(words, variables))
}

/// Climbs to the first answer. Above a client only its plugin's parent or its first process (rootless) counts, because
/// a script may name anything. An unknown program counts only as our direct parent.
fn nearest<T, P: Borrow<Program>>(
    programs: impl IntoIterator<Item = P>,
    ask_client: impl Fn(&Grammar, &Program) -> Option<T>,
    ask_unknown: impl Fn(&[String]) -> Option<T>,
) -> Option<T> {
    let mut met_client = false;
    for (distance, program) in programs.into_iter().take(PROGRAMS_AT_MOST).enumerate() {
        let program = program.borrow();
        match program.role() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::{self, files::Access};
    use proptest::prelude::*;

    fn programs(argvs: &[&str]) -> Vec<Program> {
        argvs.iter().map(|argv| Program::new(None, argv.split(' ').map(str::to_owned).collect())).collect()
    }

    #[test]
    fn the_user_of_a_login_is_the_one_of_that_registry() {
        for (argvs, registry, user) in [
            (&["docker login -u alice -p pw localhost:15000"][..], "localhost:15000", Some("alice")),
            (&["docker login --username=alice --password-stdin https://ghcr.io/"], "ghcr.io", Some("alice")),
            (&["docker login -ualice ghcr.io/alice"], "ghcr.io", Some("alice")),
            (&["docker login -u alice ghcr.io"], "quay.io", None),
            (&["docker login -u alice"], "docker.io", Some("alice")),
            (&["docker login -u alice"], "ghcr.io", None),
            (&["docker --config d login ghcr.io"], "ghcr.io", None),
            (&["docker push -u alice ghcr.io"], "ghcr.io", None),
            (&["podman login -u bob quay.io", "podman login -u bob quay.io"], "quay.io", Some("bob")),
            (&["podman login -u bob"], "quay.io", Some("bob")),
            (&["buildah login -u bob quay.io"], "quay.io", Some("bob")),
            (&["skopeo login --username bob quay.io"], "quay.io", Some("bob")),
            (&["nerdctl login -u bob"], "docker.io", Some("bob")),
            (&["oras login -u bob ghcr.io"], "ghcr.io", Some("bob")),
            (&["helm registry login ghcr.io -u bob -p pw"], "ghcr.io", Some("bob")),
            (&["crane auth login ghcr.io -u bob -p pw"], "ghcr.io", Some("bob")),
            (&["regctl registry login ghcr.io -u bob"], "ghcr.io", Some("bob")),
            (&["sh -c x", "sudo docker login -u bob ghcr.io", "docker login -u bob ghcr.io"], "ghcr.io", Some("bob")),
            (&["mytool login -u bob ghcr.io"], "ghcr.io", None),
        ] {
            let found = login_username(programs(argvs), &registry.parse().unwrap());
            assert_eq!(found.as_deref(), user, "{argvs:?}");
        }
    }

    #[test]
    fn the_nearest_client_stands_behind_wrappers_only() {
        for (argvs, expected) in [
            (&["docker-buildx buildx build .", "docker build ."][..], Some("docker-buildx")),
            (&["sh -c x", "sudo docker pull a", "docker pull a", "make"], Some("docker")),
            (&["mytool", "docker pull a"], None),
            (&["code", "docker pull a"], None),
            (&[], None),
        ] {
            let name = nearest_client(programs(argvs)).map(|program| program.name);
            assert_eq!(name.as_deref(), expected, "{argvs:?}");
        }
    }

    #[test]
    fn six_wrappers_are_passed_over() {
        for (wrappers, is_met) in [(6, true), (7, false)] {
            let argvs: Vec<&str> = [vec!["sh -c x"; wrappers], vec!["docker pull ghcr.io/acme/app"]].concat();
            assert_eq!(nearest_client(programs(&argvs)).is_some(), is_met);
            let command = command_of(programs(&argvs), &"ghcr.io".parse().unwrap());
            assert_eq!(!command.images.is_empty(), is_met);
        }
    }

    #[test]
    fn a_client_is_described_by_its_own_name() {
        for (argv, expected) in [
            ("docker push ghcr.io/a/b", "docker push"),
            ("docker --context c buildx build .", "docker buildx build"),
            ("docker-buildx buildx build .", "docker buildx build"),
            ("docker-compose up", "docker compose up"),
            ("docker image pull a", "docker image pull"),
            ("docker", "docker"),
            ("com.docker.cli pull a", "docker pull"),
            ("nerdctl pull a", "nerdctl pull"),
            ("nerdctl compose up", "nerdctl compose up"),
            ("finch pull a", "finch pull"),
            ("finch compose up", "finch compose up"),
            ("crane ls a", "crane ls"),
            ("gcrane ls a", "gcrane ls"),
            ("podman-remote push a", "podman push"),
        ] {
            let described = facts::described_call(&programs(&[argv])[0]);
            assert_eq!(described.as_deref(), Some(expected), "{argv}");
        }
    }

    #[test]
    fn a_typed_command_names_its_images() {
        let registry = "ghcr.io".parse().unwrap();
        let typed = |text: &str| -> String {
            command_of(command_line(text).ok(), &registry).images.iter().map(ToString::to_string).collect()
        };
        assert_eq!(typed("A=1 sudo /usr/bin/docker push 'ghcr.io/acme/app:1'"), "ghcr.io/acme/app:1");
        assert_eq!(typed("mytool --image=ghcr.io/acme/app"), "ghcr.io/acme/app");
        assert_eq!(typed("docker push 'ghcr.io/acme/app"), "");
        for (text, expected) in [
            ("KO_DOCKER_REPO=ghcr.io/acme ko build ./cmd/app", "ghcr.io/acme"),
            ("KO_DOCKER_REPO=ghcr.io/acme/app ko apply --bare -f k8s/", "ghcr.io/acme/app"),
            ("KO_DOCKER_REPO=quay.io/acme ko build ./cmd/app", ""),
            ("docker --context c scout cves --only-severity high ghcr.io/acme/app", "ghcr.io/acme/app"),
            ("docker tag ghcr.io/acme/app ghcr.io/other/app", ""),
        ] {
            assert_eq!(typed(text), expected, "{text}");
        }
        assert!(command_line(" ").is_ok_and(|program| program.name.is_empty()));
    }

    #[test]
    fn a_typed_command_works_on_its_files() {
        let (folder, registry) = (tempfile::tempdir().unwrap(), "ghcr.io".parse().unwrap());
        let folder = folder.path();
        for (name, text) in [
            ("Dockerfile", "FROM ghcr.io/acme/base"),
            ("compose.yaml", "services: {app: {image: ghcr.io/acme/app, build: .}}"),
        ] {
            system::files::replace(&folder.join(name), text.as_bytes(), Access::Private).unwrap();
        }
        for (command, images, operation) in [
            ("docker build ''", "ghcr.io/acme/base", None),
            ("docker compose --project-directory '' build", "ghcr.io/acme/base", Some(Operation::Pull)),
            ("docker compose --project-directory '' build --push", "ghcr.io/acme/app", Some(Operation::Push)),
            ("docker pull ''", "", None),
        ] {
            let typed = || command_line(&command.replace("''", &format!("'{}'", folder.display()))).ok();
            let found = images_in_files_of(typed(), &registry).images;
            let found: Vec<_> = found.iter().map(|found| found.image.to_string()).collect();
            assert_eq!(
                (found.join(" ").as_str(), operation_in_files_of(typed(), &registry)),
                (images, operation),
                "{command}"
            );
        }
    }

    #[test]
    fn nothing_is_read_beyond_the_first_answer() {
        let mut programs = programs(&["docker push ghcr.io/acme/app", "docker push ghcr.io/other/app"]).into_iter();
        command_of(&mut programs, &"ghcr.io".parse().unwrap());
        assert_eq!(programs.len(), 1);
    }

    #[test]
    fn two_megabytes_of_arguments_take_no_time() {
        let registry = "ghcr.io".parse().unwrap();
        for (client, word) in [
            ("docker run", "-e"),
            ("docker run", "-abcd"),
            ("docker pull", "ghcr.io/a/b"),
            ("docker buildx build", "-t=ghcr.io/a/b"),
            ("skopeo copy", "docker://ghcr.io/a/b"),
            ("mytool", "ghcr.io/a/b,ghcr.io/"),
            ("helm", "x"),
        ] {
            for words in [vec![word.to_owned(); 100_000], vec![word.repeat(100_000)]] {
                let mut argv: Vec<String> = client.split(' ').map(str::to_owned).collect();
                argv.extend(words);
                let start = std::time::Instant::now();
                assert!(command_of([Program::new(None, argv)], &registry).images.len() <= 2);
                assert!(start.elapsed().as_secs() < 5, "{client} {word}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_command_line_makes_the_parser_panic(
            client in prop::sample::select(clients::names().collect::<Vec<_>>()),
            words in prop::collection::vec(
                "push|run|build|copy|image|buildx|sync|login|-[tou]|--set|--cache-to|--src|--|docker://.*|.*=.*|\\PC*",
                0..8,
            ),
            registry in "ghcr\\.io|docker\\.io|\\PC{0,8}",
        ) {
            let argv: Vec<String> = std::iter::once(client.to_owned()).chain(words).collect();
            let registry = Registry::from_key(&registry);
            for program in [Program::new(None, argv.clone()), Program::new(None, argv[1..].to_vec())] {
                command_of([&program], &registry);
                login_username([&program], &registry);
            }
            let _ = command_line(&argv.join(" "));
        }
    }
}
