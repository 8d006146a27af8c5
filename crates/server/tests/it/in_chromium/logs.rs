//! Logs as a person reads them: by a link to a line, by a search, and with the colours that terraform gave them.

use serde_json::json;

use super::{Screen, page};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_a_line_shows_that_line_in_view_and_marked() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    let said: String = (1..=12_000).map(|number| format!("line {number} of many\n")).collect();
    server.give("net.plan.says", &said);
    let run = screen.run_of("net", json!({})).await;
    server.until(&run, "planned").await;

    // Somebody takes the link of a line beside the run and sends it to another.
    screen.goto(&page("net", &run)).await;
    tab.until_shown("lines come before these").await;
    let number = "[...document.querySelectorAll('#plan-log .line')].find((it) => it.textContent.includes('line 11900 of many')).querySelector('.number')";
    let link = tab.text(&format!("{number}.href")).await;
    screen.goto("/app").await;
    tab.goto(&link).await;
    let place = |what: &str| {
        format!(
            "(() => {{ const it = document.querySelector('.line:target'); const box = it.getBoundingClientRect(); return {what}; }})()"
        )
    };
    assert!(tab.text(&place("it.textContent")).await.contains("line 11900 of many"));
    tab.until(&place("box.top >= 0 && box.bottom <= innerHeight")).await;
    let colours = tab.eval("[getComputedStyle(document.querySelector('.line:target')).backgroundColor, getComputedStyle(document.querySelector('.line:not(:target)')).backgroundColor]").await;
    assert_ne!(colours[0], colours[1], "the line stands out");

    // Without a script it is the same.
    tab.scripts(false).await;
    tab.goto(&link).await;
    tab.until(&place("box.top >= 0 && box.bottom <= innerHeight")).await;
    screen.quiet();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_searched_and_what_was_found_leads_to_its_place() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    let said: String = (1..=6_000).map(|number| format!("line {number} of many\n")).collect();
    server.give("net.plan.says", &format!("{said}\u{1b}[31m\u{1b}[1mError:\u{1b}[0m needle\n"));
    let run = screen.run_of("net", json!({})).await;
    server.until(&run, "planned").await;
    screen.goto(&format!("{}/log/plan", page("net", &run))).await;
    tab.fill("#find", "NEEDLE").await;
    tab.key("Enter").await;
    // The page before has lines too: what was found is there when they are gone.
    tab.until("document.querySelectorAll('.line').length === 1").await;
    assert_eq!(tab.eval("document.querySelectorAll('.line').length").await, 1);
    assert_eq!(tab.text("document.querySelector('.bold.c1').textContent").await, "Error:");
    tab.follow(".number").await;
    tab.until("document.querySelector('.line:target').textContent.includes('needle')").await;
    tab.follow("a >> Lines before").await;
    tab.until_shown("line 5500 of many").await;
    tab.follow("a >> First lines").await;
    tab.until_shown("line 1 of many").await;
    tab.follow("a >> Last lines").await;
    tab.until("document.querySelector('.line:target').textContent.includes('needle')").await;
    screen.quiet();
}
