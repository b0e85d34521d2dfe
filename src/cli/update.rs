//! `update`: how this copy of the program is renewed. It never renews itself: whoever can replace a program that is given
//! secrets must be somebody the person chose (a package manager, or a checkout of the source).

use std::path::{Path, PathBuf};

use super::Context;
use super::failure::Failure;
use crate::model::Problem;
use crate::system::text::one_line;
use crate::system::{env, files};

/// Where `install.sh` writes down its checkout, seen from the folder above the program's.
const RECORD: &str = "lib/ensign/installed-from";

const LIMIT: u64 = 4096;

/// Always an error: nothing is newer after it.
pub(super) fn run(context: &Context<'_>) -> Result<std::convert::Infallible, Failure> {
    let program = env::program().ok_or_else(|| Problem::new("this program cannot find itself", "install it again"))?;
    let built = checkout(&program)?.map(|folder| {
        let script = folder.join("install.sh");
        let short = context.env.shorten_home(&script);
        (if is_plain(&short) { short } else { script.display().to_string() }, script.is_file()) // no shell expands '~'
    });
    let usual = context.env.home().and_then(|home| home.join(".local").canonicalize().ok());
    let prefix = prefix(&program).filter(|prefix| usual.as_deref() != Some(*prefix));
    Err(advice(built, prefix).into())
}

/// `built`: the script that installed this program, and whether it is still there. `prefix`: where to, if not to the usual
/// place.
fn advice(built: Option<(String, bool)>, prefix: Option<&Path>) -> Problem {
    let not_itself = "Ensign does not update itself, and nothing was changed";
    match built {
        None => Problem::new(
            format!("{not_itself}: this copy was not installed by install.sh"),
            "update it with what installed it, such as the system's package manager",
        ),
        Some((script, false)) => Problem::new(
            format!("{not_itself}: `{script}`, which installed it, is gone"),
            "fetch the source again and run its install.sh",
        ),
        Some((script, true)) => {
            let to =
                prefix.map(|prefix| format!(" --prefix {}", quoted(&prefix.to_string_lossy()))).unwrap_or_default();
            Problem::new(
                format!("{not_itself}: `{script}` installed it from source"),
                format!("renew that source, as with `git pull`, and run `{}{to}` again", quoted(&script)),
            )
        }
    }
}

/// The checkout whose `install.sh` installed this program.
fn checkout(program: &Path) -> anyhow::Result<Option<PathBuf>> {
    let Some(prefix) = prefix(program) else { return Ok(None) };
    let bytes = files::read_any(&prefix.join(RECORD), LIMIT)?;
    Ok(bytes.map(|bytes| PathBuf::from(one_line(&String::from_utf8_lossy(&bytes), 1000))))
}

fn prefix(program: &Path) -> Option<&Path> {
    program.parent()?.parent()
}

/// As a shell takes it.
fn quoted(word: &str) -> String {
    if is_plain(word) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

fn is_plain(word: &str) -> bool {
    word.chars().all(|c| c.is_alphanumeric() || "/._-~+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_installed_a_program_updates_it() {
        let here = |script: &str| Some((script.to_owned(), true));
        for (built, prefix, what, cure) in [
            (None, None, "was not installed by install.sh", "such as the system's package manager"),
            (
                Some(("~/e/install.sh".to_owned(), false)),
                None,
                "`~/e/install.sh`, which installed it, is gone",
                "fetch",
            ),
            (here("~/e/install.sh"), None, "installed it from source", "and run `~/e/install.sh` again"),
            (here("/a b/install.sh"), Some("/opt"), "from source", "and run `'/a b/install.sh' --prefix /opt` again"),
            (here("/e/install.sh"), Some("/o'p"), "from source", r"and run `/e/install.sh --prefix '/o'\''p'` again"),
        ] {
            let Problem { what: told, cure: help } = advice(built, prefix.map(Path::new));
            assert!(told.starts_with("Ensign does not update itself, and nothing was changed: "), "{told}");
            assert!(told.contains(what) && help.contains(cure), "{told}: {help}");
        }
    }
}
