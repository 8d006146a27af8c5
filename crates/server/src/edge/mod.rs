//! Shared HTTP furniture: extractors, answers, problems as JSON:API errors, signed addresses, pages of a list, and what stands
//! around every request. Rooms use it in their `api.rs` and, with what is in [`pages`], in their `page.rs`. Absent: any
//! resource.

mod acts;
mod answer;
mod body;
pub mod connections;
mod extract;
mod finish;
mod here;
mod limits;
pub mod pages;
mod places;
mod public;
mod routes;
pub mod signed;

pub use answer::{Failure, Reply, accepted, bytes, created, no_content, ok, whole};
pub use body::{Blob, Sent};
pub use extract::{At, At2, At3, Caller, Client, InRun, Name, Query, RequestKey};
pub use here::Here;
pub use limits::Limits;
pub use places::{Hold, changes_until};
pub use routes::Routes;

use axum::Router;

use crate::app::App;
use crate::resources;

/// The whole HTTP side of the server.
pub fn router(app: App) -> Router {
    let (router, _) = all().into_parts();
    finish::around(router.fallback(public::nothing), app.clone()).with_state(app)
}

/// Method and path of every route, sorted; a test holds it against the table of who may do what.
pub fn listed() -> Vec<(&'static str, String)> {
    let (_, mut listed) = all().into_parts();
    listed.sort_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
    listed
}

fn all() -> Routes {
    public::routes()
        .and(pages::routes())
        .and(resources::sessions::pages())
        .and(resources::logins::pages())
        .and(resources::organizations::pages())
        .and(resources::tokens::pages())
        .and(resources::users::pages())
        .and(resources::memberships::pages())
        .and(resources::teams::pages())
        .and(resources::oauth_clients::pages())
        .and(resources::variable_sets::pages())
        .and(resources::limits::pages())
        .and(resources::audit::pages())
        .and(resources::runs::pages())
        .and(resources::workspaces::pages())
        .and(resources::stacks::pages())
        .and(resources::stack_plans::pages())
        .and(resources::variables::pages())
        .and(resources::states::pages())
        .and(resources::run_triggers::pages())
        .and(resources::oauth_clients::routes())
        .and(resources::organizations::routes())
        .and(resources::limits::routes())
        .and(resources::audit::routes())
        .and(resources::projects::routes())
        .and(resources::workspaces::routes())
        .and(resources::variables::routes())
        .and(resources::variable_sets::routes())
        .and(resources::configurations::routes())
        .and(resources::repositories::routes())
        .and(resources::pushes::routes())
        .and(resources::runs::routes())
        .and(resources::run_triggers::routes())
        .and(resources::edges::routes())
        .and(resources::comments::routes())
        .and(resources::stacks::routes())
        .and(resources::stack_plans::routes())
        .and(resources::states::routes())
        .and(resources::teams::routes())
        .and(resources::grants::routes())
        .and(resources::memberships::routes())
        .and(resources::tokens::routes())
        .and(resources::users::routes())
        .and(resources::logins::routes())
}
