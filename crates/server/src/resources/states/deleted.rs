//! What stays of the states of a workspace that is deleted: a row each, which keeps the blob until it is swept (`upkeep::sweep`).

use chrono::{DateTime, Utc};
use domain::Problem;
use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;

use super::store::Model as State;
use crate::storage::{Stored, Tx};

/// Rows that are written in one statement.
const AT_A_TIME: usize = 500;

/// A state version whose workspace was deleted.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deleted_states")]
pub struct Model {
    /// `sv-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Its workspace, which is not there any more.
    pub workspace_id: String,
    /// What that was called.
    pub workspace_name: String,
    /// The organization that it was in.
    pub organization_id: String,
    /// Its serial.
    pub serial: i64,
    /// Its length in bytes.
    pub size: i64,
    /// When the workspace was deleted.
    pub deleted_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// A workspace that is being deleted.
#[derive(Debug, Clone, Copy)]
pub struct Deleted<'a> {
    /// Its id.
    pub workspace: &'a str,
    /// What it is called.
    pub name: &'a str,
    /// Id of its organization.
    pub organization: &'a str,
    /// When it is deleted.
    pub at: DateTime<Utc>,
}

/// Writes down the versions that have bytes.
pub(super) async fn keep(tx: &Tx, of: Deleted<'_>, states: Vec<State>) -> Result<(), Problem> {
    let kept = states.into_iter().filter(|state| state.is_finalized() || state.is_kept());
    let rows: Vec<_> = kept
        .map(|state| {
            let row = Model {
                id: state.id,
                workspace_id: of.workspace.to_owned(),
                workspace_name: of.name.to_owned(),
                organization_id: of.organization.to_owned(),
                serial: state.serial,
                size: state.size,
                deleted_at: of.at,
            };
            row.into_active_model()
        })
        .collect();
    for some in rows.chunks(AT_A_TIME) {
        Entity::insert_many(some.to_vec()).exec_without_returning(tx.db()).await.stored()?;
    }
    Ok(())
}
