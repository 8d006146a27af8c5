//! `tfe_variable`: a variable of a workspace or of a variable set.

use client::encoded;
use domain::Problem;
use serde_json::json;

use super::table::{Import, Kind, text_of};
use crate::protocol::schema::{flag, number, text};
use crate::protocol::value::{Map, Value};

/// The resource type.
pub(super) fn resource() -> Kind {
    Kind {
        version: 1,
        collection: |_, state| place(state),
        item: |state| format!("{}/{}", place(state).unwrap_or_default(), encoded(text_of(state, "id"))),
        more: |_, config, attributes| {
            if let Some(secret) = config.get("value_wo").and_then(Value::as_text) {
                attributes.insert("value".into(), json!(secret));
            }
        },
        take: |_, state| {
            let is_hidden = state.get("sensitive").and_then(Value::as_bool).unwrap_or_default();
            let readable = if is_hidden { Value::Null } else { state.get("value").cloned().unwrap_or_default() };
            state.insert("readable_value".into(), readable);
            if state.get("value_wo_version").is_some_and(|version| !version.is_null()) {
                state.insert("value".into(), Value::Null);
                state.insert("readable_value".into(), Value::Null);
            }
        },
        import: Import::Variable,
        ..Kind::new("tfe_variable", "vars", || {
            vec![
                text("key", "Its name.").required().sent_as("key"),
                text("value", "Its value.").or_server().sensitive().sent_as("value"),
                text("value_wo", "Its value, which is never stored.").write_only().aside(),
                number("value_wo_version", "Change it to send value_wo again.").aside(),
                text("readable_value", "The value, unless it is sensitive.").computed().fresh().aside(),
                text("category", "terraform or env.").required().replaces().sent_as("category"),
                text("description", "Words for people.").or("").sent_as("description"),
                flag("hcl", "Whether the value is an expression.").or(false).sent_as("hcl"),
                flag("sensitive", "Whether the value is never shown.").or(false).sent_as("sensitive"),
                text("workspace_id", "The workspace it is of.").replaces().aside(),
                text("variable_set_id", "The variable set it is of.").replaces().aside(),
            ]
        })
    }
}

fn place(state: &Map) -> Result<String, Problem> {
    match (text_of(state, "workspace_id"), text_of(state, "variable_set_id")) {
        ("", "") => {
            Err(Problem::invalid("provider/variable-place", "a variable needs workspace_id or variable_set_id"))
        }
        (workspace, "") => Ok(format!("workspaces/{}/vars", encoded(workspace))),
        (_, set) => Ok(format!("varsets/{}/relationships/vars", encoded(set))),
    }
}
