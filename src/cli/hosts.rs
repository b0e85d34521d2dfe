//! `--also`: the hosts that an account answers for beside its registry.

use super::CommandContext;
use super::failure::Failure;
use super::images::added;
use crate::model::{AccountName, Registry};

/// The hosts of one command. A value replaces the old ones; a value behind `+` is added.
#[derive(Debug, Default)]
pub(super) struct HostEdit {
    hosts: Vec<Registry>,
    replaces: bool,
}

impl HostEdit {
    pub(super) fn read(context: &CommandContext<'_>, registry: &Registry, given: &[String]) -> Result<Self, Failure> {
        let mut edit = Self::default();
        for text in given {
            let (text, adds) = added(text);
            edit.replaces |= !adds;
            let host = context.registry(text)?;
            if host == *registry || registry.is_pattern() {
                let what = format!("`{text}` is {registry} itself, which has these accounts already");
                let what = if registry.is_pattern() {
                    format!("{registry} stands for many registries, not for one")
                } else {
                    what
                };
                return Err(Failure::usage(what, "name another host that takes the same login"));
            }
            let taken = context.accounts.aliases()?.into_iter().find(|alias| alias.host == host);
            if let Some(alias) = taken.filter(|alias| alias.registry != *registry) {
                let first = alias.accounts.first().map_or("NAME", AccountName::as_str);
                let cure = format!("run `{} account edit {} {first} --no-also` first", context.program, alias.registry);
                return Err(Failure::usage(format!("{host} uses the accounts of {} already", alias.registry), cure));
            }
            if !context.accounts.only_of(&host)?.accounts.is_empty() {
                context.ui.note(format_args!("{host} has accounts of its own, which are used first"));
            }
            edit.hosts.push(host);
        }
        Ok(edit)
    }

    pub(super) fn applied_to(&self, before: &[Registry]) -> Vec<Registry> {
        let previous = if self.replaces || self.hosts.is_empty() { &[] } else { before };
        let mut hosts = previous.to_vec();
        hosts.extend(self.hosts.iter().filter(|host| !previous.contains(host)).cloned());
        hosts
    }
}

impl CommandContext<'_> {
    /// The hosts that an account answers for beside its registry.
    pub(super) fn hosts_of(&self, registry: &Registry, name: &AccountName) -> anyhow::Result<Vec<Registry>> {
        let mut aliases = self.accounts.aliases()?;
        aliases.retain(|alias| alias.registry == *registry && alias.accounts.contains(name));
        Ok(aliases.into_iter().map(|alias| alias.host).collect())
    }
}

pub(super) fn list(hosts: &[Registry]) -> String {
    hosts.iter().map(Registry::as_str).collect::<Vec<_>>().join(", ")
}
