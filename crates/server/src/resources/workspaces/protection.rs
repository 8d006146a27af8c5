//! Destroy protection: what others still stand on is not taken away beneath them.
//!
//! What counts is whether a downstream manages something at this moment: a stack that is destroyed in order, by whomever, is
//! never in its own way.

use std::collections::BTreeSet;

use domain::Problem;

use super::store::{self, Model as Workspace};
use crate::resources::edges;
use crate::storage::Tx;

/// How many downstreams a message names.
const NAMED: usize = 10;

/// Workspaces downstream of this one, directly or not, that still manage something, by name.
pub async fn remaining(tx: &Tx, workspace: &Workspace) -> Result<Vec<Workspace>, Problem> {
    let mut seen = BTreeSet::from([workspace.id.clone()]);
    let mut open = vec![workspace.id.clone()];
    let mut remaining = Vec::new();
    while let Some(upstream) = open.pop() {
        for downstream in edges::service::standing_on(tx, &upstream).await? {
            if !seen.insert(downstream.clone()) {
                continue;
            }
            remaining.extend(store::by_id(tx, &downstream).await?.filter(|it| it.resource_count > 0));
            open.push(downstream);
        }
    }
    remaining.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(remaining)
}

/// Refuses to take a workspace away while something stands on it.
///
/// # Errors
/// `workspace/downstreams` with the names of the downstreams.
pub async fn check(tx: &Tx, workspace: &Workspace) -> Result<(), Problem> {
    let remaining = remaining(tx, workspace).await?;
    if remaining.is_empty() {
        return Ok(());
    }
    let mut names: Vec<_> = remaining.iter().take(NAMED).map(|it| format!("\"{}\"", it.name)).collect();
    if remaining.len() > NAMED {
        names.push(format!("and {} more", remaining.len() - NAMED));
    }
    Err(Problem::conflict(
        "workspace/downstreams",
        format!("Workspaces that depend on \"{}\" still have resources: {}.", workspace.name, names.join(", ")),
    )
    .advice("Destroy those first, or force it if they may lose what they stand on."))
}
