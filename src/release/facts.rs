//! The facts about the project's own releases that are compiled in: their address and the key of their signature.

/// The file with these facts. Scripts read the same file.
const FACTS: &str = include_str!("../../packaging/release.facts");

/// The base address of the releases.
pub(super) fn address() -> &'static str {
    fact("RELEASES")
}

/// minisign's public key; empty until the first release is signed.
pub(super) fn key() -> &'static str {
    fact("PUBLIC_KEY")
}

/// Where the source is.
pub(crate) fn repository() -> &'static str {
    fact("REPOSITORY")
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
        assert!(address().starts_with("https://") && repository().starts_with("https://"));
        assert!(FACTS.contains("\nPUBLIC_KEY="));
        assert_eq!(fact("RELEASE"), "", "a name is a whole one");
    }
}
