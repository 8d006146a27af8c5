//! What Terraform and a provider say to each other: messages, values, schemas, plans and diagnostics.
//!
//! Source of the numbers and rules: the plugin protocol 6.8 as Terraform 1.11 speaks it. Absent: how the bytes travel,
//! which is `plugin`, and any particular resource.

pub mod diagnostics;
pub mod messages;
pub mod plan;
pub mod schema;
pub mod value;
