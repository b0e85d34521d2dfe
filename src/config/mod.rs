//! Our own config: the accounts without their secrets.
//!
//! `reader` parses `config.json` and `config_document` edits it. `layout` writes the text, `config_file` loads and
//! saves it under a lock, and `backup` restores its last good copy. `account`, `source` and `callers` read and write
//! parts of the file. `atcr` adopts ATCR's older formats.

mod account;
mod atcr;
mod backup;
mod callers;
mod config_document;
mod config_file;
mod host_alias;
mod layout;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod reader;
mod source;

pub(crate) use atcr::AdoptedAccounts;
pub(crate) use backup::RestoreOutcome;
pub(crate) use config_document::ConfigDocument;
pub(crate) use config_file::{ConfigEdit, ConfigFile, ConfigOrigin, LoadedConfig};
