//! `tfe_project`: a group of workspaces.

use super::table::{Kind, by_id, in_organization};
use crate::protocol::schema::text;

/// The resource type.
pub(super) fn resource() -> Kind {
    Kind {
        collection: |context, state| in_organization(context, state, "projects"),
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
            ]
        })
    }
}
