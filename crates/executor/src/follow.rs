//! Follows a log file while terraform writes it and passes it on. Woken by the file, never by a clock; a slow receiver
//! slows the reading alone.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::redact::{Secrets, Stream};
use crate::render::Rendering;
use crate::watch::Watch;
use crate::work::Upstream;

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// A log that is being followed.
pub(crate) struct Follow {
    ended: CancellationToken,
    task: AbortOnDropHandle<io::Result<()>>,
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

    /// Nothing more will be written: passes on what is left, a torn last line included.
    pub(crate) async fn finish(self) {
        self.ended.cancel();
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => tracing::error!(%problem, "a log could not be read to its end"),
            Err(problem) => tracing::error!(%problem, "a log could not be followed to its end"),
        }
    }
}

async fn follow(
    file: PathBuf,
    mut clean: Stream,
    mut rendering: Rendering,
    upstream: Arc<dyn Upstream>,
    written: Arc<Notify>,
    ended: CancellationToken,
) -> io::Result<()> {
    let mut file = tokio::fs::File::open(file).await?;
    let mut chunk = vec![0; CHUNK];
    loop {
        // Asked before reading, so that what was written before the end is read after it.
        let last = ended.is_cancelled();
        loop {
            let length = file.read(&mut chunk).await?;
            if length == 0 {
                break;
            }
            let (mut read, mut out) = (Vec::new(), Vec::new());
            clean.push(&chunk[..length], &mut read);
            rendering.push(&read, &mut out);
            pass_on(upstream.as_ref(), out).await;
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
    pass_on(upstream.as_ref(), out).await;
    Ok(())
}

async fn pass_on(upstream: &dyn Upstream, out: Vec<u8>) {
    if !out.is_empty() {
        upstream.log(Bytes::from(out)).await;
    }
}
