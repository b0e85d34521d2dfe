//! The registry on the wire: does it accept a login? Asked before anything is stored, and by people who wonder.

mod challenge;
mod handshake;
mod realm;
#[cfg(test)]
mod scripted_server;

use handshake::{Handshake, Step};

use crate::model::{Credential, Registry};
use crate::system::http::{Client, Failure, Limits, Url};

/// What a registry makes of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The registry knows these credentials. What they may pull or push is not said.
    Accepted,
    /// The registry answers anyone, so the credentials were not checked.
    Open,
    /// The registry or its token server refuses these credentials.
    Rejected { by: String },
    /// Nothing was proved; `why` is a part of a sentence that names the host.
    Unverified { why: String },
}

/// Whether the user allowed the registry to be spoken to without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Plain http only to this machine itself.
    Https,
    PlainHttpAllowed,
}

/// Logs in to the registry as `docker login` does: it must answer `GET /v2/` with 200. Where plain http is allowed,
/// https is tried first, as Docker's daemon does with its insecure registries.
pub(crate) fn check(registry: &Registry, credential: &Credential, wire: Wire) -> Verdict {
    check_within(Limits::default(), registry, credential, wire)
}

fn check_within(limits: Limits, registry: &Registry, credential: &Credential, wire: Wire) -> Verdict {
    let client = Client::new(limits);
    let (Some(https), Some(http)) = (endpoint("https", registry), endpoint("http", registry)) else {
        return unverified(format!("`{registry}` is no host that can be asked"));
    };
    log_in(&client, https, credential, wire).unwrap_or_else(|nobody| {
        let plain = wire == Wire::PlainHttpAllowed || registry.is_loopback();
        if plain { log_in(&client, http, credential, wire).unwrap_or(nobody) } else { nobody }
    })
}

/// `None` for a key that is no host: some programs store arbitrary text.
fn endpoint(scheme: &str, registry: &Registry) -> Option<Url> {
    let authority = registry.api_authority();
    Url::parse(&format!("{scheme}://{authority}/v2/"))
        .filter(|url| url.authority() == authority && url.path() == "/v2/")
}

/// Carries the handshake's requests out. An error is the verdict if nobody speaks this scheme there.
fn log_in(client: &Client, url: Url, credential: &Credential, wire: Wire) -> Result<Verdict, Verdict> {
    let host = url.authority().to_owned();
    let plain = !url.is_https();
    let (mut handshake, ping) = Handshake::start(url, credential, wire);
    let mut answer = client.send(&ping);
    match &answer {
        Err(Failure(why)) => return Err(unreachable(&host, why)),
        // what Go's TLS servers say to plain http
        Ok(response) if plain && response.status == 400 => return Err(unverified(format!("`{host}` wants https"))),
        Ok(_) => {}
    }
    loop {
        match handshake.feed(answer) {
            Step::Send(request) => answer = client.send(&request),
            Step::Done(verdict) => return Ok(verdict),
        }
    }
}

fn unreachable(host: &str, why: &str) -> Verdict {
    unverified(format!("could not reach `{host}`: {why}"))
}

fn unverified(why: String) -> Verdict {
    Verdict::Unverified { why }
}
