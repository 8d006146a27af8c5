//! Tokens of teams and organizations. An organization has one; a team one without a description, which a new one
//! replaces, and any number with one.

use chrono::{DateTime, Utc};
use domain::Problem;

use super::service::{self, Issued};
use super::store::{self, Model as Token};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::resources::organizations::Organization;
use crate::resources::{organizations, teams, users};
use crate::storage::Tx;

/// Most tokens of one team.
const MANY: usize = 100;

/// A team or an organization whose tokens the actor may see, make and take back.
pub struct Group {
    kind: &'static str,
    id: String,
}

impl Group {
    /// The team of that id.
    ///
    /// # Errors
    /// `team/not-found`, also for who may not see its tokens.
    pub async fn team(tx: &Tx, actor: &Actor, id: &str) -> Result<Self, Problem> {
        let team = teams::service::for_action(tx, actor, id, Action::ManageTeamTokens).await?;
        Ok(Self { kind: "team", id: team.id })
    }

    /// An organization that was read.
    ///
    /// # Errors
    /// `access/not-found` for who may not see its token.
    pub fn organization(actor: &Actor, organization: &Organization) -> Result<Self, Problem> {
        actor.may(Action::ManageOrganizationToken, On::Organization(&organization.id))?;
        Ok(Self { kind: "organization", id: organization.id.clone() })
    }
}

/// The token without a description.
///
/// # Errors
/// `token/none`.
pub async fn single(tx: &Tx, group: &Group) -> Result<Token, Problem> {
    store::of(tx, group.kind, &group.id).await?.into_iter().find(Token::is_single).ok_or_else(none)
}

/// Makes that token, in place of the one that was there.
///
/// # Errors
/// `token/expired`.
pub async fn replace(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    group: &Group,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Issued, Problem> {
    if let Ok(old) = single(tx, group).await {
        store::delete(tx, &old.id).await?;
    }
    issue(app, tx, actor, group, "", expires_at).await
}

/// Takes that token back.
///
/// # Errors
/// `token/none`.
pub async fn revoke(tx: &Tx, group: &Group) -> Result<(), Problem> {
    let token = single(tx, group).await?;
    store::delete(tx, &token.id).await
}

/// Makes a token with a description that no other token of the team has.
///
/// # Errors
/// `token/description`, `token/many`, `token/expired`.
pub async fn add(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    group: &Group,
    description: &str,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Issued, Problem> {
    let wrong = |message: &str, advice: &str| {
        Err(Problem::invalid("token/description", message).advice(advice).attribute("description"))
    };
    if description.trim().is_empty() || description.len() > 255 {
        return wrong("Description must be 1 to 255 characters.", "Say what the token is for.");
    }
    let all = store::of(tx, group.kind, &group.id).await?;
    if all.iter().any(|token| token.description == description) {
        return wrong("Description has already been taken.", "Say something else, or delete the token that has it.");
    }
    if all.len() >= MANY {
        return Err(Problem::invalid("token/many", "The team has 100 tokens already.").advice("Delete unused ones."));
    }
    issue(app, tx, actor, group, description, expires_at).await
}

/// Every token of the team, oldest first.
pub async fn list(tx: &Tx, group: &Group) -> Result<Vec<Token>, Problem> {
    store::of(tx, group.kind, &group.id).await
}

/// Tokens of all teams of an organization whose tokens the actor may see.
pub async fn of_teams(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Vec<Token>, Problem> {
    let mut all = Vec::new();
    for team in teams::service::list(tx, actor, organization).await? {
        if let Ok(group) = Group::team(tx, actor, &team.id).await {
            all.extend(list(tx, &group).await?);
        }
    }
    Ok(all)
}

/// The token of that id: the actor's own, or one of a group.
///
/// # Errors
/// `token/none`, also for who may not see it.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<Token, Problem> {
    let token = store::by_id(tx, id).await?.ok_or_else(none)?;
    let may = match token.kind.as_str() {
        "team" => Group::team(tx, actor, &token.subject_id).await.is_ok(),
        "organization" => match organizations::by_id(tx, &token.subject_id).await? {
            Some(organization) => Group::organization(actor, &organization).is_ok(),
            None => false,
        },
        "user" => matches!(actor, Actor::User(user) if user.id == token.subject_id),
        _ => false,
    };
    if may { Ok(token) } else { Err(none()) }
}

/// Takes a token back.
///
/// # Errors
/// `token/none`, also for who may not see it.
pub async fn delete(tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let token = read(tx, actor, id).await?;
    store::delete(tx, &token.id).await
}

async fn issue(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    group: &Group,
    description: &str,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Issued, Problem> {
    service::ends_in_future(app, expires_at)?;
    users::service::service_user(app, tx, &group.id).await?;
    service::issue(app, tx, group.kind, &group.id, description, expires_at, actor.user()).await
}

/// There is no such token, or not here.
pub fn none() -> Problem {
    Problem::not_found("token/none", "There is no such token, or this token may not see it.")
        .advice("Make one, or check the id.")
}
