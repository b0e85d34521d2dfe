//! `packaging/packages.sh` and the crate's metadata: one file of facts fills all of them.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Run, Sandbox, finish};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const TARGETS: [&str; 5] = [
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "x86_64-pc-windows-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
];

/// A fake program that writes its completions and manual pages.
const PROGRAM: &str = "#!/bin/sh\ncase $* in man) echo ensign.1 ;; *) echo \"$*\" ;; esac\n";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

fn fact(name: &str) -> String {
    let facts = read("packaging/release.facts");
    let value = facts.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {name} in release.facts")).to_owned()
}

fn script(sandbox: &Sandbox, name: &str, arguments: &[&str]) -> Run {
    let script = format!("{ROOT}/packaging/{name}");
    let mut command = sandbox.command_of("/bin/sh".as_ref(), &[&[script.as_str()], arguments].concat());
    let path = format!("{}:/usr/bin:/bin", sandbox.home().join("bin").display());
    command.env("SOURCE_DATE_EPOCH", "1700000000").env("PATH", path).env("LICENCES", format!("{ROOT}/LICENSE-MIT"));
    finish(command.spawn().unwrap(), b"")
}

/// Makes a sandbox, and in it a release that has this program for each target. Returns the release's folder.
fn release(program: &str, targets: &[&str]) -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new().with_program("made", program);
    let made = sandbox.home().join("bin/made").display().to_string();
    let folder = sandbox.home().join("release");
    let programs: Vec<String> = targets.iter().map(|target| format!("{target}={made}")).collect();
    let mut arguments = vec![folder.to_str().unwrap()];
    arguments.extend(programs.iter().map(String::as_str));
    assert_eq!(script(&sandbox, "release.sh", &arguments).code, Some(0));
    (sandbox, folder)
}

fn packages(sandbox: &Sandbox, folder: &str, release: &Path, kind: &str) -> Run {
    let folder = sandbox.home().join(folder);
    script(sandbox, "packages.sh", &[folder.to_str().unwrap(), release.to_str().unwrap(), kind])
}

#[test]
fn cargo_says_what_the_release_facts_say() {
    let manifest: toml_edit::DocumentMut = read("Cargo.toml").parse().unwrap();
    let package = &manifest["package"];
    for (key, name) in [
        ("name", "PACKAGE"),
        ("description", "SUMMARY"),
        ("license", "LICENSE"),
        ("homepage", "HOMEPAGE"),
        ("documentation", "DOCUMENTATION"),
        ("repository", "REPOSITORY"),
    ] {
        assert_eq!(package[key].as_str().unwrap(), fact(name), "{key}");
    }
    let binstall = &package["metadata"]["binstall"];
    let archive = "/download/v{ version }/ensign-{ version }-{ target }.tar.gz";
    assert_eq!(binstall["pkg-url"].as_str().unwrap(), fact("RELEASES") + archive);
    assert_eq!(binstall["bin-dir"].as_str().unwrap(), "ensign-{ version }-{ target }/{ bin }{ binary-ext }");
    assert!(fact("SHORT").len() <= 60 && fact("SUMMARY").len() <= 100, "package managers cut longer texts");
    assert!(read("LICENSE-MIT").contains(&format!("Copyright (c) {}", fact("COPYRIGHT"))));
}

#[test]
fn the_crate_has_all_that_its_source_includes_and_no_more() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["package", "--list", "--allow-dirty", "--offline"]).current_dir(ROOT);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).unwrap();
    let mut included = 0;
    for source in listed.lines().filter(|path| Path::new(path).extension().is_some_and(|ending| ending == "rs")) {
        let text = read(source);
        let code = text.split("#[cfg(test)]").next().unwrap(); // a crate does not contain tests' files
        if text.contains("#![cfg(test)]") || source.ends_with("/fixtures.rs") {
            continue;
        }
        for piece in code.split("include_str!(\"").skip(1) {
            let folder = Path::new(ROOT).join(source).parent().unwrap().to_owned();
            let file = folder.join(piece.split('"').next().unwrap()).canonicalize().unwrap();
            let file = file.strip_prefix(Path::new(ROOT).canonicalize().unwrap()).unwrap().to_str().unwrap().to_owned();
            assert!(listed.lines().any(|path| path == file), "{source} includes {file}");
            included += 1;
        }
    }
    assert!(included > 10, "{included}");
    for path in listed.lines().filter(|path| !path.starts_with("src/")) {
        let known = ["README.md", "CHANGELOG.md", "packaging/release.facts", ".cargo_vcs_info.json"];
        let known = known.contains(&path) || path.starts_with("LICENSE-") || path.starts_with("Cargo.");
        assert!(known, "{path}");
    }
}

#[test]
fn each_manifest_names_the_release_and_its_sums_and_is_the_same_the_second_time() {
    if !Path::new("/usr/bin/zip").exists() {
        eprintln!("skipped: no zip here");
        return;
    }
    let (sandbox, release) = release(PROGRAM, &TARGETS);
    let run = packages(&sandbox, "one", &release, "manifests");
    let version = env!("CARGO_PKG_VERSION");
    let zip = format!("ensign-{version}-x86_64-pc-windows-gnu.zip");
    let listed = format!(
        "PACKAGES_SHA256SUMS\nalpine/APKBUILD\naur/.SRCINFO\naur/PKGBUILD\n{zip}\nhomebrew/docker-credential-ensign.rb\n\
         nix/flake.nix\nscoop/docker-credential-ensign.json\nwinget/Ensign.Ensign.installer.yaml\n\
         winget/Ensign.Ensign.locale.en-US.yaml\nwinget/Ensign.Ensign.yaml\n"
    );
    assert_eq!(run, Run::success(&listed));

    let sums = fs::read_to_string(release.join("SHA256SUMS")).unwrap();
    let sum_of = |sums: &str, name: &str| {
        let line = sums.lines().find(|line| line.ends_with(&format!("  {name}")));
        line.unwrap_or_else(|| panic!("{name} has no sum")).split(' ').next().unwrap().to_owned()
    };
    let archive = |target: &str| format!("ensign-{version}-{target}.tar.gz");
    let manifest = |path: &str| {
        let text = fs::read_to_string(sandbox.home().join("one").join(path)).unwrap();
        assert!(!text.contains("@PACKAGE@") && !text.contains("@VERSION@") && !text.contains("\"\""), "{path}: {text}");
        text
    };
    let download = format!("{}/download/v{version}/", fact("RELEASES"));
    for (path, targets) in [
        ("homebrew/docker-credential-ensign.rb", &[0, 1, 3, 4][..]),
        ("nix/flake.nix", &[0, 1, 3, 4]),
        ("aur/PKGBUILD", &[0, 1]),
        ("aur/.SRCINFO", &[0, 1]),
    ] {
        let text = manifest(path);
        assert!(text.contains(&download) && text.contains(version), "{path}: {text}");
        for target in targets {
            assert!(text.contains(&sum_of(&sums, &archive(TARGETS[*target]))), "{path}: {}", TARGETS[*target]);
        }
    }
    let zipped = sum_of(&manifest("PACKAGES_SHA256SUMS"), &zip);
    let scoop: serde_json::Value = serde_json::from_str(&manifest("scoop/docker-credential-ensign.json")).unwrap();
    assert_eq!(scoop["version"], version);
    assert_eq!(scoop["architecture"]["64bit"]["hash"], zipped);
    assert_eq!(scoop["architecture"]["64bit"]["url"], format!("{download}{zip}"));
    let installer = manifest("winget/Ensign.Ensign.installer.yaml");
    assert!(installer.contains(&format!("    InstallerUrl: {download}{zip}\n")), "{installer}");
    assert!(installer.contains(&format!("    InstallerSha256: {}\n", zipped.to_uppercase())), "{installer}");
    manifest("winget/Ensign.Ensign.locale.en-US.yaml");

    std::thread::sleep(std::time::Duration::from_millis(2100)); // zip stores times in steps of two seconds
    assert_eq!(packages(&sandbox, "two", &release, "manifests").code, Some(0));
    for path in listed.lines() {
        let bytes = |folder: &str| fs::read(sandbox.home().join(folder).join(path)).unwrap();
        assert!(bytes("one") == bytes("two"), "{path}");
    }
}

#[test]
fn what_a_release_does_not_have_is_said() {
    let (sandbox, release) = release(PROGRAM, &TARGETS[..1]);
    let run = packages(&sandbox, "one", &release, "manifests");
    let stderr = "packages.sh: no manifest of scoop and winget, for they need x86_64-pc-windows-gnu\n\
                packages.sh: no manifest of aur and alpine, for they need x86_64-unknown-linux-musl aarch64-unknown-linux-musl\n\
                packages.sh: no manifest of homebrew and nix, for they need x86_64-unknown-linux-musl aarch64-unknown-linux-musl x86_64-apple-darwin aarch64-apple-darwin\n";
    assert_eq!(run, Run { code: Some(0), stdout: String::new(), stderr: stderr.to_owned() });
}

#[test]
fn what_is_no_release_is_refused_with_its_reason() {
    let (sandbox, good) = release(PROGRAM, &TARGETS[..1]);
    let home = sandbox.home().display().to_string();
    let version = env!("CARGO_PKG_VERSION");
    let archive = format!("ensign-{version}-{}.tar.gz", TARGETS[0]);
    let changed = |name: &str, change: &dyn Fn(&Path)| {
        let folder = sandbox.home().join(name);
        fs::create_dir(&folder).unwrap();
        for file in [archive.as_str(), "SHA256SUMS", "install.sh", "install.ps1"] {
            fs::copy(good.join(file), folder.join(file)).unwrap();
        }
        change(&folder);
        folder
    };
    let tampered = changed("tampered", &|folder| fs::write(folder.join(&archive), "other bytes").unwrap());
    let unlisted = changed("unlisted", &|folder| {
        fs::copy(folder.join(&archive), folder.join("ensign-9.9.9-aarch64-apple-darwin.tar.gz")).map(drop).unwrap();
    });
    let unnamed = changed("unnamed", &|folder| fs::write(folder.join("ensign-1-windows.tar.gz"), "").unwrap());
    fs::create_dir(sandbox.home().join("full")).unwrap();
    fs::write(sandbox.home().join("full/file"), "").unwrap();
    for (folder, release, error) in [
        ("a", tampered, format!("`{home}/tampered` is damaged: its sums do not match")),
        ("b", unlisted, format!("`{home}/unlisted` has two versions, {version} and 9.9.9")),
        ("c", unnamed, format!("`{home}/unnamed/ensign-1-windows.tar.gz` is not named ensign-VERSION-TARGET.tar.gz")),
        ("d", sandbox.home().join("bin"), format!("`{home}/bin` is not a release: it has no SHA256SUMS")),
        ("full", good.clone(), format!("`{home}/full` is not empty: choose another folder")),
    ] {
        let run = packages(&sandbox, folder, &release, "manifests");
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        assert!(run.stderr.ends_with(&format!("packages.sh: {error}\n")), "{run:?}");
    }

    let (sandbox, broken) = self::release("#!/bin/sh\nexit 1\n", &TARGETS[..1]);
    let run = packages(&sandbox, "one", &broken, "deb");
    let error = format!(
        "packages.sh: no program of `{}` runs on this machine: name one with ENSIGN=PROGRAM\n",
        broken.display()
    );
    assert_eq!(run, Run { code: Some(1), stdout: String::new(), stderr: error });
}

/// Signing is a separate step, so that the machine with the key builds nothing.
#[test]
fn packages_that_were_made_elsewhere_are_signed_if_they_are_whole_and_of_this_version() {
    if !Path::new("/usr/bin/zip").exists() {
        return eprintln!("skipped: no zip here");
    }
    let (sandbox, release) = release(PROGRAM, &TARGETS);
    let minisign = "#!/bin/sh\necho \"$*\" >\"$HOME/asked\"\n";
    let sandbox = sandbox.with_program("minisign", minisign);
    assert_eq!(packages(&sandbox, "made", &release, "manifests").code, Some(0));
    let folder = sandbox.home().join("made");
    let unnamed = "packages.sh: name the secret key: MINISIGN_KEY=FILE packaging/packages.sh --sign FOLDER\n";
    assert_eq!(script(&sandbox, "packages.sh", &["--sign", folder.to_str().unwrap()]).stderr, unnamed);
    let sandbox = sandbox.with("MINISIGN_KEY", "key");
    let sign = || script(&sandbox, "packages.sh", &["--sign", folder.to_str().unwrap()]);
    assert_eq!(sign(), Run::success(""));
    let version = env!("CARGO_PKG_VERSION");
    let asked = fs::read_to_string(sandbox.home().join("asked")).unwrap();
    assert!(asked.contains(&format!("-t packages of ensign {version} ")), "{asked}");

    let sums = fs::read_to_string(folder.join("PACKAGES_SHA256SUMS")).unwrap();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  old_0.0.0-1_amd64.deb\n";
    fs::write(folder.join("old_0.0.0-1_amd64.deb"), "").unwrap();
    fs::write(folder.join("PACKAGES_SHA256SUMS"), format!("{sums}{empty}")).unwrap();
    assert_eq!(sign().stderr, format!("packages.sh: `old_0.0.0-1_amd64.deb` is not of version {version}\n"));
    fs::write(folder.join("old_0.0.0-1_amd64.deb"), "x").unwrap();
    let damaged = format!("packages.sh: `{}` is damaged: its sums do not match\n", folder.display());
    assert!(sign().stderr.ends_with(&damaged));
}
