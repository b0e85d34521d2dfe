//! Implements the kubelet's exec protocol, by which the kubelet requests the credentials for an image (Kubernetes
//! `staging/src/k8s.io/kubelet/pkg/apis/credentialprovider/{v1,v1beta1,v1alpha1}/types.go`).
//!
//! The command reads one JSON request and writes one response. A response without credentials is valid. Errors are
//! written to stderr, which the kubelet logs if the exit code is not 0.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use super::message::read_to_end;
use super::record;
use crate::accounts::{Accounts, FindOutcome};
use crate::caller;
use crate::model::choice::{AccountRequest, CallerContext, CommandImages, ExplicitAccount, Verdict};
use crate::model::{CallerFacts, CallerRule, Credential, ImageReference, Operation, Problem, Registry, Secret};
use crate::system::env::Env;
use crate::system::text;

/// Answers one call.
#[expect(clippy::disallowed_methods, reason = "the answer contains the secret")]
pub(crate) fn serve() -> ExitCode {
    match super::environment().map_err(Into::into).and_then(|env| answer(&env, io::stdin().lock())) {
        Ok(answer) => {
            let written = io::stdout().write_all(answer.expose().as_bytes());
            written.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "ensign: {}", text::one_line(&format!("{error:#}"), 400));
            ExitCode::FAILURE
        }
    }
}

/// Writes the usage to stderr, as all errors of this protocol.
pub(crate) fn refuse_arguments(program: &str) -> ExitCode {
    let usage = "The kubelet runs this command, and writes its request to stdin. See docs/kubernetes.md.";
    let _ = writeln!(io::stderr(), "Usage: {program} kubelet\n{usage}");
    ExitCode::FAILURE
}

/// The supported versions. Ensign's responses to all versions are the same except for the version's name.
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];
const GROUP: &str = "credentialprovider.kubelet.k8s.io/";
const LIMIT: u64 = 1 << 20;

/// The kubelet's request. Fields that Ensign does not use are ignored, because later versions add fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialProviderRequest {
    kind: String,
    api_version: String,
    /// The image without tag and digest.
    image: String,
}

fn answer(env: &Env, stdin: impl Read) -> Result<Secret> {
    let CredentialProviderRequest { kind, api_version, image } = read(stdin)?;
    if kind != "CredentialProviderRequest" {
        bail!("`{}` is not a CredentialProviderRequest", text::one_line(&kind, 60));
    }
    let known = api_version.strip_prefix(GROUP).is_some_and(|version| VERSIONS.contains(&version));
    if !known {
        let what = format!(
            "`{}` is not a version of the kubelet's protocol that Ensign supports",
            text::one_line(&api_version, 80)
        );
        bail!(Problem::new(what, format!("set apiVersion to {GROUP}v1 in the CredentialProviderConfig")));
    }
    let shown = text::one_line(&text::hide_userinfo(&image), 200);
    // The registry in the response must be identical to the image's text before the first `/`, because the kubelet
    // compares the two texts.
    let spelling = Registry::spelled(&image).and_then(|(_, spelling)| spelling).filter(|_| image.contains('/'));
    let image: ImageReference = image.parse().map_err(|error| anyhow!("`{shown}` is not an image: {error}"))?;
    let found = find(env, &image)?;
    let spelling = spelling.filter(|spelling| spelling.parse().as_ref() == Ok(image.registry()));
    Ok(response(&api_version, spelling.as_deref().unwrap_or(image.registry().as_str()), found.as_ref()))
}

fn read(stdin: impl Read) -> Result<CredentialProviderRequest> {
    let bytes = read_to_end(stdin, LIMIT)?;
    // The error's text is not shown, because the text would quote the request. The request may contain a service
    // account's token.
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(
            format!("stdin contains no CredentialProviderRequest (line {})", error.line()),
            "let the kubelet call `docker-credential-ensign kubelet`",
        )
        .into()
    })
}

/// The kubelet as a caller. The kubelet is a daemon, so its command line and folder do not show the account.
struct Kubelet;

impl CallerContext for Kubelet {
    fn command(&self) -> CommandImages {
        CommandImages { operation: Some(Operation::Pull), ..CommandImages::default() }
    }

    fn facts(&self, rule: &CallerRule) -> CallerFacts {
        let mut facts = caller::facts(rule);
        facts.programs.insert(0, "kubelet".to_owned()); // only the kubelet uses this protocol
        facts
    }
}

/// Finds the credentials for `image`. The kubelet sends no other facts about the pull.
fn find(env: &Env, image: &ImageReference) -> Result<Option<Credential>> {
    let registry = image.registry();
    let environment = ExplicitAccount::parse(env.account.as_deref(), registry);
    let request = AccountRequest { environment, image: Some(image.clone()), ..AccountRequest::default() };
    let accounts = Accounts::new(env);
    let (found, record) = accounts.find(registry, registry.docker_key(), &request, &Kubelet);
    let mut entry = record::prepare(env, || Some("kubelet".to_owned()), &found, &record);
    let found = record::write_first(found, record.guarded.as_ref(), &mut entry);
    if let Some((journal, entry)) = entry {
        journal.add(&entry);
    }
    let problem = match found? {
        FindOutcome::Credential(credential) if credential.username.is_identity_token() => {
            bail!(Problem::run(
                format!("the account of `{image}` has an identity token, which the kubelet cannot use"),
                format_args!("login {registry} -u NAME")
            ))
        }
        FindOutcome::Credential(credential) => return Ok(Some(credential)),
        FindOutcome::NoAccount if matches!(record.decision.verdict, Verdict::NoSuchAccount | Verdict::Several) => {
            return accounts.explanation(&record.decision).problem().map_or(Ok(None), |problem| Err(problem.into()));
        }
        FindOutcome::NoAccount => return Ok(None),
        FindOutcome::Withheld(withheld) => withheld.into(),
        FindOutcome::Expired(problem) | FindOutcome::Unrenewed(problem) => problem,
    };
    let _ = writeln!(io::stderr(), "ensign: {}", text::one_line(&problem.to_string(), 400));
    Ok(None)
}

/// Returns the JSON response. The response has only fields that the kubelet knows, because the kubelet rejects any
/// other field. The kubelet must not cache the response, because another account may answer for the next image or after
/// a switch.
#[expect(clippy::disallowed_methods, reason = "the answer contains the secret")]
fn response(api_version: &str, registry: &str, credential: Option<&Credential>) -> Secret {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct CredentialProviderResponse<'a> {
        kind: &'a str,
        api_version: &'a str,
        cache_key_type: &'a str,
        cache_duration: &'a str,
        auth: Option<BTreeMap<&'a str, KubeletAuth<'a>>>,
    }
    #[derive(Serialize)]
    struct KubeletAuth<'a> {
        username: &'a str,
        password: &'a str,
    }
    let auth = credential
        .map(|Credential { username, secret }| KubeletAuth { username: username.as_str(), password: secret.expose() });
    let length = registry.len() + auth.as_ref().map_or(0, |auth| auth.username.len() + auth.password.len());
    let response = CredentialProviderResponse {
        kind: "CredentialProviderResponse",
        api_version,
        cache_key_type: "Registry",
        cache_duration: "0s",
        auth: auth.map(|auth| BTreeMap::from([(registry, auth)])),
    };
    Secret::json_line(&response, api_version.len() + length)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests compare their own secrets")]
mod tests {
    use super::*;
    use crate::model::env_account;
    use serde_json::json;

    #[test]
    fn an_image_gets_its_account_and_a_wrong_request_an_error() {
        let account_from_env = |name, text| env_account::read_variable(name, text).unwrap();
        let mounted = vec![
            account_from_env("ME", "ghcr.io me s1"),
            account_from_env("ACME", "ghcr.io/acme/** bot s2"),
            account_from_env("T", "token.example <token> s3"),
        ];
        let folder = tempfile::tempdir().unwrap();
        let env = Env::in_folder(folder.path(), mounted);
        let config = r#"{"version": 3, "journal": false, "registries": {"two.example": {"accounts": {"a": {}, "b": {}}},
            "routed.example": {"helper": "no-such-helper"}, "gone.example": {"active": null, "accounts": {"a": {}}}}}"#;
        let path = folder.path().join("config/config.json");
        crate::system::files::replace(&path, config.as_bytes(), crate::system::files::Access::Private).unwrap();
        let ask = |kind: &str, version: &str, image: &str| {
            let request = json!({"kind": kind, "apiVersion": version, "image": image, "later": 1}).to_string();
            answer(&env, request.as_bytes())
                .map(|answer| answer.expose().trim_end().to_owned())
                .map_err(|error| format!("{error:#}"))
        };
        let v1 = format!("{GROUP}v1");
        for (image, auth) in [
            ("ghcr.io/you/app", r#"{"ghcr.io":{"username":"me","password":"s1"}}"#),
            ("ghcr.io/acme/app", r#"{"ghcr.io":{"username":"bot","password":"s2"}}"#),
            ("GHCR.io/acme/app", r#"{"GHCR.io":{"username":"bot","password":"s2"}}"#),
            ("quay.io/acme/app", "null"),
            ("gone.example/app", "null"),
            ("routed.example/app", "null"),
            ("alpine", "null"),
        ] {
            let expected = format!(
                r#"{{"kind":"CredentialProviderResponse","apiVersion":"{v1}","cacheKeyType":"Registry","cacheDuration":"0s","auth":{auth}}}"#
            );
            assert_eq!(ask("CredentialProviderRequest", &v1, image), Ok(expected), "{image}");
        }
        for (kind, version, image, error) in [
            ("Other", v1.as_str(), "alpine", "`Other` is not a CredentialProviderRequest"),
            ("CredentialProviderRequest", "v1", "alpine", "`v1` is not a version of the kubelet's protocol"),
            (
                "CredentialProviderRequest",
                &format!("{GROUP}v2"),
                "alpine",
                "is not a version of the kubelet's protocol",
            ),
            ("CredentialProviderRequest", &v1, "A B", "`A B` is not an image"),
            ("CredentialProviderRequest", &v1, "token.example/a", "has an identity token"),
            ("CredentialProviderRequest", &v1, "two.example/x/app", "two.example has several accounts and no default"),
        ] {
            let found = ask(kind, version, image).unwrap_err();
            assert!(found.contains(error), "{found}");
        }
        let odd = answer(&env, &b"{\n\"secret\": hunter2"[..]).unwrap_err().to_string();
        assert!(odd.starts_with("stdin contains no CredentialProviderRequest (line 2)"), "{odd}");
        assert_eq!(Kubelet.command().operation, Some(Operation::Pull));
        assert_eq!(Kubelet.facts(&CallerRule::default()).programs[0], "kubelet");
    }
}
