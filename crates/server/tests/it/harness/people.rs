//! People: invited, come in, and with a token of their own.

use serde_json::json;

use super::{ORGANIZATION, Server};

/// A user who has come in.
pub(crate) struct Person {
    pub(crate) id: String,
    /// Id of the membership by which they came.
    pub(crate) membership: String,
    /// A token of theirs.
    pub(crate) token: String,
}

/// The password of everybody in tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

impl Server {
    /// A member of the organization, in these teams.
    pub(crate) async fn person(&self, name: &str, teams: &[&str]) -> Person {
        self.person_in(ORGANIZATION, name, teams).await
    }

    /// A member of another organization.
    pub(crate) async fn person_in(&self, organization: &str, name: &str, teams: &[&str]) -> Person {
        let (membership, link) = self.invited_to(organization, name, teams).await;
        let mut browser = self.browser();
        browser.come_in(&link, name, PASSWORD).await.is(303);
        let made = browser.send_form("/app/settings/tokens/make", &[("description", "first")]).await.is(200).text();
        let (_, rest) = made.split_once("<code>").expect("a secret");
        let token = rest.split('<').next().unwrap().to_owned();
        let id = self.request(axum::http::Method::GET, "/account/details").token(&token).send().await.is(200).id();
        Person { id, membership, token }
    }

    /// Somebody who was invited: id of the membership, and the key of the link.
    pub(crate) async fn invited_to(&self, organization: &str, name: &str, teams: &[&str]) -> (String, String) {
        let teams: Vec<_> = teams.iter().map(|id| json!({ "type": "teams", "id": id })).collect();
        let body = json!({ "data": {
            "attributes": { "email": format!("{name}@example.com") },
            "relationships": { "teams": { "data": teams } },
        } });
        let path = format!("/organizations/{organization}/organization-memberships");
        let invited = self.post(&path, body).await.is(201);
        let link = invited.text_at("/data/attributes/invitation-link");
        let (_, key) = link.split_once("/app/settings/join?key=").expect("a link");
        (invited.id(), key.to_owned())
    }
}

impl super::browser::Browser<'_> {
    /// Makes an account by a link.
    pub(crate) async fn come_in(&mut self, key: &str, name: &str, password: &str) -> super::Answer {
        let email = format!("{name}@example.com");
        let fields = [("key", key), ("username", name), ("email", &email), ("password", password), ("again", password)];
        self.send_form("/app/settings/join/accept", &fields).await
    }

    /// Signs in with a password.
    pub(crate) async fn sign_in_as(&mut self, name: &str, password: &str) -> super::Answer {
        self.send_form("/sign-in", &[("username", name), ("password", password), ("to", "/app")]).await
    }
}
