//! A stack with the real terraform, as somebody in a browser sees it: planned as a whole, approved once, and followed to its end.

use chromium::Chromium;

use crate::harness::child::Running;
use crate::harness::server::Server;
use crate::platform;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_is_approved_as_a_whole_and_its_graph_is_followed_until_all_of_it_is_applied() {
    let server = Server::start();
    let stack = platform::stack(&server);
    let mut apply = Running::start(&mut platform::command(&server, &stack, "apply", &["--approve-in-browser"]));
    apply.wait_for("waits for approval at ");

    let chromium = Chromium::start().await;
    let tab = chromium.tab().await;
    let origin = format!("http://{}", server.address());
    tab.goto(&format!("{origin}/app/{}/plans", server.organization())).await;
    tab.fill("#token", server.token()).await;
    tab.follow("button >> Sign in with a token").await;
    let graph = format!("{origin}/app/{}/graph", server.organization());
    let applied = "[...document.querySelectorAll('.node .state')].filter((it) => it.textContent === 'Applied').length";
    tab.goto(&graph).await;
    tab.until("document.querySelectorAll('.node').length === 5").await;
    assert_eq!(tab.eval(applied).await, 0);
    tab.goto(&format!("{origin}/app/{}/plans", server.organization())).await;
    tab.follow("tbody a").await;
    tab.until_shown("Waits for approval").await;
    let all = tab.text("document.getElementById('main').textContent").await;
    // Each workspace has its line, and what an upstream has not made yet is an unknown.
    for part in ["network", "cluster", "database", "dns", "apps", "in 5 workspaces", "(known after apply)"] {
        assert!(all.contains(part), "{part}: {all}");
    }
    assert!(!all.contains("postgres://app@"), "what is sensitive is hidden");
    tab.fill("#decide-comment", "all of it").await;
    tab.follow("button >> Approve and apply all of it").await;

    tab.goto(&graph).await;
    tab.eval("window.mark = 1").await;
    tab.until(&format!("{applied} === 5")).await;
    assert_eq!(tab.eval("window.mark").await, 1, "the page was not loaded again");
    apply.finish().succeeds().says("5 applied");

    let run = server.runs("apps")[0]["id"].as_str().unwrap().to_owned();
    tab.goto(&format!("{origin}/app/{}/apps/runs/{run}", server.organization())).await;
    tab.until("document.getElementById('apply-log').innerText.includes('Apply complete!')").await;
    let complaints = tab.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
