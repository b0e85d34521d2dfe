//! A login by device code (RFC 8628) as a state machine: no I/O and no clock, so that every oddity is a case in a table.

use std::time::Duration;

use super::answer::Answer;
use crate::model::Secret;
use crate::system::text::one_line;

/// What the provider wants a person to do, and what it wants back from us.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) prompt: Prompt,
    pub(super) device_code: Secret,
    interval: Duration,
}

/// What a person is shown. Text from a stranger, already fit for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub(crate) user_code: String,
    pub(crate) link: String,
    /// The link with the code in it.
    pub(crate) complete: Option<String>,
    pub(crate) lasts: Duration,
}

/// Asking again and again whether somebody has agreed.
#[derive(Debug)]
pub(super) struct Poll {
    interval: Duration,
    lasts: Duration,
    slowed: u32,
    unanswered: u32,
}

/// What came back from one question.
#[derive(Debug)]
pub(super) enum Reply<'a> {
    Answer {
        status: u16,
        retry_after: Option<u64>,
        answer: &'a Answer,
        error: Option<&'a str>,
        has_token: bool,
    },
    /// Nothing, and why.
    Nothing(String),
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Wait(Option<Hitch>),
    Given,
    Over(Ended),
}

/// Why the waiting takes longer than it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hitch {
    SlowedDown,
    OutOfReach(String),
}

/// Why there is no login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Refused,
    /// `drifts`: the provider found us too fast, again and again.
    Expired {
        drifts: bool,
    },
    OutOfReach(String),
    Failed(String),
}

/// RFC 8628 section 3.2.
const INTERVAL: Duration = Duration::from_secs(5);
const SLOW_DOWN: Duration = Duration::from_secs(5);
const LEAST_INTERVAL: Duration = Duration::from_secs(1);
/// No provider means longer pauses; a longer one is a mistake, or wants us to sleep until the code is over.
const LONGEST_INTERVAL: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
const LASTS: Duration = Duration::from_mins(10);
const LONGEST_LAST: Duration = Duration::from_hours(1);
/// So often in a row nobody may answer.
const UNANSWERED: u32 = 5;

impl Code {
    /// Reads the first answer. An error says what is wrong with it, as a part of a sentence.
    pub(super) fn read(status: u16, answer: &Answer, error: Option<&str>) -> Result<Self, String> {
        if let Some(code) = error {
            return Err(format!("it refused: {}", answer.reason(code)));
        }
        // Those who do not offer it say so in many ways (cli/oauth `device/device_flow.go`).
        match status {
            200..=299 => {}
            401 | 403 | 404 | 405 | 410 | 422 | 501 => {
                return Err(format!("it does not offer this kind of login (status {status})"));
            }
            300..=399 => return Err(format!("it points to another address (status {status}), which is not followed")),
            _ => return Err(format!("it answered with status {status}")),
        }
        let missing = |what: &str| format!("its answer has no `{what}`");
        // Google's name for it
        let link = answer.text("verification_uri").or_else(|| answer.text("verification_url"));
        let seconds = |field: &str| answer.number(field).and_then(|number| u64::try_from(number).ok());
        let lasts = seconds("expires_in").filter(|lasts| *lasts > 0).map_or(LASTS, Duration::from_secs);
        let interval = match answer.number("interval") {
            None => INTERVAL,
            Some(number) => Duration::from_secs(u64::try_from(number).unwrap_or(0)),
        };
        Ok(Self {
            device_code: answer.secret("device_code").ok_or_else(|| missing("device_code"))?,
            prompt: Prompt {
                user_code: one_line(answer.text("user_code").ok_or_else(|| missing("user_code"))?, 60),
                link: one_line(link.ok_or_else(|| missing("verification_uri"))?, 500),
                complete: answer.text("verification_uri_complete").map(|link| one_line(link, 1000)),
                lasts: lasts.min(LONGEST_LAST),
            },
            interval: interval.clamp(LEAST_INTERVAL, LONGEST_INTERVAL),
        })
    }
}

impl Poll {
    pub(super) fn start(code: &Code) -> Self {
        Self { interval: code.interval, lasts: code.prompt.lasts, slowed: 0, unanswered: 0 }
    }

    /// How long to sleep before the next question, `elapsed` after the code came.
    ///
    /// Clocks of virtual machines run fast, so that the question would come too early for the provider: as `gh`, a
    /// fifth is added, and two after it complained (cli/cli#9370).
    pub(super) fn pause(&self, elapsed: Duration) -> Duration {
        let padded = self.interval * if self.slowed == 0 { 12 } else { 14 } / 10;
        padded.min(self.lasts.saturating_sub(elapsed))
    }

    /// Tells, after the sleep, whether there is still something to ask for.
    pub(super) fn ended(&self, elapsed: Duration) -> Option<Ended> {
        (elapsed >= self.lasts).then(|| self.expired())
    }

    /// Takes an answer in.
    pub(super) fn hear(&mut self, reply: &Reply<'_>) -> Step {
        let (status, retry_after, answer, error, has_token) = match *reply {
            Reply::Nothing(ref why) => return self.unanswered(why.clone()),
            Reply::Answer { status, retry_after, answer, error, has_token } => {
                (status, retry_after, answer, error, has_token)
            }
        };
        match error {
            Some("authorization_pending") => {}
            Some("slow_down") => return self.slow_down(answer, retry_after),
            // Entra's name for it
            Some("access_denied" | "authorization_declined") => return Step::Over(Ended::Refused),
            Some("expired_token" | "token_expired") => return Step::Over(self.expired()),
            _ if status == 429 => return self.slow_down(answer, retry_after),
            _ if (500..=599).contains(&status) => return self.unanswered(format!("status {status}")),
            Some(code) => return Step::Over(Ended::Failed(format!("it refused: {}", answer.reason(code)))),
            None if (200..=299).contains(&status) && has_token => return Step::Given,
            None if status == 202 => {}
            None => {
                return Step::Over(Ended::Failed(format!(
                    "its answer has neither a token nor an error (status {status})"
                )));
            }
        }
        self.unanswered = 0;
        Step::Wait(None)
    }

    /// RFC 8628 section 3.5: five seconds more from now on; GitHub says how many in all, others in `Retry-After`.
    fn slow_down(&mut self, answer: &Answer, retry_after: Option<u64>) -> Step {
        let said = answer.number("interval").and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        let asked = Duration::from_secs(said.max(retry_after.unwrap_or(0)));
        self.interval = (self.interval + SLOW_DOWN).max(asked).min(LONGEST_PAUSE);
        self.slowed += 1;
        self.unanswered = 0;
        Step::Wait(Some(Hitch::SlowedDown))
    }

    /// RFC 8628 section 3.5 on time-outs: exponential backoff.
    fn unanswered(&mut self, why: String) -> Step {
        self.unanswered += 1;
        if self.unanswered >= UNANSWERED {
            return Step::Over(Ended::OutOfReach(why));
        }
        self.interval = (self.interval * 2).min(LONGEST_INTERVAL.max(self.interval));
        Step::Wait(Some(Hitch::OutOfReach(why)))
    }

    fn expired(&self) -> Ended {
        Ended::Expired { drifts: self.slowed > 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::response;
    use super::*;

    const GIVEN: (u16, &str) = (200, r#"{"access_token": "t"}"#);
    const PENDING: (u16, &str) = (400, r#"{"error": "authorization_pending"}"#);

    fn code(rest: &str) -> Result<Code, String> {
        let body = format!(r#"{{"device_code": "d", "user_code": "AB-CD", "verification_uri": "https://p/d"{rest}}}"#);
        read(200, &body)
    }

    fn read(status: u16, body: &str) -> Result<Code, String> {
        let answer = Answer::read(&response(status, body));
        Code::read(status, &answer, answer.text("error"))
    }

    fn say(poll: &mut Poll, status: u16, body: &str, retry_after: Option<u64>) -> Step {
        if status == 0 {
            return poll.hear(&Reply::Nothing("refused".to_owned()));
        }
        let answer = Answer::read(&response(status, body));
        let (error, has_token) = (answer.text("error"), answer.token(None).is_some());
        poll.hear(&Reply::Answer { status, retry_after, answer: &answer, error, has_token })
    }

    /// Plays a login on a clock that costs nothing: how long each sleep was, and how it ended (`Ok`: with a token).
    fn play(rest: &str, replies: &[(u16, &str)]) -> (Vec<u64>, Result<(), Ended>) {
        let mut poll = Poll::start(&code(rest).unwrap());
        let (mut elapsed, mut pauses) = (Duration::ZERO, Vec::new());
        let mut replies = replies.iter().chain(std::iter::repeat(&PENDING));
        loop {
            let pause = poll.pause(elapsed);
            pauses.push(u64::try_from(pause.as_millis()).unwrap());
            elapsed += pause;
            if let Some(ended) = poll.ended(elapsed) {
                return (pauses, Err(ended));
            }
            let (status, body) = replies.next().unwrap();
            match say(&mut poll, *status, body, None) {
                Step::Wait(_) => {}
                Step::Given => return (pauses, Ok(())),
                Step::Over(ended) => return (pauses, Err(ended)),
            }
        }
    }

    #[test]
    fn the_first_answer_tells_what_to_show() {
        let prompt =
            code(r#", "verification_uri_complete": "https://p/d?c=AB-CD", "expires_in": "900""#).unwrap().prompt;
        let complete = Some("https://p/d?c=AB-CD".to_owned());
        let (user_code, link) = ("AB-CD".to_owned(), "https://p/d".to_owned());
        assert_eq!(prompt, Prompt { user_code, link, complete, lasts: Duration::from_mins(15) });
        let google = r#"{"device_code": "d", "user_code": "A\u001b[1m\nB", "verification_url": "https://g/d"}"#;
        let prompt = read(200, google).unwrap().prompt;
        assert_eq!((prompt.user_code.as_str(), prompt.link.as_str()), ("A [1m B", "https://g/d"));
        assert!(read(200, "device_code=d&user_code=A&verification_uri=https%3A%2F%2Fp%2Fd").is_ok());
    }

    #[test]
    fn a_first_answer_that_is_no_code_says_why() {
        for (status, body, why) in [
            (200, r#"{"user_code": "A", "verification_uri": "https://p"}"#, "its answer has no `device_code`"),
            (200, r#"{"device_code": "d", "verification_uri": "https://p"}"#, "its answer has no `user_code`"),
            (200, r#"{"device_code": "d", "user_code": "A"}"#, "its answer has no `verification_uri`"),
            (200, "<html>", "its answer has no `device_code`"),
            (404, "<html>", "it does not offer this kind of login (status 404)"),
            (405, "", "it does not offer this kind of login (status 405)"),
            (422, "{}", "it does not offer this kind of login (status 422)"),
            (302, "", "it points to another address (status 302), which is not followed"),
            (500, "", "it answered with status 500"),
            (400, r#"{"error": "unauthorized_client"}"#, "it refused: `unauthorized_client`"),
            (
                200,
                r#"{"error": "device_flow_disabled", "error_description": "Device Flow must be explicitly enabled."}"#,
                "it refused: Device Flow must be explicitly enabled (device_flow_disabled)",
            ),
        ] {
            assert_eq!(read(status, body).unwrap_err(), why, "{status} {body}");
        }
    }

    #[test]
    fn the_interval_is_padded_and_sane() {
        for (rest, first) in [
            ("", 6_000),
            (r#", "interval": 0"#, 1_200),
            (r#", "interval": -7"#, 1_200),
            (r#", "interval": "5""#, 6_000),
            (r#", "interval": null"#, 6_000),
            (r#", "interval": "soon""#, 6_000),
            (r#", "interval": 99999999999"#, 72_000),
            (r#", "interval": 30, "expires_in": 20"#, 20_000),
        ] {
            let poll = Poll::start(&code(rest).unwrap());
            assert_eq!(poll.pause(Duration::ZERO).as_millis(), first, "{rest}");
        }
    }

    #[test]
    fn waiting_goes_on_whatever_the_status() {
        for status in [200, 202, 400, 403, 428, 429, 500] {
            let pending = (status, r#"{"error": "authorization_pending"}"#);
            assert_eq!(play("", &[pending, pending, GIVEN]), (vec![6_000; 3], Ok(())), "{status}");
        }
        let form = (200, "error=authorization_pending&error_description=x");
        assert_eq!(play("", &[form, (200, "access_token=t&scope=")]), (vec![6_000; 2], Ok(())));
        assert_eq!(play("", &[(202, ""), (200, r#"{"device_secret": "s"}"#)]).1, Ok(()));
    }

    #[test]
    fn slower_is_slower_for_good() {
        let slow = (400, r#"{"error": "slow_down"}"#);
        assert_eq!(play("", &[slow, slow, PENDING, GIVEN]), (vec![6_000, 14_000, 21_000, 21_000], Ok(())));
        let new_interval = (200, r#"{"error": "slow_down", "interval": 20}"#);
        assert_eq!(play("", &[new_interval, GIVEN]), (vec![6_000, 28_000], Ok(())));
        let less = (200, r#"{"error": "slow_down", "interval": 1}"#);
        assert_eq!(play("", &[less, GIVEN]), (vec![6_000, 14_000], Ok(())));
        assert_eq!(play("", &[(429, "<html>"), GIVEN]), (vec![6_000, 14_000], Ok(())));
        let mut poll = Poll::start(&code("").unwrap());
        assert_eq!(say(&mut poll, 429, "", Some(30)), Step::Wait(Some(Hitch::SlowedDown)));
        assert_eq!(poll.pause(Duration::ZERO), Duration::from_secs(42));
        say(&mut poll, 429, "", Some(u64::MAX));
        assert_eq!(poll.pause(Duration::ZERO), Duration::from_secs(420));
    }

    #[test]
    fn a_code_ends() {
        let (pauses, end) = play(r#", "expires_in": 15"#, &[]);
        assert_eq!((pauses, end), (vec![6_000, 6_000, 3_000], Err(Ended::Expired { drifts: false })));
        let slow = (400, r#"{"error": "slow_down"}"#);
        let (_, end) = play(r#", "expires_in": 120"#, &[slow, slow, slow]);
        assert_eq!(end, Err(Ended::Expired { drifts: true }));
        for (rest, minutes) in [("", 10), (r#", "expires_in": 0"#, 10), (r#", "expires_in": 9999999"#, 60)] {
            assert_eq!(code(rest).unwrap().prompt.lasts, Duration::from_mins(minutes), "{rest}");
        }
        let slept = Poll::start(&code("").unwrap()).ended(Duration::from_hours(9));
        assert_eq!(slept, Some(Ended::Expired { drifts: false }), "the machine slept, and the code ended meanwhile");
        assert_eq!(play("", &[(400, r#"{"error": "expired_token"}"#)]).1, Err(Ended::Expired { drifts: false }));
    }

    #[test]
    fn a_no_is_a_no() {
        for code in ["access_denied", "authorization_declined"] {
            let body = format!(r#"{{"error": "{code}"}}"#);
            assert_eq!(play("", &[PENDING, (403, &body)]).1, Err(Ended::Refused));
        }
        for (status, body, why) in [
            (400, r#"{"error": "odd"}"#, "it refused: `odd`"),
            (400, r#"{"error": "odd", "error_description": "so\nso"}"#, "it refused: so so (odd)"),
            (200, "<html>", "its answer has neither a token nor an error (status 200)"),
            (200, r#"{"access_token": ""}"#, "its answer has neither a token nor an error (status 200)"),
            (401, r#"{"access_token": "t"}"#, "its answer has neither a token nor an error (status 401)"),
            (404, "", "its answer has neither a token nor an error (status 404)"),
        ] {
            assert_eq!(play("", &[(status, body)]).1, Err(Ended::Failed(why.to_owned())), "{status} {body}");
        }
    }

    #[test]
    fn a_provider_out_of_reach_is_asked_more_and_more_seldom() {
        let gone = (0, "");
        assert_eq!(play("", &[gone, (503, "<html>"), GIVEN]), (vec![6_000, 12_000, 24_000], Ok(())));
        let (pauses, end) = play("", &[gone; 5]);
        assert_eq!(pauses, [6_000, 12_000, 24_000, 48_000, 72_000]);
        assert_eq!(end, Err(Ended::OutOfReach("refused".to_owned())));
        assert_eq!(play("", &[gone, gone, gone, gone, PENDING, gone, GIVEN]).1, Ok(()), "five in a row, not in all");
    }
}
