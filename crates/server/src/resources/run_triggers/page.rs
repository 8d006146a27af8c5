//! The run triggers of a workspace: what starts it, and what it starts.

use askama::Template;
use axum::extract::State;
use domain::Problem;
use domain::id::{Id, RunTriggerId};
use serde::Deserialize;

use super::service::{self, Direction, Whole};
use crate::actor::Action;
use crate::app::App;
use crate::edge::pages::{Confirm, Filled, Frame, Nothing, Viewer, form, see_other, wrong};
use crate::edge::{At2, At3, Name, Reply, Routes};
use crate::resources::workspaces::{self, Head, Tab};
use crate::storage::Tx;

/// Most workspaces that are offered to choose from; any other can be typed.
const OFFERED: usize = 500;

/// Pages of this room.
pub fn pages() -> Routes {
    const LIST: &str = "/app/{organization}/workspaces/{workspace}/triggers";
    let at = |rest: &str| format!("{LIST}{rest}");
    Routes::default()
        .get_at_root(LIST, list)
        .post_at_root(&at("/add"), add)
        .get_at_root(&at("/{trigger}/remove"), ask_to_remove)
        .post_at_root(&at("/{trigger}/remove"), remove)
}

/// The workspace at the other end of a trigger.
struct End {
    name: String,
    address: String,
    /// Where the trigger is removed.
    remove: Option<String>,
}

#[derive(Template)]
#[template(path = "resources/run_triggers/page/list.html")]
struct List {
    frame: Frame,
    head: Head,
    may_manage: bool,
    upstreams: Vec<End>,
    downstreams: Vec<End>,
    offered: Vec<String>,
    typed: String,
    wrong: Option<String>,
}

async fn list(State(app): State<App>, viewer: Viewer, At2(organization, workspace): At2<Name, Name>) -> Reply {
    let tx = app.db.read().await?;
    let head = Head::of(&tx, &viewer.actor, (&organization, &workspace), Tab::Triggers).await?;
    page(&app, &tx, &viewer, head, String::new(), None).await
}

#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    upstream: String,
}

async fn add(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, workspace): At2<Name, Name>,
    Filled(typed): Filled<Typed>,
) -> Reply {
    let tx = app.db.write().await?;
    let actor = &viewer.actor;
    let head = Head::of(&tx, actor, (&organization, &workspace), Tab::Triggers).await?;
    workspaces::service::for_action(&tx, actor, &head.workspace.id, Action::ManageWorkspace).await?;
    let upstream = typed.upstream.trim();
    let made = match workspaces::service::read_named(&tx, actor, &head.organization, upstream).await {
        Ok(source) => service::create(&app, &tx, actor, &head.workspace.id, &source.id).await.map(|_| ()),
        Err(_) => {
            Err(Problem::invalid("run-trigger/upstream", "There is no workspace of that name, or you may not see it.")
                .advice("Choose another upstream."))
        }
    };
    match made {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/triggers", head.address())))
        }
        Err(problem) => {
            drop(tx);
            let tx = app.db.read().await?;
            page(&app, &tx, &viewer, head, typed.upstream, Some(wrong(problem)?)).await
        }
    }
}

async fn ask_to_remove(
    State(app): State<App>,
    viewer: Viewer,
    At3(organization, workspace, id): At3<Name, Name, RunTriggerId>,
) -> Reply {
    let tx = app.db.read().await?;
    let (head, whole) = find(&tx, &viewer, &organization, &workspace, &id).await?;
    let list = format!("{}/triggers", head.address());
    let (source, target) = (&whole.source.name, &whole.workspace.name);
    let confirm = Confirm {
        frame: head.frame(&app, &viewer, "Remove a run trigger"),
        title: format!("Remove the run trigger from {source} to {target}?"),
        says: vec![format!(
            "An apply of {source} starts {target} no more, and what {target} has yet to be started for is forgotten."
        )],
        action: format!("{list}/{id}/remove"),
        button: "Remove the run trigger",
        back: list,
        ..Confirm::default()
    };
    confirm.page()
}

async fn remove(
    State(app): State<App>,
    viewer: Viewer,
    At3(organization, workspace, id): At3<Name, Name, RunTriggerId>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let (head, _) = find(&tx, &viewer, &organization, &workspace, &id).await?;
    service::delete(&tx, &viewer.actor, id.as_str()).await?;
    tx.commit().await?;
    Ok(see_other(&format!("{}/triggers", head.address())))
}

/// A trigger that starts the workspace at the address, for whoever may manage it.
async fn find(
    tx: &Tx,
    viewer: &Viewer,
    organization: &Name,
    workspace: &Name,
    id: &RunTriggerId,
) -> Result<(Head, Whole), Problem> {
    let head = Head::of(tx, &viewer.actor, (organization, workspace), Tab::Triggers).await?;
    workspaces::service::for_action(tx, &viewer.actor, &head.workspace.id, Action::ManageWorkspace).await?;
    let whole = service::read(tx, &viewer.actor, id.as_str()).await?;
    if whole.workspace.id != head.workspace.id {
        return Err(service::not_found());
    }
    Ok((head, whole))
}

async fn page(app: &App, tx: &Tx, viewer: &Viewer, head: Head, typed: String, wrong: Option<String>) -> Reply {
    let actor = &viewer.actor;
    let may_manage = head.can(viewer, Action::ManageWorkspace);
    let place = format!("/app/{}/workspaces", head.organization.name);
    let here = format!("{}/triggers", head.address());
    let upstream = |it: Whole| End {
        address: format!("{place}/{}", it.source.name),
        remove: may_manage.then(|| format!("{here}/{}/remove", it.trigger.id)),
        name: it.source.name,
    };
    let downstream =
        |it: Whole| End { address: format!("{place}/{}", it.workspace.name), remove: None, name: it.workspace.name };
    let inbound = service::list(tx, actor, &head.workspace.id, Direction::Inbound).await?;
    let outbound = service::list(tx, actor, &head.workspace.id, Direction::Outbound).await?;
    let taken: Vec<String> = inbound.iter().map(|it| it.source.id.clone()).collect();
    let mut offered = Vec::new();
    if may_manage {
        let all = workspaces::service::list(tx, actor, &head.organization).await?;
        let others = all.into_iter().filter(|it| it.id != head.workspace.id && !taken.contains(&it.id));
        offered = others.take(OFFERED).map(|it| it.name).collect();
    }
    let page = List {
        frame: head.frame(app, viewer, "Run triggers"),
        may_manage,
        upstreams: inbound.into_iter().map(upstream).collect(),
        downstreams: outbound.into_iter().map(downstream).collect(),
        offered,
        typed,
        wrong,
        head,
    };
    form(&page, page.wrong.as_ref())
}
