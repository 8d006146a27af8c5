//! A browser without JavaScript: it keeps its cookie, and sends forms as pages have them.

use axum::http::Method;

use super::{Answer, Request, Server};

/// One browser.
pub(crate) struct Browser<'a> {
    server: &'a Server,
    /// What it sends as its cookie; empty when it has none.
    pub(crate) cookie: String,
}

impl Server {
    /// A browser in which nobody has signed in.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { server: self, cookie: String::new() }
    }

    /// A browser in which somebody has signed in with this token.
    pub(crate) async fn signed_in(&self, token: &str) -> Browser<'_> {
        let mut browser = self.browser();
        let answer = browser.sign_in(token, "/app").await.is(303);
        assert_eq!(answer.header("location"), "/app");
        browser
    }
}

impl<'a> Browser<'a> {
    /// Looks at a page.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// A page that is there.
    pub(crate) async fn page(&mut self, path: &str) -> String {
        self.get(path).await.is(200).text()
    }

    /// Sends a form with the token that the pages of this browser's forms have.
    pub(crate) async fn send_form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.form_token().await;
        let fields: Vec<_> = fields.iter().copied().chain([("form_token", token.as_str())]).collect();
        self.send(self.form(path, &fields)).await
    }

    /// A form as it is, to which anything may be added.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> Request<'a> {
        let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let request = self.request(Method::POST, path);
        request.header("content-type", "application/x-www-form-urlencoded").bytes(fields.join("&"))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> Request<'a> {
        let request = self.server.request(method, path).at_root(path).anonymous();
        if self.cookie.is_empty() { request } else { request.header("cookie", &self.cookie) }
    }

    /// Signs in, from whatever page it is at.
    pub(crate) async fn sign_in(&mut self, token: &str, to: &str) -> Answer {
        self.send_form("/sign-in", &[("token", token), ("to", to)]).await
    }

    /// The token in the first form of a page: the sign-in's, or of who is signed in already.
    pub(crate) async fn form_token(&mut self) -> String {
        let answer = self.get("/sign-in").await;
        let text = match answer.status.as_u16() {
            303 => self.page("/app").await,
            _ => answer.is(200).text(),
        };
        let (_, rest) = text.split_once("name=\"form_token\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }

    async fn send(&mut self, request: Request<'_>) -> Answer {
        let answer = request.send().await;
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            self.cookie = cookie.to_owned();
        }
        answer
    }
}
