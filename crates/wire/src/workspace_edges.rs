//! Edges between workspaces: who depends on whom, and where the server knows it from. Not in HCP Terraform.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Resource, ToOne};
use crate::words::EdgeKind;
use crate::{Timestamp, kind};

/// An edge as the API answers it.
pub type WorkspaceEdge = Resource<WorkspaceEdgeAttributes, WorkspaceEdgeRelationships>;

/// What an edge says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WorkspaceEdgeAttributes {
    /// Where it comes from.
    pub kind: EdgeKind,
    /// Name of the workspace that is depended on.
    pub upstream_name: String,
    /// Name of the workspace that depends.
    pub downstream_name: String,
    /// The edge in a sentence.
    pub message: String,
    /// Outputs that are read; null for all, and where nothing is read.
    pub outputs: Option<Vec<String>>,
    /// Where in the code (`main.tf:3`).
    pub places: Vec<String>,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
}

impl Attributes for WorkspaceEdgeAttributes {
    const KIND: &'static str = kind::WORKSPACE_EDGES;
}

/// What an edge points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WorkspaceEdgeRelationships {
    /// Who is depended on.
    pub upstream: ToOne,
    /// Who depends.
    pub downstream: ToOne,
}
