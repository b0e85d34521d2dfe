//! Requests to identity providers: device login (RFC 8628), renewal and revocation.
//!
//! The modules `provider` and `table` describe providers as data. `device` interprets responses, with neither I/O nor
//! clock. `login_plan` and `login` send the requests and wait between them. `discovery` and `endpoint` find the
//! providers' addresses. `exchange` turns a provider's token into a token for a registry. `renewal` renews a login, and
//! `revocation` revokes it.

mod announcement;
mod device;
mod discovery;
mod endpoint;
mod exchange;
mod expiry;
mod login;
mod login_plan;
mod provider;
mod renewal;
mod response;
mod revocation;
mod table;

use std::time::{Duration, SystemTime};

use crate::model::{LoginLife, Secret, Username};
use crate::system::http::{Authorization, HttpClient, HttpRequest, Limits, Method, Url};
pub(crate) use announcement::{announced_provider, own_issuer};
pub(crate) use device::{DeviceFlowError, PollWarning, Prompt};
pub(crate) use expiry::token_expiry;
pub(crate) use login::{DeviceLogin, PendingLogin, WaitNotice};
pub(crate) use login_plan::LoginPlan;
use provider::TokenExchange;
pub(crate) use provider::{Provider, ProviderOverrides};
pub(crate) use renewal::renew;
pub(crate) use revocation::revoke;
pub(crate) use table::ProviderTable;

/// The tokens that a provider issued.
#[derive(Debug)]
pub(crate) struct TokenSet {
    /// The token for the registry.
    pub(crate) secret: Secret,
    /// The next refresh token, or `None` if the previous refresh token stays valid.
    pub(crate) refresh: Option<Secret>,
    /// The lifetime of the refresh token, if the provider states it.
    pub(crate) login_life: Option<LoginLife>,
    /// The expiry of the secret, if it is known.
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) username: Option<Username>,
}

/// Why a renewal failed. Each text is a part of a sentence and contains the host.
#[derive(Debug)]
pub(crate) enum RenewError {
    /// The provider has ended the login, so a person has to log in again.
    Over(String),
    /// The provider's session has ended, so a person must log in at `page` before the next renewal. The stored login
    /// stays valid.
    SessionOver { page: String },
    /// There is no token now, but a later attempt may succeed.
    Later(RenewDelay),
}

/// Why a renewal has to wait.
#[derive(Debug)]
pub(crate) struct RenewDelay {
    pub(crate) why: String,
    /// A new refresh token that the provider issued before the failure. The old refresh token may be invalid.
    pub(crate) refresh: Option<Secret>,
    pub(crate) login_life: Option<LoginLife>,
}

impl From<String> for RenewDelay {
    fn from(why: String) -> Self {
        Self { why, refresh: None, login_life: None }
    }
}

/// Tells whether a link from an untrusted server may be opened in a browser. Only the characters of RFC 3986 are
/// allowed, because the program that opens the link could misread others. `http::Uri` accepts others.
pub(crate) fn is_fit_for_browser(link: &str) -> bool {
    let address = link.split('#').next().unwrap_or_default();
    endpoint::parse(address).is_ok()
        && link.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b))
}

/// ATCR's error code for an ended session, after which a person must log in again with a browser.
const SESSION_OVER: &str = "oauth_session_expired";

fn client(patience: Duration) -> HttpClient {
    HttpClient::new(Limits { connect: patience.min(Duration::from_secs(10)), overall: patience, total: patience })
}

/// Creates a request whose response should be JSON. Without the header `Accept`, GitHub sends a form-encoded response.
fn request_for_json(method: Method, url: Url, authorization: Authorization<'_>) -> HttpRequest<'_> {
    HttpRequest { accept: Some("application/json"), ..HttpRequest::new(method, url, authorization) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_sent_to_plain_links_alone() {
        for (link, fit) in [
            ("https://github.com/login/device", true),
            ("https://p.example/d?user_code=AB-CD&x=%20#top", true),
            ("http://localhost:3000/device", true),
            ("http://p.example/d", false),
            ("file:///etc/passwd", false),
            ("javascript:alert(1)", false),
            ("https://p.example/\"&calc", false),
            ("https://p.example/d#\"&calc", false),
            ("https://p.example/ d", false),
            ("https://me@p.example/d", false),
            ("-h", false),
            ("", false),
        ] {
            assert_eq!(is_fit_for_browser(link), fit, "{link}");
        }
    }
}
