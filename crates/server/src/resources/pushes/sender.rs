//! Who told of a push, and whether that may be believed: headers and signatures of GitHub, GitLab, Gitea and Forgejo.
//!
//! As documented by the hosts: "Validating webhook deliveries" of GitHub, "Webhooks" of GitLab, Gitea and Forgejo.

use aws_lc_rs::{digest, hmac};
use axum::http::HeaderMap;

/// Kinds of payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    /// GitHub.
    Github,
    /// GitLab.
    Gitlab,
    /// Gitea and Forgejo.
    Gitea,
}

/// A delivery, as its headers tell it.
#[derive(Debug)]
pub(super) struct Delivery {
    /// Kind of the payload.
    pub(super) host: Host,
    /// What happened, in the host's word.
    pub(super) event: String,
    /// What names the delivery: the host's id, if it gave one, and a digest of the body.
    pub(super) names: Vec<String>,
    proof: String,
}

/// Longest id of a delivery.
const NAME: usize = 100;

impl Delivery {
    /// Reads the headers; `None` when they are of no host that is known. Gitea and Forgejo also send the headers of GitHub,
    /// so theirs are looked for first.
    pub(super) fn of(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let digest = format!("sha256:{}", hex::encode(digest::digest(&digest::SHA256, body)));
        let told = |host, event: &str, proof: &str, names: &[&str]| {
            let event = text(event)?;
            let given = names.iter().find_map(|name| text(name)).filter(|name| name.len() <= NAME);
            let names = given.into_iter().chain([digest.clone()]).collect();
            Some(Self { host, event, names, proof: text(proof).unwrap_or_default() })
        };
        told(Host::Gitea, "x-forgejo-event", "x-forgejo-signature", &["x-forgejo-delivery"])
            .or_else(|| told(Host::Gitea, "x-gitea-event", "x-gitea-signature", &["x-gitea-delivery"]))
            .or_else(|| {
                told(Host::Gitlab, "x-gitlab-event", "x-gitlab-token", &["idempotency-key", "x-gitlab-event-uuid"])
            })
            .or_else(|| told(Host::Github, "x-github-event", "x-hub-signature-256", &["x-github-delivery"]))
    }

    /// Whether who sent it knows the secret; compared in constant time.
    pub(super) fn is_from(&self, secret: &str, body: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signed = |hex_tag: &str| hex::decode(hex_tag).is_ok_and(|tag| hmac::verify(&key, body, &tag).is_ok());
        match self.host {
            _ if secret.is_empty() => false,
            Host::Github => self.proof.strip_prefix("sha256=").is_some_and(signed),
            Host::Gitea => signed(&self.proof),
            // GitLab sends the secret itself. What is compared are keyed digests, so that no time tells how much was right.
            Host::Gitlab => {
                hmac::verify(&key, secret.as_bytes(), hmac::sign(&key, self.proof.as_bytes()).as_ref()).is_ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(headers: &[(&'static str, &str)], body: &[u8]) -> Option<Delivery> {
        let pairs = headers.iter().map(|(name, value)| {
            (axum::http::HeaderName::from_static(name), axum::http::HeaderValue::from_str(value).unwrap())
        });
        Delivery::of(&pairs.collect(), body)
    }

    #[test]
    fn the_example_of_github_s_own_documentation_is_believed_and_nothing_else() {
        let (secret, body) = ("It's a Secret to Everybody", b"Hello, World!");
        let proof = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let of = |proof: &str| delivery(&[("x-github-event", "push"), ("x-hub-signature-256", proof)], body).unwrap();
        assert!(of(proof).is_from(secret, body));
        assert!(!of(proof).is_from("another", body));
        assert!(!of(proof).is_from(secret, b"Hello, World?"));
        assert!(!of(&proof[7..]).is_from(secret, body));
        assert!(!of("").is_from(secret, body));
    }

    #[test]
    fn gitlab_s_token_is_the_whole_secret() {
        let of = |token: &str| delivery(&[("x-gitlab-event", "Push Hook"), ("x-gitlab-token", token)], b"{}").unwrap();
        assert!(of("hunter2").is_from("hunter2", b"{}"));
        for token in ["", "hunter", "hunter22"] {
            assert!(!of(token).is_from("hunter2", b"{}"), "{token}");
        }
        assert!(!of("").is_from("", b"{}"), "no secret is no proof");
    }

    #[test]
    fn a_gitea_that_also_speaks_like_github_is_a_gitea() {
        let headers = [("x-github-event", "push"), ("x-gitea-event", "push"), ("x-gitea-delivery", "7")];
        let delivery = delivery(&headers, b"").unwrap();
        assert_eq!(delivery.host, Host::Gitea);
        assert_eq!(delivery.names[0], "7");
    }

    #[test]
    fn other_headers_are_of_nobody() {
        assert!(delivery(&[("x-event-key", "repo:push")], b"").is_none());
    }
}
