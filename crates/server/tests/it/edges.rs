//! Which workspaces depend on which, and where the server knows it from.

use axum::http::Method;
use serde_json::{Value, json};

use crate::access::token_of_run;
use crate::harness::{Answer, Server, on_both};

/// Starts a run whose plan waits at its gate, and returns its token.
async fn planning(server: &Server, name: &str, workspace: &str) -> String {
    let _ = std::fs::remove_file(server.control(&format!("{name}.cli")));
    server.gate(&format!("{name}.plan.gate"));
    let run = server.run(workspace, json!({ "auto-apply": true })).await;
    server.until(&run, "planning").await;
    server.until_called(&format!("{name} plan")).await;
    token_of_run(server, name).await
}

async fn applied(server: &Server, workspace: &str) {
    let run = server.run(workspace, json!({ "auto-apply": true })).await;
    server.until(&run, "applied").await;
}

async fn edges(server: &Server, workspace: &str) -> Answer {
    server.get(&format!("/workspaces/{workspace}/edges")).await.is(200)
}

/// Sentences of all edges of a workspace, sorted.
async fn sentences(server: &Server, workspace: &str) -> Vec<String> {
    let answer = edges(server, workspace).await;
    let all = answer.json()["data"].as_array().unwrap().clone();
    let mut all: Vec<_> = all.iter().map(|it| it["attributes"]["message"].as_str().unwrap().to_owned()).collect();
    all.sort();
    all
}

async fn pair(server: &Server, code: &str) -> (String, String) {
    let (a, d) = (server.workspace("a").await, server.workspace("d").await);
    server.configuration(&a, false).await;
    server.configuration_of(&d, false, &[("main.tf", code)]).await;
    applied(server, &a).await;
    let consumers = format!("/workspaces/{a}/relationships/remote-state-consumers");
    server.post(&consumers, json!({ "data": [{ "type": "workspaces", "id": d }] })).await.is(204);
    (a, d)
}

const CODE: &str =
    "data \"tfe_outputs\" \"a\" {\n  workspace = \"a\"\n}\noutput \"o\" {\n  value = data.tfe_outputs.a.values.ip\n}\n";

on_both! {
    async fn what_a_run_reads_is_an_edge_and_what_a_person_reads_is_none(server) {
        let (a, d) = pair(&server, "").await;
        server.get(&format!("/workspaces/{a}?include=outputs")).await.is(200);
        let token = planning(&server, "d", &d).await;
        assert!(sentences(&server, &d).await.is_empty());
        let get = async |path: String| server.request(Method::GET, &path).token(&token).send().await.is(200);

        let outputs = server.get(&format!("/workspaces/{a}/current-state-version-outputs")).await.is(200).ids();
        get(format!("/state-version-outputs/{}", outputs[0])).await;
        assert_eq!(sentences(&server, &d).await, ["A run of \"d\" read the output \"ip\" of \"a\"."]);
        get(format!("/workspaces/{d}?include=outputs")).await;
        get(format!("/workspaces/{a}?include=outputs")).await;
        get(format!("/state-version-outputs/{}", outputs[1])).await;
        assert_eq!(sentences(&server, &d).await, ["A run of \"d\" read the outputs of \"a\"."]);
        get(format!("/workspaces/{a}/current-state-version")).await;
        let expected = ["A run of \"d\" read the outputs of \"a\".", "A run of \"d\" read the state of \"a\"."];
        assert_eq!(sentences(&server, &d).await, expected);
        assert_eq!(sentences(&server, &a).await, expected);

        let seen = edges(&server, &a).await;
        assert_eq!(seen.at("/data/0/attributes/kind"), "outputs");
        assert_eq!(seen.at("/data/0/attributes/outputs"), Value::Null);
        assert_eq!(seen.at("/data/0/relationships/upstream/data/id"), a.as_str());
        assert_eq!(seen.at("/data/0/relationships/downstream/data/id"), d.as_str());
        server.open_gate("d.plan.gate").await;
    }

    async fn a_run_that_destroys_reads_the_last_outputs_of_an_upstream_that_is_gone_and_no_other_run_does(server) {
        let (a, d) = pair(&server, "").await;
        applied(&server, &d).await;
        let gone = server.run(&a, json!({ "is-destroy": true, "auto-apply": true, "force": true })).await;
        server.until(&gone, "applied").await;
        let outputs = format!("/workspaces/{a}/current-state-version-outputs");
        let state = format!("/workspaces/{a}/current-state-version");
        let named = async |token: &str, path: &str| {
            let answer = server.request(Method::GET, path).token(token).send().await.is(200);
            let all = answer.json()["data"].as_array().unwrap().clone();
            all.iter().map(|it| it["attributes"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };

        let token = planning(&server, "d", &d).await;
        assert!(named(&token, &outputs).await.is_empty());
        let newest = server.request(Method::GET, &state).token(&token).send().await.is(200).id();
        server.open_gate("d.plan.gate").await;
        let last = server.get(&format!("/workspaces/{d}/runs")).await.is(200).ids()[0].clone();
        server.until(&last, "applied").await;

        let _ = std::fs::remove_file(server.control("d.cli"));
        server.gate("d.plan.gate");
        let destroy = server.run(&d, json!({ "is-destroy": true })).await;
        server.until(&destroy, "planning").await;
        let token = token_of_run(&server, "d").await;
        assert_eq!(named(&token, &outputs).await, ["ip", "key"]);
        let older = server.request(Method::GET, &state).token(&token).send().await.is(200).id();
        assert_ne!(older, newest);
        let of_it = format!("/state-versions/{older}/outputs");
        assert_eq!(named(&token, &of_it).await, ["ip", "key"]);
        let included = server.request(Method::GET, &format!("/workspaces/{a}?include=outputs")).token(&token);
        assert_eq!(included.send().await.is(200).json()["included"].as_array().unwrap().len(), 2);
        assert!(server.get(&outputs).await.is(200).ids().is_empty(), "a person sees what there is");
        server.open_gate("d.plan.gate").await;
    }

    async fn the_code_of_a_run_says_what_it_reads_and_newer_code_says_otherwise(server) {
        let (a, d) = pair(&server, CODE).await;
        applied(&server, &d).await;
        let expected = ["The code of \"d\" uses the output \"ip\" of \"a\" (main.tf:1)."];
        assert_eq!(sentences(&server, &d).await, expected);
        let speculative = server.configuration_of(&d, true, &[("main.tf", "")]).await;
        let plan = server.try_run(&d, Some(&speculative), json!({})).await.is(201).id();
        server.until(&plan, "planned_and_finished").await;
        assert_eq!(sentences(&server, &a).await, expected);

        applied(&server, &d).await;
        assert_eq!(edges(&server, &d).await.at("/data/0/attributes/outputs"), json!(["ip"]));
        server.configuration(&d, false).await;
        applied(&server, &d).await;
        assert!(sentences(&server, &d).await.is_empty());
    }

    async fn a_variable_of_the_workspace_names_the_upstream(server) {
        let code = CODE.replace("\"a\"\n}", "var.from\n}") + "variable \"from\" {\n  default = \"x\"\n}\n";
        let (a, d) = pair(&server, &code).await;
        let variable = json!({ "data": { "attributes": { "key": "from", "value": "a", "category": "terraform" } } });
        server.post(&format!("/workspaces/{d}/vars"), variable).await.is(201);
        applied(&server, &d).await;
        assert_eq!(sentences(&server, &a).await.len(), 1);
    }

    async fn a_run_trigger_is_an_edge_and_edges_go_with_their_workspace(server) {
        let (a, d) = pair(&server, CODE).await;
        let source = json!({ "sourceable": { "data": { "type": "workspaces", "id": a } } });
        let body = json!({ "data": { "relationships": source } });
        server.post(&format!("/workspaces/{d}/run-triggers"), body).await.is(201);
        applied(&server, &d).await;
        let expected = [
            "\"d\" runs when \"a\" was applied.",
            "The code of \"d\" uses the output \"ip\" of \"a\" (main.tf:1).",
        ];
        assert_eq!(sentences(&server, &a).await, expected);
        server.delete(&format!("/workspaces/{d}")).await.is(204);
        assert!(sentences(&server, &a).await.is_empty());
    }

    async fn a_run_that_starts_runs_is_their_runner(server) {
        let (runner, child) = (server.workspace("runner").await, server.workspace("child").await);
        for workspace in [&runner, &child] {
            server.configuration(workspace, false).await;
        }
        server.gate("runner.apply.gate");
        let run = server.run(&runner, json!({ "auto-apply": true })).await;
        server.until_called("runner apply").await;
        server.until(&run, "applying").await;
        let token = token_of_run(&server, "runner").await;
        let workspace = json!({ "data": { "type": "workspaces", "id": child } });
        let body = json!({ "data": { "attributes": {}, "relationships": { "workspace": workspace } } });
        server.request(Method::POST, "/runs").token(&token).json(&body).send().await.is(201);
        assert_eq!(sentences(&server, &child).await, ["A run of \"runner\" started runs of \"child\"."]);
        server.open_gate("runner.apply.gate").await;
    }
}
