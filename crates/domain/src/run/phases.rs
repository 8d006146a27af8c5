//! The plan and the apply of a run follow it: a status of the run in, their statuses out. Absent: logs and times.

use super::{PhaseStatus, RunStatus};

/// Where the plan and the apply of one run are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phases {
    /// Where the plan is.
    pub plan: PhaseStatus,
    /// Where the apply is.
    pub apply: PhaseStatus,
}

impl Phases {
    /// Those of a run that was just created.
    pub const NEW: Self = Self { plan: PhaseStatus::Pending, apply: PhaseStatus::Pending };

    /// Where they are once the run has moved to `status`. What has ended stays as it ended; what will never run is
    /// `unreachable`, which clients take for an end.
    #[must_use]
    pub fn after(self, status: RunStatus) -> Self {
        let Self { plan, apply } = self;
        match status {
            // Also a run that waits again: its plan starts over.
            RunStatus::Pending => Self { plan: PhaseStatus::Pending, ..self },
            RunStatus::Fetching
            | RunStatus::FetchingCompleted
            | RunStatus::PrePlanRunning
            | RunStatus::PrePlanCompleted
            | RunStatus::PrePlanAwaitingDecision
            | RunStatus::Queuing => self,
            RunStatus::PlanQueued => Self { plan: PhaseStatus::Queued, ..self },
            RunStatus::Planning | RunStatus::Assessing => Self { plan: PhaseStatus::Running, ..self },
            RunStatus::Planned
            | RunStatus::TfPolicyChecked
            | RunStatus::TfPolicyOverride
            | RunStatus::PostPlanRunning
            | RunStatus::PostPlanAwaitingDecision
            | RunStatus::PostPlanCompleted
            | RunStatus::CostEstimating
            | RunStatus::CostEstimated
            | RunStatus::PolicyChecking
            | RunStatus::PolicyOverride
            | RunStatus::PolicyChecked
            | RunStatus::PlannedAndSaved => Self { plan: PhaseStatus::Finished, ..self },
            RunStatus::PlannedAndFinished | RunStatus::PolicySoftFailed | RunStatus::Assessed => {
                Self { plan: PhaseStatus::Finished, apply: PhaseStatus::Unreachable }
            }
            // Also a run whose apply was queued and waits again.
            RunStatus::Confirmed | RunStatus::PreApplyRunning | RunStatus::PreApplyCompleted => {
                Self { apply: PhaseStatus::Pending, ..self }
            }
            RunStatus::QueuingApply | RunStatus::ApplyQueued => Self { apply: PhaseStatus::Queued, ..self },
            RunStatus::Applying => Self { apply: PhaseStatus::Running, ..self },
            RunStatus::PostApplyRunning | RunStatus::PostApplyCompleted | RunStatus::Applied => {
                Self { apply: PhaseStatus::Finished, ..self }
            }
            RunStatus::Errored => Self { plan: never_begun(failed(plan)), apply: failed(apply) },
            RunStatus::Canceled | RunStatus::ForceCanceled => Self { plan: canceled(plan), apply: canceled(apply) },
            RunStatus::Discarded => Self { plan: unreached(plan), apply: unreached(apply) },
        }
    }
}

fn failed(phase: PhaseStatus) -> PhaseStatus {
    match phase {
        PhaseStatus::Running => PhaseStatus::Errored,
        other => unreached(other),
    }
}

/// What fails before terraform begins, such as a configuration that cannot be fetched, fails as a plan: its log says why.
fn never_begun(plan: PhaseStatus) -> PhaseStatus {
    match plan {
        PhaseStatus::Unreachable => PhaseStatus::Errored,
        other => other,
    }
}

fn canceled(phase: PhaseStatus) -> PhaseStatus {
    match phase {
        PhaseStatus::ManagedQueued | PhaseStatus::Queued | PhaseStatus::Running => PhaseStatus::Canceled,
        other => unreached(other),
    }
}

fn unreached(phase: PhaseStatus) -> PhaseStatus {
    if phase.is_final() { phase } else { PhaseStatus::Unreachable }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(statuses: &[RunStatus]) -> (&'static str, &'static str) {
        let phases = statuses.iter().fold(Phases::NEW, |phases, &status| phases.after(status));
        (phases.plan.as_str(), phases.apply.as_str())
    }

    #[test]
    fn the_plan_and_the_apply_follow_the_run() {
        use RunStatus::*;
        assert_eq!(walk(&[PlanQueued]), ("queued", "pending"));
        assert_eq!(walk(&[PlanQueued, Planning]), ("running", "pending"));
        assert_eq!(walk(&[PlanQueued, Planning, Planned]), ("finished", "pending"));
        assert_eq!(walk(&[PlanQueued, Planning, PlannedAndFinished]), ("finished", "unreachable"));
        let applying = [PlanQueued, Planning, Planned, Confirmed, ApplyQueued, Applying];
        assert_eq!(walk(&applying), ("finished", "running"));
        assert_eq!(walk(&[&applying[..], &[Applied]].concat()), ("finished", "finished"));
        assert_eq!(walk(&[&applying[..], &[Errored]].concat()), ("finished", "errored"));
        assert_eq!(walk(&[&applying[..], &[ForceCanceled]].concat()), ("finished", "canceled"));
    }

    #[test]
    fn what_will_never_run_is_unreachable() {
        use RunStatus::*;
        assert_eq!(walk(&[Discarded]), ("unreachable", "unreachable"));
        assert_eq!(walk(&[Canceled]), ("unreachable", "unreachable"));
        assert_eq!(walk(&[PlanQueued, Canceled]), ("canceled", "unreachable"));
        assert_eq!(walk(&[PlanQueued, Planning, Canceled]), ("canceled", "unreachable"));
        assert_eq!(walk(&[PlanQueued, Planning, Errored]), ("errored", "unreachable"));
        assert_eq!(walk(&[Fetching, Errored]), ("errored", "unreachable"));
        assert_eq!(walk(&[PlanQueued, Planning, Planned, Discarded]), ("finished", "unreachable"));
    }

    #[test]
    fn a_run_that_waits_again_has_its_phase_wait_again() {
        use RunStatus::*;
        assert_eq!(walk(&[PlanQueued, Planning, Pending]), ("pending", "pending"));
        assert_eq!(walk(&[PlanQueued, Planning, Planned, Confirmed, ApplyQueued, Confirmed]), ("finished", "pending"));
    }

    #[test]
    fn both_have_ended_when_the_run_has() {
        for start in [Phases::NEW, Phases { plan: PhaseStatus::Finished, apply: PhaseStatus::Running }] {
            for status in RunStatus::finals() {
                let phases = start.after(status);
                assert!(phases.plan.is_final() || status == RunStatus::Applied, "{status}: {phases:?}");
                assert!(phases.apply.is_final(), "{status}: {phases:?}");
            }
        }
    }
}
