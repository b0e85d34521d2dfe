//! Whose the folder's git remote is, read from git's own files: no program runs, for a repository may be anybody's.
//!
//! Only what is asked for is read: includes and rewritten addresses are not followed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::FOLDERS_AT_MOST;
use crate::model::{ImageReference, Registry, is_ambiguous};
use crate::system::files;

/// A config of a thousand branches is smaller.
const LIMIT: u64 = 1 << 20;

/// Where the remote lies, without whoever logs in there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) host: Registry,
    /// The path above the repository: `acme`, or GitLab's `acme/team`.
    pub(crate) owner: String,
    repository: String,
}

/// Returns the remote of the repository around `folder`: `origin`, or the only one.
pub(crate) fn remote(folder: &Path) -> Option<Remote> {
    let folder = folder.canonicalize().ok()?;
    let dot_git = folder.ancestors().take(FOLDERS_AT_MOST).map(|folder| folder.join(".git"));
    let dot_git = dot_git.into_iter().find(|path| path.symlink_metadata().is_ok())?;
    remote_in(&text(&config_of(&dot_git)?)?)
}

pub(super) fn remote_in(config: &str) -> Option<Remote> {
    Remote::parse(&url(config)?)
}

/// A worktree and a submodule have a file that leads to their folder in another `.git`; a worktree shares the config of
/// its repository (gitrepository-layout(5)).
fn config_of(dot_git: &Path) -> Option<PathBuf> {
    if dot_git.is_dir() {
        return Some(dot_git.join("config"));
    }
    let gitdir = dot_git.with_file_name(text(dot_git)?.strip_prefix("gitdir:")?.trim());
    let shared = text(&gitdir.join("commondir")).map(|common| gitdir.join(common.trim()));
    Some(shared.unwrap_or(gitdir).join("config"))
}

fn text(path: &Path) -> Option<String> {
    String::from_utf8(files::read_any(path, LIMIT).ok()??).ok()
}

/// The last `url` of a remote, as `git config --get` says it; of several remotes `origin` is git's default.
fn url(config: &str) -> Option<String> {
    let (mut remote, mut urls) = (None, BTreeMap::new());
    for line in config.lines() {
        let mut line = line.trim();
        if let Some(rest) = line.strip_prefix('[') {
            let (section, after) = rest.split_once(']')?;
            let (name, label) = section.split_once(char::is_whitespace).unwrap_or((section, ""));
            remote = name.eq_ignore_ascii_case("remote").then(|| label.trim());
            line = after.trim();
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if let Some(remote) = remote.filter(|_| key.trim().eq_ignore_ascii_case("url")) {
            urls.insert(remote, value);
        }
    }
    let only = urls.values().next().filter(|_| urls.len() == 1);
    let url = urls.get("\"origin\"").or(only)?.trim();
    Some(match url.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        Some((quoted, _)) => quoted.to_owned(),
        None => url.split([' ', '\t', ';']).next()?.to_owned(), // a comment may follow
    })
}

impl Remote {
    /// The three shapes of git-clone(1): a URL, `user@host:path`, and a path, which is nobody's.
    fn parse(url: &str) -> Option<Self> {
        let (authority, path) = match url.split_once("://") {
            Some(("https" | "http" | "ssh" | "git" | "git+ssh" | "ssh+git", rest)) => rest.split_once('/')?,
            Some(_) => return None,
            None => url.split_once(':').filter(|(host, _)| host.len() > 1 && !host.contains(['/', '\\']))?,
        };
        if is_ambiguous(authority) {
            return None;
        }
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host); // before it may stand a token
        let host = match Registry::from_authority(authority).ok()?.host() {
            "ssh.github.com" | "www.github.com" => "github.com".to_owned(),
            "altssh.gitlab.com" => "gitlab.com".to_owned(),
            host => host.to_owned(),
        };
        let path = path.split(['?', '#']).next()?.trim_matches('/');
        let (owner, repository) = path.strip_suffix(".git").unwrap_or(path).rsplit_once('/')?;
        let remote = Self {
            host: Registry::from_authority(&host).ok()?,
            owner: owner.to_lowercase(),
            repository: repository.to_lowercase(),
        };
        remote.image(&remote.host).is_some().then_some(remote)
    }

    /// The registry of the same house.
    pub(crate) fn registry(&self) -> Option<Registry> {
        let name = match self.host.as_str() {
            "github.com" => "ghcr.io",
            "gitlab.com" => "registry.gitlab.com",
            _ => return None,
        };
        Some(Registry::from_key(name))
    }

    /// The image that the repository would be on `registry`.
    pub(crate) fn image(&self, registry: &Registry) -> Option<ImageReference> {
        let repository = format!("{}/{}", self.owner, self.repository).parse().ok()?;
        Some(ImageReference::of(registry.clone(), repository))
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::Access;

    #[test]
    fn an_address_says_host_and_owner_and_never_who_logs_in() {
        for (url, expected) in [
            ("https://github.com/acme/app.git", "github.com/acme"),
            ("https://github.com/Acme/App/", "github.com/acme"),
            ("https://me:ghp_secret@github.com/acme/app", "github.com/acme"),
            ("https://ghp_se:cr@et@github.com/acme/app", "github.com/acme"),
            ("git@github.com:acme/app.git", "github.com/acme"),
            ("github.com:acme/app", "github.com/acme"),
            ("ssh://git@ssh.github.com:443/acme/app.git", "github.com/acme"),
            ("ssh://git@git.example.com:2222/acme/app", "git.example.com/acme"),
            ("git@gitlab.com:acme/team/tools/app.git", "gitlab.com/acme/team/tools"),
            ("https://localhost:3000/acme/app", "localhost/acme"),
            ("https://github.com/app", ""),
            ("https://evil.example\\@github.com/acme/app", ""),
            ("https://github.com/../app", ""),
            ("https://github.com/acme/\u{1b}[31m", ""),
            ("/srv/git/acme/app", ""),
            ("../acme/app", ""),
            ("file:///srv/acme/app", ""),
            ("C:\\src\\acme\\app", ""),
            ("c:/src/acme/app", ""),
            ("ext::sh -c x/y", ""),
            ("", ""),
        ] {
            let remote = Remote::parse(url);
            assert_eq!(remote.map(|remote| remote.to_string()).unwrap_or_default(), expected, "{url}");
        }
    }

    #[test]
    fn the_last_url_of_origin_counts_or_of_the_only_remote() {
        for (config, expected) in [
            ("[core]\n\tbare = false\n[remote \"origin\"]\n\turl = git@a.b:c/d\n\tfetch = +x\n", Some("git@a.b:c/d")),
            ("[Remote \"origin\"] URL = \"https://a.b/c/d\" # x\n", Some("https://a.b/c/d")),
            ("[remote \"origin\"]\nurl = 1 ; x\nurl=2\n[remote \"up\"]\nurl = 3", Some("2")),
            ("[remote \"Origin\"]\nurl = 1\n[remote \"up\"]\nurl = 3\n[url \"x\"]\ninsteadOf = y", None),
            ("[remote \"upstream\"]\nurl = 1\n[branch \"main\"]\nurl = 2", Some("1")),
            ("", None),
        ] {
            assert_eq!(url(config).as_deref(), expected, "{config}");
        }
    }

    #[test]
    fn a_worktree_and_a_submodule_lead_to_the_config() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            files::replace(&root.path().join(path), text.as_bytes(), Access::Private).unwrap();
        };
        write("main/.git/config", "[remote \"origin\"]\nurl = git@github.com:acme/app");
        write("main/.git/worktrees/w/commondir", "../..\n");
        write("main/.git/modules/sub/config", "[remote \"origin\"]\nurl = git@github.com:other/sub");
        write("main/sub/.git", "gitdir: ../.git/modules/sub\n");
        write("main/a/b/file", "");
        write("w/.git", &format!("gitdir: {}\n", root.path().join("main/.git/worktrees/w").display()));
        write("odd/.git", "gitdir: /dev\n");
        for (folder, expected) in [
            ("main", "github.com/acme"),
            ("main/a/b", "github.com/acme"),
            ("main/sub", "github.com/other"),
            ("w", "github.com/acme"),
            ("odd", ""),
        ] {
            let found = remote(&root.path().join(folder)).map(|remote| remote.to_string());
            assert_eq!(found.unwrap_or_default(), expected, "{folder}");
        }
    }
}
