//! `tfe_organization`.

use super::table::{Kind, by_id};
use crate::protocol::schema::{flag, number, text};
use crate::protocol::value::Value;

/// The resource type.
pub(super) fn resource() -> Kind {
    Kind {
        collection: |_, _| Ok("organizations".to_owned()),
        item: |state| by_id("organizations", state),
        take: |item, state| {
            let project = item.related("default-project").map_or(Value::Null, Value::from);
            state.insert("default_project_id".into(), project);
        },
        ..Kind::new("tfe_organization", "organizations", || {
            vec![
                text("name", "Its name, which is also its id.").required().replaces().sent_as("name"),
                text("email", "Whom to write to.").required().sent_as("email"),
                text("collaborator_auth_policy", "password or two_factor_mandatory.")
                    .or_server()
                    .among(&["password", "two_factor_mandatory"])
                    .sent_as("collaborator-auth-policy"),
                number("session_timeout_minutes", "After how long a session ends that nobody uses.")
                    .or_server()
                    .sent_as("session-timeout"),
                number("session_remember_minutes", "After how long a session ends.")
                    .or_server()
                    .sent_as("session-remember"),
                text("owners_team_saml_role_id", "The role of owners at the identity provider.")
                    .sent_as("owners-team-saml-role-id"),
                flag(
                    "send_passing_statuses_for_untriggered_speculative_plans",
                    "Whether commits that no workspace watches are said to pass.",
                )
                .or_server()
                .sent_as("send-passing-statuses-for-untriggered-speculative-plans"),
                flag("aggregated_commit_status_enabled", "Whether a commit has one status for all workspaces.")
                    .or_server()
                    .sent_as("aggregated-commit-status-enabled"),
                flag("speculative_plan_management_enabled", "Whether plans of overtaken commits are cancelled.")
                    .or_server()
                    .sent_as("speculative-plan-management-enabled"),
                flag("user_tokens_enabled", "Whether tokens of users are accepted.")
                    .or_server()
                    .sent_as("user-tokens-enabled"),
                flag("stacks_enabled", "Whether stacks of HCP Terraform can be made.")
                    .or_server()
                    .sent_as("stacks-enabled"),
                text("default_project_id", "The project of workspaces that name none.").computed().aside(),
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
