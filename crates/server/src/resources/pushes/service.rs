//! What follows from what a host tells: the runs of the workspaces that it concerns.

use std::collections::BTreeMap;

use domain::Problem;
use domain::trigger::Edge;
use domain::vcs::{Matching, Push, Reference, Watch, concerns, heads};
use globset::GlobBuilder;
use regex::Regex;
use serde_json::Value;

use super::payload::{Pushed, Requested, pushed, requested};
use super::sender::Delivery;
use super::store;
use crate::app::App;
use crate::resources::oauth_clients::{self, Client};
use crate::resources::repositories::{self, Event, PullRequest, Repository};
use crate::resources::run_triggers;
use crate::resources::runs::service::New;
use crate::resources::runs::{self, Run};
use crate::resources::workspaces::{self, Workspace};
use crate::storage::Tx;
use crate::storage::audit::{Act, Who};

/// Takes what a host tells of repositories of a connection; returns the ids of the runs that it starts. Told again, it starts none.
///
/// # Errors
/// `webhook/unknown` unless it is signed with the secret of that connection: nothing is told of what was wrong.
/// `webhook/payload` when it is no JSON.
pub(super) async fn deliver(
    app: &App,
    client: &str,
    delivery: Option<Delivery>,
    body: &[u8],
) -> Result<Vec<String>, Problem> {
    let tx = app.db.read().await?;
    let client = oauth_clients::by_id(&tx, client).await?.ok_or_else(unknown)?;
    drop(tx);
    let delivery = delivery.ok_or_else(unknown)?;
    if !delivery.is_from(&oauth_clients::service::hook_secret(app, &client)?, body) {
        return Err(unknown());
    }
    Act::by(Who::new("webhook", &client.id));
    let payload: Value = serde_json::from_slice(body).map_err(|error| {
        Problem::invalid("webhook/payload", "What the host sent is no JSON.")
            .advice("Set the webhook's content type to application/json.")
            .because(error)
    })?;
    let push = pushed(delivery.host, &delivery.event, &payload);
    let request = requested(delivery.host, &delivery.event, &payload);
    if push.is_none() && request.is_none() {
        return Ok(Vec::new());
    }
    let tx = app.db.write().await?;
    if !store::note(&tx, &client.id, &delivery.names, app.ports.now()).await? {
        return Ok(Vec::new());
    }
    let mut runs = Vec::new();
    if let Some(told) = push {
        runs.extend(start(app, &tx, &client, &told).await?);
    }
    // Whoever may propose from a repository of their own would have their code run with the workspace's variables.
    if let Some(told) = request.filter(|told| !told.is_from_fork) {
        runs.extend(plan(app, &tx, &client, &told).await?);
    }
    tx.commit().await?;
    tracing::info!(connection = client.id, event = delivery.event, runs = runs.len(), "a delivery was taken");
    Ok(runs)
}

/// Starts a run of each workspace that a push concerns, but for those whose upstream it starts.
async fn start(app: &App, tx: &Tx, client: &Client, told: &Pushed) -> Result<Vec<String>, Problem> {
    let mut touched = BTreeMap::new();
    for (workspace, repository) in fed(tx, client, &told.identifier).await? {
        let waits_for_somebody = !workspace.queue_all_runs && !runs::has_any(tx, &workspace.id).await?;
        if !waits_for_somebody && concerns(&told.push, &watch(&workspace, &repository), MATCHING) {
            touched.insert(workspace.id.clone(), workspace);
        }
    }
    let edges = run_triggers::in_organization(tx, &client.organization_id).await?;
    let edges: Vec<_> = edges.into_iter().map(|it| Edge { source: it.source_id, target: it.workspace_id }).collect();
    let ids: Vec<_> = touched.keys().cloned().collect();
    let mut started = Vec::new();
    for workspace in heads(&ids, &edges).iter().filter_map(|id| touched.remove(id)) {
        let new = New {
            // The commit's own words, once it is here.
            message: Some(String::new()),
            source: "tfe-configuration-version".into(),
            event: Some(event(told)),
            ..New::default()
        };
        started.push(runs::service::pushed(app, tx, workspace, new).await?.run.id);
    }
    Ok(started)
}

/// Plans what a pull request proposes, for each workspace that follows the branch that it is for and plans them.
async fn plan(app: &App, tx: &Tx, client: &Client, told: &Requested) -> Result<Vec<String>, Problem> {
    let push = Push { reference: told.base.clone(), changed: None };
    let mut started = Vec::new();
    for (workspace, repository) in fed(tx, client, &told.identifier).await? {
        let waits_for_somebody = !workspace.queue_all_runs && !runs::has_any(tx, &workspace.id).await?;
        let is_for_it = concerns(&push, &watch(&workspace, &repository), MATCHING);
        if !workspace.speculative_enabled || waits_for_somebody || !is_for_it {
            continue;
        }
        let title = told.title.as_deref().map(|title| format!(": {title}")).unwrap_or_default();
        let new = New {
            message: Some(format!("Pull request #{}{title}", told.number)),
            source: "tfe-configuration-version".into(),
            plan_only: Some(true),
            event: Some(proposal(told)),
            ..New::default()
        };
        started.push(runs::service::pushed(app, tx, workspace, new).await?.run.id);
    }
    Ok(started)
}

fn proposal(told: &Requested) -> Event {
    let request = PullRequest {
        number: told.number,
        reference: format!("refs/heads/{}", told.branch),
        url: told.url.clone(),
        title: told.title.clone(),
    };
    Event {
        commit: Some(told.commit.clone()),
        pull_request: Some(request),
        sender: told.sender.clone(),
        ..Event::default()
    }
}

/// Workspaces that a repository of a connection feeds and that run here.
async fn fed(tx: &Tx, client: &Client, identifier: &str) -> Result<Vec<(Workspace, Repository)>, Problem> {
    let tokens: Vec<_> = oauth_clients::tokens_of(tx, &client.id).await?.into_iter().map(|it| it.id).collect();
    let mut fed = Vec::new();
    for repository in repositories::by_tokens(tx, &tokens).await? {
        if is_same(&repository.identifier, identifier)
            && let Some(workspace) = workspaces::by_id(tx, &repository.workspace_id).await?
            && workspace.execution_mode != "local"
        {
            fed.push((workspace, repository));
        }
    }
    Ok(fed)
}

/// Hosts take the names of repositories in any case, and with or without the suffix.
fn is_same(one: &str, other: &str) -> bool {
    let bare = |name: &str| name.strip_suffix(".git").unwrap_or(name).to_lowercase();
    bare(one) == bare(other)
}

fn watch(workspace: &Workspace, repository: &Repository) -> Watch {
    Watch {
        branch: repository.branch.clone(),
        tags: repository.tags_regex.clone(),
        by_files: workspace.file_triggers_enabled,
        folder: workspace.working_directory.clone(),
        prefixes: Run::strings(&workspace.trigger_prefixes),
        patterns: Run::strings(&workspace.trigger_patterns),
    }
}

fn event(told: &Pushed) -> Event {
    let Push { reference, .. } = &told.push;
    let (commit, tag) = match reference {
        Reference::Branch { .. } => (Some(told.commit.clone()), None),
        Reference::Tag(tag) => (None, Some(tag.clone())),
    };
    Event { commit, tag, pull_request: None, sender: told.sender.clone(), compare_url: told.compare_url.clone() }
}

/// Regular expressions as they were checked when the repository was set. A pattern that cannot be read matches: a run too many is
/// seen, one too few is not.
const MATCHING: Matching = Matching {
    tag: |regex, tag| Regex::new(regex).is_ok_and(|regex| regex.is_match(tag)),
    file: |pattern, path| {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        glob.map_or(true, |glob| glob.compile_matcher().is_match(path))
    },
};

fn unknown() -> Problem {
    Problem::not_found("webhook/unknown", "There is no such webhook, or it is not signed with its secret.")
        .advice("Set address and secret of the webhook as the connection shows them.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_in_its_folder_and_two_do_not() {
        for (pattern, path, is) in [
            ("modules/**/*.tf", "modules/a/b/c.tf", true),
            ("modules/**/*.tf", "modules/c.tf", true),
            ("*.hcl", "x/a.hcl", false),
            ("env/*/x", "env/a/x", true),
            ("env/*/x", "env/a/b/x", false),
            ("versions.t?", "versions.tf", true),
            ("a{b", "anything", true),
        ] {
            assert_eq!((MATCHING.file)(pattern, path), is, "{pattern} {path}");
        }
    }

    #[test]
    fn a_repository_is_the_same_with_its_suffix_and_in_any_case() {
        assert!(is_same("Acme/net.git", "acme/Net"));
        assert!(!is_same("acme/net", "acme/network"));
    }
}
