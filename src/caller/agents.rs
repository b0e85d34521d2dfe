//! Recognises coding agents by environment variables, and by the names of the processes above Ensign.
//!
//! Sources: the agents' own documentation, and the table in GitHub's CLI (cli/cli `internal/agents/detect.go`). The
//! tables leave out variables that people set in their own shell, such as `GOOSE_PROVIDER`.

use std::ffi::OsString;

use super::program_role;
use crate::system::ancestors::Process;

/// The environment variables that reveal a coding agent. A `*` at the end of a name matches any ending, and
/// `NAME=VALUE` matches only this value.
const VARIABLES: [(&str, &str); 18] = [
    ("CLAUDECODE", "Claude Code"), // code.claude.com/docs/en/env-vars
    ("CLAUDE_CODE", "Claude Code"),
    ("CLAUDE_CODE_IS_COWORK", "Claude Code"),
    ("CURSOR_AGENT", "Cursor"),
    ("CURSOR_EXTENSION_HOST_ROLE=agent-exec", "Cursor"),
    ("CODEX_*", "Codex"),         // openai/codex codex-rs/core/src/{spawn,exec_env}.rs
    ("GEMINI_CLI", "Gemini CLI"), // google-gemini/gemini-cli docs/tools/shell.md
    ("AIDER_*", "aider"),         // aider.chat/docs/config/dotenv.html
    ("COPILOT_CLI", "Copilot CLI"),
    ("OPENCODE", "opencode"), // anomalyco/opencode packages/opencode/src/index.ts
    ("ANTIGRAVITY_AGENT", "Antigravity"),
    ("AUGMENT_AGENT", "Augment"),
    ("CLINE_ACTIVE", "Cline"),   // cline/cline src/integrations/terminal
    ("GOOSE_TERMINAL", "goose"), // block/goose docs: environment variables
    ("QWEN_CODE", "Qwen Code"),  // a fork of Gemini CLI
    ("AGENT=amp", "Amp"),
    ("AGENT=goose", "goose"),
    ("AI_AGENT", "an agent"), // any agent may set this variable
];

/// Variables that match `CODEX_*` but reveal no agent, because people set them in their own shell.
const SETTINGS: [&str; 2] = ["CODEX_HOME", "CODEX_API_KEY"];

/// The names of agents' programs and packages. Each name is compared with the name of a process's program, and with
/// each part of the path of the script that the process runs.
const PROGRAMS: [(&str, &str); 18] = [
    ("claude", "Claude Code"),
    ("claude-code", "Claude Code"),
    ("cursor-agent", "Cursor"),
    ("codex", "Codex"),
    ("gemini", "Gemini CLI"),
    ("gemini-cli", "Gemini CLI"),
    ("aider", "aider"),
    ("copilot", "Copilot CLI"),
    ("opencode", "opencode"),
    ("auggie", "Augment"),
    ("goose", "goose"),
    ("amp", "Amp"),
    ("qwen", "Qwen Code"),
    ("qwen-code", "Qwen Code"),
    ("crush", "Crush"),
    ("cline", "Cline"),
    ("droid", "Droid"),
    ("openhands", "OpenHands"),
];

/// Returns the first sign of a coding agent. The signs are Ensign's environment variables, and the names and
/// environment variables of the processes above Ensign.
pub(super) fn find(
    ours: impl IntoIterator<Item = (OsString, OsString)>,
    processes: &[Process],
    variables: impl Fn(&Process) -> Vec<OsString>,
) -> Option<String> {
    let own = ours.into_iter().find_map(|(name, value)| by_variable(name.to_str()?, value.to_str().unwrap_or("?")));
    own.or_else(|| processes.iter().find_map(by_name)).or_else(|| {
        let mut all = processes.iter().flat_map(variables);
        all.find_map(|variable| {
            let text = variable.to_string_lossy();
            let (name, value) = text.split_once('=')?;
            by_variable(name, value)
        })
    })
}

fn by_variable(name: &str, value: &str) -> Option<String> {
    let is_meant = |known: &str| match (known.split_once('='), known.strip_suffix('*')) {
        (Some((known, wanted)), _) => name == known && value == wanted,
        (None, Some(beginning)) => name.starts_with(beginning) && !SETTINGS.contains(&name),
        (None, None) => name == known,
    };
    let (_, agent) = VARIABLES.iter().find(|(known, _)| !value.is_empty() && is_meant(known))?;
    Some(format!("{name} shows that {agent} is running"))
}

fn by_name(process: &Process) -> Option<String> {
    let (name, agent) =
        program_role::names(process).find_map(|name| PROGRAMS.iter().find(|(known, _)| *known == name))?;
    Some(format!("`{name}` ({agent}) started this command"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(exe: &str, words: &str) -> Process {
        let exe = Some(exe).filter(|exe| !exe.is_empty()).map(Into::into);
        Process { id: 0, exe, words: words.split(' ').map(str::to_owned).collect() }
    }

    #[test]
    fn an_agent_is_known_by_a_variable() {
        for (variable, expected) in [
            ("CLAUDECODE=1", Some("CLAUDECODE shows that Claude Code is running")),
            ("CLAUDECODE=", None),
            ("CURSOR_AGENT=1", Some("CURSOR_AGENT shows that Cursor is running")),
            ("CURSOR_TRACE_ID=x", None), // every terminal of that editor has this variable
            ("CODEX_SANDBOX=seatbelt", Some("CODEX_SANDBOX shows that Codex is running")),
            ("CODEX_THREAD_ID=x", Some("CODEX_THREAD_ID shows that Codex is running")),
            ("CODEX_HOME=/h", None),
            ("GEMINI_CLI=1", Some("GEMINI_CLI shows that Gemini CLI is running")),
            ("GEMINI_API_KEY=1", None),
            ("AIDER_MODEL=x", Some("AIDER_MODEL shows that aider is running")),
            ("AGENT=amp", Some("AGENT shows that Amp is running")),
            ("AGENT=smith", None),
            ("SSH_AGENT_PID=1", None),
            ("PATH=/bin", None),
        ] {
            let (name, value) = variable.split_once('=').unwrap();
            let found = find([(name.into(), value.into())], &[], |_| vec![]);
            assert_eq!(found.as_deref(), expected, "{variable}");
            let found = find([], &[process("/bin/sh", "sh")], |_| vec!["A=b".into(), variable.into()]);
            assert_eq!(found.as_deref(), expected, "{variable} of an ancestor");
        }
    }

    #[test]
    fn an_agent_is_known_by_the_name_of_a_process() {
        for (exe, words, expected) in [
            ("/usr/bin/node", "claude", Some("`claude` (Claude Code) started this command")),
            (
                "/home/me/.local/share/claude/versions/2.0.1",
                "claude -c",
                Some("`claude` (Claude Code) started this command"),
            ),
            (
                "/usr/bin/node",
                "node /usr/lib/node_modules/@anthropic-ai/claude-code/cli.js",
                Some("`claude-code` (Claude Code) started this command"),
            ),
            ("/usr/bin/node", "node --x /opt/@openai/codex/bin/codex.js", Some("`codex` (Codex) started this command")),
            (
                "/usr/bin/python3.12",
                "python3 /home/me/.local/bin/aider --yes",
                Some("`aider` (aider) started this command"),
            ),
            ("/opt/Codex.exe", "codex", Some("`codex` (Codex) started this command")),
            ("/usr/bin/bash", "bash /home/me/claude/build.sh", None),
            ("/usr/bin/vim", "vim claude", None),
            ("/usr/bin/docker", "docker push x/claude", None),
            ("/usr/bin/node", "node server.js claude", None),
            ("", "", None),
        ] {
            assert_eq!(find([], &[process(exe, words)], |_| vec![]).as_deref(), expected, "{exe} {words}");
        }
    }
}
