//! Comments on a run.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Request, Resource, ToOne};
use crate::{Timestamp, kind};

/// A comment as the API answers it.
pub type Comment = Resource<CommentAttributes, CommentRelationships>;

/// What was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct CommentAttributes {
    /// The words.
    pub body: String,
    /// When they were said.
    pub created_at: Timestamp,
}

impl Attributes for CommentAttributes {
    const KIND: &'static str = kind::COMMENTS;
}

/// What a comment points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct CommentRelationships {
    /// Who said it.
    pub user: ToOne,
    /// The event that it is part of.
    pub run_event: ToOne,
}

/// Body of a create.
pub type CommentBody = Request<CommentRequest>;

/// What somebody wants to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct CommentRequest {
    /// Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Attributes for CommentRequest {
    const KIND: &'static str = kind::COMMENTS;
}
