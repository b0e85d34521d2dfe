//! Reads the archive of a release, which contains one folder with the program. An archive with an entry outside this
//! folder is refused. Only this file uses the crates `miniz_oxide` and `tar`.

use std::io::Read;

use miniz_oxide::inflate::decompress_to_vec_with_limit;
use tar::{Archive, EntryType};

use crate::system::text::one_line;

/// The largest accepted size of the unpacked archive, in bytes. Ensign's program has less than a fifth of this size.
const LIMIT: usize = 256 << 20;

const NO_TAR: &str = "is not a valid tar archive";

/// Returns the content of the file `folder/program` in a `.tar.gz`. Nothing is written. An entry is an error if it is
/// outside `folder`, or if it is neither a file nor a folder. The error text completes a sentence that begins with the
/// archive's name.
pub(super) fn program(archive: &[u8], folder: &str, program: &str) -> Result<Vec<u8>, String> {
    let tar = deflated(archive).and_then(|deflated| decompress_to_vec_with_limit(deflated, LIMIT).ok());
    let tar = tar.ok_or("is not a gzip file, or is too large")?;
    let mut found = None;
    for member in Archive::new(tar.as_slice()).entries().map_err(|_| NO_TAR)?.raw(true) {
        let mut member = member.map_err(|_| NO_TAR)?;
        member.header().as_ustar().ok_or(NO_TAR)?;
        let name = String::from_utf8(member.path_bytes().into_owned()).map_err(|_| NO_TAR)?;
        let shown = one_line(&name, 100);
        let inside = name.strip_prefix(folder).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let inside = inside.ok_or_else(|| format!("contains `{shown}`, which is outside the archive's folder"))?;
        if inside.split('/').any(|part| part == "..") {
            return Err(format!("contains `{shown}`, which is outside the archive's folder"));
        }
        match member.header().entry_type() {
            EntryType::Regular => {}
            EntryType::Directory => continue,
            EntryType::Link | EntryType::Symlink => return Err(format!("contains `{shown}`, which is a link")),
            _ => return Err(format!("contains `{shown}`, which is not a file")),
        }
        let mut contents = Vec::new();
        member.read_to_end(&mut contents).map_err(|_| NO_TAR)?;
        if contents.len() as u64 != member.size() {
            return Err("ends in the middle of a file".to_owned());
        }
        if inside.strip_prefix('/') == Some(program) {
            found = Some(contents);
        }
    }
    found.ok_or_else(|| format!("contains no `{program}`"))
}

/// Returns the compressed part of a gzip file whose header contains no file name (RFC 1952). The checksum of gzip is
/// skipped, because the signed SHA-256 has already been checked.
fn deflated(archive: &[u8]) -> Option<&[u8]> {
    let (head, rest) = archive.split_at_checked(10)?;
    let (deflated, _) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
    head.starts_with(&[0x1f, 0x8b, 8, 0]).then_some(deflated)
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::compress_to_vec;
    use tar::Header;

    use super::*;

    const BLOCK: usize = 512;

    fn member(name: &str, kind: u8, contents: &[u8]) -> Vec<u8> {
        let mut head = Header::new_ustar();
        head.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes()); // `set_path` refuses `..`
        head.set_entry_type(EntryType::new(kind));
        head.set_size(contents.len() as u64);
        head.set_cksum();
        let mut whole = [head.as_bytes(), contents].concat();
        whole.resize(whole.len().next_multiple_of(BLOCK), 0);
        whole
    }

    fn gzip(members: &[Vec<u8>]) -> Vec<u8> {
        let tar = [&members.concat()[..], &[0; 2 * BLOCK]].concat();
        [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &compress_to_vec(&tar, 1), &[0; 8]].concat()
    }

    #[test]
    fn the_program_is_taken_and_nothing_that_leads_elsewhere() {
        let ours = member("e-1/docker", b'0', b"program");
        let changed = |change: fn(&mut Header)| {
            let mut head = Header::new_ustar();
            head.as_mut_bytes().copy_from_slice(&ours[..BLOCK]);
            change(&mut head);
            head.set_cksum();
            [head.as_bytes(), &ours[BLOCK..]].concat()
        };
        let long = changed(|head| head.set_size(1 << 40));
        let of_gnu = changed(|head| head.as_mut_bytes()[257..265].copy_from_slice(b"ustar  \0"));
        for (members, expected) in [
            (vec![member("e-1/", b'5', b""), member("e-1/README.md", b'0', &[b'x'; 700]), ours.clone()], Ok("program")),
            (vec![member("e-1/README.md", b'0', b"")], Err("contains no `docker`")),
            (
                vec![ours.clone(), member("e-1/../docker", b'0', b"")],
                Err("contains `e-1/../docker`, which is outside the archive's folder"),
            ),
            (
                vec![ours.clone(), member("/etc/passwd", b'0', b"")],
                Err("contains `/etc/passwd`, which is outside the archive's folder"),
            ),
            (
                vec![ours.clone(), member("e-12/docker", b'0', b"")],
                Err("contains `e-12/docker`, which is outside the archive's folder"),
            ),
            (vec![member("e-1/docker", b'2', b"")], Err("contains `e-1/docker`, which is a link")),
            (vec![member("e-1/docker", b'1', b"")], Err("contains `e-1/docker`, which is a link")),
            (vec![member("e-1/docker", b'6', b"")], Err("contains `e-1/docker`, which is not a file")),
            (vec![ours.clone(), vec![7; BLOCK]], Err("is not a valid tar archive")),
            (
                vec![ours.clone(), member("e-1/docker", b'x', b"9 size=1\n")],
                Err("contains `e-1/docker`, which is not a file"),
            ),
            (vec![long], Err("ends in the middle of a file")),
            (vec![of_gnu], Err("is not a valid tar archive")),
        ] {
            let found = program(&gzip(&members), "e-1", "docker");
            let found = found.as_ref().map(|bytes| std::str::from_utf8(bytes).unwrap()).map_err(String::as_str);
            assert_eq!(found, expected);
        }
        let whole = gzip(std::slice::from_ref(&ours));
        let cut = gzip(&[ours[..BLOCK + 3].to_vec()]);
        assert_eq!(
            program(&whole[..whole.len() - 9], "e-1", "docker").unwrap_err(),
            "is not a gzip file, or is too large"
        );
        assert!(program(b"#!/bin/sh", "e-1", "docker").is_err());
        assert!(program(&cut, "e-1", "docker").is_ok(), "the zero blocks at the end complete a cut file");
    }
}
