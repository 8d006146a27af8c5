//! `tfe_team`, `tfe_team_access` and `tfe_team_token`.

use client::encoded;
use serde_json::{Map as JsonMap, Value as Json, json};

use super::table::{Import, Kind, by_id, in_organization, inner, one_of, text_of, to_one};
use crate::protocol::schema::{Block, Nesting, flag, text};
use crate::protocol::value::{Map, Value};

/// `tfe_team`.
pub(super) fn team() -> Kind {
    Kind {
        collection: |context, state| in_organization(context, state, "teams"),
        item: |state| by_id("teams", state),
        import: Import::Team,
        blocks: |block| block.and("organization_access", Nesting::List(1), rights()),
        more: |planned, _, attributes| {
            if let Some(rights) = inner(planned, "organization_access") {
                attributes.insert("organization-access".into(), named_as_in_the_api(rights));
            }
        },
        take: |item, state| {
            if let Some(organization) = item.related("organization") {
                state.insert("organization".into(), organization.into());
            }
            take_block(&rights(), "organization_access", item.get("organization-access"), state);
        },
        twin: |context, state| {
            let there = in_organization(context, state, "teams").ok()?;
            Some((there, |item, state| item.text("name") == text_of(state, "name")))
        },
        ..Kind::new("tfe_team", "teams", || {
            vec![
                text("name", "Unique in the organization.").required().sent_as("name"),
                text("organization", "Whose it is.").or_server().replaces().aside(),
                text("visibility", "secret or organization.")
                    .or_server()
                    .among(&["secret", "organization"])
                    .sent_as("visibility"),
                text("sso_team_id", "Its id at the identity provider.").sent_as("sso-team-id"),
                flag("allow_member_token_management", "Whether members manage its tokens.")
                    .or(true)
                    .sent_as("allow-member-token-management"),
            ]
        })
    }
}

/// What a team may do in its organization.
fn rights() -> Block {
    Block::of(
        [
            "manage_policies",
            "manage_policy_overrides",
            "manage_workspaces",
            "manage_vcs_settings",
            "manage_providers",
            "manage_modules",
            "manage_run_tasks",
            "manage_projects",
            "read_workspaces",
            "read_projects",
            "manage_membership",
            "manage_teams",
            "manage_organization_access",
            "access_secret_teams",
            "manage_agent_pools",
        ]
        .map(|name| flag(name, "Whether members may do that.").or(false)),
    )
}

/// What a team may do in a workspace, one by one.
fn permissions() -> Block {
    Block::of([
        text("runs", "read, plan or apply.").required().among(&["read", "plan", "apply"]),
        text("variables", "none, read or write.").required().among(&["none", "read", "write"]),
        text("state_versions", "none, read, read-outputs or write.").required().among(&[
            "none",
            "read",
            "read-outputs",
            "write",
        ]),
        text("sentinel_mocks", "none or read.").required().among(&["none", "read"]),
        flag("workspace_locking", "Whether members may lock it.").required(),
        flag("run_tasks", "Whether members may set its run tasks.").required(),
        flag("policy_overrides", "Whether members may override policies.").or(false),
    ])
}

/// The members of a block under the names of the API.
fn named_as_in_the_api(block: &Map) -> Json {
    let said = block.iter().filter(|(_, value)| !value.is_null() && !value.is_unknown());
    Json::Object(said.map(|(name, value)| (name.replace('_', "-"), value.to_json())).collect())
}

/// Takes over what the server says of a block that the configuration has.
fn take_block(block: &Block, name: &str, said: &Json, state: &mut Map) {
    let Some(mut members) = inner(state, name).cloned() else { return };
    for attribute in &block.attributes {
        if let Some(said) = said.get(attribute.name.replace('_', "-")) {
            members.insert(attribute.name.to_owned(), said.into());
        }
    }
    state.insert(name.to_owned(), Value::List(vec![Value::Map(members)]));
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
            if item.text("access") == "custom" && inner(state, "permissions").is_none() {
                state.insert("permissions".into(), Value::List(vec![Value::Map(permissions().nothing())]));
            }
            if item.text("access") != "custom" {
                state.insert("permissions".into(), Value::List(Vec::new()));
            }
            let said = Json::Object(item.attributes.clone());
            take_block(&permissions(), "permissions", &said, state);
        },
        version: 1,
        blocks: |block| block.and("permissions", Nesting::List(1), permissions()),
        more: |planned, _, attributes| {
            if let Some(Json::Object(permissions)) = inner(planned, "permissions").map(named_as_in_the_api) {
                attributes.insert("access".into(), json!("custom"));
                attributes.extend(permissions);
            }
        },
        plan: |config, state| {
            if inner(config, "permissions").is_some() {
                state.insert("access".into(), "custom".into());
            }
        },
        check: |config, told| one_of(config, ["access", "permissions"], false, told),
        // The original keeps the permissions that a fixed access implies.
        upgrade: |mut state| {
            if text_of(&state, "access") != "custom" {
                state.insert("permissions".into(), Value::List(Vec::new()));
            }
            state
        },
        twin: |_, state| {
            let workspace = encoded(text_of(state, "workspace_id"));
            let there = format!("team-workspaces?filter%5Bworkspace%5D%5Bid%5D={workspace}");
            Some((there, |item, state| item.related("team") == Some(text_of(state, "team_id"))))
        },
        import: Import::Last,
        ..Kind::new("tfe_team_access", "team-workspaces", || {
            vec![
                text("access", "read, plan, write or admin.")
                    .or_server()
                    .among(&["read", "plan", "write", "admin"])
                    .sent_as("access"),
                text("team_id", "The team.").required().replaces().aside(),
                text("workspace_id", "The workspace.").required().replaces().aside(),
            ]
        })
    }
}

/// `tfe_team_token`: the one token of a team without a description, whose making replaces one that is there, or one of
/// several with a description.
pub(super) fn token() -> Kind {
    Kind {
        collection: |_, state| {
            let several = if text_of(state, "description").is_empty() { "" } else { "s" };
            Ok(format!("teams/{}/authentication-token{several}", encoded(text_of(state, "team_id"))))
        },
        item: |state| match text_of(state, "description") {
            "" => format!("teams/{}/authentication-token", encoded(text_of(state, "team_id"))),
            _ => by_id("authentication-tokens", state),
        },
        take: |_, state| {
            if text_of(state, "description").is_empty() {
                let team = text_of(state, "team_id").to_owned();
                state.insert("id".into(), team.into());
            }
        },
        more: |planned, _, attributes| {
            if text_of(planned, "expired_at").is_empty() {
                attributes.insert("expired-at".into(), json!(null));
            }
        },
        must_be_absent: |planned| {
            let is_forced = planned.get("force_regenerate").and_then(Value::as_bool).unwrap_or_default();
            let is_one_of_many = !text_of(planned, "description").is_empty();
            let there = format!("teams/{}/authentication-token", encoded(text_of(planned, "team_id")));
            (!is_forced && !is_one_of_many).then_some(there)
        },
        check: |config, told| one_of(config, ["description", "force_regenerate"], true, told),
        import: Import::By(&["team_id"]),
        ..Kind::new("tfe_team_token", "authentication-tokens", || {
            vec![
                text("team_id", "The team.").required().replaces().aside(),
                text("description", "Tells the tokens of a team apart.").replaces().sent_as("description"),
                flag("force_regenerate", "Whether to replace a token that is there.").replaces().aside(),
                text("expired_at", "When it ends.").replaces().sent_as("expired-at"),
                text("token", "The secret.").computed().sensitive().sent_as("token"),
            ]
        })
    }
}
