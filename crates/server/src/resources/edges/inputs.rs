//! What went into the last apply of a workspace, and whether a run of it now would have anything else to go by.
//!
//! It is kept when a run ends well, from what that run saw: outputs of an upstream that was applied meanwhile may be those
//! of before or of after, so the upstream counts as one of which nothing is known.

use std::collections::{BTreeMap, BTreeSet};

use domain::dependency::Kind;
use domain::run::RunStatus;
use domain::trigger::{Cutoff, Inputs, Read, cutoff};
use domain::{Fault, Problem};

use super::{code, store};
use crate::app::App;
use crate::resources::runs::{self, Run};
use crate::resources::workspaces::{self, Workspace};
use crate::resources::{configurations, repositories, states, variables};
use crate::storage::Tx;

/// Keeps what went into a run that ends, in the transaction in which it ends and before its variables are forgotten.
///
/// # Errors
/// `storage/unavailable`. Whatever else is wrong only means that nothing is known.
pub async fn kept(app: &App, tx: &Tx, run: &Run) -> Result<(), Problem> {
    // Nothing here triggers runs of such a workspace.
    if run.home {
        return Ok(());
    }
    let had_begun = run.status_timestamps.get("applying-at").is_some();
    match run.status() {
        RunStatus::Applied | RunStatus::PlannedAndFinished if is_whole(run) => {}
        RunStatus::Errored | RunStatus::Canceled | RunStatus::ForceCanceled if had_begun => {
            return store::forget_inputs(tx, &run.workspace_id).await;
        }
        // What such a run changes shows in the workspace's state.
        _ => return Ok(()),
    }
    match of_run(app, tx, run).await {
        Ok(Some(inputs)) => store::keep_inputs(tx, &run.workspace_id, &run.id, &inputs, app.ports.now()).await,
        Ok(None) => store::forget_inputs(tx, &run.workspace_id).await,
        Err(problem) if problem.fault == Fault::Unavailable => Err(problem),
        Err(problem) => {
            tracing::warn!(run = run.id, code = problem.code, cause = problem.cause, "{}", problem.message);
            store::forget_inputs(tx, &run.workspace_id).await
        }
    }
}

/// Whether a workspace is to run because these upstreams were applied.
///
/// # Errors
/// `variable/value`, `storage/…`.
pub async fn decide(app: &App, tx: &Tx, workspace: &Workspace, applied: &[String]) -> Result<Cutoff, Problem> {
    let not_known = |because: &str| Ok(Cutoff::Run { because: because.to_owned(), has_changed: false });
    if repositories::of(tx, &workspace.id).await?.is_some() {
        return not_known("it takes the newest commit of its repository, which is not known before it is fetched");
    }
    // A run that is under way may have read what was there in between.
    if runs::may_apply(tx, &workspace.id).await? {
        return not_known("a run of it is under way");
    }
    let last = store::inputs(tx, &workspace.id).await?;
    let mut now = Inputs::default();
    if let Some(last) = &last {
        now = of_now(app, tx, workspace, last).await?;
    }
    let mut ids: BTreeSet<String> = applied.iter().cloned().collect();
    if let Some(last) = &last {
        ids.extend(last.reads.keys().chain(&last.unknown).cloned());
    }
    let mut names = BTreeMap::new();
    for id in ids {
        if let Some(upstream) = workspaces::by_id(tx, &id).await? {
            names.insert(id, upstream.name);
        }
    }
    Ok(cutoff(last.as_ref(), &now, applied, |id| names.get(id).cloned().unwrap_or_else(|| id.to_owned())))
}

fn is_whole(run: &Run) -> bool {
    !run.plan_only && !run.is_destroy && !run.refresh_only && Run::strings(&run.target_addrs).is_empty()
}

async fn of_run(app: &App, tx: &Tx, run: &Run) -> Result<Option<Inputs>, Problem> {
    let Some(workspace) = workspaces::by_id(tx, &run.workspace_id).await? else { return Ok(None) };
    let Some(configuration) = configurations::by_id(tx, &run.configuration_id).await? else { return Ok(None) };
    // The server does not see what becomes of a state that it does not hold.
    if workspace.own_backend {
        return Ok(None);
    }
    let Some(named) = code::named_by(app, tx, run, &workspace).await? else { return Ok(None) };
    let (reads, unknown) = reads_of(app, tx, run, named).await?;
    let own = runs::service::variables(app, run)?.into_iter().map(|it| (it.key, it.value));
    let given = variables::runs::of(app, tx, &run.id, &workspace, own).await?;
    Ok(Some(Inputs {
        code: configuration.object,
        settings: settings(app, &workspace, &run.terraform_version),
        variables: variables_digest(app, &workspace, given),
        state: workspace.current_state_id.clone(),
        reads,
        unknown,
    }))
}

/// What a run would go by that is made now, as far as it can be compared with the last.
async fn of_now(app: &App, tx: &Tx, workspace: &Workspace, last: &Inputs) -> Result<Inputs, Problem> {
    let configuration = match &workspace.current_configuration_id {
        Some(id) => configurations::by_id(tx, id).await?,
        None => None,
    };
    let given = variables::runs::now(app, tx, workspace).await?;
    let mut reads = BTreeMap::new();
    for (id, read) in &last.reads {
        if let Some(upstream) = workspaces::by_id(tx, id).await? {
            reads.insert(id.clone(), outputs_of(app, tx, &upstream, read.used.clone()).await?);
        }
    }
    Ok(Inputs {
        code: configuration.map(|it| it.object).unwrap_or_default(),
        settings: settings(app, workspace, &workspace.terraform_version),
        variables: variables_digest(app, workspace, given),
        state: workspace.current_state_id.clone(),
        reads,
        unknown: BTreeSet::new(),
    })
}

/// What a run has read, by upstream, and the upstreams of which that is not known. The code says which outputs; what was
/// read beside it may be any. `named` are upstreams that it must have read.
async fn reads_of(
    app: &App,
    tx: &Tx,
    run: &Run,
    named: BTreeSet<String>,
) -> Result<(BTreeMap<String, Read>, BTreeSet<String>), Problem> {
    let edges = store::into(tx, &run.workspace_id).await?;
    // What another run has seen since this one was made may hide what this one saw.
    let recent = |edge: &&store::Model| edge.kind().is_read() && edge.last_seen >= run.created_at;
    let recent: Vec<_> = edges.iter().filter(recent).collect();
    let upstreams: BTreeSet<_> = recent.iter().map(|edge| edge.upstream_id.clone()).chain(named).collect();
    let (mut reads, mut unknown) = (BTreeMap::new(), BTreeSet::new());
    for id in upstreams {
        let seen: Vec<&store::Model> = recent.iter().filter(|edge| edge.upstream_id == id).copied().collect();
        let upstream = workspaces::by_id(tx, &id).await?.filter(|upstream| {
            let is_of_now = |edge: &&store::Model| edge.state_id == upstream.current_state_id;
            !seen.is_empty() && seen.iter().all(|edge| edge.run_id.as_ref() == Some(&run.id) && is_of_now(edge))
        });
        let Some(upstream) = upstream else {
            unknown.insert(id);
            continue;
        };
        let code = seen.iter().find(|edge| edge.kind() == Kind::Code);
        let used = code.and_then(|edge| edge.outputs.as_ref()).map(|names| names.0.clone());
        reads.insert(id, outputs_of(app, tx, &upstream, used).await?);
    }
    Ok((reads, unknown))
}

async fn outputs_of(app: &App, tx: &Tx, upstream: &Workspace, used: Option<BTreeSet<String>>) -> Result<Read, Problem> {
    let mut digests = BTreeMap::new();
    if let Some(state) = states::service::current_of(tx, upstream).await? {
        for shown in states::service::outputs(app, tx, &state, true).await? {
            let states::Output { name, sensitive, detailed_type, .. } = shown.output;
            if used.as_ref().is_none_or(|names| names.contains(&name)) {
                let text = format!("output:{}:{name}:{sensitive}:{detailed_type}:{}", upstream.id, shown.value);
                digests.insert(name, app.key.sign(&text));
            }
        }
    }
    Ok(Read { used, digests })
}

fn settings(app: &App, workspace: &Workspace, terraform_version: &str) -> String {
    let all = (&workspace.name, &workspace.working_directory, terraform_version);
    app.key.sign(&format!("settings:{}:{all:?}", workspace.id))
}

fn variables_digest(app: &App, workspace: &Workspace, variables: Vec<executor::Variable>) -> String {
    let mut all: Vec<_> =
        variables.iter().map(|it| format!("{:?}", (it.category, &it.key, it.hcl, it.sensitive, &it.value))).collect();
    all.sort();
    app.key.sign(&format!("variables:{}:{all:?}", workspace.id))
}
