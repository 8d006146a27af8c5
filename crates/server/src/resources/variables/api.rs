//! `/vars`: the HTTP side of variables.

use axum::extract::State;
use domain::Problem;
use domain::id::{Id, VariableId, VariableSetId, WorkspaceId};
use wire::variables::{Variable as Document, VariableAttributes, VariableBody, VariableRelationships, VariableRequest};
use wire::words::VariableCategory;
use wire::{ToOne, kind};

use super::owned::{Settings, Shown};
use super::service;
use crate::app::App;
use crate::edge::{At, At2, Caller, Reply, Routes, Sent, created, no_content, ok};

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/workspaces/{workspace}/vars", list)
        .post("/workspaces/{workspace}/vars", create)
        .get("/workspaces/{workspace}/vars/{id}", show)
        .patch("/workspaces/{workspace}/vars/{id}", update)
        .delete("/workspaces/{workspace}/vars/{id}", delete)
        .get("/workspaces/{workspace}/all-vars", list_effective)
        .post("/vars", create_beside)
}

async fn list(State(app): State<App>, Caller(actor): Caller, At(workspace): At<WorkspaceId>) -> Reply {
    let tx = app.db.read().await?;
    let all = service::list(&app, &tx, &actor, workspace.as_str()).await?;
    ok(wire::Document::new(all.into_iter().map(document).collect::<Vec<_>>()))
}

async fn list_effective(State(app): State<App>, Caller(actor): Caller, At(workspace): At<WorkspaceId>) -> Reply {
    let tx = app.db.read().await?;
    let all = service::effective(&app, &tx, &actor, workspace.as_str()).await?;
    ok(wire::Document::new(all.into_iter().map(document).collect::<Vec<_>>()))
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    At(workspace): At<WorkspaceId>,
    Sent(body): Sent<VariableBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let settings = settings(body.into_parts().0);
    let shown = service::create(&app, &tx, &actor, workspace.as_str(), settings).await?;
    tx.commit().await?;
    created(wire::Document::new(document(shown)))
}

/// The older spelling, which names the workspace in the body.
async fn create_beside(State(app): State<App>, Caller(actor): Caller, Sent(body): Sent<VariableBody>) -> Reply {
    let (wanted, relationships) = body.into_parts();
    let workspace = relationships.workspace.unwrap_or_default();
    let workspace = workspace.id().and_then(|id| WorkspaceId::parse(id).ok()).ok_or_else(|| {
        Problem::invalid("variable/workspace", "The variable names no workspace.")
            .advice("Give the relationship \"workspace\".")
    })?;
    let tx = app.db.write().await?;
    let shown = service::create(&app, &tx, &actor, workspace.as_str(), settings(wanted)).await?;
    tx.commit().await?;
    created(wire::Document::new(document(shown)))
}

async fn show(
    State(app): State<App>,
    Caller(actor): Caller,
    At2(workspace, id): At2<WorkspaceId, VariableId>,
) -> Reply {
    let tx = app.db.read().await?;
    let shown = service::read(&app, &tx, &actor, workspace.as_str(), id.as_str()).await?;
    ok(wire::Document::new(document(shown)))
}

async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    At2(workspace, id): At2<WorkspaceId, VariableId>,
    Sent(body): Sent<VariableBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let settings = settings(body.into_parts().0);
    let shown = service::update(&app, &tx, &actor, workspace.as_str(), id.as_str(), settings).await?;
    tx.commit().await?;
    ok(wire::Document::new(document(shown)))
}

async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    At2(workspace, id): At2<WorkspaceId, VariableId>,
) -> Reply {
    let tx = app.db.write().await?;
    service::delete(&tx, &actor, workspace.as_str(), id.as_str()).await?;
    tx.commit().await?;
    no_content()
}

/// What a request says of a variable.
pub fn settings(wanted: VariableRequest) -> Settings {
    Settings {
        key: wanted.key,
        value: wanted.value,
        description: wanted.description,
        category: wanted.category.map(|category| category.as_str().to_owned()),
        hcl: wanted.hcl,
        sensitive: wanted.sensitive,
    }
}

/// A variable as the API shows it, whoever owns it.
pub fn document(shown: Shown) -> Document {
    let Shown { variable, value } = shown;
    let owner = &variable.owner_id;
    let of_set = VariableSetId::parse(owner).is_ok();
    let path = match of_set {
        true => format!("/api/v2/varsets/{owner}/relationships/vars/{}", variable.id),
        false => format!("/api/v2/workspaces/{owner}/vars/{}", variable.id),
    };
    let relationships = VariableRelationships {
        configurable: ToOne::maybe(kind::WORKSPACES, Some(owner).filter(|_| !of_set)),
        varset: of_set.then(|| ToOne::new(kind::VARIABLE_SETS, owner)),
    };
    let attributes = VariableAttributes {
        key: variable.key,
        value,
        description: variable.description,
        category: VariableCategory::parse(&variable.category).unwrap_or_default(),
        hcl: variable.hcl,
        sensitive: variable.sensitive,
        version_id: variable.version_id,
    };
    Document::new(&variable.id, attributes).related(relationships).linked("self", path)
}
