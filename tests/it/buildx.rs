//! `buildx sync`: the folders that it writes, and which of them buildx uses for a request.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, read_json, write};

/// A home with `me`, `work` and `ci` on ghcr.io, of which `me` is the default; `me` and `work` on Docker Hub; `me` on
/// quay.io.
pub(crate) fn builder() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.link("docker-credential-ensign");
    let path = format!("{}:/usr/bin:/bin", sandbox.home().display());
    let sandbox = sandbox.with("PATH", &path);
    for (host, user) in [
        ("ghcr.io", "ci"),
        ("ghcr.io", "work"),
        ("ghcr.io", "me"),
        ("https://index.docker.io/v1/", "work"),
        ("https://index.docker.io/v1/", "me"),
        ("quay.io", "me"),
    ] {
        sandbox.store(host, user, &format!("{user}-pw"));
    }
    sandbox.ok(&["account", "edit", "ghcr.io", "work", "--images", "acme/**"], "");
    sandbox.ok(&["account", "edit", "ghcr.io", "ci", "--images", "acme/tools/lint"], "");
    sandbox.ok(&["account", "edit", "docker.io", "work", "--images", "docker.io/acme/*"], "");
    sandbox
}

pub(crate) fn root(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join(".docker/buildx/config")
}

/// Returns each `config.json` below buildx's folder as `FOLDER HELPER`.
pub(crate) fn folders(sandbox: &Sandbox) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![root(sandbox)];
    while let Some(folder) = waiting.pop() {
        for path in fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                waiting.push(path);
            } else if path.ends_with("config.json") {
                let helpers = read_json(&path)["credHelpers"].clone();
                let helper = helpers.as_object().and_then(|all| all.values().next()?.as_str().map(str::to_owned));
                let name = folder.strip_prefix(root(sandbox)).unwrap().display().to_string();
                found.push(format!("{name} {}", helper.unwrap_or_default()));
            }
        }
    }
    found.sort();
    found
}

/// Returns the folder that buildx uses for a token request, or `None` if buildx uses the default config. The rules are
/// those of docker/buildx `util/dockerutil/dockerconfig/configprovider.go`.
fn looked_up(root: &Path, host: &str, scopes: &[&str]) -> Option<PathBuf> {
    let mut found: Vec<(String, BTreeSet<String>, PathBuf)> = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().map(Result::unwrap).collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                waiting.push(entry.path());
            } else if entry.file_name() == "config.json" {
                let folder = entry.path().parent().unwrap().to_owned();
                let key = folder.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                let (name, scope) = key.split_once('@').unwrap_or((&key, ""));
                let (its_host, repository) = name.split_once('/').unwrap_or((name, ""));
                if its_host == host {
                    let scope = scope.split(',').map(str::trim).filter(|word| !word.is_empty());
                    found.push((repository.to_owned(), scope.map(str::to_owned).collect(), folder.clone()));
                }
            }
        }
    }
    let mut asked: Vec<(String, BTreeSet<String>)> = Vec::new();
    for scope in scopes.iter().flat_map(|scopes| scopes.split(' ')) {
        let parts: Vec<&str> = scope.splitn(3, ':').collect();
        let name = parts.iter().take(2).copied().collect::<Vec<_>>().join(":");
        let actions = parts.get(2).into_iter().flat_map(|actions| actions.split(',')).map(str::to_owned);
        match asked.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.extend(actions),
            None => asked.push((name, actions.collect())),
        }
    }
    let [(name, actions)] = asked.as_slice() else { return None };
    found.retain(|(repository, scope, _)| {
        (repository.is_empty() || *name == format!("repository:{repository}")) && scope.is_subset(actions)
    });
    found.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.len().cmp(&a.1.len())));
    found.into_iter().next().map(|(_, _, folder)| folder)
}

/// Returns the account that answers a token request of a build, or `default config`.
fn answers(sandbox: &Sandbox, host: &str, scopes: &[&str]) -> String {
    let Some(folder) = looked_up(&root(sandbox), host, scopes) else { return "default config".into() };
    let key = if host == "registry-1.docker.io" { "https://index.docker.io/v1/" } else { host };
    let config = read_json(&folder.join("config.json"));
    let Some(helper) = config["credHelpers"][key].as_str() else { return "nobody".into() };
    let program = sandbox.home().join(format!("docker-credential-{helper}"));
    let run = finish(sandbox.command_of(&program, &["get"]).spawn().unwrap(), key.as_bytes());
    serde_json::from_str::<Value>(&run.stdout).unwrap()["Username"].as_str().unwrap().to_owned()
}

#[test]
fn one_build_pulls_with_one_account_and_pushes_with_another() {
    let sandbox = builder();
    let run = sandbox.run(&["buildx", "sync", "ghcr.io/acme/base:1", "ghcr.io/me/app", "acme/base", "me/app:2"], "");
    let stdout = "\
~/.docker/buildx/config
+   registry-1.docker.io/acme/base            work
+   registry-1.docker.io/me/app               me
+   ghcr.io/acme/base                         work
+   ghcr.io/acme/tools/lint                   ci
+   ghcr.io/me/app                            me
";
    let stderr = "\
✓ Made ~/docker-credential-ensign-ci
✓ Made ~/docker-credential-ensign-me
✓ Made ~/docker-credential-ensign-work
✓ Folders: 5 written
";
    assert_eq!(run, Run { stderr: stderr.into(), ..Run::success(stdout) });
    for (host, scopes, account) in [
        ("ghcr.io", &["repository:acme/base:pull"][..], "work"),
        ("ghcr.io", &["repository:me/app:pull,push"], "me"),
        ("ghcr.io", &["repository:acme/tools/lint:pull"], "ci"),
        ("ghcr.io", &["repository:acme/tools:pull"], "default config"),
        ("ghcr.io", &["repository:acme/tools/lint/x:pull"], "default config"),
        ("ghcr.io", &["repository:me/app:pull,push repository:acme/base:pull"], "default config"),
        ("ghcr.io", &["repository:me/app:pull,push", "repository:acme/base:pull"], "default config"),
        ("ghcr.io", &[], "default config"),
        ("quay.io", &["repository:me/app:pull"], "default config"),
        ("docker.io", &["repository:acme/base:pull"], "default config"),
        ("registry-1.docker.io", &["repository:acme/base:pull"], "work"),
        ("registry-1.docker.io", &["repository:me/app:pull,push"], "me"),
        ("registry-1.docker.io", &["repository:library/alpine:pull"], "default config"),
    ] {
        assert_eq!(answers(&sandbox, host, scopes), account, "{host} {scopes:?}");
    }
    assert_eq!(fs::metadata(root(&sandbox)).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_pull_account_and_a_push_account_share_a_build() {
    let sandbox = builder();
    let mut config = sandbox.config();
    let accounts = &mut config["registries"]["ghcr.io"]["accounts"];
    accounts["ci"] =
        serde_json::json!({"username": "ci", "store": "file", "for": "push", "images": ["ghcr.io/acme/**"]});
    accounts["work"]["for"] = "pull".into();
    accounts["me"]["for"] = "pull".into();
    write(&sandbox.config_path(), config.to_string().as_bytes());
    sandbox.ok(&["buildx", "sync", "ghcr.io/acme/app", "ghcr.io/me/app"], "");
    assert_eq!(
        folders(&sandbox),
        [
            "ghcr.io/acme/app ensign-work",
            "ghcr.io/acme/app@push ensign-ci",
            "ghcr.io/me/app ensign-me",
            "ghcr.io/me/app@push ensign-ci",
            "ghcr.io@push ensign-ci",
        ]
    );
    for (scope, account) in [
        ("repository:acme/app:pull", "work"),
        ("repository:acme/app:pull,push", "ci"),
        ("repository:me/app:pull", "me"),
        ("repository:me/app:pull,push", "ci"),
        ("repository:other/app:pull,push", "ci"),
        ("repository:other/app:pull", "default config"),
    ] {
        assert_eq!(answers(&sandbox, "ghcr.io", &[scope]), account, "{scope}");
    }
    let mut config = sandbox.config();
    for name in ["ci", "work", "me"] {
        config["registries"]["ghcr.io"]["accounts"][name]["for"] = Value::Null;
    }
    write(&sandbox.config_path(), config.to_string().as_bytes());
    let run = sandbox.run(&["buildx", "sync"], "");
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/buildx/config
-   ghcr.io@push                              ci
-   ghcr.io/acme/app                          work
-   ghcr.io/acme/app@push                     ci
    ghcr.io/me/app                            me            already
-   ghcr.io/me/app@push                       ci
--- stderr
✓ Folders: 4 removed

"#]]);
    assert_eq!(folders(&sandbox), ["ghcr.io/me/app ensign-me"], "acme/** is claimed twice now");
}

#[test]
fn a_second_run_writes_nothing_and_dry_run_never_does() {
    let sandbox = builder();
    let dry = sandbox.run(&["buildx", "sync", "--dry-run", "ghcr.io/me/app"], "");
    dry.shows(str![[r#"
exit 0
--- stdout
~/.docker/buildx/config
+   ghcr.io/acme/tools/lint                   ci
+   ghcr.io/me/app                            me
--- stderr
Nothing written.

"#]]);
    assert!(!root(&sandbox).exists() && !sandbox.home().join("docker-credential-ensign-me").is_symlink());
    sandbox.ok(&["buildx", "sync", "ghcr.io/me/app"], "");
    let file = root(&sandbox).join("ghcr.io/me/app/config.json");
    let written = fs::metadata(&file).unwrap().modified().unwrap();
    let again = sandbox.run(&["buildx", "sync"], "");
    assert!(again.stdout.contains("ghcr.io/me/app                            me            already"), "{again:?}");
    again.shows(str![[r#"
exit 0
--- stdout
~/.docker/buildx/config
    ghcr.io/acme/tools/lint                   ci            already
    ghcr.io/me/app                            me            already
--- stderr
Nothing to change.

"#]]);
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), written);
    fs::remove_file(sandbox.home().join("docker-credential-ensign-me")).unwrap();
    let mended = sandbox.run(&["buildx", "sync"], "");
    mended.shows(str![[r#"
exit 0
--- stdout
~/.docker/buildx/config
    ghcr.io/acme/tools/lint                   ci            already
    ghcr.io/me/app                            me            already
--- stderr
✓ Made ~/docker-credential-ensign-me
Nothing to change.

"#]]);
}

#[test]
fn images_in_the_files_here_get_folders_too() {
    let sandbox = builder();
    let file = |name: &str, text: &str| write(&sandbox.home().join(name), text.as_bytes());
    file("Dockerfile", "FROM ghcr.io/acme/base:1\nCOPY --from=ghcr.io/public/tool / /\n");
    file(
        "docker-bake.hcl",
        "target \"app\" {\n tags = [\"ghcr.io/me/app:1\"]\n cache-to = [\"ghcr.io/acme/cache\"]\n}\n",
    );
    file("compose.yaml", "services:\n  web:\n    image: docker.io/acme/web\n    build: .\n");
    sandbox.ok(&["buildx", "sync"], "");
    assert_eq!(
        folders(&sandbox),
        [
            "ghcr.io/acme/base ensign-work",
            "ghcr.io/acme/cache ensign-work",
            "ghcr.io/acme/tools/lint ensign-ci",
            "ghcr.io/me/app ensign-me",
            "registry-1.docker.io/acme/web ensign-work"
        ]
    );
    for name in ["Dockerfile", "docker-bake.hcl", "compose.yaml"] {
        fs::remove_file(sandbox.home().join(name)).unwrap();
    }
    sandbox.ok(&["buildx", "sync"], "");
    assert_eq!(folders(&sandbox).len(), 5, "the folders of the other project are unchanged");
}

#[test]
fn folders_go_with_the_account_and_follow_its_patterns() {
    let sandbox = builder();
    sandbox.ok(&["buildx", "sync", "ghcr.io/acme/base", "ghcr.io/me/app", "ghcr.io/public/x"], "");
    let edited = sandbox.run(&["account", "edit", "ghcr.io", "work", "--alias", "office"], "");
    edited.shows(str![[r#"
exit 0
--- stderr
✓ Changed office on ghcr.io
  buildx's folders: 1 changed
  Used for  ghcr.io/acme/**

"#]]);
    let office = ["ghcr.io/acme/base ensign-office", "ghcr.io/acme/tools/lint ensign-ci", "ghcr.io/me/app ensign-me"];
    assert_eq!(folders(&sandbox), office);
    assert_eq!(answers(&sandbox, "ghcr.io", &["repository:acme/base:pull"]), "work");
    sandbox.ok(&["account", "edit", "ghcr.io", "me", "--images", "me/**", "--images", "acme/base"], "");
    assert_eq!(folders(&sandbox)[0], "ghcr.io/acme/base ensign-me");
    let out = sandbox.run(&["logout", "ghcr.io", "-u", "ci"], "");
    out.shows(str![[r#"
exit 0
--- stderr
✓ Removed ci from ghcr.io
! a token stays valid until you delete it at https://github.com/settings/tokens
  buildx's folders: 1 changed
! removed the program docker-credential-ensign-ci too

"#]]);
    assert_eq!(folders(&sandbox)[1], "ghcr.io/acme/tools/lint ensign-office");
    assert!(!sandbox.home().join("docker-credential-ensign-ci").is_symlink());
    sandbox.ok(&["logout", "ghcr.io", "-u", "office"], "");
    assert!(folders(&sandbox).is_empty() && !root(&sandbox).exists(), "the only account that is left needs no folder");
}

#[test]
fn what_a_client_has_logged_out_is_mended_by_the_next_run() {
    let sandbox = builder();
    sandbox.ok(&["buildx", "sync", "ghcr.io/me/app"], "");
    let program = sandbox.home().join("docker-credential-ensign-me");
    sandbox.ok(&["erase"], "ghcr.io");
    let run = finish(sandbox.command_of(&program, &["get"]).spawn().unwrap(), b"ghcr.io");
    assert_eq!(run, Run::not_found());
    let run = sandbox.run(&["buildx", "sync"], "");
    assert!(run.stdout.contains("-   ghcr.io/me/app "), "{run:?}");
    sandbox.ok(&["pin", "work"], "");
    sandbox.ok(&["buildx", "sync", "ghcr.io/acme/base"], "");
    let pinned = sandbox.run(&["pin", "work", "--remove"], "").stderr;
    shows(
        &pinned,
        str![[r#"
✓ Removed docker-credential-ensign-work
! buildx's folders still name this program: `docker-credential-ensign buildx sync` makes the program again, `docker-credential-ensign buildx sync --remove` removes the folders

"#]],
    );
}

#[test]
fn the_root_is_where_buildx_looks() {
    for (name, value, below) in [("BUILDX_CONFIG", "own", "own/config"), ("DOCKER_CONFIG", "d", "d/buildx/config")] {
        let sandbox = builder().with(name, value);
        sandbox.ok(&["buildx", "sync", "ghcr.io/me/app"], "");
        assert!(sandbox.home().join(below).join("ghcr.io/me/app/config.json").exists(), "{name}");
    }
    let sandbox = builder();
    fs::create_dir_all(sandbox.home().join(".docker/buildx")).unwrap();
    symlink("/tmp", root(&sandbox)).unwrap();
    let run = sandbox.run(&["buildx", "sync", "ghcr.io/me/app"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: `[HOME]/.docker/buildx/config` is a link, which buildx does not follow
hint: put a folder in its place: `rm [HOME]/.docker/buildx/config`, and run the command again

"#]]);
}
