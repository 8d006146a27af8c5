//! Pages of the plans of stacks: all of an organization, and one with its table, its differences and the answer to it.

mod view;

use askama::Template;
use axum::extract::State;
use domain::Problem;
use domain::id::{Id, StackPlanId};
use domain::stack_plan::Decision;
use serde::Deserialize;

use self::view::{Difference, Listed, View};
use super::service::{self, Whole};
use crate::app::App;
use crate::edge::pages::{Filled, Frame, Live, Pages, Part, Viewer, see_other};
use crate::edge::{At, At2, Name, Query, Reply, Routes};
use crate::resources::organizations;

/// Plans on one page.
const SIZE: usize = 50;

/// Pages of this room.
pub fn pages() -> Routes {
    Routes::default()
        .get_at_root("/app/{organization}/plans", list)
        .get_at_root("/app/{organization}/plans/{id}", show)
        .post_at_root("/app/{organization}/plans/{id}/approve", approve)
        .post_at_root("/app/{organization}/plans/{id}/discard", discard)
}

#[derive(Template)]
#[template(path = "resources/stack_plans/page/list.html")]
struct List {
    frame: Frame,
    total: usize,
    plans: Vec<Listed>,
    pages: Pages,
}

#[derive(Deserialize, Default, Clone)]
struct Wanted {
    page: Option<usize>,
}

async fn list(
    State(app): State<App>,
    viewer: Viewer,
    At(name): At<Name>,
    Query(wanted): Query<Wanted>,
    live: Live,
) -> Reply {
    live.show(app, viewer, move |app, viewer| draw_list(app, viewer, name.0.clone(), wanted.clone())).await
}

async fn draw_list(app: App, viewer: Viewer, name: String, wanted: Wanted) -> Result<List, Problem> {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &viewer.actor, &name).await?;
    let all = service::list(&tx, &viewer.actor, &organization).await?;
    let total = all.len();
    let part = Part::of(wanted.page, SIZE);
    let chosen = all.into_iter().skip(part.offset).take(part.size).collect();
    let opened = service::open(&app, &tx, &viewer.actor, &organization, chosen).await?;
    Ok(List {
        frame: viewer.frame(&app, "Plans of stacks").within(&organization.name, "plans"),
        total,
        plans: opened.iter().map(|whole| Listed::of(whole, &organization.name)).collect(),
        pages: Pages::new(format!("/app/{}/plans?", organization.name), part, total),
    })
}

#[derive(Template)]
#[template(path = "resources/stack_plans/page/plan.html")]
struct PlanPage {
    frame: Frame,
    view: View,
    differences: Vec<Difference>,
}

async fn show(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, id): At2<Name, StackPlanId>,
    live: Live,
) -> Reply {
    live.show(app, viewer, move |app, viewer| draw(app, viewer, organization.0.clone(), id.clone())).await
}

async fn draw(app: App, viewer: Viewer, organization: String, id: StackPlanId) -> Result<PlanPage, Problem> {
    let whole = find(&app, &viewer, &organization, &id).await?;
    let tx = app.db.read().await?;
    let view = view::of(&tx, &whole, &organization, viewer.visit.form_token(&app)).await?;
    drop(tx);
    let differences = view::differences(&app, &whole, &organization).await?;
    let frame = viewer.frame(&app, &view.title).within(&organization, "plans");
    let frame = frame.below("Plans", format!("/app/{organization}/plans"));
    Ok(PlanPage { frame, view, differences })
}

/// The plan at an address. One of another organization is not there.
async fn find(app: &App, viewer: &Viewer, organization: &str, id: &StackPlanId) -> Result<Whole, Problem> {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &viewer.actor, organization).await?;
    let whole = service::read(app, &tx, &viewer.actor, id.as_str()).await?;
    if whole.plan.organization_id != organization.id {
        return Err(service::not_found());
    }
    Ok(whole)
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    comment: String,
}

macro_rules! decisions {
    ($($name:ident = $decision:ident;)*) => {$(
        async fn $name(
            State(app): State<App>,
            viewer: Viewer,
            At2(organization, id): At2<Name, StackPlanId>,
            Filled(answer): Filled<Answer>,
        ) -> Reply {
            find(&app, &viewer, &organization.0, &id).await?;
            let tx = app.db.write().await?;
            let comment = Some(answer.comment);
            service::decide(&app, &tx, &viewer.actor, id.as_str(), Decision::$decision, comment).await?;
            tx.commit().await?;
            Ok(see_other(&format!("/app/{}/plans/{id}", organization.0)))
        }
    )*};
}

decisions! { approve = Approve; discard = Discard; }
