//! `trust`: lets a project file choose accounts, as long as the file's path and content stay the same.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use serde_json::{Value, json};

use super::failure::{Failure, FailureKind};
use super::folder_project::{self, FolderProject, TrustState};
use super::{CommandContext, args};
use crate::caller::project;
use crate::model::Problem;
use crate::model::choice::ProjectAccounts;
use crate::system::env;
use crate::system::text::{one_line, quote};

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::TrustArguments) -> Result<ExitCode, Failure> {
    if arguments.list {
        return list(context);
    }
    let path = match locate(arguments.path.as_deref()) {
        Err(missing) if arguments.revoke && arguments.path.is_none() => deleted(context)?.ok_or(missing)?,
        found => found?,
    };
    if arguments.revoke { revoke(context, &path) } else { trust(context, arguments, path) }
}

/// Trusts a project file. The file is read only once, so that the digest of exactly the shown content is stored.
fn trust(context: &CommandContext<'_>, arguments: &args::TrustArguments, path: PathBuf) -> Result<ExitCode, Failure> {
    let seen = FolderProject::read_at(path, &context.accounts.trusted()?);
    let shown = context.env.shorten_home(&seen.path);
    let edit = format!("\"${{EDITOR:-vi}}\" {}", context.env.quote_path(&seen.path));
    if !seen.path.exists() && !seen.path.is_symlink() {
        return Err(
            Problem::new(format!("there is no file `{shown}`"), example(&context.env.quote_path(&seen.path))).into()
        );
    }
    let project = seen
        .says
        .as_ref()
        .map_err(|why| Problem::new(format!("`{shown}` {why}"), format!("fix the file: `{edit}`")))?;
    if project.accounts.is_empty() {
        let hint = format!("write a line such as {EXAMPLE} below [accounts]: `{edit}`");
        return Err(Problem::new(format!("`{shown}` names no account"), hint).into());
    }
    let (key, digest) = seen.path.to_str().zip(seen.digest.as_deref()).ok_or_else(|| {
        Problem::new(format!("`{shown}` cannot be trusted, because its path is not in UTF-8"), "move the file")
    })?;
    let accounts: serde_json::Map<String, Value> =
        project.accounts.iter().map(|(registry, name)| (registry.to_string(), json!(name.as_str()))).collect();
    let json = json!({"status": "success", "file": key, "accounts": accounts, "unknown": project.unknown});
    if seen.is_trusted() {
        context.ui.data(json, format_args!("{shown} is trusted already."))?;
        return Ok(ExitCode::SUCCESS);
    }
    describe(context, &shown, seen.standing, project)?;
    if !arguments.yes {
        if !context.ui.can_ask() {
            let cure = format!("run `{} trust --yes {}`", context.program, quote(key));
            return Err(Failure::usage(format!("there is no terminal to ask about `{shown}`"), cure));
        }
        if !context.ui.confirm("Trust it?")? {
            let cure = "Ensign ignores the file until you trust it";
            return Err(Failure::new(FailureKind::Cancelled, Problem::new(format!("`{shown}` is not trusted"), cure)));
        }
    }
    context.accounts.set_trusted(key, Some(digest))?;
    context.ui.done(json, format_args!("Trusted {shown}, as it is now"))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the accounts in the file, and marks the missing accounts.
fn describe(
    context: &CommandContext<'_>,
    shown: &str,
    standing: TrustState,
    project: &ProjectAccounts,
) -> Result<(), Failure> {
    let changed = if standing == TrustState::Changed { ", which has changed since you trusted it," } else { "" };
    let folder = project.file.parent().map(|folder| context.env.shorten_home(folder)).unwrap_or_default();
    context.ui.say(format_args!("{shown}{changed} names these accounts for commands in {folder} and below:"));
    let width = project.accounts.iter().map(|(registry, _)| registry.as_str().len()).max().unwrap_or_default();
    for (registry, name) in &project.accounts {
        let note = match context.accounts.registry_accounts(registry)?.account(name.as_str()) {
            Some(account) if account.name == *name && account.username.as_str() == name.as_str() => String::new(),
            Some(account) => format!("   ({} there)", account.username),
            None => format!("   (missing: {} login {registry} --alias {})", context.program, quote(name.as_str())),
        };
        context.ui.say(format_args!("  {:width$}  {}{note}", registry.as_str(), one_line(name.as_str(), 60)));
    }
    if let Some(unknown) = folder_project::unknown(project, shown) {
        context.ui.note(unknown);
    }
    Ok(())
}

fn revoke(context: &CommandContext<'_>, path: &Path) -> Result<ExitCode, Failure> {
    let shown = context.env.shorten_home(path);
    let was_trusted = context.accounts.trusted()?.iter().any(|entry| entry.file == path);
    let json = json!({"status": "success", "file": path.to_string_lossy(), "revoked": was_trusted});
    if !was_trusted {
        context.ui.data(json, format_args!("{shown} was not trusted."))?;
        return Ok(ExitCode::SUCCESS);
    }
    context.accounts.set_trusted(path.to_str().ok_or_else(|| anyhow!("the path is not in UTF-8"))?, None)?;
    context.ui.done(json, format_args!("{shown} is no longer trusted"))?;
    Ok(ExitCode::SUCCESS)
}

fn list(context: &CommandContext<'_>) -> Result<ExitCode, Failure> {
    let trusted = context.accounts.trusted()?;
    let (mut lines, mut values) = (Vec::new(), Vec::new());
    for entry in trusted.iter() {
        let seen = FolderProject::read_at(entry.file.clone(), &trusted);
        let (state, words) = match (seen.standing, &seen.digest) {
            (_, None) if !entry.file.exists() => ("gone", "   (is gone)"),
            (_, None) => ("gone", "   (cannot be read)"),
            (TrustState::Trusted, Some(_)) => ("trusted", ""),
            (_, Some(_)) => ("changed", "   (has changed since you trusted it, so it is not used)"),
        };
        lines.push(format!("{}{words}", context.env.shorten_home(&entry.file)));
        values.push(json!({"file": entry.file.to_string_lossy(), "state": state}));
    }
    let text = if lines.is_empty() { "No file is trusted.".to_owned() } else { lines.join("\n") };
    context.ui.data(json!({"trusted": values}), text)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a trusted file that is gone from the current folder or from a folder above.
fn deleted(context: &CommandContext<'_>) -> Result<Option<PathBuf>, Failure> {
    let Some(current) = env::current_dir() else { return Ok(None) };
    let is_above = |file: &Path| file.parent().is_some_and(|folder| current.starts_with(folder));
    let trusted = context.accounts.trusted()?;
    let files = trusted.iter().map(|entry| &entry.file).filter(|file| is_above(file) && !file.exists());
    Ok(files.max_by_key(|file| file.components().count()).cloned())
}

/// Returns the path of the project file. The user may type the path of the file or of its folder. Without a typed path,
/// finds the nearest project file from the current folder upwards. Resolves links in the path of the folder.
fn locate(path: Option<&Path>) -> Result<PathBuf, Failure> {
    let Some(path) = path else {
        return env::current_dir().and_then(|current| project::find(&current)).ok_or_else(|| {
            Problem::new(
                format!("there is no {} here or in a folder above", ProjectAccounts::FILE),
                example(ProjectAccounts::FILE),
            )
            .into()
        });
    };
    let absolute = env::current_dir().map_or_else(|| path.to_owned(), |current| current.join(path));
    let (folder, is_file) = match absolute.parent() {
        Some(parent) if absolute.file_name() == Some(ProjectAccounts::FILE.as_ref()) && !absolute.is_dir() => {
            (parent, true)
        }
        _ => (absolute.as_path(), false),
    };
    if !is_file && folder.exists() && !folder.is_dir() {
        let what = format!("`{}` is not a file called {}", path.display(), ProjectAccounts::FILE);
        return Err(Failure::usage(what, "name the file or its folder"));
    }
    // The file may be missing, because a person can also revoke the trust in a deleted file.
    Ok(folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).join(ProjectAccounts::FILE))
}

/// A line of a project file. The line chooses an account for a registry.
const EXAMPLE: &str = "\"ghcr.io\" = \"work\"";

/// Returns a hint with a command that writes an example of a project file. The command keeps a file that another program
/// has just written.
fn example(file: &str) -> String {
    format!("write the file, for example: `printf '[accounts]\\n{EXAMPLE}\\n' >>{file}`")
}
