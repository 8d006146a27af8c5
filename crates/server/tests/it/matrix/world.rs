//! Everybody who asks, and what they ask for.

use std::cell::RefCell;
use std::collections::HashMap;

use axum::http::Method;
use serde_json::json;

use super::Body;
use super::place::{ASKED, Place};
use crate::access::token_of_run;
use crate::harness::{Database, ORGANIZATION, Server};

/// Who asks, in the order of the table's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Asker {
    Anonymous,
    Outsider,
    Member,
    Reads,
    Plans,
    Writes,
    Admin,
    Site,
    Organization,
    Team,
    RunOwn,
    RunOther,
}

impl Asker {
    /// Those who may do no harm to what the others ask for.
    pub(super) const CAUTIOUS: [Self; 10] = [
        Self::Anonymous,
        Self::Outsider,
        Self::RunOther,
        Self::RunOwn,
        Self::Member,
        Self::Reads,
        Self::Plans,
        Self::Team,
        Self::Writes,
        Self::Admin,
    ];
    /// Those who end things.
    pub(super) const LAST: [Self; 2] = [Self::Organization, Self::Site];
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell(pub(super) String);

/// The server with everybody and everything.
pub(super) struct World {
    pub(super) server: Server,
    own: Place,
    other: Place,
    written: Place,
    managed: Place,
    tokens: RefCell<HashMap<Asker, String>>,
    /// The cookies of browsers in which they have signed in.
    cookies: RefCell<HashMap<Asker, String>>,
    user: String,
}

impl World {
    pub(super) async fn prepare() -> Self {
        let server = Server::open(Database::Sqlite).await;
        let mut places = Vec::new();
        for name in ["own", "other", "written", "managed"] {
            places.push(Place::prepare(&server, &server.project(name).await, name).await);
        }
        let [own, other, written, managed] = places.try_into().unwrap_or_else(|_| unreachable!("there are four"));
        let mut tokens = HashMap::new();
        for (asker, role, place) in [
            (Asker::Reads, "read", &own),
            (Asker::Plans, "plan", &own),
            (Asker::Writes, "write", &written),
            (Asker::Admin, "admin", &managed),
        ] {
            let team = server.team(&format!("of-{role}")).await;
            server.team_on_workspace(&team, place.workspace(), role).await;
            server.team_on_project(&team, place.project(), if role == "plan" { "read" } else { role }).await;
            tokens.insert(asker, server.person(role, &[&team]).await.token);
        }
        tokens.insert(Asker::Member, server.person("member", &[]).await.token);
        tokens.insert(Asker::Outsider, outsider(&server).await);
        let run = token_of_run(&server, "own").await;
        tokens.insert(Asker::RunOwn, run.clone());
        tokens.insert(Asker::RunOther, run);
        tokens.insert(Asker::Team, own.secret.clone());
        tokens.insert(Asker::Site, server.token.clone());
        let user = server.get("/account/details").await.id();
        let (tokens, cookies) = (RefCell::new(tokens), RefCell::default());
        Self { server, own, other, written, managed, tokens, cookies, user }
    }

    pub(super) async fn renew_organization_token(&self) {
        let path = format!("/organizations/{ORGANIZATION}/authentication-token");
        let made = self.server.post(&path, json!({ "data": {} })).await;
        let secret = made.text_at("/data/attributes/token").to_owned();
        self.tokens.borrow_mut().insert(Asker::Organization, secret);
        self.cookies.borrow_mut().remove(&Asker::Organization);
    }

    /// One cell.
    pub(super) async fn ask(&self, asker: Asker, method: &str, path: &str) -> Cell {
        let place = match asker {
            Asker::Writes => &self.written,
            Asker::Admin => &self.managed,
            Asker::Organization | Asker::RunOther => &self.other,
            _ => &self.own,
        };
        let (at, body) = (place.fill(path, &self.user), place.body(method, path));
        let token = self.tokens.borrow().get(&asker).cloned();
        Cell(match is_page(path) {
            true => self.page(asker, token.as_deref(), method, &at).await,
            false => self.api(token.as_deref(), method, &at, &body).await,
        })
    }

    async fn api(&self, token: Option<&str>, method: &str, path: &str, body: &Body) -> String {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.server.request(method, path).at_root(path).anonymous();
        if let Some(token) = token {
            request = request.token(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await;
        match answer.status.as_u16() {
            refused @ (401 | 403 | 404) => refused.to_string(),
            500.. => "broken".to_owned(),
            200 if answer.text().starts_with("{\"data\":[]") => "none".to_owned(),
            _ => "yes".to_owned(),
        }
    }

    /// Where somebody is led who may not see the page, or cannot sign in at all.
    async fn page(&self, asker: Asker, token: Option<&str>, method: &str, path: &str) -> String {
        let mut browser = self.server.browser();
        let keeps = !path.starts_with("/sign-");
        let known = self.cookies.borrow().get(&asker).filter(|_| keeps).cloned();
        match (known, token) {
            (Some(cookie), _) => browser.cookie = cookie,
            (None, Some(token)) => {
                browser.sign_in(token, "/app").await;
                if keeps {
                    self.cookies.borrow_mut().insert(asker, browser.cookie.clone());
                }
            }
            (None, None) => {}
        }
        let email = format!("{asker:?}@example.com");
        let mut fields = vec![("token", token.unwrap_or_default()), ("email", &email)];
        if path == "/app/settings/authorize/approve" {
            fields.extend(ASKED);
        }
        let answer = match method {
            // It goes on as long as the run does; its head says enough.
            "GET" if path.ends_with("/events") => browser.request(Method::HEAD, path).send().await,
            "GET" => browser.get(path).await,
            _ => browser.send_form(path, &fields).await,
        };
        let leads_to_sign_in = answer.header("location").starts_with("/sign-in");
        match answer.status.as_u16() {
            303 if leads_to_sign_in && path != "/sign-out" => "sign-in".to_owned(),
            refused @ (403 | 404 | 422) => refused.to_string(),
            500.. => "broken".to_owned(),
            _ => "yes".to_owned(),
        }
    }
}

/// The token of a user who owns another organization, and is in no other.
async fn outsider(server: &Server) -> String {
    let elsewhere = json!({ "data": { "attributes": { "name": "elsewhere", "email": "a@b.example" } } });
    server.post("/organizations", elsewhere).await.is(201);
    let teams = server.get("/organizations/elsewhere/teams").await.is(200);
    server.person_in("elsewhere", "outsider", &[&teams.ids()[0]]).await.token
}

/// Every route, in the order in which they are asked for.
pub(super) fn routes() -> Vec<(&'static str, String)> {
    let mut routes = server::routes();
    routes.sort_by_key(|(method, path)| {
        let deletes = *method == "DELETE";
        let whole = deletes && !path.contains("/relationships/");
        // A connection is deleted after its credentials, which would be gone with it.
        let last = path.starts_with("/api/v2/organizations/{o") || path == "/api/v2/oauth-clients/{id}";
        // Pages delete before the API does, which deletes what they are of, and what is in something before that.
        let page_deletes = *method == "POST" && is_page(path) && path.ends_with("/delete");
        let depth = if page_deletes { path.split('/').count() } else { 0 };
        (deletes && last, whole, deletes, page_deletes, std::cmp::Reverse(depth))
    });
    routes
}

/// Whether a path is for browsers: a session stands in for the token there.
fn is_page(path: &str) -> bool {
    path == "/" || path.starts_with("/app") || path.starts_with("/sign-")
}
