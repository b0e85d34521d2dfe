//! Compares each command's JSON with its schema in `docs/schema/`, which must contain every field.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use serde_json::{Value, json};

use super::world::World;
use super::{root, schema};
use crate::support::Sandbox;
use crate::support::snapshots::shows_file;

/// The schema and the command of each call. The calls run in this order in one home.
const CALLS: &[(&str, &str)] = &[
    ("status", "ensign status --json"),
    ("store-key", "ensign store key --json"),
    ("prompt", "ensign prompt --json"),
    ("login", "echo t | ensign login ghcr.io -u me --password-stdin --json"),
    ("login", "echo t | ensign login ghcr.io/acme -u me-acme --alias work --password-stdin --json"),
    ("login", "ensign login --borrow pass --item registry -u ci registry.example.com --json"),
    ("login", "ensign login ghcr.io --json </dev/null"),
    ("configure-docker", "ensign configure-docker --dry-run --json"),
    ("configure-docker", "ensign configure-docker --json"),
    ("status", "ensign status --json"),
    ("status", "ensign status registry.example.com --json"),
    ("status-expiring", "ensign status --expiring 7d --json"),
    ("which", "ensign which ghcr.io/acme/app --json"),
    ("which", "ENSIGN_ACCOUNT=me ensign which ghcr.io/acme/app --push --json"),
    ("which", "ensign which ghcr.io --json"),
    ("which-as", "ensign which --as 'docker push ghcr.io/acme/app' --json"),
    ("which-as", "ensign which --as 'docker build -t ghcr.io/acme/a -t ghcr.io/me/b .' --json"),
    ("error", "ensign which quay.io/x/y --json"),
    ("switch", "ensign switch ghcr.io work --json"),
    ("account-show", "ensign account show ghcr.io --json"),
    ("account-edit", "ensign account edit ghcr.io work --images '+beta/**' --folder ~/work --for push --json"),
    ("account-edit", "ensign account edit ghcr.io work --for any --program docker --grant required --json"),
    ("error", "ensign account edit ghcr.io nobody --alias x --json"),
    ("grant", "ensign grant ghcr.io work --json"),
    ("status", "ensign status --json"),
    ("which", "ensign which ghcr.io/acme/app --json"),
    ("grant", "ensign grant ghcr.io work --end --json"),
    ("account-edit", "ensign account edit ghcr.io work --no-programs --grant optional --json"),
    ("public", "ensign public add 'docker.io/library/**' --json"),
    ("public", "ensign public --json"),
    ("public", "ensign public remove 'docker.io/library/**' --json"),
    ("route", "ensign route '*.azurecr.io' acr-env --json"),
    ("route", "ensign route --fallback pass --json"),
    ("route", "ensign route --json"),
    ("route", "ensign route '*.azurecr.io' --remove --json"),
    ("use", "ensign use ghcr.io=work --json"),
    ("use", "ensign use --none --json"),
    ("prompt", "ENSIGN_ACCOUNT=ghcr.io=work ensign prompt --json"),
    ("trust", "printf '[accounts]\\n\"ghcr.io\" = \"work\"\\n' >.ensign.toml; ensign trust --yes --json"),
    ("trust", "ensign trust --list --json"),
    ("trust", "ensign trust --revoke --json"),
    ("pin", "ensign pin work --json"),
    ("pin", "ensign pin --json"),
    ("buildx-sync", "ensign buildx sync ghcr.io/acme/app --dry-run --json"),
    ("buildx-sync", "ensign buildx sync ghcr.io/acme/app quay.io/x/y --json"),
    ("buildx-sync", "ensign buildx sync --remove --json"),
    ("pin", "ensign pin work --remove --json"),
    (
        "import",
        "printf '{\"auths\": {\"quay.io\": {\"auth\": \"bWU6cHc=\"}}}' >auth.json; ensign import auth.json --dry-run --json",
    ),
    ("import", "ensign import auth.json --yes --json"),
    ("import", "printf '{\"auths\": {\"bad.io\": {\"auth\": \"!\"}}}' >bad.json; ensign import bad.json --yes --json"),
    ("export", "ensign export ghcr.io --format env --json"),
    ("export", "ensign export --all --format auth.json --output out.json --json"),
    ("token", "ensign token ghcr.io/acme/app --json"),
    ("check", "ensign check ghcr.io --json"),
    ("check", "ensign check ghcr.io/acme/app --push --json"),
    ("check-all", "ensign check --json"),
    ("api", "ensign api ghcr.io acme/app/tags/list --json"),
    ("why", "docker push ghcr.io/acme/app; ensign why --json"),
    ("why", "ensign why --off --json"),
    ("why", "ensign why --clear --json"),
    ("why", "ensign why --on --json"),
    ("why", "ensign why --json"),
    ("doctor", "ensign doctor --json"),
    ("doctor-report", "ensign doctor --report --json"),
    ("doctor-fix", "ensign doctor --fix helper-missing --json"),
    ("store", "ensign store --json"),
    ("store", "ensign store file --json"),
    ("store-key", "ensign store key --holder file:$HOME/key --json"),
    ("store-key", "ensign store key --json"),
    ("store-key", "ensign store key --rotate --json"),
    ("store-move", "ensign store move --to sealed --json"),
    ("status", "ensign status --json"),
    ("unlock", "ensign unlock --json"),
    ("lock", "ensign lock --json"),
    ("restore", "ensign restore --json"),
    ("version", "ensign version --json"),
    ("completions", "ensign completions bash --json"),
    ("config", "cat ~/.config/ensign/config.json | tr -d '\\n'"),
    ("logout", "ensign logout ghcr.io work --json"),
    ("logout", "ensign logout ghcr.io --all --yes --json"),
    ("status", "ensign status --json"),
    ("route", "ensign route --no-fallback --json"),
    ("route", "ensign route --json"),
];

/// Schemas whose commands other tests run.
const ELSEWHERE: [&str; 2] = ["update", "update-check"];

/// Commands without JSON output.
const WITHOUT: [&str; 2] = ["exec", "help"];

#[test]
fn every_json_is_as_its_schema_says() {
    let world = World::new();
    let mut faults = Vec::new();
    let mut shown = BTreeMap::<&str, String>::new();
    for (name, command) in CALLS {
        let run = world.run(&format!("set +e; {command}"));
        let lines: Vec<_> = run.stdout.lines().collect();
        if lines.is_empty() {
            faults.push(format!("{command}: {run:?}"));
        }
        let text = shown.entry(name).or_default();
        let _ = writeln!(text, "$ {command}");
        for line in lines {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{command}: {run:?}"));
            let _ = writeln!(text, "{}", serde_json::to_string_pretty(&value).unwrap());
            if let Some(folder) = std::env::var_os("SCHEMAS") {
                let file = std::path::Path::new(&folder).join(name);
                fs::write(&file, fs::read_to_string(&file).unwrap_or_default() + line + "\n").unwrap();
            } else if let Err(why) = fits(name, &value) {
                faults.push(format!("{command}: {why}\n{line}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for (name, text) in shown {
        shows_file(&text, &format!("tests/it/snapshots/json/{name}.txt"));
    }
}

#[test]
fn every_command_and_every_schema_is_on_the_page() {
    let page = fs::read_to_string(root().join("docs/json.md")).unwrap();
    let help = Sandbox::new().ok(&["help"], "");
    let groups = help.lines().skip_while(|line| *line != "Every day:").take_while(|line| *line != "Topics:");
    let commands = groups.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|word| !word.is_empty()));
    for command in commands.filter(|command| !WITHOUT.contains(command)) {
        assert!(page.contains(&format!("| `{command}")), "docs/json.md lacks {command}");
    }
    for file in fs::read_dir(root().join("docs/schema")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let name = name.strip_suffix(".schema.json").unwrap();
        assert!(page.contains(&format!("(schema/{name}.schema.json)")), "docs/json.md lacks {name}");
        let is_shown = ELSEWHERE.contains(&name) || CALLS.iter().any(|(shown, _)| *shown == name);
        assert!(is_shown, "no call shows {name}");
    }
}

#[test]
fn the_config_on_the_page_fits_its_schema_and_each_field_is_explained() {
    let page = root().join("docs/config.md");
    let blocks = super::page::read(&page);
    let example = blocks.iter().find(|block| block.language == "json").unwrap();
    let schema = read("config");
    assert_eq!(schema::check(&schema, &serde_json::from_str(&example.text).unwrap()), Ok(()));
    let text = fs::read_to_string(page).unwrap();
    let registry = &schema["properties"]["registries"]["additionalProperties"];
    let account = &registry["properties"]["accounts"]["additionalProperties"];
    for object in [&schema, registry, account, &account["properties"]["source"], &account["properties"]["callers"]] {
        for name in object["properties"].as_object().unwrap().keys() {
            assert!(text.contains(&format!("`{name}`")), "docs/config.md lacks `{name}`");
        }
    }
}

#[test]
fn a_fault_of_a_schema_is_seen() {
    let schema = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": ["string", "null"]}, "b": {"enum": [1]}}});
    for (value, good) in [
        (json!({"a": "x"}), true),
        (json!({"a": null, "b": 1}), true),
        (json!({"b": 1}), false),
        (json!({"a": 1}), false),
        (json!({"a": "x", "b": 2}), false),
        (json!({"a": "x", "c": 1}), false),
        (json!([]), false),
    ] {
        assert_eq!(schema::check(&schema, &value).is_ok(), good, "{value}");
    }
}

/// Compares a command's output with a schema of `docs/schema/`.
pub fn fits(name: &str, value: &Value) -> Result<(), String> {
    schema::check(&read(name), value)
}

fn read(name: &str) -> Value {
    let path = root().join(format!("docs/schema/{name}.schema.json"));
    serde_json::from_slice(&fs::read(&path).unwrap_or_else(|_| panic!("there is no {}", path.display()))).unwrap()
}
