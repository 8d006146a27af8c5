//! A terraform that is started before its run may begin, and held at a gate: what it has to do before it looks at anything (starting, reading
//! its code, checking its providers' packages, and asking them for their schemas where it can be held so far) is done by the time its upstreams are.
//!
//! The gate is a file that it reads on its way ([`gate`]): a link to a pipe, in which the beginning of the file stands. `Ready::run` puts a file in the
//! place of the link, for whoever has not come to it and for whoever reads it once more, and then writes the rest, and closes the pipe. When it is
//! given up, or we die, the pipe ends where it is, and terraform ends with it: half a file is none, and a link to what is gone is none either.
//! So nothing of a run happens before somebody opens its gate, and what it reads of others then is of then.
//!
//! The link names our process and the number of our end of the pipe. That end stays open until terraform has ended, whoever is dropped before:
//! its number must not become that of another file, which terraform would take for the rest. Where a process does not find itself in `/proc`
//! nothing is held.

mod gate;

use std::fs;
use std::io::PipeReader;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::Problem;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::gate::OPEN;
use self::gate::{Gate, Place};
use crate::apply::Keeping;
use crate::at_once;
use crate::beside;
use crate::environment::environment;
use crate::folder::{Folder, open_private, remove};
use crate::init;
use crate::keeper::choose;
use crate::memory::HeldRoom;
use crate::overrides;
use crate::plan::{self, unwritable};
use crate::prepare::{self, Prepared};
use crate::process::{Asked, Ended, ours};
use crate::redact::Secrets;
use crate::stop::Stop;
use crate::version::Product;
use crate::work::{Phase, Source, UpstreamOutputs, Work};

/// A terraform at its gate. Dropped, it ends by itself; its folder stays then, until [`Held::give_up`] or somebody else removes it.
pub struct Held {
    work: Work,
    /// What it does: plan, or plan and apply at once.
    phase: Phase,
    prepared: Arc<Prepared>,
    stop: Stop,
    keeping: Option<Keeping>,
    gate: Gate,
    room: HeldRoom,
    process: JoinHandle<Result<Ended, Problem>>,
}

/// A held terraform that may begin.
pub(crate) struct Ready {
    pub(crate) prepared: Prepared,
    pub(crate) keeping: Option<Keeping>,
    variables: String,
    stop: Stop,
    gate: Gate,
    process: JoinHandle<Result<Ended, Problem>>,
    forwarding: AbortOnDropHandle<()>,
}

impl Ready {
    /// Opens the gate when there is room, and waits for terraform's end.
    pub(crate) async fn run(self) -> Result<Ended, Problem> {
        let Self { prepared, variables, stop, gate, process, forwarding, .. } = self;
        let ended = |problem| ours("Terraform could not be waited for.", problem);
        let Some(_room) = prepared.launcher.room(true, &stop).await? else {
            drop(gate);
            return process.await.map_err(ended)?;
        };
        let opened = gate.open(&variables).map_err(|problem| ours("The gate of a run cannot be opened.", problem));
        if opened.is_err() {
            stop.kill();
        }
        let ended = process.await.map_err(ended)?;
        drop(forwarding);
        opened.and(ended)
    }
}

/// What is known of the variables of a run that is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variables {
    /// They will be those of the work, unless somebody changes them meanwhile.
    Known,
    /// Others come, such as outputs of upstreams.
    ToCome,
}

/// What came of [`hold`].
pub enum Holding {
    /// It is held.
    Held(Box<Held>),
    /// Not now: `init` has to run first, which a run does, or there is no room. Another time it may be.
    NotYet,
    /// It cannot be held.
    Never,
}

/// Starts the terraform of a run that is to come, and holds it: for its plan, or, with [`Phase::Apply`], one that plans and applies at once.
/// `work` is what the run will be given, but for the outputs of its upstreams and its variables for terraform; blocks that will be answered must
/// be among its upstream outputs. A run whose variables are other than they were said to be starts by itself.
///
/// # Errors
/// Those of preparing a run's folder. Whoever is told of them starts the run when its time has come.
pub async fn hold(work: &Work, phase: Phase, variables: Variables) -> Result<Holding, Problem> {
    let is_answered_by_files = work.upstream_outputs.iter().all(|outputs| overrides::is_of_states(work, outputs));
    let is_looked_at = work.operation.scratch;
    if is_looked_at || work.sandbox.is_some() || !work.planned_variables.is_empty() || !is_answered_by_files {
        return Ok(Holding::Never);
    }
    // OpenTofu may look at variables earlier, and elsewhere too.
    let (_, version) = prepare::terraform(work, &environment(work, &Folder::new(&work.folder))?).await?;
    if version.product != Product::Terraform {
        return Ok(Holding::Never);
    }
    let held = at_the_gate(work, phase, variables).await;
    if !matches!(held, Ok(Holding::Held(_))) {
        discard(&work.folder).await;
    }
    held
}

async fn at_the_gate(work: &Work, phase: Phase, variables: Variables) -> Result<Holding, Problem> {
    let stop = Stop::new();
    let mut prepared = prepare::build(work, phase, stop.clone()).await?;
    prepared.launcher.record.at_once = phase == Phase::Apply;
    if !prepared.rewritten.names.is_empty() || (prepared.initialised.is_none() && !prepared.launcher.bare) {
        return Ok(Holding::Never);
    }
    // Starting is what is to be saved, and that of `init` comes on top: the first of its kind is left to its run.
    if !init::is_kept(&prepared).await? {
        return Ok(Holding::NotYet);
    }
    // What it takes to start is nothing beside what such a run does.
    if choose::is_for_endpoint(work, &prepared).await? {
        return Ok(Holding::Never);
    }
    open_private(&prepared.launcher.folder.log(phase)).map_err(unwritable)?;
    let keeping = match phase {
        Phase::Plan => None,
        Phase::Apply => Keeping::begin(work, &prepared)?,
    };
    let Some((gate, reader)) = shut(work, &prepared, variables).await? else { return Ok(Holding::Never) };
    let need = prepared.launcher.need(gate.place == Place::Validation).await?;
    let Some((room, until_ended)) = work.memory.held(&stop, need) else { return Ok(Holding::NotYet) };
    let Asked { step, arguments, output } = match phase {
        Phase::Plan => plan::command(work, &prepared)?,
        Phase::Apply => at_once::command(work, &prepared)?,
    };
    let started = prepared.launcher.start_in(until_ended, step, &arguments, output).await?;
    let Some(started) = started else { return Ok(Holding::Never) };
    let prepared = Arc::new(prepared);
    let process = tokio::spawn({
        let prepared = prepared.clone();
        // Where nobody waits for the end any more, it is never closed.
        let reader = ManuallyDrop::new(reader);
        async move {
            let ended = prepared.launcher.end_of(started).await;
            drop(ManuallyDrop::into_inner(reader));
            ended
        }
    });
    Ok(Holding::Held(Box::new(Held { work: work.clone(), phase, prepared, stop, keeping, gate, room, process })))
}

/// Puts its gate in the way of a terraform that is to be held.
async fn shut(work: &Work, prepared: &Prepared, variables: Variables) -> Result<Option<(Gate, PipeReader)>, Problem> {
    let (work, prepared) = (work.clone(), prepared.clone());
    let shutting =
        tokio::task::spawn_blocking(move || Gate::shut(Place::of(&work, &prepared, variables), &work, &prepared));
    shutting.await.map_err(|problem| ours("The gate of a run cannot be made.", problem))?
}

/// Makes what is held ready for this phase of `work`, if it was held for that; gives it up otherwise.
pub(crate) async fn ready(held: Option<Held>, work: &Work, phase: Phase, stop: &Stop) -> Option<Ready> {
    held?.ready(work, phase, stop).await
}

impl Held {
    async fn ready(self, work: &Work, phase: Phase, stop: &Stop) -> Option<Ready> {
        let given = if self.phase == phase { self.given(work).await } else { Ok(None) };
        let (variables, secrets) = match given {
            Ok(Some(given)) if !self.process.is_finished() && !stop.is_asked() => given,
            outcome => {
                if let Err(problem) = outcome {
                    tracing::warn!(code = problem.code, cause = problem.cause, "{}", problem.message);
                }
                self.give_up().await;
                return None;
            }
        };
        let Self { work: held, prepared, stop: own, keeping, gate, room, process, .. } = self;
        if !room.leave() {
            end(held, own, gate, process).await;
            return None;
        }
        let (asked, told) = (stop.clone(), own.clone());
        let forwarding = AbortOnDropHandle::new(tokio::spawn(async move {
            asked.interrupted().await;
            told.interrupt();
            asked.killed().await;
            told.kill();
        }));
        let mut prepared = Prepared { secrets, ..Prepared::clone(&prepared) };
        // What is started after it is stopped with the run.
        prepared.launcher.stop = stop.clone();
        Some(Ready { prepared, keeping, variables, stop: own, gate, process, forwarding })
    }

    /// Ends it, and removes its folder.
    pub async fn give_up(self) {
        let Self { work, stop, gate, process, .. } = self;
        end(work, stop, gate, process).await;
    }

    /// The id of the run that it is for.
    pub fn run(&self) -> &domain::id::RunId {
        &self.work.run
    }

    /// Writes what its upstreams say now, and returns its variables and secrets; `None` where something is other than when it was started. What
    /// was started still waits at its gate, whatever was written.
    async fn given(&self, work: &Work) -> Result<Option<(String, Secrets)>, Problem> {
        if !is_for(&self.work, work) {
            return Ok(None);
        }
        let (task, prepared) = (work.clone(), self.prepared.clone());
        let bytes = work.upstream_outputs.iter().map(UpstreamOutputs::bytes).sum();
        let place = self.gate.place;
        let writing = beside::done(bytes, move || {
            let (folder, root) = (&prepared.launcher.folder, &prepared.launcher.root);
            let gate = place.in_code(folder, root);
            for (module, text) in overrides::answered(&task, folder, root, prepared.launcher.bare, gate.as_deref())? {
                if fs::read(overrides::file_in(&module)).ok().as_deref() != Some(text.as_bytes()) {
                    return Ok(None);
                }
            }
            let secrets = Secrets::of(&task);
            secrets.keep(folder).map_err(unwritable)?;
            let variables = prepare::variables_of(&task, root)?;
            if place == Place::Validation && fs::read(folder.variables()).map_err(unwritable)? != variables.as_bytes() {
                return Ok(None);
            }
            Ok::<_, Problem>(Some((variables, secrets)))
        });
        let given = writing.await.map_err(|problem| ours("What a run was held for could not be written.", problem))?;
        Ok(given?.filter(|(variables, _)| self.gate.has_room(variables)))
    }
}

/// Ends what is held, and removes its folder.
async fn end(work: Work, stop: Stop, gate: Gate, process: JoinHandle<Result<Ended, Problem>>) {
    stop.kill();
    drop(gate);
    if let Err(problem) = process.await {
        tracing::error!(%problem, "a held terraform could not be waited for");
    }
    discard(&work.folder).await;
}

/// Removes the folder of a run that never began.
async fn discard(folder: &Path) {
    let folder: PathBuf = folder.to_owned();
    match tokio::task::spawn_blocking(move || remove(&folder)).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => tracing::warn!(%problem, "the folder of a run that was held could not be removed"),
        Err(problem) => tracing::warn!(%problem, "the folder of a run that was held could not be removed"),
    }
}

/// Whether a terraform that was started for `held` may do the `work`: everything that it was given by then is the same.
fn is_for(held: &Work, work: &Work) -> bool {
    let folder = Folder::new(&work.folder);
    let given = |work: &Work| environment(work, &folder).ok();
    let (Source::Archive(before), Source::Archive(now)) = (&held.source, &work.source);
    let blocks = |work: &Work| {
        let block = |it: &crate::work::UpstreamOutputs| (it.module.clone(), it.name.clone(), it.instance.clone());
        work.upstream_outputs.iter().map(block).collect::<Vec<_>>()
    };
    let all_states = work.upstream_outputs.iter().all(|outputs| overrides::is_of_states(work, outputs));
    held.run == work.run
        && held.folder == work.folder
        && before == now
        && held.working_directory == work.working_directory
        && held.terraform == work.terraform
        && held.operation == work.operation
        && held.names == work.names
        && held.backend == work.backend
        && held.state == work.state
        && held.cli_config == work.cli_config
        && held.output == work.output
        && work.sandbox.is_none()
        && work.planned_variables.is_empty()
        && all_states
        && blocks(held) == blocks(work)
        && given(held) == given(work)
}
