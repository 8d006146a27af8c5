//! The port to git: asks hosts for their branches, fetches commits into shallow mirrors, and packs a commit as a configuration.
//!
//! The one place that starts `git`. What comes from a repository is untrusted: nothing of it is run, checked out or configured.
//! Mirrors are a cache: the folder may be removed whenever the server is stopped. Absent: workspaces, runs, and who may.

mod export;
mod mirror;
mod process;
mod reach;
mod refs;
mod remote;

pub use mirror::Fetched;
pub use reach::{Names, SystemNames};
pub use refs::{Head, Want};
pub use remote::Remote;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::Problem;
use domain::reach::Allowed;
use domain::vcs::Base;
use tokio::sync::Semaphore;

/// Repositories that are fetched at once; more wait.
const AT_ONCE: usize = 4;
/// Turns that repositories share, by a hash of their address: one fetch at a time into a mirror.
const TURNS: usize = 64;

/// What one fetch may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a pack, of an archive before it is compressed, and of any other file that git writes.
    pub file: u64,
    /// Bytes of a mirror; one that is larger is fetched anew.
    pub mirror: u64,
    /// How long the host may take to say what it has.
    pub ask: Duration,
    /// How long the host may take to send a commit.
    pub fetch: Duration,
    /// Submodules in all.
    pub submodules: usize,
    /// Submodules one in the other.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file: 512 * 1024 * 1024,
            mirror: 2 * 1024 * 1024 * 1024,
            ask: Duration::from_secs(60),
            fetch: Duration::from_secs(600),
            submodules: 50,
            depth: 5,
        }
    }
}

/// Where the server reads repositories besides the public network.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Folders of this machine.
    pub roots: Vec<PathBuf>,
    /// Hosts and networks that are not public.
    pub allowed: Vec<Allowed>,
    /// What leads from names to addresses.
    pub names: Arc<dyn Names>,
}

/// Git, as this server uses it.
#[derive(Clone)]
pub struct Git(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    roots: Vec<PathBuf>,
    allowed: Vec<Allowed>,
    names: Arc<dyn Names>,
    environment: Vec<(String, String)>,
    limits: Limits,
    slots: Semaphore,
    turns: Vec<Semaphore>,
}

impl Git {
    /// Git with its mirrors in `folder`, and, of `environment`, what leads to the network. Repositories of this machine are read below
    /// the roots of `reach` alone; with none, not at all.
    ///
    /// # Errors
    /// `git/root` when a root is not a folder that can be read.
    pub fn new(
        folder: PathBuf,
        reach: Reach,
        environment: &[(String, String)],
        limits: Limits,
    ) -> Result<Self, Problem> {
        // What a server that was killed left there.
        let _ = std::fs::remove_dir_all(folder.join(mirror::PASSING));
        let roots = reach.roots.iter().map(|root| canonical_root(root)).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Inner {
            folder,
            roots,
            allowed: reach.allowed,
            names: reach.names,
            environment: process::environment(environment),
            limits,
            slots: Semaphore::new(AT_ONCE),
            turns: (0..TURNS).map(|_| Semaphore::new(1)).collect(),
        })))
    }

    fn may_read(&self, base: &Base) -> Result<(), Problem> {
        if self.inside(Path::new(&base.path)).is_some() {
            return Ok(());
        }
        Err(Problem::invalid("git/local", "This server reads no repositories of its own machine there.")
            .advice("Start it with --git-local and a folder that holds the repositories.")
            .attribute("http-url"))
    }

    /// The path with every link resolved, if it is there and inside of a root.
    fn inside(&self, path: &Path) -> Option<PathBuf> {
        let path = path.canonicalize().ok()?;
        self.0.roots.iter().any(|root| path.starts_with(root)).then_some(path)
    }
}

fn canonical_root(root: &Path) -> Result<PathBuf, Problem> {
    match root.canonicalize() {
        Ok(path) if path.is_dir() => Ok(path),
        _ => Err(Problem::invalid("git/root", format!("{} is not a folder that can be read.", root.display()))
            .advice("Name a folder with git repositories to --git-local.")),
    }
}
