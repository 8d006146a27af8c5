//! What a [`Tx`] does with one row: reads it by its id, locks it, writes it. For `store.rs` files alone.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::{
    DbBackend, EntityName, FromQueryResult, IntoActiveModel, Iterable, PrimaryKeyToColumn, QuerySelect, Value,
};

use super::database::{On, no_writes, unavailable};
use super::{Stored, Tx};

/// A text of each row that a query finds, which the query calls `text`.
#[derive(Debug, FromQueryResult)]
struct Text {
    text: String,
}

impl Tx {
    /// The values of one column of text. By their names alone are columns the same on both databases.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn texts<E: EntityTrait>(&self, query: Select<E>, column: E::Column) -> Result<Vec<String>, Problem> {
        let query = query.select_only().column_as(column, "text").into_model::<Text>();
        Ok(query.all(self.db()).await.stored()?.into_iter().map(|row| row.text).collect())
    }

    /// The row of that id. In a transaction it is asked for once: until a statement of the transaction changes the table, it is
    /// what it was.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn by_id<E>(&self, id: &str) -> Result<Option<E::Model>, Problem>
    where
        E: EntityTrait,
        E::Model: Clone + Send + Sync + 'static,
        for<'a> &'a str: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        let On::Transaction(_, _, known) = self.db() else { return E::find_by_id(id).one(self.db()).await.stored() };
        let table = E::default().table_name().to_owned();
        if let Some(row) = known.recall(&table, id) {
            return Ok(Some(row));
        }
        let changes = known.changes();
        let row = E::find_by_id(id).one(self.db()).await.stored()?;
        if let Some(row) = row.clone() {
            known.keep(&table, id, row, changes);
        }
        Ok(row)
    }

    /// The row of that id as it is now, locked to the end of the transaction: decisions about it are made one at a time.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn locked<E>(&self, id: &str) -> Result<Option<E::Model>, Problem>
    where
        E: EntityTrait,
        E::Model: Clone + Send + Sync + 'static,
        for<'a> &'a str: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        // A transaction of SQLite that may write is the only one.
        if self.db().get_database_backend() == DbBackend::Sqlite {
            return self.by_id::<E>(id).await;
        }
        let row = E::find_by_id(id).lock_exclusive().one(self.db()).await.stored()?;
        if let (On::Transaction(_, _, known), Some(row)) = (self.db(), row.clone()) {
            known.keep(E::default().table_name(), id, row, known.changes());
        }
        Ok(row)
    }

    /// Writes the columns that are set into the row of the id that is set.
    ///
    /// # Errors
    /// `storage/conflict`, or `storage/unavailable`, also when there is no such row.
    pub async fn save<A>(&self, row: A) -> Result<(), Problem>
    where
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A> + Clone + Send + Sync + 'static,
    {
        let On::Transaction(_, _, known) = self.db() else { return Err(unavailable(no_writes())) };
        let changes = known.changes();
        let written = A::Entity::update(row).exec(self.db()).await.stored()?;
        let key = <A::Entity as EntityTrait>::PrimaryKey::iter().next().map(|key| written.get(key.into_column()));
        if let Some(Value::String(Some(id))) = key {
            // One change is this one.
            known.keep(A::Entity::default().table_name(), &id, written, changes + 1);
        }
        Ok(())
    }
}
