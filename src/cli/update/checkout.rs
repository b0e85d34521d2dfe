//! Updates a program that install.sh built from a checkout. If a person agrees, runs `git pull` and install.sh.

use std::path::Path;
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
    let script = folder.join("install.sh");
    let shown = context.env.shorten_home(folder);
    if !script.is_file() {
        let what = format!("the checkout `{shown}`, which this program was built from, is gone; nothing was changed");
        let clone = format!("run `git clone {}`, then its install.sh", release::repository());
        return Err(Problem::new(what, clone).into());
    }
    let commands = commands(context, folder, prefix);
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

/// Returns the commands with which a person can update from a checkout.
pub(super) fn commands(context: &CommandContext<'_>, folder: &Path, prefix: &Path) -> String {
    let usual = context.env.home().and_then(|home| home.join(".local").canonicalize().ok());
    let option =
        if usual.as_deref() == Some(prefix) { String::new() } else { format!(" --prefix {}", quote_path(prefix)) };
    let [checkout, script] = [folder.to_owned(), folder.join("install.sh")].map(|path| {
        let short = context.env.shorten_home(&path);
        let rest = short.strip_prefix("~/").filter(|rest| quote(rest) == *rest);
        // The `~` is written without quotes, because shells do not expand a quoted `~`.
        rest.map_or_else(|| quote_path(&path), |rest| format!("~/{rest}"))
    });
    format!("git -C {checkout} pull && {script}{option}")
}
