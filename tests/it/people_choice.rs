//! Which account answers, as people see it: `which`, the environment, a pinned program, a folder.

use serde_json::json;
use snapbox::str;

use crate::people::two_accounts;
use crate::support::Run;

#[test]
fn a_folder_decides_where_no_image_does() {
    let sandbox = two_accounts();
    let folder = sandbox.home().join("w/deep");
    std::fs::create_dir_all(&folder).unwrap();
    sandbox.ok(&["account", "edit", "ghcr.io", "bob", "--folder", "~/w", "--folder", "~/w/deep/.."], "");
    assert_eq!(sandbox.config()["registries"]["ghcr.io"]["accounts"]["bob"]["folders"], json!(["~/w"]));
    let mut command = sandbox.command(&["get"]);
    command.current_dir(&folder);
    let run = crate::support::finish(command.spawn().unwrap(), b"ghcr.io");
    assert!(run.stdout.contains("\"Username\":\"bob\""), "{run:?}");
    assert_eq!(sandbox.who("ghcr.io"), "alice");
    let torn = sandbox.run(&["which", "ghcr.io", "--as", "docker build -t ghcr.io/bob/x -t ghcr.io/alice/y ."], "");
    torn.shows(str![[r#"
exit 0
--- stdout
alice
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           undecided: ghcr.io/bob/x is bob's, ghcr.io/alice/y is alice's
   6 files                  no image of this registry is named
   7 .ensign.toml           none
   8 folder                 no account is for this folder
●  9 default account        → alice
  10 only account           there are several
--- stderr
! These images need different accounts, but Docker asks for only one. Options:
  this command  ENSIGN_ACCOUNT=ghcr.io=bob docker build -t ghcr.io/bob/x -t ghcr.io/alice/y .
  every build   docker-credential-ensign buildx sync ghcr.io/bob/x ghcr.io/alice/y
  one tool      docker-credential-ensign pin bob   (and name the helper `ensign-bob` in the tool's config)
  this folder   docker-credential-ensign account edit ghcr.io bob --folder '~/w' --folder .
! these clients do not ask Ensign for ghcr.io; to change that:  docker-credential-ensign configure-docker

"#]]);
}

#[test]
fn which_shows_the_ladder() {
    let sandbox = two_accounts();
    sandbox.run(&["which", "ghcr.io/bob/app:1"], "").shows(str![[r#"
exit 0
--- stdout
bob
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
●  5 command line           → bob   (ghcr.io/bob/app:1 is in ghcr.io/bob/**)
   6 files                  not read: the command line names an image
   7 .ensign.toml           none
   8 folder                 no account is for this folder
   9 default account        → alice
  10 only account           there are several

"#]]);
    let torn = sandbox
        .run(&["which", "ghcr.io", "--as", "docker buildx build --push -t ghcr.io/bob/x -t ghcr.io/alice/y ."], "");
    assert!(torn.stdout.starts_with("alice\n"), "{torn:?}");
    torn.shows(str![[r#"
exit 0
--- stdout
alice
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           undecided: ghcr.io/bob/x is bob's, ghcr.io/alice/y is alice's
   6 files                  not read: the command line names an image
   7 .ensign.toml           none
   8 folder                 no account is for this folder
●  9 default account        → alice
  10 only account           there are several
--- stderr
! These images need different accounts, but Docker asks for only one. Options:
  this command  ENSIGN_ACCOUNT=ghcr.io=bob docker buildx build --push -t ghcr.io/bob/x -t ghcr.io/alice/y .
  every build   docker-credential-ensign buildx sync ghcr.io/bob/x ghcr.io/alice/y
  one tool      docker-credential-ensign pin bob   (and name the helper `ensign-bob` in the tool's config)
  this folder   docker-credential-ensign account edit ghcr.io bob --folder .
! these clients do not ask Ensign for ghcr.io; to change that:  docker-credential-ensign configure-docker

"#]]);

    let missing = two_accounts().with("ENSIGN_ACCOUNT", "ghcr.io=bbo").run(&["which", "ghcr.io"], "");
    assert_eq!(missing.code, Some(3));
    missing.shows(str![[r#"
exit 3
--- stdout
no account
●  1 ENSIGN_ACCOUNT         names `bbo`, but ghcr.io has no such account
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image of this registry is named
   6 files                  no image of this registry is named
   7 .ensign.toml           none
   8 folder                 no account is for this folder
   9 default account        → alice
  10 only account           there are several
--- stderr
! ENSIGN_ACCOUNT names `bbo`, but ghcr.io has no such account: run `unset ENSIGN_ACCOUNT`

"#]]);
    assert_eq!(sandbox.run(&["which", "Not An Image"], "").code, Some(2));
    assert_eq!(sandbox.run(&["which", "quay.io/x/y"], "").code, Some(3));
}

#[test]
fn the_environment_and_the_name_of_the_program_choose_first() {
    let sandbox = two_accounts().with("ENSIGN_ACCOUNT", "quay.io=x,ghcr.io=bob");
    assert_eq!(sandbox.who("ghcr.io"), "bob");
    let typo = two_accounts().with("ENSIGN_ACCOUNT", "ghcr.io=bbo");
    typo.run(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
ENSIGN_ACCOUNT names `bbo`, but ghcr.io has no such account: run `unset ENSIGN_ACCOUNT`

"#]]);
    let sandbox = two_accounts();
    for (name, expected) in [("bob", "\"Username\":\"bob\""), ("nobody", "credentials not found in native keychain")] {
        let pinned = sandbox.link(&format!("docker-credential-ensign-{name}"));
        let run = crate::support::finish(sandbox.command_of(&pinned, &["get"]).spawn().unwrap(), b"ghcr.io");
        assert!(run.stdout.contains(expected) && run.stderr.is_empty(), "{run:?}");
    }
}

#[test]
fn a_pinned_program_keeps_and_forgets_its_own_account() {
    let sandbox = two_accounts();
    let work = sandbox.link("docker-credential-ensign-work");
    let pinned = |verb: &str, stdin: &str| {
        crate::support::finish(sandbox.command_of(&work, &[verb]).spawn().unwrap(), stdin.as_bytes())
    };
    let login = json!({"ServerURL": "ghcr.io", "Username": "carol", "Secret": "carol-s3cret"}).to_string();
    assert_eq!(pinned("store", &login), Run::success(""));
    assert_eq!(sandbox.config()["registries"]["ghcr.io"]["accounts"]["work"]["username"], json!("carol"));
    sandbox.ok(&["switch", "ghcr.io", "alice"], "");
    assert_eq!(pinned("erase", "ghcr.io"), Run::success(""));
    let left: Vec<_> =
        sandbox.config()["registries"]["ghcr.io"]["accounts"].as_object().unwrap().keys().cloned().collect();
    assert_eq!((left, sandbox.who("ghcr.io")), (vec!["bob".to_owned(), "alice".to_owned()], "alice".to_owned()));
    assert_eq!(pinned("erase", "ghcr.io"), Run::success(""), "no other account is erased instead");
    assert_eq!(sandbox.who("ghcr.io"), "alice");
}

#[test]
fn several_accounts_and_no_way_to_choose_is_said_on_both_streams() {
    let sandbox = two_accounts();
    let config = sandbox.config().to_string().replace(r#""active":"alice","#, "");
    crate::support::write(&sandbox.config_path(), config.as_bytes());
    let run = sandbox.run(&["get"], "ghcr.io");
    run.shows(str![[r#"
exit 1
--- stdout
several accounts for ghcr.io: run docker-credential-ensign switch ghcr.io
--- stderr
ensign: ghcr.io has several accounts and no default: bob, alice. Options:
  every command docker-credential-ensign switch ghcr.io
  this command  ENSIGN_ACCOUNT=ghcr.io=NAME docker …

"#]]);
}
