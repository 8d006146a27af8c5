//! Where a token is found: the page that clients send people to who have none.

use askama::Template;
use axum::extract::State;

use crate::app::App;
use crate::edge::pages::{Frame, Visit, page};
use crate::edge::{Reply, Routes};

/// Pages of this room.
pub fn pages() -> Routes {
    Routes::default().get_at_root("/app/settings/tokens", show)
}

#[derive(Template)]
#[template(path = "resources/tokens/page.html")]
struct Where {
    frame: Frame,
}

async fn show(State(app): State<App>, visit: Visit) -> Reply {
    page(&Where { frame: visit.frame(&app, "Tokens") })
}
