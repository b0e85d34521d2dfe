//! Tests the files with secrets in clear text. tests/it/sealed.rs tests the sealed files.

use super::*;

fn changed(file: &SecretFile<'_>, change: impl FnOnce(&mut SecretsContents) -> bool) -> Result<()> {
    file.edit(&mut SecretChanges::default(), change)
}

fn sandbox() -> (tempfile::TempDir, SecretFile<'static>) {
    let folder = tempfile::tempdir().unwrap();
    let mut env = Env::default();
    env.data_dir = Some(folder.path().to_owned());
    let file = SecretFile::new(Box::leak(Box::new(env)), FileForm::Clear, &Registry::docker_hub()).unwrap();
    (folder, file)
}

fn stored(text: String) -> StoredSecret {
    Secret::new(text).into()
}

fn exposed_of(stored: Option<StoredSecret>) -> Option<String> {
    exposed(stored.map(|stored| stored.secret))
}

#[expect(clippy::disallowed_methods, reason = "compared in a test")]
fn exposed(secret: Option<Secret>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}

#[test]
fn secrets_and_tokens_are_kept_apart_and_the_last_one_takes_the_file_along() {
    let (_folder, file) = sandbox();
    let (name, user): (AccountName, Username) = ("me".parse().unwrap(), "alice".parse().unwrap());
    changed(&file, |contents| contents.put(&name, &stored("s3cret \u{2028}\n".into()))).unwrap();
    changed(&file, |contents| contents.put_token(&user, HubToken::Refresh, &Secret::new("rt".into()))).unwrap();
    assert_eq!(exposed_of(file.stored(&name).unwrap()).as_deref(), Some("s3cret \u{2028}\n"));
    assert_eq!(exposed_of(file.stored(&"rt".parse().unwrap()).unwrap()), None);
    changed(&file, |contents| contents.put(&name, &stored("r3newd \u{2028}\n".into()))).unwrap();
    assert_eq!(exposed_of(file.stored(&name).unwrap()).as_deref(), Some("r3newd \u{2028}\n"), "as long as before");
    assert_eq!(exposed(file.token(&user, HubToken::Refresh).unwrap()).as_deref(), Some("rt"));
    assert_eq!(exposed(file.token(&user, HubToken::Access).unwrap()), None);
    changed(&file, |contents| contents.remove(name.as_str())).unwrap();
    changed(&file, |contents| contents.remove_token(&user, HubToken::Refresh)).unwrap();
    assert!(!file.path.exists());
}

#[test]
fn a_file_that_could_not_be_read_again_is_not_written() {
    let (_folder, file) = sandbox();
    let (small, large): (AccountName, AccountName) = ("small".parse().unwrap(), "large".parse().unwrap());
    changed(&file, |contents| contents.put(&small, &stored("s".into()))).unwrap();
    let error = changed(&file, |contents| contents.put(&large, &stored("l".repeat(4 << 20)))).unwrap_err();
    assert_eq!(error.to_string(), "the secrets of docker.io need more than 4 MiB, which is too much for one file");
    assert_eq!(exposed_of(file.stored(&small).unwrap()).as_deref(), Some("s"));
}

#[test]
fn a_broken_file_is_named_without_its_text_and_left_alone() {
    let (_folder, file) = sandbox();
    files::replace(&file.path, b"{\"version\": 1,\n\"secrets\": {\"me\": hunter2", Access::Private).unwrap();
    let error = file.stored(&"me".parse().unwrap()).unwrap_err().to_string();
    assert!(error.contains("broken at line 2") && error.ends_with("run `docker-credential-ensign restore`"), "{error}");
    assert!(!error.contains("hunter2"));
    assert!(changed(&file, |contents| contents.put(&"me".parse().unwrap(), &stored("x".into()))).is_err());
    assert!(file.set_aside_if_broken().unwrap().is_some_and(|place| place.ends_with("secrets/docker.io.json.damaged")));
    assert!(file.set_aside_if_broken().unwrap().is_none());
}
