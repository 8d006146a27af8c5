//! What follows from where a run is: what may be done with it, what clients see, and what it occupies.
//! Absent: who may do it; that is a question of permissions.

use chrono::{DateTime, Utc};

use super::RunStatus;

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunKind {
    /// Plans, and applies once confirmed.
    Ordinary,
    /// Only plans. Needs neither its workspace's queue nor its lock.
    PlanOnly,
    /// Plans and keeps the plan. Needs queue and lock from its confirmation on.
    SavePlan,
}

impl RunKind {
    /// What a run with these settings is for.
    pub fn of(plan_only: bool, save_plan: bool) -> Self {
        match (plan_only, save_plan) {
            (true, _) => Self::PlanOnly,
            (false, true) => Self::SavePlan,
            (false, false) => Self::Ordinary,
        }
    }
}

/// What must be known of a run to say what may be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunFacts {
    /// Where it is.
    pub status: RunStatus,
    /// What it is for.
    pub kind: RunKind,
    /// Whether its plan changes resources or outputs.
    pub has_changes: bool,
    /// Whether it is to be applied even if its plan changes nothing.
    pub allow_empty_apply: bool,
    /// Whether a stage (tasks, costs, policies) is still to come between its present status and its confirmation.
    pub stage_follows: bool,
    /// Whether somebody asked for it to be canceled, and it has not ended yet.
    pub cancel_requested: bool,
    /// From when on it may be killed; set when it was asked to cancel.
    pub force_cancel_from: Option<DateTime<Utc>>,
    /// Whether its workspace is neither locked by somebody nor occupied by another run.
    pub workspace_is_free: bool,
}

impl RunFacts {
    /// Whether a cancel would do anything (`actions.is-cancelable`).
    pub fn is_cancelable(&self) -> bool {
        self.status.can_be_canceled() && !self.cancel_requested
    }

    /// Whether it may be killed at `now` (`actions.is-force-cancelable`): asked to cancel, still there, and the time
    /// that it was given has passed.
    pub fn is_force_cancelable(&self, now: DateTime<Utc>) -> bool {
        self.status.can_be_canceled() && self.cancel_requested && self.force_cancel_from.is_some_and(|from| from <= now)
    }

    /// Whether it waits for nothing but somebody's yes (`actions.is-confirmable`): true exactly while an apply would
    /// be accepted.
    pub fn is_confirmable(&self) -> bool {
        let wanted = self.has_changes || self.allow_empty_apply;
        match self.kind {
            RunKind::PlanOnly => false,
            RunKind::Ordinary => self.status.waits_for_approval() && !self.stage_follows && wanted,
            RunKind::SavePlan => self.status == RunStatus::PlannedAndSaved && self.workspace_is_free && wanted,
        }
    }

    /// Whether somebody may say no to it (`actions.is-discardable`).
    pub fn is_discardable(&self) -> bool {
        self.status.can_be_discarded()
    }

    /// Whether it occupies its workspace; see [`RunStatus::holds_workspace`].
    pub fn holds_workspace(&self) -> bool {
        self.status.holds_workspace(self.kind)
    }
}

impl RunStatus {
    /// The group `discardable` of the API's run filters. It is not what [`RunFacts::is_discardable`] says: the
    /// documented group lacks `pending` and the statuses that clients do not see.
    pub const DISCARDABLE: &'static [Self] = &[
        Self::Planned,
        Self::PostPlanRunning,
        Self::PostPlanCompleted,
        Self::CostEstimated,
        Self::PolicyOverride,
        Self::PolicyChecked,
        Self::PlannedAndSaved,
    ];

    /// The group `final` of the API's run filters.
    pub fn finals() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|status| status.is_final())
    }

    /// The group `non_final` of the API's run filters.
    pub fn non_finals() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|status| !status.is_final())
    }

    /// What clients see of it. Those of the field stop at a status that they do not expect: `tfe_workspace_run` ends
    /// with "unexpected state" at anything outside its lists, so the statuses between stages are shown as the stage
    /// that they follow or hold, and a killed run is shown as canceled.
    #[must_use]
    pub fn visible(self) -> Self {
        match self {
            Self::FetchingCompleted => Self::Fetching,
            Self::PrePlanAwaitingDecision => Self::PrePlanRunning,
            Self::TfPolicyChecked => Self::PolicyChecked,
            Self::TfPolicyOverride => Self::PolicyOverride,
            Self::PostPlanAwaitingDecision => Self::PostPlanRunning,
            Self::Assessing => Self::Planning,
            Self::Assessed => Self::PlannedAndFinished,
            Self::ForceCanceled => Self::Canceled,
            Self::Pending
            | Self::Fetching
            | Self::PrePlanRunning
            | Self::PrePlanCompleted
            | Self::Queuing
            | Self::PlanQueued
            | Self::Planning
            | Self::Planned
            | Self::PostPlanRunning
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
            | Self::QueuingApply
            | Self::ApplyQueued
            | Self::Applying
            | Self::PostApplyRunning
            | Self::PostApplyCompleted
            | Self::Applied
            | Self::PlannedAndFinished
            | Self::PlannedAndSaved
            | Self::Discarded
            | Self::Errored
            | Self::Canceled => self,
        }
    }

    /// Whether a run occupies its workspace: no other run that writes state starts there, and the workspace is locked
    /// by it. It does from its start (queue and fetching left) to its end; a run that only plans never does, and one that saves
    /// its plan does from its confirmation on.
    pub fn holds_workspace(self, kind: RunKind) -> bool {
        match (kind, self.part()) {
            (RunKind::PlanOnly, _) | (_, Part::Waiting | Part::Over | Part::Beside) => false,
            (RunKind::SavePlan, Part::Starting | Part::Plan | Part::Checks | Part::Paused) => false,
            (RunKind::Ordinary, Part::Starting | Part::Plan | Part::Checks | Part::Paused) => true,
            (RunKind::Ordinary | RunKind::SavePlan, Part::Accepted | Part::Apply | Part::Trailing) => true,
        }
    }

    /// Whether a run takes a slot of its organization: from when it may be planned or applied until terraform has
    /// ended. One that waits, for approval or for a check made elsewhere, takes none.
    pub fn holds_slot(self) -> bool {
        matches!(self.part(), Part::Plan | Part::Apply)
    }

    /// Whether a run in this status is applied, or is about to be.
    pub fn is_applied(self) -> bool {
        matches!(self, Self::Applying | Self::ApplyQueued)
    }

    /// Whether a run in this status may be one that waits for nothing but somebody's yes, with its plan not saved.
    pub fn waits_for_approval(self) -> bool {
        self != Self::PlannedAndSaved && self.part() == Part::Paused
    }

    /// Whether a run in this status can be stopped. A run that waits for a decision is discarded instead.
    pub fn can_be_canceled(self) -> bool {
        match self.part() {
            Part::Waiting | Part::Starting | Part::Plan | Part::Accepted | Part::Apply | Part::Beside => true,
            Part::Checks => {
                !matches!(self, Self::TfPolicyOverride | Self::PolicyOverride | Self::PostPlanAwaitingDecision)
            }
            Part::Paused | Part::Trailing | Part::Over => false,
        }
    }

    /// Whether somebody can say no to a run in this status.
    pub fn can_be_discarded(self) -> bool {
        match self.part() {
            Part::Waiting | Part::Paused => true,
            Part::Checks => !matches!(self, Self::CostEstimating | Self::PolicyChecking),
            Part::Starting | Part::Plan | Part::Accepted | Part::Apply | Part::Trailing | Part::Over | Part::Beside => {
                false
            }
        }
    }

    fn part(self) -> Part {
        match self {
            // A configuration is fetched beside the queue, so that a slow host keeps nobody's workspace or slot.
            Self::Pending | Self::Fetching | Self::FetchingCompleted => Part::Waiting,
            Self::PrePlanRunning | Self::PrePlanCompleted | Self::PrePlanAwaitingDecision | Self::Queuing => {
                Part::Starting
            }
            Self::PlanQueued | Self::Planning => Part::Plan,
            Self::TfPolicyOverride
            | Self::PostPlanRunning
            | Self::PostPlanAwaitingDecision
            | Self::CostEstimating
            | Self::PolicyChecking
            | Self::PolicyOverride => Part::Checks,
            Self::Planned
            | Self::TfPolicyChecked
            | Self::PostPlanCompleted
            | Self::CostEstimated
            | Self::PolicyChecked
            | Self::PlannedAndSaved => Part::Paused,
            Self::Confirmed | Self::PreApplyRunning | Self::PreApplyCompleted | Self::QueuingApply => Part::Accepted,
            Self::ApplyQueued | Self::Applying => Part::Apply,
            Self::PostApplyRunning | Self::PostApplyCompleted => Part::Trailing,
            Self::Assessing => Part::Beside,
            Self::Applied
            | Self::PlannedAndFinished
            | Self::PolicySoftFailed
            | Self::Discarded
            | Self::Errored
            | Self::Canceled
            | Self::Assessed
            | Self::ForceCanceled => Part::Over,
        }
    }
}

/// The parts of a run's life, as far as they differ in what they occupy and allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// In the queue, or about to be once its configuration is here.
    Waiting,
    /// Out of the queue, with no slot yet.
    Starting,
    /// Planned by an executor, or about to be.
    Plan,
    /// Something after the plan runs, or wants an override.
    Checks,
    /// A decision may be due.
    Paused,
    /// Confirmed, with no slot yet.
    Accepted,
    /// Applied by an executor, or about to be.
    Apply,
    /// After terraform applied.
    Trailing,
    /// A health assessment, which stands beside the queue and the slots.
    Beside,
    /// Final.
    Over,
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use expect_test::expect;

    use super::*;

    fn facts(status: RunStatus) -> RunFacts {
        RunFacts {
            status,
            kind: RunKind::Ordinary,
            has_changes: true,
            allow_empty_apply: false,
            stage_follows: false,
            cancel_requested: false,
            force_cancel_from: None,
            workspace_is_free: true,
        }
    }

    fn names(keep: impl Fn(RunStatus) -> bool) -> String {
        let names: Vec<_> =
            RunStatus::ALL.iter().filter(|&&status| keep(status)).map(|status| status.as_str()).collect();
        names.join(" ")
    }

    #[test]
    fn what_may_be_done_is_as_the_lists_say() {
        expect!["pending fetching fetching_completed pre_plan_running pre_plan_completed pre_plan_awaiting_decision queuing plan_queued planning post_plan_running cost_estimating policy_checking confirmed pre_apply_running pre_apply_completed queuing_apply apply_queued applying assessing"]
            .assert_eq(&names(|status| facts(status).is_cancelable()));
        expect!["planned tf_policy_checked post_plan_completed cost_estimated policy_checked"]
            .assert_eq(&names(|status| facts(status).is_confirmable()));
        expect!["pending fetching fetching_completed planned tf_policy_checked tf_policy_override post_plan_running post_plan_awaiting_decision post_plan_completed cost_estimated policy_override policy_checked planned_and_saved"]
            .assert_eq(&names(|status| facts(status).is_discardable()));
    }

    #[test]
    fn what_is_occupied_is_as_the_lists_say() {
        expect!["plan_queued planning apply_queued applying"].assert_eq(&names(RunStatus::holds_slot));
        expect!["pre_plan_running pre_plan_completed pre_plan_awaiting_decision queuing plan_queued planning planned tf_policy_checked tf_policy_override post_plan_running post_plan_awaiting_decision post_plan_completed cost_estimating cost_estimated policy_checking policy_override policy_checked confirmed pre_apply_running pre_apply_completed queuing_apply apply_queued applying post_apply_running post_apply_completed planned_and_saved"]
            .assert_eq(&names(|status| status.holds_workspace(RunKind::Ordinary)));
        expect!["confirmed pre_apply_running pre_apply_completed queuing_apply apply_queued applying post_apply_running post_apply_completed"]
            .assert_eq(&names(|status| status.holds_workspace(RunKind::SavePlan)));
        expect![""].assert_eq(&names(|status| status.holds_workspace(RunKind::PlanOnly)));
    }

    #[test]
    fn clients_never_see_a_status_between_stages() {
        expect!["fetching_completed pre_plan_awaiting_decision tf_policy_checked tf_policy_override post_plan_awaiting_decision assessing assessed force_canceled"]
            .assert_eq(&names(|status| status.visible() != status));
        assert!(RunStatus::ALL.iter().all(|status| status.visible().visible() == status.visible()));
        assert!(RunStatus::ALL.iter().all(|status| status.visible().is_final() == status.is_final()));
    }

    #[test]
    fn a_run_with_nothing_to_apply_or_a_stage_to_come_is_not_confirmable() {
        let planned = facts(RunStatus::Planned);
        assert!(!RunFacts { has_changes: false, ..planned }.is_confirmable());
        assert!(RunFacts { has_changes: false, allow_empty_apply: true, ..planned }.is_confirmable());
        assert!(!RunFacts { stage_follows: true, ..planned }.is_confirmable());
        assert!(!RunFacts { kind: RunKind::PlanOnly, ..planned }.is_confirmable());
    }

    #[test]
    fn a_saved_plan_is_confirmable_while_its_workspace_is_free() {
        let saved = RunFacts { kind: RunKind::SavePlan, ..facts(RunStatus::PlannedAndSaved) };
        assert!(saved.is_confirmable());
        assert!(!RunFacts { workspace_is_free: false, ..saved }.is_confirmable());
    }

    #[test]
    fn a_run_is_killed_only_after_a_cancel_and_the_time_that_it_was_given() {
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        let applying = facts(RunStatus::Applying);
        assert!(!applying.is_force_cancelable(now));
        let asked =
            RunFacts { cancel_requested: true, force_cancel_from: Some(now + TimeDelta::seconds(10)), ..applying };
        assert!(!asked.is_cancelable());
        assert!(!asked.is_force_cancelable(now));
        assert!(asked.is_force_cancelable(now + TimeDelta::seconds(10)));
        assert!(!RunFacts { status: RunStatus::Applied, ..asked }.is_force_cancelable(now + TimeDelta::days(1)));
    }

    #[test]
    fn the_groups_of_the_run_filter_part_every_status() {
        assert_eq!(RunStatus::finals().count() + RunStatus::non_finals().count(), RunStatus::ALL.len());
        assert!(RunStatus::DISCARDABLE.iter().all(|status| status.can_be_discarded()));
    }
}
