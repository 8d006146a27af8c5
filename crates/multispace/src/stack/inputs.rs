//! What goes into the runs of each workspace, as digests under the host's key: its files, variables and terraform, and the
//! outputs that it uses of others.
//!
//! Not looked at is what terraform finds by itself: data and modules that it fetches, and the environment but for `TF_VAR_…`.
//! Absent: what of it makes a workspace run (`domain::stack::inputs`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use configuration::{Limits, Root, files_by_workspace, outputs_used};
use domain::Problem;
use domain::planned::{PlannedOutput, PlannedOutputs};
use domain::run::RunStatus;
use domain::stack::inputs::ANY_OUTPUT;
use domain::stack::{Inputs, Last};
use serde::{Deserialize, Serialize};

use super::Loaded;
use super::host::{Host, LastRun};
use super::preview::Preview;
use super::variables::{self, Given};
use crate::digest::sha256;

/// In the place of the digest of what is not known yet: the like was in no run.
const NOT_YET: &str = "?";

/// What the code and the settings give a workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Own {
    workspace: String,
    /// All but the outputs and the settings.
    inputs: Inputs,
    /// The upstreams whose outputs it reads, with the outputs that it uses; `None` for all.
    uses: BTreeMap<String, Option<BTreeSet<String>>>,
}

/// Of every workspace of the stack. `environment` is the one that terraform sees.
///
/// # Errors
/// Those of packing; `stack/file` when a file cannot be read.
pub(crate) fn own(
    host: &Host<'_>,
    loaded: &Loaded,
    given: &[Given],
    environment: &[(String, String)],
) -> Result<BTreeMap<String, Own>, Problem> {
    let mut files = files_by_workspace(&loaded.stack, &Limits::default())?;
    // A module belongs to many.
    let mut read = BTreeMap::new();
    let mut all = BTreeMap::new();
    for root in &loaded.stack.roots {
        let mut digests = BTreeMap::new();
        for (name, path) in files.remove(&root.name).unwrap_or_default() {
            if !read.contains_key(&path) {
                let bytes = fs::read(&path).map_err(|error| {
                    Problem::invalid("stack/file", format!("{} cannot be read: {error}.", path.display()))
                        .advice("Make it readable, or leave it out with .terraformignore.")
                })?;
                read.insert(path.clone(), host.digest(&format!("file:{}", sha256(&bytes))));
            }
            digests.insert(name, read[&path].clone());
        }
        let settings = loaded.stack.workspace_settings(&root.name);
        let wanted = settings.terraform_version.or(loaded.stack.settings.terraform_version.clone());
        let inputs = Inputs {
            files: digests,
            variables: variables_of(host, loaded, root, given, environment),
            terraform: host.terraform(wanted.as_deref()),
            // They are the workspace's: looked at when it is known which one that is.
            settings: String::new(),
            outputs: BTreeMap::new(),
        };
        all.insert(root.name.clone(), Own { workspace: root.name.clone(), inputs, uses: uses(loaded, root) });
    }
    Ok(all)
}

/// What goes into a run of a workspace that would begin now. `ids` are those of the workspaces that there are, by name;
/// `foreseen` is what will have become of the upstreams by then, on a plan.
///
/// # Errors
/// What the host says when it cannot be asked.
pub(crate) async fn now(
    host: &Host<'_>,
    loaded: &Loaded,
    ids: &BTreeMap<String, String>,
    own: &Own,
    foreseen: Option<&Preview>,
) -> Result<Inputs, Problem> {
    let settings = ids.get(&own.workspace).map(|id| host.settings(id)).unwrap_or_default();
    let mut outputs = BTreeMap::new();
    for (upstream, used) in &own.uses {
        let id = ids.get(upstream);
        let digests = if is_seen(host, loaded, upstream) {
            let expected = foreseen.and_then(|preview| preview.outputs(upstream));
            let values = match (expected, id) {
                (Some(values), _) => canonical(values),
                (None, Some(id)) => host.seen(id).await?,
                (None, None) => BTreeMap::new(),
            };
            digests(host, upstream, values, used.as_ref())
        } else {
            // What is in a backend of its own is not seen, only that it was applied.
            let applied = match id {
                _ if foreseen.is_some_and(|preview| preview.changes(upstream)) => Some(NOT_YET.to_owned()),
                Some(id) => host.last(id).await?.and_then(|last| last.applied),
                None => None,
            };
            applied.map(|run| (ANY_OUTPUT.to_owned(), run)).into_iter().collect()
        };
        outputs.insert(upstream.clone(), digests);
    }
    Ok(Inputs { settings, outputs, ..own.inputs.clone() })
}

/// Whether a workspace runs after such a last run, whatever the outputs are that it reads.
pub(crate) fn runs_anyway(own: &Own, last: &Last) -> bool {
    let same = match last {
        Last::Applied(Some(before)) => {
            let Inputs { settings, outputs, .. } = before.clone();
            Inputs { settings, outputs, ..own.inputs.clone() }
        }
        _ => own.inputs.clone(),
    };
    !domain::stack::why(last, &same).is_empty()
}

/// Whether a workspace uses one of these outputs, by upstream.
pub(crate) fn uses_one(own: &Own, outputs: &BTreeMap<String, Vec<String>>) -> bool {
    own.uses.iter().any(|(upstream, used)| {
        let all = outputs.get(upstream).map(Vec::as_slice).unwrap_or_default();
        all.iter().any(|name| used.as_ref().is_none_or(|used| used.contains(name)))
    })
}

/// Whether the host shows the outputs of an upstream.
fn is_seen(host: &Host<'_>, loaded: &Loaded, upstream: &str) -> bool {
    matches!(host, Host::Remote(_)) || loaded.is_held(upstream)
}

/// Outputs as texts that can be compared; none where a part is not known yet.
pub(crate) fn canonical(outputs: PlannedOutputs) -> BTreeMap<String, Option<String>> {
    let text = |output: PlannedOutput| (!output.has_unknown()).then(|| output.canonical());
    outputs.into_iter().map(|(name, output)| (name, text(output))).collect()
}

/// Digests of the outputs of an upstream that are used.
fn digests(
    host: &Host<'_>,
    upstream: &str,
    outputs: BTreeMap<String, Option<String>>,
    used: Option<&BTreeSet<String>>,
) -> BTreeMap<String, String> {
    let is_used = |name: &String| used.is_none_or(|used| used.contains(name));
    let digest = |(name, text): (String, Option<String>)| {
        let digest = text.map(|text| host.digest(&format!("output:{upstream}:{name}:{text}")));
        (name, digest.unwrap_or_else(|| NOT_YET.to_owned()))
    };
    outputs.into_iter().filter(|(name, _)| is_used(name)).map(digest).collect()
}

fn variables_of(
    host: &Host<'_>,
    loaded: &Loaded,
    root: &Root,
    given: &[Given],
    environment: &[(String, String)],
) -> BTreeMap<String, String> {
    let mut digests = BTreeMap::new();
    for declared in &root.variables {
        let key = format!("TF_VAR_{}", declared.name);
        if let Some((_, value)) = environment.iter().find(|(name, _)| *name == key) {
            digests.insert(declared.name.clone(), host.digest(&format!("environment:{value}")));
        }
    }
    for it in variables::of(&loaded.stack, root, given) {
        let (key, value) = (it.key.unwrap_or_default(), it.value.unwrap_or_default());
        let name = if it.category.as_deref() == Some("env") { format!("env {key}") } else { key };
        digests.insert(name, host.digest(&format!("variable:{}:{value}", it.hcl.unwrap_or_default())));
    }
    // That a variable is another workspace's output is a setting; the value is that workspace's.
    for (name, reference) in loaded.stack.references(root) {
        digests.insert(name, host.digest(&format!("reference:{reference}")));
    }
    digests
}

fn uses(loaded: &Loaded, root: &Root) -> BTreeMap<String, Option<BTreeSet<String>>> {
    let mut uses: BTreeMap<String, Option<BTreeSet<String>>> = BTreeMap::new();
    let mut note = |upstream: &str, used: Option<BTreeSet<String>>| {
        let all = uses.entry(upstream.to_owned()).or_insert_with(|| Some(BTreeSet::new()));
        match (all.as_mut(), used) {
            (Some(all), Some(used)) => all.extend(used),
            _ => *all = None,
        }
    };
    for reader in loaded.stack.readers.iter().filter(|reader| reader.downstream == root.name) {
        note(&reader.upstream, outputs_used(&loaded.stack, reader));
    }
    let edges = loaded.stack.edges.iter().filter(|edge| edge.downstream == root.name);
    for edge in edges.filter(|edge| edge.reasons.iter().any(configuration::Reason::is_ephemeral)) {
        note(&edge.upstream, None);
    }
    for reference in loaded.stack.references(root).into_values() {
        note(&reference.workspace, Some(BTreeSet::from([reference.output])));
    }
    uses
}

/// [`Inputs`] as they are kept with a run.
#[derive(Serialize, Deserialize)]
struct Kept {
    files: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    terraform: String,
    settings: String,
    outputs: BTreeMap<String, BTreeMap<String, String>>,
}

/// The text that is kept with a run.
pub(crate) fn text(inputs: &Inputs) -> String {
    let Inputs { files, variables, terraform, settings, outputs } = inputs.clone();
    // Maps of texts can always be written.
    serde_json::to_string(&Kept { files, variables, terraform, settings, outputs }).unwrap_or_default()
}

/// What the last run says of the workspace. A text that this version cannot read is as if none was kept.
pub(crate) fn last(run: Option<&LastRun>) -> Last {
    let Some(run) = run else { return Last::None };
    match run.status {
        RunStatus::Applied | RunStatus::PlannedAndFinished if run.is_destroy => Last::Destroyed,
        RunStatus::Applied | RunStatus::PlannedAndFinished if run.state_moved => Last::StateMoved,
        RunStatus::Applied | RunStatus::PlannedAndFinished => {
            let kept = run.inputs.as_deref().and_then(|text| serde_json::from_str::<Kept>(text).ok());
            Last::Applied(kept.map(|kept| {
                let Kept { files, variables, terraform, settings, outputs } = kept;
                Inputs { files, variables, terraform, settings, outputs }
            }))
        }
        status => Last::Unfinished(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(status: RunStatus, is_destroy: bool, inputs: Option<String>, state_moved: bool) -> LastRun {
        LastRun {
            run: "run-1".into(),
            status,
            is_destroy,
            inputs,
            state_moved,
            applied: None,
            updated_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_went_into_a_run_is_read_as_it_was_written() {
        let one = |key: &str| BTreeMap::from([(key.to_owned(), "1".to_owned())]);
        let inputs = Inputs {
            files: one("a/main.tf"),
            variables: one("size"),
            terraform: "1.11.4".into(),
            settings: "1".into(),
            outputs: BTreeMap::from([("network".to_owned(), one("id"))]),
        };
        let applied = run(RunStatus::Applied, false, Some(text(&inputs)), false);
        assert_eq!(last(Some(&applied)), Last::Applied(Some(inputs)));
    }

    #[test]
    fn what_is_not_known_of_the_last_run_is_no_reason_to_leave_a_workspace_out() {
        assert_eq!(last(None), Last::None);
        let finished = RunStatus::PlannedAndFinished;
        assert_eq!(last(Some(&run(finished, false, None, false))), Last::Applied(None));
        assert_eq!(last(Some(&run(finished, false, Some("{".into()), false))), Last::Applied(None));
        assert_eq!(last(Some(&run(finished, false, Some("{}".into()), true))), Last::StateMoved);
        assert_eq!(last(Some(&run(RunStatus::Applied, true, None, false))), Last::Destroyed);
        for status in [RunStatus::Errored, RunStatus::Discarded, RunStatus::Planned] {
            assert_eq!(last(Some(&run(status, true, None, false))), Last::Unfinished(status));
        }
    }
}
