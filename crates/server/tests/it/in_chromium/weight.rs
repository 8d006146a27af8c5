//! Pages with very much on them: a run whose log has many megabytes, a stack of very many workspaces. `cargo xtask bench pages` runs this at full size, measures
//! in the browser and fails where a bound is passed; among the other tests it is small and measures nothing.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;

use super::{Screen, page};
use crate::harness::ORGANIZATION;

/// Longest time that a page may take, in milliseconds.
const BOUND: f64 = 1000.0;
/// Longest time that one frame may take while something is scrolled.
const FRAME: f64 = 150.0;
/// How often each page is opened; the one in the middle counts.
const ROUNDS: usize = 5;

/// What is measured, and where that is told; nothing among the other tests.
struct Report {
    file: Option<PathBuf>,
    text: String,
    empty: f64,
}

impl Report {
    /// An empty page of the same server is what the others are compared with.
    async fn begin(screen: &Screen) -> Self {
        let file = std::env::var_os("MULTISPACE_PAGES_REPORT").map(PathBuf::from);
        let mut report = Self { file, text: String::new(), empty: 1.0 };
        if report.file.is_some() {
            report.empty = median(screen, "/app/settings/tokens").await;
            writeln!(report.text, "  {:<44} {:>7.0} ms", "an empty page", report.empty).unwrap();
        }
        report
    }

    /// Opens a page, and says how long that takes when it is asked for.
    async fn page(&mut self, screen: &Screen, name: &str, path: &str) {
        if self.file.is_none() {
            return screen.goto(path).await;
        }
        let first = screen.tab.drawn(&format!("{}{path}", screen.line.origin)).await;
        let took = median(screen, path).await;
        let ratio = took / self.empty;
        writeln!(self.text, "  {name:<44} {took:>7.0} ms  {ratio:>5.1} times that, the first time {first:.0} ms")
            .unwrap();
        assert!(first < BOUND && took < BOUND, "{name} takes too long\n{}", self.text);
    }

    /// Scrolls through an element of the page that is open.
    async fn scroll(&mut self, screen: &Screen, name: &str, element: &str) {
        let mut frames = screen.tab.scrolled(element, 60).await;
        assert_eq!(frames.len(), 60);
        if self.file.is_none() {
            return;
        }
        frames.sort_by(f64::total_cmp);
        let (middle, worst) = (frames[30], frames[59]);
        writeln!(self.text, "  {name:<44} {middle:>7.0} ms a frame, {worst:.0} ms the longest of 60").unwrap();
        assert!(worst < FRAME, "{name} does not scroll smoothly\n{}", self.text);
    }

    /// Adds what was measured to what others have told.
    fn end(self) {
        if let Some(file) = self.file {
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
            file.write_all(self.text.as_bytes()).unwrap();
        }
    }
}

async fn median(screen: &Screen, path: &str) -> f64 {
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        took.push(screen.tab.drawn(&format!("{}{path}", screen.line.origin)).await);
    }
    took.sort_by(f64::total_cmp);
    took[ROUNDS / 2]
}

/// A size that the bench sets, or the small one.
fn size(name: &str, small: usize) -> usize {
    std::env::var(name).map_or(small, |size| size.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_a_very_long_log_opens_and_scrolls() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    let wanted = size("MULTISPACE_PAGES_LOG_MB", 2) * 1024 * 1024;
    let mut said = String::with_capacity(wanted + 200);
    let mut count = 0;
    while said.len() < wanted {
        count += 1;
        writeln!(
            said,
            "\u{1b}[1mterraform_data.thing[{count}]\u{1b}[0m: Refreshing state... [id=0b7a4c0e-5d7c-{count:08}]"
        )
        .unwrap();
    }
    server.give("net.plan.says", &said);
    let run = screen.run_of("net", json!({})).await;
    server.until(&run, "planned").await;

    let mut report = Report::begin(&screen).await;
    report.page(&screen, "a run page with that log", &page("net", &run)).await;
    tab.until(&format!("document.getElementById('plan-log').textContent.includes('thing[{count}]')")).await;
    let last = tab.text("[...document.querySelectorAll('#plan-log .line')].at(-1).id").await;
    report.scroll(&screen, "  scrolling its log", "document.querySelector('#plan-log .log')").await;
    let log = format!("{}/log/plan", page("net", &run));
    report.page(&screen, "the first lines of the log", &log).await;
    report.scroll(&screen, "  scrolling them", "document.scrollingElement").await;
    report
        .page(&screen, "a line in its middle, by its link", &format!("{log}?line={}#L{}", count / 2, count / 2))
        .await;
    tab.until("document.querySelector('.line:target')").await;
    report.page(&screen, "its last lines", &format!("{log}?line={count}")).await;
    let number = tab.text("[...document.querySelectorAll('.line')].at(-1).id").await;
    assert_eq!(format!("plan-{number}"), last, "a line has the same number wherever it stands");
    assert!(
        tab.text("[...document.querySelectorAll('.line')].at(-1).textContent")
            .await
            .contains(&format!("thing[{count}]"))
    );
    tab.goto(&format!("{}{log}?find=thing[{count}]", screen.line.origin)).await;
    assert_eq!(tab.eval("document.querySelectorAll('.line').length").await, 1);
    screen.quiet();
    report.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_of_very_many_workspaces_is_drawn_with_every_arrow() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    let total = size("MULTISPACE_PAGES_WORKSPACES", 30);
    let mut ids = Vec::new();
    let mut arrows = 0;
    for number in 0..total {
        let id = server.workspace(&format!("part-{number:03}")).await;
        // Layers of ten: each stands on the one above it and on that one's neighbour.
        let above = number.checked_sub(10).map(|above| [above, above / 10 * 10 + (above + 1) % 10]);
        for upstream in above.into_iter().flatten() {
            let source = json!({ "sourceable": { "data": { "type": "workspaces", "id": ids[upstream] } } });
            let trigger = json!({ "data": { "relationships": source } });
            server.post(&format!("/workspaces/{id}/run-triggers"), trigger).await.is(201);
            arrows += 1;
        }
        ids.push(id);
    }
    let stack = json!({ "data": { "attributes": { "name": "large", "workspace-ids": ids } } });
    server.post(&format!("/organizations/{ORGANIZATION}/stacks"), stack).await.is(201);

    let mut report = Report::begin(&screen).await;
    report.page(&screen, "the page of that stack", "/app/acme/stacks/large").await;
    let drawn =
        tab.eval("['.node', '.arrow', '#twin tbody tr'].map((it) => document.querySelectorAll(it).length)").await;
    assert_eq!(drawn, json!([total, arrows, total]));
    report.scroll(&screen, "  scrolling it", "document.scrollingElement").await;
    let focus = format!("/app/acme/stacks/large?focus=part-{:03}&depth=1", total / 2);
    report.page(&screen, "one of its workspaces and its neighbours", &focus).await;
    let near = tab.eval("document.querySelectorAll('.node').length").await;
    assert!(near.as_u64().unwrap() < 10, "{near}");
    screen.quiet();
    report.end();
}
