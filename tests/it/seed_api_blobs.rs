//! Blobs and digests by `api`: downloads, uploads, and content that does not match its digest.

use snapbox::str;

use crate::seed_api::{ABC, XYZ, alice, basic};
use crate::support::scripted::{Scripted, respond};
use crate::support::snapshots::shows;
use crate::support::{Run, write};

#[test]
fn what_does_not_have_its_digest_is_an_error_that_names_both() {
    let server = basic(|asked| {
        let claim = format!("Docker-Content-Digest: {}", if asked.line.contains("lie") { XYZ } else { ABC });
        respond(
            if asked.line.starts_with("PUT") { 201 } else { 200 },
            &[&claim],
            if asked.line.starts_with("HEAD") { "" } else { "abc" },
        )
    });
    let sandbox = alice(&server.host);
    let fine = sandbox.run(&["api", &server.host, &format!("a/blobs/{ABC}")], "");
    assert_eq!(fine, Run::success("abc"));
    assert_eq!(sandbox.ok(&["api", &server.host, "a/manifests/1"], ""), "abc");
    let out = sandbox.home().join("out");
    let out = out.to_str().unwrap();
    let mut transcript = String::new();
    for words in [
        vec!["a/manifests/lie"],
        vec!["a/blobs/sha256:0000"],
        vec!["a/manifests/sha256:0000", "-X", "HEAD"],
        vec!["a/blobs/sha256:0000", "--output", out],
        vec!["a/manifests/lie", "--input", "-", "-H", "Content-Type: x/y"],
    ] {
        let words: Vec<&str> = ["api", &server.host].into_iter().chain(words).collect();
        let run = sandbox.run(&words, "abc");
        assert_eq!(run.code, Some(1), "{words:?} {run:?}");
        assert!(run.stderr.contains(ABC), "{words:?} {run:?}");
        transcript += &run.transcript();
        assert!(run.stdout.is_empty() || words[2].contains("blobs"), "{words:?} {run:?}");
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: the digest is `sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad`, but `Docker-Content-Digest` says `sha256:3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa16c3c9282`
hint: discard the response and retry; if it recurs, report it to the registry's operator
exit 1
--- stdout
abc[no newline]
--- stderr
error: the digest is `sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad`, but the path says `sha256:0000`
hint: discard the response and retry; if it recurs, report it to the registry's operator
exit 1
--- stderr
error: the digest is `sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad`, but the path says `sha256:0000`
hint: discard the response and retry; if it recurs, report it to the registry's operator
exit 1
--- stderr
error: the digest is `sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad`, but the path says `sha256:0000`
hint: discard the response and retry; if it recurs, report it to the registry's operator
exit 1
--- stderr
error: the digest is `sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad`, but `Docker-Content-Digest` says `sha256:3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa16c3c9282`

"#]],
    );
    assert!(!std::path::Path::new(out).exists());
    assert_eq!(sandbox.run(&["api", &server.host, &format!("a/blobs/{ABC}"), "--output", out], "").code, Some(0));
    assert_eq!(std::fs::read(out).unwrap(), b"abc");
}

#[test]
fn a_blob_that_lies_elsewhere_is_fetched_without_credentials() {
    let store = Scripted::start(|_| respond(200, &[], "abc"));
    let location = format!("Location: http://{}/bucket/abc?signed=1", store.host);
    let round =
        Scripted::start(|asked| respond(307, &[&format!("Location: {}", asked.line.split(' ').nth(1).unwrap())], ""));
    let around = format!("Location: http://{}/", round.host);
    let server =
        basic(move |asked| respond(307, &[if asked.line.contains("round") { &around } else { &location }], ""));
    let sandbox = alice(&server.host);
    let words = ["api", &server.host, &format!("a/blobs/{ABC}"), "-H", "X-Private: 1", "-H", "Range: bytes=0-"];
    assert_eq!(sandbox.run(&words, ""), Run::success("abc"));
    assert_eq!(store.seen(), ["GET /bucket/abc?signed=1"]);
    let run = sandbox.run(&["api", &server.host, "a/round/manifests/1"], "");
    assert_eq!(run.code, Some(1));
    run.shows(str![[r#"
exit 1
--- stderr
error: `[HOST]` redirects again and again

"#]]);
    let run = sandbox.run(&["api", &server.host, "a/manifests/1", "-X", "DELETE"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: could not delete a:1: [HOST] redirects this request (307), and Ensign does not follow the redirect

"#]]);
}

#[test]
fn a_blob_goes_where_the_registry_says_and_credentials_only_to_the_registry() {
    let elsewhere = Scripted::start(|asked| {
        let is_told = asked.header("x-private").is_some();
        respond(if asked.body == "abc" && !is_told { 201 } else { 400 }, &[], "")
    });
    let absolute = format!("Location: http://{}/upload?state=1", elsewhere.host);
    let server = basic(move |asked| match asked.line.as_str() {
        "POST /v2/a/blobs/uploads/" => respond(202, &["Location: /v2/a/blobs/uploads/1?state=2"], ""),
        "POST /v2/b/blobs/uploads/" if asked.header("x-private") == Some("1") => respond(202, &[&absolute], ""),
        _ => respond(if asked.body == "abc" { 201 } else { 400 }, &[&format!("Docker-Content-Digest: {ABC}")], ""),
    });
    let sandbox = alice(&server.host);
    let file = sandbox.home().join("blob");
    write(&file, b"abc");
    let mut transcript = String::new();
    for repository in ["a", "b"] {
        let blobs = format!("{repository}/blobs/");
        let words =
            ["api", &server.host, &blobs, "-X", "POST", "--input", file.to_str().unwrap(), "-H", "X-Private: 1"];
        let run = sandbox.run(&words, "");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
--- stderr
✓ stored in a: 3 bytes
exit 0
--- stdout
sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
--- stderr
✓ stored in b: 3 bytes

"#]],
    );
    let seen = server.seen();
    assert!(seen.contains(&format!("PUT /v2/a/blobs/uploads/1?state=2&digest={ABC} basic")), "{seen:?}");
    assert_eq!(elsewhere.seen(), [format!("PUT /upload?state=1&digest={ABC}")]);
}

#[test]
fn a_tag_is_named_even_if_it_looks_like_a_digest() {
    let server = basic(|_| respond(201, &[], ""));
    let sandbox = alice(&server.host);
    let words = ["api", &server.host, "a/manifests/sha-1", "--input", "-", "-H", "Content-Type: x/y"];
    let run = sandbox.run(&words, "abc");
    assert_eq!(run.stderr, "✓ stored in a:sha-1: x/y, 3 bytes\n", "{run:?}");
}

#[test]
fn the_headers_of_an_empty_blob_are_printed() {
    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let server = basic(|_| respond(200, &[], ""));
    let sandbox = alice(&server.host);
    let head = sandbox.ok(&["api", &server.host, &format!("a/blobs/{EMPTY}"), "--include"], "");
    assert!(head.starts_with("HTTP 200\n") && head.ends_with("\n\n"), "{head:?}");
}
