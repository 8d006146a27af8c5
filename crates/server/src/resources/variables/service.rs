//! Use cases of a workspace's variables.

use domain::Problem;

use super::owned::{self, Settings, Shown};
use super::{runs, store};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::resources::workspaces;
use crate::storage::Tx;

/// Makes a variable.
///
/// # Errors
/// Those of [`owned::create`].
pub async fn create(app: &App, tx: &Tx, actor: &Actor, workspace: &str, settings: Settings) -> Result<Shown, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::WriteVariables).await?;
    owned::create(app, tx, &workspace.id, settings).await
}

/// One variable of a workspace.
///
/// # Errors
/// `variable/not-found`.
pub async fn read(app: &App, tx: &Tx, actor: &Actor, workspace: &str, id: &str) -> Result<Shown, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ReadVariables).await?;
    owned::read(app, tx, &workspace.id, id).await
}

/// Variables of a workspace by key.
pub async fn list(app: &App, tx: &Tx, actor: &Actor, workspace: &str) -> Result<Vec<Shown>, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ReadVariables).await?;
    owned::list(app, tx, &workspace.id).await
}

/// The variables that a run of the workspace would get now, its own and those of variable sets, by category and key.
pub async fn effective(app: &App, tx: &Tx, actor: &Actor, workspace: &str) -> Result<Vec<Shown>, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ReadVariables).await?;
    runs::effective(tx, &workspace).await?.into_iter().map(|variable| owned::shown(app, variable)).collect()
}

/// Changes a variable. A sensitive one stays sensitive.
///
/// # Errors
/// Those of [`owned::update`].
pub async fn update(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    workspace: &str,
    id: &str,
    settings: Settings,
) -> Result<Shown, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::WriteVariables).await?;
    owned::update(app, tx, &workspace.id, id, settings).await
}

/// Removes a variable.
///
/// # Errors
/// `variable/not-found`.
pub async fn delete(tx: &Tx, actor: &Actor, workspace: &str, id: &str) -> Result<(), Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::WriteVariables).await?;
    owned::delete(tx, &workspace.id, id).await
}

/// Makes the variables of a workspace exactly these.
///
/// # Errors
/// As [`create`].
pub async fn replace(app: &App, tx: &Tx, actor: &Actor, workspace: &str, wanted: Vec<Settings>) -> Result<(), Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::WriteVariables).await?;
    store::delete_of(tx, &workspace.id).await?;
    for settings in wanted {
        owned::create(app, tx, &workspace.id, settings).await?;
    }
    Ok(())
}
