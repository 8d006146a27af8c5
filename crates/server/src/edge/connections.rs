//! What a client may hold open: how many connections, for how long without a head, and how long it may not read.
//!
//! A connection beyond the limits is closed at once. One whose client does not take what it asked for is closed after a
//! while: what is kept for it is what the system buffers, since an answer is made only as fast as it is taken.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use nix::sys::resource::{Resource, getrlimit};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;
use tower::Layer;

/// A client that takes nothing of what waits for it is given up after so long.
pub const UNREAD: Duration = Duration::from_secs(30);
/// Most connections at a time, if the system allows so many files.
const MOST: usize = 16_384;
/// An address may have one in so many of all connections.
const SHARE: usize = 4;

/// The connections of one listener; accepts them.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

struct Inner {
    most: usize,
    unread: Duration,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The place of one connection, for as long as it is there.
pub struct Place {
    connections: Connections,
    address: IpAddr,
}

impl Connections {
    /// As many as the system allows: half of the files that this process may have open.
    pub fn of_system() -> Self {
        let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
        Self::new(usize::try_from(files / 2).unwrap_or(MOST).clamp(SHARE, MOST), UNREAD)
    }

    /// So many, whose clients may leave what waits for them unread for so long.
    pub fn new(most: usize, unread: Duration) -> Self {
        Self(Arc::new(Inner { most, unread, open: Mutex::default() }))
    }

    fn take(&self, address: IpAddr) -> io::Result<Place> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let full = || Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too many connections"));
        if open.all >= self.0.most {
            return full();
        }
        // Whatever is on this machine, a proxy for instance, speaks for many.
        let share = if address.is_loopback() { self.0.most } else { self.0.most / SHARE };
        let its = open.by_address.entry(address).or_default();
        if *its >= share {
            return full();
        }
        *its += 1;
        open.all += 1;
        Ok(Place { connections: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all = open.all.saturating_sub(1);
        if let Some(its) = open.by_address.get_mut(&self.address) {
            *its = its.saturating_sub(1);
            if *its == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

impl<S> Accept<TcpStream, S> for Connections {
    type Stream = Pin<Box<TimeoutStream<TcpStream>>>;
    type Service = AddExtension<S, Arc<Place>>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let accepted = stream.peer_addr().and_then(|peer| self.take(peer.ip().to_canonical())).map(|place| {
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(self.0.unread));
            // The service lives as long as its connection.
            (Box::pin(stream), Extension(Arc::new(place)).layer(service))
        });
        ready(accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_a_connection_that_is_gone_makes_room() {
        let connections = Connections::new(8, UNREAD);
        let address = |last: u8| IpAddr::from([10, 0, 0, last]);
        let held: Vec<_> = (0..2).map(|_| connections.take(address(1)).unwrap()).collect();
        assert!(connections.take(address(1)).is_err());
        let others: Vec<_> =
            (2..5).flat_map(|last| [last, last]).map(|last| connections.take(address(last)).unwrap()).collect();
        assert!(connections.take(address(9)).is_err(), "all are taken");
        drop(held);
        assert!(connections.take(address(9)).is_ok());
        drop(others);
        let open = connections.0.open.lock().unwrap();
        assert!(open.all == 0 && open.by_address.is_empty());
    }
}
