//! `Platform`: the platform of a build. A Dockerfile may read the platform from variables.
//!
//! Sources: containerd/platforms `platforms.go`, `database.go`; moby/buildkit
//! `frontend/dockerfile/dockerfile2llb/convert.go`.

use std::env::consts;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Platform {
    system: String,
    machine: String,
    variant: String,
}

impl Platform {
    /// Returns the Linux platform with this machine's architecture.
    pub(super) fn native() -> Self {
        let machine = match consts::ARCH {
            "x86" => "386",
            "powerpc64" => "ppc64le",
            "loongarch64" => "loong64",
            other => other,
        };
        Self::new("linux", machine, "")
    }

    /// Parses a platform such as `linux/arm/v7`, `linux` or `arm64`. Returns `None` if the text is invalid.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let native = Self::native();
        let parts: Vec<&str> = text.split('/').collect();
        let is_part = |part: &&str| {
            !part.is_empty()
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '(' | ')' | '+'))
        };
        parts.iter().all(is_part).then_some(())?;
        Some(match *parts.as_slice() {
            ["local"] => native,
            [system] if is_system(system) => Self { system: system.into(), ..native },
            [machine] => Self::new("linux", machine, ""),
            [system, machine] => Self::new(system, machine, ""),
            [system, machine, variant] => Self::new(system, machine, variant),
            _ => return None,
        })
    }

    fn new(system: &str, machine: &str, variant: &str) -> Self {
        let system = system.split('(').next().unwrap_or_default(); // removes the version of Windows
        let system = if system == "macos" { "darwin" } else { system };
        let (machine, variant) = match (machine, variant) {
            ("i386", _) => ("386", ""),
            ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
            ("x86_64" | "x86-64" | "amd64", variant) => ("amd64", variant),
            ("aarch64" | "arm64", "8" | "v8") => ("arm64", ""),
            ("aarch64" | "arm64", variant) => ("arm64", variant),
            ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
            ("armel", _) | ("arm", "6") => ("arm", "v6"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "8") => ("arm", "v8"),
            other => other,
        };
        Self { system: system.into(), machine: machine.into(), variant: variant.into() }
    }

    fn text(&self) -> String {
        let Self { system, machine, variant } = self;
        if variant.is_empty() { format!("{system}/{machine}") } else { format!("{system}/{machine}/{variant}") }
    }

    /// Returns the build arguments that `BuildKit` sets for this platform.
    pub(super) fn arguments(&self) -> [(&'static str, String); 10] {
        let native = Self::native();
        [
            ("BUILDPLATFORM", native.text()),
            ("BUILDOS", native.system),
            ("BUILDOSVERSION", String::new()),
            ("BUILDARCH", native.machine),
            ("BUILDVARIANT", native.variant),
            ("TARGETPLATFORM", self.text()),
            ("TARGETOS", self.system.clone()),
            ("TARGETOSVERSION", String::new()),
            ("TARGETARCH", self.machine.clone()),
            ("TARGETVARIANT", self.variant.clone()),
        ]
    }
}

/// Joins an operating system and an architecture into a platform. The operating system or the architecture may be
/// missing.
pub(in super::super) fn joined(parts: &[&str]) -> Option<String> {
    let last = |wants_system| parts.iter().rev().find(|part| is_system(&part.to_ascii_lowercase()) == wants_system);
    match (last(true), last(false)) {
        (Some(system), Some(machine)) => Some(format!("{system}/{machine}")),
        (system, machine) => system.or(machine).map(|part| (*part).to_owned()),
    }
}

fn is_system(text: &str) -> bool {
    let text = text.split('(').next().unwrap_or_default();
    ["linux", "windows", "darwin", "macos", "freebsd", "openbsd", "netbsd", "solaris", "aix", "android", "plan9"]
        .contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_read_as_containerd_does() {
        let native = Platform::native();
        for (text, expected) in [
            ("linux/amd64", "linux/amd64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v2", "linux/amd64/v2"),
            ("Linux/ARM64/v8", "linux/arm64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v9", "linux/arm64/v9"),
            ("linux/i386/x", "linux/386"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/5", "linux/arm/v5"),
            ("linux/arm/8", "linux/arm/v8"),
            ("linux/armel", "linux/arm/v6"),
            ("arm64", "linux/arm64"),
            ("windows(10.0.17763)/amd64", "windows/amd64"),
            ("windows", &format!("windows/{}", native.machine)),
            ("local", &native.text()),
            ("", "none"),
            ("linux/", "none"),
            ("a/b/c/d", "none"),
            ("linux/$X", "none"),
        ] {
            let found = Platform::parse(text).map_or("none".to_owned(), |platform| platform.text());
            assert_eq!(found, expected, "{text}");
        }
    }
}
