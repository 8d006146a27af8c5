//! Which processes of a run are alive, whatever they have done to be overlooked.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Processes that have this text in their environment or their command line.
pub(crate) fn alive(mark: &str) -> Vec<Pid> {
    let numbers =
        fs::read_dir("/proc").expect("/proc").flatten().filter_map(|it| it.file_name().to_str()?.parse().ok());
    let has = |number: &i32| {
        let has = |part: &str| {
            let text = fs::read(format!("/proc/{number}/{part}")).unwrap_or_default();
            String::from_utf8_lossy(&text).contains(mark)
        };
        // What has ended and was not yet asked for has no command line.
        Some(*number) != i32::try_from(std::process::id()).ok() && (has("environ") || has("cmdline"))
    };
    numbers.filter(has).map(Pid::from_raw).collect()
}

/// Ends them.
pub(crate) fn end(processes: &[Pid]) {
    for process in processes {
        let _ = kill(*process, Signal::SIGKILL);
    }
}
