//! Pages that are followed as things go: the graph, and lists.

use serde_json::json;

use super::Screen;
use crate::harness::{ORGANIZATION, Server};

/// How a workspace stands, as the picture has it.
fn state(name: &str) -> String {
    format!("document.querySelector('.node[data-name=\"{name}\"] .state')?.textContent")
}

async fn trigger(server: &Server, upstream: &str, downstream: &str) {
    let source = json!({ "sourceable": { "data": { "type": "workspaces", "id": upstream } } });
    let body = json!({ "data": { "relationships": source } });
    server.post(&format!("/workspaces/{downstream}/run-triggers"), body).await.is(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graph_is_followed_while_its_workspaces_run_and_come_and_stand_on_one_another() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    let db = server.workspace("db").await;
    server.configuration(&db, false).await;
    server.gate("net.plan.gate");
    let run = screen.run_of("net", json!({ "auto-apply": true })).await;
    server.until_called("net plan").await;
    let net = server.get(&format!("/runs/{run}")).await.text_at("/data/relationships/workspace/data/id").to_owned();

    screen.goto("/app/acme/graph").await;
    screen.mark().await;
    tab.until(&format!("{} === 'Planning'", state("net"))).await;
    assert_eq!(tab.text(&state("db")).await, "No resources");
    trigger(server, &net, &db).await;
    let app = server.workspace("app").await;
    tab.until("document.querySelectorAll('.arrow').length === 1 && document.querySelectorAll('.node').length === 3")
        .await;
    trigger(server, &db, &app).await;
    server.open_gate("net.plan.gate").await;
    tab.until(&format!("{} === 'Applied'", state("net"))).await;
    tab.until(&format!("{} === 'Waits for approval'", state("db"))).await;
    tab.until("document.querySelector('#twin').innerText.includes('Waits for approval')").await;
    tab.until("document.getElementById('said').textContent.includes('1 waits for approval')").await;
    assert!(screen.is_marked().await, "the page was not loaded again");
    screen.quiet();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_marks_what_it_finds_as_one_types_and_what_comes_does_not_undo_it() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    for name in ["net", "network", "db"] {
        server.workspace(name).await;
    }
    screen.goto("/app/acme/graph").await;
    tab.fill("#focus", "NET").await;
    let dim = "[...document.querySelectorAll('.node.dim')].map((it) => it.dataset.name).join()";
    tab.until(&format!("{dim} === 'db'")).await;
    assert_eq!(tab.eval("document.querySelectorAll('tbody tr:not([hidden])').length").await, 2);
    server.workspace("later").await;
    tab.until("document.querySelectorAll('.node').length === 4").await;
    tab.until(&format!("{dim} === 'db,later'")).await;
    assert_eq!(tab.text("document.activeElement.id").await, "focus");
    tab.fill("#focus", "").await;
    tab.until(&format!("{dim} === ''")).await;
    screen.quiet();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_followed_and_what_was_typed_beside_them_stays() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    server.gate("net.plan.gate");
    let first = screen.run_of("net", json!({ "message": "the first of them" })).await;
    server.until_called("net plan").await;
    let net = server.get(&format!("/runs/{first}")).await.text_at("/data/relationships/workspace/data/id").to_owned();
    for (page, shows) in
        [("runs", "later, of"), ("queue", "later, of"), ("workspaces/net", "later, of"), ("workspaces", "another-")]
    {
        screen.goto(&format!("/app/{ORGANIZATION}/{page}")).await;
        screen.mark().await;
        // A run, or a workspace, that comes while somebody looks.
        let text = format!("{shows}{}", page.replace('/', "-"));
        assert!(!tab.shown().await.contains(&text));
        match page {
            "workspaces" => server.workspace(&text).await,
            "workspaces/net" => {
                tab.fill("#start-message", "not yet sent").await;
                server.run(&net, json!({ "message": text })).await
            }
            _ => server.run(&net, json!({ "message": text })).await,
        };
        tab.until_shown(&text).await;
        assert!(screen.is_marked().await, "{page}");
    }
    screen.goto("/app/acme/workspaces/net").await;
    tab.fill("#start-message", "not yet sent").await;
    server.open_gate("net.plan.gate").await;
    tab.until("document.querySelector('#part-runs').innerText.includes('Waits for approval')").await;
    assert_eq!(tab.text("document.getElementById('start-message').value").await, "not yet sent");
    screen.quiet();
}
