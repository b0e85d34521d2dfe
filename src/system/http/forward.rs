//! `ForwardConnector`: sends requests in plain http to a proxy, which forwards them. As in Go, the requests are in
//! absolute form (RFC 9112 section 3.2.2).
//!
//! Without this connector, `ureq` asks every proxy for a connection to the server (CONNECT). Many proxies refuse such
//! connections to ports other than 443.

use std::fmt;
use std::sync::Arc;

use ureq::config::Config;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Error, Proxy};

/// Connects to the proxy, if a proxy forwards the request.
#[derive(Debug)]
pub(super) struct ForwardConnector;

impl Connector for ForwardConnector {
    type Out = ForwardTransport;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<ForwardTransport>, Error> {
        let Some(proxy) = details.config.proxy().filter(|_| !details.needs_tls()) else { return Ok(None) };
        let prefix = format!("http://{}", details.uri.authority().map_or("", |authority| authority.as_str()));
        let below = connect_to(proxy, details)?;
        Ok(Some(ForwardTransport { below, prefix, has_begun: false }))
    }
}

fn connect_to(proxy: &Proxy, details: &ConnectionDetails<'_>) -> Result<Box<dyn Transport>, Error> {
    let config = Config::builder().proxy(None).build();
    (details.run_connector)(&ConnectionDetails {
        uri: proxy.uri(),
        addrs: details.resolver.resolve(proxy.uri(), &config, details.timeout)?,
        config: &config,
        request_level: details.request_level,
        resolver: details.resolver,
        now: details.now,
        timeout: details.timeout,
        current_time: Arc::clone(&details.current_time),
        run_connector: Arc::clone(&details.run_connector),
        register_shutdown: Arc::clone(&details.register_shutdown),
    })
}

/// A connection to a proxy for one request.
pub(super) struct ForwardTransport {
    below: Box<dyn Transport>,
    /// The scheme and host to put before the path of the request.
    prefix: String,
    has_begun: bool,
}

impl Transport for ForwardTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.below.buffers()
    }

    /// Inserts the prefix into the first output, because `ureq` always writes `GET /path` in its first output.
    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.has_begun {
            return self.below.transmit_output(amount, timeout);
        }
        self.has_begun = true;
        let output = self.below.buffers().output().get(..amount).unwrap_or_default();
        let space = output.iter().position(|byte| *byte == b' ').ok_or(Error::ConnectionFailed)?;
        let (method, rest) = output.split_at(space + 1);
        let all = [method, self.prefix.as_bytes(), rest].concat();
        // With the prefix, the request may not fit into the buffer, so it is sent in pieces.
        let mut left = all.as_slice();
        while !left.is_empty() {
            let output = self.below.buffers().output();
            let (piece, more) = left.split_at(left.len().min(output.len()));
            output.iter_mut().zip(piece).for_each(|(to, from)| *to = *from);
            self.below.transmit_output(piece.len(), timeout)?;
            left = more;
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.below.await_input(timeout)
    }

    /// Returns `false`, so that the connection is used for only one request. The prefix is inserted only into the
    /// connection's first request.
    fn is_open(&mut self) -> bool {
        false
    }
}

/// Prints only a name, because the other fields may contain a proxy's password.
impl fmt::Debug for ForwardTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forwarded")
    }
}
