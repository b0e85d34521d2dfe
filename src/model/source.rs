//! `Source` says where an account's secret comes from. `StoredSecret` is a secret and its dates, as a store contains
//! them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{HelperName, Secret, Username};

/// Where an account's secret comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// A person or a client entered the secret.
    #[default]
    Static,
    /// A login at an identity provider. The login's refresh token is exchanged for new secrets.
    OAuth(Box<OAuthGrant>), // boxed, because few accounts have a grant
    /// Ensign runs another program, which prints the secret.
    External(ExternalSource),
    /// The JSON text of a source that a newer Ensign wrote.
    Unknown(String),
}

/// How to renew and revoke the tokens of a login (RFC 6749 section 6, RFC 7009). The code that sends requests checks
/// that the URLs are `https`, or `http` on loopback. The fields have the same names in `config.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct OAuthGrant {
    /// The provider's name in the table of providers, for messages.
    pub provider: String,
    /// The issuer, for use in later logins.
    pub issuer: Option<String>,
    /// The requested scope, for use in later logins; the provider's usual scope if `None`.
    pub scope: Option<String>,
    pub client_id: String,
    pub token_url: String,
    /// The field of a token response that contains the registry's secret. If `None`, Ensign tries
    /// `device_secret`, `access_token` and `token`.
    pub secret_field: Option<String>,
    /// The URL to revoke tokens; `None` if the provider has no such URL.
    pub revoke_url: Option<String>,
    /// How Ensign exchanges the provider's token for a registry's token, such as `acr`; `None` if it does not.
    pub exchange: Option<String>,
    /// The URL of the exchange; the usual URL if `None`.
    pub exchange_url: Option<String>,
    /// The provider's tenant, which some exchanges need.
    pub tenant: Option<String>,
    /// The provider's page where a person can end the login.
    pub page: Option<String>,
}

/// Another program that has the secret, and the environment variables for running the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalSource {
    pub program: ExternalProgram,
    pub env: BTreeMap<String, String>,
    /// The longest time to cache an answer; the usual time for this program if `None`.
    pub cache: Option<Duration>,
}

/// The programs that Ensign can run to get a secret. Each named field becomes an argument of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternalProgram {
    /// `docker-credential-NAME get`
    Helper(HelperName),
    /// `aws ecr get-authorization-token`
    Aws { profile: Option<String> },
    /// `gcloud config config-helper`, where `profile` is a named configuration
    Gcloud { profile: Option<String> },
    /// `az acr login --expose-token`
    Az { subscription: Option<String> },
    /// `gh auth token`
    Gh { host: String, user: Option<String> },
    /// `glab auth docker-helper get`
    Glab,
    /// `op read`
    Op { item: String, account: Option<String> },
    /// `pass show`
    Pass { item: String },
    /// `vault kv get`
    Vault { item: String, field: String },
    /// A command that prints the secret, either on one line or in the format of credential helpers
    Command(Vec<String>),
}

impl ExternalProgram {
    /// Returns the program's name as the config and the option `--borrow` spell it.
    pub fn word(&self) -> String {
        match self {
            Self::Helper(name) => format!("helper:{name}"),
            Self::Aws { .. } => "aws".to_owned(),
            Self::Gcloud { .. } => "gcloud".to_owned(),
            Self::Az { .. } => "az".to_owned(),
            Self::Gh { .. } => "gh".to_owned(),
            Self::Glab => "glab".to_owned(),
            Self::Op { .. } => "op".to_owned(),
            Self::Pass { .. } => "pass".to_owned(),
            Self::Vault { .. } => "vault".to_owned(),
            Self::Command(_) => "command".to_owned(),
        }
    }

    /// Returns the program's word for an identity, such as `profile`, and the identity; `None` if no identity is set.
    fn identity(&self) -> Option<(&'static str, &str)> {
        let (kind, name) = match self {
            Self::Aws { profile } | Self::Gcloud { profile } => ("profile", profile),
            Self::Az { subscription } => ("subscription", subscription),
            Self::Gh { user, .. } => ("user", user),
            Self::Helper(_)
            | Self::Glab
            | Self::Op { .. }
            | Self::Pass { .. }
            | Self::Vault { .. }
            | Self::Command(_) => return None,
        };
        Some((kind, name.as_deref()?))
    }
}

impl ExternalSource {
    /// Returns the identity that the program uses, from the program's arguments or from `env`. The identity becomes the
    /// account's alias, unless the user chooses another alias.
    pub fn identity(&self) -> Option<&str> {
        const BY_NAME: [&str; 3] = ["AWS_PROFILE", "CLOUDSDK_ACTIVE_CONFIG_NAME", "CLOUDSDK_CORE_ACCOUNT"];
        let by_env = || BY_NAME.iter().find_map(|name| self.env.get(*name).map(String::as_str));
        self.program.identity().map(|(_, name)| name).or_else(by_env)
    }
}

/// Writes a short phrase such as `aws, profile prod`. The arguments of a command are not shown.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static => f.write_str("given"),
            Self::OAuth(grant) => write!(f, "login at {}", grant.provider),
            Self::External(source) => source.fmt(f),
            Self::Unknown(_) => f.write_str("unknown"),
        }
    }
}

impl fmt::Display for ExternalSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.program {
            ExternalProgram::Helper(name) => f.write_str(&name.program())?,
            ExternalProgram::Op { item, .. } => write!(f, "op, {item}")?,
            ExternalProgram::Pass { item } => write!(f, "pass, {item}")?,
            ExternalProgram::Vault { item, field } => write!(f, "vault, {item}, field {field}")?,
            ExternalProgram::Command(words) => write!(f, "command {}", words.first().map_or("", String::as_str))?,
            preset => f.write_str(&preset.word())?,
        }
        if let Some((kind, name)) = self.program.identity() {
            write!(f, ", {kind} {name}")?;
        }
        self.env.iter().try_for_each(|(name, value)| write!(f, ", {name}={value}"))
    }
}

/// A secret in a store, with its expiry and its state at the last check.
#[derive(Debug, PartialEq, Eq)]
pub struct StoredSecret {
    pub secret: Secret,
    /// The expiry of the secret, if it is known.
    pub expires_at: Option<SystemTime>,
    /// The time to fetch the next secret, shortly before the expiry.
    pub refresh_at: Option<SystemTime>,
    pub refresh: Option<Secret>,
    /// The life of the refresh token, if the provider states it.
    pub login_life: Option<LoginLife>,
    /// Whether the registry refused the secret at the last check, or the provider has ended the login. If the registry
    /// refuses an access token that can be renewed, `expires_at` is set to that moment instead.
    pub refused: bool,
    /// The login session that had ended at the last check; `None` if no session had ended.
    pub session_over: Option<EndedSession>,
    /// The user name that the source returned with the secret, if it differs from the account's user name.
    pub username: Option<Username>,
    /// The settings of the external source that returned a cached answer. If the settings change, the cached answer is
    /// dropped.
    pub cache_key: Option<String>,
}

/// The life of a login's refresh token. The token expires at `expires_at`, unless it is used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginLife {
    pub since: SystemTime,
    pub expires_at: SystemTime,
}

/// An ended session at a registry. The secret stays valid, but a person must log in with a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedSession {
    pub page: String,
    /// The time until which Ensign assumes, without a new check, that the session has ended.
    pub until: SystemTime,
}

impl From<Secret> for StoredSecret {
    fn from(secret: Secret) -> Self {
        Self {
            secret,
            expires_at: None,
            refresh_at: None,
            refresh: None,
            login_life: None,
            refused: false,
            session_over: None,
            username: None,
            cache_key: None,
        }
    }
}

impl StoredSecret {
    /// Copies all fields. Like [`Secret::copy`], the function makes each copy of a secret deliberate.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self {
            secret: self.secret.copy(),
            refresh: self.refresh.as_ref().map(Secret::copy),
            session_over: self.session_over.clone(),
            username: self.username.clone(),
            cache_key: self.cache_key.clone(),
            expires_at: self.expires_at,
            refresh_at: self.refresh_at,
            login_life: self.login_life,
            refused: self.refused,
        }
    }

    /// Tells whether the secret is the only field that is set.
    pub fn is_plain(&self) -> bool {
        *self == self.secret.copy().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_one_short_phrase() {
        let some = |text: &str| Some(text.to_owned());
        for (preset, phrase) in [
            (ExternalProgram::Aws { profile: some("prod") }, "aws, profile prod"),
            (ExternalProgram::Gcloud { profile: None }, "gcloud"),
            (ExternalProgram::Az { subscription: some("shop") }, "az, subscription shop"),
            (ExternalProgram::Gh { host: "github.com".into(), user: some("octo") }, "gh, user octo"),
            (ExternalProgram::Helper("ecr-login".parse().unwrap()), "docker-credential-ecr-login"),
            (ExternalProgram::Vault { item: "secret/r".into(), field: "token".into() }, "vault, secret/r, field token"),
            (ExternalProgram::Command(vec!["curl".into(), "hunter2".into()]), "command curl"),
        ] {
            let source = ExternalSource { program: preset, env: BTreeMap::new(), cache: None };
            assert_eq!(Source::External(source).to_string(), phrase);
        }
        let env = BTreeMap::from([("AWS_PROFILE".to_owned(), "work".to_owned())]);
        let source = ExternalSource { program: ExternalProgram::Glab, env, cache: None };
        assert_eq!((source.to_string().as_str(), source.identity()), ("glab, AWS_PROFILE=work", Some("work")));
    }
}
