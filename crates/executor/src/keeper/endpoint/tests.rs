use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// An endpoint with a state in a temporary folder.
struct Ground {
    folder: tempfile::TempDir,
    endpoint: Arc<Endpoint>,
    address: std::net::SocketAddr,
    _serving: tokio_util::task::AbortOnDropHandle<()>,
}

fn state(serial: u64, lineage: &str) -> String {
    format!(r#"{{"version":4,"serial":{serial},"lineage":"{lineage}"}}"#)
}

const MINE: &str = r#"{"ID":"mine","Who":"me"}"#;
const THEIRS: &str = r#"{"ID":"theirs"}"#;

impl Ground {
    async fn new(prior: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("terraform.tfstate");
        if let Some(prior) = prior {
            fs::write(&file, prior).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let endpoint = Arc::new(Endpoint::open("secret".to_owned(), file).unwrap());
        let serving = tokio::spawn(serve(listener, endpoint.clone()));
        Self { folder, endpoint, address, _serving: tokio_util::task::AbortOnDropHandle::new(serving) }
    }

    fn file(&self) -> Option<String> {
        fs::read_to_string(self.folder.path().join("terraform.tfstate")).ok()
    }

    /// What is answered: the status, and the body.
    async fn raw(&self, request: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        (status, body.to_owned())
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.raw(request.as_bytes()).await
    }

    async fn status(&self, method: &str, path: &str, body: &str) -> u16 {
        self.ask(method, path, body).await.0
    }
}

#[tokio::test]
async fn a_state_that_was_acknowledged_is_in_the_file_and_is_answered() {
    let ground = Ground::new(None).await;
    assert_eq!(ground.status("GET", "/secret", "").await, 404);
    assert_eq!(ground.status("LOCK", "/secret", MINE).await, 200);
    for serial in [1, 1, 2] {
        assert_eq!(ground.status("POST", "/secret?ID=mine", &state(serial, "a")).await, 200);
        assert_eq!(ground.file(), Some(state(serial, "a")));
        assert_eq!(ground.ask("GET", "/secret", "").await, (200, state(serial, "a")));
    }
    assert_eq!(ground.status("UNLOCK", "/secret", MINE).await, 200);
}

#[tokio::test]
async fn who_does_not_know_the_path_gets_nothing_and_changes_nothing() {
    let ground = Ground::new(Some(&state(1, "a"))).await;
    for path in ["/", "/secre", "/secrets", "/secret/", "/SECRET", "//secret", "/other?ID=mine"] {
        for method in ["GET", "POST", "LOCK", "UNLOCK", "DELETE"] {
            assert_eq!(ground.ask(method, path, MINE).await, (404, String::new()), "{method} {path}");
        }
    }
    assert_eq!(ground.status("DELETE", "/secret", "").await, 405);
    assert_eq!(ground.file(), Some(state(1, "a")));
}

#[tokio::test]
async fn only_who_holds_the_lock_stores_and_a_lock_that_is_asked_for_twice_is_one() {
    let ground = Ground::new(Some(&state(1, "a"))).await;
    assert_eq!(ground.status("POST", "/secret", &state(2, "a")).await, 409, "nobody holds it");
    assert_eq!(ground.status("POST", "/secret?ID=mine", &state(2, "a")).await, 409);
    // The answer to the first was lost.
    for _ in 0..2 {
        assert_eq!(ground.status("LOCK", "/secret", MINE).await, 200);
    }
    assert_eq!(ground.ask("LOCK", "/secret", THEIRS).await, (423, MINE.to_owned()));
    assert_eq!(ground.status("POST", "/secret?ID=theirs", &state(2, "a")).await, 409);
    assert_eq!(ground.status("UNLOCK", "/secret", THEIRS).await, 409);
    assert_eq!(ground.status("POST", "/secret", &state(2, "a")).await, 409);
    assert_eq!(ground.file(), Some(state(1, "a")));
    for _ in 0..2 {
        assert_eq!(ground.status("UNLOCK", "/secret", MINE).await, 200);
    }
    assert_eq!(ground.status("LOCK", "/secret", THEIRS).await, 200);
}

#[tokio::test]
async fn what_does_not_continue_the_state_or_is_not_whole_is_refused() {
    let ground = Ground::new(Some(&state(3, "a"))).await;
    assert_eq!(ground.status("LOCK", "/secret", MINE).await, 200);
    let whole = state(4, "a");
    for wrong in [state(2, "a"), state(9, "b"), whole[..whole.len() - 1].to_owned(), String::new(), "[]".to_owned()] {
        assert_eq!(ground.status("POST", "/secret?ID=mine", &wrong).await, 400, "{wrong}");
    }
    for wrong in ["", "{}", "[", "{\"ID\":1}"] {
        assert_eq!(ground.status("LOCK", "/secret", wrong).await, 400, "{wrong}");
        assert_eq!(ground.status("UNLOCK", "/secret", wrong).await, 400, "{wrong}");
    }
    assert_eq!(ground.file(), Some(state(3, "a")));
    assert_eq!(ground.status("POST", "/secret?ID=mine", &state(3, "a")).await, 200, "the very same");
}

#[tokio::test]
async fn a_request_that_is_cut_off_stores_nothing() {
    let ground = Ground::new(Some(&state(1, "a"))).await;
    assert_eq!(ground.status("LOCK", "/secret", MINE).await, 200);
    let text = state(2, "a");
    let head = format!("POST /secret?ID=mine HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", text.len() + 1);
    let mut stream = TcpStream::connect(ground.address).await.unwrap();
    stream.write_all((head + &text).as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    ground.endpoint.settled().await;
    assert_eq!(ground.file(), Some(state(1, "a")));
}

#[tokio::test]
async fn a_state_that_cannot_be_stored_is_not_acknowledged() {
    let ground = Ground::new(Some(&state(1, "a"))).await;
    assert_eq!(ground.status("LOCK", "/secret", MINE).await, 200);
    // A folder where the file beside would be.
    fs::create_dir(ground.folder.path().join("terraform.new")).unwrap();
    assert_eq!(ground.status("POST", "/secret?ID=mine", &state(2, "a")).await, 500);
    assert_eq!(ground.ask("GET", "/secret", "").await, (200, state(1, "a")));
}

#[tokio::test]
async fn whatever_is_sent_the_endpoint_goes_on() {
    let ground = Ground::new(Some(&state(1, "a"))).await;
    for request in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET /secret HTTP/9.9\r\n\r\n",
        b"POST /secret?ID=mine HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: -1\r\n\r\n",
        b"POST /secret?ID=mine HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST /secret?ID=mine HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 999999999999\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(ground.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(ground.ask("GET", "/secret", "").await, (200, state(1, "a")));
}

#[tokio::test]
async fn who_knows_the_path_has_a_few_connections_and_others_take_none_of_them() {
    let ground = Ground::new(Some(&state(1, "a"))).await;
    let mut open = Vec::new();
    for (path, status) in [("/other", "404"), ("/secret", "200")].into_iter().flat_map(|it| [it; KNOWN]) {
        let mut stream = TcpStream::connect(ground.address).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), format!("HTTP/1.1 {status}"));
        open.push(stream);
    }
    assert_eq!(ground.status("GET", "/secret", "").await, 503);
    assert_eq!(ground.status("GET", "/other", "").await, 404);
}

#[tokio::test]
async fn a_document_of_a_lock_that_is_longer_than_any_is_not_read() {
    let ground = Ground::new(None).await;
    let long = format!("{{\"ID\":\"{}\"}}", "x".repeat(LONGEST_INFO as usize));
    assert_eq!(ground.status("LOCK", "/secret", &long).await, 413);
}
