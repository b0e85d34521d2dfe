//! Reads the field `also` of the config. The field `also` lists additional hosts for which a registry's accounts
//! answer.

use serde::Deserialize;
use serde::de::Deserializer;

use super::reader::in_order;
use crate::model::{HostAlias, Registry};

/// The aliases of hosts, in the order of the file.
pub(super) struct HostAliases(pub(super) Vec<HostAlias>);

impl<'de> Deserialize<'de> for HostAliases {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: Vec<(String, RawAlias)> = in_order(deserializer)?;
        Ok(Self(raw.iter().map(|(host, raw)| alias(host, raw)).collect()))
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `registry` and `accounts`")]
struct RawAlias {
    registry: String,
    accounts: Vec<String>,
}

fn alias(host: &str, raw: &RawAlias) -> HostAlias {
    HostAlias {
        host: Registry::from_key(host),
        registry: Registry::from_key(&raw.registry),
        accounts: raw.accounts.iter().filter_map(|name| name.parse().ok()).collect(),
    }
}
