//! `Installation`: finds out where and by whom this program was installed, and replaces the program.
//!
//! An update replaces the program by a rename in the program's own folder, so that the name always leads to a working
//! program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use super::owner::{Owner, owner_of};
use super::{PROGRAM, Version};
use crate::model::Problem;
use crate::system::env;
use crate::system::files::{self, InstalledFile, Lock};
use crate::system::programs::{self, ProgramCall, ProgramOutput};
use crate::system::text::one_line;

/// The place where this program is installed.
pub(crate) struct Installation {
    /// The folder above the program's folder.
    pub(crate) prefix: PathBuf,
    pub(crate) owner: Owner,
    folder: PathBuf,
}

/// The names of files in the program's folder: the next program, the previous program, and the previous program during
/// a roll-back.
const NEXT: &str = ".ensign-next";
const PREVIOUS: &str = ".ensign-previous";
const RETURNING: &str = ".ensign-returning";

/// The paths below the prefix: the notes that install.sh and packages write, and the lock.
const INSTALLED_FROM: &str = "lib/ensign/installed-from";
const INSTALLED_BY: &str = "lib/ensign/installed-by";
const LOCK: &str = "lib/ensign/update.lock";

const RECORD_LIMIT: u64 = 4096;
const DEADLINE: Duration = Duration::from_secs(30);

impl Installation {
    pub(crate) fn find() -> Result<Self> {
        let program = env::program()
            .ok_or_else(|| Problem::new("this program cannot find itself", "mount /proc, if it is missing here"))?;
        let folder = program.parent().unwrap_or(Path::new("")).to_owned();
        let prefix = folder.parent().unwrap_or(Path::new("")).to_owned();
        let line = |record: &str| -> Result<Option<String>> {
            let bytes = files::read_any(&prefix.join(record), RECORD_LIMIT)?;
            let line =
                bytes.map(|bytes| one_line(String::from_utf8_lossy(&bytes).lines().next().unwrap_or_default(), 1000));
            Ok(line.filter(|line| !line.is_empty()))
        };
        let owner = owner_of(&program, line(INSTALLED_BY)?, line(INSTALLED_FROM)?);
        Ok(Self { prefix, owner, folder })
    }

    /// Takes the lock that excludes other updates.
    pub(crate) fn lock(&self) -> Result<Lock> {
        if !files::may_write(&self.folder) {
            let what = format!("you may not write to `{}`; nothing was changed", self.folder.display());
            return Err(Problem::new(what, "run this command as the user who owns that folder").into());
        }
        let lock = Lock::take_within(&self.prefix.join(LOCK), Duration::ZERO)?;
        lock.ok_or_else(|| {
            Problem::new("another update of this program is running", "wait until the other update is done").into()
        })
    }

    /// Replaces this program with the verified `program`, after a trial run of the new program on this machine. Keeps
    /// this program for a roll-back.
    pub(crate) fn replace(&self, program: &[u8], version: &Version) -> Result<()> {
        self.tidy()?;
        let next = self.at(NEXT);
        files::check_free_space(&self.folder, program.len() as u64)?;
        files::put_installed(&next, program, InstalledFile::Program)?;
        let exchanged = self.prove(&next, version).and_then(|()| self.exchange(&next));
        if exchanged.is_err() {
            let _ = files::remove(&next);
        }
        exchanged
    }

    /// Replaces this program with the previous program, and keeps this program for the next roll-back. Returns the
    /// restored version.
    pub(crate) fn roll_back(&self) -> Result<Version> {
        let (previous, returning) = (self.at(PREVIOUS), self.at(RETURNING));
        if !files::is_file(&returning)? {
            if !files::is_file(&previous)? {
                return Err(Problem::new(
                    "there is no previous program to go back to",
                    "name a release: `docker-credential-ensign update --version VERSION`",
                )
                .into());
            }
            self.version_of(&previous)?;
            files::rename(&previous, &returning)?;
        }
        let version = self.version_of(&returning)?;
        self.exchange(&returning)?;
        Ok(version)
    }

    /// Lets the new program write the completions and manual pages again, which install.ps1 does not install. A failure
    /// is ignored.
    pub(crate) fn renew_texts(&self) {
        if cfg!(unix) {
            let _ = ask(&self.at(PROGRAM), "install-texts");
        }
    }

    /// Removes the left-overs of a killed update or roll-back.
    fn tidy(&self) -> Result<()> {
        let (previous, returning) = (self.at(PREVIOUS), self.at(RETURNING));
        if files::is_file(&returning)? && !files::is_file(&previous)? {
            files::rename(&returning, &previous)?;
        }
        files::remove(&returning)?;
        files::remove(&self.at(NEXT))
    }

    fn exchange(&self, next: &Path) -> Result<()> {
        files::exchange_program(&self.at(PROGRAM), next, &self.at(PREVIOUS))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns an error unless `program` runs on this machine and has this version.
    fn prove(&self, program: &Path, version: &Version) -> Result<()> {
        let found = self.version_of(program)?;
        if found == *version {
            return Ok(());
        }
        let what = format!("the new program says that it is {found}, not {version}; nothing was changed");
        Err(Problem::new(what, "report it as SECURITY.md says").into())
    }

    fn version_of(&self, program: &Path) -> Result<Version> {
        let refused = |why: &str| {
            let what =
                format!("the other program does not run on this machine: {}; nothing was changed", one_line(why, 200));
            Problem::new(what, "report it, with the output of `uname -a`")
        };
        let output = ask(program, "version").map_err(|error| refused(&error.root_cause().to_string()))?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = answer.trim().rsplit(' ').next().and_then(|word| word.parse().ok());
        version.filter(|_| output.success).ok_or_else(|| refused("the program printed no version").into())
    }
}

/// Runs an Ensign program with one word as its argument.
fn ask(program: &Path, word: &str) -> Result<ProgramOutput> {
    programs::call(&ProgramCall::new(program, &[word], DEADLINE))
}
