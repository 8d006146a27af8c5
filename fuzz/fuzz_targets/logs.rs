//! Logs of plans and applies as another server sends them.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let log = String::from_utf8_lossy(bytes);
    for error in client::logs::errors(&log) {
        assert!(error.summary.len() + error.detail.len() <= log.len());
    }
    for line in bytes.split(|byte| *byte == b'\n') {
        let _ = executor::line_as_text(line);
    }
});
