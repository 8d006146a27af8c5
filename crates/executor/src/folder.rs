//! Every name in a run's folder, and how private files get there.
//!
//! | name | what |
//! |---|---|
//! | `source/` | the unpacked archive; terraform runs in `source/<working directory>` |
//! | `made/` | what terraform makes beside the state: the plan file, generated code |
//! | `plan.json`, `schemas.json` | `show -json` of the plan, `providers schema -json` |
//! | `variables.tfvars` | values of the terraform variables; a link to a pipe while terraform is held |
//! | `cli.tfrc` | the CLI configuration |
//! | `taken.json` | what was taken out of the lock file, and the packages that were compared instead |
//! | `secrets` | what is kept out of the log, for whoever reads it after our death |
//! | `upstreams/N.tfstate` | outputs of upstreams that `terraform_remote_state` blocks read |
//! | `log/plan`, `log/apply`, `log/init` | what terraform wrote, byte for byte (`log/init` only when the apply had to rebuild) |
//! | `kept/` | the state, where terraform keeps it at the endpoint of a [keeper](crate::keeper) |
//! | `ring/` | the newest states that terraform saved while it applied |
//! | `scratch/` | a folder like this one, while a scratch plan is made and read |
//! | `home/`, `tmp/` | HOME and TMPDIR of children whose environment names none |
//! | `lock` | held (flock) by every terraform of this folder through its standard input |
//! | `phase.json` | which phase, which step of it, and which process |
//!
//! The code of a contained run can write to `source/`, `made/`, `home/` and `tmp/`, read what it was given, and sees nothing else of
//! this; what it may have written is read through [`crate::foreign`].

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::work::Phase;

/// The least that a page of memory holds on the systems that we run on.
const PAGE: usize = 4096;

/// A run's folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

/// What `phase.json` says: enough to find the process again, and to render its log again, after our own death.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct PhaseRecord {
    /// `plan` or `apply`.
    pub(crate) phase: String,
    /// Id of the run.
    pub(crate) run: String,
    /// Which terraform command runs (`init`, `plan`, `show`, `schemas`, `apply`), or `ended`.
    pub(crate) step: String,
    /// Whether the log is rendered for people.
    pub(crate) human: bool,
    /// The first lines of the log.
    pub(crate) preamble: String,
    /// Where the state is, inside the folder; `None` when the backend is the root's own.
    pub(crate) state: Option<PathBuf>,
    /// Folder of the root module, inside the folder.
    pub(crate) root: PathBuf,
    /// Process id, which is the process group's too.
    pub(crate) pid: Option<u32>,
    /// The process plans as well, and its log begins with that.
    #[serde(default)]
    pub(crate) at_once: bool,
    /// It is the launcher of a sandbox: it ends all that it started when it gets SIGTERM.
    #[serde(default)]
    pub(crate) contained: bool,
    /// The process's start in clock ticks since boot (`/proc/PID/stat`, field 22): a recycled pid has another.
    pub(crate) started: Option<u64>,
}

impl Folder {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.0.join("source")
    }

    pub(crate) fn made(&self) -> PathBuf {
        self.0.join("made")
    }

    pub(crate) fn plan_file(&self) -> PathBuf {
        self.made().join("plan.tfplan")
    }

    pub(crate) fn generated(&self) -> PathBuf {
        self.made().join("generated.tf")
    }

    pub(crate) fn plan_json(&self) -> PathBuf {
        self.0.join("plan.json")
    }

    pub(crate) fn schemas(&self) -> PathBuf {
        self.0.join("schemas.json")
    }

    pub(crate) fn variables(&self) -> PathBuf {
        self.0.join("variables.tfvars")
    }

    /// What the code of a run that is held there reads in the middle of its validation.
    pub(crate) fn gate(&self) -> PathBuf {
        self.0.join("gate.json")
    }

    pub(crate) fn cli_config(&self) -> PathBuf {
        self.0.join("cli.tfrc")
    }

    pub(crate) fn taken(&self) -> PathBuf {
        self.0.join("taken.json")
    }

    pub(crate) fn secrets(&self) -> PathBuf {
        self.0.join("secrets")
    }

    pub(crate) fn upstreams(&self) -> PathBuf {
        self.0.join("upstreams")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.0.join("log")
    }

    pub(crate) fn log(&self, phase: Phase) -> PathBuf {
        self.logs().join(phase_name(phase))
    }

    pub(crate) fn init_log(&self) -> PathBuf {
        self.logs().join("init")
    }

    pub(crate) fn kept(&self) -> PathBuf {
        self.0.join("kept")
    }

    pub(crate) fn ring(&self) -> PathBuf {
        self.0.join("ring")
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        self.0.join("scratch")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.0.join("home")
    }

    pub(crate) fn tmp(&self) -> PathBuf {
        self.0.join("tmp")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(crate) fn phase(&self) -> PathBuf {
        self.0.join("phase.json")
    }

    /// Writes `phase.json` in place: whoever reads it after our death finds the old record or the new one, because the system writes what lies in one
    /// page as a whole. One that is longer takes the place of the file.
    pub(crate) fn record(&self, record: &PhaseRecord) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(record)?;
        let is_of_a_page = |bytes: u64| bytes <= PAGE as u64;
        let was_long = fs::metadata(self.phase()).is_ok_and(|found| !is_of_a_page(found.len()));
        if was_long || !is_of_a_page(text.len() as u64) {
            return replace_private(&self.phase(), &text);
        }
        // No end of an older record stays behind it.
        text.resize(PAGE, b'\n');
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.phase())?;
        file.write_all(&text)
    }

    pub(crate) fn recorded(&self) -> Option<PhaseRecord> {
        serde_json::from_slice(&fs::read(self.phase()).ok()?).ok()
    }
}

pub(crate) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Plan => "plan",
        Phase::Apply => "apply",
    }
}

/// Makes the folder (0700) in which the folders of runs will be, unless it is there.
///
/// On ext4 each of them gets a place of its own on the disk, away from those of runs that have just been removed: without a journal, ext4 does not take
/// what was freed in the last minutes for a new file, and looks at all of it each time (`recently_deleted` in the kernel's `fs/ext4/ialloc.c`).
/// Where that cannot be asked for it is not needed.
///
/// # Errors
/// When the folder cannot be made.
pub fn make_place(folder: &Path) -> io::Result<()> {
    make_private(folder)?;
    #[cfg(target_os = "linux")]
    if let Ok(open) = File::open(folder)
        && let Ok(flags) = rustix::fs::ioctl_getflags(&open)
        && !flags.contains(rustix::fs::IFlags::TOPDIR)
    {
        let _ = rustix::fs::ioctl_setflags(&open, flags | rustix::fs::IFlags::TOPDIR);
    }
    Ok(())
}

/// Makes a folder (0700) and those above it.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a file (0600) from its beginning.
pub(crate) fn write_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    open_private(file)?.write_all(bytes)
}

/// Writes a file (0600) so that a reader sees the old bytes or the new ones, never half.
pub(crate) fn replace_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = file.with_extension("new");
    write_private(&beside, bytes)?;
    fs::rename(beside, file)
}

/// Opens a file (0600) for writing from its beginning.
pub(crate) fn open_private(file: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)
}

/// Opens a file (0600) to add to its end.
pub(crate) fn append_private(file: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(file)
}

/// Removes a file or a folder with all that is in it; that it is not there is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let gone = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(problem) => Err(problem),
    };
    match gone {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
