//! The line to the double: connections that a test can cut, and a server that it can take away.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// A switch that is off until somebody sets it.
pub type Switch = Arc<AtomicBool>;

/// Whether it is set.
pub fn is_set(switch: &Switch) -> bool {
    switch.load(Ordering::SeqCst)
}

/// Listens on a port, but for as long as the server is away.
pub struct Port {
    address: SocketAddr,
    listener: Option<TcpListener>,
    is_away: Switch,
}

impl Port {
    pub fn new(listener: std::net::TcpListener, is_away: Switch) -> Self {
        let address = listener.local_addr().unwrap();
        Self { address, listener: Some(TcpListener::from_std(listener).unwrap()), is_away }
    }
}

impl Listener for Port {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            if is_set(&self.is_away) {
                self.listener = None;
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
            if self.listener.is_none() {
                self.listener = TcpListener::bind(self.address).await.ok();
            }
            let Some(listener) = &self.listener else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            // Looks up now and then, because the server may be taken away.
            if let Ok(Ok((stream, from))) = tokio::time::timeout(Duration::from_millis(20), listener.accept()).await
                && !is_set(&self.is_away)
            {
                return (Line { stream, is_cut: Switch::default(), is_away: self.is_away.clone() }, from);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// A connection. Once cut, nothing more is written to it.
pub struct Line {
    stream: TcpStream,
    is_cut: Switch,
    is_away: Switch,
}

impl Line {
    fn check(&self) -> io::Result<()> {
        if is_set(&self.is_cut) || is_set(&self.is_away) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

/// What a handler knows of its connection.
#[derive(Clone)]
pub struct Cut(pub Switch);

impl Connected<IncomingStream<'_, Port>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Port>) -> Self {
        Self(stream.io().is_cut.clone())
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
