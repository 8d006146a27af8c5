//! Users, and the account of the caller.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Linked, Request, Resource, ToMany, ToOne};
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

/// Body of a change of the own account.
pub type AccountBody = Request<AccountRequest>;

/// What a client says of the own account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AccountRequest {
    /// A new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// A new address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl Attributes for AccountRequest {
    const KIND: &'static str = kind::USERS;
}

/// Body of a change of the own password.
pub type PasswordBody = Request<PasswordRequest>;

/// A new password. Attributes have underscores here, as HCP Terraform documents them; dashes are taken too.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PasswordRequest {
    /// The password so far.
    #[serde(alias = "current-password")]
    pub current_password: String,
    /// The new one.
    pub password: String,
    /// The new one again.
    #[serde(alias = "password-confirmation")]
    pub password_confirmation: String,
}

/// Passwords belong in no log.
impl std::fmt::Debug for PasswordRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordRequest").finish_non_exhaustive()
    }
}

impl Attributes for PasswordRequest {
    const KIND: &'static str = kind::USERS;
}

/// A user as an administrator of the site sees it.
pub type AdminUser = Resource<AdminUserAttributes, AdminUserRelationships>;

/// What an administrator of the site sees of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AdminUserAttributes {
    /// The name to sign in with.
    pub username: String,
    /// The address.
    pub email: String,
    /// A picture.
    pub avatar_url: Option<String>,
    /// Whether the user administers the site.
    pub is_admin: bool,
    /// Whether the user is shut out.
    pub is_suspended: bool,
    /// Whether it stands for a team or an organization, not for a person.
    pub is_service_account: bool,
}

impl Attributes for AdminUserAttributes {
    const KIND: &'static str = kind::USERS;
}

/// What a user points to for an administrator of the site.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AdminUserRelationships {
    /// Organizations that the user is a member of.
    pub organizations: ToMany,
}
