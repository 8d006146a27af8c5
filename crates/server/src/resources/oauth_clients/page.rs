//! Pages of connections to hosts of git repositories. A host's token and keys are typed here and never shown.

use askama::Template;
use axum::extract::State;
use domain::Problem;
use domain::id::{Id, OauthClientId};
use domain::vcs::ServiceProvider;
use serde::Deserialize;

use super::service::{self, Settings, Whole};
use crate::actor::{Action, On};
use crate::app::App;
use crate::edge::pages::{Confirm, Filled, Frame, Nothing, Viewer, form, lines, see_other, wrong};
use crate::edge::{At, At2, Here, Name, Reply, Routes};
use crate::resources::organizations::{Part, Top};
use crate::resources::runs::Moment;
use crate::storage::Tx;

/// Pages of this room.
pub fn pages() -> Routes {
    const LIST: &str = "/app/{organization}/settings/connections";
    let at = |rest: &str| format!("{LIST}/{{connection}}{rest}");
    Routes::default()
        .get_at_root(LIST, list)
        .post_at_root(&format!("{LIST}/add"), add)
        .get_at_root(&at(""), show)
        .post_at_root(&at("/change"), change)
        .get_at_root(&at("/delete"), ask_to_delete)
        .post_at_root(&at("/delete"), delete)
}

/// What is typed of a connection.
#[derive(Debug, Clone, Default, Deserialize)]
struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    provider: String,
    #[serde(default)]
    address: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    key: String,
}

impl Typed {
    /// For the form that comes back: what is secret is in no page.
    fn without_secrets(self) -> Self {
        Self { token: String::new(), key: String::new(), ..self }
    }
}

/// A connection in the list.
struct Row {
    name: String,
    address: String,
    kind: &'static str,
    url: String,
    made: Moment,
}

#[derive(Template)]
#[template(path = "resources/oauth_clients/page/list.html")]
struct List {
    frame: Frame,
    top: Top,
    may_manage: bool,
    rows: Vec<Row>,
    typed: Typed,
    wrong: Option<String>,
}

impl List {
    fn kinds(&self) -> Vec<(&'static str, String)> {
        let words = |kind: &ServiceProvider| match kind {
            ServiceProvider::GithubEnterprise => format!("{}, Gitea or Forgejo", kind.display_name()),
            _ => kind.display_name().to_owned(),
        };
        let legacy = |kind: &&ServiceProvider| **kind != ServiceProvider::BitbucketServerLegacy;
        ServiceProvider::ALL.iter().filter(legacy).map(|kind| (kind.as_str(), words(kind))).collect()
    }
}

async fn list(State(app): State<App>, viewer: Viewer, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::Connections).await?;
    list_page(&app, &tx, &viewer, top, Typed::default(), None).await
}

async fn add(State(app): State<App>, viewer: Viewer, At(name): At<Name>, Filled(typed): Filled<Typed>) -> Reply {
    let tx = app.db.write().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::Connections).await?;
    let settings = Settings {
        name: Some(Some(typed.name.trim().to_owned())),
        service_provider: Some(typed.provider.clone()),
        http_url: Some(typed.address.trim().to_owned()),
        token: Some(typed.token.trim().to_owned()),
        ssh_key: Some(lines(&typed.key)).filter(|key| !key.trim().is_empty()),
        ..Settings::default()
    };
    match service::create(&app, &tx, &viewer.actor, &top.organization, settings).await {
        Ok(whole) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/connections/{}", top.address(), whole.client.id)))
        }
        Err(problem) => {
            let wrong = again(problem, &typed)?;
            drop(tx);
            let tx = app.db.read().await?;
            list_page(&app, &tx, &viewer, top, typed.without_secrets(), Some(wrong)).await
        }
    }
}

fn again(problem: Problem, typed: &Typed) -> Result<String, crate::edge::Failure> {
    let mut wrong = wrong(problem)?;
    if !typed.token.is_empty() || !typed.key.is_empty() {
        wrong.push_str(" Type the token or the key again: they are never in a page.");
    }
    Ok(wrong)
}

async fn list_page(app: &App, tx: &Tx, viewer: &Viewer, top: Top, typed: Typed, wrong: Option<String>) -> Reply {
    let row = |whole: Whole| Row {
        address: format!("{}/connections/{}", top.address(), whole.client.id),
        kind: kind(&whole),
        name: shown_name(&whole),
        made: Moment(whole.client.created_at),
        url: whole.client.http_url,
    };
    let rows = service::list(tx, &viewer.actor, &top.organization).await?.into_iter().map(row).collect();
    let may_manage = top.can(viewer, Action::ManageVcs);
    let page = List { frame: top.frame(app, viewer, "Git connections"), top, may_manage, rows, typed, wrong };
    form(&page, page.wrong.as_ref())
}

fn kind(whole: &Whole) -> &'static str {
    ServiceProvider::parse(&whole.client.service_provider).map_or("", ServiceProvider::display_name)
}

fn shown_name(whole: &Whole) -> String {
    whole.client.name.clone().unwrap_or_else(|| whole.client.http_url.clone())
}

#[derive(Template)]
#[template(path = "resources/oauth_clients/page/one.html")]
struct One {
    frame: Frame,
    top: Top,
    address: String,
    title: String,
    kind: &'static str,
    url: String,
    /// What `vcs_repo` names.
    tokens: Vec<String>,
    has_key: bool,
    may_manage: bool,
    webhook: String,
    /// For who may manage it, where the server made it.
    webhook_secret: Option<String>,
    typed: Typed,
    wrong: Option<String>,
}

async fn show(State(app): State<App>, viewer: Viewer, At2(name, id): At2<Name, OauthClientId>, here: Here) -> Reply {
    let tx = app.db.read().await?;
    let (top, whole) = find(&tx, &viewer, &name, &id).await?;
    let typed = Typed { name: whole.client.name.clone().unwrap_or_default(), ..Typed::default() };
    one(&app, &viewer, &here, top, &whole, typed, None)
}

async fn change(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, OauthClientId>,
    here: Here,
    Filled(typed): Filled<Typed>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, whole) = find(&tx, &viewer, &name, &id).await?;
    let settings = Settings {
        name: Some(Some(typed.name.trim().to_owned())),
        token: Some(typed.token.trim().to_owned()).filter(|token| !token.is_empty()),
        ssh_key: Some(lines(&typed.key)).filter(|key| !key.trim().is_empty()),
        ..Settings::default()
    };
    match service::update(&app, &tx, &viewer.actor, id.as_str(), settings).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/connections/{id}", top.address())))
        }
        Err(problem) => {
            let wrong = again(problem, &typed)?;
            one(&app, &viewer, &here, top, &whole, typed.without_secrets(), Some(wrong))
        }
    }
}

fn one(app: &App, viewer: &Viewer, here: &Here, top: Top, whole: &Whole, typed: Typed, wrong: Option<String>) -> Reply {
    let title = shown_name(whole);
    let page = One {
        frame: top.frame(app, viewer, &format!("Connection to {title}")),
        address: format!("{}/connections/{}", top.address(), whole.client.id),
        title,
        kind: kind(whole),
        url: whole.client.http_url.clone(),
        tokens: whole.tokens.iter().map(|token| token.id.clone()).collect(),
        has_key: whole.tokens.iter().any(|token| token.has_ssh_key),
        may_manage: top.can(viewer, Action::ManageVcs),
        webhook: format!("{}/webhooks/vcs/{}", here.origin, whole.client.id),
        webhook_secret: service::shown_hook_secret(app, &viewer.actor, &whole.client)?,
        top,
        typed,
        wrong,
    };
    form(&page, page.wrong.as_ref())
}

async fn ask_to_delete(State(app): State<App>, viewer: Viewer, At2(name, id): At2<Name, OauthClientId>) -> Reply {
    let tx = app.db.read().await?;
    let (top, whole) = find(&tx, &viewer, &name, &id).await?;
    viewer.actor.may(Action::ManageVcs, On::Organization(&top.organization.id))?;
    let back = format!("{}/connections/{id}", top.address());
    let confirm = Confirm {
        frame: top.frame(&app, &viewer, "Delete a connection"),
        title: format!("Delete the connection to {}?", shown_name(&whole)),
        says: vec!["Workspaces that read their code through it find none at their next run.".to_owned()],
        action: format!("{back}/delete"),
        button: "Delete the connection",
        back,
        ..Confirm::default()
    };
    confirm.page()
}

async fn delete(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, OauthClientId>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, _) = find(&tx, &viewer, &name, &id).await?;
    service::delete(&tx, &viewer.actor, id.as_str()).await?;
    tx.commit().await?;
    Ok(see_other(&format!("{}/connections", top.address())))
}

/// The connection at an address. One of another organization is not there.
async fn find(tx: &Tx, viewer: &Viewer, name: &Name, id: &OauthClientId) -> Result<(Top, Whole), Problem> {
    let top = Top::of(tx, &viewer.actor, name, Part::Connections).await?;
    let whole = service::read(tx, &viewer.actor, id.as_str()).await?;
    if whole.client.organization_id != top.organization.id {
        return Err(service::not_found());
    }
    Ok((top, whole))
}
