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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sea_orm::{ConnectionTrait, Set};

    use super::*;
    use crate::storage::{Changes, Db};

    mod thing {
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
        #[sea_orm(table_name = "things")]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: String,
            pub name: String,
            pub owner: String,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    }

    /// With one thing.
    async fn database(folder: &Path) -> Db {
        let db = Db::sqlite(&folder.join("db"), Changes::default()).await.unwrap();
        let tx = db.write().await.unwrap();
        let table = "CREATE TABLE things (id text PRIMARY KEY, name text, owner text);
            INSERT INTO things VALUES ('thing-1', 'first', 'ann');";
        tx.db().execute_unprepared(table).await.unwrap();
        tx.commit().await.unwrap();
        db
    }

    /// Changes the name where the transaction does not see it: only a question shows it.
    async fn renamed_unseen(tx: &Tx, name: &str) {
        let On::Transaction(on, ..) = tx.db() else { panic!("it is no transaction") };
        on.execute_unprepared(&format!("UPDATE things SET name = '{name}'")).await.unwrap();
    }

    async fn name(tx: &Tx) -> String {
        tx.by_id::<thing::Entity>("thing-1").await.unwrap().unwrap().name
    }

    fn renamed(name: &str) -> thing::ActiveModel {
        thing::ActiveModel { id: Set("thing-1".into()), name: Set(name.into()), ..Default::default() }
    }

    #[tokio::test]
    async fn a_row_is_asked_for_once_in_a_transaction_and_anew_in_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(folder.path()).await;
        let tx = db.write().await.unwrap();
        assert_eq!(name(&tx).await, "first");
        renamed_unseen(&tx, "second").await;
        assert_eq!(name(&tx).await, "first");
        assert_eq!(tx.locked::<thing::Entity>("thing-1").await.unwrap().unwrap().name, "first");
        assert_eq!(tx.by_id::<thing::Entity>("thing-2").await.unwrap(), None);
        tx.commit().await.unwrap();
        assert_eq!(name(&db.read().await.unwrap()).await, "second");
    }

    #[tokio::test]
    async fn a_row_is_asked_for_again_when_a_statement_has_changed_its_table() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(folder.path()).await;
        let tx = db.write().await.unwrap();
        assert_eq!(name(&tx).await, "first");
        tx.db().execute_unprepared(r#"UPDATE "things" SET "name" = 'second'"#).await.unwrap();
        assert_eq!(name(&tx).await, "second");
    }

    #[tokio::test]
    async fn what_was_saved_is_read_without_asking_and_goes_with_its_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(folder.path()).await;
        let tx = db.write().await.unwrap();
        assert_eq!(name(&tx).await, "first");
        tx.save(renamed("second")).await.unwrap();
        renamed_unseen(&tx, "third").await;
        let saved = thing::Model { id: "thing-1".into(), name: "second".into(), owner: "ann".into() };
        assert_eq!(tx.by_id::<thing::Entity>("thing-1").await.unwrap(), Some(saved));
        drop(tx);
        let tx = db.write().await.unwrap();
        assert_eq!(name(&tx).await, "first", "nothing of it was committed");
        tx.save(renamed("second")).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(name(&db.read().await.unwrap()).await, "second");
    }

    #[tokio::test]
    async fn a_look_asks_each_time_and_saves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(folder.path()).await;
        let (look, tx) = (db.look(), db.write().await.unwrap());
        assert_eq!(name(&look).await, "first");
        tx.save(renamed("second")).await.unwrap();
        assert_eq!(name(&look).await, "first");
        tx.commit().await.unwrap();
        assert_eq!(name(&look).await, "second");
        assert_eq!(look.save(renamed("third")).await.unwrap_err().code, "storage/unavailable");
    }

    #[tokio::test]
    async fn a_row_that_is_not_there_cannot_be_saved() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(folder.path()).await;
        let tx = db.write().await.unwrap();
        let nobody = thing::ActiveModel { id: Set("thing-2".into()), ..renamed("second") };
        assert!(tx.save(nobody).await.is_err());
        assert_eq!(tx.by_id::<thing::Entity>("thing-2").await.unwrap(), None);
        assert_eq!(name(&tx).await, "first");
    }
}
