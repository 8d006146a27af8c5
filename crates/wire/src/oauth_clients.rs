//! Connections to hosts of git repositories, under the name that the API has for them.

use serde::{Deserialize, Serialize};
use serde_with::rust::double_option;

use crate::envelope::{Attributes, Items, Request, Resource, ToMany, ToOne, null_as_default};
use crate::{Identifier, Timestamp, kind};

/// A connection as the API answers it.
pub type OauthClient = Resource<OauthClientAttributes, OauthClientRelationships>;

/// What a connection says of itself. Of secrets only that of its webhooks is among it, which is made to be copied.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OauthClientAttributes {
    /// When it was made.
    pub created_at: Timestamp,
    /// Words for people; null when there are none.
    pub name: Option<String>,
    /// One of `domain::vcs::ServiceProvider`: strict clients refuse any other word.
    pub service_provider: String,
    /// The same for people.
    pub service_provider_display_name: String,
    /// Base URL of the host.
    pub http_url: String,
    /// Base URL of the host's API.
    pub api_url: String,
    /// Where a browser comes back to; null, for there is no browser in it.
    pub callback_url: Option<String>,
    /// Where a browser begins; null likewise.
    pub connect_path: Option<String>,
    /// Consumer key of Bitbucket.
    pub key: Option<String>,
    /// Public key of Bitbucket Data Center.
    pub rsa_public_key: Option<String>,
    /// Whether every project may use it.
    pub organization_scoped: bool,
    /// Where the host tells of pushes; multispace alone.
    pub webhook_url: Option<String>,
    /// What the host signs them with: for who may manage the connection, unless they gave a secret of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<String>,
}

/// Shows no secret.
impl std::fmt::Debug for OauthClientAttributes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OauthClientAttributes").field("http_url", &self.http_url).finish_non_exhaustive()
    }
}

impl Attributes for OauthClientAttributes {
    const KIND: &'static str = kind::OAUTH_CLIENTS;
}

/// What a connection points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OauthClientRelationships {
    /// Whose it is.
    pub organization: ToOne,
    /// Its credentials. The provider's data source wants one at most.
    pub oauth_tokens: ToMany,
    /// Projects that may use it when not all may.
    pub projects: ToMany,
    /// Null: there are no agents.
    pub agent_pool: ToOne,
}

/// Body of a create or an update.
pub type OauthClientBody = Request<OauthClientRequest, OauthClientRequestRelationships>;

/// What a client says of a connection; absent means the default on create and unchanged on update.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OauthClientRequest {
    /// Null clears it.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<String>>,
    /// Required on create; never changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_provider: Option<String>,
    /// Required on create; never changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_url: Option<String>,
    /// Required on create by other servers; never changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// The host's token: written and never shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_token_string: Option<String>,
    /// SSH key of Azure DevOps Server: written and never shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Consumer secret of Bitbucket: written and never shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rsa_public_key: Option<String>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_scoped: Option<bool>,
    /// pytfe puts the projects here.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<Identifier>,
}

/// Shows no secret.
impl std::fmt::Debug for OauthClientRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OauthClientRequest").field("http_url", &self.http_url).finish_non_exhaustive()
    }
}

impl Attributes for OauthClientRequest {
    const KIND: &'static str = kind::OAUTH_CLIENTS;
}

/// What a client wants a connection to point to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OauthClientRequestRelationships {
    /// Projects that may use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projects: Option<Items<Identifier>>,
}
