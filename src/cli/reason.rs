//! Why an account answers, in a person's words, and what to do where nothing could decide; for `which` and `why`.

use std::path::Path;

use super::Context;
use super::ui::Ui;
use crate::model::Account;
use crate::model::choice::{Grounds, Owned, UnknownPart};
use crate::system::env;
use crate::system::text::{one_line, word};

/// Where nobody typed a command.
pub(super) const ANY_COMMAND: &str = "docker …";

/// What a rung goes by; empty where its name says it all.
pub(super) fn told(context: &Context<'_>, grounds: &Grounds) -> String {
    match grounds {
        Grounds { missing: Some(name), .. } => format!("names `{}`, which is not there", one_line(name, 60)),
        Grounds { image: Some(image), public: Some(pattern), .. } => {
            format!("no account is needed   ({image} is in {pattern}, which is public)")
        }
        Grounds { image: Some(image), pattern: Some(pattern), file: Some(file), .. } => {
            format!("{}: {image} is in {pattern}", shown(context, Path::new(file)))
        }
        Grounds { image: Some(image), pattern: Some(pattern), .. } => format!("{image} is in {pattern}"),
        Grounds { file: Some(place), .. } | Grounds { folder: Some(place), .. } => {
            format!("in {}", context.env.shorten_home(Path::new(place)))
        }
        Grounds { torn, .. } if !torn.is_empty() => torn_told(torn),
        Grounds { unknown, .. } if !unknown.is_empty() => unknown_told(context, unknown),
        _ => String::new(),
    }
}

/// Whose the images are between which nothing was guessed.
pub(super) fn torn_told(torn: &[Owned]) -> String {
    let owners: Vec<_> = torn.iter().map(|Owned { image, account }| format!("{image} is {account}'s")).collect();
    format!("undecided: {}", one_line(&owners.join(", "), 200))
}

/// What was not known, so that the files decided nothing.
pub(super) fn unknown_told(context: &Context<'_>, unknown: &[UnknownPart]) -> String {
    let part = |UnknownPart { file, message }: &UnknownPart| format!("{}: {message}", shown(context, Path::new(file)));
    let parts: Vec<_> = unknown.iter().take(4).map(part).collect();
    format!("undecided: {}", one_line(&parts.join("; "), 300))
}

/// What to do, in a sentence, and below it the ways to do it.
pub(super) struct Advice {
    pub(super) note: String,
    ways: Vec<String>,
}

impl Advice {
    pub(super) fn show(&self, ui: &Ui) {
        ui.note(&self.note);
        self.ways.iter().for_each(|way| ui.say(format_args!("  {way}")));
    }
}

impl From<String> for Advice {
    fn from(note: String) -> Self {
        Self { note, ways: Vec::new() }
    }
}

/// The ways in which each of the torn images gets its own account, or the command the one that is meant.
pub(super) fn ways_out(
    context: &Context<'_>,
    registry: &str,
    torn: &[Owned],
    accounts: &[Account],
    answered: Option<&str>,
    typed: &str,
) -> Option<Advice> {
    let other = torn.iter().find(|owned| Some(owned.account.as_str()) != answered).or(torn.first());
    let Owned { account: name, .. } = other?;
    let program = context.program;
    let account = accounts.iter().find(|account| account.name.as_str() == name);
    let here = account.and_then(|account| edit_here(context, registry, account)).unwrap_or_default();
    let (registry, helper) = (word(registry), format!("ensign-{name}"));
    let name = word(name);
    // Only buildx asks for each repository by itself.
    let may_build = typed == ANY_COMMAND || ["build", "bake", "compose"].iter().any(|verb| typed.contains(verb));
    let mut images: Vec<_> = torn.iter().take(4).map(|owned| word(&owned.image)).collect();
    images.dedup(); // one that two accounts claim is named for each
    let sync = format!("{program} buildx sync {}", images.join(" "));
    let ways = [
        ("this command", format!("ENSIGN_ACCOUNT={registry}={name} {typed}")),
        ("every build", if may_build { sync } else { String::new() }),
        ("one tool", format!("{program} pin {name}   (and name the helper `{helper}` in the tool's config)")),
        ("this folder", here),
    ];
    let note = "one call gets one account, and these images belong to several: nothing is guessed. The ways out:";
    let ways = ways.iter().filter(|(_, how)| !how.is_empty()).map(|(what, how)| format!("{what:14}{how}"));
    Some(Advice { note: note.to_owned(), ways: ways.collect() })
}

/// The command that makes an account answer in the current folder too: the flag replaces the folders that it has. `None`
/// for one that the environment holds.
fn edit_here(context: &Context<'_>, registry: &str, account: &Account) -> Option<String> {
    if account.store.is_given() {
        return None;
    }
    let edit = format!("{} account edit {} {}", context.program, word(registry), word(account.name.as_str()));
    let folders = account.folders.iter().map(|folder| context.env.shorten_home(folder)).chain([".".into()]);
    Some(folders.fold(edit, |edit, folder| format!("{edit} --folder {}", word(&folder))))
}

/// A file as one would name it from here.
pub(super) fn shown(context: &Context<'_>, file: &Path) -> String {
    let here = env::current_dir().and_then(|current| file.strip_prefix(current).map(Path::to_owned).ok());
    one_line(&here.map_or_else(|| context.env.shorten_home(file), |here| here.display().to_string()), 100)
}
