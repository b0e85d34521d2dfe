//! Returns hints about failed TLS connections.

use super::CommandContext;
use crate::model::Registry;
use crate::oci::TlsTrouble;

/// Returns a hint if the reason `why` of a failure is about TLS.
pub(super) fn tls_hint(context: &CommandContext<'_>, registry: &Registry, why: &str) -> Option<String> {
    let (trouble, folder) = (TlsTrouble::from_reason(why)?, certificates_folder(context, registry)?);
    // `SSL_CERT_FILE` has no effect on Windows and Apple's systems, because these systems use their own certificate
    // store.
    let variable = if cfg!(all(unix, not(target_vendor = "apple"))) {
        "name the file with `SSL_CERT_FILE=FILE`"
    } else {
        "add the certificate to the system's"
    };
    Some(match trouble {
        TlsTrouble::UnknownAuthority => {
            format!(
                "put the certificate of the registry's authority into `{folder}/ca.crt`, or {variable}; `--plain-http` accepts any certificate"
            )
        }
        TlsTrouble::NoClientCertificate => {
            format!("put a client certificate into `{folder}`, as `client.cert` and `client.key`")
        }
        TlsTrouble::Other => "`--plain-http` accepts any certificate".to_owned(),
        TlsTrouble::NotSpoken => "`--plain-http` connects without encryption".to_owned(),
    })
}

/// Returns the folder for the certificates of a registry.
pub(super) fn certificates_folder(context: &CommandContext<'_>, registry: &Registry) -> Option<String> {
    let folder = context.env.shorten_home(&context.env.certificates_dir()?);
    let name = registry.api_authority();
    // A file name on Windows cannot contain a colon.
    let name = if cfg!(windows) { name.replace(':', "") } else { name.to_owned() };
    Some(format!("{folder}/{name}"))
}
