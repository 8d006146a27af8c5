//! Starts processes as batch work, which is what terraform is. The scheduler of Linux lets such a process work on where it would otherwise
//! break it off for whoever has just woken; among many that saves half of the switches, and we, who wait for all of them, come first. A batch
//! process has the same share of the processors as any other. Source: `SCHED_BATCH` in sched(7).

use thread_priority::NormalThreadSchedulePolicy::{Batch, Other};
use thread_priority::{
    ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
    thread_schedule_policy,
};

/// Whoever `start` starts on this thread is started so. Who was started in a special way, to be nice or in haste, has what it starts as it is.
pub(crate) fn started<T>(start: impl FnOnce() -> T) -> T {
    let is_usual = thread_schedule_policy().is_ok_and(|policy| policy == ThreadSchedulePolicy::Normal(Other))
        && rustix::process::getpriority_process(None).is_ok_and(|niceness| niceness == 0);
    if !is_usual {
        return start();
    }
    become_of(ThreadSchedulePolicy::Normal(Batch));
    let started = start();
    become_of(ThreadSchedulePolicy::Normal(Other));
    started
}

/// How this thread, and whoever it starts, is scheduled from now on. Where the system refuses, it stays as it is: it is no more than advice.
fn become_of(policy: ThreadSchedulePolicy) {
    // The crate counts from 0 to 99 what the system counts from 19 to -20.
    let all =
        (0..100_u8).filter_map(|value| ThreadPriorityValue::try_from(value).ok()).map(ThreadPriority::Crossplatform);
    let as_nice_as_before = all.into_iter().find(|value| value.to_posix(policy).is_ok_and(|niceness| niceness == 0));
    if let Some(priority) = as_nice_as_before
        && let Err(problem) = set_thread_priority_and_policy(thread_native_id(), priority, policy)
    {
        tracing::debug!(?problem, "this thread cannot be scheduled so");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::{Command, Stdio};

    use super::*;

    /// Nice value and policy of a process: fields 19 and 41 of proc_pid_stat(5).
    fn scheduled(process: &str) -> (i32, u32) {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        (fields[16].parse().unwrap(), fields[38].parse().unwrap())
    }

    #[test]
    fn who_is_started_is_batch_work_as_nice_as_we_are_and_we_stay_as_we_were() {
        let before = scheduled("thread-self");
        let mut command = Command::new("cat");
        let mut child = started(|| command.stdin(Stdio::piped()).spawn()).unwrap();
        let (nice, policy) = scheduled(&child.id().to_string());
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(scheduled("thread-self"), before);
        // Whoever runs the tests niced has everything niced.
        let batch = if before == (0, 0) { 3 } else { before.1 };
        assert_eq!((nice, policy), (before.0, batch));
    }
}
