//! The account that answers a real process whose arguments name an image.
#![cfg(unix)]

use crate::support::{Run, Sandbox, finish, write};

/// Calls the program with `verb` from a process with exactly these arguments. That process is a shell under the
/// client's name, and its first argument is a script in the current folder.
pub fn called_by(sandbox: &Sandbox, words: &[&str], verb: &str, stdin: &str) -> Run {
    running(sandbox, words, &format!("\"$ENSIGN\" {verb}; exit $?\n"), stdin)
}

/// Runs any script from a process with exactly these arguments.
pub fn running(sandbox: &Sandbox, words: &[&str], script: &str, stdin: &str) -> Run {
    let client = sandbox.home().join(words[0]);
    if !client.exists() {
        std::os::unix::fs::symlink("/bin/sh", &client).unwrap();
    }
    write(&sandbox.home().join(words[1]), script.as_bytes());
    let mut command = sandbox.command_of(&client, &words[1..]);
    std::os::unix::process::CommandExt::arg0(&mut command, words[0]);
    finish(command.env("ENSIGN", Sandbox::program()).spawn().unwrap(), stdin.as_bytes())
}

pub fn who(run: &Run) -> &str {
    run.stdout.split("\"Username\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or(&run.stdout)
}

fn two_accounts(host: &str) -> Sandbox {
    Sandbox::new().with_bob_and_alice(host)
}

#[test]
fn the_images_on_the_callers_command_line_choose_the_account() {
    for (host, words, account) in [
        ("ghcr.io", vec!["docker", "push", "ghcr.io/bob/app:1"], "bob"),
        ("ghcr.io", vec!["docker", "push", "ghcr.io/alice/app:1"], "alice"),
        (
            "ghcr.io",
            vec![
                "docker",
                "pull",
                "-q",
                "GHCR.io/bob/app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            ],
            "bob",
        ),
        ("ghcr.io", vec!["docker", "pull", "ghcr.io/public/base"], "alice"),
        ("ghcr.io", vec!["docker", "pull", "quay.io/bob/app"], "alice"),
        (
            "ghcr.io",
            vec!["docker", "run", "-e", "X=ghcr.io/bob/decoy", "ghcr.io/alice/app", "ghcr.io/bob/decoy"],
            "alice",
        ),
        ("https://index.docker.io/v1/", vec!["docker", "push", "bob/app"], "bob"),
        ("docker.io", vec!["podman", "push", "docker.io/bob/app"], "bob"),
        ("localhost:5000", vec!["skopeo", "copy", "oci:dir", "docker://localhost:5000/bob/app"], "bob"),
        ("[::1]:5000", vec!["crane", "push", "x.tar", "[::1]:5000/bob/app"], "bob"),
        ("docker.io", vec!["helm", "push", "x.tgz", "oci://registry-1.docker.io/bob"], "bob"),
        ("docker.io", vec!["skopeo", "sync", "-s", "dir", "-d", "docker", "images", "docker.io/bob"], "bob"),
        ("ghcr.io", vec!["oras", "push", "--identity-token", "t", "ghcr.io/bob/app:1,2", "x"], "bob"),
        (
            "docker.io",
            vec!["regctl", "image", "mod", "--env", "A=b", "--author", "alice/x", "docker.io/bob/app"],
            "bob",
        ),
        ("ghcr.io", vec!["devcontainer", "features", "publish", "-n", "bob/features", "src"], "bob"),
        ("ghcr.io", vec!["docker", "scout", "cves", "ghcr.io/bob/app"], "bob"),
        ("ghcr.io", vec!["skopeo", "copy", "docker://ghcr.io/alice/app", "docker://ghcr.io/bob/app"], "alice"),
    ] {
        let run = called_by(&two_accounts(host), &words, "get", host);
        assert_eq!((who(&run), run.code, run.stderr.as_str()), (account, Some(0), ""), "{words:?}");
    }
}

#[test]
fn docker_decides_for_a_plugin_that_is_not_known() {
    let script = "[ \"$INSIDE\" ] && { \"$ENSIGN\" get; exit; }\n\
                  export INSIDE=1; ln -s /bin/sh docker-trust; ./docker-trust trust anything; exit\n";
    let run = running(&two_accounts("ghcr.io"), &["docker", "trust", "sign", "ghcr.io/bob/app"], script, "ghcr.io");
    assert_eq!((who(&run), run.code), ("bob", Some(0)), "{run:?}");
}

#[test]
fn patterns_decide_before_namespaces_of_others() {
    let sandbox = two_accounts("ghcr.io");
    sandbox.ok(&["account", "edit", "ghcr.io", "bob", "--images", "acme/**", "--images", "alice/shared"], "");
    for (image, account) in
        [("acme/app", "bob"), ("alice/shared:1", "bob"), ("alice/own", "alice"), ("bob/app", "alice")]
    {
        let image = format!("ghcr.io/{image}");
        assert_eq!(who(&called_by(&sandbox, &["docker", "push", &image], "get", "ghcr.io")), account, "{image}");
    }
}

#[test]
fn a_signed_out_registry_answers_only_for_an_image_that_has_an_owner() {
    let sandbox = two_accounts("ghcr.io");
    assert_eq!(called_by(&sandbox, &["docker", "logout", "ghcr.io"], "erase", "ghcr.io"), Run::success(""));
    assert_eq!(called_by(&sandbox, &["docker", "pull", "ghcr.io/public/base"], "get", "ghcr.io"), Run::not_found());
    assert_eq!(who(&called_by(&sandbox, &["docker", "pull", "ghcr.io/bob/app"], "get", "ghcr.io")), "bob");
}

#[test]
fn an_identity_token_keeps_the_name_that_the_person_gave() {
    let sandbox = Sandbox::new();
    for name in ["tina", "tom"] {
        let entry = format!(r#"{{"ServerURL":"ghcr.io","Username":"\u003ctoken\u003e","Secret":"{name}-rt"}}"#);
        let run = called_by(&sandbox, &["docker", "login", "-u", name, "-p", "pa55word", "ghcr.io"], "store", &entry);
        assert_eq!(run, Run::success(""));
    }
    let answer = "{\"ServerURL\":\"ghcr.io\",\"Username\":\"<token>\",\"Secret\":\"tina-rt\"}\n";
    assert_eq!(called_by(&sandbox, &["docker", "push", "ghcr.io/tina/app"], "get", "ghcr.io"), Run::success(answer));
    assert_eq!(sandbox.config()["registries"]["ghcr.io"]["active"], "tom");
    assert!(!sandbox.config().to_string().contains("pa55word"));
}

#[test]
fn a_hostile_command_line_of_two_megabytes_is_read() {
    let sandbox = two_accounts("ghcr.io");
    let longest = 120_000; // Linux limits one argument to 128 KiB
    let words: Vec<String> = std::iter::repeat_n("x".repeat(longest), 15).chain(["ghcr.io/bob/app".into()]).collect();
    let words: Vec<&str> = ["docker", "pull"].into_iter().chain(words.iter().map(String::as_str)).collect();
    let run = called_by(&sandbox, &words, "get", "ghcr.io");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
}
