//! `tfe_run_trigger`: an applied run of one workspace starts a run of another.

use client::encoded;
use serde_json::Map as JsonMap;

use super::table::{Kind, by_id, text_of, to_one};
use crate::protocol::schema::text;

/// The resource type.
pub(super) fn resource() -> Kind {
    Kind {
        collection: |_, state| Ok(format!("workspaces/{}/run-triggers", encoded(text_of(state, "workspace_id")))),
        item: |state| by_id("run-triggers", state),
        twin: |_, state| {
            let workspace = encoded(text_of(state, "workspace_id"));
            let there = format!("workspaces/{workspace}/run-triggers?filter%5Brun-trigger%5D%5Btype%5D=inbound");
            Some((there, |item, state| item.related("sourceable") == Some(text_of(state, "sourceable_id"))))
        },
        relationships: |state| {
            JsonMap::from_iter([("sourceable".to_owned(), to_one("workspaces", text_of(state, "sourceable_id")))])
        },
        take: |item, state| {
            for (name, relation) in [("workspace_id", "workspace"), ("sourceable_id", "sourceable")] {
                if let Some(id) = item.related(relation) {
                    state.insert(name.into(), id.into());
                }
            }
        },
        ..Kind::new("tfe_run_trigger", "run-triggers", || {
            vec![
                text("workspace_id", "The workspace whose runs are started.").required().replaces().aside(),
                text("sourceable_id", "The workspace whose runs start them.").required().replaces().aside(),
            ]
        })
    }
}
