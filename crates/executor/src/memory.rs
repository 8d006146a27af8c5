//! Room for terraforms: one is started when what it is expected to need fits into the machine beside those that work.
//!
//! What one needs is guessed from the size of its providers, which they have in memory; what there is was found out when the process started.
//! Whoever asks first is served first. What waits is never waited for: one that works alone may need more than there is, one whose run
//! waits for other runs gives its room to them, and one that is held at its gate is ended when a run needs its room.

use std::fs;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::stop::Stop;

const MIB: u64 = 1024 * 1024;
/// What terraform itself needs, in bytes.
const TERRAFORM: u64 = 64 * MIB;
/// The part of the memory that is left to others, and the most of that, in bytes.
const RESERVE: u64 = 8;
const MOST_RESERVE: u64 = 1024 * MIB;
/// More files than providers have.
const MOST: usize = 10_000;
const CGROUPS: &str = "/sys/fs/cgroup";

/// How much memory terraforms may need together. Clones share it.
#[derive(Clone, Default)]
pub struct Memory {
    shared: Option<Arc<Inner>>,
    tell: Option<Arc<dyn Fn(Wait) + Send + Sync>>,
}

/// What is said of a run that finds no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Its terraform is not started now.
    Begins,
    /// There is room, and it is.
    Ends,
}

#[derive(Debug)]
struct Inner {
    /// In MiB.
    budget: u32,
    free: Arc<Semaphore>,
    takers: Mutex<Takers>,
}

/// Who has room.
#[derive(Debug, Default)]
struct Takers {
    /// Those that work, by their runs.
    working: Vec<(String, Weak<Permit>)>,
    /// Those that are held, and how they are ended.
    held: Vec<(Weak<Permit>, Stop)>,
}

type Permit = Mutex<Option<OwnedSemaphorePermit>>;

/// Room that is had until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Room(Option<Arc<Permit>>);

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(permit) = &self.0 {
            drop(taken(permit).take());
        }
    }
}

/// Room of a terraform that is held, which the end of that gives back too.
#[derive(Debug)]
pub(crate) struct HeldRoom(Option<(Arc<Inner>, Arc<Permit>)>);

impl Memory {
    /// What is available on this machine by now, less a reserve; without a limit where that cannot be told.
    pub fn of_machine() -> Self {
        let read = |path: &Path| fs::read_to_string(path).ok();
        let own = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
        let limits: Vec<String> = own
            .lines()
            .find_map(|line| line.strip_prefix("0::/"))
            .map(|group| Path::new(CGROUPS).join(group))
            .iter()
            .flat_map(|group| group.ancestors().take_while(|above| above.starts_with(CGROUPS)))
            .filter_map(|group| read(&group.join("memory.max")))
            .collect();
        let budget = read(Path::new("/proc/meminfo")).and_then(|meminfo| budget(&meminfo, &limits));
        budget.map_or_else(Self::default, Self::of)
    }

    /// So many bytes.
    pub fn of(bytes: u64) -> Self {
        let budget = mebibytes(bytes).max(1);
        let free = Arc::new(Semaphore::new(usize::try_from(budget).unwrap_or(Semaphore::MAX_PERMITS)));
        Self { shared: Some(Arc::new(Inner { budget, free, takers: Mutex::default() })), tell: None }
    }

    /// The run waits for other runs, which get the room of its terraform.
    pub fn waits(&self, run: &str) {
        let Some(inner) = &self.shared else { return };
        let working = inner.takers().working.iter().filter(|(of, _)| of == run).cloned().collect::<Vec<_>>();
        for permit in working.iter().filter_map(|(_, permit)| permit.upgrade()) {
            drop(taken(&permit).take());
        }
    }

    /// The same memory for one run, of which is said when it begins to wait and when it goes on.
    #[must_use]
    pub fn telling(&self, tell: impl Fn(Wait) + Send + Sync + 'static) -> Self {
        Self { shared: self.shared.clone(), tell: Some(Arc::new(tell)) }
    }

    /// Waits for room for `need` bytes; for all that there is where that is less. Those that are held make room.
    pub(crate) async fn room(&self, run: &str, need: u64) -> Room {
        let Some(inner) = &self.shared else { return Room::default() };
        let wanted = mebibytes(need).min(inner.budget);
        let mut asking = pin!(inner.free.clone().acquire_many_owned(wanted));
        let at_once = tokio::select! {
            biased;
            permit = &mut asking => Some(permit),
            () = std::future::ready(()) => None,
        };
        let permit = match at_once {
            Some(permit) => permit,
            None => {
                // From here on it is the next, so that nothing is held in what becomes free.
                let held = std::mem::take(&mut inner.takers().held);
                held.iter().for_each(|(_, stop)| stop.kill());
                tracing::info!(run, need = wanted, of = inner.budget, "waits for memory (MiB)");
                self.say(Wait::Begins);
                let permit = asking.await;
                self.say(Wait::Ends);
                permit
            }
        };
        // Nobody closes it.
        let Ok(permit) = permit else { return Room::default() };
        let permit = Arc::new(Mutex::new(Some(permit)));
        let mut takers = inner.takers();
        takers.working.retain(|(_, permit)| permit.strong_count() > 0);
        takers.working.push((run.to_owned(), Arc::downgrade(&permit)));
        Room(Some(permit))
    }

    fn say(&self, wait: Wait) {
        if let Some(tell) = &self.tell {
            tell(wait);
        }
    }

    /// Room for a terraform that is held and needs so many bytes by then, if there is some now, and the same until that has ended; `stop` ends it.
    pub(crate) fn held(&self, stop: &Stop, need: u64) -> Option<(HeldRoom, Room)> {
        let Some(inner) = &self.shared else { return Some((HeldRoom(None), Room::default())) };
        let permit = inner.free.clone().try_acquire_many_owned(mebibytes(need).min(inner.budget)).ok()?;
        let permit = Arc::new(Mutex::new(Some(permit)));
        let mut takers = inner.takers();
        takers.held.retain(|(permit, _)| permit.strong_count() > 0);
        takers.held.push((Arc::downgrade(&permit), stop.clone()));
        Some((HeldRoom(Some((inner.clone(), permit.clone()))), Room(Some(permit))))
    }
}

impl Inner {
    fn takers(&self) -> MutexGuard<'_, Takers> {
        self.takers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn taken(permit: &Permit) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
    permit.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HeldRoom {
    /// Gives it back for a terraform that is to work; `false` when that was ended because somebody else needed the room.
    pub(crate) fn leave(self) -> bool {
        let Some((inner, own)) = self.0 else { return true };
        let mut takers = inner.takers();
        let before = takers.held.len();
        takers.held.retain(|(permit, _)| !std::ptr::eq(permit.as_ptr(), Arc::as_ptr(&own)));
        drop(taken(&own).take());
        takers.held.len() < before
    }
}

/// What a terraform is expected to need that starts the providers which `init` put below `providers`, in bytes.
pub(crate) fn need(providers: Option<&Path>) -> u64 {
    needed(providers.map_or(0, |folder| size(folder).unwrap_or_default()))
}

/// The same for providers of so many bytes.
fn needed(providers: u64) -> u64 {
    TERRAFORM.saturating_add(providers)
}

/// Bytes of the files in `HOST/NAMESPACE/NAME/VERSION/PLATFORM`, where the last may be a link.
fn size(providers: &Path) -> io::Result<u64> {
    let mut folders = vec![providers.to_owned()];
    for _ in 0..5 {
        let mut inside = Vec::new();
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            for entry in fs::read_dir(folder)?.take(MOST) {
                inside.push(entry?.path());
            }
        }
        inside.truncate(MOST);
        folders = inside;
    }
    let mut bytes = 0_u64;
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        for entry in fs::read_dir(folder)?.take(MOST) {
            bytes = bytes.saturating_add(entry?.metadata()?.len());
        }
    }
    Ok(bytes)
}

/// What terraforms may need together, in bytes: what `/proc/meminfo` says is available, or what the control groups that this process is in are
/// limited to, less a part of it. `None` when it does not say.
fn budget(meminfo: &str, limits: &[String]) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let available = line.split_whitespace().next()?.parse::<u64>().ok()?.saturating_mul(1024);
    let limits = limits.iter().filter_map(|limit| limit.trim().parse::<u64>().ok());
    let least = limits.fold(available, u64::min);
    Some(least - (least / RESERVE).min(MOST_RESERVE))
}

/// Whole ones, at least one.
fn mebibytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(MIB)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const MEMINFO: &str = "MemTotal:       16384000 kB\nMemFree:          102400 kB\nMemAvailable:    8388608 kB\n";
    const GIB: u64 = 1024 * MIB;

    #[test]
    fn the_budget_is_what_is_available_or_what_the_control_group_may_have() {
        let limits = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(budget(MEMINFO, &[]), Some(7 * GIB), "an eighth is left to others");
        assert_eq!(budget(MEMINFO, &limits(&["max\n", "max\n"])), Some(7 * GIB));
        assert_eq!(budget(MEMINFO, &limits(&["max\n", "1073741824\n", "4294967296\n"])), Some(GIB - GIB / 8));
        assert_eq!(budget(MEMINFO, &limits(&["17179869184\n"])), Some(7 * GIB), "more than there is");
        assert_eq!(budget("MemAvailable: 67108864 kB\n", &[]), Some(63 * GIB), "no more than a gibibyte is left");
        assert_eq!(budget("MemAvailable: 0 kB\n", &[]), Some(0));
        for text in ["", "MemTotal: 1 kB\n", "MemAvailable:\n", "MemAvailable: x kB\n"] {
            assert_eq!(budget(text, &[]), None, "{text}");
        }
    }

    #[test]
    fn a_terraform_needs_what_its_providers_are_and_something_for_itself() {
        assert_eq!(needed(0), 64 * MIB);
        assert_eq!(needed(700 * MIB), 764 * MIB);
        assert_eq!(needed(u64::MAX), u64::MAX);
        assert_eq!(need(None), 64 * MIB);
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(need(Some(&folder.path().join("none"))), 64 * MIB);
        let mirror = folder.path().join("mirror");
        fs::create_dir(&mirror).unwrap();
        fs::write(mirror.join("provider"), vec![0; 3000]).unwrap();
        fs::write(mirror.join("LICENSE"), vec![0; 96]).unwrap();
        let providers = folder.path().join("providers");
        for name in ["a", "b"] {
            let version = providers.join(format!("host/space/{name}/1.0.0"));
            fs::create_dir_all(&version).unwrap();
            std::os::unix::fs::symlink(&mirror, version.join("linux_amd64")).unwrap();
        }
        assert_eq!(need(Some(&providers)), 64 * MIB + 2 * 3096);
    }

    #[test]
    fn mebibytes_are_whole_and_never_none() {
        for (bytes, whole) in [(0, 1), (1, 1), (MIB, 1), (MIB + 1, 2), (u64::MAX, u32::MAX)] {
            assert_eq!(mebibytes(bytes), whole);
        }
    }

    /// Whether there is room now.
    fn has_room(memory: &Memory, need: u64) -> Option<Room> {
        memory.room("run-x", need).now_or_never()
    }

    #[tokio::test]
    async fn what_fits_is_let_in_and_what_is_larger_than_all_there_is_works_alone() {
        let memory = Memory::of(1000 * MIB);
        let small = has_room(&memory, 400 * MIB).unwrap();
        let other = has_room(&memory, 600 * MIB).unwrap();
        assert!(has_room(&memory, MIB).is_none());
        drop(small);
        assert!(has_room(&memory, 5000 * MIB).is_none());
        drop(other);
        let large = has_room(&memory, 5000 * MIB).unwrap();
        assert!(has_room(&memory, MIB).is_none());
        drop(large);
        assert!(has_room(&memory, 1000 * MIB).is_some());
        assert!(has_room(&Memory::default(), u64::MAX).is_some());
    }

    #[tokio::test]
    async fn who_asks_first_is_served_first() {
        let memory = Memory::of(100 * MIB);
        let working = memory.room("run-1", 60 * MIB).await;
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let large = tokio::spawn({
            let memory = memory.telling(move |wait| told.send(wait).unwrap());
            async move { memory.room("run-2", 100 * MIB).await }
        });
        assert_eq!(heard.recv().await, Some(Wait::Begins));
        assert!(has_room(&memory, MIB).is_none(), "one that is small does not overtake");
        drop(working);
        assert_eq!(heard.recv().await, Some(Wait::Ends));
        drop(large.await.unwrap());
        assert!(has_room(&memory, MIB).is_some());
    }

    #[tokio::test]
    async fn a_run_that_waits_for_others_gives_them_its_room() {
        let memory = Memory::of(100 * MIB);
        let parent = memory.room("run-1", 100 * MIB).await;
        assert!(has_room(&memory, 100 * MIB).is_none());
        memory.waits("run-2");
        assert!(has_room(&memory, 100 * MIB).is_none());
        memory.waits("run-1");
        let child = has_room(&memory, 100 * MIB).unwrap();
        drop(parent);
        assert!(has_room(&memory, MIB).is_none(), "it is given back once");
        drop(child);
        assert!(has_room(&memory, MIB).is_some());
    }

    #[tokio::test]
    async fn one_that_is_held_makes_room_and_is_not_held_where_there_is_none() {
        let memory = Memory::of(100 * MIB);
        let (stop, other) = (Stop::new(), Stop::new());
        let (held, until_ended) = memory.held(&stop, 64 * MIB).unwrap();
        assert!(memory.held(&other, 64 * MIB).is_none());
        let fits = has_room(&memory, 36 * MIB).unwrap();
        assert!(!stop.is_asked(), "both fit");
        let waiting = tokio::spawn({
            let memory = memory.clone();
            async move { memory.room("run-1", 64 * MIB).await }
        });
        stop.interrupted().await;
        drop(until_ended);
        drop(waiting.await.unwrap());
        assert!(!held.leave(), "it was ended");
        drop(fits);

        let (held, _until_ended) = memory.held(&stop, 64 * MIB).unwrap();
        assert!(held.leave(), "nobody needed it");
        assert!(has_room(&memory, 100 * MIB).is_some(), "it works, and asks for all that it needs");
    }
}
