//! Use cases of sign-ins from a terminal: may this be asked, yes, and the token for the code.

use std::ops::RangeInclusive;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest as hash};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use domain::{Fault, Problem};

use super::store::{self, Model as Code};
use crate::actor::Actor;
use crate::app::App;
use crate::resources::tokens::service::Issued;
use crate::resources::{tokens, users};
use crate::storage::Tx;

/// The one client there is.
pub const CLIENT: &str = "terraform-cli";
/// Ports of the terminal's machine that a code is carried to.
pub const PORTS: RangeInclusive<u16> = 10_000..=10_010;
/// Days after which a token that was made so expires.
pub const DAYS: i64 = 90;
/// Minutes that a code is good for.
const MINUTES: i64 = 5;
/// Characters of a code: 48 of base58 are 281 bits.
const SECRET: usize = 48;
/// Most characters of what the client wants to have back.
const LONGEST: usize = 512;

/// What a terminal asks for, as it stands in the address that it opens.
#[derive(Debug, Clone, Default)]
pub struct Asked<'a> {
    /// Who asks.
    pub client: &'a str,
    /// What is wanted back: a code.
    pub response: &'a str,
    /// Where the code is carried.
    pub redirect: &'a str,
    /// What comes back with the code as it is.
    pub state: &'a str,
    /// SHA-256 of the proof key, as base64 for addresses.
    pub challenge: &'a str,
    /// How the challenge was made.
    pub method: &'a str,
}

/// The port of the terminal's machine, if this may be asked. What may not is told to whoever looks, and never carried
/// anywhere.
///
/// # Errors
/// `login/request`.
pub fn port(asked: &Asked<'_>) -> Result<u16, Problem> {
    let wrong = |what: &str| {
        Err(Problem::new(Fault::Malformed, "login/request", format!("This is no sign-in of a terraform: {what}."))
            .advice("Run \"terraform login\" again, and open the address that it shows."))
    };
    if asked.client != CLIENT {
        return wrong("the client is unknown");
    }
    if asked.response != "code" {
        return wrong("it asks for something else than a code");
    }
    let is_hash = BASE64_URL_SAFE_NO_PAD.decode(asked.challenge).is_ok_and(|hash| hash.len() == 32);
    if asked.method != "S256" || !is_hash {
        return wrong("it has no proof key");
    }
    if asked.state.len() > LONGEST {
        return wrong("it is too long");
    }
    // The whole address is fixed but for the port, so a code is carried to no other machine.
    let port = asked.redirect.strip_prefix("http://localhost:").and_then(|rest| rest.strip_suffix("/login"));
    let port = port.filter(|port| port.bytes().all(|byte| byte.is_ascii_digit())).and_then(|port| port.parse().ok());
    match port {
        Some(port) if PORTS.contains(&port) => Ok(port),
        _ => wrong("it does not listen where it may"),
    }
}

/// Says yes, and returns the code that is carried to the terminal.
///
/// # Errors
/// `login/request`; `user/own` for who is no person.
pub async fn approve(app: &App, tx: &Tx, actor: &Actor, asked: &Asked<'_>) -> Result<String, Problem> {
    port(asked)?;
    let user = users::account::own(tx, actor).await?;
    let now = app.ports.now();
    store::delete_ended(tx, now).await?;
    let secret = app.ports.randomness.characters(SECRET);
    let code = Code {
        id: digest(app, &secret),
        user_id: user.id,
        challenge: asked.challenge.to_owned(),
        redirect: asked.redirect.to_owned(),
        created_at: now,
        expires_at: now + TimeDelta::minutes(MINUTES),
    };
    store::insert(tx, code).await?;
    Ok(secret)
}

/// What a terminal brings to have a token.
#[derive(Clone, Default)]
pub struct Brought<'a> {
    /// The code.
    pub code: &'a str,
    /// Who brings it.
    pub client: &'a str,
    /// Where it was carried.
    pub redirect: &'a str,
    /// The proof key.
    pub verifier: &'a str,
}

/// The token for a code. The code is used up, whatever becomes of it: one that somebody else has seen is worth nothing after
/// the first try. Commit also when this fails.
///
/// # Errors
/// `login/grant` when anything is not as it was asked for; `token/many`.
pub async fn redeem(app: &App, tx: &Tx, brought: &Brought<'_>) -> Result<Issued, Problem> {
    let code = store::take(tx, &digest(app, brought.code)).await?.ok_or_else(refused)?;
    let proof = BASE64_URL_SAFE_NO_PAD.encode(hash(&SHA256, brought.verifier.as_bytes()));
    let is_proof = verify_slices_are_equal(proof.as_bytes(), code.challenge.as_bytes()).is_ok();
    let now = app.ports.now();
    if !is_proof || brought.client != CLIENT || brought.redirect != code.redirect || now >= code.expires_at {
        return Err(refused());
    }
    let actor = users::service::in_name_of(tx, &code.user_id).await?.ok_or_else(refused)?;
    tokens::own::make(app, tx, &actor, "terraform login", Some(now + TimeDelta::days(DAYS))).await
}

fn digest(app: &App, code: &str) -> String {
    app.key.sign(&format!("login:{code}"))
}

fn refused() -> Problem {
    Problem::invalid("login/grant", "The code is unknown, was used, is over, or was asked for by somebody else.")
        .advice("Run \"terraform login\" again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked<'static> {
        Asked {
            client: CLIENT,
            response: "code",
            redirect: "http://localhost:10003/login",
            state: "s",
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            method: "S256",
        }
    }

    #[test]
    fn a_code_is_carried_to_a_port_of_the_own_machine_alone() {
        assert_eq!(port(&asked()).unwrap(), 10_003);
        for redirect in [
            "http://localhost:9999/login",
            "http://localhost:10011/login",
            "http://localhost:10003/login/",
            "http://localhost:10003/other",
            "http://localhost:10003@evil.example/login",
            "http://localhost:+10003/login",
            "http://localhost.evil.example:10003/login",
            "http://evil.example/?http://localhost:10003/login",
            "https://localhost:10003/login",
            "http://127.0.0.1:10003/login",
            "",
        ] {
            assert!(port(&Asked { redirect, ..asked() }).is_err(), "{redirect}");
        }
    }

    #[test]
    fn what_is_asked_for_without_a_proof_key_or_by_somebody_else_is_refused() {
        for wrong in [
            Asked { client: "other", ..asked() },
            Asked { response: "token", ..asked() },
            Asked { method: "plain", ..asked() },
            Asked { method: "", ..asked() },
            Asked { challenge: "", ..asked() },
            Asked { challenge: "short", ..asked() },
        ] {
            assert_eq!(port(&wrong).unwrap_err().code, "login/request", "{wrong:?}");
        }
    }
}
