//! How many runs of an organization may have a slot at a time, as a page.

use askama::Template;
use axum::extract::State;
use domain::Problem;
use domain::queue::Scope;
use serde::Deserialize;

use super::service;
use crate::actor::{Action, On};
use crate::app::App;
use crate::edge::pages::{Filled, Frame, Viewer, form, see_other, wrong};
use crate::edge::{At, Name, Reply, Routes};
use crate::resources::organizations::{Part, Top};
use crate::resources::projects;
use crate::storage::Tx;

/// Pages of this room.
pub fn pages() -> Routes {
    const LIST: &str = "/app/{organization}/settings/limits";
    Routes::default()
        .get_at_root(LIST, list)
        .post_at_root(&format!("{LIST}/set"), set)
        .post_at_root(&format!("{LIST}/remove"), remove)
}

/// One limit.
struct Row {
    words: String,
    scope: &'static str,
    name: String,
    most: usize,
    may_remove: bool,
}

/// What is typed to set or remove one. `on` is the scope, or `project:ID`.
#[derive(Debug, Clone, Default, Deserialize)]
struct Typed {
    #[serde(default)]
    on: String,
    #[serde(default)]
    tag: String,
    #[serde(default)]
    most: String,
}

#[derive(Template)]
#[template(path = "resources/limits/page/list.html")]
struct List {
    frame: Frame,
    top: Top,
    may_manage: bool,
    /// It is every organization's.
    may_limit_executor: bool,
    rows: Vec<Row>,
    /// Ids and names.
    projects: Vec<(String, String)>,
    typed: Typed,
    wrong: Option<String>,
}

async fn list(State(app): State<App>, viewer: Viewer, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::Limits).await?;
    page(&app, &tx, &viewer, top, Typed::default(), None).await
}

async fn set(State(app): State<App>, viewer: Viewer, At(name): At<Name>, Filled(typed): Filled<Typed>) -> Reply {
    let most = typed.most.trim().parse::<u32>().map_err(|_| {
        Problem::invalid("limit/number", "A limit is a number of runs.").advice("Give a number from 1 up.")
    });
    put(&app, &viewer, &name, typed, most.map(Some)).await
}

async fn remove(State(app): State<App>, viewer: Viewer, At(name): At<Name>, Filled(typed): Filled<Typed>) -> Reply {
    put(&app, &viewer, &name, typed, Ok(None)).await
}

async fn put(app: &App, viewer: &Viewer, name: &Name, typed: Typed, most: Result<Option<u32>, Problem>) -> Reply {
    let tx = app.db.write().await?;
    let top = Top::of(&tx, &viewer.actor, name, Part::Limits).await?;
    viewer.actor.may(Action::ManageOrganization, On::Organization(&top.organization.id))?;
    let (scope, name) = match typed.on.split_once(':') {
        Some((scope, name)) => (scope, Some(name)),
        None if typed.on == "tag" => ("tag", Some(typed.tag.trim())),
        None if typed.on == "executor" => ("executor", Some(service::EXECUTOR)),
        None => (typed.on.as_str(), None),
    };
    let done = match most {
        Ok(most) => service::set(&tx, &viewer.actor, &top.organization, scope, name, Some(most)).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/limits", top.address())))
        }
        Err(problem) => {
            let wrong = wrong(problem)?;
            drop(tx);
            let tx = app.db.read().await?;
            page(app, &tx, viewer, top, typed, Some(wrong)).await
        }
    }
}

async fn page(app: &App, tx: &Tx, viewer: &Viewer, top: Top, typed: Typed, wrong: Option<String>) -> Reply {
    let may_manage = top.can(viewer, Action::ManageOrganization);
    let may_limit_executor = viewer.actor.can(Action::ManageOrganization, On::Server);
    let projects = projects::service::list(tx, &viewer.actor, &top.organization).await?;
    let project_name = |id: &str| projects.iter().find(|it| it.id == id).map_or(id, |it| it.name.as_str()).to_owned();
    let row = |scope: Scope, most: usize| match scope {
        Scope::Organization(_) => Row {
            words: "all runs of the organization".to_owned(),
            scope: "organization",
            name: String::new(),
            most,
            may_remove: false,
        },
        Scope::Project(id) => Row {
            words: format!("runs of the project {}", project_name(&id.to_string())),
            scope: "project",
            name: id.to_string(),
            most,
            may_remove: may_manage,
        },
        Scope::Tag(_, tag) => Row {
            words: format!("runs of workspaces with the tag {tag}"),
            scope: "tag",
            name: tag,
            most,
            may_remove: may_manage,
        },
        Scope::Executor(name) => Row {
            words: "runs on this machine, of every organization".to_owned(),
            scope: "executor",
            name,
            most,
            may_remove: may_limit_executor,
        },
    };
    let limits = service::of(tx, &viewer.actor, &top.organization).await?;
    let page = List {
        frame: top.frame(app, viewer, "Limits"),
        may_manage,
        may_limit_executor,
        rows: limits.into_iter().map(|limit| row(limit.scope, limit.limit)).collect(),
        projects: projects.iter().map(|it| (it.id.clone(), it.name.clone())).collect(),
        typed,
        wrong,
        top,
    };
    form(&page, page.wrong.as_ref())
}
