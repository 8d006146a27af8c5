//! What a run gets: the workspace's variables, those of variable sets, and its own, each variable once.
//!
//! They are pinned when the run is made, sealed, and forgotten when it is over: what somebody changes while a run waits or
//! is looked at is for the next run. `domain::variables` says which value wins.

use domain::Problem;
use domain::variables::{Candidate, Origin, merge};
use executor::VariableCategory;
use serde::{Deserialize, Serialize};

use super::owned::clear;
use super::store::{self, Model as Variable};
use crate::app::App;
use crate::resources::variable_sets;
use crate::resources::workspaces::Workspace;
use crate::storage::Tx;

/// A variable as a run keeps it, in clear; it is stored sealed.
#[derive(Serialize, Deserialize)]
struct Given {
    key: String,
    value: String,
    env: bool,
    hcl: bool,
    sensitive: bool,
}

/// Keeps for the run `run` what it will get. `own` are variables of this run alone: key and HCL expression.
///
/// # Errors
/// `variable/value` when a stored value cannot be read.
pub async fn pin(
    app: &App,
    tx: &Tx,
    run: &str,
    workspace: &Workspace,
    own: impl IntoIterator<Item = (String, String)>,
) -> Result<(), Problem> {
    let given = given(app, tx, workspace, own).await?;
    let bytes = serde_json::to_vec(&given)
        .map_err(|error| Problem::ours("variable/value", "The variables could not be kept.", error))?;
    store::pin(tx, run, &workspace.id, app.key.seal(&sealed_for(run), &bytes)?).await
}

/// What was pinned for a run, for its terraform alone. One that an older version made pinned nothing: it gets what there
/// is now.
///
/// # Errors
/// `variable/value` when what is stored cannot be read.
pub async fn of(
    app: &App,
    tx: &Tx,
    run: &str,
    workspace: &Workspace,
    own: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<executor::Variable>, Problem> {
    let given: Vec<Given> = match pinned(app, tx, run).await? {
        Some(bytes) => serde_json::from_slice(&bytes)
            .map_err(|error| Problem::ours("variable/value", "The run's variables are not readable.", error))?,
        None => given(app, tx, workspace, own).await?,
    };
    Ok(given.into_iter().map(variable).collect())
}

/// What a run of the workspace would be given that is made now, without variables of its own.
///
/// # Errors
/// `variable/value` when a stored value cannot be read.
pub async fn now(app: &App, tx: &Tx, workspace: &Workspace) -> Result<Vec<executor::Variable>, Problem> {
    Ok(given(app, tx, workspace, []).await?.into_iter().map(variable).collect())
}

/// What was pinned for a run, in bytes that are the same as long as it is; `None` when nothing was.
///
/// # Errors
/// `storage/sealed`.
pub async fn pinned(app: &App, tx: &Tx, run: &str) -> Result<Option<Vec<u8>>, Problem> {
    let sealed = store::pinned(tx, run).await?;
    sealed.map(|sealed| app.key.open_sealed(&sealed_for(run), &sealed)).transpose()
}

/// Forgets what a run was given: it is over.
pub async fn unpin(tx: &Tx, run: &str) -> Result<(), Problem> {
    store::unpin(tx, run).await
}

/// The variables that win for a workspace, by category and key.
pub(super) async fn effective(tx: &Tx, workspace: &Workspace) -> Result<Vec<Variable>, Problem> {
    Ok(merge(candidates_of(tx, workspace).await?).into_iter().map(|it| it.value).collect())
}

async fn given(
    app: &App,
    tx: &Tx,
    workspace: &Workspace,
    own: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<Given>, Problem> {
    let mut candidates = Vec::new();
    for Candidate { origin, category, key, value: variable } in candidates_of(tx, workspace).await? {
        let value = Given {
            key: key.clone(),
            value: clear(app, &variable)?,
            env: category == "env",
            hcl: variable.hcl,
            sensitive: variable.sensitive,
        };
        candidates.push(Candidate { origin, category, key, value });
    }
    candidates.extend(own.into_iter().map(|(key, value)| Candidate {
        origin: Origin::Run,
        category: "terraform".into(),
        key: key.clone(),
        value: Given { key, value, env: false, hcl: true, sensitive: false },
    }));
    Ok(merge(candidates).into_iter().map(|it| it.value).collect())
}

async fn candidates_of(tx: &Tx, workspace: &Workspace) -> Result<Vec<Candidate<Variable>>, Problem> {
    let candidate = |origin: Origin, variable: Variable| Candidate {
        origin,
        category: variable.category.clone(),
        key: variable.key.clone(),
        value: variable,
    };
    let mut candidates = Vec::new();
    for (set, origins) in variable_sets::reaching(tx, workspace).await? {
        for variable in store::of(tx, &set).await? {
            candidates.extend(origins.iter().map(|origin| candidate(origin.clone(), variable.clone())));
        }
    }
    candidates.extend(store::of(tx, &workspace.id).await?.into_iter().map(|it| candidate(Origin::Workspace, it)));
    Ok(candidates)
}

fn variable(Given { key, value, env, hcl, sensitive }: Given) -> executor::Variable {
    let category = if env { VariableCategory::Env } else { VariableCategory::Terraform };
    executor::Variable { key, value, category, hcl, sensitive }
}

/// What the pinned variables of a run are sealed for: not what its own are, which stay on the run.
fn sealed_for(run: &str) -> String {
    format!("{run}/variables")
}
