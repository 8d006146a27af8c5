//! Lists of workspaces, with their searches and filters.

use std::collections::BTreeMap;

use axum::extract::State;
use domain::Problem;
use wire::query::{Include, WorkspacesFilter, WorkspacesQuery, WorkspacesSearch};

use super::super::{Tag, Workspace, auto_destroy, service, tags_of_all};
use super::shown::{self, document_with};
use crate::actor::Actor;
use crate::app::App;
use crate::edge::{At, Caller, Here, Name, Query, Reply, Routes, ok};
use crate::resources::{organizations, runs};
use crate::storage::Tx;

pub(super) fn routes() -> Routes {
    Routes::default().get("/organizations/{organization}/workspaces", list)
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Query(query): Query<WorkspacesQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let all = service::list(&tx, &actor, &organization).await?;
    let tags = tags_by_workspace(&tx, &all).await?;
    let tags_of = |workspace: &Workspace| tags.get(&workspace.id).map(Vec::as_slice).unwrap_or_default();

    let mut fitting = Vec::new();
    for workspace in all {
        let (search, filter) = (&query.search, &query.filter);
        if matches(&workspace, tags_of(&workspace), search)
            && fits(&workspace, tags_of(&workspace), filter)
            && run_fits(&tx, &workspace, filter).await?
        {
            fitting.push(workspace);
        }
    }
    sort(&tx, &mut fitting, query.sort.as_deref()).await?;

    let (chosen, pagination) = here.cut(fitting, &query.page);
    let inherited = auto_destroy::inherited(&tx).await?;
    let mut documents = Vec::with_capacity(chosen.len());
    for workspace in &chosen {
        let place = service::place(&tx, &actor, workspace).await?;
        let tags = tags_of(workspace);
        let document = document_with(&actor, place, workspace, tags, &organization.name, &inherited);
        documents.push(shown::with_repository(&tx, document).await?);
    }
    let mut answer = here.paged(documents, pagination);
    for (at, workspace) in chosen.iter().enumerate() {
        add(&app, &tx, &actor, &here, &query.include, workspace, at, &mut answer).await?;
    }
    ok(answer)
}

#[allow(clippy::too_many_arguments, reason = "one step of the list, which has all of these at hand")]
async fn add(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    here: &Here,
    include: &Include,
    workspace: &Workspace,
    at: usize,
    answer: &mut wire::Document<Vec<wire::workspaces::Workspace>>,
) -> Result<(), Problem> {
    if include.has("outputs") {
        let outputs = shown::outputs(app, tx, actor, workspace).await?;
        if let Some(relationships) = answer.data.get_mut(at).and_then(|it| it.relationships.as_mut()) {
            relationships.outputs = shown::outputs_relation(&outputs);
        }
    }
    shown::include(app, tx, actor, here, include, workspace, answer).await
}

async fn tags_by_workspace(tx: &Tx, workspaces: &[Workspace]) -> Result<BTreeMap<String, Vec<Tag>>, Problem> {
    let ids: Vec<_> = workspaces.iter().map(|it| it.id.clone()).collect();
    let mut tags: BTreeMap<String, Vec<Tag>> = BTreeMap::new();
    for (workspace, tag) in tags_of_all(tx, &ids).await? {
        tags.entry(workspace).or_default().push(tag);
    }
    Ok(tags)
}

fn matches(workspace: &Workspace, tags: &[Tag], search: &WorkspacesSearch) -> bool {
    let has = |key: &str| tags.iter().any(|tag| tag.key == key);
    let part = search.name.as_deref().unwrap_or_default().to_lowercase();
    workspace.name.to_lowercase().contains(&part)
        && search.wildcard_name.as_deref().is_none_or(|pattern| is_like(&workspace.name, pattern))
        && search.tags.iter().all(has)
        && !search.exclude_tags.iter().any(has)
}

/// A `*` at either end stands for anything; without one the whole name is meant.
fn is_like(name: &str, pattern: &str) -> bool {
    let (name, pattern) = (name.to_lowercase(), pattern.to_lowercase());
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (None, None) => name == pattern,
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (Some(_), Some(_)) => name.contains(pattern.trim_matches('*')),
    }
}

fn fits(workspace: &Workspace, tags: &[Tag], filter: &WorkspacesFilter) -> bool {
    let project = filter.project.id.as_deref().is_none_or(|id| id.is_empty() || id == workspace.project_id);
    project
        && filter.tagged.values().filter(|wanted| !wanted.key.is_empty()).all(|wanted| {
            let value = wanted.value.as_deref().filter(|value| !value.is_empty());
            tags.iter().any(|tag| tag.key == wanted.key && (value.is_none() || tag.value.as_deref() == value))
        })
}

async fn run_fits(tx: &Tx, workspace: &Workspace, filter: &WorkspacesFilter) -> Result<bool, Problem> {
    if filter.current_run.status.is_empty() {
        return Ok(true);
    }
    let Some(run) = &workspace.current_run_id else { return Ok(false) };
    let run = runs::by_id(tx, run).await?;
    Ok(run.is_some_and(|run| filter.current_run.status.iter().any(|status| status == run.status().visible().as_str())))
}

async fn sort(tx: &Tx, workspaces: &mut [Workspace], by: Option<&str>) -> Result<(), Problem> {
    let by = by.unwrap_or("name");
    let (by, down) = by.strip_prefix('-').map_or((by, false), |by| (by, true));
    match by {
        "latest-change-at" => workspaces.sort_by_key(|it| it.updated_at),
        "current-run.created-at" => {
            let mut created = BTreeMap::new();
            for workspace in workspaces.iter() {
                if let Some(run) = &workspace.current_run_id
                    && let Some(run) = runs::by_id(tx, run).await?
                {
                    created.insert(workspace.id.clone(), run.created_at);
                }
            }
            workspaces.sort_by_key(|it| created.get(&it.id).copied());
        }
        _ => {}
    }
    if down {
        workspaces.reverse();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_at_an_end_stands_for_anything() {
        for (name, pattern, expected) in [
            ("prod-db", "prod-*", true),
            ("prod-db", "*-DB", true),
            ("prod-db", "*od-d*", true),
            ("prod-db", "prod", false),
            ("prod-db", "*", true),
        ] {
            assert_eq!(is_like(name, pattern), expected, "{name} {pattern}");
        }
    }
}
