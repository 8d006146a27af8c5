//! [`Filled`]: a form that a person has sent.

use axum::extract::{FromRequest, FromRequestParts, Request};
use domain::{Fault, Problem};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::visit::{Visit, not_ours, refuse_other_sites};
use crate::app::App;
use crate::edge::{Failure, Here, body};
use crate::resources::sessions;

/// Most bytes of a form.
const LIMIT: usize = 256 * 1024;

/// The fields of a form of this server that was made for this very browser. Any other is refused before the handler is
/// called.
pub struct Filled<T>(pub T);

/// A form without a field: its button says it all.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

#[derive(Deserialize)]
struct Guard {
    #[serde(default)]
    form_token: String,
}

impl<T: DeserializeOwned> FromRequest<App> for Filled<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, app).await?;
        let here = Here::from_request_parts(&mut parts, app).await?;
        refuse_other_sites(&parts.headers, &here)?;
        let bytes = body::read(Request::from_parts(parts, body), LIMIT).await?;
        let guard: Guard = read(&bytes)?;
        if visit.secret.is_empty() || !sessions::service::is_form_token(app, &visit.secret, &guard.form_token) {
            return Err(not_ours().into());
        }
        Ok(Self(read(&bytes)?))
    }
}

/// What is wrong with what was typed, as the sentence above the form that comes back with it. Whatever a person cannot mend
/// in the form is passed on.
///
/// # Errors
/// The problem itself, when it is of another kind.
pub fn wrong(problem: Problem) -> Result<String, Failure> {
    match problem.fault {
        Fault::Invalid | Fault::Conflict | Fault::Forbidden => Ok(problem.to_string()),
        _ => Err(problem.into()),
    }
}

/// What was typed into a text of several lines, with the line breaks of a file: browsers send those of the network.
pub fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // PostgreSQL keeps no zero character in a text.
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains("%00") && !text.contains('\0'));
    let read = text.and_then(|text| serde_qs::Config::new().use_form_encoding(true).deserialize_str(text).ok());
    read.ok_or_else(|| {
        Problem::new(Fault::Malformed, "access/request", "The form cannot be read.").advice("Load the page again.")
    })
}
