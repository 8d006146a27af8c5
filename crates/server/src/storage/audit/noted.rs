//! [`Noted`]: what the statements of one transaction change.

use sea_orm::{ConnectionTrait, DbErr, Statement, Value, sea_query};
use sea_query::{Alias, Expr, ExprTrait, Query};

use super::kinds;

/// Most changes of one transaction that are told one by one; the others are counted.
const MANY: usize = 24;

/// What the statements of a transaction have changed, in their order.
#[derive(Debug, Default)]
pub struct Noted {
    pub(super) writes: Vec<Write>,
    /// Changes that are not among them.
    pub(super) more: usize,
}

/// One change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) verb: &'static str,
    pub(super) table: String,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    /// The organization, or something that belongs to it.
    pub(super) parent: Option<String>,
    /// The status that it has before and after.
    pub(super) statuses: Option<(String, String)>,
}

impl Write {
    /// The status that it gets by this change, if it is another.
    pub(super) fn moved(&self) -> Option<&str> {
        self.statuses.as_ref().filter(|(before, after)| before != after).map(|(_, after)| after.as_str())
    }
}

impl Noted {
    /// Notes a statement that is about to be executed. What it changes is looked at before it is gone.
    pub(in crate::storage) async fn note<C: ConnectionTrait>(
        &mut self,
        on: &C,
        statement: &Statement,
    ) -> Result<(), DbErr> {
        match read(statement) {
            Some(write) => self.add(on, write).await,
            None => Ok(()),
        }
    }

    /// Notes that bytes were stored that belong to something.
    pub(in crate::storage) async fn note_bytes<C: ConnectionTrait>(
        &mut self,
        on: &C,
        table: &str,
        id: &str,
    ) -> Result<(), DbErr> {
        let write = Write { verb: "update", table: table.to_owned(), id: Some(id.to_owned()), ..Write::default() };
        self.add(on, write).await
    }

    async fn add<C: ConnectionTrait>(&mut self, on: &C, mut write: Write) -> Result<(), DbErr> {
        if self.writes.len() >= MANY {
            self.more += 1;
            return Ok(());
        }
        if write.verb != "create"
            && !kinds::is_book(&write.table)
            && let Some(id) = write.id.clone()
        {
            look(on, &mut write, &id).await?;
        }
        self.writes.push(write);
        Ok(())
    }
}

/// Reads name, status and owner of what is going to be changed.
async fn look<C: ConnectionTrait>(on: &C, write: &mut Write, id: &str) -> Result<(), DbErr> {
    let Some(kind) = kinds::of_table(&write.table) else { return Ok(()) };
    let columns = [kind.name, kind.parent, if kind.has_status { "status" } else { "" }];
    let wanted: Vec<_> = columns.into_iter().filter(|column| !column.is_empty()).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let mut query = Query::select();
    query
        .columns(wanted.into_iter().map(Alias::new))
        .from(Alias::new(kind.table))
        .and_where(Expr::col(Alias::new("id")).eq(id));
    let Some(row) = on.query_one_raw(on.get_database_backend().build(&query)).await? else { return Ok(()) };
    let read = |column: &str| match column {
        "" => None,
        column => row.try_get::<Option<String>>("", column).ok().flatten(),
    };
    write.name = read(kind.name);
    write.parent = read(kind.parent).or(write.parent.take());
    if let Some(before) = read(columns[2]) {
        let after = write.statuses.take().map_or_else(|| before.clone(), |(_, after)| after);
        write.statuses = Some((before, after));
    }
    Ok(())
}

/// Columns whose values say what something is or whose.
const OWNERS: [&str; 9] = [
    "organization_id",
    "workspace_id",
    "run_id",
    "owner_id",
    "subject_id",
    "team_id",
    "set_id",
    "client_id",
    "downstream_id",
];

/// What a statement changes; nothing when it only reads. The statements are those that sea-query writes: quoted names, and
/// every value apart.
fn read(statement: &Statement) -> Option<Write> {
    let sql = statement.sql.as_str();
    let (verb, rest) = [("create", "INSERT INTO "), ("update", "UPDATE "), ("delete", "DELETE FROM ")]
        .into_iter()
        .find_map(|(verb, start)| Some((verb, sql.strip_prefix(start)?)))?;
    let table = rest.split([' ', '(']).next()?.trim_matches('"').to_owned();
    let values = statement.values.as_ref().map(|values| values.0.as_slice()).unwrap_or_default();
    let text = |value: Option<&Value>| match value {
        Some(Value::String(Some(text))) => Some(text.to_string()),
        _ => None,
    };
    let mut write = Write { verb, table, ..Write::default() };
    if verb == "create" {
        let columns: Vec<_> =
            rest.split_once('(')?.1.split_once(')')?.0.split(", ").map(|it| it.trim_matches('"')).collect();
        let of = |name: &str| text(values.get(columns.iter().position(|column| *column == name)?));
        write.id = of("id");
        let name = kinds::of_table(&write.table).map_or("name", |kind| kind.name);
        write.name = of(name);
        write.parent = OWNERS.iter().find_map(|column| of(column));
        write.statuses = of("status").map(|status| (String::new(), status));
        return Some(write);
    }
    let (set, filter) = rest.split_once(" WHERE ").unwrap_or((rest, ""));
    let before = sql.len() - filter.len();
    let of = |name: &str, from: usize, part: &str| {
        let start = from + part.find(&format!("\"{name}\" = "))? + name.len() + 5;
        text(values.get(place(sql, start)?))
    };
    write.id = of("id", before, filter);
    write.parent = OWNERS.iter().find_map(|column| of(column, before, filter));
    if verb == "update" {
        let after = of("status", sql.len() - rest.len(), set);
        write.statuses = after.map(|after| (String::new(), after));
    }
    Some(write)
}

/// Which value stands at that place: `$3` on PostgreSQL, the third `?` on SQLite.
fn place(sql: &str, at: usize) -> Option<usize> {
    let rest = sql.get(at..)?;
    match rest.strip_prefix('$') {
        Some(number) => {
            let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<usize>().ok()?.checked_sub(1)
        }
        None => rest.starts_with('?').then(|| sql[..at].matches('?').count()),
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::DbBackend;

    use super::*;

    fn write(backend: DbBackend, sql: &str, values: &[&str]) -> Option<Write> {
        let values: Vec<Value> = values.iter().map(|value| (*value).into()).collect();
        read(&Statement::from_sql_and_values(backend, sql, values))
    }

    #[test]
    fn what_a_statement_changes_is_read_on_both_databases() {
        let text = |text: &str| Some(text.to_owned());
        for (backend, marks) in [(DbBackend::Sqlite, ["?", "?", "?"]), (DbBackend::Postgres, ["$1", "$2", "$3"])] {
            let [one, two, three] = marks;
            let sql =
                format!(r#"INSERT INTO "teams" ("id", "organization_id", "name") VALUES ({one}, {two}, {three})"#);
            let made = write(backend, &sql, &["team-1", "org-1", "ops"]).unwrap();
            assert_eq!(
                (made.verb, made.id, made.parent, made.name),
                ("create", text("team-1"), text("org-1"), text("ops"))
            );
            let sql = format!(r#"UPDATE "runs" SET "message" = {one}, "status" = {two} WHERE "runs"."id" = {three}"#);
            let moved = write(backend, &sql, &["why?", "applied", "run-1"]).unwrap();
            assert_eq!(
                (moved.table.as_str(), moved.id.clone(), moved.moved()),
                ("runs", text("run-1"), Some("applied"))
            );
            let sql = format!(r#"DELETE FROM "states" WHERE "states"."workspace_id" = {one}"#);
            let gone = write(backend, &sql, &["ws-1"]).unwrap();
            assert_eq!((gone.verb, gone.id, gone.parent), ("delete", None, text("ws-1")));
            assert!(write(backend, r#"SELECT "id" FROM "runs""#, &[]).is_none());
        }
    }
}
