//! [`Kind`]: a resource that is a plain document of the API, as a table of its attributes.
//!
//! Creating sends what is known, updating sends what changed and an explicit null for what was taken away, reading takes
//! over what the server says. A text or list that the server calls empty and the configuration leaves out is no drift.

use async_trait::async_trait;
use client::{Client, Item, body, encoded};
use domain::{Fault, Problem};
use serde_json::{Map as JsonMap, Value as Json, json};
use wire::Document;

use crate::protocol::diagnostics::{error, of_problem};
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::{Attribute, Block, Mode, id};
use crate::protocol::value::{Map, Value};
use crate::provider::{Change, Context, Plan, Resource};

/// How often and how long apart a create is tried that the server locks.
const LOCKED_TRIES: u32 = 60;
const LOCKED_WAIT: std::time::Duration = std::time::Duration::from_secs(1);

/// An attribute of a table.
pub(super) struct Field {
    attribute: Attribute,
    /// Its name in the API; `None` when it does not travel as an attribute.
    api: Option<&'static str>,
    /// Whether it is sent, or only read.
    is_sent: bool,
}

impl Attribute {
    /// Sent and read under this name of the API.
    pub(super) fn sent_as(self, api: &'static str) -> Field {
        let is_sent = self.mode != Mode::Computed;
        Field { attribute: self, api: Some(api), is_sent }
    }

    /// Not an attribute in the API: part of a path, a relationship, or for the provider alone.
    pub(super) fn aside(self) -> Field {
        Field { attribute: self, api: None, is_sent: false }
    }
}

/// How `terraform import` names a resource.
#[derive(Clone, Copy)]
pub(super) enum Import {
    /// Not at all.
    No,
    /// By its id.
    ById,
    /// By the names of these attributes, parted by slashes; the last is the id where it is named so.
    By(&'static [&'static str]),
    /// By the organization, the workspace and its id.
    Last,
    /// By the organization, the workspace's name or the variable set's id, and its id.
    Variable,
}

/// A resource as a table.
pub(super) struct Kind {
    /// Its name in configurations.
    pub(super) name: &'static str,
    /// Its `type` in the API.
    pub(super) kind: &'static str,
    /// Version of the schema.
    pub(super) version: i64,
    /// Its attributes but for the id.
    pub(super) fields: fn() -> Vec<Field>,
    /// Nested blocks, added to the attributes.
    pub(super) blocks: fn(Block) -> Block,
    /// Where it is made.
    pub(super) collection: fn(&Context, &Map) -> Result<String, Problem>,
    /// Where it is read, changed and deleted.
    pub(super) item: fn(&Map) -> String,
    /// What it points to when it is made.
    pub(super) relationships: fn(&Map) -> JsonMap<String, Json>,
    /// Attributes of a request that are no plain copies. Gets what is planned and what is configured.
    pub(super) more: fn(&Map, &Map, &mut JsonMap<String, Json>),
    /// What a read takes from relationships and links.
    pub(super) take: fn(&Item, &mut Map),
    /// What must not be there yet, where making one would silently replace another.
    pub(super) must_be_absent: fn(&Map) -> Option<String>,
    /// How it is imported.
    pub(super) import: Import,
}

impl Kind {
    /// The usual answers, to be completed.
    pub(super) const fn new(name: &'static str, kind: &'static str, fields: fn() -> Vec<Field>) -> Self {
        Self {
            name,
            kind,
            version: 0,
            fields,
            blocks: |block| block,
            collection: |_, _| Err(Problem::invalid("provider/read-only", "this resource cannot be created")),
            item: |_| String::new(),
            relationships: |_| JsonMap::new(),
            more: |_, _, _| {},
            take: |_, _| {},
            must_be_absent: |_| None,
            import: Import::ById,
        }
    }

    /// Makes it and answers the state.
    pub(super) async fn make(&self, context: &Context, change: &Change) -> Result<Map, Diagnostic> {
        let failed = |problem: Problem| of_problem(&format!("error creating {}", self.name), &problem);
        let client = context.client().map_err(failed)?;
        let mut planned = change.planned.clone();
        fill_organization(context, &mut planned).map_err(failed)?;
        let mut attributes = JsonMap::new();
        for field in (self.fields)().into_iter().filter(|field| field.is_sent) {
            let value = planned.get(field.attribute.name).unwrap_or(&Value::Null);
            if let (Some(api), false) = (field.api, value.is_null() || value.is_unknown()) {
                attributes.insert(api.to_owned(), value.to_json());
            }
        }
        (self.more)(&planned, &change.config, &mut attributes);
        let path = (self.collection)(context, &planned).map_err(failed)?;
        let request = body(self.kind, attributes, (self.relationships)(&planned));
        if let Some(path) = (self.must_be_absent)(&planned) {
            match client.get::<Json>(&path).await {
                Err(problem) if problem.fault == Fault::NotFound => {}
                Err(problem) => return Err(failed(problem)),
                Ok(_) => {
                    return Err(error(
                        format!("error creating {}: there is one already", self.name),
                        "Import it, or set force_regenerate = true to replace it.",
                    ));
                }
            }
        }
        let made = self.send(&client, &path, &request).await.map_err(failed)?;
        Ok(self.taken(&made.data, planned))
    }

    /// Reads it; `None` when it is gone.
    pub(super) async fn look(&self, client: &Client, state: Map) -> Result<Option<Map>, Diagnostic> {
        match client.get::<Document<Item>>(&(self.item)(&state)).await {
            Ok(found) => Ok(Some(self.taken(&found.data, state))),
            Err(problem) if problem.fault == Fault::NotFound => Ok(None),
            Err(problem) => Err(of_problem(&format!("error reading {}", self.name), &problem)),
        }
    }

    /// Sends what changed and answers the state.
    pub(super) async fn alter(&self, context: &Context, change: &Change) -> Result<Map, Diagnostic> {
        let failed = |problem: Problem| of_problem(&format!("error updating {}", self.name), &problem);
        let client = context.client().map_err(failed)?;
        let prior = change.prior.clone().unwrap_or_default();
        let mut attributes = JsonMap::new();
        for field in (self.fields)().into_iter().filter(|field| field.is_sent) {
            let (before, after) = (prior.get(field.attribute.name), change.planned.get(field.attribute.name));
            if let (Some(api), Some(after)) = (field.api, after)
                && before != Some(after)
                && !after.is_unknown()
            {
                attributes.insert(api.to_owned(), after.to_json());
            }
        }
        (self.more)(&change.planned, &change.config, &mut attributes);
        let mut planned = change.planned.clone();
        planned.insert("id".into(), prior.get("id").cloned().unwrap_or_default());
        let request = body(self.kind, attributes, JsonMap::new());
        let altered: Document<Item> = client.patch(&(self.item)(&prior), &request).await.map_err(failed)?;
        Ok(self.taken(&altered.data, planned))
    }

    /// Deletes it.
    pub(super) async fn remove(&self, context: &Context, change: &Change) -> Result<(), Diagnostic> {
        let failed = |problem: Problem| of_problem(&format!("error deleting {}", self.name), &problem);
        let prior = change.prior.clone().unwrap_or_default();
        context.client().map_err(failed)?.delete(&(self.item)(&prior), None).await.map_err(failed)
    }

    /// The parts of what stands behind `terraform import`.
    fn parts<'a>(&self, id: &'a str, names: &[&str]) -> Result<Vec<&'a str>, Diagnostic> {
        let parts: Vec<_> = id.split('/').collect();
        if parts.len() == names.len() {
            return Ok(parts);
        }
        let detail = format!("Write it as {}.", names.join("/"));
        Err(error(format!("\"{}\" does not name a {}", id.escape_debug(), self.name), detail))
    }

    /// Sends a create. A server that makes one of these at a time says so, and is asked again for a minute.
    async fn send(&self, client: &Client, path: &str, request: &Json) -> Result<Document<Item>, Problem> {
        for attempt in 1.. {
            match client.post(path, request).await {
                Err(problem) if problem.message.contains("creation locked") && attempt < LOCKED_TRIES => {
                    client.pause(LOCKED_WAIT).await?;
                }
                answer => return answer,
            }
        }
        unreachable!("the last attempt is never followed by another")
    }

    /// The state with what the server says.
    pub(super) fn taken(&self, item: &Item, mut state: Map) -> Map {
        for field in (self.fields)() {
            let Some(said) = field.api.and_then(|api| item.attributes.get(api)) else { continue };
            let here = state.get(field.attribute.name).cloned().unwrap_or_default();
            state.insert(field.attribute.name.to_owned(), merged(&field.attribute, said, here));
        }
        if !item.id.is_empty() {
            state.insert("id".into(), item.id.as_str().into());
        }
        (self.take)(item, &mut state);
        state
    }
}

fn merged(attribute: &Attribute, said: &Json, here: Value) -> Value {
    let is_hidden = attribute.sensitive && said.is_null();
    let says_nothing = match said {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(list) => list.is_empty(),
        Json::Object(members) => members.is_empty(),
        Json::Bool(value) => !value,
        Json::Number(_) => false,
    };
    let is_empty_too = matches!(&here, Value::Text(text) if text.is_empty());
    if (is_hidden && !here.is_unknown())
        || (says_nothing && here.is_null() && attribute.mode == Mode::Optional)
        || (said.is_null() && is_empty_too)
    {
        return here;
    }
    if said.is_null() { attribute.default.clone() } else { Value::from(said) }
}

fn fill_organization(context: &Context, planned: &mut Map) -> Result<(), Problem> {
    if planned.get("organization").is_some_and(|value| value.is_unknown() || value.is_null()) {
        planned.insert("organization".into(), context.organization(None)?.into());
    }
    Ok(())
}

/// `organizations/O/…`, with the organization of the resource or the provider.
pub(super) fn in_organization(context: &Context, state: &Map, rest: &str) -> Result<String, Problem> {
    Ok(format!(
        "organizations/{}/{rest}",
        encoded(&context.organization(state.get("organization").and_then(Value::as_text))?)
    ))
}

/// A text of a state; empty when it is not there.
pub(super) fn text_of<'a>(state: &'a Map, name: &str) -> &'a str {
    state.get(name).and_then(Value::as_text).unwrap_or_default()
}

/// `KIND/ID` of a state.
pub(super) fn by_id(kind: &str, state: &Map) -> String {
    format!("{kind}/{}", encoded(text_of(state, "id")))
}

/// A relationship to one, for [`Kind::relationships`].
pub(super) fn to_one(kind: &str, id: &str) -> Json {
    json!({ "data": { "type": kind, "id": id } })
}

#[async_trait]
impl Resource for Kind {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn block(&self) -> Block {
        let attributes = (self.fields)().into_iter().map(|field| field.attribute);
        (self.blocks)(Block::of(std::iter::once(id()).chain(attributes)))
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) {
        let is_left_out = plan.config.get("organization").is_some_and(Value::is_null);
        if let (Some(state), true) = (&mut plan.state, is_left_out) {
            // Without an organization anywhere the create says so.
            let _ = fill_organization(context, state);
        }
    }

    async fn create(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        change.state = Some(self.make(context, change).await?);
        Ok(())
    }

    async fn read(&self, context: &Context, state: Map, _private: &mut Vec<u8>) -> Result<Option<Map>, Diagnostic> {
        let client =
            context.client().map_err(|problem| of_problem(&format!("error reading {}", self.name), &problem))?;
        self.look(&client, state).await
    }

    async fn update(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        change.state = Some(self.alter(context, change).await?);
        Ok(())
    }

    async fn delete(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        self.remove(context, change).await
    }

    async fn import(&self, context: &Context, id: &str) -> Result<Map, Diagnostic> {
        match self.import {
            Import::No => Err(error(format!("resource {} does not support import", self.name), "")),
            Import::ById => Ok(Map::from([("id".to_owned(), id.into())])),
            Import::By(names) => {
                let parts = self.parts(id, names)?;
                Ok(names.iter().zip(parts).map(|(name, part)| ((*name).to_owned(), part.into())).collect())
            }
            Import::Last => {
                let parts = self.parts(id, &["organization", "workspace", "id"])?;
                Ok(Map::from([("id".to_owned(), parts[2].into())]))
            }
            Import::Variable => {
                let parts = self.parts(id, &["organization", "workspace or variable set", "id"])?;
                let id = ("id".to_owned(), parts[2].into());
                if parts[1].starts_with("varset-") {
                    return Ok(Map::from([id, ("variable_set_id".to_owned(), parts[1].into())]));
                }
                let failed = |problem: Problem| of_problem(&format!("error importing {}", self.name), &problem);
                let client = context.client().map_err(failed)?;
                let workspace = client::workspaces::find(&client, parts[0], parts[1]).await.map_err(failed)?;
                Ok(Map::from([id, ("workspace_id".to_owned(), workspace.id.into())]))
            }
        }
    }
}
