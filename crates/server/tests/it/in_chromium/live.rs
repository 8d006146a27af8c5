//! A run that is followed as it goes, without loading its page again.

use serde_json::json;

use super::{Screen, page};

/// The status that the page shows.
const STATUS: &str = "document.querySelector('.badge').textContent";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_followed_from_queued_to_applied_on_one_page() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    server.gate("net.plan.gate");
    server.gate("net.apply.gate");
    // What waits for approval in the same workspace holds it up.
    let first = screen.run_of("net", json!({ "message": "first" })).await;
    server.until(&first, "planning").await;
    let workspace = server.get(&format!("/runs/{first}")).await.text_at("/data/relationships/workspace/data/id");
    let run = server.run(workspace, json!({ "message": "second", "auto-apply": true })).await;

    screen.goto(&page("net", &run)).await;
    screen.mark().await;
    assert_eq!(tab.text(STATUS).await, "Waiting");
    tab.until_shown(&first).await;
    server.open_gate("net.plan.gate").await;
    server.until(&first, "planned").await;
    server.gate("net.plan.gate");
    server.act(&first, "discard").await.is(202);
    tab.until(&format!("{STATUS} === 'Planning'")).await;
    tab.until_shown("Terraform will perform the following actions").await;
    server.open_gate("net.plan.gate").await;
    tab.until(&format!("{STATUS} === 'Applying'")).await;
    tab.until_shown("terraform_data.a").await;
    tab.until_shown("Applying...").await;
    server.open_gate("net.apply.gate").await;
    tab.until(&format!("{STATUS} === 'Applied'")).await;
    tab.until_shown("Apply complete!").await;
    assert_eq!(tab.text("document.getElementById('said').textContent").await, "Applied", "a screen reader is told");
    assert!(screen.is_marked().await, "the page was not loaded again");
    screen.quiet();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_lost_connection_the_page_goes_on_and_has_every_line_once() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    let said =
        |from: usize, to: usize| -> String { (from..=to).map(|number| format!("step {number} of it\n")).collect() };
    server.give("net.plan.says", &said(1, 400));
    server.give("net.apply.says", &said(401, 800));
    server.gate("net.plan.gate");
    let run = screen.run_of("net", json!({ "auto-apply": true })).await;
    server.until(&run, "planning").await;
    screen.goto(&page("net", &run)).await;
    screen.mark().await;
    tab.until("document.getElementById('plan-log').textContent.includes('step 400 of it')").await;

    screen.line.cut();
    tab.until_shown("The connection is lost").await;
    // All the rest happens while nobody looks.
    server.open_gate("net.plan.gate").await;
    server.until(&run, "applied").await;
    screen.line.mend();
    tab.until(&format!("{STATUS} === 'Applied'")).await;
    tab.until("document.getElementById('apply-log').textContent.includes('Apply complete!')").await;
    tab.until("document.getElementById('lost').hidden").await;
    let all = tab.eval(
        "[...document.querySelectorAll('.log .text')].map((it) => (it.textContent.match(/^step (\\d+) of it$/) || [])[1])
            .filter((it) => it).map(Number)",
    );
    assert_eq!(all.await, json!((1..=800).collect::<Vec<_>>()), "each line once, in order");
    assert!(screen.is_marked().await);
    // Chromium says itself that a connection was lost; nothing else is wrong.
    let complaints = tab.complaints();
    assert!(complaints.iter().all(|it| it.contains("/events") && it.contains("net::ERR")), "{complaints:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_does_not_take_away_what_a_person_types_opens_and_reads() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    let lines: String = (1..=300).map(|number| format!("line {number}\n")).collect();
    server.give("net.plan.says", &lines);
    server.gate("net.plan.gate");
    let run = screen.run_of("net", json!({})).await;
    server.until(&run, "planning").await;
    screen.goto(&page("net", &run)).await;
    tab.until("document.getElementById('plan-log').textContent.includes('line 300')").await;
    let at = "(() => { const box = document.querySelector('#plan-log .log'); return box.scrollHeight - box.clientHeight - box.scrollTop; })()";
    tab.until(&format!("{at} < 2")).await;

    // Somebody reads further up, and types.
    tab.eval("document.querySelector('#plan-log .log').scrollTop = 40").await;
    tab.fill("#decide-comment", "not yet sent").await;
    server.open_gate("net.plan.gate").await;
    tab.until(&format!("{STATUS} === 'Waits for approval'")).await;
    assert_eq!(tab.text("document.getElementById('decide-comment').value").await, "not yet sent");
    assert_eq!(tab.text("document.activeElement.id").await, "decide-comment", "and goes on typing there");
    assert_eq!(tab.eval("document.querySelector('#plan-log .log').scrollTop").await, 40);

    tab.press("#part-plan summary").await;
    let open = tab.eval("document.querySelector('#part-plan details').open").await;
    tab.press("button >> Approve and apply").await;
    tab.until(&format!("{STATUS} === 'Applied'")).await;
    assert!(tab.eval("document.querySelector('#part-plan details').open").await.is_boolean() && open.is_boolean());
    screen.quiet();
}
