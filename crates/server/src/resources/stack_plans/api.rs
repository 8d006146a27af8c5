//! `/stack-plans`: the HTTP side of the plans of stacks.
//!
//! Who waits for the answer reads it with `Prefer: wait=SECONDS` and `?unless-status=pending`, as runs are waited for, and is
//! answered when it was decided. That is also how the server knows that somebody waits.

use axum::extract::State;
use domain::id::{Id, StackPlanId};
use domain::stack_plan::Decision;
use domain::{Fault, Problem};
use tokio::time::Instant;
use wire::query::{HeldQuery, ListQuery};
use wire::stack_plans::{
    StackPlan as Shown, StackPlanAttributes, StackPlanBody, StackPlanCounts, StackPlanRequestRow, StackPlanRow,
};
use wire::{ActionRequest, Document};

use super::service::{self, New, Whole};
use super::{Counts, Fate, Row};
use crate::app::App;
use crate::edge::{At, Caller, Here, Hold, Name, Query, Reply, Routes, Sent, changes_until, created, ok};
use crate::resources::organizations;
use crate::resources::runs::Run;
use crate::resources::workspaces::Workspace;
use crate::storage::Change;

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/organizations/{organization}/stack-plans", list)
        .post("/organizations/{organization}/stack-plans", create)
        .get("/stack-plans/{id}", show)
        .post("/stack-plans/{id}/actions/approve", approve)
        .post("/stack-plans/{id}/actions/discard", discard)
        .post("/stack-plans/{id}/actions/withdraw", withdraw)
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let all = service::list(&tx, &actor, &organization).await?;
    let (chosen, pagination) = here.cut(all, &query.page);
    let opened = service::open(&app, &tx, &actor, &organization, chosen).await?;
    ok(here.paged(opened.into_iter().map(document).collect(), pagination))
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Sent(body): Sent<StackPlanBody>,
) -> Reply {
    let (wanted, _) = body.into_parts();
    let rows = wanted.rows.into_iter().map(row).collect::<Result<_, _>>()?;
    let new = New { message: wanted.message, digest: wanted.digest, rows };
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let rows = service::gather(&app, &tx, &actor, &organization, &new).await?;
    drop(tx);
    let tx = app.db.write().await?;
    let whole = service::create(&app, &tx, &actor, &organization, new, rows).await?;
    let document = document(whole);
    tx.commit().await?;
    created(Document::new(document))
}

async fn show(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<StackPlanId>,
    hold: Hold,
    Query(query): Query<HeldQuery>,
) -> Reply {
    let until = query.unless_status.as_ref().and(hold.until());
    if until.is_some() {
        service::asked(&app, &actor, id.as_str()).await?;
    }
    // Listening begins before the first look, so that nothing falls between the two.
    let mut changes = app.changes.listen();
    loop {
        let tx = app.db.read().await?;
        let whole = service::read(&app, &tx, &actor, id.as_str()).await?;
        match until {
            Some(until) if query.unless_status.as_ref() == Some(&whole.plan.status) && Instant::now() < until => {
                drop(tx);
                hold.begin();
                let moved = |change: &Change| matches!(change, Change::StackPlan { plan, .. } if *plan == id.as_str());
                changes_until(&mut changes, until, moved).await;
            }
            _ => {
                let answer = ok(Document::new(document(whole)))?;
                return Ok(if until.is_some() { hold.applied(answer) } else { answer });
            }
        }
    }
}

macro_rules! decisions {
    ($($name:ident = $decision:ident;)*) => {$(
        // Answered with the plan as it stands now: whoever decided learns that it counted.
        async fn $name(
            State(app): State<App>,
            Caller(actor): Caller,
            At(id): At<StackPlanId>,
            Sent(request): Sent<ActionRequest>,
        ) -> Reply {
            let tx = app.db.write().await?;
            let whole = service::decide(&app, &tx, &actor, id.as_str(), Decision::$decision, request.comment).await?;
            let document = document(whole);
            tx.commit().await?;
            ok(Document::new(document))
        }
    )*};
}

decisions! { approve = Approve; discard = Discard; withdraw = Withdraw; }

fn row(said: StackPlanRequestRow) -> Result<Row, Problem> {
    let fate = Fate::parse(&said.status).ok_or_else(|| {
        Problem::new(
            Fault::Invalid,
            "stack-plan/row",
            format!("\"{}\" is no status of a row.", said.status.escape_debug()),
        )
        .advice("Say planned, unchanged or deferred.")
        .attribute("rows")
    })?;
    Ok(Row {
        workspace: said.workspace_id,
        fate,
        counts: Counts::default(),
        has_changes: false,
        why: said.why,
        deferred_until: said.deferred_until,
        reason: said.reason,
        run: said.run_id,
        plan: None,
        note: said.note,
    })
}

fn document(whole: Whole) -> Shown {
    let row = |(row, workspace): (Row, Workspace)| shown(row, workspace.name, whole.runs.get(&workspace.id));
    let attributes = StackPlanAttributes {
        status: whole.plan.status,
        message: whole.plan.message,
        digest: whole.plan.digest,
        is_awaited: whole.is_awaited,
        rows: whole.rows.into_iter().map(row).collect(),
        hidden: whole.hidden as u64,
        can_decide: whole.may_decide,
        created_by: whole.created_by,
        created_at: whole.plan.created_at.into(),
        decided_by: whole.decided_by,
        decided_at: whole.plan.decided_at.map(Into::into),
        comment: whole.plan.comment,
    };
    Shown::new(&whole.plan.id, attributes).linked("self", format!("/api/v2/stack-plans/{}", whole.plan.id))
}

fn shown(row: Row, workspace: String, applying: Option<&Run>) -> StackPlanRow {
    let Counts { add, change, destroy, replace, import, moved, forget } = row.counts;
    StackPlanRow {
        workspace_id: row.workspace,
        workspace,
        status: row.fate.as_str().to_owned(),
        counts: StackPlanCounts { add, change, destroy, replace, import, r#move: moved, forget },
        has_changes: row.has_changes,
        why: row.why,
        deferred_until: row.deferred_until,
        reason: row.reason,
        run_id: row.run,
        apply_run_id: applying.map(|run| run.id.clone()),
    }
}
