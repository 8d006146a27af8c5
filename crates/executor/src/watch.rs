//! Wakes somebody when a file in a folder changes: one inotify instance for the whole process, because the system gives a
//! user only a hundred or so.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use domain::Problem;
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

/// Called on the watching thread for each change; it must only wake.
type Wake = Arc<dyn Fn() + Send + Sync>;
type Wakes = HashMap<PathBuf, (u64, Wake)>;

struct Hub {
    watcher: Mutex<RecommendedWatcher>,
    wakes: Arc<Mutex<Wakes>>,
}

static HUB: OnceLock<Hub> = OnceLock::new();
static MAKING: Mutex<()> = Mutex::new(());

/// Watches one folder until it is dropped.
pub(crate) struct Watch {
    folder: PathBuf,
    number: u64,
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

impl Watch {
    /// Calls `wake` whenever a file in `folder` is made or written. A folder has one watch at a time.
    pub(crate) fn new(folder: &Path, wake: impl Fn() + Send + Sync + 'static) -> Result<Self, Problem> {
        let failed = |problem: notify::Error| {
            Problem::ours("executor/watch", "The run's folder cannot be watched for changes.", problem)
                .advice("Raise fs.inotify.max_user_instances and fs.inotify.max_user_watches.")
        };
        let hub = hub().map_err(failed)?;
        let watch = Self { folder: folder.to_owned(), number: NUMBER.fetch_add(1, Ordering::Relaxed) };
        let mut watcher = lock(&hub.watcher);
        lock(&hub.wakes).insert(watch.folder.clone(), (watch.number, Arc::new(wake)));
        let watching = watcher.watch(&watch.folder, RecursiveMode::NonRecursive);
        // Released first: a watch that failed takes the same lock when it is dropped.
        drop(watcher);
        watching.map_err(failed)?;
        Ok(watch)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(hub) = HUB.get() else { return };
        let mut watcher = lock(&hub.watcher);
        let mut wakes = lock(&hub.wakes);
        // A newer watch of the same folder has taken this one's place.
        if wakes.get(&self.folder).is_none_or(|(number, _)| *number != self.number) {
            return;
        }
        wakes.remove(&self.folder);
        drop(wakes);
        // A folder that is gone is no longer watched anyway.
        let _ = watcher.unwatch(&self.folder);
    }
}

fn hub() -> Result<&'static Hub, notify::Error> {
    let _one_maker = lock(&MAKING);
    if let Some(hub) = HUB.get() {
        return Ok(hub);
    }
    let wakes: Arc<Mutex<Wakes>> = Arc::default();
    let known = wakes.clone();
    let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| dispatch(&known, event))?;
    Ok(HUB.get_or_init(|| Hub { watcher: Mutex::new(watcher), wakes }))
}

fn dispatch(wakes: &Mutex<Wakes>, event: notify::Result<Event>) {
    let called: Vec<Wake> = match event {
        // Opening and reading are what the woken do themselves: they would wake each other for ever.
        Ok(event) if matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write)) => {
            return;
        }
        Ok(event) if !event.need_rescan() => {
            let wakes = lock(wakes);
            event.paths.iter().filter_map(|path| Some(wakes.get(path.parent()?)?.1.clone())).collect()
        }
        // Events were lost: everybody looks.
        _ => lock(wakes).values().map(|(_, wake)| wake.clone()).collect(),
    };
    for wake in called {
        wake();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
