//! Tests of the architecture, as two tables: the layers that each layer may use, and the files that may use each crate.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module with the other modules that it may use, as in ARCHITECTURE.md.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("system", &["model"]),
    ("config", &["model", "system"]),
    ("vault", &["model", "system"]),
    ("caller", &["model", "system"]),
    ("docker", &["model", "system"]),
    ("oci", &["model", "system"]),
    ("oauth", &["model", "system"]),
    ("external_source", &["model", "system"]),
    ("journal", &["model", "system"]),
    ("release", &["model", "system"]),
    ("accounts", &["model", "system", "config", "vault", "oauth", "external_source"]),
    ("protocol", &["model", "system", "accounts", "caller", "journal"]),
    (
        "cli",
        &[
            "model",
            "system",
            "accounts",
            "caller",
            "docker",
            "oci",
            "oauth",
            "external_source",
            "journal",
            "release",
            "protocol",
        ],
    ),
    ("invocation", &["model", "protocol"]),
    ("fuzzing", &["model", "caller", "config", "docker", "oci"]),
    ("lib", &["system", "invocation", "protocol", "cli"]),
    ("main", &[]),
];

/// Parts of modules, each with the only modules that may use it. Answers use the keyring only through the vault.
const ONLY_FOR: [(&str, &[&str]); 3] = [
    ("system::keyring", &["system", "vault", "cli"]),
    ("system::http", &["system", "oci", "oauth", "release"]),
    ("system::programs", &["system", "vault", "external_source", "release"]),
];

/// Each outside crate with the files that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("argon2", &["system/passphrase.rs"]),
    (
        "base64",
        &[
            "external_source/",
            "caller/files/hcl/functions/text.rs",
            "vault/",
            "system/http/",
            "docker/plaintext_auths.rs",
            "docker/export.rs",
            "model/jwt.rs",
            "oci/scripted_server.rs",
            "release/signature.rs",
            "accounts/new_login.rs",
        ],
    ),
    ("blake2", &["release/signature.rs"]),
    ("clap", &["cli/args/"]),
    ("clap_mangen", &["cli/args/man.rs"]),
    ("dialoguer", &["cli/menu.rs", "cli/prompt.rs", "cli/ui.rs", "cli/wrap.rs"]),
    ("directories", &["system/env.rs"]),
    ("dlmalloc", &["system/allocator.rs"]),
    ("futures_core", &["system/keyring/secret_service.rs"]),
    ("granit_parser", &["caller/files/yaml/"]),
    ("hcl_edit", &["caller/files/hcl/"]),
    ("indicatif", &["cli/ui.rs"]),
    ("keyring_core", &["system/keyring/credential_manager.rs"]),
    ("linux_keyutils", &["system/kernel_keyring.rs"]),
    ("md5", &["caller/files/hcl/functions/text.rs"]),
    ("miniz_oxide", &["release/archive.rs"]),
    ("open", &["cli/ui.rs"]),
    ("percent_encoding", &["caller/files/hcl/functions/text.rs", "oauth/response.rs", "vault/helper.rs"]),
    ("proptest", &["model/", "config/", "caller/", "docker/", "oci/", "journal/"]),
    ("qrcode", &["cli/login/device/screen.rs"]),
    ("regex_lite", &["caller/files/hcl/functions/pattern.rs"]),
    ("ring", &["release/signature.rs", "system/digest.rs", "system/seal.rs"]),
    (
        "rustix",
        &[
            "system/clock.rs",
            "system/files/",
            "system/keyring/secret_service.rs",
            "system/memory.rs",
            "system/programs/unix.rs",
            "system/terminal.rs",
        ],
    ),
    ("rustls", &["system/http/certificates.rs", "system/http/tls.rs", "system/http/verifier.rs"]),
    ("rustls_native_certs", &["system/http/verifier.rs"]),
    ("rustls_platform_verifier", &["system/http/verifier.rs"]),
    ("security_framework", &["system/keyring/keychain.rs"]),
    ("shell_words", &["system/text.rs"]),
    ("signal_hook", &["system/signals.rs", "system/terminal.rs"]),
    ("sysinfo", &["system/ancestors/portable.rs"]),
    ("tar", &["release/archive.rs"]),
    ("toml_edit", &["docker/containers.rs", "caller/containers/registries_settings.rs", "caller/project/toml.rs"]),
    ("ureq", &["system/http/"]),
    ("windows_native_keyring_store", &["system/keyring/credential_manager.rs"]),
    ("zbus", &["system/keyring/secret_service.rs"]),
    (
        "zeroize",
        &[
            "model/secret.rs",
            "system/",
            "vault/",
            "protocol/",
            "cli/login/",
            "oci/",
            "external_source/",
            "docker/plaintext_auths.rs",
        ],
    ),
];

#[test]
fn no_layer_uses_one_above_or_beside_it() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let module = module_of(&file);
        let (_, may_use) =
            LAYERS.iter().find(|(name, _)| *name == module).unwrap_or_else(|| panic!("{file} is in no layer"));
        for used in uses_of_crate(&text) {
            let top = used.split("::").next().unwrap();
            if top != module && !may_use.contains(&top) {
                wrong.push(format!("{file} uses crate::{top}"));
            }
            let mut closed =
                ONLY_FOR.iter().filter(|(part, users)| used.starts_with(part) && !users.contains(&&*module));
            wrong.extend(closed.next().map(|(part, _)| format!("{file} uses crate::{part}")));
        }
    }
    assert!(wrong.is_empty(), "the table in tests/it/layers.rs forbids:\n{}", wrong.join("\n"));
}

/// Fronts call functions of `accounts`. Only `accounts` may access the document and the secrets of a change.
#[test]
fn a_front_reaches_no_field_of_a_change() {
    let text = fs::read_to_string(root().join("src/accounts/transaction.rs")).unwrap();
    let fields = text.split_once("struct Transaction").unwrap().1.split("\n}").next().unwrap();
    assert!(fields.contains("pub(super) document") && !fields.contains("pub(crate)"), "{fields}");
}

#[test]
fn every_outside_crate_has_one_home() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for (name, homes) in HOMES {
            let named = text.lines().any(|line| !line.trim_start().starts_with("//") && names_crate(line, name));
            if named && !homes.iter().any(|home| file.starts_with(home)) {
                wrong.push(format!("{file} names {name}, whose home is {}", homes.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    // Every layer may use crates for errors and JSON; the other crates here are for tests.
    let everywhere = ["anyhow", "serde", "serde_json", "snapbox", "tempfile", "fancy-regex"];
    let dependencies =
        manifest.lines().skip_while(|line| *line != "[dependencies]").take_while(|line| !line.starts_with("[profile"));
    for line in dependencies.filter(|line| line.contains(" = ") && !line.starts_with(['#', '['])) {
        let name = line.split(" = ").next().unwrap();
        let listed = HOMES.iter().any(|(home, _)| *home == name.replace('-', "_"));
        assert!(listed || everywhere.contains(&name), "{name} has no home in tests/it/layers.rs");
    }
}

/// Types that are defined once for each platform; a build contains one of them.
const PLATFORM_TWINS: [&str; 1] = ["Lineage"];

#[test]
fn a_type_name_is_defined_once() {
    let mut homes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in sources() {
        for name in defined_types(&text) {
            homes.entry(name).or_default().push(file.clone());
        }
    }
    assert!(homes.len() > 300, "{} types were found", homes.len());
    homes.retain(|name, files| files.len() > 1 && !PLATFORM_TWINS.contains(&name.as_str()));
    let double: Vec<_> = homes.iter().map(|(name, files)| format!("{name}: {}", files.join(", "))).collect();
    assert!(double.is_empty(), "give each of these types a name of its own:\n{}", double.join("\n"));
}

/// Words that do not say what a variable contains.
const NO_NAMES: [&str; 8] = ["of", "one", "here", "there", "them", "given", "said", "told"];

#[test]
fn a_variable_is_named_by_a_noun() {
    let mut failures = Vec::new();
    for (file, text) in sources() {
        for code in text.lines().map(|line| line.split("//").next().unwrap_or_default()) {
            let binds = |form: &str| NO_NAMES.iter().any(|word| code.contains(&form.replace('_', word)));
            if ["let _ ", "let _:", "let mut _ ", "|_|", "|_:", "|_,", ", _|", "for _ in "].into_iter().any(binds) {
                failures.push(format!("{file}: {}", code.trim()));
            }
        }
    }
    assert!(failures.is_empty(), "name what each variable contains:\n{}", failures.join("\n"));
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let mut files = sources();
    collect(&root().join("tests/it"), "tests/it/", &mut files);
    for (file, text) in files.into_iter().filter(|(file, _)| !file.contains("/snapshots/")) {
        let lines = lines_of_ours(&text);
        assert!(lines <= 400, "{file} has {lines} lines: it wants to be two");
    }
}

/// Counts the lines of a file without those in snapshots, which the program wrote.
fn lines_of_ours(text: &str) -> usize {
    let mut is_shown = false;
    let of_ours = text.lines().filter(|line| {
        let was_shown = is_shown;
        is_shown = if is_shown { !line.starts_with("\"#]]") } else { line.ends_with("str![[r#\"") };
        !was_shown && !is_shown
    });
    of_ours.count()
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the path in `src/` and the text of every source file.
pub fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&root().join("src"), "", &mut found);
    assert!(found.len() > 40);
    found
}

pub fn collect(folder: &Path, prefix: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), found);
        } else {
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

fn module_of(file: &str) -> String {
    file.split('/').next().unwrap().trim_end_matches(".rs").to_owned()
}

/// Returns the paths in `crate::a::b` and `crate::{a, b}`. In `lib.rs`, modules are named without `crate`.
fn uses_of_crate(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut uses = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        let rest = &code[at + "crate::".len()..];
        if before.is_alphanumeric() || before == '_' || before == '$' {
            continue;
        }
        if let Some(list) = rest.strip_prefix('{') {
            uses.extend(
                list.split('}')
                    .next()
                    .unwrap()
                    .split(',')
                    .map(|item| item.trim().to_owned())
                    .filter(|item| !item.is_empty()),
            );
        } else {
            let path: String = rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
            match rest[path.len()..].strip_prefix('{') {
                Some(list) => {
                    let items = list.split(['}', ',']).map(|item| format!("{path}{}", item.trim()));
                    uses.extend(items.take(list.split('}').next().unwrap().split(',').count()));
                }
                None => uses.push(path),
            }
        }
    }
    uses
}

/// Returns the names of a file's structs, enums, traits and aliases, including those in its tests. Associated types of
/// an `impl` are left out.
fn defined_types(text: &str) -> Vec<String> {
    let (mut found, mut impl_depth) = (Vec::new(), None);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (depth, code) = (line.len() - line.trim_start().len(), line.trim_start());
        if impl_depth.is_some_and(|impl_depth| depth <= impl_depth && !code.starts_with(['{', 'w'])) {
            impl_depth = None;
        }
        if code.starts_with("impl") {
            impl_depth = Some(depth);
        }
        let code = match code.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => rest.split_once(')').map_or(rest, |(_, code)| code),
            Some(rest) => rest,
            None => code,
        };
        let mut words = code.split_whitespace();
        let is_type = match words.next() {
            Some("struct" | "enum" | "trait" | "union") => true,
            Some("type") => impl_depth.is_none(),
            _ => false,
        };
        let name: String = words.next().unwrap_or_default().chars().take_while(|c| c.is_alphanumeric()).collect();
        found.extend(Some(name).filter(|name| is_type && !name.is_empty()));
    }
    found
}

fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = line[..at].chars().next_back().unwrap_or(' ');
        !(before.is_alphanumeric() || matches!(before, '_' | ':'))
    })
}
