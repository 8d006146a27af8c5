//! Bodies that are made to do harm: too large, too deep, or of another form than they should be. Each is refused in words, memory stays
//! flat, and the server answers others meanwhile.

use axum::body::Body;
use axum::http::Method;
use bytes::Bytes;
use figures::Figures;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Answer, Database, ORGANIZATION, Server, on_both};

/// How much memory a body may cost, in KB.
const BOUND: u64 = 64 * 1024;

/// JSON that nobody means well with, by name.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let named =
        |value: &str| format!(r#"{{"data":{{"type":"workspaces","attributes":{{"name":{value}}}}}}}"#).into_bytes();
    let beside = |value: &str| {
        format!(r#"{{"data":{{"type":"workspaces","attributes":{{"name":"x y","odd":{value}}}}}}}"#).into_bytes()
    };
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    let keys = (0..250_000).map(|at| format!("\"{at}\":1")).collect::<Vec<_>>().join(",");
    let million = (0..1_000_000).map(|at| format!("\"{at}\":1")).collect::<Vec<_>>().join(",");
    vec![
        ("nothing", Vec::new()),
        ("blanks", vec![b' '; 100_000]),
        ("words", b"hello".to_vec()),
        ("half a document", br#"{"data":{"type":"workspaces","attr"#.to_vec()),
        ("two documents", br#"{"data":{}}{"data":{}}"#.to_vec()),
        ("arrays in arrays", deep("[", "]").into_bytes()),
        ("objects in objects", deep("{\"a\":", "}").into_bytes()),
        ("arrays that do not end", "[".repeat(1_000_000).into_bytes()),
        ("arrays in the name", named(&deep("[", "]"))),
        ("arrays beside the name", beside(&deep("[", "]"))),
        ("objects beside the name", beside(&deep("{\"a\":", "}"))),
        ("250,000 keys", beside(&format!("{{{keys}}}"))),
        ("a million keys", beside(&format!("{{{million}}}"))),
        ("ten to the thousandth", named("1e1000")),
        ("a number of a million digits", named(&"9".repeat(1_000_000))),
        ("a number of a million digits beside the name", beside(&"9".repeat(1_000_000))),
        ("half a surrogate pair", named(r#""\ud800""#)),
        ("the other half", named(r#""\udc00x""#)),
        (
            "bytes that are not UTF-8",
            named("\"x\u{0}\"").into_iter().map(|byte| if byte == 0 { 0xff } else { byte }).collect(),
        ),
        ("a mark of the order of bytes", [&b"\xef\xbb\xbf"[..], &named("\"bom\"")].concat()),
        ("UTF-16", named("\"x\"").into_iter().flat_map(|byte| [byte, 0]).collect()),
        ("a zero character", named(r#""a\u0000b""#)),
        ("the same key twice", br#"{"data":{"attributes":{"name":"a","name":"b"}}}"#.to_vec()),
        ("an array instead of an object", br#"{"data":[{"type":"workspaces","attributes":{"name":"a"}}]}"#.to_vec()),
        ("a text instead of an object", br#"{"data":"workspaces"}"#.to_vec()),
        ("null for the name", named("null")),
        ("a control character in the name", named(r#""a\u001b[2J""#)),
        ("a name of a megabyte", named(&format!("\"{}\"", "n".repeat(1 << 20)))),
    ]
}

/// Documents with something that is no object where one has to be, by name.
fn without_objects() -> Vec<(&'static str, Value)> {
    vec![
        ("attributes that are an array", json!({ "data": { "type": "x", "attributes": ["a", "b", "c"] } })),
        ("attributes that are an empty array", json!({ "data": { "type": "x", "attributes": [] } })),
        ("attributes that are a text", json!({ "data": { "type": "x", "attributes": "a" } })),
        ("data that is an array of arrays", json!({ "data": [["a", "x"]] })),
        ("data that is a text", json!({ "data": "a" })),
        ("a document that is an array", json!([{ "type": "x", "attributes": { "name": "a" } }])),
        ("a document that is a number", json!(1)),
        (
            "relationships that are an array",
            json!({ "data": { "type": "x", "attributes": {}, "relationships": ["a"] } }),
        ),
    ]
}

/// A path of the route at which it reads its body before anything else, and what it then says of one that is no JSON. There is nothing at
/// the path, but the id is of the right kind.
async fn place_of(server: &Server, method: &Method, route: &str) -> Option<String> {
    let kinds = [
        "ws", "run", "varset", "var", "stk", "spl", "rt", "prj", "team", "tws", "tprj", "ou", "at", "oc", "ot", "cv",
        "sv",
    ];
    let route = route.replace("{organization}", ORGANIZATION).replace("/vars/{id}", "/vars/var-fSX576JZGENVaeMi");
    for kind in kinds {
        let id = format!("{kind}-fSX576JZGENVaeMi");
        let parts = route.split('/').map(|part| if part.starts_with('{') { id.as_str() } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        let answer = server.request(method.clone(), &path).bytes("{").send().await;
        if answer.status == 400 && answer.at("/errors/0")["code"] == "access/body" {
            return Some(path);
        }
    }
    None
}

/// The answer is a refusal as JSON:API has them, with words and without what was sent.
#[track_caller]
fn is_refusal(name: &str, answer: &Answer) {
    let status = answer.status.as_u16();
    assert!(matches!(status, 400 | 413 | 422), "{name}: {status} {}", answer.text());
    let error = answer.at("/errors/0");
    assert_eq!(error["status"], status.to_string(), "{name}");
    for part in ["code", "title"] {
        assert!(error[part].as_str().is_some_and(|text| !text.is_empty()), "{name}: {error}");
    }
    assert!(answer.body.len() < 16 * 1024, "{name}: an answer of {} bytes", answer.body.len());
}

/// Resets the mark of the most memory that this process had, and returns it.
fn low_mark() -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").expect("the mark is reset");
    high_mark()
}

fn high_mark() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a mark");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// A gigabyte, piece by piece; each piece is the same memory.
fn gigabyte(start: &'static str) -> Body {
    let piece = Bytes::from(vec![b'a'; 64 * 1024]);
    let pieces = std::iter::once(Bytes::from_static(start.as_bytes())).chain(std::iter::repeat_n(piece, 16 * 1024));
    Body::from_stream(futures::stream::iter(pieces.map(Ok::<_, std::convert::Infallible>)))
}

on_both! {
    async fn no_document_of_the_bombs_is_taken_and_none_makes_anything(server) {
        let paths = [format!("/organizations/{ORGANIZATION}/workspaces"), "/organizations".to_owned(), "/runs".to_owned()];
        for (name, body) in bombs() {
            for path in &paths {
                let request = server.request(Method::POST, path).header("content-type", "application/vnd.api+json");
                is_refusal(&format!("{name} to {path}"), &request.bytes(body.clone()).send().await);
            }
        }
        assert!(server.get(&format!("/organizations/{ORGANIZATION}/workspaces")).await.is(200).ids().is_empty());
        assert_eq!(server.get("/organizations").await.is(200).ids(), [ORGANIZATION]);
    }

    async fn what_is_no_object_is_taken_for_one_by_no_route(server) {
        let (mut places, mut cases) = (0, 0);
        for (method, route) in server::routes() {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            // What deletes a thing reads no body, and would do it.
            let deletes = method == Method::DELETE && !route.contains("/relationships/");
            if method == Method::GET || deletes || !route.starts_with("/api/v2") {
                continue;
            }
            let Some(place) = place_of(&server, &method, &route).await else { continue };
            places += 1;
            for (name, document) in without_objects() {
                // What is said with an action is two words; the rest of its document is not looked at.
                if route.contains("/actions/") && name.starts_with("relationships") {
                    continue;
                }
                let name = format!("{name} to {method} {route}");
                let answer = server.request(method.clone(), &place).json(&document).send().await;
                is_refusal(&name, &answer);
                let error = answer.at("/errors/0");
                assert_eq!(error["code"], "access/body", "{name}: {error}");
                assert!(!error.to_string().contains("struct "), "{name}: {error}");
                cases += 1;
            }
        }
        assert!(places >= 40, "{places} routes take a document");
        assert!(server.get(&format!("/organizations/{ORGANIZATION}/workspaces")).await.is(200).ids().is_empty());
        Figures::of("bodies", cases, cases).with("unexpected", 0).report();
    }

    async fn a_query_that_asks_for_too_much_is_answered_with_little(server) {
        let workspace = server.workspace("net").await;
        let lists = [
            format!("/organizations/{ORGANIZATION}/workspaces"),
            "/organizations".to_owned(),
            format!("/workspaces/{workspace}/runs"),
            format!("/workspaces/{workspace}/configuration-versions"),
        ];
        let many = (0..1500).map(|at| format!("filter[tagged][{at}][key]=k{at}")).collect::<Vec<_>>().join("&");
        for list in lists {
            for query in [
                "page[number]=18446744073709551615&page[size]=100",
                "page[number]=9223372036854775807&page[size]=100",
                "page[number]=-1&page[size]=1e999",
                "page[number][number][number]=1",
                "page=1&page[number]=1",
                "include=a.b.c.d.e.f.g.h,,,.,..",
                "search[name]=%25%25%25%5F%5C%27%22",
                "filter[tagged][99999999999999999999][key]=x",
                &many,
            ] {
                let answer = server.get(&format!("{list}?{query}")).await;
                assert!(matches!(answer.status.as_u16(), 200 | 400 | 414 | 422), "{list}?{query:.100}: {}", answer.text());
            }
        }
    }

    async fn no_state_that_is_none_is_taken(server) {
        let workspace = server.workspace("net").await;
        server.post(&format!("/workspaces/{workspace}/actions/lock"), json!({})).await.is(200);
        let good = json!({ "version": 4, "serial": 1, "lineage": "l", "terraform_version": "1.11.4", "outputs": {}, "resources": [] });
        let good = good.to_string().into_bytes();
        let deep = |value: &str| {
            format!(r#"{{"version":4,"serial":1,"lineage":"l","outputs":{{"a":{{"value":{value},"type":"dynamic"}}}},"resources":[]}}"#)
        };
        let arrays = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let cases: Vec<(&str, Vec<u8>)> = vec![
            ("nothing", Vec::new()),
            ("truncated", good[..good.len() - 10].to_vec()),
            ("cut to one byte", good[..1].to_vec()),
            ("words", b"hello".to_vec()),
            ("an array", b"[]".to_vec()),
            ("an array of what a state has", br#"[4,"1.11.4",1,"l",{},[]]"#.to_vec()),
            ("too deep", deep(&arrays).into_bytes()),
            ("attributes that are too deep", String::from_utf8(good.clone()).unwrap()
                .replace("\"resources\":[]", &format!(r#""resources":[{{"mode":"managed","type":"t","name":"n","instances":[{{"attributes":{arrays}}}]}}]"#)).into_bytes()),
            ("the same key twice", br#"{"version":4,"serial":1,"serial":2,"lineage":"l","lineage":"m"}"#.to_vec()),
            ("another version", br#"{"version":3,"serial":1,"lineage":"l"}"#.to_vec()),
            ("no lineage", br#"{"version":4,"serial":1,"lineage":""}"#.to_vec()),
            ("a negative serial", br#"{"version":4,"serial":-1,"lineage":"l"}"#.to_vec()),
            ("a serial that is too large", br#"{"version":4,"serial":99999999999999999999,"lineage":"l"}"#.to_vec()),
            ("not UTF-8", [&good[..10], b"\xff", &good[10..]].concat()),
            ("half a surrogate pair", String::from_utf8(good.clone()).unwrap().replace("\"l\"", "\"\\ud800\"").into_bytes()),
        ];
        for (name, bytes) in cases {
            let md5 = hex::encode(<md5::Md5 as md5::Digest>::digest(&bytes));
            let attributes = json!({ "serial": 1, "lineage": "l", "md5": md5, "force": false });
            let body = json!({ "data": { "type": "state-versions", "attributes": attributes } });
            let made = server.post(&format!("/workspaces/{workspace}/state-versions"), body).await.is(201);
            let put = server.request(Method::PUT, made.text_at("/data/attributes/hosted-state-upload-url"));
            is_refusal(name, &put.anonymous().bytes(bytes).send().await);
        }
        server.get(&format!("/workspaces/{workspace}/current-state-version")).await.refuses(404, "state/none");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gigabyte_is_refused_on_every_route_that_takes_a_document_and_memory_stays_flat() {
    let server = Server::open(Database::Sqlite).await;
    let all = bombs();
    let paths = [format!("/organizations/{ORGANIZATION}/workspaces"), "/runs".to_owned()];
    let send = async |path: &str, start, told: bool| {
        let request = server.request(Method::POST, path);
        let request = if told { request.header("content-length", "1073741824") } else { request };
        request.streamed(gigabyte(start)).send().await
    };
    // What the first request of a process costs is no matter of its body.
    send(&paths[0], "{", false).await.is(413);
    let before = low_mark();
    let mut count = 0;
    for path in &paths {
        for told in [false, true] {
            for start in ["{\"data\":\"", "[", ""] {
                is_refusal(path, &send(path, start, told).await.is(413));
                count += 1;
            }
        }
        for (name, body) in &all {
            is_refusal(name, &server.request(Method::POST, path).bytes(body.clone()).send().await);
            count += 1;
        }
    }
    let grown = high_mark().saturating_sub(before);
    assert!(grown < BOUND, "{grown} KB over {before} KB");
    Figures::of("bodies", count, count).with("unexpected", 0).report();
}

/// The negative control: a reader without a limit is seen by the same mark.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mark_of_memory_sees_a_body_that_is_read_to_its_end() {
    let before = low_mark();
    let piece = Bytes::from(vec![b'a'; 64 * 1024]);
    let pieces = std::iter::repeat_n(piece, 2048).map(Ok::<_, std::convert::Infallible>);
    let read = axum::body::to_bytes(Body::from_stream(futures::stream::iter(pieces)), usize::MAX).await.unwrap();
    assert_eq!(read.len(), 128 * 1024 * 1024);
    assert!(high_mark().saturating_sub(before) > BOUND);
    figures::control("bodies");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_gigabytes_come_over_the_network_others_are_answered() {
    let server = Server::open(Database::Sqlite).await;
    let line = server.listen().await;
    let mut floods = tokio::task::JoinSet::new();
    let head = format!(
        "POST /api/v2/organizations/{ORGANIZATION}/workspaces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/vnd.api+json\r\nTransfer-Encoding: chunked\r\n\r\n",
        server.token
    );
    let before = low_mark();
    for _ in 0..4 {
        floods.spawn(flood(line.server, head.clone()));
    }
    for _ in 0..50 {
        server.get(&format!("/organizations/{ORGANIZATION}/workspaces")).await.is(200);
    }
    while let Some(answer) = floods.join_next().await {
        let answer = answer.unwrap();
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!(body["errors"][0]["code"], "access/too-large");
    }
    let grown = high_mark().saturating_sub(before);
    assert!(grown < BOUND, "{grown} KB over {before} KB");
}

/// Sends a gigabyte, as far as it is taken, and returns what was answered.
async fn flood(server: std::net::SocketAddr, head: String) -> String {
    let (mut from, mut to) = TcpStream::connect(server).await.unwrap().into_split();
    let sent = tokio::spawn(async move {
        let chunk = [b"10000\r\n".as_slice(), &[b'['; 0x10000], b"\r\n"].concat();
        to.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..16 * 1024 {
            if to.write_all(&chunk).await.is_err() {
                break;
            }
        }
        // Until the answer was read.
        to
    });
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        answer.extend_from_slice(&piece[..count]);
    }
    drop(sent.await);
    String::from_utf8(answer).unwrap()
}
