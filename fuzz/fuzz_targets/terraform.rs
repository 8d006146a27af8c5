//! What terraform writes: states, plans as files and as JSON, lines of its output.

#![no_main]

use executor::planned::{outputs_of_plan, outputs_of_shown_plan, outputs_of_state, value_of_json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = outputs_of_state(bytes);
    let _ = outputs_of_plan(bytes, bytes);
    let outputs = outputs_of_shown_plan(bytes).unwrap_or_default();
    let _ = executor::read_plan(bytes, outputs);
    let _ = value_of_json(&String::from_utf8_lossy(bytes));
    let _ = executor::line_as_text(bytes);
});
