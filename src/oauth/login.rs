//! Runs a device login by sending the requests with pauses, and turns the last response into a login at the registry.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use super::device::{DeviceAuthorization, DeviceFlowError, Poll, PollReply, PollStep, PollWarning, Prompt};
use super::login_plan::LoginPlan;
use super::provider::{BodyFormat, Provider, UsernameRule};
use super::response::ProviderResponse;
use super::{TokenExchange, TokenSet, renewal, request_for_json, revoke};
use crate::model::{OAuthGrant, Secret, StoredSecret, Username, jwt};
use crate::system::http::{Authorization, HttpClient, Method};

/// A login in progress, for which the provider has issued a code.
pub(crate) struct PendingLogin {
    plan: LoginPlan,
    client: HttpClient,
    authorization: DeviceAuthorization,
    started: Instant,
}

/// The result of a login.
#[derive(Debug)]
pub(crate) struct DeviceLogin {
    pub(crate) tokens: TokenSet,
    /// How to renew and revoke the login, or `None` if neither is possible.
    pub(crate) grant: Option<OAuthGrant>,
    pub(crate) did: Option<String>,
    /// The scope for pushing, if the provider did not grant it.
    pub(crate) missing_scope: Option<String>,
}

/// A notice to show while the person decides.
#[derive(Debug)]
pub(crate) enum WaitNotice<'h> {
    /// The time until the code expires, shown at least once a second.
    Left(Duration),
    Warning(&'h PollWarning),
}

const SECOND: Duration = Duration::from_secs(1);

impl PendingLogin {
    pub(super) fn start(plan: LoginPlan, client: HttpClient, authorization: DeviceAuthorization) -> Self {
        Self { plan, client, authorization, started: Instant::now() }
    }

    pub(crate) fn prompt(&self) -> &Prompt {
        &self.authorization.prompt
    }

    /// Polls until the person agrees or refuses, or the code expires. Calls `show` at least once a second.
    pub(crate) fn wait(self, mut show: impl FnMut(WaitNotice<'_>)) -> Result<DeviceLogin, DeviceFlowError> {
        let mut poll = Poll::start(&self.authorization);
        loop {
            let until = self.started.elapsed() + poll.pause(self.started.elapsed());
            loop {
                let now = self.started.elapsed();
                show(WaitNotice::Left(self.authorization.prompt.lasts.saturating_sub(now)));
                match until.saturating_sub(now) {
                    Duration::ZERO => break,
                    left => thread::sleep(left.min(SECOND)),
                }
            }
            if let Some(ended) = poll.check_expiration(self.started.elapsed()) {
                return Err(ended);
            }
            let (step, answer) = self.poll_once(&mut poll);
            match step {
                PollStep::Wait(Some(warning)) => show(WaitNotice::Warning(&warning)),
                PollStep::Wait(None) => {}
                PollStep::Given => return self.accept_token(&answer).map_err(DeviceFlowError::Failed),
                PollStep::Over(DeviceFlowError::SessionOver(page)) => {
                    return Err(DeviceFlowError::SessionOver(Some(self.plan.token_url.own_page(page.as_deref()))));
                }
                PollStep::Over(ended) => return Err(ended),
            }
        }
    }

    fn poll_once(&self, poll: &mut Poll) -> (PollStep, ProviderResponse) {
        let Provider { client_id, secret_field, body, .. } = &self.plan.provider;
        let mut words: Vec<_> = client_id.clone().map(|id| ("client_id", id)).into_iter().collect();
        if *body == BodyFormat::Form {
            words.push(("grant_type", "urn:ietf:params:oauth:grant-type:device_code".to_owned()));
        }
        let request = self.plan.request(&self.plan.token_url, words, Some(&self.authorization.device_code));
        match self.client.send(&request) {
            Ok(response) => {
                let answer = ProviderResponse::read(&response);
                let reply = PollReply {
                    status: response.status,
                    retry_after: response.retry_after,
                    error: self.plan.error(&answer),
                    has_token: answer.token(secret_field.as_deref()).is_some(),
                    answer: &answer,
                };
                (poll.on_response(&reply), answer)
            }
            Err(failure) => (poll.unanswered(failure.0), ProviderResponse::default()),
        }
    }

    /// Turns the provider's response into a login at the registry. An error is a whole sentence.
    fn accept_token(&self, answer: &ProviderResponse) -> Result<DeviceLogin, String> {
        let Provider { secret_field, exchange, tenant, push_scope, .. } = &self.plan.provider;
        let token = answer.token(secret_field.as_deref()).ok_or("the answer has no token")?;
        let now = SystemTime::now();
        let until = renewal::end_of_token(answer, &token, now);
        let username = self.username(answer, &token);
        let refresh = answer.secret("refresh_token");
        let login_life = answer.login_life(now).filter(|_| refresh.is_some());
        let (secret, until) = match exchange {
            Some(exchange) => {
                let claim_at = self.plan.exchange_url.as_ref();
                let exchanged = exchange.run(&self.client, &self.plan.registry, claim_at, tenant.as_deref(), &token);
                exchanged.inspect_err(|_| self.give_back(&token, refresh.as_ref()))?
            }
            None => (token, until),
        };
        let until = until.filter(|_| !exchange.is_some_and(TokenExchange::is_lasting));
        Ok(DeviceLogin {
            grant: self.plan.grant(refresh.is_some()),
            tokens: TokenSet { secret, refresh, login_life, expires_at: until, username },
            did: answer.text("did").filter(|did| did.starts_with("did:")).map(str::to_owned),
            missing_scope: push_scope.clone().filter(|scope| is_missing(answer.text("scope"), scope)),
        })
    }

    /// Revokes a token that will not be saved. A failure is ignored, because the token expires by itself.
    fn give_back(&self, token: &Secret, refresh: Option<&Secret>) {
        if let Some(grant) = self.plan.grant(refresh.is_some()) {
            let stored = StoredSecret { refresh: refresh.map(Secret::copy), ..token.copy().into() };
            let _ = revoke(&OAuthGrant { exchange: None, ..grant }, &stored); // the token was not exchanged
        }
    }

    /// Returns the user name at the registry, if the provider states it.
    fn username(&self, answer: &ProviderResponse, token: &Secret) -> Option<Username> {
        let name = match &self.plan.provider.username {
            UsernameRule::Fixed(name) => Some(name.clone()),
            UsernameRule::Field(field) => answer.text(field).map(str::to_owned),
            UsernameRule::Claim(path) => {
                let tokens = [Some(token.copy()), answer.secret("id_token")];
                let in_tokens = tokens.into_iter().flatten().find_map(|token| claim_at(&jwt::claims(&token)?, path));
                in_tokens.or_else(|| claim_at(&self.userinfo(token)?, path))
            }
            UsernameRule::Ask => None,
        };
        name?.parse().ok()
    }

    #[expect(clippy::disallowed_methods, reason = "reads the provider's answer about the user")]
    fn userinfo(&self, token: &Secret) -> Option<Value> {
        let url = self.plan.userinfo_url.clone()?;
        let request = request_for_json(Method::Get, url, Authorization::Bearer(token.copy()));
        let response = self.client.send(&request).ok().filter(|response| response.status == 200)?;
        serde_json::from_str(response.body?.expose()).ok()
    }
}

fn claim_at(claims: &Value, path: &[String]) -> Option<String> {
    let value = path.iter().try_fold(claims, |value, key| value.get(key))?.as_str()?;
    Some(value.to_owned())
}

/// Tells whether `scope` is missing from the granted scopes that the response lists. GitHub separates scopes by commas.
fn is_missing(granted: Option<&str>, scope: &str) -> bool {
    granted.is_some_and(|granted| !granted.split([' ', ',']).any(|word| word == scope))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_missing_scope_is_noticed_where_scopes_are_named() {
        for (granted, missing) in [
            (None, false),
            (Some("write:packages"), false),
            (Some("gist,write:packages"), false),
            (Some("read:packages write:packages"), false),
            (Some("read:packages"), true),
            (Some("xwrite:packages"), true),
        ] {
            assert_eq!(is_missing(granted, "write:packages"), missing, "{granted:?}");
        }
    }

    #[test]
    fn a_claim_lies_at_the_end_of_its_path() {
        let claims = json!({"https://hub.docker.com": {"username": "moby"}, "sub": 1});
        let path = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (words, found) in
            [(vec!["https://hub.docker.com", "username"], Some("moby")), (vec!["sub"], None), (vec!["x", "y"], None)]
        {
            assert_eq!(claim_at(&claims, &path(&words)).as_deref(), found);
        }
    }
}
