//! What a process may use up, set for itself and all that it starts.

use std::fs;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::Limits;

/// Open files: enough for ten providers.
const OPEN_FILES: u64 = 16 * 1024;
/// When memory runs out, a run goes before the server.
const FIRST_TO_GO: &str = "500";

impl Limits {
    /// Memory as large as the machine's, 2,048 processes, files of 8 GiB.
    pub fn usual() -> Self {
        Self { memory: machine().unwrap_or(8 << 30), processes: 2048, file: 8 << 30 }
    }
}

/// Sets them for this process.
pub(super) fn set(limits: Limits) -> Result<(), String> {
    // Raising it is everybody's right, and where it is not it is no wall.
    let _ = fs::write("/proc/self/oom_score_adj", FIRST_TO_GO);
    for (resource, most) in [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_NOFILE, OPEN_FILES),
        (Resource::RLIMIT_FSIZE, limits.file),
        (Resource::RLIMIT_DATA, limits.memory),
        (Resource::RLIMIT_NPROC, limits.processes),
    ] {
        let (_, hard) = getrlimit(resource).map_err(|problem| format!("{resource:?}: {problem}"))?;
        let most = most.min(hard);
        setrlimit(resource, most, most).map_err(|problem| format!("{resource:?}: {problem}"))?;
    }
    Ok(())
}

fn machine() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 =
        text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}
