//! Pages of a workspace's variables: its own, which are changed here, and those that variable sets bring.

pub mod fields;

use askama::Template;
use axum::extract::State;
use domain::Problem;
use domain::id::{Id, VariableId};

use self::fields::{Fields, Row};
use super::{owned, service};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::pages::{Confirm, Filled, Frame, Nothing, Viewer, form, page, see_other, wrong};
use crate::edge::{At2, At3, Name, Reply, Routes};
use crate::resources::variable_sets;
use crate::resources::workspaces::{Head, Tab};
use crate::storage::Tx;

/// Pages of this room.
pub fn pages() -> Routes {
    const LIST: &str = "/app/{organization}/workspaces/{workspace}/variables";
    let at = |rest: &str| format!("{LIST}{rest}");
    Routes::default()
        .get_at_root(LIST, list)
        .get_at_root(&at("/add"), ask_for_new)
        .post_at_root(&at("/add"), add)
        .get_at_root(&at("/{variable}"), show)
        .post_at_root(&at("/{variable}/change"), change)
        .get_at_root(&at("/{variable}/delete"), ask_to_delete)
        .post_at_root(&at("/{variable}/delete"), delete)
}

/// The variables of one variable set.
struct Set {
    name: String,
    /// What its table is, for whoever does not see it.
    label: String,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "resources/variables/page/list.html")]
struct List {
    frame: Frame,
    head: Head,
    may_write: bool,
    own: Vec<Row>,
    sets: Vec<Set>,
}

async fn list(State(app): State<App>, viewer: Viewer, At2(organization, workspace): At2<Name, Name>) -> Reply {
    let tx = app.db.read().await?;
    let actor = &viewer.actor;
    let head = Head::of(&tx, actor, (&organization, &workspace), Tab::Variables).await?;
    let id = &head.workspace.id;
    let may_write = head.can(&viewer, Action::WriteVariables);
    let wins: Vec<String> =
        service::effective(&app, &tx, actor, id).await?.into_iter().map(|it| it.variable.id).collect();
    let address = format!("{}/variables", head.address());
    let row = |shown: owned::Shown, is_own: bool| {
        let wins = wins.contains(&shown.variable.id);
        let address = (is_own && may_write).then(|| format!("{address}/{}", shown.variable.id));
        Row::of(shown, address, (!wins).then_some("Another one of this name wins"))
    };
    let own = service::list(&app, &tx, actor, id).await?.into_iter().map(|it| row(it, true)).collect();
    let mut sets = Vec::new();
    for set in variable_sets::service::list_for_workspace(&tx, actor, id).await? {
        let rows: Vec<_> = owned::list(&app, &tx, &set.id).await?.into_iter().map(|it| row(it, false)).collect();
        if !rows.is_empty() {
            sets.push(Set { label: format!("Table of variables of {}", set.name), name: set.name, rows });
        }
    }
    page(&List { frame: head.frame(&app, &viewer, "Variables"), head, may_write, own, sets })
}

#[derive(Template)]
#[template(path = "resources/variables/page/one.html")]
struct One {
    frame: Frame,
    head: Head,
    title: String,
    fields: Fields,
}

async fn ask_for_new(State(app): State<App>, viewer: Viewer, At2(organization, workspace): At2<Name, Name>) -> Reply {
    let tx = app.db.read().await?;
    let head = for_writing(&tx, &viewer.actor, &organization, &workspace).await?;
    one(&app, &viewer, head, Fields::new())
}

async fn add(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, workspace): At2<Name, Name>,
    Filled(typed): Filled<fields::Typed>,
) -> Reply {
    let tx = app.db.write().await?;
    let head = for_writing(&tx, &viewer.actor, &organization, &workspace).await?;
    match service::create(&app, &tx, &viewer.actor, &head.workspace.id, typed.settings()).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/variables", head.address())))
        }
        Err(problem) => one(&app, &viewer, head, Fields::again(typed, None, wrong(problem)?)),
    }
}

async fn show(
    State(app): State<App>,
    viewer: Viewer,
    At3(organization, workspace, id): At3<Name, Name, VariableId>,
) -> Reply {
    let tx = app.db.read().await?;
    let head = for_writing(&tx, &viewer.actor, &organization, &workspace).await?;
    let shown = service::read(&app, &tx, &viewer.actor, &head.workspace.id, id.as_str()).await?;
    one(&app, &viewer, head, Fields::of(shown))
}

async fn change(
    State(app): State<App>,
    viewer: Viewer,
    At3(organization, workspace, id): At3<Name, Name, VariableId>,
    Filled(typed): Filled<fields::Typed>,
) -> Reply {
    let tx = app.db.write().await?;
    let head = for_writing(&tx, &viewer.actor, &organization, &workspace).await?;
    let before = service::read(&app, &tx, &viewer.actor, &head.workspace.id, id.as_str()).await?;
    let settings = typed.changes(&before);
    match service::update(&app, &tx, &viewer.actor, &head.workspace.id, id.as_str(), settings).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/variables", head.address())))
        }
        Err(problem) => one(&app, &viewer, head, Fields::again(typed, Some(&before), wrong(problem)?)),
    }
}

async fn ask_to_delete(
    State(app): State<App>,
    viewer: Viewer,
    At3(organization, workspace, id): At3<Name, Name, VariableId>,
) -> Reply {
    let tx = app.db.read().await?;
    let head = for_writing(&tx, &viewer.actor, &organization, &workspace).await?;
    let shown = service::read(&app, &tx, &viewer.actor, &head.workspace.id, id.as_str()).await?;
    let address = format!("{}/variables/{id}", head.address());
    let confirm = Confirm {
        frame: head.frame(&app, &viewer, "Delete a variable"),
        title: format!("Delete the variable {}?", shown.variable.key),
        says: vec!["Its value is gone then. Runs that were made before keep what they were given.".to_owned()],
        action: format!("{address}/delete"),
        button: "Delete the variable",
        back: address,
        ..Confirm::default()
    };
    confirm.page()
}

async fn delete(
    State(app): State<App>,
    viewer: Viewer,
    At3(organization, workspace, id): At3<Name, Name, VariableId>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let head = for_writing(&tx, &viewer.actor, &organization, &workspace).await?;
    service::delete(&tx, &viewer.actor, &head.workspace.id, id.as_str()).await?;
    tx.commit().await?;
    Ok(see_other(&format!("{}/variables", head.address())))
}

async fn for_writing(tx: &Tx, actor: &Actor, organization: &Name, workspace: &Name) -> Result<Head, Problem> {
    let head = Head::of(tx, actor, (organization, workspace), Tab::Variables).await?;
    crate::resources::workspaces::service::for_action(tx, actor, &head.workspace.id, Action::WriteVariables).await?;
    Ok(head)
}

fn one(app: &App, viewer: &Viewer, head: Head, fields: Fields) -> Reply {
    let list = format!("{}/variables", head.address());
    let (title, fields) = fields.below(&list, &list, viewer.visit.form_token(app));
    let page = One { frame: head.frame(app, viewer, &title), head, title, fields };
    form(&page, page.fields.wrong.as_ref())
}
