//! A person in front of the server's pages, with a browser that has no JavaScript.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::http::Answer;
use super::server::Server;

/// A browser in which the owner has signed in.
pub(crate) struct Person<'a> {
    server: &'a Server,
    cookie: String,
}

impl<'a> Person<'a> {
    /// Signs in with the owner's token.
    #[track_caller]
    pub(crate) fn signed_in(server: &'a Server) -> Self {
        let mut person = Self { server, cookie: String::new() };
        let form = person.get("/sign-in");
        person.keep_cookie(&form);
        let fields = [("token", server.token()), ("to", "/app"), ("form_token", &form_token(&form.body))];
        let answer = person.post("/sign-in", &fields);
        assert_eq!(answer.status, 303, "{answer:?}");
        person.keep_cookie(&answer);
        person
    }

    /// A page that is there.
    #[track_caller]
    pub(crate) fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    /// Sends the form of a page to the address below it, as its button does, with a comment.
    #[track_caller]
    pub(crate) fn presses(&self, page: &str, button: &str, comment: &str) {
        let text = self.page(page);
        let target = format!("{page}/{button}");
        assert!(text.contains(&format!("formaction=\"{target}\"")), "there is no such button: {text}");
        let answer = self.post(&target, &[("comment", comment), ("form_token", &form_token(&text))]);
        assert_eq!(answer.status, 303, "{answer:?}");
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "")
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.send("POST", path, &fields.join("&"))
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let address = self.server.address();
        let mut stream = TcpStream::connect(address).expect("the server accepts connections");
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {address}\r\nCookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.cookie,
            body.len()
        )
        .expect("the request is sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the answer is read");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (headers, body) = answer.split_once("\r\n\r\n").expect("the answer has headers and a body");
        let status = headers.split_whitespace().nth(1).and_then(|code| code.parse().ok()).expect("a status line");
        Answer { status, headers: headers.to_owned(), body: body.to_owned() }
    }

    fn keep_cookie(&mut self, answer: &Answer) {
        let mut lines = answer.headers.lines().filter_map(|line| line.split_once(": "));
        let cookie = lines.find(|(name, _)| name.eq_ignore_ascii_case("set-cookie")).expect("a cookie").1;
        self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    }
}

/// What the forms of a page carry.
#[track_caller]
fn form_token(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"form_token\" value=\"").expect("a form");
    rest.split('"').next().unwrap_or_default().to_owned()
}
