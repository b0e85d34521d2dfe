//! Guards secrets. Checks whether an account's rule for callers and the user's grants allow the caller.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use serde::{Deserialize, Serialize};

use super::Accounts;
use crate::model::choice::RegistryAccounts;
use crate::model::{Account, AccountName, CallerFacts, CallerRefusal, CallerRule, Problem, Registry, timestamp};
use crate::system::files::{self, Access};
use crate::system::text;

/// An account that this caller may not use, together with the reason.
#[derive(Clone, Debug)]
pub(crate) struct WithheldAccount {
    registry: Registry,
    name: AccountName,
    refusal: CallerRefusal,
}

/// The longest lifetime of a grant. A grant with more than this time left is ignored, because the clock must have been
/// set back.
pub(crate) const LONGEST_GRANT: Duration = Duration::from_hours(12);

const VERSION: u64 = 1;
const LIMIT: u64 = 1 << 20;

/// The time for which a change of grants waits for the config's lock.
const PATIENCE: Duration = Duration::from_secs(5);

impl Accounts<'_> {
    /// Checks the account's rule against the caller. `facts` returns the facts about the caller that the check needs.
    pub(crate) fn may_ask(
        &self,
        account: &Account,
        facts: impl FnOnce(&CallerRule) -> CallerFacts,
    ) -> Result<(), WithheldAccount> {
        let rule = &account.callers;
        if rule.is_empty() {
            return Ok(());
        }
        let granted_until = if rule.needs_grant { self.granted_until(account) } else { None };
        rule.decide(&facts(rule), granted_until, SystemTime::now())
            .map_err(|refusal| WithheldAccount::new(account, refusal))
    }

    /// Checks the rule before a command other than `get` returns the secret. `note` writes the required journal entry,
    /// and returns whether the entry was written.
    pub(crate) fn hand_out(
        &self,
        account: &Account,
        facts: impl FnOnce(&CallerRule) -> CallerFacts,
        note: impl FnOnce() -> bool,
    ) -> Result<(), WithheldAccount> {
        self.may_ask(account, facts)?;
        if account.callers.is_empty() || (self.wants_journal() && note()) {
            return Ok(());
        }
        Err(WithheldAccount::new(account, CallerRefusal::NoJournal))
    }

    /// Returns the end of the user's grant, if there is a grant.
    pub(crate) fn granted_until(&self, account: &Account) -> Option<SystemTime> {
        let grants = self.read_grants()?;
        let until = timestamp::since_1970(*grants.get(account.registry.as_str())?.get(account.name.as_str())?)?;
        let now = SystemTime::now();
        (now < until && until <= now + LONGEST_GRANT).then_some(until)
    }

    /// Allows callers to use the account for the time `span`. If `span` is zero, ends the grant.
    pub(crate) fn grant(&self, account: &Account, span: Duration) -> Result<()> {
        let path = self.grants_path().ok_or_else(|| anyhow!("there is no home folder to store the grant in"))?;
        let _lock =
            self.config.lock_within(PATIENCE)?.ok_or_else(|| anyhow!("another process is changing the accounts"))?;
        let now = SystemTime::now();
        let mut grants = self.read_grants().unwrap_or_default();
        for accounts in grants.values_mut() {
            accounts.retain(|_, until| *until > timestamp::seconds(now));
        }
        let of_registry = grants.entry(account.registry.to_string()).or_default();
        of_registry.remove(account.name.as_str());
        if !span.is_zero() {
            let until = timestamp::seconds(now + span.min(LONGEST_GRANT));
            of_registry.insert(account.name.to_string(), until);
        }
        write_grants(&path, grants)
    }

    /// Ends the grants of all accounts that no longer exist under their names. Otherwise another account could take the
    /// name, and the grant with it. The caller must hold the config's lock.
    pub(super) fn end_stale_grants(&self, after: &[RegistryAccounts]) -> Result<()> {
        let Some((path, mut grants)) = self.grants_path().zip(self.read_grants()) else { return Ok(()) };
        let unchanged = grants.clone();
        let is_account = |host: &str, name: &str| {
            let mut entries = after.iter().filter(|entry| entry.registry.is_key(host));
            entries.any(|entry| entry.called(name).is_some())
        };
        for (host, accounts) in &mut grants {
            accounts.retain(|name, _| is_account(host, name));
        }
        if grants == unchanged { Ok(()) } else { write_grants(&path, grants) }
    }

    /// Returns the grants, or `None` if there is no readable file of this version. An unreadable file grants nothing.
    fn read_grants(&self) -> Option<GrantEnds> {
        let bytes = files::read(&self.grants_path()?, LIMIT).ok()??;
        let GrantsFile { version, grants } = serde_json::from_slice(&bytes).ok()?;
        (version == VERSION).then_some(grants)
    }

    fn grants_path(&self) -> Option<PathBuf> {
        self.env.data_dir.as_ref().map(|folder| folder.join("grants.json"))
    }
}

fn write_grants(path: &Path, mut grants: GrantEnds) -> Result<()> {
    grants.retain(|_, accounts| !accounts.is_empty());
    let text = serde_json::to_string(&GrantsFile { version: VERSION, grants })?;
    files::replace(path, text.as_bytes(), Access::Private).context("could not write the grants")
}

/// The end of each grant, in seconds since 1970, by registry and account name.
type GrantEnds = BTreeMap<String, BTreeMap<String, u64>>;

/// The content of `grants.json`. The config contains no grants, because people copy the config to other machines.
#[derive(Deserialize, Serialize)]
struct GrantsFile {
    version: u64,
    grants: GrantEnds,
}

impl WithheldAccount {
    pub(crate) fn new(account: &Account, refusal: CallerRefusal) -> Self {
        Self { registry: account.registry.clone(), name: account.name.clone(), refusal }
    }

    /// Returns the reason why the account is withheld.
    pub(crate) fn reason(&self) -> String {
        self.refusal.to_string()
    }

    /// Returns the command that lets this caller use the account, or a command that helps to find the cause.
    pub(crate) fn command(&self) -> String {
        let command = |verb, options: &str| text::command(verb, &[self.registry.as_str(), self.name.as_str()], options);
        match &self.refusal {
            CallerRefusal::Agent(_) => command("account edit", "--agents allowed"),
            CallerRefusal::NoTerminal => command("account edit", "--terminal optional"),
            CallerRefusal::OtherProgram(Some(program)) => {
                command("account edit", &format!("--program {}", text::quote(&format!("+{program}"))))
            }
            CallerRefusal::NoGrant => command("grant", "--for 15m"),
            CallerRefusal::NoJournal => "why".to_owned(),
            CallerRefusal::OtherProgram(None) | CallerRefusal::Unreadable | CallerRefusal::UnknownRule => {
                command("account show", "")
            }
        }
    }
}

impl From<WithheldAccount> for Problem {
    fn from(withheld: WithheldAccount) -> Self {
        let WithheldAccount { registry, name, refusal } = &withheld;
        Self::run(format!("{name} on {registry} may not be used by this caller: {refusal}"), withheld.command())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::env::Env;

    fn guarded() -> Account {
        let callers = CallerRule { needs_grant: true, ..CallerRule::default() };
        Account { callers, ..Account::new("ghcr.io".parse().unwrap(), "me".parse().unwrap()) }
    }

    #[test]
    fn a_grant_lasts_for_its_span_and_no_longer_than_twelve_hours() {
        let folder = tempfile::tempdir().unwrap();
        let env = Env::in_folder(folder.path(), vec![]);
        let (accounts, account) = (Accounts::new(&env), guarded());
        let other = Account { name: "other".parse().unwrap(), ..guarded() };
        let left = |account: &Account| {
            let until = accounts.granted_until(account)?;
            Some(until.duration_since(SystemTime::now()).unwrap().as_secs() / 60)
        };
        assert_eq!(left(&account), None);
        for (minutes, expected) in
            [(15, Some(14)), (0, None), (60 * 11, Some(60 * 11 - 1)), (60 * 20, Some(60 * 12 - 1))]
        {
            accounts.grant(&account, Duration::from_mins(minutes)).unwrap();
            assert_eq!((left(&account), left(&other)), (expected, None), "{minutes} minutes");
            assert_eq!(accounts.may_ask(&account, |_| CallerFacts::default()).is_ok(), expected.is_some());
        }
        accounts.grant(&other, Duration::from_mins(9)).unwrap();
        accounts.grant(&account, Duration::ZERO).unwrap();
        assert_eq!((left(&account), left(&other)), (None, Some(8)));
    }

    #[test]
    fn an_old_grant_one_of_another_clock_and_an_unknown_file_grant_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let env = Env::in_folder(folder.path(), vec![]);
        let (accounts, path) = (Accounts::new(&env), folder.path().join("data/grants.json"));
        let now = timestamp::seconds(SystemTime::now());
        for (version, until, is_granted) in [
            (1, now + 60, true),
            (1, now - 60, false),
            (1, now + 13 * 3600, false),
            (2, now + 60, false),
            (1, 0, false),
        ] {
            let text = format!(r#"{{"version": {version}, "grants": {{"ghcr.io": {{"me": {until}}}}}}}"#);
            files::replace(&path, text.as_bytes(), Access::Private).unwrap();
            assert_eq!(accounts.granted_until(&guarded()).is_some(), is_granted, "{text}");
        }
        files::replace(&path, b"nonsense", Access::Private).unwrap();
        assert!(accounts.granted_until(&guarded()).is_none());
        let past = format!(r#"{{"version": 1, "grants": {{"quay.io": {{"me": {}, "you": {}}}}}}}"#, now - 60, now + 60);
        files::replace(&path, past.as_bytes(), Access::Private).unwrap();
        accounts.grant(&guarded(), Duration::ZERO).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!(r#"{{"version":1,"grants":{{"quay.io":{{"you":{}}}}}}}"#, now + 60));
    }

    #[test]
    fn a_guarded_account_leaves_only_with_a_written_entry() {
        let folder = tempfile::tempdir().unwrap();
        let env = Env::in_folder(folder.path(), vec![]);
        let accounts = Accounts::new(&env);
        let open = Account { callers: CallerRule::default(), ..guarded() };
        let facts = |_: &CallerRule| CallerFacts::default();
        assert!(accounts.hand_out(&open, facts, || false).is_ok());
        assert_eq!(accounts.hand_out(&guarded(), facts, || true).unwrap_err().refusal, CallerRefusal::NoGrant);
        accounts.grant(&guarded(), Duration::from_mins(1)).unwrap();
        assert!(accounts.hand_out(&guarded(), facts, || true).is_ok());
        assert_eq!(accounts.hand_out(&guarded(), facts, || false).unwrap_err().refusal, CallerRefusal::NoJournal);
        accounts.set_journal(false).unwrap(); // also ends the grant, because the config has no such account
        accounts.grant(&guarded(), Duration::from_mins(1)).unwrap();
        assert_eq!(accounts.hand_out(&guarded(), facts, || true).unwrap_err().refusal, CallerRefusal::NoJournal);
    }

    #[test]
    fn each_refusal_has_the_command_that_changes_it() {
        for (refusal, command) in [
            (CallerRefusal::Agent("x".into()), "account edit ghcr.io me --agents allowed"),
            (CallerRefusal::NoTerminal, "account edit ghcr.io me --terminal optional"),
            (CallerRefusal::OtherProgram(Some("crane".into())), "account edit ghcr.io me --program +crane"),
            (CallerRefusal::NoGrant, "grant ghcr.io me --for 15m"),
            (CallerRefusal::NoJournal, "why"),
            (CallerRefusal::OtherProgram(None), "account show ghcr.io me"),
        ] {
            let withheld = WithheldAccount::new(&guarded(), refusal);
            assert_eq!(withheld.command(), command);
            let problem = Problem::from(withheld.clone()).message;
            assert_eq!(problem, format!("me on ghcr.io may not be used by this caller: {}", withheld.reason()));
        }
    }
}
