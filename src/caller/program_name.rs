//! The name of a program, and lists of such names.

/// The last part of a path of any system, in lower case. Endings of systems and packages are removed: `.exe`, Linux' `
/// (deleted)`, Nix' `.docker-wrapped`. A login shell's `argv[0]` begins with `-`.
pub(super) fn file_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.strip_suffix(" (deleted)").unwrap_or(name).to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let wrapped = name.strip_prefix('.').and_then(|rest| rest.strip_suffix("-wrapped"));
    wrapped.unwrap_or(name).trim_start_matches('-').to_owned()
}

/// `names` are separated by spaces.
pub(super) fn is_one_of(names: &str, name: &str) -> bool {
    names.split_ascii_whitespace().any(|known| known == name)
}
