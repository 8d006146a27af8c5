//! [`Kind`]: a resource that is a plain document of the API, as a table of its attributes.
//!
//! Creating sends what is known, updating sends what changed and an explicit null for what was taken away, reading takes
//! over what the server says. A text or list that the server calls empty and the configuration leaves out is no drift.

use async_trait::async_trait;
use client::{Client, Item, body, encoded};
use domain::{Fault, Problem};
use serde_json::{Map as JsonMap, Value as Json, json};
use wire::Document;

use crate::protocol::diagnostics::{At, at, error, of_problem, warning};
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::{Attribute, Block, Mode, id};
use crate::protocol::value::{Map, Value};
use crate::provider::{Change, Context, Plan, Resource};

/// How often and how long apart a create is tried that the server locks.
const LOCKED_TRIES: u32 = 60;
const LOCKED_WAIT: std::time::Duration = std::time::Duration::from_secs(1);
/// How often what a lost create made is looked for.
const LOST_TRIES: u32 = 5;

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
    /// By its id.
    ById,
    /// By the names of these attributes, parted by slashes; the last is the id where it is named so.
    By(&'static [&'static str]),
    /// By the organization, the workspace and its id.
    Last,
    /// By the organization, and the team's name or id.
    Team,
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
    /// Where to look, and for what, when the answer to a create was lost: something that there can be only once.
    pub(super) twin: fn(&Context, &Map) -> Option<Twin>,
    /// Refines the plan that the schema gives: gets the configuration and what is planned.
    pub(super) plan: fn(&Map, &mut Map),
    /// What is wrong with a configuration, besides what the schema says.
    pub(super) check: fn(&Map, &mut Vec<Diagnostic>),
    /// Brings a state of the original provider into the shape of this one.
    pub(super) upgrade: fn(Map) -> Map,
    /// How it is imported.
    pub(super) import: Import,
}

/// A collection, and which of its items is meant.
pub(super) type Twin = (String, fn(&Item, &Map) -> bool);

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
            twin: |_, _| None,
            plan: |_, _| {},
            check: |_, _| {},
            upgrade: |state| state,
            import: Import::ById,
        }
    }

    /// Makes it and answers the state.
    pub(super) async fn make(&self, context: &Context, change: &mut Change) -> Result<Map, Diagnostic> {
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
        let path = self.place(context, &planned).map_err(failed)?;
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
        let made = match self.send(&client, &path, &request).await {
            Err(problem) if problem.fault == Fault::Unavailable => {
                self.found_again(context, &client, &planned, &request, problem).await.map_err(failed)?
            }
            answer => answer.map_err(failed)?.data,
        };
        self.tell_ignored(&made, &change.config, &mut change.told);
        Ok(self.taken(&made, planned))
    }

    /// What a create made whose answer was lost: found where it must be, if it is there only once. Otherwise it is said
    /// to be lost, because a second one would be worse.
    async fn found_again(
        &self,
        context: &Context,
        client: &Client,
        planned: &Map,
        request: &Json,
        lost: Problem,
    ) -> Result<Item, Problem> {
        let Some((collection, is_meant)) = (self.twin)(context, planned) else { return Err(lost) };
        let sent = request["data"]["attributes"].as_object().cloned().unwrap_or_default();
        for _ in 0..LOST_TRIES {
            let there: Vec<Item> = match client.list(&collection).await {
                Err(problem) if problem.fault == Fault::NotFound => return Err(lost),
                answer => answer?,
            };
            if let Some(item) = there.into_iter().find(|item| is_meant(item, planned)) {
                // Whatever is there under this name and says something else was there before.
                let is_ours = sent.iter().all(|(name, sent)| {
                    item.attributes.get(name).is_none_or(|said| said == sent || said.is_null() || sent.is_null())
                });
                return if is_ours { Ok(item) } else { Err(lost) };
            }
            match client.post::<Document<Item>>(&self.place(context, planned)?, request).await {
                Err(problem) if problem.fault == Fault::Unavailable => client.pause(LOCKED_WAIT).await?,
                answer => return Ok(answer?.data),
            }
        }
        Err(lost)
    }

    fn place(&self, context: &Context, planned: &Map) -> Result<String, Problem> {
        (self.collection)(context, planned)
    }

    /// Says which arguments the server did not take: they were sent, and the answer does not know them.
    fn tell_ignored(&self, answer: &Item, config: &Map, told: &mut Vec<Diagnostic>) {
        for field in (self.fields)().into_iter().filter(|field| field.is_sent && !field.attribute.sensitive) {
            let (name, said) = (field.attribute.name, config.get(field.attribute.name).unwrap_or(&Value::Null));
            let is_said = !said.is_null() && *said != field.attribute.default;
            if let (true, Some(api)) = (is_said, field.api)
                && !answer.attributes.contains_key(api)
            {
                let summary = format!("The server does not know {name} of {}", self.name);
                let detail = format!("It was sent as {api}, and the answer says nothing of it: it has no effect.");
                told.push(at(warning(summary, detail), &[At::Name(name)]));
            }
        }
    }

    /// Reads it; `None` when it is gone.
    pub(super) async fn look(&self, client: &Client, state: Map) -> Result<Option<Map>, Diagnostic> {
        match client.get::<Document<Item>>(&(self.item)(&state)).await {
            Ok(found) => Ok(Some(self.with_defaults(self.taken(&found.data, state)))),
            Err(problem) if problem.fault == Fault::NotFound => Ok(None),
            Err(problem) => Err(of_problem(&format!("error reading {}", self.name), &problem)),
        }
    }

    /// What an import cannot read, because only the provider knows it, is as if nobody had said anything.
    fn with_defaults(&self, mut state: Map) -> Map {
        for field in
            (self.fields)().into_iter().filter(|field| field.api.is_none() && !field.attribute.default.is_null())
        {
            let here = state.entry(field.attribute.name.to_owned()).or_default();
            if here.is_null() {
                *here = field.attribute.default;
            }
        }
        state
    }

    /// Sends what changed and answers the state.
    pub(super) async fn alter(&self, context: &Context, change: &mut Change) -> Result<Map, Diagnostic> {
        let failed = |problem: Problem| of_problem(&format!("error updating {}", self.name), &problem);
        let client = context.client().map_err(failed)?;
        let prior = change.prior.clone().unwrap_or_default();
        let mut attributes = JsonMap::new();
        for field in (self.fields)().into_iter().filter(|field| field.is_sent && !field.attribute.replaces) {
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
        // What it points to is sent again where that is a plain list of its own, such as tags.
        let mut relations = (self.relationships)(&planned);
        relations.retain(|name, _| name == "tag-bindings" && prior.get("tags") != change.planned.get("tags"));
        let request = body(self.kind, attributes, relations);
        let altered: Document<Item> = client.patch(&(self.item)(&prior), &request).await.map_err(failed)?;
        self.tell_ignored(&altered.data, &change.config, &mut change.told);
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

/// The members of the one nested block of this name, if it is there.
pub(super) fn inner<'a>(state: &'a Map, name: &str) -> Option<&'a Map> {
    state.get(name)?.as_list()?.first()?.as_map()
}

/// Says when not exactly one of two arguments is there, or, where `may_lack`, when both are.
pub(super) fn one_of(config: &Map, names: [&'static str; 2], may_lack: bool, told: &mut Vec<Diagnostic>) {
    let is_said = |name: &str| match config.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::List(list)) => !list.is_empty(),
        Some(_) => true,
    };
    let detail = format!("{} and {} exclude each other.", names[0], names[1]);
    match names.map(is_said) {
        [true, true] => told.push(at(error("Conflicting arguments", detail), &[At::Name(names[1])])),
        [false, false] if !may_lack => {
            let detail = format!("One of {} and {} must be given.", names[0], names[1]);
            told.push(at(error("Missing required argument", detail), &[At::Name(names[0])]));
        }
        _ => {}
    }
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
        if let Some(state) = &mut plan.state {
            (self.plan)(plan.config, state);
        }
    }

    fn validate(&self, config: &Map, told: &mut Vec<Diagnostic>) {
        (self.check)(config, told);
    }

    fn upgrade(&self, _from: &str, _version: i64, state: Map) -> Option<Map> {
        Some((self.upgrade)(state))
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
            Import::ById => Ok(Map::from([("id".to_owned(), id.into())])),
            Import::By(names) => {
                let parts = self.parts(id, names)?;
                Ok(names.iter().zip(parts).map(|(name, part)| ((*name).to_owned(), part.into())).collect())
            }
            Import::Last => {
                let parts = self.parts(id, &["organization", "workspace", "id"])?;
                Ok(Map::from([("id".to_owned(), parts[2].into())]))
            }
            Import::Team => {
                let parts = self.parts(id, &["organization", "name or id"])?;
                let failed = |problem: Problem| of_problem(&format!("error importing {}", self.name), &problem);
                let id = if parts[1].starts_with("team-") {
                    parts[1].to_owned()
                } else {
                    let (organization, name) = (encoded(parts[0]), encoded(parts[1]));
                    let path = format!("organizations/{organization}/teams?filter%5Bnames%5D={name}");
                    let teams: Vec<Item> = context.client().map_err(failed)?.list(&path).await.map_err(failed)?;
                    let found = teams.into_iter().find(|team| team.text("name") == parts[1]);
                    found.ok_or_else(|| error(format!("there is no team {}", parts[1]), ""))?.id
                };
                Ok(Map::from([("organization".to_owned(), parts[0].into()), ("id".to_owned(), id.into())]))
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
