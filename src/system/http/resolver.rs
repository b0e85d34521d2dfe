//! `Resolver`: looks up a server's addresses within a deadline. The resolver of `ureq` panics if no thread can be
//! started.

use std::io;
use std::net::ToSocketAddrs;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver as LooksUp};
use ureq::unversioned::transport::NextTimeout;

use crate::system::threads;

/// The most addresses that `ureq` accepts.
const MOST: usize = 16;

#[derive(Debug)]
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
            .keep_wanted(found?.map_err(unresolved)?)
            .take(MOST)
            .for_each(|address| addresses.push(address));
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

/// Shortens the known messages of glibc, musl, macOS and Windows, which are long and do not name the server. Any other
/// message is kept.
fn unresolved(error: io::Error) -> Error {
    const UNKNOWN_HOST: [&str; 4] = ["not known", "does not resolve", "No such host", "No address associated"];
    const NO_ANSWER: [&str; 3] = ["Temporary failure", "Try again", "temporary error"];
    let text = error.to_string();
    let is_one_of = |answers: &[&str]| answers.iter().any(|answer| text.contains(answer));
    if is_one_of(&UNKNOWN_HOST) {
        Error::HostNotFound
    } else if is_one_of(&NO_ANSWER) {
        Error::Io(io::Error::other("no answer from DNS"))
    } else {
        Error::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_that_is_not_there_is_called_unknown() {
        for (answer, expected) in [
            ("Name or service not known", "host not found"),
            ("Name does not resolve", "host not found"),
            ("nodename nor servname provided, or not known", "host not found"),
            ("No such host is known. (os error 11001)", "host not found"),
            ("Temporary failure in name resolution", "io: no answer from DNS"),
            ("Try again", "io: no answer from DNS"),
            ("Non-recoverable failure in name resolution", "io: Non-recoverable failure in name resolution"),
        ] {
            assert_eq!(unresolved(io::Error::other(answer)).to_string(), expected, "{answer}");
        }
    }
}
