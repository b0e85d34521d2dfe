//! Models a device login (RFC 8628) as a state machine. The state machine has neither I/O nor clock, so that tests can
//! cover each odd response.

use std::time::Duration;

use super::SESSION_OVER;
use super::response::ProviderResponse;
use crate::model::Secret;
use crate::system::text::one_line;

/// The response to a device authorization request. The response contains a user code for the person and a device code
/// for polling.
#[derive(Debug)]
pub(super) struct DeviceAuthorization {
    pub(super) prompt: Prompt,
    pub(super) device_code: Secret,
    interval: Duration,
}

/// The link and the code that a person needs for a device login. Control characters are removed from both texts,
/// because the server is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub(crate) user_code: String,
    pub(crate) link: String,
    /// The link that contains the code.
    pub(crate) complete: Option<String>,
    pub(crate) lasts: Duration,
}

/// The state of polling the provider until the person has decided.
#[derive(Debug)]
pub(super) struct Poll {
    interval: Duration,
    lasts: Duration,
    slowed: u32,
    unanswered: u32,
}

/// The response to one poll.
#[derive(Debug)]
pub(super) struct PollReply<'a> {
    pub(super) status: u16,
    pub(super) retry_after: Option<u64>,
    pub(super) answer: &'a ProviderResponse,
    pub(super) error: Option<&'a str>,
    pub(super) has_token: bool,
}

/// The next step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PollStep {
    Wait(Option<PollWarning>),
    Given,
    Over(DeviceFlowError),
}

/// The reason why polling takes longer than expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PollWarning {
    SlowedDown,
    OutOfReach(String),
}

/// Why the login failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeviceFlowError {
    Refused,
    /// `drifts` is true if the provider asked more than twice for slower polling. Repeated requests for slower polling
    /// suggest that the clock of this machine is wrong.
    Expired {
        drifts: bool,
    },
    OutOfReach(String),
    /// The page where the person has to log in. The page's address comes from the provider, and is not checked yet.
    SessionOver(Option<String>),
    Failed(String),
}

/// RFC 8628 section 3.2.
const INTERVAL: Duration = Duration::from_secs(5);
const SLOW_DOWN: Duration = Duration::from_secs(5);
const LEAST_INTERVAL: Duration = Duration::from_secs(1);
/// The longest interval that is accepted. With a longer interval, the code could expire between two polls.
const LONGEST_INTERVAL: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
const LASTS: Duration = Duration::from_mins(10);
const LONGEST_LAST: Duration = Duration::from_hours(1);
/// The login fails after this many unanswered polls in a row.
const UNANSWERED: u32 = 5;

impl DeviceAuthorization {
    /// Reads the device authorization response. The text of an error completes a sentence about the provider.
    pub(super) fn read(status: u16, answer: &ProviderResponse, error: Option<&str>) -> Result<Self, String> {
        if let Some(code) = error {
            return Err(format!("the provider refused: {}", answer.reason(code)));
        }
        // Providers without device login answer with many different status codes (cli/oauth `device/device_flow.go`).
        match status {
            200..=299 => {}
            401 | 403 | 404 | 405 | 410 | 422 | 501 => {
                return Err(format!("the server does not offer a device login (status {status})"));
            }
            300..=399 => {
                return Err(format!(
                    "the server redirects to another address (status {status}), and Ensign does not follow"
                ));
            }
            _ => return Err(format!("the server answered with status {status}")),
        }
        let missing = |what: &str| format!("the answer has no `{what}`");
        // Google uses the name `verification_url`.
        let link = answer.text("verification_uri").or_else(|| answer.text("verification_url"));
        let interval = answer.number("interval").map(|number| u64::try_from(number).unwrap_or(0));
        Ok(Self {
            device_code: answer.secret("device_code").ok_or_else(|| missing("device_code"))?,
            prompt: Prompt {
                user_code: one_line(answer.text("user_code").ok_or_else(|| missing("user_code"))?, 60),
                link: one_line(link.ok_or_else(|| missing("verification_uri"))?, 500),
                complete: answer.text("verification_uri_complete").map(|link| one_line(link, 1000)),
                lasts: answer.life().unwrap_or(LASTS).min(LONGEST_LAST),
            },
            interval: interval.map_or(INTERVAL, Duration::from_secs).clamp(LEAST_INTERVAL, LONGEST_INTERVAL),
        })
    }
}

impl Poll {
    pub(super) fn start(code: &DeviceAuthorization) -> Self {
        Self { interval: code.interval, lasts: code.prompt.lasts, slowed: 0, unanswered: 0 }
    }

    /// Returns the pause before the next poll. `elapsed` is the time since the code arrived.
    ///
    /// The clock of a virtual machine may run fast, and a poll would then be too early. Like `gh`, this function adds a
    /// fifth to the interval, and two fifths after a `slow_down` (cli/cli#9370).
    pub(super) fn pause(&self, elapsed: Duration) -> Duration {
        let padded = self.interval * if self.slowed == 0 { 12 } else { 14 } / 10;
        padded.min(self.lasts.saturating_sub(elapsed))
    }

    /// Returns an error if the code has expired.
    pub(super) fn check_expiration(&self, elapsed: Duration) -> Option<DeviceFlowError> {
        (elapsed >= self.lasts).then(|| self.expired())
    }

    /// Returns the step after a response.
    pub(super) fn on_response(&mut self, reply: &PollReply<'_>) -> PollStep {
        let PollReply { status, retry_after, answer, error, has_token } = *reply;
        PollStep::Over(match error {
            Some("authorization_pending") => return self.pending(),
            Some("slow_down") => return self.slow_down(answer, retry_after),
            // Entra's name for a refusal is `authorization_declined`.
            Some("access_denied" | "authorization_declined") => DeviceFlowError::Refused,
            Some("expired_token" | "token_expired") => self.expired(),
            Some(SESSION_OVER) => DeviceFlowError::SessionOver(answer.text("login_url").map(str::to_owned)),
            _ if status == 429 => return self.slow_down(answer, retry_after),
            _ if (500..=599).contains(&status) => return self.unanswered(format!("status {status}")),
            Some(code) => DeviceFlowError::Failed(format!("the provider refused: {}", answer.reason(code))),
            None if (200..=299).contains(&status) && has_token => return PollStep::Given,
            None if status == 202 => return self.pending(),
            None => {
                let why = format!("the answer has neither a token nor an error (status {status})");
                DeviceFlowError::Failed(why)
            }
        })
    }

    fn pending(&mut self) -> PollStep {
        self.unanswered = 0;
        PollStep::Wait(None)
    }

    /// Makes all later pauses at least five seconds longer (RFC 8628 section 3.5). GitHub sends the new interval in the
    /// body, and other providers send `Retry-After`.
    fn slow_down(&mut self, answer: &ProviderResponse, retry_after: Option<u64>) -> PollStep {
        let interval = answer.number("interval").and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        let pause = Duration::from_secs(interval.max(retry_after.unwrap_or(0)));
        self.interval = (self.interval + SLOW_DOWN).max(pause).min(LONGEST_PAUSE);
        self.slowed += 1;
        self.unanswered = 0;
        PollStep::Wait(Some(PollWarning::SlowedDown))
    }

    /// Returns the step after a poll without an answer. The interval doubles, as exponential backoff (RFC 8628 section
    /// 3.5). `why` says why no answer arrived.
    pub(super) fn unanswered(&mut self, why: String) -> PollStep {
        self.unanswered += 1;
        if self.unanswered >= UNANSWERED {
            return PollStep::Over(DeviceFlowError::OutOfReach(why));
        }
        self.interval = (self.interval * 2).min(LONGEST_INTERVAL.max(self.interval));
        PollStep::Wait(Some(PollWarning::OutOfReach(why)))
    }

    fn expired(&self) -> DeviceFlowError {
        DeviceFlowError::Expired { drifts: self.slowed > 2 }
    }
}

#[cfg(test)]
mod tests;
