//! Returns hints about failed connections: about TLS and about proxies.

use super::CommandContext;
use crate::model::Registry;
use crate::oci::{self, TlsTrouble, TransportSecurity};

/// Returns a hint if the reason `why` of a failure is about TLS, or about a variable that names an unusable proxy.
/// No hint suggests `--plain-http` if it has no further effect, as at a registry on this machine.
pub(super) fn connection_hint(
    context: &CommandContext<'_>,
    registry: &Registry,
    security: TransportSecurity,
    why: &str,
) -> Option<String> {
    let (faults, _) = oci::proxy_faults();
    if let Some(fault) = faults.iter().find(|fault| why.contains(fault.as_str())) {
        return Some(format!("run `{}`", unset_proxy(fault)));
    }
    let (trouble, folder) = (TlsTrouble::from_reason(why)?, certificates_folder(context, registry)?);
    let is_insecure = security.allows_http(registry);
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
        TlsTrouble::Other | TlsTrouble::NotSpoken if is_insecure => return None,
        TlsTrouble::Other => "`--plain-http` accepts any certificate".to_owned(),
        TlsTrouble::NotSpoken => "`--plain-http` connects without encryption".to_owned(),
    })
}

/// Returns the command that unsets the variable that a fault of [`oci::proxy_faults`] names.
pub(super) fn unset_proxy(fault: &str) -> String {
    let name = fault.split('`').nth(1).unwrap_or("HTTPS_PROXY");
    format!("unset {name} {}", name.to_lowercase())
}

/// Returns the folder for the certificates of a registry.
pub(super) fn certificates_folder(context: &CommandContext<'_>, registry: &Registry) -> Option<String> {
    let folder = context.env.shorten_home(&context.env.certificates_dir()?);
    let name = registry.api_authority();
    // A file name on Windows cannot contain a colon.
    let name = if cfg!(windows) { name.replace(':', "") } else { name.to_owned() };
    Some(format!("{folder}/{name}"))
}
