//! What an earlier process left: runs that had not ended. Those whose terraform may be changing things are waited for, because the engine settles
//! them and saves their state: to interrupt one could leave it between what a provisioner did and what that was for. All others have changed nothing and
//! are stopped.

use std::collections::BTreeMap;

use domain::Problem;

use super::host::{Changes, Heard, Host, RunView};
use crate::console::Console;

/// Returns when no run of an earlier process is under way any more.
///
/// # Errors
/// `stack/unsaved` when such a run made resources that its state does not have: going on would make them once more.
pub(crate) async fn settle(host: &Host<'_>, console: &Console) -> Result<(), Problem> {
    let mut changes = host.listen();
    let names: BTreeMap<String, String> =
        host.workspaces().await?.into_iter().map(|workspace| (workspace.id, workspace.name)).collect();
    let name = |run: &RunView| names.get(&run.workspace).cloned().unwrap_or_else(|| run.workspace.clone());
    let mut open = BTreeMap::new();
    for run in host.unfinished().await? {
        if run.may_change {
            console.say(&format!("waiting for terraform of an earlier run in \"{}\"", name(&run)));
        } else {
            host.stop(&run.id).await?;
        }
        open.insert(run.id.clone(), name(&run));
    }
    let mut unsaved = Vec::new();
    while !open.is_empty() {
        for id in open.keys().cloned().collect::<Vec<_>>() {
            let run = host.run(&id).await?;
            if run.status.is_final()
                && let Some(workspace) = open.remove(&id)
            {
                console.lost(&workspace, &run.unsaved, &run.in_doubt);
                if !run.unsaved.is_empty() {
                    unsaved.push(workspace);
                }
            }
        }
        if !open.is_empty() {
            wait(&mut changes, &open).await?;
        }
    }
    match unsaved.is_empty() {
        true => Ok(()),
        false => {
            let message = format!("Resources of {} were made but are not in its state.", quoted(&unsaved));
            Err(Problem::conflict("stack/unsaved", message).advice(
                "Import or remove what is listed above, then run the same command again: it goes on without them.",
            ))
        }
    }
}

async fn wait(changes: &mut Changes, open: &BTreeMap<String, String>) -> Result<(), Problem> {
    loop {
        match changes.next().await? {
            Heard::Run(run) if !open.contains_key(&run) => {}
            Heard::Initialised | Heard::WaitsForMemory(_) => {}
            Heard::Run(_) | Heard::Missed => return Ok(()),
        }
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}
