//! `install-texts`: writes completions and manual pages. install.sh and `update` run this command. The files go into
//! `share` beside the program's folder, where shells and `man` find them.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::cli::args::{CommandLine, CompletionShell};
use crate::cli::failure::Failure;
use crate::release::Installation;
use crate::system::files::{self, InstalledFile, create_installed_folder, put_installed};

/// The path of the list of written files. Each line of the list is a path relative to `share`. `install.sh --uninstall`
/// reads the list.
const LIST: &str = "lib/ensign/installed-texts";
const LIST_LIMIT: u64 = 1 << 20;

/// Writes all texts, and removes the texts that only an earlier version contained. Files of other programs stay
/// unchanged.
pub(in crate::cli) fn install() -> Result<ExitCode, Failure> {
    let prefix = Installation::find()?.prefix;
    let list = prefix.join(LIST);
    let before = files::read_any(&list, LIST_LIMIT)?.unwrap_or_default();
    let before = String::from_utf8_lossy(&before).into_owned();
    let mut written = String::new();
    for (name, text) in texts()? {
        let path = prefix.join("share").join(&name);
        let is_ours = before.lines().any(|line| line == name);
        if is_ours || path.symlink_metadata().is_err() {
            put(&path, text.as_bytes())?;
            written.extend([&*name, "\n"]);
        }
    }
    for name in before.lines().filter(|name| is_below(name) && !written.lines().any(|line| line == *name)) {
        files::remove(&prefix.join("share").join(name))?;
    }
    put(&list, written.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns each text with its path below `share`.
fn texts() -> Result<Vec<(String, String)>> {
    let pages = CommandLine::manual().context("could not write the manual")?;
    let section = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let mut all: Vec<_> =
        pages.into_iter().map(|(name, text)| (format!("man/man{}/{name}", section(&name)), text)).collect();
    let mut add = |place: String, shell: CompletionShell| all.push((place, shell.completions().to_owned()));
    for name in ["ensign", "docker-credential-ensign"] {
        // Shells look for a completion file with the name of the typed command.
        add(format!("bash-completion/completions/{name}"), CompletionShell::Bash);
        add(format!("fish/vendor_completions.d/{name}.fish"), CompletionShell::Fish);
    }
    add("zsh/site-functions/_ensign".to_owned(), CompletionShell::Zsh);
    Ok(all)
}

fn put(path: &Path, text: &[u8]) -> Result<()> {
    if files::read_any(path, LIST_LIMIT)?.as_deref() == Some(text) {
        return Ok(());
    }
    path.parent().map_or(Ok(()), create_installed_folder)?;
    put_installed(path, text, InstalledFile::Text)
}

fn is_below(name: &str) -> bool {
    !name.starts_with('/') && !name.split('/').any(|part| part == "..")
}
