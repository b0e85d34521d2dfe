//! TLS certificates that Ensign trusts and sends: those of the system, those of `certs.d`, and any if the user allows
//! it.
#![cfg(target_os = "linux")]

use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::tls::{Authority, TlsServer};
use crate::support::{Run, Sandbox, write};

const REGISTRY: &str = "reg.example";

/// A home in which a proxy leads every host to the server.
fn sandbox(server: &TlsServer) -> Sandbox {
    let sandbox = Sandbox::new().with("HTTPS_PROXY", &server.proxy).with("HTTP_PROXY", &server.proxy);
    sandbox.store(REGISTRY, "alice", "pw");
    sandbox
}

fn put(sandbox: &Sandbox, path: &str, file: &std::path::Path) {
    write(&sandbox.home().join(path), &std::fs::read(file).unwrap());
}

#[test]
fn an_authority_of_certs_d_is_trusted_for_its_registry_by_every_command() {
    let authority = Authority::new("authority");
    let server = TlsServer::start(&authority.sign(REGISTRY), &["realm=https://auth.example/token"]);
    let sandbox = sandbox(&server);
    sandbox.run(&["check", REGISTRY], "").shows(str![[r#"
exit 1
--- stdout
✗ alice was not checked: could not reach `reg.example`: TLS failed: the server's certificate is not trusted (UnknownIssuer), through the proxy `[HOST]`
--- stderr
hint: put the certificate of the registry's authority into `~/.config/docker/certs.d/reg.example/ca.crt`, or name the file with `SSL_CERT_FILE=FILE`; `--plain-http` accepts any certificate

"#]]);
    put(&sandbox, ".config/docker/certs.d/reg.example/ca.crt", &authority.certificate());
    sandbox.run(&["check", REGISTRY], "").shows(str![[r#"
exit 0
--- stdout
✓ reg.example accepts the account alice

"#]]);
    assert_eq!(sandbox.run(&["token", "reg.example/alice/app"], ""), Run::success("t\n"));
    assert_eq!(sandbox.run(&["api", REGISTRY, "alice/app/tags/list"], ""), Run::success("{}"));
    let login = sandbox.run(&["login", REGISTRY, "-u", "bob", "--password-stdin"], "pw");
    assert_eq!(login.code, Some(0), "{login:?}");
    assert!(server.seen().iter().any(|line| line.contains("Basic bob:pw")), "{:?}", server.seen());
}

#[test]
fn every_folder_of_the_clients_counts_in_every_spelling() {
    let authority = Authority::new("authority");
    let server = TlsServer::start(&authority.sign(REGISTRY), &[]);
    for (folder, registry, trusted) in [
        (".config/docker/certs.d/reg.example", "reg.example", true),
        (".config/docker/certs.d/reg.example:443", "reg.example", true),
        (".config/docker/certs.d/Reg.Example", "reg.example", true),
        (".config/containers/certs.d/reg.example:5000", "reg.example:5000", true),
        (".docker/certs.d/reg.example:5000", "reg.example:5000", true),
        (".config/docker/certs.d/reg.example", "reg.example:5000", false),
        (".config/docker/certs.d/reg.example:5000", "reg.example", false),
        (".config/docker/certs.d/example", "reg.example", false),
        (".config/docker/reg.example", "reg.example", false),
    ] {
        let sandbox = sandbox(&server);
        sandbox.store(registry, "alice", "pw");
        put(&sandbox, &format!("{folder}/anything.crt"), &authority.certificate());
        let run = sandbox.run(&["check", registry], "");
        assert_eq!(run.code, Some(i32::from(!trusted)), "{folder} {registry}: {run:?}");
    }
    let mut transcript = String::new();
    for tool in ["docker", "containers"] {
        let sandbox = sandbox(&server);
        put(&sandbox, &format!("xdg/{tool}/certs.d/reg.example/ca.crt"), &authority.certificate());
        let xdg = sandbox.home().join("xdg");
        let sandbox = sandbox.with("XDG_CONFIG_HOME", xdg.to_str().unwrap());
        transcript += &sandbox.run(&["check", REGISTRY], "").transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
✓ reg.example accepts the account alice
exit 0
--- stdout
✓ reg.example accepts the account alice

"#]],
    );
}

#[test]
fn a_certificate_that_is_its_own_authority_is_taken_as_go_takes_it() {
    let authority = Authority::new("authority");
    let mut transcript = String::new();
    for (name, days, accepted) in [(REGISTRY, 2, true), ("other.example", 2, false), (REGISTRY, -1, false)] {
        let pair = authority.self_signed("server", name, days);
        let server = TlsServer::start(&pair, &[]);
        let in_folder = sandbox(&server);
        put(&in_folder, ".config/docker/certs.d/reg.example/ca.crt", &pair.certificate);
        let in_variable = sandbox(&server).with("SSL_CERT_FILE", pair.certificate.to_str().unwrap());
        for sandbox in [in_folder, in_variable] {
            let run = sandbox.run(&["check", REGISTRY], "");
            assert_eq!(run.code, Some(i32::from(!accepted)), "{run:?}");
            transcript += &run.transcript();
        }
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
✓ reg.example accepts the account alice
exit 0
--- stdout
✓ reg.example accepts the account alice
exit 1
--- stdout
✗ alice was not checked: could not reach `reg.example`: TLS failed: the server's certificate is not trusted (certificate not valid for name "reg.example"; certificate is only valid for DnsName("other.example")), through the proxy `[HOST]`
--- stderr
hint: `--plain-http` accepts any certificate
exit 1
--- stdout
✗ alice was not checked: could not reach `reg.example`: TLS failed: the server's certificate is not trusted (certificate not valid for name "reg.example"; certificate is only valid for DnsName("other.example")), through the proxy `[HOST]`
--- stderr
hint: `--plain-http` accepts any certificate
exit 1
--- stdout
✗ alice was not checked: could not reach `reg.example`: TLS failed: the server's certificate is not trusted (Expired), through the proxy `[HOST-2]`
--- stderr
hint: `--plain-http` accepts any certificate
exit 1
--- stdout
✗ alice was not checked: could not reach `reg.example`: TLS failed: the server's certificate is not trusted (Expired), through the proxy `[HOST-2]`
--- stderr
hint: `--plain-http` accepts any certificate

"#]],
    );
}

#[test]
fn the_authority_that_the_environment_names_is_trusted() {
    let authority = Authority::new("authority");
    let server = TlsServer::start(&authority.sign(REGISTRY), &[]);
    let trusting = sandbox(&server).with("SSL_CERT_FILE", authority.certificate().to_str().unwrap());
    trusting.run(&["check", REGISTRY], "").shows(str![[r#"
exit 0
--- stdout
✓ reg.example accepts the account alice

"#]]);
    // Authorities in certs.d are trusted in addition to those of SSL_CERT_FILE.
    let other = Authority::new("other");
    let both = sandbox(&server).with("SSL_CERT_FILE", other.certificate().to_str().unwrap());
    assert_eq!(both.run(&["check", REGISTRY], "").code, Some(1));
    put(&both, ".config/docker/certs.d/reg.example/ca.crt", &authority.certificate());
    both.run(&["check", REGISTRY], "").shows(str![[r#"
exit 0
--- stdout
✓ reg.example accepts the account alice

"#]]);
}

#[test]
fn a_client_certificate_is_shown_to_a_server_that_asks_for_it() {
    let (authority, clients) = (Authority::new("authority"), Authority::new("clients"));
    let (pair, client) = (authority.sign(REGISTRY), clients.sign_client("our-machine"));
    let client_ca = format!("client-ca={}", clients.certificate().display());
    let mut transcript = String::new();
    for options in [&[client_ca.as_str()][..], &[&client_ca, "newest=1.2"]] {
        let server = TlsServer::start(&pair, options);
        let sandbox = sandbox(&server);
        let folder = ".config/docker/certs.d/reg.example";
        let at = |name: &str| format!("{folder}/{name}");
        put(&sandbox, &at("ca.crt"), &authority.certificate());
        let run = sandbox.run(&["check", REGISTRY], "");
        assert_eq!(run.code, Some(1), "{run:?}");
        if options.len() == 1 {
            transcript += &run.transcript();
        }
        put(&sandbox, &at("client.cert"), &client.certificate);
        put(&sandbox, &at("client.key"), &client.key);
        transcript += &sandbox.run(&["check", REGISTRY], "").transcript();
        assert_eq!(server.seen().last().unwrap(), "GET /v2/ Basic alice:pw our-machine");
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
✗ alice was not checked: could not reach `reg.example`: TLS failed: the server requires a client certificate (CertificateRequired), through the proxy `[HOST]`
--- stderr
hint: put a client certificate into `~/.config/docker/certs.d/reg.example`, as `client.cert` and `client.key`
exit 0
--- stdout
✓ reg.example accepts the account alice
exit 0
--- stdout
✓ reg.example accepts the account alice

"#]],
    );
}

#[test]
fn what_cannot_be_used_in_a_folder_is_passed_over_and_told_to_who_watches() {
    let authority = Authority::new("authority");
    let server = TlsServer::start(&authority.sign(REGISTRY), &[]);
    let sandbox = sandbox(&server);
    let folder = sandbox.home().join(".config/docker/certs.d/reg.example");
    write(&folder.join("a.crt"), b"no certificate");
    write(&folder.join("b.cert"), &std::fs::read(authority.certificate()).unwrap());
    write(&folder.join("c.cert"), b"");
    write(&folder.join("d.crt/e"), b"");
    write(&folder.join("f.crt"), &std::fs::read(authority.certificate()).unwrap());
    sandbox.run(&["check", REGISTRY], "").shows(str![[r#"
exit 0
--- stdout
✓ reg.example accepts the account alice

"#]]);
    let told = sandbox.run(&["check", REGISTRY, "--verbose"], "").stderr;
    for (file, why) in [("b.cert", "b.key"), ("c.cert", "certificate"), ("d.crt", "file")] {
        let line = told.lines().find(|line| line.contains(&format!("{file}: not used, "))).unwrap_or(&told);
        assert!(line.contains(why), "{file}: {told}");
    }
}

#[test]
fn an_insecure_registry_may_show_any_certificate_and_so_may_its_token_server() {
    let authority = Authority::new("authority");
    let pair = authority.self_signed("server", "somebody.else", 2);
    let server = TlsServer::start(&pair, &["realm=https://auth.example/token"]);
    let sandbox = sandbox(&server);
    assert_eq!(sandbox.run(&["check", REGISTRY], "").code, Some(1));
    assert!(server.seen().is_empty(), "no password is shown to an unknown server");
    sandbox.run(&["check", REGISTRY, "--plain-http"], "").shows(str![[r#"
exit 0
--- stdout
✓ reg.example accepts the account alice

"#]]);
    assert_eq!(sandbox.run(&["check", REGISTRY], "").code, Some(1));
    write(&sandbox.home().join(".docker/daemon.json"), br#"{"insecure-registries": ["reg.example"]}"#);
    let before = server.seen().len();
    sandbox.run(&["check", REGISTRY], "").shows(str![[r#"
exit 0
--- stdout
✓ reg.example accepts the account alice

"#]]);
    let seen: Vec<String> = server.seen().split_off(before);
    let lines: Vec<&str> = seen.iter().map(|line| line.split('?').next().unwrap()).collect();
    assert_eq!(lines, ["GET /v2/ - -", "GET /token", "GET /v2/ Bearer t -"], "all requests use https");
}
