//! The exec protocol of the kubelet's credential providers, in all its versions.

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, read_json, write};

fn request(version: &str, image: &str) -> String {
    json!({"kind": "CredentialProviderRequest", "apiVersion": format!("credentialprovider.kubelet.k8s.io/{version}"), "image": image})
        .to_string()
}

/// A home with `alice`, the default, and `bob` for the team's images.
fn two_accounts() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "bob", "bob-pw");
    sandbox.ok(&["account", "edit", "ghcr.io", "bob", "--images", "ghcr.io/team/**"], "");
    sandbox.store("ghcr.io", "alice", "alice-pw");
    sandbox
}

fn auth(sandbox: &Sandbox, image: &str) -> Value {
    let run = sandbox.run(&["kubelet"], &request("v1", image));
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    serde_json::from_str::<Value>(&run.stdout).unwrap()["auth"].clone()
}

#[test]
fn every_version_is_answered_in_its_own_name_with_exactly_the_fields_it_has() {
    let sandbox = two_accounts();
    for version in ["v1", "v1beta1", "v1alpha1"] {
        let run = sandbox.run(&["kubelet"], &request(version, "ghcr.io/team/app"));
        let answer = format!(
            "{{\"kind\":\"CredentialProviderResponse\",\"apiVersion\":\"credentialprovider.kubelet.k8s.io/{version}\",\
             \"cacheKeyType\":\"Registry\",\"cacheDuration\":\"0s\",\
             \"auth\":{{\"ghcr.io\":{{\"username\":\"bob\",\"password\":\"bob-pw\"}}}}}}\n"
        );
        assert_eq!(run, Run::success(&answer));
    }
}

#[test]
fn arguments_are_answered_with_the_usage() {
    let run = Sandbox::new().run(&["kubelet", "--help"], "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.starts_with("Usage: docker-credential-ensign kubelet\nThe kubelet runs"), "{run:?}");
}

#[test]
fn the_image_of_the_request_chooses_the_account() {
    let sandbox = two_accounts();
    assert_eq!(auth(&sandbox, "ghcr.io/team/app")["ghcr.io"]["username"], "bob");
    assert_eq!(auth(&sandbox, "ghcr.io/alice/app")["ghcr.io"]["username"], "alice");
    assert_eq!(auth(&sandbox, "ghcr.io/other/app")["ghcr.io"]["username"], "alice", "the default");
    assert_eq!(auth(&sandbox, "quay.io/team/app"), Value::Null);
    let sandbox = two_accounts().with("ENSIGN_ACCOUNT", "ghcr.io=alice");
    assert_eq!(auth(&sandbox, "ghcr.io/team/app")["ghcr.io"]["username"], "alice");
    let hub = Sandbox::new();
    hub.store("https://index.docker.io/v1/", "carol", "pat");
    for (image, key) in [
        ("nginx", "docker.io"),
        ("docker.io/library/nginx", "docker.io"),
        ("index.docker.io/carol/app", "index.docker.io"),
        ("dhi.io/python", "dhi.io"),
    ] {
        assert_eq!(auth(&hub, image)[key]["username"], "carol", "{image}");
    }
    // The kubelet compares the key with the host of the image letter by letter.
    for host in ["GHCR.io", "ghcr.io:443"] {
        assert_eq!(auth(&sandbox, &format!("{host}/team/app"))[host]["username"], "alice");
    }
}

#[test]
fn a_newer_kubelet_may_send_more_than_we_know() {
    let mut more: Value = serde_json::from_str(&request("v1", "ghcr.io/team/app")).unwrap();
    more["serviceAccountToken"] = json!("s3cret");
    more["serviceAccountAnnotations"] = json!({"a": "b"});
    let run = two_accounts().run(&["kubelet"], &more.to_string());
    assert!(run.code == Some(0) && run.stdout.contains("bob-pw") && !run.stdout.contains("s3cret"), "{run:?}");
}

#[test]
fn an_account_that_cannot_answer_is_named_on_stderr_for_the_kubelets_log() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "<token>", "identity");
    sandbox.store("quay.io", "alice", "pw");
    sandbox.store("quay.io", "bob", "pw");
    let mut config = read_json(&sandbox.config_path());
    config["registries"]["quay.io"].as_object_mut().unwrap().remove("active");
    write(&sandbox.config_path(), config.to_string().as_bytes());
    let mut told = String::new();
    for (version, image) in [("v1", "ghcr.io/a/b"), ("v1", "quay.io/a/b"), ("v1", "UPPER/CASE"), ("v2", "ghcr.io/a/b")]
    {
        let run = sandbox.run(&["kubelet"], &request(version, image));
        assert_eq!((run.code, run.stdout.as_str(), run.stderr.lines().count()), (Some(1), "", 1), "{run:?}");
        told += &run.stderr;
    }
    shows(
        &told,
        str![[r#"
ensign: the account of `ghcr.io/a/b` has an identity token, which the kubelet cannot use: run `docker-credential-ensign login ghcr.io -u NAME`
ensign: quay.io has several accounts and no default: alice, bob: run `docker-credential-ensign switch quay.io`
ensign: `UPPER/CASE` is not an image: a repository is made of lower-case letters, digits, `.`, `_`, `-` and `/`
ensign: `credentialprovider.kubelet.k8s.io/v2` is not a version of the kubelet's protocol that Ensign supports: set apiVersion to credentialprovider.kubelet.k8s.io/v1 in the CredentialProviderConfig

"#]],
    );
    let mut transcript = String::new();
    for damaged in ["", "{", "[]", "{\"serviceAccountToken\": \"hunter2\"", "{\"kind\": \"hunter2\"}"] {
        let run = sandbox.run(&["kubelet"], damaged);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{damaged}");
        transcript += &run.transcript();
        assert!(!run.stderr.contains("hunter2"), "{run:?}");
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
ensign: stdin contains no CredentialProviderRequest (line 1): let the kubelet call `docker-credential-ensign kubelet`
exit 1
--- stderr
ensign: stdin contains no CredentialProviderRequest (line 1): let the kubelet call `docker-credential-ensign kubelet`
exit 1
--- stderr
ensign: stdin contains no CredentialProviderRequest (line 1): let the kubelet call `docker-credential-ensign kubelet`
exit 1
--- stderr
ensign: stdin contains no CredentialProviderRequest (line 1): let the kubelet call `docker-credential-ensign kubelet`
exit 1
--- stderr
ensign: stdin contains no CredentialProviderRequest (line 1): let the kubelet call `docker-credential-ensign kubelet`

"#]],
    );
}

#[test]
fn a_dead_secret_is_no_credential_for_the_kubelet_either() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "token");
    let path = sandbox.secrets_path("ghcr.io");
    let mut file = read_json(&path);
    file["secrets"]["me"] = json!({"secret": "token", "refused": true});
    write(&path, file.to_string().as_bytes());
    let run = sandbox.run(&["kubelet"], &request("v1", "ghcr.io/me/app"));
    assert!(run.code == Some(0) && run.stdout.contains("\"auth\":null"), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"Registry","cacheDuration":"0s","auth":null}
--- stderr
ensign: the credentials of me on ghcr.io are no longer valid: the registry refused the login at the last check: run `docker-credential-ensign login ghcr.io --alias me`

"#]]);
}
