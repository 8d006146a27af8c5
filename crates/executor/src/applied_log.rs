//! What an apply's own `-json` log says was done, and what was begun.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

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
    /// The last thing that was completed, by address.
    done: BTreeMap<String, Unsaved>,
    /// What was begun and has no end, by address.
    begun: BTreeMap<String, InDoubt>,
}

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
            ("apply_start", Some(hook), _) if hook.action != "read" => {
                if let Some(Resource { addr }) = hook.resource {
                    let begun = InDoubt { address: addr.clone(), action: hook.action };
                    self.begun.insert(addr, begun);
                }
            }
            ("apply_complete", Some(hook), _) if hook.action != "read" => {
                if let Some(Resource { addr }) = hook.resource {
                    self.begun.remove(&addr);
                    let done = Unsaved {
                        address: addr.clone(),
                        id_key: hook.id_key,
                        id_value: hook.id_value,
                        action: hook.action,
                    };
                    self.done.insert(addr, done);
                }
            }
            ("apply_errored", Some(hook), _) => {
                if let Some(Resource { addr }) = hook.resource {
                    self.begun.remove(&addr);
                }
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
            _ => {}
        }
    }

    /// What was completed and is not so in a state that has the instances `saved`.
    pub(crate) fn unsaved(&self, saved: &BTreeSet<String>) -> Vec<Unsaved> {
        let missing = |done: &&Unsaved| match done.action.as_str() {
            "delete" => saved.contains(&done.address),
            _ => !saved.contains(&done.address),
        };
        self.done.values().filter(missing).cloned().collect()
    }

    /// What was begun and never reported as ended.
    pub(crate) fn in_doubt(&self) -> Vec<InDoubt> {
        self.begun.values().cloned().collect()
    }
}
