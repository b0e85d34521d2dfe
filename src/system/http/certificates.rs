//! `Certificates`: reads the certificates for a server from the `certs.d` folders of Docker and the container tools.
//!
//! Each folder is named `HOST[:PORT]`, as clients spell the registry's name. `*.crt` are authorities. `NAME.cert` with
//! `NAME.key` is a client certificate (moby `registry/registry.go`, containers/image `pkg/tlsclientconfig`). Docker and
//! the container tools use only the first folder that they find. Ensign uses all folders, because a login is for every
//! client.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::validity::not_after;
use crate::system::env::{self, Env};
use crate::system::{files, request_log};

/// The authorities and client certificates for a server, in addition to the system's authorities.
#[derive(Default)]
pub(super) struct Certificates {
    pub(super) authorities: Vec<CertificateDer<'static>>,
    pub(super) identities: Vec<Identity>,
}

/// A client certificate with its chain and its key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// A file in `certs.d` that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateFault {
    pub(crate) file: PathBuf,
    pub(crate) why: String,
}

/// Limits the number of folders that are read, and the number of files in each folder.
const MOST_ENTRIES: usize = 1000;

const LIMIT: u64 = 1 << 20;

/// Returns the unusable certificate files in the `certs.d` folders for a server with any of these names.
pub(crate) fn certificate_faults(names: &[String]) -> Vec<CertificateFault> {
    let now = SystemTime::now();
    files_for(names).filter_map(|file| fault(&file, now).map(|why| CertificateFault { file, why })).collect()
}

fn fault(file: &Path, now: SystemTime) -> Option<String> {
    let certificates: Result<Vec<_>, String> = match file.extension()?.to_str()? {
        "crt" => read(file).map(|text| authorities(&text).collect()),
        "cert" => identity(file).map(|identity| identity.chain.into_iter().take(1).collect()), // the client's own
        "key" if !file.with_extension("cert").exists() => Err("there is no certificate beside this key".to_owned()),
        _ => return None,
    };
    let last = match certificates.map(|all| all.iter().map(|certificate| not_after(certificate)).max()) {
        Ok(Some(last)) => last,
        Ok(None) => return Some("the file contains no certificate".to_owned()),
        Err(why) => return Some(why),
    };
    last.is_some_and(|end| end < now).then(|| "the certificate has expired".to_owned())
}

impl Certificates {
    /// Reads the certificate files for a server with any of these names, which are `HOST` or `HOST:PORT`. As in the
    /// container tools, an unreadable file is skipped, because only root can read some of the machine's keys.
    pub(super) fn load(names: &[String]) -> Self {
        let mut all = Self::default();
        for file in files_for(names) {
            let added = match file.extension().and_then(|extension| extension.to_str()) {
                Some("crt") => read(&file).map(|text| all.authorities.extend(authorities(&text))),
                Some("cert") => identity(&file).map(|identity| all.identities.push(identity)),
                _ => Ok(()),
            };
            if let Err(why) = added {
                request_log::log(format_args!("{}: not used, {why}", file.display()));
            }
        }
        all
    }
}

/// Returns the files in the `certs.d` folders for a server with any of these names.
fn files_for(names: &[String]) -> impl Iterator<Item = PathBuf> {
    let folders = roots().into_iter().flat_map(|root| files::entries(&root, MOST_ENTRIES));
    let folders = folders.filter(|folder| names.iter().any(|name| is_for(folder, name)));
    folders.flat_map(|folder| files::entries(&folder, MOST_ENTRIES))
}

/// Tells whether a folder is for the server `name`. Case is ignored. On Windows the names of Docker's folders have no
/// colon.
fn is_for(folder: &Path, name: &str) -> bool {
    let folder = folder.file_name().unwrap_or_default().to_string_lossy();
    let name = if cfg!(windows) { name.replace(':', "") } else { name.to_owned() };
    folder.eq_ignore_ascii_case(&name)
}

/// Returns the `certs.d` folders, first the user's folders and then the machine's folders.
fn roots() -> Vec<PathBuf> {
    let env = Env::default();
    let below = |folder: Option<PathBuf>, path: &str| folder.map(|folder| folder.join(path));
    let config = env.home().map(|home| home.join(".config"));
    let mut roots: Vec<_> = [
        below(env.xdg_config_dir(), "docker/certs.d"), // Docker's rootless daemon
        below(env.xdg_config_dir(), "containers/certs.d"),
        below(config, "containers/certs.d"), // read even if XDG_CONFIG_HOME is another folder
        below(env.home().map(Path::to_owned), ".docker/certs.d"), // Docker Desktop
        below(env::path("ProgramData"), "docker/certs.d"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if cfg!(unix) {
        roots.extend(["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from));
    }
    roots.dedup();
    roots
}

/// Returns the valid certificates in a PEM text. As in Go, the rest of the text is skipped.
fn authorities(text: &[u8]) -> impl Iterator<Item = CertificateDer<'static>> {
    let usable = |certificate: &CertificateDer<'static>| RootCertStore::empty().add(certificate.clone()).is_ok();
    CertificateDer::pem_slice_iter(text).filter_map(Result::ok).filter(usable)
}

fn identity(file: &Path) -> Result<Identity, String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(file)?).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err("the file contains no certificate".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&file.with_extension("key"))?);
    Ok(Identity { chain, key: key.map_err(|error| format!("the key cannot be used: {error}"))? })
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    match files::read_any(file, LIMIT) {
        Ok(Some(text)) => Ok(Zeroizing::new(text)),
        Ok(None) => Err(format!("`{}` is missing", file.display())),
        Err(error) => Err(error.to_string()),
    }
}
