//! Runs: make, read, confirm, stop, and what went wrong in one.

use std::time::Duration;

use domain::Problem;
use domain::run::RunStatus;
use serde::Deserialize;
use serde_json::json;
use wire::runs::{RunActions, RunBody, RunRelationships, RunRequest, RunRequestRelationships};
use wire::{ActionRequest, Document, ToOne, kind};

use crate::{Client, Item, encoded};

/// A run, read leniently: the status is text, because a word that this build does not know must not end a wait.
pub type Run = wire::Resource<RunFacts, RunRelationships>;

/// What is read of a run.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunFacts {
    /// Where it is in its life.
    pub status: String,
    /// What somebody said when making it.
    pub message: Option<String>,
    /// Whether it destroys everything.
    pub is_destroy: bool,
    /// Whether its plan has changes.
    pub has_changes: bool,
    /// When it was made.
    pub created_at: Option<String>,
    /// What can be done in this state.
    pub actions: RunActions,
}

impl RunFacts {
    /// Whether nothing can follow. A status that this build does not know is not final.
    pub fn is_final(&self) -> bool {
        RunStatus::parse(&self.status).is_some_and(RunStatus::is_final)
    }

    /// Whether everything that was to be done is done.
    pub fn is_success(&self) -> bool {
        matches!(self.status.as_str(), "applied" | "planned_and_finished")
    }

    /// Whether somebody stopped it: cancelled or discarded.
    pub fn is_stopped(&self) -> bool {
        matches!(self.status.as_str(), "canceled" | "force_canceled" | "discarded")
    }
}

/// What is wanted of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// `ws-…`.
    pub workspace_id: &'a str,
    /// Whether it destroys everything.
    pub is_destroy: bool,
    /// Whether a plan with changes is applied without asking.
    pub auto_apply: bool,
    /// What stands on it; the server's own words when `None`.
    pub message: Option<String>,
}

/// Makes a run. `key` tells a server that knows it a repetition from a second wish.
///
/// # Errors
/// What the server says; [`domain::Fault::Unavailable`] leaves open whether there is a run now.
pub async fn create(client: &Client, wanted: &Wanted<'_>, key: &str) -> Result<Run, Problem> {
    let request = RunRequest {
        message: wanted.message.clone(),
        auto_apply: Some(wanted.auto_apply),
        is_destroy: Some(wanted.is_destroy),
        ..RunRequest::default()
    };
    let workspace = Some(ToOne::new(kind::WORKSPACES, wanted.workspace_id));
    let relationships = RunRequestRelationships { workspace, configuration_version: None };
    let body = serde_json::to_value(RunBody::new(request).related(relationships)).unwrap_or_default();
    Ok(client.post_once::<Document<Run>>("runs", &body, key).await?.data)
}

/// Reads a run.
///
/// # Errors
/// As [`Client::get`].
pub async fn read(client: &Client, id: &str) -> Result<Run, Problem> {
    Ok(client.get::<Document<Run>>(&format!("runs/{}", encoded(id))).await?.data)
}

/// How long a server that can is asked to hold its answer back. Below what gateways usually allow.
const HELD: Duration = Duration::from_secs(45);

/// Reads a run that is known to be in this status: a server that can hold its answer back does so until the status is
/// another, and others answer at once. Says which of the two it was.
///
/// # Errors
/// As [`Client::get`].
pub async fn read_when_not(client: &Client, id: &str, status: &str) -> Result<(Run, bool), Problem> {
    let path = format!("runs/{}?unless-status={}", encoded(id), encoded(status));
    let (document, is_held) = client.get_held::<Document<Run>>(&path, HELD).await?;
    Ok((document.data, is_held))
}

/// The newest runs of a workspace, newest first, without those that only plan.
///
/// # Errors
/// As [`Client::get`].
pub async fn newest(client: &Client, workspace_id: &str) -> Result<Vec<Run>, Problem> {
    let path = format!("workspaces/{}/runs?page%5Bsize%5D=20", encoded(workspace_id));
    Ok(client.get::<Document<Vec<Run>>>(&path).await?.data)
}

/// What a person can do with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Apply what was planned.
    Apply,
    /// Throw away what was planned.
    Discard,
    /// Stop what is going on.
    Cancel,
}

/// Does something with a run.
///
/// # Errors
/// [`domain::Fault::Conflict`] when the run is not in a state for it.
pub async fn act(client: &Client, id: &str, action: Action, comment: &str) -> Result<(), Problem> {
    let verb = match action {
        Action::Apply => "apply",
        Action::Discard => "discard",
        Action::Cancel => "cancel",
    };
    let words = ActionRequest { comment: Some(comment.to_owned()), reason: None };
    let words = serde_json::to_value(words).unwrap_or_default();
    client.act(&format!("runs/{}/actions/{verb}", encoded(id)), &words).await
}

/// What was said about a run, oldest first as far as the server orders.
///
/// # Errors
/// As [`Client::get`].
pub async fn comments(client: &Client, id: &str) -> Result<Vec<String>, Problem> {
    let items: Document<Vec<Item>> = client.get(&format!("runs/{}/comments", encoded(id))).await?;
    Ok(items.data.iter().map(|item| item.text("body").to_owned()).collect())
}

/// Says something about a run.
///
/// # Errors
/// As [`Client::post`].
pub async fn comment(client: &Client, id: &str, words: &str) -> Result<(), Problem> {
    let body = json!({ "data": { "type": kind::COMMENTS, "attributes": { "body": words } } });
    client.act(&format!("runs/{}/comments", encoded(id)), &body).await
}

/// One of the two phases of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Terraform says what it would do.
    Plan,
    /// Terraform does it.
    Apply,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
        })
    }
}

/// Where a run failed, and what terraform said there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The phase that failed.
    pub phase: Phase,
    /// Terraform's own errors, the last lines of them; empty when the log cannot be read.
    pub errors: Vec<crate::logs::LogError>,
}

/// Finds where a run failed. What cannot be read is left out: this explains a failure and must not become another.
pub async fn failure(client: &Client, run: &Run) -> Failure {
    let relations = run.relationships.clone().unwrap_or_default();
    let phases = [(Phase::Plan, "plans", relations.plan.id()), (Phase::Apply, "applies", relations.apply.id())];
    let mut found = Failure { phase: Phase::Plan, errors: Vec::new() };
    for (phase, path, id) in phases {
        let Some(id) = id else { continue };
        let Ok(item) = client.get::<Document<Item>>(&format!("{path}/{}", encoded(id))).await else { continue };
        let status = item.data.text("status");
        if matches!(status, "errored" | "canceled") {
            found.phase = phase;
            let url = item.data.get("log-read-url").as_str().filter(|url| !url.is_empty());
            if let Some(url) = url
                && let Ok(log) = crate::logs::read(client, url).await
            {
                found.errors = crate::logs::errors(&log);
            }
            return found;
        }
        if phase == Phase::Plan && status == "finished" {
            found.phase = Phase::Apply;
        }
    }
    found
}

/// How many resources the plan of a run would add, change and destroy.
///
/// # Errors
/// As [`Client::get`].
pub async fn plan_counts(client: &Client, plan_id: &str) -> Result<[Option<u64>; 3], Problem> {
    let item = client.get::<Document<Item>>(&format!("plans/{}", encoded(plan_id))).await?.data;
    Ok(["resource-additions", "resource-changes", "resource-destructions"].map(|name| item.get(name).as_u64()))
}

/// Whether an error says that the workspace has no configuration yet.
pub fn is_configuration_missing(problem: &Problem) -> bool {
    problem.message.to_lowercase().contains("configuration version is missing")
}

#[cfg(test)]
mod tests {
    use domain::Fault;

    use super::*;

    fn is_missing(message: &str) -> bool {
        is_configuration_missing(&Problem::new(Fault::Invalid, "client/refused", message))
    }

    #[test]
    fn an_answer_without_words_does_not_say_that_the_configuration_is_missing() {
        assert!(!is_missing(""));
    }

    #[test]
    fn another_refusal_does_not_say_that_the_configuration_is_missing() {
        assert!(!is_missing("unprocessable entity: Workspace is locked"));
    }

    #[test]
    fn a_missing_configuration_is_known_within_other_words() {
        assert!(is_missing("unprocessable entity: Configuration version is missing"));
    }

    #[test]
    fn a_missing_configuration_is_known_in_small_letters() {
        assert!(is_missing("configuration version is missing"));
    }
}
