//! A run in words.

use chrono::{DateTime, TimeDelta, Utc};
use domain::run::{PhaseStatus, RunStatus};

use super::super::Run;

/// How something looks at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing happens.
    Quiet,
    /// Something happens.
    Busy,
    /// Somebody is waited for.
    Asks,
    /// It went well.
    Good,
    /// It did not.
    Bad,
}

impl Tone {
    /// The class that it is dressed by.
    pub fn class(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Busy => "busy",
            Self::Asks => "asks",
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

/// The status of a run in a word or a few.
pub fn status(run: &Run, asks: bool) -> (&'static str, Tone) {
    use RunStatus::*;
    if run.parked.is_some() {
        return ("Waits for other runs", Tone::Quiet);
    }
    let ends =
        |word| if run.cancel_requested_at.is_some() { ("Being canceled", Tone::Busy) } else { (word, Tone::Busy) };
    match run.status() {
        Pending => ("Waiting", Tone::Quiet),
        Fetching => ("Fetching its code", Tone::Busy),
        FetchingCompleted | PrePlanRunning | PrePlanCompleted | PrePlanAwaitingDecision | Queuing | PlanQueued => {
            ("About to plan", Tone::Busy)
        }
        Planning => ends("Planning"),
        Planned
        | TfPolicyChecked
        | TfPolicyOverride
        | PostPlanRunning
        | PostPlanAwaitingDecision
        | PostPlanCompleted
        | CostEstimating
        | CostEstimated
        | PolicyChecking
        | PolicyOverride
        | PolicyChecked => match asks {
            true => ("Waits for approval", Tone::Asks),
            false => ("Planned", Tone::Quiet),
        },
        PlannedAndSaved => ("Plan saved", Tone::Asks),
        Confirmed | PreApplyRunning | PreApplyCompleted | QueuingApply | ApplyQueued => {
            ("Approved, about to apply", Tone::Busy)
        }
        Applying | PostApplyRunning | PostApplyCompleted => ends("Applying"),
        Applied => ("Applied", Tone::Good),
        PlannedAndFinished if run.plan_only => ("Planned", Tone::Good),
        PlannedAndFinished => ("Nothing to change", Tone::Good),
        PolicySoftFailed => ("Planned, a policy failed", Tone::Bad),
        Discarded => ("Discarded", Tone::Quiet),
        Errored => ("Failed", Tone::Bad),
        Canceled => ("Canceled", Tone::Quiet),
        ForceCanceled => ("Killed", Tone::Bad),
        Assessing => ("Being assessed", Tone::Busy),
        Assessed => ("Assessed", Tone::Good),
    }
}

/// The same for a list, where a run that is planned and has something to apply counts as one that asks.
pub fn listed(run: &Run) -> (&'static str, Tone) {
    status(run, run.status().waits_for_approval() && run.has_changes)
}

/// The first line of a run's message, or its id.
pub fn title(run: &Run) -> String {
    let first = run.message.lines().next().unwrap_or_default().trim();
    if first.is_empty() { run.id.clone() } else { first.to_owned() }
}

/// What a run is for.
pub fn kind(run: &Run) -> &'static str {
    match (run.plan_only, run.is_destroy, run.refresh_only) {
        (true, true, _) => "Plan of a destroy",
        (true, false, _) => "Plan",
        (false, true, _) => "Destroy",
        (false, false, true) => "Refresh of the state",
        (false, false, false) if run.save_plan => "Plan that is saved",
        (false, false, false) => "Plan and apply",
    }
}

/// What started a run, as its source has it.
pub fn source(source: &str) -> &str {
    match source {
        "terraform+cloud" | "terraform" => "the terraform command",
        "tfe-api" => "the API",
        "tfe-ui" => "the browser",
        "tfe-configuration-version" => "new code",
        "tfe-run-trigger" => "a run trigger",
        "tfe-infrastructure-lifecycle" => "its time to live",
        other => other,
    }
}

/// The status of a plan or an apply.
pub fn phase(status: PhaseStatus) -> &'static str {
    match status {
        PhaseStatus::Pending => "not begun",
        PhaseStatus::ManagedQueued | PhaseStatus::Queued => "queued",
        PhaseStatus::Running => "under way",
        PhaseStatus::Finished => "finished",
        PhaseStatus::Errored => "failed",
        PhaseStatus::Canceled => "canceled",
        PhaseStatus::Unreachable => "will not run",
    }
}

/// A length of time, to two units.
pub fn length(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let two = |big: i64, unit: &str, small: i64, part: &str| match small {
        0 => format!("{big} {unit}"),
        _ => format!("{big} {unit} {small} {part}"),
    };
    match (days, hours, minutes) {
        (1.., _, _) => two(days, "d", hours % 24, "h"),
        (_, 1.., _) => two(hours, "h", minutes % 60, "min"),
        (_, _, 1..) => two(minutes, "min", seconds % 60, "s"),
        _ => format!("{seconds} s"),
    }
}

/// A moment, for people and for machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment(pub DateTime<Utc>);

impl Moment {
    /// As a person reads it.
    pub fn shown(&self) -> String {
        self.0.format("%Y-%m-%d %H:%M:%S UTC").to_string()
    }

    /// As RFC 3339 has it.
    pub fn exact(&self) -> String {
        self.0.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_two_units_at_most() {
        for (seconds, text) in
            [(-3, "0 s"), (59, "59 s"), (60, "1 min"), (125, "2 min 5 s"), (3725, "1 h 2 min"), (90000, "1 d 1 h")]
        {
            assert_eq!(length(TimeDelta::seconds(seconds)), text);
        }
    }
}
