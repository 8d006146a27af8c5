//! API tokens. The secret is shown once, in the answer to the create.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Request, Resource, ToOne};
use crate::{Timestamp, kind};

/// A token as the API answers it.
pub type AuthenticationToken = Resource<AuthenticationTokenAttributes, AuthenticationTokenRelationships>;

/// What a token says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AuthenticationTokenAttributes {
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used; null for never.
    pub last_used_at: Option<Timestamp>,
    /// When it ends; null for never.
    pub expired_at: Option<Timestamp>,
    /// The secret; null but in the answer to the create.
    pub token: Option<String>,
}

impl Attributes for AuthenticationTokenAttributes {
    const KIND: &'static str = kind::AUTHENTICATION_TOKENS;
}

/// What a token points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AuthenticationTokenRelationships {
    /// Who made it.
    pub created_by: ToOne,
    /// The team it stands for; left out for other tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<ToOne>,
}

/// Body of a create.
pub type AuthenticationTokenBody = Request<AuthenticationTokenRequest>;

/// What a client says of a token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AuthenticationTokenRequest {
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it shall end; absent or null for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired_at: Option<Timestamp>,
}

impl Attributes for AuthenticationTokenRequest {
    const KIND: &'static str = kind::AUTHENTICATION_TOKENS;
}
