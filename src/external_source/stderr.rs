//! Reads a program's stderr: quotes its end without secrets, and finds the hint for a known message.

use super::answer::AnswerFormat;
use super::commands::ProgramRequest;
use crate::system::programs::ProgramOutput;
use crate::system::text;

/// The largest number of characters that a message quotes.
const LIMIT: usize = 400;

const STRUCK: &str = "…";

/// Returns the end of the program's messages. The program's answer, and words that look like secrets, are replaced by
/// `…`.
pub(super) fn last_words(form: &AnswerFormat, output: &ProgramOutput) -> String {
    let answers = String::from_utf8_lossy(&output.stdout);
    let mut message = String::from_utf8_lossy(&output.stderr).into_owned();
    for line in answers.lines().map(str::trim).filter(|line| line.len() >= 6) {
        message = message.replace(line, STRUCK);
    }
    // Only a credential helper that fails prints its error on stdout. The stdout of any other program is the secret.
    let is_error = *form == AnswerFormat::Helper && !output.success && !answers.contains(['{', '[']);
    if message.trim().is_empty() && is_error {
        message = answers.into_owned();
    }
    let words: Vec<_> = message.split_whitespace().map(struck).collect();
    let message = words.join(" ");
    let plain: Vec<char> = text::sanitize(&message).chars().collect();
    match plain.len().checked_sub(LIMIT) {
        None | Some(0) => plain.into_iter().collect(),
        Some(surplus) => std::iter::once('…').chain(plain.into_iter().skip(surplus + 1)).collect(),
    }
}

/// Returns the hint for a known message.
pub(super) fn hint(stderr: &[u8], request: &ProgramRequest) -> Option<String> {
    const LOGIN_IS_OVER: [&str; 13] = [
        "sso login",
        "sso session",
        "expiredtoken",
        "unable to locate credentials",
        "gcloud auth login",
        "az login",
        "gh auth login",
        "no oauth token",
        "no active account",
        "not signed in",
        "not currently signed in",
        "missing client token",
        "reauthenticat",
    ];
    let message = String::from_utf8_lossy(stderr).to_lowercase();
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if request.program == "gh" && message.contains("unknown flag: --user") {
        return Some(
            "update gh to 2.40 or later, which supports several users; with an older gh use `--borrow command`".into(),
        );
    }
    let login = request.login.as_ref().filter(|_| LOGIN_IS_OVER.iter().any(|words| message.contains(words)))?;
    Some(format!("run `{login}`"))
}

/// Replaces the parts of a word that look like a secret. A secret is recognised by its prefix or its mixture of
/// characters.
fn struck(word: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '=' | '~');
    let mut safe = String::new();
    let mut rest = word;
    while !rest.is_empty() {
        let is_jwt = rest.starts_with("eyJ"); // a JWT contains dots
        let end = rest.find(|c| !(is_part(c) || is_jwt && c == '.')).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        safe.push_str(if looks_secret(part) { STRUCK } else { part });
        let next = after.find(is_part).unwrap_or(after.len());
        safe.push_str(&after[..next]);
        rest = &after[next..];
    }
    safe
}

fn looks_secret(part: &str) -> bool {
    const BEGINNINGS: [&str; 13] = [
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "github_pat_",
        "glpat-",
        "dckr_pat_",
        "hvs",
        "ya29",
        "AKIA",
        "ASIA",
        "eyJ",
        "xox",
    ];
    let value = part.split_once('=').map_or(part, |(_, value)| value);
    let has = |kind: fn(&char) -> bool| value.chars().any(|c| kind(&c));
    let is_mixture = has(char::is_ascii_digit) && has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase);
    let is_long = value.len() >= 32 && has(char::is_ascii_digit) && has(char::is_ascii_alphabetic);
    let begins = |beginning: &str| value.starts_with(beginning) && value.len() >= beginning.len() + 4;
    is_long || (is_mixture && value.len() >= 16) || BEGINNINGS.iter().any(|beginning| begins(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::external_source::commands;
    use crate::model::{ExternalProgram, ExternalSource, Registry};
    use zeroize::Zeroizing;

    #[test]
    fn a_person_reads_the_last_words_without_secrets() {
        let read = |form, success, stderr: &[u8], stdout: &[u8]| {
            let [stdout, stderr] = [stdout, stderr].map(|bytes| Zeroizing::new(bytes.to_vec()));
            last_words(&form, &ProgramOutput { success, code: Some(i32::from(!success)), stdout, stderr })
        };
        let failed_helper = |stderr: &[u8], stdout: &[u8]| read(AnswerFormat::Helper, false, stderr, stdout);
        for (stderr, stdout, expected) in [
            ("", "", ""),
            (
                "\nAn error occurred (AccessDenied)\n  when calling X \n",
                "",
                "An error occurred (AccessDenied) when calling X",
            ),
            ("no oauth token found for github.com\n", "", "no oauth token found for github.com"),
            ("+ echo hunter2hunter2\n", "hunter2hunter2\n", "+ echo …"),
            ("token ghp_abcdef123456, bad", "", "token …, bad"),
            ("Bearer eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl", "", "Bearer …"),
            ("PASSWORD=Abcdefgh12345678 x", "", "… x"),
            ("short glpat-abc, long glpat-abcd", "", "short glpat-abc, long …"),
            ("short Abcdefgh1234567 letters ABCDEFGHabcdefgh", "", "short Abcdefgh1234567 letters ABCDEFGHabcdefgh"),
            ("hex 0123456789abcdef0123456789abcdef", "", "hex …"),
            ("hex 0123456789abcdef0123456789abcde", "", "hex 0123456789abcdef0123456789abcde"),
            ("digits 01234567890123456789012345678901", "", "digits 01234567890123456789012345678901"),
            ("word the_credential_helper_of_the_company", "", "word the_credential_helper_of_the_company"),
            ("+ echo hunter\n", "hunter\n", "+ echo …"),
            ("+ echo hunte\n", "hunte\n", "+ echo hunte"),
            (
                "see /home/me/.aws/sso/cache and https://example.com/a-b",
                "",
                "see /home/me/.aws/sso/cache and https://example.com/a-b",
            ),
            ("arn:aws:iam::123456789012:role/deploy", "", "arn:aws:iam::123456789012:role/deploy"),
            ("", "Repository url [x] is not supported", ""),
            ("", "host is not supported\n", "host is not supported"),
            ("", "{\"Secret\":\"s\"}", ""),
            ("red \u{1b}[31m\u{202e}text", "", "red  [31m text"),
        ] {
            assert_eq!(failed_helper(stderr.as_bytes(), stdout.as_bytes()), expected, "{stderr:?}");
        }
        let long = failed_helper("word \u{fffd} ".repeat(300).as_bytes(), b"");
        assert_eq!((long.chars().count(), long.starts_with('…')), (LIMIT, true));
        failed_helper(&[0xff, 0xfe, 0], &[0xff]);
        for form in [AnswerFormat::Line, AnswerFormat::FirstLine, AnswerFormat::LineOrHelper, AnswerFormat::Gcloud] {
            assert_eq!(read(form, false, b"", b"correct horse\n"), "");
        }
        assert_eq!(read(AnswerFormat::Helper, true, b"", b"correct horse\n"), "");
    }

    #[test]
    fn the_way_out_is_the_programs_own_login() {
        let cure_of = |preset, host: &str, stderr: &str| {
            let source = ExternalSource { program: preset, env: [].into(), cache: None };
            let request = commands::request(&source, &Registry::from_key(host)).unwrap();
            hint(stderr.as_bytes(), &request)
        };
        let ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        let aws = || ExternalProgram::Aws { profile: Some("prod".into()) };
        let gh = || ExternalProgram::Gh { host: "github.com".into(), user: Some("me".into()) };
        for (preset, host, stderr, expected) in [
            (
                aws(),
                ecr,
                "Error loading SSO Token: the\nSSO session has expired",
                Some("run `aws sso login --profile prod`"),
            ),
            (aws(), ecr, "Could not connect to the endpoint URL", None),
            (
                gh(),
                "ghcr.io",
                "no oauth token found for github.com",
                Some("run `gh auth login --hostname github.com --scopes write:packages`"),
            ),
            (
                gh(),
                "ghcr.io",
                "unknown flag: --user\n",
                Some(
                    "update gh to 2.40 or later, which supports several users; with an older gh use `--borrow command`",
                ),
            ),
            (ExternalProgram::Pass { item: "x".into() }, "ghcr.io", "az login", None),
        ] {
            assert_eq!(cure_of(preset, host, stderr).as_deref(), expected, "{stderr}");
        }
    }
}
