//! `RegistriesSettings`: the rules for image names in `registries.conf`. The rules complete short names with a
//! registry, and redirect pulls to another location or to mirrors (containers/image `pkg/sysregistriesv2`,
//! `pkg/shortnames`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml_edit::Document;

use crate::model::{ImageReference, Registry};
use crate::system::{env, files};

/// The settings of all files together. A later file adds rules, and replaces the search list for short names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::caller) struct RegistriesSettings {
    search: Vec<String>,
    rules: Vec<RegistryRule>,
    aliases: BTreeMap<String, String>,
}

/// One table `[[registry]]`, with a prefix of image names and the locations that replace the prefix in requests.
#[derive(Debug, PartialEq, Eq)]
struct RegistryRule {
    prefix: String,
    /// The mirrors in their order of use, followed by the location itself.
    places: Vec<String>,
}

impl RegistriesSettings {
    pub(super) fn load() -> Self {
        let mut settings = Self::default();
        for path in paths() {
            let text = files::read_any(&path, LIMIT).ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok());
            settings.add(&text.unwrap_or_default());
        }
        settings
    }

    /// Adds the settings in `text`. A broken file is skipped, because the tools fail on such a file.
    pub(super) fn add(&mut self, text: &str) {
        let Ok(document) = Document::parse(text.to_owned()) else { return };
        let texts = |item: &toml_edit::Item| -> Vec<String> {
            let list = item.as_array().into_iter().flat_map(|list| list.iter());
            list.filter_map(|value| value.as_str().map(str::to_owned)).collect()
        };
        if let Some(search) = document.get("unqualified-search-registries") {
            self.search = texts(search);
        }
        for table in document.get("registry").and_then(|item| item.as_array_of_tables()).into_iter().flatten() {
            let text = |name: &str| table.get(name).and_then(|item| item.as_str()).map(str::to_owned);
            let Some(prefix) = text("prefix").or_else(|| text("location")) else { continue };
            let mirrors = table.get("mirror").and_then(|item| item.as_array_of_tables()).into_iter().flatten();
            let mirrors = mirrors.filter_map(|mirror| mirror.get("location")?.as_str().map(str::to_owned));
            let places = mirrors.chain([text("location").unwrap_or_else(|| prefix.clone())]).collect();
            self.rules.retain(|rule| rule.prefix != prefix);
            self.rules.push(RegistryRule { prefix, places });
        }
        for (short, full) in document.get("aliases").and_then(|item| item.as_table()).into_iter().flatten() {
            match full.as_str() {
                Some("") => drop(self.aliases.remove(short)), // an empty alias removes an earlier alias
                Some(full) => drop(self.aliases.insert(short.to_owned(), full.to_owned())),
                None => {}
            }
        }
    }

    /// Returns the registries in the search list, in the rules' locations and mirrors, and in the aliases.
    pub(super) fn destinations(&self) -> impl Iterator<Item = Registry> {
        let rules = self.rules.iter().flat_map(|rule| rule.places.iter());
        self.search.iter().chain(rules).chain(self.aliases.values()).filter_map(|name| host_of(name))
    }

    /// Tells whether an image of `registry` may be requested from another registry.
    pub(in crate::caller) fn may_lead_away_from(&self, registry: &Registry) -> bool {
        let is_source = |rule: &RegistryRule| {
            let host = rule.prefix.split('/').next().unwrap_or_default();
            rest_behind(host, registry.as_str()).is_some_and(str::is_empty)
                || Registry::from_authority(host).is_ok_and(|host| host == *registry)
        };
        self.rules.iter().any(is_source) || (registry.is_docker_hub() && !self.search.is_empty())
    }

    /// Returns the images that a pull requests for an image name in a file.
    pub(in crate::caller) fn asked_for_name(&self, name: &str) -> Vec<ImageReference> {
        let Ok(image) = name.strip_prefix("docker://").unwrap_or(name).parse() else { return vec![] };
        self.named(name, image).iter().flat_map(|image| self.asked_for(image)).collect()
    }

    /// Returns the images that `name` may mean. `image` is `name` parsed with Docker Hub as the default registry. A
    /// short name may mean one image in each of several registries.
    pub(in crate::caller) fn named(&self, name: &str, image: ImageReference) -> Vec<ImageReference> {
        // A host contains a dot or a colon. A transport such as `docker://` ends with a colon before the first slash.
        let has_host = name.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']));
        if image.registry().is_docker_hub() && !has_host { self.full_names(&image) } else { vec![image] }
    }

    /// Returns the image of the alias with this short name. Without an alias, returns one image for each registry of
    /// the search list.
    fn full_names(&self, image: &ImageReference) -> Vec<ImageReference> {
        let path = image.repository().as_str();
        let short = path.strip_prefix("library/").unwrap_or(path);
        if let Some(full) = self.aliases.get(short) {
            return full.parse::<ImageReference>().into_iter().map(|full| full.with_tag_of(image)).collect();
        }
        let search: &[String] = if self.search.is_empty() { &["docker.io".to_owned()] } else { &self.search };
        let full = search.iter().filter_map(|registry| format!("{registry}/{short}").parse::<ImageReference>().ok());
        full.map(|full| full.with_tag_of(image)).collect()
    }

    /// Returns the images that a pull of `image` requests. The matching rule with the longest prefix sets the
    /// locations.
    pub(super) fn asked_for(&self, image: &ImageReference) -> Vec<ImageReference> {
        let name = format!("{}/{}", image.registry(), image.repository());
        let matching = self.rules.iter().filter_map(|rule| Some((rule, rest_behind(&rule.prefix, &name)?)));
        let Some((rule, rest)) = matching.max_by_key(|(rule, _)| rule.prefix.len()) else { return vec![image.clone()] };
        let places = rule.places.iter().filter_map(|place| format!("{place}{rest}").parse::<ImageReference>().ok());
        places.map(|place| place.with_tag_of(image)).collect()
    }
}

/// Returns the rest of a name after a prefix, if the prefix ends at a `/` or at the end of the name. `*.` matches any
/// subdomain.
fn rest_behind<'n>(prefix: &str, name: &'n str) -> Option<&'n str> {
    let rest = match prefix.strip_prefix("*.") {
        Some(domain) => {
            let host = name.split('/').next().unwrap_or_default();
            let is_under = host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.'));
            is_under.then(|| &name[host.len()..])?
        }
        None => name.strip_prefix(prefix)?,
    };
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

const LIMIT: u64 = 1 << 20;
const DROP_INS_AT_MOST: usize = 100;

/// Returns the files in the order of reading.
fn paths() -> Vec<PathBuf> {
    let in_home = |folder| env::home_dir().map(|home| home.join(folder));
    let user = env::path("XDG_CONFIG_HOME").or_else(|| in_home(".config")).map(|folder| folder.join("containers"));
    let mut paths =
        config_paths(env::path("CONTAINERS_REGISTRIES_CONF"), user.as_deref(), Path::new("/etc/containers"));
    // A rootless Podman runs as root in its user namespace (containers/image `internal/rootless`).
    let user_number = env::text("_CONTAINERS_ROOTLESS_UID").and_then(|number| number.parse().ok());
    let is_root = user_number.or_else(files::user_number) == Some(0);
    let cache = if is_root { None } else { env::path("XDG_CACHE_HOME").or_else(|| in_home(".cache")) };
    let cache = cache.unwrap_or_else(|| PathBuf::from("/var/cache"));
    paths.push(cache.join("containers/short-name-aliases.conf")); // the aliases that were chosen at a prompt
    paths
}

/// Returns the main file, followed by the drop-in files. The main file is `named`, otherwise the user's file, otherwise
/// the machine's file. If the user's file is the main file, the machine's drop-in files are not read.
fn config_paths(named: Option<PathBuf>, user: Option<&Path>, machine: &Path) -> Vec<PathBuf> {
    let own = user.map(|folder| folder.join("registries.conf")).filter(|path| path.exists());
    let drop_ins_of_machine = Some(machine).filter(|_| named.is_some() || own.is_none());
    let mut paths = vec![named.or(own).unwrap_or_else(|| machine.join("registries.conf"))];
    for folder in [drop_ins_of_machine, user].into_iter().flatten() {
        let drop_ins = files::entries(&folder.join("registries.conf.d"), DROP_INS_AT_MOST);
        paths.extend(drop_ins.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "conf")));
    }
    paths
}

fn host_of(name: &str) -> Option<Registry> {
    Registry::from_authority(name.split('/').next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        unqualified-search-registries = ["quay.io", "ghcr.io"]
        [[registry]]
        prefix = "corp.example/team"
        location = "ghcr.io/acme"
        [[registry.mirror]]
        location = "mirror.example:5000/acme"
        [[registry]]
        prefix = "*.old.example"
        location = "new.example"
        [[registry]]
        location = "plain.example"
        insecure = true
        [aliases]
        "tool" = "quay.io/acme/tool"
    "#;

    #[test]
    fn names_lead_where_the_settings_say() {
        let mut settings = RegistriesSettings::default();
        settings.add(FILE);
        let joined = |images: Vec<ImageReference>| images.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        for (name, expected) in [
            ("corp.example/team/app", "mirror.example:5000/acme/app ghcr.io/acme/app"),
            ("corp.example/teams/app", "corp.example/teams/app"),
            ("a.old.example/x", "new.example/x"),
            ("old.example/x", "old.example/x"),
            ("plain.example/x", "plain.example/x"),
        ] {
            assert_eq!(joined(settings.asked_for(&name.parse().unwrap())), expected, "{name}");
        }
        for (name, expected) in [
            ("tool", "quay.io/acme/tool"),
            ("alpine", "quay.io/alpine ghcr.io/alpine"),
            ("acme/app", "quay.io/acme/app ghcr.io/acme/app"),
        ] {
            assert_eq!(joined(settings.full_names(&name.parse().unwrap())), expected, "{name}");
        }
        for (name, expected) in [
            ("alpine", "quay.io/alpine ghcr.io/alpine"),
            ("docker://alpine", "docker.io/library/alpine"),
            ("docker.io/alpine", "docker.io/library/alpine"),
            ("tool:1", "quay.io/acme/tool:1"),
            ("corp.example/team/app:1", "mirror.example:5000/acme/app:1 ghcr.io/acme/app:1"),
            ("type=registry,ref=alpine", ""),
        ] {
            assert_eq!(joined(settings.asked_for_name(name)), expected, "{name}");
        }
        for (host, expected) in [
            ("docker.io", true),
            ("corp.example", true),
            ("a.old.example", true),
            ("old.example", false),
            ("plain.example", true),
            ("ghcr.io", false),
        ] {
            assert_eq!(settings.may_lead_away_from(&host.parse().unwrap()), expected, "{host}");
        }
        settings.add("unqualified-search-registries = [\"docker.io\"]\n[aliases]\ntool = 'ghcr.io/x/tool'");
        assert_eq!(joined(settings.full_names(&"tool".parse().unwrap())), "ghcr.io/x/tool");
        settings.add("broken = [");
        let hosts: Vec<_> = settings.destinations().map(|host| host.to_string()).collect();
        assert_eq!(hosts.join(" "), "docker.io mirror.example:5000 ghcr.io new.example plain.example ghcr.io");
        assert_eq!(joined(settings.full_names(&"alpine".parse().unwrap())), "docker.io/library/alpine");
    }

    #[test]
    fn an_empty_alias_takes_an_earlier_one_back() {
        let mut settings = RegistriesSettings::default();
        settings.add(FILE);
        settings.add("[aliases]\ntool = ''");
        let images: Vec<_> = settings.full_names(&"tool".parse().unwrap()).iter().map(ToString::to_string).collect();
        assert_eq!(images.join(" "), "quay.io/tool ghcr.io/tool");
    }

    /// The order in which skopeo 1.9 opens the files.
    #[test]
    fn a_file_of_the_user_replaces_the_files_of_the_machine() {
        let root = tempfile::tempdir().unwrap();
        let (machine, user) = (root.path().join("etc"), root.path().join("home"));
        let write = |path: &Path| files::replace(path, b"", files::Access::Private).unwrap();
        for folder in [&machine, &user] {
            write(&folder.join("registries.conf.d/a.conf"));
            write(&folder.join("registries.conf.d/b.txt"));
        }
        let shown = |named: Option<&str>| {
            let paths = config_paths(named.map(PathBuf::from), Some(&user), &machine);
            let shown = |path: &PathBuf| path.strip_prefix(root.path()).unwrap_or(path).display().to_string();
            paths.iter().map(shown).collect::<Vec<_>>().join(" ").replace('\\', "/")
        };
        let both = "etc/registries.conf.d/a.conf home/registries.conf.d/a.conf";
        assert_eq!(shown(None), format!("etc/registries.conf {both}"));
        write(&user.join("registries.conf"));
        assert_eq!(shown(None), "home/registries.conf home/registries.conf.d/a.conf");
        assert_eq!(shown(Some("x")), format!("x {both}"));
    }
}
