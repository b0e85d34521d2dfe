//! Parses the output of other programs, which is untrusted.

use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::model::{HelperMessage, Secret, Username, jwt, timestamp};

/// The formats of a program's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AnswerFormat {
    /// `{"Username": …, "Secret": …}`, possibly after lines of messages
    Helper,
    /// The output of `aws ecr get-authorization-token` or `aws ecr-public get-authorization-token`
    Ecr,
    /// The output of `gcloud config config-helper`
    Gcloud,
    /// The output of `az acr login --expose-token`, which must name the registry `server`
    Acr { server: String },
    /// The secret and nothing else
    Line,
    /// The secret on the first line; later lines are ignored
    FirstLine,
    /// The format `Helper` is tried first, and then the format `Line`
    LineOrHelper,
}

#[derive(Debug)]
pub(super) struct ProgramAnswer {
    pub(super) username: Option<Username>,
    pub(super) secret: Secret,
    /// The expiry in the answer or in the answer's token.
    pub(super) ends: Option<SystemTime>,
}

/// The reason why an answer is unreadable, worded as a part of a sentence. The reason quotes nothing from the answer.
type ReadError = &'static str;

/// The size limit of a secret, in bytes. No client can send a longer secret in a header.
const SECRET_LIMIT: usize = 64 << 10;

const NO_JSON: ReadError = "the answer is not the expected JSON";

pub(super) fn parse(form: &AnswerFormat, stdout: &[u8]) -> Result<ProgramAnswer, ReadError> {
    let text = std::str::from_utf8(stdout).map_err(|_| "the answer is not text")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err("the answer is empty");
    }
    let answer = match form {
        AnswerFormat::Helper => helper(text)?,
        AnswerFormat::Ecr => ecr(text)?,
        AnswerFormat::Gcloud => gcloud(text)?,
        AnswerFormat::Acr { server } => acr(text, server)?,
        AnswerFormat::Line => secret_alone(line(text)?),
        AnswerFormat::FirstLine => secret_alone(text.lines().next().unwrap_or_default()),
        AnswerFormat::LineOrHelper => match helper(text) {
            Ok(answer) => answer,
            Err(_) => secret_alone(line(text)?),
        },
    };
    checked(answer)
}

/// Refuses a secret that cannot be valid, whatever the format of the answer.
#[expect(clippy::disallowed_methods, reason = "checks the secret and keeps it")]
fn checked(answer: ProgramAnswer) -> Result<ProgramAnswer, ReadError> {
    let secret = answer.secret.expose();
    if secret.trim().is_empty() {
        return Err("the secret in the answer is empty");
    }
    if secret.len() > SECRET_LIMIT {
        return Err("the secret in the answer is longer than 64 KiB");
    }
    if secret.chars().any(char::is_control) {
        return Err("the secret in the answer contains control characters");
    }
    let start: String = secret.trim_start().chars().take(9).collect::<String>().to_ascii_lowercase();
    if start.starts_with("<html") || start.starts_with("<!doctype") {
        return Err("the answer is a web page");
    }
    let ends = answer.ends.or_else(|| jwt::expiry(&jwt::claims(&answer.secret)?));
    Ok(ProgramAnswer { ends, ..answer })
}

/// Removes one line end after the secret. Returns an error if the answer has a further line end.
fn line(text: &str) -> Result<&str, ReadError> {
    let line = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(text);
    if line.contains(['\n', '\r']) { Err("the answer has several lines") } else { Ok(line) }
}

fn secret_alone(text: &str) -> ProgramAnswer {
    ProgramAnswer { username: None, secret: Secret::new(text.to_owned()), ends: None }
}

fn helper(text: &str) -> Result<ProgramAnswer, ReadError> {
    let HelperMessage { username, secret, .. } = HelperMessage::read_answer(text.as_bytes()).ok_or(NO_JSON)?;
    let username = match username.as_str() {
        "" => None,
        username => Some(username.parse().map_err(|_| "the user name in the answer is not valid")?),
    };
    Ok(ProgramAnswer { username, secret: secret.ok_or(NO_JSON)?, ends: None })
}

fn ecr(text: &str) -> Result<ProgramAnswer, ReadError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct EcrAnswer {
        authorization_data: EcrAuthorizations,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum EcrAuthorizations {
        More(Vec<EcrAuthorization>),
        One(EcrAuthorization),
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct EcrAuthorization {
        authorization_token: Zeroizing<String>,
        expires_at: Option<Value>,
    }
    let answer: EcrAnswer = json(text)?;
    let data = match answer.authorization_data {
        EcrAuthorizations::One(data) => data,
        EcrAuthorizations::More(list) => list.into_iter().next().ok_or("the list in the answer is empty")?,
    };
    let token = BASE64_STANDARD.decode(data.authorization_token.as_bytes());
    let token = Zeroizing::new(token.map_err(|_| "the ECR authorization token in the answer is not base64")?);
    let token = std::str::from_utf8(&token).map_err(|_| "the ECR authorization token in the answer is not text")?;
    let (_, password) = token.split_once(':').ok_or("the ECR authorization token in the answer has no colon")?;
    Ok(ProgramAnswer {
        username: known_user("AWS"),
        secret: Secret::new(password.to_owned()),
        ends: data.expires_at.as_ref().and_then(moment),
    })
}

fn gcloud(text: &str) -> Result<ProgramAnswer, ReadError> {
    #[derive(Deserialize)]
    struct GcloudAnswer {
        credential: GcloudCredential,
    }
    #[derive(Deserialize)]
    struct GcloudCredential {
        access_token: Zeroizing<String>,
        token_expiry: Option<Value>,
    }
    let GcloudCredential { access_token, token_expiry } = json::<GcloudAnswer>(text)?.credential;
    Ok(ProgramAnswer {
        username: known_user("oauth2accesstoken"),
        secret: Secret::new(access_token.to_string()),
        ends: token_expiry.as_ref().and_then(moment),
    })
}

fn acr(text: &str, server: &str) -> Result<ProgramAnswer, ReadError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct AcrAnswer {
        access_token: Zeroizing<String>,
        login_server: Option<String>,
    }
    let answer: AcrAnswer = json(text)?;
    if answer.login_server.is_some_and(|named| !named.eq_ignore_ascii_case(server)) {
        return Err("the answer is for another registry");
    }
    Ok(ProgramAnswer {
        username: known_user("00000000-0000-0000-0000-000000000000"),
        secret: Secret::new(answer.access_token.to_string()),
        ends: None,
    })
}

/// Parses the JSON object in the text. Skips the lines before the object, which may be messages.
fn json<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, ReadError> {
    let start = if text.trim_start().starts_with('{') { Some(0) } else { text.find("\n{").map(|at| at + 1) };
    serde_json::from_str(&text[start.ok_or(NO_JSON)?..]).map_err(|_| NO_JSON) // serde's error would quote the answer
}

fn known_user(name: &str) -> Option<Username> {
    name.parse().ok()
}

/// Reads a time as RFC 3339 text or as seconds since 1970. `aws` prints seconds if its setting `cli_timestamp_format`
/// is `wire`.
fn moment(value: &Value) -> Option<SystemTime> {
    match value {
        Value::String(text) => timestamp::parse(text),
        number => timestamp::from_number(number),
    }
}

#[cfg(test)]
mod tests;
