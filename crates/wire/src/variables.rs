//! Variables of a workspace or of a variable set.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Request, Resource, ToOne, null_as_default};
use crate::kind;
use crate::words::VariableCategory;

/// A variable as the API answers it.
pub type Variable = Resource<VariableAttributes, VariableRelationships>;

/// What a variable says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct VariableAttributes {
    /// Its name.
    pub key: String,
    /// Its value; null when it is sensitive, in every answer.
    pub value: Option<String>,
    /// Words for people.
    #[serde(deserialize_with = "null_as_default")]
    pub description: String,
    /// For terraform or for the environment.
    pub category: VariableCategory,
    /// Whether the value is an HCL expression rather than text.
    pub hcl: bool,
    /// Whether the value is never shown. Once true, always true.
    pub sensitive: bool,
    /// Changes with every change of the variable.
    pub version_id: String,
}

impl Attributes for VariableAttributes {
    const KIND: &'static str = kind::VARIABLES;
}

/// What a variable points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct VariableRelationships {
    /// The workspace it belongs to; the provider reads it. Null for a variable of a set: go-tfe takes any other type
    /// than a workspace here for an error.
    pub configurable: ToOne,
    /// The variable set it belongs to; left out of a workspace's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub varset: Option<ToOne>,
}

/// Body of a create or an update.
pub type VariableBody = Request<VariableRequest, VariableRequestRelationships>;

/// What a client says of a variable; absent means the default on create and unchanged on update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct VariableRequest {
    /// Required on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The value; empty by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Required on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<VariableCategory>,
    /// See [`VariableAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hcl: Option<bool>,
    /// See [`VariableAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<bool>,
}

impl Attributes for VariableRequest {
    const KIND: &'static str = kind::VARIABLES;
}

/// What a client wants a variable to point to; only `POST /vars`, the older spelling, needs it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct VariableRequestRelationships {
    /// The workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<ToOne>,
}
