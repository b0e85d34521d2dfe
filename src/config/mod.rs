//! Reads and writes Ensign's own config, which contains the accounts without their secrets.
//!
//! `reader` parses `config.json`, and `config_document` edits it. `layout` formats the text, `config_file` loads and
//! saves the file under a lock, and `backup` restores the last good copy. `account`, `source` and `callers` read and
//! write parts of the file. `atcr` adopts accounts from ATCR's older formats.

mod account;
mod atcr;
mod backup;
mod callers;
mod config_document;
mod config_file;
mod host_alias;
mod layout;
mod loaded_config;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod reader;
mod source;

pub(crate) use atcr::AdoptedAccounts;
pub(crate) use backup::RestoreOutcome;
pub(crate) use config_document::ConfigDocument;
pub(crate) use config_file::{ConfigEdit, ConfigFile};
pub(crate) use loaded_config::LoadedConfig;
