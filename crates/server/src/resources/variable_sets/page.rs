//! Pages of variable sets: all of an organization, and one with what it is for and its variables ([`vars`]).

mod vars;

use askama::Template;
use axum::extract::State;
use domain::Problem;
use domain::id::{Id, VariableSetId};
use serde::Deserialize;

use super::VariableSet;
use super::service::{self, Settings, Whole};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::pages::{Confirm, Filled, Frame, Nothing, Viewer, form, lines, see_other, wrong};
use crate::edge::{At, At2, Name, Reply, Routes};
use crate::resources::organizations::{Part, Top};
use crate::resources::variables::{Row as Variable, owned};
use crate::resources::{projects, workspaces};
use crate::storage::Tx;

/// Pages of this room.
pub fn pages() -> Routes {
    const LIST: &str = "/app/{organization}/settings/variable-sets";
    let at = |rest: &str| format!("{LIST}/{{variable_set}}{rest}");
    Routes::default()
        .get_at_root(LIST, list)
        .post_at_root(&format!("{LIST}/add"), add)
        .get_at_root(&at(""), show)
        .post_at_root(&at("/save"), save)
        .post_at_root(&at("/attach"), attach)
        .post_at_root(&at("/detach"), detach)
        .get_at_root(&at("/delete"), ask_to_delete)
        .post_at_root(&at("/delete"), delete)
        .get_at_root(&at("/variables/add"), vars::ask_for_new)
        .post_at_root(&at("/variables/add"), vars::add)
        .get_at_root(&at("/variables/{set_variable}"), vars::show)
        .post_at_root(&at("/variables/{set_variable}/change"), vars::change)
        .get_at_root(&at("/variables/{set_variable}/delete"), vars::ask_to_delete)
        .post_at_root(&at("/variables/{set_variable}/delete"), vars::delete)
}

/// A set in the list.
struct Row {
    name: String,
    address: String,
    description: String,
    reach: &'static str,
}

#[derive(Template)]
#[template(path = "resources/variable_sets/page/list.html")]
struct List {
    frame: Frame,
    top: Top,
    may_manage: bool,
    rows: Vec<Row>,
    typed: String,
    wrong: Option<String>,
}

async fn list(State(app): State<App>, viewer: Viewer, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::VariableSets).await?;
    list_page(&app, &tx, &viewer, top, String::new(), None).await
}

#[derive(Deserialize)]
struct New {
    #[serde(default)]
    name: String,
}

async fn add(State(app): State<App>, viewer: Viewer, At(name): At<Name>, Filled(typed): Filled<New>) -> Reply {
    let tx = app.db.write().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::VariableSets).await?;
    let settings = Settings { name: Some(typed.name.trim().to_owned()), ..Settings::default() };
    match service::create(&app, &tx, &viewer.actor, &top.organization, None, settings, Vec::new()).await {
        Ok(whole) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/variable-sets/{}", top.address(), whole.set.id)))
        }
        Err(problem) => {
            let wrong = wrong(problem)?;
            drop(tx);
            let tx = app.db.read().await?;
            list_page(&app, &tx, &viewer, top, typed.name, Some(wrong)).await
        }
    }
}

async fn list_page(app: &App, tx: &Tx, viewer: &Viewer, top: Top, typed: String, wrong: Option<String>) -> Reply {
    let row = |set: VariableSet| Row {
        address: format!("{}/variable-sets/{}", top.address(), set.id),
        reach: match (set.global, set.project_id.is_some()) {
            (true, false) => "every workspace",
            (true, true) => "every workspace of its project",
            (false, _) => "what it is attached to",
        },
        name: set.name,
        description: set.description,
    };
    let rows = service::list(tx, &viewer.actor, &top.organization).await?.into_iter().map(row).collect();
    let may_manage = top.can(viewer, Action::ManageVariableSets);
    let page = List { frame: top.frame(app, viewer, "Variable sets"), top, may_manage, rows, typed, wrong };
    form(&page, page.wrong.as_ref())
}

/// What is typed of a set. A box that is not ticked is not sent.
#[derive(Debug, Clone, Default, Deserialize)]
struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    global: Option<String>,
    priority: Option<String>,
}

/// A workspace or project, by id and in words.
struct Place {
    id: String,
    words: String,
}

#[derive(Template)]
#[template(path = "resources/variable_sets/page/one.html")]
struct One {
    frame: Frame,
    top: Top,
    set: VariableSet,
    address: String,
    may_manage: bool,
    typed: Typed,
    attached: Vec<Place>,
    others: Vec<Place>,
    rows: Vec<Variable>,
    wrong: Option<String>,
}

async fn show(State(app): State<App>, viewer: Viewer, At2(name, id): At2<Name, VariableSetId>) -> Reply {
    let tx = app.db.read().await?;
    let (top, _) = find(&tx, &viewer.actor, &name, &id, Action::ReadVariableSets).await?;
    one(&app, &tx, &viewer, top, &id, None, None).await
}

async fn save(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, VariableSetId>,
    Filled(typed): Filled<Typed>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, _) = find(&tx, &viewer.actor, &name, &id, Action::ManageVariableSets).await?;
    let settings = Settings {
        name: Some(typed.name.trim().to_owned()),
        description: Some(lines(&typed.description)),
        global: Some(typed.global.is_some()),
        priority: Some(typed.priority.is_some()),
        ..Settings::default()
    };
    match service::update(&app, &tx, &viewer.actor, id.as_str(), settings).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/variable-sets/{id}", top.address())))
        }
        Err(problem) => {
            let wrong = wrong(problem)?;
            drop(tx);
            let tx = app.db.read().await?;
            one(&app, &tx, &viewer, top, &id, Some(typed), Some(wrong)).await
        }
    }
}

#[derive(Deserialize)]
struct Target {
    #[serde(default)]
    place: String,
}

async fn attach(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, VariableSetId>,
    Filled(target): Filled<Target>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, _) = find(&tx, &viewer.actor, &name, &id, Action::ManageVariableSets).await?;
    match service::attach(&tx, &viewer.actor, id.as_str(), &[target.place]).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/variable-sets/{id}", top.address())))
        }
        Err(problem) => {
            let wrong = wrong(problem)?;
            drop(tx);
            let tx = app.db.read().await?;
            one(&app, &tx, &viewer, top, &id, None, Some(wrong)).await
        }
    }
}

async fn detach(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, VariableSetId>,
    Filled(target): Filled<Target>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, _) = find(&tx, &viewer.actor, &name, &id, Action::ManageVariableSets).await?;
    service::detach(&tx, &viewer.actor, id.as_str(), &[target.place]).await?;
    tx.commit().await?;
    Ok(see_other(&format!("{}/variable-sets/{id}", top.address())))
}

async fn one(
    app: &App,
    tx: &Tx,
    viewer: &Viewer,
    top: Top,
    id: &VariableSetId,
    typed: Option<Typed>,
    wrong: Option<String>,
) -> Reply {
    let actor = &viewer.actor;
    let Whole { set, workspaces: of_workspaces, projects: of_projects, variables } =
        service::read(app, tx, actor, id.as_str()).await?;
    let may_manage = actor.can(Action::ManageVariableSets, service::on(&set));
    let ticked = |is: bool| is.then(|| "yes".to_owned());
    let typed = typed.unwrap_or_else(|| Typed {
        name: set.name.clone(),
        description: set.description.clone(),
        global: ticked(set.global),
        priority: ticked(set.priority),
    });
    let address = format!("{}/variable-sets/{}", top.address(), set.id);
    let places = places(tx, actor, &top, &set).await?;
    let (attached, others) =
        places.into_iter().partition(|it| of_workspaces.contains(&it.id) || of_projects.contains(&it.id));
    let row = |shown: owned::Shown| {
        let one = may_manage.then(|| format!("{address}/variables/{}", shown.variable.id));
        Variable::of(shown, one, None)
    };
    let page = One {
        frame: top.frame(app, viewer, &format!("Variable set {}", set.name)),
        rows: variables.into_iter().map(row).collect(),
        others: if may_manage { others } else { Vec::new() },
        attached,
        may_manage,
        address,
        typed,
        set,
        top,
        wrong,
    };
    form(&page, page.wrong.as_ref())
}

/// What a set may be attached to, projects first, as far as whoever looks may see it.
async fn places(tx: &Tx, actor: &Actor, top: &Top, set: &VariableSet) -> Result<Vec<Place>, Problem> {
    let within = |project: &str| set.project_id.as_deref().is_none_or(|owner| owner == project);
    let all_projects = projects::service::list(tx, actor, &top.organization).await?;
    let all_workspaces = workspaces::service::list(tx, actor, &top.organization).await?;
    let on_projects = all_projects.into_iter().filter(|it| within(&it.id));
    let on_workspaces = all_workspaces.into_iter().filter(|it| within(&it.project_id));
    let on_projects = on_projects.map(|it| Place { words: format!("project {}", it.name), id: it.id });
    let on_workspaces = on_workspaces.map(|it| Place { words: format!("workspace {}", it.name), id: it.id });
    Ok(on_projects.chain(on_workspaces).collect())
}

async fn ask_to_delete(State(app): State<App>, viewer: Viewer, At2(name, id): At2<Name, VariableSetId>) -> Reply {
    let tx = app.db.read().await?;
    let (top, set) = find(&tx, &viewer.actor, &name, &id, Action::ManageVariableSets).await?;
    let back = format!("{}/variable-sets/{id}", top.address());
    let confirm = Confirm {
        frame: top.frame(&app, &viewer, "Delete a variable set"),
        title: format!("Delete the variable set {}?", set.name),
        says: vec!["Its variables are gone then. Runs that were made before keep what they were given.".to_owned()],
        action: format!("{back}/delete"),
        button: "Delete the variable set",
        back,
        ..Confirm::default()
    };
    confirm.page()
}

async fn delete(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, VariableSetId>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, _) = find(&tx, &viewer.actor, &name, &id, Action::ManageVariableSets).await?;
    service::delete(&tx, &viewer.actor, id.as_str()).await?;
    tx.commit().await?;
    Ok(see_other(&format!("{}/variable-sets", top.address())))
}

/// The set at an address, for `action` on it. One of another organization is not there.
async fn find(
    tx: &Tx,
    actor: &Actor,
    name: &Name,
    id: &VariableSetId,
    action: Action,
) -> Result<(Top, VariableSet), Problem> {
    let top = Top::of(tx, actor, name, Part::VariableSets).await?;
    let set = service::find(tx, actor, id.as_str(), action).await?;
    if set.organization_id != top.organization.id {
        return Err(service::not_found());
    }
    Ok((top, set))
}
