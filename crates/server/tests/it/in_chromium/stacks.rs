//! Stacks in a browser: how long they live.

use serde_json::json;

use super::Screen;
use crate::harness::ORGANIZATION;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_stack_is_made_longer_and_endless() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    let net = server.workspace("net").await;
    let ends = "2099-01-01T00:00:00Z";
    let stack = json!({ "data": { "attributes": { "name": "demo", "workspace-ids": [net], "expires-at": ends } } });
    let stack = server.post(&format!("/organizations/{ORGANIZATION}/stacks"), stack).await.is(201).id();
    let shown = "document.querySelector('#part-life time')?.dateTime";
    let kept =
        || async { server.get(&format!("/stacks/{stack}")).await.text_at("/data/attributes/expires-at").to_owned() };

    screen.goto("/app/acme/stacks").await;
    tab.follow("a >> demo").await;
    assert!(tab.text(shown).await.starts_with("2099-01-01T00:00:00"));
    tab.press("button >> 24 hours more").await;
    tab.until(&format!("({shown} || '').startsWith('2099-01-02')")).await;
    assert!(kept().await.starts_with("2099-01-02T00:00:00"));
    tab.press("button >> Take the end away").await;
    tab.until_shown("It has no end").await;
    assert_eq!(kept().await, "");
    // Without a script it is the same.
    tab.scripts(false).await;
    screen.goto("/app/acme/stacks/demo").await;
    tab.follow("button >> 7 days more").await;
    tab.until_shown("Its workspaces are destroyed then").await;
    assert_ne!(kept().await, "");
    screen.quiet();
}
