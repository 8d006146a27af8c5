//! The table of deliveries that were taken.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect};

use crate::storage::{Stored, Tx};

/// Most names of deliveries that are kept; the oldest make room.
const KEPT: u64 = 10_000;

/// A name of a delivery that was taken.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    /// The connection and what names the delivery.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// When it came.
    pub received_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// Notes a delivery of a connection; says whether it is the first of any of these names.
pub async fn note(tx: &Tx, client: &str, names: &[String], now: DateTimeUtc) -> Result<bool, Problem> {
    let ids: Vec<_> = names.iter().map(|name| format!("{client}/{name}")).collect();
    if Entity::find().filter(Column::Id.is_in(ids.clone())).one(tx.db()).await.stored()?.is_some() {
        return Ok(false);
    }
    for id in ids {
        let row = Model { id, received_at: now };
        Entity::insert(row.into_active_model().reset_all()).exec_without_returning(tx.db()).await.stored()?;
    }
    let newest = Entity::find().order_by_desc(Column::ReceivedAt);
    if let Some(oldest) = newest.offset(KEPT).limit(1).one(tx.db()).await.stored()? {
        let older = Column::ReceivedAt.lte(oldest.received_at);
        Entity::delete_many().filter(older).exec(tx.db()).await.stored()?;
    }
    Ok(true)
}
