//! Bodies of requests: read within a limit and a time, and leniently, since clients send `application/vnd.api+json`,
//! `application/json`, nothing, or no type at all.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use domain::{Fault, Problem};
use futures::StreamExt;
use serde::de::DeserializeOwned;

use super::Failure;
use crate::app::App;
use crate::storage::audit::Act;

/// Most bytes of an ordinary JSON body.
const JSON: usize = 4 * 1024 * 1024;
/// A client that sends nothing for so long is given up.
const STALLED: Duration = Duration::from_secs(60);
/// So long a client may send as slowly as it likes; afterwards, on the whole, [`SLOWEST`] bytes a second at least.
const PATIENCE: Duration = Duration::from_secs(30);
const SLOWEST: u64 = 1024;

/// A JSON body of at most `LIMIT` bytes. An empty one is read as null.
pub struct Sent<T, const LIMIT: usize = JSON>(pub T);

/// A body of any bytes, at most `LIMIT`.
pub struct Blob<const LIMIT: usize>(pub Bytes);

impl<T: DeserializeOwned, const LIMIT: usize> FromRequest<App> for Sent<T, LIMIT> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &App) -> Result<Self, Failure> {
        Ok(Self(parse(&read(request, LIMIT).await?)?))
    }
}

impl<const LIMIT: usize> FromRequest<App> for Blob<LIMIT> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &App) -> Result<Self, Failure> {
        Ok(Self(read(request, LIMIT).await?))
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = bytes.trim_ascii();
    if has_zero_character(text) {
        return Err(Problem::invalid("access/body", "The body contains a zero character.").advice("Leave it out."));
    }
    wire::read(if text.is_empty() { b"null" } else { text }).map_err(|error| {
        if text.is_empty() {
            malformed("The request has no body.")
        } else if error.is_data() {
            Problem::invalid("access/body", format!("The body does not fit: {error}."))
                .advice("Correct the document and send it again.")
        } else {
            malformed("The body is not JSON.").because(error)
        }
    })
}

/// PostgreSQL keeps no zero character in a text, so none is taken on any database.
fn has_zero_character(text: &[u8]) -> bool {
    let escape = b"\\u0000";
    text.windows(escape.len())
        .enumerate()
        .any(|(at, part)| part == escape && text[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0)
}

pub(super) async fn read(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let told = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    collect(request.into_body(), limit, told.unwrap_or(0)).await
}

async fn collect(body: Body, limit: usize, told: usize) -> Result<Bytes, Problem> {
    // What a client tells of its length is believed up to a megabyte; the rest has to come first.
    let mut read = BytesMut::with_capacity(told.min(1024 * 1024));
    let mut stream = body.into_data_stream();
    let begun = Instant::now();
    loop {
        match tokio::time::timeout(STALLED, stream.next()).await {
            Err(_) => return Err(malformed("The body stopped coming.")),
            Ok(None) => {
                Act::took(&read);
                return Ok(read.freeze());
            }
            Ok(Some(Err(error))) => return Err(malformed("The body did not come to its end.").because(error)),
            Ok(Some(Ok(part))) if read.len() + part.len() > limit => return Err(too_large(limit)),
            Ok(Some(Ok(part))) => read.extend_from_slice(&part),
        }
        if is_too_slow(read.len(), begun.elapsed()) {
            return Err(malformed("The body comes too slowly."));
        }
    }
}

/// Whether a body of which so much has come in this time will never come to its end.
fn is_too_slow(read: usize, took: Duration) -> bool {
    took > PATIENCE && (read as u64) < SLOWEST * took.as_secs()
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Fault::TooLarge, "access/too-large", format!("The body is larger than {} MB.", limit / 1024 / 1024))
        .advice("Send less.")
}

fn malformed(message: &str) -> Problem {
    Problem::new(Fault::Malformed, "access/body", message).advice("Send a JSON:API document.")
}

#[cfg(test)]
mod tests {
    use wire::workspaces::WorkspaceBody;

    use super::*;

    fn code<T: DeserializeOwned>(body: &[u8]) -> Fault {
        parse::<T>(body).err().unwrap().fault
    }

    #[test]
    fn what_is_no_json_is_malformed_and_what_does_not_fit_is_invalid() {
        assert_eq!(code::<WorkspaceBody>(b"{"), Fault::Malformed);
        assert_eq!(code::<WorkspaceBody>(b""), Fault::Malformed);
        assert_eq!(code::<WorkspaceBody>(br#"{"data":{"attributes":{"execution-mode":"moon"}}}"#), Fault::Invalid);
        assert_eq!(code::<WorkspaceBody>(br#"{"data":{"attributes":{"auto-apply":"yes"}}}"#), Fault::Invalid);
    }

    #[test]
    fn a_zero_character_is_refused_and_one_that_is_only_written_about_is_not() {
        assert!(has_zero_character(br#""a\u0000b""#));
        assert!(has_zero_character(br#""a\\\u0000b""#));
        assert!(!has_zero_character(br#""a\\u0000b""#));
    }

    #[test]
    fn a_body_that_comes_a_byte_at_a_time_is_given_up_and_a_slow_one_is_not() {
        let seconds = Duration::from_secs;
        assert!(!is_too_slow(1, seconds(30)), "there is some patience");
        assert!(is_too_slow(31, seconds(31)));
        assert!(!is_too_slow(64 * 1024, seconds(60)));
        assert!(is_too_slow(64 * 1024, seconds(65)));
    }

    #[tokio::test]
    async fn a_body_over_its_limit_is_refused_even_if_its_length_was_not_told() {
        let body = Body::from_stream(futures::stream::repeat(Ok::<_, std::convert::Infallible>(Bytes::from_static(
            b"0123456789",
        ))));
        assert_eq!(collect(body, 1024, 0).await.unwrap_err().fault, Fault::TooLarge);
    }
}
