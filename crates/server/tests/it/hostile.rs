//! Clients that mean no good, or do not mean it well enough: slow ones, greedy ones, and requests that no browser would send. On a
//! listener of its own and by hand, since no library would send them.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::Method;
use figures::Figures;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::harness::{Database, ORGANIZATION, Server};

/// The server on a listener, for as long as the work with it takes.
async fn on_a_listener<T>(server: &Server, work: impl AsyncFnOnce(SocketAddr) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    tokio::select! {
        ended = server::serve(server.engine(), listener, None, stop.clone()) => panic!("it stopped listening: {ended:?}"),
        done = work(address) => done,
    }
}

/// Sends bytes and reads what comes until the other end closes; `None` when the connection is cut.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that has heard enough may close before everything was sent.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    (!answer.is_empty()).then(|| String::from_utf8_lossy(&answer).into_owned())
}

/// The status of the first answer; 0 when the connection was closed without one.
async fn status(address: SocketAddr, request: &str) -> u16 {
    let answer = exchange(address, request.as_bytes()).await.unwrap_or_default();
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// Bytes that are more than the system keeps for somebody who does not read.
const LONG: usize = 8_000_000;

async fn is_well(address: SocketAddr) {
    assert_eq!(status(address, "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await, 200);
}

/// Says how many hostile requests there were; each was answered as it should be, or the test has failed.
fn report(cases: usize) {
    Figures::of("http", cases, cases).with("unexpected", 0).report();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_plays_tricks_leads_nowhere() {
    let server = Server::open(Database::Sqlite).await;
    server.workspace("net").await;
    let token = server.token.clone();
    let paths = [
        "/api/v2/organizations/%2e%2e/organizations",
        "/api/v2/organizations/acme/../acme/workspaces",
        "/api/v2/organizations/acme%2f..%2facme",
        "/api/v2//organizations",
        "//api/v2/organizations",
        "/api/v2/organizations/",
        "/api/v2/organizations/acme%00",
        "/api/v2/organizations/acme/workspaces/net%00",
        "/api/v2/organizations/acme/workspaces/n%D0%B5t",
        "/api/v2/organizations/acme/workspaces/net%E2%80%8B",
        "/api/v2/organizations/%E2%84%80cme",
        "/api/v2/organizations/acme/workspaces/net%20",
        "/api/v2/organizations/ACME%2E",
        "/api/v2/runs/run-../../organizations",
        "/api/v2/organizations;/acme",
        "/API/V2/organizations",
        "/signed/../api/v2/organizations",
        "/assets/..%2f..%2fkey",
        "/assets/%2e%2e/key",
        "/app/../api/v2/organizations",
        "/api/v2/organizations/%ff%fe",
        "/api/v2/organizations/%c0%ae%c0%ae/x",
    ];
    on_a_listener(&server, async |address| {
        let mut wrong = Vec::new();
        for path in paths {
            for method in ["GET", "DELETE", "PATCH"] {
                let request = format!(
                    "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                let status = status(address, &request).await;
                if !matches!(status, 400 | 404) {
                    wrong.push(format!("{method} {path}: {status}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        is_well(address).await;
        report(paths.len() * 3);
    })
    .await;
    // What nearly has the name of something is not it, and cannot be made either.
    for name in ["n\u{435}t", "net\u{200b}", "a/b", "..", "a b", "net\u{0}", "ｎet", ""] {
        let body = json!({ "data": { "attributes": { "name": name } } });
        let answer = server.post(&format!("/organizations/{ORGANIZATION}/workspaces"), body).await;
        assert_eq!(answer.status.as_u16(), 422, "{name:?}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_no_client_would_send_is_refused_and_changes_nothing() {
    let server = Server::open(Database::Sqlite).await;
    let workspace = server.workspace("net").await;
    let token = server.token.clone();
    let delete = format!("DELETE /api/v2/workspaces/{workspace} HTTP/1.1\r\nhost: x\r\n");
    let auth = format!("authorization: Bearer {token}\r\n");
    let end = "connection: close\r\n\r\n";
    let big = "a".repeat(1024 * 1024);
    let many: String = (0..500).map(|number| format!("x-{number}: 1\r\n")).collect();
    let requests = [
        format!("{delete}{auth}content-length: 1\r\ncontent-length: 2\r\n{end}xx"),
        format!("{delete}{auth}content-length: -1\r\n{end}"),
        format!("{delete}{auth}content-length: 1e3\r\n{end}"),
        // What nobody reads is never wrong, so this is about a route that reads.
        format!("PATCH{}{auth}transfer-encoding: chunked\r\n{end}zz\r\nx\r\n0\r\n\r\n", &delete[6..]),
        format!("{delete}{auth}transfer-encoding: gzip, chunked, identity\r\n{end}0\r\n\r\n"),
        format!("{delete}{auth}x: {big}\r\n{end}"),
        format!("{delete}{auth}{many}{end}"),
        format!("{delete}{auth}x\0y: 1\r\n{end}"),
        format!("{delete}{auth}x y: 1\r\n{end}"),
        format!("DELETE /api/v2/workspaces/{workspace}\0 HTTP/1.1\r\nhost: x\r\n{auth}{end}"),
        format!("DELETE /api/v2/workspaces/{workspace}?{big} HTTP/1.1\r\nhost: x\r\n{auth}{end}"),
        format!("DELETE /api/v2/workspaces/{workspace} HTTP/9.9\r\nhost: x\r\n{auth}{end}"),
        format!(
            "POST /api/v2/workspaces/{workspace} HTTP/1.1\r\nhost: x\r\n{auth}x-http-method-override: DELETE\r\ncontent-length: 0\r\n{end}"
        ),
        format!(
            "POST /api/v2/workspaces/{workspace}?_method=DELETE HTTP/1.1\r\nhost: x\r\n{auth}content-length: 0\r\n{end}"
        ),
        format!("TRACE /api/v2/workspaces/{workspace} HTTP/1.1\r\nhost: x\r\n{auth}{end}"),
        format!("CONNECT x:443 HTTP/1.1\r\nhost: x\r\n{auth}{end}"),
        "\0\0\0\0".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}fc\u{3}\u{3}".to_owned(),
    ];
    on_a_listener(&server, async |address| {
        let mut wrong = Vec::new();
        for request in &requests {
            let status = status(address, request).await;
            if !matches!(status, 0 | 400..=431) {
                wrong.push(format!("{status}: {}", request.chars().take(200).collect::<String>()));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        // Two lengths are how a request is hidden behind another from a proxy: the chunks alone count, and what a proxy might
        // take for the next request is a part of this one.
        let hidden = format!("{delete}{auth}{end}");
        let chunk = format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
        let both = format!(
            "POST /api/v2/organizations HTTP/1.1\r\nhost: x\r\n{auth}content-length: {}\r\ntransfer-encoding: chunked\r\n{end}{chunk}",
            chunk.find("DELETE").unwrap()
        );
        let answer = exchange(address, both.as_bytes()).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400") && answer.matches("HTTP/1.1").count() == 1, "{answer}");
        is_well(address).await;
        report(requests.len() + 1);
    })
    .await;
    server.get(&format!("/workspaces/{workspace}")).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_come_to_the_end_of_a_head_is_given_up_and_others_are_served_meanwhile() {
    let server = Server::open(Database::Sqlite).await;
    on_a_listener(&server, async |address| {
        let mut slow = Vec::new();
        for part in ["", "GET /healthz HTT", "GET /healthz HTTP/1.1\r\nhost: x\r\n", "GET /healthz HTTP/1.1\r\nx: "] {
            for _ in 0..50 {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write_all(part.as_bytes()).await.unwrap();
                slow.push(stream);
            }
        }
        is_well(address).await;
        let cases = slow.len();
        // All of them end by themselves; only a failure comes to the deadline.
        let ended = futures::future::join_all(slow.into_iter().map(|mut stream| async move {
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }));
        tokio::time::timeout(Duration::from_secs(60), ended).await.expect("every slow client is given up");
        is_well(address).await;
        report(cases);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_never_reads_is_dropped_and_the_others_read_on() {
    let server = Server::open(Database::Sqlite).await;
    let workspace = server.workspace("net").await;
    server.configuration(&workspace, false).await;
    server.give("net.plan.says", &"a line of a long log, that goes on and on\n".repeat(200_000));
    let run = server.run(&workspace, json!({ "plan-only": true })).await;
    server.until(&run, "planned_and_finished").await;
    let plan = server.get(&format!("/runs/{run}/plan")).await.is(200);
    let url = plan.text_at("/data/attributes/log-read-url").trim_start_matches(crate::harness::ORIGIN).to_owned();
    let log = server.request(Method::GET, &url).anonymous().send().await.is(200).body.len();
    assert!(log > LONG, "{log}");
    let raw = format!("/app/{ORGANIZATION}/net/runs/{run}/log/plan/raw");
    let browser = server.signed_in(&server.token).await;
    let request = format!("GET {raw} HTTP/1.1\r\nhost: x\r\ncookie: {}\r\nconnection: close\r\n\r\n", browser.cookie);
    on_a_listener(&server, async |address| {
        let mut deaf = Vec::new();
        for _ in 0..20 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            deaf.push(stream);
        }
        let whole = exchange_whole(address, &request).await;
        assert!(whole > LONG, "another reader gets all of it: {whole}");
        let cases = deaf.len();
        for stream in &deaf {
            until_given_up(address, stream.local_addr().unwrap()).await;
        }
        let read = futures::future::join_all(deaf.into_iter().map(|mut stream| async move {
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            rest.len()
        }))
        .await;
        assert!(read.iter().all(|read| *read < LONG), "{read:?}");
        is_well(address).await;
        report(cases);
    })
    .await;
}

/// Waits until the server has let go of its end of a connection, which only the system knows as long as the other does not read.
async fn until_given_up(server: SocketAddr, client: SocketAddr) {
    let ends = format!(":{:04X} 0100007F:{:04X} 01", server.port(), client.port());
    for _ in 0..6000 {
        if !std::fs::read_to_string("/proc/self/net/tcp").unwrap().contains(&ends) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("who never reads is never given up");
}

/// How many bytes an answer has, read as they come.
async fn exchange_whole(address: SocketAddr, request: &str) -> usize {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut count, mut buffer) = (0, vec![0; 64 * 1024]);
    loop {
        match stream.read(&mut buffer).await.unwrap() {
            0 => return count,
            read => count += read,
        }
    }
}

/// What this process has in memory, in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_opened_and_reset_at_once_end_their_connection_and_nothing_else() {
    let server = Server::open(Database::Sqlite).await;
    on_a_listener(&server, async |address| {
        let before = resident();
        let cases = 20_000 * figures::scale();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
        // GET http://x/healthz, by the indexes of HPACK's static table.
        let head = [&[0x82, 0x86, 0x44, 8][..], b"/healthz", &[0x41, 1], b"x"].concat();
        for number in 0..cases {
            let id = u32::try_from(number * 2 + 1).unwrap().to_be_bytes();
            bytes.extend([0, 0, u8::try_from(head.len()).unwrap(), 1, 5]);
            bytes.extend(id);
            bytes.extend(&head);
            bytes.extend([0, 0, 4, 3, 0]);
            bytes.extend(id);
            bytes.extend([0, 0, 0, 8]);
        }
        let (mut reading, mut writing) = stream.split();
        let (sent, answer) = tokio::join!(async { writing.write_all(&bytes).await }, async {
            let mut answer = Vec::new();
            let _ = reading.read_to_end(&mut answer).await;
            answer
        });
        // GOAWAY is the frame of type 7; or the connection was cut while it was being sent.
        let goes_away = frames(&answer).contains(&7);
        assert!(goes_away || sent.is_err(), "{:?}", frames(&answer));
        is_well(address).await;
        let grown = resident().saturating_sub(before);
        assert!(grown < 64 * 1024 * 1024, "memory grew by {grown} bytes");
        report(cases);
    })
    .await;
}

/// The types of the frames of HTTP/2 in an answer.
fn frames(mut bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    while let [a, b, c, kind, rest @ ..] = bytes {
        all.push(*kind);
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        bytes = rest.get(5 + length..).unwrap_or_default();
    }
    all
}
