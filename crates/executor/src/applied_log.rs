//! What an apply's own `-json` log says was done, and what was begun.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::state::Saved;
use crate::work::{Counts, InDoubt, Unsaved};

/// An apply's log, read.
#[derive(Default)]
pub(crate) struct AppliedLog {
    /// Counts of the final summary; zero when it never came.
    pub(crate) counts: Counts,
    /// The final summary came: terraform did all that the plan had.
    pub(crate) complete: bool,
    /// The state that terraform printed because it could write it nowhere.
    pub(crate) dump: Option<Bytes>,
    /// What was completed.
    done: BTreeMap<Key, Unsaved>,
    /// What was begun and has no end yet, with its identity where it had one before.
    begun: BTreeMap<Key, Unsaved>,
    /// What ended in an error after the interrupt: its request was cut off, which says nothing about what came of it.
    cut_off: BTreeMap<Key, Unsaved>,
    interrupted: bool,
}

/// Address, and whether it is about its removal: a replacement makes one object and removes another of the same address.
type Key = (String, bool);

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    hook: Option<Hook>,
    #[serde(default)]
    changes: Option<Changes>,
    #[serde(borrow, default)]
    state: Option<&'a RawValue>,
    #[serde(rename = "@message", default)]
    message: String,
}

#[derive(Deserialize)]
struct Hook {
    resource: Option<Resource>,
    #[serde(default)]
    action: String,
    #[serde(default)]
    id_key: String,
    #[serde(default)]
    id_value: String,
}

#[derive(Deserialize)]
struct Resource {
    addr: String,
}

#[derive(Deserialize)]
struct Changes {
    #[serde(default)]
    add: u32,
    #[serde(default)]
    change: u32,
    #[serde(default)]
    import: u32,
    #[serde(default)]
    remove: u32,
    #[serde(default)]
    operation: String,
}

/// Reads a log; lines that are not terraform's are passed over.
pub(crate) fn read(file: &Path) -> io::Result<AppliedLog> {
    let mut reader = BufReader::new(File::open(file)?);
    let mut log = AppliedLog::default();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if line.first() == Some(&b'{')
            && let Ok(line) = serde_json::from_slice(&line)
        {
            log.add(line);
        }
        line.clear();
    }
    Ok(log)
}

impl AppliedLog {
    fn add(&mut self, line: Line<'_>) {
        match (line.kind.as_str(), line.hook, line.changes) {
            (kind @ ("apply_start" | "apply_complete" | "apply_errored"), Some(hook), _) if hook.action != "read" => {
                self.add_hook(kind, hook);
            }
            ("change_summary", _, Some(changes)) if changes.operation != "plan" => {
                self.complete = true;
                self.counts = Counts {
                    additions: changes.add,
                    changes: changes.change,
                    destructions: changes.remove,
                    imports: changes.import,
                };
            }
            _ if line.message == "Emergency state dump" => {
                self.dump = line.state.map(|state| Bytes::copy_from_slice(state.get().as_bytes()));
            }
            ("log", _, _) if line.message.contains("Interrupt received") => self.interrupted = true,
            _ => {}
        }
    }

    fn add_hook(&mut self, kind: &str, hook: Hook) {
        let Some(Resource { addr: address }) = hook.resource else { return };
        let key = (address.clone(), hook.action == "delete");
        let mut step = Unsaved { address, id_key: hook.id_key, id_value: hook.id_value, action: hook.action };
        if kind == "apply_start" {
            self.begun.insert(key, step);
            return;
        }
        // The line that reports an end names no identity where the object is gone; the one of its beginning does.
        if let Some(begun) = self.begun.remove(&key)
            && step.id_key.is_empty()
        {
            (step.id_key, step.id_value) = (begun.id_key, begun.id_value);
        }
        match kind {
            "apply_complete" => self.done.insert(key, step),
            _ if self.interrupted => self.cut_off.insert(key, step),
            _ => None,
        };
    }

    /// What was completed and is not so in a state.
    pub(crate) fn unsaved(&self, saved: &Saved<'_>) -> Vec<Unsaved> {
        let missing = |done: &&Unsaved| {
            let there = saved.has(&done.address, &done.id_key, &done.id_value);
            if done.action == "delete" { there && !done.id_key.is_empty() } else { !there }
        };
        self.done.values().filter(missing).cloned().collect()
    }

    /// What was begun and never reported as ended, or was cut off by an interrupt. What was cut off and has its object in the
    /// state all the same is in no doubt.
    pub(crate) fn in_doubt(&self, saved: &Saved<'_>) -> Vec<InDoubt> {
        let cut_off = self.cut_off.values().filter(|step| step.action != "create" || !saved.has(&step.address, "", ""));
        self.begun
            .values()
            .chain(cut_off)
            .map(|step| InDoubt { address: step.address.clone(), action: step.action.clone() })
            .collect()
    }
}
