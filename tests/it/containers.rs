//! Podman, Buildah and Skopeo: which login they find first in their files, and which registries `registries.conf`
//! chooses for image names.

use serde_json::{Value, json};
#[cfg(not(any(windows, target_os = "macos")))]
use snapbox::str;

#[cfg(not(any(windows, target_os = "macos")))]
use crate::support::snapshots::shows;
use crate::support::{Sandbox, read_json, write};

/// Adds Podman's two auth files to a home. The session's file contains `session`, and the file in `~/.config` is `{}`.
fn with_podman(sandbox: Sandbox, session: &Value) -> Sandbox {
    let run = sandbox.home().join("run");
    write(&run.join("containers/auth.json"), session.to_string().as_bytes());
    write(&sandbox.home().join(".config/containers/auth.json"), b"{}");
    sandbox.with("XDG_RUNTIME_DIR", run.to_str().unwrap())
}

#[test]
#[cfg(not(any(windows, target_os = "macos")))] // there Podman has one auth file, and Ensign's entry is first in it
fn a_login_that_podman_finds_first_is_told() {
    // The login is `dave:pw`.
    let session = json!({"auths": {"ghcr.io": {"auth": "ZGF2ZTpwdw=="}}});
    let sandbox = with_podman(Sandbox::new(), &session);
    sandbox.store("ghcr.io", "me", "pw");
    let run = sandbox.run(&["configure-docker"], "");
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credHelpers
+   "ghcr.io": "ensign"
~/.config/containers/auth.json
  credHelpers
+   "ghcr.io": "ensign"
~/run/containers/auth.json
  !   "ghcr.io"                     plain-text login
--- stderr
✓ Wrote ~/.docker/config.json, ~/.config/containers/auth.json
  To undo   docker-credential-ensign configure-docker --undo
! Podman, Buildah and Skopeo use the login of dave for ghcr.io in ~/run/containers/auth.json, and do not ask Ensign; to import that login:  docker-credential-ensign import [HOME]/run/containers/auth.json --remove
! plain-text logins are left, and some tools use them first; to import them:  docker-credential-ensign configure-docker --import
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]]);
    sandbox.run(&["status"], "").shows(str![[r#"
exit 0
--- stdout
ghcr.io
  ● me  default   me/**   in clear text

Docker asks Ensign for all of these registries.
✗ Docker will not find `docker-credential-ensign`, because its folder is not on
  PATH
--- stderr
! Podman, Buildah and Skopeo use the login of dave for ghcr.io in ~/run/containers/auth.json, and do not ask Ensign; to import that login:  docker-credential-ensign import [HOME]/run/containers/auth.json --remove

"#]]);
    let run = sandbox.run(&["status", "--json"], "");
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["containers"][0]["first"]["username"], "dave", "{json}");
    // `which` names the login that is really used.
    let mut transcript = String::new();
    for client in ["podman", "buildah", "skopeo"] {
        let command = match client {
            "skopeo" => "skopeo inspect docker://ghcr.io/me/app".to_owned(),
            _ => format!("{client} push ghcr.io/me/app"),
        };
        let run = sandbox.run(&["which", "--as", &command, "--json"], "");
        let json: Value = serde_json::from_str(&run.stdout).unwrap();
        let one = &json["registries"][0];
        assert_eq!((&one["account"], &one["would_be"]), (&Value::Null, &json!("me")), "{run:?}");
        assert_eq!(one["first"]["username"], "dave", "{one}");
        let text = sandbox.run(&["which", "--as", &command], "").stdout;
        transcript += &text;
    }
    shows(
        &transcript,
        str![[r#"
dave   (found before Ensign is asked; Ensign would answer: me)
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           not checked: there is only one account
   6 files                  not checked: there is only one account
   7 .ensign.toml           not checked: there is only one account
   8 folder                 not checked: there is only one account
●  9 default account        → me
  10 only account           → me
dave   (found before Ensign is asked; Ensign would answer: me)
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           not checked: there is only one account
   6 files                  not checked: there is only one account
   7 .ensign.toml           not checked: there is only one account
   8 folder                 not checked: there is only one account
●  9 default account        → me
  10 only account           → me
dave   (found before Ensign is asked; Ensign would answer: me)
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           not checked: there is only one account
   6 files                  not checked: there is only one account
   7 .ensign.toml           not checked: there is only one account
   8 folder                 not checked: there is only one account
●  9 default account        → me
  10 only account           → me

"#]],
    );
    let docker = sandbox.ok(&["which", "--as", "docker push ghcr.io/me/app"], "");
    assert!(docker.starts_with("me\n"), "{docker}");
    sandbox.run(&["which", "ghcr.io/me/app"], "").shows(str![[r#"
exit 0
--- stdout
me
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           not checked: there is only one account
   6 files                  not checked: there is only one account
   7 .ensign.toml           not checked: there is only one account
   8 folder                 not checked: there is only one account
●  9 default account        → me
  10 only account           → me
--- stderr
! Podman, Buildah and Skopeo use the login of dave for ghcr.io in ~/run/containers/auth.json, and do not ask Ensign; to import that login:  docker-credential-ensign import [HOME]/run/containers/auth.json --remove

"#]]);
    // An import removes the other login.
    sandbox.ok(&["import", "containers", "--remove", "--yes"], "");
    let text = sandbox.ok(&["which", "--as", "podman push ghcr.io/me/app"], "");
    assert!(text.starts_with("me\n"), "{text}");
    assert!(!sandbox.run(&["status"], "").stderr.contains("dave"));
}

#[test]
#[cfg(not(any(windows, target_os = "macos")))]
fn the_preview_names_each_file_once() {
    let session = json!({"auths": {"a.example": auth("me", "pw"), "a.example/acme": auth("bob", "pw")}});
    let sandbox = with_podman(Sandbox::new(), &session);
    let home = json!({"auths": {"b.example": auth("me", "pw")}});
    write(&sandbox.home().join(".config/containers/auth.json"), home.to_string().as_bytes());
    let preview = sandbox.ok(&["configure-docker", "--dry-run"], "");
    for part in ["run/containers/auth.json", "\"a.example/acme\"", "\"b.example\""] {
        assert_eq!(preview.matches(part).count(), 1, "{preview}");
    }
}

fn auth(user: &str, secret: &str) -> Value {
    use base64::Engine;
    json!({"auth": base64::engine::general_purpose::STANDARD.encode(format!("{user}:{secret}"))})
}

/// Returns the account that Podman uses for a namespace of ghcr.io.
fn goes_out(sandbox: &Sandbox, namespace: &str) -> String {
    let command = format!("podman pull ghcr.io/{namespace}/x");
    sandbox.ok(&["which", "--as", &command], "").split_whitespace().next().unwrap_or_default().to_owned()
}

#[test]
fn an_import_of_one_file_keeps_each_part_of_the_registry() {
    // An import makes the login for the whole registry the default, whatever the order in the file.
    for (whole, other) in [("ghcr.io/me", "me"), ("ghcr.io", "other")] {
        let sandbox = Sandbox::new();
        let file = sandbox.home().join(".config/containers/auth.json");
        let logins = json!({"auths": {"ghcr.io/acme": auth("a", "1"), whole: auth("b", "2")}});
        write(&file, logins.to_string().as_bytes());
        sandbox.ok(&["import", "containers", "--remove", "--yes"], "");
        assert_eq!((goes_out(&sandbox, "acme"), goes_out(&sandbox, other)), ("a".into(), "b".into()));
        assert_eq!(read_json(&file)["credHelpers"]["ghcr.io"], "ensign");
    }
}

#[test]
#[cfg(not(any(windows, target_os = "macos")))] // there Podman has only one auth file
fn an_import_hides_no_login_of_another_part_of_the_registry() {
    let acme = json!({"auths": {"ghcr.io/acme": auth("a", "1")}});
    let both = json!({"auths": {"ghcr.io/acme": auth("a", "1"), "ghcr.io/me": auth("b", "2")}});
    // Importing all logins together, from one file or two, keeps each for its own part of the registry.
    for (session, home) in [(&both, &json!({})), (&acme, &json!({"auths": {"ghcr.io/me": auth("b", "2")}}))] {
        let sandbox = with_podman(Sandbox::new(), session);
        let home_file = sandbox.home().join(".config/containers/auth.json");
        write(&home_file, home.to_string().as_bytes());
        let file = sandbox.home().join("run/containers/auth.json");
        sandbox.ok(&["import", "containers", "--remove", "--yes"], "");
        assert_eq!((goes_out(&sandbox, "acme"), goes_out(&sandbox, "me")), ("a".into(), "b".into()));
        for file in [file, home_file] {
            let json = read_json(&file);
            let logins = json["auths"].as_object().into_iter().flat_map(|auths| auths.values());
            assert!(logins.clone().all(|login| *login == json!({})), "{json}");
            assert_eq!(logins.count() > 0, json["credHelpers"]["ghcr.io"] == "ensign", "{json}");
        }
    }
    // An import of only some logins does not remove them, because an entry for the whole host would hide the other
    // logins.
    let mut transcript = String::new();
    for home in [
        json!({"auths": {"ghcr.io/me": auth("b", "2")}}),
        json!({"auths": {"ghcr.io": auth("b", "2")}}),
        json!({"auths": {"ghcr.io/acme": auth("c", "3"), "ghcr.io/me": auth("b", "2")}}),
    ] {
        let sandbox = with_podman(Sandbox::new(), &acme);
        write(&sandbox.home().join(".config/containers/auth.json"), home.to_string().as_bytes());
        let file = sandbox.home().join("run/containers/auth.json");
        let run = sandbox.run(&["import", file.to_str().unwrap(), "--remove", "--yes"], "");
        assert_eq!(run.code, Some(1), "{run:?}");
        transcript += &run.transcript();

        assert_eq!(read_json(&file), acme);
        assert_eq!((goes_out(&sandbox, "acme"), goes_out(&sandbox, "me")), ("a".into(), "b".into()));
        sandbox.ok(&["import", "containers", "--remove", "--yes"], "");
        assert_eq!(goes_out(&sandbox, "acme"), "a");
        assert_eq!(read_json(&file), json!({"auths": {"ghcr.io/acme": {}}, "credHelpers": {"ghcr.io": "ensign"}}));
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
  ghcr.io/acme/**  a  ~/run/containers/auth.json  new
--- stderr
✓ Imported a on ghcr.io
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! not removed: the logins for ghcr.io: Podman, Buildah and Skopeo would no longer find the login for ghcr.io/me in ~/.config/containers/auth.json. Import them together:  docker-credential-ensign import containers --remove
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker
exit 1
--- stdout
  ghcr.io/acme/**  a  ~/run/containers/auth.json  new
--- stderr
✓ Imported a on ghcr.io
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! not removed: the logins for ghcr.io: Podman, Buildah and Skopeo would no longer find the login for ghcr.io in ~/.config/containers/auth.json. Import them together:  docker-credential-ensign import containers --remove
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker
exit 1
--- stdout
  ghcr.io/acme/**  a  ~/run/containers/auth.json  new
--- stderr
✓ Imported a on ghcr.io
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! not removed: the logins for ghcr.io: Podman, Buildah and Skopeo would no longer find the login for ghcr.io/me in ~/.config/containers/auth.json. Import them together:  docker-credential-ensign import containers --remove
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker

"#]],
    );
    // The tools find the login for a part of a registry in Docker's file too.
    let sandbox = with_podman(Sandbox::new(), &acme);
    write(
        &sandbox.home().join(".docker/config.json"),
        json!({"auths": {"ghcr.io/me": auth("b", "2")}}).to_string().as_bytes(),
    );
    let file = sandbox.home().join("run/containers/auth.json");
    let run = sandbox.run(&["import", file.to_str().unwrap(), "--remove", "--yes"], "");
    assert!(run.stderr.contains("no longer find the login for ghcr.io/me in ~/.docker/config.json"), "{run:?}");
    assert_eq!(read_json(&file), acme);
    // A login that was already hidden may stay hidden, and logins of other registries do not matter.
    for home in [json!({"auths": {"ghcr.io/acme": auth("c", "3")}}), json!({"auths": {"quay.io/me": auth("b", "2")}})] {
        let sandbox = with_podman(Sandbox::new(), &acme);
        write(&sandbox.home().join(".config/containers/auth.json"), home.to_string().as_bytes());
        let file = sandbox.home().join("run/containers/auth.json");
        sandbox.ok(&["import", file.to_str().unwrap(), "--remove", "--yes"], "");
        assert_eq!(goes_out(&sandbox, "acme"), "a");
    }
}

#[test]
fn the_settings_of_podman_say_what_is_asked() {
    let conf = "unqualified-search-registries = ['quay.io']\n[aliases]\ntool = 'ghcr.io/work/tool'\n\
                [[registry]]\nprefix = 'corp.example/team'\nlocation = 'ghcr.io/work'\n\
                [[registry.mirror]]\nlocation = 'mirror.example/work'\n";
    let sandbox = with_podman(Sandbox::new(), &json!({}));
    for host in ["quay.io", "ghcr.io", "mirror.example"] {
        sandbox.store(host, "work", "pw");
        sandbox.store(host, "me", "pw");
    }
    write(&sandbox.home().join(".config/containers/registries.conf"), conf.as_bytes());
    for (command, registry, account) in [
        ("podman pull work/app", "quay.io", "work"),
        ("podman pull other/app", "quay.io", "me"),
        ("buildah pull tool", "ghcr.io", "work"),
        ("podman run tool:1", "ghcr.io", "work"),
        ("skopeo inspect docker://corp.example/team/app", "ghcr.io", "work"),
        ("podman pull corp.example/team/app", "mirror.example", "work"),
        ("podman push corp.example/team/app", "ghcr.io", "me"), // a push uses the image's own name
        ("podman pull docker.io/work/app", "quay.io", "me"),
        ("docker pull work/app", "quay.io", "me"),
    ] {
        let text = sandbox.ok(&["which", registry, "--as", command], "");
        assert_eq!(text.lines().next(), Some(account), "{command}: {text}");
    }
    let all: Value =
        serde_json::from_str(&sandbox.ok(&["which", "--as", "podman pull work/app", "--json"], "")).unwrap();
    assert_eq!(all["registries"].as_array().unwrap().len(), 1, "{all}");
    assert_eq!(all["registries"][0]["registry"], "quay.io");
}

#[test]
fn the_settings_of_podman_hold_for_what_stands_in_files() {
    let conf = "unqualified-search-registries = ['quay.io']\n[aliases]\ntool = 'ghcr.io/work/tool'\n\
                [[registry]]\nprefix = 'corp.example/team'\nlocation = 'ghcr.io/work'\n\
                [[registry.mirror]]\nlocation = 'mirror.example/work'\n\
                [[registry]]\nprefix = 'moved.example'\nlocation = 'ghcr.io'\n\
                [[registry]]\nprefix = '*.old.example'\nlocation = 'ghcr.io'\n";
    let sandbox = with_podman(Sandbox::new(), &json!({}));
    for host in ["quay.io", "ghcr.io", "mirror.example", "docker.io", "corp.example"] {
        sandbox.store(host, "work", "pw");
        sandbox.store(host, "me", "pw");
    }
    write(&sandbox.home().join(".config/containers/registries.conf"), conf.as_bytes());
    let from = |folder: &str, text: &str| write(&sandbox.home().join(folder).join("Containerfile"), text.as_bytes());
    from("short", "FROM work/app");
    from("alias", "FROM tool:1 AS x\nFROM x");
    from("rule", "FROM corp.example/team/app:1");
    from("moved", "FROM moved.example/work/app");
    from("subdomain", "FROM eu.old.example/work/app");
    from("hub", "FROM docker.io/work/app");
    from("transport", "FROM docker://work/app");
    from("copy", "FROM scratch\nCOPY --from=work/tools /x /x\n");
    from("argument", "ARG BASE=other/app\nFROM $BASE\n");
    let pod = |image: &str| format!("kind: Pod\nspec:\n  containers:\n  - image: {image}\n");
    write(&sandbox.home().join("short.yaml"), pod("work/app:2").as_bytes());
    write(&sandbox.home().join("rule.yaml"), pod("corp.example/team/app").as_bytes());
    write(&sandbox.home().join("sync.yaml"), b"corp.example:\n  images:\n    team/app: []\n");
    write(&sandbox.home().join("docker/Dockerfile"), b"FROM work/app\n");
    for (command, registry, account) in [
        ("podman build short", "quay.io", "work"),
        ("podman build short", "docker.io", "me"),
        ("buildah build short", "quay.io", "work"),
        ("buildah bud -t quay.io/me/app short", "quay.io", "work"),
        ("podman build alias", "ghcr.io", "work"),
        ("podman build alias", "quay.io", "me"),
        ("podman build rule", "ghcr.io", "work"),
        ("podman build rule", "mirror.example", "work"),
        ("podman build rule", "corp.example", "me"),
        ("podman build moved", "ghcr.io", "work"),
        ("podman build subdomain", "ghcr.io", "work"),
        ("podman pull eu.old.example/work/app", "ghcr.io", "work"),
        ("podman pull moved.example/work/app", "ghcr.io", "work"),
        ("podman build hub", "docker.io", "work"),
        ("podman build hub", "quay.io", "me"),
        ("buildah build transport", "docker.io", "work"),
        ("podman build copy", "quay.io", "work"),
        ("podman build argument --build-arg BASE=work/app", "quay.io", "work"),
        ("podman build --cache-from corp.example/team/cache argument", "ghcr.io", "work"),
        ("podman kube play short.yaml", "quay.io", "work"),
        ("podman play kube rule.yaml", "mirror.example", "work"),
        ("skopeo sync --src yaml --dest dir sync.yaml x", "ghcr.io", "work"),
        ("docker build docker", "docker.io", "work"),
        ("docker build docker", "quay.io", "me"),
        // With a transport, and always for skopeo, a name without a host is on Docker Hub.
        ("podman pull docker://work/app", "docker.io", "work"),
        ("podman pull docker://work/app", "quay.io", "me"),
        ("skopeo inspect docker://work/app", "docker.io", "work"),
        // Podman does not resolve the name that a build gives to its result.
        ("podman build -t corp.example/team/app argument", "ghcr.io", "me"),
    ] {
        let text = sandbox.ok(&["which", registry, "--as", command], "");
        assert_eq!(text.lines().next(), Some(account), "{command} at {registry}: {text}");
    }
    for (command, expected) in [
        ("podman build short", "quay.io"),
        ("podman build rule", "ghcr.io mirror.example"),
        ("podman kube play short.yaml", "quay.io"),
    ] {
        let all: Value = serde_json::from_str(&sandbox.ok(&["which", "--as", command, "--json"], "")).unwrap();
        let mut asked: Vec<_> =
            all["registries"].as_array().unwrap().iter().map(|one| one["registry"].as_str()).collect();
        asked.sort_unstable();
        assert_eq!(asked.into_iter().flatten().collect::<Vec<_>>().join(" "), expected, "{command}");
    }
}
