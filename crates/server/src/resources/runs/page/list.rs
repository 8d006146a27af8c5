//! The runs of an organization, or of one of its workspaces.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use domain::Problem;
use serde::Deserialize;

use super::super::Run;
use super::super::listing::{self, Group};
use super::words::{self, Moment, Tone};
use crate::app::App;
use crate::edge::pages::{Frame, Live, Pages, Part, Viewer};
use crate::edge::{At, Name, Query, Reply};
use crate::resources::{organizations, users};
use crate::storage::Tx;

/// Runs on one page.
const SIZE: usize = 50;

/// One run in a list.
pub struct Row {
    /// Its id.
    pub id: String,
    /// Its page.
    pub address: String,
    /// First line of its message, or its id.
    pub title: String,
    /// Name of its workspace.
    pub workspace: String,
    /// Page of its workspace.
    pub workspace_address: String,
    /// Status in words.
    pub status: &'static str,
    /// How it looks.
    pub tone: Tone,
    /// What it is for.
    pub kind: &'static str,
    /// Who or what started it.
    pub by: String,
    /// When it was made.
    pub at: Moment,
}

/// The rows of these runs.
///
/// # Errors
/// `storage/unavailable`.
pub async fn rows(
    tx: &Tx,
    organization: &str,
    runs: Vec<(Run, crate::resources::workspaces::Workspace)>,
) -> Result<Vec<Row>, Problem> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut rows = Vec::with_capacity(runs.len());
    for (run, workspace) in runs {
        let by = match &run.created_by {
            None => words::source(&run.source).to_owned(),
            Some(id) => match names.get(id) {
                Some(name) => name.clone(),
                None => names.entry(id.clone()).or_insert(users::service::user(tx, id).await?.username).clone(),
            },
        };
        rows.push(row(organization, &run, &workspace.name, by));
    }
    Ok(rows)
}

fn row(organization: &str, run: &Run, workspace: &str, by: String) -> Row {
    let (status, tone) = words::listed(run);
    Row {
        id: run.id.clone(),
        address: format!("/app/{organization}/{workspace}/runs/{}", run.id),
        title: words::title(run),
        workspace: workspace.to_owned(),
        workspace_address: format!("/app/{organization}/workspaces/{workspace}"),
        status,
        tone,
        kind: words::kind(run),
        by,
        at: Moment(run.created_at),
    }
}

#[derive(Deserialize, Default, Clone)]
pub(super) struct Wanted {
    #[serde(default)]
    group: String,
    #[serde(default)]
    workspace: String,
    page: Option<usize>,
}

#[derive(Template)]
#[template(path = "resources/runs/page/list.html")]
struct List {
    frame: Frame,
    organization: String,
    workspace: String,
    group: Group,
    total: usize,
    rows: Vec<Row>,
    pages: Pages,
}

impl List {
    fn groups(&self) -> [(Group, &'static str); 5] {
        Group::ALL.map(|group| {
            let words = match group {
                Group::All => "All",
                Group::Asks => "Wait for approval",
                Group::UnderWay => "Under way",
                Group::Failed => "Failed",
                Group::Applied => "Applied",
            };
            (group, words)
        })
    }
}

pub(super) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    At(name): At<Name>,
    Query(wanted): Query<Wanted>,
    live: Live,
) -> Reply {
    live.show(app, viewer, move |app, viewer| draw(app, viewer, name.0.clone(), wanted.clone())).await
}

async fn draw(app: App, viewer: Viewer, name: String, wanted: Wanted) -> Result<List, Problem> {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &viewer.actor, &name).await?;
    let group = Group::ALL.into_iter().find(|group| group.as_str() == wanted.group).unwrap_or_default();
    let workspace = wanted.workspace.trim();
    let only = (!workspace.is_empty()).then_some(workspace);
    let part = Part::of(wanted.page, SIZE);
    let listed = listing::list(&tx, &viewer.actor, &organization, only, group, part.offset, part.size).await?;
    let address = format!("/app/{}/runs?group={}&workspace={workspace}", organization.name, group.as_str());
    Ok(List {
        frame: viewer.frame(&app, "Runs").within(&organization.name, "runs"),
        organization: organization.name.clone(),
        workspace: workspace.to_owned(),
        group,
        total: listed.total,
        rows: rows(&tx, &organization.name, listed.runs).await?,
        pages: Pages::new(address, part, listed.total),
    })
}
