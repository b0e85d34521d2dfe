//! Changes settings other than accounts: helpers, public images, trusted files and the journal.

use anyhow::Result;

use super::Accounts;
use crate::config::ConfigDocument;
use crate::model::choice::RegistryAccounts;
use crate::model::{HelperName, ImagePattern, Registry};

impl Accounts<'_> {
    /// Sets or removes the helper that answers for these registries. `None` in `routes` represents all registries
    /// without an account.
    pub(crate) fn set_routes(&self, routes: &[Option<&Registry>], helper: Option<&HelperName>) -> Result<()> {
        self.set(|document| {
            for route in routes {
                match route {
                    Some(registry) => document.set_helper(registry, helper),
                    None => document.set_fallback(helper),
                }
            }
        })
    }

    /// Records the helper that the client's config `file` used before Ensign. If `fallback` is set, changes the
    /// fallback too.
    pub(crate) fn note_replaced_store(
        &self,
        file: &str,
        store: Option<&str>,
        fallback: Option<&HelperName>,
    ) -> Result<()> {
        self.set(|document| {
            document.set_replaced_store(file, store);
            if fallback.is_some() {
                document.set_fallback(fallback);
            }
        })
    }

    /// Removes the record of the helper that `file` used before Ensign. Also removes the fallback, if the fallback is
    /// the recorded helper. A fallback that the user chose later stays.
    pub(crate) fn drop_replaced_store(&self, file: &str) -> Result<()> {
        let Some(store) = self.replaced_store(file)? else { return Ok(()) };
        let is_fallback = self.routes()?.iter().any(|route| route.by.is_none() && route.helper.to_string() == store);
        self.set(|document| {
            document.set_replaced_store(file, None);
            if is_fallback {
                document.set_fallback(None);
            }
        })
    }

    /// Adds the patterns to the public images of their registries, or removes the patterns.
    pub(crate) fn set_public(&self, patterns: &[ImagePattern], is_public: bool) -> Result<()> {
        self.change(|edit| {
            let mut registries: Vec<&Registry> = patterns.iter().map(ImagePattern::registry).collect();
            registries.dedup();
            for registry in registries {
                let RegistryAccounts { mut public, .. } = edit.registry_accounts(registry);
                public.retain(|other| !patterns.contains(other));
                let added = patterns.iter().filter(|pattern| is_public && pattern.registry() == registry);
                public.extend(added.cloned());
                edit.document.set_public(registry, &public);
            }
            Ok(())
        })
    }

    /// Trusts a project file as long as the file's content has this digest. If `digest` is `None`, ends the trust.
    pub(crate) fn set_trusted(&self, file: &str, digest: Option<&str>) -> Result<()> {
        self.set(|document| document.set_trusted(file, digest))
    }

    /// Turns the journal on or off.
    pub(crate) fn set_journal(&self, wanted: bool) -> Result<()> {
        self.set(|document| document.set_journal(wanted))
    }

    pub(super) fn set(&self, act: impl FnOnce(&mut ConfigDocument)) -> Result<()> {
        self.change(|edit| {
            act(&mut edit.document);
            Ok(())
        })
    }
}
