//! Checks whether the files of Ensign, Docker and the container tools can be read, and have the right owner and
//! permissions. Also finds the leftovers of interrupted changes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::diagnosis::{Check, Diagnosis};
use super::remedy::Remedy;
use super::{Section, Survey, count};
use crate::accounts::{Holder, Leftovers};
use crate::cli::failure::Failure;
use crate::cli::{CommandContext, buildx};
use crate::docker::containers::{self, RegistriesConf};
use crate::docker::pins::Pins;
use crate::docker::{ConfigJson, configured_helper};
use crate::model::{AccountName, Problem, StoreKind};
use crate::system::files::{self, FolderFault, OwnershipFault, Privacy};
use crate::system::text::{one_line, option, quote, quote_path};

#[derive(Debug, Default)]
struct FileFacts {
    /// The reason why Ensign's config cannot be used, and whether `restore` can repair the config.
    damage: Option<(Problem, bool)>,
    /// The reasons why secrets cannot be read, and whether `restore` can move the file aside.
    damaged_secrets: Vec<(Problem, bool)>,
    /// The files of Docker and the container tools that cannot be read.
    unreadable: Vec<Problem>,
    owners: Vec<(PathBuf, Privacy, OwnershipFault)>,
    /// The reasons why Ensign cannot write its files, each with the remedy.
    read_only: Vec<(String, Remedy)>,
    /// The leftovers of interrupted changes, except the secrets that the next change removes.
    leftovers: Leftovers,
    /// The number of secrets that have no account. The next change of the accounts removes these secrets.
    swept: usize,
    /// The number of config folders for buildx that are not needed, or whose pinned helper is wrong or missing.
    stale_folders: usize,
    stale_pins: Vec<AccountName>,
    /// Whether a change of the data key was interrupted.
    is_key_changing: bool,
    looked_at: usize,
}

pub(super) fn examine(context: &CommandContext<'_>, survey: &Survey) -> Section {
    let facts = FileFacts::gather(context, survey);
    let summary = format!("{}, readable by you only, nothing left over", count(facts.looked_at, "file"));
    Section::new("files", summary, judge(&facts, context.program))
}

fn judge(facts: &FileFacts, program: &str) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    if let Some((Problem { message: what, hint: cure }, can_restore)) = &facts.damage {
        let remedy = if *can_restore { Remedy::Restore } else { Remedy::in_hint(cure) };
        found.push(Diagnosis::broken(Check::ConfigDamaged, what, "no account can be found", remedy));
    }
    for (Problem { message: what, hint: cure }, can_restore) in &facts.damaged_secrets {
        let remedy = if *can_restore { Remedy::Restore } else { Remedy::in_hint(cure) };
        let breaks = "the accounts in this file may have no secrets, and no secret can be saved";
        found.push(Diagnosis::broken(Check::SecretsDamaged, what, breaks, remedy));
    }
    for Problem { message: what, hint: cure } in &facts.unreadable {
        let breaks = "the programs that read this file fail or use no login, and Ensign does not change the file";
        found.push(Diagnosis::broken(Check::ClientFile, what, breaks, Remedy::in_hint(cure)));
    }
    found.extend(facts.owners.iter().map(|(path, privacy, fault)| ownership(path, *privacy, fault)));
    for (what, remedy) in &facts.read_only {
        found.push(Diagnosis::note(
            Check::ReadOnly,
            what,
            "logins work, but cannot be added, renewed or changed",
            remedy.clone(),
        ));
    }
    found.extend(leftovers(&facts.leftovers, facts.swept, program));
    if facts.is_key_changing {
        found.push(Diagnosis::note(
            Check::LeftOvers,
            "a change of the data key was interrupted",
            "nothing; the old key still opens some files",
            Remedy::FinishKeyChange,
        ));
    }
    if facts.stale_folders > 0 {
        found.push(Diagnosis::broken(
            Check::BuildxFolder,
            format!("{} of buildx with a wrong or missing pinned helper", count(facts.stale_folders, "folder")),
            "builds that pull or push these repositories use the wrong account, or none",
            Remedy::SyncBuildx,
        ));
    }
    found.extend(facts.stale_pins.iter().map(|alias| {
        Diagnosis::note(
            Check::StalePin,
            format!("the program `{}-{alias}` is pinned to an account that does not exist", configured_helper::PROGRAM),
            "tools that use this program get no login",
            Remedy::Unpin(alias.clone()),
        )
    }));
    found
}

fn ownership(path: &Path, privacy: Privacy, fault: &OwnershipFault) -> Diagnosis {
    let mode = match fault {
        OwnershipFault::Owner(Problem { message: what, hint: cure }) => {
            let breaks = "Ensign does not read or change this file";
            return Diagnosis::broken(Check::FileOwner, what, breaks, Remedy::in_hint(cure));
        }
        OwnershipFault::Mode(mode) => mode,
    };
    let (deed, breaks) = if mode & 0o022 != 0 && path.is_dir() {
        ("write", "other users can remove or replace the files in this folder")
    } else if mode & 0o022 != 0 {
        ("write", "anyone who can write the file can change the logins, so Ensign reads no such config or secrets")
    } else {
        ("read", "other users of this machine can read the secrets in the file")
    };
    let what = format!("others may {deed} `{}` (mode {mode:o})", path.display());
    Diagnosis::broken(Check::FileMode, what, breaks, Remedy::CloseFile { path: path.to_owned(), privacy })
}

/// Reports the leftovers. The next change of the accounts removes the unfinished files, and also the secrets that
/// `swept` counts. The user must remove other leftover secrets, because these secrets may belong to another config.
fn leftovers(leftovers: &Leftovers, swept: usize, program: &str) -> Vec<Diagnosis> {
    let is_unfinished = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "new");
    let (unfinished, damaged): (Vec<_>, Vec<_>) = leftovers.files.iter().partition(is_unfinished);
    let breaks = "nothing; left-overs may contain secrets";
    let mut found = Vec::new();
    if unfinished.len() + swept > 0 {
        let what = format!("{} of an interrupted change", count(unfinished.len() + swept, "left-over"));
        found.push(Diagnosis::note(Check::LeftOvers, what, breaks, Remedy::Sweep));
    }
    if let Some(first) = damaged.first() {
        let what = format!("{} moved aside by `restore`", count(damaged.len(), "damaged file"));
        let remedy = Remedy::Command(format!("rm {}", quote_path(first)));
        found.push(Diagnosis::note(Check::LeftOvers, what, breaks, remedy));
    }
    if let Some((_, registry, name)) = leftovers.secrets.first() {
        let what = format!("{} without an account", count(leftovers.secrets.len(), "secret"));
        let remedy =
            Remedy::Command(format!("{program} logout {} {}", quote(registry.as_str()), option("--left-over", name)));
        found.push(Diagnosis::note(Check::LeftOvers, what, breaks, remedy));
    }
    found
}

impl FileFacts {
    fn gather(context: &CommandContext<'_>, survey: &Survey) -> Self {
        let files = files_of(context, survey);
        // A link or a folder in the place of a secrets file is reported as such, because no mode makes it readable.
        let is_judged = |path: &Path, privacy| privacy == Privacy::Open || path.is_file() && !path.is_symlink();
        let owners = files
            .iter()
            .filter(|(path, privacy)| is_judged(path, *privacy))
            .filter_map(|(path, privacy)| Some((path.clone(), *privacy, files::ownership_fault(path, *privacy)?)));
        let owners: Vec<_> = owners.collect();
        let is_named = |path: &PathBuf| owners.iter().any(|(other, ..)| other == path);
        let mut leftovers = context.accounts.leftovers().unwrap_or_default();
        let all = leftovers.secrets.len();
        leftovers.secrets.retain(|secret| !context.accounts.is_swept(secret));
        Self {
            damage: damage(context, survey)
                .filter(|_| !context.accounts.config_file().is_some_and(|path| is_named(&path))),
            damaged_secrets: damaged_secrets(context, survey, is_named),
            unreadable: unreadable(context, survey, is_named),
            read_only: read_only(context),
            swept: all - leftovers.secrets.len(),
            leftovers,
            stale_folders: if survey.damage.is_none() { buildx::stale(context, &survey.registries) } else { 0 },
            stale_pins: stale_pins(context, survey),
            is_key_changing: context.accounts.is_key_changing(),
            looked_at: files.iter().filter(|(path, _)| path.is_file()).count(),
            owners,
        }
    }
}

/// Returns why Ensign cannot write its files, each reason with the remedy. Ensign makes a missing folder in the nearest
/// folder above it that exists. If all folders can be written, also checks the lock.
fn read_only(context: &CommandContext<'_>) -> Vec<(String, Remedy)> {
    let folders = context.env.config_dir.iter().chain(&context.env.data_dir).cloned();
    let folders = folders.chain(context.accounts.secret_folders());
    let newer = context.accounts.newer_config().map(|problem| (problem.message, Remedy::in_hint(&problem.hint)));
    let (mut found, mut seen) = (Vec::from_iter(newer), BTreeSet::new());
    for folder in folders {
        let existing = files::nearest_existing(&folder);
        let Some(fault) = files::folder_fault(existing).filter(|_| seen.insert(existing.to_owned())) else { continue };
        let command = match fault {
            FolderFault::Mode => format!("chmod u+rwx {}", quote_path(existing)),
            FolderFault::Other => {
                "export ENSIGN_CONFIG_DIR=FOLDER ENSIGN_DATA_DIR=FOLDER   (FOLDER: a folder that can be written)"
                    .to_owned()
            }
        };
        let deed = if existing == folder { "written" } else { "made" };
        found.push((format!("`{}` cannot be {deed}", folder.display()), Remedy::Command(command)));
    }
    if let Some(Problem { message, hint }) = context.accounts.lock_problem().filter(|_| found.is_empty()) {
        found.push((message, Remedy::in_hint(&hint)));
    }
    found
}

/// Returns the files of Ensign, Docker and the container tools. Each file is returned with the privacy that the file
/// must have.
fn files_of(context: &CommandContext<'_>, survey: &Survey) -> Vec<(PathBuf, Privacy)> {
    let ours = context.env.config_dir.iter().flat_map(|folder| [folder.clone(), folder.join("config.json")]);
    let folders = context.env.data_dir.clone().into_iter().chain(context.accounts.secret_folders());
    let folders = folders.chain(context.env.docker_config_dir());
    let open = survey.client_files.iter().cloned().chain(ours).chain(folders).map(|path| (path, Privacy::Open));
    // A key file that cannot be changed, such as one that is mounted into a container, has the mode of its mount.
    let key = context.accounts.key().state().ok().flatten().and_then(|key| match key.holder {
        Holder::File(path) if files::may_write(&path) => Some(path),
        _ => None,
    });
    let secrets = context.accounts.secret_files().into_iter().chain(key);
    open.chain(secrets.map(|path| (path, Privacy::Secret))).collect()
}

/// Returns why the config cannot be used, and whether `restore` can repair the config. `restore` can repair neither the
/// config of a newer Ensign nor a config that cannot be opened.
fn damage(context: &CommandContext<'_>, survey: &Survey) -> Option<(Problem, bool)> {
    let (what, cure) = Failure::parts_of(survey.damage.as_ref()?);
    let path = context.accounts.config_file()?;
    let cure = cure.unwrap_or_else(|| format!("ls -ld {}", quote_path(&path)));
    Some((Problem::new(what, cure), context.accounts.can_restore()))
}

fn damaged_secrets(
    context: &CommandContext<'_>,
    survey: &Survey,
    is_named: impl Fn(&PathBuf) -> bool,
) -> Vec<(Problem, bool)> {
    let with_files =
        survey.registries.iter().filter(|entry| entry.accounts.iter().any(|account| account.store == StoreKind::File));
    let errors = with_files.filter_map(|entry| context.accounts.file_damage(&entry.registry));
    let problem = |(path, error, is_broken): (PathBuf, anyhow::Error, bool)| {
        let (what, cure) = Failure::parts_of(&error);
        (Problem::new(what, cure.unwrap_or_else(|| format!("ls -ld {}", quote_path(&path)))), is_broken)
    };
    errors.filter(|(path, ..)| !is_named(path)).map(problem).collect()
}

fn unreadable(context: &CommandContext<'_>, survey: &Survey, is_named: impl Fn(&PathBuf) -> bool) -> Vec<Problem> {
    let conf = containers::registries_conf(context.env).filter(|_| survey.has_containers_tools);
    let conf = conf.and_then(|path| RegistriesConf::load(&path).err());
    let paths = survey.client_files.iter().filter(|path| !is_named(path));
    let errors = conf.into_iter().chain(paths.filter_map(|path| ConfigJson::load(path).err()));
    let problem = |error: anyhow::Error| {
        let (what, cure) = Failure::parts_of(&error);
        let path = what.split('`').nth(1).unwrap_or_default().to_owned();
        Problem::new(one_line(&what, 300), cure.unwrap_or_else(|| format!("\"${{EDITOR:-vi}}\" {}", quote(&path))))
    };
    errors.map(problem).collect()
}

/// Returns the pinned helpers whose account does not exist. If the config has no accounts, returns nothing, because the
/// helpers may belong to another config.
fn stale_pins(context: &CommandContext<'_>, survey: &Survey) -> Vec<AccountName> {
    if survey.registries.is_empty() {
        return vec![];
    }
    let is_there = |alias: &AccountName| survey.accounts().any(|account| account.name == *alias);
    let pinned = Pins::find(None, context.env).map(|pins| pins.all()).unwrap_or_default();
    pinned.into_iter().filter(|alias| !is_there(alias)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Registry;

    #[test]
    fn each_fault_of_a_file_has_its_command() {
        let problem = || Problem::new("`f` is wrong", "run `chown me f`, or not");
        let mode = |privacy, mode| vec![(PathBuf::from("/f"), privacy, OwnershipFault::Mode(mode))];
        let secret = || vec![(StoreKind::File, Registry::from_key("a.io"), "old".to_owned())];
        for (facts, expected) in [
            (FileFacts::default(), None),
            (
                FileFacts { damage: Some((problem(), true)), ..Default::default() },
                Some(("config-damaged", "e restore")),
            ),
            (
                FileFacts { damage: Some((problem(), false)), ..Default::default() },
                Some(("config-damaged", "chown me f")),
            ),
            (
                FileFacts { damaged_secrets: vec![(Problem::new("x", "y"), true)], ..Default::default() },
                Some(("secrets-damaged", "e restore")),
            ),
            (
                FileFacts { damaged_secrets: vec![(problem(), false)], ..Default::default() },
                Some(("secrets-damaged", "chown me f")),
            ),
            (FileFacts { unreadable: vec![problem()], ..Default::default() }, Some(("client-file", "chown me f"))),
            (
                FileFacts {
                    owners: vec![("/f".into(), Privacy::Open, OwnershipFault::Owner(problem()))],
                    ..Default::default()
                },
                Some(("file-owner", "chown me f")),
            ),
            (
                FileFacts { owners: mode(Privacy::Open, 0o666), ..Default::default() },
                Some(("file-mode", "chmod go-w /f")),
            ),
            (
                FileFacts { owners: mode(Privacy::Secret, 0o644), ..Default::default() },
                Some(("file-mode", "chmod go-rwx /f")),
            ),
            (
                FileFacts {
                    read_only: vec![("`/d` cannot be written".into(), Remedy::Command("chmod u+rwx /d".into()))],
                    ..Default::default()
                },
                Some(("read-only", "chmod u+rwx /d")),
            ),
            (
                FileFacts { leftovers: Leftovers { secrets: secret(), files: vec![] }, ..Default::default() },
                Some(("left-overs", "e logout a.io --left-over old")),
            ),
            (
                FileFacts {
                    leftovers: Leftovers { secrets: vec![], files: vec!["/a.json.new".into()] },
                    ..Default::default()
                },
                Some(("left-overs", "e doctor --fix left-overs")),
            ),
            (
                FileFacts {
                    leftovers: Leftovers { secrets: vec![], files: vec!["/a.json.damaged".into()] },
                    ..Default::default()
                },
                Some(("left-overs", "rm /a.json.damaged")),
            ),
            (FileFacts { is_key_changing: true, ..Default::default() }, Some(("left-overs", "e store key --rotate"))),
            (FileFacts { stale_folders: 2, ..Default::default() }, Some(("buildx-folder", "e buildx sync"))),
            (
                FileFacts { stale_pins: vec!["old".parse().unwrap()], ..Default::default() },
                Some(("stale-pin", "e pin old --remove")),
            ),
        ] {
            let found = judge(&facts, "e");
            let found: Vec<_> =
                found.iter().map(|diagnosis| (diagnosis.check.name(), diagnosis.command("e"))).collect();
            let expected: Vec<_> = expected.into_iter().map(|(check, command)| (check, command.to_owned())).collect();
            assert_eq!(found, expected, "{facts:?}");
        }
    }
}
