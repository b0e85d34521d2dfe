//! Where the first secret is kept if nobody has said it: sealed, if the system's keyring can hold the key.

use std::time::Duration;

use anyhow::Result;

use super::Accounts;
use crate::model::StoreKind;
use crate::system::env;
use crate::vault::{Holder, probe_keyring};

/// Where new secrets are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreChoice {
    pub(crate) kind: StoreKind,
    /// It was found out just now, and is to be written down.
    pub(crate) is_new: bool,
}

/// Says where new secrets are kept, in place of the config: for machines.
const VARIABLE: &str = "ENSIGN_STORE";

impl Accounts<'_> {
    /// What a variable, the config or else a probe of the keyring says. It changes nothing.
    pub(crate) fn choose_store(&self, patience: Duration) -> Result<StoreChoice> {
        let set = self.named_store().map_or_else(|| self.store_setting(), |kind| Ok(Some(kind)))?;
        if let Some(kind) = set {
            return Ok(StoreChoice { kind, is_new: false });
        }
        let can_seal = self.vault.key().state()?.is_some() || probe_keyring(patience).is_ok();
        Ok(StoreChoice { kind: if can_seal { StoreKind::Sealed } else { StoreKind::File }, is_new: can_seal })
    }

    /// What the variable says.
    pub(crate) fn named_store(&self) -> Option<StoreKind> {
        env::variable(VARIABLE).map(|value| StoreKind::parse(&value.to_string_lossy()))
    }

    /// Writes a new choice down, with a key in the keyring. That nothing was found is not written: the next login looks again.
    pub(crate) fn settle_store(&self, choice: &StoreChoice) -> Result<()> {
        if choice.kind == StoreKind::Sealed && self.vault.key().state()?.is_none() {
            self.hold_key(&Holder::Keyring, None, None)?; // a config that was carried here brings no key
        }
        if choice.is_new { self.set_store(Some(&choice.kind)) } else { Ok(()) }
    }
}
