//! Variable sets: variables that many workspaces share.

use serde::{Deserialize, Serialize};
use serde_with::rust::double_option;

use crate::envelope::{Attributes, Identifiers, Items, Request, RequestData, Resource, ToMany, ToOne, null_as_default};
use crate::flags::flags;
use crate::variables::VariableRequest;
use crate::{Timestamp, kind};

/// A variable set as the API answers it.
pub type VariableSet = Resource<VariableSetAttributes, VariableSetRelationships>;

/// What a variable set says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct VariableSetAttributes {
    /// Unique in the organization.
    pub name: String,
    /// Words for people; an empty text when there are none, because the provider takes null for drift.
    #[serde(deserialize_with = "null_as_default")]
    pub description: String,
    /// Whether every workspace of its parent has it.
    pub global: bool,
    /// Whether it stands above the workspaces' own variables.
    pub priority: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How many variables it has.
    pub var_count: u64,
    /// How many workspaces it is attached to.
    pub workspace_count: u64,
    /// How many projects it is attached to.
    pub project_count: u64,
    /// What the caller may do.
    pub permissions: VariableSetPermissions,
}

impl Attributes for VariableSetAttributes {
    const KIND: &'static str = kind::VARIABLE_SETS;
}

flags! {
    /// What the caller may do with a variable set.
    VariableSetPermissions { can_update, }
}

/// What a variable set points to. All ends are named in every answer: clients compare them whether they asked or not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct VariableSetRelationships {
    /// Its organization.
    pub organization: ToOne,
    /// Who owns it: the organization or one of its projects.
    pub parent: ToOne,
    /// The workspaces it is attached to.
    pub workspaces: ToMany,
    /// The projects it is attached to.
    pub projects: ToMany,
    /// Its variables.
    pub vars: ToMany,
}

/// Body of a create or an update.
pub type VariableSetBody = Request<VariableSetRequest, VariableSetRequestRelationships>;

/// What a client says of a variable set; absent means the default on create and unchanged on update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct VariableSetRequest {
    /// Required on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// See [`VariableSetAttributes`]; null clears it.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub description: Option<Option<String>>,
    /// See [`VariableSetAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global: Option<bool>,
    /// See [`VariableSetAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<bool>,
}

impl Attributes for VariableSetRequest {
    const KIND: &'static str = kind::VARIABLE_SETS;
}

/// What a client wants a variable set to point to; absent leaves it, a list replaces what there is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct VariableSetRequestRelationships {
    /// Who owns it; only on create. The organization by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ToOne>,
    /// The workspaces it is attached to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspaces: Option<Identifiers>,
    /// The projects it is attached to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projects: Option<Identifiers>,
    /// Its first variables; only on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vars: Option<Items<RequestData<VariableRequest>>>,
}
