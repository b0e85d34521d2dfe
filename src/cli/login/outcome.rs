//! Prints the result of a login.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::cli::{CommandContext, account, args, callers, configure_docker, expiry, images, store};
use crate::docker::{configured_helper, containers};
use crate::model::choice::RegistryAccounts;
use crate::model::{Account, Expiry, Registry, Source};
use crate::system::text::{command, one_line};

pub(super) fn print_outcome(
    context: &CommandContext<'_>,
    saved: &Account,
    before: &RegistryAccounts,
    arguments: &args::LoginArguments,
    open: bool,
    expiry: Expiry,
) -> Result<(), Failure> {
    let registry = &saved.registry;
    let after = context.accounts.registry_accounts(registry)?;
    let verified = !arguments.no_verify && !open && !registry.is_pattern();
    let json = json(saved, &after, verified, expiry);
    let (how, note) = if verified { ("Logged in to", "") } else { ("Saved login for", " (not verified)") };
    context.ui.done(json, format_args!("{how} {registry} as {}{note}", saved.username))?;
    print_uses(context, saved, &after);
    print_secret(context, saved, expiry)?;
    if open {
        context.ui.note(format_args!("{registry} accepts every login, so the password was not checked"));
    }
    if after.accounts.len() > before.accounts.len() {
        print_default(context, saved, &after);
    }
    images::warn_about_rivals(context, &after, saved);
    if registry.is_pattern() {
        if saved.source == Source::Static {
            context.ui.note(format_args!("this secret is sent to any host that matches {registry}"));
        }
        context.note_that_docker_must_ask(registry);
        return Ok(());
    }
    let_docker_ask(context, arguments, registry)
}

/// Returns the result of a login for `--json`.
pub(super) fn json(account: &Account, known: &RegistryAccounts, verified: bool, expiry: Expiry) -> Value {
    let mut json = json!({
        "status": "success", "registry": account.registry.as_str(), "account": account.name.as_str(),
        "username": account.username.as_str(), "verified": verified, "active": known.default_account() == Some(account),
        "store": account.store.to_string(), "source": account.source.to_string(),
    });
    expiry::add_to_json(&mut json, expiry);
    json
}

fn print_uses(context: &CommandContext<'_>, saved: &Account, after: &RegistryAccounts) {
    let images: Vec<_> = saved.patterns().iter().map(ToString::to_string).collect();
    let by_default = if after.default_account() == Some(saved) { ", and by default" } else { "" };
    let used_for = if images.is_empty() { "no images of its own".to_owned() } else { images.join(", ") };
    context.ui.say(format_args!("  Used for  {used_for}{}{by_default}", account::only(saved)));
}

/// Prints where the secret is, who may ask for it, and when it expires.
fn print_secret(context: &CommandContext<'_>, saved: &Account, expiry: Expiry) -> Result<(), Failure> {
    match &saved.source {
        Source::External(external) if saved.registry.is_pattern() => {
            context.ui.say(format_args!("  Secret    from {external}, which is asked for each of these hosts"));
        }
        Source::External(external) if context.accounts.stored(saved)?.is_none() => {
            context.ui.say(format_args!("  Secret    from {external}, which is asked each time"));
        }
        Source::External(external) => {
            context.ui.say(format_args!("  Secret    from {external}; cached until shortly before it expires"));
            store::say_place(context, &saved.store);
        }
        _ => store::say_place(context, &saved.store),
    }
    callers::print(context, saved);
    if let Expiry::Ends(_) = expiry {
        context.ui.say(format_args!("  Secret    {}", expiry.words(SystemTime::now()).unwrap_or_default()));
    }
    Ok(())
}

/// Says which account stays the default, if the new account does not become the default.
fn print_default(context: &CommandContext<'_>, saved: &Account, after: &RegistryAccounts) {
    let Some(default) = after.default_account().filter(|default| *default != saved) else { return };
    let registry = &saved.registry;
    context.ui.say(format_args!(
        "  {registry} now has {} accounts. The default stays {}.",
        after.accounts.len(),
        default.name
    ));
    if saved.images.is_empty() && !saved.patterns().is_empty() {
        let edit = command("account edit", &[registry.as_str(), saved.name.as_str()], "--images '+ORGANISATION/**'");
        context.ui.say(format_args!("  To use it for an organisation's images too:  {} {edit}", context.program));
    }
}

/// Makes Docker ask Ensign for the registry, if `--configure-docker` is set or the user agrees. If the user does not
/// agree or cannot be asked, prints the command that makes Docker ask Ensign.
fn let_docker_ask(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    registry: &Registry,
) -> Result<(), Failure> {
    let Some(file) = context.docker_config() else { return Ok(()) };
    if configured_helper::asks_us(&file, registry) && !arguments.configure_docker {
        return Ok(());
    }
    let other = configured_helper::other(&file, registry.docker_key());
    let question = || {
        context.ui.say(match other {
            Some(helper) => {
                format!("Docker asks docker-credential-{} for {registry}, as its config says.", one_line(helper, 60))
            }
            None => format!("Docker does not ask Ensign for {registry} yet; a line in its config changes that."),
        });
        let containers = containers::auth_file(context.env).filter(|_| containers::are_found(context.env));
        let files =
            std::iter::once(file.path()).chain(containers.as_deref()).map(|path| context.env.shorten_home(path));
        let files = files.collect::<Vec<_>>().join(" and ");
        let question = if other.is_some() { "Replace it by Ensign in" } else { "Add the line to" };
        context.ui.confirm(&format!("{question} {files}?")).unwrap_or(false)
    };
    if arguments.configure_docker || (context.ui.can_ask() && question()) {
        return configure_docker::for_login(context, registry, other.is_some() && !arguments.configure_docker);
    }
    let command = match other {
        Some(_) => configure_docker::force_command(std::iter::once(registry.as_str())),
        None => "configure-docker".to_owned(),
    };
    context.ui.note(format_args!(
        "Docker does not ask Ensign for {registry} yet; to change that:  {} {command}",
        context.program
    ));
    Ok(())
}
