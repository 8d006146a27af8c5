//! After our own death: finds the terraform that may still work in a run's folder, waits for it or ends it, and says what
//! the folder holds.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use bytes::Bytes;
use domain::Problem;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::folder::{Folder, PhaseRecord};
use crate::process::{locked, open_lock, ours, started};
use crate::recovery;
use crate::redact::Secrets;
use crate::render::{Form, Rendering};
use crate::work::{Foreseen, Phase, Recovery};

/// A terraform that outlived the one who started it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leftover {
    /// Its process id, which names its process group too; that of the launcher where it is contained.
    pub pid: u32,
    contained: bool,
    started: Option<u64>,
}

/// What an apply that was cut off left behind.
#[derive(Debug, Clone, Default)]
pub struct Recovered {
    /// Terraform was started to apply. Otherwise nothing was done, and nothing else here says anything.
    pub begun: bool,
    /// What is known of the plan, where it was made and applied in one process.
    pub plan: Option<RecoveredPlan>,
    /// The whole log of the apply phase, rendered as it would have been: the receiver may have a beginning of it.
    pub log: Bytes,
    /// Terraform ended well while nobody looked: its last words were the summary of a complete apply.
    pub complete: bool,
    /// What the folder holds. After a complete apply `state` is the final state.
    pub recovery: Recovery,
    /// What the apply's summary counted, when it came to one.
    pub counts: crate::work::Counts,
}

/// The plan of a run that was planned and applied in one process.
#[derive(Debug, Clone)]
pub struct RecoveredPlan {
    /// What it was; `None` when terraform did not come to say so.
    pub foreseen: Option<Foreseen>,
    /// The whole log of the plan phase.
    pub log: Bytes,
}

/// The terraform that works in `folder` now, if one does.
pub fn leftover(folder: &Path) -> Option<Leftover> {
    let folder = Folder::new(folder);
    if is_free(&folder) {
        return None;
    }
    recorded(&folder).or_else(|| holder(&folder))
}

impl Leftover {
    /// One SIGINT to terraform, which then stops and saves its state. To be sent once: a second one makes it drop its state.
    pub fn interrupt(&self) {
        if let Some(pid) = self.living() {
            let _ = kill(pid, Signal::SIGINT);
        }
    }

    fn kill_group(&self) {
        match self.living() {
            Some(launcher) if self.contained => {
                let _ = kill(launcher, Signal::SIGTERM);
            }
            Some(pid) => {
                let _ = killpg(pid, Signal::SIGKILL);
            }
            None => {}
        }
    }

    /// The pid while it is still the same process's.
    fn living(&self) -> Option<Pid> {
        let now = started(self.pid)?;
        (self.started == Some(now)).then(|| i32::try_from(self.pid).ok().map(Pid::from_raw))?
    }
}

/// Kills the terraform that may work in `folder`, with its process group, and returns when it is gone. For plans, which
/// have nothing to save.
///
/// # Errors
/// `executor/failed` when the folder cannot be read.
pub async fn kill_leftover(folder: &Path) -> Result<(), Problem> {
    if let Some(leftover) = leftover(folder) {
        leftover.kill_group();
    }
    ended(folder).await
}

/// Returns when no terraform works in `folder` any more, by itself; woken by the end of the process.
///
/// # Errors
/// `executor/failed` when the folder cannot be read.
pub async fn ended(folder: &Path) -> Result<(), Problem> {
    let failed = |problem: io::Error| ours("The run's folder cannot be read.", problem);
    let lock = Folder::new(folder).lock();
    if !lock.exists() {
        return Ok(());
    }
    let file = open_lock(&lock).map_err(failed)?;
    locked(file).await.map(drop).map_err(failed)
}

/// For a run whose apply was cut off by our death: waits until the terraform that may still run in `folder` has ended by
/// itself, ends what it left behind, and reads what the folder holds. Nothing is started again.
///
/// `prior` is the state before the run. Interrupting and its grace are the caller's decision: [`leftover`] names the process.
///
/// # Errors
/// `executor/failed` when the folder cannot be read.
pub async fn recover(folder: &Path, prior: Option<&Bytes>) -> Result<Recovered, Problem> {
    ended(folder).await?;
    let folder = Folder::new(folder);
    let prior = prior.cloned();
    tokio::task::spawn_blocking(move || read(&folder, prior.as_ref()))
        .await
        .map_err(|problem| ours("The run's folder cannot be read.", problem))?
}

fn read(folder: &Folder, prior: Option<&Bytes>) -> Result<Recovered, Problem> {
    let file = folder.log(Phase::Apply);
    let Some(record) = folder.recorded().filter(|record| record.phase == "apply" && file.exists()) else {
        return Ok(Recovered::default());
    };
    kill_remains(&record);
    let log = crate::applied_log::read(&file).unwrap_or_default();
    let unreadable = |problem| ours("The run's log cannot be read.", problem);
    let secrets = Secrets::kept(folder).map_err(unreadable)?;
    let (plan, rendered) = rendered(&record, &file, &secrets).map_err(unreadable)?;
    Ok(Recovered {
        begun: true,
        plan,
        log: rendered,
        complete: log.complete,
        recovery: secrets.recovery(recovery::of(folder, &record, prior)),
        counts: log.counts,
    })
}

/// What terraform has planned so far in `folder`, where it plans and applies in one process; `None` while it has not come to that.
///
/// # Errors
/// `executor/failed` when the folder cannot be read.
pub fn foreseen(folder: &Path) -> Result<Option<Foreseen>, Problem> {
    let folder = Folder::new(folder);
    let Some(record) = folder.recorded().filter(|record| record.phase == "apply") else { return Ok(None) };
    let unreadable = |problem| ours("The run's log cannot be read.", problem);
    let secrets = Secrets::kept(&folder).map_err(unreadable)?;
    let (plan, _) = rendered(&record, &folder.log(Phase::Apply), &secrets).map_err(unreadable)?;
    Ok(plan.and_then(|plan| plan.foreseen))
}

/// The log of the plan, where it has one, and that of the apply.
fn rendered(record: &PhaseRecord, file: &Path, secrets: &Secrets) -> io::Result<(Option<RecoveredPlan>, Bytes)> {
    let mut out = record.preamble.clone().into_bytes();
    let mut rendering = match record.at_once {
        true => Rendering::at_once(&record.preamble),
        false => Rendering::new(if record.human { Form::Human } else { Form::Json }),
    };
    match fs::read(file) {
        Ok(bytes) => {
            let (mut clean, mut read) = (secrets.stream(), Vec::new());
            clean.push(&bytes, &mut read);
            clean.finish(&mut read);
            rendering.push(&read, &mut out);
        }
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => {}
        Err(problem) => return Err(problem),
    }
    rendering.finish(&mut out);
    if !record.at_once {
        return Ok((None, Bytes::from(out)));
    }
    let apply = rendering.turn().map(|turn| out.split_off(turn)).unwrap_or_default();
    let plan = RecoveredPlan { foreseen: rendering.foreseen(), log: Bytes::from(out) };
    Ok((Some(plan), Bytes::from(apply)))
}

/// Kills what terraform left in its process group (a provisioner's grandchild). The group is known to be the run's by the
/// run's id in the environment of its members: the number alone may be somebody else's by now.
fn kill_remains(record: &PhaseRecord) {
    let Some(group) = record.pid else { return };
    let mark = format!("TFC_RUN_ID={}", record.run);
    for process in processes() {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        // Behind walls it may lead a group of its own; what is left then is so only if the launcher was killed.
        if !record.contained && fields.split_whitespace().nth(2) != Some(group.to_string().as_str()) {
            continue;
        }
        let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        if environment.split(|&byte| byte == 0).any(|entry| entry == mark.as_bytes())
            && let Ok(pid) = i32::try_from(process)
        {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

fn is_free(folder: &Folder) -> bool {
    match File::open(folder.lock()) {
        Ok(file) => file.try_lock().is_ok(),
        Err(_) => true,
    }
}

fn recorded(folder: &Folder) -> Option<Leftover> {
    let record = folder.recorded()?;
    let leftover = Leftover { pid: record.pid?, contained: record.contained, started: Some(record.started?) };
    leftover.living().map(|_| leftover)
}

/// Whoever has the lock file as standard input: found even when we died before we wrote down whom we started.
fn holder(folder: &Folder) -> Option<Leftover> {
    let lock = folder.lock().canonicalize().ok()?;
    let holds = |pid: &u32| fs::read_link(format!("/proc/{pid}/fd/0")).is_ok_and(|file| file == lock);
    let holders: Vec<u32> = processes().filter(holds).collect();
    // What it has started has the same input, and is below it.
    let is_topmost = |pid: &&u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let parent = fields.split_whitespace().nth(1).and_then(|parent| parent.parse::<u32>().ok());
        parent.is_none_or(|parent| !holders.contains(&parent))
    };
    let pid = *holders.iter().find(is_topmost).or(holders.first())?;
    let contained = folder.recorded().is_some_and(|record| record.contained);
    Some(Leftover { pid, contained, started: started(pid) })
}

pub(crate) fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok()))
}
