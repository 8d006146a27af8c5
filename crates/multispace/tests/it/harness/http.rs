//! One HTTP request to the server under test: enough to look at what no terraform command shows.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// The answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.body))
    }
}

/// HTTP/1.0, so that the body ends with the connection and needs no decoding.
pub(crate) fn request(address: &str, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the server accepts connections");
    let body = body.map(Value::to_string).unwrap_or_default();
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\n{authorization}Accept: application/vnd.api+json\r\n\
         Content-Type: application/vnd.api+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("the request is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the answer is read");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (headers, body) = answer.split_once("\r\n\r\n").expect("the answer has headers and a body");
    let status = headers.split_whitespace().nth(1).and_then(|code| code.parse().ok()).expect("a status line");
    Answer { status, headers: headers.to_lowercase(), body: body.to_owned() }
}
