//! `tfe_team`, `tfe_team_access` and `tfe_team_token`.

use client::encoded;
use serde_json::{Map as JsonMap, json};

use super::table::{Import, Kind, by_id, in_organization, text_of, to_one};
use crate::protocol::schema::{flag, text};
use crate::protocol::value::Value;

/// `tfe_team`.
pub(super) fn team() -> Kind {
    Kind {
        collection: |context, state| in_organization(context, state, "teams"),
        item: |state| by_id("teams", state),
        import: Import::By(&["organization", "id"]),
        ..Kind::new("tfe_team", "teams", || {
            vec![
                text("name", "Unique in the organization.").required().sent_as("name"),
                text("organization", "Whose it is.").or_server().replaces().aside(),
                text("visibility", "secret or organization.").or_server().sent_as("visibility"),
                text("sso_team_id", "Its id at the identity provider.").sent_as("sso-team-id"),
                flag("allow_member_token_management", "Whether members manage its tokens.")
                    .or(true)
                    .sent_as("allow-member-token-management"),
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
        import: Import::Last,
        ..Kind::new("tfe_team_access", "team-workspaces", || {
            vec![
                text("access", "read, plan, write or admin.").required().sent_as("access"),
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
            if text_of(planned, "expired_at").is_empty() {
                attributes.insert("expired-at".into(), json!(null));
            }
        },
        must_be_absent: |planned| {
            let is_forced = planned.get("force_regenerate").and_then(Value::as_bool).unwrap_or_default();
            (!is_forced).then(|| format!("teams/{}/authentication-token", encoded(text_of(planned, "team_id"))))
        },
        import: Import::By(&["team_id"]),
        ..Kind::new("tfe_team_token", "authentication-tokens", || {
            vec![
                text("team_id", "The team.").required().replaces().aside(),
                flag("force_regenerate", "Whether to replace a token that is there.").replaces().aside(),
                text("expired_at", "When it ends.").replaces().sent_as("expired-at"),
                text("token", "The secret.").computed().sensitive().sent_as("token"),
            ]
        })
    }
}
