//! `HttpError`: why a request failed, in plain words.

use std::io::ErrorKind;

use ureq::Error;

use crate::system::text::one_line;

/// The reason why there is no response, worded as the second half of a sentence.
#[derive(Debug)]
pub(crate) struct HttpError(pub(crate) String);

/// Parts of the messages about TLS. Callers search a message for these parts to choose a hint.
pub(crate) const TLS_FAILED: &str = "TLS failed";
pub(crate) const UNKNOWN_ISSUER: &str = "UnknownIssuer";
pub(crate) const NO_AUTHORITIES: &str = "No CA certificates were loaded";
pub(crate) const NO_CLIENT_CERTIFICATE: &str = "the server requires a client certificate";
/// The TLS alerts that a server sends if it refuses the client's certificate or received no certificate (RFC 8446
/// section 6.2). Older Go servers send `BadCertificate` if the client sends no certificate.
const CLIENT_ALERTS: [&str; 6] = [
    "CertificateRequired",
    "BadCertificate",
    "UnsupportedCertificate",
    "CertificateExpired",
    "CertificateUnknown",
    "UnknownCA",
];
pub(crate) const NO_TLS: &str = "the server does not use TLS";
/// The code of macOS for a chain that ends in an unknown authority (`errSecNotTrusted`).
const MAC_NOT_TRUSTED: &str = "-67843";
const NOT_TRUSTED: &str = "the server's certificate is not trusted";

/// Tells whether the connection failed or was closed early, so that a longer wait would not help.
pub(super) fn is_broken(error: &Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, UnexpectedEof};
    match error {
        Error::Io(error) => {
            matches!(error.kind(), ConnectionRefused | ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof)
        }
        Error::ConnectionFailed => true,
        _ => false,
    }
}

pub(super) fn explain(error: &Error) -> String {
    match error {
        Error::Timeout(_) => "the server did not answer in time".to_owned(),
        Error::HostNotFound => "unknown host".to_owned(),
        Error::Io(error) => match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
                "the server closed the connection".to_owned()
            }
            ErrorKind::InvalidData => explain_tls(&error.to_string()), // an error of rustls
            _ => one_line(&error.to_string(), 200),
        },
        Error::LargeResponseHeader(..) => "the headers of the response are too long".to_owned(),
        Error::Tls(why) => format!("{TLS_FAILED}: {why}"),
        Error::Protocol(error) => one_line(&format!("the answer is not valid HTTP ({error})"), 200),
        error => one_line(&error.to_string(), 200),
    }
}

/// Replaces rustls's messages for common errors by plain messages.
fn explain_tls(error: &str) -> String {
    let plain = if let Some(why) = error.strip_prefix("invalid peer certificate: ") {
        // rustls refuses an authority as a server's certificate before it checks whether the authority is trusted.
        let is_unknown = |part: &&str| why.contains(*part);
        let why = if ["CaUsedAsEndEntity", MAC_NOT_TRUSTED].iter().any(is_unknown) { UNKNOWN_ISSUER } else { why };
        format!("{TLS_FAILED}: {NOT_TRUSTED} ({why})")
    } else if let Some(alert) =
        error.strip_prefix("received fatal alert: ").filter(|alert| CLIENT_ALERTS.contains(alert))
    {
        format!("{TLS_FAILED}: {NO_CLIENT_CERTIFICATE} ({alert})")
    } else if error.starts_with("received corrupt message") {
        NO_TLS.to_owned()
    } else {
        format!("{TLS_FAILED}: {error}")
    };
    one_line(&plain, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_tls_is_said_plainly() {
        for (error, expected) in [
            (
                "invalid peer certificate: UnknownIssuer",
                "TLS failed: the server's certificate is not trusted (UnknownIssuer)",
            ),
            (
                "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
                "TLS failed: the server's certificate is not trusted (UnknownIssuer)",
            ),
            (
                "invalid peer certificate: Other(OtherError(“a.lan” certificate is not trusted: -67843))",
                "TLS failed: the server's certificate is not trusted (UnknownIssuer)",
            ),
            (
                "received fatal alert: CertificateRequired",
                "TLS failed: the server requires a client certificate (CertificateRequired)",
            ),
            ("received corrupt message of type InvalidContentType", "the server does not use TLS"),
            ("received fatal alert: HandshakeFailure", "TLS failed: received fatal alert: HandshakeFailure"),
        ] {
            assert_eq!(explain_tls(error), expected);
        }
    }
}
