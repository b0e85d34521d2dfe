//! `Resolver`: looks up a server's addresses within a deadline. `ureq`'s own panics if no thread can be started.

use std::net::ToSocketAddrs;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::{fmt, io};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver as LooksUp};
use ureq::unversioned::transport::NextTimeout;

use crate::system::threads;

/// As many addresses as `ureq` takes.
const MOST: usize = 16;

pub(super) struct Resolver;

impl LooksUp for Resolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let server = uri.scheme().zip(uri.authority());
        let server = server.and_then(|(scheme, authority)| DefaultResolver::host_and_port(scheme, authority));
        let server = server.ok_or(Error::HostNotFound)?;
        let (sender, found) = sync_channel(1);
        threads::start(move || sender.send(server.to_socket_addrs()).ok())?;
        let found = found.recv_timeout(*timeout.after).map_err(|error| match error {
            RecvTimeoutError::Timeout => Error::Timeout(timeout.reason),
            RecvTimeoutError::Disconnected => Error::HostNotFound,
        });
        let mut addresses = self.empty();
        config
            .ip_family()
            .keep_wanted(found?.map_err(|error| unresolved(&error))?)
            .take(MOST)
            .for_each(|address| addresses.push(address));
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

/// In the words of each libc it is long, and does not name the server.
fn unresolved(error: &io::Error) -> Error {
    let text = error.to_string();
    let is_temporary = ["Temporary failure", "Try again"].iter().any(|words| text.contains(words));
    if is_temporary { Error::Io(io::Error::other("no answer from DNS")) } else { Error::HostNotFound }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}
