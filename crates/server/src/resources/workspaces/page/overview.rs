//! The first page of a workspace: how it stands, what it stands on, and what came out of it.

use askama::Template;
use axum::extract::State;
use domain::Problem;
use domain::dependency::sentence;
use domain::run::RunStatus;
use serde_json::Value;

use super::super::{Tag, Workspace, tags_of};
use super::{Head, Tab};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::pages::{Frame, Live, Viewer};
use crate::edge::{At2, Name, Reply};
use crate::resources::runs::{self, Moment, Row, Run, Start};
use crate::resources::{edges, repositories, states};
use crate::storage::Tx;

/// Runs that are shown.
const RUNS: usize = 10;
/// Most characters of a value.
const LONG: usize = 2000;

/// A workspace that this one stands on, or that stands on it.
struct Edge {
    name: String,
    address: String,
    /// Why: a sentence for each way in which that is known.
    why: String,
}

/// An output.
struct Output {
    name: String,
    /// Its value; `None` when it is sensitive.
    value: Option<String>,
}

/// Something to know about how it stands, and the run that says it.
struct Note {
    words: &'static str,
    run: Option<String>,
    is_bad: bool,
}

#[derive(Template)]
#[template(path = "resources/workspaces/page/overview.html")]
struct Page {
    frame: Frame,
    head: Head,
    notes: Vec<Note>,
    facts: Vec<(&'static str, String)>,
    /// What may be started.
    start: Option<Start>,
    rows: Vec<Row>,
    total: usize,
    place: String,
    upstreams: Vec<Edge>,
    downstreams: Vec<Edge>,
    may_manage: bool,
    /// `None` when whoever looks may not see them.
    outputs: Option<Vec<Output>>,
}

impl Page {
    /// Both sides of it with their titles.
    fn edges(&self) -> [(&'static str, &[Edge]); 2] {
        [("It stands on", &self.upstreams), ("On it stand", &self.downstreams)]
    }

    fn description(&self) -> &str {
        self.head.workspace.description.as_deref().unwrap_or_default()
    }
}

pub(super) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, name): At2<Name, Name>,
    live: Live,
) -> Reply {
    let of = (organization.0, name.0);
    live.show(app, viewer, move |app, viewer| draw(app, viewer, of.clone())).await
}

async fn draw(app: App, viewer: Viewer, (organization, name): (String, String)) -> Result<Page, Problem> {
    let tx = app.db.read().await?;
    let actor = &viewer.actor;
    let head = Head::of(&tx, actor, (&Name(organization), &Name(name)), Tab::Overview).await?;
    let workspace = &head.workspace;
    let all = runs::listing::Group::All;
    let listed = runs::listing::list(&tx, actor, &head.organization, Some(&workspace.name), all, 0, RUNS).await?;
    let place = format!("/app/{}", head.organization.name);
    let (upstreams, downstreams) = edges(&tx, actor, workspace, &place).await?;
    let newest: Vec<&Run> = listed.runs.iter().map(|(run, _)| run).collect();
    let mut notes = Vec::from_iter(agrees(&newest));
    if runs::last::of(&tx, actor, &workspace.id).await.ok().flatten().is_some_and(|last| last.state_moved) {
        notes.push(Note { words: "Something other than a run has changed the state since.", run: None, is_bad: false });
    }
    Ok(Page {
        frame: head.frame(&app, &viewer, ""),
        notes,
        facts: facts(&tx, workspace).await?,
        start: runs::start(&tx, actor, workspace, head.address(), viewer.visit.form_token(&app)).await?,
        total: listed.total,
        rows: runs::rows(&tx, &head.organization.name, listed.runs).await?,
        place,
        upstreams,
        downstreams,
        may_manage: head.can(&viewer, Action::ManageWorkspace),
        outputs: outputs(&app, &tx, actor, workspace).await?,
        head,
    })
}

/// Whether what is there agrees with the code, as far as the newest plan that says so knows. Plans on outputs that are not there
/// yet say nothing of that.
fn agrees(newest: &[&Run]) -> Option<Note> {
    newest.iter().filter(|run| !run.scratch).find_map(|run| {
        let said = |words, is_bad| Some(Note { words, run: Some(run.id.clone()), is_bad });
        match run.status() {
            RunStatus::Applied if run.is_destroy => said("It was destroyed, by the run", false),
            RunStatus::Applied => said("Nothing was left to change after the run", false),
            status if run.has_changes && status.is_final() && run.is_destroy => None,
            status if run.has_changes && status.is_final() => {
                said("The newest plan has changes that were not applied: the run", true)
            }
            RunStatus::PlannedAndFinished => said("Nothing was left to change, says the plan of the run", false),
            _ => None,
        }
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
    let tags = tags_of(tx, &workspace.id).await?;
    if !tags.is_empty() {
        let word = |tag: &Tag| match &tag.value {
            Some(value) => format!("{}: {value}", tag.key),
            None => tag.key.clone(),
        };
        facts.push(("Tags", tags.iter().map(word).collect::<Vec<_>>().join(", ")));
    }
    facts.extend(workspace.auto_destroy_at.map(|at| ("Destroyed at", Moment(at).shown())));
    facts.extend(workspace.auto_destroy_duration.as_ref().map(|idle| ("Destroyed when idle for", idle.clone())));
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
        match list.iter_mut().find(|edge: &&mut Edge| edge.name == other.name) {
            Some(known) => known.why = format!("{} {why}", known.why),
            None => list.push(Edge { address: format!("{place}/workspaces/{}", other.name), name: other.name, why }),
        }
    }
    Ok((up, down))
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

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
