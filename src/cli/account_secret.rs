//! `AccountSecret`: the secret of a command's account, and the registry's last verdict about the secret.

use std::time::SystemTime;

use anyhow::Context as _;

use super::CommandContext;
use super::failure::Failure;
use crate::accounts::{ResolvedSecret, SecretVerdict, login_hint};
use crate::model::{Account, Audience, Credential, EndedSession, Problem, Registry, Secret, Source, StoredSecret};
use crate::oauth;
use crate::oci::RegistryReply;

/// The secret of an account. Each command reads a secret only once, because a helper may prompt the user at every read.
#[derive(Debug)]
pub(super) struct AccountSecret {
    pub(super) credential: Credential,
    /// The registry's last verdict about the secret, as it was stored beside the secret.
    pub(super) known: SecretVerdict,
    pub(super) expiry: Option<SystemTime>,
}

impl CommandContext<'_> {
    /// Fetches the account's secret. Even a refused secret is fetched, because the registry may accept the secret
    /// again.
    pub(super) fn secret_of(&self, account: &Account) -> Result<AccountSecret, Failure> {
        let mut stored = self.accounts.stored(account)?;
        let mut known = SecretVerdict::Accepted;
        if let Some(EndedSession { page, until: _ }) = stored.as_ref().and_then(|stored| stored.session_over.clone()) {
            known = SecretVerdict::SessionOver { page };
        }
        if let (Source::Static | Source::OAuth(_), Some(StoredSecret { refused, .. })) = (&account.source, &mut stored)
            && std::mem::take(refused)
        {
            known = SecretVerdict::Refused;
        }
        let expiry = stored.as_ref().and_then(|stored| stored.expires_at).filter(|_| account.source == Source::Static);
        let before = stored.as_ref().map(|stored| stored.secret.copy());
        let resolved = self.accounts.resolve(account, stored, Audience::Person)?;
        let credential = self.credential(account, resolved)?;
        if before.as_ref() != Some(&credential.secret) {
            known = SecretVerdict::Accepted; // the stored verdict is about the secret before the renewal
        }
        Ok(AccountSecret { credential, known, expiry })
    }

    fn credential(&self, account: &Account, resolved: ResolvedSecret) -> Result<Credential, Failure> {
        match resolved {
            ResolvedSecret::Valid(credential) => Ok(credential),
            ResolvedSecret::Unsaved(credential, Problem { message, hint }) => {
                self.ui.note(message);
                self.ui.say(format_args!("hint: {hint}"));
                Ok(credential)
            }
            ResolvedSecret::Missing => match &account.source {
                Source::External(external) => {
                    let what = format!("{} has no login for {}", external.program.word(), account.registry);
                    Err(Failure::not_logged_in(what, login_hint(account)))
                }
                _ => {
                    Err(Failure::not_logged_in(format!("the secret of {} is gone", account.name), login_hint(account)))
                }
            },
            ResolvedSecret::Expired(Problem { message: what, hint: cure }) => Err(Failure::not_logged_in(what, cure)),
            ResolvedSecret::Unrenewed(problem) => Err(problem.into()),
        }
    }

    /// Returns the secret's expiry. The registry's reply comes first, then the store, and then the identity provider.
    pub(super) fn expiry(
        &self,
        account: &Account,
        secret: &AccountSecret,
        reply_expiry: Option<SystemTime>,
    ) -> Option<SystemTime> {
        if account.source != Source::Static {
            return None; // the identity provider or the external source renews the secret
        }
        reply_expiry.or(secret.expiry).or_else(|| self.expiry_at_provider(&account.registry, &secret.credential))
    }

    /// Asks the identity provider for the expiry of the credential's token.
    pub(super) fn expiry_at_provider(&self, registry: &Registry, credential: &Credential) -> Option<SystemTime> {
        let providers = self.providers().ok()?;
        oauth::token_expiry(providers.for_registry(registry)?, registry, credential)
    }

    /// Returns the registry's reply. If the registry refused the access token of a login that can be renewed, renews the
    /// login and returns the reply of `again` (RFC 6749 section 1.5).
    pub(super) fn settle<T>(
        &self,
        account: &Account,
        secret: &mut AccountSecret,
        mut asked: RegistryReply<T>,
        again: impl FnOnce(&Credential) -> RegistryReply<T>,
    ) -> Result<RegistryReply<T>, Failure> {
        self.renew(account, secret, asked.renewed.take())?;
        if !asked.is_rejected || !matches!(account.source, Source::OAuth(_)) {
            return Ok(asked);
        }
        let resolved = self.accounts.renew_refused(account, &secret.credential.secret);
        let resolved = resolved.context("could not renew the login after the registry refused its token")?;
        secret.known = SecretVerdict::Accepted; // the renewal has dropped the stored verdict
        let Some(resolved) = resolved else { return Ok(asked) };
        secret.credential = self.credential(account, resolved)?;
        let mut asked = again(&secret.credential);
        self.renew(account, secret, asked.renewed.take())?;
        Ok(asked)
    }

    /// If the registry returned a new identity token, saves it, because the old token may no longer be valid.
    fn renew(&self, account: &Account, secret: &mut AccountSecret, renewed: Option<Secret>) -> Result<(), Failure> {
        let Some(renewed) = renewed else { return Ok(()) };
        self.accounts
            .renew(account, &secret.credential.secret, &renewed)
            .context("could not save the registry's new identity token")?;
        secret.credential.secret = renewed;
        secret.known = SecretVerdict::Accepted;
        Ok(())
    }

    /// Records the verdict. Clients do not receive a refused secret until the registry accepts it again. After a
    /// session has ended, clients do not receive the secret for some minutes.
    pub(super) fn record_verdict(
        &self,
        account: &Account,
        secret: &AccountSecret,
        judgement: &SecretVerdict,
        expiry: Option<SystemTime>,
    ) {
        let is_new = secret.known != *judgement || matches!(judgement, SecretVerdict::SessionOver { .. });
        if is_new || (expiry.is_some() && expiry != secret.expiry) {
            self.accounts.record_verdict(account, &secret.credential.secret, judgement, expiry);
        }
    }
}
