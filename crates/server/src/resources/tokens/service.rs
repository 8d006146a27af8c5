//! Use cases of tokens: who is it that asks, users, and tokens for owners and runs. Those of teams and organizations are in
//! `group`.

use chrono::{DateTime, Duration, Utc};
use domain::id::{Id, TeamId, TokenId, UserId};
use domain::run::RunStatus;
use domain::{Fault, Problem};

use super::store::{self, Model as Token, User};
use crate::actor::Actor;
use crate::app::App;
use crate::resources::{organizations, runs, teams, workspaces};
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
    Ok(who_with(app, tx, secret).await?.0)
}

/// The same, and the id of the token.
///
/// # Errors
/// Those of [`who`].
pub async fn who_with(app: &App, tx: &Tx, secret: Option<&str>) -> Result<(Actor, String), Problem> {
    let secret = secret.ok_or_else(unauthorized)?;
    let token = by_secret(app, tx, secret).await?.ok_or_else(unauthorized)?;
    Ok((speaker(tx, &token).await?, token.id))
}

/// The token of that secret, unless it has expired.
pub async fn by_secret(app: &App, tx: &Tx, secret: &str) -> Result<Option<Token>, Problem> {
    Ok(store::by_digest(tx, &digest(app, secret)).await?.filter(|token| is_good(app, token)))
}

/// The token of that id, unless it has expired.
pub async fn by_id(app: &App, tx: &Tx, id: &str) -> Result<Option<Token>, Problem> {
    Ok(store::by_id(tx, id).await?.filter(|token| is_good(app, token)))
}

/// Whom a token speaks for.
///
/// # Errors
/// `access/unauthorized` when they are gone.
pub async fn speaker(tx: &Tx, token: &Token) -> Result<Actor, Problem> {
    match token.kind.as_str() {
        "run" => of_run(tx, &token.subject_id).await,
        "user" => in_name_of(tx, &token.subject_id).await?.ok_or_else(unauthorized),
        _ => {
            let user = store::user_for(tx, &token.subject_id).await?.ok_or_else(unauthorized)?;
            in_name_of(tx, &user.id).await?.ok_or_else(unauthorized)
        }
    }
}

fn is_good(app: &App, token: &Token) -> bool {
    token.expires_at.is_none_or(|end| app.ports.now() < end)
}

/// A user as whoever asks: a person, or the team or organization that it acts for. `None` when that is gone.
pub async fn in_name_of(tx: &Tx, user: &str) -> Result<Option<Actor>, Problem> {
    let Some(user) = store::user(tx, user).await? else { return Ok(None) };
    let Some(subject) = user.speaks_for else {
        return Ok(Some(Actor::User { id: user.id, name: user.username }));
    };
    if TeamId::parse(&subject).is_ok() {
        return teams::service::actor(tx, &subject, user.id).await;
    }
    let organization = organizations::by_id(tx, &subject).await?;
    Ok(organization.map(|it| Actor::Organization { organization: it.id, user: user.id }))
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
        speaks_for: None,
    };
    store::insert_user(tx, &user).await?;
    Ok(user)
}

/// The user in whose name a team or organization acts, made on the first call.
pub async fn service_user(app: &App, tx: &Tx, subject: &str) -> Result<User, Problem> {
    if let Some(user) = store::user_for(tx, subject).await? {
        return Ok(user);
    }
    let user = User {
        id: app.ports.id::<UserId>().to_string(),
        username: format!("api-{subject}"),
        email: format!("api-{subject}@localhost"),
        created_at: app.ports.now(),
        speaks_for: Some(subject.to_owned()),
    };
    store::insert_user(tx, &user).await?;
    Ok(user)
}

/// The person of that name.
pub async fn person(tx: &Tx, name: &str) -> Result<Option<User>, Problem> {
    Ok(store::user_named(tx, name).await?.filter(|user| user.speaks_for.is_none()))
}

/// Everybody who is a person, by name.
pub async fn persons(tx: &Tx) -> Result<Vec<User>, Problem> {
    store::persons(tx).await
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
    Ok(issue(app, tx, "user", &user.id, description, None, Some(&user.id)).await?.secret)
}

/// A new token that speaks for a run while it is in a phase.
pub async fn issue_for_run(app: &App, tx: &Tx, run: &str) -> Result<String, Problem> {
    let end = app.ports.now() + Duration::hours(RUN_TOKEN_HOURS);
    Ok(issue(app, tx, "run", run, "token of the run", Some(end), None).await?.secret)
}

/// Takes the tokens of a run back.
pub async fn revoke_for_run(tx: &Tx, run: &str) -> Result<(), Problem> {
    store::delete_of(tx, "run", run).await
}

/// Takes every token of a team or organization back that goes.
pub async fn revoke_all(tx: &Tx, subject: &str) -> Result<(), Problem> {
    for kind in ["team", "organization"] {
        store::delete_of(tx, kind, subject).await?;
    }
    Ok(())
}

/// A token that was just made.
pub struct Issued {
    /// The token.
    pub token: Token,
    /// Its secret, which is kept nowhere.
    pub secret: String,
}

/// Makes a token.
pub(super) async fn issue(
    app: &App,
    tx: &Tx,
    kind: &str,
    subject: &str,
    description: &str,
    expires_at: Option<DateTime<Utc>>,
    created_by: Option<&str>,
) -> Result<Issued, Problem> {
    // The shape of HCP Terraform's tokens, so that secret scanners know it for one.
    let secret = format!("{}.atlasv1.{}", app.ports.randomness.characters(14), app.ports.randomness.characters(SECRET));
    let token = Token {
        id: app.ports.id::<TokenId>().to_string(),
        digest: digest(app, &secret),
        kind: kind.into(),
        subject_id: subject.into(),
        description: description.into(),
        created_at: app.ports.now(),
        expires_at,
        created_by: created_by.map(str::to_owned),
    };
    store::insert(tx, &token).await?;
    Ok(Issued { token, secret })
}

/// Refuses a token that would have expired when it is made.
pub(super) fn ends_in_future(app: &App, expires_at: Option<DateTime<Utc>>) -> Result<(), Problem> {
    match expires_at {
        Some(end) if end <= app.ports.now() => {
            Err(Problem::invalid("token/expired", "The token would have expired already.")
                .advice("Give a later expired-at, or none.")
                .attribute("expired-at"))
        }
        _ => Ok(()),
    }
}

fn digest(app: &App, secret: &str) -> String {
    app.key.sign(&format!("token:{secret}"))
}

fn unauthorized() -> Problem {
    Problem::new(Fault::Unauthorized, "access/unauthorized", "The token is missing, unknown or expired.")
        .advice("Run: eval \"$(multispace env)\"")
}
