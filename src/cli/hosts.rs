//! `--also`: reads the hosts for which an account answers in addition to the account's registry.

use super::CommandContext;
use super::failure::Failure;
use super::list_edit::ListEdit;
use crate::model::{AccountName, Registry};
use crate::system::text::command;

pub(super) fn read(
    context: &CommandContext<'_>,
    registry: &Registry,
    texts: &[String],
) -> Result<ListEdit<Registry>, Failure> {
    ListEdit::read(texts, |text| {
        let host = context.registry(text)?;
        if host == *registry || registry.is_pattern() {
            let what = if registry.is_pattern() {
                format!("{registry} matches many registries, not only one")
            } else {
                format!("`{text}` is the same registry, which has this account already")
            };
            return Err(Failure::usage(what, "name another host that accepts the same login"));
        }
        let taken = context.accounts.aliases()?.into_iter().find(|alias| alias.host == host);
        if let Some(alias) = taken.filter(|alias| alias.registry != *registry) {
            let first = alias.accounts.first().map_or("NAME", AccountName::as_str);
            let edit = command("account edit", &[alias.registry.as_str(), first], "--no-also");
            let cure = format!("run `{} {edit}` first", context.program);
            return Err(Failure::usage(format!("{host} uses the accounts of {} already", alias.registry), cure));
        }
        if !context.accounts.only_of(&host)?.accounts.is_empty() {
            context.ui.note(format_args!("{host} has accounts of its own, which are used first"));
        }
        Ok(host)
    })
}

impl CommandContext<'_> {
    /// Returns the hosts for which an account answers in addition to the account's registry.
    pub(super) fn hosts_of(&self, registry: &Registry, name: &AccountName) -> anyhow::Result<Vec<Registry>> {
        let mut aliases = self.accounts.aliases()?;
        aliases.retain(|alias| alias.registry == *registry && alias.accounts.contains(name));
        Ok(aliases.into_iter().map(|alias| alias.host).collect())
    }
}

pub(super) fn list(hosts: &[Registry]) -> String {
    hosts.iter().map(Registry::as_str).collect::<Vec<_>>().join(", ")
}
