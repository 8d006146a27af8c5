//! The document of the plan of a stack.

use expect_test::expect_file;
use wire::Document;
use wire::stack_plans::{StackPlan, StackPlanAttributes, StackPlanCounts, StackPlanRow};

use super::{at, check};

#[test]
fn the_plan_of_a_stack() {
    let planned = StackPlanRow {
        workspace_id: "ws-1".to_owned(),
        workspace: "net".to_owned(),
        status: "planned".to_owned(),
        counts: StackPlanCounts { add: 2, replace: 1, r#move: 1, ..StackPlanCounts::default() },
        has_changes: true,
        why: vec!["own code (net/main.tf)".to_owned()],
        run_id: Some("run-1".to_owned()),
        apply_run_id: Some("run-2".to_owned()),
        ..StackPlanRow::default()
    };
    let deferred = StackPlanRow {
        workspace_id: "ws-2".to_owned(),
        workspace: "app".to_owned(),
        status: "deferred".to_owned(),
        deferred_until: vec!["net".to_owned()],
        reason: Some("Invalid count argument".to_owned()),
        ..StackPlanRow::default()
    };
    let attributes = StackPlanAttributes {
        status: "approved".to_owned(),
        message: "apply of prod".to_owned(),
        digest: "d1".to_owned(),
        rows: vec![planned, deferred],
        can_decide: true,
        created_by: "owner".to_owned(),
        created_at: at(0),
        decided_by: Some("ann".to_owned()),
        decided_at: Some(at(30)),
        comment: Some("reviewed".to_owned()),
        ..StackPlanAttributes::default()
    };
    check(&Document::new(StackPlan::new("spl-1", attributes)), expect_file!["../../golden/stack_plan.json"]);
}
