//! Finds the facts that an account's rule needs about the callers. For an account without a rule, Ensign looks up no
//! facts.

use std::path::Path;

use super::Program;
use super::program_role::ProgramRole;
use super::{WRAPPERS_AT_MOST, agents, clients};
use crate::model::{CallerFacts, CallerRule};
use crate::system::ancestors::{self, Ancestors, Process};
use crate::system::{env, folders};

/// Known callers that are not container clients.
const OTHERS: [&str; 2] = ["ensign", "kubelet"];

/// Returns the facts that `rule` needs, from every process above Ensign.
pub(crate) fn facts(rule: &CallerRule) -> CallerFacts {
    if !rule.looks_at_processes() {
        return CallerFacts::default();
    }
    let Ancestors { processes, is_whole } = ancestors::to_the_top();
    let askers = askers(&processes);
    // The terminal comes from the outermost client. Without a client, the terminal comes from Ensign's parent process.
    // Processes further up are ignored, because a daemon such as tmux may be among them.
    let outermost = askers.iter().rev().find(|process| is_client(process)).copied().or(processes.first());
    let variables = |process: &Process| ancestors::variables(process.id).unwrap_or_default();
    CallerFacts {
        is_whole,
        programs: askers.iter().flat_map(|process| names(process, rule)).collect(),
        has_terminal: outermost.and_then(|process| ancestors::has_terminal(process.id)),
        agent: agents::find(env::all(), &processes, variables),
    }
}

/// Returns the first sign of a coding agent above Ensign, or `None` if there is no sign.
pub(crate) fn agent() -> Option<String> {
    facts(&CallerRule { refuses_agents: true, ..CallerRule::default() }).agent
}

/// Returns the client's name in `text`, in the form that rules and `ensign why` use. Returns `None` if no known client
/// has this name.
pub(crate) fn client_name(text: &str) -> Option<String> {
    let name = text.trim().replace(' ', "-");
    let known = clients::find(&name).map(|_| shown(&name));
    known.or_else(|| OTHERS.contains(&name.as_str()).then_some(name))
}

/// Returns a client's name and verb without other words, such as `docker push` or `nerdctl compose up`.
pub(super) fn described_call(program: &Program) -> Option<String> {
    let ProgramRole::Client(client) = program.role() else { return None };
    let (name, verb) = client.client_and_verb(&program.args);
    let own = if program.name.starts_with("docker") { "docker" } else { &program.name };
    let name = name.replacen("docker-", &format!("{own} "), 1); // writes `docker-buildx` as `docker buildx`
    Some(format!("{name} {verb}").trim_end().to_owned())
}

/// Returns the calling client and the clients directly above it. Without a client, returns the first program that is
/// not a wrapper.
fn askers(processes: &[Process]) -> Vec<&Process> {
    let mut clients = vec![];
    for (distance, process) in processes.iter().enumerate() {
        match role(process) {
            ProgramRole::Client(_) => clients.push(process),
            ProgramRole::Wrapper if clients.is_empty() && distance < WRAPPERS_AT_MOST => {}
            ProgramRole::Unknown | ProgramRole::LongLived if clients.is_empty() => return vec![process],
            ProgramRole::Wrapper | ProgramRole::Unknown | ProgramRole::LongLived => break,
        }
    }
    clients
}

fn is_client(process: &Process) -> bool {
    matches!(role(process), ProgramRole::Client(_))
}

fn role(process: &Process) -> ProgramRole {
    program(process).role()
}

fn program(process: &Process) -> Program {
    Program::new(process.exe.as_deref(), process.words.clone())
}

/// Returns the names that a rule may use for a caller. The names are the client's name, the program's path, and each
/// path in the rule that leads to the program's file.
fn names(process: &Process, rule: &CallerRule) -> Vec<String> {
    let Program { name, .. } = program(process);
    let is_known = clients::find(&name).is_some() || OTHERS.contains(&name.as_str());
    let mut names: Vec<String> = is_known.then(|| shown(&name)).into_iter().collect();
    let Some(exe) = &process.exe else { return names };
    names.extend(exe.to_str().map(str::to_owned));
    let real = folders::link_target(exe).unwrap_or_else(|| exe.clone()); // the program's file may have been replaced
    let same =
        |path: &&String| Path::new(path).is_absolute() && folders::link_target(Path::new(path)).as_ref() == Some(&real);
    names.extend(rule.programs.iter().filter(same).cloned());
    names
}

/// Returns a plugin's name as people write it, such as `docker buildx` for `docker-buildx`.
fn shown(name: &str) -> String {
    name.replacen("docker-", "docker ", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_that_asks_is_the_client_and_what_of_its_kind_started_it() {
        for (lines, expected) in [
            (&["docker push x", "bash", "sshd"][..], "docker"),
            (&["docker-buildx buildx build", "docker buildx build", "make"], "docker buildx,docker"),
            (&["sh -c x", "sudo docker pull x", "docker pull x", "bash"], "docker"),
            (&["podman push x", "podman push x", "python3"], "podman,podman"),
            (&["kubelet"], "kubelet"),
            (&["mytool", "docker push x"], ""),
            (&["bash", "tmux"], ""),
            (&["code", "docker push x"], ""),
            (&["bash", "sh"], ""),
            (&["docker pull x", "bash", "docker x"], "docker"),
            (&[vec!["bash"; 6], vec!["docker x"]].concat(), "docker"),
            (&[vec!["bash"; 7], vec!["docker x"]].concat(), ""),
        ] {
            let process =
                |line: &&str| Process { id: 0, exe: None, words: line.split(' ').map(str::to_owned).collect() };
            let processes: Vec<_> = lines.iter().map(process).collect();
            let rule = CallerRule::default();
            let found: Vec<_> = askers(&processes).into_iter().flat_map(|process| names(process, &rule)).collect();
            assert_eq!(found.join(","), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_path_is_that_of_the_program_that_runs() {
        let exe = std::env::current_exe().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let process = Process { id: 0, exe: Some(exe.clone()), words: vec!["docker".into()] };
        let path = exe.to_str().unwrap().to_owned();
        assert!(names(&process, &CallerRule::default()).contains(&path));
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(&exe, &link).unwrap();
            let link = link.to_str().unwrap().to_owned();
            let rule = CallerRule { programs: vec![link.clone(), "/bin/sh".into()], ..CallerRule::default() };
            let names = names(&process, &rule);
            assert!(names.contains(&link) && !names.contains(&"/bin/sh".to_owned()), "{names:?}");
        }
        drop(folder);
    }

    #[test]
    fn a_client_is_named_as_why_shows_it() {
        for (text, expected) in [
            ("docker", Some("docker")),
            ("docker compose", Some("docker compose")),
            ("docker-buildx", Some("docker buildx")),
            ("podman", Some("podman")),
            ("ensign", Some("ensign")),
            ("bash", None),
            ("", None),
        ] {
            assert_eq!(client_name(text).as_deref(), expected, "{text}");
        }
    }
}
