//! Runs as text for people: tables with aligned columns, and the page of one run.

use std::fmt::Write as _;

use client::Item;
use serde_json::Value;

/// Rows in aligned columns, under their heads. The last column is as long as it is.
pub(crate) fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heads[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |cells: &[&str]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(&heads);
    for row in rows {
        text += &line(&row.each_ref().map(String::as_str));
    }
    text
}

/// When something happened, to the second, as the server's clock has it.
pub(crate) fn moment(text: &str) -> String {
    match chrono::DateTime::parse_from_rfc3339(text) {
        Ok(at) => at.format("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => text.to_owned(),
    }
}

/// What a run is for, in a word.
pub(crate) fn operation(run: &Item) -> &'static str {
    match (run.flag("plan-only"), run.flag("is-destroy"), run.flag("refresh-only")) {
        (true, true, _) => "plan-destroy",
        (true, false, _) => "plan",
        (false, true, _) => "destroy",
        (false, false, true) => "refresh",
        (false, false, false) => "apply",
    }
}

/// What a run waits for, in the server's words; empty when it waits for nothing.
pub(crate) fn waits_for(run: &Item) -> String {
    run.get("blocked-by")["words"].as_str().unwrap_or_default().to_owned()
}

/// The status, and whether the run stands aside for runs that it has started.
pub(crate) fn status(run: &Item) -> String {
    let parked = if run.flag("parked") { ", parked" } else { "" };
    format!("{}{parked}", run.text("status"))
}

/// All that a person wants to know of one run.
pub(crate) fn page(run: &Item, workspace: &Item, plan: &Item, apply: &Item, comments: &[Item], url: &str) -> String {
    let mut text = String::new();
    let mut say = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<12} {}", value.replace('\n', "\n             "));
        }
    };
    say("run", &run.id);
    say("workspace", workspace.text("name"));
    say("status", &status(run));
    say("operation", operation(run));
    say("message", run.text("message"));
    say("started by", run.text("source"));
    say("created", &moment(run.text("created-at")));
    say("waits for", &waits_for(run));
    for (name, phase) in [("plan", plan), ("apply", apply)] {
        say(name, &counted(phase));
    }
    say("can be", &actions(run.get("actions")));
    for comment in comments {
        say("comment", comment.text("body"));
    }
    say("page", url);
    text
}

fn counted(phase: &Item) -> String {
    let count = |name: &str| phase.get(&format!("resource-{name}")).as_u64();
    match (count("additions"), count("changes"), count("destructions")) {
        (Some(add), Some(change), Some(destroy)) => {
            format!("{}: {add} to add, {change} to change, {destroy} to destroy", phase.text("status"))
        }
        _ => phase.text("status").to_owned(),
    }
}

fn actions(actions: &Value) -> String {
    let can = |name: &str| actions[name].as_bool().unwrap_or_default();
    let all = [("is-confirmable", "approved"), ("is-discardable", "discarded"), ("is-cancelable", "canceled")];
    all.iter().filter(|(name, _)| can(name)).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    fn item(value: Value) -> Item {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows = [["run-1".to_owned(), "applied".to_owned()], ["run-long".to_owned(), "x".to_owned()]];
        expect![[r#"
            RUN       STATUS
            run-1     applied
            run-long  x
        "#]]
        .assert_eq(&table(["RUN", "STATUS"], &rows));
    }

    #[test]
    fn the_page_of_a_run_says_what_it_waits_for_and_what_can_be_done() {
        let run = item(json!({
            "id": "run-1",
            "attributes": {
                "status": "planned", "message": "two\nlines", "source": "tfe-api", "created-at": "2026-01-02T03:04:05.6Z",
                "is-destroy": true, "actions": { "is-confirmable": true, "is-discardable": true },
                "blocked-by": { "kind": "approval", "id": "run-1", "words": "Somebody has to approve it." },
            },
        }));
        let workspace = item(json!({ "id": "ws-1", "attributes": { "name": "network" } }));
        let plan = item(json!({ "id": "plan-1", "attributes": {
            "status": "finished", "resource-additions": 0, "resource-changes": 0, "resource-destructions": 7,
        } }));
        let apply = item(json!({ "id": "apply-1", "attributes": { "status": "pending" } }));
        let comment = item(json!({ "id": "wsc-1", "attributes": { "body": "sure?" } }));
        expect![[r#"
            run          run-1
            workspace    network
            status       planned
            operation    destroy
            message      two
                         lines
            started by   tfe-api
            created      2026-01-02 03:04:05
            waits for    Somebody has to approve it.
            plan         finished: 0 to add, 0 to change, 7 to destroy
            apply        pending
            can be       approved, discarded
            comment      sure?
            page         http://localhost/app/run-1
        "#]]
        .assert_eq(&page(&run, &workspace, &plan, &apply, &[comment], "http://localhost/app/run-1"));
    }
}
