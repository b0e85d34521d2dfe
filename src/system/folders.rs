//! Folders behind links: a process knows its own without links, a person types and means them with links.

use std::path::{Component, Path, PathBuf};

use super::env;

/// The folder of our caller, as its user has it in mind: in `HOME`, though that be a link.
pub(crate) fn of_caller() -> Option<PathBuf> {
    env::current_dir().map(by_way_of_home)
}

/// An absolute folder as [`of_caller`] will tell it: without `.`, `..` and links, as far as it is there.
pub(crate) fn settled(folder: &Path) -> PathBuf {
    let mut settled = PathBuf::new();
    for part in folder.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(settled.pop()),
            part => settled.push(part),
        }
        if cfg!(unix) {
            settled = settled.canonicalize().unwrap_or(settled); // Windows would answer with `\\?\`, which no shell says
        }
    }
    by_way_of_home(settled)
}

/// `~/x` as a shell gives it to a program.
pub(crate) fn at_home(text: &str) -> String {
    let in_home = || Some(std::env::home_dir()?.join(text.strip_prefix("~/")?).to_str()?.to_owned());
    in_home().unwrap_or_else(|| text.to_owned())
}

fn by_way_of_home(folder: PathBuf) -> PathBuf {
    let behind_a_link = || {
        let home = std::env::home_dir().filter(|home| home.is_absolute() && !folder.starts_with(home))?;
        Some(home.join(folder.strip_prefix(home.canonicalize().ok()?).ok()?))
    };
    behind_a_link().unwrap_or(folder)
}
