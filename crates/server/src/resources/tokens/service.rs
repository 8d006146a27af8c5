//! Use cases of tokens: who is it that asks, and tokens for owners and runs.

use chrono::Duration;
use domain::id::{TokenId, UserId};
use domain::run::RunStatus;
use domain::{Fault, Problem};

use super::store::{self, Model as Token, User};
use crate::actor::Actor;
use crate::app::App;
use crate::resources::{runs, workspaces};
use crate::storage::Tx;

/// A run's token outlives no run longer than this.
const RUN_TOKEN_HOURS: i64 = 24;
/// Characters of a secret: 64 of base58 are 374 bits.
const SECRET: usize = 64;

/// Whom the secret that came with a request speaks for.
///
/// # Errors
/// `access/unauthorized` when there is none, it is unknown, or it has expired.
pub async fn who(app: &App, tx: &Tx, secret: Option<&str>) -> Result<Actor, Problem> {
    let secret = secret.ok_or_else(unauthorized)?;
    let token = store::by_digest(tx, &digest(app, secret)).await?.ok_or_else(unauthorized)?;
    if token.expires_at.is_some_and(|end| end <= app.ports.now()) {
        return Err(unauthorized());
    }
    if token.kind == "user" {
        let user = store::user(tx, &token.subject_id).await?.ok_or_else(unauthorized)?;
        return Ok(Actor::User { id: user.id, name: user.username });
    }
    of_run(tx, &token.subject_id).await
}

/// A run as whoever asks. Where it is, decides what it may, so this is read anew with each request.
async fn of_run(tx: &Tx, id: &str) -> Result<Actor, Problem> {
    let run = runs::by_id(tx, id).await?.ok_or_else(unauthorized)?;
    let workspace = workspaces::by_id(tx, &run.workspace_id).await?.ok_or_else(unauthorized)?;
    Ok(Actor::Run {
        applies: run.status() == RunStatus::Applying && !run.plan_only,
        run: run.id,
        workspace: workspace.id,
        project: workspace.project_id,
        organization: run.organization_id,
    })
}

/// The user that owns this server, made on the first call.
pub async fn owner(app: &App, tx: &Tx) -> Result<User, Problem> {
    if let Some(user) = store::user_named(tx, "owner").await? {
        return Ok(user);
    }
    let user = User {
        id: app.ports.id::<UserId>().to_string(),
        username: "owner".into(),
        email: "owner@localhost".into(),
        created_at: app.ports.now(),
    };
    store::insert_user(tx, &user).await?;
    Ok(user)
}

/// The user of that id.
///
/// # Errors
/// `token/not-found`.
pub async fn user(tx: &Tx, id: &str) -> Result<User, Problem> {
    store::user(tx, id)
        .await?
        .ok_or_else(|| Problem::not_found("token/not-found", "There is no such user.").advice("Check the user's id."))
}

/// A new token that speaks for `user` and does not expire; the secret is returned once and kept nowhere.
pub async fn issue_for_user(app: &App, tx: &Tx, user: &User, description: &str) -> Result<String, Problem> {
    issue(app, tx, "user", &user.id, description, None).await
}

/// A new token that speaks for a run while it is in a phase.
pub async fn issue_for_run(app: &App, tx: &Tx, run: &str) -> Result<String, Problem> {
    issue(app, tx, "run", run, "token of the run", Some(RUN_TOKEN_HOURS)).await
}

/// Takes the tokens of a run back.
pub async fn revoke_for_run(tx: &Tx, run: &str) -> Result<(), Problem> {
    store::delete_of(tx, "run", run).await
}

async fn issue(
    app: &App,
    tx: &Tx,
    kind: &str,
    subject: &str,
    description: &str,
    hours: Option<i64>,
) -> Result<String, Problem> {
    // The shape of HCP Terraform's tokens, so that secret scanners know it for one.
    let secret = format!("{}.atlasv1.{}", app.ports.randomness.characters(14), app.ports.randomness.characters(SECRET));
    let now = app.ports.now();
    let token = Token {
        id: app.ports.id::<TokenId>().to_string(),
        digest: digest(app, &secret),
        kind: kind.into(),
        subject_id: subject.into(),
        description: description.into(),
        created_at: now,
        expires_at: hours.map(|hours| now + Duration::hours(hours)),
    };
    store::insert(tx, &token).await?;
    Ok(secret)
}

fn digest(app: &App, secret: &str) -> String {
    app.key.sign(&format!("token:{secret}"))
}

fn unauthorized() -> Problem {
    Problem::new(Fault::Unauthorized, "access/unauthorized", "The token is missing, unknown or expired.")
        .advice("Run: eval \"$(multispace env)\"")
}
