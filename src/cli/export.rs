//! `export`: writes logins in clear text, for programs that cannot ask Ensign. The command warns that everyone who can
//! read the output can use the logins.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use serde_json::json;

use super::args::ExportFormat;
use super::failure::{Failure, FailureKind};
use super::{CommandContext, args, unique, which};
use crate::docker::export::{self, AuthFormat, ExportAccount, ExportedAuths};
use crate::model::choice::RegistryAccounts;
use crate::model::{Account, Operation, Problem, Registry, Source, count};
use crate::system::files::AtomicFile;

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::ExportArguments) -> Result<ExitCode, Failure> {
    let output = arguments.output.as_deref().filter(|path| *path != "-").map(|path| context.env.expand_home(path));
    check_words(arguments)?;
    let (chosen, failed) = choose(context, arguments)?;
    may_write(context, arguments, output.as_deref())?;
    let form = match arguments.format {
        ExportFormat::AuthJson => AuthFormat::AuthJson,
        ExportFormat::Dockerconfigjson | ExportFormat::Secret => AuthFormat::DockerConfigJson,
        ExportFormat::Env => AuthFormat::Variable,
    };
    let exported = export::export(form, &chosen);
    let formats = exported.left_out.iter().map(|left| (&left.account, left.why.clone()));
    let failures = failed.iter().map(|(account, why)| (account, context.ui.as_typed(&why.to_string())));
    let left_out: Vec<(&Account, String)> = formats.chain(failures).collect();
    for (Account { name, registry, .. }, why) in &left_out {
        context.ui.note(format_args!("not exported: {name} on {registry}: {why}"));
    }
    if exported.is_empty() && !failed.is_empty() {
        return Err(Problem::new("no credentials found", "fix the errors above").into());
    }
    if exported.is_empty() {
        return Err(Failure::not_logged_in("nothing can be exported in this format", "try `--format auth.json`"));
    }
    let text = match arguments.format {
        ExportFormat::AuthJson | ExportFormat::Dockerconfigjson => exported.file(),
        ExportFormat::Env => exported.shell_line(),
        ExportFormat::Secret => exported.manifest(&arguments.name, arguments.namespace.as_deref()),
    };
    if let Some(path) = &output {
        let mut file = AtomicFile::begin_private(path)?;
        file.write(text.as_bytes())?;
        file.keep()?;
    }
    warn(context, &chosen, &exported, output.as_deref());
    if context.ui.is_json() {
        let json = json!({
            "status": if failed.is_empty() { "success" } else { "error" },
            "output": output.as_deref().map(Path::to_string_lossy),
            "entries": exported.keys.iter().map(|(key, Account { name, registry, .. })| {
                json!({"key": key, "registry": registry.as_str(), "account": name.as_str()})
            }).collect::<Vec<_>>(),
            "left_out": left_out.iter().map(|(Account { name, registry, .. }, why)| {
                json!({"registry": registry.as_str(), "account": name.as_str(), "reason": why})
            }).collect::<Vec<_>>(),
            "content": output.is_none().then_some(&text),
        });
        context.ui.json(json)?;
    } else if output.is_none() {
        context.ui.print(&text)?;
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// An account whose secret is not available, and the reason.
type FailedExport = (Account, Failure);

fn check_words(arguments: &args::ExportArguments) -> Result<(), Failure> {
    if arguments.subjects.is_empty() && !arguments.all {
        return Err(Failure::usage("no account was named", "name images or registries, or use `--all`"));
    }
    let names = [(Some(arguments.name.as_str()), false), (arguments.namespace.as_deref(), true)];
    for (name, is_label) in names.into_iter().filter_map(|(name, is_label)| Some((name?, is_label))) {
        if !export::is_kubernetes_name(name, is_label) {
            let what = format!("`{name}` is not a valid name in Kubernetes");
            return Err(Failure::usage(what, "use lower-case letters, digits and `-`"));
        }
    }
    Ok(())
}

/// Asks the user before secrets are shown on a terminal or replace a file. Fails if the user does not agree.
fn may_write(
    context: &CommandContext<'_>,
    arguments: &args::ExportArguments,
    output: Option<&Path>,
) -> Result<(), Failure> {
    let (what, cure, question) = match output {
        Some(path) if path.exists() => {
            if !path.is_file() {
                let what = format!("`{}` is not a file", path.display());
                return Err(Failure::usage(what, "name a file, or leave `--output` out and redirect stdout"));
            }
            let what = format!("`{}` already exists", path.display());
            (what.clone(), "name another file, or overwrite it with `--yes`", format!("{what}. Overwrite it?"))
        }
        None if io::stdout().is_terminal() => (
            "secrets would be shown on this terminal".to_owned(),
            "write to a file with `--output FILE`, or show them with `--yes`",
            "This shows secrets on the terminal. Continue?".to_owned(),
        ),
        Some(_) | None => return Ok(()),
    };
    if arguments.yes {
        return Ok(());
    }
    if !context.ui.can_ask() {
        return Err(Failure::usage(what, cure));
    }
    let agreed = context.ui.confirm(&question)?;
    if agreed { Ok(()) } else { Err(Failure::new(FailureKind::Cancelled, Problem::new("nothing exported", cure))) }
}

/// Returns the other names under which readers of the file look for the registry. The names are other spellings of the
/// registry, and the account's other hosts.
fn names(
    context: &CommandContext<'_>,
    arguments: &args::ExportArguments,
    candidates: &RegistryAccounts,
    account: &Account,
) -> Result<Vec<String>, Failure> {
    if candidates.is_alias() {
        return Ok(vec![]);
    }
    let hosts = context.hosts_of(&account.registry, &account.name)?.into_iter().map(|host| host.to_string());
    let typed = arguments.subjects.iter().filter_map(|subject| Registry::spelled(subject));
    let typed = typed.filter(|(registry, _)| *registry == candidates.host).filter_map(|(_, spelling)| spelling);
    Ok(unique(candidates.spellings.iter().cloned().chain(typed).chain(hosts)))
}

/// Returns the accounts for the typed images and registries, each only once and with the current secret. With `--all`,
/// a second list contains the accounts whose secrets are not available.
fn choose(
    context: &CommandContext<'_>,
    arguments: &args::ExportArguments,
) -> Result<(Vec<ExportAccount>, Vec<FailedExport>), Failure> {
    let mut found: Vec<(RegistryAccounts, Vec<Account>)> = Vec::new();
    if arguments.all && arguments.subjects.is_empty() {
        found = context.accounts.all()?.into_iter().map(|entry| (entry.clone(), entry.accounts)).collect();
    }
    for subject in &arguments.subjects {
        let (registry, image) = which::registry_or_image(subject)?;
        let candidates = context.candidates(&registry)?;
        let accounts = if arguments.all {
            candidates.accounts.iter().map(|account| account.at(&registry).into_owned()).collect()
        } else {
            vec![which::account_for(context, &candidates, image.as_ref(), None)?.at(&registry).into_owned()]
        };
        match found.iter_mut().find(|(known, _)| known.host == registry) {
            Some((_, known)) => {
                let new: Vec<_> = accounts.into_iter().filter(|account| !known.contains(account)).collect();
                known.extend(new);
            }
            None => found.push((candidates, accounts)),
        }
    }
    if found.iter().all(|(_, accounts)| accounts.is_empty()) {
        return Err(Failure::not_logged_in("there are no accounts", format!("run `{} login HOST`", context.program)));
    }
    let (mut chosen, mut failed) = (Vec::new(), Vec::new());
    let is_for_pulls = matches!(arguments.format, ExportFormat::Dockerconfigjson | ExportFormat::Secret);
    for (candidates, mut accounts) in found {
        if arguments.all {
            let serves_pulls = |account: &Account| account.serves(Some(Operation::Pull));
            // Readers use the first account of a registry, so accounts for pulls come first.
            accounts.sort_by_key(|account| !serves_pulls(account));
            let left = accounts.extract_if(.., |account| is_for_pulls && !serves_pulls(account));
            for Account { name, registry, .. } in left {
                context.ui.note(format_args!("not exported: {name} on {registry}: the account is for push only"));
            }
        }
        let alone = accounts.len() == 1;
        for account in accounts {
            let is_default = |default: &Account| default.name == account.name;
            let by_default = alone || candidates.default_for(None).is_some_and(is_default);
            // If the account is for a pattern of hosts, `account` may name a single host. The rule is checked for the
            // stored account, because grants are stored under the pattern.
            let known = candidates.accounts.iter().find(|known| known.name == account.name);
            let allowed = context.hand_out(known.unwrap_or(&account), "export");
            match allowed.and_then(|()| context.secret_of(&account)) {
                Ok(secret) => {
                    let names = names(context, arguments, &candidates, &account)?;
                    let stored = context.accounts.stored(&account).ok().flatten();
                    chosen.push(ExportAccount {
                        account: account.on(&candidates.host),
                        credential: secret.credential,
                        names,
                        by_default,
                        expires_at: stored.and_then(|stored| stored.expires_at),
                    });
                }
                Err(why) if arguments.all => failed.push((account, why)),
                Err(why) => return Err(why),
            }
        }
    }
    Ok((chosen, failed))
}

fn warn(context: &CommandContext<'_>, chosen: &[ExportAccount], exported: &ExportedAuths, output: Option<&Path>) {
    let is_written = |login: &&ExportAccount| exported.keys.iter().any(|(_, account)| *account == login.account);
    let written: Vec<_> = chosen.iter().filter(is_written).collect();
    let (are, them) = if written.len() == 1 { ("is", "it") } else { ("are", "them") };
    let secrets = count(written.len(), "secret");
    let (place, what) = match output.map(|path| context.env.shorten_home(path)) {
        Some(path) => {
            context.ui.say(format_args!("✓ Wrote {path}"));
            (format!("in {path}"), "file")
        }
        None => ("on stdout".to_owned(), "output"),
    };
    context.ui.note(format_args!("{secrets} {are} in clear text {place}: anyone who reads the {what} can use {them}"));
    for ExportAccount { account, expires_at, .. } in written {
        if account.source == Source::Static {
            continue;
        }
        let left = expires_at.and_then(|until| until.duration_since(SystemTime::now()).ok());
        let end = match left {
            Some(left) => format!("expires in {}", count(left.as_secs() / 60, "minute")),
            None => "may expire soon".to_owned(),
        };
        context.ui.note(format_args!(
            "the secret of {} on {} {end}; the exported copy is not renewed",
            account.name, account.registry
        ));
    }
}
