//! `tfe_team`, `tfe_team_access` and `tfe_team_token`.

use client::encoded;
use serde_json::{Map as JsonMap, json};

use super::table::{Import, Kind, by_id, in_organization, text_of, to_one};
use crate::protocol::schema::{flag, text};

/// `tfe_team`.
pub(super) fn team() -> Kind {
    Kind {
        collection: |context, state| in_organization(context, state, "teams"),
        item: |state| by_id("teams", state),
        import: Import::By(&["organization", "id"]),
        ..Kind::new("tfe_team", "teams", || {
            vec![
                text("name", "Unique in the organization.").required().as_api("name"),
                text("organization", "Whose it is.").or_server().replaces().aside(),
                text("visibility", "secret or organization.").or_server().as_api("visibility"),
                text("sso_team_id", "Its id at the identity provider.").as_api("sso-team-id"),
                flag("allow_member_token_management", "Whether members manage its tokens.")
                    .or(true)
                    .as_api("allow-member-token-management"),
            ]
        })
    }
}

/// `tfe_team_access`.
pub(super) fn access() -> Kind {
    Kind {
        collection: |_, _| Ok("team-workspaces".to_owned()),
        item: |state| by_id("team-workspaces", state),
        relationships: |state| {
            JsonMap::from_iter([
                ("team".to_owned(), to_one("teams", text_of(state, "team_id"))),
                ("workspace".to_owned(), to_one("workspaces", text_of(state, "workspace_id"))),
            ])
        },
        take: |item, state| {
            for (name, relation) in [("workspace_id", "workspace"), ("team_id", "team")] {
                if let Some(id) = item.related(relation) {
                    state.insert(name.into(), id.into());
                }
            }
        },
        ..Kind::new("tfe_team_access", "team-workspaces", || {
            vec![
                text("access", "read, plan, write or admin.").required().as_api("access"),
                text("team_id", "The team.").required().replaces().aside(),
                text("workspace_id", "The workspace.").required().replaces().aside(),
            ]
        })
    }
}

/// `tfe_team_token`: the one token of a team. Making it replaces one that is there.
pub(super) fn token() -> Kind {
    Kind {
        collection: |_, state| Ok(format!("teams/{}/authentication-token", encoded(text_of(state, "team_id")))),
        item: |state| format!("teams/{}/authentication-token", encoded(text_of(state, "team_id"))),
        take: |_, state| {
            let team = text_of(state, "team_id").to_owned();
            state.insert("id".into(), team.into());
        },
        more: |planned, _, attributes| {
            if let "" = text_of(planned, "expired_at") {
                attributes.insert("expired-at".into(), json!(null));
            }
        },
        import: Import::By(&["team_id"]),
        ..Kind::new("tfe_team_token", "authentication-tokens", || {
            vec![
                text("team_id", "The team.").required().replaces().aside(),
                flag("force_regenerate", "Whether to replace a token that is there.").replaces().aside(),
                text("expired_at", "When it ends.").replaces().as_api("expired-at"),
                text("token", "The secret.").computed().sensitive().as_api("token"),
            ]
        })
    }
}
