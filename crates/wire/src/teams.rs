//! Teams. What they may do on single projects and workspaces is [`crate::team_access`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::rust::double_option;

use crate::envelope::{Attributes, Linked, Request, Resource, ToMany, ToOne};
use crate::flags::flags;
use crate::kind;

/// A team as the API answers it.
pub type Team = Resource<TeamAttributes, TeamRelationships>;

/// What a team says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TeamAttributes {
    /// The name, unique in the organization.
    pub name: String,
    /// `secret` or `organization`: whether only its members see it.
    pub visibility: String,
    /// Its id at the identity provider.
    pub sso_team_id: Option<String>,
    /// How many users belong to it.
    pub users_count: u64,
    /// Whether members may make its tokens.
    pub allow_member_token_management: bool,
    /// Whether it is kept outside of the organization.
    pub is_unified: bool,
    /// What it may do in its whole organization, by the words of `domain::roles::Flag`.
    pub organization_access: BTreeMap<String, bool>,
    /// What the caller may do with it.
    pub permissions: TeamPermissions,
}

impl Attributes for TeamAttributes {
    const KIND: &'static str = kind::TEAMS;
}

flags! {
    /// What the caller may do with a team.
    TeamPermissions {
        can_destroy,
        can_update_membership,
        can_update_organization_access,
        can_update_api_token,
        can_update_visibility,
        can_update_name,
        can_update_sso_team_id,
        can_update_member_token_management,
        can_view_api_token,
    }
}

/// What a team points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TeamRelationships {
    /// Whose it is.
    pub organization: ToOne,
    /// Who belongs to it.
    pub users: ToMany,
    /// The memberships of those.
    pub organization_memberships: ToMany,
    /// Where its single token is read.
    pub authentication_token: Linked,
}

/// Body of a create or an update.
pub type TeamBody = Request<TeamRequest>;

/// What a client says of a team; absent means the default on create and unchanged on update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TeamRequest {
    /// Required on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// See [`TeamAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<String>,
    /// See [`TeamAttributes`]; null clears it.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub sso_team_id: Option<Option<String>>,
    /// See [`TeamAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_member_token_management: Option<bool>,
    /// See [`TeamAttributes`]; rights that are absent or null stay as they are, and unknown ones are ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_access: Option<BTreeMap<String, Option<bool>>>,
}

impl Attributes for TeamRequest {
    const KIND: &'static str = kind::TEAMS;
}
