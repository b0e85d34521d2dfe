//! `which`: shows which account `get` would choose for an image or for a command, with the result of each rule.

mod answer;
mod question;
mod selection;

use std::process::ExitCode;

use serde_json::json;

use super::failure::Failure;
use super::{CommandContext, args};
use crate::accounts;
use crate::caller::{self, UnreadableCommand};
use crate::model::choice::UnknownImages;
use crate::model::{ImageReference, Operation, Registry};
use crate::system::text::hide_userinfo;
use answer::WhichAnswer;
use question::Question;

pub(super) use selection::{account_for, is_public};

/// The schema version of the JSON output of the commands `which` and `why`. Since version 2, the JSON contains the
/// decision unchanged.
pub(super) const SCHEMA: u64 = 2;

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::WhichArguments) -> Result<ExitCode, Failure> {
    let question = match (&arguments.image, &arguments.command) {
        (Some(image), None) => {
            let spelling = Registry::spelled(image).and_then(|(_, spelling)| spelling);
            let (registry, image) = registry_or_image(image)?;
            let mut question = Question::for_image(&registry, image, operation(arguments));
            question.name = spelling.filter(|name| name.parse().as_ref() == Ok(&registry)).unwrap_or(question.name);
            question
        }
        (Some(image), Some(typed)) => Question::for_command(&program(typed)?, typed, registry_or_image(image)?.0),
        (None, typed) => return every_registry(context, typed.as_deref().unwrap_or_default()),
    };
    let answer = WhichAnswer::to(context, &question)?;
    if answer.has_nobody() {
        context.candidates(&question.registry)?; // the error says what to do
    }
    let mut json = answer.json.clone();
    json["schema"] = json!(SCHEMA);
    context.ui.data(json, answer.text())?;
    answer.advise(context);
    note_other_user(context, arguments.command.as_deref().unwrap_or_default());
    Ok(answer.exit_code())
}

/// Shows the answer for each registry that the typed command asks for.
fn every_registry(context: &CommandContext<'_>, typed: &str) -> Result<ExitCode, Failure> {
    let program = program(typed)?;
    let registries = caller::registries_of(&program);
    if registries.len() > caller::REGISTRIES_AT_MOST {
        let what = format!("the command asks for more than {} registries", caller::REGISTRIES_AT_MOST);
        return Err(Failure::usage(what, format!("name a registry: {} which REGISTRY --as '…'", context.program)));
    }
    let questions = registries.into_iter().map(|registry| Question::for_command(&program, typed, registry));
    let answers = questions.map(|question| WhichAnswer::to(context, &question)).collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<_> = match &answers[..] {
        [] => {
            let cure = if typed.contains(['$', '`']) {
                format!("let your shell fill in the variables: {} which --as \"…\"", context.program)
            } else {
                format!("name the registry too: {} which REGISTRY --as '…'", context.program)
            };
            let message = match caller::unknown_in_files(&program) {
                Some(UnknownImages { file, message, .. }) => {
                    format!("{}: {message}", accounts::shown(context.env, &file))
                }
                None => "neither the command after `--as` nor its files name an image".to_owned(),
            };
            return Err(Failure::usage(message, cure));
        }
        [answer] => vec![answer.text()],
        several => several.iter().map(WhichAnswer::text_with_registry).collect(),
    };
    let json: Vec<_> = answers.iter().map(|answer| &answer.json).collect();
    context.ui.data(json!({"schema": SCHEMA, "registries": json}), texts.join("\n\n"))?;
    for answer in &answers {
        answer.advise(context);
    }
    note_other_user(context, typed);
    // A registry without accounts is not an error here, because the command may need the registry only for a public
    // base image.
    let judged = answers.iter().find(|answer| !answer.is_answered() && !answer.has_nobody());
    let any = answers.iter().find(|answer| answer.is_answered());
    let deciding = judged.or(any);
    if deciding.is_none() {
        for answer in &answers {
            answer.advise_login(context);
        }
    }
    Ok(deciding.map_or(ExitCode::from(3), WhichAnswer::exit_code))
}

/// Warns that the typed command runs as another user, whose accounts this user cannot see.
fn note_other_user(context: &CommandContext<'_>, typed: &str) {
    let program = typed.split_whitespace().find(|word| !word.contains('=')).unwrap_or_default();
    if ["sudo", "sudo-rs", "doas", "pkexec", "su", "runuser"].contains(&program) {
        context.ui.note(format_args!("`{program}` may run this command as another user, who has other accounts"));
    }
}

fn operation(arguments: &args::WhichArguments) -> Option<Operation> {
    match (arguments.push, arguments.pull) {
        (true, _) => Some(Operation::Push),
        (_, true) => Some(Operation::Pull),
        _ => None,
    }
}

fn program(typed: &str) -> Result<caller::Program, Failure> {
    match caller::command_line(typed) {
        Ok(program) if !program.name.is_empty() => Ok(program),
        Err(UnreadableCommand::Several) => {
            Err(Failure::usage("`--as` accepts a single command", "run `which` once for each command"))
        }
        _ => Err(Failure::usage(
            "the command after `--as` could not be read",
            "quote it as a whole: --as 'docker push IMAGE'",
        )),
    }
}

/// Reads the name of a registry or an image. A text without a path is a registry if the text has a dot or a port. Any
/// other text is an image.
pub(super) fn registry_or_image(text: &str) -> Result<(Registry, Option<ImageReference>), Failure> {
    if let Some(registry) = text.parse().ok().filter(|_| text.contains(['.', ':']) || text == "localhost") {
        return Ok((registry, None));
    }
    let image: ImageReference = text.parse().map_err(|error| {
        let message = format!("`{}` is not an image: {error}", hide_userinfo(text));
        Failure::usage(message, "name the image as in `ghcr.io/acme/app:1`")
    })?;
    Ok((image.registry().clone(), Some(image)))
}
