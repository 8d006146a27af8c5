//! Answers: documents, bytes, nothing, and problems. A problem is rendered by [`super::finish`], which knows the request's id.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::{Fault, Problem};
use serde::Serialize;
use wire::{ErrorDocument, ErrorObject};

/// `Content-Type` of every document.
pub(super) const JSON_API: HeaderValue = HeaderValue::from_static("application/vnd.api+json");

/// What a handler returns.
pub type Reply = Result<Response, Failure>;

/// A problem on its way to the client.
#[derive(Debug, Clone)]
pub struct Failure(pub Problem);

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = status_of(self.0.fault).into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

/// Says of an answer that it is whole, although its status is that of an error.
#[derive(Clone, Copy)]
pub(super) struct Whole;

/// An answer that is whole as it is: no error document takes its place, whatever its status.
pub fn whole(mut response: Response) -> Response {
    response.extensions_mut().insert(Whole);
    response
}

/// 200 with a document.
pub fn ok<D: Serialize>(document: D) -> Reply {
    self::document(StatusCode::OK, &document)
}

/// 201 with a document.
pub fn created<D: Serialize>(document: D) -> Reply {
    self::document(StatusCode::CREATED, &document)
}

/// 202 without a body: clients of run actions expect none.
pub fn accepted() -> Reply {
    Ok(StatusCode::ACCEPTED.into_response())
}

/// 204.
pub fn no_content() -> Reply {
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// 200 with bytes of that type.
pub fn bytes(kind: &'static str, bytes: Bytes) -> Reply {
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], bytes).into_response())
}

/// A document with a status.
fn document<D: Serialize>(status: StatusCode, document: &D) -> Reply {
    let text = serde_json::to_vec(document)
        .map_err(|error| Problem::ours("access/answer", "The answer could not be written.", error))?;
    Ok((status, [(header::CONTENT_TYPE, JSON_API)], Body::from(text)).into_response())
}

/// The JSON:API error of a problem. `request` is told where the fault is ours, so that the log can be searched for it.
pub(super) fn error_document(problem: &Problem, request: &str) -> Vec<u8> {
    let status = status_of(problem.fault);
    let mut detail = detail(problem);
    if status.is_server_error() {
        detail.push_str(&format!(" (request {request})"));
    }
    let mut error = ErrorObject::new(status.as_u16(), title(problem.fault)).detail(detail).code(problem.code);
    if let Some(pointer) = &problem.pointer {
        error = error.pointer(pointer);
    }
    serde_json::to_vec(&ErrorDocument::one(error)).unwrap_or_default()
}

/// Clients show title and detail, so the advice belongs into the detail. But the tfe provider compares the whole text of one
/// error ("Configuration version is missing") before it takes a destroy for done, so that one stays bare.
fn detail(problem: &Problem) -> String {
    if problem.code == "configuration/missing" { problem.message.clone() } else { problem.to_string() }
}

pub(super) fn status_of(fault: Fault) -> StatusCode {
    match fault {
        Fault::NotFound => StatusCode::NOT_FOUND,
        Fault::Unauthorized => StatusCode::UNAUTHORIZED,
        Fault::Forbidden => StatusCode::FORBIDDEN,
        Fault::Conflict => StatusCode::CONFLICT,
        Fault::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Fault::Malformed => StatusCode::BAD_REQUEST,
        Fault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Fault::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Fault::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Fault::Ours => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn title(fault: Fault) -> &'static str {
    match fault {
        Fault::NotFound => "not found",
        Fault::Unauthorized => "unauthorized",
        Fault::Forbidden => "forbidden",
        Fault::Conflict => "conflict",
        Fault::Invalid => "invalid attribute",
        Fault::Malformed => "bad request",
        Fault::TooLarge => "too large",
        Fault::TooMany => "too many requests",
        Fault::Unavailable => "service unavailable",
        Fault::Ours => "internal error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(problem: &Problem) -> serde_json::Value {
        serde_json::from_slice(&error_document(problem, "r1")).unwrap()
    }

    #[test]
    fn a_status_is_text_and_the_advice_is_part_of_the_detail() {
        let problem = Problem::conflict("workspace/locked", "It is locked.").advice("Wait.").because("secret");
        assert_eq!(
            rendered(&problem),
            serde_json::json!({ "errors": [{
                "status": "409", "title": "conflict", "detail": "It is locked. Wait.", "code": "workspace/locked",
            }]})
        );
    }

    #[test]
    fn the_words_that_the_provider_compares_stand_alone() {
        let problem =
            Problem::invalid("configuration/missing", "Configuration version is missing").advice("Upload one.");
        let error = &rendered(&problem)["errors"][0];
        assert_eq!(error["title"], "invalid attribute");
        assert_eq!(error["detail"], "Configuration version is missing");
    }

    #[test]
    fn a_fault_of_ours_names_the_request_and_never_the_cause() {
        let error =
            rendered(&Problem::ours("storage/missing", "A stored object is missing.", "states/sv-1")).to_string();
        assert!(error.contains("(request r1)") && !error.contains("sv-1"), "{error}");
    }
}
