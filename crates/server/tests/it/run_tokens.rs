//! What the token of a run may do in its project: read while it plans, maintain while it applies.

use axum::http::Method;
use serde_json::{Value, json};

use crate::access::token_of_run;
use crate::harness::{Answer, ORGANIZATION, Server, on_both};

/// Asks with the token of a run.
struct Asker<'a> {
    server: &'a Server,
    token: String,
}

impl Asker<'_> {
    async fn get(&self, path: &str) -> Answer {
        self.server.request(Method::GET, path).token(&self.token).send().await
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.server.request(method, path).token(&self.token).json(&body).send().await
    }

    async fn run(&self, workspace: &str) -> Answer {
        self.send(Method::POST, "/runs", run_of(workspace)).await
    }

    async fn workspace(&self, name: &str, project: Option<&str>) -> Answer {
        let project = project.map(|id| json!({ "type": "projects", "id": id }));
        let body = json!({ "data": {
            "attributes": { "name": name },
            "relationships": { "project": { "data": project } },
        }});
        self.send(Method::POST, &format!("/organizations/{ORGANIZATION}/workspaces"), body).await
    }
}

fn run_of(workspace: &str) -> Value {
    json!({ "data": { "relationships": { "workspace": { "data": { "type": "workspaces", "id": workspace } } } } })
}

fn named(name: &str) -> Value {
    json!({ "data": { "attributes": { "name": name } } })
}

/// A run of `own` that waits in the phase, with the token that its terraform has in it.
async fn waiting<'a>(server: &'a Server, own: &str, phase: &str, attributes: Value) -> (String, Asker<'a>) {
    server.gate(&format!("own.{phase}.gate"));
    let run = server.run(own, attributes).await;
    server.until_called(&format!("own {phase}")).await;
    (run, Asker { server, token: token_of_run(server, "own").await })
}

on_both! {
    async fn while_it_plans_a_run_reads_its_project_and_changes_nothing(server) {
        let project = server.project("ours").await;
        let (own, sibling) =
            (server.workspace_in(&project, "own").await, server.workspace_in(&project, "sibling").await);
        for workspace in [&own, &sibling] {
            server.configuration(workspace, false).await;
        }
        let applied = server.run(&sibling, json!({ "auto-apply": true })).await;
        server.until(&applied, "applied").await;
        let (_, asker) = waiting(&server, &own, "plan", json!({})).await;

        let read = asker.get(&format!("/organizations/{ORGANIZATION}/workspaces/sibling?include=outputs")).await.is(200);
        let output = read.text_at("/data/relationships/outputs/data/0/id");
        asker.get(&format!("/state-version-outputs/{output}")).await.is(200);
        asker.get(&format!("/workspaces/{sibling}/current-state-version")).await.is(404);
        assert_eq!(read.at("/data/attributes/permissions/can-read-state-outputs"), true);
        assert_eq!(read.at("/data/attributes/permissions/can-read-state-versions"), false);
        assert_eq!(read.at("/data/attributes/permissions/can-queue-run"), false);
        asker.get(&format!("/runs/{applied}")).await.is(200);
        asker.get(&format!("/workspaces/{sibling}/vars")).await.is(200);

        asker.run(&sibling).await.is(404);
        asker.workspace("made", None).await.is(404);
        asker.send(Method::PATCH, &format!("/workspaces/{sibling}"), named("other")).await.is(404);
        asker.send(Method::POST, &format!("/workspaces/{sibling}/actions/lock"), json!({})).await.is(404);
        let said = json!({ "data": { "attributes": { "body": "hello" } } });
        asker.send(Method::POST, &format!("/runs/{applied}/comments"), said).await.is(404);
        server.open_gate("own.plan.gate").await;
    }

    async fn while_it_applies_a_run_maintains_its_own_project_and_no_other(server) {
        let (project, apart) = (server.project("ours").await, server.project("apart").await);
        let (own, sibling) =
            (server.workspace_in(&project, "own").await, server.workspace_in(&project, "sibling").await);
        let stranger = server.workspace_in(&apart, "stranger").await;
        for workspace in [&own, &sibling, &stranger] {
            server.configuration(workspace, false).await;
        }
        let (run, asker) = waiting(&server, &own, "apply", json!({ "auto-apply": true })).await;

        // Without a project it is the run's own, and no other can be named.
        let made = asker.workspace("made", None).await.is(201);
        assert_eq!(made.at("/data/relationships/project/data/id"), project.as_str());
        asker.workspace("elsewhere", Some(&apart)).await.refuses(404, "project/not-found");
        let made = made.id();
        let variable = json!({ "data": { "attributes": { "key": "a", "value": "1", "category": "env" } } });
        asker.send(Method::POST, &format!("/workspaces/{made}/vars"), variable.clone()).await.is(201);
        asker.send(Method::PATCH, &format!("/workspaces/{made}"), named("renamed")).await.is(200);
        let to_other = json!({ "data": { "relationships": { "project": { "data": { "type": "projects", "id": apart } } } } });
        asker.send(Method::PATCH, &format!("/workspaces/{made}"), to_other).await.is(404);
        let locked = asker.send(Method::POST, &format!("/workspaces/{made}/actions/lock"), json!({})).await.is(200);
        assert_eq!(locked.at("/data/relationships/locked-by/data/id"), run.as_str());
        asker.send(Method::POST, &format!("/workspaces/{made}/actions/unlock"), json!({})).await.is(200);
        asker.send(Method::DELETE, &format!("/workspaces/{made}"), json!({})).await.is(204);

        let started = asker.run(&sibling).await.is(201).id();
        server.until(&started, "planned").await;
        let decision = format!("/runs/{started}/actions/apply");
        asker.send(Method::POST, &decision, json!({})).await.is(202);
        server.until(&started, "applied").await;

        asker.run(&own).await.is(404);
        asker.send(Method::POST, &format!("/runs/{run}/actions/cancel"), json!({})).await.is(404);
        asker.send(Method::DELETE, &format!("/workspaces/{own}"), json!({})).await.is(404);
        asker.send(Method::POST, &format!("/workspaces/{own}/actions/unlock"), json!({})).await.is(404);
        asker.run(&stranger).await.is(404);
        asker.send(Method::POST, &format!("/workspaces/{stranger}/vars"), variable).await.is(404);
        asker.send(Method::POST, &format!("/organizations/{ORGANIZATION}/projects"), named("mine")).await.is(404);
        asker.send(Method::PATCH, &format!("/organizations/{ORGANIZATION}"), named("mine")).await.is(404);

        server.open_gate("own.apply.gate").await;
        server.until(&run, "applied").await;
        asker.get(&format!("/workspaces/{own}")).await.refuses(401, "access/unauthorized");
    }

    async fn the_token_of_a_plan_does_not_live_to_see_the_apply(server) {
        let own = server.workspace("own").await;
        server.configuration(&own, false).await;
        let (run, asker) = waiting(&server, &own, "plan", json!({})).await;
        asker.get(&format!("/workspaces/{own}")).await.is(200);
        server.open_gate("own.plan.gate").await;
        server.until(&run, "planned").await;
        asker.get(&format!("/workspaces/{own}")).await.refuses(401, "access/unauthorized");
    }
}
