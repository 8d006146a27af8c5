//! Planned outputs: read from a plan or a state, and as JSON of our own to be kept and sent.
//!
//! The values of sensitive outputs are in all of these in clear: whoever keeps them seals them.

mod json;

pub use json::{from_json, to_json, type_from_json, type_to_json};
