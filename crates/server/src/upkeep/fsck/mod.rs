//! Holds a data folder against what is promised of it, and says what is not so. It changes nothing.
//!
//! Rows are read in one transaction, and are as of one moment. Blobs are read after it: one that a newer state has replaced
//! meanwhile is no finding, and neither is one that was just written and has no row yet.

mod audit;
mod blobs;
mod runs;
mod states;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Fault, Problem};

use super::restore::RESTORED;
use super::rows::{self, Configuration, Phase, Run, State, Workspace};
use super::{Blobs, Folder};
use crate::ports::Ports;
use crate::storage::{Db, Key, Objects, SEALED, Tx};

/// How old a blob without a row must be to be told of while a server runs: as long as an address for an upload is good.
const UNDER_WAY: TimeDelta = TimeDelta::hours(1);

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about: the path of a blob, or the id of a row.
    pub about: String,
    /// What is wrong, and what to do.
    pub problem: Problem,
    /// It takes room and does no harm: what a crash, or a workspace that was deleted, has left.
    pub is_left_over: bool,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Workspaces.
    pub workspaces: usize,
    /// State versions.
    pub states: usize,
    /// Runs.
    pub runs: usize,
    /// Sealed values in the database.
    pub values: usize,
    /// Blobs, each of which was opened.
    pub blobs: usize,
    /// Rows of the audit log.
    pub audit_rows: usize,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Whether a server or a command was at work in the folder.
    pub in_use: bool,
    /// How much was looked at.
    pub checked: Checked,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether everything is as it was promised; what is left over does no harm.
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.is_left_over)
    }
}

/// Checks a data folder.
///
/// # Errors
/// `upkeep/no-data`; `storage/…` when the database, the blobs or the key cannot be read at all.
pub async fn fsck(folder: &Folder) -> Result<Report, Problem> {
    let in_use = folder.is_in_use();
    let db = folder.look().await?;
    let key = folder.key()?;
    let blobs = Blobs::of(&folder.data, &key)?;
    let tx = db.steady().await?;
    // Folders of runs are not in a backup; those of a folder that was restored from one end at its first start.
    let runs = (!folder.data.join(RESTORED).exists()).then(|| folder.data.join("runs"));
    let report = check(tx, &db, key, blobs, in_use, runs).await?;
    db.close().await;
    Ok(report)
}

/// Checks what a transaction sees, and blobs. `runs` is the folder of the run folders, where they are to be there.
pub(super) async fn check(
    tx: Tx,
    db: &Db,
    key: Key,
    blobs: Blobs,
    in_use: bool,
    runs: Option<PathBuf>,
) -> Result<Report, Problem> {
    let (report, db) = (Report { in_use, ..Report::default() }, db.clone());
    let mut check = Check { in_use, now: Ports::system().now(), key, db, blobs, report };
    let rows = match check.migrations(&tx).await? {
        true => {
            check.values(&tx).await?;
            check.audit(&tx).await?;
            Some(Rows::read(&tx).await?)
        }
        false => None,
    };
    drop(tx);
    if let Some(rows) = rows {
        check.locks(&rows);
        check.runs(&rows, runs.as_deref());
        check.order(&rows);
        let opened = check.states(&rows).await?;
        check.others(&rows, &opened).await?;
    }
    Ok(check.report)
}

/// What is being checked.
struct Check {
    in_use: bool,
    now: DateTime<Utc>,
    key: Key,
    db: Db,
    blobs: Blobs,
    report: Report,
}

/// The rows, as of one moment.
struct Rows {
    workspaces: Vec<Workspace>,
    states: Vec<State>,
    runs: Vec<Run>,
    phases: Vec<Phase>,
    configurations: Vec<Configuration>,
    /// Ids of states whose workspaces were deleted.
    deleted: BTreeSet<String>,
    users: BTreeSet<String>,
}

impl Rows {
    async fn read(tx: &Tx) -> Result<Self, Problem> {
        Ok(Self {
            workspaces: rows::workspaces(tx).await?,
            states: rows::states(tx).await?,
            runs: rows::runs(tx).await?,
            phases: rows::phases(tx).await?,
            configurations: rows::configurations(tx).await?,
            deleted: rows::deleted(tx).await?.into_iter().map(|it| it.id).collect(),
            users: rows::users(tx).await?.into_iter().collect(),
        })
    }

    fn run(&self, id: &str) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }
}

impl Check {
    /// Whether the tables are those that this multispace knows; else nothing more can be said of them.
    async fn migrations(&mut self, tx: &Tx) -> Result<bool, Problem> {
        let (there, known) = (rows::migrations(tx).await?, crate::storage::migrations());
        let problem = if let Some(newer) = there.iter().find(|name| !known.contains(name)) {
            Problem::conflict(
                "upkeep/migrations",
                format!("The database has {newer}, which this multispace does not know."),
            )
            .advice("Use the multispace that made it, or a newer one; nothing else was checked.")
        } else if let Some(missing) = known.iter().find(|name| !there.contains(name)) {
            Problem::conflict("upkeep/migrations", format!("The database is older than this multispace: {missing} was not made."))
                .advice("Start the server once with this multispace, or check with the one that is in use; nothing else was checked.")
        } else {
            return Ok(true);
        };
        self.wrong("migrations", problem);
        Ok(false)
    }

    /// Every sealed value opens for the row that it is in.
    async fn values(&mut self, tx: &Tx) -> Result<(), Problem> {
        for column in SEALED {
            for row in rows::sealed(tx, column).await? {
                self.report.checked.values += 1;
                if let Err(problem) = self.key.open_sealed(&format!("{}{}", row.id, column.suffix), &row.value) {
                    let message = format!("{}.{} of {} does not open.", column.table, column.column, row.id);
                    let advice = "Put the key back that it was sealed with, or restore a backup: it was altered, or belongs to another row.";
                    self.wrong(&row.id, Problem::ours("upkeep/value", message, problem).advice(advice));
                }
            }
        }
        Ok(())
    }

    /// Every lock is held by somebody who can give it back.
    fn locks(&mut self, rows: &Rows) {
        self.report.checked.workspaces = rows.workspaces.len();
        let mut wrong = Vec::new();
        for workspace in &rows.workspaces {
            let by = workspace.locked_by.as_deref().unwrap_or_default();
            let why = match workspace.locked_kind.as_deref() {
                None if by.is_empty() => continue,
                None => "is locked by nobody in particular".to_owned(),
                Some("user") if rows.users.contains(by) => continue,
                Some("user") => format!("is locked by the user {by}, who is not there"),
                Some("run") => match rows.run(by) {
                    Some(run) if run.holds_workspace && run.workspace_id == workspace.id => continue,
                    Some(run) => format!("is locked by the run {by}, which is {} and does not hold it", run.status),
                    None => format!("is locked by the run {by}, which is not there"),
                },
                Some(other) => format!("is locked by a {other}, which is not known"),
            };
            wrong.push((workspace.id.clone(), format!("The workspace \"{}\" {why}.", workspace.name)));
        }
        for (id, message) in wrong {
            let problem = Problem::conflict("upkeep/lock", message);
            self.wrong(&id, problem.advice("Look whether terraform still works on it, then force-unlock it."));
        }
    }

    fn wrong(&mut self, about: &str, problem: Problem) {
        self.report.findings.push(Finding { about: about.to_owned(), problem, is_left_over: false });
    }

    fn left_over(&mut self, about: &str, problem: Problem) {
        self.report.findings.push(Finding { about: about.to_owned(), problem, is_left_over: true });
    }

    /// What is in a blob; `None` when it is not there, or does not open, which is then told.
    async fn opened(&mut self, objects: Option<Objects>, path: &str) -> Result<Option<bytes::Bytes>, Problem> {
        let Some(objects) = objects else { return Ok(None) };
        match objects.get(path).await {
            Ok(bytes) => {
                self.report.checked.blobs += usize::from(bytes.is_some());
                Ok(bytes)
            }
            Err(problem) if problem.fault == Fault::Ours => {
                let message = format!("The blob {path} does not open.");
                let advice = "Restore it from a backup: it was altered, cut off, put in another's place, or sealed with another key.";
                self.report.checked.blobs += 1;
                self.wrong(
                    path,
                    Problem::ours("upkeep/blob", message, problem.cause.unwrap_or_default()).advice(advice),
                );
                Ok(None)
            }
            Err(problem) => Err(problem),
        }
    }
}

fn by_id<'a, T>(rows: &'a [T], id: impl Fn(&'a T) -> &'a str) -> BTreeMap<&'a str, &'a T> {
    rows.iter().map(|row| (id(row), row)).collect()
}
