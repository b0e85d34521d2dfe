//! Defines each known program's command for a host, and the format of the program's answer.
//!
//! The secret of a preset is sent only to the preset's own hosts, because a secret of `aws`, `gcloud` or `gh` gives
//! access to much more than one registry.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::AnswerFormat;
use super::cache_policy::CachePolicy;
use super::ecr::{self, EcrHost};
use crate::model::{ExternalProgram, ExternalSource, HelperName, Problem, Registry};
use crate::system::text;

/// The command to run, and the format in which its answer is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ProgramRequest {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    /// Variables to remove from the program's environment, because they would select another identity.
    pub(super) env_remove: Vec<&'static str>,
    pub(super) stdin: Option<String>,
    pub(super) form: AnswerFormat,
    pub(super) cache_policy: CachePolicy,
    /// For a helper that reports every error as "not found": another likely reason, and a hint.
    pub(super) not_found_may_mean: Option<(&'static str, &'static str)>,
    /// The command with which the user logs in to the program's service.
    pub(super) login: Option<String>,
}

/// Variables that the AWS SDKs prefer to `AWS_PROFILE` (amazon-ecr-credential-helper `config/resolve_credentials.go`).
const AWS_KEYS: [&str; 7] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
];

const GOOGLE_IDENTITY: [&str; 5] = [
    "CLOUDSDK_ACTIVE_CONFIG_NAME",
    "CLOUDSDK_CORE_ACCOUNT",
    "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
    "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
    "GOOGLE_APPLICATION_CREDENTIALS",
];

/// Variables with tokens that gh prefers to its own login (cli/cli `internal/config/auth_config.go`).
const GH_TOKENS: [&str; 4] = ["GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"];

/// The domains of Azure's registries, one for each of Azure's clouds.
const AZURE: [&str; 4] = [".azurecr.io", ".azurecr.cn", ".azurecr.us", ".azurecr.de"];

/// Returns the command that prints the secret for `registry`.
pub(super) fn request(source: &ExternalSource, registry: &Registry) -> Result<ProgramRequest, Problem> {
    let mut request = match &source.program {
        ExternalProgram::Helper(name) => helper(name, source, registry),
        ExternalProgram::Aws { profile } => aws(profile.as_deref(), registry)?,
        ExternalProgram::Gcloud { profile } => gcloud(profile.as_deref(), registry)?,
        ExternalProgram::Az { subscription } => az(subscription.as_deref(), registry)?,
        ExternalProgram::Gh { host, user } => gh(host, user.as_deref(), registry)?,
        ExternalProgram::Glab => ProgramRequest {
            stdin: Some(registry.docker_key().to_owned()),
            cache_policy: CachePolicy { at_most: Some(Duration::from_mins(10)), ..TOKEN },
            login: Some("glab auth login".into()),
            ..ProgramRequest::new("glab", &["auth", "docker-helper", "get"], AnswerFormat::Helper)
        },
        ExternalProgram::Op { item, account } => op(item, account.as_deref())?,
        ExternalProgram::Pass { item } => ProgramRequest::new("pass", &["show", "--", item], AnswerFormat::FirstLine),
        ExternalProgram::Vault { item, field } => ProgramRequest {
            cache_policy: CachePolicy { at_most: Some(Duration::from_mins(10)), ..TOKEN },
            login: Some("vault login".into()),
            ..ProgramRequest::new("vault", &["kv", "get", &format!("-field={field}"), word(item)?], AnswerFormat::Line)
        },
        ExternalProgram::Command(words) => {
            let Some((program, arguments)) = words.split_first() else {
                return Err(Problem::new("the command that prints the secret is empty", "log in again"));
            };
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            ProgramRequest::new(program, &arguments, AnswerFormat::LineOrHelper)
        }
    };
    request.env_remove.retain(|name| !source.env.contains_key(*name));
    request.env.extend(source.env.clone());
    Ok(request)
}

/// Returns the preset whose hosts include this registry.
pub(crate) fn program_for(registry: &Registry) -> Option<ExternalProgram> {
    let presets = [
        ExternalProgram::Aws { profile: None },
        ExternalProgram::Gcloud { profile: None },
        ExternalProgram::Az { subscription: None },
        ExternalProgram::Gh { host: github_of(registry).unwrap_or_default().to_owned(), user: None },
    ];
    let serves = |preset: &ExternalProgram| {
        let source = ExternalSource { program: preset.clone(), env: BTreeMap::new(), cache: None };
        request(&source, registry).is_ok()
    };
    let glab = || (registry.as_str() == "registry.gitlab.com").then_some(ExternalProgram::Glab);
    presets.into_iter().find(serves).or_else(glab)
}

impl ProgramRequest {
    fn new(program: &str, arguments: &[&str], form: AnswerFormat) -> Self {
        Self {
            program: program.to_owned(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            env: BTreeMap::new(),
            env_remove: vec![],
            stdin: None,
            form,
            cache_policy: TOKEN,
            not_found_may_mean: None,
            login: None,
        }
    }

    /// Adds an option, if it has a value.
    fn with(mut self, option: &str, value: Option<&str>) -> Result<Self, Problem> {
        if let Some(value) = value {
            self.arguments.extend([option.to_owned(), word(value)?.to_owned()]);
        }
        Ok(self)
    }

    /// Returns the hint that shows how to run the program by hand. The hint hides the arguments of a command that the
    /// user wrote.
    pub(super) fn by_hand(&self) -> String {
        let Self { program, arguments, stdin, .. } = self;
        let arguments: Vec<_> = arguments.iter().map(|word| text::quote(word)).collect();
        match (&self.form, stdin) {
            (AnswerFormat::LineOrHelper, _) => format!("run `{program} …` yourself to see why"),
            (_, Some(stdin)) => format!("run `echo {stdin} | {program} {}` to see why", arguments.join(" ")),
            (_, None) => format!("run `{program} {}` to see why", arguments.join(" ")),
        }
    }
}

/// The policy for tokens that state their own expiry.
const TOKEN: CachePolicy = CachePolicy { margin: Duration::from_mins(5), lives: None, at_most: None };

fn helper(name: &HelperName, source: &ExternalSource, registry: &Registry) -> ProgramRequest {
    let mut request = ProgramRequest {
        stdin: Some(registry.docker_key().to_owned()),
        ..ProgramRequest::new(&name.program(), &["get"], AnswerFormat::Helper)
    };
    match name.to_string().as_str() {
        "ecr-login" => {
            // The cache of `ecr-login` returns a token until half of the token's lifetime is over.
            request.cache_policy.at_most = Some(Duration::from_mins(30));
            request.not_found_may_mean = Some(("or the AWS login has expired", "see `~/.ecr/log`, and log in to AWS"));
            if source.env.contains_key("AWS_PROFILE") {
                request.env_remove.extend(AWS_KEYS);
            }
        }
        // gcloud's helper renews each token that has less than 55 minutes left. After 45 minutes in Ensign's cache, a
        // token is therefore still valid for ten minutes.
        "gcloud" => {
            request.cache_policy.lives = Some(Duration::from_mins(45));
            if source.env.contains_key("CLOUDSDK_ACTIVE_CONFIG_NAME") {
                request.env_remove.extend(GOOGLE_IDENTITY);
            }
        }
        "gcr" => request.cache_policy.at_most = Some(Duration::from_mins(5)),
        "glab" => request.cache_policy.at_most = Some(Duration::from_mins(10)),
        _ => {}
    }
    request
}

fn aws(profile: Option<&str>, registry: &Registry) -> Result<ProgramRequest, Problem> {
    let (service, region, fips) = match ecr::parse(registry) {
        Some(EcrHost::Public) => ("ecr-public", "us-east-1", false), // only this region issues tokens for ECR Public
        Some(EcrHost::Private { region, fips }) => ("ecr", region, fips),
        None => return Err(not_for("aws", registry, "of the form 123456789012.dkr.ecr.REGION.amazonaws.com")),
    };
    let words = [service, "get-authorization-token", "--output", "json", "--region", region];
    let mut request = ProgramRequest {
        cache_policy: CachePolicy {
            margin: Duration::from_mins(15),
            at_most: Some(Duration::from_hours(6)),
            lives: None,
        },
        login: Some("aws sso login".into()),
        ..ProgramRequest::new("aws", &words, AnswerFormat::Ecr)
    };
    request.env.insert("AWS_PAGER".into(), String::new());
    request.env.insert("AWS_CLI_AUTO_PROMPT".into(), "off".into());
    if fips {
        request.env.insert("AWS_USE_FIPS_ENDPOINT".into(), "true".into());
    }
    if let Some(profile) = profile {
        request.env_remove.extend(AWS_KEYS);
        request.login = Some(format!("aws sso login --profile {}", text::quote(profile)));
    }
    request.with("--profile", profile)
}

fn gcloud(profile: Option<&str>, registry: &Registry) -> Result<ProgramRequest, Problem> {
    let host = registry.as_str();
    if host != "gcr.io" && !host.ends_with(".gcr.io") && !host.ends_with(".pkg.dev") {
        return Err(not_for("gcloud", registry, "under gcr.io or pkg.dev"));
    }
    // Without `--min-expiry` the token might expire during the pull.
    let words = ["config", "config-helper", "--format=json(credential)", "--min-expiry=10m"];
    let mut request = ProgramRequest {
        login: Some("gcloud auth login".into()),
        ..ProgramRequest::new("gcloud", &words, AnswerFormat::Gcloud)
    };
    request.env.insert("CLOUDSDK_CORE_DISABLE_PROMPTS".into(), "1".into());
    if let Some(profile) = profile {
        request.arguments.push(format!("--configuration={profile}"));
        request.env_remove.extend(GOOGLE_IDENTITY);
        request.login = Some(format!("gcloud auth login --configuration={}", text::quote(profile)));
    }
    Ok(request)
}

fn az(subscription: Option<&str>, registry: &Registry) -> Result<ProgramRequest, Problem> {
    let name = AZURE.iter().find_map(|domain| registry.as_str().strip_suffix(domain));
    let is_name = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !name.starts_with('-');
    let Some(name) = name.filter(|name| !name.is_empty()).filter(is_name) else {
        return Err(not_for("az", registry, "of the form NAME.azurecr.io"));
    };
    let words = ["acr", "login", "--name", name, "--expose-token", "--output", "json"];
    let form = AnswerFormat::Acr { server: registry.as_str().to_owned() };
    let request = ProgramRequest { login: Some("az login".into()), ..ProgramRequest::new("az", &words, form) };
    request.with("--subscription", subscription)
}

fn gh(host: &str, user: Option<&str>, registry: &Registry) -> Result<ProgramRequest, Problem> {
    if github_of(registry) != Some(host) {
        return Err(not_for("gh", registry, "ghcr.io or containers.HOST"));
    }
    let request = ProgramRequest {
        cache_policy: CachePolicy { at_most: Some(Duration::from_mins(10)), ..TOKEN },
        login: Some(format!("gh auth login --hostname {host} --scopes write:packages")),
        env_remove: GH_TOKENS.to_vec(),
        ..ProgramRequest::new("gh", &["auth", "token", "--hostname", word(host)?], AnswerFormat::Line)
    };
    request.with("--user", user)
}

/// Returns the GitHub host whose tokens a registry accepts.
pub(crate) fn github_of(registry: &Registry) -> Option<&str> {
    match registry.as_str() {
        "ghcr.io" | "docker.pkg.github.com" => Some("github.com"),
        other => other.strip_prefix("containers.").filter(|host| host.contains('.')),
    }
}

fn op(item: &str, account: Option<&str>) -> Result<ProgramRequest, Problem> {
    if !item.starts_with("op://") {
        return Err(Problem::new(
            format!("`{item}` is not a secret reference"),
            "name the secret as in `op://vault/item/field`",
        ));
    }
    let request = ProgramRequest {
        login: Some("op signin".into()),
        ..ProgramRequest::new("op", &["read", "--no-newline", item], AnswerFormat::Line)
    };
    request.with("--account", account)
}

/// Refuses a word that the program would read as an option.
fn word(text: &str) -> Result<&str, Problem> {
    if text.is_empty() {
        return Err(Problem::new("a value for the program is empty", "name the value"));
    }
    if text.starts_with('-') {
        let what = format!("`{text}` begins with `-`, so the program would read it as an option");
        return Err(Problem::new(what, "use a value without a leading `-`"));
    }
    Ok(text)
}

fn not_for(preset: &str, registry: &Registry, shape: &str) -> Problem {
    Problem::new(
        format!("`{preset}` has no secret for {registry}, which is not a host {shape}"),
        "to send the secret to that registry anyway, use `--borrow command`",
    )
}

#[cfg(test)]
mod tests;
