//! From what somebody says of the plan of a stack to what is kept of it: what a plan would do is read from its run, and
//! everything has a bound.

use std::collections::BTreeSet;

use domain::Problem;
use domain::plan::Tally;
use domain::run::RunStatus;

use super::service::New;
use super::store::{Counts, Fate, Row, Totals};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::resources::organizations::Organization;
use crate::resources::{runs, workspaces};
use crate::storage::Tx;

/// Most workspaces in one plan.
const MANY: usize = 1000;
/// Most reasons of one workspace, and most workspaces that one waits for.
const REASONS: usize = 100;
/// Longest text that is kept of each.
const LONG: usize = 2000;
/// Longest message, digest and note.
const SHORT: usize = 200;

/// Reads the rows; whoever asks must be one who may start runs of each workspace.
///
/// # Errors
/// `stack-plan/row`, `stack-plan/size`, and those of what it names.
pub async fn rows(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    new: &New,
) -> Result<Vec<Row>, Problem> {
    if new.rows.is_empty() || new.rows.len() > MANY {
        return Err(size(format!("The plan of a stack has from 1 to {MANY} workspaces.")));
    }
    if new.digest.is_empty() || [&new.message, &new.digest].into_iter().any(|text| text.len() > SHORT) {
        return Err(size(format!("The digest and the message of a plan have at most {SHORT} bytes each.")));
    }
    let mut known = BTreeSet::new();
    let mut rows = Vec::with_capacity(new.rows.len());
    for row in &new.rows {
        let workspace = workspaces::service::for_action(tx, actor, &row.workspace, Action::StartRun).await?;
        if workspace.organization_id != organization.id || !known.insert(workspace.id.as_str().to_owned()) {
            return Err(wrong(&workspace.name, "it is of another organization, or is named twice"));
        }
        check_size(row)?;
        rows.push(read(app, tx, row, &workspace.name).await?);
    }
    Ok(rows)
}

/// What the rows come to.
pub fn totals(rows: &[Row]) -> Totals {
    let mut totals = Totals::default();
    for row in rows {
        let (sum, one) = (&mut totals.counts, &row.counts);
        sum.add += one.add;
        sum.change += one.change;
        sum.destroy += one.destroy;
        sum.replace += one.replace;
        sum.import += one.import;
        sum.moved += one.moved;
        sum.forget += one.forget;
        totals.changing += u32::from(row.has_changes);
        totals.deferred += u32::from(row.fate == Fate::Deferred);
    }
    totals
}

async fn read(app: &App, tx: &Tx, said: &Row, name: &str) -> Result<Row, Problem> {
    let mut row = Row { counts: Counts::default(), has_changes: false, plan: None, ..said.clone() };
    let run = match &row.run {
        Some(id) => {
            let run = runs::by_id(tx, id).await?.filter(|run| run.workspace_id == row.workspace && run.plan_only);
            Some(run.ok_or_else(|| wrong(name, "its run is not one that only plans this workspace"))?)
        }
        None => None,
    };
    match (row.fate, run) {
        (Fate::Planned, Some(run)) if run.status() == RunStatus::PlannedAndFinished => {
            let plan = runs::plan_of(tx, &run.id).await?.id;
            let outline = runs::outline::of_plan(app, &plan).await?;
            let outline = outline.ok_or_else(|| wrong(name, "the plan of its run is not there"))?;
            row.counts = Counts::from(outline.plan.tally());
            row.has_changes = !outline.plan.changes.is_empty() || !outline.outputs.is_empty();
            row.plan = Some(plan);
        }
        (Fate::Planned, _) => return Err(wrong(name, "it has no run whose plan is finished")),
        (Fate::Unchanged | Fate::Deferred, _) => {}
    }
    Ok(row)
}

fn check_size(row: &Row) -> Result<(), Problem> {
    let texts = || row.why.iter().chain(&row.deferred_until).chain(&row.reason);
    let many = row.why.len().max(row.deferred_until.len()) > REASONS;
    if many || texts().any(|text| text.len() > LONG) || row.note.as_ref().is_some_and(|note| note.len() > SHORT) {
        return Err(size(format!("A workspace of a plan has at most {REASONS} reasons of at most {LONG} bytes.")));
    }
    Ok(())
}

impl From<Tally> for Counts {
    fn from(tally: Tally) -> Self {
        let Tally { add, change, destroy, replace, import, moved, forget } = tally;
        Self { add, change, destroy, replace, import, moved, forget }
    }
}

fn wrong(workspace: &str, why: &str) -> Problem {
    Problem::invalid("stack-plan/row", format!("\"{workspace}\" cannot be part of the plan: {why}."))
        .advice("Plan the stack again, and send what came of it.")
        .attribute("rows")
}

fn size(message: String) -> Problem {
    Problem::invalid("stack-plan/size", message).advice("Send less.")
}
