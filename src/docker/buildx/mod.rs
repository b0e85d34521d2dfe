//! Plans the config folders of buildx. A folder contains a Docker config, which buildx uses for one registry or
//! repository instead of the default config. A folder may be for pushes only (docker/buildx
//! `util/dockerutil/dockerconfig/configprovider.go`).
//!
//! Ensign makes folders that contain only a config. The helper in this config is a pinned helper or Ensign itself.
//! [`ConfigTree`] recognises Ensign's folders by the content of the config.

mod config_dir;
mod config_tree;

use std::collections::BTreeMap;
use std::fmt;

use super::HELPER;
use crate::model::choice::{DefaultAccount, RegistryAccounts, RuleOutcome, owner_of};
use crate::model::{Account, AccountName, ImageReference, Operation, Registry, Repository};
pub(crate) use config_dir::{ConfigDir, RequestScope};
pub(crate) use config_tree::ConfigTree;

/// The helper in a folder's config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FolderHelper {
    /// The pinned helper of the account with this alias.
    Account(AccountName),
    /// Ensign itself, in a folder for pushes. Without this folder, buildx would ask the helper in the folder with the
    /// scope [`RequestScope::Any`].
    Ensign,
}

/// The config folders, each with the helper in its config.
pub(crate) type Folders = BTreeMap<ConfigDir, FolderHelper>;

/// The change of one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConfigDirChange {
    Write(FolderHelper),
    /// Replaces a helper in the folder's config. The new helper is the first field, and the old helper is the second
    /// field.
    Mend(FolderHelper, FolderHelper),
    Remove(FolderHelper),
    Keep(FolderHelper),
    /// Does not change a folder that another program has made, perhaps on purpose.
    Leave(FolderHelper),
}

/// Returns the folders that `images` need. An image needs no folder if the image's account is both the default account
/// and the only account of the registry. A registry with several accounts needs a folder if only one account may pull,
/// or if only one account may push.
pub(crate) fn needed<'i>(
    registries: &[RegistryAccounts],
    images: impl IntoIterator<Item = &'i ImageReference>,
) -> Folders {
    let mut needed = registries.iter().flat_map(of_registry).collect::<BTreeMap<_, _>>();
    for image in images {
        let candidates = registries.iter().find(|candidates| candidates.registry == *image.registry());
        needed.extend(candidates.into_iter().flat_map(|candidates| of_image(candidates, image)));
    }
    needed
}

fn of_registry(candidates: &RegistryAccounts) -> Vec<(ConfigDir, FolderHelper)> {
    let pull = only(candidates, Operation::Pull);
    let pull = pull.filter(|_| candidates.public.is_empty()); // the account must not answer for public images
    folders(&candidates.registry, None, pull, only(candidates, Operation::Push))
}

fn of_image(candidates: &RegistryAccounts, image: &ImageReference) -> Vec<(ConfigDir, FolderHelper)> {
    if is_in_the_way(image) {
        return vec![];
    }
    let owner = |operation| {
        let public = if operation == Operation::Pull { candidates.public.as_slice() } else { &[] };
        match owner_of(&serving(candidates, operation), public, std::slice::from_ref(image)) {
            RuleOutcome::Account { account, .. } => candidates.called(&account),
            _ => None,
        }
    };
    let is_open = |account: &&Account| candidates.accounts.len() > 1 || candidates.default_account() != Some(*account);
    let pull = owner(Operation::Pull).filter(is_open);
    let push = owner(Operation::Push).filter(is_open);
    let push = push.or_else(|| pull.and_then(|_| only(candidates, Operation::Push)));
    folders(image.registry(), Some(image.repository()), pull, push)
}

/// Tells whether the folder for `image` cannot be made, because a config file in another folder could have the same
/// path.
pub(crate) fn is_in_the_way(image: &ImageReference) -> bool {
    image.repository().as_str().split('/').any(|part| part == config_tree::NAME || part == config_tree::UNFINISHED)
}

/// Returns the folders for one registry or repository. For pushes, buildx also uses a folder without a scope. Therefore
/// pushes need a separate folder if they need another account.
fn folders(
    registry: &Registry,
    repository: Option<&Repository>,
    pull: Option<&Account>,
    push: Option<&Account>,
) -> Vec<(ConfigDir, FolderHelper)> {
    let place = |scope| ConfigDir { registry: registry.clone(), repository: repository.cloned(), scope };
    let answer = |account: &Account| FolderHelper::Account(account.name.clone());
    let any = pull.map(|account| (place(RequestScope::Any), answer(account)));
    let push = match (pull, push) {
        (Some(pull), Some(push)) if pull.name == push.name => None,
        (_, Some(push)) => Some(answer(push)),
        (Some(_), None) => Some(FolderHelper::Ensign),
        (None, None) => None,
    };
    any.into_iter().chain(push.map(|answer| (place(RequestScope::Push), answer))).collect()
}

/// Returns the only account that may perform the operation. Returns `None` for a registry with one account, and for a
/// registry that is signed out.
fn only(candidates: &RegistryAccounts, operation: Operation) -> Option<&Account> {
    let is_open = candidates.accounts.len() > 1 && candidates.active != DefaultAccount::SignedOut;
    match serving(candidates, operation).as_slice() {
        [account] if is_open => Some(*account),
        _ => None,
    }
}

fn serving(candidates: &RegistryAccounts, operation: Operation) -> Vec<&Account> {
    candidates.accounts.iter().filter(|account| account.serves(Some(operation))).collect()
}

/// Returns the changes that turn the present folders into the folders in `needed`.
pub(crate) fn changes(needed: &Folders, tree: &ConfigTree) -> BTreeMap<ConfigDir, ConfigDirChange> {
    let wanted = needed.iter().map(|(place, answer)| {
        let change = match tree.ours.get(place) {
            Some(now) if now == answer => ConfigDirChange::Keep(answer.clone()),
            Some(now) => ConfigDirChange::Mend(answer.clone(), now.clone()),
            None if tree.others.contains(place) => ConfigDirChange::Leave(answer.clone()),
            None => ConfigDirChange::Write(answer.clone()),
        };
        (place.clone(), change)
    });
    let left = tree.ours.iter().filter(|(place, _)| !needed.contains_key(*place));
    wanted.chain(left.map(|(place, now)| (place.clone(), ConfigDirChange::Remove(now.clone())))).collect()
}

impl ConfigDirChange {
    /// Returns the helper in the folder's config after the change. For a removed folder, returns the helper before the
    /// removal.
    pub(crate) fn answer(&self) -> &FolderHelper {
        match self {
            Self::Write(answer)
            | Self::Mend(answer, _)
            | Self::Remove(answer)
            | Self::Keep(answer)
            | Self::Leave(answer) => answer,
        }
    }
}

impl FolderHelper {
    pub(crate) fn account(&self) -> Option<&AccountName> {
        match self {
            Self::Account(account) => Some(account),
            Self::Ensign => None,
        }
    }
}

impl fmt::Display for FolderHelper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.account().map_or("(as without)", AccountName::as_str))
    }
}

/// Returns the whole text of a folder's `config.json`.
fn config(registry: &Registry, answer: &FolderHelper) -> String {
    let helper = answer.account().map_or(HELPER.to_owned(), |account| format!("{HELPER}-{account}"));
    format!("{:#}\n", serde_json::json!({"credHelpers": {registry.docker_key(): helper}}))
}

/// Returns the helper in a folder's `config.json`, if the file contains nothing else.
fn answer_in(text: &[u8], registry: &Registry) -> Option<FolderHelper> {
    let value: serde_json::Value = serde_json::from_slice(text).ok()?;
    let helper = value.get("credHelpers")?.get(registry.docker_key())?.as_str()?;
    let answer = match helper.strip_prefix(HELPER)?.strip_prefix('-') {
        Some(account) => FolderHelper::Account(account.parse().ok()?),
        None => FolderHelper::Ensign,
    };
    (config(registry, &answer).as_bytes() == text).then_some(answer)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn only_our_own_text_is_known_again() {
        let hub = Registry::docker_hub();
        let work = answer("work");
        let text = config(&hub, &work);
        assert_eq!(answer_in(config(&hub, &FolderHelper::Ensign).as_bytes(), &hub), Some(FolderHelper::Ensign));
        let expected = "{\n  \"credHelpers\": {\n    \"https://index.docker.io/v1/\": \"ensign-work\"\n  }\n}\n";
        assert_eq!(text, expected);
        assert_eq!(answer_in(text.as_bytes(), &hub), Some(work));
        for (from, to) in [
            ("ensign-work", "ensigns"),
            ("ensign-work", "other"),
            ("  }\n}", "  },\n  \"auths\": {}\n}"),
            ("\n  ", " "),
            ("index.docker.io", "ghcr.io"),
        ] {
            assert_eq!(answer_in(text.replace(from, to).as_bytes(), &hub), None, "{to}");
        }
    }

    fn answer(name: &str) -> FolderHelper {
        if name == "ladder" { FolderHelper::Ensign } else { FolderHelper::Account(name.parse().unwrap()) }
    }

    /// A registry with these accounts, each written as `NAME`, `NAME:push` or `NAME:pull`, with its patterns.
    fn registry(host: &str, active: DefaultAccount, accounts: &[(&str, &[&str])]) -> RegistryAccounts {
        let registry = Registry::from_key(host);
        let account = |(text, images): &(&str, &[&str])| {
            let (name, purpose) = text.split_once(':').unwrap_or((text, ""));
            Account {
                images: images.iter().map(|text| text.parse().unwrap()).collect(),
                purpose: purpose.parse().ok(),
                ..Account::new(registry.clone(), name.parse().unwrap())
            }
        };
        let accounts = accounts.iter().map(account).collect();
        RegistryAccounts { active, accounts, ..RegistryAccounts::none(&registry) }
    }

    fn active(name: &str) -> DefaultAccount {
        DefaultAccount::Account(name.parse().unwrap())
    }

    fn shown(folders: &Folders) -> String {
        let lines: Vec<_> =
            folders.iter().map(|(place, answer)| format!("{} {answer}", place.path().display())).collect();
        lines.join(", ")
    }

    #[test]
    fn a_folder_is_needed_where_another_account_could_answer() {
        let all = [
            registry(
                "ghcr.io",
                active("me"),
                &[("me", &[]), ("work", &["ghcr.io/acme/**"]), ("twin", &["ghcr.io/acme/**"])],
            ),
            registry("quay.io", active("me"), &[("me", &[])]),
            registry("out.example", DefaultAccount::SignedOut, &[("me", &[])]),
            registry(
                "docker.io",
                active("me"),
                &[("me", &[]), ("work", &["docker.io/acme/*", "docker.io/library/private"])],
            ),
        ];
        for (image, expected) in [
            ("ghcr.io/me/app:1", "ghcr.io/me/app me"),
            ("ghcr.io/acme/app", ""),
            ("ghcr.io/public/app", ""),
            ("quay.io/me/app", ""),
            ("out.example/me/app", "out.example/me/app me"),
            ("elsewhere.example/me/app", ""),
            ("acme/app@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "registry-1.docker.io/acme/app work"),
            ("private", "registry-1.docker.io/library/private work"),
        ] {
            assert_eq!(shown(&needed(&all, [&image.parse().unwrap()])), expected, "{image}");
        }
    }

    #[test]
    fn pull_and_push_have_folders_of_their_own() {
        const ACME: &[&str] = &["ghcr.io/acme/**"];
        for (accounts, image, expected) in [
            (
                &[("reader:pull", ACME), ("writer:push", ACME)][..],
                "ghcr.io/acme/app",
                "ghcr.io reader, ghcr.io@push writer, ghcr.io/acme/app reader, ghcr.io/acme/app@push writer",
            ),
            (
                &[("me", &[]), ("reader:pull", ACME), ("writer:push", ACME)],
                "ghcr.io/acme/app",
                "ghcr.io/acme/app reader, ghcr.io/acme/app@push writer",
            ),
            (
                &[("me", &[]), ("reader:pull", ACME)],
                "ghcr.io/acme/app",
                "ghcr.io@push me, ghcr.io/acme/app reader, ghcr.io/acme/app@push me",
            ),
            (
                &[("me", &[]), ("work", ACME), ("writer:push", ACME)],
                "ghcr.io/acme/app",
                "ghcr.io/acme/app work, ghcr.io/acme/app@push writer",
            ),
            (
                &[("me", &[]), ("writer:push", ACME)],
                "ghcr.io/acme/app",
                "ghcr.io me, ghcr.io@push (as without), ghcr.io/acme/app@push writer",
            ),
            (
                &[("me", &[]), ("writer:push", ACME)],
                "ghcr.io/me/app",
                "ghcr.io me, ghcr.io@push (as without), ghcr.io/me/app me",
            ),
        ] {
            let all = [registry("ghcr.io", active("me"), accounts)];
            assert_eq!(shown(&needed(&all, [&image.parse().unwrap()])), expected, "{accounts:?}");
        }
        let mut open = registry("ghcr.io", active("me"), &[("me", &[]), ("writer:push", ACME)]);
        open.public = vec!["ghcr.io/me/open".parse().unwrap()];
        let images = ["ghcr.io/me/open", "ghcr.io/me/app"].map(|image| image.parse().unwrap());
        assert_eq!(shown(&needed(&[open.clone()], &images)), "ghcr.io/me/app me, ghcr.io/me/open@push me");
        open.active = DefaultAccount::SignedOut;
        assert_eq!(shown(&needed(&[open], &images[1..])), "ghcr.io/me/app me");
    }

    #[test]
    fn folders_become_what_is_needed_and_nobody_elses_is_touched() {
        let folders = |list: &[(&str, &str)]| -> Folders {
            list.iter().map(|(path, name)| (ConfigDir::parse(Path::new(path)).unwrap(), answer(name))).collect()
        };
        let tree = ConfigTree {
            ours: folders(&[("ghcr.io/a", "me"), ("ghcr.io/b", "me"), ("ghcr.io/gone@push", "ladder")]),
            others: folders(&[("ghcr.io/c", "me")]).into_keys().collect(),
            ..ConfigTree::default()
        };
        let needed = folders(&[("ghcr.io/a", "me"), ("ghcr.io/b", "work"), ("ghcr.io/c", "me"), ("ghcr.io/d", "me")]);
        let changes: Vec<_> =
            changes(&needed, &tree).into_iter().map(|(place, change)| (place.path(), change)).collect();
        assert_eq!(
            changes,
            [
                ("ghcr.io/a".into(), ConfigDirChange::Keep(answer("me"))),
                ("ghcr.io/b".into(), ConfigDirChange::Mend(answer("work"), answer("me"))),
                ("ghcr.io/c".into(), ConfigDirChange::Leave(answer("me"))),
                ("ghcr.io/d".into(), ConfigDirChange::Write(answer("me"))),
                ("ghcr.io/gone@push".into(), ConfigDirChange::Remove(FolderHelper::Ensign)),
            ]
        );
    }
}
