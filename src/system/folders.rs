//! Resolves symbolic links in the path of a folder. A person may type a path with links, but a process sees the real
//! path.

use std::path::{Component, Path, PathBuf};

use super::env;

/// Returns the paths by which a config may refer to the caller's folder. These are the real path and, if `$HOME` is a
/// link, the path via `$HOME`.
pub(crate) fn of_caller() -> Vec<PathBuf> {
    let current = env::current_dir();
    let by_home = current.as_deref().and_then(by_way_of_home);
    current.into_iter().chain(by_home).collect()
}

/// Resolves `.`, `..` and links in the path of a folder. Only a link at `$HOME` is kept, because users write paths via
/// `$HOME`.
pub(crate) fn user_canonical(folder: &Path) -> PathBuf {
    let mut settled = PathBuf::new();
    for part in folder.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(settled.pop()),
            part => settled.push(part),
        }
        if cfg!(unix) {
            settled = settled.canonicalize().unwrap_or(settled); // Windows would return `\\?\…`, which shells do not use
        }
    }
    by_way_of_home(&settled).unwrap_or(settled)
}

/// Returns the path with all links resolved.
pub(crate) fn link_target(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

/// Expands `~/` at the beginning of a text to the home folder, as a shell does.
pub(crate) fn at_home(text: &str) -> String {
    let in_home = || Some(env::home_dir()?.join(text.strip_prefix("~/")?).to_str()?.to_owned());
    in_home().unwrap_or_else(|| text.to_owned())
}

/// Returns the path of `folder` via `$HOME`, if `$HOME` is a link to a parent of `folder`.
fn by_way_of_home(folder: &Path) -> Option<PathBuf> {
    let home = env::home_dir().filter(|home| !folder.starts_with(home))?;
    Some(home.join(folder.strip_prefix(home.canonicalize().ok()?).ok()?))
}
