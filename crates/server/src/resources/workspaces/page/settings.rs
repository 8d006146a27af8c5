//! How a workspace is set up, who holds its lock, and its end.

use askama::Template;
use axum::extract::State;
use domain::Problem;
use serde::Deserialize;

use super::super::{Holder, service};
use super::destroys::Destroys;
use super::{Head, Tab, tags};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::pages::{Confirm, Confirmed, Filled, Frame, Nothing, Viewer, form, lines, see_other, wrong};
use crate::edge::{At2, Name, Reply};
use crate::storage::Tx;

/// The fields of the form, as they are typed. A box that is not ticked is not sent.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    execution: String,
    #[serde(default)]
    terraform: String,
    #[serde(default)]
    folder: String,
    auto_apply: Option<String>,
    auto_apply_triggered: Option<String>,
    each: Option<String>,
    cutoff: Option<String>,
    global_state: Option<String>,
    may_destroy: Option<String>,
    #[serde(default)]
    tags: String,
    #[serde(flatten)]
    destroys: Destroys,
}

/// What whoever looks may do.
struct May {
    manage: bool,
    lock: bool,
    unlock: bool,
    force_unlock: bool,
    delete: bool,
}

#[derive(Template)]
#[template(path = "resources/workspaces/page/settings.html")]
struct Page {
    frame: Frame,
    head: Head,
    may: May,
    typed: Typed,
    wrong: Option<String>,
}

pub(super) async fn show(State(app): State<App>, viewer: Viewer, At2(organization, name): At2<Name, Name>) -> Reply {
    let tx = app.db.read().await?;
    let head = Head::of(&tx, &viewer.actor, (&organization, &name), Tab::Settings).await?;
    let typed = Typed::of(&tx, &viewer.actor, &head).await?;
    page(&app, &viewer, head, typed, None)
}

pub(super) async fn save(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, name): At2<Name, Name>,
    Filled(typed): Filled<Typed>,
) -> Reply {
    let tx = app.db.write().await?;
    let head = Head::of(&tx, &viewer.actor, (&organization, &name), Tab::Settings).await?;
    match change(&app, &tx, &viewer.actor, &head, &typed).await {
        Ok(name) => {
            tx.commit().await?;
            Ok(see_other(&format!("/app/{}/workspaces/{name}/settings", head.organization.name)))
        }
        Err(problem) => page(&app, &viewer, head, typed, Some(wrong(problem)?)),
    }
}

impl Typed {
    /// As the workspace is set up now.
    async fn of(tx: &Tx, actor: &Actor, head: &Head) -> Result<Self, Problem> {
        let it = &head.workspace;
        let ticked = |is: bool| is.then(|| "yes".to_owned());
        Ok(Self {
            name: it.name.clone(),
            description: it.description.clone().unwrap_or_default(),
            execution: it.execution_mode.clone(),
            terraform: it.terraform_version.clone(),
            folder: it.working_directory.clone(),
            auto_apply: ticked(it.auto_apply),
            auto_apply_triggered: ticked(it.auto_apply_run_trigger),
            each: ticked(it.run_trigger_mode == "each"),
            cutoff: ticked(it.run_trigger_cutoff),
            global_state: ticked(it.global_remote_state),
            may_destroy: ticked(it.allow_destroy_plan),
            tags: tags::text(&service::tags_of(tx, actor, &it.id).await?),
            destroys: Destroys::of(it),
        })
    }
}

/// Changes what was changed in the form, and returns the name by then. What a person has left alone is left alone.
async fn change(app: &App, tx: &Tx, actor: &Actor, head: &Head, typed: &Typed) -> Result<String, Problem> {
    let before = Typed::of(tx, actor, head).await?;
    let id = &head.workspace.id;
    let new = |now: &str, before: &str| (now != before).then(|| now.to_owned());
    let description = lines(&typed.description);
    let mode = if typed.each.is_some() { "each" } else { "join" };
    let settings = service::Settings {
        name: new(typed.name.trim(), &before.name),
        description: new(&description, &before.description).map(|text| Some(text).filter(|text| !text.is_empty())),
        execution_mode: new(&typed.execution, &before.execution),
        terraform_version: new(typed.terraform.trim(), &before.terraform),
        working_directory: new(typed.folder.trim(), &before.folder),
        auto_apply: Some(typed.auto_apply.is_some()),
        auto_apply_run_trigger: Some(typed.auto_apply_triggered.is_some()),
        run_trigger_mode: new(mode, &head.workspace.run_trigger_mode),
        run_trigger_cutoff: Some(typed.cutoff.is_some()),
        global_remote_state: Some(typed.global_state.is_some()),
        allow_destroy_plan: Some(typed.may_destroy.is_some()),
        auto_destroy: typed.destroys.request(&before.destroys)?,
        ..service::Settings::default()
    };
    let workspace = service::update(app, tx, actor, id, settings).await?;
    let text = lines(&typed.tags);
    if text.trim_end() != before.tags.trim_end() {
        service::replace_tags(tx, actor, id, &tags::read(&text)).await?;
    }
    Ok(workspace.name)
}

fn page(app: &App, viewer: &Viewer, head: Head, typed: Typed, wrong: Option<String>) -> Reply {
    let own = match head.workspace.holder() {
        Some(Holder::User(user)) => viewer.actor.user() == Some(&user),
        _ => false,
    };
    let by_user = matches!(head.workspace.holder(), Some(Holder::User(_)));
    let may = May {
        manage: head.can(viewer, Action::ManageWorkspace),
        lock: head.workspace.holder().is_none() && head.can(viewer, Action::LockWorkspace),
        unlock: own && head.can(viewer, Action::LockWorkspace),
        force_unlock: by_user && !own && head.can(viewer, Action::ForceUnlockWorkspace),
        delete: head.can(viewer, Action::DeleteWorkspace),
    };
    let page = Page { frame: head.frame(app, viewer, "Settings"), head, may, typed, wrong };
    form(&page, page.wrong.as_ref())
}

#[derive(Deserialize)]
pub(super) struct Reason {
    #[serde(default)]
    reason: String,
}

pub(super) async fn lock(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, name): At2<Name, Name>,
    Filled(typed): Filled<Reason>,
) -> Reply {
    let tx = app.db.write().await?;
    let head = Head::of(&tx, &viewer.actor, (&organization, &name), Tab::Settings).await?;
    service::lock(&tx, &viewer.actor, &head.workspace.id, typed.reason.trim()).await?;
    tx.commit().await?;
    Ok(see_other(&format!("{}/settings", head.address())))
}

pub(super) async fn unlock(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, name): At2<Name, Name>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let head = Head::of(&tx, &viewer.actor, (&organization, &name), Tab::Settings).await?;
    service::unlock(&app, &tx, &viewer.actor, &head.workspace.id).await?;
    tx.commit().await?;
    Ok(see_other(&format!("{}/settings", head.address())))
}

pub(super) async fn ask_to_force_unlock(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, name): At2<Name, Name>,
) -> Reply {
    let tx = app.db.read().await?;
    let head = Head::of(&tx, &viewer.actor, (&organization, &name), Tab::Settings).await?;
    service::for_action(&tx, &viewer.actor, &head.workspace.id, Action::ForceUnlockWorkspace).await?;
    force_unlock_page(&app, &viewer, &head, None)
}

pub(super) async fn force_unlock(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, name): At2<Name, Name>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let head = Head::of(&tx, &viewer.actor, (&organization, &name), Tab::Settings).await?;
    match service::force_unlock(&tx, &viewer.actor, &head.workspace.id).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/settings", head.address())))
        }
        Err(problem) => force_unlock_page(&app, &viewer, &head, Some(wrong(problem)?)),
    }
}

fn force_unlock_page(app: &App, viewer: &Viewer, head: &Head, wrong: Option<String>) -> Reply {
    let settings = format!("{}/settings", head.address());
    let confirm = Confirm {
        frame: head.frame(app, viewer, "Break the lock"),
        title: format!("Break the lock of {}?", head.workspace.name),
        says: vec![
            "Whoever holds it may be at work: what they write to the state from then on is kept, but does not become current."
                .to_owned(),
        ],
        action: format!("{settings}/force-unlock"),
        button: "Break the lock",
        back: settings,
        wrong,
        ..Confirm::default()
    };
    confirm.page()
}

pub(super) async fn ask_to_delete(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, name): At2<Name, Name>,
) -> Reply {
    let tx = app.db.read().await?;
    let head = Head::of(&tx, &viewer.actor, (&organization, &name), Tab::Settings).await?;
    service::for_action(&tx, &viewer.actor, &head.workspace.id, Action::DeleteWorkspace).await?;
    delete_page(&app, &viewer, &head, Confirmed::default(), None)
}

pub(super) async fn delete(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, name): At2<Name, Name>,
    Filled(confirmed): Filled<Confirmed>,
) -> Reply {
    let tx = app.db.write().await?;
    let head = Head::of(&tx, &viewer.actor, (&organization, &name), Tab::Settings).await?;
    let workspace = service::for_action(&tx, &viewer.actor, &head.workspace.id, Action::DeleteWorkspace).await?;
    let deleted = match (confirmed.is_of(&workspace.name), confirmed.also.is_some()) {
        (Err(problem), _) => Err(problem),
        (Ok(()), true) => service::delete(&app, &tx, &viewer.actor, &workspace.id).await,
        (Ok(()), false) => service::safe_delete(&app, &tx, &viewer.actor, &workspace.id).await,
    };
    match deleted {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_other(&format!("/app/{}/workspaces", head.organization.name)))
        }
        Err(problem) => delete_page(&app, &viewer, &head, confirmed, Some(wrong(problem)?)),
    }
}

fn delete_page(app: &App, viewer: &Viewer, head: &Head, confirmed: Confirmed, wrong: Option<String>) -> Reply {
    let settings = format!("{}/settings", head.address());
    let mut says = vec!["Its runs, its variables and every version of its state go with it, for good.".to_owned()];
    let count = head.workspace.resource_count;
    if count > 0 {
        let objects = if count == 1 { "1 object".to_owned() } else { format!("{count} objects") };
        says.push(format!(
            "It manages {objects}. Destroy them first, or they stay where they are and nothing manages them any more."
        ));
    }
    let confirm = Confirm {
        frame: head.frame(app, viewer, "Delete"),
        title: format!("Delete the workspace {}?", head.workspace.name),
        says,
        action: format!("{settings}/delete"),
        button: "Delete the workspace",
        name: Some(head.workspace.name.clone()),
        also: Some("Also if it manages objects, or others stand on it".to_owned()),
        back: settings,
        confirmed,
        wrong,
    };
    confirm.page()
}
