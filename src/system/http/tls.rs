//! `Tls`: opens TLS connections, verifies the servers' certificates and sends client certificates.
//!
//! The connector of `ureq` is not used, because it can replace the system's authorities but cannot add authorities.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, Error as TlsError, StreamOwned};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};
use ureq::{Error, http::Uri};

use super::Url;
use super::certificates::{Certificates, Identity};
use super::proxy::Proxies;
use super::verifier::{AnyServer, Identities, KnownServer};
use crate::system::request_log;

/// The settings by which a server's certificate is checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsOptions {
    /// The names of the server's `certs.d` folders. As in Docker, the folders also apply to servers to which this
    /// server redirects.
    pub(crate) names: Vec<String>,
    /// Whether the user allows plain http. If plain http is allowed, every certificate is also accepted.
    pub(crate) is_insecure: bool,
}

/// Adds TLS to a plain connection, if the URL is `https`.
pub(super) struct Tls {
    pub(super) security: TlsOptions,
    /// The proxies. The settings in `security` do not apply to proxies.
    pub(super) proxies: Proxies,
}

impl<In: Transport> Connector<In> for Tls {
    type Out = Either<In, TlsStream>;

    fn connect(&self, details: &ConnectionDetails<'_>, below: Option<In>) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = below else { return Ok(None) };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let host = Url(details.uri.clone()).host();
        let name =
            ServerName::try_from(host).map_err(|_| Error::Tls("the server's name is not valid in a certificate"))?;
        let mut connection = ClientConnection::new(self.config(details.uri)?, name).map_err(|error| io(&error))?;
        let mut socket = TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        socket.set_timeout(details.timeout);
        connection.complete_io(&mut socket)?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(TlsStream { buffers, stream: StreamOwned::new(connection, socket) })))
    }
}

impl Tls {
    fn config(&self, uri: &Uri) -> Result<Arc<ClientConfig>, Error> {
        let url = Url(uri.clone());
        let is_proxy = self.proxies.have(&url);
        let mut names = if is_proxy { vec![] } else { self.security.names.clone() };
        names.push(url.authority().rsplit('@').next().unwrap_or_default().to_owned());
        let Certificates { authorities, identities } = Certificates::load(&names);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = if url.is_loopback() || (self.security.is_insecure && !is_proxy) {
            Arc::new(AnyServer(provider.signature_verification_algorithms.supported_schemes()))
        } else {
            Arc::new(KnownServer::new(authorities, &provider).map_err(|error| io(&error))?)
        };
        let identities = identities.into_iter().filter_map(|identity| certified(identity, &provider)).collect();
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| io(&error))?
            .dangerous() // rustls requires this call for every custom verifier
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::new(Identities(identities)));
        Ok(Arc::new(config))
    }
}

/// Converts a TLS error to an I/O error, because connections report TLS errors as I/O errors.
fn io(error: &TlsError) -> Error {
    Error::Io(std::io::Error::new(std::io::ErrorKind::InvalidData, error.clone()))
}

fn certified(identity: Identity, provider: &CryptoProvider) -> Option<Arc<CertifiedKey>> {
    let Identity { chain, key } = identity;
    let key = provider.key_provider.load_private_key(key);
    let key =
        key.inspect_err(|error| request_log::log(format_args!("the key of a client certificate: {error}"))).ok()?;
    // Only the server checks whether the key matches the certificate. The client does not check the key, because rustls
    // cannot read certificates of version 1. `openssl x509 -req` creates such certificates.
    Some(Arc::new(CertifiedKey::new(chain, key)))
}

pub(super) struct TlsStream {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for TlsStream {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.get_mut().set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        Ok(self.stream.write_all(output)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.get_mut().set_timeout(timeout);
        let read = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

/// Prints only a name, because the fields may contain keys or a proxy's password.
impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
