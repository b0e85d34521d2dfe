//! Reads the version that a program prints.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::{ProgramCall, Stdin, call};

/// The longest wait for a version. A program prints its version at once or never.
const DEADLINE: Duration = Duration::from_secs(2);
const LIMIT: usize = 4096;

/// Runs a program with the argument `version` and returns its output; `None` if the program fails.
pub(crate) fn version_text(program: &Path) -> Option<String> {
    let answer = call(&ProgramCall {
        program,
        arguments: &["version".to_owned()],
        env: &BTreeMap::new(),
        env_remove: &[],
        stdin: Stdin::Closed,
        limit: LIMIT,
        deadline: DEADLINE,
    });
    let output = answer.ok().filter(|output| output.success)?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
