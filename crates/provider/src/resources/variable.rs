//! `tfe_variable`: a variable of a workspace or of a variable set.

use async_trait::async_trait;
use client::encoded;
use domain::Problem;
use serde_json::json;

use super::table::{Import, Kind, one_of, text_of};
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::{Block, flag, number, text};
use crate::protocol::value::{Map, Value};
use crate::provider::{Change, Context, Plan, Resource};

/// Note kept with a state whose value was given as `value_wo`, and is not to be read into it.
const WRITE_ONLY: &[u8] = b"{\"write_only\":true}";

/// The resource type.
pub(super) struct Variable(Kind);

/// The resource type.
pub(super) fn resource() -> Variable {
    Variable(Kind {
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
                hide(state);
            }
        },
        check: |config, told| {
            one_of(config, ["workspace_id", "variable_set_id"], false, told);
            one_of(config, ["value", "value_wo"], true, told);
        },
        twin: |_, state| {
            let is_meant = |item: &client::Item, state: &Map| {
                item.text("key") == text_of(state, "key") && item.text("category") == text_of(state, "category")
            };
            Some((place(state).ok()?, is_meant))
        },
        import: Import::Variable,
        ..Kind::new("tfe_variable", "vars", || {
            vec![
                text("key", "Its name.").required().sent_as("key"),
                text("value", "Its value.").or_server().sensitive().sent_as("value"),
                text("value_wo", "Its value, which is never stored.").sensitive().write_only().aside(),
                number("value_wo_version", "Change it to send value_wo again.").aside(),
                text("readable_value", "The value, unless it is sensitive.").computed().fresh().aside(),
                text("category", "terraform or env.")
                    .required()
                    .replaces()
                    .among(&["terraform", "env"])
                    .sent_as("category"),
                text("description", "Words for people.").or("").sent_as("description"),
                flag("hcl", "Whether the value is an expression.").or(false).sent_as("hcl"),
                flag("sensitive", "Whether the value is never shown.").or(false).sent_as("sensitive"),
                text("workspace_id", "The workspace it is of.").replaces().aside(),
                text("variable_set_id", "The variable set it is of.").replaces().aside(),
            ]
        })
    })
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

fn hide(state: &mut Map) {
    state.insert("value".into(), Value::Null);
    state.insert("readable_value".into(), Value::Null);
}

/// Keeps a value that was given as write-only out of the state, now and in later reads.
fn keep_out(change: &mut Change) {
    let is_write_only = change.config.get("value_wo").is_some_and(|value| !value.is_null());
    change.private = if is_write_only { WRITE_ONLY.to_vec() } else { Vec::new() };
    if let (true, Some(state)) = (is_write_only, &mut change.state) {
        hide(state);
    }
}

#[async_trait]
impl Resource for Variable {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn version(&self) -> i64 {
        self.0.version
    }

    fn block(&self) -> Block {
        self.0.block()
    }

    fn validate(&self, config: &Map, told: &mut Vec<Diagnostic>) {
        self.0.validate(config, told);
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) {
        self.0.plan(context, plan).await;
    }

    async fn create(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        self.0.create(context, change).await?;
        keep_out(change);
        Ok(())
    }

    async fn read(&self, context: &Context, state: Map, private: &mut Vec<u8>) -> Result<Option<Map>, Diagnostic> {
        let mut read = self.0.read(context, state, private).await?;
        if let (true, Some(state)) = (private == WRITE_ONLY, &mut read) {
            hide(state);
        }
        Ok(read)
    }

    async fn update(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        self.0.update(context, change).await?;
        keep_out(change);
        Ok(())
    }

    async fn delete(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        self.0.delete(context, change).await
    }

    async fn import(&self, context: &Context, id: &str) -> Result<Map, Diagnostic> {
        self.0.import(context, id).await
    }
}
