//! `tfe_oauth_client`: a connection to a host of git repositories.

use serde_json::Map as JsonMap;

use super::table::{Kind, by_id, in_organization, text_of, to_one};
use crate::protocol::schema::{flag, text};
use crate::protocol::value::Value;

/// The resource type.
pub(super) fn resource() -> Kind {
    Kind {
        collection: |context, state| in_organization(context, state, "oauth-clients"),
        item: |state| by_id("oauth-clients", state),
        take: |item, state| {
            let tokens = item.related_all("oauth-tokens");
            let token = tokens.into_iter().next().map_or(Value::Null, Value::Text);
            state.insert("oauth_token_id".into(), token);
            if let Some(organization) = item.related("organization") {
                state.insert("organization".into(), organization.into());
            }
        },
        relationships: |state| match text_of(state, "agent_pool_id") {
            "" => JsonMap::new(),
            pool => JsonMap::from_iter([("agent-pool".to_owned(), to_one("agent-pools", pool))]),
        },
        ..Kind::new("tfe_oauth_client", "oauth-clients", || {
            vec![
                text("name", "Words for people.").sent_as("name"),
                text("organization", "Whose it is.").or_server().replaces().aside(),
                text("api_url", "Where the host's API is.").required().replaces().sent_as("api-url"),
                text("http_url", "Where people find the host.").required().replaces().sent_as("http-url"),
                text("service_provider", "Kind of host, such as github.")
                    .required()
                    .replaces()
                    .sent_as("service-provider"),
                text("oauth_token", "The host's token.").sensitive().replaces().sent_as("oauth-token-string"),
                text("private_key", "Key of Azure DevOps Server.").sensitive().replaces().sent_as("private-key"),
                text("key", "Consumer key of Bitbucket.").sensitive().replaces().sent_as("key"),
                text("secret", "Consumer secret of Bitbucket.").sensitive().replaces().sent_as("secret"),
                text("rsa_public_key", "Key of Bitbucket Data Center.")
                    .sensitive()
                    .replaces()
                    .sent_as("rsa-public-key"),
                flag("organization_scoped", "Whether all projects may use it.").or(true).sent_as("organization-scoped"),
                text("agent_pool_id", "The agents that reach the host.").replaces().aside(),
                text("oauth_token_id", "The token by which workspaces read repositories.").computed().aside(),
            ]
        })
    }
}
