//! `Owner`: tells who installed this program and therefore updates it.

use std::path::{Path, PathBuf};

/// The owner of an installed program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// install.sh downloaded the program from a release, so `update` can update it.
    Release,
    /// install.sh built the program from this checkout.
    Checkout(PathBuf),
    /// A package manager installed the program, and updates it with this command.
    Package(String),
    Unknown,
}

/// The note that install.sh writes for a release. For a checkout, install.sh writes the folder's path instead.
const RELEASE: &str = "release";

/// Package managers that install into folders of their own, each with its update command.
const BY_FOLDER: [(&str, &str); 5] = [
    ("/Cellar/", "brew upgrade docker-credential-ensign"),
    ("/nix/store/", "nix profile upgrade docker-credential-ensign"),
    ("/scoop/apps/", "scoop update docker-credential-ensign"),
    ("/WinGet/Packages/", "winget upgrade Ensign.Ensign"),
    ("/.cargo/bin/", "cargo install docker-credential-ensign"),
];

/// Returns the owner of `program`. `by` is the note that a package wrote, and `from` is the note that install.sh wrote.
pub(super) fn owner_of(program: &Path, by: Option<String>, from: Option<String>) -> Owner {
    if let Some(command) = by {
        return Owner::Package(command);
    }
    let path = program.to_string_lossy().replace('\\', "/");
    if let Some((_, command)) = BY_FOLDER.iter().find(|(folder, _)| path.contains(folder)) {
        return Owner::Package((*command).to_owned());
    }
    match from {
        Some(line) if line == RELEASE => Owner::Release,
        Some(folder) => Owner::Checkout(PathBuf::from(folder)),
        None => Owner::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::fact;
    use super::*;

    #[test]
    fn each_package_manager_is_asked_for_its_package() {
        for (_, command) in BY_FOLDER {
            let name = command.rsplit(' ').next().unwrap();
            assert!([fact("PACKAGE"), fact("WINGET")].contains(&name), "{command}");
        }
    }

    #[test]
    fn who_installed_a_program_renews_it() {
        let package = |command: &str| Owner::Package(command.to_owned());
        for (program, by, from, owner) in [
            ("/home/me/.local/bin/e", None, Some("release"), Owner::Release),
            ("/home/me/.local/bin/e", None, Some("/src/ensign"), Owner::Checkout("/src/ensign".into())),
            ("/home/me/.local/bin/e", None, None, Owner::Unknown),
            (
                "/usr/bin/e",
                Some("apt install --only-upgrade ensign"),
                Some("release"),
                package("apt install --only-upgrade ensign"),
            ),
            ("/opt/homebrew/Cellar/ensign/0.1.0/bin/e", None, None, package("brew upgrade docker-credential-ensign")),
            ("/nix/store/abc-ensign/bin/e", None, None, package("nix profile upgrade docker-credential-ensign")),
            (
                r"C:\Users\me\scoop\apps\ensign\0.1.0\e.exe",
                None,
                None,
                package("scoop update docker-credential-ensign"),
            ),
            ("/home/me/.cargo/bin/e", None, None, package("cargo install docker-credential-ensign")),
        ] {
            assert_eq!(
                owner_of(Path::new(program), by.map(str::to_owned), from.map(str::to_owned)),
                owner,
                "{program}"
            );
        }
    }
}
