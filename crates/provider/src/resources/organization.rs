//! `tfe_organization`.

use super::table::{Kind, by_id};
use crate::protocol::schema::{flag, text};

/// The resource type.
pub(super) fn resource() -> Kind {
    Kind {
        collection: |_, _| Ok("organizations".to_owned()),
        item: |state| by_id("organizations", state),
        ..Kind::new("tfe_organization", "organizations", || {
            vec![
                text("name", "Its name, which is also its id.").required().replaces().sent_as("name"),
                text("email", "Whom to write to.").required().sent_as("email"),
                text("collaborator_auth_policy", "password or two_factor_mandatory.")
                    .or_server()
                    .sent_as("collaborator-auth-policy"),
                flag("cost_estimation_enabled", "Whether costs are estimated.")
                    .or_server()
                    .sent_as("cost-estimation-enabled"),
                flag("assessments_enforced", "Whether health assessments are forced.")
                    .or_server()
                    .sent_as("assessments-enforced"),
                flag("allow_force_delete_workspaces", "Whether workspaces with resources may be deleted.")
                    .or_server()
                    .sent_as("allow-force-delete-workspaces"),
            ]
        })
    }
}
