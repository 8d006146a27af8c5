//! The plan of a whole stack is approved, and followed as its workspaces are applied, without loading its page again.

use serde_json::json;

use super::Screen;
use crate::harness::ORGANIZATION;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plan_of_a_stack_is_approved_and_its_workspaces_are_followed_to_their_end() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    let mut rows = Vec::new();
    for name in ["net", "app"] {
        let run = screen.run_of(name, json!({ "plan-only": true })).await;
        let planned = server.until(&run, "planned_and_finished").await;
        let workspace = planned.text_at("/data/relationships/workspace/data/id");
        rows.push(
            json!({ "workspace-id": workspace, "status": "planned", "run-id": run, "note": format!("[{name}]") }),
        );
    }
    let net = rows[0]["workspace-id"].as_str().expect("an id").to_owned();
    let plan = json!({ "data": { "attributes": { "message": "apply of prod", "digest": "d1", "rows": rows } } });
    let plan = server.post(&format!("/organizations/{ORGANIZATION}/stack-plans"), plan).await.is(201).id();

    screen.goto(&format!("/app/{ORGANIZATION}/plans")).await;
    screen.mark().await;
    tab.follow("a >> apply of prod").await;
    screen.mark().await;
    tab.until_shown("Waits for approval").await;
    tab.fill("#decide-comment", "looks good").await;
    tab.follow("button >> Approve and apply all of it").await;
    tab.until_shown("owner approved it").await;
    assert!(tab.shown().await.contains("looks good"));

    screen.mark().await;
    server.gate("net.apply.gate");
    let run = server.run(&net, json!({ "message": "apply [net]", "auto-apply": true })).await;
    tab.until_shown("Applying").await;
    server.open_gate("net.apply.gate").await;
    server.until(&run, "applied").await;
    tab.until("[...document.querySelectorAll('.sums .badge')].some((it) => it.textContent === 'Applied')").await;
    assert!(tab.shown().await.contains("none yet"), "the other one has not begun");
    assert!(screen.is_marked().await, "the page was not loaded again");
    screen.quiet();
    assert_eq!(server.get(&format!("/stack-plans/{plan}")).await.at("/data/attributes/comment"), "looks good");
}
