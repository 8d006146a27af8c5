//! The rows of the table: on the screen, as JSON, and as `docs/benchmarks.md`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::count::Starts;
use super::host::Host;
use super::rounds::{Measured, Spread, processor, wall};
use crate::stopwatch;

/// What is promised of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    /// The figure is at most this.
    AtMost(f64),
    /// The figure is at least this.
    AtLeast(f64),
    /// Nothing; the row is there to be seen.
    None,
}

/// How the figure of a row is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Times something.
    Ratio,
    Milliseconds,
    Megabytes,
}

/// One row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Name of the case, by which it is asked for.
    pub(super) case: &'static str,
    /// What was done.
    pub(super) what: String,
    /// `None` where it could not be measured; the note says why.
    pub(super) figure: Option<Spread>,
    pub(super) unit: Unit,
    pub(super) target: Target,
    /// Time of multispace and of what it is compared with, in seconds.
    pub(super) times: Option<(Spread, Spread)>,
    /// Processor time as a ratio to the same.
    pub(super) processor: Option<Spread>,
    /// Starts of terraform and of providers per workspace.
    pub(super) starts: Option<(f64, f64)>,
    pub(super) rounds: usize,
    /// Part of the machine that others used.
    pub(super) others: Option<f64>,
    pub(super) note: String,
}

impl Row {
    /// A row without figures.
    pub(super) fn new(case: &'static str, what: impl Into<String>, unit: Unit, target: Target) -> Self {
        Self {
            case,
            what: what.into(),
            figure: None,
            unit,
            target,
            times: None,
            processor: None,
            starts: None,
            rounds: 0,
            others: None,
            note: String::new(),
        }
    }

    /// The time of one way as a ratio to that of another.
    pub(super) fn ratio(mut self, measured: &Measured, way: usize, to: usize, phase: usize) -> Self {
        self.figure = Some(measured.ratio(way, to, phase, wall));
        self.times = Some((measured.spread(way, phase, wall), measured.spread(to, phase, wall)));
        self.processor = Some(measured.ratio(way, to, phase, processor));
        self.of_rounds(measured, way.max(to))
    }

    /// How many times as long as multispace another way takes.
    pub(super) fn times_faster(mut self, measured: &Measured, way: usize, than: usize, phase: usize) -> Self {
        self = self.ratio(measured, way, than, phase);
        self.figure = Some(measured.ratio(than, way, phase, wall));
        self
    }

    /// What all rows have that were measured in rounds.
    pub(super) fn of_rounds(mut self, measured: &Measured, way: usize) -> Self {
        self.rounds = measured.rounds_of(way);
        self.others = Some(measured.others.0);
        if measured.is_busy {
            self = self.noted("others kept the machine busy: look at the processor time, not at the time");
        }
        if measured.left_out > 0 {
            self = self.noted(format!("{} rounds left out, in which others were busy", measured.left_out));
        }
        self
    }

    /// A figure that was measured by itself.
    pub(super) fn figure(mut self, figure: Spread, rounds: usize) -> Self {
        self.figure = Some(figure);
        self.rounds = rounds;
        self
    }

    /// How often terraform and providers were started for that many workspaces.
    pub(super) fn starts(mut self, starts: &Starts, workspaces: usize) -> Self {
        let each = |count: usize| count as f64 / workspaces.max(1) as f64;
        self.starts = Some((each(starts.terraform()), each(starts.provider())));
        self
    }

    /// Something to know about the row.
    pub(super) fn noted(mut self, note: impl AsRef<str>) -> Self {
        if !self.note.is_empty() {
            self.note += "; ";
        }
        self.note += note.as_ref();
        self
    }

    /// `None` where there is no target, or no figure.
    pub(super) fn is_met(&self) -> Option<bool> {
        let figure = self.figure?.median;
        match self.target {
            Target::AtMost(most) => Some(figure <= most),
            Target::AtLeast(least) => Some(figure >= least),
            Target::None => None,
        }
    }

    fn shown(&self, figure: f64) -> String {
        match self.unit {
            Unit::Ratio => format!("{figure:.2}"),
            Unit::Milliseconds if figure < 10.0 => format!("{figure:.2} ms"),
            Unit::Milliseconds => format!("{figure:.0} ms"),
            Unit::Megabytes => format!("{figure:.0} MB"),
        }
    }

    fn cells(&self) -> [String; 9] {
        let dash = || "-".to_owned();
        let seconds = |spread: &Spread| stopwatch::human(std::time::Duration::from_secs_f64(spread.median));
        let figure = self.figure.map_or_else(dash, |it| match it.least < it.most {
            true => format!("{} [{} to {}]", self.shown(it.median), self.shown(it.least), self.shown(it.most)),
            false => self.shown(it.median),
        });
        let target = match self.target {
            Target::AtMost(most) => format!("<= {}", self.shown(most)),
            Target::AtLeast(least) => format!(">= {}", self.shown(least)),
            Target::None => dash(),
        };
        let met = match (self.figure, self.is_met()) {
            (_, Some(true)) => "yes",
            (_, Some(false)) => "NO",
            (None, None) => "not measured",
            (Some(_), None) => "-",
        };
        let starts = self.starts.map_or_else(dash, |(terraform, provider)| match provider > 0.0 {
            true => format!("{terraform:.2} + {provider:.2}"),
            false => format!("{terraform:.2}"),
        });
        [
            self.what.clone(),
            self.times.as_ref().map_or_else(dash, |(ours, _)| seconds(ours)),
            self.times.as_ref().map_or_else(dash, |(_, other)| seconds(other)),
            figure,
            target,
            met.to_owned(),
            self.processor.map_or_else(dash, |it| format!("{:.2}", it.median)),
            starts,
            if self.rounds == 0 { dash() } else { self.rounds.to_string() },
        ]
    }

    fn json(&self) -> Value {
        let spread = |it: Spread| json!({ "median": it.median, "min": it.least, "max": it.most });
        json!({
            "case": self.case,
            "what": self.what,
            "unit": match self.unit { Unit::Ratio => "ratio", Unit::Milliseconds => "ms", Unit::Megabytes => "MB" },
            "figure": self.figure.map(spread),
            "target": match self.target {
                Target::AtMost(most) => json!({ "at_most": most }),
                Target::AtLeast(least) => json!({ "at_least": least }),
                Target::None => Value::Null,
            },
            "met": self.is_met(),
            "seconds": self.times.map(|(ours, _)| spread(ours)),
            "seconds_compared": self.times.map(|(_, other)| spread(other)),
            "processor_ratio": self.processor.map(spread),
            "terraform_starts_per_workspace": self.starts.map(|(terraform, _)| terraform),
            "provider_starts_per_workspace": self.starts.map(|(_, provider)| provider),
            "rounds": self.rounds,
            "others": self.others,
            "note": self.note,
        })
    }
}

const HEAD: [&str; 9] =
    ["case", "multispace", "against", "figure [min to max]", "target", "met", "CPU ratio", "starts", "n"];

/// For the screen: aligned, notes below.
pub(super) fn text(rows: &[Row]) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let widths: Vec<usize> =
        (0..HEAD.len()).map(|at| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or_default()).collect();
    let mut out = String::new();
    for line in &lines {
        for (at, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            let _ = if at == 0 { write!(out, "{cell}{pad}") } else { write!(out, "  {pad}{cell}") };
        }
        out.push('\n');
    }
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        let _ = writeln!(out, "{}: {}", row.what, row.note);
    }
    out.push_str(&closing(rows));
    out
}

fn closing(rows: &[Row]) -> String {
    let count = |met| rows.iter().filter(|row| row.is_met() == met).count();
    let missing = rows.iter().filter(|row| row.figure.is_none()).count();
    let mut text = format!("{} targets met, {} not met", count(Some(true)), count(Some(false)));
    if missing > 0 {
        let _ = write!(text, ", {missing} rows not measured");
    }
    text + "\n"
}

/// Everything, for programs.
pub(super) fn json(host: &Host, is_quick: bool, rows: &[Row]) -> Value {
    json!({
        "format_version": "1",
        "host": host.json(),
        "quick": is_quick,
        "rows": rows.iter().map(Row::json).collect::<Vec<_>>(),
    })
}

/// The page of the documents.
pub(super) fn page(host: &Host, is_quick: bool, rows: &[Row]) -> String {
    let mut page = format!(
        "# Benchmarks\n\nWritten by `cargo xtask bench{}`; nothing here is written by hand.\n\n{}\n\n{READ}\n",
        if is_quick { " --quick --write" } else { "" },
        host.text(),
    );
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    page += &line(&HEAD.map(str::to_owned));
    page += &format!("|{}\n", "---|".repeat(HEAD.len()));
    for row in rows {
        page += &line(&row.cells());
    }
    let _ = write!(page, "\n{}\n", closing(rows).trim_end());
    let notes: Vec<_> = rows.iter().filter(|row| !row.note.is_empty()).collect();
    if !notes.is_empty() {
        page.push_str("\n## Notes\n\n");
        for row in notes {
            let _ = writeln!(page, "- **{}**: {}.", row.what, row.note);
        }
    }
    page
}

/// How to read the table.
const READ: &str = "\
Each round runs every way once, and another begins each time. A ratio is that of each round: the one in the middle, the smallest and the
largest. *Against* is, where the case does not say otherwise, `terraform apply -auto-approve` in each root under a scheduler that does nothing
but start a root when those that it reads have ended, as many at once as is quickest here; the roots are initialised beforehand where that is
needed. The *naive script* runs `init`, `plan -out`, `show -json` and `apply` of the plan under the same scheduler. *CPU ratio* is user and
system time of all processes. *Starts* are processes of terraform per workspace (`+` those of providers), counted in a round of its own; `terraform version`,
of which the first command keeps the answer, is left out. *n* is the number of rounds. Everything runs from nothing unless the case says otherwise; what
was measured is removed at the end, because a file system may be slower for a while after much was removed. Where the time goes in what misses its target:
[design 8](design/0008-where-the-time-goes.md).
";

/// Writes the page.
pub(super) fn write(file: &Path, page: &str) -> Result<()> {
    Ok(std::fs::write(file, page)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(figure: f64, target: Target) -> Row {
        Row::new("chain3", "chain of 3", Unit::Ratio, target).figure(Spread::one(figure), 7)
    }

    #[test]
    fn a_target_that_is_missed_is_said() {
        let rows = [row(0.5, Target::AtMost(0.65)), row(0.7, Target::AtMost(0.65)), row(2.9, Target::AtLeast(3.0))];
        assert_eq!(rows.each_ref().map(Row::is_met), [Some(true), Some(false), Some(false)]);
        let text = text(&rows);
        assert!(text.contains("1 targets met, 2 not met"), "{text}");
        assert_eq!(text.matches("NO").count(), 2, "{text}");
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        let rows = [Row::new("aws3", "AWS", Unit::Ratio, Target::AtMost(0.5)).noted("the provider is not here")];
        assert_eq!(rows[0].is_met(), None);
        assert!(text(&rows).contains("not measured") && text(&rows).contains("the provider is not here"));
        assert_eq!(rows[0].json()["met"], Value::Null);
    }

    #[test]
    fn starts_are_per_workspace() {
        let starts = Starts([("apply", 3), ("version", 1), ("provider", 12)].map(|(it, n)| (it.to_owned(), n)).into());
        let row = row(1.0, Target::None).starts(&starts, 3);
        assert_eq!(row.starts, Some((1.0, 4.0)));
        assert_eq!(row.cells()[7], "1.00 + 4.00");
    }
}
