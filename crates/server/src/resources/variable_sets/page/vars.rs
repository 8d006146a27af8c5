//! The variables of a set, which are typed as those of a workspace are.

use askama::Template;
use axum::extract::State;
use domain::id::{Id, VariableId, VariableSetId};

use super::super::VariableSet;
use super::find;
use crate::actor::Action;
use crate::app::App;
use crate::edge::pages::{Confirm, Filled, Frame, Nothing, Viewer, form, see_other, wrong};
use crate::edge::{At2, At3, Name, Reply};
use crate::resources::organizations::Top;
use crate::resources::variables::{Fields, Typed, owned};

#[derive(Template)]
#[template(path = "resources/variable_sets/page/variable.html")]
struct One {
    frame: Frame,
    top: Top,
    set: String,
    title: String,
    fields: Fields,
}

pub(super) async fn ask_for_new(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, VariableSetId>,
) -> Reply {
    let tx = app.db.read().await?;
    let (top, set) = find(&tx, &viewer.actor, &name, &id, Action::ManageVariableSets).await?;
    one(&app, &viewer, top, &set, Fields::new())
}

pub(super) async fn add(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, VariableSetId>,
    Filled(typed): Filled<Typed>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, set) = find(&tx, &viewer.actor, &name, &id, Action::ManageVariableSets).await?;
    match owned::create(&app, &tx, &set.id, typed.settings()).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/variable-sets/{id}", top.address())))
        }
        Err(problem) => one(&app, &viewer, top, &set, Fields::again(typed, None, wrong(problem)?)),
    }
}

pub(super) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    At3(name, id, variable): At3<Name, VariableSetId, VariableId>,
) -> Reply {
    let tx = app.db.read().await?;
    let (top, set) = find(&tx, &viewer.actor, &name, &id, Action::ManageVariableSets).await?;
    let shown = owned::read(&app, &tx, &set.id, variable.as_str()).await?;
    one(&app, &viewer, top, &set, Fields::of(shown))
}

pub(super) async fn change(
    State(app): State<App>,
    viewer: Viewer,
    At3(name, id, variable): At3<Name, VariableSetId, VariableId>,
    Filled(typed): Filled<Typed>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, set) = find(&tx, &viewer.actor, &name, &id, Action::ManageVariableSets).await?;
    let before = owned::read(&app, &tx, &set.id, variable.as_str()).await?;
    match owned::update(&app, &tx, &set.id, variable.as_str(), typed.changes(&before)).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/variable-sets/{id}", top.address())))
        }
        Err(problem) => one(&app, &viewer, top, &set, Fields::again(typed, Some(&before), wrong(problem)?)),
    }
}

pub(super) async fn ask_to_delete(
    State(app): State<App>,
    viewer: Viewer,
    At3(name, id, variable): At3<Name, VariableSetId, VariableId>,
) -> Reply {
    let tx = app.db.read().await?;
    let (top, set) = find(&tx, &viewer.actor, &name, &id, Action::ManageVariableSets).await?;
    let shown = owned::read(&app, &tx, &set.id, variable.as_str()).await?;
    let back = format!("{}/variable-sets/{id}/variables/{variable}", top.address());
    let confirm = Confirm {
        frame: top.frame(&app, &viewer, "Delete a variable"),
        title: format!("Delete the variable {} of the set {}?", shown.variable.key, set.name),
        says: vec!["Its value is gone then. Runs that were made before keep what they were given.".to_owned()],
        action: format!("{back}/delete"),
        button: "Delete the variable",
        back,
        ..Confirm::default()
    };
    confirm.page()
}

pub(super) async fn delete(
    State(app): State<App>,
    viewer: Viewer,
    At3(name, id, variable): At3<Name, VariableSetId, VariableId>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, set) = find(&tx, &viewer.actor, &name, &id, Action::ManageVariableSets).await?;
    owned::delete(&tx, &set.id, variable.as_str()).await?;
    tx.commit().await?;
    Ok(see_other(&format!("{}/variable-sets/{id}", top.address())))
}

fn one(app: &App, viewer: &Viewer, top: Top, set: &VariableSet, fields: Fields) -> Reply {
    let back = format!("{}/variable-sets/{}", top.address(), set.id);
    let (title, fields) = fields.below(&format!("{back}/variables"), &back, viewer.visit.form_token(app));
    let page = One { frame: top.frame(app, viewer, &title), top, set: set.name.clone(), title, fields };
    form(&page, page.fields.wrong.as_ref())
}
