//! Reads and writes an account's `source` in `config.json`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::{ExternalProgram, ExternalSource, OAuthGrant, Source};

/// Reads a source from `{"provider": …}` or `{"borrow": …}`. The text of any other source is kept.
pub(super) fn read(value: Option<Value>) -> Source {
    let Some(value) = value else { return Source::Static };
    let unknown = || Source::Unknown(value.to_string());
    if value.get("provider").is_some() {
        return OAuthGrant::deserialize(&value).map_or_else(|_| unknown(), |grant| Source::OAuth(Box::new(grant)));
    }
    serde_json::from_value::<RawExternalSource>(value.clone())
        .ok()
        .and_then(RawExternalSource::into_source)
        .unwrap_or_else(unknown)
}

/// Returns the JSON of a source, or `null` for a static secret.
pub(super) fn write(source: &Source) -> Value {
    match source {
        Source::Static => Value::Null,
        Source::OAuth(grant) => compact(grant),
        Source::External(source) => compact(&RawExternalSource::from_source(source)),
        Source::Unknown(text) => serde_json::from_str(text).unwrap_or_else(|_| json!({})),
    }
}

/// Returns an object as JSON, without the fields that are null or empty.
pub(super) fn compact(object: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_else(|_| json!({}));
    let is_set = |field: &Value| !(field.is_null() || *field == json!([]) || *field == json!({}));
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, field| is_set(field));
    }
    value
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct RawExternalSource {
    /// The kind of program, such as `aws`, `helper:NAME` or `command`.
    borrow: String,
    profile: Option<String>,
    host: Option<String>,
    user: Option<String>,
    item: Option<String>,
    field: Option<String>,
    command: Vec<String>,
    env: BTreeMap<String, String>,
    /// The time in seconds for which an answer is cached.
    cache: Option<u64>,
}

impl RawExternalSource {
    fn from_source(source: &ExternalSource) -> Self {
        let raw = Self {
            borrow: source.program.word(),
            env: source.env.clone(),
            cache: source.cache.map(|cache| cache.as_secs()),
            ..Self::default()
        };
        match source.program.clone() {
            ExternalProgram::Helper(_) | ExternalProgram::Glab => raw,
            ExternalProgram::Aws { profile } | ExternalProgram::Gcloud { profile } => Self { profile, ..raw },
            ExternalProgram::Az { subscription } => Self { profile: subscription, ..raw },
            ExternalProgram::Gh { host, user } => Self { host: Some(host), user, ..raw },
            ExternalProgram::Op { item, account } => Self { item: Some(item), user: account, ..raw },
            ExternalProgram::Pass { item } => Self { item: Some(item), ..raw },
            ExternalProgram::Vault { item, field } => Self { item: Some(item), field: Some(field), ..raw },
            ExternalProgram::Command(command) => Self { command, ..raw },
        }
    }

    fn into_source(self) -> Option<Source> {
        let Self { borrow, profile, host, user, item, field, command, env, cache } = self;
        let preset = match borrow.as_str() {
            "aws" => ExternalProgram::Aws { profile },
            "gcloud" => ExternalProgram::Gcloud { profile },
            "az" => ExternalProgram::Az { subscription: profile },
            "gh" => ExternalProgram::Gh { host: host.unwrap_or_else(|| "github.com".into()), user },
            "glab" => ExternalProgram::Glab,
            "op" => ExternalProgram::Op { item: item?, account: user },
            "pass" => ExternalProgram::Pass { item: item? },
            "vault" => ExternalProgram::Vault { item: item?, field: field? },
            "command" if !command.is_empty() => ExternalProgram::Command(command),
            other => ExternalProgram::Helper(other.strip_prefix("helper:")?.parse().ok()?),
        };
        Some(Source::External(ExternalSource { program: preset, env, cache: cache.map(Duration::from_secs) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_reads_back() {
        for text in [
            r#"{"provider": "gitlab", "issuer": "https://gitlab.com", "client_id": "c", "token_url": "https://gitlab.com/oauth/token", "page": "https://gitlab.com"}"#,
            r#"{"provider": "acme", "scope": "read", "client_id": "c", "token_url": "https://l/t", "secret_field": "password"}"#,
            r#"{"provider": "entra", "client_id": "c", "token_url": "https://l/t", "revoke_url": "https://l/r", "exchange": "acr", "tenant": "t"}"#,
            r#"{"borrow": "helper:ecr-login", "env": {"AWS_PROFILE": "work"}, "cache": 600}"#,
            r#"{"borrow": "aws", "profile": "prod"}"#,
            r#"{"borrow": "gcloud", "profile": "client-a"}"#,
            r#"{"borrow": "az", "profile": "shop"}"#,
            r#"{"borrow": "gh", "host": "github.com", "user": "octo-work"}"#,
            r#"{"borrow": "glab"}"#,
            r#"{"borrow": "op", "item": "op://ops/registry/token", "user": "acme"}"#,
            r#"{"borrow": "pass", "item": "ghcr.io/work"}"#,
            r#"{"borrow": "vault", "item": "secret/registry", "field": "token"}"#,
            r#"{"borrow": "command", "command": ["/bin/echo", "s"]}"#,
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            let source = read(Some(value.clone()));
            assert!(!matches!(source, Source::Unknown(_)), "{text}");
            assert_eq!(write(&source), value, "{text}");
        }
        assert_eq!((read(None), write(&Source::Static)), (Source::Static, Value::Null));
    }

    #[test]
    fn what_is_not_understood_is_kept_as_it_stands() {
        for text in [
            r#"{"borrow":"pigeon"}"#,
            r#"{"borrow":"aws","later":1}"#,
            r#"{"borrow":"op"}"#,
            r#"{"borrow":"command"}"#,
            "1",
            "{}",
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            let source = read(Some(value.clone()));
            assert_eq!((source.clone(), write(&source)), (Source::Unknown(text.into()), value));
        }
    }
}
