//! What is noted of edges, and what is asked of them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::dependency::Kind;
use domain::id::EdgeId;
use domain::{Fault, Problem};

use super::store::{self, Model, Names};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::resources::workspaces::{self, Workspace};
use crate::resources::{run_triggers, runs};
use crate::storage::Tx;

/// An edge: the downstream depends on the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Its id; for a run trigger, the trigger's.
    pub id: String,
    /// Id of the upstream.
    pub upstream: String,
    /// Id of the downstream.
    pub downstream: String,
    /// Where it comes from.
    pub kind: Kind,
    /// Outputs that are read; `None` for all, and where nothing is read.
    pub outputs: Option<BTreeSet<String>>,
    /// Where in the code.
    pub places: BTreeSet<String>,
    /// When it was first seen.
    pub first_seen: DateTime<Utc>,
    /// When it was last seen.
    pub last_seen: DateTime<Utc>,
}

/// An edge with both its workspaces.
pub struct Whole {
    /// The edge.
    pub edge: Edge,
    /// Who is depended on.
    pub upstream: Workspace,
    /// Who depends.
    pub downstream: Workspace,
}

/// Edges into a workspace, of every kind: a workspace may be in several. Asks nobody who they are.
pub async fn upstreams(tx: &Tx, workspace: &str) -> Result<Vec<Edge>, Problem> {
    let triggers = run_triggers::into(tx, workspace).await?.into_iter().map(of_trigger);
    Ok(triggers.chain(store::into(tx, workspace).await?.into_iter().map(of_row)).collect())
}

/// Edges out of a workspace, of every kind: a workspace may be in several. Asks nobody who they are.
pub async fn downstreams(tx: &Tx, workspace: &str) -> Result<Vec<Edge>, Problem> {
    let triggers = run_triggers::out_of(tx, workspace).await?.into_iter().map(of_trigger);
    Ok(triggers.chain(store::out_of(tx, workspace).await?.into_iter().map(of_row)).collect())
}

/// Edges from one of these workspaces to another of them, of every kind: as many queries for many workspaces as for one. Asks
/// nobody who they are.
pub async fn among(tx: &Tx, workspaces: &[String]) -> Result<Vec<Edge>, Problem> {
    let triggers = run_triggers::among(tx, workspaces).await?.into_iter().map(of_trigger);
    Ok(triggers.chain(store::among(tx, workspaces).await?.into_iter().map(of_row)).collect())
}

/// The edges among these workspaces, which the actor may see, that [`list`] would show of one of them.
///
/// # Errors
/// `storage/unavailable`.
pub async fn seen_among(tx: &Tx, actor: &Actor, workspaces: &[Workspace]) -> Result<Vec<Edge>, Problem> {
    let reads: BTreeSet<&str> = workspaces
        .iter()
        .filter(|it| actor.can(Action::ReadRun, workspaces::service::on(it)))
        .map(|it| it.id.as_str())
        .collect();
    let ids: Vec<String> = workspaces.iter().map(|it| it.id.clone()).collect();
    let mut edges = among(tx, &ids).await?;
    edges.retain(|edge| reads.contains(edge.upstream.as_str()) || reads.contains(edge.downstream.as_str()));
    Ok(edges)
}

/// Who stands on whom among these workspaces, as [`standing_on`] says it of one: pairs of an upstream and a downstream. Asks
/// nobody who they are.
pub async fn standing_among(tx: &Tx, workspaces: &[String]) -> Result<BTreeSet<(String, String)>, Problem> {
    let (runners, rest): (Vec<_>, Vec<_>) =
        among(tx, workspaces).await?.into_iter().partition(|edge| edge.kind == Kind::Runner);
    let runners: BTreeSet<_> = runners.into_iter().map(|edge| (edge.downstream, edge.upstream)).collect();
    let pairs = rest.into_iter().map(|edge| (edge.upstream, edge.downstream));
    Ok(pairs.filter(|pair| !runners.contains(pair)).collect())
}

/// Ids of the workspaces that stand on a workspace: those that it triggers and those that read it. Not those whose runs it
/// started: they need nothing of it. Nor those that start its runs: such a workspace reads what it runs, and is what
/// destroys it. Asks nobody who they are.
pub async fn standing_on(tx: &Tx, workspace: &str) -> Result<BTreeSet<String>, Problem> {
    let runners: BTreeSet<String> = store::into(tx, workspace)
        .await?
        .into_iter()
        .map(of_row)
        .filter(|edge| edge.kind == Kind::Runner)
        .map(|edge| edge.upstream)
        .collect();
    let edges = downstreams(tx, workspace).await?.into_iter().filter(|edge| edge.kind != Kind::Runner);
    Ok(edges.map(|edge| edge.downstream).filter(|downstream| !runners.contains(downstream)).collect())
}

/// Edges into and out of a workspace, as far as the actor may see the workspace at the other end.
///
/// # Errors
/// `workspace/not-found`.
pub async fn list(tx: &Tx, actor: &Actor, workspace: &str) -> Result<Vec<Whole>, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ReadRun).await?;
    let mut seen = Vec::new();
    for edge in upstreams(tx, &workspace.id).await? {
        if let Some(upstream) = visible(tx, actor, &edge.upstream).await? {
            seen.push(Whole { edge, upstream, downstream: workspace.clone() });
        }
    }
    for edge in downstreams(tx, &workspace.id).await? {
        if let Some(downstream) = visible(tx, actor, &edge.downstream).await? {
            seen.push(Whole { edge, upstream: workspace.clone(), downstream });
        }
    }
    Ok(seen)
}

/// Notes that `actor` has read from `upstream`, whose state was `state`: all outputs, or the one that is named. Nothing
/// happens unless the actor is a run, of another workspace. A run that reads the same again costs one look.
///
/// # Errors
/// `storage/unavailable`; what was read must not be answered then.
pub async fn read_by(
    app: &App,
    actor: &Actor,
    upstream: &str,
    state: Option<&str>,
    kind: Kind,
    output: Option<&str>,
) -> Result<(), Problem> {
    let Actor::Run { run, workspace, .. } = actor else { return Ok(()) };
    if workspace == upstream {
        return Ok(());
    }
    let tx = app.db.read().await?;
    let known = store::between(&tx, upstream, workspace, kind).await?;
    drop(tx);
    if known.is_some_and(|edge| edge.run_id.as_ref() == Some(run) && covers(&edge, output)) {
        return Ok(());
    }
    let outputs = output.map(|name| BTreeSet::from([name.to_owned()]));
    let tx = app.db.write().await?;
    note(app, &tx, upstream, workspace, kind, Seen { run, state, outputs, places: BTreeSet::new() }).await?;
    tx.commit().await
}

/// Notes that the run `parent` has started a run of `workspace`, in the transaction in which it does.
pub async fn started_by(app: &App, tx: &Tx, parent: &str, workspace: &Workspace) -> Result<(), Problem> {
    let Some(parent) = runs::by_id(tx, parent).await?.filter(|it| it.workspace_id != workspace.id) else {
        return Ok(());
    };
    let seen = Seen { run: &parent.id, state: None, outputs: None, places: BTreeSet::new() };
    note(app, tx, &parent.workspace_id, &workspace.id, Kind::Runner, seen).await
}

/// How an edge was seen.
pub(super) struct Seen<'a> {
    /// The run.
    pub run: &'a str,
    /// The upstream's state then.
    pub state: Option<&'a str>,
    /// Outputs that are read; `None` for all.
    pub outputs: Option<BTreeSet<String>>,
    /// Where in the code.
    pub places: BTreeSet<String>,
}

/// Keeps an edge. What the same run sees of it again adds to what it saw; the state stays the one that it saw first.
pub(super) async fn note(
    app: &App,
    tx: &Tx,
    upstream: &str,
    downstream: &str,
    kind: Kind,
    seen: Seen<'_>,
) -> Result<(), Problem> {
    let now = app.ports.now();
    let edge = Model {
        id: app.ports.id::<EdgeId>().to_string(),
        upstream_id: upstream.to_owned(),
        downstream_id: downstream.to_owned(),
        kind: kind.as_str().to_owned(),
        outputs: seen.outputs.map(Names),
        places: Names(seen.places),
        run_id: Some(seen.run.to_owned()),
        state_id: seen.state.map(str::to_owned),
        first_seen: now,
        last_seen: now,
    };
    store::put(tx, &edge, |there| {
        let again = there.run_id == edge.run_id && kind != Kind::Code;
        there.outputs = match (there.outputs.take(), edge.outputs.clone()) {
            (Some(mut old), Some(new)) if again => {
                old.0.extend(new.0);
                Some(old)
            }
            (_, new) if !again => new,
            _ => None,
        };
        if there.run_id != edge.run_id {
            there.state_id.clone_from(&edge.state_id);
        }
        there.places = edge.places.clone();
        there.run_id.clone_from(&edge.run_id);
        there.last_seen = now;
    })
    .await
}

fn covers(edge: &Model, output: Option<&str>) -> bool {
    match (&edge.outputs, output) {
        (None, _) => true,
        (Some(names), Some(output)) => names.0.contains(output),
        (Some(_), None) => false,
    }
}

async fn visible(tx: &Tx, actor: &Actor, id: &str) -> Result<Option<Workspace>, Problem> {
    match workspaces::service::read(tx, actor, id).await {
        Ok(workspace) => Ok(Some(workspace)),
        Err(problem) if problem.fault == Fault::NotFound => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn of_trigger(trigger: run_triggers::RunTrigger) -> Edge {
    Edge {
        id: trigger.id,
        upstream: trigger.source_id,
        downstream: trigger.workspace_id,
        kind: Kind::RunTrigger,
        outputs: None,
        places: BTreeSet::new(),
        first_seen: trigger.created_at,
        last_seen: trigger.created_at,
    }
}

fn of_row(row: Model) -> Edge {
    Edge {
        kind: row.kind(),
        id: row.id,
        upstream: row.upstream_id,
        downstream: row.downstream_id,
        outputs: row.outputs.map(|names| names.0),
        places: row.places.0,
        first_seen: row.first_seen,
        last_seen: row.last_seen,
    }
}
