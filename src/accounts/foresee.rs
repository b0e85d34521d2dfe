//! What keeping a login would do, told before it is done.

use anyhow::Result;

use super::{Accounts, Login};
use crate::model::{Account, AccountName, Source};

/// What keeping a login does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    New,
    /// The account is there with another secret, or for fewer images.
    Renews,
    /// Everything is there already.
    Same,
    /// The account is there and gets its secrets by itself: a given one would end that.
    Supplied,
}

impl Accounts<'_> {
    /// Tells which account [`Accounts::remember`] would add or renew.
    pub(crate) fn foresee(&self, login: &Login) -> Result<(AccountName, Effect)> {
        let candidates = self.of(&login.registry)?;
        if let Some(same) = candidates.accounts.iter().find(|account| self.holds(account, login)) {
            return Ok((same.name.clone(), Effect::Same));
        }
        let account = login.account(&candidates)?;
        let effect = match candidates.accounts.iter().find(|old| old.name == account.name) {
            None => Effect::New,
            Some(old) if old.source != Source::Given => Effect::Supplied,
            Some(_) => Effect::Renews,
        };
        Ok((account.name, effect))
    }

    #[expect(clippy::disallowed_methods, reason = "compared with what the store holds")]
    fn holds(&self, account: &Account, login: &Login) -> bool {
        let has_images = || login.images.iter().chain(&login.bound).all(|pattern| account.images.contains(pattern));
        let has_secret = |account| {
            self.kept(account).ok().flatten().is_some_and(|kept| kept.secret.expose() == login.kept.secret.expose())
        };
        let same_user = account.is_of(login.user()) && account.username == login.username;
        same_user && account.source == login.source && has_images() && has_secret(account)
    }
}
