//! Saves the newest version that was found, so that other commands can show it without network.

use anyhow::Result;
use serde_json::{Value, json};

use super::Version;
use crate::system::env::Env;
use crate::system::files::{self, AtomicFile};

/// The name of the file in the data folder.
const FILE: &str = "latest-release.json";
const LIMIT: u64 = 4096;

/// Saves the newest version.
pub(crate) fn note(env: &Env, latest: &Version) -> Result<()> {
    let Some(folder) = &env.data_dir else { return Ok(()) };
    let mut file = AtomicFile::begin_private(&folder.join(FILE))?;
    file.write(format!("{}\n", json!({"version": latest.to_string()})).as_bytes())?;
    file.keep()
}

/// Returns the saved version, if it is newer than this program.
pub(crate) fn newer(env: &Env) -> Option<Version> {
    let bytes = files::read(&env.data_dir.as_ref()?.join(FILE), LIMIT).ok()??;
    let noted: Value = serde_json::from_slice(&bytes).ok()?;
    let version: Version = noted.get("version")?.as_str()?.parse().ok()?;
    (version > Version::ours()).then_some(version)
}
