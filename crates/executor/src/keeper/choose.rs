//! Which runs keep their state at an endpoint: those whose state is large, or whose code says that it will be. Everything else stays with
//! terraform's local backend and the ring, which have each resource the moment it is made.
//!
//! Terraform is turned to the endpoint after `init`: by the override file, and by the file in which `init` notes the backend. That note is terraform's
//! own affair, so this is done for versions that it was tried with. The backend that a plan was made with stands in its file, and its
//! apply has the same. Terraform's `http` backend knows no workspaces: code that asks for the name of its own keeps the local one.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use domain::Problem;

use super::{Keeper, SECRET};
use crate::folder::{Folder, make_private, remove, write_private};
use crate::foreign;
use crate::modules;
use crate::overrides::{LOCAL, file_in};
use crate::planned;
use crate::prepare::{Prepared, written};
use crate::process::ours;
use crate::state::Saved;

use crate::work::{Backend, VariableCategory, Work};

/// From so many instances of resources on a state is large: the local backend takes a quarter of a second for its writing then, and with twice
/// as many four times that.
const LARGE: u64 = 200;
/// The least that an instance takes in a state, in bytes.
const SMALLEST: u64 = 100;
/// The file in which the local and the `http` backend have their state.
const STATE: &str = "terraform.tfstate";
/// The same as [`LOCAL`], for the endpoint, whose address terraform reads in its environment.
const HTTP: &str = "terraform {\n  backend \"http\" {}\n}\n";

/// Turns a run that has just been initialised to an endpoint, if its state is large.
pub(crate) async fn by_size(work: &Work, prepared: &mut Prepared) -> Result<(), Problem> {
    choose(work, prepared, is_large).await
}

/// The same for a run whose folder was made anew around its plan: as the plan was made.
pub(crate) async fn by_plan(work: &Work, prepared: &mut Prepared) -> Result<(), Problem> {
    let is_of_http = |work: &Work, _: &Folder, _: &Path| {
        work.plan_file.as_deref().and_then(planned::backend).is_some_and(|kind| kind == "http")
    };
    choose(work, prepared, is_of_http).await
}

/// Takes a folder as it is.
pub(crate) fn as_planned(work: &Work, prepared: &mut Prepared) {
    if let Some(keeper) = &work.keeper
        && prepared.launcher.folder.kept().is_dir()
    {
        turn(keeper, prepared);
    }
}

/// Whether [`by_size`] would turn it.
pub(crate) async fn is_for_endpoint(work: &Work, prepared: &Prepared) -> Result<bool, Problem> {
    if !is_possible(work, prepared) {
        return Ok(false);
    }
    let (task, folder, root) = (work.clone(), prepared.launcher.folder.clone(), prepared.launcher.root.clone());
    let choosing = tokio::task::spawn_blocking(move || is_large(&task, &folder, &root));
    choosing.await.map_err(|problem| ours("The run's folder cannot be read.", problem))
}

async fn choose(
    work: &Work,
    prepared: &mut Prepared,
    is_wanted: impl FnOnce(&Work, &Folder, &Path) -> bool + Send + 'static,
) -> Result<(), Problem> {
    let Some((keeper, local)) = work.keeper.clone().zip(prepared.state.clone()) else { return Ok(()) };
    if !is_possible(work, prepared) {
        return Ok(());
    }
    let (folder, root) = (prepared.launcher.folder.clone(), prepared.launcher.root.clone());
    let (task, version) = (work.clone(), prepared.version.version.clone());
    let choosing = tokio::task::spawn_blocking(move || {
        Ok::<_, Problem>(is_wanted(&task, &folder, &root) && written(made_ready(&folder, &root, &local, &version))?)
    });
    if choosing.await.map_err(|problem| ours("The run's folder cannot be written.", problem))?? {
        turn(&keeper, prepared);
        written(prepared.secrets.keep(&prepared.launcher.folder))?;
    }
    Ok(())
}

fn is_possible(work: &Work, prepared: &Prepared) -> bool {
    work.keeper.is_some()
        && work.backend == Backend::Held
        && !prepared.launcher.bare
        && !work.operation.scratch
        && prepared.version.is_tried()
}

/// Whether the state of a run is large, or will be.
pub(crate) fn is_large(work: &Work, folder: &Folder, root: &Path) -> bool {
    let Some(folders) = modules::folders(folder, root) else { return false };
    let given = work.variables.iter().filter(|it| it.category == VariableCategory::Terraform);
    let given: BTreeMap<&str, &str> = given.map(|it| (it.key.as_str(), it.value.as_str())).collect();
    let Some(extent) = configuration::extent(&folders, &given) else { return false };
    let is_named = extent.names_workspace && work.names.workspace != "default";
    let holds_many = || {
        let state = work.state.as_deref().unwrap_or_default();
        state.len() as u64 >= LARGE * SMALLEST && Saved::of(state).len() as u64 >= LARGE
    };
    !is_named && (extent.instances >= LARGE || holds_many())
}

/// Makes the folder ready for an endpoint; `false` where it is not as it should be, and nothing was changed.
fn made_ready(folder: &Folder, root: &Path, local: &Path, version: &str) -> io::Result<bool> {
    let (made, file) = (root.join(".terraform"), file_in(root));
    let text = foreign::read(folder.path(), &file)?;
    let Some(rest) = text.strip_prefix(LOCAL.as_bytes()) else { return Ok(false) };
    if !foreign::is_folder(folder.path(), &made) {
        return Ok(false);
    }
    make_private(&folder.kept())?;
    if foreign::is_file(folder.path(), local) {
        std::fs::rename(local, folder.kept().join(STATE))?;
    }
    let note = serde_json::json!({
        "version": 3,
        "terraform_version": version,
        // With this hash terraform compares what the code says with what is noted: both say nothing.
        "backend": { "type": "http", "config": {}, "hash": 0 },
    });
    remove(&made.join("environment"))?;
    remove(&made.join(STATE))?;
    write_private(&made.join(STATE), note.to_string().as_bytes())?;
    remove(&file)?;
    write_private(&file, &[HTTP.as_bytes(), rest].concat())?;
    Ok(true)
}

/// From here on every command has the keeper in front of it.
fn turn(keeper: &Keeper, prepared: &mut Prepared) {
    let launcher = &mut prepared.launcher;
    let inside = Path::new("kept").join(STATE);
    let state = launcher.folder.path().join(&inside);
    launcher.record.state = Some(inside);
    launcher.environment.remove("TF_WORKSPACE");
    launcher.environment.insert(SECRET.to_owned(), keeper.secret.clone());
    launcher.keeper = Some((keeper.clone(), state.clone()));
    prepared.state = Some(state);
    // It is in the addresses that terraform names when it cannot reach its endpoint.
    prepared.secrets = prepared.secrets.and(&keeper.secret);
}
