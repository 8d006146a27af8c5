//! Closed lists of words. pytfe refuses a whole document for one word outside its list, so nothing else may be sent.
//!
//! Statuses of runs, plans and applies are domain's; [`Status`] gives them their spelling on the network.

use domain::run::{PhaseStatus, RunStatus};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! words {
    ($(
        $(#[$doc:meta])*
        $name:ident { $first:ident = $first_text:literal, $($variant:ident = $text:literal,)* }
    )*) => {$(
        $(#[$doc])*
        ///
        /// The first word is the default.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            #[doc = concat!("`", $first_text, "`")] #[default] $first,
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl $name {
            /// Every word of the list.
            pub const ALL: &'static [Self] = &[Self::$first, $(Self::$variant,)*];

            /// The word as the API writes it.
            pub fn as_str(self) -> &'static str {
                match self { Self::$first => $first_text, $(Self::$variant => $text,)* }
            }

            /// The word that the API writes so, if it is in the list.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| not_in_list(&text, Self::ALL.iter().map(|word| word.as_str())))
            }
        }
    )*};
}

words! {
    /// Where terraform runs for a workspace.
    ExecutionMode { Remote = "remote", Local = "local", Agent = "agent", }
    /// What made a workspace.
    WorkspaceSource { Api = "tfe-api", Module = "tfe-module", Ui = "tfe-ui", Terraform = "terraform", }
    /// What a variable is for.
    VariableCategory { Terraform = "terraform", Env = "env", PolicySet = "policy-set", }
    /// What made a run.
    RunSource {
        Api = "tfe-api", ConfigurationVersion = "tfe-configuration-version", Ui = "tfe-ui",
        TerraformCloud = "terraform+cloud", Terraform = "terraform", RunTrigger = "tfe-run-trigger",
        InfrastructureLifecycle = "tfe-infrastructure-lifecycle", Module = "tfe-module",
    }
    /// Whether somebody asked for a run or another run caused it.
    TriggerReason { Manual = "manual", Triggered = "triggered", }
    /// When a workspace with run triggers runs: once when all upstreams of a wave have settled, or, as on HCP Terraform,
    /// for each that is applied.
    RunTriggerMode { Join = "join", Each = "each", }
    /// What became of a workspace whose upstreams have settled.
    TriggerOutcome { NotRun = "not-run", Started = "started", Waiting = "waiting", }
    /// How an upstream came to rest.
    UpstreamOutcome {
        Applied = "applied", Unchanged = "unchanged", Failed = "failed", Discarded = "discarded",
        Canceled = "canceled", Destroyed = "destroyed", NotRun = "not-run",
    }
    /// Where an edge between workspaces comes from: a trigger, what runs read, runs that started runs, the code.
    EdgeKind {
        RunTrigger = "run-trigger", RemoteState = "remote-state", Outputs = "outputs", Runner = "runner", Code = "code",
    }
    /// What made a configuration version.
    ConfigurationSource {
        Api = "tfe-api", Terraform = "terraform", TerraformCloud = "terraform+cloud", Github = "github",
        Gitlab = "gitlab", Bitbucket = "bitbucket", Ado = "ado",
    }
    /// Where a configuration version is in its life.
    ConfigurationStatus {
        Pending = "pending", Fetching = "fetching", Uploaded = "uploaded", Archived = "archived", Errored = "errored",
    }
    /// Where a state version is in its life.
    StateStatus { Pending = "pending", Finalized = "finalized", Discarded = "discarded", }
    /// The broad type of an output, as the workspace page shows it.
    OutputType { Text = "string", Number = "number", Bool = "bool", Array = "array", Object = "object", }
}

/// A status of the domain in the spelling of the network. Where clients would stumble over a status, a near one is
/// written: [`SpelledStatus::shown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status<S>(pub S);

/// A list of statuses that the domain keeps and the network spells.
pub trait SpelledStatus: Copy + 'static {
    /// The status of something that has just been made.
    const FIRST: Self;
    /// Every status.
    const EVERY: &'static [Self];
    /// Its word in the domain.
    fn word(self) -> &'static str;
    /// What clients are shown for it.
    fn shown(self) -> Self;
    /// The status nearest to a word that HCP Terraform sends and the domain does not keep.
    fn nearest(word: &str) -> Option<Self>;
}

impl SpelledStatus for RunStatus {
    const FIRST: Self = Self::Pending;
    const EVERY: &'static [Self] = Self::ALL;
    fn word(self) -> &'static str {
        self.as_str()
    }
    /// The provider's `tfe_workspace_run` aborts on `fetching_completed`; pytfe knows none of the others.
    fn shown(self) -> Self {
        match self {
            Self::FetchingCompleted => Self::Fetching,
            Self::PrePlanAwaitingDecision => Self::PrePlanRunning,
            Self::PostApplyRunning | Self::PostApplyCompleted => Self::Applying,
            Self::ForceCanceled => Self::Canceled,
            other => other,
        }
    }
    fn nearest(_word: &str) -> Option<Self> {
        None
    }
}

impl SpelledStatus for PhaseStatus {
    const FIRST: Self = Self::Pending;
    const EVERY: &'static [Self] = Self::ALL;
    fn word(self) -> &'static str {
        self.as_str()
    }
    /// pytfe knows no `managed_queued`.
    fn shown(self) -> Self {
        match self {
            Self::ManagedQueued => Self::Queued,
            other => other,
        }
    }
    fn nearest(word: &str) -> Option<Self> {
        match word {
            "created" | "mfa_waiting" => Some(Self::Pending),
            "agent_queued" => Some(Self::Queued),
            _ => None,
        }
    }
}

impl<S> From<S> for Status<S> {
    fn from(status: S) -> Self {
        Self(status)
    }
}

impl<S: SpelledStatus> Default for Status<S> {
    fn default() -> Self {
        Self(S::FIRST)
    }
}

impl<S: SpelledStatus> Serialize for Status<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        serializer.serialize_str(self.0.shown().word())
    }
}

impl<'de, S: SpelledStatus> Deserialize<'de> for Status<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let found = S::EVERY.iter().copied().find(|status| status.word() == text).or_else(|| S::nearest(&text));
        found.map(Self).ok_or_else(|| not_in_list(&text, S::EVERY.iter().map(|status| status.word())))
    }
}

fn not_in_list<E: serde::de::Error>(text: &str, list: impl Iterator<Item = &'static str>) -> E {
    let list: Vec<_> = list.collect();
    E::custom(format!("\"{}\" is none of {}", text.escape_debug(), list.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_clients_stumble_over_is_shown_as_a_near_one() {
        let shown = |status: RunStatus| serde_json::to_string(&Status(status)).unwrap();
        assert_eq!(shown(RunStatus::ForceCanceled), "\"canceled\"");
        assert_eq!(shown(RunStatus::FetchingCompleted), "\"fetching\"");
        assert_eq!(shown(RunStatus::PlannedAndSaved), "\"planned_and_saved\"");
    }

    #[test]
    fn a_word_outside_the_list_is_refused_with_the_list() {
        let error = serde_json::from_str::<ExecutionMode>("\"cloud\"").unwrap_err();
        assert!(error.to_string().starts_with("\"cloud\" is none of remote, local, agent"), "{error}");
    }
}
