//! Logs of plans and applies: readable from the first byte, while they grow, by byte offset.
//!
//! A log is a folder of pieces, each named by the offset of its first byte; when it has ended, pieces are joined. Framing as
//! clients expect it: STX first, ETX last. Absent: what is in a log.

use bytes::{Bytes, BytesMut};
use domain::Problem;

use super::store;
use crate::app::App;
use crate::storage::Change;

/// First byte of every log.
const STX: u8 = 0x02;
/// Last byte of every log that has ended.
const ETX: u8 = 0x03;
/// A log keeps so many bytes; what comes after is dropped, and the log says so.
const LIMIT: u64 = 64 * 1024 * 1024;
/// Most of a log that is held back where nobody can look on.
const HELD: usize = 256 * 1024;
/// Pieces of a log that has ended are joined to about this size.
const PIECE: usize = 1024 * 1024;

/// Writes one log. There is one writer to a log.
pub struct LogWriter {
    app: App,
    phase: String,
    end: u64,
    full: bool,
    /// Nobody has written it before.
    new: bool,
    /// What is not stored yet.
    held: Vec<u8>,
    /// How much may be: nothing, unless nobody can look on.
    most: usize,
}

impl LogWriter {
    /// Begins the log of a plan or apply, or goes on with one that was begun before the server was last stopped.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn open(app: &App, phase: &str) -> Result<Self, Problem> {
        match pieces(app, phase).await?.last() {
            Some(last) => {
                let end = last + piece(app, phase, *last).await?.len() as u64;
                Ok(Self { end, new: false, ..Self::of(app, phase) })
            }
            None => Self { new: false, ..Self::of(app, phase) }.begun().await,
        }
    }

    /// Begins a log that nobody has begun: a phase that begins once, and does so now.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn begin(app: &App, phase: &str) -> Result<Self, Problem> {
        Self::of(app, phase).begun().await
    }

    fn of(app: &App, phase: &str) -> Self {
        // With no server to ask, nobody reads a log before it has ended, and what is lost with this process is in the run's folder.
        let most = if app.setup.address.is_some() { 0 } else { HELD };
        Self { app: app.clone(), phase: phase.to_owned(), end: 0, full: false, new: true, held: Vec::new(), most }
    }

    async fn begun(mut self) -> Result<Self, Problem> {
        self.put(&[STX]).await?;
        Ok(self)
    }

    /// Adds output.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        if bytes.is_empty() || self.full {
            return Ok(());
        }
        if self.end + bytes.len() as u64 > LIMIT {
            self.full = true;
            return self.put(b"\n[The log is longer than 64 MB; the rest was not kept.]\n").await;
        }
        self.put(bytes).await
    }

    /// How many bytes of output the log has, its framing apart.
    pub fn written(&self) -> u64 {
        self.end - 1
    }

    /// Ends the log and joins its pieces. One that has ended already stays as it is.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn finish(mut self) -> Result<(), Problem> {
        // Of a log that is all here, and of which nothing is kept yet, nobody can have written the end.
        let is_held = self.held.len() as u64 == self.end;
        let is_all_here = is_held && (self.new || pieces(&self.app, &self.phase).await?.is_empty());
        if !is_all_here && has_ended(&self.app, &self.phase).await? {
            return Ok(());
        }
        self.put(&[ETX]).await?;
        let is_one_piece = self.held.len() as u64 == self.end;
        self.store().await?;
        if is_one_piece { Ok(()) } else { join(&self.app, &self.phase).await }
    }

    async fn put(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.held.extend_from_slice(bytes);
        self.end += bytes.len() as u64;
        if self.held.len() > self.most { self.store().await } else { Ok(()) }
    }

    async fn store(&mut self) -> Result<(), Problem> {
        let held = std::mem::take(&mut self.held);
        let stored = self.app.logs.put(&name(&self.phase, self.end - held.len() as u64), &held).await;
        if let Err(problem) = stored {
            self.end -= held.len() as u64;
            return Err(problem);
        }
        self.app.changes.tell(Change::Log { phase: self.phase.clone() });
        Ok(())
    }
}

/// Up to `limit` bytes from `offset`; empty at the end of what there is. It is told when a reader has come to the end.
///
/// # Errors
/// `storage/unavailable`.
pub async fn read(app: &App, phase: &str, offset: u64, limit: usize) -> Result<Bytes, Problem> {
    let bytes = look(app, phase, offset, limit).await?;
    if bytes.last() == Some(&ETX) {
        app.changes.tell(Change::Read { phase: phase.to_owned() });
    }
    Ok(bytes)
}

/// The same for somebody who only looks on, and for whom nothing waits.
///
/// # Errors
/// `storage/unavailable`.
pub async fn look(app: &App, phase: &str, offset: u64, limit: usize) -> Result<Bytes, Problem> {
    let mut out = BytesMut::new();
    let mut at = offset;
    let mut all = pieces(app, phase).await?;
    while out.len() < limit {
        let Some(start) = all.partition_point(|start| *start <= at).checked_sub(1).map(|place| all[place]) else {
            break;
        };
        let Some(bytes) = app.logs.get(&name(phase, start)).await? else {
            // Joined to the piece before it since the list was read.
            all = pieces(app, phase).await?;
            continue;
        };
        let skip = usize::try_from(at - start).unwrap_or(usize::MAX);
        if skip >= bytes.len() {
            break;
        }
        let end = bytes.len().min(skip + limit - out.len());
        out.extend_from_slice(&bytes[skip..end]);
        at += (end - skip) as u64;
    }
    Ok(out.freeze())
}

/// Whole lines of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// Offset of the first byte after them.
    pub end: u64,
    /// The lines, without their ends. What terraform wrote as JSON is what it would have said otherwise.
    pub lines: Vec<String>,
    /// Whether nothing follows, now or later.
    pub last: bool,
}

/// The lines from `offset` on that are whole by now, of up to `limit` bytes; `offset` is 0 or the end of other lines. The last
/// line of a log that has ended is whole.
///
/// # Errors
/// `storage/unavailable`.
pub async fn lines(app: &App, phase: &str, offset: u64, limit: usize) -> Result<Lines, Problem> {
    let bytes = look(app, phase, offset, limit).await?;
    let is_end = bytes.last() == Some(&ETX);
    let whole = match bytes.iter().rposition(|&byte| byte == b'\n') {
        _ if is_end => bytes.len(),
        Some(at) => at + 1,
        // A line that is longer than a piece is cut.
        None if bytes.len() >= limit => bytes.len(),
        None => 0,
    };
    let text = &bytes[..whole];
    let text = text.strip_prefix(&[STX]).filter(|_| offset == 0).unwrap_or(text);
    let text = text.strip_suffix(&[ETX]).filter(|_| is_end).unwrap_or(text);
    let mut lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    let end = offset + whole as u64;
    let last = is_end || (whole == 0 && has_ended(app, phase).await?);
    Ok(Lines { end, lines: lines.into_iter().flat_map(shown).collect(), last })
}

/// A line as people read it. One in JSON may say nothing to them, or much.
fn shown(line: &[u8]) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\r').to_owned();
    if line.first() != Some(&b'{') {
        return vec![text(line)];
    }
    let rendered = executor::line_as_text(line);
    let rendered = rendered.strip_suffix(b"\n").unwrap_or(&rendered);
    if rendered.is_empty() { Vec::new() } else { rendered.split(|&byte| byte == b'\n').map(text).collect() }
}

/// Whether nothing will be added to the log of a plan or apply: it has its last byte, or there will never be one.
///
/// # Errors
/// `storage/unavailable`.
pub async fn has_ended(app: &App, phase: &str) -> Result<bool, Problem> {
    if let Some(last) = pieces(app, phase).await?.last() {
        return Ok(piece(app, phase, *last).await?.last() == Some(&ETX));
    }
    Ok(store::phase(&app.db.look(), phase).await?.is_none_or(|phase| phase.status().is_final()))
}

async fn join(app: &App, phase: &str) -> Result<(), Problem> {
    let mut joined: Option<(u64, BytesMut, Vec<u64>)> = None;
    for start in pieces(app, phase).await? {
        let bytes = piece(app, phase, start).await?;
        match &mut joined {
            Some((_, piece, absorbed)) if piece.len() + bytes.len() <= PIECE => {
                piece.extend_from_slice(&bytes);
                absorbed.push(start);
            }
            _ => {
                replace(app, phase, joined.take()).await?;
                joined = Some((start, BytesMut::from(&bytes[..]), Vec::new()));
            }
        }
    }
    replace(app, phase, joined).await
}

async fn replace(app: &App, phase: &str, joined: Option<(u64, BytesMut, Vec<u64>)>) -> Result<(), Problem> {
    let Some((start, bytes, absorbed)) = joined else { return Ok(()) };
    if absorbed.is_empty() {
        return Ok(());
    }
    app.logs.put(&name(phase, start), &bytes).await?;
    for old in absorbed {
        app.logs.delete(&name(phase, old)).await?;
    }
    Ok(())
}

async fn pieces(app: &App, phase: &str) -> Result<Vec<u64>, Problem> {
    let names = app.logs.list(&format!("logs/{phase}")).await?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// What is kept of a log beside its pieces, for whoever looks on; nothing when there is none.
///
/// # Errors
/// `storage/unavailable`.
pub async fn note(app: &App, phase: &str) -> Result<Option<Bytes>, Problem> {
    app.logs.get(&format!("logs/{phase}/marks")).await
}

/// Keeps something of a log beside its pieces, in place of what was kept before.
///
/// # Errors
/// `storage/unavailable`.
pub async fn keep_note(app: &App, phase: &str, bytes: &[u8]) -> Result<(), Problem> {
    app.logs.put(&format!("logs/{phase}/marks"), bytes).await
}

async fn piece(app: &App, phase: &str, start: u64) -> Result<Bytes, Problem> {
    Ok(app.logs.get(&name(phase, start)).await?.unwrap_or_default())
}

fn name(phase: &str, start: u64) -> String {
    format!("logs/{phase}/{start:020}")
}
