//! Runs that start other runs and wait for them. The test plays the provider inside the scripted terraform: it asks with the
//! token that the terraform was given, as the stock provider polls and as ours holds its requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use crate::access::token_of_run;
use crate::harness::{Answer, Database, ORGANIZATION, Server, on_both};

/// The provider in the apply of one run.
struct Provider<'a> {
    server: &'a Server,
    name: String,
    run: String,
    token: String,
}

impl<'a> Provider<'a> {
    /// Starts a run of the workspace `name` whose apply waits at its gate.
    async fn begin(server: &'a Server, name: &str, workspace: &str) -> Self {
        server.gate(&format!("{name}.apply.gate"));
        let run = server.run(workspace, json!({ "auto-apply": true })).await;
        Self::of(server, name, &run).await
    }

    /// The one in this run, which applies or is about to.
    async fn of(server: &'a Server, name: &str, run: &str) -> Self {
        server.until(run, "applying").await;
        server.until_called(&format!("{name} apply")).await;
        loop {
            // That of the plan may still be in the file.
            let token = token_of_run(server, name).await;
            if server.request(Method::GET, &format!("/runs/{run}")).token(&token).send().await.status == 200 {
                return Self { server, name: name.to_owned(), run: run.to_owned(), token };
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What `tfe_workspace_run` posts: a run that is confirmed by whoever waits for it.
    async fn start(&self, workspace: &str) -> String {
        self.try_start(workspace, json!({ "auto-apply": false })).await.is(201).id()
    }

    async fn try_start(&self, workspace: &str, attributes: Value) -> Answer {
        let workspace = json!({ "data": { "type": "workspaces", "id": workspace } });
        let body = json!({ "data": { "attributes": attributes, "relationships": { "workspace": workspace } } });
        self.request(Method::POST, "/runs").json(&body).send().await
    }

    async fn ask(&self, run: &str) -> Answer {
        self.request(Method::GET, &format!("/runs/{run}")).send().await
    }

    /// Asks again and again, and confirms once that is asked for; returns how the run ended.
    async fn wait_for(&self, run: &str) -> String {
        loop {
            let read = self.ask(run).await.is(200);
            let status = read.text_at("/data/attributes/status").to_owned();
            match status.as_str() {
                "applied" | "planned_and_finished" | "errored" | "canceled" | "discarded" => return status,
                _ if read.at("/data/attributes/actions/is-confirmable") == true => {
                    self.request(Method::POST, &format!("/runs/{run}/actions/apply")).send().await.is(202);
                }
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    fn request(&self, method: Method, path: &str) -> crate::harness::Request<'_> {
        self.server.request(method, path).header("x-multispace-run-token", &self.token)
    }

    /// Terraform ends.
    async fn finish(self) {
        self.server.open_gate(&format!("{}.apply.gate", self.name)).await;
    }
}

async fn prepare(server: &Server, name: &str) -> String {
    let workspace = server.workspace(name).await;
    server.configuration(&workspace, false).await;
    workspace
}

async fn limit(server: &Server, scope: &str, name: &str, limit: Value) -> Answer {
    let attributes = json!({ "scope": scope, "name": name, "limit": limit });
    server
        .patch(&format!("/organizations/{ORGANIZATION}/run-limits"), json!({ "data": { "attributes": attributes } }))
        .await
}

async fn capacity(server: &Server) -> Value {
    let read = server.get(&format!("/organizations/{ORGANIZATION}/capacity")).await.is(200);
    read.at("/data/attributes")
}

fn attribute(answer: &Answer, name: &str) -> Value {
    answer.at(&format!("/data/attributes/{name}"))
}

async fn until_parked(server: &Server, run: &str, parked: bool) -> Answer {
    server.until_that(&format!("/runs/{run}"), |it| attribute(it, "parked") == parked).await
}

on_both! {
    async fn a_chain_of_runners_ends_with_one_slot(server) {
        limit(&server, "organization", ORGANIZATION, json!(1)).await.is(200);
        let names: Vec<_> = (0..10).map(|at| format!("chain{at}")).collect();
        let mut workspaces = Vec::new();
        for name in &names {
            workspaces.push(prepare(&server, name).await);
        }
        let mut chain = vec![Provider::begin(&server, &names[0], &workspaces[0]).await];
        for (name, workspace) in names.iter().zip(&workspaces).skip(1) {
            server.gate(&format!("{name}.apply.gate"));
            let above = chain.last().unwrap();
            let run = above.start(workspace).await;
            above.ask(&run).await.is(200);
            server.until(&run, "planned").await;
            server.act(&run, "apply").await.is(202);
            let read = server.get(&format!("/runs/{}", above.run)).await;
            assert_eq!(attribute(&read, "status"), "applying");
            assert_eq!(attribute(&read, "parked"), true);
            assert_eq!(attribute(&read, "waiting-for"), json!([run]));
            assert_eq!(read.at("/data/attributes/blocked-by/kind"), "run");
            let made = Provider::of(&server, name, &run).await;
            let read = server.get(&format!("/runs/{run}")).await;
            assert_eq!(read.at("/data/relationships/parent-run/data/id"), above.run.as_str());
            chain.push(made);
        }
        assert_eq!(capacity(&server).await, json!({ "pending": 0, "running": 1, "parked": 9 }));
        // Somebody else's run waits behind the whole chain's deepest, and not longer.
        let other = prepare(&server, "other").await;
        let other = server.run(&other, json!({ "plan-only": true })).await;
        let read = server.get(&format!("/runs/{other}")).await;
        assert_eq!(read.at("/data/attributes/blocked-by/kind"), "slot");
        assert_eq!(read.at("/data/attributes/blocked-by/words"), "The organization \"acme\" has 1 of 1 slots in use.");
        while let Some(deepest) = chain.pop() {
            let run = deepest.run.clone();
            deepest.finish().await;
            server.until(&run, "applied").await;
            if let Some(above) = chain.last() {
                assert_eq!(above.wait_for(&run).await, "applied");
            }
        }
        server.until(&other, "planned_and_finished").await;
        assert_eq!(capacity(&server).await, json!({ "pending": 0, "running": 0, "parked": 0 }));
    }

    async fn a_run_that_starts_others_and_does_not_wait_keeps_its_slot(server) {
        limit(&server, "organization", ORGANIZATION, json!(1)).await.is(200);
        let (runner, child) = (prepare(&server, "runner").await, prepare(&server, "child").await);
        let runner = Provider::begin(&server, "runner", &runner).await;
        let child = runner.try_start(&child, json!({ "auto-apply": true })).await.is(201).id();
        // Somebody else looks at the run, which is not its terraform.
        let read = server.get(&format!("/runs/{child}")).await;
        assert_eq!(read.at("/data/attributes/blocked-by/kind"), "slot");
        assert_eq!(attribute(&server.get(&format!("/runs/{}", runner.run)).await, "parked"), false);
        assert_eq!(capacity(&server).await, json!({ "pending": 1, "running": 1, "parked": 0 }));
        let run = runner.run.clone();
        runner.finish().await;
        server.until(&run, "applied").await;
        server.until(&child, "applied").await;
    }

    async fn a_run_behind_its_own_parent_is_refused_and_so_is_a_circle(server) {
        let (a, b) = (prepare(&server, "a").await, prepare(&server, "b").await);
        let first = Provider::begin(&server, "a", &a).await;
        for confirms_itself in [false, true] {
            let refused = first.try_start(&a, json!({ "auto-apply": confirms_itself })).await;
            let detail = refused.refuses(409, "run/waits-in-a-circle").text();
            assert!(detail.contains(&format!("{} (a)", first.run)), "{detail}");
        }
        first.try_start(&a, json!({ "plan-only": true })).await.is(201);

        let second = Provider::begin(&server, "b", &b).await;
        let behind = first.start(&b).await;
        // The first has not asked about it yet, and will.
        let detail = second.try_start(&a, json!({ "auto-apply": false })).await.refuses(409, "run/waits-in-a-circle").text();
        for name in ["(a) waits for", "(b)", "the new run would start after"] {
            assert!(detail.contains(name), "{detail}");
        }
        let nobody_waits = second.try_start(&a, json!({ "auto-apply": true })).await.is(201).id();
        second.ask(&nobody_waits).await.refuses(409, "run/waits-in-a-circle");

        let run = second.run.clone();
        second.finish().await;
        server.until(&run, "applied").await;
        assert_eq!(first.wait_for(&behind).await, "applied");
        first.finish().await;
        server.until(&nobody_waits, "applied").await;
    }

    async fn a_parked_run_can_be_canceled_and_what_it_started_goes_on(server) {
        limit(&server, "organization", ORGANIZATION, json!(1)).await.is(200);
        let (runner, child) = (prepare(&server, "runner").await, prepare(&server, "child").await);
        server.gate("child.plan.gate");
        let runner = Provider::begin(&server, "runner", &runner).await;
        let child = runner.start(&child).await;
        runner.ask(&child).await.is(200);
        server.until(&child, "planning").await;
        server.act(&runner.run, "cancel").await.is(202);
        let read = server.until(&runner.run, "canceled").await;
        assert_eq!(attribute(&read, "parked"), false);
        assert_eq!(attribute(&read, "waiting-for"), json!([]));
        server.open_gate("child.plan.gate").await;
        server.until(&child, "planned").await;
        server.act(&child, "apply").await.is(202);
        server.until(&child, "applied").await;
    }

    async fn a_run_that_is_parked_is_so_after_a_restart(server) {
        limit(&server, "organization", ORGANIZATION, json!(1)).await.is(200);
        let (runner, child) = (prepare(&server, "runner").await, prepare(&server, "child").await);
        let runner = Provider::begin(&server, "runner", &runner).await;
        server.gate("child.plan.gate");
        let child = runner.start(&child).await;
        runner.ask(&child).await.is(200);
        server.until_called("child plan").await;
        let (run, token) = (runner.run.clone(), runner.token.clone());
        // The terraform that plans still waits at its gate, which nobody else will.
        std::fs::remove_file(server.control("child.plan.gate")).unwrap();
        let server = server.killed_and_opened_again().await;
        let runner = Provider { server: &server, name: "runner".into(), run: run.clone(), token };
        until_parked(&server, &run, true).await;
        assert_eq!(runner.wait_for(&child).await, "applied");
        until_parked(&server, &run, false).await;
        runner.finish().await;
        server.until(&run, "applied").await;
        assert_eq!((server.calls("runner apply"), server.calls("child apply")), (1, 1));
    }

    async fn a_limit_holds_for_a_project_a_tag_and_the_executor_and_can_be_changed(server) {
        let project = json!({ "data": { "attributes": { "name": "slow" } } });
        let project = server.post(&format!("/organizations/{ORGANIZATION}/projects"), project).await.is(201).id();
        let tagged = prepare(&server, "tagged").await;
        let tags = json!({ "data": [{ "type": "tags", "attributes": { "name": "web" } }] });
        server.post(&format!("/workspaces/{tagged}/relationships/tags"), tags).await.is(204);
        let other = server.workspace_with(json!({ "name": "other" })).await;
        let in_project = json!({ "data": { "attributes": {}, "relationships": {
            "project": { "data": { "type": "projects", "id": project } },
        } } });
        server.patch(&format!("/workspaces/{other}"), in_project).await.is(200);
        server.configuration(&other, false).await;
        for (name, workspace, scope, what) in [
            ("tagged", &tagged, "tag", "web"), ("other", &other, "project", project.as_str()), ("other", &other, "executor", "local"),
        ] {
            limit(&server, scope, what, json!(1)).await.is(200);
            server.gate(&format!("{name}.plan.gate"));
            let first = server.run(workspace, json!({ "plan-only": true })).await;
            server.until(&first, "planning").await;
            let second = server.run(workspace, json!({ "plan-only": true })).await;
            let read = server.get(&format!("/runs/{second}")).await;
            assert_eq!(read.at("/data/attributes/blocked-by/kind"), "slot");
            assert_eq!(read.at("/data/attributes/blocked-by/id"), what);
            let limits = server.get(&format!("/organizations/{ORGANIZATION}/run-limits")).await.is(200);
            let limits = limits.json()["data"].as_array().unwrap().clone();
            let own = limits.iter().find(|it| it["id"] == format!("{scope}/{what}")).unwrap();
            assert_eq!(own["attributes"]["running"], 1, "{own}");
            limit(&server, scope, what, Value::Null).await.is(200);
            server.until(&second, "planning").await;
            // Two wait at one gate: both are let through.
            server.open_gate(&format!("{name}.plan.gate")).await;
            for run in [&first, &second] {
                server.act(run, "cancel").await;
                server.until_that(&format!("/runs/{run}"), |it| {
                    ["canceled", "planned_and_finished"].contains(&it.text_at("/data/attributes/status"))
                }).await;
            }
        }
        limit(&server, "tag", "web", json!(0)).await.refuses(422, "limit/number");
        limit(&server, "organization", ORGANIZATION, Value::Null).await.refuses(422, "limit/needed");
        limit(&server, "planet", "mars", json!(1)).await.refuses(422, "limit/scope");
    }
}

/// A runner that starts three, each of which starts three: with any number of slots all end, and a parent is parked while
/// its children are not over.
async fn mesh(slots: usize) {
    let server = Arc::new(Server::open(Database::Sqlite).await);
    limit(&server, "organization", ORGANIZATION, json!(slots)).await.is(200);
    let mut workspaces = BTreeMap::new();
    for name in ["top", "m1", "m2", "m3"] {
        workspaces.insert(name.to_owned(), prepare(&server, name).await);
    }
    for at in 0..9 {
        let name = format!("leaf{at}");
        workspaces.insert(name.clone(), prepare(&server, &name).await);
    }
    let workspaces = Arc::new(workspaces);
    for name in ["m1", "m2", "m3"] {
        server.gate(&format!("{name}.apply.gate"));
    }
    let top = Provider::begin(&server, "top", &workspaces["top"]).await;
    let mut middles = tokio::task::JoinSet::new();
    let mut runs = Vec::new();
    for at in 0..3 {
        let name = format!("m{}", at + 1);
        let run = top.start(&workspaces[&name]).await;
        top.ask(&run).await.is(200);
        runs.push(run.clone());
        let (server, workspaces) = (server.clone(), workspaces.clone());
        middles.spawn(async move {
            let middle = Provider::of(&server, &name, &run).await;
            let mut leaves = Vec::new();
            for leaf in 0..3 {
                leaves.push(middle.start(&workspaces[&format!("leaf{}", at * 3 + leaf)]).await);
            }
            for leaf in &leaves {
                middle.ask(leaf).await.is(200);
            }
            for leaf in &leaves {
                assert_eq!(middle.wait_for(leaf).await, "applied");
            }
            middle.finish().await;
        });
    }
    for run in &runs {
        assert_eq!(top.wait_for(run).await, "applied");
    }
    while let Some(ended) = middles.join_next().await {
        ended.unwrap();
    }
    let run = top.run.clone();
    top.finish().await;
    server.until(&run, "applied").await;
    for name in workspaces.keys() {
        assert_eq!(server.calls(&format!("{name} apply")), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mesh_of_runners_ends_with_one_slot() {
    mesh(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mesh_of_runners_ends_with_two_slots() {
    mesh(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mesh_of_runners_ends_with_eight_slots() {
    mesh(8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_no_more_gets_its_slot_back_and_who_is_held_does_not_have_to() {
    let server = Server::open_with(Database::Sqlite, |options| options.patience = Duration::from_millis(300)).await;
    limit(&server, "organization", ORGANIZATION, json!(1)).await.is(200);
    let (runner, child) = (prepare(&server, "runner").await, prepare(&server, "child").await);
    server.gate("child.plan.gate");
    let runner = Provider::begin(&server, "runner", &runner).await;
    let child = runner.start(&child).await;

    // Our provider: one request that is held as long as the run is as it was.
    let path = format!("/runs/{child}?unless-status=planning");
    server.until_that(&format!("/runs/{child}"), |it| attribute(it, "status") == "pending").await;
    runner.ask(&child).await.is(200);
    server.until(&child, "planning").await;
    let held = runner.request(Method::GET, &path).header("prefer", "wait=1").send().await;
    assert_eq!(attribute(&held.is(200), "status"), "planning");
    assert_eq!(attribute(&server.get(&format!("/runs/{}", runner.run)).await, "parked"), true);

    // It is silent now: there is no slot, which the child has, so that it goes on without.
    let read = until_parked(&server, &runner.run, false).await;
    assert_eq!(read.at("/data/attributes/blocked-by/kind"), "slot");
    assert_eq!(attribute(&read, "status"), "applying");
    let waits = server.run(&prepare(&server, "third").await, json!({ "plan-only": true })).await;
    assert_eq!(attribute(&server.get(&format!("/runs/{waits}")).await, "status"), "pending");

    // It asks after all.
    runner.ask(&child).await.is(200);
    until_parked(&server, &runner.run, true).await;
    server.open_gate("child.plan.gate").await;
    assert_eq!(runner.wait_for(&child).await, "applied");
    until_parked(&server, &runner.run, false).await;
    let run = runner.run.clone();
    runner.finish().await;
    server.until(&run, "applied").await;
    server.until(&waits, "planned_and_finished").await;
}
