//! Signed addresses: whoever has one may do one thing with one object for a while, without a token.
//!
//! The signature is part of the path, `/signed/SIGNATURE.EXPIRY/WHAT/ID`, because Terraform's log reader replaces the
//! whole query. It covers the method, the object and the time until it is good. Signed addresses are never logged.

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use domain::Problem;

use super::{Failure, Here};
use crate::app::App;
use crate::storage::Key;
use crate::storage::audit::{Act, Who};

/// Minutes that an address is good for that takes an upload.
const UPLOAD: i64 = 60;
/// Minutes that an address is good for that is read.
const READ: i64 = 15;
/// Minutes that the address of a log is good for: terraform reads a log through one address for as long as the run goes on.
const LOG: i64 = 24 * 60;

/// Address of an upload to `/signed/…/WHAT/ID`.
pub fn upload(app: &App, here: &Here, what: &str, id: &str) -> String {
    address(app, here, &Method::PUT, what, id, UPLOAD)
}

/// Address to read `/signed/…/WHAT/ID`.
pub fn read(app: &App, here: &Here, what: &str, id: &str) -> String {
    address(app, here, &Method::GET, what, id, READ)
}

/// Address to read a log, `/signed/…/logs/ID`.
pub fn log(app: &App, here: &Here, id: &str) -> String {
    address(app, here, &Method::GET, "logs", id, LOG)
}

fn address(app: &App, here: &Here, method: &Method, what: &str, id: &str, minutes: i64) -> String {
    let expiry = app.ports.now().timestamp() + minutes * 60;
    format!("{}/signed/{}/{what}/{id}", here.origin, seal(&app.key, method, what, id, expiry))
}

/// The id in a signed address that is good for this request.
pub struct Pass(pub String);

impl FromRequestParts<App> for Pass {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let id = check(&app.key, &parts.method, parts.uri.path(), app.ports.now());
        let id = id.ok_or_else(refused)?;
        Act::by(Who::new("address", &id));
        Ok(Self(id))
    }
}

fn seal(key: &Key, method: &Method, what: &str, id: &str, expiry: i64) -> String {
    format!("{}.{expiry}", key.sign(&covered(method, what, id, expiry)))
}

fn covered(method: &Method, what: &str, id: &str, expiry: i64) -> String {
    // No part has a line break, so none can take the place of another.
    format!("signed\n{method}\n{what}\n{id}\n{expiry}")
}

fn check(key: &Key, method: &Method, path: &str, now: DateTime<Utc>) -> Option<String> {
    let mut parts = path.strip_prefix("/signed/")?.split('/');
    let (seal, what, id) = (parts.next()?, parts.next()?, parts.next()?);
    let (signature, expiry) = seal.split_once('.')?;
    let expiry = expiry.parse().ok()?;
    // A GET route also answers HEAD, which may see no more than a GET.
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let good = key.is_signed(&covered(method, what, id, expiry), signature) && now.timestamp() < expiry;
    good.then(|| id.to_owned())
}

fn refused() -> Problem {
    Problem::not_found("access/signed", "This address is not valid, or not any more.")
        .advice("Read the resource again: it has a new one.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Keys;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn key() -> Key {
        Key::make(&Keys::beside(tempfile::tempdir().unwrap().path())).unwrap()
    }

    #[test]
    fn an_address_is_good_for_one_method_one_object_and_until_it_expires() {
        let key = key();
        let path = format!("/signed/{}/states/sv-1", seal(&key, &Method::PUT, "states", "sv-1", 1000));
        assert_eq!(check(&key, &Method::PUT, &path, at(999)).as_deref(), Some("sv-1"));
        assert_eq!(check(&key, &Method::PUT, &path, at(1000)), None);
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE] {
            assert_eq!(check(&key, &method, &path, at(999)), None, "{method}");
        }
        let longer = path.replace("sv-1", "sv-1%2Fx");
        for wrong in
            [path.replace("sv-1", "sv-2"), longer, path.replace("states", "logs"), path.replace("1000", "9000")]
        {
            assert_eq!(check(&key, &Method::PUT, &wrong, at(999)), None, "{wrong}");
        }
        let read = format!("/signed/{}/states/sv-1", seal(&key, &Method::GET, "states", "sv-1", 1000));
        assert!(
            check(&key, &Method::GET, &read, at(999)).is_some() && check(&key, &Method::HEAD, &read, at(999)).is_some()
        );
        assert_eq!(check(&key, &Method::PUT, &read, at(999)), None);
    }

    #[test]
    fn parts_of_an_address_cannot_change_places() {
        let key = key();
        let sealed = seal(&key, &Method::GET, "a", "b:c", 1000);
        assert_eq!(check(&key, &Method::GET, &format!("/signed/{sealed}/a:b/c"), at(0)), None);
    }

    #[test]
    fn an_upload_is_good_for_an_hour_and_what_is_read_for_a_quarter_of_one() {
        assert_eq!((UPLOAD, READ), (60, 15));
    }

    #[test]
    fn another_server_s_address_is_not_good() {
        let path = format!("/signed/{}/logs/plan-1", seal(&key(), &Method::GET, "logs", "plan-1", 1000));
        assert_eq!(check(&key(), &Method::GET, &path, at(0)), None);
    }
}
