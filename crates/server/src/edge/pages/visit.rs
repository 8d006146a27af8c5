//! The browser that asks: the secret in its cookie, and who is signed in there.

use axum::extract::FromRequestParts;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use domain::{Fault, Problem};

use super::Frame;
use crate::actor::Actor;
use crate::app::App;
use crate::edge::{Failure, Here};
use crate::resources::sessions;
use crate::storage::audit::{Act, Who};

/// Longest secret that is looked at.
const LONGEST: usize = 200;

/// A browser, whether or not somebody is signed in there.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The secret in its cookie; empty when it has none.
    pub secret: String,
    /// It came over TLS.
    secure: bool,
}

impl Visit {
    /// What its forms carry.
    pub fn form_token(&self, app: &App) -> String {
        sessions::service::form_token(app, &self.secret)
    }

    /// The frame of a page that is there for all.
    pub fn frame(&self, app: &App, title: &str) -> Frame {
        Frame { title: title.to_owned(), form_token: self.form_token(app), ..Frame::default() }
    }

    /// The same browser with another secret, and the header that gives it to it: for so many seconds, or until it is
    /// closed.
    ///
    /// Over TLS the name begins with `__Host-`, which no other host and no page in clear can set. Without TLS browsers
    /// do not take such a cookie.
    pub fn with_secret(&self, secret: String, seconds: Option<i64>) -> (Self, HeaderValue) {
        let (name, secure) = (name(self.secure), if self.secure { "; Secure" } else { "" });
        let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let cookie = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
        let header = HeaderValue::from_str(&cookie).unwrap_or_else(|_| HeaderValue::from_static(""));
        (Self { secret, secure: self.secure }, header)
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let secure = Here::from_request_parts(parts, app).await?.origin.starts_with("https://");
        Ok(Self { secret: secret(&parts.headers, name(secure)).unwrap_or_default(), secure })
    }
}

/// Somebody who is signed in.
pub struct Viewer {
    /// Who it is.
    pub actor: Actor,
    /// What they are called.
    pub name: String,
    /// The browser.
    pub visit: Visit,
}

impl Viewer {
    /// The frame of a page for them.
    pub fn frame(&self, app: &App, title: &str) -> Frame {
        Frame { who: Some(self.name.clone()), ..self.visit.frame(app, title) }
    }
}

impl FromRequestParts<App> for Viewer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let visit = Visit::from_request_parts(parts, app).await?;
        let tx = app.db.read().await?;
        let person = sessions::service::who(app, &tx, &visit.secret).await?;
        Act::by(Who { name: Some(person.name.clone()), token: person.token, ..person.actor.who() });
        Ok(Self { actor: person.actor, name: person.name, visit })
    }
}

/// Refuses what another site has made the browser send. Browsers say where a request comes from, the newer ones with
/// `Sec-Fetch-Site`, all with `Origin`; a form's token, which comes on top, does not depend on it.
pub(super) fn refuse_other_sites(headers: &HeaderMap, here: &Here) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let from_here = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            origin == here.origin || (host.is_some() && host == text("host"))
        }
        (None, None) => true,
    };
    if from_here { Ok(()) } else { Err(not_ours()) }
}

/// A form that no page of this server made for this browser.
pub(super) fn not_ours() -> Problem {
    Problem::new(Fault::Forbidden, "access/form", "The form is not one that this server made for this browser.")
        .advice("Load the page again and send its form; the browser has to take cookies.")
}

fn name(secure: bool) -> &'static str {
    if secure { "__Host-multispace" } else { "multispace" }
}

fn secret(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let secret = pairs.find(|(its, _)| *its == name)?.1;
    let plain = secret.len() <= LONGEST && secret.chars().all(|c| c.is_ascii_alphanumeric());
    plain.then(|| secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_cookie_in_clear_does_not_stand_in_for_the_one_over_tls() {
        let sent = headers(&[("cookie", "a=b; multispace=clear; c")]);
        assert_eq!(secret(&sent, name(false)).as_deref(), Some("clear"));
        assert_eq!(secret(&sent, name(true)), None);
        assert_eq!(secret(&headers(&[("cookie", "multispace=a\"b")]), name(false)), None);
    }

    #[test]
    fn a_request_of_another_site_is_refused_by_what_the_browser_says_of_it() {
        let here = Here::at("https://tf.example.com");
        let refused = |all: &[(&'static str, &'static str)]| refuse_other_sites(&headers(all), &here).is_err();
        for fine in [
            &[][..],
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://tf.example.com"), ("host", "inside:8080")],
            &[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")],
        ] {
            assert!(!refused(fine), "{fine:?}");
        }
        for foreign in [
            &[("sec-fetch-site", "cross-site"), ("origin", "https://tf.example.com")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example"), ("host", "tf.example.com")],
            &[("origin", "null"), ("host", "tf.example.com")],
            &[("origin", "null")],
        ] {
            assert!(refused(foreign), "{foreign:?}");
        }
    }
}
