//! `login --borrow`: adds an account with an external source. As a test, the login asks the external source once.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::CompleteLogin;
use crate::cli::failure::Failure;
use crate::cli::{CommandContext, args, duration};
use crate::external_source::{self, ExternalCredential, ExternalError};
use crate::model::{
    AccountName, Audience, ExternalProgram, ExternalSource, Registry, Secret, Source, StoredSecret, Username,
};
use crate::system::env::Env;
use crate::system::text::quote;

/// The time limit for the external source. The limit is long, because the user may have to find a security key or use a
/// fingerprint reader.
const PATIENCE: Duration = Duration::from_mins(5);

/// Asks the program named `word`, such as `aws`, for the registry's secret.
pub(super) fn complete(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    registry: &Registry,
    word: &str,
    user: Option<Username>,
) -> Result<CompleteLogin, Failure> {
    let program = program(word, &arguments.external, registry, user.as_ref())?;
    let cache =
        arguments.external.cache.as_deref().map(|text| duration::parse(text, "for `--cache`", "12h")).transpose()?;
    let external = ExternalSource { program, env: environment(context.env, &arguments.external.env)?, cache };
    let program = external_source::program(&external, registry)
        .map_err(|problem| Failure::usage(problem.message, problem.hint))?;
    let identity = || external.identity().map(str::parse).transpose();
    let alias = arguments.alias.clone().map_or_else(identity, |alias| Ok(Some(alias)));
    let alias = alias.map_err(|error| Failure::usage(format!("{error}"), "choose another alias"))?;
    if registry.is_pattern() {
        return unasked(external, user, alias);
    }
    if user.is_none() && !names_the_user(&external.program) {
        let what = format!("`{word}` gives a secret without a user name");
        return Err(Failure::usage(what, format!("name the user at {registry}: add `-u NAME`")));
    }
    context.ui.say(format_args!("Asking `{}` ({external})", program.display()));
    let credential = match external_source::ask(&external, registry, PATIENCE, Audience::Person) {
        Ok(credential) => credential,
        Err(ExternalError::Failed(problem)) => return Err(problem.into()),
        Err(ExternalError::Nothing) => {
            let what = format!("`{}` has no login for {registry}", program.display());
            return Err(Failure::not_logged_in(what, "log in with that program, then try again; login not saved"));
        }
    };
    let ExternalCredential { username, secret, expires_at } = credential;
    let username = agreed(registry, user, username)?;
    let cache_key = Some(external_source::cache_key(&external, registry));
    let stored = StoredSecret { expires_at, cache_key, ..secret.into() };
    Ok(CompleteLogin { username, stored, source: Source::External(external), alias, did: None })
}

/// Returns the login for a pattern of hosts. The external source is not asked, because a source can return a secret
/// only for a single host.
fn unasked(
    external: ExternalSource,
    user: Option<Username>,
    alias: Option<AccountName>,
) -> Result<CompleteLogin, Failure> {
    let known = external_source::user_everywhere(&external.program).and_then(|user| user.parse().ok());
    let Some(username) = user.or(known) else {
        let what = format!("the user name of `{}` at these registries is unknown", external.program.word());
        return Err(Failure::usage(what, "name the user: add `-u NAME`"));
    };
    let stored = Secret::new(String::new()).into(); // a secret without an expiry is not cached
    Ok(CompleteLogin { username, stored, source: Source::External(external), alias, did: None })
}

/// Returns the user name to save. The registry expects the program's user name, so `-u` with another name is an error.
fn agreed(registry: &Registry, user: Option<Username>, program_user: Option<Username>) -> Result<Username, Failure> {
    match (user, program_user) {
        (Some(user), Some(program_user)) if user != program_user && !program_user.is_identity_token() => {
            let what = format!("the program has the secret of `{program_user}` on {registry}, not of `{user}`");
            Err(Failure::usage(what, "remove `-u`, or give the account a label with `--alias`; login not saved"))
        }
        (_, Some(program_user)) => Ok(program_user),
        (Some(user), None) => Ok(user),
        (None, None) => Err(Failure::usage("the program gave a secret without a user name", "name the user with `-u`")),
    }
}

/// Returns the `login --borrow` command for this registry, if a suitable program is installed.
pub(super) fn suggest(context: &CommandContext<'_>, registry: &Registry) -> Option<String> {
    let program = external_source::program_for(registry)?;
    let user = if names_the_user(&program) { "" } else { " -u NAME" };
    Some(format!("{} login --borrow {} {}{user}", context.program, program.word(), quote(registry.as_str())))
}

/// Tells whether the program can return the user name with the secret.
fn names_the_user(program: &ExternalProgram) -> bool {
    match program {
        // A command can print a user name with the secret, in the format of credential helpers.
        ExternalProgram::Helper(_)
        | ExternalProgram::Command(_)
        | ExternalProgram::Glab
        | ExternalProgram::Aws { .. }
        | ExternalProgram::Gcloud { .. }
        | ExternalProgram::Az { .. } => true,
        ExternalProgram::Gh { .. }
        | ExternalProgram::Op { .. }
        | ExternalProgram::Pass { .. }
        | ExternalProgram::Vault { .. } => false,
    }
}

/// Returns the program named `word`, with its options. An option that this program does not support is an error.
fn program(
    word: &str,
    arguments: &args::ExternalSourceArguments,
    registry: &Registry,
    user: Option<&Username>,
) -> Result<ExternalProgram, Failure> {
    let args::ExternalSourceArguments { profile, item, field, command, .. } = arguments;
    let takes: &[&str] = match word {
        "aws" | "gcloud" | "az" => &["`--profile`"],
        "op" => &["`--profile`", "`--item`"],
        "pass" => &["`--item`"],
        "vault" => &["`--item`", "`--field`"],
        "command" => &["a command"],
        _ => &[],
    };
    let options = [
        ("`--profile`", profile.is_some()),
        ("`--item`", item.is_some()),
        ("`--field`", field.is_some()),
        ("a command", !command.is_empty()),
    ];
    if let Some((name, _)) = options.iter().find(|(name, is_used)| *is_used && !takes.contains(name)) {
        return Err(Failure::usage(format!("`--borrow {word}` does not use {name}"), "remove it"));
    }
    let missing = |name: &str, example: &str| {
        Failure::usage(format!("`--borrow {word}` needs {name}"), format!("add {name}, as in `{example}`"))
    };
    let item = |example| item.clone().ok_or_else(|| missing("an item", example));
    Ok(match word {
        "aws" => ExternalProgram::Aws { profile: profile.clone() },
        "gcloud" => ExternalProgram::Gcloud { profile: profile.clone() },
        "az" => ExternalProgram::Az { subscription: profile.clone() },
        "gh" => ExternalProgram::Gh {
            host: external_source::github_of(registry).unwrap_or("github.com").to_owned(),
            user: user.map(ToString::to_string),
        },
        "glab" => ExternalProgram::Glab,
        "op" => ExternalProgram::Op { item: item("--item op://vault/item/field")?, account: profile.clone() },
        "pass" => ExternalProgram::Pass { item: item("--item registry/ghcr.io")? },
        "vault" => ExternalProgram::Vault {
            item: item("--item secret/registry")?,
            field: field.clone().ok_or_else(|| missing("a field", "--field token"))?,
        },
        "command" if command.is_empty() => return Err(missing("a command", "-- /usr/bin/print-token ghcr.io")),
        "command" => ExternalProgram::Command(command.clone()),
        other => match other.strip_prefix("helper:").map(str::parse) {
            Some(Ok(name)) => ExternalProgram::Helper(name),
            Some(Err(())) => {
                let what = format!("`{other}` is not a helper that Ensign can ask");
                return Err(Failure::usage(what, "name another helper, as in `helper:ecr-login`"));
            }
            None => {
                return Err(Failure::usage(
                    format!("Ensign does not know how to ask `{other}` for a secret"),
                    "use aws, gcloud, az, gh, glab, op, pass, vault, helper:NAME, or `command` with `-- COMMAND`",
                ));
            }
        },
    })
}

/// Returns the environment variables for the external source. These variables must not contain secrets, because the
/// config stores the variables in clear text.
fn environment(env: &Env, texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let variable = |text: &String| {
        let pair = text.split_once('=').filter(|(name, value)| is_name(name) && is_value(value));
        let Some((name, value)) = pair else {
            let hint = "write the option as in `--env AWS_CONFIG_FILE=~/.aws/work`";
            return Err(Failure::usage("invalid `--env`: expected NAME=VALUE", hint));
        };
        if name.starts_with("ENSIGN_") {
            let what = format!("`{name}` is Ensign's own variable, and cannot be set for another program");
            return Err(Failure::usage(what, "remove it"));
        }
        if may_hold_a_secret(name) {
            let what = format!("`{name}` looks like a secret, and the config never stores secrets");
            let hint = "name a file or profile that contains the secret, or export the variable where the client runs";
            return Err(Failure::usage(what, hint));
        }
        // With `~`, the path also works after the config was copied to another machine.
        let path = Path::new(value);
        Ok((name.to_owned(), if path.has_root() { env.shorten_home(path) } else { value.to_owned() }))
    };
    texts.iter().map(variable).collect()
}

fn is_name(name: &str) -> bool {
    let is_word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_word && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn is_value(value: &str) -> bool {
    value.len() <= 4096 && !value.chars().any(char::is_control)
}

/// Tells whether a variable with this name may contain a secret.
fn may_hold_a_secret(name: &str) -> bool {
    const SECRETS: [&str; 6] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "KEY"];
    const PLACES: [&str; 6] = ["_FILE", "_PROFILE", "_DIR", "_PATH", "_HELPER", "_SOCK"];
    let name = name.to_ascii_uppercase();
    let is_place = PLACES.iter().any(|place| name.ends_with(place)) || name.starts_with("PASSWORD_STORE_");
    !is_place && SECRETS.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_hold_secrets_do_not_get_into_the_config() {
        for (variable, fine) in [
            ("AWS_PROFILE=work", true),
            ("AZURE_CONFIG_DIR=~/.azure-shop", true),
            ("AWS_WEB_IDENTITY_TOKEN_FILE=/run/token", true),
            ("PASSWORD_STORE_DIR=~/.password-store", true),
            ("EMPTY=", true),
            ("VAULT_TOKEN=x", false),
            ("AWS_SECRET_ACCESS_KEY=x", false),
            ("api_key=x", false),
            ("DB_PASSWORD=x", false),
            ("ENSIGN_ACCOUNT=x", false),
            ("no equals", false),
            ("1A=x", false),
            ("=x", false),
            ("A B=x", false),
            ("A=two\nlines", false),
        ] {
            assert_eq!(environment(&Env::at_home("/home/me"), &[variable.to_owned()]).is_ok(), fine, "{variable}");
        }
    }

    #[test]
    fn files_at_home_are_written_with_a_tilde() {
        let env = environment(&Env::at_home("/home/me"), &["A=/home/me/x".into(), "B=/srv/x".into(), "C=x".into()]);
        let env: Vec<_> = env.unwrap().into_values().collect();
        assert_eq!(env, ["~/x", "/srv/x", "x"]);
    }
}
