//! How a problem looks to somebody with a browser: a page, or the way to the sign-in.

use askama::Template;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use domain::{Fault, Problem};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Frame, page_with, see_other};
use crate::edge::answer::status_of;

#[derive(Template)]
#[template(path = "edge/pages/problem.html")]
struct Shown<'a> {
    frame: Frame,
    problem: &'a Problem,
    /// The page to go back to.
    back: &'a str,
    /// Id of the request, where the fault is ours.
    request: Option<&'a str>,
}

/// The answer to a browser that asked for `uri` and cannot have it.
pub(in crate::edge) fn instead_of(problem: &Problem, method: &Method, uri: &Uri, request: &str) -> Response {
    let back = page_of(method, uri.path());
    if problem.fault == Fault::Unauthorized {
        let to = if back == uri.path() { uri.path_and_query().map_or(back, |whole| whole.as_str()) } else { back };
        return see_other(&format!("/sign-in?to={}", utf8_percent_encode(to, NON_ALPHANUMERIC)));
    }
    let status = status_of(problem.fault);
    let shown = Shown {
        frame: Frame { title: title(problem.fault).to_owned(), ..Frame::default() },
        problem,
        back: if back == uri.path() { "/app" } else { back },
        request: status.is_server_error().then_some(request),
    };
    page_with(status, &shown).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Leads a browser that loads the address of a form again to the form's page.
pub(in crate::edge) fn page_of_form(path: &str) -> Response {
    see_other(page_of(&Method::POST, path))
}

/// The page whose form was sent: the address of a form is that of its page and one part more.
fn page_of<'a>(method: &Method, path: &'a str) -> &'a str {
    if *method != Method::POST {
        return path;
    }
    path.rsplit_once('/').map(|(page, _)| page).filter(|page| page.starts_with("/app")).unwrap_or("/app")
}

fn title(fault: Fault) -> &'static str {
    match fault {
        Fault::NotFound => "Not found",
        Fault::Unauthorized => "Signed out",
        Fault::Forbidden => "Not allowed",
        Fault::Conflict => "Not now",
        Fault::Invalid | Fault::Malformed | Fault::TooLarge => "Not understood",
        Fault::TooMany => "Too fast",
        Fault::Unavailable => "Not available",
        Fault::Ours => "Something went wrong",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_back_to_its_page_and_a_page_to_itself() {
        assert_eq!(page_of(&Method::POST, "/app/acme/net/runs/run-1/confirm"), "/app/acme/net/runs/run-1");
        assert_eq!(page_of(&Method::POST, "/sign-out"), "/app");
        assert_eq!(page_of(&Method::GET, "/app/acme/net/runs/run-1"), "/app/acme/net/runs/run-1");
    }
}
