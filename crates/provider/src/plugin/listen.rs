//! The socket, the connections on it, and how many there are.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tonic::transport::server::Connected;

/// The most connections that wait to be served; Terraform makes one.
const WAITING: usize = 16;

/// A socket in a folder of its own, which nobody else may enter; both go when this is dropped.
pub(super) struct Socket {
    folder: PathBuf,
    path: PathBuf,
}

impl Socket {
    /// Makes the folder and listens.
    ///
    /// # Errors
    /// When the folder for temporary files cannot be written.
    pub(super) fn bind(name: &str) -> io::Result<(Self, UnixListener)> {
        let parent = std::env::var_os("PLUGIN_UNIX_SOCKET_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let folder = parent.join(format!("multispace-{name}"));
        std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let path = folder.join("plugin");
        let listener = UnixListener::bind(&path)?;
        Ok((Self { folder, path }, listener))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_dir(&self.folder);
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that is counted as long as it lives.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    _alive: Alive,
}

impl Connected for Connection {
    type ConnectInfo = ();
    fn connect_info(&self) {}
}

struct Alive(watch::Sender<usize>);

impl Alive {
    fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Accepts connections for ever. `socket` goes after the first one, so that a killed process leaves no file behind;
/// `None` keeps it. `count` says how many connections there are.
pub(super) fn accept(
    listener: UnixListener,
    mut socket: Option<Socket>,
    tls: Option<TlsAcceptor>,
    count: watch::Sender<usize>,
) -> mpsc::Receiver<io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let tls = tls.map(Arc::new);
    let (first, mut accepted) = mpsc::channel::<()>(1);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                connection = listener.accept() => {
                    let Ok((stream, _)) = connection else { return };
                    tokio::spawn(welcome(stream, tls.clone(), count.clone(), sender.clone(), first.clone()));
                }
                Some(()) = accepted.recv() => drop(socket.take()),
            }
        }
    });
    receiver
}

async fn welcome(
    stream: UnixStream,
    tls: Option<Arc<TlsAcceptor>>,
    count: watch::Sender<usize>,
    sender: mpsc::Sender<io::Result<Connection>>,
    first: mpsc::Sender<()>,
) {
    let stream: Box<dyn Stream> = match tls {
        None => Box::new(stream),
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => Box::new(stream),
            Err(error) => {
                tracing::warn!("somebody who is not Terraform connected: {error}");
                return;
            }
        },
    };
    let _ = first.try_send(());
    let _ = sender.send(Ok(Connection { stream, _alive: Alive::new(&count) })).await;
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
