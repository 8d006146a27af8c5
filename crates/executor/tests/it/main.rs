//! The executor with the real terraform, which must be on PATH.

mod apply;
mod at_once;
mod checks;
mod death;
mod described;
mod environment;
mod held;
mod initialised;
mod keeper;
mod killed;
mod memory;
mod mirror;
mod plan;
mod preview;
mod setting;
