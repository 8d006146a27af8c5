//! Follows a log file while terraform writes it and passes it on. Woken by the file, never by a clock; a slow receiver
//! slows the reading alone.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::redact::{Secrets, Stream};
use crate::render::Rendering;
use crate::watch::Watch;
use crate::work::{Foreseen, Upstream};

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// A log that is being followed.
pub(crate) struct Follow {
    ended: CancellationToken,
    task: AbortOnDropHandle<io::Result<Option<Foreseen>>>,
    _watch: Watch,
}

impl Follow {
    /// Begins at the start of `file`, which must exist.
    pub(crate) fn start(
        file: PathBuf,
        secrets: &Secrets,
        rendering: Rendering,
        upstream: Arc<dyn Upstream>,
    ) -> Result<Self, domain::Problem> {
        let written = Arc::new(Notify::new());
        let waker = written.clone();
        let folder = file.parent().map(std::path::Path::to_owned).unwrap_or_default();
        let watch = Watch::new(&folder, move || waker.notify_one())?;
        let ended = CancellationToken::new();
        let task = AbortOnDropHandle::new(tokio::spawn(follow(
            file,
            secrets.stream(),
            rendering,
            upstream,
            written,
            ended.clone(),
        )));
        Ok(Self { ended, task, _watch: watch })
    }

    /// Nothing more will be written: passes on what is left, a torn last line included. Says what the log says was planned, where it
    /// begins with that.
    pub(crate) async fn finish(self) -> Option<Foreseen> {
        self.ended.cancel();
        match self.task.await {
            Ok(Ok(foreseen)) => return foreseen,
            Ok(Err(problem)) => tracing::error!(%problem, "a log could not be read to its end"),
            Err(problem) => tracing::error!(%problem, "a log could not be followed to its end"),
        }
        None
    }
}

async fn follow(
    file: PathBuf,
    mut clean: Stream,
    mut rendering: Rendering,
    upstream: Arc<dyn Upstream>,
    written: Arc<Notify>,
    ended: CancellationToken,
) -> io::Result<Option<Foreseen>> {
    // What was written just now is in memory: to read it takes less than to have another thread do so.
    let mut file = File::open(file)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        // Asked before reading, so that what was written before the end is read after it.
        let last = ended.is_cancelled();
        loop {
            let length = file.read(&mut chunk)?;
            if length == 0 {
                break;
            }
            let is_all = length < chunk.len();
            let (mut read, mut out) = (Vec::new(), Vec::new());
            clean.push(&chunk[..length], &mut read);
            rendering.push(&read, &mut out);
            pass_on(upstream.as_ref(), &mut rendering, out).await;
            if is_all {
                break;
            }
        }
        if last {
            break;
        }
        tokio::select! {
            () = written.notified() => {}
            () = ended.cancelled() => {}
        }
    }
    let (mut read, mut out) = (Vec::new(), Vec::new());
    clean.finish(&mut read);
    rendering.push(&read, &mut out);
    rendering.finish(&mut out);
    pass_on(upstream.as_ref(), &mut rendering, out).await;
    Ok(rendering.foreseen())
}

async fn pass_on(upstream: &dyn Upstream, rendering: &mut Rendering, mut out: Vec<u8>) {
    if let (Some(turn), Some(foreseen)) = (rendering.turn(), rendering.foreseen()) {
        let rest = out.split_off(turn);
        if !out.is_empty() {
            upstream.log(Bytes::from(out)).await;
        }
        upstream.planned(foreseen, rendering.outputs()).await;
        out = rest;
    }
    if !out.is_empty() {
        upstream.log(Bytes::from(out)).await;
    }
}
