//! Answers that are errors, as [`Problem`] with the server's own words.

use domain::{Fault, Problem};
use serde_json::Value;

/// The problem that an answer tells. `what` was asked for (`GET workspaces/ws-1`).
pub(crate) fn of_answer(status: u16, body: &[u8], what: &str) -> Problem {
    let (fault, code) = match status {
        400 => (Fault::Malformed, "client/malformed"),
        401 => (Fault::Unauthorized, "client/unauthorized"),
        403 => (Fault::Forbidden, "client/forbidden"),
        404 => (Fault::NotFound, "client/not-found"),
        409 | 412 => (Fault::Conflict, "client/conflict"),
        413 => (Fault::TooLarge, "client/too-large"),
        429 => (Fault::Unavailable, "client/too-many-requests"),
        500.. => (Fault::Unavailable, "client/server-failed"),
        _ => (Fault::Invalid, "client/refused"),
    };
    let said = words(body);
    let message = match status {
        401 => "unauthorized".to_owned(),
        404 if said.is_empty() || said == "not found" => "resource not found".to_owned(),
        404 => format!("resource not found: {said}"),
        _ if said.is_empty() => format!("the server answered {status} to {what}"),
        _ => said,
    };
    let problem = Problem::new(fault, code, message).because(format!("{status} to {what}"));
    match status {
        401 => problem.advice("The token is not valid: check it, or run terraform login."),
        403 => problem.advice("The token's owner may see this but not do it."),
        404 => problem.advice("It does not exist, or the token's owner may not see it."),
        _ => problem,
    }
}

/// The problem of an answer that never came.
pub(crate) fn of_silence(error: &reqwest::Error, what: &str) -> Problem {
    let mut causes = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        causes = format!("{causes}: {inner}");
        cause = inner.source();
    }
    let message = if error.is_connect() { "the server cannot be reached" } else { "the connection was lost" };
    Problem::new(Fault::Unavailable, "client/connection", format!("{message} ({causes})")).because(what)
}

/// Title and detail of each error of the body.
fn words(body: &[u8]) -> String {
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let of_error = |error: &Value| match (error["title"].as_str(), error["detail"].as_str()) {
        _ if error.is_string() => error.as_str().unwrap_or_default().to_owned(),
        (Some(title), Some(detail)) if title != detail => format!("{title}: {detail}"),
        (_, Some(said)) | (Some(said), None) => said.to_owned(),
        (None, None) => String::new(),
    };
    let all: Vec<_> = document["errors"].as_array().into_iter().flatten().map(of_error).collect();
    all.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_words_are_kept() {
        let body =
            br#"{"errors":[{"status":"422","title":"invalid attribute","detail":"Name has already been taken"}]}"#;
        let problem = of_answer(422, body, "POST runs");
        assert_eq!(problem.message, "invalid attribute: Name has already been taken");
        assert_eq!(problem.fault, Fault::Invalid);
    }

    #[test]
    fn a_body_that_is_no_document_leaves_the_status() {
        assert_eq!(of_answer(502, b"<html>", "GET x").message, "the server answered 502 to GET x");
        assert_eq!(of_answer(404, b"", "GET x").message, "resource not found");
    }
}
