//! `RegistrySession`: sends requests with the same scopes to one registry. Credentials are sent only to the server for
//! which they are meant.

use std::time::{Duration, SystemTime};

use crate::model::Registry;
use crate::oci::access::{AccessProbe, ProbeRequest, ProbeStep, RepositoryAccess};
use crate::oci::requester::Requester;
use crate::oci::scope::Scopes;
use crate::oci::{TransportSecurity, authenticate, client, realm};
use crate::system::http::{Authorization, HttpClient, HttpError, Method, Payload, StreamingResponse, Transfer, Url};

/// A session with a registry, after the login.
pub(super) struct RegistrySession<'r, 'a> {
    client: HttpClient,
    probe: AccessProbe<'r, 'a>,
    /// The probe's first step, which the first request uses. Later requests get their steps from the probe.
    first: Option<ProbeStep<'a>>,
}

/// A request without its credentials.
#[derive(Clone, Debug)]
pub(super) struct SessionRequest {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) payload: Payload,
}

/// The time limit for a server that sends no data. A server may need up to a minute to store a large blob.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

const MAX_REDIRECTS: u8 = 3;

/// The headers that are kept when a redirect leads to another server. Other headers that a person sets may contain
/// secrets.
const HEADERS_FOR_OTHERS: [&str; 3] = ["accept", "content-type", "range"];

impl<'r, 'a> RegistrySession<'r, 'a> {
    /// Begins a session, with or without a login, for requests with these `scopes`.
    pub(super) fn open(
        registry: &Registry,
        requester: &'r mut Requester<'a>,
        security: TransportSecurity,
        scopes: Scopes,
    ) -> Result<Self, RepositoryAccess> {
        let client = client(registry, security);
        let (verdict, context) = authenticate(&client, registry, requester, security);
        let context = context.ok_or_else(|| RepositoryAccess::from_verdict(verdict))?;
        let (probe, first) = AccessProbe::start(context, requester, security, ProbeRequest::Authorize(scopes));
        Ok(Self { client, probe, first: Some(first) })
    }

    /// Returns the address of `path` at the registry.
    pub(super) fn at(&self, path: &str) -> Option<Url> {
        self.probe.registry().at(path)
    }

    /// Tells whether the registry has accepted the account.
    pub(super) fn is_known(&self) -> bool {
        self.probe.is_proven()
    }

    /// Sends a request with the credentials for the registry. After a 401, sends the request once more, with the
    /// credentials that the new challenge requires. A second 401 is returned as the response.
    pub(super) fn ask(&mut self, request: &SessionRequest) -> Result<StreamingResponse, RepositoryAccess> {
        let step = self.first.take().unwrap_or_else(|| self.probe.resume(SystemTime::now()));
        let authorization = self.authorize(step)?;
        let response = self.transfer(request, authorization)?;
        if response.status != 401 {
            return Ok(response);
        }
        let challenges = response.headers.iter().filter(|(name, _)| name == "www-authenticate");
        let challenges: Vec<String> = challenges.map(|(_, value)| value.clone()).collect();
        let step = self.probe.on_refusal(&challenges);
        match self.authorize(step) {
            Ok(authorization) => self.transfer(request, authorization),
            Err(RepositoryAccess::Denied { .. } | RepositoryAccess::Rejected { .. }) => Ok(response),
            Err(access) => Err(access),
        }
    }

    /// Sends a request as [`Self::ask`] does, and follows redirects. After a redirect to another server, sends no
    /// credentials.
    pub(super) fn fetch(&mut self, request: &SessionRequest) -> Result<StreamingResponse, RepositoryAccess> {
        let mut request = request.clone();
        let mut response = self.ask(&request)?;
        for redirects in 0.. {
            let (301 | 302 | 303 | 307 | 308, Some(location)) = (response.status, response.header("location")) else {
                break;
            };
            if redirects == MAX_REDIRECTS {
                let host = request.url.authority();
                return Err(RepositoryAccess::unknown(format!("`{host}` redirects again and again")));
            }
            request.url = realm::redirect_target(location, &request.url).map_err(RepositoryAccess::unknown)?;
            response = self.follow(&request)?;
        }
        Ok(response)
    }

    /// Sends a request to any address, but with credentials only if that address is the registry's.
    pub(super) fn follow(&mut self, request: &SessionRequest) -> Result<StreamingResponse, RepositoryAccess> {
        if request.url.is_same_origin(self.probe.registry()) {
            return self.ask(request);
        }
        let mut request = request.clone();
        request.headers.retain(|(name, _)| HEADERS_FOR_OTHERS.contains(&name.to_lowercase().as_str()));
        self.transfer(&request, Authorization::None)
    }

    /// Returns the authorization for a request. If the request needs a token, first fetches the token.
    fn authorize(&mut self, mut step: ProbeStep<'a>) -> Result<Authorization<'a>, RepositoryAccess> {
        let client = self.client.with_fresh_deadline();
        loop {
            match step {
                ProbeStep::Send(request) => step = self.probe.on_response(client.send(&request)),
                ProbeStep::Authorized(authorization) => return Ok(authorization),
                ProbeStep::Done(Err(access)) => return Err(access),
                ProbeStep::Done(Ok(_)) => unreachable!("an `Authorize` probe returns no token"),
            }
        }
    }

    fn transfer(
        &self,
        request: &SessionRequest,
        authorization: Authorization<'_>,
    ) -> Result<StreamingResponse, RepositoryAccess> {
        let SessionRequest { method, url, headers, payload } = request.clone();
        let host = url.authority().to_owned();
        let transfer = Transfer { method, url, headers, authorization, payload };
        let response = self.client.transfer(&transfer, IDLE_TIMEOUT);
        response.map_err(|HttpError(why)| RepositoryAccess::unknown(format!("could not reach `{host}`: {why}")))
    }
}
