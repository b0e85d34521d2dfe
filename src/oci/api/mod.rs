//! Sends requests to a registry's API, with an account or anonymously, and handles redirects, pages and digests.

mod endpoint;
mod pages;
mod session;

use std::collections::BTreeSet;
use std::io::{self, Read};

use serde_json::Value;

use super::requester::Requester;
use super::{RegistryReply, RepositoryAccess, TransportSecurity, realm};
use crate::model::{Credential, Registry};
use crate::system::digest::Hasher;
pub(crate) use crate::system::digest::{Digests, Mismatch};
use crate::system::http::{HttpError, StreamingResponse};
pub(crate) use crate::system::http::{Method, Payload};
use crate::system::text::one_line;

pub(crate) use endpoint::{Endpoint, EndpointKind};
use session::{RegistrySession, SessionRequest};

/// A request to the API.
#[derive(Debug)]
pub(crate) struct ApiRequest {
    pub(crate) method: Method,
    pub(crate) endpoint: Endpoint,
    /// The headers that the person sets.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) payload: Payload,
    pub(crate) paginate: bool,
}

/// The registry's answer.
pub(crate) struct ApiResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// Whether the registry accepted the account. `status` may be an error even if the account was accepted.
    pub(crate) known: bool,
    /// The digests of the sent body.
    pub(crate) sent: Option<Digests>,
    /// Whether the list continues on a further page.
    pub(crate) has_more: bool,
    body: ResponseBody,
    /// The expected digests of the body, each with the place where the digest was found.
    named: Vec<(&'static str, String)>,
}

enum ResponseBody {
    Coming {
        response: StreamingResponse,
        hasher: Box<Hasher>,
    },
    /// The merged list from all pages.
    Whole(Vec<u8>),
}

/// The size limit of a body that is read into memory. The limit is four times the manifest size that registries accept.
pub(crate) const LARGEST_TEXT: usize = 16 << 20;

/// The limits for a list: the number of its pages, and the size of all pages together.
const MAX_PAGES: usize = 1000;
const LARGEST_LIST: usize = 64 << 20;

/// Logs in and sends the request. A response with any status is returned as `Ok`. An error says why there is no
/// response.
pub(crate) fn call(
    call: &ApiRequest,
    registry: &Registry,
    credential: Option<&Credential>,
    security: TransportSecurity,
) -> RegistryReply<Result<ApiResponse, RepositoryAccess>> {
    let scopes = call.endpoint.scopes(call.method);
    let mut requester = credential.map_or_else(Requester::anonymous, Requester::new);
    let session = RegistrySession::open(registry, &mut requester, security, scopes);
    let answer = session.and_then(|mut session| answer(call, &mut session));
    let is_rejected = matches!(answer, Err(RepositoryAccess::Rejected { .. }));
    RegistryReply { answer, is_rejected, renewed: requester.into_renewed(), expiry: None }
}

fn answer(call: &ApiRequest, session: &mut RegistrySession<'_, '_>) -> Result<ApiResponse, RepositoryAccess> {
    let sent = measure(&call.payload, call.endpoint.digest())?;
    if let (Some(sent), Some(named)) = (&sent, call.endpoint.digest())
        && call.endpoint.kind == EndpointKind::Manifest
        && let Err(mismatch) = sent.check(named)
    {
        return Err(RepositoryAccess::unknown(mismatch.description("the path")));
    }
    if let (EndpointKind::Uploads, Method::Post, Some(sent)) = (call.endpoint.kind, call.method, &sent) {
        return upload(call, session, sent);
    }
    let outgoing = call.outgoing(session, &call.endpoint.path)?;
    if call.paginate {
        return all_pages(call, session, outgoing);
    }
    let page_url = outgoing.url.clone();
    let response = match call.method {
        Method::Get | Method::Head => session.fetch(&outgoing)?,
        _ => session.ask(&outgoing)?,
    };
    let mut answer = ApiResponse::new(response, call, session.is_known());
    answer.has_more = pages::next(&answer.links(), &page_url).is_ok_and(|next| next.is_some());
    answer.sent = sent;
    answer.check_sent()?;
    Ok(answer)
}

/// Uploads a blob (distribution-spec «POST then PUT»). The first request begins the upload, and the second request
/// sends the blob.
fn upload(
    call: &ApiRequest,
    session: &mut RegistrySession<'_, '_>,
    sent: &Digests,
) -> Result<ApiResponse, RepositoryAccess> {
    let repository = call.endpoint.repository.as_deref().unwrap_or_default();
    let mut begin = call.outgoing(session, &format!("/v2/{repository}/blobs/uploads/"))?;
    begin.payload = Payload::Bytes([].into());
    let response = session.ask(&begin)?;
    let Some(location) = response.header("location").filter(|_| response.status == 202) else {
        return Ok(ApiResponse::new(response, call, session.is_known()));
    };
    let url = realm::redirect_target(location, &begin.url).map_err(RepositoryAccess::unknown)?;
    let url = url.with(&format!("digest={}", sent.sha256));
    let url = url.ok_or_else(|| RepositoryAccess::unknown("the upload's address is not valid"))?;
    let mut headers = call.headers.clone();
    if !has(&headers, "content-type") {
        headers.push(("content-type".to_owned(), "application/octet-stream".to_owned()));
    }
    let put = SessionRequest { method: Method::Put, url, headers, payload: call.payload.clone() };
    let mut answer = ApiResponse::new(session.follow(&put)?, call, session.is_known());
    answer.sent = Some(sent.clone());
    answer.check_sent()?;
    Ok(answer)
}

/// Fetches all pages of a list as one response. The returned status and headers are those of the last page.
fn all_pages(
    call: &ApiRequest,
    session: &mut RegistrySession<'_, '_>,
    mut outgoing: SessionRequest,
) -> Result<ApiResponse, RepositoryAccess> {
    let list = pages::list_of(call.endpoint.kind)
        .ok_or_else(|| RepositoryAccess::unknown("`--paginate` works only for lists"))?;
    let (mut all, mut size, mut seen) = (None, 0, BTreeSet::new());
    loop {
        let mut answer = ApiResponse::new(session.fetch(&outgoing)?, call, session.is_known());
        if answer.status != 200 {
            return Ok(answer);
        }
        let next = pages::next(&answer.links(), &outgoing.url).map_err(RepositoryAccess::unknown)?;
        let page = answer.text().map_err(RepositoryAccess::unknown)?;
        size += page.len();
        let page: Value =
            serde_json::from_slice(&page).map_err(|_| RepositoryAccess::unknown("the response is not JSON"))?;
        pages::merge(&mut all, page, list).map_err(RepositoryAccess::unknown)?;
        let Some(next) = next else {
            let mut all = all.unwrap_or_default();
            pages::sort_tags(&mut all);
            answer.body = ResponseBody::Whole(format!("{all}\n").into_bytes());
            return Ok(answer);
        };
        if size > LARGEST_LIST || seen.len() >= MAX_PAGES || !seen.insert(next.to_string()) {
            return Err(RepositoryAccess::unknown(format!("the list did not end after {} pages", seen.len() + 1)));
        }
        outgoing.url = next;
    }
}

/// Computes the digests of the body to send, if there is a body.
fn measure(payload: &Payload, named: Option<&str>) -> Result<Option<Digests>, RepositoryAccess> {
    let failed = |error: io::Error| RepositoryAccess::unknown(format!("could not read the file to send: {error}"));
    let Some(mut reader) = payload.open().map_err(failed)? else { return Ok(None) };
    let mut hasher = Hasher::new(named.map(str::to_owned).as_slice());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer).map_err(failed)? {
            0 => return Ok(Some(hasher.finish())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

impl ApiRequest {
    fn outgoing(&self, session: &RegistrySession<'_, '_>, path: &str) -> Result<SessionRequest, RepositoryAccess> {
        let refused = || format!("`{}` cannot be part of an address", one_line(path, 100));
        let url = session.at(path).ok_or_else(|| RepositoryAccess::unknown(refused()))?;
        let mut headers = self.headers.clone();
        if let Some(types) = self.endpoint.accept().filter(|_| !has(&headers, "accept")) {
            headers.push(("accept".to_owned(), types.to_owned()));
        }
        Ok(SessionRequest { method: self.method, url, headers, payload: self.payload.clone() })
    }
}

impl ApiResponse {
    fn new(response: StreamingResponse, call: &ApiRequest, known: bool) -> Self {
        let header =
            response.header("docker-content-digest").map(|digest| ("`Docker-Content-Digest`", digest.to_owned()));
        let path = call.endpoint.digest().map(|digest| ("the path", digest.to_owned()));
        let whole = response.status == 200 && matches!(call.endpoint.kind, EndpointKind::Manifest | EndpointKind::Blob);
        let named: Vec<_> = path.into_iter().chain(header).filter(|_| whole).collect();
        let digests: Vec<String> = named.iter().map(|(_, digest)| digest.clone()).collect();
        Self {
            status: response.status,
            headers: response.headers.clone(),
            known,
            sent: None,
            has_more: false,
            body: ResponseBody::Coming { response, hasher: Box::new(Hasher::new(&digests)) },
            named,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the next piece of the body.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        match &mut self.body {
            ResponseBody::Whole(whole) => Ok(Some(std::mem::take(whole)).filter(|whole| !whole.is_empty())),
            ResponseBody::Coming { response, hasher } => {
                let piece = response.next().map_err(|HttpError(why)| format!("the response ended early: {why}"))?;
                hasher.update(piece.as_deref().unwrap_or_default());
                Ok(piece)
            }
        }
    }

    /// Returns the whole body, or an error if the body is longer than [`LARGEST_TEXT`]. The merged list from all pages
    /// may be as long as [`LARGEST_LIST`].
    pub(crate) fn text(&mut self) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        while let Some(piece) = self.next()? {
            text.extend(piece);
            if text.len() > LARGEST_TEXT.max(LARGEST_LIST * usize::from(matches!(self.body, ResponseBody::Whole(_)))) {
                return Err(format!("the answer is longer than {} MiB: use `--output FILE`", LARGEST_TEXT >> 20));
            }
        }
        Ok(text)
    }

    /// Checks the digest of the body if the whole body was read. Without the whole body, compares the digest in the
    /// path with the digest in the header.
    pub(crate) fn digest(self, was_read: bool) -> Result<Option<Digests>, String> {
        let ResponseBody::Coming { hasher, .. } = self.body else { return Ok(None) };
        if !was_read {
            let [(_, first), (_, second)] = &self.named[..] else { return Ok(None) };
            let same = first.split(':').next() != second.split(':').next() || first.eq_ignore_ascii_case(second);
            return if same {
                Ok(None)
            } else {
                Err(format!("the digest is `{}`, but the path says `{}`", shown(second), shown(first)))
            };
        }
        let digests = hasher.finish();
        for (who, named) in &self.named {
            digests.check(named).map_err(|mismatch| mismatch.description(who))?;
        }
        Ok(Some(digests))
    }

    /// Compares the digest in the response with the body that was sent, because the registry may have stored other
    /// content.
    fn check_sent(&self) -> Result<(), RepositoryAccess> {
        let named = self.header("docker-content-digest").filter(|_| matches!(self.status, 201 | 202));
        let (Some(sent), Some(named)) = (&self.sent, named) else { return Ok(()) };
        sent.check(named).map_err(|mismatch| RepositoryAccess::unknown(mismatch.description("`Docker-Content-Digest`")))
    }

    fn links(&self) -> Vec<&str> {
        self.headers.iter().filter(|(name, _)| name == "link").map(|(_, value)| value.as_str()).collect()
    }
}

impl Mismatch {
    fn description(&self, who: &str) -> String {
        format!("the digest is `{}`, but {who} says `{}`", self.computed, shown(&self.named))
    }
}

fn shown(digest: &str) -> String {
    one_line(digest, 150)
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
}
