//! Tables of printed texts, most of them hostile, and the answers that Ensign reads from them.

use super::*;

type ParsedAnswer = Result<(Option<String>, String, Option<u64>), ReadError>;

#[expect(clippy::disallowed_methods, reason = "compared in a test")]
fn read(form: &AnswerFormat, stdout: &[u8]) -> ParsedAnswer {
    let ProgramAnswer { username, secret, ends } = parse(form, stdout)?;
    let seconds = |ends: SystemTime| ends.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    Ok((username.map(|name| name.to_string()), secret.expose().to_owned(), ends.map(seconds)))
}

#[expect(clippy::unnecessary_wraps, reason = "the tables contain its results and errors")]
fn good(username: &str, secret: &str, ends: Option<u64>) -> ParsedAnswer {
    Ok((Some(username.to_owned()).filter(|name| !name.is_empty()), secret.to_owned(), ends))
}

fn acr_form() -> AnswerFormat {
    AnswerFormat::Acr { server: "shop.azurecr.io".into() }
}

/// A token that expires at 1700000000.
const JWT: &str = "e30.eyJleHAiOjE3MDAwMDAwMDB9.x";

#[test]
fn what_a_helper_prints_is_read() {
    for (stdout, expected) in [
        (r#"{"Username":"someuser","Secret":"somesecret"}"#.to_owned(), good("someuser", "somesecret", None)),
        (r#"{"ServerURL":"x","Username":"<token>","Secret":"sometoken"}"#.into(), good("<token>", "sometoken", None)),
        ("{\n  \"Username\": \"bob\",\n  \"Secret\": \"tok\"\n}\n".into(), good("bob", "tok", None)),
        (format!("Using config file: /root/{{x}}.json\n{{\"Username\":\"<token>\",\"Secret\":\"{JWT}\"}}\n"), {
            good("<token>", JWT, Some(1_700_000_000))
        }),
        ("\u{feff}{\"Secret\":\"s\"}".into(), good("", "s", None)),
        (r#"{"Username":"bob","Secret":""}"#.into(), Err("the secret in the answer is empty")),
        (r#"{"Username":"bob"}"#.into(), Err(NO_JSON)),
        (r#"{"Username":"a\nb","Secret":"s"}"#.into(), Err("the user name in the answer is not valid")),
        (r#"{"Username":"a","Secret":"s\u0000"}"#.into(), Err("the secret in the answer contains control characters")),
        (r#"{"Username":"a","Secret":5}"#.into(), Err(NO_JSON)),
        (r#"{"Username":"a","Secret":"s"} and more"#.into(), good("a", "s", None)), // Go's decoder also accepts it
        ("<html><body>502</body></html>".into(), Err(NO_JSON)),
        ("{".repeat(100_000), Err(NO_JSON)),
    ] {
        assert_eq!(read(&AnswerFormat::Helper, stdout.as_bytes()), expected, "{stdout:.80}");
    }
}

#[test]
fn an_ecr_token_is_split_at_its_first_colon_or_refused() {
    let encode = |token: &[u8]| BASE64_STANDARD.encode(token);
    let answer = |token: &str, ends: &str| {
        format!(
            r#"{{"authorizationData":[{{"authorizationToken":"{token}","expiresAt":{ends},"proxyEndpoint":"https://x"}}]}}"#
        )
    };
    for (stdout, expected) in [
        (
            answer(&encode(b"AWS:pass:word"), r#""2023-11-14T23:13:20.5+01:00""#),
            good("AWS", "pass:word", Some(1_700_000_000)),
        ),
        (answer(&encode(b"someone:pw"), "1700000000.123"), good("AWS", "pw", Some(1_700_000_000))),
        (answer(&encode(b"AWS:pw"), "null"), good("AWS", "pw", None)),
        (answer(&encode(b"AWS:pw"), r#""soon""#), good("AWS", "pw", None)),
        (answer(&encode(b"AWS:pw"), "1e300"), good("AWS", "pw", None)),
        (
            format!(r#"{{"authorizationData":{{"authorizationToken":"{}"}}}}"#, encode(b"AWS:pw")),
            good("AWS", "pw", None),
        ),
        (answer(&encode(b"AWS"), "0"), Err("the ECR authorization token in the answer has no colon")),
        (answer(&encode(b"AWS:"), "0"), Err("the secret in the answer is empty")),
        (answer(&encode(b"AWS:\xff\xfe"), "0"), Err("the ECR authorization token in the answer is not text")),
        (answer("QVdT%", "0"), Err("the ECR authorization token in the answer is not base64")),
        (r#"{"authorizationData":[]}"#.into(), Err("the list in the answer is empty")),
        (r#"{"authorizationData":[5]}"#.into(), Err(NO_JSON)),
        ("null".into(), Err(NO_JSON)),
    ] {
        assert_eq!(read(&AnswerFormat::Ecr, stdout.as_bytes()), expected, "{stdout}");
    }
}

#[test]
fn the_clouds_say_when_their_tokens_end() {
    let guid = "00000000-0000-0000-0000-000000000000";
    for (form, stdout, expected) in [
        (
            AnswerFormat::Gcloud,
            r#"{"credential": {"access_token": "ya29.x", "token_expiry": "2023-11-14T22:13:20Z"}}"#.to_owned(),
            good("oauth2accesstoken", "ya29.x", Some(1_700_000_000)),
        ),
        (AnswerFormat::Gcloud, r#"{"credential": {"access_token": "t"}}"#.into(), good("oauth2accesstoken", "t", None)),
        (AnswerFormat::Gcloud, r#"{"credential": {"access_token": null}}"#.into(), Err(NO_JSON)),
        (AnswerFormat::Gcloud, "{}".into(), Err(NO_JSON)),
        (
            acr_form(),
            format!(r#"{{"accessToken": "{JWT}", "loginServer": "Shop.azurecr.io"}}"#),
            good(guid, JWT, Some(1_700_000_000)),
        ),
        (acr_form(), r#"{"accessToken": "t"}"#.into(), good(guid, "t", None)),
        (
            acr_form(),
            r#"{"accessToken": "t", "loginServer": "other.azurecr.io"}"#.into(),
            Err("the answer is for another registry"),
        ),
        (acr_form(), r#"{"accessToken": ""}"#.into(), Err("the secret in the answer is empty")),
    ] {
        assert_eq!(read(&form, stdout.as_bytes()), expected, "{stdout}");
    }
}

#[test]
fn a_secret_alone_is_one_line() {
    for (form, stdout, expected) in [
        (AnswerFormat::Line, "gho_x\n", good("", "gho_x", None)),
        (AnswerFormat::Line, "gho_x\r\n", good("", "gho_x", None)),
        (AnswerFormat::Line, " s p ", good("", " s p ", None)),
        (AnswerFormat::Line, JWT, good("", JWT, Some(1_700_000_000))),
        (AnswerFormat::Line, "a\nb\n", Err("the answer has several lines")),
        (AnswerFormat::Line, "s\n\n", Err("the answer has several lines")),
        (AnswerFormat::Line, "a\u{1b}[0m", Err("the secret in the answer contains control characters")),
        (AnswerFormat::Line, "<!DOCTYPE html><p>log in", Err("the answer is a web page")),
        (AnswerFormat::FirstLine, "s3cret\nurl: x\nuser: y\n", good("", "s3cret", None)),
        (AnswerFormat::FirstLine, "\nurl: x\n", Err("the secret in the answer is empty")),
        (AnswerFormat::LineOrHelper, r#"{"Username":"u","Secret":"s"}"#, good("u", "s", None)),
        (AnswerFormat::LineOrHelper, r#"{"type":"service_account"}"#, good("", r#"{"type":"service_account"}"#, None)),
        (AnswerFormat::LineOrHelper, "s", good("", "s", None)),
    ] {
        assert_eq!(read(&form, stdout.as_bytes()), expected, "{stdout:?}");
    }
}

#[test]
fn nothing_and_too_much_are_no_answer() {
    for form in [
        AnswerFormat::Helper,
        AnswerFormat::Ecr,
        AnswerFormat::Gcloud,
        acr_form(),
        AnswerFormat::Line,
        AnswerFormat::FirstLine,
        AnswerFormat::LineOrHelper,
    ] {
        for stdout in ["", "\n", " \r\n\t", "\u{feff}"] {
            assert_eq!(read(&form, stdout.as_bytes()), Err("the answer is empty"), "{form:?}");
        }
        assert_eq!(read(&form, b"\xff\xfe"), Err("the answer is not text"), "{form:?}");
        assert!(read(&form, "x".repeat(SECRET_LIMIT + 1).as_bytes()).is_err(), "{form:?}");
    }
}
