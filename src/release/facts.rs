//! The facts about Ensign's own releases that are compiled in, such as their address and public key.

/// The file with the facts, which scripts also read.
const FACTS: &str = include_str!("../../packaging/release.facts");

/// Returns the address of the source repository.
pub(crate) fn repository() -> &'static str {
    fact("REPOSITORY")
}

/// Returns the command that installs the newest release with the install script.
pub(crate) fn install_command() -> String {
    let (fetch, script, run) = if cfg!(windows) { ("irm", "ps1", "iex") } else { ("curl -fsSL", "sh", "sh") };
    format!("{fetch} {}/latest/download/install.{script} | {run}", fact("RELEASES"))
}

pub(super) fn fact(name: &str) -> &'static str {
    let value = |line: &'static str| line.strip_prefix(name)?.strip_prefix('=');
    FACTS.lines().find_map(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_there() {
        assert!(fact("RELEASES").starts_with("https://") && repository().starts_with("https://"));
        assert!(FACTS.contains("\nPUBLIC_KEY="));
        assert_eq!(fact("RELEASE"), "", "a part of a name is no name");
    }
}
