//! Credentials of connections to hosts of git repositories. What they are is written and never shown.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Request, Resource, ToOne};
use crate::{Timestamp, kind};

/// Credentials as the API answers them.
pub type OauthToken = Resource<OauthTokenAttributes, OauthTokenRelationships>;

/// What credentials say of themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OauthTokenAttributes {
    /// When they were made.
    pub created_at: Timestamp,
    /// Whose they are at the host; null where nobody asked it.
    pub service_provider_user: Option<String>,
    /// Whether a key is among them.
    pub has_ssh_key: bool,
}

impl Attributes for OauthTokenAttributes {
    const KIND: &'static str = kind::OAUTH_TOKENS;
}

/// What credentials point to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OauthTokenRelationships {
    /// The connection.
    pub oauth_client: ToOne,
}

/// Body of an update.
pub type OauthTokenBody = Request<OauthTokenRequest>;

/// What a client says of credentials.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OauthTokenRequest {
    /// Private key in PEM or OpenSSH form; empty takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_key: Option<String>,
}

/// Shows no secret.
impl std::fmt::Debug for OauthTokenRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OauthTokenRequest").finish_non_exhaustive()
    }
}

impl Attributes for OauthTokenRequest {
    const KIND: &'static str = kind::OAUTH_TOKENS;
}
