use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::{Limits, Reach};
use super::*;

/// Names of the test's own: each lookup gives the next of these lists, the last one again and again.
#[derive(Debug)]
struct Told {
    lists: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Names for Told {
    fn addresses<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let at = self.asked.fetch_add(1, Ordering::Relaxed).min(self.lists.len() - 1);
        let found = self.lists[at].clone();
        Box::pin(async move { Ok(found) })
    }
}

fn told(lists: &[&[&str]]) -> Arc<Told> {
    let lists = lists.iter().map(|list| list.iter().map(|it| it.parse().unwrap()).collect()).collect();
    Arc::new(Told { lists, asked: AtomicUsize::new(0) })
}

/// Git with these names and this leave, in a folder that the second value keeps.
fn git(names: Arc<Told>, allowed: &[&str], environment: &[(&str, &str)]) -> (Git, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let allowed = allowed.iter().map(|it| it.parse().unwrap()).collect();
    let path = ("PATH".to_owned(), std::env::var("PATH").unwrap());
    let environment: Vec<_> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).chain([path]).collect();
    let limits = Limits { ask: Duration::from_secs(20), ..Limits::default() };
    let reach = Reach { roots: Vec::new(), allowed, names };
    (Git::new(folder.path().join("git"), reach, &environment, limits).unwrap(), folder)
}

fn remote(base: &str) -> Remote {
    let base = Base::parse(base).unwrap();
    let url = format!("{}/a/b.git", base.url());
    Remote {
        connection: "ot-1".into(),
        base,
        url,
        user: "x-access-token",
        token: "hunter2".into(),
        ssh_key: String::new(),
    }
}

/// A host that answers every request with this and remembers what it was asked.
async fn host(answer: String) -> (u16, tokio::sync::mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let count = connection.read(&mut request).await.unwrap_or(0);
            request.truncate(count);
            let _ = tell.send(request);
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    (port, told)
}

fn nothing() -> String {
    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_and_nothing_is_asked_there() {
    let (port, mut asked) = host(nothing()).await;
    for addresses in
        [&["127.0.0.1"][..], &["169.254.169.254"], &["1.1.1.1", "127.0.0.1"], &["::ffff:10.0.0.1"], &["::1"]]
    {
        let (git, _folder) = git(told(&[addresses]), &[], &[]);
        let problem = git.list(&remote(&format!("https://inside.test:{port}")), &[]).await.unwrap_err();
        assert_eq!(problem.code, "git/address");
        assert!(problem.advice.contains("--allow-fetch inside.test"), "{problem:?}");
        // What the name leads to is for the log alone.
        assert!(!format!("{} {}", problem.message, problem.advice).contains(addresses[0]), "{problem:?}");
    }
    assert!(asked.try_recv().is_err());
}

#[tokio::test]
async fn git_connects_to_the_address_that_was_judged_whatever_the_name_leads_to_later() {
    let (port, mut asked) = host(nothing()).await;
    // This machine knows no such name: only what was judged can have led there.
    let names = told(&[&["127.0.0.1"], &["127.9.9.9"]]);
    let (git, _folder) = git(names.clone(), &["127.0.0.1"], &[]);
    let problem = git.list(&remote(&format!("https://rebind.test:{port}")), &[]).await.unwrap_err();
    assert_ne!(problem.code, "git/address");
    let hello = asked.recv().await.unwrap();
    // A TLS greeting that names the host.
    assert_eq!(hello.first(), Some(&0x16));
    assert!(hello.windows(11).any(|part| part == b"rebind.test"));
    assert_eq!(names.asked.load(Ordering::Relaxed), 1);
    let problem = git.list(&remote(&format!("https://rebind.test:{port}")), &[]).await.unwrap_err();
    assert_eq!(problem.code, "git/address");
}

/// The negative control: without the pin the name is git's to resolve, and git does not arrive where the test listens.
#[tokio::test]
async fn without_the_pin_git_would_ask_for_the_name_itself() {
    let (port, mut asked) = host(nothing()).await;
    let (git, _folder) = git(told(&[&[]]), &["127.0.0.1"], &[("HTTPS_PROXY", &format!("http://127.0.0.1:{port}"))]);
    // A name that leads nowhere is left to the proxy, so there is no pin, and what arrives is a question to a proxy.
    git.list(&remote("https://proxied.test"), &[]).await.unwrap_err();
    assert!(asked.recv().await.unwrap().starts_with(b"CONNECT proxied.test:443"));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_token_along() {
    let (inner, mut asked_inner) = host(nothing()).await;
    let location = format!("http://127.0.0.2:{inner}/a/b.git/info/refs?service=git-upload-pack");
    let (port, mut asked) =
        host(format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
            .await;
    let (git, _folder) = git(told(&[&[]]), &["127.0.0.1"], &[]);
    let problem = git.list(&remote(&format!("http://127.0.0.1:{port}")), &[]).await.unwrap_err();
    assert_eq!(problem.code, "git/redirected");
    assert!(asked.recv().await.is_some());
    assert!(asked_inner.try_recv().is_err());
}

#[tokio::test]
async fn what_a_host_answers_is_not_shown() {
    let body = "the-inner-secret";
    let (port, _asked) = host(format!(
        "HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))
    .await;
    let (git, _folder) = git(told(&[&[]]), &["127.0.0.1"], &[]);
    let problem = git.list(&remote(&format!("http://127.0.0.1:{port}")), &[]).await.unwrap_err();
    assert!(!format!("{} {}", problem.message, problem.advice).contains(body));
}

#[test]
fn addresses_that_say_where_they_lead_are_refused_when_a_host_is_connected() {
    let (git, _folder) = git(told(&[&[]]), &["10.1.0.0/16"], &[]);
    let code = |base: &str| git.may_reach(&Base::parse(base).unwrap()).err().map(|problem| problem.code);
    for base in
        ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:443", "https://10.2.0.1", "ssh://git@10.2.0.1:22"]
    {
        assert_eq!(code(base), Some("git/address"), "{base}");
    }
    for base in ["https://10.1.9.9", "https://github.com", "ssh://git@git.example", "https://1.1.1.1:8443"] {
        assert_eq!(code(base), None, "{base}");
    }
    assert_eq!(code("https://git.example:99999"), Some("oauth_client/address"));
}

#[test]
fn ssh_connects_to_the_address_and_knows_the_host_by_its_name() {
    let pinned = |port| Pinned { host: "git.example".into(), port, addresses: vec!["1.1.1.1".parse().unwrap()] };
    assert_eq!(pinned(22).ssh_options().unwrap(), "-o 'HostName=1.1.1.1' -o 'HostKeyAlias=git.example'");
    assert_eq!(pinned(2222).ssh_options().unwrap(), "-o 'HostName=1.1.1.1' -o 'HostKeyAlias=[git.example]:2222'");
}
