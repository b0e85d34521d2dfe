//! `export`: it writes accounts for programs that cannot ask Ensign, and `import` reads them back.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use snapbox::str;

use crate::import::auth;
use crate::support::snapshots::shows;
use crate::support::{Sandbox, read_json, write};

/// A home with two accounts on one registry, and one on Docker Hub.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    sandbox.store("ghcr.io/acme", "work", "work-s3cret");
    sandbox.store("ghcr.io", "me", "me-s3cret");
    sandbox.store("https://index.docker.io/v1/", "alice", "it's-s3cret");
    sandbox
}

fn exported(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    serde_json::from_str(&sandbox.ok(&[&["export"], arguments].concat(), "")).unwrap()
}

#[test]
fn an_auth_json_keeps_the_accounts_apart_by_path() {
    let run = sandbox().run(&["export", "--all", "--format", "auth.json"], "");
    let auths = json!({"auths": {"ghcr.io/acme": auth("work", "work-s3cret"), "ghcr.io": auth("me", "me-s3cret"),
        "docker.io": auth("alice", "it's-s3cret")}});
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap(), auths);
    run.shows(str![[r#"
exit 0
--- stdout
{
  "auths": {
    "ghcr.io/acme": {
      "auth": "d29yazp3b3JrLXMzY3JldA=="
    },
    "ghcr.io": {
      "auth": "bWU6bWUtczNjcmV0"
    },
    "docker.io": {
      "auth": "YWxpY2U6aXQncy1zM2NyZXQ="
    }
  }
}
--- stderr
! 3 secrets are in clear text on stdout: anyone who reads the output can use them

"#]]);
}

#[test]
fn images_choose_their_accounts_as_which_does() {
    let sandbox = sandbox();
    let work = json!({"auths": {"ghcr.io": auth("work", "work-s3cret"), "ghcr.io/acme": auth("work", "work-s3cret")}});
    assert_eq!(exported(&sandbox, &["ghcr.io/acme/app:1", "--format", "dockerconfigjson"]), work);
    let me = json!({"auths": {"ghcr.io": auth("me", "me-s3cret")}});
    assert_eq!(exported(&sandbox, &["ghcr.io", "--format", "dockerconfigjson"]), me);
    let both = exported(&sandbox, &["ghcr.io/acme/app:1", "ghcr.io/me/app", "--format", "dockerconfigjson"]);
    assert_eq!(both["auths"]["ghcr.io"], auth("me", "me-s3cret"));
    assert_eq!(both["auths"]["ghcr.io/acme"], auth("work", "work-s3cret"));
}

#[test]
fn a_pull_secret_has_the_shape_that_kubernetes_takes() {
    let manifest = exported(&sandbox(), &["docker.io", "--format", "secret", "--name", "pull", "--namespace", "prod"]);
    let config = json!({"auths": {"https://index.docker.io/v1/": auth("alice", "it's-s3cret")}});
    let expected = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull", "namespace": "prod"},
        "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": STANDARD.encode(config.to_string())},
    });
    assert_eq!(manifest, expected);
    for words in [["--name", "Pull_Secret"], ["--namespace", "a.b"]] {
        let run = sandbox().run(&[&["export", "docker.io", "--format", "secret"], &words[..]].concat(), "");
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
    }
}

#[test]
fn a_shell_reads_the_line_of_the_variable() {
    let sandbox = sandbox();
    let run = sandbox.run(&["export", "--all", "--format", "env"], "");
    run.shows(str![[r#"
exit 0
--- stdout
export DOCKER_AUTH_CONFIG='{"auths":{"ghcr.io":{"auth":"bWU6bWUtczNjcmV0"},"https://index.docker.io/v1/":{"auth":"YWxpY2U6aXQncy1zM2NyZXQ="}}}'
--- stderr
! not exported: work on ghcr.io: ghcr.io/acme/**: DOCKER_AUTH_CONFIG has no keys for images
! 2 secrets are in clear text on stdout: anyone who reads the output can use them

"#]]);
    let script = format!("{}printf %s \"$DOCKER_AUTH_CONFIG\"", run.stdout);
    let shell = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    let auths = json!({"auths": {"ghcr.io": auth("me", "me-s3cret"), "https://index.docker.io/v1/": auth("alice", "it's-s3cret")}});
    assert_eq!(serde_json::from_slice::<Value>(&shell.stdout).unwrap(), auths);
}

#[test]
fn a_file_is_private_and_never_written_over_unasked() {
    let sandbox = sandbox();
    let arguments = ["export", "ghcr.io", "--format", "auth.json", "--output", "new/auth.json"];
    let run = sandbox.run(&arguments, "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Wrote new/auth.json
! 1 secret is in clear text in new/auth.json: anyone who reads the file can use it

"#]]);
    let path = sandbox.home().join("new/auth.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    sandbox.run(&arguments, "").shows(str![[r#"
exit 2
--- stderr
error: `new/auth.json` already exists
hint: name another file, or overwrite it with `--yes`

"#]]);
    assert_eq!(sandbox.run(&[&arguments[..], &["--yes"]].concat(), "").code, Some(0));
    let folder = sandbox.run(&["export", "ghcr.io", "--format", "auth.json", "--yes", "--output", "new"], "");
    assert_eq!(folder.code, Some(2));
}

#[test]
fn what_cannot_be_exported_is_said() {
    let sandbox = Sandbox::new();
    let mut transcript = String::new();
    for (arguments, code) in [
        (vec!["export", "--format", "env"], 2),
        (vec!["export", "--all", "--format", "env"], 3),
        (vec!["export", "ghcr.io", "--format", "env"], 3),
    ] {
        let run = sandbox.run(&arguments, "");
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""));
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 2
--- stderr
error: no account was named
hint: name images or registries, or use `--all`
exit 3
--- stderr
error: there are no accounts
hint: run `docker-credential-ensign login HOST`
exit 3
--- stderr
error: ghcr.io has no account
hint: run `docker-credential-ensign login ghcr.io`

"#]],
    );
    sandbox.store("tok.example", "<token>", "s3cret");
    let run = sandbox.run(&["export", "tok.example", "--format", "dockerconfigjson"], "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""));
    run.shows(str![[r#"
exit 3
--- stderr
! not exported: <token> on tok.example: the account has an identity token, which only an auth.json can contain
error: nothing can be exported in this format
hint: try `--format auth.json`

"#]]);
}

#[test]
fn a_program_reads_a_report_without_secrets_if_there_is_a_file() {
    let sandbox = sandbox();
    let run = sandbox.run(&["export", "ghcr.io", "--format", "env", "--output", "line", "--json"], "");
    let report = json!({
        "schema": 1, "status": "success", "output": "line", "left_out": [], "content": null,
        "entries": [{"key": "ghcr.io", "registry": "ghcr.io", "account": "me"}],
    });
    assert_eq!((serde_json::from_str::<Value>(&run.stdout).unwrap(), run.stderr.as_str()), (report, ""));
    let report = exported(&sandbox, &["ghcr.io", "--format", "env", "--json"]);
    assert!(report["content"].as_str().unwrap().starts_with("export DOCKER_AUTH_CONFIG='"), "{report}");
}

#[test]
fn an_export_is_imported_as_the_same_accounts() {
    let one = sandbox();
    one.store("tok.example", "<token>", "identity-s3cret");
    one.store("ghcr.io/other/app", "work", "work-s3cret-2");
    one.store("ghcr.io", "Bob", "bob-s3cret");
    one.ok(&["switch", "ghcr.io", "me"], "");
    one.ok(&["account", "edit", "ghcr.io", "work", "--images", "acme/**", "--images", "acme2/**"], "");
    let file = one.home().join("auth.json");
    let path = file.to_str().unwrap();
    let neighbour = one.home().join("auth.json.new");
    std::fs::write(&neighbour, "somebody's").unwrap();
    one.ok(&["export", "--all", "--format", "auth.json", "--output", path], "");
    assert_eq!(std::fs::read_to_string(&neighbour).unwrap(), "somebody's");
    let two = Sandbox::new().with("PATH", "/nowhere");
    two.ok(&["import", path], "");
    for server in ["ghcr.io", "ghcr.io/acme/a", "ghcr.io/acme2/a", "ghcr.io/bob/a", "ghcr.io/other/app", "docker.io"] {
        assert_eq!(two.run(&["get"], server), one.run(&["get"], server), "{server}");
    }
    let token = two.run(&["get"], "tok.example");
    assert_eq!(token, one.run(&["get"], "tok.example"));
    let accounts = |sandbox: &Sandbox| {
        let config = sandbox.config();
        let accounts = config["registries"]["ghcr.io"]["accounts"].as_object().unwrap().clone();
        let mut names: Vec<_> =
            accounts.values().map(|one| (one["username"].to_string(), one["images"].to_string())).collect();
        names.sort();
        names
    };
    assert_eq!(accounts(&two), accounts(&one));
    two.ok(&["export", "--all", "--format", "auth.json", "--output", "again.json"], "");
    assert_eq!(read_json(&two.home().join("again.json")), read_json(&file));
}

#[test]
fn of_all_accounts_one_without_a_secret_keeps_no_other_back() {
    let sandbox = sandbox();
    let mut secrets = read_json(&sandbox.secrets_path("ghcr.io"));
    secrets["secrets"].as_object_mut().unwrap().remove("work");
    write(&sandbox.secrets_path("ghcr.io"), secrets.to_string().as_bytes());
    let arguments = ["export", "--all", "--format", "auth.json"];
    let run = sandbox.run(&arguments, "");
    let auths = json!({"auths": {"ghcr.io": auth("me", "me-s3cret"), "docker.io": auth("alice", "it's-s3cret")}});
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap(), auths);
    run.shows(str![[r#"
exit 1
--- stdout
{
  "auths": {
    "ghcr.io": {
      "auth": "bWU6bWUtczNjcmV0"
    },
    "docker.io": {
      "auth": "YWxpY2U6aXQncy1zM2NyZXQ="
    }
  }
}
--- stderr
! not exported: work on ghcr.io: the secret of work is gone: run `docker-credential-ensign login ghcr.io --alias work`
! 2 secrets are in clear text on stdout: anyone who reads the output can use them

"#]]);
    let run = sandbox.run(&[&arguments[..], &["--json"]].concat(), "");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, report["status"].as_str()), (Some(1), Some("error")));
    assert_eq!((&report["left_out"][0]["account"], report["entries"].as_array().unwrap().len()), (&json!("work"), 2));
    let run = sandbox.run(&["export", "ghcr.io/acme/app", "--format", "auth.json"], "");
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(3), ""),
        "a requested account that cannot be exported is an error"
    );
}

#[test]
fn a_secret_that_ends_is_told_with_its_end() {
    let sandbox = sandbox();
    let mut config = sandbox.config();
    let accounts = &mut config["registries"]["ghcr.io"]["accounts"];
    accounts["me"]["source"] = json!({"provider": "p", "client_id": "c", "token_url": "https://p.example/token"});
    accounts["work"]["source"] = json!({"borrow": "command", "command": ["/bin/echo", "lent-s3cret"]});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    let mut secrets = read_json(&sandbox.secrets_path("ghcr.io"));
    let until = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() + 90 * 60 + 30;
    secrets["secrets"]["me"] = json!({"secret": "me-s3cret", "refresh": "r", "until": until});
    write(&sandbox.secrets_path("ghcr.io"), secrets.to_string().as_bytes());
    let run = sandbox.run(&["export", "--all", "--format", "auth.json"], "");
    run.shows(str![[r#"
exit 0
--- stdout
{
  "auths": {
    "ghcr.io/acme": {
      "auth": "d29yazpsZW50LXMzY3JldA=="
    },
    "ghcr.io": {
      "auth": "bWU6bWUtczNjcmV0"
    },
    "docker.io": {
      "auth": "YWxpY2U6aXQncy1zM2NyZXQ="
    }
  }
}
--- stderr
! 3 secrets are in clear text on stdout: anyone who reads the output can use them
! the secret of work on ghcr.io may expire soon; the exported copy is not renewed
! the secret of me on ghcr.io expires in 90 minutes; the exported copy is not renewed

"#]]);
    assert!(run.stdout.contains(&STANDARD.encode("work:lent-s3cret")), "{run:?}");
}
