//! States that were refused: their bytes are kept, sealed like any state, and can be made a version of their own.
//!
//! Whoever is refused may have the only copy of what terraform made: a run that was fenced off, a user whose lock was broken.
//! A kept state is never current. A workspace keeps so many, for so long; what is refused a second time is kept once.

use bytes::Bytes;
use chrono::TimeDelta;
use domain::id::StateId;
use domain::{Fault, Problem};
use serde_json::Value;

use super::document;
use super::store::{self, Model as State};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::resources::workspaces;
use crate::storage::{Change, Tx};

/// Most states that a workspace keeps.
pub const MOST: usize = 20;
/// How long they are kept.
pub const DAYS: i64 = 30;

/// The kept states of a workspace, newest first.
///
/// # Errors
/// `workspace/not-found` for who may not read its states.
pub async fn list(app: &App, tx: &Tx, actor: &Actor, workspace: &str) -> Result<Vec<State>, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ReadState).await?;
    let mut all = store::kept(tx, &workspace.id).await?;
    all.retain(|state| app.ports.now() - state.created_at < TimeDelta::days(DAYS));
    all.truncate(MOST);
    Ok(all)
}

/// Keeps the bytes that came along with an announcement which was refused, where it was refused for its state or its lock.
/// Returns the problem, with words where they are.
pub async fn of_announcement(app: &App, actor: &Actor, workspace: &str, bytes: &Bytes, problem: Problem) -> Problem {
    if problem.fault != Fault::Conflict {
        return problem;
    }
    let Ok(document) = document::read(bytes) else { return problem };
    let state = State {
        id: app.ports.id::<StateId>().to_string(),
        workspace_id: workspace.to_owned(),
        run_id: None,
        created_by: actor.user().map(str::to_owned),
        serial: document.serial,
        lineage: document.lineage.clone(),
        md5: document.md5.clone(),
        size: 0,
        status: "pending".into(),
        intermediate: false,
        forced: false,
        terraform_version: String::new(),
        resource_count: 0,
        resources: Value::Array(Vec::new()),
        refusal: None,
        created_at: app.ports.now(),
    };
    keep(app, state, bytes, problem).await
}

/// Keeps the bytes of a version that is not taken, whether its row is there or not. Returns the problem, with words where they are.
pub async fn keep(app: &App, state: State, bytes: &Bytes, problem: Problem) -> Problem {
    match kept(app, state, bytes, &problem).await {
        Ok(()) => {
            let advice = format!(
                "{} What was sent is kept for {DAYS} days: see the states of the workspace, or `multispace state kept`.",
                problem.advice
            );
            Problem { advice, ..problem }
        }
        // That it was not kept is worth more words than why it was refused.
        Err(other) => other,
    }
}

async fn kept(app: &App, mut state: State, bytes: &Bytes, problem: &Problem) -> Result<(), Problem> {
    let document = document::read(bytes)?;
    state.status = "discarded".into();
    state.refusal = Some(problem.message.clone());
    state.lineage.clone_from(&document.lineage);
    state.size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    state.terraform_version.clone_from(&document.terraform_version);
    state.resource_count = document.resource_count;
    state.resources.clone_from(&document.resources);
    app.objects.put(&state.object(), bytes).await?;
    let tx = app.db.write().await?;
    let all = store::kept(&tx, &state.workspace_id).await?;
    let is_known = all.iter().any(|it| it.id != state.id && it.md5 == state.md5 && it.lineage == state.lineage);
    let is_there = store::by_id(&tx, &state.id).await?.is_some();
    let mut gone = Vec::new();
    match (is_known, is_there) {
        (true, false) => gone.push(state.object()),
        (_, true) => store::update(&tx, &state).await?,
        (false, false) => store::insert(&tx, &state).await?,
    }
    gone.extend(pruned(app, &tx, &state.workspace_id).await?);
    tx.announce(Change::Workspace { workspace: state.workspace_id.clone() });
    tx.commit().await?;
    for object in gone {
        app.objects.delete(&object).await?;
    }
    Ok(())
}

/// Forgets what is too old or too much; returns the paths of the blobs.
async fn pruned(app: &App, tx: &Tx, workspace: &str) -> Result<Vec<String>, Problem> {
    let oldest = app.ports.now() - TimeDelta::days(DAYS);
    let all = store::kept(tx, workspace).await?.into_iter().enumerate();
    let gone = all.filter(|(at, state)| *at >= MOST || state.created_at < oldest).map(|(_, state)| state);
    let mut objects = Vec::new();
    for state in gone {
        store::delete(tx, &state.id).await?;
        objects.push(state.object());
    }
    Ok(objects)
}
