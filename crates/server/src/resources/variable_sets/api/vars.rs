//! Variables of a set.

use axum::extract::State;
use domain::id::{Id, VariableId, VariableSetId};
use wire::query::ListQuery;
use wire::variables::VariableBody;

use super::super::service;
use crate::actor::Action;
use crate::app::App;
use crate::edge::{At, At2, Caller, Here, Query, Reply, Routes, Sent, created, no_content, ok};
use crate::resources::variables::{self, document, owned};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/varsets/{set}/relationships/vars", list)
        .post("/varsets/{set}/relationships/vars", create)
        .get("/varsets/{set}/relationships/vars/{id}", show)
        .patch("/varsets/{set}/relationships/vars/{id}", update)
        .delete("/varsets/{set}/relationships/vars/{id}", delete)
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(set): At<VariableSetId>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let set = service::find(&tx, &actor, set.as_str(), Action::ReadVariableSets).await?;
    let all = owned::list(&app, &tx, &set.id).await?;
    ok(here.page(all.into_iter().map(document).collect(), &query.page))
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    At(set): At<VariableSetId>,
    Sent(body): Sent<VariableBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let set = service::find(&tx, &actor, set.as_str(), Action::ManageVariableSets).await?;
    let shown = owned::create(&app, &tx, &set.id, variables::settings(body.into_parts().0)).await?;
    tx.commit().await?;
    created(wire::Document::new(document(shown)))
}

async fn show(State(app): State<App>, Caller(actor): Caller, At2(set, id): At2<VariableSetId, VariableId>) -> Reply {
    let tx = app.db.read().await?;
    let set = service::find(&tx, &actor, set.as_str(), Action::ReadVariableSets).await?;
    ok(wire::Document::new(document(owned::read(&app, &tx, &set.id, id.as_str()).await?)))
}

async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    At2(set, id): At2<VariableSetId, VariableId>,
    Sent(body): Sent<VariableBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let set = service::find(&tx, &actor, set.as_str(), Action::ManageVariableSets).await?;
    let settings = variables::settings(body.into_parts().0);
    let shown = owned::update(&app, &tx, &set.id, id.as_str(), settings).await?;
    tx.commit().await?;
    ok(wire::Document::new(document(shown)))
}

async fn delete(State(app): State<App>, Caller(actor): Caller, At2(set, id): At2<VariableSetId, VariableId>) -> Reply {
    let tx = app.db.write().await?;
    let set = service::find(&tx, &actor, set.as_str(), Action::ManageVariableSets).await?;
    owned::delete(&tx, &set.id, id.as_str()).await?;
    tx.commit().await?;
    no_content()
}
