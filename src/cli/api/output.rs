//! Prints the registry's answer to a terminal, to a pipe or into a file.

use std::process::ExitCode;

use anyhow::anyhow;
use serde_json::{Map, Value, json};

use super::manifest;
use crate::accounts::login_hint;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::{CommandContext, args};
use crate::model::{Account, Problem, Registry};
use crate::oci::api::{ApiRequest, ApiResponse, Digests, EndpointKind, Method, Payload};
use crate::oci::errors::{self, ApiError};
use crate::system::files::AtomicFile;
use crate::system::text;

/// The description of an error response.
struct ApiFailure {
    what: String,
    hint: Option<String>,
    errors: Vec<ApiError>,
    kind: FailureKind,
}

pub(super) fn answer(
    context: &CommandContext<'_>,
    arguments: &args::ApiArguments,
    call: &ApiRequest,
    registry: &Registry,
    who: Option<&Account>,
    answer: ApiResponse,
) -> Result<ExitCode, Failure> {
    if answer.status >= 300 && answer.status != 304 {
        return refuse(context, arguments, call, registry, who, answer);
    }
    if answer.has_more {
        context.ui.note("the list has more pages: `--paginate` fetches all of them");
    }
    match (call.method, &call.payload) {
        (Method::Put | Method::Post, Payload::Bytes(_) | Payload::File(..)) if answer.sent.is_some() => {
            put(context, arguments, call, &answer)
        }
        (Method::Get, _) => body(context, arguments, call, answer),
        _ => bare(context, arguments, call, answer),
    }
}

/// Prints the status and the headers of a response, but no body. After a deletion, prints them only with `--include`
/// or `--json`.
fn bare(
    context: &CommandContext<'_>,
    arguments: &args::ApiArguments,
    call: &ApiRequest,
    answer: ApiResponse,
) -> Result<ExitCode, Failure> {
    let digest = answer.header("docker-content-digest").map(str::to_owned);
    let mut json = head_json(&answer, digest.as_deref());
    let deleted = call.method == Method::Delete;
    let head = if deleted && !arguments.include { String::new() } else { head(&answer) };
    let status = answer.status;
    answer.digest(false).map_err(mismatch)?;
    if deleted {
        json["status"] = json!("success");
        context.ui.say(format_args!("✓ deleted {} ({status})", call.endpoint_name()));
    }
    if context.ui.is_json() || !head.is_empty() {
        context.ui.exact_data(json, head.trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the digest of the stored content to stdout.
fn put(
    context: &CommandContext<'_>,
    arguments: &args::ApiArguments,
    call: &ApiRequest,
    answer: &ApiResponse,
) -> Result<ExitCode, Failure> {
    let sent = answer.sent.as_ref().ok_or_else(|| anyhow!("nothing was sent"))?;
    let digest = answer.header("docker-content-digest").unwrap_or(&sent.sha256);
    let (media_type, platforms) = match &call.payload {
        Payload::Bytes(bytes) if call.endpoint.kind == EndpointKind::Manifest => {
            let own = call.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone());
            (own, manifest::platforms(bytes))
        }
        _ => (None, Vec::new()),
    };
    let mut json = head_json(answer, Some(digest));
    json["size"] = json!(sent.size);
    json["mediaType"] = json!(media_type);
    json["platforms"] = json!(platforms);
    let about: Vec<String> = media_type.into_iter().chain([format!("{} bytes", sent.size)]).chain(platforms).collect();
    let place = match call.endpoint.reference.as_deref() {
        Some(tag) if call.endpoint.kind == EndpointKind::Manifest && !tag.contains(':') => call.endpoint_name(),
        _ => call.endpoint.repository.clone().unwrap_or_default(),
    };
    context.ui.say(format_args!("✓ stored in {place}: {}", about.join(", ")));
    let head = if arguments.include { format!("{}\n", head(answer)) } else { String::new() };
    context.ui.exact_data(json, format_args!("{head}{}", text::one_line(digest, 150)))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the body unchanged to stdout or into a file. With `--json`, a JSON body becomes the field `body` of the
/// output.
fn body(
    context: &CommandContext<'_>,
    arguments: &args::ApiArguments,
    call: &ApiRequest,
    mut answer: ApiResponse,
) -> Result<ExitCode, Failure> {
    let broken = |why: String| Failure::from(anyhow!(why));
    let mut json = head_json(&answer, None);
    let head = if arguments.include { format!("{}\n", head(&answer)) } else { String::new() };
    if let Some(path) = &arguments.output {
        let mut file = AtomicFile::begin(path)?;
        while let Some(piece) = answer.next().map_err(broken)? {
            file.write(&piece)?;
        }
        let digests = answer.digest(true).map_err(mismatch)?;
        file.keep()?;
        add_digest(&mut json, digests.as_ref());
        json["output"] = json!(path.display().to_string());
        let summary = digests.map(|digests| format!(": {} bytes, {}", digests.size, digests.sha256));
        context.ui.say(format_args!("✓ wrote {}{}", path.display(), summary.unwrap_or_default()));
        if context.ui.is_json() || arguments.include {
            context.ui.exact_data(json, head.trim_end())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    // A blob may be of any size, so a blob is printed piece by piece. Any other body is printed only after the body's
    // digest was checked.
    if call.endpoint.kind == EndpointKind::Blob && !context.ui.is_json() {
        let mut piece = answer.next().map_err(broken)?;
        if context.ui.is_terminal() && piece.as_deref().is_some_and(is_binary) {
            return Err(Failure::usage(
                "the response is not text",
                "write the response to a file with `--output FILE`, or redirect stdout",
            ));
        }
        context.ui.raw(head.as_bytes())?;
        while let Some(bytes) = piece {
            if !context.ui.raw(&bytes)? {
                return Ok(ExitCode::SUCCESS);
            }
            piece = answer.next().map_err(broken)?;
        }
        answer.digest(true).map_err(mismatch)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = answer.text().map_err(broken)?;
    let digests = answer.digest(true).map_err(mismatch)?;
    if !context.ui.is_json() {
        context.ui.raw(head.as_bytes())?;
        context.ui.raw(&text)?;
        if context.ui.is_terminal() && !text.ends_with(b"\n") {
            context.ui.raw(b"\n")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    add_digest(&mut json, digests.as_ref());
    json["body"] = match serde_json::from_slice(&text) {
        Ok(value) => value,
        Err(_) if text.is_empty() => Value::Null,
        Err(_) => {
            return Err(Failure::usage(
                "the response is not JSON",
                "write the response to a file with `--output FILE`",
            ));
        }
    };
    context.ui.data(json, "")?;
    Ok(ExitCode::SUCCESS)
}

/// Prints an error response, with each of the registry's errors on its own line.
fn refuse(
    context: &CommandContext<'_>,
    arguments: &args::ApiArguments,
    call: &ApiRequest,
    registry: &Registry,
    who: Option<&Account>,
    mut answer: ApiResponse,
) -> Result<ExitCode, Failure> {
    let (mut json, head) = (head_json(&answer, None), head(&answer));
    let errors = answer.text().map(|text| errors::parse(&text)).unwrap_or_default();
    let mut refusal =
        ApiFailure::new(answer.status, errors, registry, who, answer.known, &call.endpoint_name(), context.program);
    refusal.hint = refusal.hint.map(|hint| context.ui.as_typed(&hint));
    if call.method == Method::Delete && answer.status != 404 {
        refusal.what = format!("could not delete {}: {}", call.endpoint_name(), refusal.what);
    }
    if !context.ui.is_json() && (arguments.include || call.method == Method::Head) {
        context.ui.print(&head)?;
    }
    context.ui.say(format_args!("error: {}", refusal.what));
    for error in &refusal.errors {
        context.ui.say(format_args!("error: {error}"));
    }
    if let Some(hint) = &refusal.hint {
        context.ui.say(format_args!("hint: {hint}"));
    }
    if context.ui.is_json() {
        let errors: Vec<Value> = refusal
            .errors
            .iter()
            .map(|error| json!({"code": error.code, "message": error.message, "detail": error.detail}))
            .collect();
        json["status"] = json!("error");
        json["error"] = json!(refusal.what);
        json["hint"] = json!(refusal.hint);
        json["errors"] = json!(errors);
        context.ui.data(json, "")?;
    }
    Ok(ExitCode::from(refusal.kind as u8))
}

impl ApiFailure {
    /// The exit code is 3 if there is no valid login, 4 if the registry denies the access, and 1 for every other error.
    /// The status 401 or 500 is never reported as «not found».
    fn new(
        status: u16,
        errors: Vec<ApiError>,
        registry: &Registry,
        who: Option<&Account>,
        known: bool,
        path: &str,
        program: &str,
    ) -> Self {
        let (what, hint, kind) = match (status, who) {
            (401 | 403, Some(account)) if known => {
                let what = format!(
                    "{registry} accepts the account {}, but does not allow this request ({status})",
                    account.name
                );
                let hint = format!("run `{program} status {registry}` to see the other accounts");
                (what, Some(hint), FailureKind::Denied)
            }
            (403, Some(_)) => (format!("{registry} does not allow this (403)"), None, FailureKind::Denied),
            (401, Some(account)) => {
                let what = format!("{registry} rejects the login of {} (401)", account.name);
                (what, Some(login_hint(account)), FailureKind::NotLoggedIn)
            }
            (401 | 403, None) => {
                let what = format!("{registry} needs a login for this request ({status})");
                (what, Some(format!("run `{program} login {registry}`")), FailureKind::NotLoggedIn)
            }
            (404, _) => (format!("not found: {path}"), None, FailureKind::Failed),
            (429, _) => (format!("{registry} asks to try again later (429)"), None, FailureKind::Failed),
            (300..=399, _) => {
                let redirects = format!("{registry} redirects this request ({status})");
                (format!("{redirects}, and Ensign does not follow the redirect"), None, FailureKind::Failed)
            }
            (500..=599, _) => (format!("{registry} has a server error ({status})"), None, FailureKind::Failed),
            _ => (format!("{registry} answered {status}"), None, FailureKind::Failed),
        };
        Self { what, hint, errors, kind }
    }
}

impl ApiRequest {
    /// Returns the requested image, repository or path as a text for messages.
    fn endpoint_name(&self) -> String {
        match (&self.endpoint.repository, &self.endpoint.reference) {
            (Some(repository), Some(reference)) if reference.contains(':') => {
                format!("{repository}@{}", text::one_line(reference, 150))
            }
            (Some(repository), Some(reference)) => format!("{repository}:{}", text::one_line(reference, 150)),
            (Some(repository), None) => repository.clone(),
            (None, _) => text::one_line(&self.endpoint.path, 150),
        }
    }
}

fn mismatch(what: String) -> Failure {
    Problem::new(what, "discard the response and retry; if it recurs, report it to the registry's operator").into()
}

/// Returns the status and the headers, each on its own line, as in HTTP.
fn head(answer: &ApiResponse) -> String {
    let lines = answer.headers.iter().map(|(name, value)| format!("{name}: {}\n", text::sanitize(value)));
    std::iter::once(format!("HTTP {}\n", answer.status)).chain(lines).collect()
}

fn head_json(answer: &ApiResponse, digest: Option<&str>) -> Value {
    let mut headers = Map::new();
    for (name, value) in &answer.headers {
        let all = match headers.get(name).and_then(Value::as_str) {
            Some(before) => format!("{before}, {value}"),
            None => value.clone(),
        };
        headers.insert(name.clone(), json!(all));
    }
    json!({"status": "success", "code": answer.status, "headers": headers, "digest": digest})
}

fn add_digest(json: &mut Value, digests: Option<&Digests>) {
    if let Some(digests) = digests {
        json["digest"] = json!(digests.sha256);
        json["size"] = json!(digests.size);
    }
}

/// Tells whether `piece` contains bytes that a terminal cannot show as text.
fn is_binary(piece: &[u8]) -> bool {
    let valid = match std::str::from_utf8(piece) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => return piece[..error.valid_up_to()].contains(&0),
        Err(_) => return true,
    };
    valid.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_an_absence_and_an_outage_are_told_apart() {
        let registry: Registry = "ghcr.io".parse().unwrap();
        let account =
            Account { name: "work".parse().unwrap(), ..Account::new(registry.clone(), "me".parse().unwrap()) };
        for (status, who, known, code, expected) in [
            (401, Some(&account), true, 4, "ghcr.io accepts the account work, but does not allow this request (401)"),
            (403, Some(&account), true, 4, "ghcr.io accepts the account work, but does not allow this request (403)"),
            (401, Some(&account), false, 3, "ghcr.io rejects the login of work (401)"),
            (403, Some(&account), false, 4, "ghcr.io does not allow this (403)"),
            (401, None, false, 3, "ghcr.io needs a login for this request (401)"),
            (403, None, false, 3, "ghcr.io needs a login for this request (403)"),
            (404, Some(&account), true, 1, "not found: a/b:1"),
            (404, None, false, 1, "not found: a/b:1"),
            (500, None, false, 1, "ghcr.io has a server error (500)"),
            (429, None, false, 1, "ghcr.io asks to try again later (429)"),
            (307, None, false, 1, "ghcr.io redirects this request (307), and Ensign does not follow the redirect"),
            (418, None, false, 1, "ghcr.io answered 418"),
        ] {
            let refusal = ApiFailure::new(status, vec![], &registry, who, known, "a/b:1", "ensign");
            assert_eq!((refusal.kind as u8, refusal.what.as_str()), (code, expected));
            assert_eq!(refusal.hint.is_some(), matches!(code, 3) || known && status < 404);
        }
    }

    #[test]
    fn what_a_terminal_cannot_show_is_seen() {
        for (piece, expected) in [
            (b"{\"a\": 1}\n" as &[u8], false),
            ("zürich".as_bytes(), false),
            (&"zü".as_bytes()[..2], false),
            (&[0x1f, 0x8b, 0x08, 0x00], true),
            (b"a\0b", true),
            (b"\x1b[2J", true),
            (b"", false),
        ] {
            assert_eq!(is_binary(piece), expected, "{piece:?}");
        }
    }
}
