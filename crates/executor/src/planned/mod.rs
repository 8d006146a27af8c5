//! Planned outputs: read from a plan or a state, and as JSON of our own to be kept and sent.
//!
//! The values of sensitive outputs are in all of these in clear: whoever keeps them seals them.
//!
//! A plan file says more than `show -json` of it: the types of unknown values and what is known of them, and lists told
//! from tuples inside a value of which a part is unknown. Its format is terraform's own affair, though, so a plan file that
//! is not what is expected is read through `show -json`.

#[cfg(test)]
mod hostile_tests;
mod json;
mod msgpack;
mod plan_file;
mod show;
mod state;

use domain::planned::{PlannedOutputs, PlannedValue};

pub(crate) use plan_file::{backend, counts, is_unhashed};

pub use json::{from_json, to_json, type_from_json, type_to_json};
pub use state::outputs_of_state;

/// The outputs that a workspace will have when a plan is applied, from its file, and from `show -json` of it when the file
/// cannot be read; `None` when neither can.
#[must_use]
pub fn outputs_of_plan(file: &[u8], json: &[u8]) -> Option<PlannedOutputs> {
    outputs_of_plan_file(file).or_else(|| {
        tracing::warn!("a plan file has an unknown form; its outputs are read from what terraform shows of it");
        outputs_of_shown_plan(json)
    })
}

/// [`outputs_of_plan`] where there is no `show -json` of it.
pub(crate) fn outputs_of_plan_file(file: &[u8]) -> Option<PlannedOutputs> {
    let mut outputs = plan_file::outputs(file)?;
    drop_nulls(&mut outputs);
    Some(outputs)
}

/// [`outputs_of_plan`] where there is no plan file, only `show -json` of it.
#[must_use]
pub fn outputs_of_shown_plan(json: &[u8]) -> Option<PlannedOutputs> {
    let mut outputs = show::outputs(json)?;
    drop_nulls(&mut outputs);
    Some(outputs)
}

/// A JSON value with the types that it implies; `None` when it is none.
#[must_use]
pub fn value_of_json(text: &str) -> Option<PlannedValue> {
    state::untyped(serde_json::from_str(text).ok()?)
}

/// A state has no output that is null.
fn drop_nulls(outputs: &mut PlannedOutputs) {
    outputs.retain(|_, output| output.value != PlannedValue::Null);
}
