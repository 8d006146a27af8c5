//! The outputs in a plan file: a zip archive with the plan as a protobuf message and the state that it was made from.
//!
//! Source: `planfile.proto` of Terraform, which OpenTofu has kept. Only what concerns outputs is read.

use std::io::{Cursor, Read};

use domain::planned::{PlannedOutput, PlannedOutputs};
use prost::Message;

use super::{msgpack, state};

/// The version of the message that this reads.
const VERSION: u64 = 3;
/// A part of the archive above this size is not read.
const LARGEST: u64 = 1024 * 1024 * 1024;

#[derive(Clone, PartialEq, Message)]
struct Plan {
    #[prost(uint64, tag = "1")]
    version: u64,
    #[prost(message, repeated, tag = "4")]
    output_changes: Vec<OutputChange>,
}

#[derive(Clone, PartialEq, Message)]
struct OutputChange {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    change: Option<Change>,
    #[prost(bool, tag = "3")]
    sensitive: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Change {
    #[prost(int32, tag = "1")]
    action: i32,
    /// Before and after; only one where the action has only one, or they are the same.
    #[prost(message, repeated, tag = "2")]
    values: Vec<DynamicValue>,
}

#[derive(Clone, PartialEq, Message)]
struct DynamicValue {
    #[prost(bytes = "vec", tag = "1")]
    msgpack: Vec<u8>,
}

const DELETE: i32 = 5;

/// The outputs after the plan was applied; `None` when the file is not what is expected.
pub(super) fn outputs(file: &[u8]) -> Option<PlannedOutputs> {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).ok()?;
    let mut part = |name: &str| {
        let mut bytes = Vec::new();
        archive.by_name(name).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    };
    let plan = Plan::decode(part("tfplan")?.as_slice()).ok().filter(|plan| plan.version == VERSION)?;
    // An output that a plan with targets passes over stays as it is.
    let mut outputs = state::outputs_of_state(&part("tfstate")?)?;
    for output in plan.output_changes {
        let change = output.change?;
        if change.action == DELETE {
            outputs.remove(&output.name);
            continue;
        }
        let (value, ty) = msgpack::decode(&change.values.last()?.msgpack)?;
        outputs.insert(output.name, PlannedOutput { value, sensitive: output.sensitive, ty });
    }
    Some(outputs)
}
