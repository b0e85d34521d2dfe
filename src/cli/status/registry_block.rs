//! The lines of one registry: its accounts with their images, stores, expiry and trouble.

use std::fmt::Write;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::cli::trouble::Trouble;
use crate::cli::{CommandContext, account, expiry, wrap};
use crate::model::choice::{DefaultAccount, RegistryAccounts};
use crate::model::{Account, Expiry, ImagePattern, Source, StoreKind, StoredSecret};
use crate::system::text;

/// An account, with the account's trouble and expiry.
pub(super) struct AccountLine<'c> {
    account: &'c Account,
    mark: &'static str,
    pub(super) trouble: Option<String>,
    expiry: Expiry,
    /// Whether the store has a secret. The store of an external source may have no cached answer.
    is_stored: bool,
}

/// Returns the lines of one registry.
pub(super) fn block(context: &CommandContext<'_>, lines: &[AccountLine<'_>], candidates: &RegistryAccounts) -> String {
    let state = match candidates.active {
        _ if candidates.accounts.is_empty() => "   (no account)".to_owned(),
        DefaultAccount::SignedOut => {
            let switch = text::command("switch", &[candidates.registry.as_str()], "");
            format!("   (signed out: no default account; to choose one:  {} {switch})", context.program)
        }
        DefaultAccount::Account(_) | DefaultAccount::Unset => String::new(),
    };
    let mut block = format!("{}{state}\n", context.ui.bold(candidates.registry.as_str()));
    let width = lines.iter().map(|line| wrap::width(line.account.name.as_str()).min(60)).max().unwrap_or(0);
    let now = SystemTime::now();
    let uses = lines.iter().map(|line| wrap::width(&used_for(line.account)));
    let column = uses.filter(|width| *width <= WIDEST_USE).max().unwrap_or(0);
    for AccountLine { account, mark, trouble, expiry, is_stored } in lines {
        let by_default = if *mark == "●" { "default   " } else { "          " };
        let store = match &account.store {
            _ if !is_stored => String::new(),
            StoreKind::File => "   in clear text".to_owned(),
            StoreKind::Sealed => "   sealed".to_owned(),
            other => format!("   in {other}"),
        };
        let source = match &account.source {
            Source::Static => String::new(),
            source => format!("   from {source}"),
        };
        let name = wrap::pad(&text::one_line(account.name.as_str(), 60), width);
        let used_for = wrap::pad(&used_for(account), column);
        let end = expiry.words(now).map_or(String::new(), |words| format!("   {words}"));
        let _ = writeln!(block, "  {mark} {name}  {by_default}{used_for}{store}{source}{end}");
        for folder in &account.folders {
            let _ = writeln!(block, "    {:width$}  in {}", "", context.env.shorten_home(folder));
        }
        if let Some(callers) = context.callers(account) {
            let _ = writeln!(block, "    {:width$}  may ask: {callers}", "");
        }
        if let Some(trouble) = trouble {
            let _ = writeln!(block, "    ✗ {}", text::one_line(trouble, 300));
        } else if expiry.ends_within(Expiry::WARNING, now) {
            let _ = writeln!(block, "    ! log in again before then:  {}", expiry::login(context.program, account));
        }
    }
    if !candidates.public.is_empty() {
        let patterns: Vec<_> = candidates.public.iter().map(ImagePattern::path).collect();
        let _ = writeln!(block, "  public: {}", text::one_line(&patterns.join(", "), 300));
    }
    block
}

impl<'c> AccountLine<'c> {
    pub(super) fn new(
        context: &CommandContext<'_>,
        candidates: &RegistryAccounts,
        account: &'c Account,
        stored: anyhow::Result<Option<StoredSecret>>,
    ) -> Self {
        let expiry = match &stored {
            Ok(Some(stored)) => Expiry::new(&account.source, stored),
            _ => Expiry::Unknown,
        };
        let is_stored = !matches!((&account.source, &stored), (Source::External(_), Ok(None)));
        let trouble = Trouble::find(context, account, stored).map(|trouble| trouble.sentence(context, account));
        let mark = if candidates.default_account() == Some(account) { "●" } else { "○" };
        Self { account, mark, trouble, expiry, is_stored }
    }

    pub(super) fn json(&self, context: &CommandContext<'_>, candidates: &RegistryAccounts) -> Value {
        let mut json = context.account_json(self.account, candidates);
        json["ok"] = json!(self.trouble.is_none());
        json["trouble"] = json!(self.trouble);
        expiry::add_to_json(&mut json, self.expiry);
        json
    }
}

/// The maximum width of the column of uses. A longer text does not widen the column.
const WIDEST_USE: usize = 36;

/// Returns the images of an account. If the user name differs from the alias, also returns the user name.
fn used_for(account: &Account) -> String {
    let patterns: Vec<_> = account.patterns().iter().map(|pattern| pattern.path().to_owned()).collect();
    let user = if account.name.as_str() == account.username.as_str() {
        String::new()
    } else {
        format!("   user {}", account.username)
    };
    format!("{}{}{user}", patterns.join(", "), account::only(account))
}
