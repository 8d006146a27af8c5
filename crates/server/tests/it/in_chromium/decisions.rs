//! What a person decides: signing in, and what becomes of a run.

use serde_json::json;

use super::{Screen, page, plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_signs_in_with_the_keyboard_alone_and_out_again() {
    let screen = Screen::open().await;
    let tab = &screen.tab;
    screen.goto("/app/acme/runs").await;
    assert_eq!(screen.path().await, "/sign-in");
    tab.until("document.activeElement.id === 'username'").await;
    tab.fill("#token", "nonsense").await;
    tab.key("Enter").await;
    tab.until_shown("The token is unknown").await;
    assert!(tab.complaints().iter().all(|complaint| complaint.contains("422")));

    tab.fill("#token", &screen.server.token).await;
    tab.key("Enter").await;
    tab.until("location.pathname === '/app/acme/runs' && document.readyState === 'complete'").await;
    assert_eq!(tab.text("document.cookie").await, "", "no script sees the session");
    // The first stop of the keyboard leads past what is the same on every page.
    tab.key("Tab").await;
    assert_eq!(tab.text("document.activeElement.className").await, "skip");
    tab.key("Enter").await;
    tab.until("document.activeElement.id === 'main'").await;

    tab.follow("button >> Sign out").await;
    assert_eq!(screen.path().await, "/sign-in");
    screen.goto("/app/acme/runs").await;
    assert_eq!(screen.path().await, "/sign-in");
    screen.quiet();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_run_is_approved_one_discarded_and_one_canceled() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    server.give("net.show", &plan().to_string());
    let approved = screen.run_of("net", json!({ "message": "approve me" })).await;
    server.until(&approved, "planned").await;
    // From the list to the run, as somebody who waits for it comes there.
    screen.goto("/app/acme/runs").await;
    tab.follow("a >> approve me").await;
    tab.until_shown("1 object that exists is destroyed").await;
    tab.fill("#decide-comment", "I have looked").await;
    tab.follow("button >> Approve and apply").await;
    tab.until("document.querySelector('.badge').textContent === 'Applied'").await;
    server.until(&approved, "applied").await;
    tab.until_shown("I have looked").await;
    tab.until_shown("Apply complete!").await;

    let discarded = screen.run_of("db", json!({})).await;
    server.until(&discarded, "planned").await;
    screen.goto(&page("db", &discarded)).await;
    tab.follow("button >> Discard").await;
    tab.until("document.querySelector('.badge').textContent === 'Discarded'").await;
    server.until(&discarded, "discarded").await;
    tab.until("!document.querySelector('.decide')").await;

    server.gate("app.apply.gate");
    let canceled = screen.run_of("app", json!({ "auto-apply": true })).await;
    server.until_called("app apply").await;
    screen.goto(&page("app", &canceled)).await;
    tab.press("button >> Cancel the run").await;
    tab.until("document.querySelector('.badge').textContent === 'Canceled'").await;
    server.until(&canceled, "canceled").await;
    screen.quiet();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_a_run_is_found_read_and_approved() {
    let screen = Screen::open().await;
    let (tab, server) = (&screen.tab, &screen.server);
    tab.scripts(false).await;
    server.give("net.show", &plan().to_string());
    let run = screen.run_of("net", json!({ "message": "by hand" })).await;
    server.until(&run, "planned").await;

    screen.goto("/app").await;
    tab.fill("#token", &server.token).await;
    tab.follow("button >> Sign in with a token").await;
    tab.follow("a >> acme").await;
    tab.follow("a >> net").await;
    tab.follow("a >> by hand").await;
    let shown = tab.shown().await;
    for part in
        ["Waits for approval", "1 object that exists is destroyed", "terraform_data.old", "Terraform will perform"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // A part of the plan is opened and closed without a script.
    tab.until("document.querySelector('details').open").await;
    tab.press("summary").await;
    tab.until("!document.querySelector('details').open").await;

    server.gate("net.apply.gate");
    tab.fill("#decide-comment", "read it all").await;
    tab.follow("button >> Approve and apply").await;
    assert_eq!(screen.path().await, page("net", &run));
    server.open_gate("net.apply.gate").await;
    server.until(&run, "applied").await;
    screen.goto(&page("net", &run)).await;
    let shown = tab.shown().await;
    assert!(shown.contains("Applied") && shown.contains("read it all") && shown.contains("Apply complete!"), "{shown}");
    tab.follow("a >> Whole log").await;
    assert!(tab.shown().await.contains("Terraform will perform"));
    screen.quiet();
}
