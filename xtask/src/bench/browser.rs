//! A browser as far as the server can tell: it signs in with a token, keeps its cookie, and asks for what happens to a page.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How long the server may say nothing.
const DEADLINE: Duration = Duration::from_secs(60);

/// One that has signed in.
pub(super) struct Browser {
    address: String,
    cookie: String,
}

impl Browser {
    /// Signs in at `address` (`127.0.0.1:8080`) with a token.
    pub(super) fn signed_in(address: &str, token: &str) -> Result<Self> {
        let mut browser = Self { address: address.to_owned(), cookie: String::new() };
        let page = browser.sent("GET /sign-in", "")?;
        let (_, form) = page.split_once("name=\"form_token\" value=\"").context("the page to sign in has a form")?;
        let form_token = form.split('"').next().unwrap_or_default();
        let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let filled = format!("token={}&to=%2Fapp&form_token={}", encoded(token), encoded(form_token));
        let answer = browser.sent("POST /sign-in", &filled)?;
        if !answer.starts_with("HTTP/1.1 303") {
            bail!("signing in was answered with {}", answer.lines().next().unwrap_or("nothing"));
        }
        Ok(browser)
    }

    /// The stream of what happens to a page, line by line.
    pub(super) fn events(&self, path: &str) -> Result<impl BufRead + use<>> {
        let mut lines = BufReader::new(self.asked(&format!("GET {path}"), "Accept: text/event-stream\r\n", "")?);
        let mut status = String::new();
        lines.read_line(&mut status)?;
        if !status.starts_with("HTTP/1.1 200") {
            bail!("{path} was answered with {}", status.trim_end());
        }
        Ok(lines)
    }

    fn sent(&mut self, request: &str, form: &str) -> Result<String> {
        let more = "Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n";
        let mut answer = String::new();
        self.asked(request, more, form)?.read_to_string(&mut answer)?;
        if let Some((_, rest)) = answer.split_once("\r\nset-cookie: ") {
            self.cookie = rest.split(';').next().unwrap_or_default().to_owned();
        }
        Ok(answer)
    }

    fn asked(&self, request: &str, headers: &str, form: &str) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let (address, cookie, length) = (&self.address, &self.cookie, form.len());
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {cookie}\r\n{headers}\
             Content-Length: {length}\r\n\r\n{form}"
        )?;
        Ok(stream)
    }
}
