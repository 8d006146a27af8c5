//! Tar archives that are written by hand, so that they can lie.

use std::io::Write;
use std::ops::Range;

use flate2::Compression;
use flate2::write::GzEncoder;

pub(crate) const FILE: u8 = b'0';
pub(crate) const HARD_LINK: u8 = b'1';
pub(crate) const LINK: u8 = b'2';
pub(crate) const FOLDER: u8 = b'5';

/// A tar archive from headers that are written by hand, so that it can lie.
#[derive(Default, Clone)]
pub(crate) struct Tar(pub(crate) Vec<u8>);

impl Tar {
    pub(crate) fn header(mut self, name: &[u8], kind: u8, size: u64, link: &[u8], mode: u32) -> Self {
        let mut block = [0_u8; 512];
        block[..name.len()].copy_from_slice(name);
        block[100..108].copy_from_slice(format!("{mode:07o}\0").as_bytes());
        block[108..116].copy_from_slice(b"0000000\0");
        block[116..124].copy_from_slice(b"0000000\0");
        block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        block[136..148].copy_from_slice(b"00000000000\0");
        block[156] = kind;
        block[157..157 + link.len()].copy_from_slice(link);
        block[257..265].copy_from_slice(b"ustar\x0000");
        self.0.extend(block);
        self.summed(0..0, b"")
    }

    /// Writes over a part of the last header and gives it a good checksum.
    fn summed(mut self, at: Range<usize>, bytes: &[u8]) -> Self {
        let start = self.0.len() - 512;
        let block = &mut self.0[start..];
        block[at].copy_from_slice(bytes);
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self
    }

    /// A file whose size is written so.
    pub(crate) fn sized(self, name: &[u8], size: &[u8; 12], data: &[u8]) -> Self {
        self.header(name, FILE, 0, b"", 0o644).summed(124..136, size).data(data)
    }

    /// A file whose path stands in two fields.
    pub(crate) fn prefixed(self, prefix: &[u8], name: &[u8], data: &[u8]) -> Self {
        let at = 345..345 + prefix.len();
        self.header(name, FILE, data.len() as u64, b"", 0o644).summed(at, prefix).data(data)
    }

    /// A header of the kind that says something about the next, or about all.
    pub(crate) fn record(self, kind: u8, record: &[u8]) -> Self {
        self.header(b"record", kind, record.len() as u64, b"", 0o644).data(record)
    }

    pub(crate) fn data(mut self, data: &[u8]) -> Self {
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn file(self, name: &str, data: &[u8]) -> Self {
        self.header(name.as_bytes(), FILE, data.len() as u64, b"", 0o644).data(data)
    }

    pub(crate) fn folder(self, name: &str) -> Self {
        self.header(name.as_bytes(), FOLDER, 0, b"", 0o755)
    }

    pub(crate) fn link(self, name: &str, target: &str) -> Self {
        self.header(name.as_bytes(), LINK, 0, target.as_bytes(), 0o777)
    }

    pub(crate) fn hard_link(self, name: &str, target: &str) -> Self {
        self.header(name.as_bytes(), HARD_LINK, 0, target.as_bytes(), 0o644)
    }

    /// A GNU long name (`L`) or long link (`K`) for the next header.
    pub(crate) fn long(self, kind: u8, value: &[u8]) -> Self {
        self.header(b"././@LongLink", kind, value.len() as u64, b"", 0o644).data(value)
    }

    pub(crate) fn pax(self, key: &str, value: &[u8]) -> Self {
        let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
        let digits = (1..).find(|digits| (rest.len() + digits).to_string().len() == *digits).expect("a length");
        let record = [(rest.len() + digits).to_string().as_bytes(), &rest].concat();
        self.header(b"pax", b'x', record.len() as u64, b"", 0o644).data(&record)
    }

    pub(crate) fn gzip(self) -> Vec<u8> {
        gzip(&[self.0, vec![0; 1024]].concat())
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

pub(crate) fn tar() -> Tar {
    Tar::default()
}
