//! Archives as they are sent, and tar archives that are compressed first, with the checksums of their headers made good.

#![no_main]

use std::io::Write;

use configuration::{Limits, check};
use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let _ = check(bytes, &limits);
    let mut plain = bytes.to_vec();
    for block in plain.chunks_exact_mut(512) {
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    if encoder.write_all(&plain).is_ok()
        && let Ok(archive) = encoder.finish()
    {
        let _ = check(&archive, &limits);
    }
});
