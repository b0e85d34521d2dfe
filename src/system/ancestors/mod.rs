//! Reads Ensign's ancestor processes on demand.
//!
//! The crate `sysinfo` can read processes on every platform. On Linux Ensign reads `/proc` itself, with a third of the
//! system calls that `sysinfo` makes. A test compares the processes that `sysinfo` and Ensign's own code find.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;

#[cfg(target_os = "linux")]
use linux as imp;
#[cfg(not(target_os = "linux"))]
use portable as imp;

use std::path::PathBuf;

pub(crate) use imp::{all, folder, has_terminal, variables};

/// An ancestor process. This type does not implement `Debug`, because `words` may contain passwords.
pub(crate) struct Process {
    pub(crate) id: u32,
    /// The path of the program's file; `None` if the system hides the path.
    pub(crate) exe: Option<PathBuf>,
    /// The words of the command line. The first word is the name by which the program was called.
    pub(crate) words: Vec<String>,
}

/// Ensign's ancestor processes, parent first.
pub(crate) struct Ancestors {
    pub(crate) processes: Vec<Process>,
    /// Whether the chain reaches the system's first process and no process is hidden.
    pub(crate) is_whole: bool,
}

/// The maximum number of ancestors that are read. Real chains of processes are shorter.
const ANCESTORS_AT_MOST: usize = 256;

/// Reads all ancestor processes.
pub(crate) fn to_the_top() -> Ancestors {
    imp::to_the_top(ANCESTORS_AT_MOST)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn both_readers_see_the_same_processes() {
        let read = |processes: &mut dyn Iterator<Item = Process>| -> Vec<_> {
            let words = |words: Vec<String>| words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>();
            processes.map(|process| (process.id, process.exe, words(process.words))).collect()
        };
        let linux = read(&mut linux::all());
        assert!(!linux.is_empty());
        assert_eq!(linux, read(&mut portable::all()));
        let whole = [linux::to_the_top(99), portable::to_the_top(99)];
        let [seen, same] =
            whole.each_ref().map(|all| all.processes.iter().map(|process| process.id).collect::<Vec<_>>());
        assert_eq!((seen, whole[0].is_whole), (same, whole[1].is_whole));
        assert!(!linux::to_the_top(0).is_whole && !portable::to_the_top(0).is_whole);
        let parent = std::os::unix::process::parent_id();
        assert!(linux::has_terminal(parent).is_some() && portable::has_terminal(parent).is_some());
        assert!(linux::folder(parent).is_some());
        assert_eq!(linux::folder(parent), portable::folder(parent));
        assert!(linux::variables(parent).is_some_and(|variables| !variables.is_empty()));
        assert_eq!(linux::variables(parent), portable::variables(parent));
    }
}

#[cfg(all(test, unix))]
mod elsewhere {
    use super::portable;

    /// Starts the test again below a shell whose arguments contain blanks, and reads the shell's arguments.
    #[test]
    #[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "the test runs itself")]
    fn other_platforms_see_the_parents_arguments_whole() {
        const CHILD: &str = "ENSIGN_TEST_LOOKS_UP";
        if std::env::var_os(CHILD).is_some() {
            let parent = portable::all().next().unwrap();
            return println!("parent: {:?}", parent.words);
        }
        let test = "system::ancestors::elsewhere::other_platforms_see_the_parents_arguments_whole";
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", r#""$0" --exact "$1" --nocapture; exit $?"#]).arg(std::env::current_exe().unwrap());
        let output = command.args([test, "push", "two words ghcr.io/bob/app"]).env(CHILD, "1").output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.contains(r#""push", "two words ghcr.io/bob/app"]"#), "{stdout}");
    }
}
