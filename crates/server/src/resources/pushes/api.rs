//! `POST /webhooks/vcs/{id}`: the HTTP side of pushes. The signature stands in for a token.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use domain::id::{Id, OauthClientId};
use serde_json::json;

use super::sender::Delivery;
use super::service;
use crate::app::App;
use crate::edge::{At, Blob, Reply, Routes};

/// Most bytes of what a host tells at once.
const PAYLOAD: usize = 2 * 1024 * 1024;

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default().post("/webhooks/vcs/{id}", deliver)
}

async fn deliver(
    State(app): State<App>,
    At(id): At<OauthClientId>,
    headers: HeaderMap,
    Blob(body): Blob<PAYLOAD>,
) -> Reply {
    let runs = service::deliver(&app, id.as_str(), Delivery::of(&headers, &body), &body).await?;
    Ok(Json(json!({ "runs": runs })).into_response())
}
