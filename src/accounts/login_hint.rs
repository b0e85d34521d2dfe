//! Tells a person how to renew the secret of one account. All messages use these hints, because a login without the
//! account's alias, or of another kind, would change another account or replace the account's source.

use crate::external_source;
use crate::model::{Account, Source};
use crate::system::text::{option, quote};
use crate::vault;

/// Returns the hint that renews the account's secret and keeps the account's source.
pub(crate) fn login_hint(account: &Account) -> String {
    match &account.source {
        _ if account.store.is_from_environment() => vault::env_account_problem(account).hint,
        Source::External(external) => external_source::login_hint(external, &account.registry),
        Source::Unknown(_) => "install a newer version of Ensign".to_owned(),
        Source::Static | Source::OAuth(_) => format!("run `docker-credential-ensign {}`", login_command(account)),
    }
}

/// Returns the command of Ensign that logs the account in again, without the program's name.
pub(crate) fn login_command(account: &Account) -> String {
    // Without `--device`, a login that reads a password would replace the login by browser.
    let device = if matches!(account.source, Source::OAuth(_)) { " --device" } else { "" };
    let name = match account.name.as_str() {
        name if name.starts_with('-') => option("-u", account.username.as_str()), // `--alias` accepts no such name
        name => option("--alias", name),
    };
    format!("login {} {name}{device}", quote(account.registry.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExternalProgram, ExternalSource, Registry, StoreKind};

    #[test]
    fn the_hint_renews_exactly_the_account() {
        let external = |program| Source::External(ExternalSource { program, env: [].into(), cache: None });
        let aws = |profile: &str| external(ExternalProgram::Aws { profile: Some(profile.to_owned()) });
        let ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        for (registry, name, source, expected) in [
            ("ghcr.io", "work", Source::Static, "run `docker-credential-ensign login ghcr.io --alias work`"),
            (
                "*.corp.example",
                "a b",
                Source::Static,
                "run `docker-credential-ensign login '*.corp.example' --alias 'a b'`",
            ),
            (
                "ghcr.io",
                "work",
                Source::OAuth(Box::default()),
                "run `docker-credential-ensign login ghcr.io --alias work --device`",
            ),
            (ecr, "work", aws("prod"), "run `aws sso login --profile prod`, then try again"),
            ("*.dkr.ecr.*.amazonaws.com", "work", aws("a b"), "run `aws sso login --profile 'a b'`, then try again"),
            (
                "ghcr.io",
                "work",
                external(ExternalProgram::Pass { item: "x".into() }),
                "log in with `pass`, then try again",
            ),
            (
                "ghcr.io",
                "work",
                external(ExternalProgram::Command(vec!["/bin/token".into(), "hunter2".into()])),
                "log in with `/bin/token`, then try again",
            ),
            ("ghcr.io", "work", Source::Unknown("{}".into()), "install a newer version of Ensign"),
        ] {
            let registry = Registry::from_key(registry);
            let account =
                Account { name: name.parse().unwrap(), source, ..Account::new(registry, "me".parse().unwrap()) };
            assert_eq!(login_hint(&account), expected);
            let hyphen = Account::new(account.registry.clone(), "-x".parse().unwrap());
            assert!(login_command(&hyphen).ends_with(" -u=-x"));
            let mounted = Account { store: StoreKind::Environment, source: Source::Static, ..account };
            assert!(login_hint(&mounted).contains("ENSIGN_LOGIN_"));
        }
    }
}
