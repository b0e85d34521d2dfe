//! `DataKey`: opens, moves and changes the key of the sealed store.
//!
//! The file `key.json` in the data folder describes the key. If a passphrase wraps the key, `key.json` also contains
//! the wrapped key. The config does not contain the key, because people copy the config to other machines.

mod first_key;
mod holder;
mod key_file;
mod keyring;

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Error, Result, anyhow};

use crate::model::{Problem, Secret};
use crate::system::env::Env;
use crate::system::files::{self, Access};
use crate::system::kernel_keyring;
use crate::system::seal::SealKey;
pub(crate) use holder::Holder;
use key_file::KeyFile;
pub(crate) use keyring::probe as probe_keyring;

/// Opens the data key at most once in a process.
#[derive(Clone)]
pub(crate) struct DataKey<'e> {
    env: &'e Env,
    /// The result of the first attempt to open the key. After a failure, the holder is not asked again.
    opened: Rc<RefCell<Option<OpenedKey>>>,
}

type OpenedKey = Result<Rc<SealKey>, Problem>;

/// The state of the data key. Ensign reads the state without opening the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyState {
    pub(crate) id: String,
    pub(crate) holder: Holder,
    /// The time for which the kernel's keyring keeps the opened key. Zero means that the key is not cached.
    pub(crate) cached_for: Duration,
    /// Whether the kernel's keyring contains the opened key now.
    pub(crate) is_cached: bool,
    /// Whether a change of the key is unfinished, so that some files may still be sealed with the previous key.
    pub(crate) is_changing: bool,
}

impl KeyState {
    /// Tells whether the kernel's keyring should keep the opened key.
    pub(crate) fn is_to_be_cached(&self) -> bool {
        self.holder.is_cached() && !self.cached_for.is_zero()
    }
}

/// The default time for which the opened key is cached. The default is a working day, so that a person types the
/// passphrase once a day.
const CACHED_FOR: Duration = Duration::from_hours(8);

/// The pause before a holder that did not answer is asked again. Without a pause, a build with twenty images would wait
/// for the holder twenty times.
const LEFT_ALONE: Duration = Duration::from_secs(10);

const LIMIT: u64 = 64 << 10;

impl<'e> DataKey<'e> {
    pub(super) fn new(env: &'e Env) -> Self {
        Self { env, opened: Rc::default() }
    }

    /// Opens the key with this id. Messages contain `shown`, which is the name of the file that needs the key. Never
    /// prompts a person.
    pub(super) fn open(&self, id: &str, shown: &str) -> Result<Rc<SealKey>> {
        if let Some(opened) = self.opened.borrow().as_ref() {
            match opened {
                Ok(key) if key.id() == id => return Ok(Rc::clone(key)),
                Ok(_) => {}
                Err(problem) => return Err(problem.clone().into()),
            }
        }
        if let Some(key) = kernel_keyring::read::<{ SealKey::LENGTH }>(&entry(id)) {
            return Ok(self.keep_opened(
                SealKey::from_bytes(&*key)
                    .ok_or_else(|| anyhow!("the key in the kernel's keyring has the wrong length"))?,
            ));
        }
        let Some(file) = self.file()? else { return Err(self.lost(id).into()) };
        if file.previous() == Some(id) {
            return Ok(Rc::new(file.open_previous(&*self.open(&file.key, shown)?)?));
        }
        if file.key != id {
            return Err(another_key(shown, id, &file.key).into());
        }
        let asked = self.ask(&file).map_err(|error| problem_of(&error));
        match asked {
            Ok(key) => Ok(self.keep_opened(key)),
            Err(problem) => {
                *self.opened.borrow_mut() = Some(Err(problem.clone()));
                Err(problem.into())
            }
        }
    }

    /// Returns the key with which new secrets are sealed.
    pub(super) fn current(&self) -> Result<Rc<SealKey>> {
        let file = self.known("there is no key to seal secrets with")?;
        self.open(&file.key, &self.shown())
    }

    /// Returns an error if new secrets cannot be sealed now.
    pub(crate) fn check(&self) -> Result<()> {
        self.current().map(drop)
    }

    /// Returns the state of the key, or `None` if there is no key yet.
    pub(crate) fn state(&self) -> Result<Option<KeyState>> {
        self.file()?.map(Self::state_of).transpose()
    }

    fn state_of(file: KeyFile) -> Result<KeyState> {
        let is_cached = kernel_keyring::read::<{ SealKey::LENGTH }>(&entry(&file.key)).is_some();
        let (cached_for, is_changing) = (file.cached_for(), file.previous().is_some());
        Ok(KeyState { holder: file.holder()?, id: file.key, cached_for, is_cached, is_changing })
    }

    /// Returns the state of the key. Fails if there is no key.
    pub(crate) fn known_state(&self) -> Result<KeyState> {
        Self::state_of(self.known(NOTHING_SEALED)?)
    }

    /// Opens the key and caches it in the kernel's keyring. If `time` is `None`, uses the time in `key.json`.
    pub(crate) fn unlock(&self, passphrase: Option<&Secret>, time: Option<Duration>) -> Result<KeyState> {
        let file = self.known(NOTHING_SEALED)?;
        // A person may have repaired the holder, so the holder is asked again.
        let _ = kernel_keyring::remove(&silence(&file.key));
        let key = match (file.holder()?, passphrase) {
            (Holder::Passphrase, Some(passphrase)) => file.unwrap(passphrase)?,
            _ => self.ask(&file)?,
        };
        let time = time.unwrap_or(file.cached_for()).max(Duration::from_secs(1));
        self.cache(&key, time).map_err(|why| {
            let hint = "let a file hold the key: run `docker-credential-ensign store key --holder file:PATH`";
            Problem::new(format!("the key cannot be kept open: {why}"), hint)
        })?;
        self.keep_opened(key);
        self.known_state()
    }

    /// Removes the opened key from the kernel's keyring. Returns whether the key was cached.
    pub(crate) fn lock(&self) -> Result<bool> {
        let file = self.known(NOTHING_SEALED)?;
        *self.opened.borrow_mut() = None;
        if let Some(id) = file.previous() {
            let _ = kernel_keyring::remove(&entry(id));
        }
        kernel_keyring::remove(&entry(&file.key)).map_err(|why| anyhow!("the opened key could not be removed: {why}"))
    }

    /// Opens the key with a passphrase, and keeps the opened key only in this process.
    pub(crate) fn open_by_passphrase(&self, passphrase: &Secret) -> Result<()> {
        let file = self.known(NOTHING_SEALED)?;
        self.keep_opened(file.unwrap(passphrase)?);
        Ok(())
    }

    /// Begins a change to a new key, which the holder stores in addition to the previous key. Until `end_change`, files
    /// that are sealed with either key can be opened. If an earlier change of the key was interrupted, continues with
    /// the new key of the earlier change. The caller must hold the config's lock.
    pub(super) fn begin_change(&self, passphrase: Option<&Secret>) -> Result<()> {
        let file = self.known(NOTHING_SEALED)?;
        if file.previous().is_some() {
            return self.current().map(drop);
        }
        let holder = file.holder()?;
        let before = match passphrase {
            Some(passphrase) => Rc::new(file.unwrap(passphrase)?),
            None => self.current()?,
        };
        let key = SealKey::random()?;
        let wrapped = holder.add(&key, &before, passphrase)?;
        let time = file.cached_for();
        let file = KeyFile::new(&key.id(), &holder, time, wrapped).with_previous(&before, &key)?;
        self.write(&file)?;
        if holder.is_cached() {
            let _ = self.cache(&key, time);
        }
        self.keep_opened(key);
        Ok(())
    }

    /// Removes the old key. The caller must have sealed every file with the new key.
    pub(super) fn end_change(&self) -> Result<KeyState> {
        let file = self.known(NOTHING_SEALED)?;
        if let Some(before) = file.previous().map(str::to_owned) {
            let key = self.current()?;
            file.holder()?.keep_only(&key, &before)?;
            self.write(&file.without_previous())?;
            let _ = kernel_keyring::remove(&entry(&before));
        }
        self.known_state()
    }

    /// Moves the key to another holder. If there is none, takes over the holder's key, or makes a key. The caller must
    /// hold the config's lock. The previous holder's copy of the key is removed last. Returns the state of the key, and
    /// whether the key is new.
    pub(crate) fn hold(
        &self,
        holder: &Holder,
        passphrase: Option<&Secret>,
        time: Option<Duration>,
    ) -> Result<(KeyState, bool)> {
        let before = self.file()?;
        if before.as_ref().is_some_and(|file| file.previous().is_some()) {
            return Err(Problem::run("a change of the key was not finished", "store key --rotate").into());
        }
        if *holder == Holder::Passphrase {
            probe_kernel_keyring().map_err(|why| cannot_stay_open(&why))?;
        }
        let present = self.state()?.map(|state| self.present_key(&state)).transpose()?.flatten();
        let (key, is_new) = match present {
            Some(key) => (key, false),
            None => self.first_key(holder).map(|(key, is_new)| (Rc::new(key), is_new))?,
        };
        let time = time.or(before.as_ref().map(KeyFile::cached_for)).unwrap_or(CACHED_FOR);
        let wrapped = holder.give(&key, passphrase)?;
        if holder.is_cached() {
            let _ = self.cache(&key, time); // so that nobody has to type the passphrase again
        }
        let file = KeyFile::new(&key.id(), holder, time, wrapped);
        self.write(&file)?;
        if let Some(old) = before.as_ref().map(KeyFile::holder).transpose()?.filter(|old| old != holder) {
            old.remove(&key.id());
        }
        if !holder.is_cached() || time.is_zero() {
            let _ = kernel_keyring::remove(&entry(&key.id()));
        }
        *self.opened.borrow_mut() = Some(Ok(key));
        Ok((self.known_state()?, is_new))
    }

    /// Gets the key from the holder, and caches it in the kernel's keyring.
    fn ask(&self, file: &KeyFile) -> Result<SealKey> {
        let holder = file.holder()?;
        let (down, is_cached) = (silence(&file.key), holder.is_cached());
        if is_cached && kernel_keyring::read::<1>(&down).is_some() {
            return Err(
                Problem::run(format!("{} failed to return the key a moment ago", holder.subject()), "unlock").into()
            );
        }
        let asked = holder.ask(&file.key);
        match &asked {
            Ok(key) if key.id() != file.key => {
                let message = format!("{} has another key, not the one that sealed the secrets", holder.subject());
                return Err(Problem::new(message, holder::put_back(&file.key)).into());
            }
            Ok(key) if is_cached && !file.cached_for().is_zero() => drop(self.cache(key, file.cached_for())),
            Err(_) if is_cached && holder != Holder::Passphrase => {
                let _ = kernel_keyring::write(&down, &[1], LEFT_ALONE);
            }
            _ => {}
        }
        asked
    }

    fn cache(&self, key: &SealKey, time: Duration) -> Result<(), String> {
        if time.is_zero() { Ok(()) } else { kernel_keyring::write(&entry(&key.id()), key.bytes(), time) }
    }

    fn keep_opened(&self, key: SealKey) -> Rc<SealKey> {
        let key = Rc::new(key);
        *self.opened.borrow_mut() = Some(Ok(Rc::clone(&key)));
        key
    }

    /// Reads `key.json`. If there is none, fails with the message `no_key`, or says that sealed files need the key.
    fn known(&self, no_key: &str) -> Result<KeyFile> {
        match self.file()? {
            Some(file) => Ok(file),
            None => self.refuse_loss().and(Err(Problem::run(no_key, Holder::FIRST_KEY).into())),
        }
    }

    fn file(&self) -> Result<Option<KeyFile>> {
        let Some(bytes) = self.path().map_or(Ok(None), |path| files::read_secret(&path, LIMIT))? else {
            return Ok(None);
        };
        KeyFile::read(&bytes, &self.shown()).map(Some)
    }

    fn write(&self, file: &KeyFile) -> Result<()> {
        files::replace(&self.path()?, &file.to_bytes()?, Access::Private)
    }

    fn path(&self) -> Result<PathBuf> {
        let folder = self.env.data_dir.as_ref();
        Ok(folder.ok_or_else(super::no_home)?.join("key.json"))
    }

    fn shown(&self) -> String {
        self.path().map(|path| self.env.shorten_home(&path)).unwrap_or_default()
    }
}

/// Tests whether the kernel's keyring works.
pub(crate) fn probe_kernel_keyring() -> Result<(), String> {
    let (name, time) = ("ensign:probe", Duration::from_secs(1));
    kernel_keyring::write(name, &[1], time).and_then(|()| kernel_keyring::remove(name)).map(drop)
}

/// Returns the problem for a passphrase key that could not be cached. Such a key needs the cache, because a person
/// cannot type a passphrase while Docker calls Ensign.
fn cannot_stay_open(why: &str) -> Problem {
    let hint =
        "let a file or the system's keyring hold the key: run `docker-credential-ensign store key --holder file:PATH`";
    Problem::new(format!("a key behind a passphrase could not be kept open: {why}"), hint)
}

/// Returns the name of an entry in the kernel's keyring. The entry records that the holder has just failed.
fn silence(id: &str) -> String {
    format!("{}:down", entry(id))
}

/// Returns the name of the key's entry in the kernel's keyring.
fn entry(id: &str) -> String {
    format!("ensign:{id}")
}

const NOTHING_SEALED: &str = "there is no key, because nothing is sealed here";

fn another_key(shown: &str, sealed_with: &str, text: &str) -> Problem {
    Problem::new(
        format!("`{shown}` was sealed with another key: it needs {sealed_with}, and this machine has {text}"),
        "put that key's `key.json` back, or remove the file and log in again",
    )
}

fn problem_of(error: &Error) -> Problem {
    error.downcast_ref::<Problem>().cloned().unwrap_or_else(|| Problem::run(format!("{error:#}"), "store key"))
}
