//! `tfe_outputs`: the outputs of a workspace, as a data source and as an ephemeral resource.

use async_trait::async_trait;
use serde_json::json;

use crate::protocol::diagnostics::of_problem;
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::{Block, Type, attribute, id, text};
use crate::protocol::value::{Map, Value};
use crate::provider::{Context, DataSource};
use crate::resources::table::text_of;

/// The type.
pub(super) struct Outputs;

#[async_trait]
impl DataSource for Outputs {
    fn name(&self) -> &'static str {
        "tfe_outputs"
    }

    fn block(&self) -> Block {
        Block::of([
            id(),
            text("organization", "Whose the workspace is.").or_server(),
            text("workspace", "Name of the workspace.").required(),
            attribute("values", Type::Dynamic, "All outputs.").computed().sensitive(),
            attribute("nonsensitive_values", Type::Dynamic, "Those that are not sensitive.").computed(),
        ])
    }

    async fn read(&self, context: &Context, mut state: Map) -> Result<Map, Diagnostic> {
        let workspace = text_of(&state, "workspace").to_owned();
        let failed = |problem| of_problem(&format!("error reading the outputs of workspace {workspace}"), &problem);
        let organization = context.organization(state.get("organization").and_then(Value::as_text)).map_err(failed)?;
        let client = context.client().map_err(failed)?;
        let (_, outputs) = client::outputs::read(&client, &organization, &workspace, true).await.map_err(failed)?;
        let members = |with_sensitive: bool| -> serde_json::Map<_, _> {
            let wanted = outputs.iter().filter(|output| with_sensitive || !output.sensitive);
            wanted.map(|output| (output.name.clone(), output.value.clone())).collect()
        };
        state.insert("id".into(), format!("{organization}-{workspace}").into());
        state.insert("values".into(), Value::dynamic(&json!(members(true))));
        state.insert("nonsensitive_values".into(), Value::dynamic(&json!(members(false))));
        state.insert("organization".into(), organization.into());
        Ok(state)
    }
}
