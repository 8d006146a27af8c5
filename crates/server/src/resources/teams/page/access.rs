//! What a team may do on single workspaces and projects.

use axum::extract::State;
use domain::Problem;
use domain::id::{Id, TeamId};
use serde::Deserialize;

use super::view::{self, Wrong};
use super::{Team, find};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::pages::{Filled, Viewer, see_other, wrong};
use crate::edge::{At2, Name, Reply};
use crate::resources::grants::service::{self as grants, Custom, Target};
use crate::resources::organizations::Top;
use crate::resources::{projects, workspaces};
use crate::storage::Tx;

/// What a team was granted on one workspace or project.
pub(super) struct Granted {
    pub(super) id: String,
    /// `the workspace net`.
    pub(super) place: String,
    pub(super) role: String,
    /// Whether whoever looks may withdraw it.
    pub(super) may_withdraw: bool,
}

/// A workspace or project on which whoever looks may grant something.
pub(super) struct Place {
    pub(super) id: String,
    pub(super) words: String,
}

/// What is typed to grant something.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Typed {
    /// Id of a workspace or project.
    #[serde(default)]
    pub(super) place: String,
    /// Word of the role.
    #[serde(default)]
    pub(super) role: String,
}

#[derive(Deserialize)]
pub(super) struct Withdrawn {
    #[serde(default)]
    grant: String,
}

/// What a team was granted, as far as whoever looks may see it.
pub(super) async fn granted(tx: &Tx, actor: &Actor, top: &Top, team: &Team) -> Result<Vec<Granted>, Problem> {
    let (all_workspaces, all_projects) = all(tx, actor, top).await?;
    let mut granted = Vec::new();
    for grant in grants::list_of_team(tx, actor, &team.id).await? {
        let (place, may_withdraw) = match grant.target() {
            Target::Workspace(id) => {
                let found = all_workspaces.iter().find(|it| it.id == id);
                (found.map(|it| format!("the workspace {}", it.name)), true)
            }
            Target::Project(id) => {
                let found = all_projects.iter().find(|it| it.id == id);
                let may = |it| actor.can(Action::ManageProjectAccess, projects::service::on(it));
                (found.map(|it| format!("the project {}", it.name)), found.is_some_and(may))
            }
        };
        if let Some(place) = place {
            granted.push(Granted { id: grant.id.clone(), place, role: grant.role.clone(), may_withdraw });
        }
    }
    Ok(granted)
}

/// Where whoever looks may grant something, projects first.
pub(super) async fn places(tx: &Tx, actor: &Actor, top: &Top) -> Result<Vec<Place>, Problem> {
    let (all_workspaces, all_projects) = all(tx, actor, top).await?;
    let on_project =
        all_projects.into_iter().filter(|it| actor.can(Action::ManageProjectAccess, projects::service::on(it)));
    let on_workspace =
        all_workspaces.into_iter().filter(|it| actor.can(Action::ManageWorkspaceAccess, workspaces::service::on(it)));
    let on_project = on_project.map(|it| Place { words: format!("project {}", it.name), id: it.id });
    let on_workspace = on_workspace.map(|it| Place { words: format!("workspace {}", it.name), id: it.id });
    Ok(on_project.chain(on_workspace).collect())
}

async fn all(
    tx: &Tx,
    actor: &Actor,
    top: &Top,
) -> Result<(Vec<workspaces::Workspace>, Vec<projects::Project>), Problem> {
    let all = workspaces::service::list(tx, actor, &top.organization).await?;
    Ok((all, projects::service::list(tx, actor, &top.organization).await?))
}

pub(super) async fn grant(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, TeamId>,
    Filled(typed): Filled<Typed>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, _) = find(&tx, &viewer.actor, &name, &id, Action::ReadTeam).await?;
    let target = match typed.place.starts_with("prj-") {
        true => Target::Project(&typed.place),
        false => Target::Workspace(&typed.place),
    };
    let role = Some(typed.role.clone());
    match grants::create(&app, &tx, &viewer.actor, id.as_str(), target, role, Custom::default()).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/teams/{id}", top.address())))
        }
        Err(problem) => {
            let wrong = Wrong { in_access: Some(wrong(problem)?), access: Some(typed), ..Wrong::default() };
            view::again(&app, tx, &viewer, top, &id, wrong).await
        }
    }
}

pub(super) async fn withdraw(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, TeamId>,
    Filled(typed): Filled<Withdrawn>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, team) = find(&tx, &viewer.actor, &name, &id, Action::ReadTeam).await?;
    let grant = grants::read(&tx, &viewer.actor, &typed.grant).await?;
    if grant.team_id != team.id {
        return Err(grants::not_found().into());
    }
    grants::delete(&tx, &viewer.actor, &grant.id).await?;
    tx.commit().await?;
    Ok(see_other(&format!("{}/teams/{id}", top.address())))
}
