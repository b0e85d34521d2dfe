//! The archive of a release: one folder with the program in it, and nothing that leads elsewhere. The home of
//! `miniz_oxide`.

use miniz_oxide::inflate::decompress_to_vec_with_limit;

use crate::system::text::one_line;

/// No program of ours is a fifth as large, and no archive unfolds to more.
const LIMIT: usize = 256 << 20;

const BLOCK: usize = 512;

/// Returns the file `folder/program` of a `.tar.gz`, or a part of a sentence. Nothing is written; a member outside of `folder`, and anything but a
/// file or a folder, spoils the whole.
pub(super) fn program(archive: &[u8], folder: &str, program: &str) -> Result<Vec<u8>, String> {
    let tar = deflated(archive).and_then(|deflated| decompress_to_vec_with_limit(deflated, LIMIT).ok());
    let tar = tar.ok_or("is no gzip file of a sensible size")?;
    let (mut rest, mut found) = (tar.as_slice(), None);
    while let Some((head, behind)) = rest.split_at_checked(BLOCK).filter(|(head, _)| head.iter().any(|b| *b != 0)) {
        let member = TarHeader::read(head).ok_or("has a part that is no tar file")?;
        let shown = one_line(&member.name, 100);
        let inside = member.name.strip_prefix(folder).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let inside = inside.ok_or_else(|| format!("holds `{shown}`, which is outside of its folder"))?;
        if inside.split('/').any(|part| part == "..") {
            return Err(format!("holds `{shown}`, which is outside of its folder"));
        }
        let is_file = match member.kind {
            b'0' | 0 => true,
            b'5' => false,
            b'1' | b'2' => return Err(format!("holds `{shown}`, which is a link")),
            _ => return Err(format!("holds `{shown}`, which is no file")),
        };
        let size = usize::try_from(member.size).ok().filter(|size| *size <= behind.len());
        let size = size.ok_or("ends in the middle of a file")?;
        if is_file && inside.strip_prefix('/') == Some(program) {
            found = Some(behind[..size].to_vec());
        }
        rest = behind.get(size.next_multiple_of(BLOCK)..).unwrap_or_default();
    }
    found.ok_or_else(|| format!("holds no `{program}`"))
}

/// What is between the head of a gzip file without a name and its end (RFC 1952). The sum in that is passed over: a better one
/// was looked at.
fn deflated(archive: &[u8]) -> Option<&[u8]> {
    let (head, rest) = archive.split_at_checked(10)?;
    let (deflated, _) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
    head.starts_with(&[0x1f, 0x8b, 8, 0]).then_some(deflated)
}

/// What stands in front of each file (POSIX, "ustar Interchange Format").
struct TarHeader {
    name: String,
    size: u64,
    kind: u8,
}

impl TarHeader {
    fn read(head: &[u8]) -> Option<Self> {
        let text = |from: usize, length: usize| {
            let field = &head[from..from + length];
            let end = field.iter().position(|b| *b == 0).unwrap_or(length);
            std::str::from_utf8(&field[..end]).ok()
        };
        let octal = |from, length| u64::from_str_radix(text(from, length)?.trim(), 8).ok();
        let bytes = head.iter().enumerate();
        let sum = bytes.map(|(place, b)| u64::from(if (148..156).contains(&place) { b' ' } else { *b })).sum();
        let (name, prefix) = (text(0, 100)?, text(345, 155)?);
        let is_ustar = head[257..262] == *b"ustar" && octal(148, 8) == Some(sum);
        let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        is_ustar.then_some(Self { name, size: octal(124, 12)?, kind: head[156] })
    }
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::compress_to_vec;

    use super::*;

    fn member(name: &str, kind: u8, contents: &[u8]) -> Vec<u8> {
        let mut head = [0; BLOCK];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[124..135].copy_from_slice(format!("{:011o}", contents.len()).as_bytes());
        head[156] = kind;
        head[257..263].copy_from_slice(b"ustar\0");
        head[148..156].fill(b' ');
        let sum: u64 = head.iter().map(|b| u64::from(*b)).sum();
        head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let mut whole = [&head, contents].concat();
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
        for (members, expected) in [
            (vec![member("e-1/", b'5', b""), member("e-1/README.md", b'0', &[b'x'; 700]), ours.clone()], Ok("program")),
            (vec![member("e-1/README.md", b'0', b"")], Err("holds no `docker`")),
            (
                vec![ours.clone(), member("e-1/../docker", b'0', b"")],
                Err("holds `e-1/../docker`, which is outside of its folder"),
            ),
            (
                vec![ours.clone(), member("/etc/passwd", b'0', b"")],
                Err("holds `/etc/passwd`, which is outside of its folder"),
            ),
            (
                vec![ours.clone(), member("e-12/docker", b'0', b"")],
                Err("holds `e-12/docker`, which is outside of its folder"),
            ),
            (vec![member("e-1/docker", b'2', b"")], Err("holds `e-1/docker`, which is a link")),
            (vec![member("e-1/docker", b'1', b"")], Err("holds `e-1/docker`, which is a link")),
            (vec![member("e-1/docker", b'6', b"")], Err("holds `e-1/docker`, which is no file")),
            (vec![ours.clone(), vec![7; BLOCK]], Err("has a part that is no tar file")),
        ] {
            let found = program(&gzip(&members), "e-1", "docker");
            let found = found.as_ref().map(|bytes| std::str::from_utf8(bytes).unwrap()).map_err(String::as_str);
            assert_eq!(found, expected);
        }
        let whole = gzip(std::slice::from_ref(&ours));
        let cut = gzip(&[ours[..BLOCK + 3].to_vec()]);
        assert_eq!(
            program(&whole[..whole.len() - 9], "e-1", "docker").unwrap_err(),
            "is no gzip file of a sensible size"
        );
        assert!(program(b"#!/bin/sh", "e-1", "docker").is_err());
        assert!(program(&cut, "e-1", "docker").is_ok(), "the end of the archive fills it up");
    }
}
