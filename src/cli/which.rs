//! `which`: the ladder of choice for an image, rung by rung, as `get` climbs it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::failure::Failure;
use super::folder::{self, Seen};
use super::{Context, args, names, reason};
use crate::accounts;
use crate::caller;
use crate::model::choice::{
    Candidates, Command, Evidence, Finding, Grounds, Ladder, Mention, Named, NoChoice, Project, Route, Rung, Trusted,
    Wish, choose,
};
use crate::model::{Account, ImageReference, Operation, Problem, Registry, Source};
use crate::system::text::{one_line, word};
use crate::system::{env, folders};

/// What is asked: a registry, and the images that the command names.
struct Question {
    registry: Registry,
    command: Command,
    /// What the files say that it does.
    in_files: Option<Operation>,
    mentions: Vec<Mention>,
    typed: String,
}

impl Evidence for Question {
    fn command(&self) -> Command {
        self.command.clone()
    }

    fn operation_in_files(&self) -> Option<Operation> {
        self.in_files
    }

    fn mentions(&self) -> Vec<Mention> {
        self.mentions.clone()
    }

    fn project(&self, trusted: &[Trusted]) -> Option<Project> {
        caller::project::trusted_in(&env::current_dir()?, trusted)
    }

    fn folder(&self) -> Option<PathBuf> {
        folders::of_caller()
    }

    /// The command would be started now.
    fn running_since(&self, _: SystemTime) -> Option<SystemTime> {
        None
    }
}

impl Question {
    fn about(registry: &Registry, image: Option<ImageReference>, operation: Option<Operation>) -> Self {
        let command = Command { images: image.into_iter().collect(), operation };
        Self { registry: registry.clone(), command, in_files: None, mentions: vec![], typed: String::new() }
    }
}

pub(super) fn run(context: &Context<'_>, given: &args::Which) -> Result<ExitCode, Failure> {
    let question = question(given)?;
    let candidates = context.accounts.of(&question.registry)?;
    let wish = wish(context, &question.registry);
    let ladder = Ladder::new(&candidates, &wish, &question);
    let route = context.accounts.route(&question.registry)?;
    if let Some(route) = route.filter(|_| ladder.public_image().is_none()) {
        return routed(context, &question, &route);
    }
    if candidates.accounts.is_empty() && candidates.public.is_empty() {
        context.candidates(&question.registry)?; // says what to do
    }
    let rungs: Vec<_> = Rung::ALL.into_iter().map(|rung| (rung, ladder.finding(rung))).collect();
    let ends = |finding: &Finding<'_>| !matches!(finding, Finding::Nothing | Finding::Torn(_));
    let chosen = rungs.iter().position(|(_, finding)| ends(finding));
    let found = chosen.and_then(|place| match &rungs[place].1 {
        Finding::Account(account, _) => Some(*account),
        _ => None,
    });
    let account = found.map(|account| account.name.as_str());
    let source = match found.map(|account| &account.source) {
        None | Some(Source::Given) => String::new(),
        Some(source) => format!("   (secret from {source})"),
    };
    let seen = Seen::here(&candidates.trusted);
    let remote = folder::remote();
    let passed_over: Vec<&Account> = candidates
        .accounts
        .iter()
        .filter(|account| !account.serves(ladder.operation()) && Some(*account) != found)
        .collect();
    let json = json!({
        "registry": question.registry.as_str(),
        "images": question.command.images.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "operation": ladder.operation().map(Operation::as_str),
        "account": account,
        "username": found.map(|account| account.username.as_str()),
        "source": found.map(|account| account.source.to_string()),
        "passed_over": passed_over.iter().map(|account| account.name.as_str()).collect::<Vec<_>>(),
        "ladder": rungs.iter().enumerate().map(|(place, (rung, finding))| rung_json(*rung, finding, chosen == Some(place))).collect::<Vec<_>>(),
        "project": seen.as_ref().map(|seen| seen.json(&question.registry)),
        "remote": remote.as_ref().map(|remote| json!({
            "host": remote.host.as_str(),
            "owner": remote.owner,
            "account": folder::owner(&candidates, remote).map(|account| account.name.as_str()),
        })),
    });
    let is_public = chosen.is_some_and(|place| matches!(rungs[place].1, Finding::Public(..)));
    let nobody = if is_public { "no account needed" } else { "no account" };
    let mut lines = vec![format!("{}{source}", context.ui.bold(account.unwrap_or(nobody)))];
    for (place, (rung, finding)) in rungs.iter().enumerate() {
        let says = sentence(context, &question, &ladder, seen.as_ref(), *rung, finding);
        let mark = match chosen {
            Some(end) if end == place && account.is_none() => "   ← ends here",
            Some(end) if end == place => "   ← chosen",
            _ => "",
        };
        lines.push(format!("{:>3} {:22} {says}{mark}", place + 1, rung.to_string()));
    }
    if !passed_over.is_empty() {
        let taken = match ladder.operation() {
            Some(operation) => format!("It is a {operation}"),
            None => "Taken for a pull".to_owned(),
        };
        lines.push(format!("  {taken}: {}", purposes(passed_over.iter().copied())));
    }
    context.ui.data(json, lines.join("\n"))?;
    if ladder.serving().is_empty() && chosen.is_none() && !candidates.accounts.is_empty() {
        let operation = ladder.operation().unwrap_or(Operation::Pull);
        let (why, command) = (none_for(&candidates, operation), for_any(context, &candidates));
        context.ui.note(format_args!("{why}. To change that:  {command}"));
    }
    if let Some((_, finding)) = rungs.iter().find(|(_, finding)| matches!(finding, Finding::Torn(_))) {
        let torn = Grounds::of(finding).torn;
        let registry = question.registry.as_str();
        reason::show_ways_out(context, registry, &torn, &candidates.accounts, account, &question.typed);
    }
    if let Some(seen) = &seen
        && let Some(advice) = seen.advice(context, &reason::shown(context, &seen.path), &candidates)
    {
        context.ui.note(advice);
    }
    // Where the file answers, nobody needs a hint.
    let is_named = seen.as_ref().is_some_and(|seen| seen.names(&question.registry).is_some());
    let is_open = !is_named && chosen.is_none_or(|place| matches!(rungs[place].0, Rung::Active | Rung::Only));
    if let Some(remote) = remote.filter(|_| is_open && candidates.accounts.len() > 1)
        && let Some(hint) = folder::hint(context, &candidates, &remote, found)
    {
        context.ui.note(hint);
    }
    Ok(if account.is_some() || is_public { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

/// There is no account, and so no ladder to climb.
fn routed(context: &Context<'_>, question: &Question, route: &Route) -> Result<ExitCode, Failure> {
    let program = route.helper.program();
    let by = route.by.as_ref().map(Registry::as_str);
    let json = json!({
        "registry": question.registry.as_str(), "account": null, "helper": route.helper.to_string(), "route": by,
    });
    let why = by.map_or("it is the one for all registries without an account here".to_owned(), |by| {
        format!("it was chosen for {by}")
    });
    context.ui.data(json, format_args!("{}   ({why})", context.ui.bold(&program)))?;
    Ok(ExitCode::SUCCESS)
}

/// The account that answers when a command names `image`, or for a registry alone.
pub(super) fn account_for<'c>(
    context: &Context<'_>,
    candidates: &'c Candidates,
    image: Option<&ImageReference>,
    operation: Option<Operation>,
) -> Result<&'c Account, Failure> {
    let (registry, host) = (&candidates.registry, &candidates.host);
    let question = Question::about(host, image.cloned(), operation);
    let no_choice = match choose(candidates, &wish(context, host), &question) {
        Ok(choice) => return Ok(choice.account),
        Err(no_choice) => no_choice,
    };
    let (what, verb) = match no_choice {
        NoChoice::NoSuchAccount { rung: Rung::Project, name } => {
            let Problem { what, cure } = accounts::names_nobody(host, &name);
            return Err(Failure::not_logged_in(what, cure));
        }
        NoChoice::NotFound => (format!("{registry} has no default account"), "switch"),
        NoChoice::Public(public) => {
            let cure = format!("ENSIGN_ACCOUNT={host}=NAME names one all the same");
            return Err(Failure::not_logged_in(
                format!("no account answers for {}: {} is public", public.0, public.1),
                cure,
            ));
        }
        NoChoice::NoneFor(_) if let (None, Some(default)) = (operation, candidates.default_account()) => {
            return Ok(default);
        }
        NoChoice::NoneFor(operation) => {
            return Err(Failure::not_logged_in(
                none_for(candidates, operation),
                format!("run `{}`", for_any(context, candidates)),
            ));
        }
        NoChoice::Several => {
            (format!("{registry} has several accounts and none is the default: {}", names(candidates)), "switch")
        }
        NoChoice::NoSuchAccount { rung, name } => {
            (format!("{rung} names `{}`, which {registry} does not have", one_line(&name, 60)), "status")
        }
    };
    Err(Failure::not_logged_in(what, format!("run `{} {verb} {registry}`", context.program)))
}

/// Tells whether nobody is needed to pull `image`.
pub(super) fn is_public(context: &Context<'_>, candidates: &Candidates, image: &ImageReference) -> bool {
    let question = Question::about(&candidates.host, Some(image.clone()), Some(Operation::Pull));
    matches!(choose(candidates, &wish(context, &candidates.host), &question), Err(NoChoice::Public(..)))
}

/// Why the accounts that are there do not answer.
fn none_for(candidates: &Candidates, operation: Operation) -> String {
    format!("{} has no account for a {operation}: {}", candidates.registry, purposes(candidates.accounts.iter()))
}

/// The command after which one of them does.
fn for_any(context: &Context<'_>, candidates: &Candidates) -> String {
    let Candidates { registry, accounts, .. } = candidates;
    let name = if let [account] = &accounts[..] { word(account.name.as_str()) } else { "NAME".into() };
    format!("{} account edit {registry} {name} --for any", context.program)
}

/// `reader is for pull only, writer is for push only`
fn purposes<'a>(accounts: impl Iterator<Item = &'a Account>) -> String {
    let told = accounts.filter_map(|account| Some(format!("{} is for {} only", account.name, account.purpose?)));
    one_line(&told.collect::<Vec<_>>().join(", "), 200)
}

/// A text with a dot or a port and no path is a registry; anything else is an image.
pub(super) fn registry_or_image(text: &str) -> Result<(Registry, Option<ImageReference>), Failure> {
    let registry = text.parse::<Registry>().ok().filter(|_| text.contains(['.', ':']) || text == "localhost");
    match registry {
        Some(registry) => Ok((registry, None)),
        None => parse_image(text).map(|image| (image.registry().clone(), Some(image))),
    }
}

/// What a person's call wishes by itself: the program's name and the address are the protocol's.
fn wish(context: &Context<'_>, registry: &Registry) -> Wish {
    let environment = context.env.account.as_ref().map(|value| Named::parse(value, registry)).unwrap_or_default();
    Wish { environment, ..Wish::default() }
}

/// A bare host is asked for as a tool does that names no image; an image as if a command named it.
fn question(given: &args::Which) -> Result<Question, Failure> {
    let (registry, image) = registry_or_image(&given.image)?;
    let Some(typed) = &given.command else {
        let operation = match (given.push, given.pull) {
            (true, _) => Some(Operation::Push),
            (_, true) => Some(Operation::Pull),
            _ => None,
        };
        return Ok(Question { typed: reason::ANY_COMMAND.into(), ..Question::about(&registry, image, operation) });
    };
    let Some(program) = caller::command_line(typed) else {
        return Err(Failure::usage(
            "the command after `--as` could not be read",
            "quote it as a whole: --as 'docker push IMAGE'",
        ));
    };
    let command = caller::command_of([&program], &registry);
    let mentions = if command.images.is_empty() { caller::images_in_files_of([&program], &registry) } else { vec![] };
    let in_files =
        if command.operation.is_none() { caller::operation_in_files_of([&program], &registry) } else { None };
    Ok(Question { registry, command, in_files, mentions, typed: one_line(typed, 200) })
}

fn parse_image(text: &str) -> Result<ImageReference, Failure> {
    text.parse()
        .map_err(|error| Failure::usage(format!("`{text}` is no image: {error}"), "name it as in `ghcr.io/acme/app:1`"))
}

fn sentence(
    context: &Context<'_>,
    question: &Question,
    ladder: &Ladder<'_, '_, Question>,
    seen: Option<&Seen>,
    rung: Rung,
    finding: &Finding<'_>,
) -> String {
    let told = reason::told(context, &Grounds::of(finding));
    match finding {
        Finding::Account(account, _) if told.is_empty() => format!("→ {}", account.name),
        Finding::Account(account, _) => format!("→ {}   ({told})", account.name),
        Finding::NoSuchAccount(_) | Finding::Public(..) | Finding::Torn(_) => told,
        Finding::Nothing => match rung {
            Rung::Environment if context.env.account.is_some() => "names no account of this registry",
            Rung::Environment => "not set",
            Rung::PinnedName => "the program is not pinned",
            Rung::AddressUser | Rung::AddressImage | Rung::Active => "none",
            Rung::CommandLine if question.command.images.is_empty() => "names no image of this registry",
            Rung::CommandLine => "names no image that belongs to an account",
            Rung::Files if !question.command.images.is_empty() => "not read, for the command line names an image",
            Rung::Files if question.mentions.is_empty() => "name no image of this registry",
            Rung::Files => "name no image that belongs to an account",
            Rung::Project => {
                return seen.map_or("none".into(), |seen| {
                    seen.sentence(&reason::shown(context, &seen.path), ladder.candidates)
                });
            }
            Rung::Folder => "no account's folder",
            Rung::Only if ladder.serving().is_empty() => "none",
            Rung::Only if ladder.serving().len() > 1 => "there are several",
            Rung::Only => "the registry is signed out",
        }
        .to_owned(),
    }
}

fn rung_json(rung: Rung, finding: &Finding<'_>, chosen: bool) -> Value {
    let account = match finding {
        Finding::Account(account, _) => Some(account.name.as_str()),
        _ => None,
    };
    json!({"rung": rung.to_string(), "account": account, "chosen": chosen, "detail": Grounds::of(finding)})
}
