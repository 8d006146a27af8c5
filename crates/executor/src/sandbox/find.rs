//! Finds out which walls can be put up on this machine, by putting them up.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use domain::Problem;
use tokio::process::Command;

use super::ports::Starter;
use super::{CONTAIN, Limits, Sandbox, Spec, Wall};
use crate::process::ours;
use crate::version::find;

impl Sandbox {
    /// The best walls that this machine lets us put up. `launcher` is our own executable; to the ports in
    /// `closed` no run can connect, where the kernel can close them ([`Sandbox::closes_ports`]).
    ///
    /// # Errors
    /// `executor/no-sandbox` when there are none, with what each said.
    pub async fn find(launcher: PathBuf, limits: Limits, closed: &[u16]) -> Result<Self, Problem> {
        let failed = |problem| ours("A thread cannot be started.", problem);
        let starter = if closed.is_empty() { None } else { Starter::new(closed).map_err(failed)? };
        let mut said = Vec::new();
        for wall in walls() {
            let (launcher, starter) = (launcher.clone(), starter.clone());
            let sandbox = Self { wall, launcher, read: Vec::new(), write: Vec::new(), limits, starter };
            match tried(&sandbox).await {
                Ok(()) => return Ok(sandbox),
                Err(problem) => said.push(format!("{}: {problem}", sandbox.wall.name())),
            }
        }
        let message = "The processes of runs cannot be contained on this machine.";
        Err(Problem::invalid("executor/no-sandbox", message)
            .advice(
                "Install bubblewrap (a package of that name) and allow user namespaces, or use a kernel with Landlock.",
            )
            .because(said.join("; ")))
    }
}

impl Wall {
    /// What a person calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bubblewrap { .. } => "bubblewrap",
            Self::Landlock => "Landlock",
        }
    }
}

fn walls() -> Vec<Wall> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut walls = Vec::new();
    if let Ok(program) = find(Path::new("bwrap"), &path) {
        walls.push(Wall::Bubblewrap { program: program.clone(), user_namespace: true });
        if nix::unistd::geteuid().is_root() {
            walls.push(Wall::Bubblewrap { program, user_namespace: false });
        }
    }
    walls.push(Wall::Landlock);
    walls
}

/// Runs our own executable behind them, which then has to say its version.
async fn tried(sandbox: &Sandbox) -> Result<(), String> {
    let Sandbox { wall, launcher, limits, .. } = sandbox;
    let spec = Spec {
        wall: wall.clone(),
        launcher: launcher.clone(),
        read: Vec::new(),
        write: Vec::new(),
        fixed: Vec::new(),
        root: PathBuf::from("/"),
        limits: *limits,
    };
    let spec = serde_json::to_string(&spec).map_err(|problem| problem.to_string())?;
    let mut command = Command::new(launcher);
    command.args([CONTAIN, &spec]).arg(launcher).arg("version").env_clear().kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = sandbox.start(command).map_err(|problem| problem.to_string())?;
    let answer = child.wait_with_output().await.map_err(|problem| problem.to_string())?;
    if answer.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&answer.stderr).trim().replace('\n', " "))
}
