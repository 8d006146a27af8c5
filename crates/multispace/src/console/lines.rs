//! The lines about single workspaces, as text. Absent: when and where they are printed.

use super::style::Style;
use crate::stack::record::{Outcome, Record, Resources};

/// What a running workspace is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Waits for a slot.
    Queued,
    /// Waits until others have ended that have the memory which it needs.
    Memory,
    /// Terraform plans.
    Planning,
    /// Planned; a person is to say yes.
    Approval,
    /// Terraform applies.
    Applying,
    /// Terraform destroys.
    Destroying,
    /// It was asked to stop.
    Stopping,
}

impl Phase {
    /// As people read it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Memory => "waiting for memory",
            Self::Planning => "planning",
            Self::Approval => "waiting for approval",
            Self::Applying => "applying",
            Self::Destroying => "destroying",
            Self::Stopping => "stopping",
        }
    }
}

/// A length of time: `0.4s`, `12.0s`, `2m 05s`, `1h 02m`.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{}.{}s", seconds, ms % 1000 / 100),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `+3 ~0 -1`.
pub(crate) fn signs(resources: Resources, style: Style) -> String {
    let part = |count: u32, text: String, dress: fn(Style, &str) -> String| match count {
        0 => style.dim(&text),
        _ => dress(style, &text),
    };
    format!(
        "{} {} {}",
        part(resources.added, format!("+{}", resources.added), Style::green),
        part(resources.changed, format!("~{}", resources.changed), Style::yellow),
        part(resources.destroyed, format!("-{}", resources.destroyed), Style::red),
    )
}

/// `3 added, 1 destroyed`; empty when there is nothing to say.
pub(crate) fn words(resources: Resources) -> String {
    counted(resources, ["added", "changed", "destroyed"])
}

/// `3 to add, 1 to destroy`; empty when there is nothing to say.
pub(crate) fn intentions(resources: Resources) -> String {
    counted(resources, ["to add", "to change", "to destroy"])
}

fn counted(resources: Resources, words: [&str; 3]) -> String {
    let counts = [resources.added, resources.changed, resources.destroyed];
    let parts: Vec<String> = counts
        .iter()
        .zip(words)
        .filter(|(count, _)| **count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    parts.join(", ")
}

/// The line of a workspace that ended, for a terminal; names are padded to `width`.
pub(crate) fn finished(record: &Record, width: usize, style: Style) -> String {
    let (sign, word): (String, String) = match record.outcome {
        Outcome::Applied => (style.green("✓"), style.green("applied")),
        Outcome::Destroyed => (style.green("✓"), style.green("destroyed")),
        Outcome::Planned => (style.cyan("✓"), style.cyan("planned")),
        Outcome::Deferred => (style.yellow("…"), style.yellow("deferred")),
        Outcome::Unchanged => (style.dim("="), style.dim(record.reason.as_deref().unwrap_or("no changes"))),
        Outcome::Failed => (style.red("✗"), style.red("failed")),
        Outcome::Skipped => (style.yellow("-"), style.yellow("skipped")),
        Outcome::Canceled => (style.yellow("!"), style.yellow("stopped")),
        Outcome::Declined => (style.yellow("-"), style.yellow("declined")),
    };
    let mut line = format!("{sign} {:<width$}  {word}", record.workspace);
    if matches!(record.outcome, Outcome::Applied | Outcome::Destroyed | Outcome::Planned) {
        line += &format!("  {}", signs(record.resources, style));
    }
    if matches!(record.outcome, Outcome::Skipped | Outcome::Canceled)
        && let Some(reason) = &record.reason
    {
        line += &format!("  {reason}");
    }
    if let Some(ms) = record.took_ms() {
        line += &style.dim(&format!("  {}", duration(ms)));
    }
    if record.attempts > 1 {
        line += &style.dim(&format!("  ({} attempts)", record.attempts));
    }
    if says_why(record) {
        line += &style.dim(&format!("  {}", record.why.join(", ")));
    }
    line
}

/// Where something is done, what made it be done is worth a word.
fn says_why(record: &Record) -> bool {
    matches!(record.outcome, Outcome::Applied | Outcome::Planned) && !record.why.is_empty()
}

/// The same for a log file or a pipe.
pub(crate) fn finished_plainly(record: &Record) -> String {
    let took = record.took_ms().map(|ms| format!(" in {}", duration(ms))).unwrap_or_default();
    let attempts = if record.attempts > 1 { format!(", {} attempts", record.attempts) } else { String::new() };
    let reason = record.reason.as_deref().unwrap_or_default();
    let what = match record.outcome {
        Outcome::Applied | Outcome::Destroyed | Outcome::Planned => {
            let is_plan = record.outcome == Outcome::Planned;
            let words = if is_plan { intentions(record.resources) } else { words(record.resources) };
            let counted = if words.is_empty() { "only outputs" } else { &words };
            format!("{} ({counted}){took}{attempts}", record.outcome.as_str())
        }
        Outcome::Unchanged if reason.is_empty() => format!("no changes{took}"),
        Outcome::Unchanged => reason.to_owned(),
        Outcome::Failed => format!("failed{took}{attempts}"),
        Outcome::Deferred if reason.is_empty() => format!("deferred{took}"),
        Outcome::Deferred => format!("deferred: {reason}"),
        Outcome::Skipped => format!("skipped: {reason}"),
        Outcome::Canceled => format!("stopped{took}: {reason}"),
        Outcome::Declined => "declined".to_owned(),
    };
    let why = if says_why(record) { format!("; why: {}", record.why.join(", ")) } else { String::new() };
    format!("{}: {what}{why}", record.workspace)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use expect_test::expect;

    use super::*;

    fn records() -> Vec<Record> {
        let at = |ms| DateTime::from_timestamp_millis(1_700_000_000_000 + ms);
        let record = |name: &str, outcome, reason: Option<&str>, ms: Option<i64>, added, attempts| Record {
            outcome,
            reason: reason.map(str::to_owned),
            started_at: ms.and(at(0)),
            ended_at: ms.and_then(at),
            resources: Resources { added, changed: 0, destroyed: 0 },
            attempts,
            ..Record::new(name, vec![])
        };
        vec![
            record("network", Outcome::Applied, None, Some(1230), 3, 1),
            record("zone", Outcome::Applied, None, Some(400), 0, 1),
            record("dns", Outcome::Failed, Some("exit 1"), Some(75_000), 1, 4),
            record("ingress", Outcome::Skipped, Some("because dns failed"), None, 0, 0),
            record("x", Outcome::Unchanged, None, Some(900), 0, 1),
            record("y", Outcome::Unchanged, Some("nothing to destroy"), None, 0, 0),
            record("p", Outcome::Planned, None, Some(10), 2, 1),
            record("i", Outcome::Canceled, Some("interrupted"), Some(10), 0, 1),
            record("n", Outcome::Declined, None, Some(10), 0, 1),
        ]
    }

    #[test]
    fn a_line_for_a_terminal_says_what_happened_and_how_long_it_took() {
        let text: Vec<String> = records().iter().map(|it| finished(it, 7, Style::PLAIN)).collect();
        expect![[r#"
            ✓ network  applied  +3 ~0 -0  1.2s
            ✓ zone     applied  +0 ~0 -0  0.4s
            ✗ dns      failed  1m 15s  (4 attempts)
            - ingress  skipped  because dns failed
            = x        no changes  0.9s
            = y        nothing to destroy
            ✓ p        planned  +2 ~0 -0  0.0s
            ! i        stopped  interrupted  0.0s
            - n        declined  0.0s"#]]
        .assert_eq(&text.join("\n"));
    }

    #[test]
    fn a_line_for_a_log_is_a_sentence() {
        let text: Vec<String> = records().iter().map(finished_plainly).collect();
        expect![[r#"
            network: applied (3 added) in 1.2s
            zone: applied (only outputs) in 0.4s
            dns: failed in 1m 15s, 4 attempts
            ingress: skipped: because dns failed
            x: no changes in 0.9s
            y: nothing to destroy
            p: planned (2 to add) in 0.0s
            i: stopped in 0.0s: interrupted
            n: declined"#]]
        .assert_eq(&text.join("\n"));
    }

    #[test]
    fn durations_are_as_long_as_they_need_to_be() {
        let texts = [0, 499, 59_999, 60_000, 3_599_000, 3_660_000].map(duration);
        assert_eq!(texts, ["0.0s", "0.4s", "59.9s", "1m 00s", "59m 59s", "1h 01m"]);
    }
}
