//! The keeper: our own executable in front of terraform, where the state is large. Terraform's local backend writes the whole state after
//! each resource, which is quadratic in their number; what it keeps over HTTP it sends every twenty seconds and at the end.
//!
//! The keeper is the endpoint for that: it listens on the loopback address at a path that nobody can guess, starts terraform, passes signals on, and
//! ends as terraform ends, with its exit code. Like terraform it does not hang on the life of who started it, so an apply outlives us with its
//! endpoint. A state that it has acknowledged is on the disk ([`endpoint`]), in a file that the run cannot write; from there it is taken as
//! terraform's own file would be. What was done since the last one is in terraform's `-json` lines: the recovery lists it.
//!
//! [`choose`] says which runs get one. Absent: any reading of what is in a state.

pub(crate) mod choose;
mod endpoint;

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use domain::Problem;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use self::endpoint::Endpoint;

/// How the keeper is called on the command line of our executable.
pub const KEEP: &str = "keep";
/// Its exit code when it could not start terraform.
pub const NO_KEEPER: i32 = 124;
/// Variable in which it is told the path of the endpoint. No workspace may set it, and nobody else on the machine can read it.
pub(crate) const SECRET: &str = "MULTISPACE_RUN_KEEPER";

/// The keeper of a run.
#[derive(Clone)]
pub struct Keeper {
    /// Our own executable, which knows [`KEEP`].
    pub program: PathBuf,
    /// What only this run knows, letters and digits: whoever has it can read and write its state.
    pub secret: String,
}

/// What the keeper is told, in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// The file of the state, in a folder that is there.
    pub(crate) state: PathBuf,
}

/// Runs a program with arguments beside an endpoint for its state, as `spec` says; returns its exit code, or 128 and its number where a
/// signal ended it.
///
/// # Errors
/// `executor/no-keeper` where it was not started; who calls this says so and ends with [`NO_KEEPER`].
pub fn keep(spec: &str, program: &[OsString]) -> Result<i32, Problem> {
    let failed = |problem: String| {
        let message = format!("The endpoint for this run's state cannot be made: {problem}.");
        Problem::ours("executor/no-keeper", message, problem)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(shown).and_then(|runtime| runtime.block_on(kept(spec, program))).map_err(failed)
}

async fn kept(spec: &str, program: &[OsString]) -> Result<i32, String> {
    let spec: Spec = serde_json::from_str(spec).map_err(shown)?;
    let secret = std::env::var(SECRET).map_err(shown)?;
    let (name, arguments) = program.split_first().ok_or("there is nothing to run")?;
    let mut interrupts = signal(SignalKind::interrupt()).map_err(shown)?;
    let mut ends = signal(SignalKind::terminate()).map_err(shown)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(shown)?;
    let address = format!("http://{}/{secret}", listener.local_addr().map_err(shown)?);
    let endpoint = Arc::new(Endpoint::open(secret, spec.state).map_err(shown)?);
    let mut command = Command::new(name);
    command.args(arguments).env_remove(SECRET);
    for name in ["TF_HTTP_ADDRESS", "TF_HTTP_LOCK_ADDRESS", "TF_HTTP_UNLOCK_ADDRESS"] {
        command.env(name, &address);
    }
    for (name, method) in [("UPDATE", "POST"), ("LOCK", "LOCK"), ("UNLOCK", "UNLOCK")] {
        command.env(format!("TF_HTTP_{name}_METHOD"), method);
    }
    let mut child = command.spawn().map_err(|problem| format!("{}: {problem}", name.display()))?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let serving = tokio::spawn(endpoint::serve(listener, endpoint.clone()));
    let mut interrupted = false;
    let status = loop {
        let signal = tokio::select! {
            status = child.wait() => break status.map_err(shown)?,
            // Terraform drops its state at the second.
            Some(()) = interrupts.recv() => (!interrupted).then_some(Signal::SIGINT),
            Some(()) = ends.recv() => Some(Signal::SIGTERM),
        };
        interrupted |= signal == Some(Signal::SIGINT);
        if let (Some(pid), Some(signal)) = (pid, signal) {
            let _ = kill(pid, signal);
        }
    };
    serving.abort();
    // What came whole before the end is kept before the end.
    endpoint.settled().await;
    Ok(code(status))
}

fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(NO_KEEPER)
}

fn shown(problem: impl std::fmt::Display) -> String {
    problem.to_string()
}
