//! Walls around the processes of a run, for those who run other people's code.
//!
//! Our own executable is started in front of terraform ([`contain()`]): it puts up the walls, passes on the interrupt, and ends when
//! nothing of the run is alive any more. It does not depend on the one who started it, so that terraform outlives us here too. What
//! the walls are made of is found out at the start of a server ([`Sandbox::find`]): bubblewrap, with namespaces of its own for each
//! process, or Landlock. The network is the machine's, but for ports that are closed ([`ports`]); `docs/security.md` says what follows
//! from that.

mod bubblewrap;
mod cgroup;
mod contain;
mod find;
mod limits;
mod ports;
mod walls;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};

pub use self::contain::{contain, contain_inside};
pub use self::ports::METADATA;
use self::ports::Starter;

use crate::batch;
use crate::folder::Folder;
use crate::foreign;

/// Exit code of the launcher when the walls could not be put up: terraform was not started.
pub const NO_WALLS: i32 = 125;
/// How the launcher is called on the command line of our executable.
pub const CONTAIN: &str = "contain";
/// How its second half is called, which runs inside.
pub const CONTAIN_INSIDE: &str = "contain-inside";

/// How the runs of this machine are contained.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// What the walls are made of.
    pub wall: Wall,
    /// Our own executable, which knows [`CONTAIN`].
    pub launcher: PathBuf,
    /// What a run may read beside the system's programs: provider mirrors, certificates.
    pub read: Vec<PathBuf>,
    /// What a run may write beside its own folder; usually nothing.
    pub write: Vec<PathBuf>,
    /// What each process of terraform may use up, with all that it starts.
    pub limits: Limits,
    starter: Option<Starter>,
}

/// What the walls are made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wall {
    /// Namespaces, made by bubblewrap.
    Bubblewrap {
        /// The executable `bwrap`.
        program: PathBuf,
        /// Whether there is a user namespace too. Only root does without.
        user_namespace: bool,
    },
    /// Landlock: files alone; processes are children of the launcher, which ends them.
    Landlock,
}

/// What terraform may use up, with all that it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory in bytes: of all processes together where a control group can be made, of each one otherwise.
    pub memory: u64,
    /// Processes and threads, where a control group can be made or the server is not root.
    pub processes: u64,
    /// The longest file, in bytes.
    pub file: u64,
}

/// What the launcher is told, in JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) wall: Wall,
    pub(crate) launcher: PathBuf,
    pub(crate) read: Vec<PathBuf>,
    pub(crate) write: Vec<PathBuf>,
    /// Inside what may be written, what may not.
    pub(crate) fixed: Vec<PathBuf>,
    /// Where terraform starts.
    pub(crate) root: PathBuf,
    pub(crate) limits: Limits,
}

impl Sandbox {
    /// Whether the ports that were to be closed are.
    pub fn closes_ports(&self) -> bool {
        self.starter.is_some()
    }

    /// Starts the launcher.
    pub(crate) fn start(&self, mut command: Command) -> io::Result<Child> {
        match &self.starter {
            Some(starter) => starter.start(command),
            None => batch::started(|| command.spawn()),
        }
    }

    /// Whether a run could change what another has of the same file. Landlock cannot take back a part of what it allows.
    pub(crate) fn protects_parts(&self) -> bool {
        matches!(self.wall, Wall::Bubblewrap { .. })
    }

    /// The command line that runs `program` inside: first the launcher's own arguments.
    pub(crate) fn arguments(
        &self,
        folder: &Folder,
        root: &Path,
        program: &Path,
        is_init: bool,
    ) -> Result<Vec<OsString>, serde_json::Error> {
        let providers = root.join(".terraform/providers");
        let mut read = self.read.clone();
        read.extend([folder.cli_config(), folder.variables(), folder.upstreams(), program.to_owned()]);
        let mut write = self.write.clone();
        write.extend([folder.source(), folder.made(), folder.home(), folder.tmp()]);
        // Providers may be linked to those that other runs start.
        let fixed =
            if is_init || !foreign::is_folder(folder.path(), &providers) { Vec::new() } else { vec![providers] };
        let spec = Spec {
            wall: self.wall.clone(),
            launcher: self.launcher.clone(),
            read,
            write,
            fixed,
            root: root.to_owned(),
            limits: self.limits,
        };
        Ok(vec![CONTAIN.into(), serde_json::to_string(&spec)?.into(), program.as_os_str().to_owned()])
    }
}
