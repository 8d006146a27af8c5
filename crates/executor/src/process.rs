//! One terraform process: started in a process group of its own, its output in files, stopped in the right order.
//!
//! Nothing of it hangs on our life: it reads and writes no pipe of ours (but for one that is held and has not begun, which is to end with us:
//! `held`), and it does not get our terminal's signals. Its
//! standard input is the run's lock file, flocked; the lock is free again when terraform and whatever inherited its input
//! have ended, which is how `recover` waits for it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use domain::Problem;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use crate::batch;
use crate::checks::Checks;
use crate::folder::{Folder, PhaseRecord};
use crate::keeper::{self, Keeper, NO_KEEPER};
use crate::memory::{self, Memory, Room};
use crate::sandbox::{NO_WALLS, Sandbox};
use crate::stop::Stop;

/// What all processes of one phase share.
#[derive(Clone)]
pub(crate) struct Launcher {
    pub(crate) folder: Folder,
    pub(crate) binary: PathBuf,
    pub(crate) environment: BTreeMap<String, String>,
    /// Folder of the root module.
    pub(crate) root: PathBuf,
    pub(crate) grace: Duration,
    pub(crate) stop: Stop,
    pub(crate) record: PhaseRecord,
    pub(crate) sandbox: Option<Sandbox>,
    /// In front of every command but `init`, with the file of the state.
    pub(crate) keeper: Option<(Keeper, PathBuf)>,
    pub(crate) checks: Checks,
    pub(crate) memory: Memory,
    /// The code asks nothing of `init`, which does not run, and there are no providers but terraform's own.
    pub(crate) bare: bool,
}

/// A command of terraform.
pub(crate) struct Asked {
    /// What names it in `phase.json`.
    pub(crate) step: &'static str,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) output: Output,
}

/// A terraform that was started.
pub(crate) struct Started {
    child: Child,
    /// Had until it has ended.
    _room: Room,
}

/// Where a process writes.
pub(crate) struct Output {
    pub(crate) stdout: File,
    pub(crate) stderr: File,
}

impl Output {
    /// Both streams into one file, in the order in which they are written.
    pub(crate) fn together(file: File) -> io::Result<Self> {
        Ok(Self { stderr: file.try_clone()?, stdout: file })
    }
}

/// How a process ended.
pub(crate) enum Ended {
    /// By itself, with this code; `None` when a signal ended it.
    Exit(Option<i32>),
    /// Somebody asked for it; it may have ended well all the same.
    Stopped(Option<i32>),
}

impl Launcher {
    /// Runs `terraform ARGUMENTS` to its end. `step` names it in `phase.json`.
    pub(crate) async fn run(&self, step: &str, arguments: &[OsString], output: Output) -> Result<Ended, Problem> {
        match self.start(step, arguments, output).await? {
            Some(child) => self.end_of(child).await,
            None => Ok(Ended::Stopped(None)),
        }
    }

    /// Starts `terraform ARGUMENTS` when there is room; `None` when a stop came before.
    pub(crate) async fn start(
        &self,
        step: &str,
        arguments: &[OsString],
        output: Output,
    ) -> Result<Option<Started>, Problem> {
        match self.room(step != "init", &self.stop).await? {
            Some(room) => self.start_in(room, step, arguments, output).await,
            None => Ok(None),
        }
    }

    /// Waits for room for a terraform, which starts providers or does not; `None` when a stop came before.
    pub(crate) async fn room(&self, providers: bool, stop: &Stop) -> Result<Option<Room>, Problem> {
        let need = self.need(providers).await?;
        Ok(tokio::select! {
            biased;
            () = stop.interrupted() => None,
            room = self.memory.room(&self.record.run, need) => Some(room),
        })
    }

    /// How many bytes a terraform needs, which starts providers or does not.
    pub(crate) async fn need(&self, providers: bool) -> Result<u64, Problem> {
        if !providers || self.bare {
            return Ok(memory::need(None));
        }
        let folder = self.root.join(".terraform/providers");
        let looking = tokio::task::spawn_blocking(move || memory::need(Some(&folder)));
        looking.await.map_err(|problem| ours("The providers of a run cannot be looked at.", problem))
    }

    /// The same as [`Launcher::start`], in room that is there.
    pub(crate) async fn start_in(
        &self,
        room: Room,
        step: &str,
        arguments: &[OsString],
        output: Output,
    ) -> Result<Option<Started>, Problem> {
        if self.stop.is_asked() {
            return Ok(None);
        }
        let Some(lock) = self.lock().await? else { return Ok(None) };
        let (checks, folder, root) = (self.checks.clone(), self.folder.clone(), self.root.clone());
        let looking = tokio::task::spawn_blocking(move || checks.look_again(&folder, &root));
        looking.await.map_err(|problem| ours("The providers of a run cannot be looked at.", problem))??;
        let child = self.spawn(step, arguments, lock, output)?;
        Ok(Some(Started { child, _room: room }))
    }

    /// Waits for the end of what was started.
    pub(crate) async fn end_of(&self, started: Started) -> Result<Ended, Problem> {
        let Started { mut child, _room } = started;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        let status = self.wait(&mut child, group).await;
        match group {
            // What terraform left behind (a provisioner's grandchild) must not work on after the run is over.
            Some(group) if self.sandbox.is_none() => {
                let _ = killpg(group, Signal::SIGKILL);
            }
            // A keeper that was killed leaves the launcher behind, which ends what is inside, and then gives the lock back.
            Some(group) if self.keeper.is_some() && killpg(group, Signal::SIGTERM).is_ok() => {
                crate::recover::ended(self.folder.path()).await?;
            }
            _ => {}
        }
        let status = status.map_err(|problem| ours("Terraform could not be waited for.", problem))?;
        let code = match (&self.sandbox, status.code()) {
            (Some(sandbox), Some(NO_WALLS)) if !self.stop.is_asked() => return Err(no_walls(sandbox)),
            (_, Some(NO_KEEPER)) if self.keeper.is_some() => return Err(no_keeper()),
            // How the launcher and the keeper say that a signal ended it.
            (sandbox, Some(code)) if code > 128 && (sandbox.is_some() || self.keeper.is_some()) => None,
            (_, code) => code,
        };
        Ok(if self.stop.is_asked() { Ended::Stopped(code) } else { Ended::Exit(code) })
    }

    /// Marks the phase as over.
    pub(crate) fn ended(&self) -> Result<(), Problem> {
        let record = PhaseRecord { step: "ended".to_owned(), pid: None, started: None, ..self.record.clone() };
        self.folder.record(&record).map_err(|problem| ours("The run's folder cannot be written.", problem))
    }

    /// The folder's lock, for the process that is about to start; `None` when a stop came while it was not free.
    async fn lock(&self) -> Result<Option<File>, Problem> {
        let failed = |problem: io::Error| ours("The run's folder cannot be locked.", problem);
        let file = open_lock(&self.folder.lock()).map_err(failed)?;
        tokio::select! {
            lock = locked(file) => lock.map(Some).map_err(failed),
            () = self.stop.interrupted() => Ok(None),
        }
    }

    fn spawn(&self, step: &str, arguments: &[OsString], lock: File, output: Output) -> Result<Child, Problem> {
        let mut record = PhaseRecord { step: step.to_owned(), pid: None, started: None, ..self.record.clone() };
        let failed = |problem: io::Error| ours("The run's folder cannot be written.", problem);
        self.folder.record(&record).map_err(failed)?;
        let (program, before) = match &self.sandbox {
            None => (&self.binary, Vec::new()),
            Some(sandbox) => {
                let before = sandbox.arguments(&self.folder, &self.root, &self.binary, step == "init");
                (&sandbox.launcher, before.map_err(|problem| ours("The sandbox cannot be described.", problem))?)
            }
        };
        let mut command = match self.keeper.as_ref().filter(|_| step != "init") {
            None => Command::new(program),
            Some((keeper, state)) => {
                let spec = serde_json::to_string(&keeper::Spec { state: state.clone() })
                    .map_err(|problem| ours("The endpoint for the state cannot be described.", problem))?;
                let mut command = Command::new(&keeper.program);
                command.arg(keeper::KEEP).arg(spec).arg(program);
                command
            }
        };
        command
            .args(before)
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(&self.root)
            .stdin(Stdio::from(lock))
            .stdout(Stdio::from(output.stdout))
            .stderr(Stdio::from(output.stderr))
            .process_group(0);
        let child = match &self.sandbox {
            None => batch::started(|| command.spawn()),
            Some(sandbox) => sandbox.start(command),
        };
        let child = child.map_err(|problem| {
            Problem::invalid("terraform/unusable", format!("\"{}\" cannot be started.", program.display()))
                .advice("Name another with --terraform.")
                .because(problem)
        })?;
        record.pid = child.id();
        record.started = record.pid.and_then(started);
        self.folder.record(&record).map_err(failed)?;
        Ok(child)
    }

    async fn wait(&self, child: &mut Child, group: Option<Pid>) -> io::Result<ExitStatus> {
        tokio::select! {
            status = child.wait() => return status,
            () = self.stop.interrupted() => {}
        }
        // To terraform alone: it stops its providers and provisioners itself, in the order that saves state.
        if let Some(process) = group {
            let _ = kill(process, Signal::SIGINT);
        }
        tokio::select! {
            status = child.wait() => return status,
            () = self.stop.killed() => {}
            () = tokio::time::sleep(self.grace) => {}
        }
        match group {
            // It ends what is inside, and then itself.
            Some(launcher) if self.sandbox.is_some() => {
                let _ = kill(launcher, Signal::SIGTERM);
            }
            Some(group) => {
                let _ = killpg(group, Signal::SIGKILL);
            }
            None => {}
        }
        child.wait().await
    }
}

/// Locks a file, waiting for whoever holds it; woken by the system. A thread of its own waits, because the runtime waits for
/// its blocking threads when it shuts down, and this may take hours. Whoever waits no longer does not get it.
///
/// # Errors
/// What the system says.
pub async fn locked(file: File) -> io::Result<File> {
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(problem)) => return Err(problem),
    }
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new().name("wait-for-lock".to_owned()).spawn(move || {
        let locked = file.lock().map(|()| file);
        let _ = tell.send(locked);
    })?;
    told.await.map_err(io::Error::other)?
}

pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// When a process started, in clock ticks since boot.
pub(crate) fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces and parentheses; the fields after the last one are plain. Field 3 is first.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

fn no_walls(sandbox: &Sandbox) -> Problem {
    let message = format!("The walls around this run ({}) could not be put up; the log says why.", sandbox.wall.name());
    Problem::ours("executor/no-walls", message, "the launcher ended with 125")
        .advice("Restart the server, which finds out anew what this machine allows.")
}

fn no_keeper() -> Problem {
    let message = "The endpoint for this run's state could not be made; the log says why.";
    Problem::ours("executor/no-keeper", message, "the keeper ended with 124")
        .advice("Plan again; free memory or ports of the loopback address if it happens once more.")
}

pub(crate) fn ours(message: &str, cause: impl std::fmt::Display) -> Problem {
    Problem::ours("executor/failed", message, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_when_it_started() {
        assert!(started(std::process::id()).is_some_and(|ticks| ticks > 0));
        assert_eq!(started(u32::MAX), None);
    }
}
