//! A login by device code under way: the part that sends, sleeps, and makes of the answer what is kept.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use super::answer::Answer;
use super::device::{Ended, Hitch, Invitation, Poll, Prompt, Reply, Step};
use super::plan::Plan;
use super::provider::{Body, Provider, UsernameRule};
use super::{Exchange, Fresh, renew, revoke};
use crate::model::{Grant, Kept, Secret, Username, jwt};
use crate::system::http::{Authorization, Client, Method, Request};

/// A login under way: the code is out, and somebody has a browser.
pub(crate) struct Pending {
    plan: Plan,
    client: Client,
    invitation: Invitation,
    started: Instant,
}

/// What a login came to.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) fresh: Fresh,
    /// How it is renewed and revoked, if it can be.
    pub(crate) grant: Option<Grant>,
    pub(crate) did: Option<String>,
    /// The scope without which nothing can be pushed, if it was not granted.
    pub(crate) lacks: Option<String>,
}

/// What is to be shown while somebody decides.
#[derive(Debug)]
pub(crate) enum Waiting<'h> {
    /// A second has passed; so much time is left.
    Left(Duration),
    Hitch(&'h Hitch),
}

const SECOND: Duration = Duration::from_secs(1);

impl Pending {
    pub(super) fn start(plan: Plan, client: Client, invitation: Invitation) -> Self {
        Self { plan, client, invitation, started: Instant::now() }
    }

    pub(crate) fn prompt(&self) -> &Prompt {
        &self.invitation.prompt
    }

    /// Asks until somebody has agreed or refused, or the code is over; `show` is called every second.
    pub(crate) fn wait(self, mut show: impl FnMut(Waiting<'_>)) -> Result<Login, Ended> {
        let mut poll = Poll::start(&self.invitation);
        loop {
            let until = self.started.elapsed() + poll.pause(self.started.elapsed());
            loop {
                let now = self.started.elapsed();
                show(Waiting::Left(self.invitation.prompt.lasts.saturating_sub(now)));
                match until.saturating_sub(now) {
                    Duration::ZERO => break,
                    left => thread::sleep(left.min(SECOND)),
                }
            }
            if let Some(ended) = poll.ended(self.started.elapsed()) {
                return Err(ended);
            }
            let (step, answer) = self.ask(&mut poll);
            match step {
                Step::Wait(hitch) => {
                    if let Some(hitch) = &hitch {
                        show(Waiting::Hitch(hitch));
                    }
                }
                Step::Given => return self.take(&answer).map_err(Ended::Failed),
                Step::Over(Ended::SessionOver(page)) => {
                    return Err(Ended::SessionOver(Some(self.plan.token_url.own_page(page.as_deref()))));
                }
                Step::Over(ended) => return Err(ended),
            }
        }
    }

    fn ask(&self, poll: &mut Poll) -> (Step, Answer) {
        let Provider { client_id, secret_field, body, .. } = &self.plan.provider;
        let mut words: Vec<_> = client_id.clone().map(|id| ("client_id", id)).into_iter().collect();
        if *body == Body::Form {
            words.push(("grant_type", "urn:ietf:params:oauth:grant-type:device_code".to_owned()));
        }
        let request = self.plan.request(&self.plan.token_url, words, Some(&self.invitation.device_code));
        match self.client.send(&request) {
            Ok(response) => {
                let answer = Answer::read(&response);
                let reply = Reply::Answer {
                    status: response.status,
                    retry_after: response.retry_after,
                    error: self.plan.error(&answer),
                    has_token: answer.token(secret_field.as_deref()).is_some(),
                    answer: &answer,
                };
                (poll.hear(&reply), answer)
            }
            Err(failure) => (poll.hear(&Reply::Nothing(failure.0)), Answer::default()),
        }
    }

    /// Makes of the provider's answer what the registry takes. An error is a sentence.
    fn take(&self, answer: &Answer) -> Result<Login, String> {
        let Provider { secret_field, exchange, tenant, push_scope, .. } = &self.plan.provider;
        let token = answer.token(secret_field.as_deref()).ok_or("the token is gone")?;
        let now = SystemTime::now();
        let until = renew::end(answer, &token, now);
        let username = self.username(answer, &token);
        let refresh = answer.secret("refresh_token");
        let login_life = answer.login_life(now).filter(|_| refresh.is_some());
        let (secret, until) = match exchange {
            Some(exchange) => {
                let at = self.plan.exchange_url.as_ref();
                let exchanged = exchange.run(&self.client, &self.plan.registry, at, tenant.as_deref(), &token);
                exchanged.inspect_err(|_| self.give_back(&token, refresh.as_ref()))?
            }
            None => (token, until),
        };
        let until = until.filter(|_| !exchange.is_some_and(Exchange::is_lasting));
        Ok(Login {
            grant: self.plan.grant(refresh.is_some()),
            fresh: Fresh { secret, refresh, login_life, until, username },
            did: answer.text("did").filter(|did| did.starts_with("did:")).map(str::to_owned),
            lacks: push_scope.clone().filter(|scope| lacks(answer.text("scope"), scope)),
        })
    }

    /// Ends what the provider gave and nobody keeps. If that fails, it ends by itself.
    fn give_back(&self, token: &Secret, refresh: Option<&Secret>) {
        if let Some(grant) = self.plan.grant(refresh.is_some()) {
            let kept = Kept { refresh: refresh.map(Secret::copy), ..token.copy().into() };
            let _ = revoke(&Grant { exchange: None, ..grant }, &kept); // it is the provider's own token
        }
    }

    /// The user name at the registry, as far as the provider tells it.
    fn username(&self, answer: &Answer, token: &Secret) -> Option<Username> {
        let name = match &self.plan.provider.username {
            UsernameRule::Fixed(name) => Some(name.clone()),
            UsernameRule::Field(field) => answer.text(field).map(str::to_owned),
            UsernameRule::Claim(path) => {
                let tokens = [Some(token.copy()), answer.secret("id_token")];
                let in_tokens = tokens.into_iter().flatten().find_map(|token| at(&jwt::claims(&token)?, path));
                in_tokens.or_else(|| at(&self.userinfo(token)?, path))
            }
            UsernameRule::Ask => None,
        };
        name?.parse().ok()
    }

    #[expect(clippy::disallowed_methods, reason = "what the provider says about the user is read")]
    fn userinfo(&self, token: &Secret) -> Option<Value> {
        let url = self.plan.userinfo_url.clone()?;
        let request = Request {
            accept: Some("application/json"),
            ..Request::new(Method::Get, url, Authorization::Bearer(token.copy()))
        };
        let response = self.client.send(&request).ok().filter(|response| response.status == 200)?;
        serde_json::from_str(response.body?.expose()).ok()
    }
}

fn at(claims: &Value, path: &[String]) -> Option<String> {
    let value = path.iter().try_fold(claims, |value, key| value.get(key))?.as_str()?;
    Some(value.to_owned())
}

/// Tells whether an answer names the granted scopes without this one. GitHub separates them by commas.
fn lacks(granted: Option<&str>, scope: &str) -> bool {
    granted.is_some_and(|granted| !granted.split([' ', ',']).any(|one| one == scope))
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
            assert_eq!(lacks(granted, "write:packages"), missing, "{granted:?}");
        }
    }

    #[test]
    fn a_claim_lies_at_the_end_of_its_path() {
        let claims = json!({"https://hub.docker.com": {"username": "moby"}, "sub": 1});
        let path = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (words, found) in
            [(vec!["https://hub.docker.com", "username"], Some("moby")), (vec!["sub"], None), (vec!["x", "y"], None)]
        {
            assert_eq!(at(&claims, &path(&words)).as_deref(), found);
        }
    }
}
