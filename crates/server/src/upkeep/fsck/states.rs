//! State versions: their bytes are there and are what their rows say, their order is what was promised, and each workspace
//! points to the newest.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use domain::Problem;
use md5::{Digest, Md5};
use serde::Deserialize;

use super::super::rows::{self, State};
use super::{Check, Rows};

/// What a state file says of itself.
#[derive(Deserialize)]
struct Head {
    version: u64,
    serial: i64,
    lineage: String,
}

impl Check {
    /// The order of the versions of each workspace, by their rows.
    pub(super) fn order(&mut self, rows: &Rows) {
        self.report.checked.states = rows.states.len();
        let mut of: BTreeMap<&str, Vec<&State>> = BTreeMap::new();
        for state in rows.states.iter().filter(|state| state.status == "finalized") {
            of.entry(&state.workspace_id).or_default().push(state);
        }
        for workspace in &rows.workspaces {
            let all = of.remove(workspace.id.as_str()).unwrap_or_default();
            // A forced version begins a history of its own.
            let mut history: Vec<&State> = Vec::new();
            for state in all {
                if state.forced {
                    history.clear();
                }
                if let Some(same) = history.iter().find(|other| other.serial == state.serial) {
                    let message = format!(
                        "{} and {} of \"{}\" both have the serial {}.",
                        same.id, state.id, workspace.name, state.serial
                    );
                    let advice = "Compare the two, and make the one that is right the newest by a roll back.";
                    self.wrong(&state.id, Problem::conflict("upkeep/serial", message).advice(advice));
                }
                history.push(state);
            }
            let newest = history.iter().max_by_key(|state| state.serial);
            let current = workspace.current_state_id.as_deref();
            if newest.map(|state| state.id.as_str()) == current {
                continue;
            }
            let message = match (newest, current) {
                (Some(newest), Some(current)) => format!(
                    "The workspace \"{}\" points to the state {current}, and its newest is {}.",
                    workspace.name, newest.id
                ),
                (Some(newest), None) => {
                    format!("The workspace \"{}\" points to no state, and has {}.", workspace.name, newest.id)
                }
                (None, _) => format!(
                    "The workspace \"{}\" points to the state {}, which is not there.",
                    workspace.name,
                    current.unwrap_or_default()
                ),
            };
            let advice =
                "Restore the database from a backup, or push the state that is right; until then apply nothing.";
            self.wrong(&workspace.id, Problem::conflict("upkeep/current-state", message).advice(advice));
        }
    }

    /// The bytes of every version; returns the paths that were looked at.
    pub(super) async fn states(&mut self, rows: &Rows) -> Result<BTreeSet<String>, Problem> {
        let mut seen = BTreeSet::new();
        for state in &rows.states {
            let path = format!("states/{}", state.id);
            seen.insert(path.clone());
            let before = self.report.findings.len();
            let bytes = self.opened(self.blobs.objects.clone(), &path).await?;
            // An upload that was given up may have brought nothing.
            let must = state.status == "finalized" || state.size > 0;
            match bytes {
                Some(bytes) if must => {
                    if let Some(what) = differs(state, &bytes) {
                        let message =
                            format!("The bytes of the state version {} are not what its row says: {what}.", state.id);
                        let advice = "Restore the blob from a backup; until then apply nothing in its workspace.";
                        self.wrong(&path, Problem::conflict("upkeep/state", message).advice(advice));
                    }
                }
                None if must && self.report.findings.len() == before => {
                    if self.is_replaced(&state.id).await? {
                        continue;
                    }
                    let message =
                        format!("The bytes of the state version {} (serial {}) are gone.", state.id, state.serial);
                    let advice = "Restore the blob from a backup; until then apply nothing in its workspace.";
                    self.wrong(&path, Problem::conflict("upkeep/missing", message).advice(advice));
                }
                _ => {}
            }
        }
        Ok(seen)
    }

    /// Whether the row of a state is gone since the rows were read: what a run saves under way is replaced by the next.
    async fn is_replaced(&self, id: &str) -> Result<bool, Problem> {
        Ok(self.in_use && !rows::has_state(&self.db.look(), id).await?)
    }
}

/// What of the bytes is not as their row says.
fn differs(state: &State, bytes: &Bytes) -> Option<String> {
    let md5 = hex::encode(Md5::digest(bytes));
    if !md5.eq_ignore_ascii_case(&state.md5) {
        return Some(format!("their MD5 is {md5}, not {}", state.md5));
    }
    let head: Head = match serde_json::from_slice(bytes) {
        Ok(head) => head,
        Err(error) => return Some(format!("they are no state ({error})")),
    };
    if head.version != 4 {
        return Some(format!("they are of version {}, not 4", head.version));
    }
    if head.serial != state.serial {
        return Some(format!("their serial is {}, not {}", head.serial, state.serial));
    }
    if head.lineage != state.lineage {
        return Some(format!("their lineage is {}, not {}", head.lineage, state.lineage));
    }
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    (size != state.size).then(|| format!("they are {size} bytes long, not {}", state.size))
}
