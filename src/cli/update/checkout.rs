//! Updates a program that install.sh built from a checkout. If a person agrees, runs `git pull` and install.sh.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::declined;
use crate::cli::CommandContext;
use crate::cli::failure::Failure;
use crate::model::Problem;
use crate::release;
use crate::system::exec;
use crate::system::text::{quote, quote_path};

/// Updates the program from the checkout in `folder`.
pub(super) fn renew(context: &CommandContext<'_>, folder: &Path, prefix: &Path) -> Result<ExitCode, Failure> {
    let script = script(folder);
    let shown = context.env.shorten_home(folder);
    let commands = commands(context, folder, prefix);
    if !script.is_file() {
        let what = format!("the checkout `{shown}`, which this program was built from, is gone; nothing was changed");
        return Err(Problem::new(what, format!("run `{commands}`")).into());
    }
    if !context.ui.can_ask() {
        let what = format!("this program was built from the checkout `{shown}`; nothing was changed");
        return Err(Problem::new(what, format!("run `{commands}`")).into());
    }
    if !context.ui.confirm(&format!("Run `git pull` in {shown}, then its install.sh?"))? {
        return Err(declined(format!("later: `{commands}`")));
    }
    let [folder, script] = [folder, &script].map(Path::as_os_str);
    let pull = ["git".as_ref(), "-C".as_ref(), folder, "pull".as_ref(), "--ff-only".as_ref()];
    let install = [script, "--prefix".as_ref(), prefix.as_os_str()];
    for command in [&pull[..], &install] {
        let code = exec::run_here(command)?;
        if code != Some(0) {
            let what = format!("`{}` failed; its output above says why", command[0].to_string_lossy());
            return Err(Problem::new(what, format!("fix the cause, then run `{commands}`")).into());
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn script(checkout: &Path) -> PathBuf {
    checkout.join("install.sh")
}

/// Returns the commands with which a person can update from a checkout, or from a new one if the checkout is gone.
pub(super) fn commands(context: &CommandContext<'_>, folder: &Path, prefix: &Path) -> String {
    let usual = context.env.home().and_then(|home| home.join(".local").canonicalize().ok());
    let option =
        if usual.as_deref() == Some(prefix) { String::new() } else { format!(" --prefix {}", quote_path(prefix)) };
    if !script(folder).is_file() {
        let repository = release::repository();
        let name = repository.rsplit('/').next().unwrap_or_default();
        return format!("git clone {repository} && {name}/install.sh{option}");
    }
    let [checkout, script] = [folder.to_owned(), script(folder)].map(|path| {
        let short = context.env.shorten_home(&path);
        let rest = short.strip_prefix("~/").filter(|rest| quote(rest) == *rest);
        // The `~` is written without quotes, because shells do not expand a quoted `~`.
        rest.map_or_else(|| quote_path(&path), |rest| format!("~/{rest}"))
    });
    format!("git -C {checkout} pull && {script}{option}")
}
