//! To start a run of a workspace: the form that pages of a workspace have, and the page before everything is destroyed.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::State;
use domain::Problem;
use domain::dependency::sentence;
use serde::Deserialize;

use super::super::service::{self, New};
use super::view;
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::pages::{Filled, Frame, Viewer, page, see_other};
use crate::edge::{At2, Name, Reply, Routes};
use crate::resources::organizations::{self, Organization};
use crate::resources::workspaces::{self, Workspace};
use crate::resources::{edges, run_triggers, states};
use crate::storage::Tx;

/// Pages of what starts a run.
pub(super) fn pages() -> Routes {
    const WORKSPACE: &str = "/app/{organization}/workspaces/{workspace}";
    let at = |rest: &str| format!("{WORKSPACE}{rest}");
    Routes::default()
        .post_at_root(&at("/run"), run)
        .get_at_root(&at("/destroy"), destroy)
        .post_at_root(&at("/destroy/start"), start_destroy)
}

/// What may be started of a workspace, and what would follow. For the template `runs/page/start.html`, in a page that has it as
/// `start`.
pub struct Start {
    /// Page of the workspace, to which the forms are sent.
    pub address: String,
    /// What every form carries.
    pub form_token: String,
    /// Whether there is something to destroy, and that may be asked for.
    pub destroys: bool,
    /// Workspaces that run by themselves when it was applied, by name.
    pub follows: Vec<String>,
    /// Workspaces that only read its outputs, by name.
    pub reads: Vec<String>,
}

/// What the actor may start of a workspace; `None` when it is nothing.
///
/// # Errors
/// `storage/unavailable`.
pub async fn start(
    tx: &Tx,
    actor: &Actor,
    workspace: &Workspace,
    address: String,
    form_token: String,
) -> Result<Option<Start>, Problem> {
    if !actor.can(Action::StartRun, workspaces::service::on(workspace)) || workspace.execution_mode == "local" {
        return Ok(None);
    }
    let follows = following(tx, workspace).await?;
    let mut names = BTreeMap::new();
    for id in &follows {
        names.extend(workspaces::service::read(tx, actor, id).await.ok().map(|it| (it.id, it.name)));
    }
    let mut reads = BTreeSet::new();
    for below in downstreams(tx, actor, workspace).await {
        reads.extend(Some(below.workspace).filter(|it| below.reads && !follows.contains(&it.id)).map(|it| it.name));
    }
    Ok(Some(Start {
        address,
        form_token,
        destroys: workspace.resource_count > 0 && workspace.allow_destroy_plan,
        follows: names.into_values().collect::<BTreeSet<_>>().into_iter().collect(),
        reads: reads.into_iter().collect(),
    }))
}

/// Ids of the workspaces that run triggers set off when this one was applied, and when those were.
async fn following(tx: &Tx, workspace: &Workspace) -> Result<BTreeSet<String>, Problem> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![workspace.id.clone()]);
    while let Some(upstream) = open.pop() {
        for trigger in run_triggers::out_of(tx, &upstream).await? {
            if trigger.workspace_id != workspace.id && seen.insert(trigger.workspace_id.clone()) {
                open.push(trigger.workspace_id);
            }
        }
    }
    Ok(seen)
}

/// A workspace that stands on another.
struct Downstream {
    workspace: Workspace,
    /// Whether it reads outputs.
    reads: bool,
    /// Why: a sentence for each way in which that is known.
    why: String,
}

/// Workspaces that stand on this one, as far as the actor may see that.
async fn downstreams(tx: &Tx, actor: &Actor, workspace: &Workspace) -> Vec<Downstream> {
    // A token that sees no runs sees no edges either.
    let all = edges::service::list(tx, actor, &workspace.id).await.unwrap_or_default();
    let mut told: Vec<Downstream> = Vec::new();
    for whole in all.into_iter().filter(|it| it.upstream.id == workspace.id) {
        let edges::service::Whole { edge, upstream, downstream } = whole;
        let why = sentence(edge.kind, &upstream.name, &downstream.name, edge.outputs.as_ref(), &edge.places);
        let reads = edge.kind.is_read();
        match told.iter_mut().find(|it| it.workspace.id == downstream.id) {
            Some(known) => {
                known.reads |= reads;
                known.why = format!("{} {why}", known.why);
            }
            None => told.push(Downstream { workspace: downstream, reads, why }),
        }
    }
    told
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    message: String,
    /// `plan` for a run that only plans.
    #[serde(default)]
    what: String,
}

async fn run(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, workspace): At2<Name, Name>,
    Filled(asked): Filled<Asked>,
) -> Reply {
    let new = New {
        plan_only: (asked.what == "plan").then_some(true),
        ..asked_for(&asked.message, "Started in the browser")
    };
    begin(&app, &viewer, &organization.0, &workspace.0, new).await
}

#[derive(Deserialize)]
struct AskedDestroy {
    #[serde(default)]
    message: String,
    #[serde(default)]
    force: String,
}

async fn start_destroy(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, workspace): At2<Name, Name>,
    Filled(asked): Filled<AskedDestroy>,
) -> Reply {
    let new = New {
        is_destroy: true,
        force: !asked.force.is_empty(),
        ..asked_for(&asked.message, "Destroyed in the browser")
    };
    begin(&app, &viewer, &organization.0, &workspace.0, new).await
}

fn asked_for(message: &str, otherwise: &str) -> New {
    let message = if message.trim().is_empty() { otherwise } else { message.trim() };
    New { message: Some(message.to_owned()), source: "tfe-ui".into(), ..New::default() }
}

async fn begin(app: &App, viewer: &Viewer, organization: &str, workspace: &str, new: New) -> Reply {
    let tx = app.db.write().await?;
    let (_, workspace) = find(&tx, &viewer.actor, organization, workspace).await?;
    let whole = service::create(app, &tx, &viewer.actor, &workspace.id, new).await?;
    let address = view::address(&tx, &whole).await?;
    tx.commit().await?;
    Ok(see_other(&address))
}

async fn find(
    tx: &Tx,
    actor: &Actor,
    organization: &str,
    workspace: &str,
) -> Result<(Organization, Workspace), Problem> {
    let organization = organizations::service::read(tx, actor, organization).await?;
    let workspace = workspaces::service::read_named(tx, actor, &organization, workspace).await?;
    Ok((organization, workspace))
}

#[derive(Template)]
#[template(path = "resources/runs/page/destroy.html")]
struct Destroy {
    frame: Frame,
    name: String,
    address: String,
    count: i32,
    /// What it manages, each with how many of it there are; `None` when whoever looks may not see that.
    resources: Option<Vec<(String, u64)>>,
    /// What stands on it: a name, its page, and why.
    downstreams: Vec<(String, String, String)>,
    /// Why it is protected.
    protected: Option<Problem>,
    may_force: bool,
    /// Whether it is applied without being asked about again.
    at_once: bool,
}

async fn destroy(State(app): State<App>, viewer: Viewer, At2(organization, workspace): At2<Name, Name>) -> Reply {
    let tx = app.db.read().await?;
    let (organization, workspace) = find(&tx, &viewer.actor, &organization.0, &workspace.0).await?;
    let workspace = workspaces::service::for_action(&tx, &viewer.actor, &workspace.id, Action::StartRun).await?;
    let place = format!("/app/{}/workspaces", organization.name);
    let address = format!("{place}/{}", workspace.name);
    let downstreams = downstreams(&tx, &viewer.actor, &workspace).await.into_iter();
    let downstreams =
        downstreams.map(|it| (it.workspace.name.clone(), format!("{place}/{}", it.workspace.name), it.why)).collect();
    let may = |action| viewer.actor.can(action, workspaces::service::on(&workspace));
    page(&Destroy {
        frame: viewer
            .frame(&app, &format!("Destroy {}", workspace.name))
            .within(&organization.name, "workspaces")
            .below(&workspace.name, address.clone()),
        count: workspace.resource_count,
        resources: held(&tx, &viewer.actor, &workspace).await?,
        downstreams,
        protected: workspaces::check_downstreams(&tx, &workspace).await.err(),
        may_force: may(Action::ManageWorkspace),
        at_once: workspace.auto_apply && may(Action::DecideRun),
        address,
        name: workspace.name,
    })
}

/// What a workspace manages, as its newest state has it.
async fn held(tx: &Tx, actor: &Actor, workspace: &Workspace) -> Result<Option<Vec<(String, u64)>>, Problem> {
    let state = match states::service::current(tx, actor, &workspace.id).await {
        Ok(state) => state,
        Err(problem) if problem.code == "state/none" => return Ok(Some(Vec::new())),
        Err(_) => return Ok(None),
    };
    let all = state.resources.as_array().into_iter().flatten().filter(|it| it["mode"] == "managed");
    let named = |it: &serde_json::Value| {
        let text = |key: &str| it[key].as_str().unwrap_or_default();
        let module = text("module");
        let module = if module == "root" { String::new() } else { format!("{module}.") };
        (format!("{module}{}.{}", text("type"), text("name")), it["count"].as_u64().unwrap_or(1))
    };
    Ok(Some(all.map(named).collect()))
}
