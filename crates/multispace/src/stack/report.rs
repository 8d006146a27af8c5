//! The report of a walk as JSON, as `docs/report.schema.json` has it.

mod foreseen;

use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use domain::Problem;
use serde_json::{Value, json};

use super::preview::Preview;
use super::record::Record;
use crate::exit::Exit;
use crate::new_file::NewFile;

/// When a walk began and ended, and how.
pub(crate) struct Frame {
    /// `plan`, `apply` or `destroy`.
    pub(crate) command: &'static str,
    /// When the command began.
    pub(crate) started_at: DateTime<Utc>,
    /// When it ended.
    pub(crate) ended_at: DateTime<Utc>,
    /// What it exits with.
    pub(crate) exit: Exit,
}

/// The report of these records, with what is foreseen for their workspaces.
pub(crate) fn document(frame: &Frame, records: &[Record], preview: &Preview) -> Value {
    json!({
        "format_version": "1",
        "command": frame.command,
        "started_at": time(frame.started_at),
        "ended_at": time(frame.ended_at),
        "exit_code": frame.exit.code(),
        "workspaces": records.iter().map(|record| workspace(record, preview)).collect::<Vec<_>>(),
    })
}

fn workspace(record: &Record, preview: &Preview) -> Value {
    json!({
        "workspace": record.workspace,
        "run_id": record.run,
        "result": record.outcome.as_str(),
        "reason": record.reason,
        "why": record.why,
        "queued_at": record.queued_at.map(time),
        "started_at": record.started_at.map(time),
        "ended_at": record.ended_at.map(time),
        "attempts": record.attempts,
        "upstreams": record.upstreams,
        "resources": {
            "added": record.resources.added,
            "changed": record.resources.changed,
            "destroyed": record.resources.destroyed,
        },
        "plan": preview.of(&record.workspace).map(foreseen::document),
    })
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The file of `--report`, begun before anything runs, so that a place that cannot be written to is known by then.
pub(crate) struct ReportFile {
    file: NewFile,
    path: PathBuf,
}

impl ReportFile {
    /// Begins it.
    ///
    /// # Errors
    /// `report/unwritable`.
    pub(crate) fn begin(path: &Path) -> Result<Self, Problem> {
        let file = NewFile::begin(path, 0o644).map_err(|error| unwritable(path, &error))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Writes it.
    ///
    /// # Errors
    /// `report/unwritable`.
    pub(crate) fn write(self, document: &Value) -> Result<(), Problem> {
        let Self { file, path } = self;
        file.finish(format!("{document:#}\n").as_bytes()).map_err(|error| unwritable(&path, &error))
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::invalid("report/unwritable", format!("The report {} cannot be written: {error}.", path.display()))
        .advice("Give --report a file in a folder that is there and may be written to.")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::record::{Outcome, Resources};
    use super::*;

    #[test]
    fn a_report_has_every_published_field() {
        let at = |second: i64| DateTime::from_timestamp(1_700_000_000 + second, 250_000_000).unwrap();
        let applied = Record {
            run: Some("run-1".into()),
            outcome: Outcome::Applied,
            queued_at: Some(at(1)),
            started_at: Some(at(2)),
            ended_at: Some(at(3)),
            attempts: 1,
            resources: Resources { added: 3, changed: 0, destroyed: 1 },
            ..Record::new("a", vec![])
        };
        let skipped = Record { reason: Some("a failed".into()), ..Record::new("b", vec!["a".into()]) };
        let frame = Frame { command: "apply", started_at: at(0), ended_at: at(4), exit: Exit::Failed };
        expect![[r#"
            {
              "command": "apply",
              "ended_at": "2023-11-14T22:13:24.250000Z",
              "exit_code": 1,
              "format_version": "1",
              "started_at": "2023-11-14T22:13:20.250000Z",
              "workspaces": [
                {
                  "attempts": 1,
                  "ended_at": "2023-11-14T22:13:23.250000Z",
                  "plan": null,
                  "queued_at": "2023-11-14T22:13:21.250000Z",
                  "reason": null,
                  "resources": {
                    "added": 3,
                    "changed": 0,
                    "destroyed": 1
                  },
                  "result": "applied",
                  "run_id": "run-1",
                  "started_at": "2023-11-14T22:13:22.250000Z",
                  "upstreams": [],
                  "why": [],
                  "workspace": "a"
                },
                {
                  "attempts": 0,
                  "ended_at": null,
                  "plan": null,
                  "queued_at": null,
                  "reason": "a failed",
                  "resources": {
                    "added": 0,
                    "changed": 0,
                    "destroyed": 0
                  },
                  "result": "skipped",
                  "run_id": null,
                  "started_at": null,
                  "upstreams": [
                    "a"
                  ],
                  "why": [],
                  "workspace": "b"
                }
              ]
            }"#]]
        .assert_eq(&format!("{:#}", document(&frame, &[applied, skipped], &Preview::default())));
    }
}
