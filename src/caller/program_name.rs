//! Reads the names of programs, and lists of such names.

/// Returns the last part of a Unix or Windows path, in lower case. Removes additions of systems and packages, such as
/// `.exe`, ` (deleted)` on Linux, `.NAME-wrapped` of Nix, and the `-` before a login shell's name.
pub(super) fn file_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.strip_suffix(" (deleted)").unwrap_or(name).to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let wrapped = name.strip_prefix('.').and_then(|rest| rest.strip_suffix("-wrapped"));
    wrapped.unwrap_or(name).trim_start_matches('-').to_owned()
}

/// Tells whether `name` is one of `names`, which are separated by spaces.
pub(super) fn is_one_of(names: &str, name: &str) -> bool {
    names.split_ascii_whitespace().any(|known| known == name)
}
