//! Values of SQLite and what they are to SeaORM: written as its own driver writes them, so that either reads what the other
//! wrote, and read as the type that their column was declared with.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use rusqlite::{CachedStatement, Row};
use sea_orm::{DbErr, ProxyRow, Value};

/// Columns of 32 bits: SQLite has one kind of integer, the tables of both databases are read into the same types.
const SMALL: [&str; 6] = ["additions", "changes", "destructions", "imports", "resource_count", "run_limit"];

/// What a column was declared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Small,
    Boolean,
    Moment,
    Json,
    Blob,
    /// The column of no table: what it has says what it is.
    Any,
}

/// A column of what a statement returns.
pub(super) struct Column {
    name: String,
    kind: Kind,
}

/// The columns of what a statement returns.
pub(super) fn columns(statement: &CachedStatement<'_>) -> Vec<Column> {
    let column = |column: rusqlite::Column<'_>| {
        let name = column.name().to_owned();
        // SQLite tells some of them in capitals, however they were declared.
        let declared = column.decl_type().map(str::to_ascii_lowercase);
        let kind = match declared.as_deref() {
            None => Kind::Any,
            Some("boolean") => Kind::Boolean,
            Some("blob") => Kind::Blob,
            Some("json_text") => Kind::Json,
            Some("timestamp_with_timezone_text") => Kind::Moment,
            Some("integer" | "bigint") if SMALL.contains(&name.as_str()) => Kind::Small,
            Some("integer" | "bigint") => Kind::Integer,
            Some("text" | "varchar") => Kind::Text,
            // Tables of SQLite's own, and of whoever else made one.
            Some(_) => Kind::Any,
        };
        Column { name, kind }
    };
    statement.columns().into_iter().map(column).collect()
}

/// A row of them.
///
/// # Errors
/// When a column has what it cannot have.
pub(super) fn row(row: &Row<'_>, columns: &[Column]) -> Result<ProxyRow, DbErr> {
    let mut values = BTreeMap::new();
    for (place, column) in columns.iter().enumerate() {
        let stored = row.get_ref(place).map_err(|error| DbErr::Type(error.to_string()))?;
        values.insert(column.name.clone(), read(stored, column)?);
    }
    Ok(ProxyRow::new(values))
}

fn read(stored: ValueRef<'_>, column: &Column) -> Result<Value, DbErr> {
    let wrong = || DbErr::Type(format!("the column {} has a value that is none of its kind", column.name));
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| wrong());
    Ok(match (column.kind, stored) {
        (Kind::Text | Kind::Any, ValueRef::Null) => Value::String(None),
        (Kind::Text | Kind::Any, ValueRef::Text(bytes)) => Value::String(Some(text(bytes)?)),
        (Kind::Integer, ValueRef::Null) => Value::BigInt(None),
        (Kind::Integer | Kind::Any, ValueRef::Integer(number)) => Value::BigInt(Some(number)),
        (Kind::Any, ValueRef::Real(number)) => Value::Double(Some(number)),
        (Kind::Small, ValueRef::Null) => Value::Int(None),
        (Kind::Small, ValueRef::Integer(number)) => Value::Int(Some(i32::try_from(number).map_err(|_| wrong())?)),
        (Kind::Boolean, ValueRef::Null) => Value::Bool(None),
        (Kind::Boolean, ValueRef::Integer(number)) => Value::Bool(Some(number != 0)),
        (Kind::Moment, ValueRef::Null) => Value::ChronoDateTimeUtc(None),
        (Kind::Moment, ValueRef::Text(bytes)) => {
            Value::ChronoDateTimeUtc(Some(moment(&text(bytes)?).ok_or_else(wrong)?))
        }
        (Kind::Json, ValueRef::Null) => Value::Json(None),
        (Kind::Json, ValueRef::Text(bytes)) => {
            Value::Json(Some(Box::new(serde_json::from_slice(bytes).map_err(|_| wrong())?)))
        }
        (Kind::Blob, ValueRef::Null) => Value::Bytes(None),
        (Kind::Blob | Kind::Any, ValueRef::Blob(bytes)) => Value::Bytes(Some(bytes.to_vec())),
        _ => return Err(wrong()),
    })
}

/// As it is written here, or by SQLite's own `datetime`.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(moment) => Some(moment.to_utc()),
        Err(_) => NaiveDateTime::parse_from_str(text, "%F %T%.f").ok().map(|moment| moment.and_utc()),
    }
}

/// What is stored of a value.
///
/// # Errors
/// When it is of a type that no table has.
pub(super) fn bound(value: &Value) -> Result<ToSqlOutput<'_>, DbErr> {
    let integer = |number: i64| ToSqlOutput::Owned(Stored::Integer(number));
    let null = ToSqlOutput::Owned(Stored::Null);
    Ok(match value {
        Value::Bool(it) => it.map_or(null, |it| integer(it.into())),
        Value::Int(it) => it.map_or(null, |it| integer(it.into())),
        Value::BigInt(it) => it.map_or(null, integer),
        Value::Unsigned(it) => it.map_or(null, |it| integer(it.into())),
        Value::BigUnsigned(Some(it)) => integer(i64::try_from(*it).map_err(|_| too_large(*it))?),
        Value::Double(it) => it.map_or(null, |it| ToSqlOutput::Owned(Stored::Real(it))),
        Value::String(Some(it)) => ToSqlOutput::Borrowed(ValueRef::Text(it.as_bytes())),
        Value::Bytes(Some(it)) => ToSqlOutput::Borrowed(ValueRef::Blob(it)),
        Value::ChronoDateTimeUtc(Some(it)) => written(it.to_rfc3339_opts(SecondsFormat::AutoSi, false)),
        Value::Json(Some(it)) => written(it.to_string()),
        Value::BigUnsigned(None)
        | Value::String(None)
        | Value::Bytes(None)
        | Value::ChronoDateTimeUtc(None)
        | Value::Json(None) => null,
        other => return Err(DbErr::Type(format!("no table has a value like {other:?}"))),
    })
}

fn written(text: String) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(Stored::Text(text))
}

fn too_large(number: u64) -> DbErr {
    DbErr::Type(format!("{number} is more than a column holds"))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use sea_orm::{ConnectionTrait, DbBackend, Statement};
    use serde_json::json;

    use super::super::sqlite::Sqlite;
    use super::*;

    const COLUMNS: &str = "text, number, resource_count, yes, at, json, bytes";

    async fn table() -> (tempfile::TempDir, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let database = Sqlite::open(&folder.path().join("db"), true).unwrap();
        let kinds = "text text, number bigint, resource_count integer, yes boolean, \
                     at timestamp_with_timezone_text, json json_text, bytes blob";
        database.execute_unprepared(&format!("CREATE TABLE things ({kinds})")).await.unwrap();
        (folder, database)
    }

    #[tokio::test]
    async fn what_is_written_is_read_as_what_it_was() {
        let (_folder, database) = table().await;
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap() + TimeDelta::milliseconds(5);
        let json = json!({ "a": [1, null] });
        let full = [
            Value::from("ü"),
            Value::from(1_i64 << 40),
            Value::from(7_i32),
            Value::from(true),
            Value::from(at),
            Value::from(json.clone()),
            Value::from(vec![0_u8, 255]),
        ];
        let none = [
            Value::String(None),
            Value::BigInt(None),
            Value::Int(None),
            Value::Bool(None),
            Value::ChronoDateTimeUtc(None),
            Value::Json(None),
            Value::Bytes(None),
        ];
        for values in [full, none] {
            let insert = format!("INSERT INTO things ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)");
            let insert = Statement::from_sql_and_values(DbBackend::Sqlite, insert, values);
            assert_eq!(database.execute_raw(insert).await.unwrap().rows_affected(), 1);
        }
        let all = Statement::from_string(DbBackend::Sqlite, format!("SELECT {COLUMNS} FROM things ORDER BY rowid"));
        let rows = database.query_all_raw(all).await.unwrap();
        let [full, none] = rows.as_slice() else { panic!("{} rows", rows.len()) };
        assert_eq!(full.try_get::<String>("", "text").unwrap(), "ü");
        assert_eq!(full.try_get::<i64>("", "number").unwrap(), 1 << 40);
        assert_eq!(full.try_get::<i32>("", "resource_count").unwrap(), 7);
        assert!(full.try_get::<bool>("", "yes").unwrap());
        assert_eq!(full.try_get::<DateTime<Utc>>("", "at").unwrap(), at);
        assert_eq!(full.try_get::<serde_json::Value>("", "json").unwrap(), json);
        assert_eq!(full.try_get::<Vec<u8>>("", "bytes").unwrap(), [0, 255]);
        assert_eq!(none.try_get::<Option<i32>>("", "resource_count").unwrap(), None);
        assert_eq!(none.try_get::<Option<DateTime<Utc>>>("", "at").unwrap(), None);
        assert!(none.try_get::<String>("", "text").is_err());
    }

    #[tokio::test]
    async fn a_value_that_is_none_of_its_columns_kind_is_an_error_and_not_nothing() {
        let (_folder, database) = table().await;
        for (column, value) in
            [("number", "'many'"), ("resource_count", "99999999999"), ("at", "'soon'"), ("json", "'{'")]
        {
            let insert = format!("DELETE FROM things; INSERT INTO things ({column}) VALUES ({value})");
            database.execute_unprepared(&insert).await.unwrap();
            let all = Statement::from_string(DbBackend::Sqlite, format!("SELECT {column} FROM things"));
            let problem = database.query_all_raw(all).await.unwrap_err();
            assert!(problem.to_string().contains(column), "{problem}");
        }
    }

    #[test]
    fn moments_are_written_as_they_ever_were_and_read_also_as_sqlite_writes_them() {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let value = Value::from(at);
        let ToSqlOutput::Owned(Stored::Text(text)) = bound(&value).unwrap() else { panic!("no text") };
        assert_eq!(text, "2023-11-14T22:13:20+00:00");
        assert_eq!(moment(&text), Some(at));
        assert_eq!(moment("2023-11-14 22:13:20"), Some(at));
        assert_eq!(moment("2023-11-14T22:13:20.000Z"), Some(at));
        assert_eq!(moment("2023-11-14 22:13:20+00:00"), Some(at));
    }
}
