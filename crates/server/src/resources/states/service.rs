//! Use cases of state versions.

use bytes::Bytes;
use chrono::TimeDelta;
use domain::id::{OutputId, StateId};
use domain::state::{Acceptance, StateFacts, accept, another_writer, check_payload, not_locked};
use domain::{Fault, Problem};
use serde_json::Value;

use super::contents::with_serial;
use super::document::{self, Document};
use super::kept;
use super::store::{self, Model as State, OutputModel as Output};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::resources::runs::{self, Run};
use crate::resources::workspaces::{self, Holder, Workspace};
use crate::storage::{Change, Tx};

/// How long an address for an upload is good.
const UPLOAD: TimeDelta = TimeDelta::hours(1);

/// A state version as a client announces it.
pub struct New {
    /// Its serial.
    pub serial: i64,
    /// Its lineage; taken from the bytes when those come along.
    pub lineage: Option<String>,
    /// MD5 of its bytes as hex.
    pub md5: String,
    /// Serial and lineage are not to be checked.
    pub force: bool,
}

/// An output with its value, as the caller may see it.
pub struct ShownOutput {
    /// The output.
    pub output: Output,
    /// Its value; JSON null when it is hidden.
    pub value: Value,
}

/// The newest state of a workspace; for a run that destroys, see [`for_destroy`].
///
/// # Errors
/// `state/none` when there is none.
pub async fn current(tx: &Tx, actor: &Actor, workspace: &str) -> Result<State, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ReadOutputs).await?;
    offered(tx, actor, &workspace).await?.ok_or_else(|| {
        Problem::not_found("state/none", format!("The workspace \"{}\" has no state yet.", workspace.name))
            .advice("Apply it first.")
    })
}

/// Length of the largest state that was ever stored, in bytes.
///
/// # Errors
/// `storage/unavailable`.
pub async fn largest(tx: &Tx) -> Result<u64, Problem> {
    Ok(store::largest(tx).await?.and_then(|size| u64::try_from(size).ok()).unwrap_or_default())
}

/// The newest state of a workspace that was read already.
pub async fn current_of(tx: &Tx, workspace: &Workspace) -> Result<Option<State>, Problem> {
    match &workspace.current_state_id {
        Some(id) => store::by_id(tx, id).await,
        None => Ok(None),
    }
}

/// The state of a workspace whose outputs whoever asks gets: the newest, but for a run that destroys another workspace.
pub async fn offered(tx: &Tx, actor: &Actor, workspace: &Workspace) -> Result<Option<State>, Problem> {
    if let Actor::Run { run, workspace: own, .. } = actor
        && *own != workspace.id
        && runs::by_id(tx, run).await?.is_some_and(|run| run.is_destroy)
    {
        return for_destroy(tx, workspace).await;
    }
    current_of(tx, workspace).await
}

/// The state whose outputs a run gets that destroys a downstream: the newest, or when everything of the workspace is gone
/// already, the last one that had outputs. Its code cannot be evaluated without them.
async fn for_destroy(tx: &Tx, workspace: &Workspace) -> Result<Option<State>, Problem> {
    let Some(current) = current_of(tx, workspace).await? else { return Ok(None) };
    if current.resource_count > 0 || !store::outputs_of(tx, &current.id).await?.is_empty() {
        return Ok(Some(current));
    }
    Ok(store::last_with_outputs(tx, &workspace.id).await?.or(Some(current)))
}

/// One state version.
///
/// # Errors
/// `state/not-found`, also for who may not see it.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<State, Problem> {
    let found = store::by_id(tx, id).await?.ok_or_else(not_found)?;
    workspaces::service::for_action(tx, actor, &found.workspace_id, Action::ReadState)
        .await
        .map_err(|_| not_found())?;
    Ok(found)
}

/// State versions of a workspace, newest first.
pub async fn list(tx: &Tx, actor: &Actor, workspace: &str) -> Result<Vec<State>, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ReadState).await?;
    store::of(tx, &workspace.id).await
}

/// Outputs of a state version by name; sensitive ones without their value unless `reveal`.
pub async fn outputs(app: &App, tx: &Tx, state: &State, reveal: bool) -> Result<Vec<ShownOutput>, Problem> {
    let rows = store::outputs_of(tx, &state.id).await?;
    rows.into_iter()
        .map(|output| {
            let value = if output.sensitive && !reveal { Value::Null } else { value(app, &output)? };
            Ok(ShownOutput { output, value })
        })
        .collect()
}

/// One output with its value, sensitive or not.
///
/// # Errors
/// `state/output-not-found`.
pub async fn output(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<ShownOutput, Problem> {
    let missing = || {
        Problem::not_found("state/output-not-found", "There is no such state version output.").advice("Check its id.")
    };
    let output = store::output(tx, id).await?.ok_or_else(missing)?;
    workspaces::service::for_action(tx, actor, &output.workspace_id, Action::ReadOutputs)
        .await
        .map_err(|_| missing())?;
    let value = value(app, &output)?;
    Ok(ShownOutput { output, value })
}

/// Announces a state version whose bytes are uploaded afterwards. The same one announced again by the same user is the
/// same version.
///
/// # Errors
/// `state/not-locked`, `state/other-writer`, `state/serial`, `state/lineage`, `state/md5`.
pub async fn announce(app: &App, tx: &Tx, actor: &Actor, workspace: &str, new: New) -> Result<State, Problem> {
    let workspace = for_writer(tx, actor, workspace).await?;
    let facts = StateFacts {
        serial: u64::try_from(new.serial).unwrap_or(0),
        lineage: new.lineage.unwrap_or_default(),
        md5: new.md5.to_lowercase(),
    };
    if let Some(same) = store::same(tx, &workspace.id, new.serial, &facts.md5).await?
        && same.created_by.as_deref() == actor.user()
    {
        return Ok(same);
    }
    fits(tx, &workspace, &facts, new.force).await?;
    // An address for an upload that is good no more brings nothing any more.
    store::discard_announced_before(tx, &workspace.id, app.ports.now() - UPLOAD).await?;
    let state = State {
        id: app.ports.id::<StateId>().to_string(),
        workspace_id: workspace.id,
        run_id: None,
        created_by: actor.user().map(str::to_owned),
        serial: new.serial,
        lineage: facts.lineage,
        md5: facts.md5,
        size: 0,
        status: "pending".into(),
        intermediate: false,
        forced: new.force,
        terraform_version: String::new(),
        resource_count: 0,
        resources: Value::Array(Vec::new()),
        refusal: None,
        created_at: app.ports.now(),
    };
    store::insert(tx, &state).await?;
    Ok(state)
}

/// Takes the bytes of an announced state version: stores them, and makes the version the workspace's current one. The same
/// bytes sent again are fine.
///
/// # Errors
/// `state/unreadable`, `state/payload`, `state/discarded`, and those of [`announce`].
pub async fn upload(app: &App, id: &str, bytes: Bytes) -> Result<(), Problem> {
    let document = document::read(&bytes)?;
    let announced = store::by_id(&app.db.look(), id).await?.ok_or_else(not_found)?;
    check_payload(&announced.facts_or(&document), &document.facts())?;
    if announced.is_finalized() {
        return Ok(());
    }
    // Bytes of a version that was given up (force-unlock) are kept all the same; they never become current.
    if announced.status == "discarded" {
        let problem = Problem::conflict("state/discarded", "This state version was given up when its lock was broken.")
            .advice("Lock the workspace, compare your state with the current one, and push it.");
        return Err(kept::keep(app, announced, &bytes, problem).await);
    }
    app.objects.put(&announced.object(), &bytes).await?;
    let tx = app.db.write().await?;
    match finalize_announced(app, &tx, id, &document, bytes.len()).await {
        Ok(()) => tx.commit().await,
        Err(problem) if problem.fault == Fault::Conflict => {
            drop(tx);
            Err(kept::keep(app, announced, &bytes, problem).await)
        }
        Err(problem) => Err(problem),
    }
}

/// Whether an upload into a workspace is under way: one that was announced so long ago that its address is good no more is not.
///
/// # Errors
/// `storage/unavailable`.
pub async fn is_pending(app: &App, tx: &Tx, workspace: &str) -> Result<bool, Problem> {
    store::is_pending(tx, workspace, app.ports.now() - UPLOAD).await
}

/// Keeps the JSON form of a state version.
pub async fn upload_json(app: &App, id: &str, bytes: Bytes) -> Result<(), Problem> {
    let tx = app.db.read().await?;
    let state = store::by_id(&tx, id).await?.ok_or_else(not_found)?;
    drop(tx);
    app.objects.put(&state.json_object(), &bytes).await?;
    let tx = app.db.write().await?;
    tx.changed_bytes("states", &state.id).await?;
    tx.commit().await
}

/// The bytes of a state version, exactly as they came.
///
/// # Errors
/// `state/not-found` while it has none.
pub async fn download(app: &App, state: &State) -> Result<Bytes, Problem> {
    app.objects.get(&state.object()).await?.ok_or_else(not_found)
}

/// The JSON form of a state version, where the client sent one.
///
/// # Errors
/// `storage/unavailable`.
pub async fn download_json(app: &App, state: &State) -> Result<Option<Bytes>, Problem> {
    app.objects.get(&state.json_object()).await
}

/// Makes what an older version has the newest again: a new version with the same content, whatever the lineage of those between.
/// As any state it is written by whoever holds the lock.
///
/// # Errors
/// `state/not-found`, `state/not-locked`, `state/other-writer`, and those of [`upload`].
pub async fn roll_back(app: &App, actor: &Actor, id: &str) -> Result<State, Problem> {
    let tx = app.db.read().await?;
    let older = read(&tx, actor, id).await?;
    drop(tx);
    let bytes = download(app, &older).await?;
    let json = download_json(app, &older).await?;
    let tx = app.db.write().await?;
    let workspace = for_writer(&tx, actor, &older.workspace_id).await?;
    let newest = store::of(&tx, &workspace.id).await?.into_iter().map(|state| state.serial).max().unwrap_or(0);
    let bytes = Bytes::from(with_serial(&bytes, newest + 1)?);
    let facts = document::read(&bytes)?.facts();
    let new = New { serial: newest + 1, lineage: Some(facts.lineage), md5: facts.md5, force: true };
    let state = announce(app, &tx, actor, &workspace.id, new).await?;
    tx.commit().await?;
    upload_at_once(app, &state, bytes, json).await?;
    let tx = app.db.read().await?;
    read(&tx, actor, &state.id).await
}

/// Takes the bytes of a state version that was announced a moment ago. When they are refused it does not stay: it would keep
/// the workspace from being unlocked.
///
/// # Errors
/// Those of [`upload`].
pub async fn upload_at_once(app: &App, state: &State, bytes: Bytes, json: Option<Bytes>) -> Result<(), Problem> {
    if let Err(problem) = upload(app, &state.id, bytes).await {
        let tx = app.db.write().await?;
        store::discard_pending(&tx, &state.workspace_id).await?;
        tx.commit().await?;
        return Err(problem);
    }
    match json {
        Some(json) => upload_json(app, &state.id, json).await,
        None => Ok(()),
    }
}

/// Stores a state that a run wrote; `intermediate` while its apply is still under way. Returns the id of the version, or
/// of the one that has the same bytes already.
///
/// # Errors
/// `state/unreadable`; `state/other-writer` when the run does not hold its workspace any more: the bytes are kept then, see
/// [`kept`].
pub async fn from_run(app: &App, run: &Run, bytes: Bytes, intermediate: bool) -> Result<String, Problem> {
    let sent = send(app, run, bytes, intermediate).await?;
    let taken = take(app, run, &sent).await?;
    let id = taken.id.clone();
    taken.commit(app).await?;
    Ok(id)
}

/// A state that a run wrote, whose bytes are stored and which no row names yet.
pub struct Sent {
    state: State,
    document: Document,
    bytes: Bytes,
}

/// A state version that a run wrote and that is about to be committed, with whatever else its transaction changes.
pub struct Taken {
    /// The transaction.
    pub tx: Tx,
    /// Id of the version.
    pub id: String,
    /// Objects that nothing names any more once it is committed.
    replaced: Vec<String>,
}

impl Taken {
    /// Makes it durable.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn commit(self, app: &App) -> Result<(), Problem> {
        self.tx.commit().await?;
        for object in self.replaced {
            app.objects.delete(&object).await?;
        }
        Ok(())
    }
}

/// Stores the bytes of a state that a run wrote, for [`take`]: nothing of the database is needed for that.
///
/// # Errors
/// `state/unreadable`, `storage/unavailable`.
pub async fn send(app: &App, run: &Run, bytes: Bytes, intermediate: bool) -> Result<Sent, Problem> {
    let document = document::read(&bytes)?;
    let state = State {
        id: app.ports.id::<StateId>().to_string(),
        workspace_id: run.workspace_id.clone(),
        run_id: Some(run.id.clone()),
        created_by: run.created_by.clone(),
        serial: document.serial,
        lineage: document.lineage.clone(),
        md5: document.md5.clone(),
        size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        status: "finalized".into(),
        intermediate,
        forced: false,
        terraform_version: document.terraform_version.clone(),
        resource_count: document.resource_count,
        resources: document.resources.clone(),
        refusal: None,
        created_at: app.ports.now(),
    };
    app.reserve.has_seen(bytes.len() as u64);
    app.objects.put(&state.object(), &bytes).await?;
    Ok(Sent { state, document, bytes })
}

/// Takes a state that a run wrote, as [`from_run`] does, and leaves the commit to the caller.
///
/// # Errors
/// As [`from_run`].
pub async fn take(app: &App, run: &Run, sent: &Sent) -> Result<Taken, Problem> {
    let Sent { state, document, bytes } = sent;
    let tx = app.db.write().await?;
    let workspace = workspaces::lock_row(&tx, &run.workspace_id).await?.ok_or_else(not_found)?;
    let current = current_of(&tx, &workspace).await?;
    let allowed = if workspace.holder() == Some(Holder::Run(run.id.clone())) {
        accept(current.as_ref().map(State::facts).as_ref(), &document.facts(), false)
    } else {
        Err(another_writer())
    };
    let refused = match allowed {
        Ok(Acceptance::SameAgain) => {
            // The snapshot that was the last one before the end: it is the final state now.
            let mut current = current.ok_or_else(not_found)?;
            current.intermediate &= state.intermediate;
            store::update(&tx, &current).await?;
            return Ok(Taken { tx, id: current.id, replaced: vec![state.object()] });
        }
        Ok(Acceptance::New) => None,
        Err(problem) => Some(problem),
    };
    if let Some(problem) = refused {
        drop(tx);
        return Err(kept::keep(app, state.clone(), bytes, problem).await);
    }
    store::insert(&tx, state).await?;
    insert_outputs(app, &tx, state, document).await?;
    workspaces::set_current_state(&tx, &state.workspace_id, &state.id, state.resource_count, state.created_at).await?;
    let replaced = store::delete_intermediate(&tx, &run.id, &state.id).await?;
    tx.announce(Change::Workspace { workspace: state.workspace_id.clone() });
    Ok(Taken { tx, id: state.id.clone(), replaced })
}

/// A state file with the outputs of the workspace's newest state and no resources, for a run that reads it; `None` without
/// a state. A run that destroys gets the last outputs of a workspace that is gone.
pub async fn outputs_file(
    app: &App,
    tx: &Tx,
    workspace: &Workspace,
    to_destroy: bool,
) -> Result<Option<Bytes>, Problem> {
    let state = if to_destroy { for_destroy(tx, workspace).await? } else { current_of(tx, workspace).await? };
    let Some(state) = state else { return Ok(None) };
    let bytes = download(app, &state).await?;
    Ok(Some(Bytes::from(document::outputs_only(&bytes)?)))
}

impl State {
    fn facts(&self) -> StateFacts {
        StateFacts {
            serial: u64::try_from(self.serial).unwrap_or(0),
            lineage: self.lineage.clone(),
            md5: self.md5.clone(),
        }
    }

    /// What was announced; a lineage that was not announced is whatever came.
    fn facts_or(&self, document: &Document) -> StateFacts {
        let mut facts = self.facts();
        if facts.lineage.is_empty() {
            facts.lineage.clone_from(&document.lineage);
        }
        facts
    }
}

impl Document {
    fn facts(&self) -> StateFacts {
        StateFacts {
            serial: u64::try_from(self.serial).unwrap_or(0),
            lineage: self.lineage.clone(),
            md5: self.md5.clone(),
        }
    }
}

async fn finalize_announced(app: &App, tx: &Tx, id: &str, document: &Document, size: usize) -> Result<(), Problem> {
    let mut state = store::by_id(tx, id).await?.ok_or_else(not_found)?;
    if state.is_finalized() {
        return Ok(());
    }
    let workspace = workspaces::lock_row(tx, &state.workspace_id).await?.ok_or_else(not_found)?;
    match workspace.holder() {
        None => return Err(not_locked()),
        Some(Holder::User(by)) if state.created_by.as_deref() == Some(&by) => {}
        Some(_) => return Err(another_writer()),
    }
    fits(tx, &workspace, &document.facts(), state.forced).await?;
    state.status = "finalized".into();
    state.lineage.clone_from(&document.lineage);
    state.size = i64::try_from(size).unwrap_or(i64::MAX);
    state.terraform_version.clone_from(&document.terraform_version);
    state.resource_count = document.resource_count;
    state.resources.clone_from(&document.resources);
    store::update(tx, &state).await?;
    store::discard_pending(tx, &workspace.id).await?;
    insert_outputs(app, tx, &state, document).await?;
    workspaces::set_current_state(tx, &workspace.id, &state.id, state.resource_count, app.ports.now()).await?;
    tx.announce(Change::Workspace { workspace: workspace.id });
    Ok(())
}

/// The workspace, with its row locked, if the user who asks holds its lock.
async fn for_writer(tx: &Tx, actor: &Actor, workspace: &str) -> Result<Workspace, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::WriteState).await?;
    let workspace = workspaces::lock_row(tx, &workspace.id).await?.ok_or_else(not_found)?;
    match workspace.holder() {
        None => Err(not_locked()),
        Some(Holder::User(by)) if actor.user() == Some(&by) => Ok(workspace),
        Some(_) => Err(another_writer()),
    }
}

async fn fits(tx: &Tx, workspace: &Workspace, facts: &StateFacts, force: bool) -> Result<(), Problem> {
    let current = current_of(tx, workspace).await?;
    let known = current.as_ref().map(|state| {
        let mut known = state.facts();
        if facts.lineage.is_empty() {
            known.lineage = String::new();
        }
        known
    });
    match accept(known.as_ref(), facts, force)? {
        Acceptance::New => Ok(()),
        // Whoever stored it was told already that it is theirs. Anybody else has lost the lock, read what was stored meanwhile, and sends
        // that for their own: what terraform does when it first saves.
        Acceptance::SameAgain => Err(another_writer()),
    }
}

async fn insert_outputs(app: &App, tx: &Tx, state: &State, document: &Document) -> Result<(), Problem> {
    let mut rows = Vec::with_capacity(document.outputs.len());
    for output in &document.outputs {
        let id = app.ports.id::<OutputId>().to_string();
        let value = app.key.seal(&id, output.value.to_string().as_bytes())?;
        rows.push(Output {
            id,
            state_id: state.id.clone(),
            workspace_id: state.workspace_id.clone(),
            name: output.name.clone(),
            sensitive: output.sensitive,
            detailed_type: output.detailed_type.clone(),
            value,
        });
    }
    store::insert_outputs(tx, rows).await
}

fn value(app: &App, output: &Output) -> Result<Value, Problem> {
    let bytes = app.key.open_sealed(&output.id, &output.value)?;
    serde_json::from_slice(&bytes).map_err(|error| Problem::ours("state/output", "A stored output is not JSON.", error))
}

/// There is no such version, or not here.
pub(super) fn not_found() -> Problem {
    Problem::not_found("state/not-found", "There is no such state version.")
        .advice("Check its id, and use a token that may see it.")
}
