//! Memberships: a user in an organization.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Request, Resource, ToMany, ToOne};
use crate::{Timestamp, kind};

/// A membership as the API answers it.
pub type OrganizationMembership = Resource<OrganizationMembershipAttributes, OrganizationMembershipRelationships>;

/// What a membership says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OrganizationMembershipAttributes {
    /// `active` or `invited`.
    pub status: String,
    /// Address of the user.
    pub email: String,
    /// Name of the user.
    pub username: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where whoever was invited comes in; only in the answer to the create, and an addition of this product, which sends
    /// no mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation_link: Option<String>,
}

impl Attributes for OrganizationMembershipAttributes {
    const KIND: &'static str = kind::ORGANIZATION_MEMBERSHIPS;
}

/// What a membership points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OrganizationMembershipRelationships {
    /// Where.
    pub organization: ToOne,
    /// Who.
    pub user: ToOne,
    /// Teams that the user belongs to there.
    pub teams: ToMany,
}

/// Body of a create.
pub type OrganizationMembershipBody =
    Request<OrganizationMembershipRequest, OrganizationMembershipRequestRelationships>;

/// What a client says of a membership.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OrganizationMembershipRequest {
    /// Whom to invite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl Attributes for OrganizationMembershipRequest {
    const KIND: &'static str = kind::ORGANIZATION_MEMBERSHIPS;
}

/// What a client says of what a membership points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OrganizationMembershipRequestRelationships {
    /// Teams that whoever is invited shall belong to.
    pub teams: ToMany,
}
