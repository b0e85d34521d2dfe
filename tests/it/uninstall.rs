//! `install.sh --uninstall`: what it removes, what it undoes in the files of clients, and what it keeps.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::install::{Home, fails, run, succeeds, write_program};
use crate::support::write;

#[test]
fn what_a_killed_process_left_is_removed() {
    let home = Home::new();
    succeeds(home.install(&[]));
    let [old, new] = [".ensign-install.abcdef", ".ensign-install.ghijkl"].map(|name| home.bin().join(name));
    for stage in [&old, &new] {
        write(&stage.join("program"), b"unfinished");
    }
    let two_days = std::time::Duration::from_hours(48);
    fs::File::open(&old).unwrap().set_modified(std::time::SystemTime::now() - two_days).unwrap();
    succeeds(home.install(&[]));
    assert!(!old.exists() && new.exists(), "the new one may belong to another installation");
    for left in ["bin/.ensign-previous.new", "bin/.ensign-next.12-0.new", "lib/ensign/installed-texts.12-0.new"] {
        write(&home.path.join(".local").join(left), b"unfinished");
    }
    succeeds(run(&mut home.script(&["--uninstall"])));
    assert_eq!(home.tree(), Vec::<String>::new());
}

/// Root may write everywhere, so root cannot run this test.
#[test]
fn nothing_is_undone_in_a_folder_of_another_user() {
    let home = Home::new();
    succeeds(home.install(&[]));
    write(&home.path.join(".docker/config.json"), br#"{"credHelpers": {"ghcr.io": "ensign"}}"#);
    fs::set_permissions(home.bin(), Permissions::from_mode(0o555)).unwrap();
    let before = home.tree();
    if fs::write(home.bin().join("probe"), b"").is_ok() {
        return eprintln!("skipped: this user may write everywhere");
    }
    let error = fails(&run(&mut home.script(&["--uninstall"])));
    fs::set_permissions(home.bin(), Permissions::from_mode(0o755)).unwrap();
    assert!(error.contains("may not write to `"), "{error}");
    assert!(error.ends_with("bin/docker-credential-ensign\" configure-docker --undo\n"), "{error}");
    assert_eq!(home.tree(), before);
    let config = fs::read_to_string(home.path.join(".docker/config.json")).unwrap();
    assert!(config.contains("ensign"), "{config}");
}

#[test]
fn an_empty_folder_that_was_there_before_stays() {
    let home = Home::new();
    for folder in ["bin", "lib", "share/man/man1", "share/zsh"] {
        fs::create_dir_all(home.path.join(".local").join(folder)).unwrap();
    }
    let before = home.tree();
    assert_eq!(home.install(&["--program", "/bin/true"]).code, Some(1));
    assert_eq!(home.tree(), before, "a failed installation");
    succeeds(home.install(&[]));
    succeeds(home.install(&[]));
    succeeds(run(&mut home.script(&["--uninstall"])));
    assert_eq!(home.tree(), before);
}

#[test]
fn docker_no_longer_asks_a_program_that_is_gone() {
    let home = Home::new();
    succeeds(home.install(&[]));
    let program = home.bin().join("docker-credential-ensign");
    let config = home.path.join(".docker/config.json");
    write(&config, br#"{"credHelpers": {"ghcr.io": "ensign"}}"#);

    write_program(&program, "#!/bin/sh\nexit 1\n");
    let before = home.tree();
    let run_failing = run(&mut home.script(&["--uninstall"]));
    assert!(fails(&run_failing).starts_with("Docker's settings could not be put back, so nothing was removed.\n"));
    assert_eq!(home.tree(), before);

    write_program(
        &program,
        "#!/bin/sh\n[ \"$*\" = 'configure-docker --undo' ] && echo '{}' >\"$HOME/.docker/config.json\"\n",
    );
    succeeds(run(&mut home.script(&["--uninstall"])));
    assert_eq!(home.tree(), Vec::<String>::new(), "an empty Docker config is removed");
}

/// The folder of buildx names a pinned program, although Docker's config does not name Ensign.
#[test]
fn no_folder_of_buildx_names_a_program_that_is_gone() {
    let home = Home::new();
    succeeds(home.install(&[]));
    let folder = home.path.join(".docker/buildx/config/ghcr.io/acme/app");
    let text = "{\n  \"credHelpers\": {\n    \"ghcr.io\": \"ensign-work\"\n  }\n}\n";
    write(&folder.join("config.json"), text.as_bytes());
    let run = run(&mut home.script(&["--uninstall"]));
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), "✓ Removed 1 of buildx's folders\n"), "{run:?}");
    assert!(!folder.exists() && !home.bin().exists());
}

/// Docker and Podman fail if a helper is named in their files but not installed.
#[test]
fn no_file_of_a_client_names_a_pinned_helper_that_is_gone() {
    let home = Home::new();
    let own = home.path.join("own");
    fs::create_dir(&own).unwrap();
    let before = home.tree();
    succeeds(home.install(&[]));
    symlink("docker-credential-ensign", home.bin().join("docker-credential-ensign-work")).unwrap();
    symlink(home.bin().join("docker-credential-ensign"), own.join("docker-credential-ensign-work")).unwrap();
    for file in [".docker/config.json", ".config/containers/auth.json"] {
        write(&home.path.join(file), br#"{"credHelpers": {"ghcr.io": "ensign-work"}}"#);
    }
    let conf = home.path.join(".config/containers/registries.conf");
    write(&conf, b"credential-helpers = ['ensign-work', 'pass']\n");
    let path = format!("/usr/bin:/bin:{}", own.display());
    let run = run(home.script(&["--uninstall"]).env("PATH", path));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(fs::read_to_string(&conf).unwrap(), "credential-helpers = ['pass']\n");
    fs::remove_file(&conf).unwrap();
    fs::remove_dir(conf.parent().unwrap()).expect("an empty auth.json is removed");
    fs::remove_dir_all(home.path.join(".config")).unwrap(); // contains the lock of Ensign
    assert_eq!(home.tree(), before, "{run:?}");
}

#[test]
fn accounts_stay_and_the_last_words_say_how_to_remove_them() {
    let home = Home::new();
    succeeds(home.install(&[]));
    for folder in [".config/ensign", ".local/share/ensign"] {
        fs::create_dir_all(home.path.join(folder)).unwrap();
    }
    let output =
        succeeds(run(home.script(&["--uninstall"]).env("ENSIGN_CONFIG_DIR", home.path.join(".config/ensign"))));
    let command = format!("  rm -r '{}'\n", home.path.join(".config/ensign").display());
    assert!(output.contains(&command), "{output}");
    assert!(home.path.join(".local/share/ensign").is_dir());
}
