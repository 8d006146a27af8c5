//! Terraforms that are started ahead: a workspace that waits for nothing but what runs now, and for others that are held, is held at its gate, so
//! that terraform has started by the time its upstreams have ended. Nothing of it happens before it is started; a workspace that is not started in
//! the end is let go.
//!
//! Only at home, and only for a workspace that runs whatever becomes of its upstreams, or as soon as one of them has planned to change an output that
//! it uses. Where somebody is asked about its plan, it is that which is held.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::Problem;
use domain::stack::{Direction, Outcome as Step};
use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};

use super::super::host::{Ahead as Wanted, Holding};
use super::super::inputs;
use super::super::prepare::Ready;
use super::Drive;

/// How often a workspace is asked for at most: each time its folder is made.
const TIMES: usize = 3;

/// How many processors there are: to find out takes several files.
static PROCESSORS: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// What is held, and what is being asked for.
#[derive(Default)]
pub(super) struct Ahead<'a> {
    /// By workspace, the id of the run that it is held for.
    held: BTreeMap<String, String>,
    /// Those that the host is being asked to hold.
    pub(super) asking: FuturesUnordered<LocalBoxFuture<'a, Asked>>,
    /// By workspace, what came of asking, and how often that was done: more than once where it was too early.
    asked: BTreeMap<String, (Thought, usize)>,
    /// By workspace that is applied, the outputs that will be others.
    foreseen: BTreeMap<String, Vec<String>>,
    /// How many are being asked for or held.
    count: usize,
}

/// What came of it: a workspace, and whether it is held.
pub(super) type Asked = (String, Result<Holding, Problem>);

/// Whether a workspace is asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thought {
    /// Not before a run has come further.
    TooEarly,
    /// Not before it is clear that it runs at all.
    NotSure,
    /// For the first time, or once more.
    Again,
    /// No more.
    Over,
}

impl Ahead<'_> {
    /// A run has come further: what `init` made for it may be kept now, for others that need the same.
    pub(super) fn came_further(&mut self) {
        for (thought, _) in self.asked.values_mut().filter(|(thought, _)| *thought == Thought::TooEarly) {
            *thought = Thought::Again;
        }
    }

    /// A workspace will run after all.
    fn runs(&mut self, workspace: &str) {
        if let Some((thought, _)) = self.asked.get_mut(workspace).filter(|(thought, _)| *thought == Thought::NotSure) {
            *thought = Thought::Again;
        }
    }

    /// Which of those that are next, the first of them first, is to be asked for. What it was too early for keeps its place among the `most`:
    /// others that are further away would have it for long.
    fn next<'a>(&self, soon: &[&'a str], most: usize) -> Option<&'a str> {
        let mut places = most.checked_sub(self.count)?;
        for workspace in soon {
            match self.asked.get(*workspace).map_or(Thought::Again, |(thought, _)| *thought) {
                _ if places == 0 => return None,
                Thought::Again => return Some(*workspace),
                Thought::TooEarly => places -= 1,
                Thought::NotSure | Thought::Over => {}
            }
        }
        None
    }
}

impl Drive<'_> {
    /// Has the host hold the workspaces that are next, as many as there are processors. What has to start now comes first.
    pub(super) async fn hold_next(&mut self) {
        let most = *PROCESSORS;
        if self.job.direction.is_plan() || self.interrupted || !self.host.can_hold() {
            return;
        }
        if self.ahead.count >= most || !self.starting.is_empty() {
            return;
        }
        while let Some(workspace) = self.ahead.next(&self.walk.soon(), most).map(str::to_owned) {
            let times = self.ahead.asked.get(&workspace).map_or(0, |(_, times)| *times);
            self.ahead.asked.insert(workspace.clone(), (Thought::Over, times + 1));
            let wanted = match self.wanted(&workspace).await {
                Ok(Some(wanted)) => wanted,
                Ok(None) => {
                    self.ahead.asked.insert(workspace, (Thought::NotSure, times));
                    continue;
                }
                Err(problem) => {
                    not_held(&problem);
                    continue;
                }
            };
            self.ahead.count += 1;
            let (host, code) = (self.host, self.job.code.clone());
            self.ahead.asking.push(Box::pin(async move {
                // Packed and stored beside the walk, which has runs to go on with.
                let held = match code.of(host, &workspace).await {
                    Ok(code) => host.hold(wanted(code)).await,
                    Err(problem) => Err(problem),
                };
                (workspace, held)
            }));
        }
    }

    /// What the host is asked to hold, with the code that it has then; `None` for a workspace that may not run in the end.
    async fn wanted(&self, workspace: &str) -> Result<Option<impl FnOnce(String) -> Wanted + use<>>, Problem> {
        let Some(ready) = self.workspaces.get(workspace) else { return Ok(None) };
        if !self.runs_anyway(workspace, ready).await? {
            return Ok(None);
        }
        let (id, readers) = (ready.view.id.clone(), self.readers(workspace, None));
        let (destroy, reviewed) = (self.job.direction.is_reverse(), !self.is_applied_by_itself(workspace));
        let has_variables =
            self.loaded.root(workspace).is_some_and(|root| !self.loaded.stack.references(root).is_empty());
        Ok(Some(move |code| Wanted { workspace: id, code, destroy, reviewed, has_variables, readers }))
    }

    /// The run of a workspace is applied: what uses an output that will be another will run.
    pub(super) fn foresee_outputs(&mut self, workspace: &str, run: &str) {
        self.ahead.foreseen.insert(workspace.to_owned(), self.host.outputs_that_change(run));
        for downstream in self.loaded.graph.downstreams(workspace) {
            if self.job.changed.uses(downstream, &self.ahead.foreseen) {
                self.ahead.runs(downstream);
            }
        }
    }

    /// Whether a workspace runs, as far as that is known, if its upstreams end well.
    async fn runs_anyway(&self, workspace: &str, ready: &Ready) -> Result<bool, Problem> {
        if self.job.direction == Direction::Destroy {
            return Ok(ready.held && ready.view.resource_count > 0);
        }
        // What was approved as it is may need no run.
        if self.job.approved.as_ref().is_some_and(|approved| !approved.changes(workspace)) {
            return Ok(false);
        }
        let last = inputs::last(self.host.last(&ready.view.id).await?.as_ref());
        Ok(self.job.changed.runs_anyway(workspace, &last) || self.job.changed.uses(workspace, &self.ahead.foreseen))
    }

    /// A workspace is held, or is not. One that was started or left out meanwhile is let go.
    pub(super) async fn is_held(&mut self, (workspace, held): Asked) {
        match held {
            Ok(Holding::Held(run)) => {
                self.ahead.held.insert(workspace, run);
                return self.let_go().await;
            }
            Ok(Holding::NotYet) => {
                if let Some((thought, ..)) = self.ahead.asked.get_mut(&workspace).filter(|(_, times)| *times < TIMES) {
                    *thought = Thought::TooEarly;
                }
            }
            Ok(Holding::Never) => {}
            Err(problem) => not_held(&problem),
        }
        self.ahead.count -= 1;
    }

    /// The run that a workspace which starts now is held for.
    pub(super) fn taken(&mut self, workspace: &str) -> Option<String> {
        let run = self.ahead.held.remove(workspace)?;
        self.ahead.count -= 1;
        Some(run)
    }

    /// Lets all go that are not started any more, also those that are about to be held.
    pub(super) async fn let_all_go(&mut self) {
        while let Some(held) = self.ahead.asking.next().await {
            self.is_held(held).await;
        }
    }

    /// Lets those go that are not started any more.
    pub(super) async fn let_go(&mut self) {
        let waits = |name: &String| matches!(self.walk.result(name), Some(Step::Waiting { .. }));
        let over: Vec<String> =
            self.ahead.held.keys().filter(|name| self.interrupted || !waits(name)).cloned().collect();
        for workspace in over {
            if let Some(run) = self.taken(&workspace) {
                self.host.let_go(&run).await;
            }
        }
    }
}

/// What keeps a workspace from being held keeps it from running too, and its run tells of that.
fn not_held(problem: &Problem) {
    tracing::debug!(code = problem.code, cause = problem.cause, "not held: {}", problem.message);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_next_is_asked_for_and_nothing_further_away_while_it_is_too_early() {
        let mut ahead = Ahead::default();
        let soon = ["b", "c", "d", "e"];
        assert_eq!(ahead.next(&soon, 2), Some("b"));
        ahead.asked.insert("b".to_owned(), (Thought::TooEarly, 1));
        assert_eq!(ahead.next(&soon, 2), Some("c"), "there is another place");
        ahead.asked.insert("c".to_owned(), (Thought::TooEarly, 1));
        assert_eq!(ahead.next(&soon, 2), None, "both places are theirs");
        ahead.came_further();
        assert_eq!(ahead.next(&soon, 2), Some("b"));
        ahead.asked.insert("b".to_owned(), (Thought::NotSure, 0));
        ahead.asked.insert("c".to_owned(), (Thought::NotSure, 0));
        assert_eq!(ahead.next(&soon, 2), Some("d"), "what may not run at all has no place");
        ahead.came_further();
        assert_eq!(ahead.next(&soon, 2), Some("d"));
        ahead.runs("b");
        assert_eq!(ahead.next(&soon, 2), Some("b"), "and is thought of again when it is clear that it does");
        ahead.asked.insert("b".to_owned(), (Thought::Over, 3));
        ahead.asked.insert("c".to_owned(), (Thought::Over, 2));
        assert_eq!(ahead.next(&soon, 2), Some("d"), "what will never be held has no place");
        ahead.count = 2;
        assert_eq!(ahead.next(&soon, 2), None, "others are held");
    }
}
