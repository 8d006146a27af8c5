//! All that a page says of a run, but for its logs: what a template needs, gathered from the services.

use chrono::{DateTime, Utc};
use domain::Problem;
use domain::run::{PhaseStatus, RunStatus};
use serde_json::Value;

use super::super::service::{self, Whole};
use super::super::{Phase, Run, outline};
use super::plan::Plan;
use super::words::{self, Moment, Tone};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::resources::{comments, organizations, repositories, users, workspaces};
use crate::storage::Tx;

/// A run as a page shows it; the parts that change while it is looked at.
pub struct View {
    /// Address of its page.
    pub address: String,
    /// What every form carries.
    pub form_token: String,
    /// First line of its message.
    pub title: String,
    /// The rest of its message.
    pub text: String,
    /// Status in words.
    pub status: &'static str,
    /// How it looks.
    pub tone: Tone,
    /// Whether it is over.
    pub over: bool,
    /// What it waits for, or why it failed.
    pub because: Vec<(String, Option<Other>)>,
    /// What may be done with it, by whoever looks.
    pub may: May,
    /// Its steps, in their order.
    pub steps: Vec<Step>,
    /// What can be said of it: heads and texts.
    pub facts: Vec<Fact>,
    /// What it would do, or has done.
    pub plan: Option<Plan>,
    /// Objects that were made and whose state was not saved.
    pub unsaved: Vec<String>,
    /// Objects of which nobody knows.
    pub in_doubt: Vec<String>,
    /// What people have said.
    pub comments: Vec<Comment>,
}

/// Another run, and its page if whoever looks may see it.
pub struct Other {
    /// Its id.
    pub id: String,
    /// Its workspace.
    pub workspace: String,
    /// Its page.
    pub address: String,
}

/// What may be done.
#[derive(Default)]
pub struct May {
    /// Say yes.
    pub confirm: bool,
    /// Say no.
    pub discard: bool,
    /// Stop it.
    pub cancel: bool,
    /// Kill it.
    pub force_cancel: bool,
    /// Say something.
    pub comment: bool,
}

impl May {
    /// Whether there is anything to decide.
    pub fn any(&self) -> bool {
        self.confirm || self.discard || self.cancel || self.force_cancel
    }
}

/// One step of a run.
pub struct Step {
    /// What it is called.
    pub name: &'static str,
    /// How it stands.
    pub state: &'static str,
    /// How it looks.
    pub tone: Tone,
    /// When it began.
    pub at: Option<Moment>,
    /// How long it took, or takes by now.
    pub length: Option<String>,
}

/// Something that can be said of a run.
pub struct Fact {
    /// What it is about.
    pub head: &'static str,
    /// What is to be said.
    pub text: String,
    /// The run it is about.
    pub other: Option<Other>,
}

/// What somebody has said.
pub struct Comment {
    /// Who.
    pub who: String,
    /// When.
    pub at: Moment,
    /// What.
    pub text: String,
}

/// Gathers it.
///
/// # Errors
/// Those of the services.
pub async fn of(app: &App, tx: &Tx, actor: &Actor, whole: &Whole, form_token: String) -> Result<View, Problem> {
    let run = &whole.run;
    let now = app.ports.now();
    let may = may(app, actor, whole, now);
    let facts = run.facts(service::is_free(&whole.workspace, run), service::force_cancel_after(app));
    let (status, tone) = words::status(run, facts.is_confirmable());
    let text = run.message.split_once('\n').map_or("", |(_, rest)| rest);
    Ok(View {
        address: address(tx, whole).await?,
        form_token,
        title: words::title(run),
        text: text.trim().to_owned(),
        status,
        tone,
        over: run.status().is_final(),
        because: because(tx, actor, whole).await?,
        may,
        steps: steps(whole, now),
        facts: self::facts(tx, actor, whole).await?,
        plan: outline::read(app, whole).await?.map(|outline| Plan::of(&outline)),
        unsaved: unsaved(&run.recovery),
        in_doubt: in_doubt(&run.recovery),
        comments: said(tx, actor, run).await?,
    })
}

/// Address of the page of a run.
///
/// # Errors
/// `storage/unavailable`.
pub async fn address(tx: &Tx, whole: &Whole) -> Result<String, Problem> {
    let organization = organizations::by_id(tx, &whole.run.organization_id).await?;
    let organization = organization.map(|it| it.name).unwrap_or_default();
    Ok(format!("/app/{organization}/{}/runs/{}", whole.workspace.name, whole.run.id))
}

async fn other(tx: &Tx, actor: &Actor, id: &str) -> Result<Option<Other>, Problem> {
    let Ok(whole) = service::read(tx, actor, id).await else { return Ok(None) };
    let address = address(tx, &whole).await?;
    Ok(Some(Other { id: whole.run.id, workspace: whole.workspace.name, address }))
}

fn may(app: &App, actor: &Actor, whole: &Whole, now: DateTime<Utc>) -> May {
    let Whole { run, workspace, .. } = whole;
    let facts = run.facts(service::is_free(workspace, run), service::force_cancel_after(app));
    let can = |action| actor.can(action, workspaces::service::on(workspace));
    let decide = can(Action::DecideRun);
    May {
        confirm: decide && facts.is_confirmable(),
        discard: decide && facts.is_discardable(),
        cancel: decide && facts.is_cancelable() && run.cancel_requested_at.is_none(),
        force_cancel: can(Action::ForceCancelRun) && facts.is_force_cancelable(now),
        comment: can(Action::StartRun),
    }
}

/// What a run waits for or why it failed, in sentences, each with the run that it is about.
///
/// # Errors
/// `storage/unavailable`.
pub async fn because(tx: &Tx, actor: &Actor, whole: &Whole) -> Result<Vec<(String, Option<Other>)>, Problem> {
    let mut because = Vec::new();
    if let Some(obstacle) = &whole.standing.blocked {
        let about = match obstacle.kind {
            "run" | "approval" if obstacle.id != whole.run.id => other(tx, actor, &obstacle.id).await?,
            _ => None,
        };
        because.push((obstacle.words.clone(), about));
    }
    for awaited in whole.standing.waiting_for.iter().skip(1) {
        because.push((format!("It waits for {awaited} as well."), other(tx, actor, awaited).await?));
    }
    because.extend(whole.run.failure.clone().map(|words| (words, None)));
    because.extend(whole.run.deferred.clone().map(|words| (words, None)));
    Ok(because)
}

fn steps(whole: &Whole, now: DateTime<Utc>) -> Vec<Step> {
    let Whole { run, plan, apply, .. } = whole;
    let begun = moment(&plan.status_timestamps, "running-at");
    let ended = run.status().is_final().then(|| moment(&run.status_timestamps, &stamp(run.status()))).flatten();
    let queued = Step {
        name: "Queued",
        state: if begun.is_some() || ended.is_some() { "done" } else { "waiting" },
        tone: Tone::Quiet,
        at: Some(Moment(run.created_at)),
        length: Some(words::length(begun.or(ended).unwrap_or(now) - run.created_at)),
    };
    let mut steps = vec![queued, step("Plan", plan, now)];
    if !run.plan_only {
        if let Some(at) = moment(&run.status_timestamps, "confirmed-at") {
            steps.push(Step { name: "Approved", state: "done", tone: Tone::Good, at: Some(Moment(at)), length: None });
        }
        steps.push(step("Apply", apply, now));
    }
    steps
}

fn step(name: &'static str, phase: &Phase, now: DateTime<Utc>) -> Step {
    let status = phase.status();
    let begun = moment(&phase.status_timestamps, "running-at");
    let ended = moment(&phase.status_timestamps, &format!("{}-at", status.as_str()));
    let tone = match status {
        PhaseStatus::Running => Tone::Busy,
        PhaseStatus::Finished => Tone::Good,
        PhaseStatus::Errored => Tone::Bad,
        PhaseStatus::Pending
        | PhaseStatus::ManagedQueued
        | PhaseStatus::Queued
        | PhaseStatus::Canceled
        | PhaseStatus::Unreachable => Tone::Quiet,
    };
    let until = if status == PhaseStatus::Running { Some(now) } else { ended };
    let length = begun.zip(until).map(|(begun, until)| words::length(until - begun));
    Step { name, state: words::phase(status), tone, at: begun.map(Moment), length }
}

async fn facts(tx: &Tx, actor: &Actor, whole: &Whole) -> Result<Vec<Fact>, Problem> {
    let run = &whole.run;
    let fact = |head, text: String| Fact { head, text, other: None };
    let mut facts = vec![fact("Run", run.id.clone()), fact("Kind", words::kind(run).to_owned())];
    let by = match &run.created_by {
        Some(user) => Some(users::service::user(tx, user).await?.username),
        None => None,
    };
    let source = words::source(&run.source);
    facts.push(fact("Started by", by.map_or_else(|| source.to_owned(), |by| format!("{by}, with {source}"))));
    if let Some(parent) = &run.parent_run_id {
        let parent = (format!("the run {parent}, whose terraform asked for it"), other(tx, actor, parent).await?);
        facts.push(Fact { head: "Part of", text: parent.0, other: parent.1 });
    }
    for upstream in run.triggered_by.iter().flat_map(|by| &by.upstreams) {
        let other = other(tx, actor, &upstream.run).await?;
        facts.push(Fact { head: "After", text: format!("{} was applied", upstream.name), other });
    }
    if let Some(ingress) = repositories::ingress_of(tx, &run.configuration_id).await? {
        let short: String = ingress.commit_sha.chars().take(12).collect();
        facts.push(fact("Commit", format!("{short} of {}", ingress.branch)));
    }
    for (head, column) in [("Only", &run.target_addrs), ("Replaces", &run.replace_addrs)] {
        let addresses = Run::strings(column);
        if !addresses.is_empty() {
            facts.push(fact(head, addresses.join(", ")));
        }
    }
    let approval = match (run.plan_only || run.save_plan, run.auto_apply) {
        (true, _) => None,
        (false, true) => Some("by itself, once it is planned"),
        (false, false) => Some("by somebody"),
    };
    facts.extend(approval.map(|text| fact("Approved", text.to_owned())));
    facts.push(fact("Terraform", run.terraform_version.clone()));
    Ok(facts)
}

fn unsaved(recovery: &Value) -> Vec<String> {
    let text = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
    let words = |item: &Value| match text(item, "id-value") {
        id if id.is_empty() => text(item, "address"),
        id => format!("{} ({} = {id})", text(item, "address"), text(item, "id-key")),
    };
    recovery["unsaved"].as_array().into_iter().flatten().map(words).collect()
}

fn in_doubt(recovery: &Value) -> Vec<String> {
    let words = |item: &Value| {
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        format!("{} ({} was begun)", text("address"), text("action"))
    };
    recovery["in-doubt"].as_array().into_iter().flatten().map(words).collect()
}

async fn said(tx: &Tx, actor: &Actor, run: &Run) -> Result<Vec<Comment>, Problem> {
    let mut said = Vec::new();
    for comment in comments::service::list(tx, actor, &run.id).await? {
        let who = match &comment.user_id {
            Some(user) => users::service::user(tx, user).await?.username,
            None => "a run".to_owned(),
        };
        said.push(Comment { who, at: Moment(comment.created_at), text: comment.body });
    }
    Ok(said)
}

fn moment(stamps: &Value, key: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(stamps[key].as_str()?).ok()?;
    Some(at.with_timezone(&Utc))
}

fn stamp(status: RunStatus) -> String {
    format!("{}-at", status.visible().as_str().replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_cut_off_is_listed_with_what_finds_it_again() {
        let recovery = json!({
            "unsaved": [{ "address": "t.a", "id-key": "id", "id-value": "i-1", "action": "create" },
                        { "address": "t.b", "id-key": "", "id-value": "", "action": "create" }],
            "in-doubt": [{ "address": "t.c", "action": "delete" }],
        });
        assert_eq!(unsaved(&recovery), ["t.a (id = i-1)", "t.b"]);
        assert_eq!(in_doubt(&recovery), ["t.c (delete was begun)"]);
        assert!(unsaved(&json!({})).is_empty());
    }
}
