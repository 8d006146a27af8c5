//! `tfe_oauth_client`: a connection to a host of git repositories.

use super::table::{Import, Kind, by_id, in_organization};
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
        },
        import: Import::No,
        ..Kind::new("tfe_oauth_client", "oauth-clients", || {
            vec![
                text("name", "Words for people.").as_api("name"),
                text("organization", "Whose it is.").or_server().replaces().aside(),
                text("api_url", "Where the host's API is.").required().replaces().as_api("api-url"),
                text("http_url", "Where people find the host.").required().replaces().as_api("http-url"),
                text("service_provider", "Kind of host, such as github.")
                    .required()
                    .replaces()
                    .as_api("service-provider"),
                text("oauth_token", "The host's token.").sensitive().replaces().as_api("oauth-token-string"),
                text("private_key", "Key of Azure DevOps Server.").sensitive().replaces().as_api("private-key"),
                text("key", "Consumer key of Bitbucket.").sensitive().replaces().as_api("key"),
                text("secret", "Consumer secret of Bitbucket.").sensitive().replaces().as_api("secret"),
                text("rsa_public_key", "Key of Bitbucket Data Center.").sensitive().replaces().as_api("rsa-public-key"),
                flag("organization_scoped", "Whether all projects may use it.").or(true).as_api("organization-scoped"),
                text("oauth_token_id", "The token by which workspaces read repositories.").computed().aside(),
            ]
        })
    }
}
