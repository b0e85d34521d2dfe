//! The account that answers if only the caller's files name the images.
#![cfg(unix)]

use std::os::unix::fs::symlink;

use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, write};

pub const HOST: &str = "ghcr.io";

pub fn two_accounts() -> Sandbox {
    Sandbox::new().with_bob_and_alice(HOST)
}

/// Runs `script` from a process with exactly these arguments, in `folder` of the home.
fn called_in(sandbox: &Sandbox, folder: &str, words: &[&str], script: &str, variables: &[(&str, &str)]) -> Run {
    let folder = sandbox.home().join(folder);
    let client = sandbox.home().join(words[0]);
    if !client.exists() {
        symlink("/bin/sh", &client).unwrap();
    }
    write(&folder.join(words[1]), script.as_bytes());
    let mut command = sandbox.command_of(&client, &words[1..]);
    std::os::unix::process::CommandExt::arg0(&mut command, words[0]);
    command.current_dir(&folder).env("ENSIGN", Sandbox::program()).envs(variables.iter().copied());
    finish(command.spawn().unwrap(), HOST.as_bytes())
}

pub fn get_in(sandbox: &Sandbox, folder: &str, words: &[&str]) -> Run {
    called_in(sandbox, folder, words, "\"$ENSIGN\" get; exit $?\n", &[])
}

/// Does the same as `get_in`, but the kernel kills a `get` that uses more CPU time than hostile files may cost.
pub fn get_within(sandbox: &Sandbox, folder: &str, words: &[&str]) -> Run {
    let seconds = if cfg!(debug_assertions) { 5 } else { 1 };
    called_in(sandbox, folder, words, &format!("ulimit -t {seconds}; \"$ENSIGN\" get; exit $?\n"), &[])
}

pub fn who(run: &Run) -> &str {
    assert_eq!(run.stderr, "", "{run:?}");
    run.stdout.split("\"Username\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or(&run.stdout)
}

pub fn with_files(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = two_accounts();
    for (name, text) in files {
        write(&sandbox.home().join("project").join(name), text.as_bytes());
    }
    sandbox
}

#[test]
fn the_files_of_a_project_choose_the_account() {
    let sandbox = with_files(&[
        (
            "compose.yaml",
            "services:\n  app: {image: \"ghcr.io/${OWNER}/app\", build: image}\n  db: {image: postgres}\n",
        ),
        (".env", "OWNER=bob\n"),
        ("image/Dockerfile", "ARG TAG=1\nFROM ghcr.io/bob/base:${TAG}\n"),
        ("docker-bake.hcl", "target \"default\" {\n  tags = [\"ghcr.io/bob/app\"]\n  context = \"image\"\n}\n"),
    ]);
    for words in [
        &["docker-compose", "push"][..],
        &["docker", "compose", "publish", "-y", "quay.io/x/y:1"], // first pushes the services' images
        &["docker-compose", "scale", "app=2"],
        &["docker-compose", "pull", "app"],
        &["docker-compose", "build"],
        &["docker", "compose", "up", "-d"],
        &["docker", "compose", "-f", "../project/compose.yaml", "pull"],
        &["docker", "build", "image"],
        &["docker", "build", "-f", "image/Dockerfile", "--build-arg", "TAG=2", "."],
        &["podman", "build", "image"],
        &["docker", "buildx", "bake", "--push"],
        &["docker", "bake", "--push"],
        &["docker", "build", "-t", "ghcr.io/alice/x", "image"], // only another command can push the tag
        &["podman", "build", "--tag=ghcr.io/alice/x", "image"],
        &["docker", "build", "-t", "ghcr.io/x/x", "--cache-from", "ghcr.io/alice/x", "image"], // the cache is optional
        &["podman", "build", "--cache-from=ghcr.io/alice/x", "image"],
        &["docker-buildx", "build", "--push", "--tag=ghcr.io/bob/x", "--cache-from=ghcr.io/alice/x", "image"],
        &["docker-buildx", "build", "-o", "type=image,name=ghcr.io/alice/x", "image"],
    ] {
        assert_eq!(who(&get_in(&sandbox, "project", words)), "bob", "{words:?}");
    }
    for words in [
        &["docker-compose", "pull", "db"][..],      // no image of this registry
        &["docker", "push", "ghcr.io/alice/app"],   // the command line names an image
        &["docker", "pull", "ghcr.io/public/base"], // an image without an account decides, too
        &["docker", "build", "--push", "-t", "ghcr.io/alice/x", "image"],
        &["mytool", "push"], // Ensign does not know which files this program reads
    ] {
        assert_eq!(who(&get_in(&sandbox, "project", words)), "alice", "{words:?}");
    }
    assert_eq!(who(&get_in(&sandbox, "project/image", &["docker-compose", "push"])), "bob", "from a folder within");
    assert_eq!(who(&get_in(&sandbox, "elsewhere", &["docker-compose", "push"])), "alice");
}

/// Compose writes the bake definition to buildx's stdin, so only Compose's own command shows what is built.
#[test]
fn the_project_decides_for_the_bake_that_compose_starts() {
    let sandbox = with_files(&[
        ("compose.yaml", "services: {web: {build: ., image: 'ghcr.io/alice/app'}}"),
        ("Dockerfile", "FROM ghcr.io/bob/base"),
        ("bake", "\"$ENSIGN\" get; exit $?\n"),
    ]);
    let script = "[ \"$INSIDE\" ] || { export INSIDE=1; ln -sf /bin/sh docker-compose; ./docker-compose \"$@\"; exit; }\n\
                  ln -sf /bin/sh docker-buildx; ./docker-buildx bake --file - --progress rawjson; exit\n";
    for (words, account) in [
        (&["docker", "compose", "build"][..], "bob"),
        (&["docker", "compose", "build", "--push"], "alice"),
        (&["docker", "compose", "up", "--build"], "bob"),
        (&["docker", "compose", "run", "--rm", "--build", "web"], "bob"),
    ] {
        let script = script.replace("$@", &words[1..].join("\" \""));
        assert_eq!(who(&called_in(&sandbox, "project", words, &script, &[])), account, "{words:?}");
    }
}

#[test]
fn the_folder_is_the_callers_and_so_are_its_variables() {
    let sandbox = with_files(&[
        ("bobs.yaml", "services: {app: {image: 'ghcr.io/bob/app'}}"),
        ("any.yaml", "services: {app: {image: 'ghcr.io/${OWNER:-alice}/app'}}"),
    ]);
    let words = ["docker-compose", "pull"];
    let moved = "(cd /; \"$ENSIGN\" get); exit $?\n";
    for (variables, account) in [
        (&[][..], "alice"),
        (&[("COMPOSE_FILE", "bobs.yaml")], "bob"),
        (&[("COMPOSE_FILE", "any.yaml")], "alice"),
        (&[("COMPOSE_FILE", "any.yaml"), ("OWNER", "bob")], "bob"),
    ] {
        assert_eq!(who(&called_in(&sandbox, "project", &words, moved, variables)), account, "{variables:?}");
    }
}

#[test]
fn files_that_name_several_accounts_choose_none() {
    let sandbox = with_files(&[(
        "compose.yaml",
        "services:\n  one: {image: ghcr.io/bob/one}\n  two: {image: ghcr.io/alice/two}\n  three: {image: ghcr.io/x/y}\n",
    )]);
    assert_eq!(who(&get_in(&sandbox, "project", &["docker-compose", "pull"])), "alice", "the active account");
    assert_eq!(who(&get_in(&sandbox, "project", &["docker-compose", "pull", "one", "three"])), "bob");
    let mut which = sandbox.command(&["which", HOST, "--as", "docker compose pull"]);
    let run = finish(which.current_dir(sandbox.home().join("project")).spawn().unwrap(), b"");
    run.shows(str![[r#"
exit 0
--- stdout
alice
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image of this registry is named
   6 files                  undecided: ghcr.io/bob/one is bob's, ghcr.io/alice/two is alice's
   7 .ensign.toml           none
   8 folder                 no account is for this folder
●  9 default account        → alice
  10 only account           there are several
--- stderr
! These images need different accounts, but Docker asks for only one. Options:
  this command  ENSIGN_ACCOUNT=ghcr.io=bob docker compose pull
  every build   docker-credential-ensign buildx sync ghcr.io/bob/one ghcr.io/alice/two
  one tool      docker-credential-ensign pin bob   (and name the helper `ensign-bob` in the tool's config)
  this folder   docker-credential-ensign account edit ghcr.io bob --folder .
! these clients do not ask Ensign for ghcr.io; to change that:  docker-credential-ensign configure-docker

"#]]);
}

#[test]
fn which_names_the_file() {
    let sandbox = with_files(&[("compose.yaml", "services: {app: {image: 'ghcr.io/${OWNER}/app', build: .}}")]);
    let ask = |words: &[&str], folder: &str| {
        let mut command = sandbox.command(words);
        finish(command.current_dir(sandbox.home().join(folder)).spawn().unwrap(), b"")
    };
    let words = ["which", HOST, "--as", "OWNER=bob docker compose push app"];
    ask(&words, "project").shows(str![[r#"
exit 0
--- stdout
bob
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image of this registry is named
●  6 files                  → bob   (compose.yaml: ghcr.io/bob/app is in ghcr.io/bob/**)
   7 .ensign.toml           none
   8 folder                 no account is for this folder
   9 default account        → alice
  10 only account           there are several
--- stderr
! these clients do not ask Ensign for ghcr.io; to change that:  docker-credential-ensign configure-docker

"#]]);
    let from_below = ["which", HOST, "--as", "OWNER=bob docker compose -f ../project/compose.yaml push"];
    std::fs::create_dir(sandbox.home().join("other")).unwrap();
    assert!(ask(&from_below, "other").stdout.contains("(../project/compose.yaml: "));
    let flag = ask(&["which", HOST, "--as", "docker build --sbom=generator=ghcr.io/bob/scan ."], "project");
    assert!(flag.stdout.contains("(~/project: ghcr.io/bob/scan is in "), "{flag:?}");
    let json = ask(&["which", HOST, "--json", "--as", "OWNER=bob docker compose push app"], "project");
    let answer: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let step = &answer["steps"][5];
    let reason = &step["reason"]["image"];
    assert_eq!(
        (step["rule"].as_str(), step["account"].as_str(), reason["image"].as_str()),
        (Some("files"), Some("bob"), Some("ghcr.io/bob/app")),
        "{answer}"
    );
    assert!(reason["file"].as_str().unwrap().ends_with("project/compose.yaml"), "{answer}");
    let read = ask(&["which", HOST, "--as", "docker push ghcr.io/bob/x"], "project");
    read.shows(str![[r#"
exit 0
--- stdout
bob
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
●  5 command line           → bob   (ghcr.io/bob/x is in ghcr.io/bob/**)
   6 files                  not read: the command line names an image
   7 .ensign.toml           none
   8 folder                 no account is for this folder
   9 default account        → alice
  10 only account           there are several
--- stderr
! these clients do not ask Ensign for ghcr.io; to change that:  docker-credential-ensign configure-docker

"#]]);
}

#[test]
fn what_is_not_known_in_a_file_decides_nothing_and_is_told() {
    let sandbox = with_files(&[
        ("compose.yaml", "services:\n  app: {image: ghcr.io/bob/app}\ninclude: [other.yaml]\n"),
        ("other.yaml", "services: [\n"),
        ("docker-bake.hcl", "target \"default\" {\n  tags = [\"ghcr.io/${timestamp()}/app\"]\n}\n"),
        ("Dockerfile", "FROM ghcr.io/bob/base\n"),
    ]);
    let mut transcript = String::new();
    for words in [&["docker-compose", "pull"][..], &["docker", "buildx", "bake", "-f", "docker-bake.hcl", "--push"]] {
        assert_eq!(who(&get_in(&sandbox, "project", words)), "alice", "{words:?} are not decided by bob's image");
        let typed = words.join(" ").replace("docker-compose", "docker compose");
        let mut which = sandbox.command(&["which", "--as", &typed, HOST]);
        which.current_dir(sandbox.home().join("project"));
        let run = finish(which.spawn().unwrap(), b"");
        assert_eq!(run.code, Some(0), "{run:?}");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
alice
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image of this registry is named
   6 files                  undecided: other.yaml: could not be read as YAML
   7 .ensign.toml           none
   8 folder                 no account is for this folder
●  9 default account        → alice
  10 only account           there are several
--- stderr
! These files could not be read completely, so they choose no account. Options:
  this command  ENSIGN_ACCOUNT=ghcr.io=NAME docker compose pull
! these clients do not ask Ensign for ghcr.io; to change that:  docker-credential-ensign configure-docker
exit 0
--- stdout
alice
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image of this registry is named
   6 files                  undecided: docker-bake.hcl: `ghcr.io/…/app` is only partly known
   7 .ensign.toml           none
   8 folder                 no account is for this folder
●  9 default account        → alice
  10 only account           there are several
--- stderr
! These files could not be read completely, so they choose no account. Options:
  this command  ENSIGN_ACCOUNT=ghcr.io=NAME docker buildx bake -f docker-bake.hcl --push
! these clients do not ask Ensign for ghcr.io; to change that:  docker-credential-ensign configure-docker

"#]],
    );
    let project = sandbox.home().join("project");
    let which_as = |typed: &str| {
        let mut which = sandbox.command(&["which", "--as", typed]);
        finish(which.current_dir(&project).spawn().unwrap(), b"")
    };
    let run = which_as("docker buildx bake -f docker-bake.hcl --push");
    assert!(run.code == Some(0) && run.stdout.starts_with("alice\n"), "the registry is known: {run:?}");
    let run = which_as("docker compose -f other.yaml pull");
    run.shows(str![[r#"
exit 2
--- stderr
error: other.yaml: could not be read as YAML
hint: name the registry too: docker-credential-ensign which REGISTRY --as '…'

"#]]);
}
