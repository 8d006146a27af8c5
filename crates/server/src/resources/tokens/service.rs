//! Use cases of tokens: who is it that asks, and tokens for owners and runs. Those of teams and organizations are in
//! `group`.

use chrono::{DateTime, Duration, Utc};
use domain::id::{ALPHABET, TokenId};
use domain::run::RunStatus;
use domain::{Fault, Problem};

use super::store::{self, Model as Token};
use crate::actor::Actor;
use crate::app::App;
use crate::resources::users::{self, User};
use crate::resources::{runs, workspaces};
use crate::storage::Tx;
use crate::storage::audit::Act;

/// A run's token outlives no run longer than this.
const RUN_TOKEN_HOURS: i64 = 24;
/// What is told of the last use of a token is so many minutes old at most.
const USED_MINUTES: i64 = 5;
/// Characters of a secret: 58 of base58 are 339 bits.
const SECRET: usize = 58;
/// Characters of its checksum: 6 of base58 are more than the 32 bits that it has.
const CHECKSUM: usize = 6;

/// Whom the secret that came with a request speaks for.
///
/// # Errors
/// `access/unauthorized` when there is none, it is unknown, or it has expired.
pub async fn who(app: &App, tx: &Tx, secret: Option<&str>) -> Result<Actor, Problem> {
    Ok(known(app, tx, secret).await?.1)
}

/// The same, with the token.
///
/// # Errors
/// As [`who`].
pub async fn known(app: &App, tx: &Tx, secret: Option<&str>) -> Result<(Token, Actor), Problem> {
    let secret = secret.ok_or_else(unauthorized)?;
    let token = by_secret(app, tx, secret).await?.ok_or_else(unauthorized)?;
    let actor = speaker(tx, &token).await?;
    Ok((token, actor))
}

/// Notes beside the request that a token is used. Once in some minutes is enough for whoever wonders what a token is for, and
/// one at a time, so that what is asked often is not written often; what is missed is noted with the next request.
pub fn note_use(app: &App, token: &Token) {
    let now = app.ports.now();
    let since = now - Duration::minutes(USED_MINUTES);
    let is_known = token.last_used_at.is_some_and(|last| last > since);
    if is_known || token.kind == "run" {
        return;
    }
    let Ok(turn) = app.noting.clone().try_acquire_owned() else { return };
    let (app, id) = (app.clone(), token.id.clone());
    // For the audit log it is what a request that only reads leaves behind: nobody's things change by it.
    let act = Act::new("", "authentication-tokens.use".into(), id.clone(), true);
    tokio::spawn(act.during(async move {
        let noted = async {
            let tx = app.db.write().await?;
            store::used(&tx, &id, now, since).await?;
            tx.commit().await
        };
        if let Err(problem) = noted.await {
            tracing::debug!(%problem, "the use of a token was not noted");
        }
        drop(turn);
    }));
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
        "user" => users::service::in_name_of(tx, &token.subject_id).await?.ok_or_else(unauthorized),
        _ => {
            let user = users::service::speaking_for(tx, &token.subject_id).await?.ok_or_else(unauthorized)?;
            users::service::in_name_of(tx, &user.id).await?.ok_or_else(unauthorized)
        }
    }
}

fn is_good(app: &App, token: &Token) -> bool {
    token.expires_at.is_none_or(|end| app.ports.now() < end)
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

/// Takes every token of a user back who goes.
pub async fn revoke_of_user(tx: &Tx, user: &str) -> Result<(), Problem> {
    store::delete_of(tx, "user", user).await
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
    let secret =
        new_secret(app.ports.randomness.characters(14).as_str(), app.ports.randomness.characters(SECRET).as_str());
    let token = Token {
        id: app.ports.id::<TokenId>().to_string(),
        digest: digest(app, &secret),
        kind: kind.into(),
        subject_id: subject.into(),
        description: description.into(),
        created_at: app.ports.now(),
        expires_at,
        created_by: created_by.map(str::to_owned),
        last_used_at: None,
    };
    store::insert(tx, &token).await?;
    Ok(Issued { token, secret })
}

/// The shape of HCP Terraform's tokens, so that secret scanners know it for one. Its last characters are a checksum of the
/// others, by which a scanner tells a token from what only looks like one without asking anybody. It guards nothing: what
/// counts is the digest, and tokens that were made before have none.
fn new_secret(name: &str, random: &str) -> String {
    let text = format!("{name}.atlasv1.{random}");
    let sum = checksum(&text);
    text + &sum
}

fn checksum(text: &str) -> String {
    let mut left = crc32fast::hash(text.as_bytes()) as usize;
    let digit = |_| {
        let digit = ALPHABET[left % ALPHABET.len()];
        left /= ALPHABET.len();
        digit
    };
    (0..CHECKSUM).map(digit).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_the_shape_that_scanners_know_and_a_checksum_that_a_slip_breaks() {
        let secret = new_secret(&"a".repeat(14), &"b".repeat(SECRET));
        let (name, rest) = secret.split_once(".atlasv1.").unwrap();
        assert_eq!((name.len(), rest.len()), (14, 64));
        let (text, sum) = secret.split_at(secret.len() - CHECKSUM);
        assert_eq!(checksum(text), sum);
        assert_ne!(checksum(&text.replacen('a', "c", 1)), sum);
    }
}
