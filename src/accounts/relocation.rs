//! Decides where secrets are stored: sets the store of new secrets, moves secrets between stores, and changes the data
//! key.

use std::time::Duration;

use anyhow::Result;

use super::{Accounts, Transaction, missing_secret};
use crate::model::{Account, AccountName, HubToken, Registry, Secret, Source, StoreKind, Username};
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
        if account.registry.is_docker_hub() {
            let (kind, user) = (self.hub_token_store(to), &account.username);
            for from in StoreKind::OF_FILES.into_iter().filter(|from| *from != kind) {
                for token in HubToken::ALL {
                    // A sealed file whose key is locked may belong to another account, and stays as it is.
                    if let Ok(Some(secret)) = self.vault.hub_token_in(&from, user, token) {
                        edit.secrets.put_hub_token(&kind, user, token, &secret)?;
                        edit.tokens_gone.push((from.clone(), user.clone()));
                    }
                }
            }
        }
        edit.document.put(&moved);
        edit.gone.push(account.clone());
        Ok(())
    }

    /// Returns the store of Docker Hub's tokens for an account in the store `kind`. Other helpers keep no tokens, so
    /// Ensign's own files keep the tokens, sealed if there is a key.
    pub(super) fn hub_token_store(&self, kind: &StoreKind) -> StoreKind {
        match kind {
            kind if kind.keeps_its_own_files() => kind.clone(),
            _ if self.vault.key().check().is_ok() => StoreKind::Sealed,
            _ => StoreKind::File,
        }
    }

    /// Tells whether Ensign keeps tokens of this Docker Hub user in clear text.
    pub(crate) fn has_clear_hub_token(&self, user: &Username) -> bool {
        let is_there =
            |token| self.vault.hub_token_in(&StoreKind::File, user, token).is_ok_and(|found| found.is_some());
        HubToken::ALL.into_iter().any(is_there)
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
