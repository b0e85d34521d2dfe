//! The clock, proxies, certificates; and registries with `--online`.

use std::fs::{self, File};
use std::net::TcpListener;
use std::time::{Duration, SystemTime};

use super::*;

#[test]
fn a_clock_behind_what_was_written_is_named() {
    let sandbox = healthy();
    let set = |moment| File::options().append(true).open(sandbox.config_path()).unwrap().set_modified(moment).unwrap();
    set(SystemTime::now() + Duration::from_hours(400 * 24));
    assert_found(&sandbox, &[("clock", "broken")]);
    let command = if cfg!(target_os = "macos") { "sudo sntp" } else { "sudo timedatectl set-ntp true" };
    assert_by_hand(&sandbox, "clock", command);
    set(SystemTime::now());
    assert_healthy(&sandbox);
}

#[test]
fn a_proxy_that_cannot_be_used_is_named_without_its_address() {
    for (name, value) in
        [("HTTPS_PROXY", "socks5://me:my-s3cret@proxy.lan:1080"), ("http_proxy", "http://my-s3cret:x:y")]
    {
        let sandbox = healthy().with(name, value);
        let found = assert_found(&sandbox, &[("proxy", "broken")]);
        assert!(!format!("{found:?}").contains("my-s3cret"), "{found:?}");
        let name = name.to_uppercase();
        assert_by_hand(&sandbox, "proxy", &format!("unset {name} {}", name.to_lowercase()));
    }
    assert_healthy(&healthy().with("HTTPS_PROXY", "http://proxy.lan:3128"));
}

#[test]
fn certificates_of_no_use_are_named() {
    let sandbox = healthy();
    let folder = sandbox.home().join(".config/docker/certs.d/ghcr.io");
    let make = |name: &str, days: &str| {
        let status = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-subj", "/CN=ghcr.io", "-days", days, "-keyout"])
            .arg(folder.join(format!("{name}.key")))
            .arg("-out")
            .arg(folder.join(format!("{name}.cert")))
            .stderr(std::process::Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    fs::create_dir_all(&folder).unwrap();
    write(&folder.join("ca.crt"), b"nonsense");
    let found = assert_found(&sandbox, &[("certificate", "broken")]);
    assert!(found[0]["found"].as_str().unwrap().contains("it holds no certificate"), "{found:?}");
    assert_by_hand(&sandbox, "certificate", "openssl x509 -noout");
    fs::remove_file(folder.join("ca.crt")).unwrap();
    write(&folder.join("lonely.key"), b"x");
    assert_found(&sandbox, &[("certificate", "broken")]);
    fs::remove_file(folder.join("lonely.key")).unwrap();
    if !make("client", "30") {
        return eprintln!("skipped: no openssl");
    }
    assert_healthy(&sandbox);
    fs::copy(folder.join("client.cert"), folder.join("ca.crt")).unwrap();
    assert_healthy(&sandbox);
    fs::remove_file(folder.join("client.key")).unwrap();
    assert_found(&sandbox, &[("certificate", "broken")]);
    if make("client", "-1") || make("client", "0") {
        std::thread::sleep(Duration::from_millis(1100)); // it ends with this second
        let found = assert_found(&sandbox, &[("certificate", "broken")]);
        assert!(found[0]["found"].as_str().unwrap().contains("it has expired"), "{found:?}");
    }
}

#[test]
fn a_registry_is_asked_only_if_wanted() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = server.local_addr().unwrap().to_string();
    let sandbox = installed();
    sandbox.store(&host, "me", "my-s3cret");
    sandbox.ok(&["configure-docker"], "");
    assert_healthy(&sandbox); // nobody answers there
    server.set_nonblocking(true).unwrap();
    assert!(server.accept().is_err());
    drop(server);
    let found = findings(&sandbox, &["--online"]);
    assert_eq!(names(&found), [("registry-unreachable", "broken")], "{found:?}");
    let fix = run(&sandbox, &["--online", "--fix", "registry-unreachable"]);
    assert_eq!(fix.code, Some(1), "{fix:?}");
    let registry = crate::support::registry::FakeRegistry::start();
    let sandbox = installed();
    sandbox.store(&registry.host, "me", "my-s3cret");
    sandbox.ok(&["configure-docker"], "");
    assert_eq!(findings(&sandbox, &["--online"]), []);
}
