//! `Decision`: which account answers a call, and why. A decision is made once, and is then shown by the output, the
//! journal and the JSON.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::context::ProjectAccounts;
use crate::model::{Account, Operation, Registry};

/// The rules, in the order in which they are tried. The first rule that has a verdict decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    Environment,
    ProgramName,
    AddressUser,
    AddressImage,
    CommandLine,
    Files,
    Project,
    Folder,
    Default,
    Only,
}

/// The choice of an account for a call, with the outcomes of the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    /// The host in the call.
    pub(crate) registry: String,
    /// The registry or pattern to which the answering accounts belong; `None` if equal to `registry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answered_as: Option<String>,
    pub(crate) verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// The `x` in the name `docker-credential-x` of another credential helper that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) helper: Option<String>,
    /// The registry or pattern that is routed to `helper`; `None` if the helper is the fallback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) route: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) operation: Option<Operation>,
    /// The accounts among which no rule chose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) accounts: Vec<String>,
    /// The accounts that the rules could not choose, because these accounts are only for the other operation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) passed_over: Vec<String>,
    pub(crate) steps: Vec<DecisionStep>,
}

/// Which rules a decision contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The rules up to the deciding rule, without the rules that have no result.
    Needed,
    Full,
}

/// The result of a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Account,
    /// Another credential helper answers.
    Helper,
    /// The image is public, so it needs no account.
    Public,
    #[default]
    NoAccount,
    /// All accounts of the registry are for the other operation.
    NoneForOperation,
    /// The call requests an account that does not exist, and no other account may answer instead.
    NoSuchAccount,
    Several,
    /// No account answers by default after a `docker logout`.
    SignedOut,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DecisionStep {
    pub(crate) rule: Rule,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) decides: bool,
    #[serde(flatten)]
    pub(crate) outcome: RuleOutcome,
}

/// The outcome of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub(crate) enum RuleOutcome {
    Account {
        account: String,
        reason: MatchReason,
    },
    NoSuchAccount {
        /// The name that matches no account. The name is `None` for the user in an address, because this user may be a
        /// token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    Public {
        image: String,
        pattern: String,
    },
    /// The images belong to different accounts, so the rule chooses no account.
    Ambiguous {
        images: Vec<OwnedImage>,
    },
    /// Some images in the files are unknown, so the rule chooses no account.
    Unknown {
        files: Vec<UnknownFile>,
    },
    Nothing {
        reason: NoMatch,
    },
}

/// Why a rule selects an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MatchReason {
    Named,
    Image {
        image: String,
        pattern: String,
        /// The file that mentions the image.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
    },
    ProjectFile(String),
    Folder(String),
    Default,
}

/// Why a rule selects no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NoMatch {
    NotSet,
    NotPinned,
    None,
    OtherRegistry,
    OneAccount,
    NoImage,
    ImageOfNoAccount,
    OtherOperation,
    OnlyBuilt,
    ImageOnCommandLine,
    NoFolder,
    Several,
    SignedOut,
}

/// An image and the account that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnedImage {
    pub(crate) image: String,
    pub(crate) account: String,
}

/// A file whose images are not all known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnknownFile {
    pub(crate) file: String,
    pub(crate) message: String,
}

impl Rule {
    pub(crate) const ALL: [Self; 10] = [
        Self::Environment,
        Self::ProgramName,
        Self::AddressUser,
        Self::AddressImage,
        Self::CommandLine,
        Self::Files,
        Self::Project,
        Self::Folder,
        Self::Default,
        Self::Only,
    ];
}

impl Decision {
    /// Creates a decision that contains no rules.
    pub(crate) fn without_steps(registry: &Registry, verdict: Verdict) -> Self {
        Self { registry: registry.to_string(), verdict, ..Self::default() }
    }

    /// Returns the images in the outcomes of the steps.
    pub(crate) fn images(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().flat_map(|step| match &step.outcome {
            RuleOutcome::Account { reason: MatchReason::Image { image, .. }, .. }
            | RuleOutcome::Public { image, .. } => vec![image.as_str()],
            RuleOutcome::Ambiguous { images } => images.iter().map(|owned| owned.image.as_str()).collect(),
            _ => vec![],
        })
    }

    /// Returns the key of the accounts' entry in the config.
    pub(crate) fn entry(&self) -> &str {
        self.answered_as.as_ref().unwrap_or(&self.registry)
    }

    pub(crate) fn deciding(&self) -> Option<&DecisionStep> {
        self.steps.iter().find(|step| step.decides)
    }
}

impl RuleOutcome {
    pub(super) fn account(account: &Account, reason: MatchReason) -> Self {
        Self::Account { account: account.name.to_string(), reason }
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing { .. })
    }

    /// Returns the verdict if this outcome decides; `None` if the next rule has to be tried.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Account { .. } => Some(Verdict::Account),
            Self::NoSuchAccount { .. } => Some(Verdict::NoSuchAccount),
            Self::Public { .. } => Some(Verdict::Public),
            Self::Ambiguous { .. } | Self::Unknown { .. } | Self::Nothing { .. } => None,
        }
    }
}

impl From<NoMatch> for RuleOutcome {
    fn from(reason: NoMatch) -> Self {
        Self::Nothing { reason }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "ENSIGN_ACCOUNT",
            Self::ProgramName => "name of the program",
            Self::AddressUser => "user in the address",
            Self::AddressImage => "image in the address",
            Self::CommandLine => "command line",
            Self::Files => "files",
            Self::Project => ProjectAccounts::FILE,
            Self::Folder => "folder",
            Self::Default => "default account",
            Self::Only => "only account",
        })
    }
}
