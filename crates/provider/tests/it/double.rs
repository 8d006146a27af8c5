//! A double of the API: runs whose statuses a test scripts, and everything else as generic resources in memory.
//!
//! Workspaces with runs are `ws-1` (`one`), `ws-2` (`two`) and so on. A look at a run shows the next status of its script; a look
//! that says `unless-status` is held back where the script has come to its end, as multispace does it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::line::{Cut, Port, Switch, is_set};

/// Names of the workspaces that have runs.
const NAMES: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

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
    pub workspace: String,
    pub key: String,
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

    pub fn is_over(&self) -> bool {
        ["applied", "planned_and_finished", "errored", "canceled", "discarded", "policy_soft_failed"]
            .contains(&self.status())
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
            "relationships": { "workspace": { "data": { "id": self.workspace, "type": "workspaces" } }, "plan": { "data": { "id": format!("plan-{}", self.id), "type": "plans" } },
                "apply": { "data": { "id": format!("apply-{}", self.id), "type": "applies" } } } })
    }
}

pub struct Asked {
    pub call: String,
    pub query: String,
    pub headers: HeaderMap,
    pub at: std::time::Instant,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

#[derive(Default)]
pub struct World {
    pub runs: Vec<Run>,
    pub scripts: VecDeque<Script>,
    /// `METHOD path` of every call, in order.
    pub calls: Vec<String>,
    /// Each call with its query and headers, and when it came.
    pub asked: Vec<Asked>,
    /// Whether every call is answered 503.
    pub is_broken: bool,
    /// Attributes that the server does not know.
    pub ignores: Vec<&'static str>,
    /// Whether the server is older than safe deletion.
    pub is_old: bool,
    /// Whether looks at runs are not held back, as by other servers.
    pub never_holds: bool,
    /// Whether the server knows no comments.
    pub knows_no_comments: bool,
    /// Calls that are carried out and never answered: the connection is cut.
    pub cut: Vec<&'static str>,
    /// The same for the call of this number, from 0.
    pub cut_at: Option<usize>,
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
    is_away: Switch,
}

impl Double {
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let double = Self { world: Arc::default(), port, is_away: Switch::default() };
        let served = double.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let port = Port::new(listener, served.is_away.clone());
                let router = Router::new().fallback(answer).with_state(served);
                axum::serve(port, router.into_make_service_with_connect_info::<Cut>()).await.unwrap();
            });
        });
        double
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes the server away: the port refuses, and what is open is cut. Or brings it back.
    pub fn is_away(&self, is_away: bool) {
        self.is_away.store(is_away, std::sync::atomic::Ordering::SeqCst);
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

async fn answer(
    State(double): State<Double>,
    ConnectInfo(Cut(cut)): ConnectInfo<Cut>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().trim_start_matches("/api/v2/").to_owned();
    let query = uri.query().unwrap_or_default().to_owned();
    let call = format!("{method} {path}");
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    {
        let mut world = double.world();
        world.calls.push(call.clone());
        let (at, headers) = (std::time::Instant::now(), headers.clone());
        world.asked.push(Asked { call: call.clone(), query: query.clone(), headers, at });
        if world.is_broken {
            return error(503, "in vain");
        }
        if let Some(at) = world.refused.iter().position(|(start, ..)| fits(&call, start)) {
            let (_, status, detail) = world.refused.remove(at);
            return error(status, detail);
        }
    }
    let known = query.strip_prefix("unless-status=").filter(|_| headers.contains_key("prefer"));
    let known = known.filter(|_| !double.world().never_holds);
    if let (Some(known), ["runs", id]) = (known, path.split('/').collect::<Vec<_>>().as_slice()) {
        held(&double, id, known).await;
    }
    let mut world = double.world();
    let mut real = world.answer(&method, &path, &query, &headers, &body, double.port);
    if known.is_some() {
        real.headers_mut().insert("preference-applied", "wait".parse().unwrap());
    }
    let number = world.calls.len() - 1;
    if world.cut_at == Some(number) || world.cut.iter().any(|start| fits(&call, start)) {
        world.cut_at = None;
        world.cut.retain(|start| !fits(&call, start));
        cut.store(true, std::sync::atomic::Ordering::SeqCst);
    }
    if let Some(at) = world.lost.iter().position(|(start, _)| fits(&call, start)) {
        let (_, status) = world.lost.remove(at);
        return error(status, "the answer was lost");
    }
    real
}

/// Returns when the run has another status than the one that is known, or would with the next look.
async fn held(double: &Double, id: &str, known: &str) {
    while !is_set(&double.is_away) {
        {
            let world = double.world();
            let Some(run) = world.runs.iter().find(|run| run.id == id) else { return };
            if run.status() != known || run.statuses.len() > 1 || run.is_over() {
                return;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Whether a call is the one that is meant; a star stands for any end.
fn fits(call: &str, meant: &str) -> bool {
    meant.strip_suffix('*').map_or(call == meant, |start| call.starts_with(start))
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
        self.calls.iter().filter(|call| fits(call, start)).count()
    }

    fn answer(
        &mut self,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        body: &Value,
        port: u16,
    ) -> Response {
        let parts: Vec<&str> = path.split('/').collect();
        match (method.as_str(), parts.as_slice()) {
            ("GET", ["workspaces", id]) if number_of(id).is_some() => self.workspace(number_of(id).unwrap(), query),
            ("GET", ["organizations", "acme", "workspaces", name]) if NAMES.contains(name) => {
                self.workspace(NAMES.iter().position(|one| one == name).unwrap(), query)
            }
            ("GET", ["workspaces", id, "runs"]) => {
                let runs: Vec<_> =
                    self.runs.iter().rev().filter(|run| run.workspace == *id).map(Run::document).collect();
                data(200, &json!(runs))
            }
            ("POST", ["runs"]) => {
                let script = self.scripts.pop_front().unwrap_or_else(Script::applies);
                let id = format!("run-{}", self.runs.len() + 1);
                let statuses = script.before.iter().copied().collect();
                let workspace = body["data"]["relationships"]["workspace"]["data"]["id"].as_str().unwrap_or("ws-1");
                let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
                self.runs.push(Run {
                    id,
                    workspace: workspace.to_owned(),
                    key: key.to_owned(),
                    body: body.clone(),
                    comments: vec![],
                    is_confirmed: false,
                    is_stopped: false,
                    statuses,
                    script,
                });
                data(201, &self.runs.last().unwrap().document())
            }
            (_, ["runs", _, "comments"]) if self.knows_no_comments => error(404, ""),
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
            _ => self.item(method, &parts, query, body),
        }
    }

    fn workspace(&self, number: usize, query: &str) -> Response {
        if self.workspace_is_gone {
            return error(404, "");
        }
        let mut attributes = json!({ "name": NAMES[number], "resource-count": 0, "locked": false,
            "permissions": { "can-force-delete": true } });
        attributes.as_object_mut().unwrap().extend(self.workspace.clone());
        let mut relationships = json!({ "organization": { "data": { "id": "acme", "type": "organizations" } } });
        relationships.as_object_mut().unwrap().extend(self.workspace_relationships.clone());
        let included = if query.contains("outputs") { self.outputs.clone() } else { vec![] };
        let id = format!("ws-{}", number + 1);
        let document = json!({ "data": { "id": id, "type": "workspaces", "attributes": attributes, "relationships": relationships }, "included": included });
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
    fn item(&mut self, method: &Method, parts: &[&str], query: &str, body: &Value) -> Response {
        let path = parts.join("/");
        if let [kind, id, "relationships", relation] = parts
            && *relation != "vars"
        {
            return self.relation(method, query, &format!("{kind}/{id}"), relation, body);
        }
        match method.as_str() {
            "POST" if path.ends_with("/actions/safe-delete") => {
                let locked =
                    self.items.get(&parts[..2].join("/")).is_some_and(|item| item["attributes"]["locked"] == true);
                if locked {
                    return error(409, "Workspace is currently locked");
                }
                self.items.remove(&parts[..2].join("/"));
                StatusCode::NO_CONTENT.into_response()
            }
            "POST" => {
                let kind = *parts.last().unwrap();
                let id = format!("{kind}-{}", self.items.len() + 1);
                let mut item = body["data"].clone();
                if let Some(attributes) = item["attributes"].as_object_mut() {
                    attributes.retain(|name, _| !self.ignores.contains(&name.as_str()));
                }
                item["id"] = json!(id);
                let key = match kind {
                    "vars" => format!("{path}/{id}"),
                    "authentication-token" => path,
                    _ => format!("{kind}/{id}"),
                };
                if kind == "workspaces" {
                    item["attributes"]["permissions"] = self.workspace_permissions();
                    inherit(&mut item);
                }
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
                (
                    None,
                    ["organizations", _, kind] | ["workspaces", _, kind @ "run-triggers"] | [kind @ "team-workspaces"],
                ) => {
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
                    if parts[0] == "workspaces" {
                        inherit(item);
                    }
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

    fn workspace_permissions(&self) -> Value {
        if self.is_old { json!({}) } else { json!({ "can-force-delete": true }) }
    }

    fn relation(&mut self, method: &Method, query: &str, key: &str, relation: &str, body: &Value) -> Response {
        let Some(item) = self.items.get_mut(key) else { return error(404, "") };
        let there = item["relationships"][relation]["data"].as_array().cloned().unwrap_or_default();
        let said = body["data"].as_array().cloned().unwrap_or_default();
        let now: Vec<_> = match method.as_str() {
            "GET" => {
                let number = |name: &str, usual: usize| {
                    let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("page%5B{name}%5D=")));
                    found.and_then(|number| number.parse().ok()).unwrap_or(usual)
                };
                let (page, size) = (number("number", 1), number("size", 20));
                let shown: Vec<_> = there.iter().skip((page - 1) * size).take(size).collect();
                let next = (page * size < there.len()).then_some(page + 1);
                let meta = json!({ "pagination": { "current-page": page, "next-page": next, "total-pages": there.len().div_ceil(size) } });
                return json!({ "data": shown, "meta": meta }).to_string().into_response();
            }
            "POST" => there.into_iter().chain(said).collect(),
            "DELETE" => there.into_iter().filter(|one| !said.contains(one)).collect(),
            _ => said,
        };
        item["relationships"][relation]["data"] = json!(now);
        StatusCode::NO_CONTENT.into_response()
    }
}

/// A workspace that says nothing itself has its project's time to be destroyed.
fn inherit(workspace: &mut Value) {
    let attributes = &workspace["attributes"];
    let is_own = ["auto-destroy-at", "auto-destroy-activity-duration"].iter().any(|name| !attributes[*name].is_null());
    workspace["attributes"]["inherits-project-auto-destroy"] = json!(!is_own);
}

/// The place of a workspace that has runs, from 0.
fn number_of(id: &str) -> Option<usize> {
    id.strip_prefix("ws-")?.parse::<usize>().ok()?.checked_sub(1).filter(|number| *number < NAMES.len())
}
