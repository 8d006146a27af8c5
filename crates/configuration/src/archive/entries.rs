//! The entries of a gzip-compressed tar archive, one after the other, with a limit on everything.
//!
//! Formats: ustar, GNU long names, pax. Source: POSIX `pax` interchange format, the GNU tar manual. Absent: what entries mean for one
//! another (`layout`), writing.

use std::io::Read;

use domain::problem::Problem;
use flate2::bufread::GzDecoder;
use tar::{EntryType, Header, PaxExtensions};

use super::{Limits, damaged, not_safe, too_large};

const BLOCK: usize = 512;
/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;
/// Long names and pax records above this are no names.
const MAX_RECORD_BYTES: u64 = 256 * 1024;

/// What an entry makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File,
    /// A symbolic link.
    Link {
        target: String,
    },
    /// A hard link; unpacked as a copy, so that a write to one file never changes another.
    Copy {
        of: Vec<String>,
    },
}

/// One entry; its path is relative, has no `.` and `..`, and is empty for the top.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) path: Vec<String>,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) size: u64,
}

impl Entry {
    pub(super) fn shown(&self) -> String {
        self.path.join("/")
    }
}

/// Reads entries; after each `next` its data must be read with `data`.
pub(super) struct Entries<'a> {
    decoder: GzDecoder<&'a [u8]>,
    archive_bytes: u64,
    limits: &'a Limits,
    read_bytes: u64,
    headers: u64,
    /// Where data passes through; one for all entries, of which there may be many.
    buffer: Vec<u8>,
}

/// What records before a header say about the entry after it.
#[derive(Default)]
struct Ahead {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(archive: &'a [u8], limits: &'a Limits) -> Result<Self, Problem> {
        check_format(archive)?;
        let decoder = GzDecoder::new(archive);
        Ok(Self {
            decoder,
            archive_bytes: archive.len() as u64,
            limits,
            read_bytes: 0,
            headers: 0,
            buffer: vec![0; PIECE],
        })
    }

    /// The next entry; `None` after the last, when the rest was found to be empty.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, Problem> {
        let mut ahead = Ahead::default();
        loop {
            let Some(header) = self.header()? else {
                self.expect_end()?;
                return Ok(None);
            };
            let kind = header.entry_type();
            let size = header.entry_size().map_err(|_| damaged("a size is not a number"))?;
            match kind {
                EntryType::GNULongName => ahead.path = Some(until_nul(self.record(size)?)),
                EntryType::GNULongLink => ahead.link = Some(until_nul(self.record(size)?)),
                EntryType::XHeader => read_pax(&self.record(size)?, &mut ahead)?,
                // Notes about the archive as a whole, as `git archive` makes them.
                EntryType::XGlobalHeader => {
                    self.record(size)?;
                }
                _ => return self.entry(&header, size, ahead).map(Some),
            }
        }
    }

    /// Hands out the data of the entry that `next` gave, in pieces.
    pub(super) fn data(
        &mut self,
        entry: &Entry,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut left = entry.size;
        while left > 0 {
            let piece = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            self.fill(&mut buffer[..piece])?;
            sink(&buffer[..piece])?;
            left -= piece as u64;
        }
        self.buffer = buffer;
        self.skip_padding(entry.size)
    }

    fn entry(&mut self, header: &Header, size: u64, ahead: Ahead) -> Result<Entry, Problem> {
        let raw_path = ahead.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let path = clean(&raw_path, self.limits)?;
        let shown = path.join("/");
        if ahead.size.is_some_and(|ahead| ahead != size) {
            return Err(damaged("an entry has two different sizes"));
        }
        let raw_link = || ahead.link.clone().or_else(|| header.link_name_bytes().map(|link| link.into_owned()));
        let kind = match header.entry_type() {
            // In the oldest format a folder is a file whose name ends with a slash.
            EntryType::Regular if raw_path.ends_with(b"/") && size == 0 => Kind::Folder,
            EntryType::Regular | EntryType::Continuous => Kind::File,
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => Kind::Link { target: link_target(&shown, raw_link(), self.limits)? },
            EntryType::Link => Kind::Copy {
                of: clean(&raw_link().unwrap_or_default(), self.limits)
                    .map_err(|_| not_safe(&shown, "a hard link to a path outside of it"))?,
            },
            EntryType::Char | EntryType::Block => return Err(not_safe(&shown, "which is a device")),
            EntryType::Fifo => return Err(not_safe(&shown, "which is a pipe")),
            EntryType::GNUSparse => return Err(not_safe(&shown, "which is a sparse file")),
            _ => return Err(not_safe(&shown, "which is neither a file nor a folder nor a link")),
        };
        if path.is_empty() && kind != Kind::Folder {
            return Err(not_safe(".", "which is not a folder"));
        }
        if kind != Kind::File && size != 0 {
            return Err(damaged("an entry that is not a file has data"));
        }
        if kind == Kind::File && raw_path.ends_with(b"/") {
            return Err(not_safe(&shown, "a file whose name ends with a slash"));
        }
        let mode = header.mode().unwrap_or(0o644);
        Ok(Entry { path, kind, mode, size })
    }

    /// The next header; `None` at the end mark, or where the archive ends without one.
    fn header(&mut self) -> Result<Option<Header>, Problem> {
        let mut block = [0; BLOCK];
        let count = self.read(&mut block)?;
        if count == 0 {
            return Ok(None);
        }
        self.fill(&mut block[count..])?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        self.headers += 1;
        if self.headers > self.limits.entries {
            return Err(too_large(format!("The archive has more than {} entries.", self.limits.entries)));
        }
        let header = Header::from_byte_slice(&block).clone();
        // The sum of all bytes, those of the sum itself counted as blanks.
        let sum: u32 = block
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { u32::from(b' ') } else { u32::from(*byte) })
            .sum();
        if header.cksum().ok() != Some(sum) {
            return Err(damaged("it is not a tar archive, or a header of it has a wrong checksum"));
        }
        Ok(Some(header))
    }

    fn record(&mut self, size: u64) -> Result<Vec<u8>, Problem> {
        if size > MAX_RECORD_BYTES {
            return Err(damaged("a name is longer than a name can be"));
        }
        let mut record = vec![0; usize::try_from(size).unwrap_or_default()];
        self.fill(&mut record)?;
        self.skip_padding(size)?;
        Ok(record)
    }

    fn skip_padding(&mut self, size: u64) -> Result<(), Problem> {
        let block = BLOCK as u64;
        let padding = (block - size % block) % block;
        self.fill(&mut [0; BLOCK][..usize::try_from(padding).unwrap_or_default()])
    }

    /// Nothing but zeros may follow the end mark, and nothing the compressed data.
    fn expect_end(&mut self) -> Result<(), Problem> {
        let mut buffer = vec![0; PIECE];
        loop {
            let count = self.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            if buffer[..count].iter().any(|byte| *byte != 0) {
                return Err(damaged("something follows its end"));
            }
        }
        if !self.decoder.get_ref().is_empty() {
            return Err(damaged("something follows its compressed data"));
        }
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Problem> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => return Err(damaged("it ends in the middle")),
                count => filled += count,
            }
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Problem> {
        let count =
            self.decoder.read(buffer).map_err(|error| damaged("its compressed data is broken").because(error))?;
        self.read_bytes += count as u64;
        let limits = self.limits;
        if self.read_bytes > limits.bytes {
            let megabytes = limits.bytes / 1024 / 1024;
            return Err(too_large(format!("The archive holds more than {megabytes} MB.")));
        }
        if self.read_bytes > limits.ratio_above && self.read_bytes > self.archive_bytes.saturating_mul(limits.ratio) {
            return Err(too_large(format!("The archive grows more than {} times when it is unpacked.", limits.ratio)));
        }
        Ok(count)
    }
}

/// Says what an upload is when it is not gzip.
fn check_format(archive: &[u8]) -> Result<(), Problem> {
    const FORMATS: &[(&[u8], &str)] = &[
        (b"\x28\xb5\x2f\xfd", "is compressed with zstd"),
        (b"PK\x03\x04", "is a zip file"),
        (b"PK\x05\x06", "is a zip file"),
        (b"\xfd7zXZ\0", "is compressed with xz"),
        (b"BZh", "is compressed with bzip2"),
        (b"\x04\x22\x4d\x18", "is compressed with lz4"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7z file"),
        (b"{", "is JSON"),
    ];
    if archive.starts_with(b"\x1f\x8b") {
        return Ok(());
    }
    let what = match FORMATS.iter().find(|(magic, _)| archive.starts_with(magic)) {
        Some((_, what)) => what,
        None if archive.is_empty() => "is empty",
        None if archive.get(257..262) == Some(b"ustar") => "is a tar archive that is not compressed",
        None => "is not compressed with gzip",
    };
    Err(Problem::invalid("configuration/archive-format", format!("What was sent {what}."))
        .advice("Send a tar archive compressed with gzip, as `tar -czf` makes it."))
}

fn read_pax(record: &[u8], ahead: &mut Ahead) -> Result<(), Problem> {
    for extension in PaxExtensions::new(record) {
        let extension = extension.map_err(|_| damaged("a pax record cannot be read"))?;
        let value = extension.value_bytes();
        match extension.key_bytes() {
            b"path" => ahead.path = Some(value.to_vec()),
            b"linkpath" => ahead.link = Some(value.to_vec()),
            b"size" => {
                let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                ahead.size = Some(size.ok_or_else(|| damaged("a size is not a number"))?);
            }
            key if key.starts_with(b"GNU.sparse.") => return Err(not_safe("a file", "which is sparse")),
            _ => {}
        }
    }
    Ok(())
}

fn until_nul(mut record: Vec<u8>) -> Vec<u8> {
    if let Some(end) = record.iter().position(|byte| *byte == 0) {
        record.truncate(end);
    }
    record
}

/// A path as its names, refused unless it stays inside on every system.
fn clean(raw: &[u8], limits: &Limits) -> Result<Vec<String>, Problem> {
    let text = text_of(raw, limits)?;
    if text.is_empty() {
        return Err(not_safe("", "an entry without a name"));
    }
    if text.starts_with('/') {
        return Err(not_safe(text, "which is an absolute path"));
    }
    let mut path = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => return Err(not_safe(text, "which leads out of its folder")),
            name if name.len() > limits.name_bytes => {
                return Err(not_safe(text, &format!("with a name longer than {} bytes", limits.name_bytes)));
            }
            name => path.push(name.to_owned()),
        }
    }
    if path.len() > limits.depth {
        return Err(not_safe(text, &format!("which is more than {} folders deep", limits.depth)));
    }
    Ok(path)
}

/// Where a symbolic link points, as it is written. `layout` decides whether that is inside.
fn link_target(shown: &str, raw: Option<Vec<u8>>, limits: &Limits) -> Result<String, Problem> {
    let raw = raw.unwrap_or_default();
    let target = text_of(&raw, limits)?;
    if target.is_empty() {
        return Err(not_safe(shown, "a link to nowhere"));
    }
    if target.starts_with('/') {
        return Err(not_safe(shown, "a link to an absolute path"));
    }
    Ok(target.to_owned())
}

/// Text without anything that another system, or a log, could take for something else.
fn text_of<'a>(raw: &'a [u8], limits: &Limits) -> Result<&'a str, Problem> {
    let lossy = || String::from_utf8_lossy(&raw[..raw.len().min(80)]).into_owned();
    if raw.len() > limits.path_bytes {
        return Err(not_safe(&lossy(), &format!("with a path longer than {} bytes", limits.path_bytes)));
    }
    let text = std::str::from_utf8(raw).map_err(|_| not_safe(&lossy(), "with a name that is not UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(not_safe(text, "with a control character in its name"));
    }
    if text.chars().any(domain::text::directs) {
        return Err(not_safe(text, "with a character in its name that makes text read in another order"));
    }
    if text.contains('\\') {
        return Err(not_safe(text, "with a backslash in its name"));
    }
    let bytes = text.as_bytes();
    if bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
        return Err(not_safe(text, "which begins with a drive letter"));
    }
    Ok(text)
}
