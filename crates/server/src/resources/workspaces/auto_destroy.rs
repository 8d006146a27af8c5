//! Workspaces that destroy themselves: what they say is kept and shown, and what is due is carried out.
//!
//! What is due stands in the database, and is taken away in the transaction that starts the destroy run: a server that was
//! away finds it, and nothing is started twice. Absent: when to look (`scheduler/auto_destroy.rs`).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::auto_destroy::{self, Facts, Idle, Next, Request, Setting};
use domain::{Fault, Problem};

use super::protection;
use super::store::{self, Model as Workspace};
use crate::app::App;
use crate::resources::projects::{self, Project};
use crate::resources::runs;
use crate::storage::{Change, Tx};

/// What a run says that was started because the time had come.
const MESSAGE: &str = "Destroyed by itself: its time had come";

/// Durations of projects, by project, with when each was set.
pub struct Inherited(BTreeMap<String, (Idle, DateTime<Utc>)>);

/// Reads what projects say.
pub async fn inherited(tx: &Tx) -> Result<Inherited, Problem> {
    let all = projects::that_destroy(tx).await?;
    Ok(Inherited(all.into_iter().filter_map(|project| Some((project.id.clone(), of_project(&project)?))).collect()))
}

/// When a workspace is destroyed and after how long, as it is shown.
pub fn shown(workspace: &Workspace, inherited: &Inherited) -> (Option<DateTime<Utc>>, Option<String>) {
    let facts = facts(workspace, inherited);
    (facts.deadline(), facts.duration.map(|duration| duration.as_str().to_owned()))
}

/// Takes what was asked for into the workspace's row, which the caller writes.
///
/// # Errors
/// `auto-destroy/…`.
pub async fn set(
    tx: &Tx,
    workspace: &mut Workspace,
    request: Request,
    is_new: bool,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    if request == Request::default() {
        return Ok(());
    }
    let project = projects::by_id(tx, &workspace.project_id).await?.as_ref().and_then(of_project);
    let project = project.map(|(idle, _)| idle);
    let before = setting(workspace);
    let says_duration = matches!(request.duration, Some(Some(_)));
    let after = auto_destroy::change(&before, request, project.as_ref(), is_new)?;
    if says_duration || after.effective(project.as_ref()) != before.effective(project.as_ref()) {
        workspace.active_at = Some(now);
    }
    workspace.auto_destroy_at = after.moment;
    workspace.auto_destroy_duration = after.duration.map(|duration| duration.as_str().to_owned());
    workspace.inherits_project_auto_destroy = after.inherits;
    workspace.auto_destroy_status = None;
    Ok(())
}

/// Starts every destroy run that is due; returns when the next one will be.
///
/// # Errors
/// `storage/unavailable`; what is due then still is.
pub async fn carry_out(app: &App) -> Result<Option<DateTime<Utc>>, Problem> {
    let now = app.ports.now();
    let tx = app.db.look();
    let inherited = inherited(&tx).await?;
    let candidates = store::that_destroy(&tx, inherited.0.keys().cloned().collect()).await?;
    drop(tx);
    let mut soonest = None;
    for workspace in candidates {
        match auto_destroy::next(&facts(&workspace, &inherited), now) {
            Next::Never => {}
            Next::At(moment) => soonest = Some(soonest.map_or(moment, |other: DateTime<Utc>| other.min(moment))),
            _ => carry_out_one(app, &workspace.id, now).await?,
        }
    }
    Ok(soonest)
}

/// Notes how the destroy run of a workspace that destroyed itself has ended.
pub async fn ended(tx: &Tx, workspace: &str, applied: bool) -> Result<(), Problem> {
    store::set_auto_destroy_status(tx, workspace, if applied { "destroyed" } else { "errored" }).await
}

async fn carry_out_one(app: &App, id: &str, now: DateTime<Utc>) -> Result<(), Problem> {
    let tx = app.db.write().await?;
    // It may have been changed since it was looked at.
    let Some(mut workspace) = store::lock_row(&tx, id).await? else { return Ok(()) };
    let mut facts = facts(&workspace, &inherited(&tx).await?);
    facts.has_downstreams = !protection::remaining(&tx, &workspace).await?.is_empty();
    let status = match auto_destroy::next(&facts, now) {
        Next::Never | Next::At(_) => return Ok(()),
        Next::Held if workspace.auto_destroy_status.as_deref() == Some("held") => return Ok(()),
        Next::Held => {
            store::set_auto_destroy_status(&tx, id, "held").await?;
            return tx.commit().await;
        }
        Next::Empty => "empty",
        Next::Refused => "refused",
        Next::Destroy => match runs::service::destroy(app, &tx, workspace.clone(), MESSAGE.into(), None).await {
            Ok(_) => "queued",
            Err(problem) if matches!(problem.fault, Fault::Ours | Fault::Unavailable) => return Err(problem),
            // It cannot run as it is: it has no configuration, or runs elsewhere.
            Err(problem) => {
                tracing::warn!(workspace = id, code = problem.code, "not destroyed by itself: {problem}");
                "refused"
            }
        },
    };
    // The run may have become the workspace's current one.
    workspace = store::by_id(&tx, id).await?.unwrap_or(workspace);
    workspace.auto_destroy_at = None;
    workspace.active_at = None;
    workspace.auto_destroy_status = Some(status.into());
    store::update(&tx, &workspace).await?;
    tx.announce(Change::Workspace { workspace: workspace.id });
    tx.commit().await
}

fn facts(workspace: &Workspace, inherited: &Inherited) -> Facts {
    let setting = setting(workspace);
    let project = inherited.0.get(&workspace.project_id).filter(|_| setting.inherits);
    Facts {
        moment: setting.moment,
        duration: setting.effective(project.map(|(idle, _)| idle)).cloned(),
        active: workspace.active_at,
        inherited_since: project.map(|(_, since)| *since),
        has_resources: workspace.resource_count > 0,
        allows_destroy: workspace.allow_destroy_plan,
        has_downstreams: false,
    }
}

fn setting(workspace: &Workspace) -> Setting {
    Setting {
        moment: workspace.auto_destroy_at,
        // What was stored was read by the same rule before.
        duration: workspace.auto_destroy_duration.as_deref().and_then(|text| Idle::parse(text).ok()),
        inherits: workspace.inherits_project_auto_destroy,
    }
}

fn of_project(project: &Project) -> Option<(Idle, DateTime<Utc>)> {
    Some((Idle::parse(project.auto_destroy_duration.as_deref()?).ok()?, project.auto_destroy_since?))
}
