//! `buildx sync` while other processes write the same folders: more calls of `buildx sync`, or other clients.
#![cfg(unix)]

use std::fs;

use crate::buildx::{builder, folders, root};
use crate::support::{finish, write};

#[test]
fn many_at_once_leave_whole_folders() {
    let sandbox = builder();
    let images: Vec<String> = (0..20).map(|number| format!("ghcr.io/me/app{number}")).collect();
    let children: Vec<_> = (0..8)
        .map(|number| {
            let words = if number % 4 == 3 { vec!["--remove"] } else { images.iter().map(String::as_str).collect() };
            sandbox.command(&[&["buildx", "sync"][..], &words].concat()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let run = finish(child, b"");
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    sandbox.ok(&[&["buildx", "sync"][..], &images.iter().map(String::as_str).collect::<Vec<_>>()].concat(), "");
    assert_eq!(folders(&sandbox).len(), 21);
}

/// Another client, which does not use Ensign's lock, writes and removes the same folders.
#[test]
fn what_others_change_meanwhile_is_no_reason_to_fail() {
    let sandbox = builder();
    write(&sandbox.docker_config_path(), b"{}");
    let file = root(&sandbox).join("ghcr.io/me/app0/config.json");
    sandbox.ok(&["buildx", "sync", "ghcr.io/me/app0"], "");
    let ours = fs::read(&file).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = fs::remove_dir_all(file.parent().unwrap());
                let _ = fs::create_dir_all(file.parent().unwrap()).and_then(|()| fs::write(&file, &ours));
                std::thread::sleep(std::time::Duration::from_micros(300));
            }
        });
        let mut runs = vec![];
        for round in 0..10 {
            let commands: [&[&str]; 4] = [
                &["buildx", "sync", "ghcr.io/me/app0", "ghcr.io/me/app1"],
                &["configure-docker"],
                if round % 2 == 0 { &["buildx", "sync", "--remove"] } else { &["buildx", "sync"] },
                &["configure-docker", "--undo"],
            ];
            let children = commands.map(|words| (words, sandbox.command(words).spawn().unwrap()));
            runs.extend(children.map(|(words, child)| (words.join(" "), finish(child, b""))));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        for (words, run) in runs {
            assert_eq!(run.code, Some(0), "{words} {run:?}");
        }
    });
}
