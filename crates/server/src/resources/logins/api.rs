//! `/oauth/token`: where a terminal brings its code. What is answered is OAuth's, not JSON:API (RFC 6749, 5.1 and 5.2).

use axum::Json;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::{Fault, Problem};
use serde::Deserialize;
use serde_json::{Value, json};

use super::service::{self, Brought, DAYS};
use crate::app::App;
use crate::edge::{Blob, Reply, Routes};

/// Most bytes of what is brought.
const LIMIT: usize = 16 * 1024;

/// Where it is; terraform is told so by service discovery.
pub const TOKEN: &str = "/oauth/token";

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default().post_at_root(TOKEN, token)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    grant_type: String,
    code: String,
    client_id: Option<String>,
    redirect_uri: String,
    code_verifier: String,
}

async fn token(State(app): State<App>, headers: HeaderMap, Blob(body): Blob<LIMIT>) -> Reply {
    let read = std::str::from_utf8(&body).ok().filter(|text| !text.contains("%00") && !text.contains('\0'));
    let read = read.and_then(|text| serde_qs::Config::new().use_form_encoding(true).deserialize_str(text).ok());
    let Some(fields): Option<Fields> = read else {
        return Ok(refused("invalid_request", "The form cannot be read."));
    };
    if fields.grant_type != "authorization_code" {
        return Ok(refused("unsupported_grant_type", "A token is given for a code alone."));
    }
    let client = client(&headers).or(fields.client_id).unwrap_or_default();
    let brought = Brought {
        code: &fields.code,
        client: &client,
        redirect: &fields.redirect_uri,
        verifier: &fields.code_verifier,
    };
    let tx = app.db.write().await?;
    let issued = service::redeem(&app, &tx, &brought).await;
    tx.commit().await?;
    match issued {
        Ok(issued) => {
            let lives = DAYS * 24 * 3600;
            let token = json!({ "access_token": issued.secret, "token_type": "bearer", "expires_in": lives });
            Ok(answer(StatusCode::OK, token))
        }
        Err(problem) => told(problem),
    }
}

fn told(problem: Problem) -> Reply {
    match problem.fault {
        Fault::Ours | Fault::Unavailable => Err(problem.into()),
        _ => Ok(refused("invalid_grant", &problem.to_string())),
    }
}

/// Who asks, where it says so in the head: the library that terraform uses tries that first.
fn client(headers: &HeaderMap) -> Option<String> {
    let basic = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(BASE64_STANDARD.decode(basic).ok()?).ok()?;
    Some(pair.split_once(':')?.0.to_owned())
}

fn refused(error: &str, description: &str) -> Response {
    answer(StatusCode::BAD_REQUEST, json!({ "error": error, "error_description": description }))
}

/// An answer that nobody keeps.
fn answer(status: StatusCode, body: Value) -> Response {
    crate::edge::whole((status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}
