//! [`App`]: what every use case stands on. Made once, in `serve.rs`, and cheap to clone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::asking::Asking;
use crate::edge::Limits;
use crate::git::Git;
use crate::held::HeldRuns;
use crate::passwords::Passwords;
use crate::ports::Ports;
use crate::storage::{Changes, Db, Key, Objects, Reserve};

/// What every use case stands on.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub db: Db,
    /// Blobs: configurations, plans and states; durable once stored.
    pub objects: Objects,
    /// Logs, in pieces; not synced piece by piece, since the run's folder has them too.
    pub logs: Objects,
    /// Room on the disk for the states of what is under way.
    pub reserve: Reserve,
    /// Seals secrets, signs URLs, digests tokens.
    pub key: Key,
    /// Time and randomness.
    pub ports: Ports,
    /// Git: repositories of other hosts.
    pub git: Git,
    /// Hashes of passwords.
    pub passwords: Passwords,
    /// Whoever holds it notes that a token was used.
    pub noting: Arc<Semaphore>,
    /// What was committed, told to whoever listens.
    pub changes: Changes,
    /// Whose terraform asks about which run.
    pub asking: Asking,
    /// Terraforms that wait for their runs.
    pub held: HeldRuns,
    /// Room for terraforms.
    pub memory: executor::Memory,
    /// How fast clients may ask.
    pub limits: Limits,
    /// How this server is set up.
    pub setup: Arc<Setup>,
}

/// How this server is set up; fixed from start to end.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Folder of the run folders.
    pub runs: PathBuf,
    /// Folder in which what `terraform init` made is kept.
    pub initialised: PathBuf,
    /// The terraform or tofu that is used where a workspace asks for no other version.
    pub terraform: PathBuf,
    /// The version of `terraform` (`1.11.4`).
    pub terraform_version: String,
    /// Folder with one executable per version: `VERSION/terraform`, `VERSION/tofu`, `terraform_VERSION` or `tofu_VERSION`.
    pub terraform_versions: Option<PathBuf>,
    /// Environment that terraform inherits, beside what a run adds. Nothing else of the server's is visible to it.
    pub environment: Vec<(String, String)>,
    /// CLI configuration (`provider_installation` and so on) that every run starts from.
    pub cli_config: String,
    /// Concurrent runs of a new organization.
    pub run_limit: u32,
    /// How long an interrupted terraform may take before it is killed.
    pub grace: Duration,
    /// The walls around the processes of runs; `None` where their code is trusted like the server.
    pub sandbox: Option<executor::Sandbox>,
    /// Our own executable, which keeps large states while terraform changes them; `None` where there is none that could.
    pub keeper: Option<PathBuf>,
    /// How long after a cancel a run may be force-canceled.
    pub force_cancel_after: Duration,
    /// How long a run whose terraform asked about another counts as waiting for it, if it does not ask again.
    pub patience: Duration,
    /// How long whoever asks about the plan of a stack counts as waiting for the answer, if they do not ask again.
    pub plan_patience: Duration,
    /// Whether this is a server: runs that had not begun to apply when an earlier process ended go on, and what comes due (triggers, fetches,
    /// automatic destroys, the ends of stacks) is carried out. Else the process walks one stack, and whoever started its runs starts them anew.
    pub resume: bool,
    /// Where runs and clients reach this server (`http://127.0.0.1:8080`); `None` when nothing listens.
    pub address: Option<String>,
}
