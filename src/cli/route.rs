//! `route`: chooses the registries for which Ensign asks another credential helper.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::failure::Failure;
use super::{CommandContext, args};
use crate::accounts::{helper_answers_for, helpers};
use crate::model::choice::HelperRoute;
use crate::model::{HelperName, Registry};
use crate::system::text::quote;

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::RouteArguments) -> Result<ExitCode, Failure> {
    if arguments.no_fallback {
        return set_fallback(context, None);
    }
    if let Some(name) = &arguments.fallback {
        return set_fallback(context, Some(&helper(context, name)?));
    }
    let Some(host) = &arguments.host else { return show(context) };
    let registry = context.entry(host)?;
    match &arguments.helper {
        Some(name) => set(context, &registry, Some(&helper(context, name)?)),
        None if arguments.remove => set(context, &registry, None),
        None => {
            let example =
                format!("name the helper, as in `{} route {} ecr-login`", context.program, quote(registry.as_str()));
            Err(Failure::usage("no helper was given", example))
        }
    }
}

fn set(context: &CommandContext<'_>, registry: &Registry, helper: Option<&HelperName>) -> Result<ExitCode, Failure> {
    let had = context.accounts.routes()?.into_iter().any(|route| route.by.as_ref() == Some(registry));
    let entry = context.accounts.registry_accounts(registry)?;
    if helper.is_some() && entry.registry == *registry && !entry.accounts.is_empty() {
        let logout = format!("run `{} logout {} --all` first", context.program, quote(registry.as_str()));
        return Err(Failure::usage(format!("{registry} has accounts here, which answer for it"), logout));
    }
    if helper.is_some() || had {
        context.accounts.set_routes(&[Some(registry)], helper)?;
    }
    let name = helper.map(ToString::to_string);
    let json = json!({"status": "success", "registry": registry.as_str(), "helper": name, "before": had});
    let message = match helper {
        Some(helper) => format!("`{}` answers for {registry}", helper.program()),
        None if had => format!("No other helper answers for {registry} now"),
        None => format!("No other helper answered for {registry}"),
    };
    context.ui.done(json, message)?;
    if helper.is_some() && registry.is_pattern() {
        context.note_that_docker_must_ask(registry);
    }
    Ok(ExitCode::SUCCESS)
}

fn set_fallback(context: &CommandContext<'_>, helper: Option<&HelperName>) -> Result<ExitCode, Failure> {
    context.accounts.set_routes(&[None], helper)?;
    let message = match helper {
        Some(helper) => format!("`{}` answers for all registries without an account here", helper.program()),
        None => "No other helper answers for the registries without an account here".to_owned(),
    };
    context.ui.done(json!({"status": "success", "fallback": helper.map(ToString::to_string)}), message)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the name of a helper. Fails if the helper is Ensign itself, and prints a note if the helper's program is
/// missing.
fn helper(context: &CommandContext<'_>, text: &str) -> Result<HelperName, Failure> {
    let name = text.strip_prefix("docker-credential-").unwrap_or(text);
    let helper: HelperName = match name.parse() {
        Ok(helper) if !helpers::is_ensign(&helper) => helper,
        Err(()) if !HelperName::fits(name) => {
            let what = format!("`{text}` is not a helper's name");
            return Err(Failure::usage(what, "give the NAME of docker-credential-NAME, as in `ecr-login`"));
        }
        _ => {
            let what = format!("`{text}` is Ensign itself, and Ensign cannot ask itself");
            return Err(Failure::usage(what, "name another helper"));
        }
    };
    if let Some(missing) = helpers::missing(&helper) {
        context.ui.note(format_args!("{}, so clients get no login there", missing.message));
    }
    Ok(helper)
}

fn show(context: &CommandContext<'_>) -> Result<ExitCode, Failure> {
    let routes = context.accounts.routes()?;
    let text = match lines(&routes) {
        lines if lines.is_empty() => {
            format!("No other helper is configured. To add one:  {} route HOST HELPER", context.program)
        }
        lines => lines.join("\n"),
    };
    context.ui.data(json(&routes), text)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the routes for `--json`.
pub(super) fn json(routes: &[HelperRoute]) -> Value {
    let chosen = routes.iter().filter_map(|HelperRoute { helper, by }| {
        Some(json!({"registry": by.as_ref()?.as_str(), "helper": helper.to_string()}))
    });
    let fallback = routes.iter().find(|route| route.by.is_none()).map(|route| route.helper.to_string());
    json!({"routes": chosen.collect::<Vec<_>>(), "fallback": fallback})
}

/// Returns one line for each route. A route with an unusable helper gets a mark.
pub(super) fn lines(routes: &[HelperRoute]) -> Vec<String> {
    let name = |route: &HelperRoute| route.by.as_ref().map_or("all others".to_owned(), ToString::to_string);
    let width = routes.iter().map(|route| name(route).chars().count()).max().unwrap_or(0);
    routes
        .iter()
        .map(|route| {
            let HelperRoute { helper, .. } = route;
            let trouble = match helpers::missing(helper).is_some() {
                true => "   ✗ not installed",
                false if helpers::is_ensign(helper) => "   ✗ this is Ensign itself; skipped",
                false => "",
            };
            format!("{:width$}  → {}{trouble}", name(route), helper.program())
        })
        .collect()
}

/// Returns a sentence that says for which registries a helper answers.
pub(super) fn sentence(route: &HelperRoute) -> String {
    format!("`{}` {}", route.helper.program(), helper_answers_for(route.by.as_ref().map(Registry::as_str)))
}
