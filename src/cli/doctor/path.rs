//! Checks whether this shell, the desktop's session and `sudo` find the program, and whether Docker is a snap.

use std::path::{Path, PathBuf};

use super::diagnosis::{Check, Diagnosis};
use super::remedy::Remedy;
use super::{Section, Survey, copies};
use crate::cli::{CommandContext, update};
use crate::docker::configured_helper::{self, PROGRAM};
use crate::docker::pins::own_folder;
use crate::release::Version;
use crate::system::text::quote_path;
use crate::system::{env, find_program, find_program_on, is_this_program, session};

#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each bool is a separate fact")]
struct PathFacts {
    /// The file of the running program.
    program: PathBuf,
    on_path: Option<PathBuf>,
    /// Whether the program on PATH is the running program.
    is_same: bool,
    /// The version of the program on PATH, if the running program is another file.
    other_version: Option<String>,
    /// A release that is newer than this program, and the command that installs the release.
    newer: Option<(Version, String)>,
    /// A folder on PATH in which the user can create a link.
    own_folder: Option<PathBuf>,
    /// Whether the desktop's session finds the program. `None` without a session.
    session_finds: Option<bool>,
    /// The file in which `--fix` can extend the session's PATH.
    session_file: Option<PathBuf>,
    /// Whether `sudo` finds the program. The value is `None` without `sudo`, or if `sudo` uses the user's PATH.
    sudo_finds: Option<bool>,
    needs_sudo: bool,
    runs_by_sudo: bool,
    /// Whether Docker is a snap, and some registries have no login in the snap's config.
    is_snap: bool,
}

pub(super) fn examine(context: &CommandContext<'_>, survey: &Survey) -> Section {
    let facts = PathFacts::gather(context, survey);
    let shown = facts.on_path.as_ref().and_then(|path| path.parent()).map(|folder| context.env.shorten_home(folder));
    let in_sudo = if facts.sudo_finds == Some(false) { "; `sudo` does not find it" } else { "" };
    let summary =
        format!("Ensign {} in {}{in_sudo}", env!("CARGO_PKG_VERSION"), shown.as_deref().unwrap_or("no folder of PATH"));
    let mut found = judge(&facts, context.program);
    found.extend(facts.on_path.iter().flat_map(|program| copies::examine(context, program)));
    Section::new("path", summary, found)
}

fn judge(facts: &PathFacts, program: &str) -> Vec<Diagnosis> {
    let found = [
        program_path(facts),
        newer_release(facts),
        session_path(facts),
        sudo_path(facts),
        sudo_home(facts, program),
        docker_snap(facts, program),
    ];
    found.into_iter().flatten().collect()
}

fn program_path(facts: &PathFacts) -> Option<Diagnosis> {
    let Some(on_path) = &facts.on_path else {
        let remedy = match &facts.own_folder {
            Some(folder) => Remedy::Link { program: facts.program.clone(), folder: folder.clone() },
            None => Remedy::Command(format!("export PATH=\"$PATH:{}\"", folder_of(&facts.program).display())),
        };
        return Some(Diagnosis::broken(
            Check::ProgramPath,
            format!("`{PROGRAM}` is not in any absolute folder of PATH"),
            "Docker and Podman cannot start Ensign, so every pull and push goes out without a login",
            remedy,
        ));
    };
    if facts.is_same {
        return None;
    }
    let breaks = match &facts.other_version {
        Some(version) => {
            format!(
                "Docker starts the program on PATH, which is version {version}; this is version {}",
                env!("CARGO_PKG_VERSION")
            )
        }
        None => "Docker starts the program on PATH, which may be another version".to_owned(),
    };
    Some(Diagnosis::note(
        Check::ProgramCopy,
        format!("the program on PATH is `{}`, but this program is `{}`", on_path.display(), facts.program.display()),
        breaks,
        Remedy::Command(copies::replace_command(&facts.program, on_path)),
    ))
}

fn newer_release(facts: &PathFacts) -> Option<Diagnosis> {
    let (version, command) = facts.newer.as_ref()?;
    let ours = env!("CARGO_PKG_VERSION");
    Some(Diagnosis::note(
        Check::NewerRelease,
        format!("Ensign {version} is released, but this is {ours}"),
        "this program lacks the fixes of later releases",
        Remedy::Command(command.clone()),
    ))
}

fn session_path(facts: &PathFacts) -> Option<Diagnosis> {
    let folder = folder_of(facts.on_path.as_ref().filter(|_| facts.session_finds == Some(false))?);
    let remedy = match &facts.session_file {
        Some(file) => Remedy::SessionPath { file: file.clone(), folder },
        None => Remedy::Command(format!("sudo launchctl config user path \"$PATH:{}\"", folder.display())),
    };
    Some(Diagnosis::note(
        Check::SessionPath,
        format!("the desktop's session has another PATH and does not find `{PROGRAM}`"),
        "Docker started from an editor or another program of the desktop",
        remedy,
    ))
}

fn sudo_path(facts: &PathFacts) -> Option<Diagnosis> {
    if !facts.needs_sudo || facts.sudo_finds != Some(false) {
        return None;
    }
    let own = quote_path(&facts.program);
    Some(Diagnosis::note(
        Check::SudoPath,
        format!("only root may use Docker's socket here, and `sudo` does not find `{PROGRAM}`"),
        "`sudo docker pull` and `push` use no account",
        Remedy::Command(format!("sudo ln -s {own} /usr/local/bin/{PROGRAM}")),
    ))
}

fn sudo_home(facts: &PathFacts, program: &str) -> Option<Diagnosis> {
    let (found, breaks, command) = if facts.runs_by_sudo {
        (
            "this command runs under `sudo`, so it checks root's accounts and root's Docker config",
            "accounts that were added without `sudo` do not answer `sudo docker`",
            format!("{program} doctor   (without `sudo`)"),
        )
    } else if facts.needs_sudo {
        (
            "only root may use Docker's socket here, and `sudo docker` uses root's accounts",
            "your accounts do not answer `sudo docker pull` and `push`",
            format!("sudo {program} login HOST && sudo {program} configure-docker"),
        )
    } else {
        return None;
    };
    Some(Diagnosis::note(Check::SudoHome, found, breaks, Remedy::Command(command)))
}

fn docker_snap(facts: &PathFacts, program: &str) -> Option<Diagnosis> {
    facts.is_snap.then(|| {
        Diagnosis::broken(
            Check::DockerSnap,
            "`docker` is a snap, which starts no program outside its folders",
            "Docker asks no credential helper at all",
            Remedy::Command(configured_helper::snap_command(program)),
        )
    })
}

fn folder_of(program: &Path) -> PathBuf {
    program.parent().unwrap_or(program).to_owned()
}

impl PathFacts {
    fn gather(context: &CommandContext<'_>, survey: &Survey) -> Self {
        let program = env::program().unwrap_or_default();
        let on_path = find_program(PROGRAM);
        let finds = |path: Option<std::ffi::OsString>| Some(find_program_on(&path?, PROGRAM).is_some());
        let session_file = context.env.xdg_config_dir().filter(|_| cfg!(target_os = "linux"));
        let is_same = on_path.as_deref().is_some_and(is_this_program);
        Self {
            is_same,
            other_version: on_path.as_ref().filter(|_| !is_same).and_then(|path| copies::version_of(path)),
            newer: update::known_newer(context),
            program,
            on_path,
            own_folder: own_folder(context.env),
            session_finds: finds(session::session_path()),
            session_file: session_file.map(|folder| folder.join("environment.d").join("60-ensign.conf")),
            sudo_finds: find_program("sudo").and_then(|_| finds(session::sudo_path())),
            needs_sudo: configured_helper::docker_needs_sudo(context.env),
            runs_by_sudo: env::present("SUDO_UID").is_some(),
            is_snap: configured_helper::docker_is_a_snap()
                && !configured_helper::snap_has_logins(
                    context.env,
                    survey.hosts().map(|entry| entry.registry.docker_key()),
                ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_that_does_not_find_the_program_is_named() {
        let healthy = || PathFacts {
            program: "/home/me/.local/bin/p".into(),
            on_path: Some("/home/me/.local/bin/p".into()),
            is_same: true,
            session_finds: Some(true),
            session_file: Some("/home/me/.config/environment.d/60-ensign.conf".into()),
            sudo_finds: Some(true),
            ..PathFacts::default()
        };
        let names = |facts: PathFacts| {
            judge(&facts, "ensign").iter().map(|diagnosis| diagnosis.check.name()).collect::<Vec<_>>()
        };
        for (facts, expected) in [
            (healthy(), &[][..]),
            (PathFacts { on_path: None, is_same: false, ..healthy() }, &["program-path"]),
            (PathFacts { is_same: false, ..healthy() }, &["program-copy"]),
            (PathFacts { newer: Some((Version::ours(), "ensign update".to_owned())), ..healthy() }, &["newer-release"]),
            (PathFacts { session_finds: Some(false), ..healthy() }, &["session-path"]),
            (PathFacts { session_finds: None, sudo_finds: None, ..healthy() }, &[]),
            (PathFacts { sudo_finds: Some(false), ..healthy() }, &[]),
            (PathFacts { sudo_finds: Some(false), needs_sudo: true, ..healthy() }, &["sudo-path", "sudo-home"]),
            (PathFacts { runs_by_sudo: true, ..healthy() }, &["sudo-home"]),
            (PathFacts { is_snap: true, ..healthy() }, &["docker-snap"]),
        ] {
            assert_eq!(names(facts.clone()), expected, "{facts:?}");
        }
        let none = PathFacts { on_path: None, own_folder: Some("/home/me/bin".into()), ..healthy() };
        assert_eq!(judge(&none, "ensign")[0].command("ensign"), "ln -s /home/me/.local/bin/p /home/me/bin/");
    }
}
