//! `which --as COMMAND` without an image: it shows every registry from which the command requests images.

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, write};

/// A home with `work` and `me` on GHCR, of which `me` is the default, and `hub` on Docker Hub.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "work", "pw");
    sandbox.store("ghcr.io", "me", "pw");
    sandbox.store("https://index.docker.io/v1/", "hub", "pw");
    sandbox
}

fn which(sandbox: &Sandbox, command: &str) -> Run {
    sandbox.run(&["which", "--as", command], "")
}

/// Returns `registry=account` for each registry, and the exit code.
fn told(sandbox: &Sandbox, command: &str) -> (String, Option<i32>) {
    let run = sandbox.run(&["which", "--json", "--as", command], "");
    let json: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{command}: {run:?}"));
    let pairs = json["registries"].as_array().unwrap().iter().map(|one| {
        let account = one["account"].as_str().or(one["helper"].as_str()).unwrap_or("-");
        format!("{}={account}", one["registry"].as_str().unwrap())
    });
    (pairs.collect::<Vec<_>>().join(" "), run.code)
}

#[test]
fn each_registry_of_the_command_is_answered() {
    let sandbox = sandbox();
    sandbox.ok(&["public", "add", "ghcr.io/open/**"], "");
    sandbox.ok(&["route", "*.azurecr.io", "acr-env"], "");
    for (command, expected, code) in [
        ("docker push ghcr.io/work/app", "ghcr.io=work", 0),
        ("docker push ghcr.io/nobody/app", "ghcr.io=me", 0),
        ("docker pull alpine", "docker.io=hub", 0),
        ("docker buildx build -t ghcr.io/work/a -t hub/b -t quay.io/c/d .", "ghcr.io=work quay.io=- docker.io=hub", 0),
        ("docker pull quay.io/c/d", "quay.io=-", 3),
        ("docker pull ghcr.io/open/app", "ghcr.io=-", 0),
        ("docker pull shop.azurecr.io/app", "shop.azurecr.io=acr-env", 0),
        ("HOME=/x sudo podman push ghcr.io/work/app", "ghcr.io=work", 0),
        ("ENSIGN_ACCOUNT=ghcr.io=me docker push ghcr.io/work/app", "ghcr.io=me", 0),
        ("ensign exec --account ghcr.io=work -- docker push ghcr.io/me/app", "ghcr.io=work", 0),
        ("docker ensign exec -a work -- sh -c 'docker push ghcr.io/me/app'", "ghcr.io=work", 0),
        ("sh -c 'docker push ghcr.io/work/app'", "ghcr.io=work", 0),
        ("docker pull ghcr.io/work/app > ghcr.io/me/log 2>&1 &", "ghcr.io=work", 0),
        ("time -f %e flock lock sudo -nu bob docker push ghcr.io/work/app", "ghcr.io=work", 0),
        ("sudo bash -eo pipefail -lc 'A=1 exec docker push ghcr.io/work/app' x", "ghcr.io=work", 0),
        ("helm push app-1.0.tgz oci://registry-1.docker.io/hub", "docker.io=hub", 0),
        ("KO_DOCKER_REPO=ghcr.io/work ko build ./cmd/app", "ghcr.io=work", 0),
        ("ENSIGN_ACCOUNT=ghcr.io=nobody docker push ghcr.io/work/app", "ghcr.io=-", 3),
    ] {
        assert_eq!(told(&sandbox, command), (expected.to_owned(), Some(code)), "{command}");
    }
}

#[test]
fn files_that_the_command_works_on_name_registries_too() {
    let sandbox = sandbox();
    let compose = json!({"services": {"a": {"image": "ghcr.io/work/a"}, "b": {"image": "postgres:17"}}});
    write(&sandbox.home().join("compose.yaml"), compose.to_string().as_bytes());
    write(&sandbox.home().join("Dockerfile"), b"FROM ghcr.io/work/base AS a\nFROM quay.io/x/y\nCOPY --from=a / /\n");
    assert_eq!(told(&sandbox, "docker compose pull"), ("ghcr.io=work docker.io=hub".to_owned(), Some(0)));
    for (command, expected) in [
        ("podman build .", "quay.io=- ghcr.io=work"),
        ("docker build --push -t hub/app .", "docker.io=hub quay.io=- ghcr.io=work"),
        ("docker build -t hub/app .", "quay.io=- ghcr.io=work"), // without a push
        ("docker build -t hub/app --target a .", "ghcr.io=work"),
        ("docker build -t hub/app elsewhere", "docker.io=hub"), // the folder is unknown
    ] {
        assert_eq!(told(&sandbox, command), (expected.to_owned(), Some(0)), "{command}");
    }
}

#[test]
fn one_account_is_not_said_to_have_been_looked_for() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "work", "pw");
    let run = which(&sandbox, "docker push ghcr.io/work/app");
    run.shows(str![[r#"
exit 0
--- stdout
work
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           not checked: there is only one account
   6 files                  not checked: there is only one account
   7 .ensign.toml           not checked: there is only one account
   8 folder                 not checked: there is only one account
●  9 default account        → work
  10 only account           → work
--- stderr
! these clients do not ask Ensign for ghcr.io; to change that:  docker-credential-ensign configure-docker

"#]]);
}

#[test]
fn a_path_in_the_home_folder_is_typed_as_for_a_shell() {
    let sandbox = sandbox();
    write(&sandbox.home().join("deep/compose.yaml"), b"services: {a: {image: ghcr.io/work/a}}");
    let mut elsewhere = vec![];
    for command in
        ["docker compose -f ~/deep/compose.yaml pull", "COMPOSE_FILE=~/deep/compose.yaml docker compose pull"]
    {
        let mut which = sandbox.command(&["which", "--json", "--as", command]);
        let run = finish(which.current_dir("/").spawn().unwrap(), b"");
        elsewhere.push(run.stdout.contains("\"account\":\"work\""));
    }
    assert_eq!(elsewhere, [true, true]);
}

#[test]
fn one_registry_is_shown_as_if_it_had_been_named_and_several_each_with_its_name() {
    let sandbox = sandbox();
    let push = "docker push ghcr.io/work/app";
    assert_eq!(which(&sandbox, push), sandbox.run(&["which", "ghcr.io", "--as", push], ""));
    let run = which(&sandbox, "docker buildx build -t ghcr.io/work/a -t ghcr.io/me/b -t quay.io/c/d .");
    let blocks: Vec<_> = run.stdout.split("\n\n").collect();
    assert!(blocks[0].starts_with("ghcr.io: me\n   1 ENSIGN_ACCOUNT"), "{run:?}");
    assert!(blocks.len() == 2 && blocks[1].starts_with("quay.io: no account "), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
ghcr.io: me
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           undecided: ghcr.io/work/a is work's, ghcr.io/me/b is me's
   6 files                  no image of this registry is named
   7 .ensign.toml           none
   8 folder                 no account is for this folder
●  9 default account        → me
  10 only account           there are several

quay.io: no account   (the registry has none)
--- stderr
! These images need different accounts, but Docker asks for only one. Options:
  this command  ENSIGN_ACCOUNT=ghcr.io=work docker buildx build -t ghcr.io/work/a -t ghcr.io/me/b -t quay.io/c/d .
  every build   docker-credential-ensign buildx sync ghcr.io/work/a ghcr.io/me/b
  one tool      docker-credential-ensign pin work   (and name the helper `ensign-work` in the tool's config)
  this folder   docker-credential-ensign account edit ghcr.io work --folder .
! these clients do not ask Ensign for ghcr.io; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert_eq!(run.code, Some(0));
}

#[test]
fn where_no_registry_has_an_account_the_logins_are_named() {
    let sandbox = sandbox();
    let run = which(&sandbox, "crane copy quay.io/c/d gcr.io/a/b");
    run.shows(str![[r#"
exit 3
--- stdout
quay.io: no account   (the registry has none)

gcr.io: no account   (the registry has none)
--- stderr
! quay.io has no account: run `docker-credential-ensign login quay.io`
! gcr.io has no account: run `docker-credential-ensign login gcr.io`

"#]]);
    sandbox.ok(&["configure-docker"], "");
    assert_eq!(which(&sandbox, "crane copy quay.io/c/d ghcr.io/me/b").stderr, "");
    let address = which(&sandbox, "docker pull [::1]:5000/a/b").stderr;
    shows(
        &address,
        str![[r#"
! [::1]:5000 has no account: run `docker-credential-ensign login '[::1]:5000'`

"#]],
    );
}

#[test]
fn a_command_without_an_image_needs_a_registry() {
    let sandbox = sandbox();
    let mut transcript = String::new();
    for command in
        ["docker push \"$IMAGE\"", "docker push ghcr.io/a/b:$(git describe --tags)", "ls", "docker login ghcr.io"]
    {
        let run = which(&sandbox, command);
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 2
--- stderr
error: neither the command after `--as` nor its files name an image
hint: let your shell fill in the variables: docker-credential-ensign which --as "…"
exit 2
--- stderr
error: neither the command after `--as` nor its files name an image
hint: let your shell fill in the variables: docker-credential-ensign which --as "…"
exit 2
--- stderr
error: neither the command after `--as` nor its files name an image
hint: name the registry too: docker-credential-ensign which REGISTRY --as '…'
exit 2
--- stderr
error: neither the command after `--as` nor its files name an image
hint: name the registry too: docker-credential-ensign which REGISTRY --as '…'

"#]],
    );
    let mut transcript = String::new();
    for several in [
        "docker push ghcr.io/a/b; docker push ghcr.io/c/d",
        "docker pull ghcr.io/a/b;docker push ghcr.io/c/d",
        "cd x && docker push ghcr.io/a/b",
        "sh -c 'make; docker push ghcr.io/a/b'",
    ] {
        transcript += &which(&sandbox, several).transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 2
--- stderr
error: `--as` accepts a single command
hint: run `which` once for each command
exit 2
--- stderr
error: `--as` accepts a single command
hint: run `which` once for each command
exit 2
--- stderr
error: `--as` accepts a single command
hint: run `which` once for each command
exit 2
--- stderr
error: `--as` accepts a single command
hint: run `which` once for each command

"#]],
    );
    assert_eq!(sandbox.run(&["which"], "").code, Some(2));
    assert_eq!(which(&sandbox, "").code, Some(2));
    let run = which(&sandbox, "docker push 'ghcr.io/a");
    run.shows(str![[r#"
exit 2
--- stderr
error: the command after `--as` could not be read
hint: quote it as a whole: --as 'docker push IMAGE'

"#]]);
}

/// A project may come from anyone, so its size is limited.
#[test]
fn a_project_of_thousands_of_registries_is_refused() {
    let sandbox = sandbox();
    let services: String =
        (0..4000).map(|n| format!("  s{n}: {{image: h{n}.example/a/b}}\n")).collect::<Vec<_>>().concat();
    write(&sandbox.home().join("compose.yaml"), format!("services:\n{services}").as_bytes());
    let run = which(&sandbox, "docker compose pull");
    assert_eq!(run.code, Some(2), "{run:?}");
    run.shows(str![[r#"
exit 2
--- stderr
error: the command asks for more than 50 registries
hint: name a registry: docker-credential-ensign which REGISTRY --as '…'

"#]]);
}

#[test]
fn the_way_out_holds_the_whole_command_however_long_it_is() {
    let sandbox = sandbox();
    let long = format!("docker pull ghcr.io/work/{} ghcr.io/me/b", "a".repeat(200));
    let run = which(&sandbox, &long);
    run.shows(str![[r#"
exit 0
--- stdout
me
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           undecided: ghcr.io/work/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa is work's, ghcr.io/me/b is me's
   6 files                  not read: the command line names an image
   7 .ensign.toml           none
   8 folder                 no account is for this folder
●  9 default account        → me
  10 only account           there are several
--- stderr
! These images need different accounts, but Docker asks for only one. Options:
  this command  ENSIGN_ACCOUNT=ghcr.io=work docker pull ghcr.io/work/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ghcr.io/me/b
  one tool      docker-credential-ensign pin work   (and name the helper `ensign-work` in the tool's config)
  this folder   docker-credential-ensign account edit ghcr.io work --folder .
! these clients do not ask Ensign for ghcr.io; to change that:  docker-credential-ensign configure-docker

"#]]);
}

#[test]
fn a_variable_that_is_set_twice_has_its_last_value() {
    let command = "ENSIGN_ACCOUNT=me env ENSIGN_ACCOUNT=work docker pull ghcr.io/nobody/app";
    assert_eq!(told(&sandbox(), command), ("ghcr.io=work".to_owned(), Some(0)));
}

#[test]
fn a_quoted_script_is_part_of_one_command() {
    let command = "docker run ghcr.io/work/app sh -c 'a; b;'";
    assert_eq!(told(&sandbox(), command), ("ghcr.io=work".to_owned(), Some(0)));
}

#[test]
fn names_that_bake_is_given_for_what_stays_here_are_not_asked_for() {
    let sandbox = sandbox();
    let bake = "target default {}\ntarget out {\n  tags = [\"ghcr.io/work/app\"]\n  output = [\"type=registry\"]\n}\n";
    write(&sandbox.home().join("docker-bake.hcl"), bake.as_bytes());
    write(&sandbox.home().join("Dockerfile"), b"FROM ghcr.io/work/base\n");
    for (words, expected) in [
        ("--load", "ghcr.io=work"),
        ("", "ghcr.io=work"),
        ("--push", "ghcr.io=me"),
        ("--set *.output=type=registry", "ghcr.io=me"),
        ("out", "ghcr.io=me"), // the bake file pushes this target
    ] {
        let command = format!("docker buildx bake {words} --set *.tags=ghcr.io/me/app");
        assert_eq!(told(&sandbox, &command), (expected.to_owned(), Some(0)), "{words}");
    }
    // Added tags and caches are pushed together with the tags of the file.
    for set in ["out.tags+=ghcr.io/me/app", "out.cache-to=type=registry,ref=ghcr.io/me/cache"] {
        let output =
            sandbox.run(&["which", "--as", &format!("docker buildx bake out --set {set}"), "--json", "ghcr.io"], "");
        assert!(output.stdout.contains("\"ambiguous\""), "{set}: {output:?}");
    }
}

#[test]
fn an_image_that_two_accounts_claim_is_named_once_in_the_advice() {
    let sandbox = Sandbox::new();
    for user in ["bob", "alice"] {
        sandbox.store("ghcr.io", user, "s3cret");
        sandbox.ok(&["account", "edit", "ghcr.io", user, "--images", "acme"], "");
    }
    let run = sandbox.run(&["which", "ghcr.io/acme/app"], "");
    run.shows(str![[r#"
exit 0
--- stdout
alice
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           undecided: ghcr.io/acme/app is bob's, ghcr.io/acme/app is alice's
   6 files                  not read: the command line names an image
   7 .ensign.toml           none
   8 folder                 no account is for this folder
●  9 default account        → alice
  10 only account           there are several
--- stderr
! These images need different accounts, but Docker asks for only one. Options:
  this command  ENSIGN_ACCOUNT=ghcr.io=bob docker …
  every build   docker-credential-ensign buildx sync ghcr.io/acme/app
  one tool      docker-credential-ensign pin bob   (and name the helper `ensign-bob` in the tool's config)
  this folder   docker-credential-ensign account edit ghcr.io bob --folder .

"#]]);
}
