//! Workspaces that destroy themselves: what is kept and shown of it, and that it happens, once and in order.

use serde_json::{Value, json};

use crate::harness::{Answer, ORGANIZATION, Server, on_both};

const FAR: &str = "2100-01-01T00:00:00Z";
const PAST: &str = "2020-01-01T00:00:00Z";

/// Moment, duration and inheritance of a workspace or of an answer about one.
fn said(answer: &Answer) -> (Value, Value, Value) {
    let of = |name: &str| answer.at(&format!("/data/attributes/{name}"));
    (of("auto-destroy-at"), of("auto-destroy-activity-duration"), of("inherits-project-auto-destroy"))
}

async fn edit(server: &Server, workspace: &str, attributes: Value) -> Answer {
    let body = json!({ "data": { "type": "workspaces", "attributes": attributes } });
    server.patch(&format!("/workspaces/{workspace}"), body).await
}

async fn make_in(server: &Server, project: &str, attributes: Value) -> Answer {
    let body = json!({ "data": {
        "type": "workspaces",
        "attributes": attributes,
        "relationships": { "project": { "data": { "type": "projects", "id": project } } },
    } });
    server.post(&format!("/organizations/{ORGANIZATION}/workspaces"), body).await
}

async fn project_with(server: &Server, name: &str, duration: &str) -> String {
    let attributes = json!({ "name": name, "auto-destroy-activity-duration": duration });
    let body = json!({ "data": { "type": "projects", "attributes": attributes } });
    server.post(&format!("/organizations/{ORGANIZATION}/projects"), body).await.is(201).id()
}

/// A workspace that has something.
async fn filled(server: &Server, name: &str) -> String {
    let workspace = server.workspace(name).await;
    server.configuration(&workspace, false).await;
    let run = server.run(&workspace, json!({ "auto-apply": true })).await;
    server.until(&run, "applied").await;
    workspace
}

async fn until_status(server: &Server, workspace: &str, status: &str) -> Answer {
    let path = format!("/workspaces/{workspace}");
    server.until_that(&path, |it| it.text_at("/data/attributes/auto-destroy-status") == status).await
}

async fn runs_of(server: &Server, workspace: &str) -> Vec<String> {
    server.get(&format!("/workspaces/{workspace}/runs")).await.is(200).ids()
}

on_both! {
    async fn a_moment_is_kept_as_it_was_said_and_cleared_by_null_alone(server) {
        let made = server.workspace_with(json!({ "name": "net", "auto-destroy-at": FAR })).await;
        let read = server.get(&format!("/workspaces/{made}")).await;
        assert_eq!(said(&read), (json!("2100-01-01T00:00:00.000Z"), Value::Null, json!(false)));
        let kept = edit(&server, &made, json!({ "description": "other" })).await.is(200);
        assert_eq!(said(&kept), said(&read));
        let cleared = edit(&server, &made, json!({ "auto-destroy-at": null })).await.is(200);
        assert_eq!(said(&cleared), (Value::Null, Value::Null, json!(true)));
        let again = edit(&server, &made, json!({ "auto-destroy-at": FAR })).await.is(200);
        assert_eq!(said(&again), said(&read));
    }

    async fn a_duration_fills_in_the_moment_and_clears_both_when_it_goes(server) {
        let made = server.workspace_with(json!({ "name": "net", "auto-destroy-activity-duration": "1d" })).await;
        let (at, duration, inherits) = said(&server.get(&format!("/workspaces/{made}")).await);
        assert!(at.as_str().is_some_and(|at| at.ends_with('Z')), "{at}");
        assert_eq!((duration, inherits), (json!("1d"), json!(false)));
        let cleared = edit(&server, &made, json!({ "auto-destroy-activity-duration": null })).await.is(200);
        assert_eq!(said(&cleared), (Value::Null, Value::Null, json!(true)));
    }

    async fn a_moment_and_a_duration_take_turns_and_never_both(server) {
        let made = server.workspace_with(json!({ "name": "net", "auto-destroy-activity-duration": "1d" })).await;
        let moment = edit(&server, &made, json!({ "auto-destroy-at": FAR })).await.is(200);
        assert_eq!(said(&moment), (json!("2100-01-01T00:00:00.000Z"), Value::Null, json!(false)));
        let duration = edit(&server, &made, json!({ "auto-destroy-activity-duration": "2h" })).await.is(200);
        assert_eq!(said(&duration).1, "2h");
        assert_ne!(said(&duration).0, "2100-01-01T00:00:00.000Z");
        let both = json!({ "auto-destroy-at": FAR, "auto-destroy-activity-duration": "2h" });
        edit(&server, &made, both).await.refuses(422, "auto-destroy/both");
    }

    async fn a_duration_that_is_none_is_refused_on_workspaces_and_projects(server) {
        let made = server.workspace("net").await;
        let project = server.project("short-lived").await;
        for duration in ["d", "1w", "1d1", "123456h", "0d"] {
            let attributes = json!({ "auto-destroy-activity-duration": duration });
            edit(&server, &made, attributes.clone()).await.refuses(422, "auto-destroy/duration");
            let body = json!({ "data": { "type": "projects", "attributes": attributes } });
            server.patch(&format!("/projects/{project}"), body).await.refuses(422, "auto-destroy/duration");
        }
    }

    async fn a_workspace_of_a_project_that_says_otherwise_has_to_end_inheritance(server) {
        let project = project_with(&server, "short-lived", "2d").await;
        let own = make_in(&server, &project, json!({ "name": "own", "auto-destroy-activity-duration": "3d" })).await;
        let (_, duration, inherits) = said(&own.is(201));
        assert_eq!((duration, inherits), (json!("3d"), json!(false)));

        let made = make_in(&server, &project, json!({ "name": "net" })).await.is(201);
        let (at, duration, inherits) = said(&made);
        assert!(at.is_string());
        assert_eq!((duration, inherits), (json!("2d"), json!(true)));
        let five = json!({ "auto-destroy-activity-duration": "5d" });
        edit(&server, &made.id(), five).await.refuses(422, "auto-destroy/inherited");
        let five = json!({ "auto-destroy-activity-duration": "5d", "inherits-project-auto-destroy": false });
        assert_eq!(said(&edit(&server, &made.id(), five).await.is(200)).1, "5d");

        let cleared = edit(&server, &made.id(), json!({ "auto-destroy-activity-duration": null })).await.is(200);
        assert_eq!((said(&cleared).1, said(&cleared).2), (json!("2d"), json!(true)));
        let off = edit(&server, &made.id(), json!({ "inherits-project-auto-destroy": false })).await.is(200);
        assert_eq!(said(&off), (Value::Null, Value::Null, json!(false)));
    }

    async fn a_workspace_whose_own_moment_is_taken_away_inherits_again(server) {
        let project = project_with(&server, "short-lived", "2d").await;
        let made = make_in(&server, &project, json!({ "name": "net", "auto-destroy-at": FAR })).await.is(201);
        assert_eq!(said(&made), (json!("2100-01-01T00:00:00.000Z"), Value::Null, json!(false)));
        let cleared = edit(&server, &made.id(), json!({ "auto-destroy-at": null })).await.is(200);
        assert_eq!((said(&cleared).1, said(&cleared).2), (json!("2d"), json!(true)));
    }

    async fn a_projects_duration_comes_and_goes_with_its_workspaces(server) {
        let project = server.project("short-lived").await;
        let made = make_in(&server, &project, json!({ "name": "net" })).await.is(201).id();
        let set = |duration: Value| {
            let attributes = json!({ "auto-destroy-activity-duration": duration });
            json!({ "data": { "type": "projects", "attributes": attributes } })
        };
        let path = format!("/projects/{project}");
        let answer = server.patch(&path, set(json!("14d"))).await.is(200);
        assert_eq!(answer.at("/data/attributes/auto-destroy-activity-duration"), "14d");
        assert_eq!(said(&server.get(&format!("/workspaces/{made}")).await).1, "14d");
        server.patch(&path, set(Value::Null)).await.is(200);
        assert_eq!(said(&server.get(&format!("/workspaces/{made}")).await), (Value::Null, Value::Null, json!(true)));
    }

    async fn each_change_of_the_state_puts_the_end_of_an_idle_workspace_off(server) {
        let workspace = server.workspace_with(json!({ "name": "net", "auto-destroy-activity-duration": "1d" })).await;
        let before = said(&server.get(&format!("/workspaces/{workspace}")).await).0;
        server.configuration(&workspace, false).await;
        let run = server.run(&workspace, json!({ "auto-apply": true })).await;
        server.until(&run, "applied").await;
        let after = said(&server.get(&format!("/workspaces/{workspace}")).await).0;
        assert!(after.as_str() > before.as_str(), "{before} {after}");
        // After a destroy there is nothing that could lie idle, until there is a new state.
        let run = server.run(&workspace, json!({ "auto-apply": true, "is-destroy": true })).await;
        server.until(&run, "applied").await;
        let read = server.get(&format!("/workspaces/{workspace}")).await;
        assert_eq!((said(&read).0, said(&read).1), (Value::Null, json!("1d")));
    }

    async fn what_is_due_is_destroyed_once_without_confirmation_and_its_moment_goes(server) {
        let workspace = filled(&server, "net").await;
        edit(&server, &workspace, json!({ "auto-destroy-at": PAST })).await.is(200);
        let ended = until_status(&server, &workspace, "destroyed").await;
        assert_eq!((said(&ended).0, ended.at("/data/attributes/resource-count")), (Value::Null, json!(0)));
        let runs = runs_of(&server, &workspace).await;
        assert_eq!(runs.len(), 2);
        let run = server.get(&format!("/runs/{}", runs[0])).await;
        assert_eq!(run.at("/data/attributes/is-destroy"), true);
        assert_eq!(run.at("/data/attributes/source"), "tfe-infrastructure-lifecycle");
        server.get(&format!("/workspaces/{workspace}")).await.is(200);
    }

    async fn a_workspace_that_may_not_be_destroyed_or_has_nothing_is_left_alone(server) {
        let kept = filled(&server, "kept").await;
        edit(&server, &kept, json!({ "allow-destroy-plan": false, "auto-destroy-at": PAST })).await.is(200);
        let read = until_status(&server, &kept, "refused").await;
        assert_eq!((said(&read).0, read.at("/data/attributes/resource-count")), (Value::Null, json!(1)));
        let empty = server.workspace_with(json!({ "name": "empty", "auto-destroy-at": PAST })).await;
        until_status(&server, &empty, "empty").await;
        assert!(runs_of(&server, &empty).await.is_empty());
    }

    async fn an_upstream_that_is_due_waits_for_its_downstreams(server) {
        let (network, cluster) = (filled(&server, "network").await, filled(&server, "cluster").await);
        let source = json!({ "sourceable": { "data": { "type": "workspaces", "id": network } } });
        let trigger = json!({ "data": { "relationships": source } });
        server.post(&format!("/workspaces/{cluster}/run-triggers"), trigger).await.is(201);
        edit(&server, &network, json!({ "auto-destroy-at": PAST })).await.is(200);
        let held = until_status(&server, &network, "held").await;
        assert_eq!(held.at("/data/attributes/resource-count"), 1);
        edit(&server, &cluster, json!({ "auto-destroy-at": PAST })).await.is(200);
        until_status(&server, &network, "destroyed").await;
        until_status(&server, &cluster, "destroyed").await;
        assert_eq!(runs_of(&server, &network).await.len(), 2);
    }

    async fn what_became_due_while_the_server_was_away_is_destroyed_once(server) {
        let workspace = filled(&server, "net").await;
        server.gate("net.apply.gate");
        edit(&server, &workspace, json!({ "auto-destroy-at": PAST })).await.is(200);
        until_status(&server, &workspace, "queued").await;
        let server = server.killed_and_opened_again().await;
        let runs = runs_of(&server, &workspace).await;
        server.open_gate("net.apply.gate").await;
        until_status(&server, &workspace, "destroyed").await;
        assert_eq!((runs.len(), runs_of(&server, &workspace).await.len()), (2, 2));
        assert_eq!(server.calls("net apply"), 2);
    }
}
