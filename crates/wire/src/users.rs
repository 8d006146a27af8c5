//! Users, and the account of the caller.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Linked, Resource, ToOne};
use crate::flags::flags;
use crate::kind;

/// A user as the API answers it.
pub type User = Resource<UserAttributes, UserRelationships>;

/// What a user says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct UserAttributes {
    /// The name to sign in with.
    pub username: String,
    /// The address; null where the caller may not see it.
    pub email: Option<String>,
    /// A new address that is not confirmed yet.
    pub unconfirmed_email: Option<String>,
    /// Whether it stands for a team or an organization, not for a person.
    pub is_service_account: bool,
    /// How the user signs in.
    pub auth_method: String,
    /// A picture.
    pub avatar_url: Option<String>,
    /// Always true on a server without the first API.
    pub v2_only: bool,
    /// The second factor.
    pub two_factor: TwoFactor,
    /// What the user may do with the account.
    pub permissions: UserPermissions,
}

impl Attributes for UserAttributes {
    const KIND: &'static str = kind::USERS;
}

flags! {
    /// The second factor of a user.
    TwoFactor { enabled, verified, }
}

flags! {
    /// What a user may do with the own account.
    UserPermissions {
        can_create_organizations,
        can_change_email,
        can_change_username,
        can_manage_user_tokens,
        can_view2fa_settings,
        can_manage_hcp_account,
    }
}

/// What a user points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct UserRelationships {
    /// Where the tokens are read.
    pub authentication_tokens: Linked,
    /// What the token stands for: the user, a team or an organization.
    pub authenticated_resource: ToOne,
}
