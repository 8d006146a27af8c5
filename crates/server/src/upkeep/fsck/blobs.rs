//! All blobs that are no state: each opens, is named by a row, and is whole.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest;
use domain::Problem;
use domain::run::{PhaseStatus, RunStatus};

use super::super::rows::{Phase, Run};
use super::{Check, Rows, UNDER_WAY, by_id};
use crate::storage::{Listed, Objects};

impl Check {
    /// `seen` are the paths of states, which were looked at.
    pub(super) async fn others(&mut self, rows: &Rows, seen: &BTreeSet<String>) -> Result<(), Problem> {
        self.configurations(rows).await?;
        self.plans(rows).await?;
        let runs = by_id(&rows.runs, |run| &run.id);
        let states = by_id(&rows.states, |state| &state.id);
        let phases = by_id(&rows.phases, |phase| &phase.id);
        let archives: BTreeSet<&str> = rows.configurations.iter().map(|it| it.object.as_str()).collect();
        let is_named = |path: &str| {
            let mut parts = path.split('/');
            let (kind, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            match kind {
                "states" => {
                    let id = id.strip_suffix(".json").unwrap_or(id);
                    states.contains_key(id) || rows.deleted.contains(id)
                }
                "configurations" => archives.contains(path),
                "plans" | "logs" => phases.contains_key(id),
                "previews" => runs.contains_key(id),
                _ => false,
            }
        };
        for blob in listed(self.blobs.objects.as_ref()).await? {
            if !is_named(&blob.path) {
                self.orphan(&blob);
            }
            if !seen.contains(&blob.path) && !archives.contains(blob.path.as_str()) {
                self.opened(self.blobs.objects.clone(), &blob.path).await?;
            }
        }
        let mut logs: BTreeMap<String, Vec<(u64, Listed)>> = BTreeMap::new();
        for blob in listed(self.blobs.logs.as_ref()).await? {
            if !is_named(&blob.path) {
                self.orphan(&blob);
            }
            let mut parts = blob.path.rsplitn(3, '/');
            let (name, phase) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default().to_owned());
            match name.parse() {
                Ok(start) => logs.entry(phase).or_default().push((start, blob)),
                Err(_) => drop(self.opened(self.blobs.logs.clone(), &blob.path).await?),
            }
        }
        for phase in rows.phases.iter().filter(|it| it.status == PhaseStatus::Finished.as_str()) {
            let path = format!("logs/{}", phase.id);
            if !logs.contains_key(&phase.id) {
                let message = format!("The log of {}, which is finished, is gone.", phase.id);
                let problem = Problem::conflict("upkeep/log", message);
                self.wrong(
                    &path,
                    problem.advice("Restore the log's folder from a backup; state is not touched by it."),
                );
            }
        }
        for (phase, pieces) in logs {
            self.log(phases.get(phase.as_str()).copied(), pieces).await?;
        }
        Ok(())
    }

    async fn configurations(&mut self, rows: &Rows) -> Result<(), Problem> {
        let mut checked = BTreeSet::new();
        for it in rows.configurations.iter().filter(|it| !it.object.is_empty()) {
            if !checked.insert(&it.object) {
                continue;
            }
            let before = self.report.findings.len();
            let bytes = self.opened(self.blobs.objects.clone(), &it.object).await?;
            let problem = match bytes {
                Some(bytes) => {
                    let digest = hex::encode(digest::digest(&digest::SHA256, &bytes));
                    (it.object != format!("configurations/{digest}")).then(|| {
                        let message = format!("The archive of {} is not the one that was uploaded.", it.id);
                        Problem::conflict("upkeep/archive", message)
                    })
                }
                None if self.report.findings.len() == before => {
                    let message = format!("The archive of the configuration version {} is gone.", it.id);
                    Some(Problem::conflict("upkeep/missing", message))
                }
                None => None,
            };
            if let Some(problem) = problem {
                self.wrong(
                    &it.object,
                    problem.advice("Restore the blob from a backup, or upload the configuration again."),
                );
            }
        }
        Ok(())
    }

    /// A run that may still be applied has its plan.
    async fn plans(&mut self, rows: &Rows) -> Result<(), Problem> {
        let runs = by_id(&rows.runs, |run| &run.id);
        let waits = |run: &Run| {
            let applies = matches!(
                RunStatus::parse(&run.status),
                Some(RunStatus::Planned | RunStatus::PlannedAndSaved | RunStatus::Confirmed | RunStatus::ApplyQueued)
            );
            applies && !run.plan_only && !run.scratch
        };
        for phase in rows.phases.iter().filter(|phase| phase.kind == "plan") {
            if !runs.get(phase.run_id.as_str()).is_some_and(|run| waits(run)) {
                continue;
            }
            let path = format!("plans/{}/file", phase.id);
            let is_there = match &self.blobs.objects {
                Some(objects) => objects.list(&format!("plans/{}", phase.id)).await?.iter().any(|name| name == "file"),
                None => false,
            };
            if !is_there {
                let message = format!("The plan of the run {}, which waits to be applied, is gone.", phase.run_id);
                let problem = Problem::conflict("upkeep/missing", message);
                self.wrong(&path, problem.advice("Discard the run and start a new one."));
            }
        }
        Ok(())
    }

    /// The pieces of a log follow one another. Of one that still grows pieces are being joined.
    async fn log(&mut self, phase: Option<&Phase>, pieces: Vec<(u64, Listed)>) -> Result<(), Problem> {
        let is_over = phase.and_then(|phase| PhaseStatus::parse(&phase.status)).is_some_and(PhaseStatus::is_final);
        let mut end = 0;
        for (start, blob) in pieces {
            let before = self.report.findings.len();
            let bytes = self.opened(self.blobs.logs.clone(), &blob.path).await?;
            let is_damaged = self.report.findings.len() > before;
            if is_over && start != end && !is_damaged {
                let message = format!(
                    "The log {} has a gap: a piece ends at byte {end}, and the next begins at {start}.",
                    blob.path
                );
                let problem = Problem::conflict("upkeep/log", message);
                self.wrong(
                    &blob.path,
                    problem.advice("Restore the log's folder from a backup; state is not touched by it."),
                );
            }
            end = match bytes {
                Some(bytes) => start + bytes.len() as u64,
                None => return Ok(()),
            };
        }
        Ok(())
    }

    fn orphan(&mut self, blob: &Listed) {
        if self.in_use && self.now - blob.changed < UNDER_WAY {
            return;
        }
        let message = format!("No row names the blob {}.", blob.path);
        let advice = "It does no harm: a crash, or a workspace that was deleted, has left it. `multispace deleted sweep` removes it when it is old.";
        self.left_over(&blob.path, Problem::conflict("upkeep/left-over", message).advice(advice));
    }
}

async fn listed(objects: Option<&Objects>) -> Result<Vec<Listed>, Problem> {
    match objects {
        Some(objects) => objects.all().await,
        None => Ok(Vec::new()),
    }
}
