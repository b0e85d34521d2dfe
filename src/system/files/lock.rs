//! `Lock`: keeps other processes from changing a file at the same time.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::{LinkPolicy, Privacy, atomic_file, create_folder, failed, imp, not_a_file, not_opened, retry_interrupted};
use crate::system::threads;

/// How long a writer waits for the lock, which is held only while a few small files are written.
const DEADLINE: Duration = Duration::from_secs(10);

/// An exclusive lock between processes. The system releases the lock of a process that crashes.
pub(crate) struct Lock(File);

impl Lock {
    /// Tells whether another process holds the lock now.
    pub(crate) fn is_held(path: &Path) -> bool {
        let opened = imp::open(path, LinkPolicy::Refused);
        opened.is_ok_and(|file| matches!(try_lock(&file), Err(fs::TryLockError::WouldBlock)))
    }

    /// Takes the lock, and fails if it is not free within ten seconds.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        Self::take_within(path, DEADLINE)?.ok_or_else(|| {
            anyhow!(
                "another ensign has held the lock `{}` for ten seconds: end that process and try again",
                path.display()
            )
        })
    }

    /// Takes the lock; `None` if another process holds the lock for longer than `patience`.
    pub(crate) fn take_within(path: &Path, patience: Duration) -> Result<Option<Self>> {
        let file = Self::open(path)?;
        match try_lock(&file) {
            Ok(()) => return Ok(Some(Self(file))),
            Err(fs::TryLockError::WouldBlock) if patience.is_zero() => return Ok(None),
            Err(fs::TryLockError::WouldBlock) => {}
            Err(fs::TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("could not lock `{}`", path.display()));
            }
        }
        // Waiting in the kernel is fair between many writers, unlike polling. A wait in the kernel has no deadline, so
        // a separate thread waits.
        let (sender, receiver) = mpsc::channel();
        let waiting = move || sender.send(retry_interrupted(|| file.lock()).map(|()| file));
        threads::start(waiting).with_context(|| format!("could not wait for the lock `{}`", path.display()))?;
        match receiver.recv_timeout(patience) {
            Ok(locked) => {
                locked.map(|file| Some(Self(file))).with_context(|| format!("could not lock `{}`", path.display()))
            }
            Err(_) => Ok(None),
        }
    }

    fn open(path: &Path) -> Result<File> {
        let folder = atomic_file::folder_of(path);
        if !path.exists() {
            imp::check_new(folder)?;
        }
        create_folder(folder, Privacy::Secret)?;
        let file = imp::lock().open(path).map_err(|error| not_opened("open", path, LinkPolicy::Refused, &error))?;
        let metadata = file.metadata().map_err(|error| failed("open", path, &error))?;
        if !metadata.is_file() {
            return Err(not_a_file("open", path));
        }
        imp::check_owner(path, &metadata)?;
        Ok(file)
    }

    /// Records a failure of the holder's work in the lock's file, where later holders of the lock can read it.
    pub(crate) fn record_failure(&self) {
        let _ = self.0.set_len(0).and_then(|()| (&self.0).write_all(b"failed"));
    }

    /// Tells whether a failure was recorded in the lock's file within the last `ago`.
    pub(crate) fn failed_recently(&self, ago: Duration) -> bool {
        let noted =
            self.0.metadata().ok().filter(|metadata| metadata.len() > 0).and_then(|noted| noted.modified().ok());
        noted.is_some_and(|noted| noted.elapsed().is_ok_and(|elapsed| elapsed < ago))
    }
}

fn try_lock(file: &File) -> Result<(), fs::TryLockError> {
    loop {
        match file.try_lock() {
            Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            tried => return tried,
        }
    }
}
