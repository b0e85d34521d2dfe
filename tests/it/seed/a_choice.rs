//! Rows A16 to A25 and A44: which account answers which caller, and unusual cases of this choice.

use serde_json::json;
use snapbox::str;

use super::json;
use crate::callers::{called_by, running, who};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox};

const IMAGE: &str = "atcr.io/evan.jarrett.net/test:latest";

/// A home with two accounts, of which `michelle` is the default.
fn two_accounts() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store("atcr.io", "evan.jarrett.net", "atcr_device_e");
    sandbox.store("atcr.io", "michelle.jarrett.net", "atcr_device_m");
    sandbox
}

fn answer_to(words: &[&str]) -> String {
    let run = called_by(&two_accounts(), words, "get", "atcr.io");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{words:?}: {run:?}");
    who(&run).to_owned()
}

#[test]
fn the_identity_on_the_command_line_goes_before_the_active_account() {
    let sandbox = two_accounts();
    for active in ["michelle.jarrett.net", "evan.jarrett.net"] {
        sandbox.ok(&["switch", "atcr.io", active], "");
        assert_eq!(who(&called_by(&sandbox, &["docker", "push", IMAGE], "get", "atcr.io")), "evan.jarrett.net");
    }
}

#[test]
fn the_active_account_is_the_one_that_was_switched_to() {
    let sandbox = two_accounts();
    sandbox.ok(&["switch", "atcr.io", "evan.jarrett.net"], "");
    assert_eq!(sandbox.who("atcr.io"), "evan.jarrett.net");
    sandbox.ok(&["switch", "atcr.io", "michelle.jarrett.net"], "");
    assert_eq!(sandbox.who("atcr.io"), "michelle.jarrett.net");
}

/// Removes the default account from the config.
fn without_active(sandbox: &Sandbox) {
    let mut config = sandbox.config();
    config["registries"]["atcr.io"].as_object_mut().unwrap().remove("active");
    crate::support::write(&sandbox.config_path(), config.to_string().as_bytes());
}

#[test]
fn the_only_account_needs_no_switch() {
    let sandbox = Sandbox::new();
    sandbox.store("atcr.io", "evan.jarrett.net", "atcr_device_e");
    without_active(&sandbox);
    assert_eq!(sandbox.who("atcr.io"), "evan.jarrett.net");
}

#[test]
fn several_accounts_and_nothing_to_choose_by_is_an_error_with_its_cure() {
    let sandbox = two_accounts();
    without_active(&sandbox);
    let run = sandbox.run(&["get"], "atcr.io");
    run.shows(str![[r#"
exit 1
--- stdout
several accounts for atcr.io: run docker-credential-ensign switch atcr.io
--- stderr
ensign: atcr.io has several accounts and no default: evan.jarrett.net, michelle.jarrett.net. Options:
  every command docker-credential-ensign switch atcr.io
  this command  ENSIGN_ACCOUNT=atcr.io=NAME docker …

"#]]);
}

#[test]
fn arguments_with_blanks_stay_whole() {
    let decoy = format!("X=1 {IMAGE}");
    assert_eq!(answer_to(&["docker", "run", "-e", &decoy, "atcr.io/michelle.jarrett.net/app"]), "michelle.jarrett.net");
    assert_eq!(answer_to(&["docker", "run", "-e", &decoy, "atcr.io/library/app"]), "michelle.jarrett.net");
    assert_eq!(answer_to(&["docker", "run", "-e", "X=a b", IMAGE]), "evan.jarrett.net");
}

#[test]
fn the_first_part_of_an_images_name_is_the_identity() {
    for (image, account) in [
        (IMAGE, "evan.jarrett.net"),
        ("ATCR.io:443/evan.jarrett.net/deep/er/test", "evan.jarrett.net"),
        (
            "atcr.io/evan.jarrett.net/test@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "evan.jarrett.net",
        ),
        ("atcr.io/evan.jarrett.network/test", "michelle.jarrett.net"),
        ("buoy.cr/evan.jarrett.net/test", "michelle.jarrett.net"),
        ("x.example/atcr.io/evan.jarrett.net/test", "michelle.jarrett.net"),
    ] {
        assert_eq!(answer_to(&["docker", "push", image]), account, "{image}");
    }
}

#[test]
fn a_caller_that_says_nothing_is_no_error() {
    for words in
        [&["docker", "pull", "alpine"][..], &["docker", "version"], &["make", "push"], &["docker", "push", "!!"]]
    {
        assert_eq!(answer_to(words), "michelle.jarrett.net", "{words:?}");
    }
    // The caller has already ended when Ensign looks for it.
    let sandbox = two_accounts();
    let script = r#"DOCKER=$$ sh -c '
        sleep 0.3
        for _ in 1 2 3 4 5 6 7 8 9; do
            [ "$(cut -d" " -f4 /proc/$$/stat 2>/dev/null)" != "$DOCKER" ] || sleep 0.3
        done
        printf atcr.io | "$ENSIGN" get; exit' & exit 0
    "#;
    let run = running(&sandbox, &["docker", "push", IMAGE], script, "");
    assert_eq!(who(&run), "michelle.jarrett.net", "{run:?}");
}

#[test]
fn an_identity_without_an_account_falls_through_and_which_says_so() {
    let image = "atcr.io/carol.example/test";
    assert_eq!(answer_to(&["docker", "push", image]), "michelle.jarrett.net");
    let which = two_accounts().ok(&["which", image], "");
    assert!(which.starts_with("michelle.jarrett.net\n"), "{which}");
    shows(
        &which,
        str![[r#"
michelle.jarrett.net
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image belongs to an account
   6 files                  not read: the command line names an image
   7 .ensign.toml           none
   8 folder                 no account is for this folder
●  9 default account        → michelle.jarrett.net
  10 only account           there are several

"#]],
    );
}

#[test]
fn a_push_selects_the_account_of_its_image() {
    let run = called_by(&two_accounts(), &["docker", "push", IMAGE], "get", "https://atcr.io");
    let answer = "{\"ServerURL\":\"https://atcr.io\",\"Username\":\"evan.jarrett.net\",\"Secret\":\"atcr_device_e\"}\n";
    assert_eq!(run, Run::success(answer));
}

#[test]
fn a_shell_between_the_client_and_the_helper_hides_nothing() {
    let script = "sh -c '\"$ENSIGN\" get; exit $?'; exit $?\n";
    let run = running(&two_accounts(), &["docker", "push", IMAGE], script, "atcr.io");
    assert_eq!(who(&run), "evan.jarrett.net");
}

#[test]
fn an_account_is_known_by_its_did_and_its_alias_too() {
    let sandbox = two_accounts();
    let mut config = sandbox.config();
    config["registries"]["atcr.io"]["accounts"]["evan.jarrett.net"]["did"] = json!("did:plc:abc123");
    crate::support::write(&sandbox.config_path(), config.to_string().as_bytes());
    assert_eq!(
        who(&called_by(&sandbox, &["docker", "push", "atcr.io/did:plc:abc123/test"], "get", "atcr.io")),
        "evan.jarrett.net"
    );
    sandbox.ok(&["account", "edit", "atcr.io", "evan.jarrett.net", "--alias", "evan"], "");
    assert_eq!(
        who(&called_by(&sandbox, &["docker", "push", "atcr.io/evan/test"], "get", "atcr.io")),
        "evan.jarrett.net"
    );
}

#[test]
fn what_only_looks_like_an_image_decides_nothing_and_two_images_are_torn() {
    for words in [
        &["docker", "run", "-e", "X=atcr.io/evan.jarrett.net/x", "alpine"][..],
        &["docker", "build", "--build-arg", "BASE=atcr.io/evan.jarrett.net/x", "."],
        &["docker", "build", "-f", "atcr.io/evan.jarrett.net/Dockerfile", "."],
        &["docker", "run", "alpine", "echo", IMAGE],
        &["docker", "buildx", "build", "-t", IMAGE, "-t", "atcr.io/michelle.jarrett.net/x", "."],
    ] {
        assert_eq!(answer_to(words), "michelle.jarrett.net", "{words:?}");
    }
    let torn = "docker buildx build -t atcr.io/evan.jarrett.net/x -t atcr.io/michelle.jarrett.net/x .";
    let which = json(&two_accounts().ok(&["which", "atcr.io", "--as", torn, "--json"], ""));
    assert_eq!(which["steps"][4]["images"].as_array().unwrap().len(), 2, "{which}");
}

#[test]
fn several_accounts_on_several_registries_hold_at_once() {
    let sandbox = Sandbox::new();
    for host in ["atcr.io", "buoy.cr"] {
        for name in ["evan.jarrett.net", "michelle.jarrett.net"] {
            sandbox.store(host, name, &format!("{name} on {host}"));
        }
    }
    for host in ["atcr.io", "buoy.cr"] {
        for name in ["evan.jarrett.net", "michelle.jarrett.net"] {
            let answer = json(&sandbox.run(&["get"], &format!("{host}/{name}/app")).stdout);
            assert_eq!((&answer["Username"], &answer["Secret"]), (&json!(name), &json!(format!("{name} on {host}"))));
        }
    }
}
