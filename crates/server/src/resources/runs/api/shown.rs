//! Runs, plans and applies as documents.

use domain::Problem;
use domain::run::PhaseStatus;
use serde_json::Value;
use wire::applies::{Apply, ApplyAttributes, ApplyRelationships};
use wire::plans::{ExecutionDetails, Plan, PlanAttributes, PlanRelationships};
use wire::runs::{
    BlockedBy, Run as Document, RunActions, RunAttributes, RunPermissions, RunRelationships, RunVariable,
};
use wire::words::{RunSource, TriggerReason};
use wire::{StatusTimestamps, ToOne, kind};

use super::super::service::{self, Whole};
use super::super::{Phase, Run};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::{Here, signed};
use crate::resources::workspaces;

/// A run as the API shows it.
///
/// # Errors
/// When its variables do not unseal.
pub fn document(app: &App, actor: &Actor, whole: &Whole) -> Result<Document, Problem> {
    let Whole { run, plan, apply, workspace, standing } = whole;
    let after = service::force_cancel_after(app);
    let facts = run.facts(service::is_free(workspace, run), after);
    let may = |action| actor.can(action, workspaces::service::on(workspace));
    let decide = may(Action::DecideRun);
    let variables = service::variables(app, run)?;
    let cause = run.triggered_by.as_ref().and_then(|by| by.upstreams.last());
    let addresses = |column: &Value| Some(Run::strings(column)).filter(|list| !list.is_empty());
    let attributes = RunAttributes {
        status: run.status().visible().into(),
        status_timestamps: timestamps(&run.status_timestamps),
        created_at: run.created_at.into(),
        message: run.message.clone(),
        source: RunSource::parse(&run.source).unwrap_or_default(),
        trigger_reason: TriggerReason::parse(&run.trigger_reason).unwrap_or_default(),
        triggering_source_name: cause.map(|upstream| upstream.name.clone()),
        terraform_version: run.terraform_version.clone(),
        auto_apply: run.auto_apply,
        is_destroy: run.is_destroy,
        plan_only: run.plan_only,
        save_plan: run.save_plan,
        refresh: run.refresh,
        refresh_only: run.refresh_only,
        allow_empty_apply: run.allow_empty_apply,
        allow_config_generation: run.allow_config_generation,
        debugging_mode: false,
        target_addrs: addresses(&run.target_addrs),
        replace_addrs: addresses(&run.replace_addrs),
        variables: variables.into_iter().map(|it| RunVariable { key: it.key, value: it.value }).collect(),
        has_changes: run.has_changes,
        parked: run.parked.as_deref() == Some("parked"),
        waiting_for: standing.waiting_for.clone(),
        blocked_by: standing.blocked.as_ref().map(|it| BlockedBy {
            kind: it.kind.into(),
            id: it.id.clone(),
            words: it.words.clone(),
        }),
        position_in_queue: 0,
        canceled_at: run.cancel_requested_at.map(Into::into),
        force_cancel_available_at: run.cancel_requested_at.map(|at| (at + after).into()),
        actions: RunActions {
            is_cancelable: facts.is_cancelable(),
            is_confirmable: facts.is_confirmable(),
            is_discardable: facts.is_discardable(),
            is_force_cancelable: facts.is_force_cancelable(app.ports.now()),
        },
        permissions: RunPermissions {
            can_apply: decide,
            can_cancel: decide,
            can_discard: decide,
            can_force_cancel: may(Action::ForceCancelRun),
            can_force_execute: decide,
            ..RunPermissions::default()
        },
    };
    let relationships = RunRelationships {
        workspace: ToOne::new(kind::WORKSPACES, &workspace.id),
        plan: ToOne::new(kind::PLANS, &plan.id),
        apply: ToOne::new(kind::APPLIES, &apply.id),
        configuration_version: ToOne::maybe(
            kind::CONFIGURATION_VERSIONS,
            Some(&run.configuration_id).filter(|id| !id.is_empty()),
        ),
        parent_run: ToOne::maybe(kind::RUNS, run.parent_run_id.as_ref()),
        created_by: ToOne::maybe(kind::USERS, run.created_by.as_ref()),
        triggering_source: ToOne::maybe(kind::WORKSPACES, cause.map(|upstream| &upstream.workspace)),
        triggering_run: ToOne::maybe(kind::RUNS, cause.map(|upstream| &upstream.run)),
        ..RunRelationships::default()
    };
    Ok(Document::new(&run.id, attributes).related(relationships).linked("self", format!("/api/v2/runs/{}", run.id)))
}

/// A plan as the API shows it.
pub fn plan_document(app: &App, here: &Here, whole: &Whole) -> Plan {
    let plan = &whole.plan;
    let count = counts(plan);
    let attributes = PlanAttributes {
        status: plan.status().into(),
        status_timestamps: phase_timestamps(plan),
        has_changes: plan.has_changes,
        log_read_url: signed::log(app, here, &plan.id),
        resource_additions: count(plan.additions),
        resource_changes: count(plan.changes),
        resource_destructions: count(plan.destructions),
        resource_imports: count(plan.imports),
        generated_configuration: plan.generated_configuration,
        execution_details: ExecutionDetails::default(),
        ..PlanAttributes::default()
    };
    let path = format!("/api/v2/plans/{}", plan.id);
    Plan::new(&plan.id, attributes)
        .related(PlanRelationships::default())
        .linked("json-output", format!("{path}/json-output"))
        .linked("json-output-redacted", format!("{path}/json-output-redacted"))
        .linked("self", path)
}

/// An apply as the API shows it.
pub fn apply_document(app: &App, here: &Here, whole: &Whole) -> Apply {
    let apply = &whole.apply;
    let count = counts(apply);
    let attributes = ApplyAttributes {
        status: apply.status().into(),
        status_timestamps: phase_timestamps(apply),
        log_read_url: signed::log(app, here, &apply.id),
        resource_additions: count(apply.additions),
        resource_changes: count(apply.changes),
        resource_destructions: count(apply.destructions),
        resource_imports: count(apply.imports),
        execution_details: ExecutionDetails::default(),
    };
    Apply::new(&apply.id, attributes)
        .related(ApplyRelationships::default())
        .linked("self", format!("/api/v2/applies/{}", apply.id))
}

/// The words that `filter[operation]` may find a run by.
pub fn operations(run: &Run) -> Vec<&'static str> {
    let ordinary = !run.plan_only && !run.save_plan && !run.refresh_only && !run.is_destroy;
    [
        (run.plan_only, "plan_only"),
        (run.save_plan, "save_plan"),
        (run.refresh_only, "refresh_only"),
        (run.is_destroy, "destroy"),
        (run.allow_empty_apply, "empty_apply"),
        (ordinary, "plan_and_apply"),
    ]
    .into_iter()
    .filter_map(|(is, word)| is.then_some(word))
    .collect()
}

/// Counts are null until the phase is done.
fn counts(phase: &Phase) -> impl Fn(i32) -> Option<u64> {
    let done = phase.status() == PhaseStatus::Finished;
    move |count| done.then(|| u64::try_from(count).unwrap_or(0))
}

pub(super) fn timestamps(column: &Value) -> StatusTimestamps {
    serde_json::from_value(column.clone()).unwrap_or_default()
}

/// Clients know the moment at which a phase began to run by another name than its status.
fn phase_timestamps(phase: &Phase) -> StatusTimestamps {
    let mut timestamps = timestamps(&phase.status_timestamps);
    if let Some(at) = timestamps.0.remove("running-at") {
        timestamps.0.insert("started-at".into(), at);
    }
    timestamps
}
