//! Which waiting runs start now, and what the others wait for. Values in, values out: whoever asks supplies the facts
//! of one moment and acts on the answer in the same transaction.
//!
//! The rules: one run at a time that writes a workspace's state, first in first out; plans that write none (of plan-only
//! runs, and of runs that save their plan) wait for neither queue nor lock; an organization has a number of slots, given
//! to applies first, then plans, then plan-only runs. A run that waits for approval keeps its workspace and has no slot.
//! Absent: executors, time, and who may do what.

use std::collections::BTreeMap;

use crate::id::{OrganizationId, RunId, WorkspaceId};

/// The facts of one moment.
#[derive(Debug, Clone, Default)]
pub struct QueueFacts {
    /// The slots of each organization that has a run waiting. One that is missing has none.
    pub organizations: BTreeMap<OrganizationId, Slots>,
    /// Every run that waits, in any order.
    pub waiting: Vec<WaitingRun>,
}

/// How many runs an organization may have at executors, and has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// How many may hold a slot at a time.
    pub limit: usize,
    /// How many hold one now; see [`RunStatus::holds_slot`](crate::run::RunStatus::holds_slot).
    pub active: usize,
}

/// A run that waits to be planned (`pending`) or to be applied (`confirmed`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRun {
    /// The run.
    pub run: RunId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The organization whose slots it takes.
    pub organization: OrganizationId,
    /// Its place in the order of creation; lower is earlier. Comparable across the workspaces of an organization.
    pub number: u64,
    /// What it waits to do.
    pub wants: Wants,
    /// Whether somebody locked the workspace by hand.
    pub locked: bool,
    /// The run that holds the workspace, be it this one; see
    /// [`RunStatus::holds_workspace`](crate::run::RunStatus::holds_workspace).
    pub occupant: Option<Occupant>,
}

/// The run that holds a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupant {
    /// The run.
    pub run: RunId,
    /// Whether it waits for somebody's decision.
    pub needs_approval: bool,
}

/// What a waiting run waits to do. In the order in which slots are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wants {
    /// To apply what was confirmed. It goes on if it holds its workspace; a saved plan may still have to get it.
    Apply,
    /// To plan, with the right to apply afterwards.
    Plan,
    /// To plan, and keep the plan.
    SavePlan,
    /// To plan, and nothing else.
    PlanOnly,
}

/// What can be given out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decisions {
    /// The runs that start now, in the order in which they got their slots.
    pub starts: Vec<Start>,
    /// What each other run waits for, in the order of the queue.
    pub blocked: Vec<(RunId, Blocked)>,
}

/// A run that starts now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The run.
    pub run: RunId,
    /// What it starts: an apply when it is [`Wants::Apply`], otherwise a plan.
    pub wants: Wants,
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocked {
    /// For another run of its workspace: the one that holds it, or the first of those that wait.
    Run(RunId),
    /// For somebody's decision on the run that holds its workspace.
    Approval(RunId),
    /// For the workspace to be unlocked by whoever locked it.
    Lock,
    /// For a slot of its organization.
    Slot,
}

/// Decides which waiting runs start now.
pub fn decide(facts: &QueueFacts) -> Decisions {
    let mut queue: Vec<&WaitingRun> = facts.waiting.iter().collect();
    queue.sort_by_key(|waiting| (priority(waiting.wants), waiting.number, &waiting.run));
    let heads = heads(&queue);
    let mut free: BTreeMap<&OrganizationId, usize> =
        facts.organizations.iter().map(|(id, slots)| (id, slots.limit.saturating_sub(slots.active))).collect();

    let mut decisions = Decisions::default();
    for waiting in queue {
        let blocked = blocked_by_workspace(waiting, &heads).or_else(|| take(&mut free, &waiting.organization));
        match blocked {
            None => decisions.starts.push(Start { run: waiting.run.clone(), wants: waiting.wants }),
            Some(blocked) => decisions.blocked.push((waiting.run.clone(), blocked)),
        }
    }
    decisions
}

/// What `run` waits for; `None` when it starts now or does not wait at all. To know it of many, [`decide`] once.
pub fn waits_for(facts: &QueueFacts, run: &RunId) -> Option<Blocked> {
    decide(facts).blocked.into_iter().find(|(id, _)| id == run).map(|(_, blocked)| blocked)
}

/// Applies first, since they end what holds a workspace; plans that only look come last.
fn priority(wants: Wants) -> u8 {
    match wants {
        Wants::Apply => 0,
        Wants::Plan | Wants::SavePlan => 1,
        Wants::PlanOnly => 2,
    }
}

/// Of each workspace, the run that is first in its queue.
fn heads<'a>(queue: &[&'a WaitingRun]) -> BTreeMap<&'a WorkspaceId, &'a WaitingRun> {
    let mut heads: BTreeMap<&WorkspaceId, &WaitingRun> = BTreeMap::new();
    for &waiting in queue.iter().filter(|waiting| queues(waiting.wants)) {
        let head = heads.entry(&waiting.workspace).or_insert(waiting);
        if (waiting.number, &waiting.run) < (head.number, &head.run) {
            *head = waiting;
        }
    }
    heads
}

fn queues(wants: Wants) -> bool {
    match wants {
        Wants::Apply | Wants::Plan => true,
        Wants::SavePlan | Wants::PlanOnly => false,
    }
}

fn blocked_by_workspace(waiting: &WaitingRun, heads: &BTreeMap<&WorkspaceId, &WaitingRun>) -> Option<Blocked> {
    if !queues(waiting.wants) {
        return None;
    }
    match &waiting.occupant {
        // It took the workspace, and with it the lock, when it started.
        Some(occupant) if occupant.run == waiting.run => return None,
        Some(occupant) if occupant.needs_approval => return Some(Blocked::Approval(occupant.run.clone())),
        Some(occupant) => return Some(Blocked::Run(occupant.run.clone())),
        None => {}
    }
    if waiting.locked {
        return Some(Blocked::Lock);
    }
    let head = heads.get(&waiting.workspace).filter(|head| head.run != waiting.run)?;
    Some(Blocked::Run(head.run.clone()))
}

fn take(free: &mut BTreeMap<&OrganizationId, usize>, organization: &OrganizationId) -> Option<Blocked> {
    match free.get_mut(organization) {
        Some(slots) if *slots > 0 => {
            *slots -= 1;
            None
        }
        _ => Some(Blocked::Slot),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;
    use crate::id::Id;

    /// Reads a drawing. The first line gives the slots (`2 of 4 slots taken`); every other line is a workspace with
    /// what is true of it, a bar, and its waiting runs with what they want: `net held by 1 | 2 plan, 3 apply`.
    fn facts(drawing: &str) -> QueueFacts {
        let organization = OrganizationId::from_suffix("acme");
        let mut lines = drawing.lines().map(str::trim).filter(|line| !line.is_empty());
        let slots: Vec<usize> = lines.next().unwrap().split(' ').filter_map(|word| word.parse().ok()).collect();
        let mut facts = QueueFacts::default();
        facts.organizations.insert(organization.clone(), Slots { active: slots[0], limit: slots[1] });
        for line in lines {
            let (workspace, runs) = line.split_once('|').unwrap();
            let words: Vec<&str> = workspace.split_whitespace().collect();
            let occupant = words.iter().position(|word| *word == "by").map(|at| Occupant {
                run: RunId::from_suffix(words[at + 1]),
                needs_approval: words.contains(&"unapproved"),
            });
            for run in runs.split(',') {
                let (number, wants) = run.trim().split_once(' ').unwrap();
                facts.waiting.push(WaitingRun {
                    run: RunId::from_suffix(number),
                    workspace: WorkspaceId::from_suffix(words[0]),
                    organization: organization.clone(),
                    number: number.parse().unwrap(),
                    wants: match wants {
                        "plan" => Wants::Plan,
                        "apply" => Wants::Apply,
                        "save" => Wants::SavePlan,
                        "look" => Wants::PlanOnly,
                        other => panic!("{other}"),
                    },
                    locked: words.contains(&"locked"),
                    occupant: occupant.clone(),
                });
            }
        }
        facts
    }

    #[track_caller]
    fn check(drawing: &str, expected: Expect) {
        let facts = facts(drawing);
        let decisions = decide(&facts);
        let mut lines: Vec<String> =
            decisions.starts.iter().map(|start| format!("{} starts to {:?}", start.run, start.wants)).collect();
        for (run, blocked) in &decisions.blocked {
            assert_eq!(waits_for(&facts, run).as_ref(), Some(blocked));
            lines.push(format!("{run} waits for {blocked:?}"));
        }
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn one_run_at_a_time_writes_a_workspace_first_in_first_out() {
        check(
            "0 of 9 slots taken
             net | 3 plan, 2 plan
             dns held by 1 | 4 plan",
            expect![[r#"
                run-2 starts to Plan
                run-3 waits for Run(run-2)
                run-4 waits for Run(run-1)"#]],
        );
    }

    #[test]
    fn plans_that_write_nothing_wait_for_neither_queue_nor_lock() {
        check(
            "0 of 9 slots taken
             net held by 1 | 2 plan, 3 look, 4 save
             dns locked    | 5 plan, 6 look, 7 save",
            expect![[r#"
                run-4 starts to SavePlan
                run-7 starts to SavePlan
                run-3 starts to PlanOnly
                run-6 starts to PlanOnly
                run-2 waits for Run(run-1)
                run-5 waits for Lock"#]],
        );
    }

    #[test]
    fn slots_go_to_applies_then_plans_then_plan_only_runs() {
        check(
            "1 of 4 slots taken
             net           | 1 look
             dns           | 2 plan
             app           | 3 save
             web held by 4 | 4 apply
             job           | 5 plan",
            expect![[r#"
                run-4 starts to Apply
                run-2 starts to Plan
                run-3 starts to SavePlan
                run-5 waits for Slot
                run-1 waits for Slot"#]],
        );
    }

    #[test]
    fn a_run_that_waits_for_approval_holds_its_workspace_and_no_slot() {
        check(
            "0 of 1 slots taken
             net held unapproved by 1 | 2 plan
             dns                      | 3 plan",
            expect![[r#"
                run-3 starts to Plan
                run-2 waits for Approval(run-1)"#]],
        );
    }

    #[test]
    fn a_lock_by_hand_stops_what_has_not_started_and_nothing_else() {
        check(
            "0 of 9 slots taken
             net locked           | 1 plan, 2 plan
             dns locked held by 3 | 3 apply, 4 plan",
            expect![[r#"
                run-3 starts to Apply
                run-1 waits for Lock
                run-2 waits for Lock
                run-4 waits for Run(run-3)"#]],
        );
    }

    #[test]
    fn the_apply_of_a_saved_plan_waits_for_its_workspace_in_its_turn() {
        check(
            "0 of 9 slots taken
             net           | 1 apply, 2 plan
             dns held by 3 | 4 apply
             app locked    | 5 apply
             web           | 6 plan, 7 apply",
            expect![[r#"
                run-1 starts to Apply
                run-6 starts to Plan
                run-4 waits for Run(run-3)
                run-5 waits for Lock
                run-7 waits for Run(run-6)
                run-2 waits for Run(run-1)"#]],
        );
    }

    #[test]
    fn an_organization_over_its_limit_or_unknown_starts_nothing() {
        check("5 of 4 slots taken\n net | 1 plan", expect!["run-1 waits for Slot"]);
        let mut facts = facts("0 of 4 slots taken\n net | 1 plan");
        facts.organizations.clear();
        assert_eq!(waits_for(&facts, &RunId::from_suffix("1")), Some(Blocked::Slot));
    }

    #[test]
    fn a_queue_of_thousands_gives_out_every_slot_once() {
        let mut facts = facts("0 of 100 slots taken");
        for number in 0..5_000 {
            facts.waiting.push(WaitingRun {
                run: RunId::from_suffix(&number.to_string()),
                workspace: WorkspaceId::from_suffix(&(number % 500).to_string()),
                organization: OrganizationId::from_suffix("acme"),
                number,
                wants: Wants::Plan,
                locked: false,
                occupant: None,
            });
        }
        let decisions = decide(&facts);
        assert_eq!(decisions.starts.len(), 100);
        assert_eq!(decisions.blocked.len(), 4_900);
    }

    proptest! {
        #[test]
        fn whatever_waits_slots_and_workspaces_are_given_once_and_every_run_is_answered(
            runs in prop::collection::vec((0_usize..5, 0_u8..4, 0_u64..50), 0..30),
            workspaces in prop::collection::vec((any::<bool>(), prop::option::of((0_usize..40, any::<bool>()))), 5),
            (limit, active) in (0_usize..8, 0_usize..8),
        ) {
            let organization = OrganizationId::from_suffix("acme");
            let run = |number: usize| RunId::from_suffix(&number.to_string());
            let mut facts = QueueFacts::default();
            facts.organizations.insert(organization.clone(), Slots { limit, active });
            for (number, (workspace, wants, order)) in runs.into_iter().enumerate() {
                let (locked, occupant) = workspaces[workspace];
                facts.waiting.push(WaitingRun {
                    run: run(number),
                    workspace: WorkspaceId::from_suffix(&workspace.to_string()),
                    organization: organization.clone(),
                    number: order,
                    wants: [Wants::Apply, Wants::Plan, Wants::SavePlan, Wants::PlanOnly][usize::from(wants)],
                    locked,
                    occupant: occupant.map(|(number, needs_approval)| Occupant { run: run(number), needs_approval }),
                });
            }

            let decisions = decide(&facts);
            prop_assert_eq!(decisions.starts.len() + decisions.blocked.len(), facts.waiting.len());
            let free = limit.saturating_sub(active);
            prop_assert!(decisions.starts.len() <= free);
            let waits_for_slot = decisions.blocked.iter().any(|(_, blocked)| *blocked == Blocked::Slot);
            prop_assert!(!waits_for_slot || decisions.starts.len() == free, "a slot is left while a run waits for one");
            let mut writers = std::collections::BTreeSet::new();
            for start in &decisions.starts {
                let waiting = facts.waiting.iter().find(|waiting| waiting.run == start.run).unwrap();
                if queues(waiting.wants) {
                    prop_assert!(writers.insert(&waiting.workspace), "two write {}", waiting.workspace);
                    let holds = waiting.occupant.as_ref().map(|occupant| occupant.run == waiting.run);
                    prop_assert!(holds.unwrap_or(!waiting.locked));
                }
            }
        }
    }
}
