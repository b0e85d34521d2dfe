//! `Grounds`: what a rung goes by, in words that can be shown, written down and read again.

use serde::{Deserialize, Serialize};

use super::{Finding, Mention, Undecided, Unknown, Why};
use crate::model::{AccountName, ImageReference};

/// Empty where a rung has nothing to say but its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Grounds {
    /// The file that names the image, or the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image: Option<String>,
    /// The account's pattern that the image is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pattern: Option<String>,
    /// The pattern by which it needs no account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) folder: Option<String>,
    /// The account that was named and is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<String>,
    /// Images of different accounts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) torn: Vec<Owned>,
    /// What was not known in files, so that these decided nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unknown: Vec<UnknownPart>,
}

/// What was not known, and in which file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UnknownPart {
    pub(crate) file: String,
    pub(crate) message: String,
}

/// An image and whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Owned {
    pub(crate) image: String,
    pub(crate) account: String,
}

impl Grounds {
    /// What a finding rests on.
    pub(crate) fn of(finding: &Finding<'_>) -> Self {
        match finding {
            Finding::Nothing => Self::default(),
            Finding::Account(_, why) => Self::from(why),
            Finding::NoSuchAccount(name) => Self { missing: Some(name.clone()), ..Self::default() },
            Finding::Public(image, pattern) => {
                Self { image: Some(image.to_string()), public: Some(pattern.to_string()), ..Self::default() }
            }
            Finding::Torn(owners) => Self { torn: owned(owners), ..Self::default() },
            Finding::Unknown(unknown) => Self { unknown: parts(unknown), ..Self::default() },
        }
    }
}

impl From<&Why> for Grounds {
    fn from(why: &Why) -> Self {
        match why {
            Why::Image(image, pattern) => {
                Self { image: Some(image.to_string()), pattern: Some(pattern.to_string()), ..Self::default() }
            }
            Why::Mention(Mention { image, file }, pattern) => Self {
                file: Some(file.to_string_lossy().into_owned()),
                image: Some(image.to_string()),
                pattern: Some(pattern.to_string()),
                ..Self::default()
            },
            Why::Project(file) => Self { file: Some(file.to_string_lossy().into_owned()), ..Self::default() },
            Why::Folder(folder) => Self { folder: Some(folder.to_string_lossy().into_owned()), ..Self::default() },
            Why::Named | Why::Default => Self::default(),
        }
    }
}

impl Grounds {
    /// Adds what could not be decided by.
    pub(crate) fn with_undecided(self, Undecided { torn, unknown }: &Undecided) -> Self {
        Self { torn: owned(torn), unknown: parts(unknown), ..self }
    }
}

fn parts(unknown: &[Unknown]) -> Vec<UnknownPart> {
    let part = |Unknown { file, reach: _, message }: &Unknown| UnknownPart {
        file: file.to_string_lossy().into_owned(),
        message: message.clone(),
    };
    unknown.iter().map(part).collect()
}

/// The words for torn images.
fn owned(owners: &[(ImageReference, AccountName)]) -> Vec<Owned> {
    owners.iter().map(|(image, name)| Owned { image: image.to_string(), account: name.to_string() }).collect()
}
