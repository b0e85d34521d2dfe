//! `DeadlineConnector`: ends the connection to a proxy at the limit of the request.
//!
//! While `ureq` waits for a proxy's answer to `CONNECT`, it gives each read the whole time limit. A proxy that sends one
//! byte after another would therefore stop Ensign without end.

use std::fmt;
use std::time::Instant;

use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Error, Timeout};

/// Gives a new connection a deadline for the first answer.
#[derive(Debug)]
pub(super) struct DeadlineConnector;

impl<In: Transport> Connector<In> for DeadlineConnector {
    type Out = DeadlineTransport<In>;

    fn connect(&self, details: &ConnectionDetails<'_>, below: Option<In>) -> Result<Option<Self::Out>, Error> {
        let limit = details.config.timeouts().global;
        let end = limit.and_then(|limit| Instant::now().checked_add(limit));
        Ok(below.map(|below| DeadlineTransport { below, end, is_answered: false }))
    }
}

/// A connection with a deadline for the first answer. After that, the timeouts of `ureq` suffice.
pub(super) struct DeadlineTransport<In> {
    below: In,
    end: Option<Instant>,
    is_answered: bool,
}

impl<In: Transport> Transport for DeadlineTransport<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.below.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.is_answered {
            self.end = None;
        }
        self.below.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, Error> {
        self.is_answered = true;
        if let Some(end) = self.end {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Timeout(Timeout::Global));
            }
            timeout.after = timeout.after.min(left.into());
        }
        self.below.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.below.is_open()
    }

    fn is_tls(&self) -> bool {
        self.below.is_tls()
    }
}

impl<In: fmt::Debug> fmt::Debug for DeadlineTransport<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.below.fmt(f)
    }
}
