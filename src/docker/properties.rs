//! Asserts properties that hold for every text of Docker's `config.json`. Fuzzing and the replay of the fuzz corpus
//! check these properties.

use std::path::Path;

use serde_json::Value;

use super::{ClientFamily, ConfigJson, FilePlan, HELPER, configured_helper, logins, plaintext_auths, setup};
use crate::model::Registry;
use crate::system::text::sanitize;

/// Asserts that an edit of `config.json` changes no other entry, and that any `DOCKER_AUTH_CONFIG` is parsed without a
/// panic.
pub(crate) fn config_json(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let ghcr = Registry::from_key("ghcr.io");
    let _ = configured_helper::auth_config(Some(&text), ghcr.as_str());
    let _ = plaintext_auths::decode(&text);
    let file = match parse(bytes) {
        Ok(file) => file,
        Err(broken) => {
            assert!(broken.line > 0 && broken.problem == sanitize(&broken.problem), "{broken}");
            return;
        }
    };
    for reader in [ClientFamily::Docker, ClientFamily::Containers] {
        for registry in [&ghcr, &Registry::docker_hub()] {
            adds_and_removes(&file, reader, registry);
        }
    }
    takes_out(&file);
}

fn parse(bytes: &[u8]) -> Result<ConfigJson, super::ConfigSyntaxError> {
    ConfigJson::parse(Path::new("config.json"), Some(bytes.to_vec()))
}

fn after(file: &ConfigJson, plan: &FilePlan) -> ConfigJson {
    let text = plan.after().or(file.text()).unwrap_or_default();
    parse(text.as_bytes()).unwrap_or_else(|broken| panic!("an edit broke the file: {broken}"))
}

/// Returns the JSON of the file, without these sections.
fn without(file: &ConfigJson, sections: &[&str]) -> Value {
    let text = file.text().filter(|text| !text.trim().is_empty()).unwrap_or("{}");
    let mut json: Value = serde_json::from_str(text).expect("the text was parsed before");
    if json.is_null() {
        json = Value::Object(serde_json::Map::new()); // Docker reads `null` as an empty config
    }
    for section in sections {
        json.as_object_mut().expect("the text is an object").remove(file.spelling(section));
    }
    json
}

fn adds_and_removes(file: &ConfigJson, reader: ClientFamily, registry: &Registry) {
    let is_ours = |helper: &str| configured_helper::ConfiguredHelper::named(helper).is_ensign();
    let others = |file: &ConfigJson| -> Vec<(String, String)> {
        let is_meant = |key: &str| {
            Registry::spelled(key).is_some_and(|(named, _)| named == *registry)
                || (reader == ClientFamily::Docker && key == registry.docker_key())
        };
        let others = file.helpers().filter(|(key, helper)| !is_meant(key) && !is_ours(helper));
        others.map(|(key, helper)| (key.to_owned(), helper.to_owned())).collect()
    };
    let plan = setup::plan(file, reader, &[registry.clone().into()], true).expect("the registry fits into the file");
    let edited = after(file, &plan);
    assert_eq!(edited.helper(registry.as_str()), Some(HELPER));
    assert_eq!(configured_helper::asked(&edited, reader, registry), configured_helper::ConfiguredHelper::Ensign);
    assert_eq!(others(&edited), others(file));
    let sections = if registry.is_docker_hub() { &["credHelpers", "credsStore"][..] } else { &["credHelpers"] };
    assert_eq!(without(&edited, sections), without(file, sections));
    assert!(setup::plan(&edited, reader, &[registry.clone().into()], true).expect("as before").is_empty());

    let undone = after(&edited, &setup::undo(&edited, file.written_store()).expect("there is something to undo"));
    assert!(undone.helpers().all(|(_, helper)| !is_ours(helper)));
    assert_eq!(others(&undone), others(file));
    assert_eq!(without(&undone, &["credHelpers"]), without(file, &["credHelpers"]));
}

fn takes_out(file: &ConfigJson) {
    let (found, unusable) = plaintext_auths::find(file);
    for shown in unusable.iter().map(ToString::to_string).chain(found.iter().map(|login| logins::shown(&login.key))) {
        assert_eq!(shown, sanitize(&shown));
    }
    let all: Vec<_> = found.iter().collect();
    let emptied = after(file, &plaintext_auths::take_out(file, &all).expect("the logins are in the file"));
    let (left, still) = plaintext_auths::find(&emptied);
    assert!(left.is_empty() && still == unusable);
    assert_eq!(without(&emptied, &["auths"]), without(file, &["auths"]));
    let keys = |file: &ConfigJson| file.logins().map(|(key, _)| key.to_owned()).collect::<Vec<_>>();
    assert_eq!(keys(&emptied), keys(file), "each entry stays, as a marker without a login");
}
