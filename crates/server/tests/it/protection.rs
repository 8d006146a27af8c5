//! Destroy protection: what downstreams still stand on is not taken away beneath them, unless somebody forces it.

use axum::http::Method;
use serde_json::json;

use crate::harness::{Server, on_both};

/// A workspace that has something.
async fn filled(server: &Server, name: &str) -> String {
    let workspace = server.workspace(name).await;
    server.configuration(&workspace, false).await;
    let run = server.run(&workspace, json!({ "auto-apply": true })).await;
    server.until(&run, "applied").await;
    workspace
}

/// A network, a cluster in it, and an application in that, which all have something.
async fn three(server: &Server) -> (String, String, String) {
    let network = filled(server, "network").await;
    let (cluster, application) = (filled(server, "cluster").await, filled(server, "application").await);
    for (upstream, downstream) in [(&network, &cluster), (&cluster, &application)] {
        let source = json!({ "sourceable": { "data": { "type": "workspaces", "id": upstream } } });
        let trigger = json!({ "data": { "relationships": source } });
        server.post(&format!("/workspaces/{downstream}/run-triggers"), trigger).await.is(201);
    }
    (network, cluster, application)
}

async fn destroy(server: &Server, workspace: &str) {
    let run = server.run(workspace, json!({ "is-destroy": true, "auto-apply": true })).await;
    server.until(&run, "applied").await;
}

on_both! {
    async fn an_upstream_is_not_destroyed_while_downstreams_have_something(server) {
        let (network, cluster, application) = three(&server).await;
        let refused = server.try_run(&network, None, json!({ "is-destroy": true })).await;
        let refused = refused.refuses(409, "workspace/downstreams");
        assert!(refused.detail().contains("\"application\", \"cluster\""), "{}", refused.detail());
        // To look at what would be destroyed harms nobody.
        server.run(&network, json!({ "is-destroy": true, "plan-only": true })).await;

        destroy(&server, &application).await;
        destroy(&server, &cluster).await;
        destroy(&server, &network).await;
    }

    async fn what_stands_further_down_counts_also_when_nothing_is_between(server) {
        let (network, cluster, _) = three(&server).await;
        let run = server.run(&cluster, json!({ "is-destroy": true, "auto-apply": true, "force": true })).await;
        server.until(&run, "applied").await;
        let refused = server.try_run(&network, None, json!({ "is-destroy": true })).await;
        assert!(refused.refuses(409, "workspace/downstreams").detail().contains("\"application\""));
    }

    async fn who_reads_an_upstream_stands_on_it_and_whom_a_runner_started_does_not(server) {
        let network = filled(&server, "network").await;
        let reader = server.workspace("reader").await;
        let code = "data \"tfe_outputs\" \"n\" {\n  workspace = \"network\"\n}\noutput \"o\" {\n  value = data.tfe_outputs.n.values.ip\n}\n";
        server.configuration_of(&reader, false, &[("main.tf", code)]).await;
        let run = server.run(&reader, json!({ "auto-apply": true })).await;
        server.until(&run, "applied").await;
        let refused = server.try_run(&network, None, json!({ "is-destroy": true })).await;
        assert!(refused.refuses(409, "workspace/downstreams").detail().contains("\"reader\""));
        destroy(&server, &reader).await;
        destroy(&server, &network).await;
    }

    async fn an_upstream_that_has_nothing_left_is_deleted_only_by_force(server) {
        let (network, _, _) = three(&server).await;
        let run = server.run(&network, json!({ "is-destroy": true, "auto-apply": true, "force": true })).await;
        server.until(&run, "applied").await;
        let safely = server.post(&format!("/workspaces/{network}/actions/safe-delete"), json!({})).await;
        safely.refuses(409, "workspace/downstreams");
        server.delete(&format!("/workspaces/{network}")).await.is(204);
    }

    async fn only_who_changes_a_workspace_forces_its_destruction(server) {
        let (network, _, _) = three(&server).await;
        let force = json!({ "data": {
            "attributes": { "is-destroy": true, "force": true },
            "relationships": { "workspace": { "data": { "type": "workspaces", "id": network } } },
        }});
        let team = server.team("crew").await;
        let grant = server.team_on_workspace(&team, &network, "write").await;
        let token = server.team_token(&team).await;
        let ask = async || server.request(Method::POST, "/runs").token(&token).json(&force).send().await;
        ask().await.refuses(403, "run/force");
        let admin = json!({ "data": { "attributes": { "access": "admin" } } });
        server.patch(&format!("/team-workspaces/{grant}"), admin).await.is(200);
        ask().await.is(201);
    }
}
