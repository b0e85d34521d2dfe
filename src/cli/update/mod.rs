//! `update`: replaces this program with a newer release, if install.sh installed this program from a release. For a
//! checkout, runs `git pull` and install.sh. For a package, only names the package manager's command.

mod checkout;
mod texts;

use std::process::ExitCode;

use serde_json::json;

use super::failure::{Failure, FailureKind};
use super::{CommandContext, args};
use crate::model::Problem;
use crate::release::{self, Installation, Owner, Release, ReleaseServer, Version};
pub(super) use texts::install as install_texts;

/// The exit code of `update --check` if there is a newer release.
const NEWER: u8 = 7;

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::UpdateArguments) -> Result<ExitCode, Failure> {
    let installation = Installation::find()?;
    if arguments.check {
        return check(context, &installation);
    }
    match &installation.owner {
        Owner::Release if arguments.rollback => roll_back(context, &installation),
        Owner::Release => update(context, &installation, arguments.version.as_ref()),
        Owner::Checkout(folder)
            if (arguments.rollback || arguments.version.is_some()) && checkout::script(folder).is_file() =>
        {
            let shown = context.env.shorten_home(folder);
            let what = format!("this program was built from the checkout `{shown}`, not installed from a release");
            let hint = format!("check out the version that you want in `{shown}`, then run its install.sh");
            Err(Problem::new(format!("{what}; nothing was changed"), hint).into())
        }
        Owner::Checkout(folder) => checkout::renew(context, folder, &installation.prefix),
        Owner::Package(_) => Err(Problem::new(
            "a package manager installed this program and updates it; nothing was changed",
            format!("run `{}`", command(context, &installation)),
        )
        .into()),
        Owner::Unknown => Err(Problem::new(
            "not updated: neither install.sh nor a package installed this program",
            format!("run `{}`", command(context, &installation)),
        )
        .into()),
    }
}

/// Reports whether there is a newer release, in a message and by the exit code.
fn check(context: &CommandContext<'_>, installation: &Installation) -> Result<ExitCode, Failure> {
    let server = server(context)?;
    let latest = context.ui.while_waiting("Looking for a newer release", || server.find(None))?.version;
    let _ = release::note(context.env, &latest);
    let (ours, command) = (Version::ours(), command(context, installation));
    let newer = latest > ours;
    let line = if newer {
        format!("Ensign {latest} is available; this is {ours}. To update:  {command}")
    } else {
        format!("Ensign {ours} is the newest release")
    };
    let value = json!({"version": ours.to_string(), "latest": latest.to_string(), "newer": newer, "command": command});
    context.ui.data(value, line)?;
    Ok(if newer { ExitCode::from(NEWER) } else { ExitCode::SUCCESS })
}

/// Returns the command that updates this program. The command of a package may contain the word `VERSION`, which stands
/// for the newest release. If no newer release is known, the person replaces the word.
fn command(context: &CommandContext<'_>, installation: &Installation) -> String {
    match &installation.owner {
        Owner::Package(command) => match release::newer(context.env) {
            Some(newer) => command.replace("VERSION", &newer.to_string()),
            None => command.clone(),
        },
        Owner::Checkout(folder) => checkout::commands(context, folder, &installation.prefix),
        Owner::Release => format!("{} update", context.program),
        Owner::Unknown => release::install_command(),
    }
}

fn update(
    context: &CommandContext<'_>,
    installation: &Installation,
    wanted: Option<&Version>,
) -> Result<ExitCode, Failure> {
    let (ours, server) = (Version::ours(), server(context)?);
    let _lock = installation.lock()?;
    let release = context.ui.while_waiting("Looking for a release", || server.find(wanted))?;
    let version = &release.version;
    if wanted.is_none() {
        let _ = release::note(context.env, version);
    }
    if *version == ours {
        let value = json!({"status": "current", "from": ours.to_string(), "version": ours.to_string()});
        context.ui.done(value, format_args!("Ensign {ours} is installed already"))?;
        return Ok(ExitCode::SUCCESS);
    }
    if *version < ours && wanted.is_none() {
        let what = format!("the newest release is {version}, older than this program ({ours}); nothing was changed");
        let by_name = format!("run `{} update --version {version}` to go back to it", context.program);
        return Err(Problem::new(what, by_name).into());
    }
    let program = fetch(context, &server, &release)?;
    installation.replace(&program, version)?;
    installation.renew_texts();
    report(context, &ours, version, "updated")
}

fn roll_back(context: &CommandContext<'_>, installation: &Installation) -> Result<ExitCode, Failure> {
    let _lock = installation.lock()?;
    let version = installation.roll_back()?;
    installation.renew_texts();
    report(context, &Version::ours(), &version, "rolled_back")
}

fn report(context: &CommandContext<'_>, from: &Version, to: &Version, status: &str) -> Result<ExitCode, Failure> {
    let value = json!({"status": status, "from": from.to_string(), "version": to.to_string()});
    context.ui.done(value, format_args!("Ensign {to} is installed; {from} is kept"))?;
    let again = if from > to { "To update again" } else { "To go back" };
    context.ui.say(format_args!("  {again}:  {} update --rollback", context.program));
    Ok(ExitCode::SUCCESS)
}

fn fetch(context: &CommandContext<'_>, server: &ReleaseServer, release: &Release) -> Result<Vec<u8>, Failure> {
    let what = format!("Fetching Ensign {}", release.version);
    let line = context.ui.live_line(&what);
    let megabytes = |bytes: u64| format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10);
    let show = |bytes: u64, total: Option<u64>| {
        let of_total = total.map(|total| format!(" of {}", megabytes(total))).unwrap_or_default();
        line.set(format_args!("{what}: {}{of_total} MB", megabytes(bytes)));
    };
    Ok(server.program(release, &show)?)
}

fn server(context: &CommandContext<'_>) -> Result<ReleaseServer, Failure> {
    Ok(ReleaseServer::new(context.accounts.releases()?.as_ref())?)
}

/// Returns the newer release that `update` or `update --check` found last, and the command that installs it. Returns
/// `None` if no newer release is known. The function does not use the network.
pub(super) fn known_newer(context: &CommandContext<'_>) -> Option<(Version, String)> {
    let version = release::newer(context.env)?;
    let command = Installation::find()
        .map_or_else(|_| format!("{} update", context.program), |installation| command(context, &installation));
    Some((version, command))
}

pub(super) fn note_newer(context: &CommandContext<'_>) {
    if let Some((version, command)) = known_newer(context) {
        context.ui.note(format_args!("Ensign {version} is available; to update:  {command}"));
    }
}

/// Returns the failure after a person declined an update.
fn declined(hint: String) -> Failure {
    Failure::new(FailureKind::Cancelled, Problem::new("nothing was changed", hint))
}
