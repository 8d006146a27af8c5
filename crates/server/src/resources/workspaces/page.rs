//! Pages of workspaces: all of an organization, and one with what feeds it, what it is made of and what it has done.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Problem;
use domain::dependency::sentence;
use serde::Deserialize;
use serde_json::Value;

use super::{Holder, Workspace, service};
use crate::actor::Actor;
use crate::app::App;
use crate::edge::pages::{Frame, Pages, Part, Viewer, page, see_other};
use crate::edge::{At, At2, Name, Query, Reply, Routes};
use crate::resources::runs::{self, Moment, Row, Start};
use crate::resources::{edges, organizations, repositories, states, tokens, variables};
use crate::storage::Tx;

/// Workspaces on one page.
const SIZE: usize = 100;
/// Runs on the page of a workspace.
const RUNS: usize = 10;
/// State versions on the page of a workspace.
const STATES: usize = 20;
/// Most characters of a value.
const LONG: usize = 2000;

/// Pages of this room.
pub fn pages() -> Routes {
    Routes::default()
        .get_at_root("/app/{organization}", first)
        .get_at_root("/app/{organization}/workspaces", list)
        .get_at_root("/app/{organization}/workspaces/{workspace}", show)
}

async fn first(State(app): State<App>, viewer: Viewer, At(name): At<Name>) -> Result<Response, crate::edge::Failure> {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &viewer.actor, &name.0).await?;
    Ok(see_other(&format!("/app/{}/workspaces", organization.name)))
}

/// One workspace in a list.
struct Listed {
    name: String,
    address: String,
    resources: i32,
    lock: Option<String>,
    run: Option<Row>,
}

#[derive(Template)]
#[template(path = "resources/workspaces/list.html")]
struct List {
    frame: Frame,
    organization: String,
    search: String,
    total: usize,
    workspaces: Vec<Listed>,
    pages: Pages,
}

#[derive(Deserialize, Default)]
struct Wanted {
    #[serde(default)]
    search: String,
    page: Option<usize>,
}

async fn list(State(app): State<App>, viewer: Viewer, At(name): At<Name>, Query(wanted): Query<Wanted>) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &viewer.actor, &name.0).await?;
    let search = wanted.search.trim().to_owned();
    let mut all = service::list(&tx, &viewer.actor, &organization).await?;
    all.retain(|it| it.name.to_lowercase().contains(&search.to_lowercase()));
    let total = all.len();
    let part = Part::of(wanted.page, SIZE);
    let chosen: Vec<_> = all.into_iter().skip(part.offset).take(part.size).collect();
    let current = runs::listing::current(&tx, &viewer.actor, &chosen).await?;
    let with: Vec<_> = chosen.iter().filter_map(|it| Some((current.get(&it.id)?.clone(), it.clone()))).collect();
    let rows = runs::rows(&tx, &organization.name, with).await?;
    let mut rows: BTreeMap<String, Row> = rows.into_iter().map(|row| (row.workspace.clone(), row)).collect();
    let mut workspaces = Vec::with_capacity(chosen.len());
    for workspace in chosen {
        workspaces.push(Listed {
            address: format!("/app/{}/workspaces/{}", organization.name, workspace.name),
            resources: workspace.resource_count,
            lock: lock(&tx, &workspace).await?.map(|(words, _)| words),
            run: rows.remove(&workspace.name),
            name: workspace.name,
        });
    }
    // What is searched for stands in an address: only what a name can have is taken over.
    let plain: String = search.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    page(&List {
        frame: viewer.frame(&app, "Workspaces").within(&organization.name, "workspaces"),
        pages: Pages::new(format!("/app/{}/workspaces?search={plain}", organization.name), part, total),
        organization: organization.name,
        search,
        total,
        workspaces,
    })
}

/// Who holds the lock, in words, and the run if it is one.
async fn lock(tx: &Tx, workspace: &Workspace) -> Result<Option<(String, Option<String>)>, Problem> {
    Ok(match workspace.holder() {
        None => None,
        Some(Holder::Run(run)) => Some(("by a run".to_owned(), Some(run))),
        Some(Holder::User(user)) => {
            let name = tokens::service::user(tx, &user).await.map(|it| it.username).unwrap_or(user);
            let reason = workspace.locked_reason.as_deref().filter(|reason| !reason.is_empty());
            Some((reason.map_or_else(|| format!("by {name}"), |reason| format!("by {name}: {reason}")), None))
        }
    })
}

/// A workspace that this one stands on, or that stands on it, and why.
struct Edge {
    name: String,
    address: String,
    why: String,
}

/// A variable.
struct Variable {
    key: String,
    category: String,
    /// Its value; `None` when it is sensitive.
    value: Option<String>,
    hcl: bool,
}

/// An output.
struct Output {
    name: String,
    /// Its value; `None` when it is sensitive.
    value: Option<String>,
}

/// A state version.
struct Version {
    serial: i64,
    at: Moment,
    resources: i32,
    terraform: String,
    /// The run that made it, and its page.
    run: Option<(String, String)>,
    current: bool,
}

#[derive(Template)]
#[template(path = "resources/workspaces/workspace.html")]
struct Page {
    frame: Frame,
    name: String,
    description: String,
    lock: Option<(String, Option<String>)>,
    facts: Vec<(&'static str, String)>,
    /// What may be started.
    start: Option<Start>,
    rows: Vec<Row>,
    total: usize,
    all_runs: String,
    runs_address: String,
    upstreams: Vec<Edge>,
    downstreams: Vec<Edge>,
    /// `None` when whoever looks may not see them, as with those that follow.
    variables: Option<Vec<Variable>>,
    outputs: Option<Vec<Output>>,
    states: Option<Vec<Version>>,
}

impl Page {
    /// Both sides of it with their titles.
    fn edges(&self) -> [(&'static str, &[Edge]); 2] {
        [("It stands on", &self.upstreams), ("On it stand", &self.downstreams)]
    }
}

async fn show(State(app): State<App>, viewer: Viewer, At2(organization, name): At2<Name, Name>) -> Reply {
    let tx = app.db.read().await?;
    let actor = &viewer.actor;
    let organization = organizations::service::read(&tx, actor, &organization.0).await?;
    let workspace = service::read_named(&tx, actor, &organization, &name.0).await?;
    let all = runs::listing::Group::All;
    let listed = runs::listing::list(&tx, actor, &organization, Some(&workspace.name), all, 0, RUNS).await?;
    let place = format!("/app/{}", organization.name);
    let (upstreams, downstreams) = edges(&tx, actor, &workspace, &place).await?;
    page(&Page {
        frame: viewer.frame(&app, &workspace.name).within(&organization.name, "workspaces"),
        description: workspace.description.clone().unwrap_or_default(),
        lock: lock(&tx, &workspace).await?,
        facts: facts(&tx, &workspace).await?,
        start: runs::start(
            &tx,
            actor,
            &workspace,
            format!("{place}/workspaces/{}", workspace.name),
            viewer.visit.form_token(&app),
        )
        .await?,
        total: listed.total,
        rows: runs::rows(&tx, &organization.name, listed.runs).await?,
        all_runs: format!("{place}/runs?workspace={}", workspace.name),
        runs_address: format!("{place}/{}/runs", workspace.name),
        upstreams,
        downstreams,
        variables: variables(&app, &tx, actor, &workspace).await?,
        outputs: outputs(&app, &tx, actor, &workspace).await?,
        states: versions(&tx, actor, &workspace, &place).await?,
        name: workspace.name,
    })
}

async fn facts(tx: &Tx, workspace: &Workspace) -> Result<Vec<(&'static str, String)>, Problem> {
    let yes = |is: bool| if is { "by themselves" } else { "by somebody" }.to_owned();
    let mut facts = vec![
        ("Resources", workspace.resource_count.to_string()),
        (
            "Execution",
            if workspace.execution_mode == "remote" { "on this server" } else { "where terraform is called" }
                .to_owned(),
        ),
        ("Approved", yes(workspace.auto_apply)),
        ("Terraform", workspace.terraform_version.clone()),
    ];
    if !workspace.working_directory.is_empty() {
        facts.push(("Folder", workspace.working_directory.clone()));
    }
    if let Some(feed) = repositories::service::feed(tx, &workspace.id).await? {
        let branch = feed.repository.branch;
        let of = if branch.is_empty() { String::new() } else { format!(", branch {branch}") };
        facts.push(("Code from", format!("{}{of}", feed.repository.identifier)));
    }
    let tags = super::tags_of(tx, &workspace.id).await?;
    if !tags.is_empty() {
        let word = |tag: &super::Tag| match &tag.value {
            Some(value) => format!("{}: {value}", tag.key),
            None => tag.key.clone(),
        };
        facts.push(("Tags", tags.iter().map(word).collect::<Vec<_>>().join(", ")));
    }
    facts.extend(workspace.auto_destroy_at.map(|at| ("Destroyed at", Moment(at).shown())));
    facts.push(("Id", workspace.id.clone()));
    Ok(facts)
}

/// What it stands on, and what stands on it.
async fn edges(tx: &Tx, actor: &Actor, workspace: &Workspace, place: &str) -> Result<(Vec<Edge>, Vec<Edge>), Problem> {
    // A token that sees no runs sees no edges either.
    let Ok(all) = edges::service::list(tx, actor, &workspace.id).await else { return Ok(Default::default()) };
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for whole in all {
        let edges::service::Whole { edge, upstream, downstream } = whole;
        let why = sentence(edge.kind, &upstream.name, &downstream.name, edge.outputs.as_ref(), &edge.places);
        let (list, other) = if upstream.id == workspace.id { (&mut down, downstream) } else { (&mut up, upstream) };
        list.push(Edge { address: format!("{place}/workspaces/{}", other.name), name: other.name, why });
    }
    Ok((up, down))
}

async fn variables(app: &App, tx: &Tx, actor: &Actor, workspace: &Workspace) -> Result<Option<Vec<Variable>>, Problem> {
    let Ok(all) = variables::service::effective(app, tx, actor, &workspace.id).await else { return Ok(None) };
    let shown = |shown: variables::owned::Shown| Variable {
        key: shown.variable.key,
        category: if shown.variable.category == "env" { "environment" } else { "terraform" }.to_owned(),
        value: shown.value.filter(|_| !shown.variable.sensitive).map(|value| cut(&value)),
        hcl: shown.variable.hcl,
    };
    Ok(Some(all.into_iter().map(shown).collect()))
}

async fn outputs(app: &App, tx: &Tx, actor: &Actor, workspace: &Workspace) -> Result<Option<Vec<Output>>, Problem> {
    let state = match states::service::current(tx, actor, &workspace.id).await {
        Ok(state) => state,
        Err(problem) if problem.code == "state/none" => return Ok(Some(Vec::new())),
        Err(_) => return Ok(None),
    };
    let all = states::service::outputs(app, tx, &state, false).await?;
    let shown = |it: states::service::ShownOutput| Output {
        name: it.output.name,
        value: (!it.output.sensitive).then(|| match it.value {
            Value::String(text) => cut(&text),
            value => cut(&serde_json::to_string_pretty(&value).unwrap_or_default()),
        }),
    };
    Ok(Some(all.into_iter().map(shown).collect()))
}

async fn versions(tx: &Tx, actor: &Actor, workspace: &Workspace, place: &str) -> Result<Option<Vec<Version>>, Problem> {
    let Ok(all) = states::service::list(tx, actor, &workspace.id).await else { return Ok(None) };
    let done = all.into_iter().filter(states::State::is_finalized).take(STATES);
    let version = |state: states::State| Version {
        serial: state.serial,
        at: Moment(state.created_at),
        resources: state.resource_count,
        current: workspace.current_state_id.as_ref() == Some(&state.id),
        terraform: state.terraform_version,
        run: state.run_id.map(|run| (run.clone(), format!("{place}/{}/runs/{run}", workspace.name))),
    };
    Ok(Some(done.map(version).collect()))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
