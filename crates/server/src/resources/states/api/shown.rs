//! State versions and outputs as documents.

use std::collections::BTreeMap;

use serde_json::Value;
use wire::state_version_outputs::{StateVersionOutput, StateVersionOutputAttributes};
use wire::state_versions::{StateResource, StateVersion, StateVersionAttributes, StateVersionRelationships};
use wire::words::{OutputType, StateStatus};
use wire::workspace_outputs::{WorkspaceOutput, WorkspaceOutputAttributes};
use wire::{ToMany, ToOne, kind};

use crate::app::App;
use crate::edge::{Here, signed};
use crate::resources::states::State;
use crate::resources::states::service::ShownOutput;

/// A state version as the API shows it.
pub fn document(app: &App, here: &Here, state: &State, outputs: &[ShownOutput]) -> StateVersion {
    let done = state.is_finalized() || state.is_kept();
    let waits = state.status == "pending";
    let resources = resources(&state.resources);
    let attributes = StateVersionAttributes {
        created_at: state.created_at.into(),
        status: StateStatus::parse(&state.status).unwrap_or_default(),
        size: done.then(|| u64::try_from(state.size).unwrap_or(0)),
        serial: u64::try_from(state.serial).unwrap_or(0),
        lineage: Some(state.lineage.clone()).filter(|lineage| !lineage.is_empty()),
        state_version: done.then_some(4),
        terraform_version: done.then(|| state.terraform_version.clone()),
        intermediate: state.intermediate,
        hosted_state_download_url: done.then(|| signed::read(app, here, "states", &state.id)),
        hosted_json_state_download_url: done.then(|| signed::read(app, here, "json-states", &state.id)),
        hosted_state_upload_url: waits.then(|| signed::upload(app, here, "states", &state.id)),
        hosted_json_state_upload_url: waits.then(|| signed::upload(app, here, "json-states", &state.id)),
        resources_processed: done,
        modules: done.then(|| counted(&resources, |it| it.module.clone())),
        providers: done.then(|| counted(&resources, |it| it.provider.clone())),
        resources: done.then_some(resources),
        refusal: state.refusal.clone(),
        ..StateVersionAttributes::default()
    };
    let relationships = StateVersionRelationships {
        workspace: ToOne::new(kind::WORKSPACES, &state.workspace_id),
        run: ToOne::maybe(kind::RUNS, state.run_id.as_ref()),
        created_by: ToOne::maybe(kind::USERS, state.created_by.as_ref()),
        outputs: ToMany::new(kind::STATE_VERSION_OUTPUTS, outputs.iter().map(|it| &it.output.id)),
    };
    let path = format!("/api/v2/state-versions/{}", state.id);
    StateVersion::new(&state.id, attributes).related(relationships).linked("self", path)
}

/// An output as the API shows it.
pub fn output_document(shown: &ShownOutput) -> StateVersionOutput {
    let attributes = StateVersionOutputAttributes {
        name: shown.output.name.clone(),
        sensitive: shown.output.sensitive,
        broad_type: broad(&shown.output.detailed_type),
        detailed_type: shown.output.detailed_type.clone(),
        value: shown.value.clone(),
    };
    let path = format!("/api/v2/state-version-outputs/{}", shown.output.id);
    StateVersionOutput::new(&shown.output.id, attributes).linked("self", path)
}

/// An output as a workspace includes it.
pub fn workspace_output_document(shown: &ShownOutput) -> WorkspaceOutput {
    let attributes = WorkspaceOutputAttributes {
        name: shown.output.name.clone(),
        sensitive: shown.output.sensitive,
        output_type: broad(&shown.output.detailed_type),
        detailed_type: shown.output.detailed_type.clone(),
        value: shown.value.clone(),
    };
    let path = format!("/api/v2/state-version-outputs/{}", shown.output.id);
    WorkspaceOutput::new(&shown.output.id, attributes).linked("self", path)
}

fn broad(detailed: &Value) -> OutputType {
    match detailed.as_str().or_else(|| detailed.get(0)?.as_str()) {
        Some("number") => OutputType::Number,
        Some("bool") => OutputType::Bool,
        Some("list" | "set" | "tuple") => OutputType::Array,
        Some("map" | "object") => OutputType::Object,
        _ => OutputType::Text,
    }
}

fn resources(stored: &Value) -> Vec<StateResource> {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let all = stored.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter()
        .map(|it| StateResource {
            name: text(it, "name"),
            resource_type: text(it, "type"),
            count: it["count"].as_u64().unwrap_or(0),
            module: text(it, "module"),
            provider: text(it, "provider"),
        })
        .collect()
}

fn counted(
    resources: &[StateResource],
    group: impl Fn(&StateResource) -> String,
) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut counts: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for resource in resources {
        *counts.entry(group(resource)).or_default().entry(resource.resource_type.clone()).or_default() +=
            resource.count;
    }
    counts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_broad_type_follows_from_the_type_as_terraform_writes_it() {
        for (detailed, expected) in [
            (json!("string"), OutputType::Text),
            (json!("number"), OutputType::Number),
            (json!(["set", "string"]), OutputType::Array),
            (json!(["object", { "a": "bool" }]), OutputType::Object),
        ] {
            assert_eq!(broad(&detailed), expected, "{detailed}");
        }
    }
}
