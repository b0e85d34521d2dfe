//! `install.sh` with manipulated releases, and with ones that the key should not have signed.
#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;

use snapbox::str;

use crate::install_release::archive;
use crate::install_release::{Edit, Home, SAYING, Tools};
use crate::support::release::{PROGRAM, SigningKey, TARGET};
use crate::support::snapshots::shows;
use crate::support::write;

const SIGNATURE: &str = "SHA256SUMS.minisig";

#[test]
fn what_was_tampered_with_is_refused_whichever_tool_verifies() {
    let told = tampered_with(Tools::All);
    assert_eq!(tampered_with(Tools::WithoutMinisign), told);
    shows(
        &told,
        str![[r#"
a byte of the archive
install.sh: ensign-0.9.0-TARGET.tar.gz is not the signed file: its checksum differs; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
half an archive
install.sh: ensign-0.9.0-TARGET.tar.gz is not the signed file: its checksum differs; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
a byte of the sums
install.sh: SHA256SUMS or its signature was changed after signing; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
a byte of the signature
install.sh: SHA256SUMS or its signature was changed after signing; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
half a signature
install.sh: SHA256SUMS.minisig is not a signature of minisign; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
a forged signature
install.sh: SHA256SUMS or its signature was changed after signing; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
another key
install.sh: the release is signed with another key than the one trusted here; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
another comment
install.sh: SHA256SUMS or its signature was changed after signing; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says

"#]],
    );
}

fn tampered_with(tools: Tools) -> String {
    let home = Home::new(tools);
    let (releases, mut told) = (&home.releases, String::new());
    let changes: [(&str, &str, Edit); 5] = [
        ("a byte of the archive", &archive(), |bytes| bytes[200] ^= 1),
        ("half an archive", &archive(), |bytes| bytes.truncate(150)),
        ("a byte of the sums", "SHA256SUMS", |bytes| bytes[0] = if bytes[0] == b'0' { b'1' } else { b'0' }),
        ("a byte of the signature", SIGNATURE, |bytes| bytes[70] = if bytes[70] == b'A' { b'B' } else { b'A' }),
        ("half a signature", SIGNATURE, |bytes| bytes.truncate(60)),
    ];
    for (what, file, edit) in changes {
        home.publish_script("0.9.0", SAYING);
        home.change(file, edit);
        let _ = write!(told, "{what}\n{}", home.refused(&[]));
    }
    home.publish_script("0.9.0", SAYING);
    for (what, key) in [("a forged signature", releases.key.forged()), ("another key", SigningKey::new())] {
        releases.sign("0.9.0", "ensign 0.9.0", &key);
        releases.make_newest("0.9.0");
        let _ = write!(told, "{what}\n{}", home.refused(&[]));
    }
    // The signature also covers the comment.
    home.publish_script("0.9.0", SAYING);
    let path = releases.folder("0.9.0").join(SIGNATURE);
    let text = fs::read_to_string(&path).unwrap().replace("ensign 0.9.0", "ensign 0.9.1");
    write(&path, text.as_bytes());
    releases.make_newest("0.9.0");
    told + "another comment\n" + &home.refused(&[])
}

#[test]
fn what_the_key_signed_must_still_be_a_release() {
    let home = Home::new(Tools::All);
    let (releases, folder) = (&home.releases, home.sandbox.home());
    home.publish_script("0.9.0", SAYING);
    let mut told = String::new();
    let mut refused = |what: &str, words: &[&str]| write!(told, "{what}\n{}", home.refused(words)).unwrap();
    releases.sign("0.9.0", "a cake", &releases.key);
    releases.make_newest("0.9.0");
    refused("a comment without a version", &[]);
    releases.sign("0.9.0", "ensign 0.8.0", &releases.key);
    refused("another version", &["--version", "v0.9.0"]);
    let pack = |words: &[&str]| {
        releases.pack("0.9.0", folder, words);
        releases.sign("0.9.0", "ensign 0.9.0", &releases.key);
        releases.make_newest("0.9.0");
    };
    let root = format!("ensign-0.9.0-{TARGET}");
    fs::create_dir_all(folder.join(&root)).unwrap();
    write(&folder.join("evil"), b"#!/bin/sh\n");
    pack(&["--transform", "s,^evil,../evil,", "evil"]);
    refused("a file outside", &[]);
    pack(&["--transform", &format!("s,^evil,{root}/../../evil,"), "evil"]);
    refused("a file outside, through the folder", &[]);
    symlink("/bin/sh", folder.join(&root).join(PROGRAM)).unwrap();
    pack(&[&root]);
    refused("a link", &[]);
    fs::remove_file(folder.join(&root).join(PROGRAM)).unwrap();
    pack(&[&root]);
    refused("no program", &[]);
    write(&releases.archive("0.9.0"), b"not an archive");
    releases.sum("0.9.0");
    releases.sign("0.9.0", "ensign 0.9.0", &releases.key);
    releases.make_newest("0.9.0");
    refused("no archive", &[]);
    for (what, program) in [
        ("a program that fails", "#!/bin/sh\nexit 1\n"),
        ("a program of another version", "#!/bin/sh\necho docker-credential-ensign 0.8.0\n"),
        ("a program that keeps no login", SAYING),
    ] {
        home.publish_script("0.9.0", program);
        refused(what, &[]);
    }
    write(&releases.folder("0.9.0").join("SHA256SUMS"), b"00  ensign-0.9.0-riscv64.tar.gz\n");
    releases.sign("0.9.0", "ensign 0.9.0", &releases.key);
    releases.make_newest("0.9.0");
    refused("another machine", &[]);
    shows(
        &told,
        str![[r#"
a comment without a version
install.sh: the signature is for `a cake`, which is not a version; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
another version
install.sh: the signature is for version 0.8.0, but 0.9.0 was requested; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
a file outside
install.sh: ensign-0.9.0-TARGET.tar.gz contains `../evil`, which is outside the archive's folder; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
a file outside, through the folder
install.sh: ensign-0.9.0-TARGET.tar.gz contains `ensign-0.9.0-TARGET/../../evil`, which is outside the archive's folder; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
a link
install.sh: ensign-0.9.0-TARGET.tar.gz contains a link; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
no program
install.sh: ensign-0.9.0-TARGET.tar.gz contains no `docker-credential-ensign`; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
no archive
install.sh: ensign-0.9.0-TARGET.tar.gz is not a gzip file, or is too large; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
a program that fails
install.sh: the program of the release does not run on this machine; nothing was changed:
  
a program of another version
install.sh: the program of the release says that it is 0.8.0, not 0.9.0; nothing was changed
a program that keeps no login
install.sh: this program does not tell accounts apart, so nothing was installed
  asked by     docker push ghcr.io/acme/app
  should be    acme
  answered     docker-credential-ensign 0.9.0
another machine
install.sh: release 0.9.0 has no program for TARGET; nothing was changed. Build it from source:
  git clone https://forge.example/ensign/ensign && ensign/install.sh

"#]],
    );
}
