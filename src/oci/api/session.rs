//! `Session`: requests of one kind to one registry, with the credentials they need and where they may be shown.

use std::time::{Duration, SystemTime};

use crate::model::{Credential, Registry, Secret};
use crate::oci::access::{Access, Inquiry, Question, Step};
use crate::oci::scope::Scopes;
use crate::oci::visitor::Visitor;
use crate::oci::{Asked, Wire, client, enter, realm};
use crate::system::http::{Arrival, Authorization, Client, Failure, Method, Payload, Transfer, Url};

/// A registry that has let somebody in.
pub(super) struct Session<'a> {
    client: Client,
    inquiry: Inquiry<'a>,
    /// What follows from the login; after that every request goes on from the one before.
    first: Option<Step<'a>>,
}

/// One request, without the credentials.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) payload: Payload,
}

/// How long a server may do nothing at all: to put a large blob in its place takes some.
const SILENCE: Duration = Duration::from_mins(1);

const MAX_REDIRECTS: u8 = 3;

/// What may be told to a server that the registry sends us to: what is wanted, and what is sent. Every other header of a
/// person's may be a secret.
const HEADERS_FOR_OTHERS: [&str; 3] = ["accept", "content-type", "range"];

impl<'a> Session<'a> {
    /// Logs in, or goes on without a login, to make requests that need `scopes`.
    pub(super) fn open(
        registry: &Registry,
        credential: Option<&'a Credential>,
        wire: Wire,
        scopes: Scopes,
    ) -> Result<Self, Asked<Access>> {
        let client = client(registry, wire);
        let visitor = credential.map_or_else(Visitor::nobody, Visitor::of);
        let (verdict, entrance, visitor) = enter(&client, registry, visitor, wire);
        let Some(entrance) = entrance else {
            return Err(Asked { answer: Access::of(verdict), renewed: visitor.into_renewed(), expiry: None });
        };
        let (inquiry, first) = Inquiry::start(entrance, visitor, wire, Question::Leave(scopes));
        Ok(Self { client, inquiry, first: Some(first) })
    }

    /// The identity token to keep in place of the one that was shown.
    pub(super) fn close(self) -> Option<Secret> {
        self.inquiry.into_visitor().into_renewed()
    }

    /// The registry's address of a path.
    pub(super) fn at(&self, path: &str) -> Option<Url> {
        self.inquiry.registry().at(path)
    }

    /// Tells whether the registry has accepted the account, whatever it says to a request.
    pub(super) fn is_known(&self) -> bool {
        self.inquiry.is_proven()
    }

    /// Makes a request to the registry, with its credentials; once more if it wants others than were shown. Its 401 is
    /// an answer like any other after that.
    pub(super) fn ask(&mut self, outgoing: &Outgoing) -> Result<Arrival, Access> {
        let step = self.first.take().unwrap_or_else(|| self.inquiry.go_on(SystemTime::now()));
        let authorization = self.leave(step)?;
        let arrival = self.transfer(outgoing, authorization)?;
        if arrival.status != 401 {
            return Ok(arrival);
        }
        let challenges = arrival.headers.iter().filter(|(name, _)| name == "www-authenticate");
        let challenges: Vec<String> = challenges.map(|(_, value)| value.clone()).collect();
        let step = self.inquiry.refused(&challenges);
        match self.leave(step) {
            Ok(authorization) => self.transfer(outgoing, authorization),
            Err(Access::Denied { .. } | Access::Rejected { .. }) => Ok(arrival),
            Err(access) => Err(access),
        }
    }

    /// The same; where the registry sends us on, the answer is fetched from there. Credentials are for the registry
    /// alone.
    pub(super) fn fetch(&mut self, outgoing: &Outgoing) -> Result<Arrival, Access> {
        let mut outgoing = outgoing.clone();
        let mut arrival = self.ask(&outgoing)?;
        for _ in 0..MAX_REDIRECTS {
            let (301 | 302 | 303 | 307 | 308, Some(location)) = (arrival.status, arrival.header("location")) else {
                return Ok(arrival);
            };
            outgoing.url = self.resolve(location, &outgoing.url)?;
            arrival = self.go(&outgoing)?;
        }
        match arrival.status {
            301 | 302 | 303 | 307 | 308 => {
                Err(Access::Unknown { why: format!("`{}` redirects again and again", outgoing.url.authority()) })
            }
            _ => Ok(arrival),
        }
    }

    /// Makes a request wherever the registry said: with its credentials if that is the registry itself.
    pub(super) fn go(&mut self, outgoing: &Outgoing) -> Result<Arrival, Access> {
        if outgoing.url.is_same_origin(self.inquiry.registry()) {
            return self.ask(outgoing);
        }
        let mut outgoing = outgoing.clone();
        outgoing.headers.retain(|(name, _)| HEADERS_FOR_OTHERS.contains(&name.to_lowercase().as_str()));
        self.transfer(&outgoing, Authorization::None)
    }

    /// The address that the server at `from` named.
    pub(super) fn resolve(&self, location: &str, from: &Url) -> Result<Url, Access> {
        let host = from.authority();
        match realm::resolve(location, from) {
            None => Err(Access::Unknown { why: format!("`{host}` sends us on to something that is no address") }),
            Some(url) if from.is_https() && !url.is_https() => {
                Err(Access::Unknown { why: format!("`{host}` sends us on from https to plain http") })
            }
            Some(url) => Ok(url),
        }
    }

    /// Carries out what is asked of token servers before the request itself may be made.
    fn leave(&mut self, mut step: Step<'a>) -> Result<Authorization<'a>, Access> {
        let client = self.client.rested();
        loop {
            match step {
                Step::Send(request) => step = self.inquiry.feed(client.send(&request)),
                Step::Go(authorization) => return Ok(authorization),
                Step::Done(Err(access)) => return Err(access),
                Step::Done(Ok(_)) => unreachable!("nobody asked for the token itself"),
            }
        }
    }

    fn transfer(&self, outgoing: &Outgoing, authorization: Authorization<'_>) -> Result<Arrival, Access> {
        let Outgoing { method, url, headers, payload } = outgoing.clone();
        let host = url.authority().to_owned();
        let transfer = Transfer { method, url, headers, authorization, payload };
        self.client
            .transfer(&transfer, SILENCE)
            .map_err(|Failure(why)| Access::Unknown { why: format!("could not reach `{host}`: {why}") })
    }
}
