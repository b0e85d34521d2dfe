//! Gets the first key if there is no `key.json`, or if its key is lost and seals no file. If sealed files exist, only the
//! key that sealed them will do, because a new key cannot open these files.

use std::rc::Rc;

use anyhow::{Result, bail};

use super::{DataKey, Holder, KeyState, problem_of};
use crate::model::Problem;
use crate::system::files;
use crate::system::seal::SealKey;
use crate::system::text::quote_path;
use crate::vault::file::{LIMIT, sealed_files};
use crate::vault::sealed_store::Envelope;

impl DataKey<'_> {
    /// Returns the key for a first `key.json`, and whether the key is new. If sealed files exist, the holder must have
    /// their key.
    pub(super) fn first_key(&self, holder: &Holder) -> Result<(SealKey, bool)> {
        let needed = self.needed()?;
        for id in &needed {
            if let Some(key) = holder.find(id)? {
                return Ok((key, false));
            }
        }
        if let Some(id) = needed.first() {
            let message = format!("the key `{id}` of the sealed secrets is not {}", holder.place());
            bail!(Problem::new(message, self.ways_without_key()?));
        }
        holder.known_key()?.map_or_else(|| Ok((SealKey::random()?, true)), |key| Ok((key, false)))
    }

    /// Opens the key in `key.json`, so that the key can get another holder. Returns `None` if the key
    /// cannot be opened and seals no file, because a new key may then replace the key.
    pub(crate) fn present_key(&self, state: &KeyState) -> Result<Option<Rc<SealKey>>> {
        match self.current() {
            Ok(key) => Ok(Some(key)),
            Err(_) if !self.needed()?.contains(&state.id) => Ok(None),
            Err(error) if state.holder == Holder::Passphrase => Err(error), // the key is only locked
            Err(error) => {
                let Problem { message, hint } = problem_of(&error);
                bail!(Problem::new(message, format!("{hint}; {}", self.way_to_a_new_key()?)))
            }
        }
    }

    /// Fails if `key.json` is missing although sealed files need a key.
    pub(crate) fn refuse_loss(&self) -> Result<()> {
        let needed = if self.file()?.is_some() { vec![] } else { self.needed()? };
        needed.first().map_or(Ok(()), |id| Err(self.lost(id).into()))
    }

    pub(super) fn lost(&self, id: &str) -> Problem {
        let message = format!(
            "`{}` is missing, so Ensign cannot find the key `{id}`, which the sealed secrets need",
            self.shown()
        );
        Problem::new(
            message,
            "put the file back from a backup, or name the holder that has this key: run `docker-credential-ensign store key --holder HOLDER`",
        )
    }

    /// Returns the ids of the keys that sealed the files. A broken file counts for no key.
    fn needed(&self) -> Result<Vec<String>> {
        let mut ids = vec![];
        for path in sealed_files(self.env)? {
            let shown = self.env.shorten_home(&path);
            let bytes = files::read_secret(&path, LIMIT)?.unwrap_or_default();
            ids.extend(Envelope::read(&bytes, &shown).ok().map(|envelope| envelope.key));
        }
        ids.dedup();
        Ok(ids)
    }

    /// Returns the hint for a holder without the needed key. A person who gives the secrets up must say so by a command
    /// of their own, which moves the files and destroys nothing.
    fn ways_without_key(&self) -> Result<String> {
        Ok(format!("name the holder that has this key; {}", self.way_to_a_new_key()?))
    }

    fn way_to_a_new_key(&self) -> Result<String> {
        let folder = self.path()?.with_file_name("sealed");
        let [from, to] = [folder.clone(), files::sibling(&folder, ".old")].map(|path| quote_path(&path));
        Ok(format!("to make a new key and give these secrets up, first run `mv {from} {to}`"))
    }
}
