//! Decides where secrets are stored: sets the store of new secrets, moves secrets between stores, and changes the data
//! key.

use std::time::Duration;

use anyhow::Result;

use super::{Accounts, Transaction, missing_secret};
use crate::model::{Account, AccountName, HubToken, Registry, Secret, Source, StoreKind};
use crate::vault::{Holder, KeyState};

impl Accounts<'_> {
    /// Returns the store of new secrets, if the config sets a store.
    pub(crate) fn store_setting(&self) -> Result<Option<StoreKind>> {
        Ok(self.config.load(None)?.store)
    }

    /// Sets the store of new secrets. With `None`, the next login chooses a store.
    pub(crate) fn set_store(&self, kind: Option<&StoreKind>) -> Result<()> {
        self.set(|document| document.set_store(kind))
    }

    /// Moves the secrets of these accounts to another store. After an error, no secret is moved. The new copies of the
    /// secrets are written before the config, and the old copies are removed last. Returns the accounts that were
    /// moved.
    pub(crate) fn relocate(&self, which: &[(Registry, AccountName)], to: &StoreKind) -> Result<Vec<Account>> {
        self.change(|edit| {
            let mut moved = vec![];
            for (registry, name) in which {
                let entry = edit.registry_accounts(registry);
                let Some(account) = entry.called(name.as_str()) else { continue };
                if account.store != *to {
                    self.relocate_account(edit, account, to)?;
                    moved.push(Account { store: to.clone(), ..account.clone() });
                }
            }
            Ok(moved)
        })
    }

    fn relocate_account(&self, edit: &mut Transaction<'_>, account: &Account, to: &StoreKind) -> Result<()> {
        let moved = Account { store: to.clone(), ..account.clone() };
        match self.vault.get(account)? {
            Some(stored) => edit.secrets.put(&moved, &stored)?,
            None if matches!(account.source, Source::External(_)) => {} // the external program returns the secret again
            None => return Err(missing_secret(account).into()),
        }
        if account.registry.is_docker_hub() && to.keeps_its_own_files() && account.store.keeps_its_own_files() {
            for token in HubToken::ALL {
                if let Some(secret) = self.vault.hub_token_in(&account.store, &account.username, token)? {
                    edit.secrets.put_hub_token(to, &account.username, token, &secret)?;
                }
            }
            edit.tokens_gone.push((account.store.clone(), account.username.clone()));
        }
        edit.document.put(&moved);
        edit.gone.push(account.clone());
        Ok(())
    }

    /// Moves the data key to a holder. If there is none, takes over the holder's key, or makes a key. Returns the state
    /// of the key, and whether the key is new.
    pub(crate) fn hold_key(
        &self,
        holder: &Holder,
        passphrase: Option<&Secret>,
        cached_for: Option<Duration>,
    ) -> Result<(KeyState, bool)> {
        let _lock = self.config.lock()?;
        self.vault.key().hold(holder, passphrase, cached_for)
    }

    /// Makes a new data key at the same holder, and seals every sealed secret with the new key. During the change,
    /// each file can be opened with one of the two keys. Returns the state of the key and the number of files.
    pub(crate) fn rotate_key(&self, passphrase: Option<&Secret>) -> Result<(KeyState, usize)> {
        let files = self.change(|edit| {
            self.vault.begin_key_change(passphrase)?;
            edit.secrets.reseal()
        })?;
        let _lock = self.config.lock()?;
        Ok((self.vault.end_key_change()?, files))
    }
}
