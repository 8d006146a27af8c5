//! What holds for every request: discovery, headers, errors, limits.

use axum::http::Method;
use serde_json::json;

use crate::harness::{ORGANIZATION, ORIGIN, on_both};

on_both! {
    async fn clients_find_the_api_and_see_the_headers_they_demand(server) {
        let found = server.request(Method::GET, "/.well-known/terraform.json").anonymous().send().await.is(200);
        assert_eq!(found.header("content-type"), "application/json");
        for service in ["tfe.v2", "tfe.v2.1", "tfe.v2.2", "state.v2"] {
            assert_eq!(found.json()[service], "/api/v2/");
        }
        let ping = server.request(Method::GET, "/ping").anonymous().send().await.is(204);
        for answer in [ping, server.get("/organizations").await, server.get("/nothing").await] {
            assert_eq!(answer.header("tfp-api-version"), "2.6");
            assert_eq!(answer.header("tfp-appname"), "Terraform Enterprise");
            assert_eq!(answer.header("x-tfe-version"), "v202502-1");
            assert!(!answer.headers.contains_key("x-ratelimit-limit"));
            assert!(!answer.header("x-request-id").is_empty());
        }
        assert_eq!(server.get("/organizations").await.header("content-type"), "application/vnd.api+json");
        for page in ["/healthz", "/app/settings/tokens", "/sign-in"] {
            server.request(Method::GET, page).at_root(page).anonymous().send().await.is(200);
        }
    }

    async fn whatever_is_not_there_is_a_json_api_error(server) {
        for path in ["/nothing", "/runs/ws-fSX576JZGENVaeMi", "/runs/run-../x", "/workspaces/ws-nothere", "/plans/plan-x",
                     "/organizations/%00", "/organizations/acme/workspaces/nothere", "/state-versions/sv-x"] {
            let answer = server.get(path).await.is(404);
            assert_eq!(answer.header("content-type"), "application/vnd.api+json", "{path}");
            assert_eq!(answer.at("/errors/0/status"), "404");
            assert_eq!(answer.text_at("/errors/0/title"), "not found");
            assert!(!answer.detail().is_empty());
        }
        let root = server.request(Method::GET, "/").at_root("/api/v3/x").send().await;
        root.refuses(404, "access/route");
        server.request(Method::PUT, "/ping").send().await.refuses(404, "access/not-found");
    }

    async fn what_cannot_be_read_is_refused_with_words(server) {
        let path = format!("/organizations/{ORGANIZATION}/workspaces");
        let post = || server.request(Method::POST, &path);
        post().bytes("{").send().await.refuses(400, "access/body");
        post().send().await.refuses(400, "access/body");
        post().bytes("[]").send().await.refuses(422, "access/body");
        post().json(&json!({ "data": { "attributes": { "execution-mode": "moon" } } })).send().await.refuses(422, "access/body");
        post().bytes(vec![b' '; 5 * 1024 * 1024]).send().await.refuses(413, "access/too-large");
        post().header("content-length", "99999999999").send().await.refuses(413, "access/too-large");
        server.get(&format!("{path}?search[name]=%00")).await.refuses(400, "access/query");
        server.get(&format!("{path}?%zz=1&a[b[c]]=1")).await.refuses(400, "access/query");
        server.get(&format!("{path}?junk=1&more[x]=2&TagBindings=%7B+app+x%7D&page[number]=")).await.is(200);
    }

    async fn a_signed_address_is_good_for_what_it_names_only(server) {
        let workspace = server.workspace("net").await;
        let body = json!({ "data": { "attributes": { "auto-queue-runs": false } } });
        let made = server.post(&format!("/workspaces/{workspace}/configuration-versions"), body).await.is(201);
        let url = made.text_at("/data/attributes/upload-url");
        assert!(url.starts_with(&format!("{ORIGIN}/signed/")), "{url}");
        let id = made.id();
        for wrong in [url.replace(&id, "cv-other"), url.replace("configurations", "states"), url.replace("/configurations", "9/configurations"), url.replace("/signed/", "/signed/0")] {
            server.request(Method::PUT, &wrong).bytes("x").send().await.refuses(404, "access/signed");
        }
        server.request(Method::GET, url).send().await.refuses(404, "access/signed");
    }
}
