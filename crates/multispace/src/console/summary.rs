//! The closing summary of a walk.

use domain::stack::Critical;

use super::lines::{duration, intentions, words};
use super::style::Style;
use crate::stack::record::{Outcome, Record, Resources};

/// How many of the slowest are named.
const SLOWEST: usize = 5;

/// The summary: how many ended how, in what time, what bounded that time, which were slowest.
pub(super) fn text(records: &[Record], wall_ms: u64, critical: &Critical, style: Style) -> String {
    let order = [
        Outcome::Applied,
        Outcome::Destroyed,
        Outcome::Planned,
        Outcome::Deferred,
        Outcome::Unchanged,
        Outcome::Failed,
        Outcome::Skipped,
        Outcome::Canceled,
        Outcome::Declined,
    ];
    let count = |outcome| records.iter().filter(|it| it.outcome == outcome).count();
    let counts: Vec<String> = order
        .iter()
        .filter(|outcome| count(**outcome) > 0)
        .map(|outcome| {
            let word = if *outcome == Outcome::Canceled { "stopped" } else { outcome.as_str() };
            let text = format!("{} {word}", count(*outcome));
            match outcome {
                Outcome::Failed => style.red(&text),
                Outcome::Deferred | Outcome::Skipped | Outcome::Canceled | Outcome::Declined => style.yellow(&text),
                Outcome::Applied | Outcome::Destroyed | Outcome::Planned => style.green(&text),
                Outcome::Unchanged => text,
            }
        })
        .collect();
    let workspaces = if records.len() == 1 { "workspace" } else { "workspaces" };
    let mut text = format!(
        "\n{} {workspaces} in {}: {}\n",
        style.bold(&records.len().to_string()),
        duration(wall_ms),
        counts.join(", ")
    );
    let resources = records.iter().map(|it| it.resources).fold(Resources::default(), Resources::plus);
    let is_plan = records.iter().any(|it| it.outcome == Outcome::Planned);
    let words = if is_plan { intentions(resources) } else { words(resources) };
    if !words.is_empty() {
        text += &format!("resources: {words}\n");
    }
    if let Some(line) = bound(critical) {
        text += &format!("{}\n", style.dim(&format!("bounded by: {line}")));
    }
    if let Some(line) = slowest(records) {
        text += &format!("{}\n", style.dim(&format!("slowest: {line}")));
    }
    text
}

/// The chain that took longest; a workspace alone bounds nothing that `slowest` does not say.
fn bound(critical: &Critical) -> Option<String> {
    if critical.chain.len() < 2 {
        return None;
    }
    let chain: Vec<String> = critical.chain.iter().map(|(name, ms)| format!("{name} {}", duration(*ms))).collect();
    let mut line = chain.join(", then ");
    // Less than a tenth of a second is no reason for another slot.
    if critical.one_more_slot_saves_ms >= 100 {
        line += &format!("; one more slot would have saved {}", duration(critical.one_more_slot_saves_ms));
    }
    Some(line)
}

/// Only worth a line when there is something to compare, and something took its time.
fn slowest(records: &[Record]) -> Option<String> {
    let mut timed: Vec<(u64, &str)> =
        records.iter().filter_map(|it| Some((it.took_ms()?, it.workspace.as_str()))).collect();
    if timed.len() < 3 {
        return None;
    }
    timed.sort_by_key(|(ms, name)| (std::cmp::Reverse(*ms), *name));
    let named = timed.iter().take(SLOWEST).map(|(ms, name)| format!("{name} {}", duration(*ms)));
    Some(named.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_summary_counts_and_names_the_slowest() {
        let record = |name: &str, outcome, ms: i64| Record {
            outcome,
            started_at: DateTime::from_timestamp_millis(0),
            ended_at: DateTime::from_timestamp_millis(ms),
            resources: Resources { added: 1, changed: 0, destroyed: 2 },
            ..Record::new(name, vec![])
        };
        let records = [
            record("a", Outcome::Applied, 900),
            record("b", Outcome::Applied, 62_000),
            record("c", Outcome::Failed, 1_500),
            Record::new("d", vec![]),
        ];
        let critical =
            Critical { chain: vec![("a".to_owned(), 900), ("b".to_owned(), 62_000)], one_more_slot_saves_ms: 1_500 };
        expect![[r#"

            4 workspaces in 1m 04s: 2 applied, 1 failed, 1 skipped
            resources: 3 added, 6 destroyed
            bounded by: a 0.9s, then b 1m 02s; one more slot would have saved 1.5s
            slowest: b 1m 02s, c 1.5s, a 0.9s
        "#]]
        .assert_eq(&text(&records, 64_000, &critical, Style::PLAIN));
    }
}
