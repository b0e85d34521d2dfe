//! Chooses the store of the first secret. The choice is `sealed` if the system's keyring can store the data key.

use std::time::Duration;

use anyhow::Result;

use super::Accounts;
use crate::model::{Problem, StoreKind};
use crate::system::{env, text};
use crate::vault::{Holder, is_known_store, probe_keyring, store_words};

/// The store of new secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreChoice {
    pub(crate) kind: StoreKind,
    /// Whether the choice must still be saved in the config.
    pub(crate) is_new: bool,
}

/// The variable that sets the store of new secrets. The variable overrides the config, for example in unattended jobs.
const VARIABLE: &str = "ENSIGN_STORE";

impl Accounts<'_> {
    /// Chooses the store. The variable has the first priority, then the config, and then a probe of the keyring.
    /// Changes nothing.
    pub(crate) fn choose_store(&self, patience: Duration) -> Result<StoreChoice> {
        if let Some(kind) = self.known_setting()? {
            return Ok(StoreChoice { kind, is_new: false });
        }
        let can_seal = self.vault.key().state()?.is_some() || probe_keyring(patience).is_ok();
        Ok(StoreChoice { kind: if can_seal { StoreKind::Sealed } else { StoreKind::File }, is_new: can_seal })
    }

    /// Returns the store that the variable or the config sets. Fails if this Ensign does not have the store.
    pub(crate) fn known_setting(&self) -> Result<Option<StoreKind>> {
        let named = self.named_store();
        let is_named = named.is_some();
        let set = named.map_or_else(|| self.store_setting(), |kind| Ok(Some(kind)))?;
        let Some(unknown) = set.as_ref().filter(|kind| !is_known_store(kind)) else { return Ok(set) };
        let unknown = text::one_line(&unknown.to_string(), 40);
        Err(if is_named {
            let message = format!("{VARIABLE} is `{unknown}`, which is not a store");
            Problem::new(message, format!("run `unset {VARIABLE}`, or set it to {}", store_words()))
        } else {
            Problem::run(format!("the config names the store `{unknown}`, which is not a store"), "store --unset")
        }
        .into())
    }

    /// Returns the store that the variable `ENSIGN_STORE` sets.
    pub(crate) fn named_store(&self) -> Option<StoreKind> {
        env::variable(VARIABLE).map(|value| StoreKind::parse(&value.to_string_lossy()))
    }

    /// Saves a new choice. If the sealed store has no key yet, makes a key in the keyring. After a failed probe, saves
    /// nothing, so that the next login probes again.
    pub(crate) fn settle_store(&self, choice: &StoreChoice) -> Result<()> {
        if choice.kind == StoreKind::Sealed && self.vault.key().state()?.is_none() {
            self.hold_key(&Holder::Keyring, None, None)?; // a config that was copied from another machine has no key
        }
        if choice.is_new { self.set_store(Some(&choice.kind)) } else { Ok(()) }
    }
}
