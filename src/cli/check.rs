//! `check IMAGE`: tells whether the registry still accepts the image's account, and what the account may do with the
//! image.

use std::process::ExitCode;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::account_secret::AccountSecret;
use super::connection_hint::connection_hint;
use super::failure::Failure;
use super::{CommandContext, args, check_all, which};
use crate::accounts::{SecretVerdict, log_in_at, login_hint, session_over};
use crate::model::{Account, Credential, Expiry, ImageReference, Operation, Registry, timestamp};
use crate::oci::{self, LoginVerdict, RegistryReply, RepositoryAccess, TransportSecurity};
use crate::system::request_log;
use crate::system::text::{one_line, quote};

/// The image or registry to check, and the account for the check.
pub(super) struct CheckSubject {
    registry: Registry,
    image: Option<ImageReference>,
    operation: Operation,
    account: Account,
    pub(super) secret: AccountSecret,
    expiry: Option<SystemTime>,
}

/// A verdict, with a sentence for a person, and with a word and an exit code for a script.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CheckReport {
    verdict: &'static str,
    pub(super) sentence: String,
    /// The exit code of `check` and `token`.
    pub(super) code: u8,
    /// The URL of a page for a new login, if the account's session has ended.
    page: Option<String>,
}

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::CheckArguments) -> Result<ExitCode, Failure> {
    let Some(subject) = &arguments.image else { return check_all::run(context, arguments.plain_http) };
    let (registry, image) = which::registry_or_image(subject)?;
    if image.is_none() && (arguments.pull || arguments.push) {
        return Err(no_image(&registry));
    }
    let operation = if arguments.push { Operation::Push } else { Operation::Pull };
    let mut subject = CheckSubject::find(context, registry, image, operation, None)?;
    let security = context.security(&subject.registry, arguments.plain_http);
    let (registry, waiting) = (subject.registry.clone(), format!("Asking {}", subject.registry));
    let report = if let Some(image) = subject.image.clone() {
        let ask = |credential: &Credential| {
            context.ui.while_waiting(&waiting, || oci::access(&image, operation, credential, security))
        };
        describe(&subject.ask(context, ask)?, &subject)
    } else {
        let ask = |credential: &Credential| {
            context.ui.while_waiting(&waiting, || oci::check(&registry, credential, security))
        };
        describe_login(subject.ask(context, ask)?, &subject)
    };
    subject.learn_expiry(context, &report);
    subject.judge(context, &report);
    context.ui.data(subject.json(&report), subject.line(&report))?;
    subject.advise(context, &report, security);
    Ok(ExitCode::from(report.code))
}

impl CheckSubject {
    /// Chooses the account in the same way as the command `which`, and fetches the account's secret. `hands_out` is the
    /// name of a command that prints a secret. The account's caller rule must allow this command.
    pub(super) fn find(
        context: &CommandContext<'_>,
        registry: Registry,
        image: Option<ImageReference>,
        operation: Operation,
        hands_out: Option<&str>,
    ) -> Result<Self, Failure> {
        let candidates = context.candidates(&registry)?;
        let known_operation = image.is_some().then_some(operation);
        let account = which::account_for(context, &candidates, image.as_ref(), known_operation)?;
        if let Some(command) = hands_out {
            context.hand_out(account, command)?;
        }
        let account = account.at(&registry).into_owned();
        let secret = context.secret_of(&account)?;
        Ok(Self { registry, image, operation, ..Self::of_login(account, secret) })
    }

    /// Returns the subject for a check of the account's registry without an image.
    pub(super) fn of_login(account: Account, secret: AccountSecret) -> Self {
        let (registry, expiry) = (account.registry.clone(), secret.expiry);
        Self { registry, image: None, operation: Operation::Pull, account, secret, expiry }
    }

    /// Asks the registry. If the registry refuses the account's token, renews the token and asks once more.
    pub(super) fn ask<T>(
        &mut self,
        context: &CommandContext<'_>,
        ask: impl Fn(&Credential) -> RegistryReply<T>,
    ) -> Result<T, Failure> {
        let asked = ask(&self.secret.credential);
        self.keep(context, asked, ask)
    }

    /// Returns the registry's answer. If the registry refused the account's token, renews the token and asks `again`.
    pub(super) fn keep<T>(
        &mut self,
        context: &CommandContext<'_>,
        asked: RegistryReply<T>,
        again: impl FnOnce(&Credential) -> RegistryReply<T>,
    ) -> Result<T, Failure> {
        let asked = context.settle(&self.account, &mut self.secret, asked, again)?;
        self.expiry = asked.expiry.or(self.expiry);
        Ok(asked.answer)
    }

    /// Finds out the expiry of an accepted secret.
    pub(super) fn learn_expiry(&mut self, context: &CommandContext<'_>, report: &CheckReport) {
        if matches!(report.code, 0 | 4) {
            self.expiry = context.expiry(&self.account, &self.secret, self.expiry);
        }
    }

    /// Records the verdict. A secret whose session has ended is not recorded as refused, because the secret works again
    /// in a new session.
    pub(super) fn judge(&self, context: &CommandContext<'_>, report: &CheckReport) {
        match report.code {
            0 | 4 => context.record_verdict(&self.account, &self.secret, &SecretVerdict::Accepted, self.expiry),
            3 => {
                let page = report.page.clone();
                let verdict = page.map_or(SecretVerdict::Refused, |page| SecretVerdict::SessionOver { page });
                context.record_verdict(&self.account, &self.secret, &verdict, None);
            }
            _ => {}
        }
    }

    /// Returns the verdict on one line, with the expiry of an accepted secret.
    pub(super) fn line(&self, report: &CheckReport) -> String {
        let expiry = self.expiry.filter(|_| matches!(report.code, 0 | 4)).map_or(Expiry::Unknown, Expiry::Ends);
        let end = expiry.words(SystemTime::now()).map_or(String::new(), |words| format!(" ({words})"));
        format!("{} {}{end}", if report.code == 0 { "✓" } else { "✗" }, report.sentence)
    }

    pub(super) fn json(&self, report: &CheckReport) -> Value {
        let mut json = json!({
            "status": if report.code == 0 { "success" } else { "failure" },
            "verdict": report.verdict,
            "message": report.sentence,
            "registry": self.registry.as_str(),
            "image": self.image.as_ref().map(ToString::to_string),
            "action": self.image.as_ref().map(|_| self.operation.as_str()),
            "account": self.account.name.as_str(),
            "username": self.account.username.as_str(),
        });
        if let Some(page) = &report.page {
            json["login_url"] = json!(page);
        }
        if let Some(expiry) = self.expiry {
            json["expires_at"] = json!(timestamp::rfc3339(expiry));
        }
        json
    }

    /// Returns the command that does the check again and logs the requests.
    fn again(&self, security: TransportSecurity) -> String {
        let subject = self.image.as_ref().map_or_else(|| self.registry.to_string(), ToString::to_string);
        let push = if self.operation == Operation::Push { " --push" } else { "" };
        let plain_http = if security == TransportSecurity::PlainHttpAllowed { " --plain-http" } else { "" };
        format!("check {}{push}{plain_http} --verbose", quote(&subject))
    }

    /// After a failed check, prints how to log in again, or how to find the cause of the failure.
    pub(super) fn advise(&self, context: &CommandContext<'_>, report: &CheckReport, security: TransportSecurity) {
        if let Some(hint) = self.hint(context, report, security) {
            context.ui.say(format_args!("hint: {}", context.ui.as_typed(&hint)));
        }
    }

    pub(super) fn hint(
        &self,
        context: &CommandContext<'_>,
        report: &CheckReport,
        security: TransportSecurity,
    ) -> Option<String> {
        let (program, registry) = (context.program, &self.registry);
        match (report.code, &report.page) {
            (3, Some(page)) => Some(log_in_at(page)),
            (3, None) => Some(login_hint(&self.account)),
            (1, _) => connection_hint(context, registry, security, &report.sentence).or_else(|| match report.verdict {
                "no-tokens" => {
                    Some(format!("run `{program} api {registry} PATH`, which sends the user name and password"))
                }
                "unverified" | "accepted" if !request_log::is_enabled() => {
                    Some(format!("run `{program} {}` to see what answers", self.again(security)))
                }
                _ => None,
            }),
            _ => None,
        }
    }
}

pub(super) fn no_image(registry: &Registry) -> Failure {
    Failure::usage(format!("`{registry}` names no image"), format!("name an image, as in `{registry}/acme/app`"))
}

/// Returns the sentence and the exit code of a verdict about a repository. The exit code is 0 for an allowed access, 3
/// for a refused account, and 4 for a denied access. The exit code is 5 if the registry did not check the password, and
/// 1 if the access is unknown.
pub(super) fn describe(access: &RepositoryAccess, subject: &CheckSubject) -> CheckReport {
    let (registry, name) = (&subject.registry, &subject.account.name);
    let image = subject.image.as_ref();
    let repository = image.map_or_else(String::new, |image| format!("{}/{}", image.registry(), image.repository()));
    let deed = match subject.operation {
        Operation::Pull => format!("pull {repository}"),
        Operation::Push => format!("push to {repository}"),
    };
    let (verdict, code, sentence) = match access {
        RepositoryAccess::Allowed => ("allowed", 0, format!("{registry} accepts the account {name}, which may {deed}")),
        RepositoryAccess::Unseen => (
            "probably",
            0,
            format!(
                "{registry} accepts the account {name}, which can probably {deed}, but the image is missing or hidden"
            ),
        ),
        RepositoryAccess::Denied { by } => (
            "denied",
            4,
            format!("{registry} accepts the account {name}, which may not {deed} (according to {})", one_line(by, 100)),
        ),
        RepositoryAccess::Anyone { allowed } => {
            let who = if *allowed { "anyone may" } else { "anonymous users may not" };
            ("anonymous", 5, format!("{registry} did not check the login of {name}: {who} {deed}"))
        }
        RepositoryAccess::Rejected { by } => {
            ("rejected", 3, format!("{} rejects the login of {name}", one_line(by, 100)))
        }
        RepositoryAccess::SessionOver { .. } => ("session-over", 3, session_over(registry, name)),
        RepositoryAccess::NoTokens => {
            let instead = "the registry accepts the user name and password directly (Basic)";
            ("no-tokens", 1, format!("{registry} accepts the account {name}, but issues no tokens: {instead}"))
        }
        RepositoryAccess::Unknown { why } => (
            "accepted",
            1,
            format!(
                "{registry} accepts the account {name}, but Ensign could not find out whether the account may {deed}: {why}"
            ),
        ),
        RepositoryAccess::Unverified { why } => ("unverified", 1, format!("{name} was not checked: {why}")),
    };
    let page = match access {
        RepositoryAccess::SessionOver { page } => Some(page.clone()),
        _ => None,
    };
    CheckReport { verdict, sentence, code, page }
}

/// Returns the sentence and the exit code of a verdict about a registry.
pub(super) fn describe_login(verdict: LoginVerdict, subject: &CheckSubject) -> CheckReport {
    let (registry, name) = (&subject.registry, &subject.account.name);
    let (verdict, code, sentence) = match verdict {
        LoginVerdict::Accepted => ("accepted", 0, format!("{registry} accepts the account {name}")),
        LoginVerdict::Open => {
            ("anonymous", 5, format!("{registry} accepts every login, so the login of {name} was not checked"))
        }
        failed => return describe(&RepositoryAccess::from_verdict(failed), subject),
    };
    CheckReport { verdict, sentence, code, page: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    fn subject(operation: Operation) -> CheckSubject {
        let image: ImageReference = "ghcr.io/acme/app:1".parse().unwrap();
        let account = Account::new(image.registry().clone(), "me-acme".parse().unwrap());
        let account = Account { name: "work".parse().unwrap(), ..account };
        let credential = Credential { username: account.username.clone(), secret: Secret::new("hunter2".into()) };
        let secret = AccountSecret { credential, known: SecretVerdict::Accepted, expiry: None };
        CheckSubject { image: Some(image), operation, ..CheckSubject::of_login(account, secret) }
    }

    #[test]
    fn every_verdict_has_its_own_sentence_and_exit_code() {
        let (by, why) = (|| "auth.ghcr.io".to_owned(), || "it is out of order".to_owned());
        for (access, verdict, code, sentence) in [
            (
                RepositoryAccess::Allowed,
                "allowed",
                0,
                "ghcr.io accepts the account work, which may push to ghcr.io/acme/app",
            ),
            (
                RepositoryAccess::Unseen,
                "probably",
                0,
                "can probably push to ghcr.io/acme/app, but the image is missing",
            ),
            (
                RepositoryAccess::Denied { by: by() },
                "denied",
                4,
                "which may not push to ghcr.io/acme/app (according to auth.ghcr.io)",
            ),
            (
                RepositoryAccess::Anyone { allowed: true },
                "anonymous",
                5,
                "did not check the login of work: anyone may push",
            ),
            (
                RepositoryAccess::Anyone { allowed: false },
                "anonymous",
                5,
                "login of work: anonymous users may not push to",
            ),
            (RepositoryAccess::Rejected { by: by() }, "rejected", 3, "auth.ghcr.io rejects the login of work"),
            (
                RepositoryAccess::SessionOver { page: by() },
                "session-over",
                3,
                "the session of work at ghcr.io has expired",
            ),
            (
                RepositoryAccess::Unknown { why: why() },
                "accepted",
                1,
                "ghcr.io accepts the account work, but Ensign could not find out whether the account may push to ghcr.io/acme/app",
            ),
            (RepositoryAccess::Unverified { why: why() }, "unverified", 1, "work was not checked: it is out of order"),
        ] {
            let report = describe(&access, &subject(Operation::Push));
            assert_eq!((report.verdict, report.code), (verdict, code));
            assert!(report.sentence.contains(sentence), "{}", report.sentence);
        }
        let report = describe(&RepositoryAccess::Allowed, &subject(Operation::Pull));
        assert_eq!(report.sentence, "ghcr.io accepts the account work, which may pull ghcr.io/acme/app");
        for (verdict, word, code) in [
            (LoginVerdict::Accepted, "accepted", 0),
            (LoginVerdict::Open, "anonymous", 5),
            (LoginVerdict::Rejected { by: by() }, "rejected", 3),
            (LoginVerdict::Unverified { why: why() }, "unverified", 1),
        ] {
            let report = describe_login(verdict, &subject(Operation::Pull));
            assert_eq!((report.verdict, report.code), (word, code));
        }
    }
}
