//! Appends lines to a private file of limited size. Processes append lines without waiting for each other.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use super::{imp, sibling};

/// How a file of lines is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenMode {
    Append,
    Read,
}

/// Appends a line in one write, so that lines of several processes do not mix. If the current file would exceed `limit`
/// bytes, the file is renamed to replace the previous file, and a new file is started.
pub(crate) fn append_line(path: &Path, line: &[u8], limit: u64) -> io::Result<()> {
    let (mut file, mut length) = imp::open_own(path, OpenMode::Append)?;
    if length + line.len() as u64 > limit {
        set_aside(path, &file)?;
        (file, length) = imp::open_own(path, OpenMode::Append)?;
    }
    // If the file is longer than twice the limit, another process is rotating the file. A write beyond `RLIMIT_FSIZE`
    // would kill this process.
    if length > 2 * limit || !imp::may_write_up_to(length + line.len() as u64) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    if file.write(line)? == line.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Reads the lines of the previous file and then of the current file. At most twice `limit` bytes are read from each
/// file.
pub(crate) fn read_lines(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for path in [sibling(path, ENDING), path.to_owned()] {
        match imp::open_own(&path, OpenMode::Read) {
            Ok((file, _)) => drop(file.take(2 * limit).read_to_end(&mut lines)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        lines.push(b'\n');
    }
    Ok(lines)
}

/// Removes the previous and the current file.
pub(crate) fn remove_lines(path: &Path) -> anyhow::Result<()> {
    super::remove(&sibling(path, ENDING))?;
    super::remove(path)
}

const ENDING: &str = ".old";

/// Renames the file if its lock is free and the file is still at `path`. A new file that another process has just
/// started must not be rotated.
fn set_aside(path: &Path, file: &File) -> io::Result<()> {
    if file.try_lock().is_ok() && imp::is_at(path, file) {
        fs::rename(path, sibling(path, ENDING))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        for number in 0..100 {
            append_line(&path, format!("{number:09}\n").as_bytes(), 50).unwrap();
        }
        let text = String::from_utf8(read_lines(&path, 50).unwrap()).unwrap();
        let lines: Vec<_> = text.split_whitespace().collect();
        assert_eq!((lines[0], *lines.last().unwrap()), ("000000090", "000000099"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        remove_lines(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)] // on Windows, a lock also keeps others from writing
    #[test]
    fn a_file_that_nobody_sets_aside_stops_growing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        append_line(&path, b"0123456789", 30).unwrap();
        let sleeper = File::open(&path).unwrap();
        sleeper.lock().unwrap();
        let written = (0..20).filter(|_| append_line(&path, b"0123456789", 30).is_ok()).count();
        assert_eq!((written, fs::metadata(&path).unwrap().len()), (6, 70));
    }
}
