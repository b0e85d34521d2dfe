//! Checks of the clock, proxies and certificates, and of registries with `--online`.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, SystemTime};

use snapbox::str;

use super::*;

#[test]
fn a_clock_behind_what_was_written_is_named() {
    let sandbox = healthy();
    let set = |moment| File::options().append(true).open(sandbox.config_path()).unwrap().set_modified(moment).unwrap();
    set(SystemTime::now() + Duration::from_hours(400 * 24));
    assert_found(&sandbox, &[("clock", "broken")]);
    let command = if cfg!(target_os = "macos") { "sudo sntp" } else { "sudo timedatectl set-ntp true" };
    assert_by_hand(&sandbox, "clock", command);
    // A fake `sudo` changes the time of the file, because setting the clock would need root and change the machine.
    program(&sandbox, "sudo", "touch \"$ENSIGN_CONFIG_DIR/config.json\"");
    assert_mended_by_hand(&sandbox, "clock", &[], as_it_is);
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
        assert_mended_by_hand(&sandbox, "proxy", &[], as_it_is);
    }
    assert_healthy(&healthy().with("HTTPS_PROXY", "http://proxy.lan:3128"));
}

#[test]
fn certificates_of_no_use_are_named() {
    let sandbox = healthy();
    let folder = sandbox.home().join(".config/docker/certs.d/ghcr.io");
    let (certificate, key) = (folder.join("client.cert"), folder.join("client.key"));
    let openssl = |words: &[&str], key_option: &str| {
        let mut command = Command::new("openssl");
        command.args(words).arg(key_option).arg(&key).arg("-out").arg(&certificate);
        command.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let new = [&["req", "-x509", "-subj", "/CN=ghcr.io"], &curve[..]].concat();
    fs::create_dir_all(&folder).unwrap();
    write(&folder.join("ca.crt"), b"nonsense");
    let found = assert_found(&sandbox, &[("certificate", "broken")]);
    assert!(found[0]["found"].as_str().unwrap().contains("ca.crt"), "{found:?}");
    assert_fixed(&sandbox, "certificate");
    assert_eq!(fs::read(folder.join("ca.crt.unused")).unwrap(), b"nonsense");
    write(&folder.join("ca.crt"), b"other nonsense");
    assert_fixed(&sandbox, "certificate");
    assert_eq!(fs::read(folder.join("ca.crt.unused")).unwrap(), b"nonsense", "the first file is kept");
    assert_eq!(fs::read(folder.join("ca.crt.2.unused")).unwrap(), b"other nonsense");
    write(&folder.join("lonely.key"), b"x");
    assert_found(&sandbox, &[("certificate", "broken")]);
    assert_fixed(&sandbox, "certificate");
    if !openssl(&new, "-keyout") {
        return eprintln!("skipped: no openssl");
    }
    assert_healthy(&sandbox);
    fs::copy(&certificate, folder.join("ca.crt")).unwrap();
    assert_healthy(&sandbox);
    fs::remove_file(&key).unwrap();
    assert_found(&sandbox, &[("certificate", "broken")]);
    let renew = ["x509", "-days", "-1", "-in", certificate.to_str().unwrap()];
    assert!(openssl(&new, "-keyout") && openssl(&renew, "-signkey"));
    // A client certificate has expired even if the next certificate of its chain is valid.
    for next in [vec![], fs::read(folder.join("ca.crt")).unwrap()] {
        write(&certificate, &[fs::read(&certificate).unwrap(), next].concat());
        let found = assert_found(&sandbox, &[("certificate", "broken")]);
        assert!(found[0]["found"].as_str().unwrap().contains("expired"), "{found:?}");
    }
    assert_fixed(&sandbox, "certificate"); // moves the key without its certificate aside, too
    assert!(folder.join("client.key.unused").exists());
}

#[test]
fn a_registry_is_asked_only_if_wanted() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = server.local_addr().unwrap().to_string();
    let sandbox = installed();
    sandbox.store(&host, "me", "my-s3cret");
    sandbox.ok(&["configure-docker"], "");
    assert_healthy(&sandbox); // nobody answers there, but `doctor` does not ask
    server.set_nonblocking(true).unwrap();
    assert!(server.accept().is_err());
    drop(server);
    let found = findings(&sandbox, &["--online"]);
    assert_eq!(names(&found), [("registry-unreachable", "broken")], "{found:?}");
    let fix = run(&sandbox, &["--online", "--fix", "registry-unreachable"]);
    assert_eq!(fix.code, Some(1), "{fix:?}");
    fix.shows(str![[r#"
exit 1
--- stdout
  ✗ registry-unreachable: [HOST] was not reached: Connection refused
    (os error 111)
      breaks: logins at this registry cannot be checked or renewed
      fix:    docker-credential-ensign check [HOST] --verbose
              (if the registry no longer exists:
              `docker-credential-ensign logout --all [HOST]`)
--- stderr
! registry-unreachable needs you to fix it

"#]]);
    // No command can start a registry again. The registry comes back, or a person removes its accounts.
    answer_all(TcpListener::bind(&host).unwrap());
    assert_eq!(findings(&sandbox, &["--online"]), []);
    let sandbox = installed();
    sandbox.store("127.0.0.1:1", "me", "my-s3cret");
    sandbox.ok(&["configure-docker"], "");
    let logout = |_: &str| "docker-credential-ensign logout --all 127.0.0.1:1".to_owned();
    assert_mended_by_hand(&sandbox, "registry-unreachable", &["--online"], logout);
    let registry = crate::support::registry::FakeRegistry::start();
    let sandbox = installed();
    sandbox.store(&registry.host, "me", "my-s3cret");
    sandbox.ok(&["configure-docker"], "");
    assert_eq!(findings(&sandbox, &["--online"]), []);
}

/// The proxy in the variables is gone, and the registry is reachable without one. The registry's name matches no
/// exception for proxies.
#[test]
fn a_proxy_that_is_gone_is_unset() {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    if std::net::ToSocketAddrs::to_socket_addrs(&(name.as_str(), 1)).is_err() {
        return eprintln!("skipped: this machine does not know its own name");
    }
    let server = TcpListener::bind("0.0.0.0:0").unwrap();
    let (host, gone) = (format!("{name}:{}", server.local_addr().unwrap().port()), "http://127.0.0.1:1");
    answer_all(server);
    let sandbox = installed().with("HTTPS_PROXY", gone).with("http_proxy", gone);
    let daemon = json!({"insecure-registries": [host]});
    write(&sandbox.home().join(".config/docker/daemon.json"), daemon.to_string().as_bytes());
    sandbox.store(&host, "me", "my-s3cret");
    sandbox.ok(&["configure-docker"], "");
    let fix = run(&sandbox, &["--online", "--fix", "registry-unreachable"]);
    assert_eq!(fix.code, Some(1), "{fix:?}");
    fix.shows(str![[r#"
exit 1
--- stdout
  ✗ registry-unreachable: [HOST] was not reached: Connection refused (os error
    111), through the proxy `127.0.0.1:1`
      breaks: logins at this registry cannot be checked or renewed
      fix:    unset HTTPS_PROXY http_proxy   (if the proxy is gone)
--- stderr
! registry-unreachable needs you to fix it

"#]]);
    assert_mended_by_hand(&sandbox, "registry-unreachable", &["--online"], as_it_is);
}

/// Answers every request in plain http with 200.
fn answer_all(server: TcpListener) {
    std::thread::spawn(move || {
        for mut stream in server.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
}

#[cfg(target_os = "linux")] // `support::tls` needs Linux
#[test]
fn an_unknown_authority_is_put_where_the_command_says() {
    let authority = crate::support::tls::Authority::new("an authority");
    let server = crate::support::tls::TlsServer::start(&authority.sign("reg.example"), &[]);
    let sandbox = installed().with("HTTPS_PROXY", &server.proxy);
    sandbox.store("reg.example", "me", "my-s3cret");
    sandbox.ok(&["configure-docker"], "");
    fs::copy(authority.certificate(), sandbox.home().join("ca.crt")).unwrap();
    assert_mended_by_hand(&sandbox, "registry-unreachable", &["--online"], as_it_is);
    assert!(sandbox.home().join(".config/docker/certs.d/reg.example/ca.crt").exists());
}
