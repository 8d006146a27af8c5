//! What a folder still holds after an apply that did not end well.
//!
//! Five places may hold a state: the ring, terraform's own file, `errored.tfstate` and the printed state (both written when
//! terraform could not save), and the backup from before. Each candidate must be whole, of the same lineage, and not older
//! than the state before the run. The highest serial wins; within one serial the place that is written last does, because
//! terraform counts up once per run and not once per resource.

use std::path::Path;

use bytes::Bytes;

use crate::applied_log::{self, AppliedLog};
use crate::folder::{Folder, PhaseRecord};
use crate::foreign;
use crate::ring;
use crate::state::{Base, Saved};
use crate::work::{Phase, Recovery};

/// Reads the folder; what cannot be read is not there.
pub(crate) fn of(folder: &Folder, record: &PhaseRecord, prior: Option<&Bytes>) -> Recovery {
    let log = applied_log::read(&folder.log(Phase::Apply)).unwrap_or_default();
    let state = record.state.as_ref().and_then(|inside| {
        let root = folder.path().join(&record.root);
        newest(folder, &folder.path().join(inside), &root, &log, prior)
    });
    let saved = state.as_ref().or(prior).map(|bytes| Saved::of(bytes)).unwrap_or_default();
    // With a backend of its own the root's state is where we do not look: nothing can be said to be missing from it.
    let unsaved = if record.state.is_some() { log.unsaved(&saved) } else { Vec::new() };
    let in_doubt = log.in_doubt(&saved);
    Recovery { in_doubt, unsaved, state }
}

fn newest(folder: &Folder, file: &Path, root: &Path, log: &AppliedLog, prior: Option<&Bytes>) -> Option<Bytes> {
    let read = |file: &Path| foreign::read(folder.path(), file).ok().map(Bytes::from);
    let base = Base::new(prior);
    let mut candidates: Vec<Bytes> = Vec::new();
    candidates.extend(log.dump.clone());
    candidates.extend(read(&root.join("errored.tfstate")));
    candidates.extend(read(file));
    candidates.extend(ring::kept(&folder.ring()));
    candidates.extend(read(&file.with_extension("tfstate.backup")));
    let accepted = candidates.into_iter().filter_map(|bytes| Some((base.accepts(&bytes)?.serial, bytes)));
    // The first of equals: candidates stand in order of freshness.
    accepted.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, bytes)| bytes)
}

#[cfg(test)]
mod tests;
