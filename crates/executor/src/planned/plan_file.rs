//! A plan file: a zip archive with the plan as a protobuf message and the state that it was made from.
//!
//! Source: `planfile.proto` of Terraform, which OpenTofu has kept. Only outputs and what is done to resources are read.

use std::io::{Cursor, Read};

use domain::planned::{PlannedOutput, PlannedOutputs};
use prost::Message;

use super::{msgpack, state};
use crate::initialised::LOCK;
use crate::work::Counts;

/// The version of the message that this reads.
const VERSION: u64 = 3;
/// A part of the archive above this size is not read.
const LARGEST: u64 = 1024 * 1024 * 1024;

#[derive(Clone, PartialEq, Message)]
struct Plan {
    #[prost(uint64, tag = "1")]
    version: u64,
    #[prost(message, repeated, tag = "3")]
    resource_changes: Vec<ResourceChange>,
    #[prost(message, repeated, tag = "4")]
    output_changes: Vec<OutputChange>,
    #[prost(message, optional, tag = "13")]
    backend: Option<Backend>,
}

#[derive(Clone, PartialEq, Message)]
struct Backend {
    #[prost(string, tag = "1")]
    kind: String,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceChange {
    #[prost(string, tag = "13")]
    address: String,
    #[prost(message, optional, tag = "9")]
    change: Option<ResourceAction>,
}

/// A [`Change`] whose values, which may be large, are passed over.
#[derive(Clone, PartialEq, Message)]
struct ResourceAction {
    #[prost(int32, tag = "1")]
    action: i32,
    #[prost(message, optional, tag = "5")]
    importing: Option<Importing>,
}

#[derive(Clone, PartialEq, Message)]
struct Importing {}

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

/// The actions of `planfile.proto`.
const NOTHING: i32 = 0;
const CREATE: i32 = 1;
const READ: i32 = 2;
const UPDATE: i32 = 3;
const DELETE: i32 = 5;
const DELETE_THEN_CREATE: i32 = 6;
const CREATE_THEN_DELETE: i32 = 7;
const FORGET: i32 = 8;

/// How many resource instances a plan touches, as `show -json` would have them counted; `None` when the file is not what is expected.
pub(crate) fn counts(file: &[u8]) -> Option<Counts> {
    let mut counts = Counts::default();
    // A plan that destroys has changes of data blocks too, which are no resources.
    for resource in plan(file)?.resource_changes.into_iter().filter(|it| is_managed(&it.address)) {
        let change = resource.change?;
        match change.action {
            NOTHING | READ | FORGET => {}
            CREATE => counts.additions += 1,
            UPDATE => counts.changes += 1,
            DELETE => counts.destructions += 1,
            DELETE_THEN_CREATE | CREATE_THEN_DELETE => {
                counts.additions += 1;
                counts.destructions += 1;
            }
            // Something newer than this list.
            _ => return None,
        }
        counts.imports += u32::from(change.importing.is_some());
    }
    Some(counts)
}

/// The sort of backend (`local`) that a plan was made with, and is applied with; `None` when the file is not what is expected.
pub(crate) fn backend(file: &[u8]) -> Option<String> {
    plan(file)?.backend.map(|backend| backend.kind)
}

/// Whether a plan was made with a lock file in which there are no checksums: terraform applies it with no other.
pub(crate) fn is_unhashed(file: &[u8]) -> bool {
    part(file, LOCK)
        .and_then(|lock| configuration::locked(&String::from_utf8(lock).ok()?))
        .is_some_and(|locked| locked.iter().all(|provider| provider.hashes.is_empty()))
}

/// Whether an address (`module.a["b.c"].data.aws_vpc.x`) is not that of a data block.
fn is_managed(address: &str) -> bool {
    let mut parts = Vec::new();
    let (mut part, mut quoted, mut escaped) = (String::new(), false, false);
    for c in address.chars() {
        match c {
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            '"' if !escaped => quoted = !quoted,
            _ => part.push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    parts.push(part);
    let inside = parts.chunks(2).find(|pair| pair.first().is_none_or(|word| word != "module"));
    inside.is_none_or(|pair| pair.first().is_none_or(|word| word != "data"))
}

fn part(file: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).ok()?;
    archive.by_name(name).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn plan(file: &[u8]) -> Option<Plan> {
    Plan::decode(part(file, "tfplan")?.as_slice()).ok().filter(|plan| plan.version == VERSION)
}

/// The outputs after the plan was applied; `None` when the file is not what is expected.
pub(super) fn outputs(file: &[u8]) -> Option<PlannedOutputs> {
    // An output that a plan with targets passes over stays as it is.
    let mut outputs = state::outputs_of_state(&part(file, "tfstate")?)?;
    for output in plan(file)?.output_changes {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_blocks_are_told_from_resources_by_their_addresses() {
        for managed in [
            "aws_vpc.x",
            "module.data.aws_vpc.x[0]",
            r#"module.a["].data.x"].t.n"#,
            r#"t.n["\".data."]"#,
            "module.a.module.data.t.n",
        ] {
            assert!(is_managed(managed), "{managed}");
        }
        for data in ["data.aws_vpc.x", "module.a.data.t.n[0]", r#"module.a["\"x.y"].module.b[1].data.t.n"#] {
            assert!(!is_managed(data), "{data}");
        }
    }
}
