//! The launcher: our own executable, started in front of terraform.
//!
//! It is two processes. The outer one ([`contain()`]) is the process that a run's folder names: SIGINT to it is passed on to terraform,
//! once; SIGTERM ends everything inside; it ends when nothing that was started inside is alive any more, with terraform's exit
//! code. The inner one ([`contain_inside`]) puts up what walls a process puts up around itself. Behind bubblewrap it is the first process of the
//! namespace, so that its end is the end of everything there; otherwise terraform takes its place, and the outer one adopts whoever
//! loses their parent.
//!
//! Absent: any reaction to the end of who started it. Its standard input is the lock of the run's folder, as terraform's would be; what
//! is inside has none.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use domain::Problem;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, pipe};
use serde::Deserialize;
use signal_hook::consts::{SIGCHLD, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::cgroup::Groups;
use super::{CONTAIN_INSIDE, Spec, Wall, bubblewrap, limits, walls};

/// Runs a program with arguments inside the walls that `spec` describes; returns its exit code, or 128 and its number where a signal ended
/// it.
///
/// # Errors
/// `executor/no-walls` where the walls could not be put up; who calls it says so and ends with [`NO_WALLS`](super::NO_WALLS).
pub fn contain(spec: &str, program: &[OsString]) -> Result<i32, Problem> {
    outside(spec, program).map_err(no_walls)
}

/// The inner half of [`contain()`].
///
/// # Errors
/// As [`contain()`].
pub fn contain_inside(spec: &str, program: &[OsString]) -> Result<i32, Problem> {
    inside(spec, program).map_err(no_walls)
}

fn no_walls(problem: String) -> Problem {
    Problem::ours("executor/no-walls", format!("The walls around this run cannot be put up: {problem}."), problem)
}

fn outside(text: &str, program: &[OsString]) -> Result<i32, String> {
    let spec = read(text)?;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGCHLD]).map_err(shown)?;
    let (info, told) = pipe().map_err(shown)?;
    let mut command = match &spec.wall {
        Wall::Bubblewrap { program, .. } => {
            let mut command = Command::new(program);
            command.args(bubblewrap::arguments(&spec, told.as_raw_fd())).arg(&spec.launcher);
            command
        }
        Wall::Landlock => {
            nix::sys::prctl::set_child_subreaper(true).map_err(shown)?;
            close_on_exec(&told)?;
            Command::new(&spec.launcher)
        }
    };
    close_on_exec(&info)?;
    // The lock of the folder is ours alone: who has it can give it back.
    command.arg(CONTAIN_INSIDE).arg(text).args(program).stdin(Stdio::null());
    let groups = Groups::enter(spec.limits);
    // Who is started inherits that they wait, so that an interrupt before it listens is not lost.
    let blocked = blocked();
    blocked.thread_block().map_err(shown)?;
    let child = command.spawn();
    groups.leave();
    blocked.thread_unblock().map_err(shown)?;
    drop(told);
    let child = child.map_err(|problem| format!("{}: {problem}", command.get_program().display()))?;
    let child = pid(child.id())?;
    let first = match spec.wall {
        Wall::Bubblewrap { .. } => first_inside(info.into()),
        Wall::Landlock => Some(child),
    };
    let status = wait(&mut signals, child, first);
    if spec.wall == Wall::Landlock {
        end_all();
    }
    groups.remove();
    // Not what bubblewrap says of itself, which did not come to an inside.
    if first.is_none() {
        return Err("bubblewrap could not make its namespaces".to_owned());
    }
    status
}

fn inside(text: &str, program: &[OsString]) -> Result<i32, String> {
    let spec = read(text)?;
    let (name, arguments) = program.split_first().ok_or("there is nothing to run")?;
    let mut command = Command::new(name);
    command.args(arguments);
    limits::set(spec.limits)?;
    if spec.wall == Wall::Landlock {
        walls::put_up(&spec)?;
        blocked().thread_unblock().map_err(shown)?;
        return Err(format!("{}: {}", name.display(), command.exec()));
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGCHLD]).map_err(shown)?;
    walls::put_up(&spec)?;
    blocked().thread_unblock().map_err(shown)?;
    let child = command.spawn().map_err(|problem| format!("{}: {problem}", name.display()))?;
    let child = pid(child.id())?;
    wait(&mut signals, child, Some(child))
}

/// Waits for `child`, and for whoever else becomes a child. `first` gets the first interrupt, and its death is the end of all.
fn wait(signals: &mut Signals, child: Pid, first: Option<Pid>) -> Result<i32, String> {
    let mut interrupted = false;
    // Who ended before somebody listened.
    if let Some(status) = reaped(child)? {
        return Ok(status);
    }
    for signal in signals.forever() {
        match (signal, first) {
            (SIGCHLD, _) => {
                if let Some(status) = reaped(child)? {
                    return Ok(status);
                }
            }
            // Terraform drops its state at the second.
            (SIGINT, Some(first)) if !interrupted => {
                interrupted = true;
                let _ = kill(first, Signal::SIGINT);
            }
            (SIGTERM, Some(first)) => {
                let _ = kill(first, Signal::SIGKILL);
            }
            _ => {}
        }
    }
    Err("no signal comes any more".to_owned())
}

/// Takes note of every child that has ended; the exit code of this one, when it is among them.
fn reaped(child: Pid) -> Result<Option<i32>, String> {
    let mut status = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(who, code)) if who == child => status = Some(code),
            Ok(WaitStatus::Signaled(who, signal, _)) if who == child => status = Some(128 + signal as i32),
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(status),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(problem) => return Err(shown(problem)),
        }
    }
}

/// Ends every process that was started inside: they are children of this one, or become so when those are gone.
fn end_all() {
    loop {
        let own = std::process::id().to_string();
        for process in crate::recover::processes() {
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            let parent = stat.rsplit_once(')').and_then(|(_, fields)| fields.split_whitespace().nth(1));
            if parent == Some(own.as_str())
                && let Ok(process) = pid(process)
            {
                let _ = kill(process, Signal::SIGKILL);
            }
        }
        match waitpid(None, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}

/// The process that bubblewrap started, in our numbers; `None` when it could not.
fn first_inside(info: File) -> Option<Pid> {
    #[derive(Deserialize)]
    struct Info {
        #[serde(rename = "child-pid")]
        child: u32,
    }
    let mut info = info;
    let mut text = String::new();
    info.read_to_string(&mut text).ok()?;
    pid(serde_json::from_str::<Info>(&text).ok()?.child).ok()
}

fn read(text: &str) -> Result<Spec, String> {
    serde_json::from_str(text).map_err(shown)
}

fn blocked() -> SigSet {
    SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD])
}

fn close_on_exec(file: &impl AsFd) -> Result<(), String> {
    fcntl(file, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map(drop).map_err(shown)
}

fn pid(number: u32) -> Result<Pid, String> {
    i32::try_from(number).map(Pid::from_raw).map_err(shown)
}

fn shown(problem: impl std::fmt::Display) -> String {
    problem.to_string()
}
