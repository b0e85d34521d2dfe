//! Unusual device logins, as a table of cases.

use super::*;
use crate::oauth::response::tests::response;

const GIVEN: (u16, &str) = (200, r#"{"access_token": "t"}"#);
const PENDING: (u16, &str) = (400, r#"{"error": "authorization_pending"}"#);

fn code(rest: &str) -> Result<DeviceAuthorization, String> {
    let body = format!(r#"{{"device_code": "d", "user_code": "AB-CD", "verification_uri": "https://p/d"{rest}}}"#);
    read(200, &body)
}

fn read(status: u16, body: &str) -> Result<DeviceAuthorization, String> {
    let answer = ProviderResponse::read(&response(status, body));
    DeviceAuthorization::read(status, &answer, answer.text("error"))
}

fn respond(poll: &mut Poll, status: u16, body: &str, retry_after: Option<u64>) -> PollStep {
    if status == 0 {
        return poll.unanswered("refused".to_owned());
    }
    let answer = ProviderResponse::read(&response(status, body));
    let (error, has_token) = (answer.text("error"), answer.token(None).is_some());
    poll.on_response(&PollReply { status, retry_after, answer: &answer, error, has_token })
}

/// Runs a login on a simulated clock. Returns the pauses and the result, which is `Ok` if there is a token.
fn play(rest: &str, replies: &[(u16, &str)]) -> (Vec<u64>, Result<(), DeviceFlowError>) {
    let mut poll = Poll::start(&code(rest).unwrap());
    let (mut elapsed, mut pauses) = (Duration::ZERO, Vec::new());
    let mut replies = replies.iter().chain(std::iter::repeat(&PENDING));
    loop {
        let pause = poll.pause(elapsed);
        pauses.push(u64::try_from(pause.as_millis()).unwrap());
        elapsed += pause;
        if let Some(ended) = poll.check_expiration(elapsed) {
            return (pauses, Err(ended));
        }
        let (status, body) = replies.next().unwrap();
        match respond(&mut poll, *status, body, None) {
            PollStep::Wait(_) => {}
            PollStep::Given => return (pauses, Ok(())),
            PollStep::Over(ended) => return (pauses, Err(ended)),
        }
    }
}

#[test]
fn the_first_answer_tells_what_to_show() {
    let prompt = code(r#", "verification_uri_complete": "https://p/d?c=AB-CD", "expires_in": "900""#).unwrap().prompt;
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
        (200, r#"{"user_code": "A", "verification_uri": "https://p"}"#, "the answer has no `device_code`"),
        (200, r#"{"device_code": "d", "verification_uri": "https://p"}"#, "the answer has no `user_code`"),
        (200, r#"{"device_code": "d", "user_code": "A"}"#, "the answer has no `verification_uri`"),
        (200, "<html>", "the answer has no `device_code`"),
        (404, "<html>", "the server does not offer a device login (status 404)"),
        (405, "", "the server does not offer a device login (status 405)"),
        (422, "{}", "the server does not offer a device login (status 422)"),
        (302, "", "the server redirects to another address (status 302), and Ensign does not follow"),
        (500, "", "the server answered with status 500"),
        (400, r#"{"error": "unauthorized_client"}"#, "the provider refused: `unauthorized_client`"),
        (
            200,
            r#"{"error": "device_flow_disabled", "error_description": "Device Flow must be explicitly enabled."}"#,
            "the provider refused: Device Flow must be explicitly enabled (device_flow_disabled)",
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
    assert_eq!(respond(&mut poll, 429, "", Some(30)), PollStep::Wait(Some(PollWarning::SlowedDown)));
    assert_eq!(poll.pause(Duration::ZERO), Duration::from_secs(42));
    respond(&mut poll, 429, "", Some(u64::MAX));
    assert_eq!(poll.pause(Duration::ZERO), Duration::from_mins(7));
}

#[test]
fn a_code_ends() {
    let (pauses, end) = play(r#", "expires_in": 15"#, &[]);
    assert_eq!((pauses, end), (vec![6_000, 6_000, 3_000], Err(DeviceFlowError::Expired { drifts: false })));
    let slow = (400, r#"{"error": "slow_down"}"#);
    let (_, end) = play(r#", "expires_in": 120"#, &[slow, slow, slow]);
    assert_eq!(end, Err(DeviceFlowError::Expired { drifts: true }));
    for (rest, minutes) in [("", 10), (r#", "expires_in": 0"#, 10), (r#", "expires_in": 9999999"#, 60)] {
        assert_eq!(code(rest).unwrap().prompt.lasts, Duration::from_mins(minutes), "{rest}");
    }
    let slept = Poll::start(&code("").unwrap()).check_expiration(Duration::from_hours(9));
    assert_eq!(
        slept,
        Some(DeviceFlowError::Expired { drifts: false }),
        "the machine slept, and the code ended meanwhile"
    );
    assert_eq!(play("", &[(400, r#"{"error": "expired_token"}"#)]).1, Err(DeviceFlowError::Expired { drifts: false }));
}

#[test]
fn a_no_is_a_no() {
    for code in ["access_denied", "authorization_declined"] {
        let body = format!(r#"{{"error": "{code}"}}"#);
        assert_eq!(play("", &[PENDING, (403, &body)]).1, Err(DeviceFlowError::Refused));
    }
    for (status, body, why) in [
        (400, r#"{"error": "odd"}"#, "the provider refused: `odd`"),
        (400, r#"{"error": "odd", "error_description": "so\nso"}"#, "the provider refused: so so (odd)"),
        (200, "<html>", "the answer has neither a token nor an error (status 200)"),
        (200, r#"{"access_token": ""}"#, "the answer has neither a token nor an error (status 200)"),
        (401, r#"{"access_token": "t"}"#, "the answer has neither a token nor an error (status 401)"),
        (404, "", "the answer has neither a token nor an error (status 404)"),
    ] {
        assert_eq!(play("", &[(status, body)]).1, Err(DeviceFlowError::Failed(why.to_owned())), "{status} {body}");
    }
}

#[test]
fn a_provider_out_of_reach_is_asked_more_and_more_seldom() {
    let gone = (0, "");
    assert_eq!(play("", &[gone, (503, "<html>"), GIVEN]), (vec![6_000, 12_000, 24_000], Ok(())));
    let (pauses, end) = play("", &[gone; 5]);
    assert_eq!(pauses, [6_000, 12_000, 24_000, 48_000, 72_000]);
    assert_eq!(end, Err(DeviceFlowError::OutOfReach("refused".to_owned())));
    assert_eq!(
        play("", &[gone, gone, gone, gone, PENDING, gone, GIVEN]).1,
        Ok(()),
        "only five failures in a row end the login"
    );
}
