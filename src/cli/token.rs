//! `token`: prints a bearer token for an image's repository, and nothing else to stdout.

use std::process::ExitCode;
use std::time::SystemTime;

use serde_json::json;

use super::check::{self, CheckSubject};
use super::failure::Failure;
use super::{CommandContext, args, which};
use crate::model::{Credential, Operation};
use crate::oci;

/// Prints the token. If the registry returns no token, reports the reason, with the exit codes of `check`.
#[expect(clippy::disallowed_methods, reason = "the user asked for the token")]
pub(super) fn run(context: &CommandContext<'_>, arguments: &args::TokenArguments) -> Result<ExitCode, Failure> {
    let (registry, image) = which::registry_or_image(&arguments.image)?;
    let image = image.ok_or_else(|| check::no_image(&registry))?;
    let operation = if arguments.push { Operation::Push } else { Operation::Pull };
    let mut subject = CheckSubject::find(context, registry, Some(image.clone()), operation, Some("token"))?;
    let waiting = format!("Asking {}", image.registry());
    let security = context.security(image.registry(), arguments.plain_http);
    let ask = |credential: &Credential| {
        context.ui.while_waiting(&waiting, || oci::token(&image, operation, credential, security))
    };
    match subject.ask(context, ask)? {
        Ok(token) => {
            let text = token.secret.expose();
            let expires_in = token.time_left(SystemTime::now()).as_secs();
            let json =
                json!({"status": "success", "image": image.to_string(), "token": text, "expires_in": expires_in});
            context.ui.exact_data(json, text)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(access) => {
            let report = check::describe(&access, &subject);
            subject.judge(context, &report);
            context.ui.say(format_args!("error: {}", report.sentence));
            subject.advise(context, &report, security);
            context.ui.json(subject.json(&report))?;
            Ok(ExitCode::from(report.code))
        }
    }
}
