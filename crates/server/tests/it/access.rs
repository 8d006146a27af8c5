//! Who may come in, and what the token of a run sees.

use axum::http::Method;
use serde_json::json;

use crate::harness::{ORGANIZATION, Server, on_both};

/// The token of the run that is under way in this workspace, as its terraform was given it.
pub(crate) async fn token_of_run(server: &Server, name: &str) -> String {
    for _ in 0..6000 {
        let config = std::fs::read_to_string(server.control(&format!("{name}.cli"))).unwrap_or_default();
        if let Some((_, rest)) = config.split_once("token")
            && let Some(token) = rest.split('"').nth(1)
            && config.trim_end().ends_with('}')
        {
            return token.to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the run of {name} got no token");
}

on_both! {
    async fn without_a_valid_token_there_is_nothing(server) {
        for path in ["/organizations", "/account/details", "/runs/run-x", "/organizations/acme/entitlement-set"] {
            let answer = server.request(Method::GET, path).anonymous().send().await.refuses(401, "access/unauthorized");
            assert_eq!(answer.text_at("/errors/0/title"), "unauthorized");
            server.request(Method::GET, path).token("nonsense").send().await.refuses(401, "access/unauthorized");
            let basic = server.request(Method::GET, path).anonymous();
            basic.header("authorization", &format!("Basic {}", server.token)).send().await.is(401);
        }
        let account = server.get("/account/details").await.is(200);
        assert_eq!(account.at("/data/attributes/username"), "owner");
        let user = server.get(&format!("/users/{}", account.id())).await.is(200);
        assert_eq!(user.id(), account.id());
    }

    async fn the_token_of_a_run_sees_what_it_may_and_dies_with_it(server) {
        let apart = server.project("apart").await;
        let (own, shared, other) = (
            server.workspace("own").await,
            server.workspace_in(&apart, "shared").await,
            server.workspace_in(&apart, "other").await,
        );
        for workspace in [&own, &shared, &other] {
            server.configuration(workspace, false).await;
            let run = server.run(workspace, json!({ "auto-apply": true })).await;
            server.until(&run, "applied").await;
        }
        let consumers = format!("/workspaces/{shared}/relationships/remote-state-consumers");
        server.post(&consumers, json!({ "data": [{ "type": "workspaces", "id": own }] })).await.is(204);
        std::fs::remove_file(server.control("own.cli")).unwrap();
        server.gate("own.plan.gate");
        let run = server.run(&own, json!({})).await;
        server.until(&run, "planning").await;
        let token = token_of_run(&server, "own").await;
        let get = async |path: String| server.request(Method::GET, &path).token(&token).send().await;

        get(format!("/organizations/{ORGANIZATION}/entitlement-set")).await.is(200);
        for workspace in [&own, &shared] {
            get(format!("/workspaces/{workspace}/current-state-version")).await.is(200);
        }
        // What `tfe_outputs` does.
        let read = get(format!("/organizations/{ORGANIZATION}/workspaces/shared?include=outputs")).await.is(200);
        assert_eq!(read.at("/data/attributes/permissions/can-update"), false);
        let output = read.text_at("/data/relationships/outputs/data/0/id");
        get(format!("/state-version-outputs/{output}")).await.is(200);
        get(format!("/organizations/{ORGANIZATION}/workspaces/other?include=outputs")).await.is(404);
        get(format!("/workspaces/{other}/current-state-version-outputs")).await.is(404);
        assert_eq!(get(format!("/organizations/{ORGANIZATION}/workspaces")).await.is(200).ids(), [own.clone(), shared.clone()]);
        assert_eq!(get(format!("/organizations/{ORGANIZATION}/runs")).await.is(200).ids().len(), 2);
        get(format!("/workspaces/{own}/vars")).await.is(200);
        get(format!("/workspaces/{shared}/vars")).await.is(404);
        get("/account/details".into()).await.is(404);
        let body = json!({ "data": { "relationships": { "workspace": { "data": { "type": "workspaces", "id": own } } } } });
        server.request(Method::POST, "/runs").token(&token).json(&body).send().await.is(404);

        server.open_gate("own.plan.gate").await;
        server.until(&run, "planned").await;
        server.act(&run, "discard").await.is(202);
        get(format!("/workspaces/{own}")).await.refuses(401, "access/unauthorized");
    }
}
