//! Conformance vectors: what real clients send and expect. The test replays the vectors with the real program, and
//! compares the state too.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::support::{Run, Sandbox, finish, read_json, wait, write};

/// A busy machine may take this many times as long as a vector allows.
const BUSY: u32 = 8;

#[test]
fn every_vector_holds() {
    let document: Value = serde_json::from_str(include_str!("../fixtures/protocol_vectors.json")).unwrap();
    let vectors = document["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 80);
    let mut failures = Vec::new();
    for vector in vectors {
        let id = vector["id"].as_str().unwrap();
        let fixture = &document["fixtures"][vector["state_before"].as_str().unwrap()];
        let mut alternatives = vec![vector.clone()];
        for other in vector["alternatives"].as_array().into_iter().flatten().filter(|other| !other["steps"].is_null()) {
            let mut alternative = vector.clone();
            alternative["steps"] = other["steps"].clone();
            alternatives.push(alternative);
        }
        let results: Vec<_> = alternatives.iter().map(|vector| replay(vector, fixture)).collect();
        if results.iter().all(Result::is_err) {
            failures.push(format!("{id} {}: {}", vector["title"], results[0].as_ref().unwrap_err()));
        }
    }
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), vectors.len(), failures.join("\n"));
}

fn replay(vector: &Value, fixture: &Value) -> Result<(), String> {
    let sandbox = prepare(vector, fixture);
    for step in vector["steps"].as_array().unwrap() {
        let started = Instant::now();
        let runs = run(&sandbox, vector, step);
        let took = started.elapsed();
        let limit = step["within_ms"].as_u64().map_or(Duration::MAX, |limit| BUSY * Duration::from_millis(limit));
        if took > limit {
            return Err(format!("{} took {took:?}, and may take {limit:?}", step["argv"]));
        }
        for run in runs {
            check(&run, &step["expect"], step["signal"].is_null())
                .map_err(|error| format!("{} {error}\n{run:?}", step["argv"]))?;
        }
    }
    compare_state(&sandbox, vector, fixture)
}

/// Prepares the state before a vector, and the situation that one of the vector's variables names.
fn prepare(vector: &Value, fixture: &Value) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let servers = fixture["servers"].as_object().unwrap();
    if !servers.is_empty() {
        sandbox.write_state(servers);
    }
    if let Some(tokens) = fixture["side_tokens"].as_object() {
        let path = sandbox.secrets_path("docker.io");
        let mut secrets = read_json(&path);
        for (user, tokens) in tokens {
            for (key, token) in tokens.as_object().unwrap() {
                secrets["tokens"][user][key.rsplit('/').next().unwrap()] = token.clone();
            }
        }
        write(&path, secrets.to_string().as_bytes());
    }
    if !vector["env"]["ENSIGN_TEST_READONLY"].is_null() {
        // A folder in place of the lock prevents every change.
        std::fs::create_dir_all(sandbox.home().join("config/config.lock")).unwrap();
    }
    if !vector["env"]["ENSIGN_TEST_LOCKED"].is_null() {
        sandbox = keep_in_helper(sandbox, servers, "locked", "echo the vault is locked; exit 1");
    }
    if vector["id"] == "PRC-07" {
        sandbox = keep_in_helper(sandbox, servers, "silent", "sleep 600");
    }
    sandbox
}

/// Moves the accounts to a store in another helper, which runs `script`.
fn keep_in_helper(sandbox: Sandbox, servers: &Map<String, Value>, name: &str, script: &str) -> Sandbox {
    sandbox.write_state(servers);
    let text = sandbox.config().to_string().replace(r#""store":"file""#, &format!(r#""store":"helper:{name}""#));
    write(&sandbox.config_path(), text.as_bytes());
    sandbox.with_program(&format!("docker-credential-{name}"), &format!("#!/bin/sh\n{script}\n"))
}

fn run(sandbox: &Sandbox, vector: &Value, step: &Value) -> Vec<Run> {
    let arguments: Vec<_> =
        step["argv"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect();
    let program = match vector["steps"][0]["program"].as_str() {
        Some(name) => sandbox.link(name),
        None => PathBuf::from(Sandbox::program()),
    };
    let parallel = step["parallel"].as_u64().unwrap_or(1);
    let children: Vec<_> = (0..parallel)
        .map(|index| {
            let stdin = stdin(&step["stdin"], index);
            let mut command = sandbox.command_of(&program, &arguments);
            match step["stdin_mode"].as_str() {
                Some("closed") => drop(command.stdin(Stdio::null())),
                None if step["stdin"].is_null() => drop(command.stdin(Stdio::null())),
                _ => {}
            }
            (command.spawn().unwrap(), stdin)
        })
        .collect();
    children
        .into_iter()
        .map(|(mut child, stdin)| match step["stdin_mode"].as_str() {
            Some("open_pipe_never_written") => {
                let pipe = child.stdin.take();
                let run = wait(child);
                drop(pipe);
                run
            }
            Some("slow_writer_200ms") => {
                let mut pipe = child.stdin.take().unwrap();
                std::thread::sleep(Duration::from_millis(200));
                pipe.write_all(&stdin).unwrap();
                drop(pipe);
                wait(child)
            }
            _ if !step["signal"].is_null() => {
                std::thread::sleep(Duration::from_millis(2));
                child.stdin.take().unwrap().write_all(&stdin).unwrap();
                std::thread::sleep(Duration::from_millis(1));
                let _ = child.kill();
                wait(child)
            }
            _ if child.stdin.is_none() => wait(child),
            _ => finish(child, &stdin),
        })
        .collect()
}

fn stdin(value: &Value, index: u64) -> Vec<u8> {
    match value {
        Value::String(text) => text.replace("%d", &index.to_string()).into_bytes(),
        Value::Object(one) => {
            if let Some(hex) = one.get("bytes_hex").and_then(Value::as_str) {
                return (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
            }
            let filling =
                one["repeat"].as_str().unwrap().repeat(usize::try_from(one["count"].as_u64().unwrap()).unwrap());
            one.get("template")
                .and_then(Value::as_str)
                .map_or(filling.clone(), |text| text.replace("%s", &filling))
                .into_bytes()
        }
        _ => Vec::new(),
    }
}

fn check(run: &Run, expect: &Value, check_exit: bool) -> Result<(), String> {
    if check_exit && expect["exit"].as_i64().map(|code| i32::try_from(code).unwrap()) != run.code {
        return Err(format!("should exit with {}", expect["exit"]));
    }
    for (stream, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        for (kind, wanted) in expect[stream].as_object().into_iter().flatten() {
            let holds = match kind.as_str() {
                "exact" => wanted == text,
                "json_line" => {
                    text.ends_with('\n')
                        && text.lines().count() == 1
                        && serde_json::from_str(text).ok().as_ref() == Some(wanted)
                }
                "json_superset" => serde_json::from_str::<Value>(text).is_ok_and(|answer| holds_all(&answer, wanted)),
                "json_secret_length" => serde_json::from_str::<Value>(text)
                    .is_ok_and(|answer| answer["Secret"].as_str().map(|secret| secret.len() as u64) == wanted.as_u64()),
                "regex" => fancy_regex::Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text).unwrap(),
                "any" => true,
                other => panic!("unknown expectation {other}"),
            };
            if !holds {
                return Err(format!("{stream} should be {kind} {wanted}"));
            }
        }
    }
    Ok(())
}

fn holds_all(answer: &Value, wanted: &Value) -> bool {
    wanted.as_object().unwrap().iter().all(|(name, value)| match value.as_str() {
        Some("<non-empty>") => answer[name].as_str().is_some_and(|text| !text.is_empty()),
        _ => answer[name] == *value,
    })
}

fn compare_state(sandbox: &Sandbox, vector: &Value, fixture: &Value) -> Result<(), String> {
    let state = sandbox.read_state();
    let expected = match &vector["state_after"] {
        Value::String(same) if same == "same" => fixture["servers"].clone(),
        Value::String(_) => return Ok(()), // a kill may come at any moment, so it suffices that the state is readable
        other => other["servers"].clone(),
    };
    for (key, wanted) in expected.as_object().unwrap() {
        let found = state.get(key).ok_or_else(|| format!("{key} is gone"))?;
        if wanted["accounts"].is_string() {
            let all = (0..16).all(|index| found["accounts"][format!("u{index}")] == format!("s{index}"));
            return if all { Ok(()) } else { Err(format!("accounts were lost: {found}")) };
        }
        for (name, secret) in wanted["accounts"].as_object().unwrap() {
            let secret =
                if secret.is_object() { String::from_utf8(stdin(secret, 0)).unwrap().into() } else { secret.clone() };
            if found["accounts"][name] != secret {
                return Err(format!("{key}: the secret of {name} is wrong"));
            }
        }
        let names = |server: &Value| server["accounts"].as_object().map_or(0, Map::len);
        if names(found) != names(wanted) || found["active"] != wanted["active"] {
            return Err(format!("{key} is {found}"));
        }
    }
    if state.len() != expected.as_object().unwrap().len() {
        return Err(format!("the state is {state:?}"));
    }
    compare_tokens(sandbox, vector, fixture)
}

fn compare_tokens(sandbox: &Sandbox, vector: &Value, fixture: &Value) -> Result<(), String> {
    let after = if vector["state_after"] == "same" { fixture } else { &vector["state_after"] };
    let tokens = read_json(&sandbox.secrets_path("docker.io"))["tokens"].clone();
    let wanted: Map<_, _> = after["side_tokens"].as_object().cloned().unwrap_or_default();
    for (user, keys) in &wanted {
        for (key, token) in keys.as_object().unwrap() {
            if tokens[user][key.rsplit('/').next().unwrap()] != *token {
                return Err(format!("the side token {key} of {user} is wrong"));
            }
        }
    }
    if tokens.as_object().map_or(0, Map::len) == wanted.len() {
        Ok(())
    } else {
        Err("there are other side tokens".into())
    }
}
