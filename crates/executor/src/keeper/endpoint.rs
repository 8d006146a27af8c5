//! Terraform's `http` backend, as one run needs it: one state in one file, and a lock.
//!
//! Source: Terraform's `http` backend (`internal/backend/remote-state/http`). `GET` answers with the state or 404, `POST` stores one, `LOCK` and
//! `UNLOCK` carry a document with an `ID`; 423 says who holds the lock. A `POST` is answered when the state is on the disk: written beside, synced,
//! renamed, and the folder synced, so that there is never half of one. Only a whole state that continues the one before is taken.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use crate::folder::open_private;
use crate::foreign::LONGEST;
use crate::state::Base;

/// Connections at a time: terraform has one, and anybody on the machine can have some.
const CONNECTIONS: usize = 256;
/// Connections at a time on which the path was known: the code of the run knows it too, no limit of the run's holds here, and what is sent and
/// answered is in memory.
const KNOWN: usize = 4;
/// The longest document of a lock, in bytes.
const LONGEST_INFO: u64 = 64 * 1024;
/// How long a request may take to come to the end of its head.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause after a connection that could not be taken.
const PAUSE: Duration = Duration::from_millis(100);

type Answer = Response<Full<Bytes>>;

/// The state of one run.
pub(super) struct Endpoint {
    path: String,
    file: PathBuf,
    base: Base,
    /// Who holds the lock. Whoever stores or changes that waits for who did so before.
    held: Mutex<Option<Holder>>,
    known: Arc<Semaphore>,
}

/// What is noted of a connection.
#[derive(Default)]
struct Connection(std::sync::Mutex<Option<OwnedSemaphorePermit>>);

impl Connection {
    /// Counts it among those on which the path was known; `false` when there are too many.
    fn is_known(&self, endpoint: &Endpoint) -> bool {
        let mut permit = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if permit.is_none() {
            *permit = endpoint.known.clone().try_acquire_owned().ok();
        }
        permit.is_some()
    }
}

struct Holder {
    id: String,
    /// As it was sent.
    info: Bytes,
}

#[derive(Deserialize)]
struct Info {
    #[serde(rename = "ID")]
    id: String,
}

impl Endpoint {
    /// Of the state in `file`, which may not be there yet.
    pub(super) fn open(secret: String, file: PathBuf) -> io::Result<Self> {
        let prior = match fs::read(&file) {
            Ok(prior) => Some(Bytes::from(prior)),
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => None,
            Err(problem) => return Err(problem),
        };
        Ok(Self {
            path: format!("/{secret}"),
            file,
            base: Base::new(prior.as_ref()),
            held: Mutex::default(),
            known: Arc::new(Semaphore::new(KNOWN)),
        })
    }

    /// Returns when nothing is being stored.
    pub(super) async fn settled(&self) {
        drop(self.held.lock().await);
    }

    async fn answer(&self, connection: &Connection, request: Request<Incoming>) -> Answer {
        if request.uri().path() != self.path {
            return said(StatusCode::NOT_FOUND);
        }
        if !connection.is_known(self) {
            return said(StatusCode::SERVICE_UNAVAILABLE);
        }
        let method = request.method().clone();
        let by = request.uri().query().and_then(|query| query.strip_prefix("ID=")).map(str::to_owned);
        let longest = if method == Method::POST { LONGEST } else { LONGEST_INFO };
        let longest = usize::try_from(longest).unwrap_or(usize::MAX);
        let body = match Limited::new(request.into_body(), longest).collect().await {
            Ok(body) => body.to_bytes(),
            Err(problem) if problem.is::<LengthLimitError>() => return said(StatusCode::PAYLOAD_TOO_LARGE),
            Err(_) => return said(StatusCode::BAD_REQUEST),
        };
        match (&method, method.as_str()) {
            (&Method::GET, _) => self.state().await,
            (&Method::POST, _) => self.store(by, body).await,
            (_, "LOCK") => self.lock(body).await,
            (_, "UNLOCK") => self.unlock(&body).await,
            _ => said(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    async fn state(&self) -> Answer {
        match tokio::fs::read(&self.file).await {
            Ok(state) => Response::new(Full::new(Bytes::from(state))),
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => said(StatusCode::NOT_FOUND),
            Err(_) => said(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    async fn store(&self, by: Option<String>, state: Bytes) -> Answer {
        let held = self.held.lock().await;
        if held.as_ref().map(|holder| &holder.id) != by.as_ref() || by.is_none() {
            return said(StatusCode::CONFLICT);
        }
        if !self.base.continues(&state) {
            return said(StatusCode::BAD_REQUEST);
        }
        let file = self.file.clone();
        match tokio::task::spawn_blocking(move || replace_synced(&file, &state)).await {
            Ok(Ok(())) => said(StatusCode::OK),
            _ => said(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    async fn lock(&self, info: Bytes) -> Answer {
        let Ok(Info { id }) = serde_json::from_slice(&info) else { return said(StatusCode::BAD_REQUEST) };
        let mut held = self.held.lock().await;
        match held.as_ref().filter(|holder| holder.id != id) {
            Some(holder) => {
                let mut answer = Response::new(Full::new(holder.info.clone()));
                *answer.status_mut() = StatusCode::LOCKED;
                answer
            }
            None => {
                *held = Some(Holder { id, info });
                said(StatusCode::OK)
            }
        }
    }

    async fn unlock(&self, info: &[u8]) -> Answer {
        let Ok(Info { id }) = serde_json::from_slice(info) else { return said(StatusCode::BAD_REQUEST) };
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|holder| holder.id != id) {
            return said(StatusCode::CONFLICT);
        }
        *held = None;
        said(StatusCode::OK)
    }
}

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, endpoint: Arc<Endpoint>) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(permit) = free.clone().acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // There is no room for it now; asking again at once would only turn in a circle.
            Err(_) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let endpoint = endpoint.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let connection = Connection::default();
            let (connection, endpoint) = (&connection, &endpoint);
            let service =
                service_fn(
                    move |request| async move { Ok::<_, Infallible>(endpoint.answer(connection, request).await) },
                );
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // Terraform says itself what did not reach it.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn said(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

/// Writes a file so that after any crash it has the old bytes or the new ones, and the new ones once this has returned.
fn replace_synced(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = file.with_extension("new");
    let mut written = open_private(&beside)?;
    written.write_all(bytes)?;
    written.sync_all()?;
    fs::rename(&beside, file)?;
    match file.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
