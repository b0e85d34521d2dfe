//! Finds the `PATH` that programs get from the desktop's session or from `sudo`.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::files;
use super::programs::{self, ProgramCall};

/// The longest wait for the session's answer. The session answers at once or never.
const DEADLINE: Duration = Duration::from_secs(2);
const SUDOERS_LIMIT: u64 = 1 << 20;

/// The `PATH` that `sudo` sets on Debian, Ubuntu and Fedora. On most systems only root can read `/etc/sudoers`, so this
/// `PATH` is assumed for other users.
const USUAL_SUDO_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Returns the `PATH` that the desktop's session sets for its programs; `None` if the session does not answer.
pub(crate) fn session_path() -> Option<OsString> {
    let (program, arguments): (_, &[&str]) = if cfg!(target_os = "macos") {
        ("launchctl", &["getenv", "PATH"])
    } else {
        ("systemctl", &["--user", "show-environment"])
    };
    let output = programs::call(&ProgramCall::new(&programs::find(program)?, arguments, DEADLINE)).ok()?;
    let output = Some(output).filter(|output| output.success)?;
    let text = String::from_utf8_lossy(&output.stdout);
    if cfg!(target_os = "macos") { Some(launchd_path(&text).into()) } else { path_in(&text).map(OsString::from) }
}

/// Returns the `PATH` that `sudo` sets for its programs; `None` if `sudo` is not installed or keeps the user's `PATH`.
pub(crate) fn sudo_path() -> Option<OsString> {
    match files::read_any(Path::new("/etc/sudoers"), SUDOERS_LIMIT) {
        Ok(None) => None, // no `sudo` here
        Ok(Some(text)) => secure_path(&String::from_utf8_lossy(&text)).map(OsString::from),
        Err(_) if cfg!(target_os = "macos") => None, // macOS sets no `secure_path`
        Err(_) => Some(USUAL_SUDO_PATH.into()),
    }
}

/// Returns the `PATH` that `launchctl getenv` printed. Usually, no `PATH` is set, and launchd uses its own.
fn launchd_path(printed: &str) -> &str {
    Some(printed.trim()).filter(|path| !path.is_empty()).unwrap_or("/usr/bin:/bin:/usr/sbin:/sbin")
}

/// Returns `PATH` from the output of `systemctl show-environment`, which quotes values as bash does.
fn path_in(environment: &str) -> Option<String> {
    let value = environment.lines().find_map(|line| line.strip_prefix("PATH="))?;
    let quoted = value.strip_prefix("$'").and_then(|rest| rest.strip_suffix('\''));
    let path = quoted.map_or_else(|| value.to_owned(), |text| text.replace("\\'", "'").replace("\\\\", "\\"));
    Some(path).filter(|path| !path.is_empty())
}

/// Returns the last `secure_path` in a sudoers file.
fn secure_path(sudoers: &str) -> Option<String> {
    let settings = sudoers.lines().map(str::trim).filter(|line| line.starts_with("Defaults"));
    let mut values = settings.filter_map(|line| {
        let value = line.split_once("secure_path")?.1.trim_start().strip_prefix('=')?.trim();
        Some(match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default(),
            None => value.split([',', ' ', '\t']).next().unwrap_or_default(),
        })
    });
    values.next_back().filter(|path| !path.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_found_in_what_systemd_prints() {
        for (text, path) in [
            ("HOME=/home/me\nPATH=/usr/bin:/bin\nLANG=C\n", Some("/usr/bin:/bin")),
            ("PATH=$'/home/me/my bin:/it\\'s'\n", Some("/home/me/my bin:/it's")),
            ("XPATH=/a\n", None),
            ("", None),
        ] {
            assert_eq!(path_in(text).as_deref(), path, "{text:?}");
        }
    }

    #[test]
    fn programs_of_the_mac_desktop_get_launchds_path() {
        assert_eq!(launchd_path("/opt/bin:/usr/bin\n"), "/opt/bin:/usr/bin");
        assert_eq!(launchd_path("\n"), "/usr/bin:/bin:/usr/sbin:/sbin");
    }

    #[test]
    fn sudos_path_is_the_last_one_set() {
        for (text, path) in [
            ("Defaults\tsecure_path=\"/usr/sbin:/usr/bin\"\n", Some("/usr/sbin:/usr/bin")),
            ("Defaults secure_path = /a:/b, env_reset\n", Some("/a:/b")),
            ("Defaults secure_path=/a\nDefaults:me secure_path=/b\n", Some("/b")),
            ("# Defaults secure_path=/a\n", None),
            ("Defaults !secure_path\n", None),
            ("root ALL=(ALL) ALL\n", None),
        ] {
            assert_eq!(secure_path(text).as_deref(), path, "{text:?}");
        }
    }
}
