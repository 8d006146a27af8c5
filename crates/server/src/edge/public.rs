//! What is answered without a token: discovery, ping and health.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::Problem;
use serde_json::{Value, json};

use super::{Failure, Reply, Routes, no_content};
use crate::app::App;
use crate::resources::logins;

pub(super) fn routes() -> Routes {
    Routes::default()
        .get_at_root("/.well-known/terraform.json", discovery)
        .get_at_root("/healthz", health)
        .get("/ping", async || no_content())
}

/// Only services that exist. Without `tfe.v2.1` the remote backend does not work, without `tfe.v2.2` the tfe provider.
async fn discovery() -> Json<Value> {
    Json(json!({
        "tfe.v2": "/api/v2/",
        "tfe.v2.1": "/api/v2/",
        "tfe.v2.2": "/api/v2/",
        "state.v2": "/api/v2/",
        "login.v1": {
            "client": logins::service::CLIENT,
            "grant_types": ["authz_code"],
            "authz": logins::PAGE,
            "token": logins::TOKEN,
            "ports": [logins::service::PORTS.start(), logins::service::PORTS.end()],
        },
    }))
}

async fn health(State(app): State<App>) -> Reply {
    drop(app.db.read().await?);
    Ok("ok\n".into_response())
}

/// Anything that is not a route.
pub(super) async fn nothing() -> Response {
    let problem = Problem::not_found("access/route", "There is nothing at this address.")
        .advice("Check the address; this server answers a part of the HCP Terraform API v2 only.");
    Failure(problem).into_response()
}
