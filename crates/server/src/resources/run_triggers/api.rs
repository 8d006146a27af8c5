//! `/run-triggers`: the HTTP side of run triggers.

use axum::extract::State;
use domain::Problem;
use domain::id::{Id, RunTriggerId, WorkspaceId};
use wire::query::{ListQuery, ReadQuery, RunTriggersQuery};
use wire::run_triggers::{
    RunTrigger as Document, RunTriggerAttributes, RunTriggerBody, RunTriggerRelationships, SettledUpstream,
    TriggerDecision, TriggerDecisionAttributes, TriggerDecisionRelationships,
};
use wire::runs::BlockedBy;
use wire::words::{TriggerOutcome, UpstreamOutcome};
use wire::{ToOne, kind};

use super::service::{self, Decisions, Direction, Whole};
use super::{Upstream, firing};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::{At, Caller, Here, Query, Reply, Routes, Sent, created, no_content, ok};
use crate::resources::workspaces;
use crate::storage::Tx;

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/workspaces/{workspace}/run-triggers", list)
        .post("/workspaces/{workspace}/run-triggers", create)
        .get("/workspaces/{workspace}/trigger-decisions", decisions)
        .get("/run-triggers/{id}", show)
        .delete("/run-triggers/{id}", delete)
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(workspace): At<WorkspaceId>,
    here: Here,
    Query(query): Query<RunTriggersQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    // Whether there is such a workspace comes before what is wrong with the question.
    workspaces::service::read(&tx, &actor, workspace.as_str()).await?;
    let direction = Direction::parse(query.filter.run_trigger.kind.as_deref())?;
    let all = service::list(&tx, &actor, workspace.as_str(), direction).await?;
    let (chosen, pagination) = here.cut(all, &query.page);
    let mut answer = here.paged(chosen.iter().map(document).collect(), pagination);
    for whole in &chosen {
        include(&tx, &actor, &query.include, whole, &mut answer).await?;
    }
    ok(answer)
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    At(workspace): At<WorkspaceId>,
    Sent(body): Sent<RunTriggerBody>,
) -> Reply {
    let (_, relationships) = body.into_parts();
    let tx = app.db.write().await?;
    workspaces::service::for_action(&tx, &actor, workspace.as_str(), Action::ManageWorkspace).await?;
    let source = relationships.sourceable.as_ref().and_then(ToOne::id).ok_or_else(|| {
        Problem::invalid("run-trigger/source", "The run trigger names no source.")
            .advice("Give the relationship \"sourceable\".")
            .attribute("sourceable")
    })?;
    let source = WorkspaceId::parse(source)?;
    let whole = service::create(&app, &tx, &actor, workspace.as_str(), source.as_str()).await?;
    tx.commit().await?;
    created(wire::Document::new(document(&whole)))
}

async fn show(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<RunTriggerId>,
    Query(query): Query<ReadQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read(&tx, &actor, id.as_str()).await?;
    let mut answer = wire::Document::new(document(&whole));
    include(&tx, &actor, &query.include, &whole, &mut answer).await?;
    ok(answer)
}

async fn delete(State(app): State<App>, Caller(actor): Caller, At(id): At<RunTriggerId>) -> Reply {
    let tx = app.db.write().await?;
    service::delete(&tx, &actor, id.as_str()).await?;
    tx.commit().await?;
    no_content()
}

async fn decisions(
    State(app): State<App>,
    Caller(actor): Caller,
    At(workspace): At<WorkspaceId>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let Decisions { workspace, waiting, decided } = service::decisions(&tx, &actor, workspace.as_str()).await?;
    let mut documents = Vec::with_capacity(decided.len() + 1);
    let of = |id: &str, attributes, run: Option<&String>| {
        TriggerDecision::new(id, attributes).related(TriggerDecisionRelationships {
            workspace: ToOne::new(kind::WORKSPACES, &workspace.id),
            run: ToOne::maybe(kind::RUNS, run),
        })
    };
    if let Some((waiting, message)) = waiting {
        let since = waiting.settled.iter().map(|note| note.at).min().unwrap_or_default();
        let attributes = TriggerDecisionAttributes {
            outcome: TriggerOutcome::Waiting,
            blocked_by: waiting.on.first().map(|it| BlockedBy {
                kind: "upstream".into(),
                id: it.run.as_ref().unwrap_or(&it.workspace).clone(),
                words: message.clone(),
            }),
            message,
            created_at: chrono::DateTime::from_timestamp_micros(since).unwrap_or_default().into(),
            upstreams: shown(firing::upstreams(&tx, &waiting.settled).await?),
        };
        documents.push(of(&format!("td-{}", workspace.id), attributes, None));
    }
    for decision in decided {
        let attributes = TriggerDecisionAttributes {
            outcome: TriggerOutcome::parse(&decision.outcome).unwrap_or_default(),
            message: decision.message,
            created_at: decision.created_at.into(),
            blocked_by: None,
            upstreams: shown(decision.upstreams.0),
        };
        documents.push(of(&decision.id, attributes, decision.run_id.as_ref()));
    }
    ok(here.page(documents, &query.page))
}

fn document(whole: &Whole) -> Document {
    let Whole { trigger, workspace, source } = whole;
    let attributes = RunTriggerAttributes {
        workspace_name: workspace.name.clone(),
        sourceable_name: source.name.clone(),
        created_at: trigger.created_at.into(),
    };
    let relationships = RunTriggerRelationships {
        workspace: ToOne::new(kind::WORKSPACES, &workspace.id),
        sourceable: ToOne::new(kind::WORKSPACES, &source.id),
    };
    let path = format!("/api/v2/run-triggers/{}", trigger.id);
    Document::new(&trigger.id, attributes).related(relationships).linked("self", path)
}

async fn include<D>(
    tx: &Tx,
    actor: &Actor,
    wanted: &wire::query::Include,
    whole: &Whole,
    answer: &mut wire::Document<D>,
) -> Result<(), Problem> {
    if wanted.has("workspace") {
        answer.include(&workspaces::document(tx, actor, &whole.workspace).await?);
    }
    if wanted.has("sourceable") {
        answer.include(&workspaces::document(tx, actor, &whole.source).await?);
    }
    Ok(())
}

fn shown(upstreams: Vec<Upstream>) -> Vec<SettledUpstream> {
    let shown = |it: Upstream| SettledUpstream {
        workspace_id: it.workspace,
        workspace_name: it.name,
        run_id: it.run,
        outcome: UpstreamOutcome::parse(&it.outcome).unwrap_or_default(),
    };
    upstreams.into_iter().map(shown).collect()
}
