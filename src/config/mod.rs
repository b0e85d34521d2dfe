//! Our own file: which accounts there are, without any secret.
//!
//! `reader` understands it, `config_document` edits it and keeps what it does not understand, `layout` writes it, `config_file`
//! loads and saves it under a lock, `backup` puts its last good copy back, `account` is the shape of an account, `source` and `callers` of a field of it, `atcr` takes over ATCR's older formats.

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
