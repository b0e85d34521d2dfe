//! Our own file: which accounts there are, without any secret.
//!
//! `read` understands it, `document` edits it and keeps what it does not understand, `layout` writes it, `file`
//! loads and saves it under a lock, `restore` puts its last good copy back, `account` is the shape of an account, `source` and `callers` of a field of it, `adopt` takes over ATCR's older formats.

mod account;
mod adopt;
mod alias;
mod callers;
mod document;
mod file;
mod layout;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod read;
mod restore;
mod source;

pub(crate) use adopt::Adopted;
pub(crate) use document::Document;
pub(crate) use file::{ConfigFile, Edit, Loaded, Origin};
pub(crate) use restore::Restored;
