//! `status`: shows the accounts with their images, and whether Docker asks Ensign.

use std::fmt::Write;
use std::process::ExitCode;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::failure::Failure;
use super::trouble::Trouble;
use super::wrap::{WIDTH, wrap};
use super::{
    CommandContext, account, args, duration, expiry, note_podman, note_snap, precedence, route, store, update,
};
use crate::accounts::Leftovers;
use crate::docker::configured_helper::{self, AuthConfig, ConfiguredHelper};
use crate::docker::{ClientFamily, ConfigJson, setup};
use crate::model::choice::{DefaultAccount, RegistryAccounts};
use crate::model::{Account, Expiry, ImagePattern, Registry, Source, StoreKind, StoredSecret, count};
use crate::system::text;

const NOBODY: &str = "nobody";

/// An account, with the account's trouble and expiry.
struct AccountLine<'c> {
    account: &'c Account,
    mark: &'static str,
    trouble: Option<String>,
    expiry: Expiry,
}

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::StatusArguments) -> Result<ExitCode, Failure> {
    let within =
        arguments.expiring.as_deref().map(|text| duration::parse(text, "for `--expiring`", "520w")).transpose()?;
    let mut registries = context.accounts.all()?;
    if let Some(host) = &arguments.host {
        let registry = context.entry(host)?;
        let named = context.accounts.registry_accounts(&registry)?;
        registries.retain(|entry| entry.registry == named.registry);
        if registries.is_empty() {
            context.candidates(&registry)?; // the error names the helper that answers for the registry
        }
    }
    if let Some(within) = within {
        return expiry::run(context, &registries, within);
    }
    let leftovers = context.accounts.leftovers()?;
    let routes = context.accounts.routes()?;
    let stored = context.accounts.stored_by_registry(&registries);
    let mut lines: Vec<Vec<AccountLine<'_>>> = vec![];
    for (entry, stored) in registries.iter().zip(stored) {
        let accounts = entry.accounts.iter().zip(stored);
        lines.push(accounts.map(|(account, stored)| line(context, entry, account, stored)).collect());
    }
    let with_accounts: Vec<&RegistryAccounts> = registries.iter().filter(|entry| !entry.accounts.is_empty()).collect();
    let docker = docker(context, &with_accounts);
    let containers = precedence::containers_tools(context, &with_accounts);
    let troubled = lines.iter().flatten().filter(|line| line.trouble.is_some()).count();
    let mut json = json!({
        "accounts": lines.iter().zip(&registries).flat_map(|(lines, entry)| lines.iter().map(|line| line.json(context, entry))).collect::<Vec<_>>(),
        "public": registries.iter().flat_map(|entry| &entry.public).map(ToString::to_string).collect::<Vec<_>>(),
        "containers": containers.json,
        "docker": docker.iter().map(AskedName::json).collect::<Vec<_>>(),
        "left_over": left_over(&leftovers),
        "key": context.accounts.key().state().ok().flatten().as_ref().map(store::key_json),
    });
    if let (Some(json), Value::Object(routes)) = (json.as_object_mut(), route::json(&routes)) {
        json.extend(routes);
    }
    if registries.is_empty() && routes.is_empty() {
        print_leftovers(context, &leftovers);
        context.ui.data(json, first_steps(context.program))?;
        return Ok(ExitCode::from(3));
    }
    let mut blocks: Vec<_> = lines.iter().zip(&registries).map(|(lines, entry)| block(context, lines, entry)).collect();
    if arguments.host.is_none() && !routes.is_empty() {
        let lines = route::lines(&routes).join("\n  ");
        blocks.push(format!("{}\n  {lines}\n", context.ui.bold("Other helpers")));
    }
    if registries.iter().flat_map(|entry| &entry.accounts).any(|account| account.store == StoreKind::Sealed)
        && let Ok(Some(key)) = context.accounts.key().state()
    {
        blocks.push(format!("{}\n  {}\n", context.ui.bold("Key of the sealed secrets"), store::describe(&key)));
    }
    blocks.push(footer(context, &docker, troubled));
    context.ui.data(json, blocks.join("\n"))?;
    print_leftovers(context, &leftovers);
    context.note_variable();
    containers.print(context);
    note_podman(context);
    note_snap(context);
    update::note_newer(context);
    for entry in &registries {
        for widened in context.accounts.restrict_permissions(&entry.registry) {
            context
                .ui
                .note(format_args!("others could read `{}` (mode {:o}); now only you can", widened.path, widened.mode));
        }
    }
    let troubled = troubled + usize::from(context.unknown_variable().is_some());
    Ok(if troubled == 0 && !with_accounts.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

/// Counts the leftovers of interrupted changes.
fn left_over(leftovers: &Leftovers) -> Value {
    json!({"secrets": leftovers.secrets.len(), "files": leftovers.files.len()})
}

fn print_leftovers(context: &CommandContext<'_>, leftovers: &Leftovers) {
    if let [(_, registry, name), ..] = leftovers.secrets.as_slice() {
        let secrets = count(leftovers.secrets.len(), "left-over secret");
        let [host, name] = [registry.as_str(), name].map(text::quote);
        context.ui.note(format_args!(
            "{secrets} of no account; to remove {}:  {} logout {host} -u {name}",
            first_of(leftovers.secrets.len()),
            context.program
        ));
    }
    if let [file, ..] = leftovers.files.as_slice() {
        let files = count(leftovers.files.len(), "left-over file");
        context.ui.note(format_args!(
            "{files} of secrets; to remove {}:  rm {}",
            first_of(leftovers.files.len()),
            text::quote(&file.to_string_lossy())
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

fn line<'c>(
    context: &CommandContext<'_>,
    candidates: &RegistryAccounts,
    account: &'c Account,
    stored: anyhow::Result<Option<StoredSecret>>,
) -> AccountLine<'c> {
    let expiry = match &stored {
        Ok(Some(stored)) => Expiry::new(&account.source, stored),
        _ => Expiry::Unknown,
    };
    let trouble = Trouble::find(context, account, stored).map(|trouble| trouble.sentence(context, account));
    let mark = if candidates.default_account() == Some(account) { "●" } else { "○" };
    AccountLine { account, mark, trouble, expiry }
}

impl AccountLine<'_> {
    fn json(&self, context: &CommandContext<'_>, candidates: &RegistryAccounts) -> Value {
        let mut json = context.account_json(self.account, candidates);
        json["ok"] = json!(self.trouble.is_none());
        json["trouble"] = json!(self.trouble);
        expiry::add_to_json(&mut json, self.expiry);
        json
    }
}

fn block(context: &CommandContext<'_>, lines: &[AccountLine<'_>], candidates: &RegistryAccounts) -> String {
    let state = match candidates.active {
        _ if candidates.accounts.is_empty() => "   (no account)",
        DefaultAccount::SignedOut => "   (signed out: no default account)",
        DefaultAccount::Account(_) | DefaultAccount::Unset => "",
    };
    let mut block = format!("{}{state}\n", context.ui.bold(candidates.registry.as_str()));
    let width = lines.iter().map(|line| line.account.name.as_str().chars().count()).max().unwrap_or(0);
    let now = SystemTime::now();
    let uses = lines.iter().map(|line| used_for(line.account).chars().count());
    let column = uses.filter(|width| *width <= WIDEST_USE).max().unwrap_or(0);
    for AccountLine { account, mark, trouble, expiry } in lines {
        let by_default = if *mark == "●" { "default   " } else { "          " };
        let store = match &account.store {
            StoreKind::File => "   in clear text".to_owned(),
            StoreKind::Sealed => "   sealed".to_owned(),
            other => format!("   in {other}"),
        };
        let source = match &account.source {
            Source::Static => String::new(),
            source => format!("   from {source}"),
        };
        let name = text::one_line(account.name.as_str(), 60);
        let used_for = used_for(account);
        let end = expiry.words(now).map_or(String::new(), |words| format!("   {words}"));
        let _ = writeln!(block, "  {mark} {name:width$}  {by_default}{used_for:column$}{store}{source}{end}");
        for folder in &account.folders {
            let _ = writeln!(block, "    {:width$}  in {}", "", context.env.shorten_home(folder));
        }
        if let Some(callers) = context.callers(account) {
            let _ = writeln!(block, "    {:width$}  may ask: {callers}", "");
        }
        if let Some(trouble) = trouble {
            let _ = writeln!(block, "    ✗ {}", text::one_line(trouble, 300));
        } else if expiry.ends_within(Expiry::WARNING, now) {
            let _ = writeln!(block, "    ! log in again before then:  {}", expiry::login(context.program, account));
        }
    }
    if !candidates.public.is_empty() {
        let patterns: Vec<_> = candidates.public.iter().map(ImagePattern::path).collect();
        let _ = writeln!(block, "  public: {}", text::one_line(&patterns.join(", "), 300));
    }
    block
}

/// The maximum width of the column of uses. A longer text does not widen the column.
const WIDEST_USE: usize = 36;

/// Returns the images of an account. If the user name differs from the alias, also returns the user name.
fn used_for(account: &Account) -> String {
    let patterns: Vec<_> = account.patterns().iter().map(|pattern| pattern.path().to_owned()).collect();
    let user = if account.name.as_str() == account.username.as_str() {
        String::new()
    } else {
        format!("   user {}", account.username)
    };
    format!("{}{}{user}", patterns.join(", "), account::only(account))
}

/// A name of a registry, and the helper that Docker asks for exactly this name.
struct AskedName<'c> {
    registry: &'c Registry,
    name: String,
    asks: String,
}

impl AskedName<'_> {
    fn json(&self) -> Value {
        json!({"registry": self.name, "asks": self.asks})
    }
}

/// Returns the names under which clients look for a registry, without duplicates. The names are the registry's own
/// name, the known spellings, and the spellings in Docker's config.
pub(super) fn names_of(others: Vec<String>, file: Option<&ConfigJson>, registry: &Registry) -> Vec<String> {
    let spelled = file.into_iter().flat_map(|file| {
        let spellings = setup::spellings_in(file, registry).into_iter();
        spellings.filter(|name| !registry.is_docker_hub() || file.helper(name).is_some())
    });
    let mut names = vec![registry.to_string()];
    for name in others.into_iter().chain(spelled) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Returns the helper that Docker asks for each name of these registries. Docker compares host names letter by letter,
/// so each spelling is a separate name.
fn docker<'c>(context: &CommandContext<'_>, registries: &[&'c RegistryAccounts]) -> Vec<AskedName<'c>> {
    let Some(path) = context.env.docker_config_file() else { return vec![] };
    let file = match ConfigJson::load(&path) {
        Ok(file) => file,
        Err(error) => {
            context.ui.note(text::one_line(&format!("{error:#}"), 300));
            return vec![];
        }
    };
    let variable = configured_helper::auth_config_variable();
    let mut other_names = context.accounts.other_names().unwrap_or_default();
    let mut names = vec![];
    for entry in registries {
        let registry = &entry.registry;
        let others = other_names.remove(registry).unwrap_or_default();
        for name in names_of(others, Some(&file), registry) {
            let key = if name == registry.as_str() { registry.docker_key() } else { &name };
            let asks = match (
                configured_helper::auth_config(variable.as_deref(), key),
                configured_helper::asked_as(&file, ClientFamily::Docker, key),
            ) {
                (AuthConfig::Wins, _) => "DOCKER_AUTH_CONFIG".to_owned(),
                (_, ConfiguredHelper::Ensign) => "ensign".to_owned(),
                (_, ConfiguredHelper::Pinned(alias)) => format!("ensign-{alias}"),
                (_, ConfiguredHelper::Helper(helper)) => helper.to_owned(),
                (_, ConfiguredHelper::PlainFile) => NOBODY.to_owned(),
            };
            names.push(AskedName { registry, name, asks });
        }
    }
    names
}

fn footer(context: &CommandContext<'_>, docker: &[AskedName<'_>], troubled: usize) -> String {
    let others: Vec<_> = docker.iter().filter(|name| !name.asks.starts_with("ensign")).collect();
    let mut footer = match others.as_slice() {
        [] if docker.is_empty() => String::new(),
        [] => "Docker asks Ensign for all of these registries.\n".to_owned(),
        others => {
            let list: Vec<_> = others
                .iter()
                .map(|AskedName { name, asks, .. }| match asks.as_str() {
                    NOBODY => name.clone(),
                    other => format!("{name} (asks {other})"),
                })
                .collect();
            // Docker's `credHelpers` accepts no patterns.
            let all = if others.iter().any(|name| name.registry.is_pattern()) { " --all" } else { "" };
            format!(
                "Docker does not ask Ensign for {}; to change that:  {} configure-docker{all}\n",
                list.join(", "),
                context.program
            )
        }
    };
    if docker.iter().any(|name| name.asks.starts_with("ensign")) && !configured_helper::docker_finds_us() {
        footer += "✗ Docker will not find `docker-credential-ensign`, because its folder is not on PATH\n";
    }
    if troubled > 0 {
        let _ = writeln!(footer, "{troubled} account{} attention.", if troubled == 1 { " needs" } else { "s need" });
    }
    wrap(&footer, WIDTH)
}
