//! What stands around every request: an id, a log line, the headers that clients check, limits, and problems rendered.
//!
//! Never logged: the `Authorization` header, cookies, what stands behind the `?`, bodies, and signed addresses.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use domain::{Fault, Problem};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tracing::Instrument;

use super::answer::{JSON_API, Whole, error_document, status_of};
use super::pages;
use super::places::{self, Places};
use super::{Failure, acts, limits};
use crate::app::App;
use crate::storage::audit::Act;

/// Longest time for one request, the slow upload of a large state among them.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Headers of every answer. What clients do with them is written in the API's contract: go-tfe refuses a server without
/// `TFP-API-Version`, and the CLI shows no structured plan without `X-TFE-Version`. `X-RateLimit-Limit` comes from
/// [`limits`], where there is a limit to tell.
const HEADERS: [(&str, &str); 4] = [
    ("tfp-api-version", "2.6"),
    ("tfp-appname", "Terraform Enterprise"),
    ("x-tfe-version", "v202502-1"),
    ("x-content-type-options", "nosniff"),
];

/// Puts everything around `router`.
pub(super) fn around(router: Router<App>, app: App) -> Router<App> {
    router
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST))
        .layer(from_fn_with_state(Places::default(), places::take))
        .layer(from_fn_with_state(app.clone(), limits::limit))
        .layer(from_fn_with_state(app, finish))
}

async fn finish(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = app.ports.randomness.characters(domain::id::LENGTH);
    let method = request.method().clone();
    let path = shown(request.uri().path()).to_owned();
    let asked = (method.clone(), request.uri().clone());
    let span = tracing::info_span!("request", %id, %method, path);
    async {
        let begun = Instant::now();
        let act = acts::act(&request, &id);
        let answered = act.clone().during(next.run(request)).await;
        note_refusal(&app, &act, answered.status()).await;
        let mut response = rendered(answered, &id, &asked);
        for (name, value) in HEADERS {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("x-request-id", id);
        }
        tracing::debug!(status = response.status().as_u16(), took = ?begun.elapsed(), "answered");
        response
    }
    .instrument(span)
    .await
}

/// Writes down that somebody was refused: what they may not do, or a sign-in. That it could not be written does not
/// change the answer, which is no.
async fn note_refusal(app: &App, act: &Act, status: StatusCode) {
    let refused = match status {
        StatusCode::FORBIDDEN => true,
        StatusCode::NOT_FOUND => act.refused().is_some(),
        StatusCode::UNAUTHORIZED => !act.reads(),
        StatusCode::UNPROCESSABLE_ENTITY => act.action() == "sessions.sign-in",
        _ => false,
    };
    if refused && let Err(problem) = app.db.refused(act, status.as_u16()).await {
        tracing::error!(code = problem.code, cause = problem.cause, "{}", problem.message);
    }
}

/// A signed address is a secret.
fn shown(path: &str) -> &str {
    if path.starts_with("/signed/") { "/signed/…" } else { path }
}

/// Gives every error its document, or its page, also those that axum and the layers make.
fn rendered(mut response: Response, id: &str, (method, uri): &(Method, Uri)) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<Whole>().is_some() {
        return response;
    }
    if status == StatusCode::METHOD_NOT_ALLOWED && method == Method::GET && pages::is_of_page(uri.path()) {
        return pages::page_of_form(uri.path());
    }
    let problem = response.extensions_mut().remove::<Problem>().unwrap_or_else(|| of_status(status));
    match (&problem.cause, problem.fault) {
        (cause, Fault::Ours | Fault::Unavailable) => {
            tracing::error!(code = problem.code, cause = cause.as_deref().unwrap_or("-"), "{}", problem.message);
        }
        (cause, _) => {
            tracing::debug!(code = problem.code, cause = cause.as_deref().unwrap_or("-"), "{}", problem.message);
        }
    }
    if pages::is_of_page(uri.path()) {
        return pages::instead_of(&problem, method, uri, id);
    }
    let body = error_document(&problem, id);
    response.headers_mut().insert(CONTENT_TYPE, JSON_API);
    response.headers_mut().remove(CONTENT_LENGTH);
    *response.status_mut() = status_of(problem.fault);
    *response.body_mut() = Body::from(body);
    response
}

fn of_status(status: StatusCode) -> Problem {
    match status {
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_FOUND => super::extract::not_found(),
        StatusCode::SERVICE_UNAVAILABLE => {
            Problem::new(Fault::Unavailable, "access/timeout", "The request took too long.").advice("Try again.")
        }
        status if status.is_client_error() => {
            Problem::new(Fault::Malformed, "access/request", "The request cannot be read.").advice("Correct it.")
        }
        status => Problem::ours("access/answer", "The request could not be answered.", status),
    }
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let problem = Problem::ours("access/answer", "The request could not be answered.", words.unwrap_or("a panic"))
        .advice("Look at the server's log for this request.");
    Failure(problem).into_response()
}
