//! The journal: the last answers with their reasons, which the command `why` shows. The journal is a small private file
//! in a folder that the system keeps in memory. On macOS and Windows, it is in the user's folder for temporary files.
//!
//! The journal is optional, and nothing is written if there is no such folder. The journal contains no
//! secrets. From command lines, the journal contains only images and the names of known clients.

mod entry;

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::model::choice::{Decision, Verdict};
use crate::model::{Account, Problem};
use crate::system::env::Env;
use crate::system::files;

pub(crate) use entry::{CallOutcome, JournalEntry};

/// The size limit of the current file and of the previous file. Each of the two files has room for about three hundred
/// answers.
const LIMIT: u64 = 64 << 10;
const NAME: &str = "ensign-journal.jsonl";

pub(crate) struct Journal {
    path: PathBuf,
}

impl Journal {
    /// Opens the journal, or returns `None` if there is no folder for it.
    pub(crate) fn open(env: &Env) -> Option<Self> {
        env.journal_dir().map(|folder| Self { path: folder.join(NAME) })
    }

    /// Writes an answer into the journal, and ignores a failure.
    pub(crate) fn add(&self, entry: &JournalEntry) {
        let _ = self.try_add(entry);
    }

    /// Writes an answer into the journal, or returns why the answer could not be written. An account with a caller rule
    /// is handed out only after the entry was written.
    pub(crate) fn try_add(&self, entry: &JournalEntry) -> io::Result<()> {
        files::append_line(&self.path, entry.to_line().as_bytes(), LIMIT)
    }

    /// Tells whether an answer can be written into the journal now.
    pub(crate) fn can_record(env: &Env) -> bool {
        Self::open(env).is_some_and(|journal| files::append_line(&journal.path, b"", LIMIT).is_ok())
    }

    /// Writes an entry before a command other than `get` hands out an account's secret. Returns `false` if the entry
    /// could not be written.
    pub(crate) fn note_hand_out(env: &Env, account: &Account, client: &str) -> bool {
        let journal = Self::open(env).filter(|_| !env.forbids_journal());
        let decision = Decision::without_steps(&account.registry, Verdict::Account);
        let decision = Decision { account: Some(account.name.to_string()), ..decision };
        let mut entry = JournalEntry::new(decision, CallOutcome::Answered);
        entry.client = Some(client.to_owned());
        journal.is_some_and(|journal| journal.try_add(&entry).is_ok())
    }

    /// Returns the answers in the journal, with the newest answer first.
    pub(crate) fn entries(&self) -> Result<Vec<JournalEntry>> {
        let bytes = files::read_lines(&self.path, LIMIT).map_err(|error| {
            Problem::run(format!("the journal `{}` could not be read: {error}", self.path.display()), "why --clear")
        })?;
        let mut entries: Vec<_> = String::from_utf8_lossy(&bytes).lines().filter_map(JournalEntry::read).collect();
        entries.reverse();
        Ok(entries)
    }

    /// Removes all entries, including the entries in the previous file.
    pub(crate) fn clear(&self) -> Result<()> {
        files::remove_lines(&self.path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
