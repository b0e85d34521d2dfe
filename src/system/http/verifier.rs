//! Verifies a server's certificate, and chooses a client certificate.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme};

/// Accepts a server whose certificate was issued by an authority of the system or an authority in `authorities`.
#[derive(Debug)]
pub(super) struct KnownServer {
    platform: rustls_platform_verifier::Verifier,
    authorities: Vec<CertificateDer<'static>>,
    /// Verifies with `authorities` only. macOS refuses a certificate of 826 days or more, also below an own authority.
    own: Option<Arc<WebPkiServerVerifier>>,
}

impl KnownServer {
    pub(super) fn new(
        authorities: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let more = authorities.clone();
        let platform = rustls_platform_verifier::Verifier::new_with_extra_roots(more, Arc::clone(provider))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities.iter().cloned());
        let own = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build().ok();
        Ok(Self { platform, authorities, own })
    }

    /// Tells whether a server's self-signed certificate is itself a trusted authority. `openssl req -x509` creates a
    /// certificate that is its own authority, as in Docker's own guide. Go accepts an authority as a server's
    /// certificate, but rustls refuses it.
    fn is_its_own_authority(&self, certificate: &CertificateDer<'_>, error: &TlsError) -> bool {
        let TlsError::InvalidCertificate(CertificateError::Other(error)) = error else { return false };
        error.0.to_string() == "CaUsedAsEndEntity"
            && (self.authorities.contains(certificate) || system_authorities().contains(certificate))
    }
}

#[cfg(all(unix, not(target_vendor = "apple")))]
fn system_authorities() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

/// Returns no authorities, because the system's own verifier accepts a trusted authority as a server's certificate.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn system_authorities() -> Vec<CertificateDer<'static>> {
    vec![]
}

impl ServerCertVerifier for KnownServer {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let own = self.own.as_ref().map(|own| own.verify_server_cert(certificate, chain, name, ocsp, now));
        let verified = match own {
            Some(Ok(verified)) => return Ok(verified),
            Some(Err(error)) if self.is_its_own_authority(certificate, &error) => Err(error),
            _ => self.platform.verify_server_cert(certificate, chain, name, ocsp, now),
        };
        match verified {
            Err(error) if self.is_its_own_authority(certificate, &error) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.platform.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.platform.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.platform.supported_verify_schemes()
    }
}

/// Accepts every certificate. This verifier is only for servers with which plain http is allowed.
#[derive(Debug)]
pub(super) struct AnyServer(pub(super) Vec<SignatureScheme>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}

/// The client certificates for a server. As in Go, the first certificate that the server accepts is sent.
#[derive(Debug)]
pub(super) struct Identities(pub(super) Vec<Arc<CertifiedKey>>);

impl ResolvesClientCert for Identities {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let fits =
            |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some() && is_issued_by(&key.cert, issuers);
        self.0.iter().find(fits).cloned()
    }

    fn has_certs(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Tells whether a certificate of the chain contains the bytes of any name in `issuers`. An empty list allows every
/// issuer.
fn is_issued_by(chain: &[CertificateDer<'_>], issuers: &[&[u8]]) -> bool {
    let names = |certificate: &CertificateDer<'_>, name: &[u8]| {
        !name.is_empty() && certificate.windows(name.len()).any(|part| part == name)
    };
    issuers.is_empty() || issuers.iter().any(|name| chain.iter().any(|certificate| names(certificate, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_certificate_is_one_that_the_server_would_take() {
        let chain = [b"server by clients".as_slice(), b"clients by root"].map(CertificateDer::from);
        for (issuers, is_issued) in [
            (&[][..], true),
            (&["clients"], true),
            (&["root"], true),
            (&["others", "root"], true),
            (&["others"], false),
            (&[""], false),
        ] {
            let issuers: Vec<&[u8]> = issuers.iter().map(|issuer: &&str| issuer.as_bytes()).collect();
            assert_eq!(is_issued_by(&chain, &issuers), is_issued, "{issuers:?}");
        }
    }
}
