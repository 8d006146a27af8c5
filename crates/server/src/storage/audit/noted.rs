//! [`Noted`]: what the statements of one transaction change.

use std::collections::HashMap;

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
    /// Rows that were changed, by table and id: nobody else changes them until the end, so they are not looked at again.
    known: HashMap<(String, String), Seen>,
}

/// What the log tells of a row beside its id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    name: Option<String>,
    parent: Option<String>,
    status: Option<String>,
}

/// What is known of a row after the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
enum After {
    /// All of it: it was made.
    Made(Seen),
    /// What was known before, and its status if the statement sets one.
    Same,
    /// Nothing.
    Unknown,
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
    /// Notes a statement that is about to be executed; says which table it changes, if it does. What it changes is looked at
    /// before it is gone.
    pub(in crate::storage) async fn note<C: ConnectionTrait>(
        &mut self,
        on: &C,
        statement: &Statement,
    ) -> Result<Option<String>, DbErr> {
        let Some((write, after)) = read(statement) else { return Ok(None) };
        let table = write.table.clone();
        self.add(on, write, after).await?;
        Ok(Some(table))
    }

    /// Notes that bytes were stored that belong to something.
    pub(in crate::storage) async fn note_bytes<C: ConnectionTrait>(
        &mut self,
        on: &C,
        table: &str,
        id: &str,
    ) -> Result<(), DbErr> {
        let write = Write { verb: "update", table: table.to_owned(), id: Some(id.to_owned()), ..Write::default() };
        self.add(on, write, After::Same).await
    }

    async fn add<C: ConnectionTrait>(&mut self, on: &C, mut write: Write, after: After) -> Result<(), DbErr> {
        if self.writes.len() >= MANY {
            self.more += 1;
            return Ok(());
        }
        if !kinds::is_book(&write.table) {
            match write.id.clone() {
                Some(id) => self.tell(on, &mut write, id, after).await?,
                // Nobody knows which rows.
                None => self.known.retain(|(table, _), _| *table != write.table),
            }
        }
        self.writes.push(write);
        Ok(())
    }

    /// Tells what the row was before, and remembers what it is after it.
    async fn tell<C: ConnectionTrait>(
        &mut self,
        on: &C,
        write: &mut Write,
        id: String,
        after: After,
    ) -> Result<(), DbErr> {
        let known = self.known.remove(&(write.table.clone(), id.clone()));
        if let After::Made(seen) = after {
            self.known.insert((write.table.clone(), id), seen);
            return Ok(());
        }
        let before = match known {
            None => look(on, &write.table, &id).await?,
            known => known,
        };
        let Some(mut seen) = before else { return Ok(()) };
        write.name.clone_from(&seen.name);
        write.parent = seen.parent.clone().or(write.parent.take());
        if let Some(before) = seen.status.clone() {
            let after = write.statuses.take().map_or_else(|| before.clone(), |(_, after)| after);
            seen.status = Some(after.clone());
            write.statuses = Some((before, after));
        }
        if after == After::Same {
            self.known.insert((write.table.clone(), id), seen);
        }
        Ok(())
    }
}

/// Reads name, status and owner of what is going to be changed.
async fn look<C: ConnectionTrait>(on: &C, table: &str, id: &str) -> Result<Option<Seen>, DbErr> {
    let Some(kind) = kinds::of_table(table) else { return Ok(None) };
    let columns = [kind.name, kind.parent, if kind.has_status { "status" } else { "" }];
    let wanted: Vec<_> = columns.into_iter().filter(|column| !column.is_empty()).collect();
    if wanted.is_empty() {
        return Ok(None);
    }
    let mut query = Query::select();
    query
        .columns(wanted.into_iter().map(Alias::new))
        .from(Alias::new(kind.table))
        .and_where(Expr::col(Alias::new("id")).eq(id));
    let Some(row) = on.query_one_raw(on.get_database_backend().build(&query)).await? else { return Ok(None) };
    let read = |column: &str| match column {
        "" => None,
        column => row.try_get::<Option<String>>("", column).ok().flatten(),
    };
    Ok(Some(Seen { name: read(kind.name), parent: read(kind.parent), status: read(columns[2]) }))
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
fn read(statement: &Statement) -> Option<(Write, After)> {
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
        let kind = kinds::of_table(&write.table);
        write.id = of("id");
        write.name = of(kind.map_or("name", |kind| kind.name));
        write.parent = OWNERS.iter().find_map(|column| of(column));
        write.statuses = of("status").map(|status| (String::new(), status));
        let after = match kind {
            // It may be there already.
            _ if sql.contains(" ON CONFLICT ") => After::Unknown,
            Some(kind) => {
                let status = of("status").filter(|_| kind.has_status);
                After::Made(Seen { name: write.name.clone(), parent: of(kind.parent), status })
            }
            None => After::Unknown,
        };
        return Some((write, after));
    }
    let (set, filter) = rest.split_once(" WHERE ").unwrap_or((rest, ""));
    let before = sql.len() - filter.len();
    let of = |name: &str, from: usize, part: &str| {
        let start = from + part.find(&format!("\"{name}\" = "))? + name.len() + 5;
        text(values.get(place(sql, start)?))
    };
    write.id = of("id", before, filter);
    write.parent = OWNERS.iter().find_map(|column| of(column, before, filter));
    if verb == "delete" {
        return Some((write, After::Unknown));
    }
    let status = of("status", sql.len() - rest.len(), set);
    write.statuses = status.map(|status| (String::new(), status));
    // Whether a row with more than its id in the filter is changed is not known.
    let is_sure = write.statuses.is_none() || !filter.contains(" AND ");
    let sets = |column: &str| !column.is_empty() && set.contains(&format!("\"{column}\" = "));
    let is_same = kinds::of_table(&write.table).is_some_and(|kind| !sets(kind.name) && !sets(kind.parent));
    let after = if is_sure && is_same { After::Same } else { After::Unknown };
    Some((write, after))
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
    use std::path::Path;

    use sea_orm::DbBackend;

    use super::*;
    use crate::storage::sqlite::Sqlite;

    fn write(backend: DbBackend, sql: &str, values: &[&str]) -> Option<Write> {
        let values: Vec<Value> = values.iter().map(|value| (*value).into()).collect();
        read(&Statement::from_sql_and_values(backend, sql, values)).map(|(write, _)| write)
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

    const MOVE: &str = r#"UPDATE "runs" SET "status" = ? WHERE "runs"."id" = ?"#;

    /// A run and no team, as far as the log tells of them.
    async fn database(folder: &Path) -> Sqlite {
        let database = Sqlite::open(&folder.join("db"), true).unwrap();
        let tables = "CREATE TABLE runs (id text, organization_id text, status text);
            CREATE TABLE teams (id text, organization_id text, name text);
            INSERT INTO runs VALUES ('run-1', 'org-1', 'pending');";
        database.execute_unprepared(tables).await.unwrap();
        database
    }

    impl Noted {
        /// Notes a statement and executes it, as a transaction does.
        async fn done(&mut self, on: &Sqlite, sql: &str, values: &[&str]) {
            let values: Vec<Value> = values.iter().map(|value| (*value).into()).collect();
            let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
            self.note(on, &statement).await.unwrap();
            on.execute_raw(statement).await.unwrap();
        }

        /// The statuses before and after the last change.
        fn last_move(&self) -> (&str, &str) {
            let (before, after) = self.writes.last().unwrap().statuses.as_ref().unwrap();
            (before, after)
        }
    }

    #[tokio::test]
    async fn a_row_is_looked_at_before_its_first_change_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (database, mut noted) = (database(folder.path()).await, Noted::default());
        noted.done(&database, MOVE, &["planning", "run-1"]).await;
        assert_eq!(noted.last_move(), ("pending", "planning"));
        // Nobody else can do so; a second look would show it.
        database.execute_unprepared("UPDATE runs SET organization_id = 'org-2', status = 'errored'").await.unwrap();
        noted.done(&database, MOVE, &["planned", "run-1"]).await;
        assert_eq!(noted.last_move(), ("planning", "planned"));
        noted.done(&database, r#"DELETE FROM "runs" WHERE "runs"."id" = ?"#, &["run-1"]).await;
        assert_eq!(noted.last_move(), ("planned", "planned"));
        assert!(noted.writes.iter().all(|write| write.parent.as_deref() == Some("org-1")), "{:?}", noted.writes);
    }

    #[tokio::test]
    async fn a_row_that_was_made_is_known_without_a_look() {
        let folder = tempfile::tempdir().unwrap();
        let (database, mut noted) = (database(folder.path()).await, Noted::default());
        let made = r#"INSERT INTO "teams" ("id", "organization_id", "name") VALUES (?, ?, ?)"#;
        noted.done(&database, made, &["team-1", "org-1", "ops"]).await;
        database.execute_unprepared("UPDATE teams SET name = 'changed unseen'").await.unwrap();
        noted.done(&database, r#"DELETE FROM "teams" WHERE "teams"."id" = ?"#, &["team-1"]).await;
        let gone = noted.writes.last().unwrap();
        assert_eq!((gone.verb, gone.name.as_deref(), gone.parent.as_deref()), ("delete", Some("ops"), Some("org-1")));
    }

    #[tokio::test]
    async fn a_row_is_looked_at_again_after_a_change_that_may_have_passed_it_by() {
        let folder = tempfile::tempdir().unwrap();
        let (database, mut noted) = (database(folder.path()).await, Noted::default());
        noted.done(&database, MOVE, &["planning", "run-1"]).await;
        let if_it_is = r#"UPDATE "runs" SET "status" = ? WHERE "runs"."id" = ? AND "runs"."status" = ?"#;
        noted.done(&database, if_it_is, &["applied", "run-1", "applying"]).await;
        noted.done(&database, MOVE, &["planned", "run-1"]).await;
        assert_eq!(noted.last_move(), ("planning", "planned"), "it was not applying");
        let of_all = r#"UPDATE "runs" SET "status" = ? WHERE "runs"."organization_id" = ?"#;
        noted.done(&database, of_all, &["canceled", "org-1"]).await;
        noted.done(&database, MOVE, &["errored", "run-1"]).await;
        assert_eq!(noted.last_move(), ("canceled", "errored"), "it was one of them");
    }
}
