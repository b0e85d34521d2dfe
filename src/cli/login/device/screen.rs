//! Shows a login by browser as text for a person and as events for a program.

use std::time::Duration;

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde_json::json;

use crate::cli::failure::Failure;
use crate::cli::{CommandContext, args};
use crate::model::Problem;
use crate::model::choice::RegistryAccounts;
use crate::oauth::{self, DeviceFlowError, PollWarning, Prompt, WaitNotice};
use crate::system::env;

/// Shows the link and the code, then opens the browser. If no browser opens, the user needs the link and the code.
pub(super) fn show(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    title: &str,
    prompt: &Prompt,
) -> Result<(), Failure> {
    let Prompt { user_code, link, complete, lasts } = prompt;
    let ui = &context.ui;
    ui.json(json!({
        "event": "code", "verification_uri": link, "verification_uri_complete": complete, "user_code": user_code,
        "expires_in": lasts.as_secs(),
    }))?;
    ui.say(format_args!("Log in at {title} with a browser, here or on another machine:"));
    ui.say("");
    ui.say(format_args!("    Link  {link}"));
    ui.say(format_args!("    Code  {user_code}"));
    ui.say("");
    let best = complete.as_deref().unwrap_or(link);
    if arguments.browser.qr {
        match qr_lines(best) {
            Some(lines) => lines.iter().for_each(|line| ui.say(line)),
            None => ui.note("the link is too long for a QR code"),
        }
    }
    // Over ssh, the browser would open on the remote machine or occupy the terminal.
    let is_remote = env::variable("SSH_CONNECTION").is_some() || env::variable("SSH_TTY").is_some();
    if arguments.browser.no_browser || !ui.can_ask() || is_remote {
        return Ok(());
    }
    if !oauth::is_fit_for_browser(best) {
        ui.note("the link is not https, so Ensign does not open it");
    } else if ui.open_browser(best) {
        ui.say("Your browser opens. Approve the login only if it shows the same code.");
    } else {
        ui.note("no browser could be opened");
    }
    Ok(())
}

/// Returns the lines of the link's QR code, or `None` if the link is too long. On a light terminal the code is
/// inverted, but scanners also read inverted codes.
fn qr_lines(link: &str) -> Option<Vec<String>> {
    let code = QrCode::with_error_correction_level(link, EcLevel::L).ok()?;
    // Most terminals write light text on a dark background, so the code's light squares are drawn as text.
    let text = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    Some(text.lines().map(str::to_owned).collect())
}

/// Waits until the user approves or refuses the login, and shows the remaining time.
pub(super) fn wait(
    context: &CommandContext<'_>,
    title: &str,
    pending: oauth::PendingLogin,
) -> Result<oauth::DeviceLogin, DeviceFlowError> {
    let line = context.ui.live_line(format_args!("Waiting for {title}"));
    if !line.is_seen() {
        context.ui.say(format_args!("Waiting for {title}, {} at most …", remaining_time(pending.prompt().lasts)));
    }
    let mut trouble = "";
    pending.wait(|waiting| match waiting {
        WaitNotice::Left(time) => line.set(format_args!("Waiting for {title}, {} left{trouble}", remaining_time(time))),
        WaitNotice::Warning(warning) => {
            let (reason, words, why) = match warning {
                PollWarning::SlowedDown => ("slow_down", " (the provider asks us to slow down)", None),
                PollWarning::OutOfReach(why) => ("out_of_reach", " (out of reach, trying again)", Some(why)),
            };
            if trouble != words {
                let _ = context.ui.json(json!({"event": "waiting", "reason": reason, "detail": why}));
                if !line.is_seen() {
                    context.ui.note(format_args!("{title}{words}"));
                }
            }
            trouble = words;
        }
    })
}

fn remaining_time(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

/// Explains why a login by browser failed, with advice.
pub(super) fn describe_failure(known: &RegistryAccounts, title: &str, ended: DeviceFlowError) -> Failure {
    let what = |why: &str| format!("login failed for {}: {why}", known.registry);
    let again = "login not saved; run the same command again";
    match ended {
        DeviceFlowError::Refused => Failure::not_logged_in(what(&format!("the login was refused at {title}")), again),
        DeviceFlowError::Expired { drifts: false } => {
            Failure::not_logged_in(what("the code expired before the login was approved"), again)
        }
        DeviceFlowError::Expired { drifts: true } => {
            let why = "the code expired; the provider kept asking us to slow down";
            Failure::not_logged_in(what(why), "check this machine's clock; login not saved")
        }
        DeviceFlowError::SessionOver(page) => {
            let hint = page
                .map_or_else(|| again.to_owned(), |page| format!("log in at {page} with a browser, then try again"));
            Failure::not_logged_in(what("the session has expired"), hint)
        }
        DeviceFlowError::OutOfReach(why) => {
            Problem::new(what(&format!("{title} is out of reach: {why}")), again).into()
        }
        DeviceFlowError::Failed(why) => Problem::new(what(&format!("{title}: {why}")), again).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_told_as_on_a_clock() {
        for (seconds, shown) in [(0, "0:00"), (59, "0:59"), (600, "10:00"), (3599, "59:59")] {
            assert_eq!(remaining_time(Duration::from_secs(seconds)), shown);
        }
    }

    #[test]
    fn a_link_becomes_a_square_two_rows_a_line() {
        let lines = qr_lines("https://github.com/login/device").unwrap();
        let width = lines[0].chars().count();
        assert_eq!((width, lines.len()), (33, 17)); // version 2 has 25 modules and a margin of 4 on each side
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert!(qr_lines(&"x".repeat(4000)).is_none());
    }
}
