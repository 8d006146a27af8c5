//! From the end of a stack's time to the destroy runs of its workspaces, one after another.
//!
//! A teardown is a session that stands in the database. Its runs are found by the session's key, which a workspace takes
//! once: whatever dies in between, the next look goes on where the last one was, and nothing is destroyed twice.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::auto_destroy::reminders;
use domain::id::StackId;
use domain::run::RunStatus;
use domain::stack::{Edge, Graph, Standing, Teardown};
use domain::{Fault, Problem};

use super::store::{self, Event, Model as Stack};
use crate::app::App;
use crate::resources::workspaces::Workspace;
use crate::resources::{edges, run_triggers, runs, workspaces};
use crate::storage::{Change, Tx};

/// The workspaces of a stack, by name.
pub struct Members(Vec<Workspace>);

impl Members {
    /// All of them.
    pub fn list(&self) -> &[Workspace] {
        &self.0
    }

    /// Who stands on whom among them, by name: who is triggered and who reads. Where some read one another in a circle,
    /// reading gives no order, and the triggers alone do.
    ///
    /// # Errors
    /// `stack/cycle` with the names.
    pub async fn graph(&self, tx: &Tx) -> Result<Graph, Problem> {
        let ids: Vec<String> = self.0.iter().map(|it| it.id.clone()).collect();
        let all = edges::service::standing_among(tx, &ids).await?;
        let triggers = run_triggers::among(tx, &ids).await?.into_iter().map(|it| (it.source_id, it.workspace_id));
        let triggers: Vec<_> = triggers.collect();
        let names: BTreeMap<&str, &str> = self.0.iter().map(|it| (it.id.as_str(), it.name.as_str())).collect();
        let edge = |(upstream, downstream): &(String, String)| {
            let (upstream, downstream) = (names.get(upstream.as_str())?, names.get(downstream.as_str())?);
            Some(Edge { upstream: (*upstream).into(), downstream: (*downstream).into(), reasons: Vec::new() })
        };
        let all_names = || names.values().copied();
        Graph::new(all_names(), all.iter().filter_map(edge).collect())
            .or_else(|_| Graph::new(all_names(), triggers.iter().filter_map(edge).collect()))
    }
}

/// What belongs to a stack now.
pub async fn members(tx: &Tx, stack: &Stack) -> Result<Members, Problem> {
    Ok(Roster::of(tx, &stack.organization_id, stack.tag.is_some()).await?.members(stack))
}

/// The workspaces of an organization, from which stacks select theirs.
pub(super) struct Roster {
    all: Vec<Workspace>,
    /// Their tags by workspace, as a stack names them.
    tags: BTreeMap<String, Vec<String>>,
}

impl Roster {
    /// Those of an organization, with their tags if a stack selects by one.
    pub(super) async fn of(tx: &Tx, organization: &str, tagged: bool) -> Result<Self, Problem> {
        let all = workspaces::in_organization(tx, organization).await?;
        let ids: Vec<_> = all.iter().filter(|_| tagged).map(|it| it.id.clone()).collect();
        let mut tags: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for piece in ids.chunks(1_000) {
            for (workspace, tag) in workspaces::tags_of_all(tx, piece).await? {
                let named = match tag.value {
                    Some(value) => format!("{}:{value}", tag.key),
                    None => tag.key,
                };
                tags.entry(workspace).or_default().push(named);
            }
        }
        Ok(Self { all, tags })
    }

    /// What belongs to a stack.
    pub(super) fn members(&self, stack: &Stack) -> Members {
        let listed: BTreeSet<&str> = stack.workspaces.0.iter().map(String::as_str).collect();
        let belongs = |it: &&Workspace| {
            listed.contains(it.id.as_str())
                || stack.tag.as_ref().is_some_and(|tag| self.tags.get(&it.id).is_some_and(|all| all.contains(tag)))
                || stack.project_id.as_deref() == Some(it.project_id.as_str())
        };
        Members(self.all.iter().filter(belongs).cloned().collect())
    }
}

/// Begins a teardown.
pub fn begin(app: &App, stack: &mut Stack, kind: &str, message: &str) {
    stack.session = Some(app.ports.id::<StackId>().to_string());
    stack.expires_at = None;
    stack.expiry_set_at = None;
    stack.status = "destroying".into();
    stack.message = None;
    note(app, stack, kind, message.to_owned());
}

/// Does for every stack what is due; returns when the next thing will be.
///
/// # Errors
/// `storage/unavailable`; what is due then still is.
pub async fn carry_out(app: &App) -> Result<Option<DateTime<Utc>>, Problem> {
    let restless = store::restless(&app.db.look()).await?;
    let mut soonest: Option<DateTime<Utc>> = None;
    for stack in restless {
        if stack.session.is_none() && next_moment(&stack).is_some_and(|moment| moment > app.ports.now()) {
            soonest = soonest.into_iter().chain(next_moment(&stack)).min();
            continue;
        }
        let tx = app.db.write().await?;
        // It may have been changed since it was looked at.
        let Some(mut stack) = store::lock_row(&tx, &stack.id).await? else { continue };
        let before = stack.clone();
        if stack.session.is_none() {
            remind_or_begin(app, &mut stack);
        }
        if stack.session.is_some() {
            step(app, &tx, &mut stack).await?;
        }
        soonest = soonest.into_iter().chain(next_moment(&stack)).min();
        if stack != before {
            stack.updated_at = app.ports.now();
            store::update(&tx, &stack).await?;
            tx.announce(Change::Workspace { workspace: stack.id.clone() });
        }
        tx.commit().await?;
    }
    Ok(soonest)
}

/// When a stack wants to be looked at again by itself: its next reminder, or its end.
fn next_moment(stack: &Stack) -> Option<DateTime<Utc>> {
    let (end, begin) = (stack.expires_at?, stack.expiry_set_at?);
    let at = reminders(begin, end);
    let is_due = |kind: &str| !reminded(stack, kind, begin);
    Some(match () {
        () if is_due("first-reminder") => at.first,
        () if is_due("second-reminder") => at.second,
        () => end,
    })
}

fn remind_or_begin(app: &App, stack: &mut Stack) {
    let (Some(end), Some(begin)) = (stack.expires_at, stack.expiry_set_at) else { return };
    let now = app.ports.now();
    if end <= now {
        return self::begin(app, stack, "expired", "Its time is up: its workspaces are being destroyed.");
    }
    let at = reminders(begin, end);
    for (kind, moment) in [("first-reminder", at.first), ("second-reminder", at.second)] {
        if moment <= now && !reminded(stack, kind, begin) {
            note(app, stack, kind, format!("It will be destroyed at {}.", end.to_rfc3339()));
        }
    }
}

fn reminded(stack: &Stack, kind: &str, since: DateTime<Utc>) -> bool {
    stack.events.0.iter().any(|event| event.kind == kind && event.at >= since)
}

async fn step(app: &App, tx: &Tx, stack: &mut Stack) -> Result<(), Problem> {
    let Some(session) = stack.session.clone() else { return Ok(()) };
    let members = members(tx, stack).await?;
    let graph = match members.graph(tx).await {
        Ok(graph) => graph,
        Err(problem) if problem.fault == Fault::Invalid => {
            end(app, stack, "errored", problem.message);
            return Ok(());
        }
        Err(problem) => return Err(problem),
    };
    let own: BTreeSet<_> = members.list().iter().map(|it| it.id.as_str()).collect();
    let mut standing = BTreeMap::new();
    for member in members.list() {
        standing.insert(member.name.clone(), stands(tx, member, &session, &own).await?);
    }
    loop {
        match domain::stack::teardown(&graph, &standing) {
            Teardown::Wait => stack.status = "destroying".into(),
            Teardown::Done => end(app, stack, "destroyed", "Nothing is left of it.".into()),
            Teardown::Failed(names) => {
                end(app, stack, "errored", format!("Not everything was destroyed: {} failed.", names.join(", ")));
            }
            Teardown::Held(names) => {
                stack.status = "held".into();
                stack.message = Some(format!("Workspaces outside of it stand on {}.", names.join(", ")));
            }
            Teardown::Start(names) => {
                stack.status = "destroying".into();
                stack.message = None;
                for name in names {
                    let Some(member) = members.list().iter().find(|it| it.name == name) else { continue };
                    let message = format!("Destroyed with the stack \"{}\"", stack.name);
                    let begun = runs::service::destroy(app, tx, member.clone(), message, Some(key(&session))).await;
                    let now = match begun {
                        Ok(_) => Standing::UnderWay,
                        Err(problem) if matches!(problem.fault, Fault::Ours | Fault::Unavailable) => {
                            return Err(problem);
                        }
                        // It has no configuration, runs elsewhere, or may not be destroyed.
                        Err(problem) => {
                            tracing::warn!(workspace = member.id, code = problem.code, "not destroyed: {problem}");
                            Standing::Failed
                        }
                    };
                    standing.insert(name, now);
                }
                continue;
            }
        }
        return Ok(());
    }
}

async fn stands(tx: &Tx, member: &Workspace, session: &str, own: &BTreeSet<&str>) -> Result<Standing, Problem> {
    if let Some(run) = runs::by_key(tx, &member.id, &key(session)).await? {
        return Ok(match run.status() {
            status if !status.is_final() => Standing::UnderWay,
            RunStatus::Applied | RunStatus::PlannedAndFinished if member.resource_count == 0 => Standing::Gone,
            _ => Standing::Failed,
        });
    }
    if member.resource_count == 0 {
        return Ok(Standing::Gone);
    }
    let strangers = workspaces::remaining_downstreams(tx, member).await?;
    let held = strangers.iter().any(|it| !own.contains(it.id.as_str()));
    Ok(if held { Standing::Held } else { Standing::There })
}

fn end(app: &App, stack: &mut Stack, status: &str, message: String) {
    stack.session = None;
    stack.status = status.to_owned();
    stack.message = Some(message.clone());
    note(app, stack, status, message);
}

/// How many events a stack keeps.
const KEPT: usize = 50;

fn note(app: &App, stack: &mut Stack, kind: &str, message: String) {
    stack.events.0.push(Event { kind: kind.to_owned(), message, at: app.ports.now() });
    let over = stack.events.0.len().saturating_sub(KEPT);
    stack.events.0.drain(..over);
}

fn key(session: &str) -> String {
    format!("stack:{session}")
}
