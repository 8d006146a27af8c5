//! What handlers take from the head of a request.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use domain::id::Id;
use domain::{Fault, Problem};
use serde::de::DeserializeOwned;

use super::Failure;
use crate::actor::Actor;
use crate::app::App;
use crate::resources::tokens;
use crate::storage::audit::{Act, Who};

/// Who asks, by the token that came along; without a valid one the handler is never called.
pub struct Caller(pub Actor);

impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let tx = app.db.read().await?;
        let (token, actor) = tokens::service::known(app, &tx, bearer(parts)).await?;
        drop(tx);
        tokens::service::note_use(app, &token);
        Act::by(Who { token: Some(token.id), ..actor.who() });
        Ok(Self(actor))
    }
}

/// Id of the run whose terraform asks: by the token that came along, or beside it by the header `X-Multispace-Run-Token`,
/// which a provider sends that uses a token of its own. One that is not a run's, or not any more, says nothing.
pub struct InRun(pub Option<String>);

impl FromRequestParts<App> for InRun {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let beside = parts.headers.get("x-multispace-run-token").and_then(|value| value.to_str().ok());
        let Some(secret) = beside.or_else(|| bearer(parts)) else { return Ok(Self(None)) };
        let tx = app.db.read().await?;
        Ok(Self(match tokens::service::who(app, &tx, Some(secret.trim())).await {
            Ok(Actor::Run { run, .. }) => Some(run),
            _ => None,
        }))
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let (scheme, secret) = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim()).filter(|secret| !secret.is_empty())
}

/// A part of a path. What cannot be one is "not found" like anything that is not there.
pub trait Segment: Sized {
    /// Reads it.
    fn read(text: &str) -> Option<Self>;
}

impl<I: Id> Segment for I {
    fn read(text: &str) -> Option<Self> {
        I::parse(text).ok()
    }
}

/// A name in a path: of an organization, a workspace, a user.
pub struct Name(pub String);

impl Segment for Name {
    fn read(text: &str) -> Option<Self> {
        let plain = !text.is_empty() && text.len() <= 255 && !text.contains(char::is_control);
        plain.then(|| Self(text.to_owned()))
    }
}

/// The one parameter of the path.
pub struct At<A>(pub A);

/// The two parameters of the path.
pub struct At2<A, B>(pub A, pub B);

impl<A: Segment> FromRequestParts<App> for At<A> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let texts = segments(parts, app).await?;
        match texts.as_slice() {
            [a] => Ok(Self(A::read(a).ok_or_else(not_found)?)),
            _ => Err(not_found().into()),
        }
    }
}

impl<A: Segment, B: Segment> FromRequestParts<App> for At2<A, B> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let texts = segments(parts, app).await?;
        match texts.as_slice() {
            [a, b] => Ok(Self(A::read(a).ok_or_else(not_found)?, B::read(b).ok_or_else(not_found)?)),
            _ => Err(not_found().into()),
        }
    }
}

/// The three parameters of the path.
pub struct At3<A, B, C>(pub A, pub B, pub C);

impl<A: Segment, B: Segment, C: Segment> FromRequestParts<App> for At3<A, B, C> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let texts = segments(parts, app).await?;
        let read = |texts: &[String]| match texts {
            [a, b, c] => Some(Self(A::read(a)?, B::read(b)?, C::read(c)?)),
            _ => None,
        };
        Ok(read(&texts).ok_or_else(not_found)?)
    }
}

async fn segments(parts: &mut Parts, app: &App) -> Result<Vec<String>, Problem> {
    let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| not_found())?;
    Ok(params.iter().map(|(_, text)| text.to_owned()).collect())
}

/// "Not found" in the words that also stand for "not yours".
pub(super) fn not_found() -> Problem {
    Problem::not_found("access/not-found", "There is no such thing, or this token may not see it.")
        .advice("Check the name or id, and use a token that may see it.")
}

/// What stands behind the `?`. Parameters that nobody knows are ignored.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequestParts<App> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let text = parts.uri.query().unwrap_or_default();
        if text.is_empty() {
            return Ok(Self(T::default()));
        }
        if text.contains("%00") {
            return Err(Problem::new(Fault::Malformed, "access/query", "The query contains a zero character.")
                .advice("Leave it out.")
                .into());
        }
        let config = serde_qs::Config::new().use_form_encoding(true);
        config.deserialize_str(text).map(Self).map_err(|error| {
            Problem::new(Fault::Malformed, "access/query", "What stands behind the \"?\" cannot be read.")
                .advice("Correct the query.")
                .because(error)
                .into()
        })
    }
}

/// The header `Idempotency-Key`, by which a client says that a request is the one it sent before. A draft of the IETF
/// (httpapi-idempotency-key-header) has its meaning.
pub struct RequestKey(pub Option<String>);

impl FromRequestParts<App> for RequestKey {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let key = value.to_str().unwrap_or_default().trim();
        if key.is_empty() || key.len() > 255 {
            return Err(Problem::new(Fault::Malformed, "access/key", "The Idempotency-Key cannot be used.")
                .advice("Send 1 to 255 printable characters, or leave the header out.")
                .into());
        }
        Ok(Self(Some(key.to_owned())))
    }
}

/// What kind of program asks, as far as its headers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Terraform with a `cloud` block; it reads JSON lines in logs.
    Cloud,
    /// Terraform with the `remote` backend, which shows logs as they are.
    Remote,
    /// Anything else.
    Other,
}

impl Client {
    /// What a run or a configuration version that it makes says of its source.
    pub fn source(self) -> &'static str {
        match self {
            Self::Cloud => "terraform+cloud",
            Self::Remote => "terraform",
            Self::Other => "tfe-api",
        }
    }
}

impl FromRequestParts<App> for Client {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let integration = parts.headers.get("x-terraform-integration");
        Ok(if integration.is_some_and(|value| value == "cloud") {
            Self::Cloud
        } else if parts.headers.contains_key("terraform-version") {
            Self::Remote
        } else {
            Self::Other
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{RunId, WorkspaceId};

    use super::*;

    #[test]
    fn an_id_of_another_kind_and_a_name_with_a_control_character_are_not_there() {
        assert!(RunId::read("ws-fSX576JZGENVaeMi").is_none());
        assert!(WorkspaceId::read("ws-fSX576JZGENVaeMi").is_some());
        assert!(Name::read("a\0b").is_none() && Name::read("").is_none());
    }

    #[test]
    fn only_a_bearer_token_counts() {
        let parts =
            |value: &str| axum::http::Request::builder().header(AUTHORIZATION, value).body(()).unwrap().into_parts().0;
        assert_eq!(bearer(&parts("Bearer abc")), Some("abc"));
        assert_eq!(bearer(&parts("bearer abc ")), Some("abc"));
        assert_eq!(bearer(&parts("Basic abc")), None);
        assert_eq!(bearer(&parts("Bearer ")), None);
    }
}
