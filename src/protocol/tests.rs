//! Whole conversations of a client, each call with its answer on stdout.

use super::*;
use crate::model::env_account::{self, EnvAccount};
use crate::system::files::{self, Access};

/// Returns a home with these settings in `config.json`. The config sets the store, so that no keyring is asked, and
/// turns the journal off.
fn home(settings: &str, mounted: Vec<EnvAccount>) -> (tempfile::TempDir, Env) {
    let folder = tempfile::tempdir().unwrap();
    let env = Env::in_folder(folder.path(), mounted);
    let text = format!(r#"{{"version": 3, "store": "file", "journal": false{settings}}}"#);
    files::replace(&folder.path().join("config/config.json"), text.as_bytes(), Access::Private).unwrap();
    (folder, env)
}

/// Returns the stdout of a call.
fn answer(env: &Env, pinned: Option<&str>, verb: &str, stdin: &str) -> String {
    let pinned: Option<AccountName> = pinned.map(|name| name.parse().unwrap());
    let call = ProtocolCall { accounts: Accounts::new(env), env, pinned: pinned.as_ref() };
    let action = Action::ALL.into_iter().find(|action| action.verb() == verb).unwrap();
    let mut stdout = vec![];
    if let Err(refusal) = call.answer(action, stdin.as_bytes(), &mut stdout) {
        refusal.write(&mut stdout, &mut vec![], false);
    }
    String::from_utf8(stdout).unwrap()
}

/// Runs a call and returns one line. A call is `verb address` or `store address user secret`, with `name:` before it
/// for a pinned helper.
fn line(env: &Env, call: &str) -> String {
    let (pinned, call) = call.split_once(": ").map_or((None, call), |(name, call)| (Some(name), call));
    let answered = match call.split(' ').collect::<Vec<_>>()[..] {
        ["store", url, user, secret] => {
            let stdin = serde_json::json!({"ServerURL": url, "Username": user, "Secret": secret}).to_string();
            answer(env, pinned, "store", &stdin)
        }
        ["list"] => answer(env, pinned, "list", ""),
        [verb, url] => answer(env, pinned, verb, url),
        _ => panic!("{call}"),
    };
    let fields =
        |answer: serde_json::Value| Some(format!("{} {}", answer["Username"].as_str()?, answer["Secret"].as_str()?));
    let credential = serde_json::from_str(&answered).ok().and_then(fields);
    credential.unwrap_or_else(|| answered.trim_end().replace(Credential::NOT_FOUND, "none"))
}

const HUB: &str = "https://index.docker.io/v1/";

#[test]
fn logins_are_stored_chosen_listed_and_erased() {
    let (_folder, env) = home("", vec![]);
    for (call, expected) in [
        ("list", "{}"),
        ("get ghcr.io", "none"),
        ("store ghcr.io me s1", ""),
        ("get ghcr.io", "me s1"),
        ("list", r#"{"ghcr.io":"me"}"#),
        ("store https://ghcr.io/ you s2", ""),
        ("get ghcr.io", "you s2"),
        ("get me@ghcr.io", "me s1"),
        ("get bob@ghcr.io", "none"),
        ("store ghcr.io/acme/app bot s3", ""), // counts for this repository only
        ("get ghcr.io", "you s2"),
        ("get ghcr.io/acme/app", "bot s3"),
        ("erase ghcr.io/acme/other", ""),
        ("get ghcr.io/acme/app", "bot s3"),
        ("erase ghcr.io/acme/app", ""),
        ("get ghcr.io/acme/app", "you s2"),
        ("store quay.io/acme/app bot s4", ""), // the first account of a registry answers for the whole registry
        ("get quay.io", "bot s4"),
        ("erase me@ghcr.io", ""),
        ("get me@ghcr.io", "none"),
        ("erase bob@ghcr.io", ""),
        ("get ghcr.io", "you s2"),
        ("erase ghcr.io", ""),
        ("get ghcr.io", "none"),
        ("erase ghcr.io", ""),
        ("list", r#"{"quay.io":"bot"}"#),
        ("store ghcr.io me s5", ""),
        ("work: store ghcr.io w s6", ""),
        ("get ghcr.io", "w s6"),
        ("work: get ghcr.io", "w s6"),
        ("me: get ghcr.io", "me s5"),
        ("list", r#"{"quay.io":"bot","ghcr.io":"w"}"#),
        ("work: list", r#"{"ghcr.io":"w"}"#),
        ("other: list", "{}"),
        ("other: get ghcr.io", "none"),
        ("other: erase ghcr.io", ""),
        ("work: erase ghcr.io", ""),
        ("work: get ghcr.io", "none"),
        ("get ghcr.io", "none"),
        ("get me@ghcr.io", "me s5"),
    ] {
        assert_eq!(line(&env, call), expected, "{call}");
    }
    line(&env, "store https://Quay.IO:443/v2/ q s");
    let spellings = Accounts::new(&env).other_names().unwrap().remove(&Registry::from_key("quay.io"));
    assert_eq!(spellings.unwrap(), ["Quay.IO:443"]);
    assert_eq!(Action::ALL.map(Action::reads_stdin), [true, true, true, false]);
}

#[test]
fn a_refusal_follows_the_verdict() {
    let env = Env::default();
    let refused = |verdict| {
        let decision = Decision {
            passed_over: vec!["w".into()],
            ..Decision::without_steps(&Registry::from_key("ghcr.io"), verdict)
        };
        let accounts = Accounts::new(&env);
        refusal(&decision, accounts.explanation(&decision))
    };
    for verdict in [Verdict::NoAccount, Verdict::SignedOut, Verdict::NoSuchAccount, Verdict::Helper] {
        assert!(matches!(refused(verdict), ProtocolError::NotFound(None)), "{verdict:?}");
    }
    assert!(matches!(refused(Verdict::NoneForOperation), ProtocolError::NotFound(Some(_))));
    assert!(matches!(refused(Verdict::Several), ProtocolError::Several { options: Some(_), .. }));
}

#[test]
fn side_tokens_belong_to_the_account_of_docker_hub_that_answers() {
    let (_folder, env) = home("", vec![]);
    let [access, refresh] = ["access-token", "refresh-token"].map(|key| format!("{HUB}{key}"));
    for (call, expected) in [
        (format!("get {access}"), "none"),
        (format!("store {HUB} alice s1"), ""),
        (format!("get {access}"), "none"),
        (format!("store {access} alice a1"), ""),
        (format!("get {access}"), "alice a1"),
        (format!("get {refresh}"), "none"),
        ("list".into(), r#"{"https://index.docker.io/v1/":"alice"}"#),
        (format!("store {HUB} bob s2"), ""),
        (format!("get {access}"), "none"),
        (format!("alice: get {access}"), "alice a1"),
        (format!("bob: get {access}"), "none"),
        (format!("erase {access}"), ""), // erases bob's token, but bob has none
        (format!("alice: get {access}"), "alice a1"),
        (format!("alice: erase {access}"), ""),
        (format!("alice: get {access}"), "none"),
        ("get docker.io".into(), "bob s2"),
    ] {
        assert_eq!(line(&env, &call), expected, "{call}");
    }
}

#[test]
fn a_call_that_cannot_be_answered_says_why_in_one_line() {
    let registries = r#", "registries": {"ghcr.io": {"accounts": {"me": {}, "you": {}}},
        "push.example": {"accounts": {"w": {"for": "push"}}},
        "routed.example": {"helper": "no-such-helper"}, "docker.io": {"helper": "no-such-helper"}}"#;
    let account = env_account::read_variable("CI", "given.example bot s7").unwrap();
    let (_folder, mut env) = home(registries, vec![account]);
    for (account, call, expected) in [
        (None, "get ghcr.io", "several accounts for ghcr.io: run docker-credential-ensign switch ghcr.io"),
        (None, "get ", "no credentials server URL"),
        (None, "erase ", "no credentials server URL"),
        (None, "store ghcr.io  s", "no credentials username"),
        (None, "get *.example", "none"),
        (
            None,
            "store *.example me s",
            "a client can save the login of one registry, not of all in *.example: run `docker-credential-ensign login '*.example'`",
        ),
        (
            None,
            "erase *.example",
            "a client can remove the login of one registry, not of all in *.example: run `docker-credential-ensign logout '*.example'`",
        ),
        (None, "get routed.example", "none"),
        (None, "get https://index.docker.io/v1/access-token", "none"),
        (None, "store routed.example me s", "the login of routed.example was not kept: "),
        (None, "erase routed.example", "the login of routed.example was not removed: "),
        (Some("nobody"), "get ghcr.io", "ENSIGN_ACCOUNT names `nobody`, but ghcr.io has no such account: "),
        (Some("ghcr.io=nobody"), "get ghcr.io", "ENSIGN_ACCOUNT names `nobody`, but ghcr.io has no such account: "),
        (Some("other.example=nobody"), "get given.example", "bot s7"),
        (None, "get given.example", "bot s7"),
        (None, "erase given.example", ""),
        (None, "get given.example", "bot s7"),
    ] {
        env.account = account.map(str::to_owned);
        let found = line(&env, call);
        let is_whole = !expected.ends_with(": ");
        assert!(if is_whole { found == expected } else { found.starts_with(expected) }, "{call}: {found}");
    }
    let (_folder, env) = home(r#", "registries": {"routed.example": {"helper": "no-such-helper"}}"#, vec![]);
    for (call, expected) in [("me: store routed.example me s", ""), ("me: get routed.example", "me s")] {
        assert_eq!(line(&env, call), expected, "a pinned program answers itself: {call}");
    }
    let odd = answer(&env, None, "store", "nonsense");
    assert!(odd.starts_with("could not store the login: stdin contains no JSON object with strings (line 1)"), "{odd}");
}

/// Starts this test again as a child that panics, because a panic must end the process.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test runs itself")]
fn a_panic_is_one_line_on_stdout_and_exit_code_1() {
    const CHILD: &str = "ENSIGN_TEST_PANICS";
    if std::env::var_os(CHILD).is_some() {
        answer_panics();
        panic!("hunter2");
    }
    let test = "protocol::tests::a_panic_is_one_line_on_stdout_and_exit_code_1";
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", test, "--nocapture"]).env(CHILD, "1").output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout.ends_with(": please report this bug\n") && !stdout.contains("hunter2"), "{stdout}");
}
