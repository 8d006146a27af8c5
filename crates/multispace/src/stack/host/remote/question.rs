//! The plan of the whole stack as one question that is also put before people on the server: sent once, waited for, and
//! decided once, there or here. Absent: asking here (`commands::approval`).

use std::sync::Arc;
use std::time::Duration;

use client::Client;
use client::stack_plans::{self, StackPlan};
use domain::stack_plan::{Decision, Status};
use domain::{Fault, Problem};
use wire::stack_plans::{StackPlanRequest, StackPlanRequestRow};

use super::{PAUSE, Remote, note};
use crate::stack::preview::{Fate, Foreseen, Preview};
use crate::stack::record::Record;

/// How long a question that ends with this process may take to be taken back.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Most reasons of a workspace that are sent, and the longest text of each in characters: less than a server refuses.
const REASONS: usize = 50;
const LONG: usize = 400;

/// A plan that was sent.
pub(crate) struct Question {
    client: Arc<Client>,
    id: String,
    /// What this process holds itself to.
    digest: String,
    /// Its page.
    pub(crate) link: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Somebody said yes on the server, called so there.
    Approved(String),
    /// Somebody said no on the server.
    Discarded(String),
    /// It is not asked there any more: what is decided here counts.
    Here,
}

impl Remote<'_> {
    /// Puts the plan before people; `None` where the server has no such thing. `what` says what it is of, `digest` what is
    /// held to.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) async fn put(
        &self,
        what: &str,
        digest: &str,
        records: &[Record],
        preview: &Preview,
    ) -> Result<Option<Question>, Problem> {
        let walk = &self.walk()?.kept.record.walk;
        let row = |record: &Record| {
            let foreseen = preview.of(&record.workspace)?;
            let id =
                self.targets().iter().find(|(_, it)| it.view.name == record.workspace).map(|(id, _)| id.clone())?;
            Some(row(id, walk, record, foreseen))
        };
        let plan = StackPlanRequest {
            message: cut(what, LONG / 4),
            digest: digest.to_owned(),
            rows: records.iter().filter_map(row).collect(),
        };
        let plan = match stack_plans::create(&self.client, &self.organization, plan).await {
            Err(problem) if problem.fault == Fault::NotFound => return Ok(None),
            plan => plan?,
        };
        let origin = self.client.origin().await?;
        let link = format!("{origin}/app/{}/plans/{}", client::encoded(&self.organization), plan.id);
        Ok(Some(Question { client: self.steady.clone(), id: plan.id, digest: digest.to_owned(), link }))
    }

    /// The page of a run.
    ///
    /// # Errors
    /// As [`Client::origin`].
    pub(crate) async fn page_of(&self, run: &str, workspace: &str) -> Result<String, Problem> {
        let name = self.targets().values().find(|it| it.view.name == workspace).map(|it| it.name.clone());
        let origin = self.client.origin().await?;
        let (organization, name) = (client::encoded(&self.organization), name.unwrap_or_else(|| workspace.to_owned()));
        Ok(format!("{origin}/app/{organization}/{}/runs/{run}", client::encoded(&name)))
    }
}

impl Question {
    /// Waits until somebody has decided on the server.
    ///
    /// # Errors
    /// What the server says; `remote/other-plan`.
    pub(crate) async fn answered(&self) -> Result<Answer, Problem> {
        loop {
            let (plan, is_held) = stack_plans::waited(&self.client, &self.id).await?;
            if plan.status != Status::Pending {
                return self.answer(plan);
            }
            if !is_held {
                self.client.pause(PAUSE).await?;
            }
        }
    }

    /// Tells the server what was decided here. Whoever was quicker there is told as the answer.
    ///
    /// # Errors
    /// What the server says; `remote/other-plan`.
    pub(crate) async fn tell(&self, yes: bool) -> Result<Answer, Problem> {
        let decision = if yes { Decision::Approve } else { Decision::Discard };
        let problem = match stack_plans::decide(&self.client, &self.id, decision).await {
            Ok(plan) => return self.answer(plan).map(|_| Answer::Here),
            Err(problem) => problem,
        };
        let plan = match problem.fault {
            // It cannot be decided there by this token: it is taken back, and decided here.
            Fault::NotFound => match stack_plans::decide(&self.client, &self.id, Decision::Withdraw).await {
                Ok(_) => return Ok(Answer::Here),
                Err(problem) if problem.fault == Fault::Conflict => stack_plans::read(&self.client, &self.id).await?,
                Err(problem) => return Err(problem),
            },
            // Somebody was quicker, or the answer to this very decision was lost.
            Fault::Conflict | Fault::Unavailable => stack_plans::read(&self.client, &self.id).await?,
            _ => return Err(problem),
        };
        if plan.status == Status::Pending { Err(problem) } else { self.answer(plan) }
    }

    /// Takes the question back, for nobody will hear the answer. That it does not succeed is no reason to stay: the server
    /// sees by itself that nobody waits.
    pub(crate) async fn withdraw(&self) {
        let withdrawn = stack_plans::decide(&self.client, &self.id, Decision::Withdraw);
        match tokio::time::timeout(LAST_WORDS, withdrawn).await {
            Ok(Ok(_)) => {}
            Ok(Err(problem)) => tracing::info!("{}: {problem}", self.id),
            Err(_) => tracing::info!("{}: not withdrawn in time", self.id),
        }
    }

    /// A yes counts only for what was sent.
    fn answer(&self, plan: StackPlan) -> Result<Answer, Problem> {
        match plan.status {
            Status::Approved if plan.digest != self.digest => Err(Problem::invalid(
                "remote/other-plan",
                "The server says yes to another plan than the one that it was sent.",
            )
            .advice("Look at its page, and run the command again.")),
            Status::Approved => Ok(Answer::Approved(plan.decided_by)),
            Status::Discarded | Status::Pending => Ok(Answer::Discarded(plan.decided_by)),
            Status::Withdrawn => Ok(Answer::Here),
        }
    }
}

fn row(workspace: String, walk: &str, record: &Record, foreseen: &Foreseen) -> StackPlanRequestRow {
    let texts = |all: &[String]| all.iter().take(REASONS).map(|text| cut(text, LONG)).collect();
    let mut row = StackPlanRequestRow {
        note: Some(note::note(walk, &workspace)),
        workspace_id: workspace,
        run_id: record.run.clone(),
        why: texts(&foreseen.why),
        ..StackPlanRequestRow::default()
    };
    row.status = match &foreseen.fate {
        Fate::Planned(_) | Fate::Counted { .. } => "planned",
        Fate::Unchanged => "unchanged",
        Fate::Deferred { until, reason, .. } => {
            row.deferred_until = texts(until);
            row.reason = Some(cut(reason, LONG));
            "deferred"
        }
        // A stack with one is not asked about.
        Fate::Failed => "failed",
    }
    .to_owned();
    row
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_the_preview_has_in_texts_that_are_not_too_long() {
        let record = Record { run: Some("run-1".into()), ..Record::new("app", vec![]) };
        let fate = Fate::Deferred { until: vec!["net".into()], reason: "é".repeat(500), outputs: vec![] };
        let row =
            row("ws-1".into(), "w", &record, &Foreseen { fate, why: vec!["own code".into()], log: String::new() });
        assert_eq!((row.status.as_str(), row.deferred_until.as_slice()), ("deferred", &["net".to_owned()][..]));
        assert_eq!(row.reason.unwrap().chars().count(), LONG + 1);
        assert_eq!(row.note.unwrap(), note::note("w", "ws-1"));
    }
}
