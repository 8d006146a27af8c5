//! The name of an organization, who answers for it, and its end.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::super::service::{self, Edit};
use super::{Part, Top};
use crate::actor::{Action, On};
use crate::app::App;
use crate::edge::pages::{Confirm, Confirmed, Filled, Frame, Viewer, form, see_other, wrong};
use crate::edge::{At, Name, Reply};

/// The fields of the form, as they are typed.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
}

#[derive(Template)]
#[template(path = "resources/organizations/page/settings.html")]
struct Page {
    frame: Frame,
    top: Top,
    may_manage: bool,
    typed: Typed,
    wrong: Option<String>,
}

pub(super) async fn show(State(app): State<App>, viewer: Viewer, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::General).await?;
    let typed = Typed { name: top.organization.name.clone(), email: top.organization.email.clone() };
    page(&app, &viewer, top, typed, None)
}

pub(super) async fn save(
    State(app): State<App>,
    viewer: Viewer,
    At(name): At<Name>,
    Filled(typed): Filled<Typed>,
) -> Reply {
    let tx = app.db.write().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::General).await?;
    let edit =
        Edit { name: Some(typed.name.trim().to_owned()), email: Some(typed.email.trim().to_owned()), run_limit: None };
    match service::update(&tx, &viewer.actor, &name.0, edit).await {
        Ok(organization) => {
            tx.commit().await?;
            Ok(see_other(&format!("/app/{}/settings", organization.name)))
        }
        Err(problem) => page(&app, &viewer, top, typed, Some(wrong(problem)?)),
    }
}

fn page(app: &App, viewer: &Viewer, top: Top, typed: Typed, wrong: Option<String>) -> Reply {
    let may_manage = top.can(viewer, Action::ManageOrganization);
    let page = Page { frame: top.frame(app, viewer, "Settings"), top, may_manage, typed, wrong };
    form(&page, page.wrong.as_ref())
}

pub(super) async fn ask_to_delete(State(app): State<App>, viewer: Viewer, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::General).await?;
    viewer.actor.may(Action::ManageOrganization, On::Organization(&top.organization.id))?;
    delete_page(&app, &viewer, &top, Confirmed::default(), None)
}

pub(super) async fn delete(
    State(app): State<App>,
    viewer: Viewer,
    At(name): At<Name>,
    Filled(confirmed): Filled<Confirmed>,
) -> Reply {
    let tx = app.db.write().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::General).await?;
    viewer.actor.may(Action::ManageOrganization, On::Organization(&top.organization.id))?;
    let deleted = match confirmed.is_of(&top.organization.name) {
        Ok(()) => service::delete(&tx, &viewer.actor, &name.0).await,
        Err(problem) => Err(problem),
    };
    match deleted {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_other("/app"))
        }
        Err(problem) => delete_page(&app, &viewer, &top, confirmed, Some(wrong(problem)?)),
    }
}

fn delete_page(app: &App, viewer: &Viewer, top: &Top, confirmed: Confirmed, wrong: Option<String>) -> Reply {
    let confirm = Confirm {
        frame: top.frame(app, viewer, "Delete"),
        title: format!("Delete the organization {}?", top.organization.name),
        says: vec![
            "Its projects, teams, tokens, variable sets and limits go with it, for good.".to_owned(),
            "It goes only when it has no workspaces left.".to_owned(),
        ],
        action: format!("{}/delete", top.address()),
        button: "Delete the organization",
        name: Some(top.organization.name.clone()),
        back: top.address(),
        confirmed,
        wrong,
        ..Confirm::default()
    };
    confirm.page()
}
