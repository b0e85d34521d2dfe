//! Implements the sealed store, which seals each file with the data key. The content is the same as in the file store.

mod envelope;

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use super::key::DataKey;
use super::refuse_newer;
use crate::model::{MinimumGeneration, Problem, Registry};
pub(super) use envelope::Envelope;
use envelope::VERSION;

/// The data key and the lowest accepted generations, which are needed to read and write sealed files.
#[derive(Clone)]
pub(super) struct SealContext<'e> {
    pub(super) key: DataKey<'e>,
    pub(super) floors: Rc<RefCell<Vec<MinimumGeneration>>>,
}

impl SealContext<'_> {
    /// Decrypts a sealed file. Returns an error if the file is an old copy.
    pub(super) fn open(&self, registry: &Registry, bytes: &[u8], shown: &str) -> Result<Zeroizing<Vec<u8>>> {
        let envelope = Envelope::read(bytes, shown)?;
        let key = self.key.open(&envelope.key, shown)?;
        let (id, generation) = (envelope.key.clone(), envelope.generation);
        let text = envelope.open(registry, &key, shown)?;
        match self.floor(registry, &id) {
            Some(least) if generation < least => {
                let message =
                    format!("`{shown}` is an old copy: generation {generation}, but the newest is {least} or later");
                bail!(Problem::new(message, "put the newest copy back, or remove this copy and log in again"))
            }
            _ => Ok(text),
        }
    }

    /// Seals `text`, and returns the sealed bytes that replace `before`, together with the new generation.
    pub(super) fn seal(
        &self,
        registry: &Registry,
        names: Vec<String>,
        text: &[u8],
        before: Option<&[u8]>,
        shown: &str,
    ) -> Result<(Vec<u8>, MinimumGeneration)> {
        let key = self.key.current()?;
        let id = key.id();
        let last = before.map(|bytes| Envelope::read(bytes, shown)).transpose()?.map_or(0, |last| last.generation);
        let generation = last.max(self.floor(registry, &id).unwrap_or_default()) + 1;
        let envelope = Envelope::seal(registry, names, generation, &key, text)?;
        let mut bytes = serde_json::to_vec_pretty(&envelope)?;
        bytes.push(b'\n');
        Ok((bytes, MinimumGeneration { registry: registry.clone(), key: id, generation }))
    }

    /// Tells whether a file is broken. A broken file cannot be parsed, or cannot be opened with its key. If the file
    /// can be parsed but its key is not available, returns `false`.
    pub(super) fn is_broken(&self, registry: &Registry, bytes: &[u8], shown: &str) -> Result<bool> {
        refuse_newer(bytes, VERSION, shown)?;
        let Ok(envelope) = Envelope::read(bytes, shown) else { return Ok(true) };
        let Ok(key) = self.key.open(&envelope.key, shown) else { return Ok(false) };
        Ok(envelope.is_of(registry) && envelope.open(registry, &key, shown).is_err())
    }

    fn floor(&self, registry: &Registry, key: &str) -> Option<u64> {
        let floors = self.floors.borrow();
        let mut known = floors.iter().filter(|floor| floor.registry == *registry && floor.key == key);
        known.next().map(|floor| floor.generation)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Account, MinimumGeneration, Registry, Secret, StoreKind};
    use crate::system::env::Env;
    use crate::vault::{Holder, Vault};

    #[test]
    fn an_old_copy_is_refused_after_the_config_of_another_registry_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let env = Env::in_folder(folder.path(), vec![]);
        let vault = Vault::new(&env);
        let key = vault.key().hold(&Holder::File(folder.path().join("key")), None, None).unwrap().0.id;
        let floor =
            |host, generation| MinimumGeneration { registry: Registry::from_key(host), key: key.clone(), generation };
        let account =
            Account { store: StoreKind::Sealed, ..Account::new(Registry::from_key("ghcr.io"), "me".parse().unwrap()) };
        vault.writer().put(&account, &Secret::new("s".into()).into()).unwrap();
        assert!(vault.get(&account).unwrap().is_some());
        vault.heed(&[floor("ghcr.io", 2), floor("quay.io", 1)]);
        vault.heed(&[floor("quay.io", 3)]);
        let error = vault.get(&account).unwrap_err().to_string();
        assert!(error.contains("is an old copy: generation 1, but the newest is 2 or later"), "{error}");
    }
}
