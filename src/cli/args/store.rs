//! The arguments of `store`, `lock` and `unlock`.

use clap::{Args, Subcommand};

use crate::accounts::store_words;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct StoreArguments {
    #[arg(
        value_name = "STORE", conflicts_with = "unset",
        help = format!("Where to keep new secrets: {} for docker-credential-NAME [default: show the setting]", store_words())
    )]
    pub(in crate::cli) kind: Option<String>,
    /// Leave the choice to the next login
    #[arg(long)]
    pub(in crate::cli) unset: bool,
    #[command(subcommand)]
    pub(in crate::cli) command: Option<StoreCommand>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum StoreCommand {
    /// Move the secrets of accounts to another store
    Move(StoreMove),
    /// Show or change who holds the key of the sealed secrets
    Key(StoreKey),
}

#[derive(Args, Debug)]
pub(in crate::cli) struct StoreMove {
    /// HOST, ALIAS or HOST=ALIAS [default: all accounts]
    #[arg(value_name = "ACCOUNT")]
    pub(in crate::cli) accounts: Vec<String>,
    #[arg(long, value_name = "STORE", help = format!("The store: {}", store_words()))]
    pub(in crate::cli) to: String,
}

#[derive(Args, Debug)]
#[command(
    after_help = "`store key --holder` makes a key if there is none. If there is one, the secrets stay sealed with it, and only its holder changes."
)]
pub(in crate::cli) struct StoreKey {
    /// keyring, passphrase, systemd, or `systemd:` or `file:` with an absolute path
    #[arg(long, value_name = "HOLDER")]
    pub(in crate::cli) holder: Option<String>,
    /// Make a new key, and seal every secret with it
    #[arg(long, conflicts_with_all = ["holder", "cache"])]
    pub(in crate::cli) rotate: bool,
    /// Read the passphrase from stdin: the new one for `--holder passphrase`, else the one that opens the key
    #[arg(long)]
    pub(in crate::cli) passphrase_stdin: bool,
    /// How long the kernel's keyring keeps the opened key, such as 8h; 0s turns this off [default: 8h]
    #[arg(long, value_name = "TIME", requires = "holder")]
    pub(in crate::cli) cache: Option<String>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct UnlockArguments {
    /// Read the passphrase from stdin
    #[arg(long)]
    pub(in crate::cli) passphrase_stdin: bool,
    /// How long, such as 30m or 8h [default: the time set with `store key --cache`]
    #[arg(long = "for", value_name = "TIME")]
    pub(in crate::cli) time: Option<String>,
}
