//! From a run that ends to the runs that follow.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::TriggerDecisionId;
use domain::trigger::{self, Cutoff, Facts, InFlight, Outcome, Settled, Skip, Start, Waiting, decide};
use domain::{Fault, Problem};

use super::service::edges_of;
use super::store::{self, DecisionModel as Decision, Upstream};
use crate::app::App;
use crate::resources::edges;
use crate::resources::runs::{self, Run, TriggeredBy, Upstream as Cause};
use crate::resources::workspaces;
use crate::storage::Tx;

/// The word for a downstream for which each applied upstream has a run of its own, as on HCP Terraform.
const EACH: &str = "each";

/// Leaves a note for each downstream of a run that is over, in the transaction in which it ends.
pub async fn settled(app: &App, tx: &Tx, run: &Run) -> Result<(), Problem> {
    let Some(outcome) = Outcome::of_run(run.status(), run.kind(), run.is_destroy) else { return Ok(()) };
    leave(app, tx, &run.workspace_id, Some(&run.id), outcome, origin(run)).await
}

/// Whether anything is to be decided now.
pub async fn is_due(tx: &Tx) -> Result<bool, Problem> {
    let notes = store::notes(tx).await?;
    if notes.is_empty() {
        return Ok(false);
    }
    let decisions = decide(&facts(tx, notes).await?);
    Ok(!decisions.starts.is_empty() || !decisions.skips.is_empty())
}

/// Carries out what can be decided now; says whether that was anything. What follows from it is for the next call.
///
/// # Errors
/// Those that another try may not meet; nothing is written then.
pub async fn fire(app: &App, tx: &Tx) -> Result<bool, Problem> {
    let notes = store::notes(tx).await?;
    if notes.is_empty() {
        return Ok(false);
    }
    let decisions = decide(&facts(tx, notes).await?);
    let any = !decisions.starts.is_empty() || !decisions.skips.is_empty();
    for start in decisions.starts {
        self::start(app, tx, start).await?;
    }
    for Skip { downstream, settled, origin } in decisions.skips {
        let names = names(tx, settled.iter().map(|note| note.upstream.as_str())).await?;
        let message = trigger::skipped(&settled, |id| named(&names, id));
        skip(app, tx, &downstream, &settled, origin, message).await?;
    }
    Ok(any)
}

/// What a downstream waits for, with words, if it does.
pub async fn waiting(tx: &Tx, downstream: &str) -> Result<Option<(Waiting, String)>, Problem> {
    let notes = store::notes(tx).await?;
    if !notes.iter().any(|note| note.downstream == downstream) {
        return Ok(None);
    }
    let waiting = decide(&facts(tx, notes).await?).waiting;
    let Some(waiting) = waiting.into_iter().find(|it| it.downstream == downstream) else { return Ok(None) };
    let names = names(tx, waiting.on.iter().map(|blocker| blocker.workspace.as_str())).await?;
    let message = trigger::waiting(&waiting.on, |id| named(&names, id));
    Ok(Some((waiting, message)))
}

/// The notes of a decision as they are shown.
pub async fn upstreams(tx: &Tx, settled: &[Settled]) -> Result<Vec<Upstream>, Problem> {
    let names = names(tx, settled.iter().map(|note| note.upstream.as_str())).await?;
    let upstream = |note: &Settled| Upstream {
        workspace: note.upstream.clone(),
        name: named(&names, &note.upstream),
        run: note.run.clone(),
        outcome: note.outcome.as_str().to_owned(),
    };
    Ok(settled.iter().map(upstream).collect())
}

async fn start(app: &App, tx: &Tx, start: Start) -> Result<(), Problem> {
    let Start { downstream, settled, origin } = start;
    let Some(workspace) = workspaces::by_id(tx, &downstream).await? else {
        return store::take(tx, &settled).await;
    };
    let upstreams = upstreams(tx, &settled).await?;
    let names: BTreeMap<_, _> = upstreams.iter().map(|it| (it.workspace.clone(), it.name.clone())).collect();
    let mut message = trigger::started(&settled, |id| named(&names, id));
    let mut decision = message.clone();
    if workspace.run_trigger_cutoff && workspace.run_trigger_mode != EACH {
        let applied = settled.iter().filter(|note| note.outcome == Outcome::Applied);
        let applied: Vec<_> = applied.map(|note| note.upstream.clone()).collect();
        match edges::inputs::decide(app, tx, &workspace, &applied).await? {
            Cutoff::Skip { because } => {
                return skip(app, tx, &downstream, &settled, origin, format!("Not run: {because}.")).await;
            }
            Cutoff::Run { because, has_changed } => {
                decision = format!("{message}: {because}");
                if has_changed {
                    message.clone_from(&decision);
                }
            }
        }
    }
    let causes = upstreams.iter().filter(|it| it.outcome == Outcome::Applied.as_str());
    let causes = causes
        .filter_map(|it| Some(Cause { workspace: it.workspace.clone(), name: it.name.clone(), run: it.run.clone()? }));
    let by = TriggeredBy { origin, upstreams: causes.collect() };
    match runs::service::trigger(app, tx, workspace, message, by).await {
        Ok(whole) => {
            store::take(tx, &settled).await?;
            note_decision(app, tx, &downstream, Some(whole.run.id), "started", decision, upstreams).await
        }
        Err(problem) if matches!(problem.fault, Fault::Ours | Fault::Unavailable) => Err(problem),
        // It cannot run as it is: it has no configuration, or runs elsewhere.
        Err(problem) => skip(app, tx, &downstream, &settled, origin, format!("Not run: {problem}")).await,
    }
}

async fn skip(
    app: &App,
    tx: &Tx,
    downstream: &str,
    settled: &[Settled],
    origin: i64,
    message: String,
) -> Result<(), Problem> {
    store::take(tx, settled).await?;
    let upstreams = upstreams(tx, settled).await?;
    note_decision(app, tx, downstream, None, "not-run", message, upstreams).await?;
    leave(app, tx, downstream, None, Outcome::NotRun, origin).await
}

async fn note_decision(
    app: &App,
    tx: &Tx,
    downstream: &str,
    run: Option<String>,
    outcome: &str,
    message: String,
    upstreams: Vec<Upstream>,
) -> Result<(), Problem> {
    let decision = Decision {
        id: app.ports.id::<TriggerDecisionId>().to_string(),
        workspace_id: downstream.to_owned(),
        run_id: run,
        outcome: outcome.to_owned(),
        message,
        upstreams: store::Upstreams(upstreams),
        created_at: app.ports.now(),
    };
    store::insert_decision(tx, &decision).await
}

async fn leave(
    app: &App,
    tx: &Tx,
    upstream: &str,
    run: Option<&str>,
    outcome: Outcome,
    origin: i64,
) -> Result<(), Problem> {
    for trigger in store::out_of(tx, upstream).await? {
        let note = Settled {
            downstream: trigger.workspace_id,
            upstream: upstream.to_owned(),
            run: run.map(str::to_owned),
            outcome,
            origin,
            at: app.ports.now().timestamp_micros(),
        };
        store::insert_note(tx, &note).await?;
    }
    Ok(())
}

async fn facts(tx: &Tx, settled: Vec<Settled>) -> Result<Facts, Problem> {
    let edges = edges_of(store::every(tx).await?);
    let (mut each, mut above) = (BTreeSet::new(), BTreeSet::new());
    for downstream in settled.iter().map(|note| note.downstream.as_str()).collect::<BTreeSet<_>>() {
        above.extend(trigger::upstreams(&edges, downstream));
        if workspaces::by_id(tx, downstream).await?.is_some_and(|it| it.run_trigger_mode == EACH) {
            each.insert(downstream.to_owned());
        }
    }
    // Nothing else is waited for: a queue that has nothing to do with it is not read.
    let above: Vec<_> = above.into_iter().map(str::to_owned).collect();
    let unfinished = runs::unfinished_of(tx, &above).await?;
    // A saved plan may lie about for ever; it is in flight once somebody has confirmed it.
    let may_apply = unfinished.iter().filter(|run| !run.plan_only && (!run.save_plan || run.holds_workspace));
    let in_flight =
        may_apply.map(|run| InFlight { workspace: run.workspace_id.clone(), run: run.id.clone(), origin: origin(run) });
    let in_flight = in_flight.collect();
    Ok(Facts { edges, each, in_flight, settled })
}

fn origin(run: &Run) -> i64 {
    run.triggered_by.as_ref().map_or_else(|| run.created_at.timestamp_micros(), |by| by.origin)
}

async fn names(tx: &Tx, ids: impl Iterator<Item = &str>) -> Result<BTreeMap<String, String>, Problem> {
    let mut names = BTreeMap::new();
    for id in ids {
        if !names.contains_key(id)
            && let Some(workspace) = workspaces::by_id(tx, id).await?
        {
            names.insert(id.to_owned(), workspace.name);
        }
    }
    Ok(names)
}

fn named(names: &BTreeMap<String, String>, id: &str) -> String {
    names.get(id).cloned().unwrap_or_else(|| id.to_owned())
}
