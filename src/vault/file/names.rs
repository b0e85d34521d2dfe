//! Chooses and lists the names of the files with secrets, one file for each registry.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Result;

use crate::model::{Registry, StoreKind};
use crate::system::env::Env;
use crate::system::files;
use crate::vault::Vault;

/// Returns the registry's file name, which is valid on every platform. Lower-case letters, digits, `-`, `_` and dots
/// after the first character stay unchanged. Every other byte becomes `%xx`.
pub(super) fn file_name(registry: &Registry) -> String {
    let mut name = String::new();
    for byte in registry.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            b'.' if !name.is_empty() => name.push('.'),
            _ => drop(write!(name, "%{byte:02x}")),
        }
    }
    name + ".json"
}

/// Returns the name of a store's folder in the data folder.
pub(super) fn folder(store: &StoreKind) -> &'static str {
    if *store == StoreKind::Sealed { "sealed" } else { "secrets" }
}

/// Returns the registries that have a file in a store.
pub(in crate::vault) fn registries(env: &Env, store: &StoreKind) -> Vec<Registry> {
    let names = entries(env, store).into_iter().filter_map(|path| registry_of(path.file_name()?.to_str()?));
    names.collect()
}

impl Vault<'_> {
    /// Returns the unfinished files of killed writers, and the damaged files that the command `restore` has moved
    /// aside.
    pub(crate) fn left_files(&self) -> Vec<PathBuf> {
        let is_left = |path: &PathBuf| {
            path.to_str().is_some_and(|path| path.ends_with(".json.new") || path.ends_with(".json.damaged"))
        };
        self.all_files().filter(is_left).collect()
    }

    /// Returns all files with secrets, including left-overs and the files of registries without accounts.
    pub(crate) fn secret_files(&self) -> Vec<PathBuf> {
        self.all_files().filter(|path| path.extension().is_some_and(|ending| ending != "lock")).collect()
    }

    /// Returns the folders of the file stores. The folders may not exist.
    pub(crate) fn secret_folders(&self) -> Vec<PathBuf> {
        let data = self.env.data_dir.iter();
        data.flat_map(|data| StoreKind::OF_FILES.iter().map(|store| data.join(folder(store)))).collect()
    }

    fn all_files(&self) -> impl Iterator<Item = PathBuf> {
        StoreKind::OF_FILES.iter().flat_map(move |store| entries(self.env, store))
    }
}

/// Returns all sealed files. An unreadable folder is an error, because otherwise the sealed files in the folder would
/// be overlooked.
pub(in crate::vault) fn sealed_files(env: &Env) -> Result<Vec<PathBuf>> {
    let folder = env.data_dir.as_ref().map(|data| data.join(folder(&StoreKind::Sealed)));
    let mut paths = folder.map_or(Ok(vec![]), |folder| files::all_entries(&folder))?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    Ok(paths)
}

fn entries(env: &Env, store: &StoreKind) -> Vec<PathBuf> {
    let folder = env.data_dir.as_ref().map(|data| data.join(folder(store)));
    folder.map(|folder| files::entries(&folder, usize::MAX)).unwrap_or_default()
}

fn registry_of(file_name: &str) -> Option<Registry> {
    let registry = Registry::from_key(&file_name.strip_suffix(".json")?.replace("%3a", ":"));
    Some(registry).filter(|registry| self::file_name(registry) == file_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_registry_has_a_file_name_that_holds_everywhere() {
        for (registry, name) in [
            ("ghcr.io", "ghcr.io.json"),
            ("localhost:5000", "localhost%3a5000.json"),
            ("[::1]:5000", "%5b%3a%3a1%5d%3a5000.json"),
            ("../x", "%2e.%2fx.json"),
            ("Not A Host", "%4eot%20%41%20%48ost.json"),
        ] {
            assert_eq!(file_name(&Registry::opaque(registry)), name);
        }
    }
}
