//! What the code of a run reads of other workspaces. It is looked at when the run's plan begins, before its terraform does,
//! outside of any transaction: an archive may be large. What was found is kept for the next run of the same configuration.

use std::collections::{BTreeMap, BTreeSet};

use configuration::{Limits, OutputRead, Value, read_outputs};
use domain::Problem;
use domain::dependency::Kind;
use executor::VariableCategory;
use serde::{Deserialize, Serialize};

use super::service::{Seen, note};
use super::store;
use crate::app::App;
use crate::resources::runs::{self, Reader, Run};
use crate::resources::workspaces::{self, Workspace};
use crate::resources::{configurations, organizations, variables};
use crate::storage::Tx;

/// What was found in code, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Found {
    /// By name of the upstream.
    reads: BTreeMap<String, FoundRead>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct FoundRead {
    /// `None` for all.
    outputs: Option<BTreeSet<String>>,
    places: BTreeSet<String>,
}

/// Notes what a run whose plan begins will read, as far as its code and whoever started it say so.
///
/// # Errors
/// Whatever keeps the code from being looked at. The run may go on: what it reads is then not known.
pub async fn noted(app: &App, run: &Run) -> Result<(), Problem> {
    // A plan that is not applied says nothing of what the workspace depends on, and a walk here knows that by itself.
    if run.plan_only || run.home {
        return Ok(());
    }
    let tx = app.db.read().await?;
    let Some(workspace) = workspaces::by_id(&tx, &run.workspace_id).await? else { return Ok(()) };
    let basis = basis(app, &tx, run, &workspace).await?;
    let known = store::reading(&tx, &run.configuration_id, &basis.digest).await?;
    let has_edges = store::into(&tx, &workspace.id).await?.iter().any(|edge| edge.kind() == Kind::Code);
    let archive = match &known {
        Some(_) => None,
        None => configurations::by_id(&tx, &run.configuration_id).await?,
    };
    drop(tx);

    let known = known.and_then(|known| serde_json::from_value::<Found>(known).ok());
    let (found, is_new) = match (known, archive) {
        (Some(found), _) => (found, false),
        (None, Some(configuration)) => {
            let archive = configurations::service::archive(app, &configuration).await?;
            (look(archive, workspace.clone(), basis.clone()).await?, true)
        }
        (None, None) => return Ok(()),
    };
    let readers: Vec<Reader> = serde_json::from_value(run.readers.clone()).unwrap_or_default();
    if !is_new && !has_edges && found.reads.is_empty() && readers.is_empty() {
        return Ok(());
    }
    let tx = app.db.write().await?;
    if is_new {
        let kept = serde_json::to_value(&found).map_err(|error| failed("kept", error))?;
        store::keep_reading(&tx, &run.configuration_id, &workspace.id, &basis.digest, kept).await?;
    }
    note_all(app, &tx, run, &workspace, found, &readers).await?;
    tx.commit().await
}

/// Ids of the upstreams that the code of a run names and that whoever started it named; `None` when its code was not
/// looked at as it was run.
pub(super) async fn named_by(
    app: &App,
    tx: &Tx,
    run: &Run,
    workspace: &Workspace,
) -> Result<Option<BTreeSet<String>>, Problem> {
    let basis = basis(app, tx, run, workspace).await?;
    let known = store::reading(tx, &run.configuration_id, &basis.digest).await?;
    let Some(found) = known.and_then(|known| serde_json::from_value::<Found>(known).ok()) else { return Ok(None) };
    let readers: Vec<Reader> = serde_json::from_value(run.readers.clone()).unwrap_or_default();
    let mut named: BTreeSet<String> = readers.into_iter().map(|reader| reader.workspace).collect();
    for name in found.reads.keys() {
        named.extend(workspaces::by_name(tx, &workspace.organization_id, name).await?.map(|it| it.id));
    }
    named.remove(&workspace.id);
    Ok(Some(named))
}

async fn note_all(
    app: &App,
    tx: &Tx,
    run: &Run,
    workspace: &Workspace,
    found: Found,
    readers: &[Reader],
) -> Result<(), Problem> {
    let mut named = BTreeSet::new();
    for (name, read) in found.reads {
        let Some(upstream) = workspaces::by_name(tx, &workspace.organization_id, &name).await? else { continue };
        if upstream.id == workspace.id {
            continue;
        }
        let state = upstream.current_state_id.as_deref();
        let seen = Seen { run: &run.id, state, outputs: read.outputs, places: read.places };
        note(app, tx, &upstream.id, &workspace.id, Kind::Code, seen).await?;
        named.insert(upstream.id);
    }
    for old in store::into(tx, &workspace.id).await? {
        if old.kind() == Kind::Code && !named.contains(&old.upstream_id) {
            store::delete(tx, &old.id).await?;
        }
    }
    for reader in readers {
        if let Some(upstream) = workspaces::by_id(tx, &reader.workspace).await? {
            let state = upstream.current_state_id.as_deref();
            let seen = Seen { run: &run.id, state, outputs: None, places: BTreeSet::new() };
            note(app, tx, &upstream.id, &workspace.id, Kind::RemoteState, seen).await?;
        }
    }
    Ok(())
}

/// What the reads follow from, beside the code.
#[derive(Clone)]
struct Basis {
    organization: String,
    given: BTreeMap<String, Option<Value>>,
    digest: String,
}

async fn basis(app: &App, tx: &Tx, run: &Run, workspace: &Workspace) -> Result<Basis, Problem> {
    let organization = organizations::by_id(tx, &workspace.organization_id).await?;
    let organization = organization.map(|it| it.name).unwrap_or_default();
    let own = runs::service::variables(app, run)?.into_iter().map(|it| (it.key, it.value));
    let variables = variables::runs::of(app, tx, &run.id, workspace, own).await?;
    let terraform = variables.into_iter().filter(|it| it.category == VariableCategory::Terraform);
    // A secret names no workspace that could be kept, and an expression is not worked out here.
    let known = terraform.map(|it| (it.key, Some(it.value).filter(|_| !it.hcl && !it.sensitive)));
    let known: BTreeMap<String, Option<String>> = known.collect();
    let rest = (&organization, &workspace.name, &workspace.working_directory, &known);
    let text = serde_json::to_string(&rest).map_err(|error| failed("kept", error))?;
    let digest = app.key.sign(&format!("configuration reads:{text}"));
    let given = known.into_iter().map(|(key, value)| (key, value.map(Value::String))).collect();
    Ok(Basis { organization, given, digest })
}

async fn look(archive: bytes::Bytes, workspace: Workspace, basis: Basis) -> Result<Found, Problem> {
    let looking = tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().map_err(|error| failed("unpacked", error))?;
        let folder = folder.path().canonicalize().map(|path| (folder, path));
        let (_kept, path) = folder.map_err(|error| failed("unpacked", error))?;
        let code = path.join("code");
        std::fs::create_dir(&code).map_err(|error| failed("unpacked", error))?;
        configuration::unpack(&archive, &code, &Limits::default())?;
        let reading = read_outputs(&code, &workspace.working_directory, &workspace.name, &basis.given);
        Ok(merged(reading.reads, reading.is_complete, &basis.organization))
    });
    looking.await.map_err(|error| failed("looked at", error))?
}

/// The reads of one organization by upstream. Where others may be hidden, no list of outputs can be relied on.
fn merged(reads: Vec<OutputRead>, is_complete: bool, organization: &str) -> Found {
    let mut by_upstream: BTreeMap<String, FoundRead> = BTreeMap::new();
    for read in reads {
        if read.organization.as_deref().is_some_and(|other| other != organization) {
            continue;
        }
        let none = || FoundRead { outputs: Some(BTreeSet::new()), places: BTreeSet::new() };
        let found = by_upstream.entry(read.workspace).or_insert_with(none);
        found.outputs = match (found.outputs.take(), read.outputs) {
            (Some(mut old), Some(new)) if is_complete => {
                old.extend(new);
                Some(old)
            }
            _ => None,
        };
        found.places.insert(format!("{}:{}", read.place.file, read.place.line));
    }
    Found { reads: by_upstream }
}

fn failed(what: &str, error: impl std::fmt::Display) -> Problem {
    Problem::ours(
        "edge/code",
        format!("The code of the run could not be {what}, so what it reads is not known."),
        error,
    )
}
