//! `tfe_project`: a group of workspaces.

use serde_json::Map as JsonMap;

use super::table::{Kind, by_id, in_organization, text_of};
use super::workspace::bindings;
use crate::protocol::schema::{Type, attribute, flag, text};
use crate::protocol::value::Value;

/// The resource type.
pub(super) fn resource() -> Kind {
    Kind {
        collection: |context, state| in_organization(context, state, "projects"),
        twin: |context, state| {
            let there = in_organization(context, state, "projects").ok()?;
            Some((there, |item, state| item.text("name") == text_of(state, "name")))
        },
        relationships: |state| match state.get("tags") {
            Some(Value::Map(tags)) => JsonMap::from_iter([("tag-bindings".to_owned(), bindings(tags))]),
            _ => JsonMap::new(),
        },
        item: |state| by_id("projects", state),
        take: |item, state| {
            if let Some(organization) = item.related("organization") {
                state.insert("organization".into(), organization.into());
            }
        },
        ..Kind::new("tfe_project", "projects", || {
            vec![
                text("name", "Unique in the organization.").required().sent_as("name"),
                text("organization", "Whose it is.").or_server().replaces().aside(),
                text("description", "Words for people.").or("").sent_as("description"),
                text("auto_destroy_activity_duration", "How long a workspace may lie idle, such as 14d.")
                    .sent_as("auto-destroy-activity-duration"),
                attribute("tags", Type::text_map(), "Tags with values, which its workspaces inherit.").aside(),
                flag("ignore_additional_tags", "Whether tags of others are left alone.").or(false).aside(),
            ]
        })
    }
}
