//! A proxy in front of a server under test that is a bad line and a strict host at once: it is slow, sends clients away
//! with 429, cuts connections before a request arrives, and after it was carried out, so that the answer is lost. As HCP
//! Terraform does, it keeps the JSON of plans at another address, which must not be sent the token.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long each answer is kept back.
const SLOW: Duration = Duration::from_millis(15);

/// What came through.
#[derive(Default)]
pub(crate) struct Seen {
    /// Requests.
    pub(crate) requests: AtomicUsize,
    /// Requests that were sent away.
    pub(crate) limited: AtomicUsize,
    /// Connections that were cut before the request was passed on.
    pub(crate) cut: AtomicUsize,
    /// Requests for a run that were carried out and whose answer was lost.
    pub(crate) lost_runs: AtomicUsize,
    /// Other requests of that kind.
    pub(crate) lost: AtomicUsize,
    /// Plans that were read at the other address, by path, with the head of the request that was led there.
    pub(crate) plans: Mutex<BTreeMap<String, String>>,
    /// Requests to the other address that had a token.
    pub(crate) leaks: AtomicUsize,
    /// `METHOD PATH` of every request that asked for a run, in order.
    pub(crate) starts: Mutex<Vec<String>>,
}

/// A proxy on a port of its own.
pub(crate) struct Proxy {
    port: u16,
    seen: Arc<Seen>,
}

impl Proxy {
    /// In front of `server` (`127.0.0.1:PORT`).
    pub(crate) fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::<Seen>::default();
        let (server, counted) = (server.to_owned(), seen.clone());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (server, seen) = (server.clone(), counted.clone());
                // A client or a server that is gone is what this is here for.
                thread::spawn(move || drop(serve(client, &server, &seen)));
            }
        });
        Self { port, seen }
    }

    /// `localhost:PORT`.
    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn seen(&self) -> &Seen {
        &self.seen
    }
}

/// One request on one connection.
fn serve(mut client: TcpStream, server: &str, seen: &Seen) -> std::io::Result<()> {
    let Some((head, body)) = request(&mut client)? else { return Ok(()) };
    let number = seen.requests.fetch_add(1, Ordering::Relaxed);
    let line = head.lines().next().unwrap_or_default().to_owned();
    let starts_a_run = line.starts_with("POST /api/v2/runs ");
    if starts_a_run {
        seen.starts.lock().expect("no thread panics with it").push(line);
    }
    thread::sleep(SLOW);
    if number % 9 == 4 {
        seen.limited.fetch_add(1, Ordering::Relaxed);
        let body = r#"{"errors":[{"status":"429","title":"Too many requests"}]}"#;
        write!(
            client,
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0.2\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )?;
        return client.shutdown(Shutdown::Both);
    }
    if number % 11 == 7 {
        seen.cut.fetch_add(1, Ordering::Relaxed);
        return client.shutdown(Shutdown::Both);
    }
    let path = line_path(&head).to_owned();
    let head = match path.strip_prefix("/elsewhere") {
        Some(plan) => {
            let has_token = head.to_lowercase().contains("\r\nauthorization:");
            seen.leaks.fetch_add(usize::from(has_token), Ordering::Relaxed);
            seen.plans.lock().expect("no thread panics with it").get(plan).cloned().unwrap_or_default()
        }
        None if path.ends_with("/json-output") => {
            // Another name of the same host is another origin.
            let port = client.local_addr()?.port();
            seen.plans.lock().expect("no thread panics with it").insert(path.clone(), head);
            write!(
                client,
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://localhost:{port}/elsewhere{path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )?;
            return client.shutdown(Shutdown::Both);
        }
        None => head,
    };
    let mut there = TcpStream::connect(server)?;
    there.write_all(head.as_bytes())?;
    there.write_all(&body)?;
    // Half of the requests that start something lose their answer.
    let is_lost = if starts_a_run {
        seen.starts.lock().expect("no thread panics with it").len() % 2 == 1
    } else {
        number % 13 == 5
    };
    let mut answer = Vec::new();
    there.read_to_end(&mut answer)?;
    if is_lost {
        if starts_a_run { &seen.lost_runs } else { &seen.lost }.fetch_add(1, Ordering::Relaxed);
        return client.shutdown(Shutdown::Both);
    }
    client.write_all(&answer)?;
    client.shutdown(Shutdown::Write)
}

fn line_path(head: &str) -> &str {
    head.split_whitespace().nth(1).unwrap_or_default()
}

/// Head and body of a request; the connection to the server is to end with its answer.
fn request(client: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let (mut read, mut piece) = (Vec::new(), [0; 16384]);
    let end = loop {
        if let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") {
            break end + 4;
        }
        match client.read(&mut piece)? {
            0 => return Ok(None),
            count => read.extend_from_slice(&piece[..count]),
        }
    };
    let mut body = read.split_off(end);
    let head = String::from_utf8_lossy(&read).into_owned();
    let length = head.lines().filter_map(|line| line.split_once(':'));
    let mut length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.next_back().and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0);
    while body.len() < length {
        match client.read(&mut piece)? {
            0 => return Ok(None),
            count => body.extend_from_slice(&piece[..count]),
        }
    }
    Ok(Some((head.replacen("\r\n", "\r\nConnection: close\r\n", 1), body)))
}
