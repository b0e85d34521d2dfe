//! Finds the environment variables that the calling client changed after its start.

use std::ffi::{OsStr, OsString};

use super::program_role::{self, ProgramRole};
use super::{PROGRAMS_AT_MOST, Program, WRAPPERS_AT_MOST};
use crate::system::ancestors::{self, Process};
use crate::system::client_env::ChangedVariable;
use crate::system::env;

/// The variables of a process at its start, each as `NAME=VALUE`, or `None` if the variables are not readable.
type ProcessVariables = Option<Vec<OsString>>;

/// The calling client, and the processes between this client and Ensign.
#[derive(Debug, Default)]
struct ClientChain {
    /// Shells, `sudo` and scripts, nearest first. A person chose the variables that shells, `sudo` and scripts set.
    wrappers: Vec<ProcessVariables>,
    /// The client, followed by the clients directly above it, such as `docker` above its plugins.
    clients: Vec<ProcessVariables>,
}

/// Returns the variables that the calling client changed after its start. Without a known client, the list is empty,
/// because then a person, a shell or a person's own program called Ensign.
pub(crate) fn changed_by_client() -> Vec<ChangedVariable> {
    let chain = ClientChain::read(ancestors::all());
    if chain.clients.is_empty() { vec![] } else { chain.changes(env::all()) }
}

impl ClientChain {
    fn read(processes: impl IntoIterator<Item = Process>) -> Self {
        let mut chain = Self::default();
        for (distance, process) in processes.into_iter().take(PROGRAMS_AT_MOST).enumerate() {
            let (id, is_script) = (process.id, program_role::is_script_of_client(&process));
            match Program::from(process).role() {
                ProgramRole::Client(_) => chain.clients.push(ancestors::variables(id)),
                // A shell script with a client's name is treated as the client, unless a client runs below the script.
                ProgramRole::Wrapper if is_script && chain.clients.is_empty() => {
                    chain.clients.push(ancestors::variables(id));
                    break;
                }
                ProgramRole::Wrapper if chain.clients.is_empty() && distance < WRAPPERS_AT_MOST => {
                    chain.wrappers.push(ancestors::variables(id));
                }
                ProgramRole::Wrapper | ProgramRole::Unknown | ProgramRole::LongLived => break,
            }
        }
        chain
    }

    fn changes(&self, ours: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<ChangedVariable> {
        let changed = ours.into_iter().filter_map(|(name, value)| {
            let at_start = self.at_start(&name, &value);
            (at_start.as_ref() != Some(&value)).then_some(ChangedVariable { name, at_start })
        });
        changed.collect()
    }

    /// Returns the value that the variable had when the client was started, or `None` if the variable was not set. If a
    /// wrapper set the variable, returns `value`, which is the variable's value in Ensign.
    fn at_start(&self, name: &OsStr, value: &OsStr) -> Option<OsString> {
        let set_by_wrapper = |variables: &Vec<OsString>| find(variables, name) != Some(value);
        if self.wrappers.iter().flatten().any(set_by_wrapper) {
            return Some(value.to_owned());
        }
        // The outermost readable client has the value from before any change. Clients nearer to Ensign may have
        // inherited changed values.
        match self.clients.iter().flatten().next_back() {
            Some(variables) => find(variables, name).map(OsStr::to_owned),
            // If no client's variables are readable, the variables `ENSIGN_…` are not trusted. Other variables are
            // trusted, because programs cannot run without some of these variables.
            None => Some(value.to_owned()).filter(|_| !name.as_encoded_bytes().starts_with(b"ENSIGN_")),
        }
    }
}

fn find<'v>(variables: &'v [OsString], name: &OsStr) -> Option<&'v OsStr> {
    variables.iter().find_map(|variable| value_of(variable, name))
}

#[cfg(unix)]
fn value_of<'v>(variable: &'v OsStr, name: &OsStr) -> Option<&'v OsStr> {
    use std::os::unix::ffi::OsStrExt;
    let value = variable.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
    Some(OsStr::from_bytes(value))
}

#[cfg(not(unix))]
fn value_of<'v>(variable: &'v OsStr, name: &OsStr) -> Option<&'v OsStr> {
    let (variable, value) = variable.to_str()?.split_once('=')?; // a value that is not text is treated as changed
    variable.eq_ignore_ascii_case(name.to_str()?).then(|| OsStr::new(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(text: &str) -> ProcessVariables {
        (text != "hidden").then(|| text.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn a_variable_counts_as_the_client_was_started_with_it() {
        for (wrappers, clients, ours, at_start) in [
            // A client was started without the variable, and read it from the `.env` of a cloned repository.
            ([].as_slice(), ["HOME=/me"].as_slice(), "ENSIGN_CONFIG_DIR=./x", None),
            (&[], &["HOME=/me ENSIGN_CONFIG_DIR=/c"], "ENSIGN_CONFIG_DIR=/c", Some("/c")),
            (&[], &["ENSIGN_CONFIG_DIR=/c"], "ENSIGN_CONFIG_DIR=./x", Some("/c")),
            (&[], &["ENSIGN_CONFIG_DIRECTORY=./x X=ENSIGN_CONFIG_DIR=./x"], "ENSIGN_CONFIG_DIR=./x", None),
            (&[], &["A=a=b"], "A=a=b", Some("a=b")),
            // A client that has read the `.env` passes its variables to another client.
            (&[], &["ENSIGN_ACCOUNT=x", "HOME=/me", "HOME=/me"], "ENSIGN_ACCOUNT=x", None),
            (&[], &["ENSIGN_ACCOUNT=x", "ENSIGN_ACCOUNT=x"], "ENSIGN_ACCOUNT=x", Some("x")),
            // A script between the client and Ensign.
            (&["HOME=/me"], &["HOME=/me"], "ENSIGN_ACCOUNT=x", Some("x")),
            (&["ENSIGN_ACCOUNT=x"], &["HOME=/me"], "ENSIGN_ACCOUNT=x", None),
            (&["ENSIGN_ACCOUNT=x", "HOME=/me"], &["HOME=/me"], "ENSIGN_ACCOUNT=x", Some("x")),
            (&["hidden"], &["HOME=/me"], "ENSIGN_ACCOUNT=x", None),
            // A client whose variables Ensign cannot read from the user namespace of a rootless container.
            (&[], &["ENSIGN_ACCOUNT=x", "hidden"], "ENSIGN_ACCOUNT=x", Some("x")),
            (&[], &["HOME=/me", "hidden"], "ENSIGN_ACCOUNT=x", None),
            (&[], &["hidden"], "ENSIGN_ACCOUNT=x", None),
            (&[], &["hidden"], "PATH=/bin", Some("/bin")),
        ] {
            let [wrappers, clients] =
                [wrappers, clients].map(|all| all.iter().map(|text| variables(text)).collect::<Vec<_>>());
            let (name, value) = ours.split_once('=').unwrap();
            let chain = ClientChain { wrappers, clients };
            let changes = chain.changes([(name.into(), value.into())]);
            let expected = ChangedVariable { name: name.into(), at_start: at_start.map(OsString::from) };
            let expected = if at_start == Some(value) { vec![] } else { vec![expected] };
            assert_eq!(changes, expected, "{chain:?} {ours}");
        }
    }

    #[test]
    fn the_chain_ends_with_the_client() {
        for (lines, wrappers, clients) in [
            (vec!["docker pull x", "bash"], 0, 1),
            (vec!["docker-compose compose pull", "docker compose pull", "make"], 0, 2),
            (vec!["sh /bin/docker-credential-x get", "sudo -E x", "docker pull x", "sh -c x", "docker x"], 2, 1),
            (vec!["bash ./docker-compose pull", "docker x"], 0, 1),
            (vec!["docker pull x", "bash /usr/local/bin/docker pull x"], 0, 1),
            (vec!["python3 ./harness.py", "docker x"], 0, 0),
            (vec!["kubelet --x", "docker x"], 0, 0),
            (vec!["bash -c x", "bash", "sshd"], 2, 0),
            ([vec!["bash"; 6], vec!["docker x"]].concat(), 6, 1),
            ([vec!["bash"; 7], vec!["docker x"]].concat(), 6, 0),
        ] {
            let process =
                |line: &&str| Process { id: 0, exe: None, words: line.split(' ').map(str::to_owned).collect() };
            let chain = ClientChain::read(lines.iter().map(process));
            assert_eq!((chain.wrappers.len(), chain.clients.len()), (wrappers, clients), "{lines:?}");
        }
    }
}
