//! What pages for people share: the layout, the browser's session, forms, styles and scripts, how a page is live, and how a problem looks there.
//!
//! A page works without JavaScript. Its headers let a browser load nothing from elsewhere and run nothing that is written
//! into the page, so that a name, a message or a log can be text only. Absent: any page, which are the rooms' own.

mod assets;
mod confirm;
mod connect;
mod form;
mod frame;
mod live;
mod paging;
mod problem;
mod tabs;
mod visit;

pub use super::places::Watching;
pub use confirm::{Confirm, Confirmed};
pub use connect::Connect;
pub use form::{Filled, Nothing, lines, wrong};
pub use frame::Frame;
pub use live::{Live, Shown, event, rendered, streamed};
pub use paging::{Pages, Part};
pub use tabs::Tabs;
pub use visit::{Viewer, Visit};

pub(super) use assets::routes;
pub(super) use problem::{instead_of, page_of_form};

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use domain::Problem;

use super::{Reply, whole};

/// Headers of every page. `no-store`: what one person saw is not for the next one at the same machine.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// A page.
pub fn page(template: &impl Template) -> Reply {
    page_with(StatusCode::OK, template)
}

/// A page with another status than 200.
pub fn page_with(status: StatusCode, template: &impl Template) -> Reply {
    let text =
        template.render().map_err(|error| Problem::ours("access/answer", "The page could not be made.", error))?;
    let response = (status, Html(text)).into_response();
    Ok(guarded(whole(response)))
}

/// A page whose form may lead to another origin (`http://localhost:10000`), and to no third one.
pub fn page_sending_to(template: &impl Template, origin: &str) -> Reply {
    let mut response = page(template)?;
    let (name, policy) = &HEADERS[0];
    let policy = policy.replace("form-action 'self'", &format!("form-action 'self' {origin}"));
    let policy = HeaderValue::from_str(&policy)
        .map_err(|error| Problem::ours("access/answer", "The page could not be made.", error))?;
    response.headers_mut().insert(name.clone(), policy);
    Ok(response)
}

/// A page whose form comes back because something in it was wrong, or is shown for the first time.
pub fn form(template: &impl Template, wrong: Option<&String>) -> Reply {
    page_with(if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, template)
}

/// Leads the browser to another page, whatever it has sent.
pub fn see_other(to: &str) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or_else(|_| HeaderValue::from_static("/app"));
    guarded((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
}

/// Whether something at this path is for a browser, and so are its problems.
pub(super) fn is_of_page(path: &str) -> bool {
    matches!(path, "/" | "/app" | "/sign-in" | "/sign-out") || path.starts_with("/app/")
}

fn guarded(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
