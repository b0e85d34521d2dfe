//! Runs the fuzz targets in `fuzz/`. Files named `properties.rs` beside the parsers contain the properties that the
//! targets check.

use crate::{caller, config, docker, model, oci};

/// The name of a fuzz target, and a function that panics if its input violates a property.
pub type FuzzTarget = (&'static str, fn(&[u8]));

/// All fuzz targets, each under the name of its file in `fuzz/fuzz_targets/`.
pub const TARGETS: [FuzzTarget; 7] = [
    ("answers", |data| oci::properties::answers(&String::from_utf8_lossy(data))),
    ("argv", |data| caller::properties::argv(&String::from_utf8_lossy(data))),
    ("challenge", |data| oci::properties::challenge(&String::from_utf8_lossy(data))),
    ("config", |data| {
        config::properties::config(data);
        docker::properties::config_json(data);
    }),
    ("files", |data| caller::properties::files(&String::from_utf8_lossy(data))),
    ("reference", |data| model::properties::reference(&String::from_utf8_lossy(data))),
    ("scope", |data| oci::properties::scope(&String::from_utf8_lossy(data))),
];

/// Runs the fuzz target with this name on one input.
pub fn run(name: &str, data: &[u8]) {
    TARGETS.iter().filter(|(target, _)| *target == name).for_each(|(_, hold)| hold(data));
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_committed_input_keeps_the_promises() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        let mut targets: Vec<String> = names(&fuzz.join("fuzz_targets"));
        targets.sort_unstable();
        assert_eq!(targets, TARGETS.map(|(name, _)| format!("{name}.rs")));
        for (name, hold) in TARGETS {
            let corpus = fuzz.join("corpus").join(name);
            let inputs = names(&corpus);
            assert!(inputs.len() > 9, "{name} has lost its seeds");
            for input in inputs {
                let data = fs::read(corpus.join(&input)).unwrap();
                let outcome = std::panic::catch_unwind(|| hold(&data));
                assert!(outcome.is_ok(), "fuzz/corpus/{name}/{input}");
            }
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}
