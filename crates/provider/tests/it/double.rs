//! A double of the API: runs whose statuses a test scripts, and everything else as generic resources in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// How a run goes: each read shows the next status, and the last one stays.
#[derive(Clone, Default)]
pub struct Script {
    pub before: Vec<&'static str>,
    /// After the apply action; empty when there is nothing to confirm.
    pub after: Vec<&'static str>,
    pub log: &'static str,
}

impl Script {
    /// Plans, waits to be confirmed, applies.
    pub fn applies() -> Self {
        Self { before: vec!["pending", "planning", "planned"], after: vec!["applying", "applied"], log: "" }
    }

    pub fn ends(statuses: &[&'static str]) -> Self {
        Self { before: statuses.to_vec(), after: Vec::new(), log: "" }
    }

    pub fn log(mut self, log: &'static str) -> Self {
        self.log = log;
        self
    }
}

pub struct Run {
    pub id: String,
    pub body: Value,
    pub comments: Vec<String>,
    pub is_confirmed: bool,
    pub is_stopped: bool,
    statuses: VecDeque<&'static str>,
    script: Script,
}

impl Run {
    pub fn status(&self) -> &'static str {
        self.statuses.front().copied().unwrap_or("applied")
    }

    pub fn is_destroy(&self) -> bool {
        self.body["data"]["attributes"]["is-destroy"] == true
    }

    pub fn message(&self) -> &str {
        self.body["data"]["attributes"]["message"].as_str().unwrap_or_default()
    }

    pub fn go_to(&mut self, statuses: &[&'static str]) {
        self.statuses = statuses.iter().copied().collect();
    }

    fn document(&self) -> Value {
        let confirmable = !self.script.after.is_empty()
            && !self.is_confirmed
            && self.statuses.len() == 1
            && self.status() == *self.script.before.last().unwrap();
        json!({ "id": self.id, "type": "runs", "attributes": {
            "status": self.status(), "message": self.message(), "is-destroy": self.is_destroy(), "created-at": "2026-01-01T00:00:00Z",
            "actions": { "is-confirmable": confirmable, "is-discardable": confirmable, "is-cancelable": !confirmable } },
            "relationships": { "plan": { "data": { "id": format!("plan-{}", self.id), "type": "plans" } },
                "apply": { "data": { "id": format!("apply-{}", self.id), "type": "applies" } } } })
    }
}

#[derive(Default)]
pub struct World {
    pub runs: Vec<Run>,
    pub scripts: VecDeque<Script>,
    /// `METHOD path` of every call, in order.
    pub calls: Vec<String>,
    /// Answers instead of the real one, after the real one was carried out, for calls that begin so.
    pub lost: Vec<(&'static str, u16)>,
    /// Answers instead of the real one, which is not carried out.
    pub refused: Vec<(&'static str, u16, &'static str)>,
    pub items: BTreeMap<String, Value>,
    pub workspace_is_gone: bool,
    pub workspace: serde_json::Map<String, Value>,
    pub workspace_relationships: serde_json::Map<String, Value>,
    pub outputs: Vec<Value>,
}

#[derive(Clone)]
pub struct Double {
    world: Arc<Mutex<World>>,
    pub port: u16,
}

impl Double {
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let double = Self { world: Arc::default(), port: listener.local_addr().unwrap().port() };
        let served = double.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, Router::new().fallback(answer).with_state(served)).await.unwrap();
            });
        });
        double
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The next runs go like this.
    pub fn script(&self, scripts: impl IntoIterator<Item = Script>) {
        self.world().scripts.extend(scripts);
    }

    /// Waits for something to be true of the world.
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&World) -> bool) {
        for _ in 0..600 {
            if is_so(&self.world()) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("{what} did not happen; calls: {:#?}", self.world().calls);
    }
}

async fn answer(State(double): State<Double>, method: Method, uri: Uri, body: Bytes) -> Response {
    let path = uri.path().trim_start_matches("/api/v2/").to_owned();
    let call = format!("{method} {path}");
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut world = double.world();
    world.calls.push(call.clone());
    if let Some(at) = world.refused.iter().position(|(start, ..)| call.starts_with(start)) {
        let (_, status, detail) = world.refused.remove(at);
        return error(status, detail);
    }
    let real = world.answer(&method, &path, uri.query().unwrap_or_default(), &body, double.port);
    if let Some(at) = world.lost.iter().position(|(start, _)| call.starts_with(start)) {
        let (_, status) = world.lost.remove(at);
        return error(status, "the answer was lost");
    }
    real
}

fn error(status: u16, detail: &str) -> Response {
    let body = json!({ "errors": [{ "status": status.to_string(), "title": "error", "detail": detail }] });
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

fn data(status: u16, data: &Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), json!({ "data": data }).to_string()).into_response()
}

impl World {
    pub fn count(&self, start: &str) -> usize {
        self.calls.iter().filter(|call| call.starts_with(start)).count()
    }

    fn answer(&mut self, method: &Method, path: &str, query: &str, body: &Value, port: u16) -> Response {
        let parts: Vec<&str> = path.split('/').collect();
        match (method.as_str(), parts.as_slice()) {
            ("GET", ["workspaces", "ws-1"] | ["organizations", "acme", "workspaces", "one"])
                if self.workspace_is_gone =>
            {
                error(404, "")
            }
            ("GET", ["workspaces", "ws-1"] | ["organizations", "acme", "workspaces", "one"]) => self.workspace(query),
            ("GET", ["workspaces", "ws-1", "runs"]) => {
                let runs: Vec<_> = self.runs.iter().rev().map(Run::document).collect();
                data(200, &json!(runs))
            }
            ("POST", ["runs"]) => {
                let script = self.scripts.pop_front().unwrap_or_else(Script::applies);
                let id = format!("run-{}", self.runs.len() + 1);
                let statuses = script.before.iter().copied().collect();
                self.runs.push(Run {
                    id,
                    body: body.clone(),
                    comments: vec![],
                    is_confirmed: false,
                    is_stopped: false,
                    statuses,
                    script,
                });
                data(201, &self.runs.last().unwrap().document())
            }
            (_, ["runs", id, rest @ ..]) => self.run(method, id, rest, body),
            ("GET", [phase @ ("plans" | "applies"), id]) => {
                let id = id.split_once('-').unwrap().1;
                let Some(run) = self.runs.iter().find(|run| run.id == id) else { return error(404, "") };
                let failed = if run.is_confirmed { "applies" } else { "plans" };
                let status = if *phase == failed {
                    "errored"
                } else if *phase == "plans" {
                    "finished"
                } else {
                    "unreachable"
                };
                let url = format!("http://127.0.0.1:{port}/logs/{}", run.id);
                data(200, &json!({ "id": id, "type": phase, "attributes": { "status": status, "log-read-url": url } }))
            }
            ("GET", ["", "logs", id]) => {
                let log = self.runs.iter().find(|run| run.id == *id).map_or("", |run| run.script.log);
                if query.ends_with("offset=0") { log.into_response() } else { "".into_response() }
            }
            _ => self.item(method, &parts, body),
        }
    }

    fn workspace(&self, query: &str) -> Response {
        let mut attributes = json!({ "name": "one", "resource-count": 0, "permissions": {}, "locked": false });
        attributes.as_object_mut().unwrap().extend(self.workspace.clone());
        let mut relationships = json!({ "organization": { "data": { "id": "acme", "type": "organizations" } } });
        relationships.as_object_mut().unwrap().extend(self.workspace_relationships.clone());
        let included = if query.contains("outputs") { self.outputs.clone() } else { vec![] };
        let document = json!({ "data": { "id": "ws-1", "type": "workspaces", "attributes": attributes, "relationships": relationships }, "included": included });
        document.to_string().into_response()
    }

    fn run(&mut self, method: &Method, id: &str, rest: &[&str], body: &Value) -> Response {
        let Some(run) = self.runs.iter_mut().find(|run| run.id == id) else { return error(404, "") };
        match (method.as_str(), rest) {
            ("GET", []) => {
                if run.statuses.len() > 1 {
                    run.statuses.pop_front();
                }
                data(200, &run.document())
            }
            ("POST", ["actions", "apply"]) => {
                if run.document()["attributes"]["actions"]["is-confirmable"] != true {
                    return error(409, "transition not allowed");
                }
                run.is_confirmed = true;
                run.statuses = run.script.after.iter().copied().collect();
                StatusCode::ACCEPTED.into_response()
            }
            ("POST", ["actions", _]) => {
                run.is_stopped = true;
                run.go_to(&["canceled"]);
                StatusCode::ACCEPTED.into_response()
            }
            ("GET", ["comments"]) => {
                let all: Vec<_> = run
                    .comments
                    .iter()
                    .map(|words| json!({ "id": "c", "type": "comments", "attributes": { "body": words } }))
                    .collect();
                data(200, &json!(all))
            }
            ("POST", ["comments"]) => {
                run.comments.push(body["data"]["attributes"]["body"].as_str().unwrap_or_default().to_owned());
                data(201, &json!({ "id": "c", "type": "comments" }))
            }
            _ => error(404, ""),
        }
    }

    /// Anything else: a POST to a collection makes a resource, which is then found under its kind and id.
    fn item(&mut self, method: &Method, parts: &[&str], body: &Value) -> Response {
        let path = parts.join("/");
        if let [kind, id, "relationships", relation] = parts
            && *relation != "vars"
        {
            return self.relation(method, &format!("{kind}/{id}"), relation, body);
        }
        match method.as_str() {
            "POST" if path.ends_with("/actions/safe-delete") => {
                self.items.remove(&parts[..2].join("/"));
                StatusCode::NO_CONTENT.into_response()
            }
            "POST" => {
                let kind = *parts.last().unwrap();
                let id = format!("{kind}-{}", self.items.len() + 1);
                let mut item = body["data"].clone();
                item["id"] = json!(id);
                let key = match kind {
                    "vars" => format!("{path}/{id}"),
                    "authentication-token" => path,
                    _ => format!("{kind}/{id}"),
                };
                if kind == "vars" && item["attributes"]["sensitive"] == true {
                    item["attributes"]["value"] = Value::Null;
                }
                self.items.insert(key, item.clone());
                if kind == "authentication-token" {
                    item["attributes"]["token"] = json!("the secret");
                }
                data(201, &item)
            }
            "GET" => match (self.items.get(&path), parts) {
                (Some(item), _) => data(200, item),
                (None, ["organizations", _, kind]) => {
                    let start = format!("{kind}/");
                    let all =
                        self.items.iter().filter(|(key, _)| key.starts_with(&start) && key.matches('/').count() == 1);
                    data(200, &json!(all.map(|(_, item)| item).collect::<Vec<_>>()))
                }
                _ => error(404, ""),
            },
            "PATCH" => match self.items.get_mut(&path) {
                Some(item) => {
                    let said = body["data"]["attributes"].as_object().cloned().unwrap_or_default();
                    item["attributes"].as_object_mut().unwrap().extend(said);
                    data(200, &item.clone())
                }
                None => error(404, ""),
            },
            _ => match self.items.remove(&path) {
                Some(_) => StatusCode::NO_CONTENT.into_response(),
                None => error(404, ""),
            },
        }
    }

    fn relation(&mut self, method: &Method, key: &str, relation: &str, body: &Value) -> Response {
        let Some(item) = self.items.get_mut(key) else { return error(404, "") };
        let there = item["relationships"][relation]["data"].as_array().cloned().unwrap_or_default();
        let said = body["data"].as_array().cloned().unwrap_or_default();
        let now: Vec<_> = match method.as_str() {
            "GET" => return data(200, &json!(there)),
            "POST" => there.into_iter().chain(said).collect(),
            "DELETE" => there.into_iter().filter(|one| !said.contains(one)).collect(),
            _ => said,
        };
        item["relationships"][relation]["data"] = json!(now);
        StatusCode::NO_CONTENT.into_response()
    }
}
