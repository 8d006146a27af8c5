//! How fast a client may ask, and what is never held up.

use axum::http::Method;
use serde_json::json;

use crate::harness::{Answer, Database, Server};

async fn limited(per_second: u32) -> Server {
    Server::open_with(Database::Sqlite, |options| options.rate_limit = per_second).await
}

/// Asks until it is refused.
async fn until_refused(server: &Server, token: &str) -> Answer {
    for _ in 0..10_000 {
        let answer = server.request(Method::GET, "/account/details").token(token).send().await;
        if answer.status.as_u16() == 429 {
            return answer;
        }
    }
    panic!("it was never refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_too_fast_is_told_when_to_ask_again_and_others_are_not_held_up() {
    let server = limited(30).await;
    let team = server.team("crew").await;
    let other = server.team_token(&team).await;
    let first = server.get("/account/details").await.is(200);
    assert_eq!(first.header("x-ratelimit-limit"), "30");
    assert!(first.header("x-ratelimit-remaining").parse::<u32>().unwrap() < 60);
    let refused = until_refused(&server, &server.token).await.refuses(429, "access/rate");
    assert_eq!(refused.text_at("/errors/0/title"), "too many requests");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    // As go-tfe reads it; what it cannot read ends it.
    assert!(refused.header("x-ratelimit-reset").parse::<f64>().unwrap() > 0.0);
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert_eq!(refused.header("tfp-api-version"), "2.6");
    server.request(Method::GET, "/account/details").token(&other).send().await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_is_kept_and_a_lock_ended_however_much_else_is_asked() {
    let server = limited(10).await;
    let workspace = server.workspace("net").await;
    server.post(&format!("/workspaces/{workspace}/actions/lock"), json!({})).await.is(200);
    until_refused(&server, &server.token).await;
    let bytes = json!({ "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {}, "resources": [] }).to_string();
    let md5 = hex::encode(<md5::Md5 as md5::Digest>::digest(&bytes));
    let attributes = json!({ "serial": 1, "lineage": "l", "md5": md5 });
    let body = json!({ "data": { "type": "state-versions", "attributes": attributes } });
    let made = server.post(&format!("/workspaces/{workspace}/state-versions"), body).await.is(201);
    for _ in 0..100 {
        let put = server.request(Method::PUT, made.text_at("/data/attributes/hosted-state-upload-url"));
        put.anonymous().bytes(bytes.clone()).send().await.is(200);
    }
    server.post(&format!("/workspaces/{workspace}/actions/unlock"), json!({})).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_run_asks_with_its_own_token_is_never_refused() {
    let server = limited(20).await;
    let workspace = server.workspace("net").await;
    server.configuration(&workspace, false).await;
    server.gate("net.plan.gate");
    server.run(&workspace, json!({})).await;
    let token = crate::access::token_of_run(&server, "net").await;
    for _ in 0..200 {
        server.request(Method::GET, &format!("/workspaces/{workspace}")).token(&token).send().await.is(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_limit_there_is_none_and_nothing_is_told() {
    let server = Server::open(Database::Sqlite).await;
    // Without the protection the flood goes through: what the other tests look at would see it.
    for _ in 0..300 {
        let answer = server.get("/account/details").await.is(200);
        assert!(!answer.headers.contains_key("x-ratelimit-limit"));
    }
    figures::control("http");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_tries_to_sign_in_with_one_account_again_and_again_has_to_wait() {
    let server = limited(1000).await;
    let mut browser = server.browser();
    let mut statuses = Vec::new();
    for number in 0..12 {
        let guess = format!("abc.atlasv1.{number}");
        statuses.push(browser.sign_in(&guess, "/app").await.status.as_u16());
    }
    assert_eq!((statuses[0], statuses[11]), (422, 429), "{statuses:?}");
    browser.sign_in(&server.token, "/app").await.is(303);
}
