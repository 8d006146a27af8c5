//! `/comments`: the HTTP side of comments.

use axum::extract::State;
use domain::id::{CommentId, Id, RunId};
use wire::comments::{Comment as Document, CommentAttributes, CommentBody, CommentRelationships};
use wire::{ToOne, kind};

use super::{Comment, service};
use crate::app::App;
use crate::edge::{At, Caller, Reply, Routes, Sent, created, ok};

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default().get("/runs/{id}/comments", list).post("/runs/{id}/comments", create).get("/comments/{id}", show)
}

async fn list(State(app): State<App>, Caller(actor): Caller, At(run): At<RunId>) -> Reply {
    let tx = app.db.read().await?;
    let all = service::list(&tx, &actor, run.as_str()).await?;
    ok(wire::Document::new(all.iter().map(document).collect::<Vec<_>>()))
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    At(run): At<RunId>,
    Sent(body): Sent<CommentBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let comment = service::create(&app, &tx, &actor, run.as_str(), body.into_parts().0.body).await?;
    tx.commit().await?;
    created(wire::Document::new(document(&comment)))
}

async fn show(State(app): State<App>, Caller(actor): Caller, At(id): At<CommentId>) -> Reply {
    let tx = app.db.read().await?;
    ok(wire::Document::new(document(&service::read(&tx, &actor, id.as_str()).await?)))
}

fn document(comment: &Comment) -> Document {
    let attributes = CommentAttributes { body: comment.body.clone(), created_at: comment.created_at.into() };
    let relationships = CommentRelationships {
        user: ToOne::maybe(kind::USERS, comment.user_id.as_ref()),
        ..CommentRelationships::default()
    };
    let document = Document::new(&comment.id, attributes).related(relationships);
    document.linked("self", format!("/api/v2/comments/{}", comment.id))
}
