//! Checks whether each account has a secret, and whether the secret is known to be invalid.

use std::time::SystemTime;

use super::diagnosis::{Check, Diagnosis};
use super::remedy::Remedy;
use super::{Section, Survey, count};
use crate::accounts::login_hint;
use crate::cli::CommandContext;
use crate::cli::context::UnknownVariable;
use crate::cli::expiry;
use crate::cli::failure::Failure;
use crate::cli::trouble::Trouble;
use crate::model::{Account, Expiry, Problem, StoreKind};
use crate::system::text::one_line;

#[derive(Debug, Default)]
struct AccountFacts {
    number: usize,
    /// The number of secrets that were not read, because a helper has them or because other checks report the reason.
    unread: usize,
    troubled: Vec<(Account, Trouble)>,
    /// The accounts whose secrets expire soon, each with the remaining time.
    ending: Vec<(Account, String)>,
    /// The name in `ENSIGN_ACCOUNT`, if no account has this name.
    unknown_variable: Option<UnknownVariable>,
    /// Whether Ensign's config is unreadable. Then a check in `files` reports the fault, and `no-account` reports
    /// nothing.
    is_damaged: bool,
}

pub(super) fn examine(context: &CommandContext<'_>, survey: &Survey) -> Section {
    let facts = AccountFacts::gather(context, survey);
    let summary = match facts.number {
        0 => "none".to_owned(),
        number if facts.unread > 0 => {
            format!("{}, {} not read", count(number, "account"), count(facts.unread, "secret"))
        }
        1 => "1 account with its secret".to_owned(),
        number => format!("{} with their secrets", count(number, "account")),
    };
    Section::new("accounts", summary, judge(&facts, context.program))
}

fn judge(facts: &AccountFacts, program: &str) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    if facts.number == 0 && !facts.is_damaged {
        found.push(Diagnosis::note(
            Check::NoAccount,
            "there is no account yet",
            "nothing; pulls and pushes go out without a login",
            Remedy::Command(format!("{program} login ghcr.io")),
        ));
    }
    let shown = |account: &Account| format!("{} on {}", one_line(account.name.as_str(), 60), account.registry);
    for (account, trouble) in &facts.troubled {
        let (who, login) = (shown(account), expiry::login(program, account));
        let breaks = "pulls and pushes as this account fail, or go out without a login";
        found.push(match trouble {
            Trouble::Gone => {
                let what = format!("the secret of {who} is gone");
                Diagnosis::broken(Check::SecretMissing, what, breaks, Remedy::in_hint(&login_hint(account)))
            }
            Trouble::Unreadable(error) => {
                let (what, cure) = Failure::parts_of(error);
                let remedy = Remedy::in_hint(&cure.unwrap_or_else(|| login_hint(account)));
                Diagnosis::broken(Check::SecretUnreadable, format!("{who}: {what}"), breaks, remedy)
            }
            Trouble::Dead(Problem { message: what, hint: cure }) => {
                Diagnosis::broken(Check::AccountRefused, what, breaks, Remedy::in_hint(cure))
            }
            // Ensign does not know how to install the missing program, so the remedy is a login that stores a secret in
            // Ensign.
            Trouble::SourceMissing(Problem { message: what, hint: cure }) => {
                let remedy = Remedy::Command(format!("{login}   (or {cure})"));
                Diagnosis::broken(Check::SourceMissing, format!("{who}: {what}"), breaks, remedy)
            }
        });
    }
    for (account, words) in &facts.ending {
        found.push(Diagnosis::note(
            Check::AccountExpiring,
            format!("the secret of {} {words}", shown(account)),
            "nothing yet; once the secret has expired, pulls and pushes with this account fail",
            Remedy::Command(expiry::login(program, account)),
        ));
    }
    if let Some(unknown) = &facts.unknown_variable {
        let breaks = match &unknown.registry {
            Some(registry) => format!("every pull and push of {registry} in this shell"),
            None => "every pull and push in this shell".to_owned(),
        };
        found.push(Diagnosis::broken(
            Check::AccountVariable,
            unknown.to_string(),
            breaks,
            Remedy::Command("unset ENSIGN_ACCOUNT".into()),
        ));
    }
    found
}

impl AccountFacts {
    fn gather(context: &CommandContext<'_>, survey: &Survey) -> Self {
        let (mut troubled, mut ending, mut unread, now) = (vec![], vec![], 0, SystemTime::now());
        let mut looked_at = survey.registries.clone();
        for entry in &mut looked_at {
            // No helper is asked, because a helper may prompt the user. The module `helpers` checks the helpers.
            let all = entry.accounts.len();
            entry.accounts.retain(|account| !matches!(account.store, StoreKind::Helper(_)));
            unread += all - entry.accounts.len();
        }
        let stored = context.accounts.stored_by_registry(&looked_at).into_iter().flatten();
        for (account, stored) in looked_at.iter().flat_map(|entry| &entry.accounts).zip(stored) {
            let known = stored.as_ref().ok().and_then(Option::as_ref);
            let expiry = known.map_or(Expiry::Unknown, |stored| Expiry::new(&account.source, stored));
            match Trouble::find(context, account, stored) {
                // Other checks report unreadable secret files and an unavailable data key.
                Some(Trouble::Unreadable(_)) if account.store == StoreKind::File => unread += 1,
                Some(Trouble::Unreadable(_)) if account.store == StoreKind::Sealed && survey.closed_key.is_some() => {
                    unread += 1;
                }
                Some(trouble) => troubled.push((account.clone(), trouble)),
                None if expiry.ends_within(Expiry::WARNING, now) => {
                    ending.push((account.clone(), expiry.words(now).unwrap_or_default()));
                }
                None => {}
            }
        }
        Self {
            number: survey.accounts().count(),
            unread,
            troubled,
            ending,
            unknown_variable: context.unknown_variable().filter(|_| survey.damage.is_none()),
            is_damaged: survey.damage.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_has_its_check_and_command() {
        let account = || Account::new("a.io".parse().unwrap(), "me".parse().unwrap());
        let problem = || Problem::new("it is over", "run `x y`");
        for (trouble, check, command) in [
            (Trouble::Gone, "secret-missing", "e login a.io --alias me"),
            (Trouble::Unreadable(anyhow::anyhow!("no")), "secret-unreadable", "e login a.io --alias me"),
            (Trouble::Dead(problem()), "account-refused", "x y"),
            (Trouble::SourceMissing(problem()), "source-missing", "e login a.io --alias me   (or run `x y`)"),
        ] {
            let troubled = vec![(account(), trouble)];
            let found = judge(&AccountFacts { number: 1, troubled, ..Default::default() }, "e");
            let found: Vec<_> =
                found.iter().map(|diagnosis| (diagnosis.check.name(), diagnosis.command("e"))).collect();
            assert_eq!(found, [(check, command.to_owned())]);
        }
        let found = judge(
            &AccountFacts {
                unknown_variable: Some(UnknownVariable { name: "x".into(), registry: None }),
                ..Default::default()
            },
            "e",
        );
        let found: Vec<_> = found.iter().map(|diagnosis| (diagnosis.check.name(), diagnosis.severity.name())).collect();
        assert_eq!(found, [("no-account", "note"), ("account-variable", "broken")]);
        let ending = vec![(account(), "expires in 2 days".to_owned())];
        let found = judge(&AccountFacts { number: 1, ending, ..Default::default() }, "e");
        assert_eq!((found.len(), found[0].found.as_str()), (1, "the secret of me on a.io expires in 2 days"));
        assert!(judge(&AccountFacts { is_damaged: true, ..Default::default() }, "e").is_empty());
    }
}
