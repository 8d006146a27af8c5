//! The tables of the audit log, and how its rows hang together.

use chrono::{DateTime, Utc};
use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect};
use serde::Serialize;

use crate::storage::{Key, Stored, Tx};

/// The chain of what is no organization's.
pub const SERVER: &str = "server";

/// One row. It is never changed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "audit_rows")]
pub struct Model {
    /// Its chain: id of an organization, or [`SERVER`].
    #[sea_orm(primary_key, auto_increment = false)]
    pub chain: String,
    /// Its place in the chain, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// When.
    pub at: DateTimeUtc,
    /// What kind of actor.
    pub actor_kind: String,
    /// Id of the actor.
    pub actor_id: String,
    /// What the actor was called then.
    pub actor_name: String,
    /// Id of the token that came along.
    pub token_id: Option<String>,
    /// Id of the request; none when the server did it by itself.
    pub request_id: Option<String>,
    /// What was done (`workspaces.update`).
    pub action: String,
    /// What kind of thing it was done to (`workspaces`).
    pub object_kind: String,
    /// Its id, or the name that was asked for.
    pub object_id: String,
    /// What it was called then.
    pub object_name: Option<String>,
    /// `done` or `denied`.
    pub result: String,
    /// What else is known, as JSON: every change, the keyed digest of the request.
    pub details: String,
    /// Digest of the row before; empty for the first.
    pub previous: String,
    /// Digest of this row.
    pub digest: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What the digest covers: every column but itself, and the order of the columns.
    fn covered(&self) -> String {
        let text = serde_json::to_string(&Self { digest: String::new(), at: whole(self.at), ..self.clone() });
        format!("audit-row:{}", text.unwrap_or_default())
    }

    /// Puts the row at the end of a chain.
    pub(super) fn follow(&mut self, key: &Key, last: &Head) {
        self.number = last.length + 1;
        self.previous.clone_from(&last.digest);
        self.digest = key.sign(&self.covered());
    }

    /// Its id, in the shape of a UUID: a part of its digest.
    pub fn id(&self) -> String {
        let text: String = self.digest.chars().chain(std::iter::repeat('0')).take(32).collect();
        [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
    }
}

/// In whole microseconds, which both databases keep.
fn whole(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

mod ends {
    use sea_orm::entity::prelude::*;

    /// Where a chain ends.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_chains")]
    pub struct Model {
        /// Its chain.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// How many rows it has.
        pub length: i64,
        /// Digest of the last.
        pub digest: String,
        /// Signature of all that.
        pub seal: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub use ends::Model as Head;

fn sealed(head: &Head) -> String {
    format!("audit-chain:{}:{}:{}", head.id, head.length, head.digest)
}

/// Adds a row to the end of its chain; says whether it is the first. The chain's end is locked from here to the end of the transaction, and nothing
/// else is locked after it but, for a first row, the server's: so no two transactions wait for each other.
pub(super) async fn append<C: ConnectionTrait>(on: &C, key: &Key, mut row: Model) -> Result<bool, DbErr> {
    let find = || ends::Entity::find_by_id(&row.chain).lock_exclusive();
    let mut head = match find().one(on).await? {
        Some(head) => head,
        None => {
            let first = Head { id: row.chain.clone(), length: 0, digest: String::new(), seal: String::new() };
            let unless_there = OnConflict::column(ends::Column::Id).do_nothing().to_owned();
            let insert = ends::Entity::insert(first.clone().into_active_model()).on_conflict(unless_there);
            insert.exec_without_returning(on).await?;
            find().one(on).await?.unwrap_or(first)
        }
    };
    row.follow(key, &head);
    head.length = row.number;
    head.digest.clone_from(&row.digest);
    head.seal = key.sign(&sealed(&head));
    Entity::insert(row.into_active_model()).exec_without_returning(on).await?;
    let is_first = head.length == 1;
    ends::Entity::update(head.into_active_model().reset_all()).exec(on).await?;
    Ok(is_first)
}

/// Where every chain ends.
pub async fn heads(tx: &Tx) -> Result<Vec<Head>, Problem> {
    ends::Entity::find().order_by_asc(ends::Column::Id).all(tx.db()).await.stored()
}

/// What a look at a whole chain came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The chain.
    pub chain: String,
    /// How many rows were looked at.
    pub rows: i64,
    /// The first row that is not as it was written, if there is one.
    pub broken: Option<Broken>,
}

/// A row that is not as it was written, or not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Its place in the chain.
    pub number: i64,
    /// Its time, if it is there.
    pub at: Option<DateTime<Utc>>,
    /// What is wrong with it, in a sentence.
    pub why: String,
}

/// Rows that are read at a time.
const AT_A_TIME: u64 = 1000;

/// Looks at every row of a chain, from the first, until one is not as it was written.
///
/// # Errors
/// `storage/unavailable`.
pub async fn check(tx: &Tx, key: &Key, chain: &str) -> Result<Checked, Problem> {
    let (mut number, mut previous, mut known) = (0, String::new(), 0);
    let found = 'all: loop {
        let after = Entity::find().filter(Column::Chain.eq(chain)).filter(Column::Number.gt(number));
        let rows = after.order_by_asc(Column::Number).limit(AT_A_TIME).all(tx.db()).await.stored()?;
        for row in &rows {
            let why = match row {
                row if row.number != number + 1 => Some("The row is missing."),
                row if row.previous != previous => Some("The row does not follow the one before it."),
                row if !key.is_signed(&row.covered(), &row.digest) => {
                    Some("The row was changed, or not written by this server.")
                }
                _ => None,
            };
            if let Some(why) = why {
                let at = (row.number == number + 1).then_some(row.at);
                break 'all Some(Broken { number: number + 1, at, why: why.to_owned() });
            }
            number = row.number;
            previous.clone_from(&row.digest);
        }
        if !rows.is_empty() {
            continue;
        }
        // A row and the end that follows from it are committed together, so the end that is read now is no earlier than the rows.
        let head = ends::Entity::find_by_id(chain).one(tx.db()).await.stored()?;
        match &head {
            // Rows were added since: they are looked at too.
            Some(head) if head.length > number && head.length > known => known = head.length,
            head => break wrong_end(key, head.as_ref(), number, &previous),
        }
    };
    Ok(Checked { chain: chain.to_owned(), rows: number, broken: found })
}

/// What is wrong with the end of a chain of so many rows.
fn wrong_end(key: &Key, head: Option<&Head>, number: i64, last: &str) -> Option<Broken> {
    let broken = |number, why: &str| Some(Broken { number, at: None, why: why.to_owned() });
    match head {
        None if number > 0 => broken(number + 1, "The end of the log is missing."),
        None => None,
        Some(head) if !key.is_signed(&sealed(head), &head.seal) => {
            broken(number + 1, "The end of the log was changed, or not written by this server.")
        }
        Some(head) if head.length > number => broken(number + 1, "The row is missing."),
        Some(head) if head.length < number => broken(head.length + 1, "The row was added behind the end of the log."),
        Some(head) if head.digest != last => broken(number, "The last row is not the one that was written."),
        Some(_) => None,
    }
}
