//! [`Record`]: what became of one workspace in a walk. The summary, the report and the exit code are made of these.

use chrono::{DateTime, Utc};
use domain::stack::Timed;

/// How a workspace ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its changes were made.
    Applied,
    /// What it held is gone.
    Destroyed,
    /// It was planned and would change.
    Planned,
    /// It cannot be planned before another is applied.
    Deferred,
    /// There was nothing to do.
    Unchanged,
    /// Its last run failed.
    Failed,
    /// It was not started.
    Skipped,
    /// It was interrupted, or stopped by somebody.
    Canceled,
    /// Somebody said no to its plan.
    Declined,
}

impl Outcome {
    /// The word in the report and on the console.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Destroyed => "destroyed",
            Self::Planned => "planned",
            Self::Deferred => "deferred",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Canceled => "canceled",
            Self::Declined => "declined",
        }
    }
}

/// Counts of resource instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Resources {
    /// Made.
    pub(crate) added: u32,
    /// Changed in place.
    pub(crate) changed: u32,
    /// Destroyed.
    pub(crate) destroyed: u32,
}

impl Resources {
    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            added: self.added + other.added,
            changed: self.changed + other.changed,
            destroyed: self.destroyed + other.destroyed,
        }
    }
}

impl From<executor::Counts> for Resources {
    fn from(counts: executor::Counts) -> Self {
        Self { added: counts.additions, changed: counts.changes, destroyed: counts.destructions }
    }
}

/// What became of one workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its name.
    pub(crate) workspace: String,
    /// What it depends on directly.
    pub(crate) upstreams: Vec<String>,
    /// Its last run.
    pub(crate) run: Option<String>,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// Why, where the outcome does not say it all.
    pub(crate) reason: Option<String>,
    /// Why it was to run: what of that which goes into it is other than at its last apply.
    pub(crate) why: Vec<String>,
    /// When its first run was queued.
    pub(crate) queued_at: Option<DateTime<Utc>>,
    /// When terraform began on its first run.
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When its last run ended.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// How many runs it had.
    pub(crate) attempts: u32,
    /// What all its runs did; on a plan, what they would do.
    pub(crate) resources: Resources,
}

impl Record {
    /// The record of a workspace that had no run yet.
    pub(crate) fn new(workspace: &str, upstreams: Vec<String>) -> Self {
        Self {
            workspace: workspace.to_owned(),
            upstreams,
            run: None,
            outcome: Outcome::Skipped,
            reason: None,
            why: Vec::new(),
            queued_at: None,
            started_at: None,
            ended_at: None,
            attempts: 0,
            resources: Resources::default(),
        }
    }

    /// What it tells about what bounded the time of a walk; `None` without a run. What had to be done before it was its
    /// upstreams, or those that depend on it when the walk went the other way.
    pub(crate) fn timed(&self, all: &[Self], is_reverse: bool) -> Option<Timed> {
        let depend = all.iter().filter(|it| it.upstreams.contains(&self.workspace)).map(|it| it.workspace.clone());
        let before = if is_reverse { depend.collect() } else { self.upstreams.clone() };
        Some(Timed { workspace: self.workspace.clone(), before, took_ms: self.took_ms()? })
    }

    /// Milliseconds from its first start to its last end; `None` without a run.
    pub(crate) fn took_ms(&self) -> Option<u64> {
        let (from, to) = (self.started_at.or(self.queued_at)?, self.ended_at?);
        u64::try_from((to - from).num_milliseconds()).ok()
    }
}
