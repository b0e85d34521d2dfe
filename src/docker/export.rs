//! Writes logins in the formats of other programs, such as `auth.json`, a Kubernetes pull secret and
//! `DOCKER_AUTH_CONFIG`.

use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::model::{Account, Credential, ImagePattern, Registry};
use crate::system::text::single_quote;

/// The format of an export. The format depends on the program that will read the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthFormat {
    /// The format of Podman, Buildah and Skopeo. A key may be a namespace or repository. Of all matching keys, the
    /// longest is used (containers/image `docs/containers-auth.json.5.md`).
    AuthJson,
    /// The format of the kubelet. A key may contain a path, and the longest key is tried first. The kubelet does not
    /// support identity tokens (kubernetes `pkg/credentialprovider/keyring.go`).
    DockerConfigJson,
    /// The format of `DOCKER_AUTH_CONFIG` in Docker since version 28.3 (docker/cli `cli/config/configfile/file.go`).
    /// Only the field `auth` is allowed, and keys must match exactly.
    Variable,
}

/// An account to export.
#[derive(Debug)]
pub(crate) struct ExportAccount {
    pub(crate) account: Account,
    pub(crate) credential: Credential,
    /// The registry's other names. Each name gets an entry, because the programs that read the export compare names
    /// letter by letter.
    pub(crate) names: Vec<String>,
    /// Whether the account answers for the whole registry.
    pub(crate) by_default: bool,
    /// The end of a secret that Ensign renews or fetches again.
    pub(crate) expires_at: Option<SystemTime>,
}

/// The exported logins, and the accounts that were left out.
pub(crate) struct ExportedAuths {
    auths: Map<String, Value>,
    /// The exported keys, each with its account.
    pub(crate) keys: Vec<(String, Account)>,
    pub(crate) left_out: Vec<OmittedAccount>,
}

/// An account that the format cannot express, or cannot express for some of the account's images.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OmittedAccount {
    pub(crate) account: Account,
    pub(crate) why: String,
}

pub(crate) fn export(form: AuthFormat, chosen: &[ExportAccount]) -> ExportedAuths {
    let mut exported = ExportedAuths { auths: Map::new(), keys: vec![], left_out: vec![] };
    for login in chosen {
        let account = &login.account;
        let (keys, mut reasons) = keys_of(form, login);
        for key in keys {
            if exported.auths.contains_key(&key) {
                reasons.push(format!("{key}: another account has the same images"));
                continue;
            }
            exported.auths.insert(key.clone(), entry(account, &login.credential));
            exported.keys.push((key, account.clone()));
        }
        exported.left_out.extend(reasons.into_iter().map(|why| OmittedAccount { account: account.clone(), why }));
    }
    exported
}

/// Returns the keys of an account, and the reasons why the format does not express the whole account.
fn keys_of(form: AuthFormat, login: &ExportAccount) -> (Vec<String>, Vec<String>) {
    let ExportAccount { account, credential, names, by_default, .. } = login;
    let left_out = |why: &str| (vec![], vec![why.to_owned()]);
    if credential.username.is_identity_token() && form != AuthFormat::AuthJson {
        return left_out("the account has an identity token, which only an auth.json can contain");
    }
    if credential.username.as_str().contains(':') {
        return left_out("readers would end the user name at its colon");
    }
    if account.registry.is_pattern() && form != AuthFormat::DockerConfigJson {
        return left_out("only Kubernetes understands patterns of hosts");
    }
    let (mut keys, mut reasons) = (Vec::new(), Vec::new());
    if *by_default {
        keys.push(host_key(form, &account.registry));
        keys.extend(names.iter().cloned());
    }
    // An account for the whole registry needs no key for the account's own namespace. Configured patterns always get
    // keys.
    let patterns = if *by_default { account.images.clone() } else { account.patterns() };
    for pattern in patterns {
        match (form, path_of(&pattern)) {
            (AuthFormat::Variable, _) if *by_default => {}
            (AuthFormat::Variable, _) => reasons.push(format!("{pattern}: DOCKER_AUTH_CONFIG has no keys for images")),
            (_, Some(path)) => {
                let hosts = std::iter::once(account.registry.as_str()).chain(names.iter().map(String::as_str));
                keys.extend(hosts.map(|host| format!("{host}{path}")));
            }
            (_, None) => reasons.push(format!("{pattern}: the format has no `*` within a path")),
        }
    }
    if keys.is_empty() && reasons.is_empty() {
        return left_out("the account has no images of its own, and another account is the registry's default");
    }
    (keys, reasons)
}

impl ExportedAuths {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the file's text, which contains secrets.
    pub(crate) fn file(&self) -> String {
        let text = serde_json::to_string_pretty(&json!({"auths": self.auths})).expect("texts always serialize");
        text + "\n"
    }

    /// Returns a line for `sh`, which contains secrets.
    pub(crate) fn shell_line(&self) -> String {
        let text = json!({"auths": self.auths}).to_string();
        format!("export DOCKER_AUTH_CONFIG={}\n", single_quote(&text))
    }

    /// Returns the manifest of a Kubernetes Secret in JSON, for `kubectl apply -f`. The manifest contains secrets.
    pub(crate) fn manifest(&self, name: &str, namespace: Option<&str>) -> String {
        let mut metadata = json!({"name": name});
        if let Some(namespace) = namespace {
            metadata["namespace"] = json!(namespace);
        }
        let data = BASE64_STANDARD.encode(json!({"auths": self.auths}).to_string());
        let manifest = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": metadata,
            "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": data},
        });
        serde_json::to_string_pretty(&manifest).expect("texts always serialize") + "\n"
    }
}

/// Tells whether Kubernetes accepts this name. A name must be a subdomain as in RFC 1123, and a namespace must be a
/// single label.
pub(crate) fn is_kubernetes_name(text: &str, is_label: bool) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part =
        |part: &str| part.starts_with(inner) && part.ends_with(inner) && part.chars().all(|c| inner(c) || c == '-');
    if is_label { text.len() <= 63 && part(text) } else { text.len() <= 253 && text.split('.').all(part) }
}

/// Returns the key of a whole registry. Docker looks up Docker Hub by an address, and the container tools look up
/// Docker Hub by the registry's name.
fn host_key(form: AuthFormat, registry: &Registry) -> String {
    match form {
        AuthFormat::AuthJson => registry.to_string(),
        AuthFormat::DockerConfigJson | AuthFormat::Variable => registry.docker_key().to_owned(),
    }
}

/// Returns the path in the key of a pattern, such as `/acme` for `ghcr.io/acme/**`. Returns `None` if the pattern has a
/// `*` in another place.
fn path_of(pattern: &ImagePattern) -> Option<String> {
    let path = pattern.path();
    let prefix = if path == "**" { Some("") } else { path.strip_suffix("/**") }.unwrap_or(path);
    let slash = if prefix.is_empty() { "" } else { "/" };
    (!prefix.contains('*')).then(|| format!("{slash}{prefix}"))
}

/// Returns an entry of `auths`. An identity token is in the field `identitytoken`, and `auth` then contains only the
/// name, as in Docker's file.
#[expect(clippy::disallowed_methods, reason = "an export writes logins in clear text, as the user requested")]
fn entry(account: &Account, credential: &Credential) -> Value {
    let Credential { username, secret } = credential;
    if username.is_identity_token() {
        let user = BASE64_STANDARD.encode(format!("{}:", account.name));
        return json!({"auth": user, "identitytoken": secret.expose()});
    }
    json!({"auth": BASE64_STANDARD.encode(format!("{username}:{}", secret.expose()))})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    fn chosen(registry: &str, user: &str, images: &[&str], by_default: bool) -> ExportAccount {
        let account = Account {
            name: user.trim_matches(['<', '>']).parse().unwrap(),
            images: images.iter().map(|text| text.parse().unwrap()).collect(),
            ..Account::new(registry.parse().unwrap(), user.parse().unwrap())
        };
        let credential = Credential { username: account.username.clone(), secret: Secret::new("pw".into()) };
        ExportAccount { account, credential, names: vec![], by_default, expires_at: None }
    }

    fn keys(form: AuthFormat, chosen: &[ExportAccount]) -> (Vec<String>, Vec<String>) {
        let ExportedAuths { keys, left_out, .. } = export(form, chosen);
        (keys.into_iter().map(|(key, _)| key).collect(), left_out.into_iter().map(|left| left.why).collect())
    }

    #[test]
    fn accounts_of_one_registry_share_it_by_paths() {
        let accounts = [
            chosen("ghcr.io", "me", &[], true),
            chosen("ghcr.io", "work", &["ghcr.io/acme/**", "ghcr.io/acme/a-*/x", "ghcr.io/one/app"], false),
            chosen("ghcr.io", "Bob", &[], false),
            chosen("docker.io", "alice", &[], true),
            chosen("quay.io", "us:er", &[], true),
            chosen("docker.io", "<token>", &["docker.io/team/**"], false),
        ];
        let star = "ghcr.io/acme/a-*/x: the format has no `*` within a path";
        let token = "the account has an identity token, which only an auth.json can contain";
        let shared = ["ghcr.io", "ghcr.io/acme", "ghcr.io/one/app", "ghcr.io/bob"];
        let (found, left) = keys(AuthFormat::AuthJson, &accounts);
        assert_eq!(found, [&shared[..], &["docker.io", "docker.io/team"]].concat());
        let colon = "readers would end the user name at its colon";
        assert_eq!(left, [star, colon]);
        let (found, left) = keys(AuthFormat::DockerConfigJson, &accounts);
        assert_eq!(found, [&shared[..], &["https://index.docker.io/v1/"]].concat());
        assert_eq!(left, [star, colon, token]);
        let (found, left) = keys(AuthFormat::Variable, &accounts);
        assert_eq!(found, ["ghcr.io", "https://index.docker.io/v1/"]);
        assert_eq!(left.len(), 6, "{left:?}");
    }

    #[test]
    fn every_name_of_a_registry_is_written() {
        let mut chosen = chosen("ghcr.io", "me", &["ghcr.io/acme/**"], true);
        chosen.names = vec!["GHCR.io".into(), "ghcr.io:443".into()];
        let hosts = ["ghcr.io", "GHCR.io", "ghcr.io:443"];
        let paths = hosts.map(|host| format!("{host}/acme"));
        let expected: Vec<String> = hosts.iter().map(ToString::to_string).chain(paths).collect();
        assert_eq!(keys(AuthFormat::AuthJson, std::slice::from_ref(&chosen)).0, expected);
        assert_eq!(keys(AuthFormat::Variable, &[chosen]).0, hosts);
    }

    #[test]
    fn two_accounts_for_the_same_images_cannot_both_be_written() {
        let accounts = [chosen("q.io", "a", &["q.io/x/**"], true), chosen("q.io", "b", &["q.io/x/**"], false)];
        let (found, left) = keys(AuthFormat::AuthJson, &accounts);
        assert_eq!(found, ["q.io", "q.io/x"]);
        assert_eq!(left, ["q.io/x: another account has the same images"]);
    }

    #[test]
    fn the_texts_are_what_their_readers_expect() {
        let mut odd = chosen("h.example", "it's", &[], true);
        odd.account.registry = Registry::opaque("o'reilly");
        let exported = export(AuthFormat::Variable, &[odd]);
        let line = exported.shell_line();
        assert_eq!(line, "export DOCKER_AUTH_CONFIG='{\"auths\":{\"o'\\''reilly\":{\"auth\":\"aXQnczpwdw==\"}}}'\n");
        let exported = export(AuthFormat::AuthJson, &[chosen("h.example", "<token>", &[], true)]);
        assert_eq!(
            serde_json::from_str::<Value>(&exported.file()).unwrap(),
            json!({"auths": {"h.example": {"auth": "dG9rZW46", "identitytoken": "pw"}}})
        );
    }

    #[test]
    fn kubernetes_names_are_subdomains() {
        for (text, name, label) in [
            ("pull-secret", true, true),
            ("a.b-c.d", true, false),
            ("-a", false, false),
            ("A", false, false),
            ("a..b", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_kubernetes_name(text, false), is_kubernetes_name(text, true)), (name, label), "{text:?}");
        }
    }
}
