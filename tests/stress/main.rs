//! A load test of one minute: a hundred readers and twenty writers run at once, and some writers are killed.
//!
//! A test program of its own, so that its load disturbs no other test. `ENSIGN_STRESS_SECONDS` sets another duration.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stderr, unreachable_pub, dead_code)]

#[path = "../it/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Run, Sandbox, finish, read_json};

const READERS: usize = 100;
const WRITERS: usize = 20;
const HOSTS: [&str; 3] = ["ghcr.io", "docker.io", "localhost:5000"];

/// The turns in which one writer stored a secret for its account on one registry: the last confirmed turn, and the last
/// turn of all.
#[derive(Clone, Copy, Default)]
struct Written {
    confirmed: u64,
    tried: u64,
}

#[test]
fn no_account_is_lost_no_file_torn_and_no_answer_wrong() {
    let seconds = std::env::var("ENSIGN_STRESS_SECONDS").map_or(60, |value| value.parse().unwrap());
    let sandbox = Sandbox::new();
    for host in HOSTS {
        sandbox.store(host, "w0", "w0-0");
    }
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let (over, answers, deaths) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let written: Vec<_> = scope(|threads| {
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let (sandbox, over, answers) = (&sandbox, &over, &answers);
                threads.spawn(move || read(sandbox, HOSTS[reader % HOSTS.len()], over, answers))
            })
            .collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (sandbox, deaths) = (&sandbox, &deaths);
                threads.spawn(move || write(sandbox, writer, deadline, deaths))
            })
            .collect();
        let written = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        over.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
        written
    });
    eprintln!("{} answers, {} writers killed", answers.load(Ordering::Relaxed), deaths.load(Ordering::Relaxed));
    assert!(answers.load(Ordering::Relaxed) > 0 && (deaths.load(Ordering::Relaxed) > 0 || seconds < 5));
    compare(&sandbox, &written);
}

/// Calls `get` until all writers have finished. Every answer must be an account together with that account's secret.
fn read(sandbox: &Sandbox, host: &str, over: &AtomicBool, answers: &AtomicU64) {
    while !over.load(Ordering::Relaxed) {
        let run = finish(sandbox.command(&["get"]).spawn().unwrap(), host.as_bytes());
        let answer: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
        let (username, secret) = (answer["Username"].as_str().unwrap(), answer["Secret"].as_str().unwrap());
        assert!(secret.starts_with(&format!("{username}-")), "the secret {secret} was given as {username}'s");
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        answers.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(20)); // gives the writers processor time on a small machine
    }
}

/// Stores one secret after another for the writer's own account, and kills some of the calls.
fn write(sandbox: &Sandbox, writer: usize, deadline: Instant, deaths: &AtomicU64) -> BTreeMap<&'static str, Written> {
    let mut written = BTreeMap::new();
    let mut random = writer as u64 * 2_654_435_761 + 1;
    for turn in 1.. {
        if Instant::now() >= deadline && turn > HOSTS.len() as u64 * 2 {
            break;
        }
        let host = HOSTS[usize::try_from(turn).unwrap() % HOSTS.len()];
        let state: &mut Written = written.entry(host).or_default();
        state.tried = turn;
        let entry = format!(r#"{{"ServerURL":"{host}","Username":"w{writer}","Secret":"w{writer}-{turn}"}}"#);
        let child = sandbox.command(&["store"]).spawn().unwrap();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if random >> 62 == 0 {
            kill_in(child, entry.as_bytes(), Duration::from_micros((random >> 40) % 30_000));
            deaths.fetch_add(1, Ordering::Relaxed);
        } else {
            assert_eq!(finish(child, entry.as_bytes()), Run::success(""));
            state.confirmed = turn;
        }
    }
    written
}

fn kill_in(mut child: Child, stdin: &[u8], delay: Duration) {
    let _ = child.stdin.take().unwrap().write_all(stdin);
    sleep(delay);
    let _ = child.kill();
    child.wait().unwrap();
}

/// Checks that every confirmed login exists, with the last confirmed secret or a later one whose call was killed.
fn compare(sandbox: &Sandbox, written: &[BTreeMap<&'static str, Written>]) {
    let config = sandbox.config();
    for host in HOSTS {
        let secrets = read_json(&sandbox.secrets_path(host));
        for (writer, states) in written.iter().enumerate() {
            let Written { confirmed, tried } = states[host];
            if confirmed == 0 {
                continue;
            }
            let name = format!("w{writer}");
            assert_eq!(config["registries"][host]["accounts"][&name]["username"], name, "{name} on {host} is lost");
            let secret = secrets["secrets"][&name].as_str().unwrap();
            let turn: u64 = secret.strip_prefix(&format!("{name}-")).unwrap().parse().unwrap();
            assert!((confirmed..=tried).contains(&turn), "{name} on {host}: {turn} is not in {confirmed}..={tried}");
        }
    }
}
