//! `Remedy`: the repair of a fault. The user must run a `Remedy::Command`. `--fix` carries out every other repair.

use std::iter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::copies::replace_command;
use crate::accounts::Holder;
use crate::cli::args::{ConfigureDockerArguments, ImportArguments};
use crate::cli::failure::Failure;
use crate::cli::{CommandContext, buildx, configure_docker, import, key, restore};
use crate::docker::pins::Pins;
use crate::docker::{ConfigJson, configured_helper, setup, until_unchanged};
use crate::model::{AccountName, Registry};
use crate::system::files::{self, Access, Privacy};
use crate::system::text::{backquoted, command, quote, quote_path};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Make Docker and Podman ask Ensign for these registries, even if another helper is configured.
    Configure(Vec<String>),
    /// Make Docker ask Ensign for every registry.
    ConfigureAll,
    /// Import the plaintext logins in Docker's config, and remove the entry that makes `podman --remote` fail.
    ConfigureWithImport,
    /// Import the logins in a file, and remove these logins from the file.
    Import(PathBuf),
    Restore,
    /// Remove the leftovers of interrupted changes.
    Sweep,
    SyncBuildx,
    /// Remove the pinned helper of an alias without an account.
    Unpin(AccountName),
    /// Create a link to the program in one of the user's folders on PATH.
    Link {
        program: PathBuf,
        folder: PathBuf,
    },
    /// Write a file that puts the program's folder on the PATH of the desktop's session.
    SessionPath {
        file: PathBuf,
        folder: PathBuf,
    },
    /// Remove the permission of other users to write a file. For a file with a secret, also remove the permission to
    /// read the file.
    CloseFile {
        path: PathBuf,
        privacy: Privacy,
    },
    /// Remove the name of a missing helper from these files of Docker or Podman, and from these routes of Ensign.
    DropHelper {
        helper: String,
        files: Vec<PathBuf>,
        routes: Vec<Option<Registry>>,
    },
    /// Stop caching the data key in the kernel's keyring, so that every call asks the key's holder.
    DoNotCache(Holder),
    /// Finish an interrupted change of the data key.
    FinishKeyChange,
    /// Rename an unusable certificate or key, so that no program reads the file.
    SetAside(PathBuf),
    /// Replace a broken link, or a link to another copy, with a link to the program on PATH.
    Relink {
        program: PathBuf,
        link: PathBuf,
    },
    /// A command that the user must run.
    Command(String),
}

impl Remedy {
    /// Returns the first command in backquotes from a hint. If the hint contains no command, returns the whole hint.
    pub(super) fn in_hint(hint: &str) -> Self {
        Self::Command(backquoted(hint).into_iter().find(|text| text.contains(' ')).unwrap_or(hint).to_owned())
    }

    /// Tells whether `--fix` can carry out this repair.
    pub(super) fn is_ours(&self) -> bool {
        !matches!(self, Self::Command(_))
    }

    /// Returns the command for this repair, or `None` if only `doctor --fix` does the repair.
    pub(super) fn command(&self, program: &str) -> Option<String> {
        Some(match self {
            Self::Configure(hosts) => {
                format!("{program} {}", configure_docker::force_command(hosts.iter().map(String::as_str)))
            }
            Self::ConfigureAll => format!("{program} configure-docker --all"),
            Self::ConfigureWithImport => format!("{program} configure-docker --import"),
            Self::Import(file) => format!("{program} import {} --remove", quote_path(file)),
            Self::Restore => format!("{program} restore"),
            Self::SyncBuildx => format!("{program} buildx sync"),
            Self::Unpin(alias) => format!("{program} {}", command("pin", &[alias.as_str()], "--remove")),
            Self::Link { program, folder } => format!("ln -s {} {}/", quote_path(program), quote_path(folder)),
            Self::CloseFile { path, privacy } => {
                let taken = if *privacy == Privacy::Secret { "go-rwx" } else { "go-w" };
                format!("chmod {taken} {}", quote_path(path))
            }
            Self::DoNotCache(holder) => {
                format!("{program} store key --holder {} --cache 0s", quote(&holder.to_string()))
            }
            Self::FinishKeyChange => format!("{program} store key --rotate"),
            Self::SetAside(file) => format!("mv {} {}", quote_path(file), quote_path(&aside(file))),
            Self::Relink { program, link } => replace_command(program, link),
            Self::Sweep | Self::SessionPath { .. } | Self::DropHelper { .. } => return None,
            // If a hint begins with the program's full name, the name that the user typed replaces the full name.
            Self::Command(command) => {
                match command.strip_prefix(configured_helper::PROGRAM).and_then(|rest| rest.strip_prefix(' ')) {
                    Some(words) => format!("{program} {words}"),
                    None => command.clone(),
                }
            }
        })
    }

    /// Carries out the repair, and prints what was done.
    pub(super) fn carry_out(&self, context: &CommandContext<'_>) -> Result<(), Failure> {
        let shown = |path: &PathBuf| context.env.shorten_home(path);
        let configure = |arguments: ConfigureDockerArguments| configure_docker::run(context, &arguments).map(drop);
        match self {
            Self::Configure(hosts) => {
                configure(ConfigureDockerArguments { hosts: hosts.clone(), force: true, ..Default::default() })
            }
            Self::ConfigureAll => configure(ConfigureDockerArguments { all: true, ..Default::default() }),
            Self::ConfigureWithImport => configure(ConfigureDockerArguments { import: true, ..Default::default() }),
            Self::Import(file) => {
                let sources = vec![file.to_string_lossy().into_owned()];
                let arguments = ImportArguments { sources, remove: true, yes: true, ..Default::default() };
                import::run(context, &arguments).map(drop)
            }
            Self::Restore => restore::run(context).map(drop),
            // Every change of the config removes leftovers, even an empty change.
            Self::Sweep => Ok(context.accounts.change(|_| Ok(()))?),
            Self::SyncBuildx => {
                buildx::mend(context);
                Ok(())
            }
            Self::Unpin(alias) => {
                Pins::find(None, context.env)?.remove(alias)?;
                context.ui.say(format_args!("  Removed {}-{alias}", configured_helper::PROGRAM));
                Ok(())
            }
            Self::Link { program, folder } => {
                let link = folder.join(format!("{}{}", configured_helper::PROGRAM, std::env::consts::EXE_SUFFIX));
                files::link(program, &link)?;
                context.ui.say(format_args!("  Made {}, a link to {}", shown(&link), shown(program)));
                Ok(())
            }
            Self::SessionPath { file, folder } => {
                let text = format!(
                    "# For {}, written by `doctor --fix`\nPATH=${{PATH}}:{}\n",
                    configured_helper::PROGRAM,
                    folder.display()
                );
                files::replace(file, text.as_bytes(), Access::Kept)?;
                context.ui.say(format_args!(
                    "  Wrote {}; the session reads it at the next login, or after `systemctl --user daemon-reload`",
                    shown(file)
                ));
                Ok(())
            }
            Self::CloseFile { path, privacy } => {
                files::close_to_others(path, *privacy)?;
                context.ui.say(format_args!("  Restricted the permissions of {}", shown(path)));
                Ok(())
            }
            Self::DropHelper { helper, files, routes } => drop_helper(context, helper, files, routes),
            Self::DoNotCache(holder) => {
                context.accounts.hold_key(holder, None, Some(Duration::ZERO))?;
                context.ui.say("  The kernel's keyring no longer caches the key");
                Ok(())
            }
            Self::FinishKeyChange => key::rotate(context, false).map(drop),
            Self::SetAside(file) => {
                let aside = aside(file);
                files::rename(file, &aside)?;
                context.ui.say(format_args!("  Moved {} to {}", shown(file), shown(&aside)));
                Ok(())
            }
            Self::Relink { program, link } => {
                let fresh = files::sibling(link, ".new");
                files::remove(&fresh)?;
                files::link(program, &fresh)?;
                files::rename(&fresh, link)?;
                context.ui.say(format_args!("  Made {}, a link to {}", shown(link), shown(program)));
                Ok(())
            }
            Self::Command(_) => Ok(()),
        }
    }
}

/// Returns a new name for a certificate, so that no program reads the certificate. Docker and the container tools do
/// not read files with the ending `.unused`.
fn aside(file: &Path) -> PathBuf {
    let numbered = (2..).map(|number| format!(".{number}.unused"));
    let mut names = iter::once(".unused".to_owned()).chain(numbered).map(|ending| files::sibling(file, &ending));
    names.find(|name| name.symlink_metadata().is_err()).expect("a name with some number is free")
}

fn drop_helper(
    context: &CommandContext<'_>,
    helper: &str,
    files: &[PathBuf],
    routes: &[Option<Registry>],
) -> Result<(), Failure> {
    for file in files {
        let _lock = context.accounts.lock()?;
        until_unchanged(|| setup::drop_helper(&ConfigJson::load(file)?, helper)?.apply())?;
        context.ui.say(format_args!("  Removed `{helper}` from {}", context.env.shorten_home(file)));
    }
    if !routes.is_empty() {
        let routes: Vec<_> = routes.iter().map(Option::as_ref).collect();
        context.accounts.set_routes(&routes, None)?;
        context.ui.say(format_args!("  `{helper}` no longer answers for any registry"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_of_a_hint_is_the_remedy() {
        for (hint, command) in [
            ("run `chown me f`, or not", "chown me f"),
            ("check its permissions: `ls -ld 'd $(x)/f'`", "ls -ld 'd $(x)/f'"),
            (r"run `x` or `rm '/it'\''s `y/f'`, or not", r"rm '/it'\''s `y/f'"),
            ("install `tool`", "install `tool`"),
            ("install that version here too", "install that version here too"),
        ] {
            assert_eq!(Remedy::in_hint(hint), Remedy::Command(command.to_owned()));
        }
    }
}
