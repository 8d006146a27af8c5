//! Every status that the API knows, by name. Source: `status` of runs, plans and applies in the HCP Terraform API v2
//! and the constants of go-tfe.

macro_rules! statuses {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every status, in the order of a run's life.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The status as the API writes it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The status that the API writes so, if there is one.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

statuses! {
    /// Where a run is in its life.
    RunStatus {
        /// Waits for its workspace and a slot.
        Pending = "pending",
        /// Its configuration is being fetched.
        Fetching = "fetching",
        /// Its configuration is here.
        FetchingCompleted = "fetching_completed",
        /// Tasks before the plan run.
        PrePlanRunning = "pre_plan_running",
        /// Tasks before the plan are done.
        PrePlanCompleted = "pre_plan_completed",
        /// Tasks before the plan wait for a decision.
        PrePlanAwaitingDecision = "pre_plan_awaiting_decision",
        /// About to be queued for its plan.
        Queuing = "queuing",
        /// Waits for an executor to plan it.
        PlanQueued = "plan_queued",
        /// Terraform plans.
        Planning = "planning",
        /// Planned; waits for a decision when something would change.
        Planned = "planned",
        /// Policies within Terraform passed.
        TfPolicyChecked = "tf_policy_checked",
        /// Policies within Terraform wait for an override.
        TfPolicyOverride = "tf_policy_override",
        /// Tasks after the plan run.
        PostPlanRunning = "post_plan_running",
        /// Tasks after the plan wait for a decision.
        PostPlanAwaitingDecision = "post_plan_awaiting_decision",
        /// Tasks after the plan are done.
        PostPlanCompleted = "post_plan_completed",
        /// Costs are being estimated.
        CostEstimating = "cost_estimating",
        /// Costs are estimated.
        CostEstimated = "cost_estimated",
        /// Policies are being checked.
        PolicyChecking = "policy_checking",
        /// A policy failed that may be overridden.
        PolicyOverride = "policy_override",
        /// A policy failed softly on a plan-only run: final.
        PolicySoftFailed = "policy_soft_failed",
        /// Policies passed.
        PolicyChecked = "policy_checked",
        /// Somebody, or auto-apply, said yes.
        Confirmed = "confirmed",
        /// Tasks before the apply run.
        PreApplyRunning = "pre_apply_running",
        /// Tasks before the apply are done.
        PreApplyCompleted = "pre_apply_completed",
        /// About to be queued for its apply.
        QueuingApply = "queuing_apply",
        /// Waits for an executor to apply it.
        ApplyQueued = "apply_queued",
        /// Terraform applies.
        Applying = "applying",
        /// Tasks after the apply run.
        PostApplyRunning = "post_apply_running",
        /// Tasks after the apply are done.
        PostApplyCompleted = "post_apply_completed",
        /// Applied: final.
        Applied = "applied",
        /// Planned, and nothing is to follow: final.
        PlannedAndFinished = "planned_and_finished",
        /// Planned and kept until somebody confirms or discards it.
        PlannedAndSaved = "planned_and_saved",
        /// Somebody said no: final.
        Discarded = "discarded",
        /// Failed: final.
        Errored = "errored",
        /// Stopped by somebody: final.
        Canceled = "canceled",
        /// A health assessment runs.
        Assessing = "assessing",
        /// A health assessment is done: final.
        Assessed = "assessed",
        /// Killed by somebody: final. The API shows such a run as `canceled`.
        ForceCanceled = "force_canceled",
    }
}

statuses! {
    /// Where the plan or the apply of a run is in its life.
    PhaseStatus {
        /// Not queued yet.
        Pending = "pending",
        /// Queued behind others of the organization.
        ManagedQueued = "managed_queued",
        /// Waits for an executor.
        Queued = "queued",
        /// Terraform runs.
        Running = "running",
        /// Done: final.
        Finished = "finished",
        /// Failed: final.
        Errored = "errored",
        /// Stopped: final.
        Canceled = "canceled",
        /// Will never run: final.
        Unreachable = "unreachable",
    }
}

impl RunStatus {
    /// Whether nothing can follow. `planned_and_saved` is not final: a saved plan may still be confirmed.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Applied
                | Self::PlannedAndFinished
                | Self::PolicySoftFailed
                | Self::Discarded
                | Self::Errored
                | Self::Canceled
                | Self::ForceCanceled
                | Self::Assessed
        )
    }
}

impl PhaseStatus {
    /// Whether nothing can follow.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Finished | Self::Errored | Self::Canceled | Self::Unreachable)
    }
}
