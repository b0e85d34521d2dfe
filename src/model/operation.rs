//! `Operation`: what a client does with an image, or what an account is restricted to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The two actions that a registry grants for a repository (distribution `docs/spec/auth/scope.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    Pull,
    Push,
}

impl Operation {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
        }
    }
}

impl FromStr for Operation {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Pull, Self::Push]
            .into_iter()
            .find(|operation| operation.as_str() == text)
            .ok_or("is neither `pull` nor `push`")
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
