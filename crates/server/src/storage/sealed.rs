//! Every column whose values are sealed, and for what: so that they can be checked, and sealed with another key, without
//! knowing whose they are.

/// A column of sealed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedColumn {
    /// Its table.
    pub table: &'static str,
    /// The table's primary key, a text.
    pub id: &'static str,
    /// Its name.
    pub column: &'static str,
    /// A value is sealed for the row's id with this behind it.
    pub suffix: &'static str,
}

/// All of them.
pub const SEALED: &[SealedColumn] = &[
    // First: it stands for all when a server starts.
    of("server_secrets", "id", "sealed", "/server-secret"),
    of("variables", "id", "value", ""),
    of("pinned_variables", "run_id", "sealed", "/variables"),
    of("runs", "id", "variables", ""),
    of("runs", "id", "reads", "/reads"),
    of("state_outputs", "id", "value", ""),
    of("oauth_clients", "id", "secret", ""),
    of("oauth_tokens", "id", "value", "/value"),
    of("oauth_tokens", "id", "ssh_key", "/ssh-key"),
];

const fn of(table: &'static str, id: &'static str, column: &'static str, suffix: &'static str) -> SealedColumn {
    SealedColumn { table, id, column, suffix }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sea_orm::{ConnectionTrait, DbBackend, Statement};

    use super::*;
    use crate::storage::{Changes, Db};

    #[tokio::test]
    async fn every_column_of_bytes_is_a_sealed_one_that_is_known_here() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&folder.path().join("db"), Changes::default()).await.unwrap().migrated().await.unwrap();
        let sql = "SELECT m.name AS name, c.name AS column FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                   WHERE m.type = 'table' AND lower(c.type) LIKE '%blob%'";
        let look = db.look();
        let rows = look.db().query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
        let there: BTreeSet<(String, String)> =
            rows.iter().map(|row| (row.try_get("", "name").unwrap(), row.try_get("", "column").unwrap())).collect();
        let known = SEALED.iter().map(|it| (it.table.to_owned(), it.column.to_owned())).collect();
        assert_eq!(there, known);
    }
}
