//! The run machine: a status and an event in, the next status out. It knows every status by name, so that a new one
//! cannot be forgotten. Absent: who may do it, what else must be true (see [`RunFacts`](super::RunFacts)) and the
//! statuses of the plan and the apply (see [`Phases`](super::Phases)).

use super::{PlanOutcome, RunEvent, RunStatus};
use crate::Problem;

/// An event that cannot happen to a run of this status. Becomes the problem `run/wrong-status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run cannot {} while it is {from}", event.words())]
pub struct IllegalMove {
    /// Where the run is.
    pub from: RunStatus,
    /// What cannot happen to it there.
    pub event: RunEvent,
}

impl From<IllegalMove> for Problem {
    fn from(illegal: IllegalMove) -> Self {
        let IllegalMove { from, event } = illegal;
        let message = format!("The run cannot {} while its status is \"{}\".", event.words(), from.visible());
        let advice = if from.is_final() {
            "It is over; start a new run."
        } else {
            match event {
                RunEvent::Confirm => "Wait until it has planned, and look at whether it can be confirmed.",
                RunEvent::Discard => "Wait until it has planned, or cancel it.",
                RunEvent::Cancel | RunEvent::ForceCancel => "Discard it if it waits for approval, or wait for its end.",
                _ => "Read the run again; it may have moved meanwhile.",
            }
        };
        Problem::conflict("run/wrong-status", message).advice(advice)
    }
}

impl RunStatus {
    /// Where a run of this status is after `event`.
    ///
    /// # Errors
    /// [`IllegalMove`] when the event cannot happen to such a run.
    pub fn after(self, event: RunEvent) -> Result<RunStatus, IllegalMove> {
        let next = match event {
            RunEvent::Fail if !self.is_final() => Some(Self::Errored),
            RunEvent::Cancel if self.can_be_canceled() => Some(Self::Canceled),
            RunEvent::ForceCancel if self.can_be_canceled() => Some(Self::ForceCanceled),
            RunEvent::Discard if self.can_be_discarded() => Some(Self::Discarded),
            RunEvent::Requeue => self.waits_again_as(),
            _ => self.forward(event),
        };
        next.ok_or(IllegalMove { from: self, event })
    }

    /// The way ahead: everything but being ended from outside and waiting again.
    fn forward(self, event: RunEvent) -> Option<RunStatus> {
        use RunEvent as E;
        match self {
            Self::Pending => match event {
                E::FetchStarted => Some(Self::Fetching),
                E::AssessmentStarted => Some(Self::Assessing),
                _ => self.before_plan(event),
            },
            Self::Fetching => (event == E::FetchFinished).then_some(Self::FetchingCompleted),
            Self::FetchingCompleted => self.before_plan(event),
            Self::PrePlanRunning => match event {
                E::PrePlanTasksPassed => Some(Self::PrePlanCompleted),
                E::PrePlanTasksHeld => Some(Self::PrePlanAwaitingDecision),
                _ => None,
            },
            Self::PrePlanAwaitingDecision => (event == E::Override).then_some(Self::PrePlanCompleted),
            Self::PrePlanCompleted => match event {
                E::Queue => Some(Self::Queuing),
                E::Start => Some(Self::PlanQueued),
                _ => None,
            },
            Self::Queuing => (event == E::Start).then_some(Self::PlanQueued),
            Self::PlanQueued => (event == E::PlanStarted).then_some(Self::Planning),
            Self::Planning => match event {
                E::PlanFinished(PlanOutcome::NoChanges | PlanOutcome::PlanOnly) => Some(Self::PlannedAndFinished),
                E::PlanFinished(PlanOutcome::Changes) => Some(Self::Planned),
                E::PlanFinished(PlanOutcome::Saved) => Some(Self::PlannedAndSaved),
                _ => None,
            },
            Self::Planned => match event {
                E::TfPoliciesPassed => Some(Self::TfPolicyChecked),
                E::TfPoliciesHeld => Some(Self::TfPolicyOverride),
                E::PostPlanTasksStarted => Some(Self::PostPlanRunning),
                E::CostEstimateStarted => Some(Self::CostEstimating),
                _ => self.after_last_stage(event),
            },
            Self::TfPolicyChecked => match event {
                E::PostPlanTasksStarted => Some(Self::PostPlanRunning),
                E::CostEstimateStarted => Some(Self::CostEstimating),
                _ => self.after_last_stage(event),
            },
            Self::TfPolicyOverride => (event == E::Override).then_some(Self::TfPolicyChecked),
            Self::PostPlanRunning => match event {
                E::PostPlanTasksPassed => Some(Self::PostPlanCompleted),
                E::PostPlanTasksHeld => Some(Self::PostPlanAwaitingDecision),
                _ => None,
            },
            Self::PostPlanAwaitingDecision => (event == E::Override).then_some(Self::PostPlanCompleted),
            Self::PostPlanCompleted => match event {
                E::CostEstimateStarted => Some(Self::CostEstimating),
                _ => self.after_last_stage(event),
            },
            Self::CostEstimating => (event == E::CostEstimateFinished).then_some(Self::CostEstimated),
            Self::CostEstimated => self.after_last_stage(event),
            Self::PolicyChecking => match event {
                E::PoliciesPassed => Some(Self::PolicyChecked),
                E::PoliciesHeld => Some(Self::PolicyOverride),
                E::PoliciesSoftFailed => Some(Self::PolicySoftFailed),
                _ => None,
            },
            Self::PolicyOverride => (event == E::Override).then_some(Self::PolicyChecked),
            Self::PolicyChecked => match event {
                E::PolicyCheckStarted => None,
                _ => self.after_last_stage(event),
            },
            Self::PlannedAndSaved => (event == E::Confirm).then_some(Self::Confirmed),
            Self::Confirmed => match event {
                E::PreApplyTasksStarted => Some(Self::PreApplyRunning),
                E::QueueingApply => Some(Self::QueuingApply),
                E::QueueApply => Some(Self::ApplyQueued),
                _ => None,
            },
            Self::PreApplyRunning => (event == E::PreApplyTasksPassed).then_some(Self::PreApplyCompleted),
            Self::PreApplyCompleted => match event {
                E::QueueingApply => Some(Self::QueuingApply),
                E::QueueApply => Some(Self::ApplyQueued),
                _ => None,
            },
            Self::QueuingApply => (event == E::QueueApply).then_some(Self::ApplyQueued),
            Self::ApplyQueued => (event == E::ApplyStarted).then_some(Self::Applying),
            Self::Applying => match event {
                E::PostApplyTasksStarted => Some(Self::PostApplyRunning),
                E::ApplyFinished => Some(Self::Applied),
                _ => None,
            },
            Self::PostApplyRunning => (event == E::PostApplyTasksFinished).then_some(Self::PostApplyCompleted),
            Self::PostApplyCompleted => (event == E::ApplyFinished).then_some(Self::Applied),
            Self::Assessing => (event == E::AssessmentFinished).then_some(Self::Assessed),
            Self::PolicySoftFailed
            | Self::Applied
            | Self::PlannedAndFinished
            | Self::Discarded
            | Self::Errored
            | Self::Canceled
            | Self::Assessed
            | Self::ForceCanceled => None,
        }
    }

    /// What leads to the plan once the configuration is known.
    fn before_plan(self, event: RunEvent) -> Option<RunStatus> {
        match event {
            RunEvent::PrePlanTasksStarted => Some(Self::PrePlanRunning),
            RunEvent::Queue => Some(Self::Queuing),
            RunEvent::Start => Some(Self::PlanQueued),
            _ => None,
        }
    }

    /// What can follow a stage after which nothing but the policy check and the decision is left.
    fn after_last_stage(self, event: RunEvent) -> Option<RunStatus> {
        match event {
            RunEvent::PolicyCheckStarted => Some(Self::PolicyChecking),
            RunEvent::Finish => Some(Self::PlannedAndFinished),
            RunEvent::Save => Some(Self::PlannedAndSaved),
            RunEvent::Confirm => Some(Self::Confirmed),
            _ => None,
        }
    }

    /// Where a run waits again when whoever worked on it is gone; nowhere once its plan is done or its apply began.
    fn waits_again_as(self) -> Option<RunStatus> {
        match self {
            Self::Fetching
            | Self::FetchingCompleted
            | Self::PrePlanRunning
            | Self::PrePlanCompleted
            | Self::PrePlanAwaitingDecision
            | Self::Queuing
            | Self::PlanQueued
            | Self::Planning => Some(Self::Pending),
            Self::QueuingApply | Self::ApplyQueued => Some(Self::Confirmed),
            Self::Pending
            | Self::Planned
            | Self::TfPolicyChecked
            | Self::TfPolicyOverride
            | Self::PostPlanRunning
            | Self::PostPlanAwaitingDecision
            | Self::PostPlanCompleted
            | Self::CostEstimating
            | Self::CostEstimated
            | Self::PolicyChecking
            | Self::PolicyOverride
            | Self::PolicySoftFailed
            | Self::PolicyChecked
            | Self::Confirmed
            | Self::PreApplyRunning
            | Self::PreApplyCompleted
            | Self::Applying
            | Self::PostApplyRunning
            | Self::PostApplyCompleted
            | Self::Applied
            | Self::PlannedAndFinished
            | Self::PlannedAndSaved
            | Self::Discarded
            | Self::Errored
            | Self::Canceled
            | Self::Assessing
            | Self::Assessed
            | Self::ForceCanceled => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fmt::Write as _};

    use expect_test::{expect, expect_file};

    use super::*;

    fn moves(from: RunStatus) -> impl Iterator<Item = (RunEvent, RunStatus)> {
        RunEvent::ALL.iter().filter_map(move |&event| Some((event, from.after(event).ok()?)))
    }

    fn reachable(from: RunStatus) -> BTreeSet<RunStatus> {
        let (mut seen, mut todo) = (BTreeSet::from([from]), vec![from]);
        while let Some(status) = todo.pop() {
            todo.extend(moves(status).map(|(_, to)| to).filter(|&to| seen.insert(to)));
        }
        seen
    }

    #[test]
    fn the_machine_is_as_the_golden_table_says() {
        let mut table = String::new();
        for &from in RunStatus::ALL {
            let _ = writeln!(table, "{from}{}", if from.is_final() { " (final)" } else { "" });
            for (event, to) in moves(from) {
                let _ = writeln!(table, "    {:<28} {to}", format!("{event:?}"));
            }
        }
        expect_file!["machine.golden"].assert_eq(&table);
    }

    #[test]
    fn every_status_is_reached_from_pending() {
        assert_eq!(reachable(RunStatus::Pending), RunStatus::ALL.iter().copied().collect());
    }

    #[test]
    fn a_final_status_is_left_by_nothing_and_every_other_one_leads_to_an_end() {
        for &status in RunStatus::ALL {
            if status.is_final() {
                assert_eq!(moves(status).count(), 0, "{status}");
            } else {
                assert!(reachable(status).contains(&RunStatus::Errored), "{status}");
            }
        }
    }

    #[test]
    fn nothing_happens_without_a_change_of_status() {
        for &status in RunStatus::ALL {
            assert!(moves(status).all(|(_, to)| to != status), "{status}");
        }
    }

    #[test]
    fn an_apply_that_began_never_waits_again() {
        for status in reachable(RunStatus::Applying) {
            assert!(status.after(RunEvent::Requeue).is_err(), "{status}");
            assert!(status.after(RunEvent::ApplyStarted).is_err(), "{status}");
        }
    }

    #[test]
    fn an_illegal_move_reads_as_a_problem() {
        let problem = Problem::from(RunStatus::Planning.after(RunEvent::Confirm).unwrap_err());
        expect!["The run cannot be applied while its status is \"planning\". Wait until it has planned, and look at whether it can be confirmed."]
            .assert_eq(&problem.to_string());
        assert_eq!(problem.code, "run/wrong-status");
        let problem = Problem::from(RunStatus::ForceCanceled.after(RunEvent::Discard).unwrap_err());
        expect!["The run cannot be discarded while its status is \"canceled\". It is over; start a new run."]
            .assert_eq(&problem.to_string());
    }
}
