//! `WrittenSecret`: the form in which stores write a secret. The form is plain text, or an object with further fields.

use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::model::{EndedSession, LoginLife, Secret, StoredSecret, Username, timestamp};

pub(super) struct WrittenSecret(pub(super) StoredSecret);

/// The text at the beginning of an object. No password begins with this text.
const MARK: &str = r#"{"ensign":1,"#;

impl WrittenSecret {
    /// Returns the secret and its fields as one text, for a store that accepts only one text per entry.
    pub(super) fn to_text(&self) -> Secret {
        if self.0.is_plain() {
            return self.0.secret.copy();
        }
        let fields = Zeroizing::new(serde_json::to_string(self).expect("an entry always serializes"));
        Secret::new(format!("{MARK}{}", fields.strip_prefix('{').unwrap_or_default()))
    }

    #[expect(clippy::disallowed_methods, reason = "reads an entry that Ensign wrote")]
    pub(super) fn from_text(text: Secret) -> Self {
        let entry = text.expose().strip_prefix(MARK).and_then(|rest| {
            let object = Zeroizing::new(format!("{{{rest}"));
            serde_json::from_str(&object).ok()
        });
        entry.unwrap_or_else(|| Self(text.into()))
    }
}

impl Serialize for WrittenSecret {
    #[expect(clippy::disallowed_methods, reason = "writes the secret to its store")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let StoredSecret {
            secret,
            expires_at,
            refresh_at,
            refresh,
            login_life,
            refused,
            session_over,
            username,
            cache_key,
        } = &self.0;
        if self.0.is_plain() {
            return serializer.serialize_str(secret.expose());
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("secret", secret.expose())?;
        for (name, moment) in [("until", expires_at), ("due", refresh_at)] {
            if let Some(moment) = moment {
                map.serialize_entry(name, &timestamp::seconds(*moment))?;
            }
        }
        if let Some(refresh) = refresh {
            map.serialize_entry("refresh", refresh.expose())?;
        }
        if let Some(LoginLife { since, expires_at }) = login_life {
            map.serialize_entry("login_since", &timestamp::seconds(*since))?;
            map.serialize_entry("login_until", &timestamp::seconds(*expires_at))?;
        }
        if *refused {
            map.serialize_entry("refused", &true)?;
        }
        if let Some(EndedSession { page, until }) = session_over {
            let session = WrittenSession { page: page.clone(), until: timestamp::seconds(*until) };
            map.serialize_entry("session_over", &session)?;
        }
        if let Some(username) = username {
            map.serialize_entry("username", username.as_str())?;
        }
        if let Some(key) = cache_key {
            map.serialize_entry("asked", key)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for WrittenSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

#[derive(Deserialize)]
struct SecretFields {
    secret: Zeroizing<String>,
    until: Option<u64>,
    due: Option<u64>,
    refresh: Option<Zeroizing<String>>,
    login_since: Option<u64>,
    login_until: Option<u64>,
    #[serde(default)]
    refused: bool,
    session_over: Option<WrittenSession>,
    username: Option<String>,
    asked: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct WrittenSession {
    page: String,
    until: u64,
}

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = WrittenSecret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }

    fn visit_str<E>(self, text: &str) -> Result<WrittenSecret, E> {
        Ok(WrittenSecret(Secret::new(text.to_owned()).into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WrittenSecret, A::Error> {
        let fields = SecretFields::deserialize(MapAccessDeserializer::new(map))?;
        let username = fields.username.map(|name| name.parse::<Username>()).transpose();
        let moment = |seconds: Option<u64>| seconds.and_then(timestamp::since_1970);
        let life = moment(fields.login_since).zip(moment(fields.login_until));
        Ok(WrittenSecret(StoredSecret {
            secret: Secret::new(fields.secret.to_string()),
            expires_at: moment(fields.until),
            refresh_at: moment(fields.due),
            refresh: fields.refresh.map(|text| Secret::new(text.to_string())),
            login_life: life.map(|(since, until)| LoginLife { since, expires_at: until }),
            refused: fields.refused,
            session_over: fields.session_over.and_then(|WrittenSession { page, until }| {
                Some(EndedSession { page, until: timestamp::since_1970(until)? })
            }),
            username: username.map_err(A::Error::custom)?,
            cache_key: fields.asked,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_reads_back() {
        let full = StoredSecret {
            expires_at: timestamp::since_1970(1_700_000_000),
            refresh_at: timestamp::since_1970(1_600_000_000),
            refresh: Some(Secret::new("r".into())),
            login_life: timestamp::since_1970(1_600_000_000)
                .zip(timestamp::since_1970(1_900_000_000))
                .map(|(since, until)| LoginLife { since, expires_at: until }),
            refused: true,
            session_over: timestamp::since_1970(1_800_000_000)
                .map(|until| EndedSession { page: "https://r.example/login".into(), until }),
            username: Some("AWS".parse().unwrap()),
            cache_key: Some("aws".into()),
            ..Secret::new("s \"quoted\"".into()).into()
        };
        let plain = |text: &str| StoredSecret::from(Secret::new(text.into()));
        for stored in [full, plain("s"), plain(""), plain("{\"ensign\":1,"), plain("{\"a\": 1}")] {
            let entry = WrittenSecret(stored);
            let json = serde_json::to_string(&entry).unwrap();
            assert_eq!(WrittenSecret::from_text(entry.to_text()).0, entry.0, "{json}");
            assert_eq!(serde_json::from_str::<WrittenSecret>(&json).unwrap().0, entry.0, "{json}");
        }
        assert_ne!(plain("a"), plain("b"));
    }
}
