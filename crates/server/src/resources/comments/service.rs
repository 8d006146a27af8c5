//! Use cases of comments.

use domain::Problem;
use domain::id::CommentId;

use super::store::{self, Model as Comment};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::resources::{runs, workspaces};
use crate::storage::Tx;

/// Longest comment in bytes.
const LONG: usize = 16 * 1024;
/// Most comments on one run.
const MANY: u64 = 1000;

/// Says something about a run; whoever may start one there may.
///
/// # Errors
/// `run/not-found`, `comment/body`.
pub async fn create(app: &App, tx: &Tx, actor: &Actor, run: &str, body: Option<String>) -> Result<Comment, Problem> {
    let whole = runs::service::read(tx, actor, run).await?;
    // Who only looks does not write: the run of a change that nobody has looked at yet would.
    actor.may(Action::StartRun, workspaces::service::on(&whole.workspace))?;
    let body = body.filter(|body| !body.trim().is_empty()).ok_or_else(|| {
        Problem::invalid("comment/body", "The comment says nothing.").advice("Give the attribute \"body\".")
    })?;
    if body.len() > LONG {
        return Err(Problem::invalid("comment/body", "The comment is longer than 16 KiB.").advice("Shorten it."));
    }
    if store::count(tx, &whole.run.id).await? >= MANY {
        return Err(Problem::invalid("comment/body", "The run has 1000 comments already.").advice("Say it elsewhere."));
    }
    let comment = Comment {
        id: app.ports.id::<CommentId>().to_string(),
        workspace_id: whole.run.workspace_id,
        run_id: whole.run.id,
        user_id: actor.user().map(str::to_owned),
        body,
        created_at: app.ports.now(),
    };
    store::insert(tx, &comment).await?;
    Ok(comment)
}

/// Comments on a run, oldest first.
///
/// # Errors
/// `run/not-found`.
pub async fn list(tx: &Tx, actor: &Actor, run: &str) -> Result<Vec<Comment>, Problem> {
    let whole = runs::service::read(tx, actor, run).await?;
    store::of(tx, &whole.run.id).await
}

/// One comment.
///
/// # Errors
/// `comment/not-found`, also for who may not see its run.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<Comment, Problem> {
    let comment = store::by_id(tx, id).await?.ok_or_else(not_found)?;
    runs::service::read(tx, actor, &comment.run_id).await.map_err(|_| not_found())?;
    Ok(comment)
}

fn not_found() -> Problem {
    Problem::not_found("comment/not-found", "There is no such comment, or this token may not see its run.")
        .advice("List the comments of the run.")
}
