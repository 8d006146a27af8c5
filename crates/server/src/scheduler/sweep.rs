//! Removes the folders of runs that are over: they hold plans and variables in clear, and what they had to give is stored.
//!
//! A folder whose state could not be stored is kept, marked with a file named `keep`, until somebody removes it.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use tokio::task::JoinHandle;

use super::work;
use crate::app::App;
use crate::resources::runs;

/// Name of the file that keeps a folder.
const KEEP: &str = "keep";

/// Removes folders beside whoever says of which runs, a few at a time.
pub struct Sweeper {
    app: App,
    /// Runs that have ended since the last few.
    next: BTreeSet<String>,
    sweeping: Option<JoinHandle<()>>,
}

impl Sweeper {
    /// One that has nothing to do.
    pub fn new(app: App) -> Self {
        Self { app, next: BTreeSet::new(), sweeping: None }
    }

    /// Has the folders of these runs removed, which have ended.
    pub fn sweep(&mut self, mut ids: BTreeSet<String>) {
        self.next.append(&mut ids);
        if self.sweeping.is_none() && !self.next.is_empty() {
            let (app, ids) = (self.app.clone(), std::mem::take(&mut self.next));
            self.sweeping = Some(tokio::spawn(async move { these(&app, ids).await }));
        }
    }

    /// Whether something is being removed.
    pub fn is_busy(&self) -> bool {
        self.sweeping.is_some()
    }

    /// Goes on with the next when some are gone; returns when all are.
    pub async fn swept(&mut self) {
        while let Some(sweeping) = &mut self.sweeping {
            if let Err(problem) = sweeping.await {
                tracing::error!(%problem, "folders of runs could not be removed");
            }
            self.sweeping = None;
            self.sweep(BTreeSet::new());
        }
    }
}

/// Removes every folder whose run is over or gone; for the start, when no change tells of them.
pub async fn all(app: &App) {
    let Ok(entries) = std::fs::read_dir(&app.setup.runs) else { return };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    these(app, names).await;
}

/// Removes the folders of those of these runs that are over or gone.
async fn these(app: &App, ids: BTreeSet<String>) {
    for id in ids {
        let folder = work::folder(&app.setup, &id);
        if !folder.exists() || folder.join(KEEP).exists() || !is_over(app, &id).await {
            continue;
        }
        if let Err(error) = tokio::fs::remove_dir_all(&folder).await
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(run = id, %error, "the run's folder could not be removed");
        }
    }
}

/// Keeps the folder of a run whose state is nowhere else; says where it is.
pub fn keep(app: &App, run: &str) -> Option<String> {
    let folder = work::folder(&app.setup, run);
    std::fs::write(folder.join(KEEP), "").ok().map(|()| folder.display().to_string())
}

async fn is_over(app: &App, id: &str) -> bool {
    match runs::by_id(&app.db.look(), id).await {
        Ok(run) => run.is_none_or(|run| run.status().is_final()),
        Err(_) => false,
    }
}
