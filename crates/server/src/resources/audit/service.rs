//! Use cases of the audit log: read a part, read on from a place, and say whether it is whole.

use chrono::{DateTime, Utc};
use domain::Problem;

use super::store;
use crate::actor::{Action, Actor, On};
use crate::resources::organizations::Organization;
use crate::storage::audit::{self, Checked, Row, SERVER};
use crate::storage::{Key, Tx};

/// Which part of a chain.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only what is later.
    pub since: Option<DateTime<Utc>>,
    /// Only what has this in who, what or to what; empty for all.
    pub search: String,
    /// The newest first, and not the oldest.
    pub newest_first: bool,
    /// How many come before the part.
    pub offset: u64,
    /// How many are in it.
    pub limit: u64,
}

/// A chain that somebody may read.
#[derive(Debug, Clone)]
pub struct Chain(String);

impl Chain {
    /// That of an organization.
    ///
    /// # Errors
    /// `access/not-found` for who does not own it.
    pub fn of(actor: &Actor, organization: &Organization) -> Result<Self, Problem> {
        actor.may(Action::ManageOrganization, On::Organization(&organization.id))?;
        Ok(Self(organization.id.clone()))
    }

    /// That of the organization whose token asks, or whose owners' team.
    ///
    /// # Errors
    /// `access/not-found` for everybody else.
    pub fn own(actor: &Actor) -> Result<Self, Problem> {
        let id = match actor {
            Actor::Organization { organization, .. } => organization,
            Actor::Team(team) => &team.organization,
            _ => {
                return Err(Problem::not_found("audit/own", "This token is not that of one organization.")
                    .advice("Ask for /organizations/NAME/audit-trail, or use the token of the organization."));
            }
        };
        actor.may(Action::ManageOrganization, On::Organization(id))?;
        Ok(Self(id.clone()))
    }

    /// That of the server, or of any organization by its id, whether or not it is still there.
    ///
    /// # Errors
    /// `access/not-found` for who does not answer for the server.
    pub fn on_server(actor: &Actor, organization: Option<&str>) -> Result<Self, Problem> {
        actor.may(Action::ManageOrganization, On::Server)?;
        Ok(Self(organization.unwrap_or(SERVER).to_owned()))
    }
}

/// A part of a chain, and how many rows it has in all.
///
/// # Errors
/// `storage/unavailable`.
pub async fn list(tx: &Tx, chain: &Chain, wanted: &Wanted) -> Result<(Vec<Row>, u64), Problem> {
    store::list(tx, &chain.0, wanted).await
}

/// Up to `limit` rows of a chain after that place, oldest first.
///
/// # Errors
/// `storage/unavailable`.
pub async fn after(
    tx: &Tx,
    chain: &Chain,
    since: Option<DateTime<Utc>>,
    number: i64,
    limit: u64,
) -> Result<Vec<Row>, Problem> {
    store::after(tx, &chain.0, since, number, limit).await
}

/// Looks at every row of a chain.
///
/// # Errors
/// `storage/unavailable`.
pub async fn check(tx: &Tx, key: &Key, chain: &Chain) -> Result<Checked, Problem> {
    audit::check(tx, key, &chain.0).await
}

/// Looks at every row of every chain: what the log of this server comes to.
///
/// # Errors
/// `storage/unavailable`.
pub async fn verify(tx: &Tx, key: &Key) -> Result<Vec<Checked>, Problem> {
    audit::verify(tx, key).await
}
