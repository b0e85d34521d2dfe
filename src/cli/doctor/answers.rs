//! Tests whether Ensign answers with the right login. For an image of each account, the test requests the login as
//! Docker does, and compares the answer with the expected account.

use std::time::{Duration, SystemTime};

use super::diagnosis::{Check, Diagnosis};
use super::remedy::Remedy;
use super::{Section, Survey, copies, count};
use crate::cli::trouble::Trouble;
use crate::cli::{CommandContext, some_of, which, why};
use crate::docker::configured_helper;
use crate::model::choice::RegistryAccounts;
use crate::model::{Account, CallerRule, HelperMessage, ImageReference, Operation, Source, StoreKind};
use crate::system::text::{one_line, quote};
use crate::system::{find_program, rehearse};

/// The maximum number of tests. The number is limited, because each test starts a process.
const MOST: usize = 32;

/// The time limit of one test. The user waits until the test ends. A `get` without network takes about a millisecond.
const DEADLINE: Duration = Duration::from_secs(10);

/// One test of an image, with the expected account and the answer.
#[derive(Debug)]
struct Rehearsal {
    image: String,
    /// The alias of the account that the command `which` chooses for this image.
    account: String,
    username: String,
    /// The user of the login that `get` returned, or a description of what `get` returned instead of a login.
    answer: Result<String, String>,
}

#[derive(Debug, Default)]
struct AnswerFacts {
    rehearsals: Vec<Rehearsal>,
    /// The number of accounts that were not tested. After `MOST` tests, no account is tested. Without `--online`, an
    /// account is not tested if its `get` needs the network or another program.
    untried: usize,
    /// The number of accounts that were not tested, because they have a caller rule, which may refuse `doctor`.
    ruled: usize,
    /// Why no answer can be recorded, and the command that changes that. An account with a rule needs the record.
    no_journal: Option<(&'static str, String)>,
    has_program: bool,
    /// The command that replaces the program on PATH with this program, if the two are different files. Another copy of
    /// Ensign may be the cause of a wrong answer.
    replace_copy: Option<String>,
}

pub(super) fn examine(context: &CommandContext<'_>, survey: &Survey, online: bool) -> Section {
    let facts = AnswerFacts::gather(context, survey, online);
    Section::new("answers", summary(&facts), judge(&facts, context.program))
}

fn summary(facts: &AnswerFacts) -> String {
    let names: Vec<_> =
        facts.rehearsals.iter().map(|rehearsal| format!("{} → {}", rehearsal.image, rehearsal.account)).collect();
    if !facts.has_program {
        return "not tried: the program is not on PATH".to_owned();
    }
    let parts = [
        (names.len(), some_of(&names, 2)),
        (facts.untried, format!("{} not tried (--online)", count(facts.untried, "account"))),
        (facts.ruled, format!("{} for some callers only", count(facts.ruled, "account"))),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| words).collect();
    if parts.is_empty() { "no account to try".to_owned() } else { parts.join("; ") }
}

fn judge(facts: &AnswerFacts, program: &str) -> Vec<Diagnosis> {
    let wrong = facts.rehearsals.iter().filter_map(|rehearsal| {
        let Rehearsal { image, account, username, answer } = rehearsal;
        let answered = match answer {
            Ok(user) if user == username => return None,
            Ok(user) => format!("the login of the user {}", one_line(user, 60)),
            Err(instead) => instead.clone(),
        };
        let typed = format!("docker pull {image}");
        Some(Diagnosis::broken(
            Check::WrongAnswer,
            format!("`{typed}` would get {answered}, not the account {account}"),
            "pulls and pushes of images like this one",
            Remedy::Command(
                facts.replace_copy.clone().unwrap_or_else(|| format!("{program} which --as {}", quote(&typed))),
            ),
        ))
    });
    let unrecorded = facts.no_journal.as_ref().map(|(reason, command)| {
        Diagnosis::note(
            Check::NoJournal,
            format!("no answer can be recorded: {reason}"),
            format!("no caller gets the secret of {} with a rule for callers", count(facts.ruled, "account")),
            Remedy::Command(command.clone()),
        )
    });
    wrong.chain(unrecorded).collect()
}

impl AnswerFacts {
    fn gather(context: &CommandContext<'_>, survey: &Survey, online: bool) -> Self {
        let mut facts = Self::default();
        let Some(program) = find_program(configured_helper::PROGRAM) else { return facts };
        facts.has_program = true;
        facts.replace_copy = copies::replace_other(&program);
        if context.accounts.about_to_adopt().is_some() {
            return facts; // a `get` would import the accounts of ATCR's helper
        }
        let mut asked: Vec<ImageReference> = Vec::new();
        for entry in survey.hosts() {
            for image in entry.accounts.iter().filter_map(example) {
                if asked.len() >= MOST {
                    facts.untried += 1;
                    continue;
                }
                let account = which::account_for(context, entry, Some(&image), Some(Operation::Pull));
                let Ok(account) = account else { continue };
                if asked.contains(&image) || trouble_is_told(context, account) {
                    continue;
                }
                if account.callers != CallerRule::default() {
                    facts.ruled += 1;
                    continue;
                }
                if !online && !is_at_hand(context, account) {
                    facts.untried += 1;
                    continue;
                }
                facts.rehearsals.push(rehearsal(&program, entry, account, &image));
                asked.push(image);
            }
        }
        facts.no_journal = if facts.ruled > 0 { why::missing_journal(context) } else { None };
        facts
    }
}

fn rehearsal(
    program: &std::path::Path,
    entry: &RegistryAccounts,
    account: &Account,
    image: &ImageReference,
) -> Rehearsal {
    let shown = image.to_string();
    let key = entry.registry.docker_key();
    // On Windows, the test cannot start a parent process whose command line contains the image. Therefore the address
    // contains the image, as with crane and ko.
    let address = if cfg!(unix) { key.to_owned() } else { format!("{}/{}", image.registry(), image.repository()) };
    let output = rehearse(&["docker", "pull", &shown], program, "get", address.as_bytes(), DEADLINE);
    let answer = answering_user(output.map(|output| (output.success, output.stdout)), account);
    Rehearsal { image: shown, account: account.name.to_string(), username: account.username.to_string(), answer }
}

/// Returns the user of the login that `get` returned, or a description of what `get` returned instead of a login.
/// `output` tells whether `get` succeeded, and contains its stdout.
fn answering_user(output: anyhow::Result<(bool, impl AsRef<[u8]>)>, account: &Account) -> Result<String, String> {
    let no_login = |why: &str| Err(format!("no login ({})", one_line(why, 150)));
    match output {
        Err(error) => no_login(&format!("{error:#}")),
        Ok((false, stdout)) => Err(format!("\"{}\"", one_line(&String::from_utf8_lossy(stdout.as_ref()), 150))),
        Ok((true, stdout)) => match HelperMessage::read_answer(stdout.as_ref()) {
            // The user name is not compared, because an external source may return another user name.
            Some(_) if matches!(account.source, Source::External(_)) => Ok(account.username.to_string()),
            Some(message) => Ok(message.username),
            None => no_login("the answer is not a login"),
        },
    }
}

/// Returns an example image for the account, such as `ghcr.io/acme/app` for the pattern `ghcr.io/acme/**`.
fn example(account: &Account) -> Option<ImageReference> {
    let pattern = account.patterns().into_iter().next()?;
    let path = pattern.path().replace("**", "app").replace('*', "app");
    format!("{}/{path}", pattern.registry()).parse().ok()
}

/// Tells whether the account has a fault that another check reports.
fn trouble_is_told(context: &CommandContext<'_>, account: &Account) -> bool {
    !matches!(account.store, StoreKind::Helper(_))
        && Trouble::find(context, account, context.accounts.stored(account)).is_some()
}

/// Tells whether `get` needs neither the network nor another program.
fn is_at_hand(context: &CommandContext<'_>, account: &Account) -> bool {
    let is_due = || {
        let stored = context.accounts.stored(account).ok().flatten();
        stored.is_none_or(|stored| stored.refresh_at.is_some_and(|due| due <= SystemTime::now() + DEADLINE))
    };
    match (&account.store, &account.source) {
        (StoreKind::Helper(_), _) | (_, Source::External(_) | Source::Unknown(_)) => false,
        (_, Source::OAuth(_)) => !is_due(),
        (_, Source::Static) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExternalProgram, ExternalSource, Registry};

    #[test]
    fn a_login_or_what_comes_instead_of_it_is_the_answer() {
        let own = Account::new(Registry::from_key("a.io"), "me".parse().unwrap());
        let source = ExternalSource { program: ExternalProgram::Glab, env: [].into(), cache: None };
        let external = Account { source: Source::External(source), ..own.clone() };
        let login = r#"{"ServerURL":"a.io","Username":"oauth2","Secret":"pw"}"#;
        for (account, output, expected) in [
            (&own, Ok((true, login)), Ok("oauth2")),
            (&external, Ok((true, login)), Ok("me")),
            (&own, Ok((true, "hello")), Err("no login (the answer is not a login)")),
            (&external, Ok((true, "")), Err("no login (the answer is not a login)")),
            (&own, Ok((false, "not found\n")), Err("\"not found\"")),
            (&own, Err(anyhow::anyhow!("no answer")), Err("no login (no answer)")),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(answering_user(output, account), expected);
        }
    }

    #[test]
    fn only_the_expected_user_is_right() {
        for (answer, found) in [
            (Ok("me-acme".into()), None),
            (Ok("me".into()), Some("would get the login of the user me, not the account work")),
            (Err("no login (no answer)".into()), Some("would get no login (no answer), not")),
        ] {
            let (image, account, username) = ("a.io/acme/app".to_owned(), "work".to_owned(), "me-acme".to_owned());
            let rehearsals = vec![Rehearsal { image, account, username, answer }];
            let facts = AnswerFacts { rehearsals, has_program: true, untried: 1, ..Default::default() };
            assert_eq!(summary(&facts), "a.io/acme/app → work; 1 account not tried (--online)");
            let judged = judge(&facts, "e");
            assert_eq!(judged.len(), usize::from(found.is_some()));
            assert!(judged.iter().zip(found).all(|(diagnosis, found)| diagnosis.found.contains(found)), "{judged:?}");
        }
    }
}
