//! Tokens of teams and organizations.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{ORGANIZATION, on_both};

fn attributes(attributes: Value) -> Value {
    json!({ "data": { "attributes": attributes } })
}

on_both! {
    async fn a_team_has_one_token_without_a_description_and_a_new_one_replaces_it(server) {
        let team = server.team("crew").await;
        let path = format!("/teams/{team}/authentication-token");
        server.get(&path).await.refuses(404, "token/none");
        server.delete(&path).await.refuses(404, "token/none");
        let first = server.post(&path, attributes(json!({ "expired-at": null }))).await.is(201);
        assert_eq!(first.at("/data/type"), "authentication-tokens");
        assert_eq!(first.at("/data/relationships/team/data/id"), team.as_str());
        let read = server.get(&path).await.is(200);
        assert_eq!((read.id(), read.at("/data/attributes/token")), (first.id(), Value::Null));
        let second = server.team_token(&team).await;
        let as_team = |token: &str| server.request(Method::GET, "/account/details").token(token).send();
        as_team(first.text_at("/data/attributes/token")).await.refuses(401, "access/unauthorized");
        let account = as_team(&second).await.is(200);
        assert_eq!(account.at("/data/attributes/is-service-account"), true);
        assert_eq!(account.at("/data/relationships/authenticated-resource/data/id"), team.as_str());
        server.delete(&path).await.is(204);
        as_team(&second).await.refuses(401, "access/unauthorized");
        let past = attributes(json!({ "expired-at": "2020-01-01T00:00:00Z" }));
        server.post(&path, past).await.refuses(422, "token/expired");
    }

    async fn a_team_has_any_number_of_tokens_with_a_description(server) {
        let team = server.team("crew").await;
        let path = format!("/teams/{team}/authentication-tokens");
        let wanted = attributes(json!({ "description": "ci", "expired-at": "2999-01-01T00:00:00Z" }));
        let made = server.post(&path, wanted.clone()).await.is(201);
        assert_eq!(made.at("/data/attributes/expired-at"), "2999-01-01T00:00:00.000Z");
        server.post(&path, wanted).await.refuses(422, "token/description");
        server.post(&path, json!({ "data": {} })).await.refuses(422, "token/description");
        server.post(&path, attributes(json!({ "description": "other" }))).await.is(201);
        server.get(&format!("/teams/{team}/authentication-token")).await.is(404);
        assert_eq!(server.get(&path).await.is(200).ids().len(), 2);
        assert_eq!(server.get(&format!("/organizations/{ORGANIZATION}/team-tokens?q=ci")).await.is(200).ids().len(), 1);
        let one = format!("/authentication-tokens/{}", made.id());
        assert_eq!(server.get(&one).await.is(200).at("/data/attributes/description"), "ci");
        let secret = made.text_at("/data/attributes/token");
        server.request(Method::GET, &one).token(secret).send().await.is(404);
        server.delete(&one).await.is(204);
        server.request(Method::GET, "/organizations").token(secret).send().await.is(401);

        let other = server.team_token(&team).await;
        server.delete(&format!("/teams/{team}")).await.is(204);
        server.request(Method::GET, "/organizations").token(&other).send().await.is(401);
    }

    async fn the_token_of_an_organization_sets_things_up_and_runs_nothing(server) {
        let path = format!("/organizations/{ORGANIZATION}/authentication-token");
        server.get(&path).await.refuses(404, "token/none");
        let made = server.post(&path, json!({ "data": {} })).await.is(201);
        let token = made.text_at("/data/attributes/token");
        let get = |path: String| server.request(Method::GET, &path).token(token).send();
        let post = async |path: &str, body: Value| server.request(Method::POST, path).token(token).json(&body).send().await;

        let account = get("/account/details".into()).await.is(200);
        assert_eq!(account.at("/data/relationships/authenticated-resource/data/id"), ORGANIZATION);
        let workspaces = format!("/organizations/{ORGANIZATION}/workspaces");
        let workspace = post(&workspaces, attributes(json!({ "name": "own" }))).await.is(201);
        assert_eq!(workspace.at("/data/attributes/permissions/can-update"), true);
        assert_eq!(workspace.at("/data/attributes/permissions/can-queue-run"), false);
        let workspace = workspace.id();
        let variable = attributes(json!({ "key": "a", "category": "env" }));
        post(&format!("/workspaces/{workspace}/vars"), variable).await.is(201);
        post(&format!("/organizations/{ORGANIZATION}/projects"), attributes(json!({ "name": "ours" }))).await.is(201);
        post(&format!("/organizations/{ORGANIZATION}/teams"), attributes(json!({ "name": "crew" }))).await.is(201);

        server.configuration(&workspace, false).await;
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "planned").await;
        get(format!("/runs/{run}")).await.is(200);
        get(format!("/runs/{run}/plan/json-output")).await.is(404);
        let relationships = json!({ "workspace": { "data": { "type": "workspaces", "id": workspace } } });
        post("/runs", json!({ "data": { "relationships": relationships } })).await.is(404);
        for action in ["apply", "discard", "cancel", "force-cancel", "force-execute"] {
            post(&format!("/runs/{run}/actions/{action}"), json!({})).await.is(404);
        }
        post(&format!("/workspaces/{workspace}/configuration-versions"), attributes(json!({}))).await.is(404);
        let state = attributes(json!({ "serial": 1, "md5": "d41d8cd98f00b204e9800998ecf8427e" }));
        post(&format!("/workspaces/{workspace}/state-versions"), state).await.is(404);
        post("/organizations", attributes(json!({ "name": "mine", "email": "a@b" }))).await.is(404);
        post(&path, json!({ "data": {} })).await.is(404);
        server.get(&format!("{path}?token=audit-trails")).await.refuses(404, "token/audit");
        server.delete(&path).await.is(204);
        get("/account/details".into()).await.is(401);
    }
}
