//! A server whose every step towards durability may be its last, or may fail.
//!
//! What clients were told is written down as [`Promise`]s; afterwards each must still hold, no run may be stuck, and by the ledger
//! of the scripted terraform no apply was begun twice and nothing that it made is missing.

#![allow(clippy::print_stderr, reason = "whoever repeats a failure reads the seed and the moment")]

mod images;
mod storm;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::harness::{Answer, ORGANIZATION, Server};

/// Something that a client was told, and relies on.
#[derive(Debug, Clone)]
enum Promise {
    /// This workspace was made.
    Workspace(String),
    /// This workspace has so many variables at least.
    Variables(String, usize),
    /// This run was made.
    Run(String),
    /// This run was applied.
    Applied(String),
    /// This state version was taken, with these bytes.
    State(String, String),
}

/// What clients were told, in the order in which they were.
#[derive(Default, Clone)]
struct Told(Arc<Mutex<Vec<Promise>>>);

impl Told {
    fn note(&self, promise: Promise) {
        self.0.lock().unwrap().push(promise);
    }

    fn so_far(&self) -> Vec<Promise> {
        self.0.lock().unwrap().clone()
    }
}

/// What is wrong, by kind; empty when nothing is.
#[derive(Debug, Default)]
struct Damage {
    /// Promises that do not hold, and states that terraform wrote and that are nowhere.
    lost: Vec<String>,
    /// Runs whose apply began more than once.
    doubled: Vec<String>,
    /// Runs and workspaces that do not come to rest.
    stuck: Vec<String>,
}

impl Damage {
    fn is_none(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.stuck.is_empty()
    }
}

/// Looks at the server once it has come to rest.
async fn damage(server: &Server, told: &[Promise]) -> Damage {
    let mut damage = Damage { stuck: at_rest(server).await, ..Damage::default() };
    for promise in told {
        if let Some(lost) = lost(server, promise).await {
            damage.lost.push(lost);
        }
    }
    let mut begun: BTreeMap<String, usize> = BTreeMap::new();
    for line in ledger(server, "begun") {
        *begun.entry(run_of(&line)).or_default() += 1;
    }
    damage.doubled.extend(begun.into_iter().filter(|(_, times)| *times > 1).map(|(run, _)| run));
    let stored = runs_with_a_state(server).await;
    for line in ledger(server, "made") {
        if !stored.contains(&run_of(&line)) {
            damage.lost.push(format!("the state of {line}"));
        }
    }
    damage
}

async fn lost(server: &Server, promise: &Promise) -> Option<String> {
    let holds = match promise {
        Promise::Workspace(id) => server.get(&format!("/workspaces/{id}")).await.status == 200,
        Promise::Run(id) => server.get(&format!("/runs/{id}")).await.status == 200,
        Promise::Variables(workspace, count) => {
            let vars = server.get(&format!("/workspaces/{workspace}/vars")).await;
            vars.status == 200 && vars.at("/data").as_array().is_some_and(|it| it.len() >= *count)
        }
        Promise::Applied(id) => {
            let run = server.get(&format!("/runs/{id}")).await;
            run.status == 200 && run.at("/data/attributes/status") == "applied"
        }
        Promise::State(id, bytes) => {
            let version = server.get(&format!("/state-versions/{id}")).await;
            version.status == 200 && {
                let url = version.text_at("/data/attributes/hosted-state-download-url");
                let read = server.request(Method::GET, url).anonymous().send().await;
                read.status == 200 && read.text() == *bytes
            }
        }
    };
    (!holds).then(|| format!("{promise:?}"))
}

/// Waits until no run is under way; returns what does not come to rest.
async fn at_rest(server: &Server) -> Vec<String> {
    let mut busy = Vec::new();
    for _ in 0..3000 {
        busy = under_way(server).await;
        if busy.is_empty() {
            return locked(server).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    busy
}

async fn under_way(server: &Server) -> Vec<String> {
    let mut busy = Vec::new();
    for workspace in workspaces(server).await {
        let runs = server.get(&format!("/workspaces/{workspace}/runs?page[size]=100")).await.is(200).json();
        for run in runs["data"].as_array().unwrap() {
            let status = run["attributes"]["status"].as_str().unwrap();
            let rests = ["applied", "errored", "discarded", "canceled", "planned", "planned_and_finished"];
            // What waits behind a run that waits for approval rests too.
            if !rests.contains(&status) && run["attributes"]["blocked-by"]["kind"] != "run" {
                busy.push(format!("{} is {status}", run["id"]));
            }
        }
    }
    busy
}

/// Workspaces that a run holds which does not need it any more.
async fn locked(server: &Server) -> Vec<String> {
    let mut stuck = Vec::new();
    for workspace in workspaces(server).await {
        let read = server.get(&format!("/workspaces/{workspace}")).await.is(200);
        if read.at("/data/attributes/locked") != true {
            continue;
        }
        let holder = read.text_at("/data/relationships/locked-by/data/id");
        let by_run = read.text_at("/data/relationships/locked-by/data/type") == "runs";
        let waits = by_run && server.get(&format!("/runs/{holder}")).await.at("/data/attributes/status") == "planned";
        if by_run && !waits {
            stuck.push(format!("{workspace} is locked by {holder}"));
        }
    }
    stuck
}

async fn workspaces(server: &Server) -> Vec<String> {
    let all = server.get(&format!("/organizations/{ORGANIZATION}/workspaces?page[size]=100")).await.is(200).json();
    all["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

async fn runs_with_a_state(server: &Server) -> BTreeSet<String> {
    let mut runs = BTreeSet::new();
    for workspace in workspaces(server).await {
        let name = server.get(&format!("/workspaces/{workspace}")).await.text_at("/data/attributes/name");
        let query = format!(
            "/state-versions?filter[workspace][name]={name}&filter[organization][name]={ORGANIZATION}&page[size]=100"
        );
        let states = server.get(&query).await.is(200).json();
        let of = |state: &Value| state["relationships"]["run"]["data"]["id"].as_str().map(str::to_owned);
        runs.extend(states["data"].as_array().unwrap().iter().filter_map(of));
    }
    runs
}

fn ledger(server: &Server, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(server.control(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The run of a line of the ledger, by its folder.
fn run_of(line: &str) -> String {
    let at = line.find("run-").unwrap_or_else(|| panic!("no run in {line}"));
    line[at..].chars().take_while(|it| it.is_ascii_alphanumeric() || *it == '-').collect()
}

/// What a client does that repeats a request until the server has answered it.
struct Client<'a> {
    server: &'a Server,
    told: &'a Told,
    /// Made by this client, and part of the names and keys that it gives.
    mark: String,
}

impl Client<'_> {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>, key: Option<&str>) -> Answer {
        for _ in 0..1000 {
            let mut request = self.server.request(method.clone(), path);
            if let Some(body) = body {
                request = request.json(body);
            }
            if let Some(key) = key {
                request = request.header("idempotency-key", key);
            }
            let answer = request.send().await;
            if answer.status.as_u16() < 500 {
                return answer;
            }
            assert_eq!(answer.status, 503, "{}", answer.text());
        }
        panic!("{path} was never answered");
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, None).await
    }

    /// Makes a workspace with a variable and a configuration.
    async fn workspace(&self, name: &str) -> String {
        let body = json!({ "data": { "type": "workspaces", "attributes": { "name": name } } });
        let made =
            self.send(Method::POST, &format!("/organizations/{ORGANIZATION}/workspaces"), Some(&body), None).await;
        let id = match made.status.as_u16() {
            201 => made.id(),
            // Made, and the answer was lost.
            422 => self.get(&format!("/organizations/{ORGANIZATION}/workspaces/{name}")).await.is(200).id(),
            _ => panic!("{}", made.text()),
        };
        self.told.note(Promise::Workspace(id.clone()));
        let body = json!({ "data": { "type": "vars", "attributes": {
            "key": "size", "value": "3", "category": "terraform", "sensitive": true,
        }}});
        let made = self.send(Method::POST, &format!("/workspaces/{id}/vars"), Some(&body), None).await;
        assert!([201, 422].contains(&made.status.as_u16()), "{}", made.text());
        self.told.note(Promise::Variables(id.clone(), 1));
        let body = json!({ "data": { "type": "configuration-versions", "attributes": { "auto-queue-runs": false } } });
        let made =
            self.send(Method::POST, &format!("/workspaces/{id}/configuration-versions"), Some(&body), None).await;
        let url = made.is(201).text_at("/data/attributes/upload-url");
        for _ in 0..1000 {
            let archive = crate::harness::archive(&[("main.tf", "")]);
            let put = self.server.request(Method::PUT, url).anonymous().bytes(archive).send().await;
            match put.status.as_u16() {
                200 => return id,
                503 => {}
                // Taken, and the answer was lost.
                _ => return id,
            }
        }
        panic!("the configuration was never taken");
    }

    /// Starts a run.
    async fn run(&self, workspace: &str, number: usize, attributes: Value) -> String {
        let body = json!({ "data": { "type": "runs", "attributes": attributes, "relationships": {
            "workspace": { "data": { "type": "workspaces", "id": workspace } },
        }}});
        let key = format!("{}-{workspace}-{number}", self.mark);
        let run = self.send(Method::POST, "/runs", Some(&body), Some(&key)).await.is(201).id();
        self.told.note(Promise::Run(run.clone()));
        run
    }

    /// Waits until a run has come to one of these.
    async fn until(&self, run: &str, statuses: &[&str]) -> String {
        for _ in 0..24_000 {
            let read = self.get(&format!("/runs/{run}")).await.is(200);
            let status = read.text_at("/data/attributes/status");
            if statuses.contains(&status) {
                if status == "applied" {
                    self.told.note(Promise::Applied(run.to_owned()));
                }
                return status.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{run} never came to {statuses:?}: {}", self.get(&format!("/runs/{run}")).await.text());
    }

    async fn act(&self, run: &str, action: &str) {
        let answer = self.send(Method::POST, &format!("/runs/{run}/actions/{action}"), None, None).await;
        // A repeated request may find that it was heard before.
        assert!([202, 409].contains(&answer.status.as_u16()), "{}", answer.text());
    }

    /// Locks a workspace, pushes a state that follows its current one, and unlocks it.
    async fn push(&self, workspace: &str, name: &str) {
        let lock =
            self.send(Method::POST, &format!("/workspaces/{workspace}/actions/lock"), Some(&json!({})), None).await;
        assert!([200, 409].contains(&lock.status.as_u16()), "{}", lock.text());
        let current = self.get(&format!("/workspaces/{workspace}/current-state-version")).await;
        let (serial, lineage) = match current.status.as_u16() {
            200 => {
                let read = self.get(current.text_at("/data/attributes/hosted-state-download-url")).await.is(200).json();
                (read["serial"].as_u64().unwrap() + 1, read["lineage"].as_str().unwrap().to_owned())
            }
            _ => (1, format!("lineage-{name}")),
        };
        let bytes = json!({
            "version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": lineage, "outputs": {},
            "resources": [], "mark": format!("{}-{serial}", self.mark),
        })
        .to_string();
        let body = json!({ "data": { "type": "state-versions", "attributes": {
            "serial": serial, "lineage": lineage, "md5": hex::encode(Md5::digest(&bytes)),
            "state": BASE64_STANDARD.encode(&bytes),
        }}});
        let path = format!("/workspaces/{workspace}/state-versions");
        let version = self.send(Method::POST, &path, Some(&body), None).await.is(201).id();
        self.told.note(Promise::State(version, bytes));
        let path = format!("/workspaces/{workspace}/actions/unlock");
        let unlock = self.send(Method::POST, &path, Some(&json!({})), None).await;
        assert!([200, 409].contains(&unlock.status.as_u16()), "{}", unlock.text());
    }
}

/// A server that is whole takes another run in each of its workspaces.
async fn goes_on(server: &Server) -> Vec<String> {
    let mut stuck = Vec::new();
    for workspace in workspaces(server).await {
        let runs = server.get(&format!("/workspaces/{workspace}/runs?page[size]=100")).await.is(200).json();
        for run in runs["data"].as_array().unwrap().iter().filter(|run| run["attributes"]["status"] == "planned") {
            server.act(run["id"].as_str().unwrap(), "discard").await;
        }
        if server.get(&format!("/workspaces/{workspace}")).await.at("/data/attributes/locked") == true {
            server.post(&format!("/workspaces/{workspace}/actions/force-unlock"), json!({})).await;
        }
        let run = server.try_run(&workspace, None, json!({ "auto-apply": true })).await;
        if run.status != 201 {
            // Its configuration was never acknowledged.
            continue;
        }
        let path = format!("/runs/{}", run.id());
        let mut read = server.get(&path).await;
        for _ in 0..3000 {
            if ["applied", "errored"].contains(&read.text_at("/data/attributes/status")) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            read = server.get(&path).await;
        }
        if read.at("/data/attributes/status") != "applied" {
            stuck.push(format!("a new run of {workspace}: {}", read.at("/data/attributes")));
        }
    }
    stuck
}
