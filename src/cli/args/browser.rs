//! The arguments of a login by browser.

use clap::Args;

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Login by browser")]
pub(in crate::cli) struct DeviceLoginArguments {
    /// Log in with a code in a browser, on any machine
    #[arg(long, help_heading = None::<&str>, conflicts_with = "password_stdin")]
    pub(in crate::cli) device: bool,
    /// The identity provider, by name [default: the registry's]
    #[arg(long, value_name = "NAME", requires = "device", hide_short_help = true)]
    pub(in crate::cli) provider: Option<String>,
    /// The issuer URL of the identity provider
    #[arg(long, value_name = "URL", requires = "device", hide_short_help = true)]
    pub(in crate::cli) issuer: Option<String>,
    /// The client id that is registered at the provider
    #[arg(long, value_name = "ID", requires = "device", hide_short_help = true)]
    pub(in crate::cli) client_id: Option<String>,
    /// The OAuth scope to ask for
    #[arg(long, value_name = "SCOPE", requires = "device", hide_short_help = true)]
    pub(in crate::cli) scope: Option<String>,
    /// The organisation's tenant at Microsoft Entra
    #[arg(long, value_name = "TENANT", requires = "device", hide_short_help = true)]
    pub(in crate::cli) tenant: Option<String>,
    /// Show the link without opening it
    #[arg(long, hide_short_help = true)]
    pub(in crate::cli) no_browser: bool,
    /// Show the link as a QR code too
    #[arg(long, hide_short_help = true)]
    pub(in crate::cli) qr: bool,
}
