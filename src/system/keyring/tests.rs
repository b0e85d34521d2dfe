//! Tests that write, read and remove an entry in the keyring of the test's own session.

use std::time::Duration;

use super::{KeyringEntry, KeyringError, delete, read, write};
use crate::model::Secret;

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
#[ignore = "writes to the keyring of this session: docs/platforms.md says where it was run"]
#[expect(clippy::disallowed_methods, reason = "compared")]
fn a_keyring_keeps_what_it_is_given() -> Result<(), KeyringError> {
    let account = format!("test-{}", std::process::id());
    let entry = KeyringEntry { service: "ensign-test", account: &account };
    let other = KeyringEntry { service: "ensign-test", account: "nobody" };
    let value = || read(entry, PATIENCE).map(|secret| secret.map(|secret| secret.expose().to_owned()));
    assert_eq!(value()?, None);
    delete(entry, PATIENCE)?;
    for secret in ["first", "p\u{e4}ss \"w\u{f6}rd\"\n", &"long".repeat(400)] {
        write(entry, "Ensign's test", &Secret::new(secret.to_owned()), PATIENCE)?;
        assert_eq!(value()?.as_deref(), Some(secret));
        assert!(read(other, PATIENCE)?.is_none());
    }
    delete(entry, PATIENCE)?;
    assert_eq!(value()?, None);
    Ok(())
}
