//! The server on a port of this machine, behind a line that a test can cut.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Server;

/// The line; dropped, nothing listens any more.
pub(crate) struct Line {
    /// Where it begins, as `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
    /// Where it ends: the server itself.
    pub(crate) server: SocketAddr,
    whole: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Listens.
    pub(crate) async fn listen(&self) -> Line {
        let (listener, server) = port().await;
        let router = self.router.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let (listener, address) = port().await;
        let whole = watch::Sender::new(true);
        tasks.spawn(pass(listener, server, whole.subscribe()));
        Line { origin: format!("http://{address}"), server, whole, _tasks: tasks }
    }
}

impl Line {
    /// Ends every connection, and whatever comes until the line is mended.
    pub(crate) fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn port() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn pass(listener: TcpListener, server: SocketAddr, whole: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let (mut from, _) = listener.accept().await.unwrap();
        let mut whole = whole.clone();
        connections.spawn(async move {
            let mut to = TcpStream::connect(server).await.unwrap();
            tokio::select! {
                _ = whole.wait_for(|whole| !whole) => {}
                _ = copy_bidirectional(&mut from, &mut to) => {}
            }
        });
    }
}
