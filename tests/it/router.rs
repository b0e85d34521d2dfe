//! Registries without an account: a routed helper or the fallback answers. The helpers here are scripts;
//! `tests/e2e/cases/router.sh` tests real ones.
#![cfg(unix)]

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, read_json, write};

/// A helper that stores one login per address and records its calls. Ensign must send secrets by stdin only.
pub const HELPER: &str = r#"#!/bin/sh
input=$(cat)
echo "${0##*/} $* <$input> ensign=${ENSIGN_CONFIG_DIR-none}" >>"$HOME/calls"
name=$(printf %s "$input" | tr -c 'a-z0-9.\n' _)
case $1 in
store) printf %s "$input" >"$HOME/kept" ;;
erase) [ -f "$HOME/at/$name" ] && rm "$HOME/at/$name" || { echo 'credentials not found in native keychain'; exit 1; } ;;
get) cat "$HOME/at/$name" 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;
list) cat "$HOME/list" 2>/dev/null || echo '{}' ;;
esac
"#;

/// A helper that answers every `get`.
const ANSWERS: &str = "#!/bin/sh\ncat >/dev/null\n[ $1 != get ] || echo '{\"ServerURL\":\"lie\",\"Username\":\"acr\",\"Secret\":\"t\"}'\n";

fn with_fallback(script: &str) -> Sandbox {
    let sandbox = Sandbox::new().with_program("docker-credential-before", script);
    configure(&sandbox, &json!({}));
    sandbox
}

fn configure(sandbox: &Sandbox, registries: &Value) {
    let config = json!({"version": 3, "fallback": "before", "registries": registries});
    write(&sandbox.config_path(), config.to_string().as_bytes());
}

pub fn has(sandbox: &Sandbox, file: &str, user: &str) {
    let login = json!({"ServerURL": "anything", "Username": user, "Secret": "theirs"});
    write(&sandbox.home().join("at").join(file), login.to_string().as_bytes());
}

pub fn entry(server: &str, username: &str, secret: &str) -> String {
    json!({"ServerURL": server, "Username": username, "Secret": secret}).to_string()
}

#[test]
fn what_we_do_not_own_passes_through() {
    let sandbox = with_fallback(HELPER);
    has(&sandbox, "quay.io", "carol");
    has(&sandbox, "https___index.docker.io_v1_", "hub");
    has(&sandbox, "https___index.docker.io_v1_access_token", "hub");
    sandbox.ok(&["login", "ghcr.io", "-u", "me", "--password-stdin", "--no-verify"], "ours");

    assert_eq!(sandbox.run(&["get"], "quay.io\n"), Run::answer("quay.io", "carol", "theirs"));
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::answer("ghcr.io", "me", "ours"));
    assert_eq!(sandbox.run(&["get"], "nobody.example"), Run::not_found());
    for side in ["", "access-token"] {
        let server = format!("https://index.docker.io/v1/{side}");
        assert_eq!(sandbox.run(&["get"], &server), Run::answer(&server, "hub", "theirs"));
    }
    assert_eq!(sandbox.run(&["store"], &entry("quay.io", "dave", "pässword\"")), Run::success(""));
    let kept: Value = read_json(&sandbox.home().join("kept"));
    assert_eq!(kept, json!({"ServerURL": "quay.io", "Username": "dave", "Secret": "pässword\""}));
    assert_eq!(sandbox.run(&["erase"], "quay.io"), Run::success(""));
    assert_eq!(sandbox.run(&["erase"], "quay.io"), Run::success(""), "erasing a missing login succeeds");
    assert_eq!(sandbox.run(&["get"], "quay.io"), Run::not_found());
    let calls = sandbox.calls();
    assert_eq!(calls[0], "docker-credential-before get <quay.io> ensign=none");
    assert!(calls.iter().all(|call| !call.contains("ghcr.io")), "{calls:?}");
    assert_eq!(sandbox.config()["registries"].as_object().unwrap().len(), 1);

    // Ensign keeps its own registries, and a `login` with Ensign adds a registry to these.
    assert_eq!(sandbox.run(&["store"], &entry("ghcr.io", "me", "new")), Run::success(""));
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::answer("ghcr.io", "me", "new"));
    sandbox.ok(&["login", "quay.io", "-u", "erin", "--password-stdin", "--no-verify"], "mine");
    assert_eq!(sandbox.run(&["get"], "quay.io"), Run::answer("quay.io", "erin", "mine"));
    assert_eq!(sandbox.run(&["erase"], "quay.io"), Run::success(""));
    assert_eq!(sandbox.run(&["get"], "quay.io"), Run::not_found(), "after the logout the other helper answers again");
}

#[test]
fn a_dead_fallback_is_not_found_and_says_nothing() {
    for script in [
        "#!/bin/sh\nexit 1\n",
        "#!/bin/sh\nkill -9 $$\n",
        "#!/bin/sh\ncat >/dev/null; echo '{\"Secret\": \"hunter2\"'\n",
        "#!/bin/sh\necho 'The keychain is locked: hunter2' | tee /dev/stderr; exit 1\n",
        "#!/bin/sh\n",
        "#!/bin/sh\necho '[]'\n",
        "#!/bin/sh\necho '{}'\n",
        "#!/bin/sh\n[ $1 = get ] && echo '{\"Username\":\"me\",\"Secret\":\"\"}'\n",
        "#!/bin/sh\n[ $1 = get ] && echo '{\"Username\":\"m\\u0000e\",\"Secret\":\"x\"}'\n",
        "#!/bin/sh\nyes\n",
        "#!/nowhere/sh\n",
        "no program at all",
    ] {
        let sandbox = with_fallback(script);
        assert_eq!(sandbox.run(&["get"], "quay.io"), Run::not_found(), "{script}");
        assert_eq!(sandbox.run(&["list"], ""), Run::success("{}\n"), "{script}");
    }
    let sandbox = Sandbox::new();
    configure(&sandbox, &json!({}));
    assert_eq!(sandbox.run(&["get"], "quay.io"), Run::not_found(), "it is not installed");
    let stored = sandbox.run(&["store"], &entry("quay.io", "dave", "hunter2"));
    assert_eq!((stored.code, stored.stderr.as_str()), (Some(1), ""));
    stored.shows(str![[r#"
exit 1
--- stdout
the login of quay.io was not kept: `docker-credential-before` is not installed: install `docker-credential-before`, or remove its name from the config, or save the login in Ensign: `docker-credential-ensign login quay.io`

"#]]);
    sandbox.run(&["erase"], "quay.io").shows(str![[r#"
exit 1
--- stdout
the login of quay.io was not removed: `docker-credential-before` is not installed: install `docker-credential-before`, or remove its name from the config

"#]]);
    for name in ["ensign", "atcr", "../evil", ""] {
        let config = json!({"version": 3, "fallback": name, "registries": {"x.io": {"helper": name}}});
        write(&sandbox.config_path(), config.to_string().as_bytes());
        assert_eq!(sandbox.run(&["get"], "quay.io"), Run::not_found(), "{name}");
        assert_eq!(sandbox.run(&["get"], "x.io"), Run::not_found(), "{name}");
    }
}

#[test]
fn a_helper_that_hangs_is_given_up() {
    let sandbox = with_fallback("#!/bin/sh\nsleep 600\n");
    sandbox.ok(&["login", "ghcr.io", "-u", "me", "--password-stdin", "--no-verify"], "ours");
    assert_eq!(sandbox.run(&["list"], ""), Run::success("{\"ghcr.io\":\"me\"}\n"));
    assert_eq!(sandbox.run(&["get"], "quay.io"), Run::not_found());
}

#[test]
fn a_host_of_its_own_goes_before_a_pattern_and_that_before_the_fallback() {
    let sandbox = with_fallback(HELPER).with_program("docker-credential-acr-env", ANSWERS);
    has(&sandbox, "quay.io", "carol");
    sandbox.ok(&["route", "*.azurecr.io", "acr-env"], "");
    sandbox.ok(&["login", "own.azurecr.io", "-u", "me", "--password-stdin", "--no-verify"], "ours");
    assert_eq!(sandbox.who("shop.azurecr.io"), "acr");
    assert_eq!(sandbox.who("own.azurecr.io"), "me");
    assert_eq!(sandbox.who("quay.io"), "carol");
    assert_eq!(sandbox.run(&["get"], "a.shop.azurecr.io"), Run::not_found());
    assert_eq!(sandbox.run(&["get"], "https://shop.azurecr.io"), Run::answer("https://shop.azurecr.io", "acr", "t"));
    let shop = sandbox.ok(&["which", "shop.azurecr.io/app"], "");
    shows(
        &shop,
        str![[r#"
docker-credential-acr-env   (answers for *.azurecr.io)

"#]],
    );
    let which: Value = serde_json::from_str(&sandbox.ok(&["which", "quay.io", "--json"], "")).unwrap();
    assert_eq!((&which["helper"], &which["route"]), (&json!("before"), &Value::Null));
    let status: Value = serde_json::from_str(&sandbox.ok(&["status", "--json"], "")).unwrap();
    assert_eq!(status["routes"], json!([{"registry": "*.azurecr.io", "helper": "acr-env"}]));
    assert_eq!(status["fallback"], json!("before"));
    sandbox.ok(&["route", "*.azurecr.io", "--remove"], "");
    assert_eq!(sandbox.run(&["get"], "shop.azurecr.io"), Run::not_found());
    sandbox.ok(&["route", "--no-fallback"], "");
    assert_eq!(sandbox.run(&["get"], "quay.io"), Run::not_found());
    assert_eq!(sandbox.config()["registries"].as_object().unwrap().keys().collect::<Vec<_>>(), ["own.azurecr.io"]);
    shows(
        &sandbox.ok(&["route"], ""),
        str![[r#"
No other helper is configured. To add one:  docker-credential-ensign route HOST HELPER

"#]],
    );
}

#[test]
fn a_list_holds_what_get_answers_and_nothing_twice() {
    let sandbox = with_fallback(HELPER).with_program("docker-credential-acr-env", HELPER);
    let list = json!({
        "https://quay.io": "carol", "https://ghcr.io": "theirs", "https://index.docker.io/v1/": "hub",
        "https://index.docker.io/v1/refresh-token": "hub", "shop.azurecr.io": "both", "ghcr.io/acme": "part",
        "docker.io": "hub", "https://ghcr.io/ensign/me": "me",
    });
    write(&sandbox.home().join("list"), list.to_string().as_bytes());
    for (file, user) in
        [("https___quay.io", "carol"), ("https___index.docker.io_v1_", "hub"), ("shop.azurecr.io", "both")]
    {
        has(&sandbox, file, user);
    }
    sandbox.ok(&["route", "*.azurecr.io", "acr-env"], "");
    sandbox.ok(&["login", "ghcr.io", "-u", "me", "--password-stdin", "--no-verify"], "ours");
    let listed: Value = serde_json::from_str(&sandbox.ok(&["list"], "")).unwrap();
    let expected = json!({
        "ghcr.io": "me", "https://quay.io": "carol", "https://index.docker.io/v1/": "hub", "shop.azurecr.io": "both",
    });
    assert_eq!(listed, expected);
    for (server, user) in expected.as_object().unwrap() {
        assert_eq!(json!(sandbox.who(server)), *user, "{server}");
    }
}

#[test]
fn a_pinned_program_and_a_public_image_ask_nobody_else() {
    let sandbox = with_fallback(ANSWERS);
    sandbox.ok(&["login", "ghcr.io", "-u", "me", "--alias", "work", "--password-stdin", "--no-verify"], "ours");
    let pinned = sandbox.link("docker-credential-ensign-work");
    let run = crate::support::finish(sandbox.command_of(&pinned, &["get"]).spawn().unwrap(), b"quay.io");
    assert_eq!(run, Run::not_found());
    let named = sandbox.command(&["get"]).env("ENSIGN_ACCOUNT", "quay.io=work").spawn().unwrap();
    let answer = crate::support::finish(named, b"quay.io");
    assert!(answer.code == Some(1) && answer.stdout.contains("`work`"), "{answer:?}");
    configure(&sandbox, &json!({"quay.io": {"public": ["quay.io/open/**"]}}));
    assert_eq!(sandbox.run(&["get"], "quay.io/open/app"), Run::not_found());
    assert_eq!(sandbox.who("quay.io"), "acr");
}

/// A helper that knows Ensign: it asks Ensign for the same address again, with the same accounts.
fn asks_ensign(program: &str, then: &str) -> String {
    format!(
        "#!/bin/sh\necho called >>\"$HOME/calls\"\nENSIGN_CONFIG_DIR=$HOME/config ENSIGN_DATA_DIR=$HOME/data {program} $1 {then}\n"
    )
}

#[test]
fn a_helper_that_asks_us_again_finds_what_is_ours_and_no_other_helper() {
    let ensign = Sandbox::program();
    let sandbox = with_fallback(&asks_ensign(ensign, ""));
    assert_eq!(sandbox.run(&["get"], "quay.io"), Run::not_found());
    assert_eq!(sandbox.calls().len(), 1, "it was started once");
    assert_eq!(sandbox.run(&["list"], ""), Run::success("{}\n"));
    assert_eq!(sandbox.calls().len(), 2);
    let stored = sandbox.run(&["store"], &entry("quay.io", "dave", "hunter2"));
    assert_eq!((stored.code, stored.stdout.contains("hunter2")), (Some(1), false), "{stored:?}");
    assert_eq!(sandbox.calls().len(), 3);

    // Two helpers that call each other through Ensign.
    let sandbox = Sandbox::new()
        .with_program(
            "docker-credential-one",
            &asks_ensign(ensign, "&& exit; exec docker-credential-two $1 </dev/null"),
        )
        .with_program(
            "docker-credential-two",
            &asks_ensign(ensign, "|| ENSIGN_CONFIG_DIR=$HOME/config docker-credential-ensign $1"),
        );
    let config = json!({"version": 3, "fallback": "two", "registries": {"*.example": {"helper": "one"}}});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    for server in ["a.example", "quay.io"] {
        assert_eq!(sandbox.run(&["get"], server), Run::not_found(), "{server}");
    }
    assert!(sandbox.calls().len() <= 4, "{:?}", sandbox.calls());
}

#[test]
fn our_own_program_under_another_name_is_no_other_helper() {
    let sandbox = Sandbox::new().with_program("docker-credential-other", HELPER);
    let bin = sandbox.home().join("bin");
    std::os::unix::fs::symlink(Sandbox::program(), bin.join("docker-credential-soft")).unwrap();
    let hard = std::fs::hard_link(Sandbox::program(), bin.join("docker-credential-hard"));
    let names = if hard.is_ok() { vec!["soft", "hard", "ensign", "atcr"] } else { vec!["soft", "ensign", "atcr"] };
    let mut transcript = String::new();
    for name in names {
        let run = sandbox.run(&["route", "*.example", name], "");
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
        transcript += &run.transcript();
        let config = json!({"version": 3, "fallback": name, "registries": {"*.example": {"helper": name}}});
        write(&sandbox.config_path(), config.to_string().as_bytes());
        for server in ["a.example", "quay.io"] {
            assert_eq!(sandbox.run(&["get"], server), Run::not_found(), "{name}");
        }
        assert_eq!(sandbox.run(&["list"], ""), Run::success("{}\n"));
        let calls = [("store", entry("quay.io", "dave", "x")), ("erase", "quay.io".to_owned())];
        // As a helper in the config, the names `ensign` and `atcr` are ignored.
        for (verb, input) in calls.into_iter().filter(|_| bin.join(format!("docker-credential-{name}")).exists()) {
            let run = sandbox.run(&[verb], &input);
            let expected = format!("`docker-credential-{name}` answers for quay.io, but asks Ensign again: ");
            assert!(run.code == Some(1) && run.stdout.starts_with(&expected), "{verb}: {run:?}");
        }
        std::fs::remove_file(sandbox.config_path()).unwrap();
    }
    shows(
        &transcript,
        str![[r#"
exit 2
--- stderr
error: `soft` is Ensign itself, and Ensign cannot ask itself
hint: name another helper
exit 2
--- stderr
error: `hard` is Ensign itself, and Ensign cannot ask itself
hint: name another helper
exit 2
--- stderr
error: `ensign` is Ensign itself, and Ensign cannot ask itself
hint: name another helper
exit 2
--- stderr
error: `atcr` is Ensign itself, and Ensign cannot ask itself
hint: name another helper

"#]],
    );
    sandbox.ok(&["route", "*.example", "docker-credential-other"], "");
    let mut told = String::new();
    for words in [&["*.example"][..], &["ghcr.*", "other"], &["*.example", "a/b"]] {
        let run = sandbox.run(&[&["route"], words].concat(), "");
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
        told += &run.stderr;
    }
    shows(
        &told,
        str![[r#"
error: no helper was given
hint: name the helper, as in `docker-credential-ensign route '*.example' ecr-login`
error: `ghcr.*` is not a registry: a registry is `host` or `host:port`, such as `ghcr.io` or `localhost:5000`
hint: name the registry as in `ghcr.io`
error: `a/b` is not a helper's name
hint: give the NAME of docker-credential-NAME, as in `ecr-login`

"#]],
    );
}

#[test]
fn the_journal_names_the_helper_that_was_asked() {
    let sandbox = with_fallback(ANSWERS);
    let runtime = sandbox.home().join("run");
    std::fs::create_dir(&runtime).unwrap();
    std::fs::set_permissions(&runtime, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let sandbox = sandbox.with("XDG_RUNTIME_DIR", runtime.to_str().unwrap());
    assert_eq!(sandbox.who("quay.io"), "acr");
    let told = sandbox.ok(&["why"], "");
    assert!(told.contains("quay.io   → docker-credential-before\n"), "{told}");
}

#[test]
fn the_kubelet_is_answered_by_the_others_too() {
    let sandbox = with_fallback(ANSWERS);
    let request = json!({"kind": "CredentialProviderRequest", "apiVersion": "credentialprovider.kubelet.k8s.io/v1", "image": "quay.io/a/b"});
    let answer: Value = serde_json::from_str(&sandbox.ok(&["kubelet"], &request.to_string())).unwrap();
    assert_eq!(answer["auth"], json!({"quay.io": {"username": "acr", "password": "t"}}));
}

#[test]
fn a_helper_that_forgets_the_environment_and_asks_us_again_has_no_login() {
    let again = format!(
        "#!/bin/sh\necho call >>\"$HOME/calls\"\n[ $(wc -l <\"$HOME/calls\") -lt 9 ] || exit 1\n\
         exec env -i HOME=\"$HOME\" PATH=\"$PATH\" ENSIGN_CONFIG_DIR=\"$HOME/config\" '{}' \"$1\"\n",
        Sandbox::program()
    );
    for (words, input, code) in
        [("get", "quay.io", 1), ("list", "", 0), ("erase", "quay.io", 1), ("store", &entry("quay.io", "dave", "x"), 1)]
    {
        let sandbox = with_fallback(&again);
        let run = sandbox.run(&[words], input);
        assert_eq!((run.code, run.stderr.as_str()), (Some(code), ""), "{words}: {run:?}");
        assert_eq!(sandbox.calls().len(), 1, "{words}");
    }
}
