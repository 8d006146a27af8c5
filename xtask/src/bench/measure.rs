//! What a tree of processes took: time, processor time, memory; and how busy others kept the machine meanwhile.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wait4::Wait4;

use crate::process;

/// What processes took, each with everything that it started and waited for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    /// User and system time.
    pub(super) processor: Duration,
    /// Of the largest single process, in bytes.
    pub(super) memory: u64,
}

impl Usage {
    /// Adds what another process took.
    pub(super) fn add(&mut self, other: Usage) {
        self.processor += other.processor;
        self.memory = self.memory.max(other.memory);
    }
}

/// One measurement.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    /// From the start of the first process to the end of the last.
    pub(super) wall: Duration,
    pub(super) usage: Usage,
    /// Part of the machine's processors that others used meanwhile, 0 to 1.
    pub(super) others: f64,
}

/// Measures `work`, which says what the processes took that it started.
pub(super) fn sample(work: impl FnOnce() -> Result<Usage>) -> Result<Sample> {
    let (busy, began) = (busy(), Instant::now());
    let usage = work()?;
    let wall = began.elapsed();
    let all = wall.as_secs_f64() * cores() as f64;
    let others = match (busy, self::busy()) {
        (Some(before), Some(after)) => (after - before - usage.processor.as_secs_f64()) / all,
        _ => 0.0,
    };
    Ok(Sample { wall, usage, others: others.clamp(0.0, 1.0) })
}

/// Processors that this process may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Seconds that all processors together have worked since the machine was started; `None` where the system does not tell.
fn busy() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let numbers: Vec<f64> = stat.lines().next()?.split_whitespace().skip(1).filter_map(|it| it.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, in hundredths of a second.
    let working: f64 = [0, 1, 2, 5, 6].into_iter().filter_map(|at| numbers.get(at)).sum();
    Some(working / 100.0)
}

/// Runs one process to its end. Its errors go to a file in `place`, and into ours when it fails; what it says otherwise is thrown away.
pub(super) fn child(place: &Path, command: &mut Command, answers: &str) -> Result<Usage> {
    let shown = process::shown(command);
    let said = Said::new(place);
    let errors = fs::File::create(&said.0).with_context(|| format!("{} cannot be written", said.0.display()))?;
    let input = match answers {
        "" => Stdio::null(),
        answers => Stdio::from(file_with(place, answers)?),
    };
    let child = command.stdin(input).stdout(Stdio::null()).stderr(errors).spawn();
    let ended = child.and_then(Wait4::wait4).with_context(|| format!("`{shown}` could not be run"))?;
    if !ended.status.success() {
        let text = fs::read_to_string(&said.0).unwrap_or_default();
        bail!("`{shown}` failed ({}):\n{}", ended.status, text.trim_end());
    }
    Ok(Usage { processor: ended.rusage.utime + ended.rusage.stime, memory: ended.rusage.maxrss })
}

/// A file for what a process says, removed afterwards.
struct Said(PathBuf);

impl Said {
    fn new(place: &Path) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Self(place.join(format!("said-{}", NEXT.fetch_add(1, Ordering::Relaxed))))
    }
}

impl Drop for Said {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn file_with(place: &Path, text: &str) -> io::Result<fs::File> {
    let file = Said::new(place);
    fs::write(&file.0, text)?;
    fs::File::open(&file.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TemporaryFolder;

    #[test]
    fn the_processor_time_of_a_grandchild_counts() {
        let place = TemporaryFolder::new("measure").unwrap();
        let work = "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; true";
        let sample = sample(|| child(place.path(), Command::new("sh").args(["-c", work]), "")).unwrap();
        assert!(sample.usage.processor > Duration::from_millis(5), "{sample:?}");
        assert!(sample.usage.memory > 100_000, "{sample:?}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "nothing is left behind");
    }

    #[test]
    fn a_failure_says_what_the_process_said_and_an_answer_reaches_it() {
        let place = TemporaryFolder::new("measure").unwrap();
        let mut reads = Command::new("sh");
        reads.args(["-c", "read answer; test $answer = yes || { echo $answer is no yes >&2; exit 3; }"]);
        child(place.path(), &mut reads, "yes\n").unwrap();
        let error = child(place.path(), &mut reads, "no\n").unwrap_err().to_string();
        assert!(error.contains("no is no yes"), "{error}");
    }
}
