//! Questions about single runs: asked one after the other, and carried out as they are answered. Absent: what needs to be
//! asked (`approve`, and the driver), and in which order (`super::super::approvals`).

use domain::Problem;
use domain::stack::Direction;

use super::super::approvals::Verdict;
use super::Drive;
use crate::console::prompt::Prompt;

/// Why a plan is asked about that was deferred when that of the stack was approved.
const NEW: &str = "it could not be planned with the stack, so nothing of it was approved";

impl Drive<'_> {
    /// Asks the next question, unless one is being asked.
    pub(super) async fn ask(&mut self, prompt: &mut Prompt) -> Result<(), Problem> {
        if self.asking.is_some() || self.interrupted {
            return Ok(());
        }
        let Some(question) = self.approvals.current().cloned() else { return Ok(()) };
        let text = self.question(&question.workspace);
        self.progress.pause();
        if self.shown.as_ref() == Some(&question.run) {
            self.console.ask("", &text);
        } else if let Some(differences) = self.differences.get(&question.run) {
            let before = format!("\n── {}: its plan is not what was approved\n\n{differences}\n", question.workspace);
            self.console.ask(&before, &text);
            self.shown = Some(question.run.clone());
        } else {
            let run = self.host.run(&question.run).await?;
            let log = self.host.log(&run.plan).await?;
            let head = match self.unapproved.contains(&question.run) {
                true => format!("{}: {NEW}", question.workspace),
                false => question.workspace.clone(),
            };
            self.console.ask_about_plan(&head, &log, &text);
            self.shown = Some(question.run.clone());
        }
        self.asking = Some(question.run);
        prompt.ask().await;
        Ok(())
    }

    /// Says where a run waits for its yes, which will be heard of as whatever else happens to it.
    pub(super) async fn point_to(&mut self, run: &str, workspace: &str) -> Result<(), Problem> {
        let why = match self.differences.get(run) {
            Some(differences) => format!("its plan is not what was approved\n\n{differences}"),
            None if self.unapproved.contains(run) => NEW.to_owned(),
            None => "it wants a yes of its own".to_owned(),
        };
        let page = self.host.page_of(run, workspace).await?;
        self.console.say(&format!("\n── {workspace}: {why}\n{workspace}: waits for approval at {page}"));
        Ok(())
    }

    fn question(&self, workspace: &str) -> String {
        match self.job.direction {
            Direction::Destroy | Direction::PlanDestroy => {
                format!("Destroy what \"{workspace}\" holds? [yes/no/all]")
            }
            Direction::Plan | Direction::Apply => format!("Apply these changes to \"{workspace}\"? [yes/no/all]"),
        }
    }

    pub(super) async fn answered(&mut self, answer: Option<String>) -> Result<(), Problem> {
        self.asking = None;
        let verdicts = self.approvals.answer(answer.as_deref());
        self.console.release();
        self.progress.resume();
        if answer.is_none() {
            self.console.notice("nobody is there to answer, which is a no; --auto-approve does not ask");
        } else if verdicts.is_empty() {
            self.console.say("please answer yes, no, or all (yes to this and everything after it)");
        }
        for verdict in verdicts {
            self.carry_out(verdict).await?;
        }
        Ok(())
    }

    pub(super) async fn carry_out(&mut self, verdict: Verdict) -> Result<(), Problem> {
        match verdict {
            Verdict::Confirm(run) => match self.host.confirm(&run, self.notes.remove(&run)).await {
                // It ended while its question was open, and says so by itself.
                Err(_) if self.host.run(&run).await?.status.is_final() => Ok(()),
                confirmed => confirmed,
            },
            Verdict::Decline(run) => {
                if let Some(active) = self.active.get_mut(&run) {
                    active.declined = true;
                }
                self.host.stop(&run).await
            }
        }
    }
}
