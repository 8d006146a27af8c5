//! [`Book`]: makes rows of what a transaction has changed, and of what was refused.

use std::sync::{Arc, Mutex};

use domain::Problem;
use sea_orm::{ConnectionTrait, DbErr, sea_query};
use sea_query::{Alias, Expr, ExprTrait, Query};
use serde_json::{Map, Value, json};

use super::act::{Act, Told, Who};
use super::chain::{self, Model as Row, SERVER};
use super::kinds;
use super::noted::{Noted, Write};
use crate::ports::Ports;
use crate::storage::{Key, Stored, Tx};

/// Refusals that are written down in a second; the others of it are counted, so that who only knocks cannot fill the disk.
const REFUSALS: u32 = 20;

/// Writes the audit log.
#[derive(Clone)]
pub struct Book {
    key: Key,
    ports: Ports,
    refusals: Arc<Mutex<Refusals>>,
}

/// What a command has done.
pub struct Done {
    /// The action (`keys.rotate`).
    pub action: String,
    /// What it was done to.
    pub object: String,
    /// What else is to be known.
    pub details: Map<String, Value>,
}

#[derive(Default)]
struct Refusals {
    second: i64,
    written: u32,
    left_out: u32,
}

impl Book {
    /// One whose digests are of this key.
    pub fn new(key: Key, ports: Ports) -> Self {
        Self { key, ports, refusals: Arc::default() }
    }

    /// Adds the row of what a transaction has changed, as its last statement.
    pub(in crate::storage) async fn changed<C: ConnectionTrait>(&self, on: &C, noted: &Noted) -> Result<(), DbErr> {
        let told = Act::present().map(|act| act.told());
        let reads = told.as_ref().is_some_and(|told| told.reads);
        let counts = |write: &&Write| {
            // A reader who is waited for is noted where it asks; nobody's things change by that.
            let is_touch = reads && write.verb == "update" && write.moved().is_none();
            !kinds::is_book(&write.table) && !is_touch
        };
        let writes: Vec<_> = noted.writes.iter().filter(counts).collect();
        let Some(main) = principal(&writes, told.as_ref()) else { return Ok(()) };
        let organization = match told.as_ref().and_then(|told| told.organization.clone()) {
            Some(organization) => Some(organization),
            None => self.organization(on, main, &writes, told.as_ref()).await?,
        };
        let mut details = Map::new();
        details.insert("changes".into(), writes.iter().map(|write| shown(write)).collect());
        if noted.more > 0 {
            details.insert("more".into(), json!(noted.more));
        }
        let object = match told.as_ref().filter(|told| main.id.is_none() && !told.target.is_empty()) {
            // What was added to something, or taken from it, has no id of its own.
            Some(told) => (told.word().to_owned(), Some(told.target.clone()), name_of(on, &told.target).await?),
            None => (kinds::word(&main.table), main.id.clone(), main.name.clone()),
        };
        let action = match &told {
            Some(told) if !told.reads => told.action.clone(),
            _ => format!("{}.{}", object.0, main.moved().unwrap_or(main.verb)),
        };
        self.add(on, organization, told.as_ref(), action, object, "done", details).await
    }

    /// Adds the row of a request that was refused with `status`; none when too many were in this second.
    pub(in crate::storage) async fn refused<C: ConnectionTrait>(
        &self,
        on: &C,
        act: &Act,
        status: u16,
    ) -> Result<(), DbErr> {
        let told = act.told();
        let mut details = Map::new();
        details.insert("status".into(), json!(status));
        let Some(left_out) = self.has_room() else { return Ok(()) };
        if left_out > 0 {
            details.insert("refusals-left-out".into(), json!(left_out));
        }
        let refused = told.last.clone().filter(|question| !question.allowed);
        let organization = refused.as_ref().and_then(|question| question.organization.clone());
        if let Some(question) = refused {
            details.insert("needs".into(), json!(question.action));
        }
        let word = told.word().to_owned();
        let target = Some(told.target.clone()).filter(|target| !target.is_empty());
        let organization = match organization {
            None => told.organization.clone(),
            organization => organization,
        };
        self.add(on, organization, Some(&told), told.action.clone(), (word, target, None), "denied", details).await
    }

    /// Adds the row of what a command has done at the machine itself, beside every request; in the transaction of what it changes.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn by_command(&self, tx: &Tx, command: &str, done: Done) -> Result<(), Problem> {
        let mut told = Told::of(Who { name: Some(command.to_owned()), ..Who::new("command", "") });
        told.action.clone_from(&done.action);
        let object = (told.word().to_owned(), Some(done.object), None);
        self.add(tx.db(), None, Some(&told), done.action, object, "done", done.details).await.stored()
    }

    /// How many refusals were left out since the last that was written; `None` when this one is left out too.
    fn has_room(&self) -> Option<u32> {
        let second = self.ports.now().timestamp();
        let mut all = self.refusals.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if all.second != second {
            (all.second, all.written) = (second, 0);
        }
        if all.written >= REFUSALS {
            all.left_out += 1;
            return None;
        }
        all.written += 1;
        Some(std::mem::take(&mut all.left_out))
    }

    #[allow(clippy::too_many_arguments, reason = "each is a part of the row, and it is called in this file alone")]
    async fn add<C: ConnectionTrait>(
        &self,
        on: &C,
        organization: Option<String>,
        told: Option<&Told>,
        action: String,
        (object_kind, object_id, object_name): (String, Option<String>, Option<String>),
        result: &str,
        mut details: Map<String, Value>,
    ) -> Result<(), DbErr> {
        if let Some(body) = told.and_then(|told| told.body.as_ref()) {
            let digest = self.key.sign(&format!("audit-request:{}", hex::encode(body)));
            details.insert("request-digest".into(), json!(digest));
        }
        let server = Who { name: Some("multispace".into()), ..Who::new("server", "") };
        let who = told.map_or(server, |told| told.who.clone());
        let actor_name = match who.name {
            Some(name) => name,
            None => name_of(on, &who.id).await?.unwrap_or_default(),
        };
        let request_id = told.map(|told| told.request.clone()).filter(|request| !request.is_empty());
        let row = Row {
            chain: organization.unwrap_or_else(|| SERVER.to_owned()),
            number: 0,
            at: self.ports.now(),
            actor_kind: who.kind.to_owned(),
            actor_id: who.id,
            actor_name,
            token_id: who.token,
            request_id,
            action,
            object_kind,
            object_id: object_id.unwrap_or_default(),
            object_name,
            result: result.to_owned(),
            details: Value::from(details).to_string(),
            previous: String::new(),
            digest: String::new(),
        };
        let begun = Row {
            chain: SERVER.to_owned(),
            action: "audit.begin".into(),
            object_kind: "organizations".into(),
            object_id: row.chain.clone(),
            object_name: None,
            details: "{}".into(),
            ..row.clone()
        };
        let is_first = chain::append(on, &self.key, row).await?;
        if is_first && begun.object_id != SERVER {
            chain::append(on, &self.key, begun).await?;
        }
        Ok(())
    }

    /// The organization that a change is in.
    async fn organization<C: ConnectionTrait>(
        &self,
        on: &C,
        main: &Write,
        all: &[&Write],
        told: Option<&Told>,
    ) -> Result<Option<String>, DbErr> {
        if main.table == "organizations" {
            return Ok(main.id.clone());
        }
        let parents = std::iter::once(&main).chain(all).filter_map(|write| write.parent.as_ref());
        for id in parents.chain(told.map(|told| &told.who.id)) {
            if let Some(organization) = above(on, id).await? {
                return Ok(Some(organization));
            }
        }
        Ok(None)
    }
}

/// The change that the others come with.
fn principal<'a>(writes: &[&'a Write], told: Option<&Told>) -> Option<&'a Write> {
    let told = told.filter(|told| !told.reads);
    let word = told.map(Told::word);
    let is_target = |write: &&Write| told.is_some_and(|told| write.id.as_ref() == Some(&told.target));
    let is_named = |write: &&Write| word.is_some_and(|word| kinds::word(&write.table) == word) && write.id.is_some();
    let moves = |write: &&Write| write.table == "runs" && write.verb == "update" && write.moved().is_some();
    let all = || writes.iter().copied();
    let found = all()
        .find(is_target)
        .or_else(|| all().find(is_named))
        .or_else(|| all().find(moves))
        .or_else(|| all().find(|write| write.verb == "create" && write.id.is_some()))
        .or_else(|| all().find(|write| write.id.is_some()));
    found.or_else(|| all().next())
}

fn shown(write: &Write) -> Value {
    let mut all = json!({ "verb": write.verb, "type": kinds::word(&write.table) });
    let optional = [("id", &write.id), ("name", &write.name), ("of", &write.parent)];
    for (name, value) in optional {
        if let Some(value) = value {
            all[name] = json!(value);
        }
    }
    if let Some(after) = write.moved() {
        let before = write.statuses.as_ref().map_or("", |(before, _)| before);
        all["status"] = json!([before, after]);
    }
    all
}

/// The organization that something is in, by its id.
async fn above<C: ConnectionTrait>(on: &C, id: &str) -> Result<Option<String>, DbErr> {
    let mut id = id.to_owned();
    // An output is a state's, which is a workspace's, which is an organization's; nothing lies deeper.
    for _ in 0..4 {
        if id.starts_with("org-") {
            return Ok(Some(id));
        }
        let Some(kind) = kinds::of_id(&id).filter(|kind| !kind.parent.is_empty()) else { return Ok(None) };
        match column(on, kind.table, kind.parent, &id).await? {
            Some(parent) => id = parent,
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// What something is called, by its id.
async fn name_of<C: ConnectionTrait>(on: &C, id: &str) -> Result<Option<String>, DbErr> {
    match kinds::of_id(id).filter(|kind| !kind.name.is_empty()) {
        Some(kind) => column(on, kind.table, kind.name, id).await,
        None => Ok(None),
    }
}

async fn column<C: ConnectionTrait>(
    on: &C,
    table: &'static str,
    name: &'static str,
    id: &str,
) -> Result<Option<String>, DbErr> {
    let mut query = Query::select();
    query.column(Alias::new(name)).from(Alias::new(table)).and_where(Expr::col(Alias::new("id")).eq(id));
    let row = on.query_one_raw(on.get_database_backend().build(&query)).await?;
    Ok(row.and_then(|row| row.try_get::<Option<String>>("", name).ok().flatten()))
}
