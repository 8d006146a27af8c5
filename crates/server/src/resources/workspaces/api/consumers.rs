//! Which workspaces may read a workspace's state.

use axum::extract::State;
use domain::Problem;
use domain::id::{Id, WorkspaceId};
use wire::Identifiers;
use wire::query::ListQuery;

use super::super::service::{self, ConsumerEdit};
use super::shown::document;
use crate::app::App;
use crate::edge::{At, Caller, Here, Query, Reply, Routes, Sent, no_content, ok};

const PATH: &str = "/workspaces/{id}/relationships/remote-state-consumers";

pub(super) fn routes() -> Routes {
    Routes::default().get(PATH, list).post(PATH, add).patch(PATH, replace).delete(PATH, remove)
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<WorkspaceId>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let mut consumers = Vec::new();
    for consumer in service::consumers(&tx, &actor, id.as_str()).await? {
        // Who may read a workspace does not thereby see who else reads it.
        if service::read(&tx, &actor, &consumer.id).await.is_ok() {
            consumers.push(consumer);
        }
    }
    let (chosen, pagination) = here.cut(consumers, &query.page);
    let mut documents = Vec::with_capacity(chosen.len());
    for consumer in &chosen {
        documents.push(document(&tx, &actor, consumer).await?);
    }
    ok(here.paged(documents, pagination))
}

macro_rules! edits {
    ($($name:ident = $edit:ident;)*) => {$(
        async fn $name(
            State(app): State<App>,
            Caller(actor): Caller,
            At(id): At<WorkspaceId>,
            Sent(body): Sent<Identifiers>,
        ) -> Reply {
            let consumers = ids(&body)?;
            let tx = app.db.write().await?;
            service::edit_consumers(&tx, &actor, id.as_str(), ConsumerEdit::$edit, &consumers).await?;
            tx.commit().await?;
            no_content()
        }
    )*};
}

edits! { add = Add; replace = Replace; remove = Remove; }

fn ids(body: &Identifiers) -> Result<Vec<String>, Problem> {
    body.data.iter().map(|it| WorkspaceId::parse(&it.id).map(|id| id.to_string())).collect()
}
