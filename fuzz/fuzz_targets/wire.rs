//! Documents and queries of the API.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::DeserializeOwned;

fn document<T: DeserializeOwned>(bytes: &[u8]) {
    let _ = wire::read::<T>(bytes);
}

fn query<T: DeserializeOwned>(text: &str) {
    let _ = serde_qs::Config::new().use_form_encoding(true).deserialize_str::<T>(text);
}

fuzz_target!(|bytes: &[u8]| {
    document::<wire::workspaces::WorkspaceBody>(bytes);
    document::<wire::runs::RunBody>(bytes);
    document::<wire::variables::VariableBody>(bytes);
    document::<wire::state_versions::StateVersionBody>(bytes);
    document::<wire::teams::TeamBody>(bytes);
    document::<wire::stack_plans::StackPlanBody>(bytes);
    let text = String::from_utf8_lossy(bytes);
    query::<wire::query::WorkspacesQuery>(&text);
    query::<wire::query::RunsQuery>(&text);
    query::<wire::query::VariableSetsQuery>(&text);
});
