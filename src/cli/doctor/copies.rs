//! Finds other copies of the program and links to the program, on PATH and among Docker's plugins. A copy of another
//! version behaves differently, and a broken link does not work at all.

use std::path::{Path, PathBuf};

use super::diagnosis::{Check, Diagnosis};
use super::remedy::Remedy;
use crate::cli::CommandContext;
use crate::docker::configured_helper::PROGRAM;
use crate::docker::hooks;
use crate::release::Version;
use crate::system::text::{one_line, quote_path};
use crate::system::{env, files, is_same_program, is_this_program, version_text};

/// A file that has one of the program's names, but is not the program on PATH.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OtherCopy {
    path: PathBuf,
    version: CopyVersion,
    /// Whether the file is a link in a folder that the user may write. `--fix` can replace such a link.
    is_own_link: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum CopyVersion {
    /// The file is a link to a missing file.
    Nowhere,
    Known(String),
    /// The output of the command `version` does not have Ensign's format.
    Unknown,
}

const PLUGIN: &str = "docker-ensign";
const SHORT: &str = "ensign";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The maximum number of copies to check.
const MOST: usize = 16;

/// Reports each copy of the program that is a broken link, or that does not have the version of the copy at `on_path`.
/// Docker starts the copy at `on_path`.
pub(super) fn examine(context: &CommandContext<'_>, on_path: &Path) -> Vec<Diagnosis> {
    let Some(reference) = env::canonical(on_path) else { return vec![] };
    let version = if is_this_program(&reference) { Some(VERSION.to_owned()) } else { version_of(&reference) };
    version.map_or_else(Vec::new, |version| judge(&gather(context, &reference), &reference, &version))
}

/// Asks a program for its version. Returns `None` if the output does not have Ensign's format.
pub(super) fn version_of(program: &Path) -> Option<String> {
    let text = version_text(program)?;
    let version = text.strip_prefix(PROGRAM)?.strip_prefix(" (ensign) ")?.trim();
    Some(one_line(version, 40))
}

fn judge(copies: &[OtherCopy], reference: &Path, version: &str) -> Vec<Diagnosis> {
    let number = |text: &str| text.parse::<Version>().ok();
    let mut found = Vec::new();
    for OtherCopy { path, version: copy_version, is_own_link } in copies {
        let shown = path.display();
        let what = match copy_version {
            CopyVersion::Known(same) if same == version => continue,
            CopyVersion::Known(other) => format!("`{shown}` is version {other}, but the program on PATH is {version}"),
            CopyVersion::Unknown => {
                format!("`{shown}` has Ensign's name, but does not answer `version` as Ensign does")
            }
            CopyVersion::Nowhere => format!("`{shown}` is a link to a missing file"),
        };
        let is_newer = matches!(copy_version, CopyVersion::Known(other) if number(other) > number(version));
        let remedy = match is_own_link {
            _ if is_newer => Remedy::Command(format!("{} doctor", quote_path(path))),
            true => Remedy::Relink { program: reference.to_owned(), link: path.clone() },
            false => Remedy::Command(replace_command(reference, path)),
        };
        found.push(Diagnosis::note(Check::OtherVersion, what, breaks(path), remedy));
    }
    found
}

fn breaks(path: &Path) -> &'static str {
    if is_called(path, PLUGIN) {
        "`docker ensign`, and the hints after a failed pull or push"
    } else {
        "programs that start Ensign by this path, or with another PATH"
    }
}

/// Returns the command that replaces the program on PATH with the running program, or `None` if both are the same.
pub(super) fn replace_other(on_path: &Path) -> Option<String> {
    let own = env::program().filter(|_| !is_this_program(on_path))?;
    Some(replace_command(&own, on_path))
}

pub(super) fn replace_command(program: &Path, path: &Path) -> String {
    let [program, path] = [program, path].map(quote_path);
    if cfg!(windows) { format!("Copy-Item -Force {program} {path}") } else { format!("ln -sfn {program} {path}") }
}

fn gather(context: &CommandContext<'_>, reference: &Path) -> Vec<OtherCopy> {
    let mut seen = vec![reference.to_owned()];
    let mut copies = Vec::new();
    for path in candidates(context) {
        let is_link = path.is_symlink();
        let version = match path.canonicalize() {
            Err(_) if is_link => CopyVersion::Nowhere,
            Err(_) => continue,
            Ok(target) if seen.contains(&target) || is_same_program(&target, reference) => continue,
            // An unrelated program may also be called `ensign`, and such a program must not be started.
            Ok(target) if is_called(&path, SHORT) && !is_called(&target, PROGRAM) => continue,
            Ok(target) => {
                let version = version_of(&target).map_or(CopyVersion::Unknown, CopyVersion::Known);
                seen.push(target);
                version
            }
        };
        let may_write = path.parent().is_some_and(files::may_write);
        copies.push(OtherCopy { is_own_link: is_link && may_write, path, version });
    }
    copies
}

/// Returns all existing files with one of the program's names, on PATH and in Docker's plugin folders.
fn candidates(context: &CommandContext<'_>) -> Vec<PathBuf> {
    let path = env::variable("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    let on_path = folders.iter().flat_map(|folder| [PROGRAM, SHORT, PLUGIN].map(|name| folder.join(file_name(name))));
    let plugins = context.env.docker_config_dir().map(|folder| hooks::plugin_folders(&folder)).unwrap_or_default();
    let mut all: Vec<PathBuf> =
        on_path.chain(plugins.into_iter().map(|folder| folder.join(file_name(PLUGIN)))).collect();
    all.dedup();
    all.retain(|path| path.symlink_metadata().is_ok());
    all.truncate(MOST);
    all
}

fn file_name(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

fn is_called(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|file| *file == *file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_another_version_is_named_with_what_mends_it() {
        let known = |version: &str| CopyVersion::Known(version.to_owned());
        for (version, is_own_link, expected) in [
            (known("0.2.0"), true, None),
            (known("0.1.9"), true, Some("ln -sfn /bin/p /d/docker-ensign")),
            (known("0.1.9"), false, Some("ln -sfn /bin/p /d/docker-ensign")),
            (known("0.2.0-rc.1"), true, Some("ln -sfn /bin/p /d/docker-ensign")),
            (known("nonsense"), true, Some("ln -sfn /bin/p /d/docker-ensign")),
            (known("0.10.0"), true, Some("/d/docker-ensign doctor")),
            (CopyVersion::Unknown, false, Some("ln -sfn /bin/p /d/docker-ensign")),
            (CopyVersion::Nowhere, true, Some("ln -sfn /bin/p /d/docker-ensign")),
        ] {
            let is_fixed = is_own_link && version != known("0.10.0");
            let copy = OtherCopy { path: "/d/docker-ensign".into(), version, is_own_link };
            let found = judge(std::slice::from_ref(&copy), Path::new("/bin/p"), "0.2.0");
            let commands: Vec<_> = found.iter().map(|diagnosis| diagnosis.command("e")).collect();
            if !cfg!(windows) {
                assert_eq!(commands, Vec::from_iter(expected.map(str::to_owned)), "{copy:?}");
            }
            assert!(found.iter().all(|diagnosis| diagnosis.remedy.is_ours() == is_fixed), "{copy:?}");
        }
    }
}
