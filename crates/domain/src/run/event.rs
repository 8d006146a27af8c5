//! What can happen to a run. Source of the order of stages: the run states of the HCP Terraform documentation.

/// How a plan came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlanOutcome {
    /// Nothing would change, an empty apply was not asked for, and no further stage follows: the run is over.
    NoChanges,
    /// Something would change, an empty apply is wanted, or a further stage (tasks, costs, policies) follows.
    Changes,
    /// The run was to plan only: it is over, whatever the plan says.
    PlanOnly,
    /// The plan is kept until somebody confirms or discards it.
    Saved,
}

/// What happened to a run, as told to [`RunStatus::after`](super::RunStatus::after).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunEvent {
    /// Its configuration began to be fetched.
    FetchStarted,
    /// Its configuration is here.
    FetchFinished,
    /// Tasks before the plan began.
    PrePlanTasksStarted,
    /// Tasks before the plan are done and let it go on.
    PrePlanTasksPassed,
    /// Tasks before the plan want somebody's decision.
    PrePlanTasksHeld,
    /// It left the queue of its workspace and is about to take a slot.
    Queue,
    /// It got its workspace and a slot: an executor may plan it.
    Start,
    /// An executor began to plan it.
    PlanStarted,
    /// The plan is done.
    PlanFinished(PlanOutcome),
    /// Policies within Terraform passed.
    TfPoliciesPassed,
    /// Policies within Terraform want an override.
    TfPoliciesHeld,
    /// Tasks after the plan began.
    PostPlanTasksStarted,
    /// Tasks after the plan are done and let it go on.
    PostPlanTasksPassed,
    /// Tasks after the plan want somebody's decision.
    PostPlanTasksHeld,
    /// The cost estimate began.
    CostEstimateStarted,
    /// The cost estimate is done; also when it failed, for a failed estimate stops no run.
    CostEstimateFinished,
    /// The policy check began.
    PolicyCheckStarted,
    /// Every policy passed, or only advised.
    PoliciesPassed,
    /// A policy failed that somebody may override.
    PoliciesHeld,
    /// A policy failed softly on a run that only plans.
    PoliciesSoftFailed,
    /// Somebody overrode what held it: a policy, or tasks that wanted a decision.
    Override,
    /// The last stage after the plan passed and there is nothing to apply.
    Finish,
    /// The last stage after the plan passed and the plan is to be kept.
    Save,
    /// Somebody, or auto-apply, said yes.
    Confirm,
    /// Tasks before the apply began.
    PreApplyTasksStarted,
    /// Tasks before the apply are done and let it go on.
    PreApplyTasksPassed,
    /// It is about to take a slot for its apply.
    QueueingApply,
    /// It got a slot: an executor may apply it.
    QueueApply,
    /// An executor began to apply it.
    ApplyStarted,
    /// Tasks after the apply began.
    PostApplyTasksStarted,
    /// Tasks after the apply are done; they only advise.
    PostApplyTasksFinished,
    /// The apply succeeded and its state is stored.
    ApplyFinished,
    /// A health assessment began.
    AssessmentStarted,
    /// The health assessment is done.
    AssessmentFinished,
    /// Something failed that ends the run.
    Fail,
    /// It was stopped by somebody, and nothing of it runs any more.
    Cancel,
    /// It was killed by somebody, without waiting for what ran.
    ForceCancel,
    /// Somebody said no.
    Discard,
    /// Whoever worked on it is gone before its plan ended or its apply began: it waits again. A run that was applying
    /// never waits again, because a second start could make things twice.
    Requeue,
}

impl RunEvent {
    /// Every event, in the order of a run's life.
    pub const ALL: &'static [Self] = &[
        Self::FetchStarted,
        Self::FetchFinished,
        Self::PrePlanTasksStarted,
        Self::PrePlanTasksPassed,
        Self::PrePlanTasksHeld,
        Self::Queue,
        Self::Start,
        Self::PlanStarted,
        Self::PlanFinished(PlanOutcome::NoChanges),
        Self::PlanFinished(PlanOutcome::Changes),
        Self::PlanFinished(PlanOutcome::PlanOnly),
        Self::PlanFinished(PlanOutcome::Saved),
        Self::TfPoliciesPassed,
        Self::TfPoliciesHeld,
        Self::PostPlanTasksStarted,
        Self::PostPlanTasksPassed,
        Self::PostPlanTasksHeld,
        Self::CostEstimateStarted,
        Self::CostEstimateFinished,
        Self::PolicyCheckStarted,
        Self::PoliciesPassed,
        Self::PoliciesHeld,
        Self::PoliciesSoftFailed,
        Self::Override,
        Self::Finish,
        Self::Save,
        Self::Confirm,
        Self::PreApplyTasksStarted,
        Self::PreApplyTasksPassed,
        Self::QueueingApply,
        Self::QueueApply,
        Self::ApplyStarted,
        Self::PostApplyTasksStarted,
        Self::PostApplyTasksFinished,
        Self::ApplyFinished,
        Self::AssessmentStarted,
        Self::AssessmentFinished,
        Self::Fail,
        Self::Cancel,
        Self::ForceCancel,
        Self::Discard,
        Self::Requeue,
    ];

    /// The event as it reads after "the run cannot".
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::FetchStarted => "begin to fetch its configuration",
            Self::FetchFinished => "have its configuration fetched",
            Self::PrePlanTasksStarted => "begin its tasks before the plan",
            Self::PrePlanTasksPassed => "pass its tasks before the plan",
            Self::PrePlanTasksHeld => "be held by its tasks before the plan",
            Self::Queue => "be queued",
            Self::Start => "be started",
            Self::PlanStarted => "begin its plan",
            Self::PlanFinished(_) => "finish its plan",
            Self::TfPoliciesPassed => "pass the policies within Terraform",
            Self::TfPoliciesHeld => "be held by the policies within Terraform",
            Self::PostPlanTasksStarted => "begin its tasks after the plan",
            Self::PostPlanTasksPassed => "pass its tasks after the plan",
            Self::PostPlanTasksHeld => "be held by its tasks after the plan",
            Self::CostEstimateStarted => "begin its cost estimate",
            Self::CostEstimateFinished => "finish its cost estimate",
            Self::PolicyCheckStarted => "begin its policy check",
            Self::PoliciesPassed => "pass its policies",
            Self::PoliciesHeld => "be held by its policies",
            Self::PoliciesSoftFailed => "fail its policies",
            Self::Override => "be overridden",
            Self::Finish => "be finished after its plan",
            Self::Save => "have its plan saved",
            Self::Confirm => "be applied",
            Self::PreApplyTasksStarted => "begin its tasks before the apply",
            Self::PreApplyTasksPassed => "pass its tasks before the apply",
            Self::QueueingApply | Self::QueueApply => "be queued for its apply",
            Self::ApplyStarted => "begin its apply",
            Self::PostApplyTasksStarted => "begin its tasks after the apply",
            Self::PostApplyTasksFinished => "finish its tasks after the apply",
            Self::ApplyFinished => "finish its apply",
            Self::AssessmentStarted => "begin a health assessment",
            Self::AssessmentFinished => "finish a health assessment",
            Self::Fail => "fail",
            Self::Cancel => "be canceled",
            Self::ForceCancel => "be force-canceled",
            Self::Discard => "be discarded",
            Self::Requeue => "be queued again",
        }
    }
}
