//! Stacks: workspaces that belong together and go together. A resource of this server's own.

use serde::{Deserialize, Serialize};
use serde_with::rust::double_option;

use crate::envelope::{Attributes, Request, Resource};
use crate::{Timestamp, kind};

/// A stack as the API answers it.
pub type Stack = Resource<StackAttributes>;

/// What a stack says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StackAttributes {
    /// Unique in the organization.
    pub name: String,
    /// `active`, `destroying`, `held`, `destroyed` or `errored`.
    pub status: String,
    /// Why, in words.
    pub message: Option<String>,
    /// Workspaces that it lists.
    pub workspace_ids: Vec<String>,
    /// Workspaces with this tag (`web`, or `team:net`) belong to it.
    pub tag: Option<String>,
    /// Workspaces of this project belong to it.
    pub project_id: Option<String>,
    /// When it is destroyed by itself; null for never.
    pub expires_at: Option<Timestamp>,
    /// What belongs to it now, as far as the caller may see it, by name.
    pub workspaces: Vec<StackMember>,
    /// What was announced, oldest first.
    pub events: Vec<StackEvent>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Attributes for StackAttributes {
    const KIND: &'static str = kind::STACKS;
}

/// A workspace of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StackMember {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How much it manages.
    pub resource_count: u64,
}

/// Something that was announced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StackEvent {
    /// `first-reminder`, `second-reminder`, `expired`, `destroying`, `destroyed` or `errored`.
    pub kind: String,
    /// The same in words.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// Body of a create, an update or an extension.
pub type StackBody = Request<StackRequest>;

/// What a client says of a stack; absent is unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StackRequest {
    /// Required on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// See [`StackAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_ids: Option<Vec<String>>,
    /// See [`StackAttributes`]; null clears it.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub tag: Option<Option<String>>,
    /// See [`StackAttributes`]; null clears it.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub project_id: Option<Option<String>>,
    /// See [`StackAttributes`]; null clears it.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Option<Timestamp>>,
}

impl Attributes for StackRequest {
    const KIND: &'static str = kind::STACKS;
}

/// How long stacks of an organization may live.
pub type StackLifetime = Resource<StackLifetimeAttributes>;

/// See [`StackLifetime`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StackLifetimeAttributes {
    /// In hours; null for ever.
    pub most_hours: Option<i64>,
}

impl Attributes for StackLifetimeAttributes {
    const KIND: &'static str = kind::STACK_LIFETIMES;
}

/// Body that sets it.
pub type StackLifetimeBody = Request<StackLifetimeAttributes>;
