//! The HCP Terraform API v2 as the network has it: JSON:API documents, request bodies and query parameters.
//!
//! Structs are plain data with public fields; a server fills them and a client reads them, with the same types. Absent
//! on purpose: behaviour, permissions, defaults of the product, HTTP. Optional request attributes stay `None` until a
//! service decides what absence means.
//!
//! - [`envelope`]: the document around every resource, errors, pages, and the lenient reading of requests.
//! - [`kind`]: the `type` of every resource.
//! - [`query`]: what stands behind the `?` of a list or a read.
//! - [`words`]: closed lists of words that strict clients check.
//! - One module for each resource: `…Attributes` and `…Relationships` of answers, an alias for the whole resource
//!   (`Workspace`), and `…Request` structs for what clients send.
//!
//! Structs of answers can be read as well; an attribute that is missing gets its type's default.

mod flags;

pub mod applies;
pub mod audit;
pub mod authentication_tokens;
pub mod capacity;
pub mod comments;
pub mod configuration_versions;
pub mod entitlement_sets;
pub mod envelope;
pub mod ingress_attributes;
pub mod kind;
pub mod oauth_clients;
pub mod oauth_tokens;
pub mod organization_memberships;
pub mod organizations;
pub mod plans;
pub mod projects;
pub mod query;
pub mod run_events;
pub mod run_limits;
pub mod run_triggers;
pub mod runs;
pub mod stack_plans;
pub mod stacks;
pub mod state_version_outputs;
pub mod state_versions;
pub mod tag_bindings;
pub mod tags;
pub mod task_stages;
pub mod team_access;
pub mod teams;
pub mod timestamp;
pub mod users;
pub mod variable_sets;
pub mod variables;
pub mod words;
pub mod workspace_edges;
pub mod workspace_outputs;
pub mod workspaces;

pub use envelope::{
    ActionRequest, Attributes, Document, ErrorDocument, ErrorObject, Identifier, Identifiers, Items, Linked, Links,
    NoRelationships, Pagination, Request, RequestData, Resource, ToMany, ToOne, read,
};
pub use timestamp::{StatusTimestamps, Timestamp};
