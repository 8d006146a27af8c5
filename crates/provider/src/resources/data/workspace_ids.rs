//! `tfe_workspace_ids`: ids of workspaces by their names, patterns of names, and tags.

use async_trait::async_trait;
use client::{Item, encoded};

use crate::protocol::diagnostics::of_problem;
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::{Block, Type, attribute, id, text};
use crate::protocol::value::{Map, Value};
use crate::provider::{Context, DataSource};

/// The type.
pub(super) struct WorkspaceIds;

fn texts(state: &Map, name: &str) -> Vec<String> {
    let list = state.get(name).and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(|one| Some(one.as_text()?.to_owned())).collect()
}

/// Whether a name is one of these; `*` at the beginning or the end stands for anything.
fn is_named(name: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        _ if pattern == "*" => true,
        (Some(rest), Some(_)) => name.contains(rest.trim_end_matches('*')),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    })
}

#[async_trait]
impl DataSource for WorkspaceIds {
    fn name(&self) -> &'static str {
        "tfe_workspace_ids"
    }

    fn block(&self) -> Block {
        Block::of([
            id(),
            text("organization", "Whose the workspaces are.").or_server(),
            attribute("names", Type::texts(), "Names; * at an end stands for anything."),
            attribute("tag_names", Type::texts(), "Tags that all must have."),
            attribute("exclude_tags", Type::text_set(), "Tags that none may have."),
            attribute("ids", Type::text_map(), "Ids by name.").computed(),
            attribute("full_names", Type::text_map(), "Organization and name by name.").computed(),
        ])
    }

    async fn read(&self, context: &Context, mut state: Map) -> Result<Map, Diagnostic> {
        let failed = |problem| of_problem("error reading tfe_workspace_ids", &problem);
        let organization = context.organization(state.get("organization").and_then(Value::as_text)).map_err(failed)?;
        let client = context.client().map_err(failed)?;
        let mut path = format!("organizations/{}/workspaces", encoded(&organization));
        let tags = [("tags", texts(&state, "tag_names")), ("exclude-tags", texts(&state, "exclude_tags"))];
        let wanted = tags.iter().filter(|(_, tags)| !tags.is_empty());
        for (index, (name, tags)) in wanted.enumerate() {
            path.push(if index == 0 { '?' } else { '&' });
            path.push_str(&format!("search%5B{name}%5D={}", encoded(&tags.join(","))));
        }
        let names = texts(&state, "names");
        let items: Vec<Item> = client.list(&path).await.map_err(failed)?;
        let found: Vec<_> =
            items.iter().filter(|item| names.is_empty() || is_named(item.text("name"), &names)).collect();
        let map = |of: &dyn Fn(&Item) -> String| {
            Value::Map(found.iter().map(|item| (item.text("name").to_owned(), of(item).into())).collect())
        };
        state.insert("ids".into(), map(&|item| item.id.clone()));
        state.insert("full_names".into(), map(&|item| format!("{organization}/{}", item.text("name"))));
        state.insert("id".into(), organization.as_str().into());
        state.insert("organization".into(), organization.into());
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_at_an_end() {
        let named = |name: &str, pattern: &str| is_named(name, &[pattern.to_owned()]);
        assert!(
            named("app-prod", "app-*")
                && named("app-prod", "*-prod")
                && named("app-prod", "*")
                && named("app-prod", "*p-p*")
        );
        assert!(!named("app-prod", "app") && !named("app-prod", "*-dev"));
    }
}
