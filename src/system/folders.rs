//! Resolves symbolic links in the path of a folder, because a person may type a path with links, while a process sees
//! the real path.

use std::path::{Component, Path, PathBuf};

use super::env;

/// The caller's folder under each path that a config may contain: the real path, and the path via `$HOME` if `$HOME` is
/// a link.
pub(crate) fn of_caller() -> Vec<PathBuf> {
    let current = env::current_dir();
    let by_home = current.as_deref().and_then(by_way_of_home);
    current.into_iter().chain(by_home).collect()
}

/// An absolute folder as the user spells it: `.`, `..` and links are resolved, except the link of `$HOME`.
pub(crate) fn user_canonical(folder: &Path) -> PathBuf {
    let mut settled = PathBuf::new();
    for part in folder.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(settled.pop()),
            part => settled.push(part),
        }
        if cfg!(unix) {
            settled = settled.canonicalize().unwrap_or(settled); // Windows would answer with `\\?\`, which shells do not use
        }
    }
    by_way_of_home(&settled).unwrap_or(settled)
}

/// The path with all links resolved.
pub(crate) fn link_target(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

/// Expands `~/x` as a shell does.
pub(crate) fn at_home(text: &str) -> String {
    let in_home = || Some(env::home_dir()?.join(text.strip_prefix("~/")?).to_str()?.to_owned());
    in_home().unwrap_or_else(|| text.to_owned())
}

/// The path of `folder` via `$HOME`, if `$HOME` is a link and leads to it.
fn by_way_of_home(folder: &Path) -> Option<PathBuf> {
    let home = env::home_dir().filter(|home| home.is_absolute() && !folder.starts_with(home))?;
    Some(home.join(folder.strip_prefix(home.canonicalize().ok()?).ok()?))
}
