//! A terraform that is started before its run may begin, and held at a gate: what it has to do before it looks at anything (starting, reading
//! its code, checking its providers' packages) is done by the time its upstreams are.
//!
//! The gate is its file of variables, which is a link to a pipe, in which the beginning of a comment stands. Terraform reads variables to their end
//! before it locks a state, starts a provider or reads data. `Ready::run` puts a file in the place of the link, for whoever has not come to it and
//! for whoever reads it once more, and then writes the end of the comment and the variables, and closes the pipe. When it is given up, or we die, the
//! pipe ends where it is, and terraform ends with it: a comment without an end is no file of variables, and a link to what is gone is none either.
//! So nothing of a run happens before somebody opens its gate, and what it reads then is of then.
//!
//! The link names our process and the number of our end of the pipe. That end stays open until terraform has ended, whoever is dropped before:
//! its number must not become that of another file, which terraform would take for its variables. Where a process does not find itself in `/proc`
//! nothing is held.

use std::fs;
use std::io::{self, PipeReader, PipeWriter, Write, pipe};
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::Problem;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use crate::apply::Keeping;
use crate::at_once;
use crate::beside;
use crate::environment::environment;
use crate::folder::{Folder, open_private, remove, replace_private};
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

/// What stands in the pipe while the gate is shut, and what ends it.
const SHUT: &[u8] = b"/*";
const END: &str = "*/\n";

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

/// Our end of the pipe.
struct Gate {
    writer: PipeWriter,
    /// Longest text that passes as a whole or not at all.
    room: usize,
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
        let file = prepared.launcher.folder.variables();
        let opened =
            gate.open(&file, &variables).map_err(|problem| ours("The gate of a run cannot be opened.", problem));
        if opened.is_err() {
            stop.kill();
        }
        let ended = process.await.map_err(ended)?;
        drop(forwarding);
        opened.and(ended)
    }
}

impl Gate {
    /// A gate that is shut, and the end of it that terraform reads.
    fn new() -> io::Result<(Self, PipeReader)> {
        let (reader, mut writer) = pipe()?;
        // Beside what stands in it.
        let room = capacity(&reader) / 2;
        writer.write_all(SHUT)?;
        Ok((Self { writer, room }, reader))
    }

    /// Whether these variables can pass.
    fn has_room(&self, variables: &str) -> bool {
        END.len() + variables.len() <= self.room
    }

    /// Lets the variables in, to whoever reads them now and to whoever opens `file` from now on.
    fn open(self, file: &Path, variables: &str) -> io::Result<()> {
        let Self { mut writer, .. } = self;
        replace_private(file, variables.as_bytes())?;
        writer.write_all(format!("{END}{variables}").as_bytes())
    }
}

/// How much a pipe holds: less than usual, where somebody has very many.
#[cfg(target_os = "linux")]
fn capacity(pipe: &PipeReader) -> usize {
    use nix::fcntl::{FcntlArg, fcntl};
    fcntl(pipe, FcntlArg::F_GETPIPE_SZ).ok().and_then(|size| usize::try_from(size).ok()).unwrap_or_default()
}

/// Nothing is held where terraform could not find it.
#[cfg(not(target_os = "linux"))]
fn capacity(_pipe: &PipeReader) -> usize {
    0
}

/// Where others find a pipe of ours; `None` where they do not.
fn path_of(pipe: &PipeReader) -> io::Result<Option<PathBuf>> {
    let path = Path::new("/proc").join(std::process::id().to_string()).join("fd").join(pipe.as_raw_fd().to_string());
    let own = fs::File::from(OwnedFd::from(pipe.try_clone()?)).metadata()?;
    let is_it = fs::metadata(&path).is_ok_and(|found| (found.dev(), found.ino()) == (own.dev(), own.ino()));
    Ok(is_it.then_some(path))
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
/// be among its upstream outputs.
///
/// # Errors
/// Those of preparing a run's folder. Whoever is told of them starts the run when its time has come.
pub async fn hold(work: &Work, phase: Phase) -> Result<Holding, Problem> {
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
    let held = at_the_gate(work, phase).await;
    if !matches!(held, Ok(Holding::Held(_))) {
        discard(&work.folder).await;
    }
    held
}

async fn at_the_gate(work: &Work, phase: Phase) -> Result<Holding, Problem> {
    let failed = |problem| ours("The gate of a run cannot be made.", problem);
    let stop = Stop::new();
    let (gate, reader) = Gate::new().map_err(failed)?;
    let Some(path) = path_of(&reader).map_err(failed)? else { return Ok(Holding::Never) };
    let mut prepared = prepare::build(work, phase, stop.clone(), Some(path)).await?;
    prepared.launcher.record.at_once = phase == Phase::Apply;
    if !prepared.rewritten.names.is_empty() || (prepared.initialised.is_none() && !prepared.launcher.bare) {
        return Ok(Holding::Never);
    }
    // Starting is what is to be saved, and that of `init` comes on top: the first of its kind is left to its run.
    if !plan::is_kept(&prepared).await? {
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
    let Some((room, until_ended)) = work.memory.held(&stop) else { return Ok(Holding::NotYet) };
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
        let writing = beside::done(bytes, move || {
            let (folder, root) = (&prepared.launcher.folder, &prepared.launcher.root);
            for (module, text) in overrides::answered(&task, folder, root, prepared.launcher.bare)? {
                if fs::read(overrides::file_in(&module)).ok().as_deref() != Some(text.as_bytes()) {
                    return Ok(None);
                }
            }
            let secrets = Secrets::of(&task);
            secrets.keep(folder).map_err(unwritable)?;
            Ok::<_, Problem>(Some((prepare::variables_of(&task, root)?, secrets)))
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
