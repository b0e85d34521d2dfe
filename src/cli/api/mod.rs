//! `api`: sends one request to a registry. Ensign chooses the account in the same way as the command `which`.

mod manifest;
mod output;

use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};

use super::account_secret::AccountSecret;
use super::connection_hint::connection_hint;
use super::failure::{Failure, FailureKind};
use super::{CommandContext, args, which};
use crate::accounts::{self, SecretVerdict};
use crate::model::{Account, Credential, Operation, Problem, Registry};
use crate::oci::api::{self, ApiRequest, Endpoint, EndpointKind, LARGEST_TEXT, Method, Payload};
use crate::oci::{RepositoryAccess, TransportSecurity};
use crate::system::files;
use crate::system::text::{hide_userinfo, one_line};

/// The account for a request, with the account's secret, or `None` for an anonymous request.
type ApiIdentity = Option<(Account, AccountSecret)>;

/// Headers that `--header` cannot set.
const OURS: [&str; 5] = ["authorization", "host", "content-length", "transfer-encoding", "connection"];

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::ApiArguments) -> Result<ExitCode, Failure> {
    let registry = context.registry(&arguments.host)?;
    let call = plan(arguments, &registry)?;
    let mut who = asker(context, &registry, &call)?;
    let security = context.security(&registry, arguments.plain_http);
    let ask = |credential: Option<&Credential>| {
        context.ui.while_waiting(&format!("Asking {registry}"), || api::call(&call, &registry, credential, security))
    };
    let mut asked = ask(who.as_ref().map(|(_, secret)| &secret.credential));
    if let Some((account, secret)) = &mut who {
        asked = context.settle(account, secret, asked, |credential| ask(Some(credential)))?;
        let verdict = match &asked.answer {
            Ok(answer) => answer.known.then_some(SecretVerdict::Accepted),
            Err(RepositoryAccess::Rejected { .. }) => Some(SecretVerdict::Refused),
            Err(RepositoryAccess::SessionOver { page }) => Some(SecretVerdict::SessionOver { page: page.clone() }),
            Err(_) => None,
        };
        if let Some(verdict) = verdict {
            context.record_verdict(account, secret, &verdict, None);
        }
    }
    let who = who.as_ref().map(|(account, _)| account);
    match asked.answer {
        Ok(answer) => output::answer(context, arguments, &call, &registry, who, answer),
        Err(access) => Err(refusal(context, &registry, who, access, security)),
    }
}

/// Chooses the account in the same way as the command `which`. Returns `None` if the registry has no accounts and
/// `ENSIGN_ACCOUNT` is not set. Also returns `None` if the request reads a public image, because such a request needs
/// no login.
fn asker(context: &CommandContext<'_>, registry: &Registry, call: &ApiRequest) -> Result<ApiIdentity, Failure> {
    let candidates = context.accounts.registry_accounts(registry)?;
    if candidates.accounts.is_empty() && context.env.account.is_none() {
        context.ui.note(format_args!("{registry} has no account, so the request is sent without a login"));
        return Ok(None);
    }
    let image = call.endpoint.image(registry);
    let operation = match call.method {
        Method::Get | Method::Head => Operation::Pull,
        Method::Post | Method::Put | Method::Patch | Method::Delete => Operation::Push,
    };
    let is_read = operation == Operation::Pull;
    if is_read && image.as_ref().is_some_and(|image| which::is_public(context, &candidates, image)) {
        context.ui.note(format_args!("the image is public, so the request is sent without a login"));
        return Ok(None);
    }
    let candidates = context.candidates(registry)?;
    let operation = (image.is_some() || !is_read).then_some(operation);
    let account = which::account_for(context, &candidates, image.as_ref(), operation)?;
    context.hand_out(account, "api")?;
    let account = account.at(registry).into_owned();
    let secret = context.secret_of(&account)?;
    Ok(Some((account, secret)))
}

fn plan(arguments: &args::ApiArguments, registry: &Registry) -> Result<ApiRequest, Failure> {
    let endpoint = Endpoint::parse(&arguments.path, registry).map_err(|why| {
        let what =
            format!("`{}` is not a path of a registry's API: {why}", one_line(&hide_userinfo(&arguments.path), 100));
        Failure::usage(what, "write the path as in `acme/app/tags/list`")
    })?;
    let method = match &arguments.method {
        Some(method) => *method,
        None => default_method(endpoint.kind, arguments.input.is_some())
            .ok_or_else(|| Failure::usage("`--input` needs a method", "add the method, as in `-X PUT`"))?,
    };
    if arguments.input.is_some() && matches!(method, Method::Get | Method::Head | Method::Delete) {
        return Err(Failure::usage(
            "GET, HEAD and DELETE send no body",
            "remove `--input`, or name another method with `-X`",
        ));
    }
    let is_list = matches!(endpoint.kind, EndpointKind::Catalog | EndpointKind::Tags | EndpointKind::Referrers);
    if arguments.paginate && (method != Method::Get || !is_list) {
        return Err(Failure::usage(
            "`--paginate` works only for lists",
            "use `--paginate` with `_catalog`, `…/tags/list` or `…/referrers/…`",
        ));
    }
    let mut headers = arguments.header.iter().map(|text| header(text)).collect::<Result<Vec<_>, _>>()?;
    let payload = arguments.input.as_deref().map_or(Ok(Payload::None), |input| payload(input, endpoint.kind))?;
    if let (Payload::Bytes(bytes), EndpointKind::Manifest, Method::Put) = (&payload, endpoint.kind, method) {
        let is_content_type = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
        let own = || headers.iter().find(|header| is_content_type(header)).map(|(_, value)| value.clone());
        let media_type = manifest::media_type(bytes).or_else(own).ok_or_else(|| {
            Failure::usage(
                "the manifest has no media type",
                "name the media type: -H 'Content-Type: application/vnd.oci.image.manifest.v1+json'",
            )
        })?;
        headers.retain(|header| !is_content_type(header));
        headers.push(("content-type".to_owned(), media_type));
    }
    Ok(ApiRequest { method, endpoint, headers, payload, paginate: arguments.paginate })
}

fn default_method(kind: EndpointKind, has_input: bool) -> Option<Method> {
    match kind {
        _ if !has_input => Some(Method::Get),
        EndpointKind::Manifest => Some(Method::Put),
        EndpointKind::Uploads => Some(Method::Post),
        _ => None,
    }
}

/// Parses a header, which consists of a name, a colon and a value.
fn header(text: &str) -> Result<(String, String), Failure> {
    let pair = text.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
    let token = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    match pair.filter(|(name, value)| token(name) && value.bytes().all(|b| (b' '..=b'~').contains(&b))) {
        None => Err(Failure::usage(
            format!("`{}` is not a header", one_line(text, 60)),
            "write a header as -H 'Name: value'",
        )),
        Some((name, _)) if OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) => Err(Failure::usage(
            format!("Ensign sets the header `{name}` itself"),
            "set ENSIGN_ACCOUNT to use another account",
        )),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
    }
}

/// Returns the body of the request. A body from stdin (`-`) or a manifest is read into memory. For any other file,
/// returns only the file's path and length.
fn payload(input: &Path, kind: EndpointKind) -> Result<Payload, Failure> {
    let too_large = || {
        let what = format!("`{}` is larger than {} MiB", input.display(), LARGEST_TEXT >> 20);
        Failure::usage(what, "send the content as a blob, from a file")
    };
    if input == Path::new("-") {
        if kind == EndpointKind::Uploads {
            return Err(Failure::usage(
                "a blob cannot come from a pipe, because Ensign reads the blob twice",
                "name a file with `--input`",
            ));
        }
        let mut bytes = Vec::new();
        io::stdin().lock().take(LARGEST_TEXT as u64 + 1).read_to_end(&mut bytes).context("could not read stdin")?;
        return if bytes.len() > LARGEST_TEXT { Err(too_large()) } else { Ok(Payload::Bytes(Arc::from(bytes))) };
    }
    if input.is_dir() {
        return Err(Failure::usage(format!("`{}` is a folder", input.display()), "name a file with `--input`"));
    }
    let length = files::length(input)?
        .ok_or_else(|| Failure::usage(format!("there is no file `{}`", input.display()), "check its name"))?;
    if kind != EndpointKind::Manifest {
        return Ok(Payload::File(input.to_owned(), length));
    }
    if length > LARGEST_TEXT as u64 {
        return Err(too_large());
    }
    Ok(Payload::Bytes(Arc::from(files::read_any(input, LARGEST_TEXT as u64)?.unwrap_or_default())))
}

/// Returns the error for a request that failed, with the reason for the failure.
fn refusal(
    context: &CommandContext<'_>,
    registry: &Registry,
    who: Option<&Account>,
    access: RepositoryAccess,
    security: TransportSecurity,
) -> Failure {
    match (access, who) {
        (RepositoryAccess::Rejected { by }, Some(account)) => {
            let what = format!("{} rejects the login of {}", one_line(&by, 100), account.name);
            Failure::not_logged_in(what, accounts::login_hint(account))
        }
        (RepositoryAccess::Rejected { by } | RepositoryAccess::Denied { by }, None) => {
            let what = format!("{} needs a login for this request", one_line(&by, 100));
            Failure::not_logged_in(what, format!("run `{} login {registry}`", context.program))
        }
        (RepositoryAccess::Denied { by }, Some(account)) => {
            let what = format!(
                "{registry} accepts the account {}, but does not allow this request (according to {})",
                account.name,
                one_line(&by, 100)
            );
            Failure::new(FailureKind::Denied, Problem::new(what, format!("run `{} which {registry}`", context.program)))
        }
        (RepositoryAccess::SessionOver { page }, Some(account)) => {
            Failure::not_logged_in(accounts::session_over(registry, &account.name), accounts::log_in_at(&page))
        }
        (RepositoryAccess::SessionOver { page }, None) => {
            Failure::not_logged_in(format!("{registry} needs a login for this request"), format!("log in at {page}"))
        }
        (RepositoryAccess::Unknown { why } | RepositoryAccess::Unverified { why }, _) => {
            match connection_hint(context, registry, security, &why) {
                Some(hint) => Problem::new(why, hint).into(),
                None => anyhow!(why).into(),
            }
        }
        (
            RepositoryAccess::Anyone { .. }
            | RepositoryAccess::Allowed
            | RepositoryAccess::Unseen
            | RepositoryAccess::NoTokens,
            _,
        ) => {
            let what = format!("{registry} redirects to another host");
            Failure::new(FailureKind::Failed, Problem::new(what, "use that host"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_and_a_value_that_are_ours_to_send() {
        for (text, expected) in [
            ("Accept: application/json", Some(("Accept", "application/json"))),
            ("X-A:b:c", Some(("X-A", "b:c"))),
            ("X-A:", Some(("X-A", ""))),
            ("X-A", None),
            (": b", None),
            ("a b: c", None),
            ("X-A: b\r\nX-B: c", None),
            ("Authorization: Bearer x", None),
            ("content-length: 5", None),
        ] {
            let pair = header(text).ok();
            assert_eq!(pair.as_ref().map(|(name, value)| (name.as_str(), value.as_str())), expected, "{text}");
        }
    }

    #[test]
    fn what_is_sent_says_what_to_do_with_it() {
        for (kind, has_input, expected) in [
            (EndpointKind::Tags, false, Some(Method::Get)),
            (EndpointKind::Manifest, false, Some(Method::Get)),
            (EndpointKind::Manifest, true, Some(Method::Put)),
            (EndpointKind::Uploads, true, Some(Method::Post)),
            (EndpointKind::Upload, true, None),
            (EndpointKind::Other, true, None),
        ] {
            assert_eq!(default_method(kind, has_input), expected, "{kind:?}");
        }
    }
}
