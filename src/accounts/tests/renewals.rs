//! Tests the renewal of secrets by a provider, and logins and logouts during a renewal.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use super::answers::Stranger;
use super::*;
use crate::model::choice::CommandImages;
use crate::model::{CallerFacts, CallerRule, ExternalProgram, ExternalSource, OAuthGrant};
use crate::system::files::Lock;
use crate::system::threads;

const TOKENS: &str = r#"{"access_token": "new", "refresh_token": "r2", "expires_in": 3600, "token_type": "bearer"}"#;
const ENDED: &str = r#"{"error": "invalid_grant"}"#;
const LOG_IN: &str = r#"{"error": "oauth_session_expired"}"#;

/// Starts a provider that gives one answer, and returns its address. If the answer is empty, no server listens at the
/// address.
fn provider(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let status = if answer == TOKENS { "200 OK" } else { "400 Bad Request" };
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = BufReader::new(stream.try_clone().unwrap());
        let mut length = 0;
        loop {
            let mut line = String::new();
            request.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        request.read_exact(&mut vec![0; length]).unwrap();
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}", answer.len());
        let _ = write!(stream, "{head}\r\nConnection: close\r\n\r\n{answer}");
    };
    if !answer.is_empty() {
        threads::start(serve).unwrap();
    }
    url
}

/// Saves an account whose secret is due and expires in `expires_in` seconds. Returns the account and its secret.
fn save(accounts: &Accounts<'_>, url: String, expires_in: i64, refresh: Option<&str>) -> (Account, StoredSecret) {
    let now = SystemTime::now();
    let moment = |seconds: i64| match u64::try_from(seconds) {
        Ok(seconds) => now + Duration::from_secs(seconds),
        Err(_) => now - Duration::from_secs(seconds.unsigned_abs()),
    };
    let stored = StoredSecret {
        expires_at: Some(moment(expires_in)),
        refresh_at: Some(moment(expires_in - 300)),
        refresh: refresh.map(secret),
        ..secret("old").into()
    };
    let grant = OAuthGrant { provider: "p".into(), client_id: "c".into(), token_url: url, ..OAuthGrant::default() };
    let source = Source::OAuth(Box::new(grant));
    let account = accounts.save(&NewLogin { stored: stored.copy(), source, ..login("ghcr.io", "me", "") }).unwrap();
    (account, stored)
}

fn resolved(accounts: &Accounts<'_>, account: &Account, stored: &StoredSecret, audience: Audience) -> String {
    match accounts.resolve(account, Some(stored.copy()), audience).unwrap() {
        ResolvedSecret::Valid(credential) => exposed(Some(credential.secret.into())).unwrap(),
        ResolvedSecret::Missing => "missing".to_owned(),
        ResolvedSecret::Unsaved(_, problem) | ResolvedSecret::Expired(problem) | ResolvedSecret::Unrenewed(problem) => {
            problem.message
        }
    }
}

const GOOD: i64 = 3600;
const DUE: i64 = 100;
const OVER: i64 = -100;

#[test]
fn a_due_secret_is_renewed_and_the_old_one_serves_until_its_end() {
    let (client, person) = (Audience::Client, Audience::Person);
    for (expires_in, refresh, answer, audience, expected, again) in [
        (GOOD, Some("r"), "", client, "old", "old"),
        (DUE, None, "", client, "old", "old"),
        (OVER, None, "", client, "they have expired", "they have expired"),
        (DUE, Some("r"), TOKENS, client, "new", "new"),
        (OVER, Some("r"), TOKENS, client, "new", "new"),
        (DUE, Some("r"), "", client, "old", "old"),
        (OVER, Some("r"), "", client, "could not reach", "the provider could not be reached a moment ago"),
        (OVER, Some("r"), "", person, "could not reach", "could not reach"),
        (DUE, Some("r"), ENDED, client, "old", "the login has ended"),
        (OVER, Some("r"), ENDED, client, "are no longer valid", "the login has ended"),
        (DUE, Some("r"), LOG_IN, client, "old", "the session of me"),
        (OVER, Some("r"), LOG_IN, client, "the session of me", "the session of me"),
    ] {
        let (_folder, env) = home("", vec![]);
        let accounts = Accounts::new(&env);
        let (account, stored) = save(&accounts, provider(answer), expires_in, refresh);
        let found = resolved(&accounts, &account, &stored, audience);
        assert!(found.contains(expected), "{expires_in} {refresh:?} {answer}: {found}");
        let now = accounts.stored(&account).unwrap().unwrap();
        let found = resolved(&accounts, &account, &now, audience);
        assert!(found.contains(again), "again, {expires_in} {refresh:?} {answer}: {found}");
        if expected == "new" {
            assert!(now.refresh == Some(secret("r2")) && now.refresh_at < now.expires_at);
        }
        if answer == TOKENS {
            assert_eq!(resolved(&accounts, &account, &stored, audience), "new", "another caller has renewed it");
        }
    }
}

#[test]
fn a_secret_that_expires_during_the_renewal_is_not_returned() {
    let (_folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    threads::start(move || {
        let accepted = listener.accept();
        std::thread::sleep(Duration::from_secs(2));
        drop(accepted);
    })
    .unwrap();
    let (account, stored) = save(&accounts, url, 2, Some("r"));
    let found = resolved(&accounts, &account, &stored, Audience::Client);
    assert!(found.contains("could not reach"), "{found}");
}

#[test]
fn a_secret_that_renews_itself_is_no_trouble_and_keeps_its_end() {
    let (_folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    for (expires_in, refresh, is_trouble) in
        [(OVER, Some("r"), false), (OVER, None, true), (GOOD, None, false), (GOOD, Some("r"), false)]
    {
        let (account, stored) = save(&accounts, provider(""), expires_in, refresh);
        assert_eq!(accounts.trouble(&account, &stored).is_some(), is_trouble, "{expires_in} {refresh:?}");
        let program = ExternalProgram::Glab;
        let source = Source::External(ExternalSource { program, env: [].into(), cache: None });
        assert!(accounts.trouble(&Account { source, ..account.clone() }, &stored).is_none());
        let before = accounts.stored(&account).unwrap().unwrap();
        accounts.record_verdict(&account, &before.secret, &SecretVerdict::Refused, None);
        assert!(accounts.trouble(&account, &accounts.stored(&account).unwrap().unwrap()).is_some());
        let next_year = SystemTime::now() + Duration::from_hours(24 * 365);
        accounts.record_verdict(&account, &before.secret, &SecretVerdict::Accepted, Some(next_year));
        accounts.record_verdict(&account, &before.secret, &SecretVerdict::Refused, None);
        accounts.renew(&account, &before.secret, &secret("shown")).unwrap();
        let after = accounts.stored(&account).unwrap().unwrap();
        assert_eq!((after.expires_at, after.refused), (before.expires_at, false));
    }
}

#[test]
fn without_a_lock_the_refresh_token_is_not_used_up() {
    let (_folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    let (account, stored) = save(&accounts, provider(""), DUE, Some("r"));
    let renewing = Lock::take(&accounts.vault.renewal_lock(&account).unwrap()).unwrap();
    assert_eq!(resolved(&accounts, &account, &stored, Audience::Client), "old");
    drop(renewing);
    // A call with an expired secret waits for the new one.
    let (account, stored) = save(&accounts, provider(TOKENS), OVER, Some("r"));
    let renewing = Lock::take(&accounts.vault.renewal_lock(&account).unwrap()).unwrap();
    threads::start(move || {
        std::thread::sleep(Duration::from_millis(300));
        drop(renewing);
    })
    .unwrap();
    assert_eq!(resolved(&accounts, &account, &stored, Audience::Client), "new");
    // While another process changes the config, no secret is renewed, because the new tokens could not be saved.
    let (account, stored) = save(&accounts, provider(TOKENS), DUE, Some("r"));
    let _changing = accounts.lock().unwrap();
    assert_eq!(resolved(&accounts, &account, &stored, Audience::Client), "old");
}

#[test]
fn what_docker_login_shows_again_stays_the_providers() {
    let (_folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    let (account, _) = save(&accounts, provider(""), GOOD, Some("r"));
    accounts.save(&login("ghcr.io", "me", "old")).unwrap();
    assert_eq!(super::account(&accounts, "ghcr.io", "me"), account);
    accounts.save(&login("ghcr.io", "me", "typed")).unwrap();
    assert_eq!(super::account(&accounts, "ghcr.io", "me").source, Source::Static);
}

#[test]
fn a_new_secret_follows_its_account_and_stays_away_from_another() {
    let (_folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    let (account, _) = save(&accounts, provider(""), GOOD, Some("r"));
    let replace = |account: &Account, old: &str, new: &str| {
        accounts
            .update(account, |now| {
                (now.secret == secret(old)).then(|| StoredSecret { secret: secret(new), ..now.copy() })
            })
            .unwrap();
    };
    accounts.change(|edit| accounts.rename(edit, &account, &name("work"))).unwrap();
    replace(&account, "old", "new");
    assert_eq!(stored(&accounts, "ghcr.io", "work").as_deref(), Some("new"));
    replace(&account, "old", "late"); // the account has a newer secret
    assert_eq!(stored(&accounts, "ghcr.io", "work").as_deref(), Some("new"));
    let work = super::account(&accounts, "ghcr.io", "work");
    let same = accounts.stored(&work).unwrap().unwrap();
    let twin = NewLogin { stored: same.copy(), source: work.source.clone(), ..login("ghcr.io", "you", "") };
    let twin = accounts.save(&twin).unwrap();
    replace(&twin, "new", "own");
    let both = ["work", "you"].map(|alias| stored(&accounts, "ghcr.io", alias).unwrap());
    assert_eq!(both, ["new", "own"]);
}

#[cfg(unix)]
#[test]
fn a_program_that_failed_rests_and_a_public_registry_needs_no_secret() {
    let settings = r#", "registries": {"ghcr.io": {"accounts": {"me": {"source": {"borrow": "command", "command": ["/bin/false"]}}}}}"#;
    let (_folder, env) = home(settings, vec![]);
    let accounts = Accounts::new(&env);
    let me = super::account(&accounts, "ghcr.io", "me");
    let public = Account { registry: registry("public.ecr.aws"), ..me.clone() };
    for (account, audience, has_failed, expected) in [
        (&me, Audience::Client, false, "error: "),
        (&me, Audience::Client, true, "error: the external source of `me` failed a moment ago"),
        (&me, Audience::Person, true, "error: "),
        (&public, Audience::Client, false, "missing"),
        (&public, Audience::Person, false, "error: "),
    ] {
        if has_failed {
            Lock::take(&accounts.vault.renewal_lock(account).unwrap()).unwrap().record_failure();
        }
        let found = match accounts.resolve(account, None, audience) {
            Ok(ResolvedSecret::Missing) => "missing".to_owned(),
            Ok(other) => panic!("{other:?}"),
            Err(error) => format!("error: {error}"),
        };
        assert!(found.starts_with(expected) && (expected != "error: " || !found.contains("a moment ago")), "{found}");
    }
}

/// A client that logs out during a call: after the call has read the config, and before it reads the secret.
struct LogoutMeanwhile<'a>(&'a Accounts<'a>);

impl CallerContext for LogoutMeanwhile<'_> {
    fn command(&self) -> CommandImages {
        self.0.remove(&registry("ghcr.io"), |_| Some(name("you")), UnreachableStore::Refuse).unwrap();
        Stranger.command()
    }

    fn facts(&self, rule: &CallerRule) -> CallerFacts {
        Stranger.facts(rule)
    }
}

#[test]
fn a_logout_between_the_two_reads_is_seen() {
    let (_folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    accounts.save(&login("ghcr.io", "me", "s1")).unwrap();
    accounts.save(&NewLogin { activate: Activation::Yes, ..login("ghcr.io", "you", "s2") }).unwrap();
    let request = AccountRequest::default();
    let (found, _) = accounts.find(&registry("ghcr.io"), "ghcr.io", &request, &LogoutMeanwhile(&accounts));
    assert!(matches!(found, Ok(FindOutcome::NoAccount)), "{found:?}");
}
