//! Starts one run from the code here, once: also where the answer to the request is lost, and where an earlier process of
//! the same walk had started it and was killed.

use std::collections::BTreeSet;

use bytes::Bytes;
use client::runs::{Action, Run};
use client::{Item, configurations};
use configuration::Limits;
use domain::{Fault, Problem};
use server::local::{Purpose, RunView, Start};
use wire::runs::{RunBody, RunRequest, RunRequestRelationships};
use wire::{Document, ToOne, kind};

use super::preview::Rewritten;
use super::{COMMENT, Code, PAUSE, Remote, TRIES, Target, Walk, note};

impl Remote<'_> {
    /// Starts the nth attempt of a workspace, or goes on with the run that is there.
    pub(in super::super) async fn start(&self, attempt: u32, start: &Start) -> Result<RunView, Problem> {
        let walk = self.walk()?;
        let target = self
            .targets()
            .get(&start.workspace)
            .cloned()
            .ok_or_else(|| Problem::ours("stack/engine", "A workspace was not prepared.", &start.workspace))?;
        // A plan is made anew by each process, and is never gone on with.
        let of = if is_plan(start) { &walk.plans } else { &walk.kept.record.walk };
        let note = note::note(of, &start.workspace);
        let mut known = BTreeSet::new();
        // A walk that begins has no runs yet; one that is tried again has.
        if walk.is_kept && !is_plan(start) && (walk.kept.is_resumed || attempt > 1) {
            let runs = self.runs_of(&start.workspace, false).await?;
            if attempt == 1
                && let Some(run) = note::adoptable(&runs, &note)
            {
                return self.watches.begin(&run.id).await;
            }
            known.extend(note::noted(&runs, &note).map(|run| run.id.clone()));
        }
        let rewritten = match &start.scratch {
            Some(scratch) => self.rewritten(walk, &target, scratch, &start.readers).await?,
            None => None,
        };
        let configuration = self.upload(walk, &target, start, rewritten.as_ref()).await?;
        let body = RunBody::new(RunRequest {
            message: Some(format!("{} {note}", start.message)),
            auto_apply: Some(start.auto_apply),
            is_destroy: Some(matches!(start.purpose, Purpose::Destroy | Purpose::PlanDestroy)),
            plan_only: Some(is_plan(start)),
            variables: Some(target.variables.clone()),
            ..RunRequest::default()
        })
        .related(RunRequestRelationships {
            workspace: Some(ToOne::new(kind::WORKSPACES, &start.workspace)),
            configuration_version: configuration.as_ref().map(|id| ToOne::new(kind::CONFIGURATION_VERSIONS, id)),
        });
        let key = note::key(of, &start.workspace, known.len());
        let id = self.once(start, &serde_json::to_value(body).unwrap_or_default(), &key, &note, &known).await?;
        if let Some(inputs) = start.inputs.clone().filter(|_| !is_plan(start)) {
            self.memory.keep(&start.workspace, &id, inputs)?;
        }
        let view = self.watches.begin(&id).await?;
        if let Some(rewritten) = rewritten {
            self.names().insert(view.plan.clone(), rewritten.names);
        }
        Ok(view)
    }

    /// Asks for the run until there is one, and says its id.
    async fn once(
        &self,
        start: &Start,
        body: &serde_json::Value,
        key: &str,
        note: &str,
        known: &BTreeSet<String>,
    ) -> Result<String, Problem> {
        for tries in 1.. {
            let problem = match self.client.post_once::<Document<Item>>("runs", body, key).await {
                Ok(made) if tries == 1 => return Ok(made.data.id),
                // An earlier request seemed lost, and may have been carried out late.
                Ok(made) => return self.without_twins(start, &made.data.id, note, known).await,
                Err(problem) => problem,
            };
            // It may have arrived all the same. A refusal can be the second half of an answer that was lost, too.
            let is_open = problem.fault == Fault::Unavailable;
            let lost = is_open || problem.fault == Fault::Invalid || problem.fault == Fault::Conflict;
            if lost && let Some(run) = self.arrived(start, note, known).await?.into_iter().next() {
                return Ok(run.id);
            }
            if !is_open || tries >= TRIES {
                return Err(problem);
            }
            // What is on its way is given time to come.
            self.client.pause(PAUSE * tries).await?;
            if let Some(run) = self.arrived(start, note, known).await?.into_iter().next() {
                return Ok(run.id);
            }
        }
        unreachable!("the loop above ends by returning")
    }

    /// Where two requests were carried out, the later run is stopped before anything came of it: the workspace has them
    /// one after the other.
    async fn without_twins(
        &self,
        start: &Start,
        made: &str,
        note: &str,
        known: &BTreeSet<String>,
    ) -> Result<String, Problem> {
        let runs = self.arrived(start, note, known).await?;
        let Some((first, later)) = runs.split_first() else { return Ok(made.to_owned()) };
        for twin in later.iter().filter(|run| !run.attributes.is_final()) {
            let action = if twin.attributes.actions.is_discardable { Action::Discard } else { Action::Cancel };
            client::runs::act(&self.steady, &twin.id, action, COMMENT).await?;
        }
        Ok(first.id.clone())
    }

    async fn arrived(&self, start: &Start, note: &str, known: &BTreeSet<String>) -> Result<Vec<Run>, Problem> {
        let runs = self.runs_of(&start.workspace, is_plan(start)).await?;
        Ok(note::arrived(&runs, note, known).into_iter().cloned().collect())
    }

    /// Uploads the code; `None` where the workspace has its own.
    async fn upload(
        &self,
        walk: &Walk,
        target: &Target,
        start: &Start,
        rewritten: Option<&Rewritten>,
    ) -> Result<Option<String>, Problem> {
        let archive = match (target.code, rewritten) {
            (_, Some(rewritten)) => rewritten.archive.clone(),
            (Code::Repository, None) => return Ok(None),
            (Code::Stack, None) => walk.archive.clone(),
            (Code::Folder, None) => {
                let root = self.loaded.root(&target.view.name);
                let folder = root.map(|root| self.loaded.stack.folder(root)).unwrap_or_default();
                Bytes::from(configuration::pack_folder(&folder, &Limits::default())?)
            }
        };
        configurations::upload(&self.client, &start.workspace, archive, is_plan(start)).await.map(Some)
    }
}

fn is_plan(start: &Start) -> bool {
    matches!(start.purpose, Purpose::Plan | Purpose::PlanDestroy)
}
