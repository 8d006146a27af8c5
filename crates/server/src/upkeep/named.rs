//! Which blobs the rows name.

use std::collections::BTreeSet;

use domain::Problem;
use domain::run::PhaseStatus;

use super::rows;
use crate::storage::Tx;

/// What the rows name.
pub(super) struct Named {
    states: BTreeSet<String>,
    archives: BTreeSet<String>,
    phases: BTreeSet<String>,
    /// Phases whose logs do not grow any more.
    over: BTreeSet<String>,
    runs: BTreeSet<String>,
}

impl Named {
    /// As of the transaction. States of deleted workspaces are named as long as they are kept.
    pub(super) async fn read(tx: &Tx) -> Result<Self, Problem> {
        let phases = rows::phases(tx).await?;
        let over = |status: &str| PhaseStatus::parse(status).is_some_and(PhaseStatus::is_final);
        let states = rows::states(tx).await?.into_iter().map(|it| it.id);
        Ok(Self {
            states: states.chain(rows::deleted(tx).await?.into_iter().map(|it| it.id)).collect(),
            archives: rows::configurations(tx).await?.into_iter().map(|it| it.object).collect(),
            over: phases.iter().filter(|it| over(&it.status)).map(|it| it.id.clone()).collect(),
            phases: phases.into_iter().map(|it| it.id).collect(),
            runs: rows::runs(tx).await?.into_iter().map(|it| it.id).collect(),
        })
    }

    /// Whether a row names the blob at this path.
    pub(super) fn has(&self, path: &str) -> bool {
        let mut parts = path.split('/');
        let (kind, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match kind {
            "states" => self.states.contains(id.strip_suffix(".json").unwrap_or(id)),
            "configurations" => self.archives.contains(path),
            "plans" | "logs" => self.phases.contains(id),
            "previews" => self.runs.contains(id),
            _ => false,
        }
    }

    /// Whether the blob is also one that nothing is added to any more: no piece of a log that grows.
    pub(super) fn is_still(&self, path: &str) -> bool {
        path.strip_prefix("logs/").is_none_or(|rest| self.over.contains(rest.split('/').next().unwrap_or_default()))
    }
}
