//! A control group for a process and all that it starts, where one can be made: version 2 beside our own group, version 1 below it.
//! Where none can, limits are per process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Limits;

const MOUNTED: &str = "/sys/fs/cgroup";

/// Groups that were made for one process.
pub(super) struct Groups(Vec<Group>);

struct Group {
    folder: PathBuf,
    /// Where this process was.
    before: PathBuf,
}

impl Groups {
    /// Makes them and moves this process in; what it starts is in them from its first moment.
    pub(super) fn enter(limits: Limits) -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let groups = if Path::new(MOUNTED).join("cgroup.controllers").exists() {
            version_two(&own, limits).into_iter().collect()
        } else {
            ["pids", "memory"].iter().filter_map(|controller| version_one(&own, controller, limits)).collect()
        };
        Self(groups)
    }

    /// Moves this process back to where it was.
    pub(super) fn leave(&self) {
        for group in &self.0 {
            if let Err(problem) = join(&group.before) {
                tracing::warn!(%problem, "the control group of a run could not be left");
            }
        }
    }

    /// Removes them, when nothing is in them any more.
    pub(super) fn remove(&self) {
        for group in &self.0 {
            let _ = fs::remove_dir(&group.folder);
        }
    }
}

fn version_two(own: &str, limits: Limits) -> Option<Group> {
    let before = Path::new(MOUNTED).join(own.lines().find_map(|line| line.strip_prefix("0::/"))?);
    // A group that has processes has no groups with limits below it, except for the topmost.
    let above = if before == Path::new(MOUNTED) { before.clone() } else { before.parent()?.to_owned() };
    let _ = fs::write(above.join("cgroup.subtree_control"), "+memory +pids");
    made(above, before, &[("memory.max", limits.memory), ("pids.max", limits.processes)])
}

fn version_one(own: &str, controller: &str, limits: Limits) -> Option<Group> {
    let inside = own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        fields.next()?.split(',').any(|name| name == controller).then(|| fields.next()).flatten()
    })?;
    let before = Path::new(MOUNTED).join(controller).join(inside.trim_start_matches('/'));
    let limit = match controller {
        "pids" => ("pids.max", limits.processes),
        _ => ("memory.limit_in_bytes", limits.memory),
    };
    made(before.clone(), before, &[limit])
}

fn made(above: PathBuf, before: PathBuf, limits: &[(&str, u64)]) -> Option<Group> {
    let folder = above.join(format!("multispace-{}", std::process::id()));
    // One of that number may be left from a launcher that was killed. What nothing is in can be removed, and nothing else can.
    if fs::create_dir(&folder).is_err() {
        fs::remove_dir(&folder).and_then(|()| fs::create_dir(&folder)).ok()?;
    }
    let set = limits.iter().try_for_each(|(name, most)| fs::write(folder.join(name), most.to_string()));
    if set.and_then(|()| join(&folder)).is_err() {
        let _ = fs::remove_dir(&folder);
        return None;
    }
    Some(Group { folder, before })
}

fn join(group: &Path) -> io::Result<()> {
    fs::write(group.join("cgroup.procs"), std::process::id().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_a_killed_launcher_of_the_same_number_left_is_taken_and_one_that_is_used_is_not() {
        let above = tempfile::tempdir().unwrap();
        let left = above.path().join(format!("multispace-{}", std::process::id()));
        fs::create_dir(&left).unwrap();
        let before = above.path().to_owned();
        let group = made(before.clone(), before.clone(), &[("pids.max", 7)]).expect("the group that was left");
        assert_eq!(fs::read_to_string(group.folder.join("pids.max")).unwrap(), "7");
        // With files in it this folder cannot be removed, as a control group with processes cannot.
        assert!(made(before.clone(), before, &[("pids.max", 7)]).is_none());
    }
}
