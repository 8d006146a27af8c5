//! What clients of the original have come to rely on, as its own client's tests have it; docs/scenarios.md has the list.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, ORGANIZATION, Server, on_both};

/// A workspace with a configuration.
async fn configured(server: &Server, attributes: Value) -> (String, String) {
    let workspace = server.workspace_with(attributes).await;
    let configuration = server.configuration(&workspace, false).await;
    (workspace, configuration)
}

async fn read(server: &Server, run: &str) -> Answer {
    server.get(&format!("/runs/{run}")).await.is(200)
}

on_both! {
    async fn a_run_without_a_configuration_takes_the_newest_and_says_since_when_it_may_plan(server) {
        let (workspace, _) = configured(&server, json!({ "name": "net" })).await;
        let newest = server.configuration(&workspace, false).await;
        let run = server.try_run(&workspace, None, json!({})).await.is(201);
        assert_eq!(run.at("/data/relationships/configuration-version/data/id"), newest.as_str());
        assert!(run.text_at("/data/attributes/status-timestamps/plan-queueable-at").contains('T'));
    }

    async fn a_run_takes_the_configuration_that_it_names(server) {
        let (workspace, first) = configured(&server, json!({ "name": "net" })).await;
        server.configuration(&workspace, false).await;
        let run = server.try_run(&workspace, Some(&first), json!({})).await.is(201);
        assert_eq!(run.at("/data/relationships/configuration-version/data/id"), first.as_str());
    }

    async fn what_a_run_was_made_with_is_told_again(server) {
        let (workspace, _) = configured(&server, json!({ "name": "net" })).await;
        let sent = json!({
            "message": "why", "allow-empty-apply": true, "target-addrs": ["terraform_data.a"],
            "replace-addrs": ["terraform_data.b"], "variables": [{ "key": "a", "value": "\"1\"" }],
        });
        let run = server.run(&workspace, sent.clone()).await;
        let told = read(&server, &run).await;
        for (name, value) in sent.as_object().unwrap() {
            assert_eq!(&told.at(&format!("/data/attributes/{name}")), value, "{name}");
        }
        assert_eq!(told.at("/data/attributes/refresh"), true, "unless it is said otherwise");
        assert_eq!(told.at("/data/attributes/save-plan"), false);
        let saved = server.run(&workspace, json!({ "save-plan": true, "refresh": false })).await;
        let told = read(&server, &saved).await;
        assert_eq!((told.at("/data/attributes/save-plan"), told.at("/data/attributes/refresh")), (json!(true), json!(false)));
    }

    async fn a_run_applies_by_itself_when_it_or_else_its_workspace_says_so(server) {
        let (by_itself, _) = configured(&server, json!({ "name": "net", "auto-apply": true })).await;
        let (by_hand, _) = configured(&server, json!({ "name": "app" })).await;
        for (workspace, said, expected) in [
            (&by_itself, json!({}), true),
            (&by_itself, json!({ "auto-apply": false }), false),
            (&by_hand, json!({}), false),
            (&by_hand, json!({ "auto-apply": true }), true),
        ] {
            let run = server.run(workspace, said).await;
            assert_eq!(read(&server, &run).await.at("/data/attributes/auto-apply"), expected);
        }
    }

    async fn only_a_run_that_only_plans_chooses_its_terraform(server) {
        let (workspace, _) = configured(&server, json!({ "name": "net" })).await;
        let chosen = json!({ "terraform-version": "1.10.0" });
        server.try_run(&workspace, None, chosen).await.is(422);
        let run = server.try_run(&workspace, None, json!({ "terraform-version": "1.11.4", "plan-only": true })).await.is(201);
        assert_eq!(run.at("/data/attributes/terraform-version"), "1.11.4");
    }

    async fn a_confirmation_leaves_its_comment_and_an_unknown_run_is_not_found(server) {
        let (workspace, _) = configured(&server, json!({ "name": "net" })).await;
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "planned").await;
        server.post(&format!("/runs/{run}/actions/apply"), json!({ "comment": "go on" })).await.is(202);
        let comments = server.get(&format!("/runs/{run}/comments")).await.is(200);
        assert_eq!(comments.at("/data/0/attributes/body"), "go on");
        let nowhere = server.post("/runs/run-nothere123456789/actions/apply", json!({ "comment": "go on" })).await;
        nowhere.is(404);
    }

    async fn a_waiting_run_that_is_canceled_says_when_and_from_when_on_it_can_be_forced(server) {
        let (workspace, _) = configured(&server, json!({ "name": "net" })).await;
        server.post(&format!("/workspaces/{workspace}/actions/lock"), json!({})).await.is(200);
        let run = server.run(&workspace, json!({})).await;
        server.act(&run, "cancel").await.is(202);
        let ended = server.until(&run, "canceled").await;
        assert!(ended.text_at("/data/attributes/canceled-at").contains('T'));
    }

    async fn a_new_run_cannot_be_forced_to_end_though_its_owner_may(server) {
        let (workspace, _) = configured(&server, json!({ "name": "net" })).await;
        let run = server.run(&workspace, json!({})).await;
        let read = read(&server, &run).await;
        assert_eq!(read.at("/data/attributes/actions/is-force-cancelable"), false);
        assert_eq!(read.at("/data/attributes/permissions/can-force-cancel"), true);
    }

    async fn a_run_that_is_forced_in_front_discards_the_plan_that_was_there(server) {
        let (workspace, _) = configured(&server, json!({ "name": "net" })).await;
        let first = server.run(&workspace, json!({})).await;
        server.until(&first, "planned").await;
        let second = server.run(&workspace, json!({})).await;
        server.act(&second, "force-execute").await.is(202);
        server.until(&first, "discarded").await;
        let planned = server.until(&second, "planned").await;
        assert_eq!(planned.at("/data/attributes/actions/is-confirmable"), true);
    }

    async fn a_run_that_announces_no_checks_is_to_be_confirmed_when_it_is_planned(server) {
        let (workspace, _) = configured(&server, json!({ "name": "net" })).await;
        let run = server.try_run(&workspace, None, json!({})).await.is(201);
        assert!(matches!(run.at("/data/relationships/policy-checks/data"), Value::Null | Value::Array(_)));
        assert_eq!(run.at("/data/relationships/cost-estimate/data"), Value::Null);
        let stages = server.get(&format!("/runs/{}/task-stages", run.id())).await.is(200);
        assert_eq!(stages.at("/data"), json!([]));
        let planned = server.until(&run.id(), "planned").await;
        assert_eq!(planned.at("/data/attributes/actions/is-confirmable"), true);
    }

    async fn a_workspace_is_deleted_safely_when_it_is_empty_and_unlocked(server) {
        let safe_delete = async |id: &str| server.post(&format!("/workspaces/{id}/actions/safe-delete"), json!({})).await;
        let empty = server.workspace("empty").await;
        safe_delete(&empty).await.is(204);
        let locked = server.workspace("locked").await;
        server.post(&format!("/workspaces/{locked}/actions/lock"), json!({})).await.is(200);
        assert!(safe_delete(&locked).await.is(409).detail().contains("locked"));
        let (full, _) = configured(&server, json!({ "name": "full" })).await;
        let run = server.run(&full, json!({ "auto-apply": true })).await;
        server.until(&run, "applied").await;
        // Resources are counted before the run is over: nobody is told that the state is still being processed.
        let refused = safe_delete(&full).await.is(409);
        assert!(refused.detail().contains("not safe") && !refused.detail().contains("being processed"));
    }

    async fn a_new_run_says_why_it_was_made_and_has_events(server) {
        let (workspace, _) = configured(&server, json!({ "name": "net" })).await;
        let run = server.try_run(&workspace, None, json!({})).await.is(201);
        assert!(!run.text_at("/data/attributes/trigger-reason").is_empty());
        let events = server.get(&format!("/runs/{}/run-events", run.id())).await.is(200);
        assert_eq!(events.at("/data/0/attributes/action"), "queued");
    }

    async fn a_run_that_was_discarded_or_canceled_lets_nobody_confirm_it(server) {
        let (workspace, _) = configured(&server, json!({ "name": "net" })).await;
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "planned").await;
        server.act(&run, "discard").await.is(202);
        server.until(&run, "discarded").await;
        let refused = server.request(Method::POST, &format!("/runs/{run}/actions/apply")).send().await.is(409);
        assert!(!refused.detail().is_empty());
        let listed = server.get(&format!("/organizations/{ORGANIZATION}/runs/queue")).await.is(200);
        assert!(listed.ids().is_empty());
    }
}
