//! buildx's folders that Ensign leaves alone or removes.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;
use snapbox::str;

use crate::buildx::{builder, folders, root};
use crate::support::snapshots::shows;
use crate::support::{Sandbox, write};

#[test]
fn remove_takes_back_what_was_written_and_nothing_else() {
    let sandbox = builder();
    sandbox.ok(&["buildx", "sync", "ghcr.io/me/app", "ghcr.io/me/app2", "ghcr.io/me/app3"], "");
    let foreign = root(&sandbox).join("ghcr.io/other/app/config.json");
    write(&foreign, br#"{"credHelpers":{"ghcr.io":"ensign-me"}}"#);
    write(&root(&sandbox).join("ghcr.io/me/app2/notes.txt"), b"mine");
    let dry = sandbox.run(&["buildx", "sync", "--remove", "--dry-run"], "");
    assert!(dry.stdout.contains("-   ghcr.io/me/app ") && !dry.stdout.contains("app2"), "{dry:?}");
    let run = sandbox.run(&["buildx", "sync", "--remove"], "");
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/buildx/config
-   ghcr.io/acme/tools/lint                   ci
-   ghcr.io/me/app                            me
-   ghcr.io/me/app3                           me
--- stderr
✓ Folders: 3 removed

"#]]);
    assert_eq!(folders(&sandbox), ["ghcr.io/me/app2 ensign-me", "ghcr.io/other/app ensign-me"]);
    assert!(sandbox.home().join("docker-credential-ensign-me").is_symlink());
}

#[test]
fn what_is_anothers_or_in_the_way_is_named_and_left() {
    let sandbox = builder();
    let place = |path: &str| root(&sandbox).join(path);
    let mine = br#"{"auths":{"ghcr.io":{"auth":"bWU6cHc="}}}"#;
    write(&place("ghcr.io/me/kept/config.json"), mine);
    write(&place("ghcr.io/me/file"), b"mine");
    symlink("/tmp", place("ghcr.io/me/link")).unwrap();
    let images = ["ghcr.io/me/kept", "ghcr.io/me/file", "ghcr.io/me/link/x", "ghcr.io/me/app"];
    let run = sandbox.run(&[&["buildx", "sync"][..], &images].concat(), "");
    assert_eq!(run.code, Some(1), "{run:?}");
    run.shows(str![[r#"
exit 1
--- stdout
~/.docker/buildx/config
+   ghcr.io/acme/tools/lint                   ci
+   ghcr.io/me/app                            me
+   ghcr.io/me/file                           me
!   ghcr.io/me/kept                           me            not made: another program made this folder
+   ghcr.io/me/link/x                         me
--- stderr
✓ Made ~/docker-credential-ensign-ci
✓ Made ~/docker-credential-ensign-me
✓ Folders: 2 written
! Ensign does not change a folder with other content; remove that folder, then run `docker-credential-ensign buildx sync`
error: `[HOME]/.docker/buildx/config/ghcr.io/me/file` is a file, where buildx expects a folder
hint: move it away: `mv [HOME]/.docker/buildx/config/ghcr.io/me/file [HOME]/.docker/buildx/config/ghcr.io/me/file.old`, and run the command again
error: `[HOME]/.docker/buildx/config/ghcr.io/me/link` is a link, which buildx does not follow
hint: put a folder in its place: `rm [HOME]/.docker/buildx/config/ghcr.io/me/link`, and run the command again

"#]]);
    assert_eq!(fs::read(place("ghcr.io/me/kept/config.json")).unwrap(), mine);
    assert_eq!(fs::read(place("ghcr.io/me/file")).unwrap(), b"mine");
    assert!(!Path::new("/tmp/x/config.json").exists());
    let json = sandbox.run(&[&["--json", "buildx", "sync"][..], &images].concat(), "");
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let changes = |word: &str| json["folders"].as_array().unwrap().iter().filter(|one| one["change"] == word).count();
    assert_eq!((changes("failed"), changes("leave"), changes("keep")), (2, 1, 2), "{json}");
    assert_eq!((&json["status"], json["problems"].as_array().unwrap().len()), (&"error".into(), 2));
}

#[test]
fn what_gets_no_folder_is_said() {
    let sandbox = builder();
    let run = sandbox.run(&["buildx", "sync", "quay.io/me/app", "ghcr.io/public/x"], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/buildx/config
+   ghcr.io/acme/tools/lint                   ci
--- stderr
✓ Made ~/docker-credential-ensign-ci
✓ Folders: 1 written
! quay.io/me/app gets no folder: the registry has only one account
! ghcr.io/public/x gets no folder: not exactly one account is for this image

"#]]);

    let mut told = String::new();
    for (words, code) in [
        (&["ghcr.io"][..], 2),
        (&["ghcr.io/acme/*"], 2),
        (&["nowhere.example/a/b"], 3),
        (&["ghcr.io/me/app", "--remove"], 2),
    ] {
        let run = sandbox.run(&[&["buildx", "sync"][..], words].concat(), "");
        assert_eq!(run.code, Some(code), "{words:?}: {run:?}");
        told += &run.transcript();
    }
    shows(
        &told,
        str![[r#"
exit 2
--- stderr
error: `ghcr.io` is a registry, but buildx has folders for repositories only
hint: name images, as in `docker-credential-ensign buildx sync ghcr.io/acme/app`
exit 2
--- stderr
error: `ghcr.io/acme/*` is not an image: a repository is made of lower-case letters, digits, `.`, `_`, `-` and `/`
hint: name the image as in `ghcr.io/acme/app:1`
exit 3
--- stderr
error: nowhere.example has no account
hint: run `docker-credential-ensign login nowhere.example`
exit 2
--- stderr
error: the argument `[IMAGE]...` cannot be used with `--remove`
hint: run `docker-credential-ensign help buildx sync`

"#]],
    );
}

#[test]
fn an_account_whose_program_cannot_be_made_gets_no_folder() {
    let sandbox = builder();
    sandbox.ok(&["account", "edit", "ghcr.io", "work", "--alias", "at/work"], "");
    let run = sandbox.run(&["buildx", "sync", "ghcr.io/acme/base", "ghcr.io/me/app"], "");
    assert_eq!(run.code, Some(1), "{run:?}");
    run.shows(str![[r#"
exit 1
--- stdout
~/.docker/buildx/config
+   ghcr.io/acme/base                         at/work
+   ghcr.io/acme/tools/lint                   ci
+   ghcr.io/me/app                            me
--- stderr
✓ Made ~/docker-credential-ensign-ci
✓ Made ~/docker-credential-ensign-me
✓ Folders: 2 written
error: could not pin at/work: `at/work` cannot be part of a program's name
hint: run `docker-credential-ensign account edit HOST at/work --alias NAME`

"#]]);
    assert_eq!(folders(&sandbox), ["ghcr.io/acme/tools/lint ensign-ci", "ghcr.io/me/app ensign-me"]);
    let nowhere = Sandbox::new().with("PATH", "/usr/bin");
    for user in ["work", "me"] {
        nowhere.store("ghcr.io", user, "pw");
    }
    let run = nowhere.run(&["buildx", "sync", "ghcr.io/me/app"], "");
    run.shows(str![[r#"
exit 1
--- stdout
~/.docker/buildx/config
+   ghcr.io/me/app                            me
--- stderr
error: could not pin me: `docker-credential-ensign` is not on PATH
hint: put the program's folder on PATH, or name a folder with `--folder`

"#]]);
    assert!(folders(&nowhere).is_empty());
}
