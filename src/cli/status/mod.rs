//! `status`: shows the accounts with their images, and whether Docker asks Ensign.

mod asked_names;
mod registry_block;

use std::process::ExitCode;

use serde_json::{Value, json};

use super::failure::Failure;
use super::precedence::{self, ContainersLogins};
use super::wrap::{WIDTH, wrap};
use super::{CommandContext, args, duration, expiry, key, note_podman, note_snap, route, update};
use crate::accounts::{KeyState, Leftovers};
use crate::model::choice::{HelperRoute, RegistryAccounts};
use crate::model::{StoreKind, count};
use crate::system::text;
use asked_names::AskedName;
pub(super) use asked_names::names_of;
use registry_block::AccountLine;

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::StatusArguments) -> Result<ExitCode, Failure> {
    let within =
        arguments.expiring.as_deref().map(|text| duration::parse(text, "for `--expiring`", "520w")).transpose()?;
    let registries = registries(context, arguments.host.as_deref())?;
    if let Some(within) = within {
        return expiry::run(context, &registries, within);
    }
    let report = StatusReport::gather(context, &registries)?;
    if registries.is_empty() && report.routes.is_empty() {
        print_leftovers(context, &report.leftovers);
        context.ui.data(report.json(context), first_steps(context.program))?;
        return Ok(ExitCode::from(3));
    }
    context.ui.data(report.json(context), report.text(context, arguments.host.is_none()))?;
    report.print_notes(context);
    let is_healthy = report.troubled() == 0
        && context.unknown_variable().is_none()
        && report.lines.iter().any(|lines| !lines.is_empty());
    Ok(if is_healthy { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

/// Returns all registries, or the registry that a person named.
fn registries(context: &CommandContext<'_>, host: Option<&str>) -> Result<Vec<RegistryAccounts>, Failure> {
    let mut registries = context.accounts.all()?;
    if let Some(host) = host {
        let registry = context.entry(host)?;
        let named = context.accounts.registry_accounts(&registry)?;
        registries.retain(|entry| entry.registry == named.registry);
        if registries.is_empty() {
            context.candidates(&registry)?; // the error names the helper that answers for the registry
        }
    }
    Ok(registries)
}

struct StatusReport<'c> {
    registries: &'c [RegistryAccounts],
    /// The accounts of each registry, in the order of `registries`.
    lines: Vec<Vec<AccountLine<'c>>>,
    docker: Vec<AskedName<'c>>,
    containers: ContainersLogins,
    routes: Vec<HelperRoute>,
    leftovers: Leftovers,
    /// The data key, if there is one.
    key: Option<KeyState>,
}

impl<'c> StatusReport<'c> {
    fn gather(context: &CommandContext<'_>, registries: &'c [RegistryAccounts]) -> Result<Self, Failure> {
        let leftovers = context.accounts.leftovers()?;
        let routes = context.accounts.routes()?;
        let stored = context.accounts.stored_by_registry(registries);
        let lines = |(entry, stored): (&'c RegistryAccounts, Vec<_>)| {
            let accounts = entry.accounts.iter().zip(stored);
            accounts.map(|(account, stored)| AccountLine::new(context, entry, account, stored)).collect()
        };
        let with_accounts: Vec<_> = registries.iter().filter(|entry| !entry.accounts.is_empty()).collect();
        Ok(Self {
            registries,
            lines: registries.iter().zip(stored).map(lines).collect(),
            docker: asked_names::find(context, &with_accounts),
            containers: precedence::containers_tools(context, &with_accounts),
            routes,
            leftovers,
            key: context.accounts.key().state().ok().flatten(),
        })
    }

    fn troubled(&self) -> usize {
        self.lines.iter().flatten().filter(|line| line.trouble.is_some()).count()
    }

    fn json(&self, context: &CommandContext<'_>) -> Value {
        let entries = self.lines.iter().zip(self.registries);
        let accounts = entries.flat_map(|(lines, entry)| lines.iter().map(|line| line.json(context, entry)));
        let mut json = json!({
            "accounts": accounts.collect::<Vec<_>>(),
            "public": self.registries.iter().flat_map(|entry| &entry.public).map(ToString::to_string).collect::<Vec<_>>(),
            "containers": self.containers.json,
            "docker": self.docker.iter().map(AskedName::json).collect::<Vec<_>>(),
            "left_over": {"secrets": self.leftovers.secrets.len(), "files": self.leftovers.files.len()},
            "key": self.key.as_ref().map(key::json),
        });
        if let (Some(json), Value::Object(routes)) = (json.as_object_mut(), route::json(&self.routes)) {
            json.extend(routes);
        }
        json
    }

    fn text(&self, context: &CommandContext<'_>, with_routes: bool) -> String {
        let entries = self.lines.iter().zip(self.registries);
        let mut blocks: Vec<_> = entries.map(|(lines, entry)| registry_block::block(context, lines, entry)).collect();
        if with_routes && !self.routes.is_empty() {
            let lines = route::lines(&self.routes).join("\n  ");
            blocks.push(format!("{}\n  {lines}\n", context.ui.bold("Other helpers")));
        }
        let mut accounts = self.registries.iter().flat_map(|entry| &entry.accounts);
        if let Some(key) = self.key.as_ref().filter(|_| accounts.any(|account| account.store == StoreKind::Sealed)) {
            blocks.push(format!("{}\n  {}\n", context.ui.bold("Key of the sealed secrets"), key::describe(key)));
        }
        let attention = match self.troubled() {
            0 => String::new(),
            1 => "1 account needs attention.\n".to_owned(),
            troubled => format!("{troubled} accounts need attention.\n"),
        };
        let footer = asked_names::describe(context, &self.docker) + &attention;
        blocks.push(wrap(&footer, WIDTH));
        blocks.join("\n")
    }

    fn print_notes(&self, context: &CommandContext<'_>) {
        print_leftovers(context, &self.leftovers);
        context.note_variable();
        self.containers.print(context);
        note_podman(context);
        note_snap(context);
        update::note_newer(context);
        for widened in self.registries.iter().flat_map(|entry| context.accounts.restrict_permissions(&entry.registry)) {
            context
                .ui
                .note(format_args!("others could read `{}` (mode {:o}); now only you can", widened.path, widened.mode));
        }
    }
}

fn print_leftovers(context: &CommandContext<'_>, leftovers: &Leftovers) {
    if let [(_, registry, name), ..] = leftovers.secrets.as_slice() {
        let secrets = count(leftovers.secrets.len(), "left-over secret");
        let (host, name) = (text::quote(registry.as_str()), text::option("--left-over", name));
        context.ui.note(format_args!(
            "{secrets} without an account; to remove {}:  {} logout {host} {name}",
            first_of(leftovers.secrets.len()),
            context.program
        ));
    }
    if let [file, ..] = leftovers.files.as_slice() {
        let files = count(leftovers.files.len(), "left-over file");
        context.ui.note(format_args!(
            "{files} of secrets; to remove {}:  rm {}",
            first_of(leftovers.files.len()),
            text::quote_path(file)
        ));
    }
}

fn first_of(number: usize) -> &'static str {
    if number == 1 { "it" } else { "the first" }
}

/// Returns the advice for a person without accounts.
fn first_steps(program: &str) -> String {
    format!(
        "No accounts yet.\n\n  {program} login ghcr.io        add an account\n  {program} import               take over the logins of Docker and others\n  {program} configure-docker     let Docker ask Ensign"
    )
}
