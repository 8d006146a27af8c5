//! Who has said yes to what: one question at a time, in the order in which the plans were ready. A value that is told
//! and asked; absent: reading answers and showing plans.

use std::collections::VecDeque;

/// A run that waits for a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// The run.
    pub(crate) run: String,
    /// Its workspace.
    pub(crate) workspace: String,
    /// Its settings want a person's yes for this very plan: "all" does not cover it.
    pub(crate) always: bool,
}

/// What is to be done with a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Go on.
    Confirm(String),
    /// Give it up.
    Decline(String),
}

/// The questions of one walk.
#[derive(Debug, Default)]
pub(crate) struct Approvals {
    /// Asked and waiting to be asked; the first is the one that is being asked.
    questions: VecDeque<Question>,
    all: bool,
    closed: bool,
}

impl Approvals {
    /// A run is ready for its yes; a verdict comes back when no question is needed.
    pub(crate) fn ready(&mut self, question: Question) -> Option<Verdict> {
        if self.closed {
            return Some(Verdict::Decline(question.run));
        }
        if self.all && !question.always {
            return Some(Verdict::Confirm(question.run));
        }
        self.questions.push_back(question);
        None
    }

    /// The question to ask now.
    pub(crate) fn current(&self) -> Option<&Question> {
        self.questions.front()
    }

    /// Takes the answer to the current question; `None` is the end of the input, which is a no to everything. No verdicts
    /// come back when the answer is no word that is known: the question is to be asked again.
    pub(crate) fn answer(&mut self, line: Option<&str>) -> Vec<Verdict> {
        let Some(line) = line else {
            self.closed = true;
            return self.questions.drain(..).map(|it| Verdict::Decline(it.run)).collect();
        };
        let decide: fn(String) -> Verdict = match line.trim() {
            "yes" | "y" | "all" | "a" => Verdict::Confirm,
            "no" | "n" => Verdict::Decline,
            _ => return Vec::new(),
        };
        let mut verdicts: Vec<Verdict> = self.questions.pop_front().map(|it| decide(it.run)).into_iter().collect();
        if matches!(line.trim(), "all" | "a") {
            self.all = true;
            let (ask, confirm): (VecDeque<_>, VecDeque<_>) = self.questions.drain(..).partition(|it| it.always);
            self.questions = ask;
            verdicts.extend(confirm.into_iter().map(|it| Verdict::Confirm(it.run)));
        }
        verdicts
    }

    /// The run ended by itself: nobody needs to be asked any more.
    pub(crate) fn withdraw(&mut self, run: &str) {
        self.questions.retain(|it| it.run != run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(run: &str) -> Question {
        Question { run: run.into(), workspace: run.to_uppercase(), always: false }
    }

    fn waiting(runs: &[&str]) -> Approvals {
        let mut approvals = Approvals::default();
        for run in runs {
            assert_eq!(approvals.ready(question(run)), None);
        }
        approvals
    }

    #[test]
    fn questions_are_asked_one_by_one_in_the_order_in_which_they_came() {
        let mut approvals = waiting(&["a", "b"]);
        assert_eq!(approvals.current().unwrap().run, "a");
        assert_eq!(approvals.answer(Some("yes\n")), [Verdict::Confirm("a".into())]);
        assert_eq!(approvals.current().unwrap().run, "b");
        assert_eq!(approvals.answer(Some("no")), [Verdict::Decline("b".into())]);
        assert_eq!(approvals.current(), None);
    }

    #[test]
    fn an_unknown_word_leaves_the_question_open() {
        let mut approvals = waiting(&["a"]);
        for word in ["", "yess", "YES!", "1"] {
            assert_eq!(approvals.answer(Some(word)), []);
        }
        assert_eq!(approvals.current().unwrap().run, "a");
    }

    #[test]
    fn all_says_yes_to_what_waits_and_to_what_comes_but_not_where_a_person_is_wanted() {
        let mut approvals = waiting(&["a", "b"]);
        let careful = Question { always: true, ..question("c") };
        assert_eq!(approvals.ready(careful.clone()), None);
        assert_eq!(approvals.answer(Some("all")), [Verdict::Confirm("a".into()), Verdict::Confirm("b".into())]);
        assert_eq!(approvals.current(), Some(&careful));
        assert_eq!(approvals.ready(question("d")), Some(Verdict::Confirm("d".into())));
    }

    #[test]
    fn the_end_of_the_input_is_a_no_to_everything() {
        let mut approvals = waiting(&["a", "b"]);
        assert_eq!(approvals.answer(None), [Verdict::Decline("a".into()), Verdict::Decline("b".into())]);
        assert_eq!(approvals.ready(question("c")), Some(Verdict::Decline("c".into())));
    }

    #[test]
    fn a_run_that_ended_is_not_asked_about() {
        let mut approvals = waiting(&["a", "b"]);
        approvals.withdraw("a");
        assert_eq!(approvals.current().unwrap().run, "b");
    }
}
