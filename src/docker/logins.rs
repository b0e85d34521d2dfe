//! Sorts logins for an import: finds the duplicates, and the logins that another login shadows.

use std::path::PathBuf;

use crate::model::{HelperName, HubToken, ImagePattern, Registry, Secret, ServerUrl, Target, Username};
use crate::system::text::one_line;

/// Sets the role of each login in the import. A user's first login at a registry becomes an account. A later login of
/// the same user with the same secret is a duplicate, even for other images. A later login of the same user with
/// another secret is shadowed, unless it is for other images.
///
/// Logins for a part of a registry are moved behind the logins for a whole registry. As a result, a login for the whole
/// registry becomes the default account.
pub(crate) fn dedupe(findings: &mut [ImportEntry]) {
    findings.sort_by_key(|finding| finding.login().is_some_and(|login| login.bound().is_some()));
    for place in 0..findings.len() {
        let Some(login) = findings[place].login() else { continue };
        let leaders = || {
            findings[..place].iter().enumerate().filter_map(|(at, other)| match &other.what {
                EntryContent::Login(other, ImportRole::Primary) if other.is_of_same_user(login) => Some((at, other)),
                _ => None,
            })
        };
        let same = leaders().find(|(_, leader)| leader.secret == login.secret);
        let before = leaders().find(|(_, leader)| leader.bound() == login.bound());
        let part = match (same, before) {
            (Some((at, _)), _) => ImportRole::Duplicate(at),
            (None, Some((at, _))) => ImportRole::Shadowed(at),
            (None, None) => continue,
        };
        if let EntryContent::Login(_, before) = &mut findings[place].what {
            *before = part;
        }
    }
}

/// Returns the images of a login, which are in the login's own key and in the keys of its duplicates.
pub(crate) fn images_of(findings: &[ImportEntry], leader: usize) -> Vec<ImagePattern> {
    distinct(with_duplicates(findings, leader).filter_map(FoundLogin::bound))
}

/// Returns the other spellings of a login's registry, which are in the keys of the login and of its duplicates.
pub(crate) fn spellings_of(findings: &[ImportEntry], leader: usize) -> Vec<String> {
    distinct(with_duplicates(findings, leader).filter_map(|login| Registry::spelled(&login.key)?.1))
}

fn with_duplicates(findings: &[ImportEntry], leader: usize) -> impl Iterator<Item = &FoundLogin> {
    findings.iter().enumerate().filter_map(move |(place, finding)| match &finding.what {
        EntryContent::Login(login, role) if place == leader || *role == ImportRole::Duplicate(leader) => Some(&**login),
        _ => None,
    })
}

/// Collects the items, each only once.
pub(super) fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut all = Vec::new();
    for item in items {
        if !all.contains(&item) {
            all.push(item);
        }
    }
    all
}

/// An entry that was found in a source of logins.
#[derive(Debug)]
pub(crate) struct ImportEntry {
    pub(crate) from: LoginOrigin,
    /// The entry's key, without any password in it.
    pub(crate) key: String,
    pub(crate) what: EntryContent,
}

#[derive(Debug)]
pub(crate) enum EntryContent {
    Login(Box<FoundLogin>, ImportRole),
    /// An entry that is left out on purpose, for the reason in the text.
    Skipped(String),
    /// The error for a login or a source that could not be read.
    Failed(String),
}

/// The role of a login in an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImportRole {
    /// The login becomes an account.
    Primary,
    /// The user and the secret are the same as in the entry with this index. The images may be different.
    Duplicate(usize),
    /// The entry with this index is earlier in the list, and has the same user with another secret.
    Shadowed(usize),
}

/// The place where a login was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoginOrigin {
    File(PathBuf),
    Helper(HelperName),
    /// The operating system's keyring, where Docker's own helpers keep logins.
    Keyring,
    /// `DOCKER_AUTH_CONFIG`
    Environment,
    /// The file of ATCR's helper.
    Atcr(PathBuf),
}

/// A login that was found, with its plain secret.
#[derive(Debug)]
pub(crate) struct FoundLogin {
    /// The entry's key, as written in the source.
    pub(crate) key: String,
    /// The parsed key, which means a registry, a repository (in `auth.json`) or one of the two Docker Hub tokens of
    /// `docker login`.
    pub(crate) server: ServerUrl,
    /// The user name, or `<token>` if the secret is an identity token.
    pub(crate) username: Username,
    /// The user of the identity token, if known.
    pub(crate) token_of: Option<Username>,
    pub(crate) secret: Secret,
    /// The user's decentralized identifier, if the source has it.
    pub(crate) did: Option<String>,
}

/// Parses the key of a login, or returns `None` if the key is not a registry's address. If the key has a scheme, the
/// path in the key is ignored (docker/cli `cli/config/credentials`, `ConvertToHostname`; containers/image
/// `pkg/docker/config/config.go`).
pub(crate) fn server_of(key: &str) -> Option<ServerUrl> {
    let server = ServerUrl::parse(key)?;
    let Target::Registry { registry, repository, .. } = server.target() else { return Some(server) };
    if registry.as_str().parse::<Registry>().ok().as_ref() != Some(registry) {
        return None;
    }
    match key.split_once("://") {
        Some((_, address)) if repository.is_some() => ServerUrl::parse(address.split('/').next()?),
        _ => Some(server),
    }
}

/// Removes a user and a password from a key. Some programs saved logins under `https://user:password@host`.
pub(crate) fn shown(key: &str) -> String {
    one_line(key.rsplit_once('@').map_or(key, |(_, host)| host), 80)
}

/// Tells whether a helper's entry with this key is a secret that Ensign itself has stored in the helper.
pub(crate) fn is_our_own(key: &str) -> bool {
    let path = key.strip_prefix("https://").and_then(|address| address.split_once('/'));
    path.is_some_and(|(_, path)| path.starts_with("ensign/"))
}

/// Tells whether this helper makes secrets that expire within hours. Secrets that expire within hours are not worth
/// importing.
pub(crate) fn is_short_lived(helper: &HelperName) -> bool {
    let name = helper.to_string();
    ["ecr-login", "gcloud", "gcr", "glab", "cgr"].contains(&name.as_str()) || name.starts_with("acr")
}

/// Tells whether a cloud provider uses this user name for tokens that expire within hours.
pub(crate) fn is_short_lived_user(username: &Username) -> bool {
    let name = username.as_str();
    username.is_everybody() || name.starts_with("_dcgcloud_") || name.starts_with("_dcgcr_")
}

impl ImportEntry {
    pub(crate) fn login(&self) -> Option<&FoundLogin> {
        match &self.what {
            EntryContent::Login(login, _) => Some(login),
            EntryContent::Skipped(_) | EntryContent::Failed(_) => None,
        }
    }
}

impl FoundLogin {
    pub(crate) fn registry(&self) -> Registry {
        match self.server.target() {
            Target::Registry { registry, .. } => registry.clone(),
            Target::HubToken(_) => Registry::docker_hub(),
        }
    }

    /// Returns the kind of Docker Hub token in this login, or `None` if the login contains no such token.
    pub(crate) fn hub_token(&self) -> Option<HubToken> {
        match self.server.target() {
            Target::HubToken(token) => Some(*token),
            Target::Registry { .. } => None,
        }
    }

    /// Returns the images under the key's path, unless the path is the user's own namespace.
    pub(crate) fn bound(&self) -> Option<ImagePattern> {
        let Target::Registry { registry, repository: Some(path), .. } = self.server.target() else { return None };
        if path.as_str().eq_ignore_ascii_case(self.user().as_str()) {
            return None;
        }
        ImagePattern::under(registry, path.as_str()).ok()
    }

    /// Returns the user of the login. For an identity token of an unknown user, this is the login's user name
    /// `<token>`.
    pub(crate) fn user(&self) -> &Username {
        self.token_of.as_ref().unwrap_or(&self.username)
    }

    fn is_of_same_user(&self, other: &Self) -> bool {
        let side = (self.hub_token(), other.hub_token());
        self.registry() == other.registry() && self.user() == other.user() && side.0 == side.1
    }

    /// Tells whether both logins have the same key, user name and secret.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.key == other.key && self.username == other.username && self.secret == other.secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Repository;

    fn login(key: &str, user: &str, secret: &str) -> ImportEntry {
        let login = FoundLogin {
            key: key.into(),
            server: server_of(key).unwrap(),
            username: user.parse().unwrap(),
            token_of: None,
            secret: Secret::new(secret.into()),
            did: None,
        };
        ImportEntry {
            from: LoginOrigin::Environment,
            key: key.into(),
            what: EntryContent::Login(Box::new(login), ImportRole::Primary),
        }
    }

    #[test]
    fn the_first_login_of_a_user_wins_and_its_namespaces_belong_together() {
        let mut findings = vec![
            login("q.io/team", "bot", "1"),
            login("q.io", "me", "2"),
            login("https://q.io/v1/", "me", "3"),
            login("q.io", "you", "2"),
            login("q.io/team/app", "bot", "1"),
            login("q.io/other", "bot", "4"),
            login("q.io/me", "me", "2"),
            login("q.io/team", "bot", "5"),
        ];
        dedupe(&mut findings);
        let parts: Vec<_> = findings
            .iter()
            .map(|finding| match finding.what {
                EntryContent::Login(_, part) => (finding.key.as_str(), part),
                _ => unreachable!("all are logins"),
            })
            .collect();
        assert_eq!(
            parts,
            [
                ("q.io", ImportRole::Primary),
                ("https://q.io/v1/", ImportRole::Shadowed(0)),
                ("q.io", ImportRole::Primary),
                ("q.io/me", ImportRole::Duplicate(0)),
                ("q.io/team", ImportRole::Primary),
                ("q.io/team/app", ImportRole::Duplicate(4)),
                ("q.io/other", ImportRole::Primary),
                ("q.io/team", ImportRole::Shadowed(4)),
            ]
        );
        let images: Vec<_> = images_of(&findings, 4).iter().map(ToString::to_string).collect();
        assert_eq!(images, ["q.io/team/**", "q.io/team/app/**"]);
    }

    #[test]
    fn keys_are_read_by_their_host() {
        for (key, registry, path) in [
            ("ghcr.io", "ghcr.io", None),
            ("https://someregistry.example.com/v1", "someregistry.example.com", None),
            ("https://someregistry.example.com/some/path/", "someregistry.example.com", None),
            ("http://h.example:5000", "h.example:5000", None),
            ("https://index.docker.io/v1/", "docker.io", None),
            ("index.docker.io", "docker.io", None),
            ("quay.io/acme/app", "quay.io", Some("acme/app")),
        ] {
            let server = server_of(key).unwrap();
            let Target::Registry { registry: found, repository, .. } = server.target() else { panic!("{key}") };
            assert_eq!((found.as_str(), repository.as_ref().map(Repository::as_str)), (registry, path), "{key}");
        }
        for key in ["", " ", "not a host", "oci://ghcr.io", "https://index.docker.io/v1/other"] {
            assert!(server_of(key).is_none(), "{key}");
        }
    }

    #[test]
    fn our_own_entries_in_another_helper_are_known() {
        assert!(is_our_own("https://ghcr.io/ensign/me"));
        assert!(!is_our_own("https://ghcr.io/v2/") && !is_our_own("ghcr.io/ensign/me"));
    }
}
