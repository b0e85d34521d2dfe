//! Asks for the registry, the user name and the secret of a login, if these values are missing.

use std::io::{self, Read};

use anyhow::{Context as _, anyhow};
use zeroize::Zeroizing;

use super::{CompleteLogin, external_source, renewed_account, username};
use crate::cli::failure::Failure;
use crate::cli::{CommandContext, args};
use crate::model::choice::RegistryAccounts;
use crate::model::{Account, Registry, Secret, Source, Username, is_ambiguous};
use crate::oauth::Provider;
use crate::system::text::{hide_userinfo, one_line, option, quote};

const SECRET_LIMIT: u64 = 1 << 20;

/// Refuses a password on the command line. Other programs can read a command line, and the shell saves command lines in
/// its history.
pub(super) fn refuse_password(context: &CommandContext<'_>, arguments: &args::LoginArguments) -> Result<(), Failure> {
    if arguments.password.is_none() {
        return Ok(());
    }
    let host = arguments.host.as_deref().map(|host| host.rsplit_once('@').map_or(host, |(_, host)| host));
    let host = host.map_or("HOST".into(), quote);
    let user = option("-u", arguments.username.as_deref().unwrap_or("NAME"));
    let what = "`--password` would show the password to programs and the shell's history";
    Err(Failure::usage(what, format!("run `{} login {host} {user} --password-stdin < FILE`", context.program)))
}

/// Treats `login ghcr.io/acme` as `login ghcr.io --images 'acme/**'`.
pub(super) fn take_namespace(arguments: &mut args::LoginArguments) {
    if let Some((host, images)) = arguments.host.as_deref().and_then(split_namespace) {
        arguments.host = Some(host);
        arguments.images.insert(0, images);
    }
}

/// Splits an address into its host and a pattern of images. Returns `None` if the address has no namespace. The path of
/// a registry's API, such as `/v2/`, is not a namespace.
fn split_namespace(address: &str) -> Option<(String, String)> {
    let begin = address.find("://").map_or(0, |at| at + 3);
    let (host, path) = address[begin..].split_once('/')?;
    let path = path.trim_matches('/');
    if path.is_empty() || matches!(path.split('/').next(), Some("v1" | "v2")) {
        return None;
    }
    let last = path.rsplit('/').next().unwrap_or(path);
    let is_below = !path.contains('*') && (last.starts_with("did:") || !last.contains([':', '@']));
    let images = if is_below { format!("{path}/**") } else { path.to_owned() };
    Some((format!("{}{host}", &address[..begin]), images))
}

/// Returns the registry, and the user name if the address has the form `user@host`.
pub(super) fn registry(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
) -> Result<(Registry, Option<String>), Failure> {
    let host = match &arguments.host {
        Some(host) => host.clone(),
        None if context.ui.can_ask() => context.ui.ask("Registry")?,
        None => {
            return Err(Failure::usage(
                "no registry was given",
                format!("name a registry, as in `{} login ghcr.io`", context.program),
            ));
        }
    };
    if is_ambiguous(host.split_once("://").map_or(&*host, |(_, address)| address)) {
        let what =
            format!("`{}` is not a registry: programs disagree about its host", one_line(&hide_userinfo(&host), 100));
        return Err(Failure::usage(what, "name the registry as in `ghcr.io`"));
    }
    match host.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.rsplit_once("://").map_or(user, |(_, user)| user);
            let user = user.split(':').next().unwrap_or_default(); // ignores a password in the address
            Ok((context.entry(host)?, Some(user.to_owned())))
        }
        None => Ok((context.entry(&host)?, None)),
    }
}

/// Returns the typed name of the registry, if Ensign spells this name differently. Docker may look up the typed name.
pub(super) fn spelling(arguments: &args::LoginArguments) -> Option<String> {
    Registry::spelled(arguments.host.as_deref()?).and_then(|(_, spelling)| spelling)
}

/// Asks for the user name and the secret. Returns `None` if there is neither a user name nor a terminal. The caller
/// then checks the default account.
pub(super) fn secret(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    known: &RegistryAccounts,
    user: Option<Username>,
) -> Result<Option<CompleteLogin>, Failure> {
    let registry = &known.registry;
    // With an identity token, the stored user name is `<token>`, and only the user knows the real user name.
    let renewed = renewed_account(arguments, known).filter(|account| !account.username.is_identity_token());
    let user = user.or_else(|| renewed.map(|account| account.username.clone()));
    let is_named = user.is_some();
    let username = match user {
        Some(name) => name,
        None if context.ui.can_ask() && !arguments.password_stdin => {
            introduce(context, known)?;
            username(&context.ui.ask(&format!("Username at {registry}"))?)?
        }
        None if !arguments.password_stdin && known.default_account().is_some() => return Ok(None),
        None => {
            let what = format!("{registry} needs a user name and there is no terminal to ask on");
            return Err(Failure::usage(what, pipe_it(context, registry, "NAME")));
        }
    };
    let secret = if arguments.password_stdin {
        read_secret(io::stdin().lock())?
    } else if context.ui.can_ask() {
        if is_named {
            say_where_tokens_are_made(context, registry);
        }
        context.ui.ask_secret(&format!("Password or token of {username}"))?
    } else {
        let what = format!("{registry} needs a secret and there is no terminal to ask on");
        return Err(Failure::usage(what, pipe_it(context, registry, username.as_str())));
    };
    if secret.is_empty() {
        return Err(Failure::usage("the password is empty", pipe_it(context, registry, username.as_str())));
    }
    let alias = arguments.alias.clone();
    Ok(Some(CompleteLogin { username, stored: secret.into(), source: Source::Static, alias, did: None }))
}

/// Prints the registry's accounts, and the page on which a person can create a token.
fn introduce(context: &CommandContext<'_>, known: &RegistryAccounts) -> Result<(), Failure> {
    if !known.accounts.is_empty() {
        // With the user name `<token>`, only the alias contains the real user name.
        let user = |account: &Account| {
            if account.username.is_identity_token() { account.name.to_string() } else { account.username.to_string() }
        };
        let users: Vec<_> = known.accounts.iter().map(user).collect();
        context.ui.say(format_args!(
            "{} has accounts of: {}. A new user name adds an account; an existing one renews that account.",
            known.registry,
            users.join(", ")
        ));
    }
    if let Some(command) = external_source::suggest(context, &known.registry) {
        context.ui.say(format_args!("With another program's login:  {command}"));
    }
    if let Some(page) = say_where_tokens_are_made(context, &known.registry)
        && context.ui.confirm("Open it in the browser?")?
        && !context.ui.open_browser(&page)
    {
        context.ui.note("no browser could be opened");
    }
    Ok(())
}

/// Prints the page on which a person can create a token, and the rights that the token needs. Returns the page.
fn say_where_tokens_are_made(context: &CommandContext<'_>, registry: &Registry) -> Option<String> {
    let Provider { token_page, token_rights, .. } = adviser(context, registry)?;
    if let Some(page) = &token_page {
        context.ui.say("Make a token at");
        context.ui.say(format_args!("  {page}"));
    }
    if let Some(rights) = &token_rights {
        context.ui.say(format_args!("It needs {rights}"));
    }
    token_page
}

/// Returns the page on which a person can create a token for the registry.
pub(in crate::cli) fn token_page(context: &CommandContext<'_>, registry: &Registry) -> Option<String> {
    context.providers().ok()?.for_registry(registry)?.token_page.clone()
}

/// Returns advice after a refused login. The advice says how to create a token that the registry accepts.
pub(super) fn advice(context: &CommandContext<'_>, registry: &Registry) -> String {
    let (page, rights) =
        adviser(context, registry).map(|provider| (provider.token_page, provider.token_rights)).unwrap_or_default();
    match (page, rights) {
        (Some(page), Some(rights)) => format!("make a token at {page} (the token needs: {rights}) and log in again"),
        (Some(page), None) => format!("make a token at {page} and log in again"),
        (None, Some(rights)) => format!("make a token (the token needs: {rights}) and log in again"),
        (None, None) => "check that the token has not expired and has every needed right, and log in again".to_owned(),
    }
}

/// Returns the identity provider that has advice on tokens for this registry. The provider is in the table of
/// providers, or the registry announces the provider.
fn adviser(context: &CommandContext<'_>, registry: &Registry) -> Option<Provider> {
    let row = context.providers().ok()?.for_registry(registry).cloned();
    row.or_else(|| context.announced(registry).ok().flatten())
}

fn pipe_it(context: &CommandContext<'_>, registry: &Registry, username: &str) -> String {
    let (host, user) = (quote(registry.as_str()), option("-u", username));
    format!("pipe the password: `{} login {host} {user} --password-stdin < FILE`", context.program)
}

/// Reads the secret from stdin. Removes exactly one line end, as docker/cli's `login --password-stdin` does. Also
/// removes a byte order mark, which PowerShell and some editors add.
pub(in crate::cli) fn read_secret(stdin: impl Read) -> Result<Secret, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read =
        stdin.take(SECRET_LIMIT + 1).read_to_string(&mut text).context("could not read the password from stdin")?;
    if read as u64 > SECRET_LIMIT {
        return Err(anyhow!("the password on stdin is longer than 1 MiB").into());
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let line = text.strip_suffix("\r\n").or_else(|| text.strip_suffix(['\n', '\r'])).unwrap_or(text);
    Ok(Secret::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_behind_the_host_is_a_pattern_of_images() {
        for (address, host, images) in [
            ("ghcr.io/acme", "ghcr.io", "acme/**"),
            ("ghcr.io/acme/", "ghcr.io", "acme/**"),
            ("https://ghcr.io/acme", "https://ghcr.io", "acme/**"),
            ("bob@ghcr.io/acme", "bob@ghcr.io", "acme/**"),
            ("registry.gitlab.com/group/project", "registry.gitlab.com", "group/project/**"),
            ("ghcr.io/acme/app:1.0", "ghcr.io", "acme/app:1.0"),
            ("ghcr.io/acme/web-*", "ghcr.io", "acme/web-*"),
            ("ghcr.io/acme/**", "ghcr.io", "acme/**"),
            ("localhost:5000/acme", "localhost:5000", "acme/**"),
            ("atcr.io/did:plc:abc", "atcr.io", "did:plc:abc/**"),
        ] {
            assert_eq!(split_namespace(address), Some((host.to_owned(), images.to_owned())), "{address}");
        }
        for address in
            ["ghcr.io", "ghcr.io/", "https://index.docker.io/v1/", "ghcr.io/v2", "https://ghcr.io/v2/_catalog"]
        {
            assert_eq!(split_namespace(address), None, "{address}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "compared in a test")]
    fn exactly_one_line_end_is_cut() {
        for (stdin, secret) in [
            ("pw", "pw"),
            ("\u{feff}pw\r\n", "pw"),
            ("pw\n", "pw"),
            ("pw\r\n", "pw"),
            ("pw\n\n", "pw\n"),
            (" pw \n", " pw "),
            ("\n", ""),
        ] {
            assert_eq!(read_secret(stdin.as_bytes()).unwrap().expose(), secret, "{stdin:?}");
        }
    }
}
