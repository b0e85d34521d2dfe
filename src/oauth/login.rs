//! A login by device code, from the provider's row in the table to what is kept: the part that sends and sleeps.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::answer::Answer;
use super::device::{Ended, Hitch, Invitation, Poll, Prompt, Reply, Step};
use super::discovery::{self, Metadata};
use super::provider::{Body, Provider, UsernameRule};
use super::{Exchange, Fresh, endpoint, renew};
use crate::model::{Grant, Registry, Secret, Username, jwt};
use crate::system::http::{Authorization, Client, Field, Limits, Method, Request, Url};

/// A provider with every address known: ready to begin.
#[derive(Debug)]
pub(crate) struct Plan {
    provider: Provider,
    registry: Registry,
    device_url: Url,
    token_url: Url,
    revoke_url: Option<Url>,
    userinfo_url: Option<Url>,
    exchange_url: Option<Url>,
    /// People may be sent to the registry's own domain alone.
    near: bool,
}

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

/// Of one request. The whole may take as long as a code lasts, which `Poll` bounds.
const LIMITS: Limits =
    Limits { connect: Duration::from_secs(10), overall: Duration::from_secs(30), total: Duration::from_hours(2) };

const SECOND: Duration = Duration::from_secs(1);

impl Plan {
    /// Completes a provider's row for a registry; asks its issuer where that is needed. An error is a sentence.
    pub(crate) fn of(provider: Provider, registry: &Registry) -> Result<Self, String> {
        let near = provider.is_announced || provider.device_url.as_ref().is_some_and(|url| url.starts_with('/'));
        if let Some(issuer) = provider.issuer.as_ref().filter(|_| near) {
            stay_near(&endpoint::parse(issuer)?, registry)?;
        }
        let found = match (&provider.device_url, &provider.issuer) {
            (Some(_), _) => Metadata::default(),
            (None, Some(issuer)) => discovery::find(&client(), issuer)?,
            (None, None) => return Err(format!("no issuer is known for {}: give it with `--issuer`", provider.title)),
        };
        let (issuer, tenant) = (provider.issuer.as_deref(), provider.tenant.as_deref());
        let resolve = |own: &Option<String>, found: Option<String>| -> Result<Option<Url>, String> {
            let Some(text) = own.clone().or(found) else { return Ok(None) };
            let url = endpoint::resolve(&text, registry, issuer, tenant)?;
            if near {
                stay_near(&url, registry)?;
            }
            Ok(Some(url))
        };
        let needed = |url: Option<Url>, field: &str| url.ok_or_else(|| format!("{} has no `{field}`", provider.title));
        if provider.wants_client_id() && provider.client_id.is_none() {
            return Err(format!("no client id is known for {}: give it with `--client-id`", provider.title));
        }
        Ok(Self {
            device_url: needed(resolve(&provider.device_url, found.device)?, "device_url")?,
            token_url: needed(resolve(&provider.token_url, found.token)?, "token_url")?,
            revoke_url: resolve(&provider.revoke_url, found.revoke)?,
            userinfo_url: resolve(&provider.userinfo_url, found.userinfo)?,
            exchange_url: resolve(&provider.exchange_url, None)?,
            registry: registry.clone(),
            near,
            provider,
        })
    }

    /// Asks for a code. An error is a sentence that names the host.
    pub(crate) fn begin(self, device_name: &str) -> Result<Pending, String> {
        let Provider { client_id, scope, audience, body, .. } = &self.provider;
        let client = client();
        let mut words = vec![];
        let mut add = |key, value: &Option<String>| words.extend(value.clone().map(|value| (key, value)));
        add("client_id", client_id);
        add("scope", scope);
        add("audience", audience);
        if *body == Body::Json {
            words.push(("device_name", device_name.to_owned()));
        }
        let host = self.device_url.authority();
        let request = self.request(&self.device_url, words, None);
        let response = client.send(&request).map_err(|failure| format!("could not reach `{host}`: {}", failure.0))?;
        let answer = Answer::read(&response);
        let invitation = Invitation::read(response.status, &answer, self.error(&answer))
            .map_err(|why| format!("`{host}` gave no code to log in with at `{}`: {why}", self.device_url.path()))?;
        if self.near {
            let links = [Some(&invitation.prompt.link), invitation.prompt.complete.as_ref()];
            for link in links.into_iter().flatten() {
                stay_near(&endpoint::parse(link.split('#').next().unwrap_or_default())?, &self.registry)?;
            }
        }
        Ok(Pending { client, invitation, started: Instant::now(), plan: self })
    }

    /// A request in the provider's manner, with the device code if there is one.
    fn request<'r>(
        &self,
        url: &Url,
        words: Vec<(&'static str, String)>,
        device_code: Option<&'r Secret>,
    ) -> Request<'r> {
        let request = Request::new(Method::Post, url.clone(), Authorization::None);
        let accept = Some("application/json");
        match self.provider.body {
            Body::Form => {
                let plain = words.into_iter().map(|(key, value)| (key, Field::Plain(value)));
                let form = plain.chain(device_code.map(|code| ("device_code", Field::Secret(code)))).collect();
                Request { accept, form, ..request }
            }
            Body::Json => Request { accept, json: Some(json_body(words, device_code)), ..request },
        }
    }

    fn error<'a>(&self, answer: &'a Answer) -> Option<&'a str> {
        answer.text(self.provider.error_field.as_deref().unwrap_or("error"))
    }

    /// How the login is renewed and revoked; `None` if it is neither.
    fn grant(&self, has_refresh: bool) -> Option<Grant> {
        let Provider { name, issuer, client_id, exchange, tenant, page, .. } = &self.provider;
        let shown = |url: &Url| url.to_string();
        (has_refresh || self.revoke_url.is_some()).then(|| Grant {
            provider: name.clone(),
            issuer: issuer.clone(),
            client_id: client_id.clone().unwrap_or_default(),
            token_url: shown(&self.token_url),
            revoke_url: self.revoke_url.as_ref().map(shown),
            exchange: exchange.map(|exchange| exchange.name().to_owned()),
            tenant: tenant.clone(),
            page: page.clone(),
        })
    }
}

impl Pending {
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
        let until = renew::end(answer, &token, SystemTime::now());
        let username = self.username(answer, &token);
        // What is renewed is the access token: if the registry takes another field, the login ends with it.
        let refresh = answer.secret("refresh_token").filter(|_| secret_field.is_none());
        let (secret, until) = match exchange {
            Some(exchange) => exchange.run(
                &self.client,
                &self.plan.registry,
                self.plan.exchange_url.as_ref(),
                tenant.as_deref(),
                &token,
            )?,
            None => (token, until),
        };
        let until = until.filter(|_| !exchange.is_some_and(Exchange::is_lasting));
        Ok(Login {
            grant: self.plan.grant(refresh.is_some()),
            fresh: Fresh { secret, refresh, until, username },
            did: answer.text("did").filter(|did| did.starts_with("did:")).map(str::to_owned),
            lacks: push_scope.clone().filter(|scope| lacks(answer.text("scope"), scope)),
        })
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

/// A registry that sends people elsewhere may want a stranger to be logged in there (RFC 8628 section 5.4).
fn stay_near(url: &Url, registry: &Registry) -> Result<(), String> {
    if endpoint::is_near(url, registry) {
        return Ok(());
    }
    Err(format!("{registry} points to `{}`, which is not its own domain: it is not followed", url.host()))
}

fn client() -> Client {
    Client::new(LIMITS)
}

#[expect(clippy::disallowed_methods, reason = "the provider is sent its own code back")]
fn json_body(words: Vec<(&'static str, String)>, device_code: Option<&Secret>) -> Secret {
    let mut body: serde_json::Map<_, _> =
        words.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
    body.extend(device_code.map(|code| ("device_code".to_owned(), json!(code.expose()))));
    Secret::new(Value::Object(body).to_string())
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
