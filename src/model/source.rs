//! `Source`: where an account's secret comes from, and `StoredSecret`: what its store holds of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use super::{HelperName, Secret, Username};

/// Where an account's secret comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// A person or a client gave it, once.
    #[default]
    Static,
    /// A login at an identity provider: a refresh token brings new ones.
    OAuth(Box<OAuthGrant>), // few accounts have one, and all would have room for it
    /// Another program has it and is asked when it is needed.
    External(ExternalSource),
    /// A newer Ensign's; the JSON text it stands for.
    Unknown(String),
}

/// How the tokens of a login are renewed and revoked (RFC 6749 section 6, RFC 7009). Addresses are `https`, or `http` on
/// loopback; whoever uses them checks that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OAuthGrant {
    /// The provider's name in the table of providers; for people only.
    pub provider: String,
    /// The issuer, so that the same login can be done again.
    pub issuer: Option<String>,
    /// What the user asked for, if it is not the provider's usual scope; for the same reason.
    pub scope: Option<String>,
    pub client_id: String,
    pub token_url: String,
    /// The field of an answer that the registry takes; `None`: the access token.
    pub secret_field: Option<String>,
    /// Where tokens are revoked; `None`: the provider cannot.
    pub revoke_url: Option<String>,
    /// What turns the provider's token into the registry's: the name of an exchange, such as `acr`.
    pub exchange: Option<String>,
    /// The provider's tenant, for exchanges that want it.
    pub tenant: Option<String>,
    /// Where a person ends the login by hand.
    pub page: Option<String>,
}

/// Another program that has the secret, and what tells its identities apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalSource {
    pub program: ExternalProgram,
    /// Added to the program's environment.
    pub env: BTreeMap<String, String>,
    /// How long an answer without an end of its own is kept; `None`: as the lender allows.
    pub cache: Option<Duration>,
}

/// The programs Ensign knows how to ask. Each field is a word of their command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternalProgram {
    /// `docker-credential-NAME get`
    Helper(HelperName),
    /// `aws ecr get-authorization-token`
    Aws { profile: Option<String> },
    /// `gcloud config config-helper`; `profile` is a named configuration
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
    /// Any command, which prints the secret on one line, or what a helper prints.
    Command(Vec<String>),
}

impl ExternalProgram {
    /// The word that names it in the config and after `--borrow`.
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

    fn identity(&self) -> Option<&str> {
        match self {
            Self::Aws { profile } | Self::Gcloud { profile } => profile.as_deref(),
            Self::Az { subscription } => subscription.as_deref(),
            Self::Gh { user, .. } => user.as_deref(),
            Self::Helper(_)
            | Self::Glab
            | Self::Op { .. }
            | Self::Pass { .. }
            | Self::Vault { .. }
            | Self::Command(_) => None,
        }
    }
}

impl ExternalSource {
    /// Which of the program's identities is meant: the label of the account, unless another is given.
    pub fn identity(&self) -> Option<&str> {
        const BY_NAME: [&str; 3] = ["AWS_PROFILE", "CLOUDSDK_ACTIVE_CONFIG_NAME", "CLOUDSDK_CORE_ACCOUNT"];
        let by_env = || BY_NAME.iter().find_map(|name| self.env.get(*name).map(String::as_str));
        self.program.identity().or_else(by_env)
    }
}

/// In one short phrase, for people: `aws, profile prod`. The words of a command are not shown.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static => f.write_str("given"),
            Self::OAuth(grant) => write!(f, "login at {}", grant.provider),
            Self::External(borrow) => borrow.fmt(f),
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
            lender => f.write_str(&lender.word())?,
        }
        match (&self.program, self.program.identity()) {
            (ExternalProgram::Az { .. }, Some(subscription)) => write!(f, ", subscription {subscription}")?,
            (ExternalProgram::Gh { .. }, Some(user)) => write!(f, ", user {user}")?,
            (_, Some(profile)) => write!(f, ", profile {profile}")?,
            (_, None) => {}
        }
        self.env.iter().try_for_each(|(name, value)| write!(f, ", {name}={value}"))
    }
}

/// What a store keeps for an account: the secret, and what is known about its end.
#[derive(Debug)]
pub struct StoredSecret {
    pub secret: Secret,
    /// When the secret ends, if that is known.
    pub expires_at: Option<SystemTime>,
    /// From when on the next one is fetched, some time before that.
    pub refresh_at: Option<SystemTime>,
    /// What brings the next one.
    pub refresh: Option<Secret>,
    /// The life of that, if its provider says it.
    pub login_life: Option<LoginLife>,
    /// The registry or the provider refused it when we asked.
    pub refused: bool,
    /// The session behind it was over when we asked.
    pub session_over: Option<EndedSession>,
    /// The user name that came with it, if it is another than the account's.
    pub username: Option<Username>,
    /// For a borrowed secret: what was asked, so that an edit of the account makes it void.
    pub cache_key: Option<String>,
}

/// The life of a login that Ensign renews: of its refresh token, which ends unless it is used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginLife {
    pub since: SystemTime,
    pub expires_at: SystemTime,
}

/// A session at a registry that is over, though the secret is good: a person begins another with a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedSession {
    pub page: String,
    /// How long this is believed.
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
    /// A second holder, as [`Secret::copy`].
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

    /// Tells whether both hold the same, in everything.
    pub fn is_same(&self, other: &Self) -> bool {
        let Self {
            secret,
            expires_at: until,
            refresh_at: due,
            refresh,
            login_life,
            refused,
            session_over,
            username,
            cache_key: asked,
        } = self;
        let same_refresh = match (refresh, &other.refresh) {
            (Some(one), Some(other)) => one.is_same(other),
            (one, other) => one.is_none() && other.is_none(),
        };
        secret.is_same(&other.secret)
            && same_refresh
            && (until, due, login_life, refused)
                == (&other.expires_at, &other.refresh_at, &other.login_life, &other.refused)
            && (session_over, username, asked) == (&other.session_over, &other.username, &other.cache_key)
    }

    /// Tells whether there is nothing but the secret.
    pub fn is_plain(&self) -> bool {
        let Self {
            secret: _,
            expires_at: until,
            refresh_at: due,
            refresh,
            login_life,
            refused,
            session_over,
            username,
            cache_key: asked,
        } = self;
        let has_ends = until.is_some() || due.is_some() || login_life.is_some() || session_over.is_some();
        !has_ends && refresh.is_none() && !refused && username.is_none() && asked.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_one_short_phrase() {
        let some = |text: &str| Some(text.to_owned());
        for (lender, phrase) in [
            (ExternalProgram::Aws { profile: some("prod") }, "aws, profile prod"),
            (ExternalProgram::Gcloud { profile: None }, "gcloud"),
            (ExternalProgram::Az { subscription: some("shop") }, "az, subscription shop"),
            (ExternalProgram::Gh { host: "github.com".into(), user: some("octo") }, "gh, user octo"),
            (ExternalProgram::Helper("ecr-login".parse().unwrap()), "docker-credential-ecr-login"),
            (ExternalProgram::Vault { item: "secret/r".into(), field: "token".into() }, "vault, secret/r, field token"),
            (ExternalProgram::Command(vec!["curl".into(), "hunter2".into()]), "command curl"),
        ] {
            let borrow = ExternalSource { program: lender, env: BTreeMap::new(), cache: None };
            assert_eq!(Source::External(borrow).to_string(), phrase);
        }
        let env = BTreeMap::from([("AWS_PROFILE".to_owned(), "work".to_owned())]);
        let borrow = ExternalSource { program: ExternalProgram::Glab, env, cache: None };
        assert_eq!((borrow.to_string().as_str(), borrow.identity()), ("glab, AWS_PROFILE=work", Some("work")));
    }
}
