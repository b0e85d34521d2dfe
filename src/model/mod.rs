//! Registries, images, accounts, secrets and the choice between accounts, as plain values.
//!
//! No code in this module reads a file, the clock or the environment, so tests need only tables of cases.

mod account;
mod callers;
pub(crate) mod choice;
mod count;
pub(crate) mod env_account;
mod expiry;
mod helper_message;
mod host_alias;
mod host_pattern;
mod image;
pub(crate) mod jwt;
mod minimum_generation;
mod network;
mod operation;
mod pattern;
mod problem;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod registry;
mod secret;
mod server_url;
mod source;
pub(crate) mod timestamp;

pub use account::{Account, AccountName, HelperName, StoreKind, Username};
pub use callers::CallerRule;
pub(crate) use callers::{CallerEdit, CallerFacts, CallerRefusal};
pub(crate) use count::count;
pub(crate) use expiry::{Expiry, time_span};
pub(crate) use helper_message::HelperMessage;
pub(crate) use host_alias::HostAlias;
pub(crate) use host_pattern::key_covers;
pub use image::{ImageReference, Repository};
pub(crate) use minimum_generation::MinimumGeneration;
pub(crate) use network::Network;
pub use operation::Operation;
pub use pattern::{ImagePattern, Specificity};
pub use problem::InvalidName;
pub(crate) use problem::Problem;
pub use registry::Registry;
pub(crate) use secret::Audience;
pub use secret::{Credential, Secret};
pub(crate) use server_url::is_ambiguous;
pub use server_url::{HubToken, ServerUrl, Target};
pub use source::{EndedSession, ExternalProgram, ExternalSource, LoginLife, OAuthGrant, Source, StoredSecret};
