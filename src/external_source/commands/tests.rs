//! A table of the command for each preset and host.

use super::*;

const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

fn request_of(preset: ExternalProgram, host: &str, env: &[(&str, &str)]) -> Result<ProgramRequest, Problem> {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    request(&ExternalSource { program: preset, env, cache: None }, &Registry::from_key(host))
}

#[expect(clippy::unnecessary_wraps, reason = "the compared fields are options")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn aws(profile: Option<&str>) -> ExternalProgram {
    ExternalProgram::Aws { profile: profile.map(str::to_owned) }
}

fn az(subscription: Option<&str>) -> ExternalProgram {
    ExternalProgram::Az { subscription: subscription.map(str::to_owned) }
}

fn gh(host: &str, user: Option<&str>) -> ExternalProgram {
    ExternalProgram::Gh { host: host.to_owned(), user: user.map(str::to_owned) }
}

fn helper_named(name: &str) -> ExternalProgram {
    ExternalProgram::Helper(name.parse().unwrap())
}

#[test]
fn each_program_is_asked_in_its_own_words() {
    let gcloud = |profile| ExternalProgram::Gcloud { profile };
    let op = |account| ExternalProgram::Op { item: "op://ops/registry/token".into(), account };
    for (preset, host, command, stdin) in [
        (aws(None), ECR, "aws ecr get-authorization-token --output json --region eu-west-1", None),
        (
            aws(Some("prod")),
            ECR,
            "aws ecr get-authorization-token --output json --region eu-west-1 --profile prod",
            None,
        ),
        (aws(None), "public.ecr.aws", "aws ecr-public get-authorization-token --output json --region us-east-1", None),
        (gcloud(None), "eu.gcr.io", "gcloud config config-helper --format=json(credential) --min-expiry=10m", None),
        (
            gcloud(some("a")),
            "europe-docker.pkg.dev",
            "gcloud config config-helper --format=json(credential) --min-expiry=10m --configuration=a",
            None,
        ),
        (az(None), "shop.azurecr.io", "az acr login --name shop --expose-token --output json", None),
        (
            az(Some("s")),
            "shop.azurecr.cn",
            "az acr login --name shop --expose-token --output json --subscription s",
            None,
        ),
        (gh("github.com", None), "ghcr.io", "gh auth token --hostname github.com", None),
        (gh("github.com", Some("octo")), "ghcr.io", "gh auth token --hostname github.com --user octo", None),
        (gh("git.acme.com", None), "containers.git.acme.com", "gh auth token --hostname git.acme.com", None),
        (ExternalProgram::Glab, "registry.gitlab.com", "glab auth docker-helper get", Some("registry.gitlab.com")),
        (op(None), "r.example", "op read --no-newline op://ops/registry/token", None),
        (op(some("me")), "r.example", "op read --no-newline op://ops/registry/token --account me", None),
        (ExternalProgram::Pass { item: "-x".into() }, "r.example", "pass show -- -x", None),
        (
            ExternalProgram::Vault { item: "secret/r".into(), field: "token".into() },
            "r.example",
            "vault kv get -field=token secret/r",
            None,
        ),
        (helper_named("ecr-login"), ECR, "docker-credential-ecr-login get", Some(ECR)),
        (helper_named("x"), "docker.io", "docker-credential-x get", Some("https://index.docker.io/v1/")),
        (ExternalProgram::Command(vec!["cat".into(), "a b".into()]), "r.example", "cat a b", None),
    ] {
        let request = request_of(preset, host, &[]).unwrap();
        let command_line = format!("{} {}", request.program, request.arguments.join(" "));
        assert_eq!((command_line.as_str(), request.stdin.as_deref()), (command, stdin));
    }
}

#[test]
fn a_preset_gives_nothing_to_hosts_that_it_is_not_for() {
    for (preset, hosts) in [
        (
            aws(None),
            ["secret.example.com", "public.ecr.aws.evil.example", "123456789012.dkr.ecr.eu-west-1.evil.example"],
        ),
        (ExternalProgram::Gcloud { profile: None }, ["pkg.dev.evil.example", "evilgcr.io", "localhost:5000"]),
        (az(None), ["azurecr.io", "shop.azurecr.io.evil.example", "shop.azurecr.io:444"]),
        (az(None), ["a.b.azurecr.io", "-x.azurecr.io", "shop.example.com"]),
        (gh("github.com", None), ["quay.io", "ghcr.io.evil.example", "containers.git.acme.com"]),
        (gh("evil.example", None), ["ghcr.io", "docker.io", "containers.evil"]),
    ] {
        for host in hosts {
            let problem = request_of(preset.clone(), host, &[]).unwrap_err();
            assert!(problem.message.contains(host), "{problem}");
        }
    }
}

#[test]
fn no_word_of_the_user_becomes_an_option() {
    for (preset, host) in [
        (aws(Some("--debug")), ECR),
        (aws(Some("")), ECR),
        (az(Some("--debug")), "shop.azurecr.io"),
        (gh("github.com", Some("-h")), "ghcr.io"),
        (ExternalProgram::Op { item: "--help".into(), account: None }, "r.example"),
        (ExternalProgram::Vault { item: "-x".into(), field: "f".into() }, "r.example"),
        (ExternalProgram::Command(vec![]), "r.example"),
    ] {
        assert!(request_of(preset.clone(), host, &[]).is_err(), "{preset:?}");
    }
}

#[test]
fn what_is_exported_does_not_win_over_the_accounts_identity() {
    for (preset, host, env, removed, kept) in [
        (aws(Some("prod")), ECR, None, Some("AWS_ACCESS_KEY_ID"), None),
        (aws(None), ECR, None, None, Some("AWS_ACCESS_KEY_ID")),
        (helper_named("ecr-login"), ECR, Some("AWS_PROFILE"), Some("AWS_WEB_IDENTITY_TOKEN_FILE"), None),
        (helper_named("ecr-login"), ECR, None, None, Some("AWS_WEB_IDENTITY_TOKEN_FILE")),
        (aws(Some("prod")), ECR, Some("AWS_ROLE_ARN"), Some("AWS_SESSION_TOKEN"), Some("AWS_ROLE_ARN")),
        (ExternalProgram::Gcloud { profile: some("a") }, "gcr.io", None, Some("GOOGLE_APPLICATION_CREDENTIALS"), None),
        (gh("github.com", None), "ghcr.io", None, Some("GH_TOKEN"), None),
    ] {
        let env: Vec<_> = env.into_iter().map(|name| (name, "value")).collect();
        let request = request_of(preset, host, &env).unwrap();
        assert!(removed.is_none_or(|name| request.env_remove.contains(&name)), "{removed:?}");
        assert!(kept.is_none_or(|name| !request.env_remove.contains(&name)), "{kept:?}");
        assert!(env.iter().all(|(name, value)| request.env[*name] == *value));
    }
}

#[test]
fn a_command_of_the_users_own_is_not_shown() {
    let secret = ExternalProgram::Command(vec!["curl".into(), "-H".into(), "Authorization: hunter2".into()]);
    assert_eq!(request_of(secret, "r.example", &[]).unwrap().by_hand(), "run `curl …` yourself to see why");
    let by_hand = request_of(ExternalProgram::Gcloud { profile: some("it's") }, "gcr.io", &[]).unwrap().by_hand();
    assert!(by_hand.contains(r"'--format=json(credential)' --min-expiry=10m '--configuration=it'\''s'"), "{by_hand}");
    let by_hand = request_of(helper_named("x"), "ghcr.io", &[]).unwrap().by_hand();
    assert_eq!(by_hand, "run `echo ghcr.io | docker-credential-x get` to see why");
}

#[test]
fn a_host_is_known_by_the_program_that_is_there_for_it() {
    for (host, word) in [
        (ECR, "aws"),
        ("public.ecr.aws", "aws"),
        ("europe-docker.pkg.dev", "gcloud"),
        ("shop.azurecr.io", "az"),
        ("ghcr.io", "gh"),
        ("registry.gitlab.com", "glab"),
        ("docker.io", ""),
        ("localhost:5000", ""),
    ] {
        let preset = program_for(&Registry::from_key(host)).map(|preset| preset.word());
        assert_eq!(preset.unwrap_or_default(), word, "{host}");
    }
}
