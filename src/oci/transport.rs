//! Makes connections to a registry by TLS or plain http, and recognises faults of TLS.

use crate::model::Registry;
use crate::system::http::{
    self, CertificateFault, HttpClient, Limits, NO_AUTHORITIES, NO_CLIENT_CERTIFICATE, NO_TLS, TLS_FAILED, TlsOptions,
    UNKNOWN_ISSUER,
};

/// Whether the user has allowed plain http and unknown certificates for a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransportSecurity {
    /// Only a registry on this machine may use plain http or an unknown certificate.
    Https,
    PlainHttpAllowed,
}

/// The reason why TLS failed. Each variant leads to another hint for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsTrouble {
    UnknownAuthority,
    NoClientCertificate,
    NotSpoken,
    Other,
}

/// Returns a client for the registry and for the targets of its redirects.
pub(super) fn client(registry: &Registry, security: TransportSecurity) -> HttpClient {
    let is_insecure = security == TransportSecurity::PlainHttpAllowed;
    HttpClient::secured(Limits::default(), TlsOptions { names: certificate_names(registry), is_insecure })
}

/// Returns the names of the registry's folders in `certs.d`. A folder may have the registry's name, the name with port
/// 443, or the name of the API's host.
fn certificate_names(registry: &Registry) -> Vec<String> {
    let (written, asked) = (registry.as_str(), registry.api_authority());
    let mut names = vec![written.to_owned()];
    if asked != written {
        names.push(asked.to_owned());
    }
    if written.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
        names.push(format!("{written}:443"));
    }
    names
}

/// Returns the faults of the certificates that are installed for the registry on this machine.
pub(crate) fn certificate_faults(registry: &Registry) -> Vec<CertificateFault> {
    http::certificate_faults(&certificate_names(registry))
}

impl TransportSecurity {
    /// Tells whether the registry may use plain http or an unknown certificate.
    pub(crate) fn allows_http(self, registry: &Registry) -> bool {
        self == Self::PlainHttpAllowed || registry.is_loopback()
    }
}

impl TlsTrouble {
    /// Returns the reason why TLS failed, from the text of an error. Returns `None` if the text is not about TLS.
    pub(crate) fn from_reason(why: &str) -> Option<Self> {
        let known = [
            (UNKNOWN_ISSUER, Self::UnknownAuthority),
            (NO_AUTHORITIES, Self::UnknownAuthority),
            (NO_CLIENT_CERTIFICATE, Self::NoClientCertificate),
            (NO_TLS, Self::NotSpoken),
            (TLS_FAILED, Self::Other),
        ];
        known.into_iter().find(|(words, _)| why.contains(words)).map(|(_, trouble)| trouble)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_certificates_is_called_as_the_registry_is_written_or_asked() {
        for (registry, names) in [
            ("reg.lan", &["reg.lan", "reg.lan:443"][..]),
            ("reg.lan:443", &["reg.lan", "reg.lan:443"]),
            ("reg.lan:5000", &["reg.lan:5000"]),
            ("[fd00::1]", &["[fd00::1]", "[fd00::1]:443"]),
            ("[fd00::1]:5000", &["[fd00::1]:5000"]),
            ("docker.io", &["docker.io", "registry-1.docker.io", "docker.io:443"]),
        ] {
            assert_eq!(certificate_names(&registry.parse().unwrap()), names, "{registry}");
        }
    }

    #[test]
    fn what_is_wrong_with_tls_is_found_in_a_reason() {
        for (why, trouble) in [
            ("TLS failed: the server's certificate is not trusted (UnknownIssuer)", Some(TlsTrouble::UnknownAuthority)),
            ("TLS failed: the server's certificate is not trusted (Expired)", Some(TlsTrouble::Other)),
            (
                "by https: the server does not use TLS; by http: the server closed the connection",
                Some(TlsTrouble::NotSpoken),
            ),
            ("TLS failed: the server requires a client certificate", Some(TlsTrouble::NoClientCertificate)),
            ("TLS failed: received fatal alert: HandshakeFailure", Some(TlsTrouble::Other)),
            ("the server closed the connection", None),
        ] {
            assert_eq!(TlsTrouble::from_reason(why), trouble, "{why}");
        }
    }
}
