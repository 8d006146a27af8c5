//! Use cases of configuration versions.

use aws_lc_rs::digest;
use bytes::Bytes;
use domain::Problem;
use domain::id::ConfigurationId;

use super::store::{self, Model as Configuration, Status};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::resources::workspaces::{self, Workspace};
use crate::storage::Tx;

/// What a new configuration version needs.
pub struct New {
    /// A run is started when it has been uploaded.
    pub auto_queue_runs: bool,
    /// Only for runs that plan.
    pub speculative: bool,
    /// For a saved plan.
    pub provisional: bool,
    /// `tfe-api`, `terraform` or `terraform+cloud`.
    pub source: String,
}

/// Makes a configuration version that waits for its archive.
pub async fn create(app: &App, tx: &Tx, actor: &Actor, workspace: &str, new: New) -> Result<Configuration, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::StartRun).await?;
    let configuration = Configuration {
        id: app.ports.id::<ConfigurationId>().to_string(),
        workspace_id: workspace.id,
        status: Status::Pending.as_str().into(),
        source: new.source,
        speculative: new.speculative,
        provisional: new.provisional,
        auto_queue_runs: new.auto_queue_runs,
        object: String::new(),
        error_message: None,
        created_at: app.ports.now(),
        created_by: actor.user().map(str::to_owned),
    };
    store::insert(tx, &configuration).await?;
    Ok(configuration)
}

/// One configuration version.
///
/// # Errors
/// `configuration/not-found`, also for who may not see it.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<Configuration, Problem> {
    let found = store::by_id(tx, id).await?.ok_or_else(not_found)?;
    workspaces::service::for_action(tx, actor, &found.workspace_id, Action::ReadRun).await.map_err(|_| not_found())?;
    Ok(found)
}

/// Those of a workspace, newest first.
pub async fn list(tx: &Tx, actor: &Actor, workspace: &str) -> Result<Vec<Configuration>, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ReadRun).await?;
    store::of(tx, &workspace.id).await
}

/// Checks and stores an archive, without a transaction; returns the path of its blob for [`uploaded`].
///
/// # Errors
/// `configuration/…` when the archive is refused: nothing was stored then.
pub async fn store_archive(app: &App, archive: Bytes) -> Result<String, Problem> {
    let checked = archive.clone();
    tokio::task::spawn_blocking(move || configuration::check(&checked, &configuration::Limits::default()))
        .await
        .map_err(|error| Problem::ours("configuration/check", "The archive could not be checked.", error))??;
    let object = format!("configurations/{}", hex::encode(digest::digest(&digest::SHA256, &archive)));
    app.objects.put(&object, &archive).await?;
    Ok(object)
}

/// Makes a configuration version usable whose archive was stored; or, given the reason, says that it never will be.
///
/// # Errors
/// `configuration/not-pending` when it has an archive already.
pub async fn uploaded(tx: &Tx, id: &str, stored: Result<String, Problem>) -> Result<Configuration, Problem> {
    let mut configuration = store::by_id(tx, id).await?.ok_or_else(not_found)?;
    if !configuration.is(Status::Pending) {
        return Err(Problem::conflict(
            "configuration/not-pending",
            "This configuration version has its archive already.",
        )
        .advice("Make a new configuration version."));
    }
    let status = match stored {
        Ok(object) => {
            configuration.object = object;
            Status::Uploaded
        }
        Err(problem) => {
            configuration.error_message = Some(problem.to_string());
            Status::Errored
        }
    };
    configuration.status = status.as_str().into();
    store::update(tx, &configuration).await?;
    if status == Status::Uploaded && !configuration.speculative && !configuration.provisional {
        workspaces::set_current_configuration(tx, &configuration.workspace_id, &configuration.id).await?;
    }
    Ok(configuration)
}

/// Makes a configuration version of an archive that the server fetched and stored itself.
pub async fn fetched(app: &App, tx: &Tx, workspace: &str, new: New, object: String) -> Result<Configuration, Problem> {
    let configuration = Configuration {
        id: app.ports.id::<ConfigurationId>().to_string(),
        workspace_id: workspace.to_owned(),
        status: Status::Uploaded.as_str().into(),
        source: new.source,
        speculative: new.speculative,
        provisional: new.provisional,
        auto_queue_runs: new.auto_queue_runs,
        object,
        error_message: None,
        created_by: None,
        created_at: app.ports.now(),
    };
    store::insert(tx, &configuration).await?;
    Ok(configuration)
}

/// The configuration that a new run of the workspace uses: the one named, or the workspace's current one.
///
/// # Errors
/// `configuration/missing` with exactly the words that the tfe provider looks for; `configuration/not-uploaded`.
pub async fn for_run(tx: &Tx, workspace: &Workspace, named: Option<&str>) -> Result<Configuration, Problem> {
    let id = named.or(workspace.current_configuration_id.as_deref());
    let found = match id {
        Some(id) => store::by_id(tx, id).await?.filter(|it| it.workspace_id == workspace.id),
        None => None,
    };
    let configuration = found.ok_or_else(|| {
        Problem::invalid("configuration/missing", "Configuration version is missing")
            .advice("Upload a configuration version to the workspace first.")
    })?;
    if !configuration.is(Status::Uploaded) {
        return Err(Problem::invalid(
            "configuration/not-uploaded",
            format!("The configuration version {} is {}, not uploaded.", configuration.id, configuration.status),
        )
        .advice("Upload its archive first, or use another one."));
    }
    Ok(configuration)
}

/// The archive of a configuration version.
///
/// # Errors
/// `configuration/not-found` when it has none.
pub async fn archive(app: &App, configuration: &Configuration) -> Result<Bytes, Problem> {
    if configuration.object.is_empty() {
        return Err(not_found());
    }
    app.objects.must_get(&configuration.object).await
}

fn not_found() -> Problem {
    Problem::not_found("configuration/not-found", "There is no such configuration version.")
        .advice("Check its id, and use a token that may see it.")
}
