//! `/workspaces/ID/edges`: the HTTP side of edges.

use axum::extract::State;
use domain::dependency::sentence;
use domain::id::WorkspaceId;
use wire::query::ListQuery;
use wire::words::EdgeKind;
use wire::workspace_edges::{WorkspaceEdge, WorkspaceEdgeAttributes, WorkspaceEdgeRelationships};
use wire::{ToOne, kind};

use super::service::{self, Whole};
use crate::app::App;
use crate::edge::{At, Caller, Here, Query, Reply, Routes, ok};

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default().get("/workspaces/{workspace}/edges", list)
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(workspace): At<WorkspaceId>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let all = service::list(&tx, &actor, domain::id::Id::as_str(&workspace)).await?;
    ok(here.page(all.iter().map(document).collect(), &query.page))
}

fn document(whole: &Whole) -> WorkspaceEdge {
    let Whole { edge, upstream, downstream } = whole;
    let attributes = WorkspaceEdgeAttributes {
        kind: EdgeKind::parse(edge.kind.as_str()).unwrap_or_default(),
        upstream_name: upstream.name.clone(),
        downstream_name: downstream.name.clone(),
        message: sentence(edge.kind, &upstream.name, &downstream.name, edge.outputs.as_ref(), &edge.places),
        outputs: edge.outputs.as_ref().map(|names| names.iter().cloned().collect()),
        places: edge.places.iter().cloned().collect(),
        first_seen_at: edge.first_seen.into(),
        last_seen_at: edge.last_seen.into(),
    };
    WorkspaceEdge::new(&edge.id, attributes).related(WorkspaceEdgeRelationships {
        upstream: ToOne::new(kind::WORKSPACES, &upstream.id),
        downstream: ToOne::new(kind::WORKSPACES, &downstream.id),
    })
}
