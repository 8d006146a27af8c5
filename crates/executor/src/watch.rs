//! Wakes somebody when a file in a folder changes: one inotify instance for the whole process, because the system gives a
//! user only a hundred or so.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use domain::Problem;
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

/// Called on the watching thread for each change; it must only wake.
type Wake = Arc<dyn Fn() + Send + Sync>;
type Wakes = HashMap<PathBuf, Wake>;

struct Hub {
    watcher: Mutex<RecommendedWatcher>,
    wakes: Arc<Mutex<Wakes>>,
}

static HUB: OnceLock<Hub> = OnceLock::new();
static MAKING: Mutex<()> = Mutex::new(());

/// Watches one folder until it is dropped.
pub(crate) struct Watch(PathBuf);

impl Watch {
    /// Calls `wake` whenever a file in `folder` is made or written. A folder has one watch at a time.
    pub(crate) fn new(folder: &Path, wake: impl Fn() + Send + Sync + 'static) -> Result<Self, Problem> {
        let failed = |problem: notify::Error| {
            Problem::ours("executor/watch", "The run's folder cannot be watched for changes.", problem)
                .advice("Raise fs.inotify.max_user_instances and fs.inotify.max_user_watches.")
        };
        let hub = hub().map_err(failed)?;
        let folder = folder.to_owned();
        lock(&hub.wakes).insert(folder.clone(), Arc::new(wake));
        let watch = Self(folder);
        lock(&hub.watcher).watch(&watch.0, RecursiveMode::NonRecursive).map_err(failed)?;
        Ok(watch)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(hub) = HUB.get() {
            lock(&hub.wakes).remove(&self.0);
            // A folder that is gone is no longer watched anyway.
            let _ = lock(&hub.watcher).unwatch(&self.0);
        }
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
            event.paths.iter().filter_map(|path| wakes.get(path.parent()?).cloned()).collect()
        }
        // Events were lost: everybody looks.
        _ => lock(wakes).values().cloned().collect(),
    };
    for wake in called {
        wake();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
