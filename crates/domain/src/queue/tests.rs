//! Single decisions, drawn.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};

use super::*;
use crate::id::{Id, OrganizationId, ProjectId, RunId, WorkspaceId};

/// Reads a drawing. The first line gives limits: of the organization, of projects and tags (`limit 4, project p 1, tag
/// web 2`). Every other line is a workspace: its name, what is true of it (`locked`, `in p`, `tagged web`), a bar, and its
/// runs with what they have or want: `net | 1 slot, 2 plan, 3 apply for 1`. The first that has something other than a
/// wait, or waits with `held`, occupies the workspace.
pub(super) fn facts(drawing: &str) -> QueueFacts {
    let organization = OrganizationId::from_suffix("acme");
    let mut lines = drawing.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut facts = QueueFacts { projects: vec![(ProjectId::from_suffix("default"), 0)], ..QueueFacts::default() };
    for limit in lines.next().unwrap().split(',') {
        let words: Vec<&str> = limit.split_whitespace().collect();
        let scope = match words[0] {
            "limit" => Scope::Organization(organization.clone()),
            "project" => Scope::Project(ProjectId::from_suffix(words[1])),
            "tag" => Scope::Tag(organization.clone(), words[1].to_owned()),
            other => panic!("{other}"),
        };
        facts.limits.push(LimitFacts { scope, limit: words.last().unwrap().parse().unwrap() });
    }
    for line in lines {
        let (workspace, runs) = line.split_once('|').unwrap();
        let words: Vec<&str> = workspace.split_whitespace().collect();
        let after = |word: &str| words.iter().position(|it| *it == word).map(|at| words[at + 1]);
        let project = ProjectId::from_suffix(after("in").unwrap_or("default"));
        let at = facts.projects.iter().position(|(id, _)| *id == project).unwrap_or_else(|| {
            facts.projects.push((project.clone(), 0));
            facts.projects.len() - 1
        });
        let counted = |it: &LimitFacts| match &it.scope {
            Scope::Organization(_) | Scope::Executor(_) => true,
            Scope::Project(id) => *id == project,
            Scope::Tag(_, tag) => after("tagged") == Some(tag.as_str()),
        };
        let limits = (0..facts.limits.len()).filter(|&at| counted(&facts.limits[at])).collect();
        let mut runs: Vec<QueuedRun> =
            runs.split(',').map(str::trim).filter(|it| !it.is_empty()).map(queued_run).collect();
        runs.sort_by_key(|run| run.number);
        facts.workspaces.push(WorkspaceFacts {
            workspace: WorkspaceId::from_suffix(words[0]),
            project: at,
            limits,
            locked: words.contains(&"locked"),
            runs,
        });
    }
    facts
}

fn queued_run(text: &str) -> QueuedRun {
    let words: Vec<&str> = text.split_whitespace().collect();
    let hold = match words[1] {
        "plan" => Hold::Waits(Wants::Plan),
        "apply" => Hold::Waits(Wants::Apply),
        "save" => Hold::Waits(Wants::SavePlan),
        "look" => Hold::Waits(Wants::PlanOnly),
        "slot" => Hold::Slot,
        "parked" => Hold::Parked,
        "resuming" => Hold::Resuming,
        "unapproved" => Hold::Approval,
        other => panic!("{other}"),
    };
    let needed_by = words.iter().position(|it| *it == "for").map(|at| RunId::from_suffix(words[at + 1]));
    QueuedRun {
        run: RunId::from_suffix(words[0]),
        number: words[0].parse().unwrap(),
        needed_by: needed_by.into_iter().collect(),
        occupies: words.contains(&"held") || !matches!(hold, Hold::Waits(_)),
        hold,
    }
}

#[track_caller]
fn check(drawing: &str, expected: Expect) {
    let facts = facts(drawing);
    let decisions = Queue::of(facts.clone()).decide();
    let mut lines: Vec<String> = decisions.resumes.iter().map(|run| format!("{run} has a slot again")).collect();
    lines.extend(decisions.starts.iter().map(|start| format!("{} starts to {:?}", start.run, start.wants)));
    let mut left = BTreeMap::new();
    for workspace in &facts.workspaces {
        for run in workspace.runs.iter().filter(|run| matches!(run.hold, Hold::Waits(_))) {
            let starts = decisions.starts.iter().any(|start| start.run == run.run);
            match workspace.blocks(run) {
                blocked if starts => assert_eq!(blocked, None),
                Some(blocked) => drop(left.insert(run.number, format!("{} waits for {blocked:?}", run.run))),
                None => drop(left.insert(run.number, format!("{} waits for a slot", run.run))),
            }
        }
    }
    lines.extend(left.into_values());
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn one_run_at_a_time_writes_a_workspace_first_in_first_out() {
    check(
        "limit 9
         net | 3 plan, 2 plan
         dns | 1 slot, 4 plan",
        expect![[r#"
            run-2 starts to Plan
            run-3 waits for Run(run-2)
            run-4 waits for Run(run-1)"#]],
    );
}

#[test]
fn plans_that_write_nothing_wait_for_neither_queue_nor_lock() {
    check(
        "limit 9
         net        | 1 slot, 2 plan, 3 look, 4 save
         dns locked | 5 plan, 6 look, 7 save",
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
        "limit 4
         one | 9 slot
         net | 1 look
         dns | 2 plan
         app | 3 save
         web | 4 apply held
         job | 5 plan",
        expect![[r#"
            run-4 starts to Apply
            run-2 starts to Plan
            run-3 starts to SavePlan
            run-1 waits for a slot
            run-5 waits for a slot"#]],
    );
}

#[test]
fn a_run_that_waits_for_approval_holds_its_workspace_and_no_slot() {
    check(
        "limit 1
         net | 1 unapproved, 2 plan
         dns | 3 plan",
        expect![[r#"
            run-3 starts to Plan
            run-2 waits for Approval(run-1)"#]],
    );
}

#[test]
fn a_lock_by_hand_stops_what_has_not_started_and_nothing_else() {
    check(
        "limit 9
         net locked | 1 plan, 2 plan
         dns locked | 3 apply held, 4 plan",
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
        "limit 9
         net        | 1 apply, 2 plan
         dns        | 3 slot, 4 apply
         app locked | 5 apply
         web        | 6 plan, 7 apply",
        expect![[r#"
            run-1 starts to Apply
            run-6 starts to Plan
            run-2 waits for Run(run-1)
            run-4 waits for Run(run-3)
            run-5 waits for Lock
            run-7 waits for Run(run-6)"#]],
    );
}

#[test]
fn an_organization_over_its_limit_starts_nothing() {
    check("limit 1\n net | 1 slot\n dns | 2 slot\n app | 3 plan", expect!["run-3 waits for a slot"]);
}

#[test]
fn a_run_takes_a_slot_of_each_of_its_limits_or_none() {
    check(
        "limit 9, project p 1, tag web 1
         a in p            | 1 plan
         b in p            | 2 plan
         c in q tagged web | 3 plan
         d in p tagged web | 4 plan
         e in q            | 5 plan",
        expect![[r#"
            run-1 starts to Plan
            run-3 starts to Plan
            run-5 starts to Plan
            run-2 waits for a slot
            run-4 waits for a slot"#]],
    );
}

#[test]
fn the_projects_take_turns_and_the_one_with_fewest_slots_is_next() {
    check(
        "limit 5
         a in p | 1 slot
         b in p | 2 plan
         c in p | 3 plan
         d in p | 4 plan
         e in q | 5 plan
         f in q | 6 plan
         g in r | 7 plan",
        expect![[r#"
            run-5 starts to Plan
            run-7 starts to Plan
            run-2 starts to Plan
            run-6 starts to Plan
            run-3 waits for a slot
            run-4 waits for a slot"#]],
    );
}

#[test]
fn with_one_slot_the_turns_of_before_count() {
    let mut facts = facts(
        "limit 1
         a in p | 1 plan
         b in q | 9 plan
         c in r | 5 plan",
    );
    for (project, turn) in [("p", 30), ("q", 10), ("r", 20)] {
        facts.projects.iter_mut().find(|(id, _)| *id == ProjectId::from_suffix(project)).unwrap().1 = turn;
    }
    assert_eq!(Queue::of(facts.clone()).decide().starts[0].run, RunId::from_suffix("9"));
}

#[test]
fn a_parked_run_has_no_slot_and_what_it_waits_for_goes_first() {
    check(
        "limit 1
         runner | 4 parked
         other  | 1 plan
         net    | 5 plan for 4",
        expect![[r#"
            run-5 starts to Plan
            run-1 waits for a slot"#]],
    );
}

#[test]
fn an_apply_goes_before_a_plan_that_a_parked_run_waits_for() {
    check(
        "limit 1
         runner | 4 parked
         other  | 1 apply held
         net    | 5 plan for 4",
        expect![[r#"
            run-1 starts to Apply
            run-5 waits for a slot"#]],
    );
}

#[test]
fn the_deepest_of_the_oldest_family_goes_first() {
    check(
        "limit 2
         old   | 1 parked
         new   | 2 parked
         a     | 3 plan for 2
         b     | 4 plan for 1
         c     | 5 parked for 1
         d     | 6 plan for 5",
        expect![[r#"
            run-6 starts to Plan
            run-4 starts to Plan
            run-3 waits for a slot"#]],
    );
}

#[test]
fn whoever_stands_before_a_run_that_is_needed_is_needed_as_well() {
    check(
        "limit 1
         runner | 2 parked
         other  | 1 plan
         net    | 3 plan, 4 plan for 2",
        expect![[r#"
            run-3 starts to Plan
            run-1 waits for a slot
            run-4 waits for Run(run-3)"#]],
    );
}

#[test]
fn a_run_that_goes_on_gets_the_next_slot_and_until_then_nothing_starts() {
    let full = "limit 2
         a | 1 slot
         b | 2 slot
         c | 3 resuming
         d | 4 apply held";
    check(full, expect!["run-4 waits for a slot"]);
    check(
        "limit 2
         a | 1 slot
         c | 3 resuming
         d | 4 apply held",
        expect![[r#"
            run-3 has a slot again
            run-4 waits for a slot"#]],
    );
    check(
        "limit 3, project p 1
         a in p | 1 slot
         c in p | 3 resuming
         d in q | 4 plan
         e in q | 5 plan",
        expect![[r#"
            run-4 starts to Plan
            run-5 waits for a slot"#]],
    );
}

#[test]
fn a_queue_of_ten_thousand_gives_out_every_slot_once() {
    let mut facts = facts("limit 100");
    for workspace in 0..2_000_u64 {
        let runs = (0..5).map(|at| QueuedRun {
            run: RunId::from_suffix(&format!("{workspace}x{at}")),
            number: at * 2_000 + workspace,
            needed_by: Vec::new(),
            occupies: false,
            hold: Hold::Waits(Wants::Plan),
        });
        facts.workspaces.push(WorkspaceFacts {
            workspace: WorkspaceId::from_suffix(&workspace.to_string()),
            project: 0,
            limits: vec![0],
            locked: false,
            runs: runs.collect(),
        });
    }
    let decisions = Queue::of(facts.clone()).decide();
    let expected: Vec<_> = (0..100).map(|at| RunId::from_suffix(&format!("{at}x0"))).collect();
    assert_eq!(decisions.starts.into_iter().map(|start| start.run).collect::<Vec<_>>(), expected);
}

#[test]
fn a_limit_that_was_changed_holds_at_once_and_one_that_is_new_needs_all_facts() {
    let mut queue = Queue::of(facts("limit 1\n net | 1 slot\n dns | 2 plan"));
    let mut limits = queue.facts().limits.clone();
    limits[0].limit = 2;
    assert!(queue.set_limits(limits.clone()));
    assert_eq!(queue.decide().starts[0].run, RunId::from_suffix("2"));
    limits[0].limit = 1;
    limits.push(LimitFacts { scope: Scope::Executor("local".into()), limit: 1 });
    assert!(!queue.set_limits(limits));
    assert_eq!(queue.decide().starts.len(), 1);
}
