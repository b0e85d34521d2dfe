//! Chooses the store of the first secret. The choice is `sealed` if the system's keyring can store the data key.

use std::time::Duration;

use anyhow::Result;

use super::Accounts;
use crate::model::StoreKind;
use crate::system::env;
use crate::vault::{Holder, probe_keyring};

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
        let set = self.named_store().map_or_else(|| self.store_setting(), |kind| Ok(Some(kind)))?;
        if let Some(kind) = set {
            return Ok(StoreChoice { kind, is_new: false });
        }
        let can_seal = self.vault.key().state()?.is_some() || probe_keyring(patience).is_ok();
        Ok(StoreChoice { kind: if can_seal { StoreKind::Sealed } else { StoreKind::File }, is_new: can_seal })
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
