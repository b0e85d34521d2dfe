//! `Entry`: one answer, as a line of JSON.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::model::choice::Grounds;
use crate::model::timestamp;
use crate::system::text;

/// An entry that this version writes; a newer one is read as far as it can be.
const VERSION: u64 = 1;

/// Linux writes so much at once; a longer line loses what it goes into.
const LINE_LIMIT: usize = 4000;
const TEXT_LIMIT: usize = 200;
const TORN_AT_MOST: usize = 8;
const IGNORED_AT_MOST: usize = 8;

/// What a call of `get` was answered, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    v: u64,
    /// Seconds since 1970.
    pub(crate) at: u64,
    pub(crate) registry: String,
    /// The client and its verb, if somebody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<String>,
    pub(crate) outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// The program that was asked, for there is no account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) helper: Option<String>,
    /// What decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rung: Option<String>,
    /// Why the account was not handed out to this caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refusal: Option<String>,
    pub(crate) detail: Grounds,
    /// Variables of ours that did not count, since the client was not started with them. Their names only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ignored: Vec<String>,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Answered,
    /// The registry has no account.
    NoAccount,
    /// It has, but none of them answers unasked.
    NoDefault,
    /// The image needs none.
    Public,
    /// The accounts are to push only.
    NoneToPull,
    /// The accounts are to pull only.
    NoneToPush,
    Several,
    NoSuchAccount,
    /// The account's secret is good no longer.
    Dead,
    /// The account is not for this caller.
    Withheld,
    Failed,
    /// A newer Ensign's.
    #[default]
    #[serde(other)]
    Other,
}

impl Entry {
    pub(crate) fn new(registry: &str, outcome: Outcome) -> Self {
        let at = timestamp::seconds(SystemTime::now());
        Self { v: VERSION, at, registry: registry.to_owned(), outcome, ..Self::default() }
    }

    /// One line with its end, of bounded length and without control characters.
    pub(super) fn to_line(&self) -> String {
        let bounded = self.clone().bounded();
        let mut line = serde_json::to_string(&bounded).unwrap_or_default();
        if line.len() > LINE_LIMIT {
            line = serde_json::to_string(&Self { detail: Grounds::default(), ignored: vec![], ..bounded })
                .unwrap_or_default();
        }
        line.push('\n');
        line
    }

    /// Reads a line, of which a part of another may stand in front if that could not be written whole.
    pub(super) fn read(line: &str) -> Option<Self> {
        let start = line.rfind("{\"v\":")?;
        let entry: Self = serde_json::from_str(&line[start..]).ok()?;
        (entry.v >= VERSION && !entry.registry.is_empty()).then(|| entry.bounded())
    }

    fn bounded(mut self) -> Self {
        self.detail.torn.truncate(TORN_AT_MOST);
        self.detail.unknown.truncate(TORN_AT_MOST);
        self.ignored.truncate(IGNORED_AT_MOST);
        let Grounds { file, image, pattern, public, folder, missing, torn, unknown } = &mut self.detail;
        let optional = [
            &mut self.client,
            &mut self.account,
            &mut self.helper,
            &mut self.rung,
            &mut self.refusal,
            file,
            image,
            pattern,
            public,
            folder,
            missing,
        ];
        let owned = torn.iter_mut().flat_map(|owned| [&mut owned.image, &mut owned.account]);
        let parts = unknown.iter_mut().flat_map(|part| [&mut part.file, &mut part.message]);
        for text in optional
            .into_iter()
            .flatten()
            .chain(owned)
            .chain(parts)
            .chain(&mut self.ignored)
            .chain([&mut self.registry])
        {
            bound(text);
        }
        self
    }
}

/// Most texts are fit already.
fn bound(text: &mut String) {
    if text.len() > TEXT_LIMIT || !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        *text = text::one_line(text, TEXT_LIMIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::choice::Owned;
    use proptest::prelude::*;

    #[test]
    fn an_entry_is_one_short_line() {
        let long = "\"\u{1b}[31mä\n".repeat(1000);
        let torn = Owned { image: long.clone(), account: long.clone() };
        let mut entry = Entry::new("ghcr.io", Outcome::Answered);
        entry.at = 7;
        assert_eq!(
            entry.to_line(),
            "{\"v\":1,\"at\":7,\"registry\":\"ghcr.io\",\"outcome\":\"answered\",\"detail\":{}}\n"
        );
        entry.client = Some(long.clone());
        entry.detail = Grounds { image: Some(long.clone()), torn: vec![torn; 50], ..Grounds::default() };
        let line = entry.to_line();
        assert!(line.len() <= 4096 && line.lines().count() == 1 && !line.contains('\u{1b}'), "{line}");
        assert_eq!(Entry::read(&line).unwrap().registry, "ghcr.io");
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        for (line, expected) in [
            (r#"{"v":1,"at":1,"registry":"a","outcome":"answered","detail":{}}"#, Some(Outcome::Answered)),
            (r#"{"v":1,"at":1,"regis{"v":1,"registry":"a","outcome":"dead"}"#, Some(Outcome::Dead)),
            (r#"{"v":2,"registry":"a","outcome":"routed","helper":"x"}"#, Some(Outcome::Other)),
            (r#"{"v":1,"registry":"","outcome":"dead"}"#, None),
            (r#"{"v":0,"registry":"a","outcome":"dead"}"#, None),
            (r#"{"v":1,"registry":["a"]}"#, None),
            (r#"{"v":1,"registry":"a""#, None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(Entry::read(line).map(|entry| entry.outcome), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(line in "(\\{\"v\":1,\"registry\":\"x\")?\\PC{0,40}") {
            let _ = Entry::read(&line);
        }
    }
}
